using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;

namespace Purser.Sandbox.Paytm;

/// <summary>Paytm from its documents: initiateTransaction, the page that a form opens with its token, order status, refunds and settlement/list.
/// Settings where the documents leave something open:
/// <c>retry</c>=page (a declined try leaves the page open), <c>seen</c>=pending (a page that was shown counts as a payment under way),
/// <c>status</c>=501 (the status call itself is down and says TXN_FAILURE), <c>token_minutes</c>, <c>webhook</c>=json (payments are told as JSON),
/// <c>refund</c>=failure, stuck, balance or bank (pending at the bank under the word of a failure), <c>settlement_checksum</c>=json.</summary>
public sealed partial class PaytmDialect : IGatewayDialect
{
    // Keys have characters that files of settings and addresses take for something else.
    const string Mid = "SANDBX00000000000001", MerchantKey = "SbxKey#16&Bytes%", Website = "WEBSTAGING";

    const string PagePath = "/theia/page/";

    static readonly PaytmResult Success = new("S", "0000", "Success"), BadChecksum = new("F", "2005", "Checksum provided is invalid");

    GatewayWorld world = null!;
    PaytmVault vault = new();

    public string Name => "paytm";

    public int DefaultPort => 7417;

    public IReadOnlyDictionary<string, string> Credentials { get; } =
        new Dictionary<string, string> { ["mid"] = Mid, ["merchant_key"] = MerchantKey, ["website"] = Website };

    /// <summary>Webhooks have no secret of their own.</summary>
    public string WebhookSecret => MerchantKey;

    public IReadOnlySet<string> AmountFields { get; } = new HashSet<string>
    {
        "TXNAMOUNT", "txnAmount", "REFUNDAMOUNT", "refundAmount", "totalRefundAmount", "settleAmount",
    };

    public IReadOnlySet<string> IdentityFields { get; } = new HashSet<string>
    {
        "ORDERID", "orderId", "TXNID", "txnId", "REFID", "refId", "REFUNDID", "refundId", "txnToken",
    };

    public void Open(GatewayWorld world)
    {
        this.world = world;
        vault = new();
    }

    public string CallName(Call call) => (call.Method, call.Path) switch
    {
        ("POST", "/theia/api/v1/initiateTransaction") => "create_link",
        ("POST", "/v3/order/status") => "inquire",
        ("POST", "/refund/apply") => "refund",
        ("POST", "/v2/refund/status") => "inquire_refund",
        ("POST", "/merchant-settlement-service/settlement/list") => "settlement",
        _ => "other",
    };

    public async Task<Reply> Answer(Call call)
    {
        await call.Work();
        var reply = (call.Method, call.Path) switch
        {
            ("POST", "/theia/api/v1/initiateTransaction") => Signed(call, Initiate, BadChecksum),
            ("POST", "/theia/api/v1/showPaymentPage") => ShowPage(call),
            ("POST", "/v3/order/status") => Signed(call, (_, asked) => OrderStatus(asked), Failure("330", "Invalid checksum")),
            ("POST", "/refund/apply") => Signed(call, (_, asked) => Refund(asked), Failure("330", "Invalid checksum")),
            ("POST", "/v2/refund/status") => Signed(call, (_, asked) => RefundStatus(asked), Failure("330", "Invalid checksum")),
            ("POST", "/merchant-settlement-service/settlement/list") => SettlementList(call),
            _ => Html(404, "Not Found"),
        };
        return call.Instead ?? reply;
    }

    public Reply Trouble(int status) => Told(new PaytmResult("U", status == 429 ? "00000900" : "501", "System error")) with { Status = status };

    public IEnumerable<Link> Links() => vault.OrderQueue;

    public Link? LinkByReference(string reference) => vault.Orders.GetValueOrDefault(reference);

    public Link? LinkByPage(string path) =>
        path.StartsWith(PagePath, StringComparison.Ordinal) ? vault.OrdersByPage.GetValueOrDefault(path) : null;

    /// <summary>The checksum is over the text of the body as it came, so it is cut out and not written anew.</summary>
    static Reply Signed(Call call, Func<Call, JsonObject, JsonObject> serve, PaytmResult forged)
    {
        JsonObject asked;
        string? signature;
        if (PaytmDialectChecksum.RawField(call.Body, "body") is not { } text) return Told(forged with { Code = "1007", Message = "Missing mandatory element" });
        try
        {
            if (JsonNode.Parse(text) is not JsonObject body || JsonNode.Parse(call.Body) is not JsonObject whole) return Told(forged);
            (asked, signature) = (body, PaytmText.Of(whole["head"], "signature"));
            // Names that come twice show only when they are read.
            _ = asked.Count + whole.Count;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return Told(forged with { Code = "1001", Message = "Request parameters are not valid" });
        }

        return PaytmDialectChecksum.Verifies(text, signature, MerchantKey) ? Told(serve(call, asked)) : Told(forged);
    }

    JsonObject Initiate(Call call, JsonObject asked)
    {
        if (PaytmRules.WrongOrder(asked, Mid, call) is { } wrong) return Result(wrong);
        if (PaytmText.Of(asked, "websiteName") != Website) return Result(BadChecksum);
        var amount = PaytmText.Paise(PaytmText.Of(asked["txnAmount"], "value"))!.Value;
        var fresh = new PaytmOrder(asked, amount, NextToken(), new Uri(world.Address, PagePath + world.NextId("", 24)), world.Now)
        {
            Description = PaytmText.Of(asked["extendInfo"], "comments") ?? "",
        };
        var order = vault.Orders.GetOrAdd(fresh.Id, fresh);
        lock (order.Gate)
        {
            if (order != fresh && order.Latest is not null) return Result(new("F", "325", "Duplicate order id"));
            if (!PaytmRules.SameOrder(order.Asked, asked)) return Result(new("F", "2023", "Repeat Request Inconsistent"));
            if (order == fresh) vault.Keep(order);
            // A token that still lives is given again; else a new one with a time of its own.
            else if (!order.Open) (order.Token, order.Open) = (fresh.Token, true);
            if (order == fresh || order.Token == fresh.Token) StartToken(order);
            var answer = Result(order == fresh ? Success : new("S", "0002", "Success Idempotent"));
            answer["txnToken"] = order.Token;
            answer["isPromoCodeValid"] = false;
            answer["authenticated"] = false;
            return answer;
        }
    }

    string NextToken() => world.NextId("", 32).ToLowerInvariant() + $"{world.NowSeconds}";

    void StartToken(PaytmOrder order)
    {
        var minutes = world.Settings.TryGetValue("token_minutes", out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : 15;
        order.ExpiresAt = world.Now.AddMinutes(minutes);
        world.Deadlines.Add(order);
    }

    /// <summary>The browser's form with the token; another one's token shows nothing.</summary>
    Reply ShowPage(Call call)
    {
        Dictionary<string, Microsoft.Extensions.Primitives.StringValues> form;
        try
        {
            form = QueryHelpers.ParseQuery(call.BodyText);
        }
        catch (InvalidDataException)
        {
            return Html(400, "The request cannot be read.");
        }

        var (mid, orderId, token) = (Field("mid"), Field("orderId"), Field("txnToken"));
        if (mid != Mid || call.Asked("mid") is { } m && m != mid) return Html(400, "The merchant is not known.");
        if (call.Asked("orderId") is { } o && o != orderId) return Html(400, "The order is not the same in the address.");
        if (!vault.Orders.TryGetValue(orderId, out var order)) return Html(400, "The order is not known.");
        lock (order.Gate)
            return Wire.SameText(order.Token, token) && (order.Open || order.Latest is not null)
                ? Reply.Redirect(order.Url!) : Html(400, "Session expired. (1006)");

        string Field(string name) => form.TryGetValue(name, out var values) && values is [{ } one] ? one : "";
    }

    JsonObject OrderStatus(JsonObject asked)
    {
        if (PaytmText.Of(asked, "mid") != Mid) return Result(Failure("335", "Mid is invalid"));
        if (PaytmText.Of(asked, "orderId") is not { } orderId || !PaytmRules.GoodOrderId(orderId)) return Result(Failure("334", "Invalid order id"));
        if (world.Settings.GetValueOrDefault("status") == "501") return Result(Failure("501", "Server Down"));
        if (!vault.Orders.TryGetValue(orderId, out var order)) return Result(NoRecord);
        lock (order.Gate)
        {
            if (order.Latest is { } last) return Status(last);
            return Result(order is { Seen: true, Open: true } && world.Settings.GetValueOrDefault("seen") == "pending"
                ? new("PENDING", "402", PaytmRules.Pending) : NoRecord);
        }
    }

    static JsonObject Status(PaytmTry one)
    {
        // While the page takes another try, the order itself has not come to an end.
        var answer = Result(one.Order.Open && one.Status == "TXN_FAILURE" ? new("PENDING", "402", PaytmRules.Pending) : new(one.Status, one.Code, one.Message));
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["txnId"] = one.TxnId,
            ["bankTxnId"] = one.BankTxnId,
            ["orderId"] = one.Order.Id,
            ["txnAmount"] = PaytmText.Rupees(one.Amount),
            ["txnType"] = "SALE",
            ["gatewayName"] = one.BankTxnId.Length > 0 ? "SANDBOXGW" : "",
            ["bankName"] = one.BankTxnId.Length > 0 ? "Sandbox Bank" : "",
            ["mid"] = Mid,
            ["paymentMode"] = one.Mode,
            ["refundAmt"] = PaytmText.Rupees(one.Returned),
            ["txnDate"] = PaytmText.TimeWithTenths(one.At),
        }) answer[name] = value;
        return answer;
    }

    static PaytmResult NoRecord => new("NO_RECORD_FOUND", "331", "No Record Found");

    static PaytmResult Failure(string code, string message) => new("TXN_FAILURE", code, message);

    static JsonObject Result(PaytmResult result) => new() { ["resultInfo"] = result.Json };

    static Reply Told(PaytmResult result) => Told(Result(result));

    /// <summary>HTTP says 200 to nearly everything, and every answer is signed.</summary>
    static Reply Told(JsonObject body) => new(200, body) { Written = said => Envelope(said, MerchantKey) };

    static byte[] Envelope(JsonNode? said, string? key)
    {
        var body = said?.ToJsonString(Wire.Compact) ?? "{}";
        var head = new JsonObject { ["version"] = "v1" };
        if (key is not null) head["signature"] = PaytmDialectChecksum.Sign(body, key, NextSalt());
        return Encoding.UTF8.GetBytes($"{{\"head\":{head.ToJsonString(Wire.Compact)},\"body\":{body}}}");
    }

    /// <summary>Three bytes as four characters of Base64, + and / among them.</summary>
    static string NextSalt()
    {
        Span<byte> three = stackalloc byte[3];
        System.Security.Cryptography.RandomNumberGenerator.Fill(three);
        return Convert.ToBase64String(three);
    }

    static Reply Html(int status, string text) => Reply.Raw(status, "text/html; charset=UTF-8",
        Encoding.UTF8.GetBytes($"<!DOCTYPE html><html lang=\"en\"><head><title>Error</title></head><body><h1>Error</h1><p>{WebUtility.HtmlEncode(text)}</p></body></html>"));
}
