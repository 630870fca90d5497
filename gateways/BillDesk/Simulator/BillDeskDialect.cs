using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;

namespace Purser.Sandbox.BillDesk;

/// <summary>BillDesk's JSON API in tokens, from its documents: orders, the launch of the page, transactions. Refunds, settlements and what shoppers do
/// stand in the other parts. Settings where the documents leave something open: <c>scheme</c>=symmetric (encrypted and signed, not signed only),
/// <c>retry</c>=page (a declined try leaves the page open), <c>orderid</c>=wide, <c>whitelist</c>=refuse (the caller's address is not
/// known), <c>return</c>=get, <c>return_field</c>, <c>webhook</c>=jose (a bare token), <c>webhook_retries</c>=none, <c>surcharge</c>=10.00,
/// <c>refunds</c>=pending or fail, <c>refund_webhooks</c>=on, <c>late_money</c>=refund.</summary>
public sealed partial class BillDeskDialect : IGatewayDialect
{
    const string MerchantId = "SANDBOXBD", ClientId = "sandboxbd", KeyId = "sandboxkey01";
    const string SigningKey = "SandboxSigningKey0123456789abcdef", EncryptionKey = "SandboxEncKey0123456789abcdefABC";
    const string Media = "application/jose", PagePath = "/web/v1_2/page/";

    /// <summary>Where the browser posts what an order was answered with.</summary>
    public const string LaunchPath = "/web/v1_2/embeddedsdk";

    static readonly TimeSpan LaunchTime = TimeSpan.FromMinutes(30);

    GatewayWorld world = null!;
    BillDeskVault vault = new();

    public string Name => "billdesk";

    public int DefaultPort => 7414;

    public IReadOnlyDictionary<string, string> Credentials { get; } = new Dictionary<string, string>
    {
        ["merchant_id"] = MerchantId,
        ["client_id"] = ClientId,
        ["signing_key"] = SigningKey,
        ["encryption_key"] = EncryptionKey,
        ["encryption_key_id"] = KeyId,
        ["scheme"] = "hmac",
    };

    /// <summary>Webhooks have no secret of their own.</summary>
    public string WebhookSecret => SigningKey;

    public IReadOnlySet<string> AmountFields { get; } =
        new HashSet<string> { "amount", "charge_amount", "surcharge", "discount", "txn_amount", "refund_amount", "payout_amount" };

    public IReadOnlySet<string> IdentityFields { get; } = new HashSet<string>
    {
        "orderid", "bdorderid", "transactionid", "refundid", "merc_refund_ref_no", "additional_info", "rdata", "pv_number",
    };

    public void Open(GatewayWorld world)
    {
        this.world = world;
        vault = new();
    }

    public string CallName(Call call) => Parts(call) switch
    {
        ["payments", _, "orders", "create"] => "create_link",
        ["payments", _, "transactions", "get"] => "inquire",
        ["payments", _, "refunds", "create"] => "refund",
        ["payments", _, "refunds", "get"] => "inquire_refund",
        ["pasettlements", _, "settlements", "get"] => "settlement",
        _ => "other",
    };

    public async Task<Reply> Answer(Call call)
    {
        await call.Work();
        var reply = Execute(call);
        return call.Instead ?? reply;
    }

    public Reply Trouble(int status) => status == 503
        ? Html(status, "Service Temporarily Unavailable")
        : Error(status, status == 429 ? "api_connection_error" : "api_processing_error", "APIPE0001", "The request could not be processed");

    public IEnumerable<Link> Links() => vault.InOrder;

    public Link? LinkByReference(string reference) => vault.Orders.GetValueOrDefault(reference);

    public Link? LinkByPage(string path) =>
        path.StartsWith(PagePath, StringComparison.Ordinal) ? vault.OrdersByPage.GetValueOrDefault(path) : null;

    /// <summary>Their test host has everything below /u2.</summary>
    static string[] Parts(Call call) => call.Path.Split('/', StringSplitOptions.RemoveEmptyEntries) is ["u2", .. var rest] ? rest
        : call.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);

    Reply Execute(Call call)
    {
        // Even what is only read is asked for with POST.
        if (call.Method != "POST") return Html(405, "Method Not Allowed");
        var parts = Parts(call);
        if (parts is ["web", "v1_2", "embeddedsdk"]) return Launch(call);
        if (parts is not (["payments", "ve1_2" or "v1_2", _, _] or ["pasettlements", "v1_2", "settlements", "get"])) return Html(404, "Not Found");
        if (world.Settings.GetValueOrDefault("whitelist") == "refuse") return Html(403, "Access Denied");
        if (Opened(call.BodyText) is not { } text) return NotTheirs();
        if (BillDeskRules.WrongHeaders(call) is { } wrong) return Invalid(wrong);
        if (!vault.FirstSeen(call.Header("BD-Traceid")!, world.Now)) return Error(409, "duplicate_request_error", "APDRE0001", "Duplicate BD-Traceid");
        if (BillDeskRules.Read(text) is not { } asked) return Invalid("The payload is not JSON");
        if (BillDeskText.Text(asked["mercid"]) != MerchantId) return Invalid("mercid is invalid");
        return (parts[^2], parts[^1]) switch
        {
            ("orders", "create") => CreateOrder(asked),
            ("transactions", "get") => ReadTransaction(asked),
            ("refunds", "create") => Refund(asked),
            ("refunds", "get") => ReadRefund(asked),
            ("settlements", "get") => ReadSettlements(asked),
            _ => Html(404, "Not Found"),
        };
    }

    bool Encrypts => world.Settings.GetValueOrDefault("scheme") == "symmetric";

    /// <summary>What a request says. A client that was set up for the other scheme cannot be read.</summary>
    string? Opened(string token)
    {
        if (BillDeskTokens.Verify(token, ClientId, SigningKey) is not { } payload) return null;
        if (Encrypts) return BillDeskTokens.Decrypt(payload, ClientId, EncryptionKey);
        return payload.StartsWith('{') ? payload : null;
    }

    /// <summary>Everything that BillDesk says, also its errors, in the scheme of the client.</summary>
    string Token(string text, string? key)
    {
        var payload = text;
        if (Encrypts)
            payload = BillDeskTokens.Encrypt($$"""{"alg":"dir","enc":"A256GCM","kid":"{{KeyId}}","clientid":"{{ClientId}}"}""", text, EncryptionKey,
                Encoding.ASCII.GetBytes(world.NextId("", 12)));
        var header = Encrypts ? $$"""{"alg":"HS256","kid":"{{KeyId}}","clientid":"{{ClientId}}"}""" : $$"""{"alg":"HS256","clientid":"{{ClientId}}","kid":"HMAC"}""";
        return key is null ? BillDeskTokens.Unsigned(header, payload) : BillDeskTokens.Sign(header, payload, key);
    }

    Reply Told(int status, JsonObject body) => new(status, body)
    {
        ContentType = Media,
        Written = said => Encoding.ASCII.GetBytes(Token(said?.ToJsonString(Wire.Compact) ?? "", SigningKey)),
        Executed = status == 200,
    };

    Reply Error(int status, string type, string code, string message) => Told(status, new JsonObject
    {
        ["status"] = status,
        ["error_type"] = type,
        ["error_code"] = code,
        ["message"] = message,
    });

    Reply Invalid(string message) => Error(400, "invalid_data_error", "APIDE0001", message);

    Reply NotFound(string message) => Error(404, "not_found_error", "TRNFE0001", message);

    /// <summary>A client whose signature does not fit could not read a token either.</summary>
    static Reply NotTheirs() => new(401, new JsonObject
    {
        ["error"] = "invalid_client",
        ["error_description"] = "Client authentication failed",
    })
    { Executed = false };

    Reply CreateOrder(JsonObject asked)
    {
        if (BillDeskRules.WrongOrder(asked, world.Settings.GetValueOrDefault("orderid") == "wide") is { } wrong) return Invalid(wrong);
        var order = new BillDeskOrder(asked, BillDeskText.Paise(asked["amount"])!.Value, world.Now)
        {
            BillDeskId = world.NextId("OA", 14).ToUpperInvariant(),
            Page = PagePath + world.NextId("", 24),
            LaunchText = world.NextId("", 64),
            LaunchToken = world.NextId("", 48),
            Address = world.Address,
            Description = (string?)asked["itemcode"] ?? "",
            ExpiresAt = world.Now + LaunchTime,
        };
        if (!vault.Orders.TryAdd(order.Reference!, order))
            return Error(409, "duplicate_request_error", "TRDRE0001", "Transaction already exists with given mercid and orderid");
        vault.OrdersByBillDeskId[order.BillDeskId] = order;
        vault.OrdersByPage[order.Page] = order;
        vault.Keep(order);
        world.Deadlines.Add(order);
        lock (order.Gate) return Told(200, order.Json());
    }

    /// <summary>The browser brings what the order was answered with; some post the merchant's name under another field.</summary>
    Reply Launch(Call call)
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

        var merchant = form.TryGetValue("mercid", out var named) ? named : form.GetValueOrDefault("merchantid");
        if (merchant != MerchantId || !vault.OrdersByBillDeskId.TryGetValue((string?)form.GetValueOrDefault("bdorderid") ?? "", out var order)
            || !Wire.SameText((string?)form.GetValueOrDefault("rdata") ?? "", order.LaunchText)) return Html(400, "Invalid request.");
        return Reply.Redirect(order.Url!);
    }

    Reply ReadTransaction(JsonObject asked)
    {
        if (asked["refund_details"] is { } wish && BillDeskText.Text(wish) is null) return Invalid("refund_details is invalid");
        BillDeskOrder? order;
        BillDeskTransaction? one = null;
        if (BillDeskText.Text(asked["transactionid"]) is { } id) order = (one = vault.Transactions.GetValueOrDefault(id))?.Order;
        else if (BillDeskText.Text(asked["orderid"]) is { } name) order = vault.Orders.GetValueOrDefault(name);
        else return Invalid("orderid or transactionid is needed");
        // Of an order that nobody has tried to pay, they know as little as of one that is not there.
        if (order is null) return NotFound("Transaction not found");
        lock (order.Gate)
        {
            if ((one ?? order.Tries.LastOrDefault()) is not { } shown) return NotFound("Transaction not found");
            var json = shown.Json();
            if (BillDeskText.Text(asked["refund_details"]) == "true")
                json["refundInfo"] = new JsonArray([.. shown.Refunds.Select(r => r.Json())]);
            return Told(200, json);
        }
    }

    static Reply Html(int status, string text) => Reply.Raw(status, "text/html; charset=utf-8",
        Encoding.UTF8.GetBytes($"<!DOCTYPE html><html lang=\"en\"><head><title>Error</title></head><body><h1>Error</h1><p>{WebUtility.HtmlEncode(text)}</p></body></html>"))
        with
    { Executed = false };
}
