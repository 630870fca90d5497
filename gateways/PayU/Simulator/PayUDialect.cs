using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;

namespace Purser.Sandbox.PayU;

/// <summary>PayU India from its documents: the form for the hosted page, and the server API with its questions. Refunds, settlements and what
/// shoppers do stand in the other parts. Settings where the documents leave something open:
/// <c>retry</c>=page (a declined try leaves the page open), <c>verify</c>=first (of several tries the oldest is shown),
/// <c>pending_return</c>=furl, <c>capture</c>=manual (money is authorised only), <c>late_money</c>=refund (what comes late goes back at once),
/// <c>additional_charges</c>=12.50, <c>session_minutes</c>, <c>refund</c>=failure or stuck, <c>duplicate_token</c>=plain,
/// <c>drift</c>=on (types of a refund's webhook vary), <c>fees</c>=exact (four decimals), <c>webhook_retries</c>=none.</summary>
public sealed partial class PayUDialect : IGatewayDialect
{
    const string Key = "PAYUSB", Salt = "SandboxSalt0123456789abcdefABCDE";

    const string PagePath = "/_payment/page/";

    GatewayWorld world = null!;
    PayUVault vault = new();

    public string Name => "payu";

    public int DefaultPort => 7413;

    public IReadOnlyDictionary<string, string> Credentials { get; } = new Dictionary<string, string> { ["key"] = Key, ["salt"] = Salt };

    /// <summary>Webhooks have no secret of their own.</summary>
    public string WebhookSecret => Salt;

    public IReadOnlySet<string> AmountFields { get; } = new HashSet<string>
    {
        "amount", "amt", "transaction_amount", "net_amount_debit", "requestamount", "mer_net_amount", "transactionAmount", "requestedAmount", "merchantNetAmount",
    };

    public IReadOnlySet<string> IdentityFields { get; } = new HashSet<string>
    {
        "txnid", "mihpayid", "request_id", "token", "payuid", "requestid", "merchantTxnId", "merchantTransactionId", "payuId", "requestId",
    };

    public void Open(GatewayWorld world)
    {
        this.world = world;
        vault = new();
    }

    public string CallName(Call call) => (call.Method, call.Path) switch
    {
        ("POST", "/_payment") => "create_link",
        ("GET", "/settlement/range/" or "/settlement/range") => "settlement",
        ("POST", "/merchant/postservice.php") => Fields(call)?.GetValueOrDefault("command") switch
        {
            "verify_payment" or "check_payment" => "inquire",
            "cancel_refund_transaction" => "refund",
            "check_action_status" => "inquire_refund",
            "get_settlement_details" => "settlement",
            _ => "other",
        },
        _ => "other",
    };

    public async Task<Reply> Answer(Call call)
    {
        await call.Work();
        var reply = (call.Method, call.Path) switch
        {
            ("POST", "/_payment") => ReceiveForm(call),
            ("POST", "/merchant/postservice.php") => AsAsked(call, Serve(call)),
            ("GET", "/settlement/range/" or "/settlement/range") => ReadRange(call),
            _ => Html(404, "Not Found"),
        };
        return call.Instead ?? reply;
    }

    public Reply Trouble(int status) => status == 429 ? Told(0, "Requests limit reached") with { Status = status } : Html(status, "Service Temporarily Unavailable");

    public IEnumerable<Link> Links() => vault.LinkOrder;

    public Link? LinkByReference(string reference) => vault.Links.GetValueOrDefault(reference);

    public Link? LinkByPage(string path) =>
        path.StartsWith(PagePath, StringComparison.Ordinal) ? vault.LinksByPage.GetValueOrDefault(path) : null;

    /// <summary>Each field once; null for a body that is no such form.</summary>
    static Dictionary<string, string>? Fields(Call call)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (var (name, values) in QueryHelpers.ParseQuery(call.BodyText))
                if (values is [{ } value]) fields[name] = value;
                else return null;
        }
        catch (InvalidDataException)
        {
            return null;
        }

        return fields;
    }

    /// <summary>The page that the browser is sent to, or a page that says what is wrong; the form makes nothing then.</summary>
    Reply ReceiveForm(Call call)
    {
        if (Fields(call) is not { } form) return FormError("The request cannot be read.");
        if (PayURules.WrongForm(form, Key, Salt) is { } wrong) return FormError(wrong);
        var amount = PayUText.Paise(form["amount"])!.Value;
        var page = PagePath + world.NextId("", 24);
        var fresh = new PayULink(form, amount, new Uri(world.Address, page), world.Now) { Description = form["productinfo"] };
        fresh.Tries.Add(NewTry(fresh));
        var link = vault.Links.GetOrAdd(fresh.Id, fresh);
        lock (link.Gate)
        {
            if (link == fresh)
            {
                foreach (var one in link.Tries) vault.Tries[one.Mihpayid] = one;
                vault.Keep(link, page);
            }
            else
            {
                if (link.Succeeded) return FormError("Duplicate order: this transaction id has already been paid.");
                if (link.Amount != amount) return FormError("The transaction id is in use with another amount.");
                // Who is still at it goes on; after a try that failed the form begins a new one under the same id.
                link.Form = form;
                if (!link.Open && link.Latest.Status == "failure") Again(link);
            }

            StartSession(link);
            return Reply.Redirect(link.Url!);
        }
    }

    void StartSession(PayULink link)
    {
        if (!link.Open) return;
        var minutes = world.Settings.TryGetValue("session_minutes", out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : 30;
        link.ExpiresAt = world.Now.AddMinutes(minutes);
        world.Deadlines.Add(link);
    }

    void Again(PayULink link)
    {
        var next = NewTry(link);
        vault.Tries[next.Mihpayid] = next;
        link.Tries.Add(next);
        link.Open = true;
    }

    PayUTry NewTry(PayULink link)
    {
        var (mode, bankCode) = (link.Form.GetValueOrDefault("pg") ?? link.Form.GetValueOrDefault("enforce_paymethod") ?? "").ToUpperInvariant() switch
        {
            "CC" or "CREDITCARD" => ("CC", "VISA"),
            "DC" or "DEBITCARD" => ("DC", "RUPAY"),
            "NB" or "NETBANKING" => ("NB", "AXIB"),
            "CASH" or "CASHCARD" => ("CASH", "AMON"),
            _ => ("UPI", "UPI"),
        };
        return new(link, vault.NextPayment(), vault.NextRequest(), mode, link.Form.GetValueOrDefault("bankcode") is { Length: > 0 } asked ? asked : bankCode, world.Now);
    }

    Reply Serve(Call call)
    {
        if (Fields(call) is not { } form || form.GetValueOrDefault("command") is not { Length: > 0 } command) return Told(0, "Parameter missing");
        var var1 = form.GetValueOrDefault("var1", "");
        if (form.GetValueOrDefault("key") != Key
            || !Wire.SameText(form.GetValueOrDefault("hash", ""), PayUHashes.Command(Key, command, var1, Salt))) return Told(0, "Invalid Hash.");
        if (var1.Length == 0) return Told(0, "Parameter missing");
        return command switch
        {
            "verify_payment" => VerifyPayments(var1),
            "check_payment" => CheckPayment(var1),
            "cancel_refund_transaction" => Refund(var1, form),
            "check_action_status" => ActionStatus(var1, form.GetValueOrDefault("var2")),
            "get_settlement_details" => SettlementDetails(var1, form),
            _ => Told(0, "Invalid command"),
        };
    }

    /// <summary>JSON comes only to those who ask for it.</summary>
    static Reply AsAsked(Call call, Reply reply) => call.Asked("form") == "2" ? reply
        : Reply.Raw(reply.Status, "text/html; charset=UTF-8", Encoding.UTF8.GetBytes(PayURules.PhpText(reply.Body)));

    Reply VerifyPayments(string txnids)
    {
        var asked = txnids.Split('|');
        var details = new JsonObject();
        var found = 0;
        foreach (var txnid in asked)
        {
            if (vault.Links.TryGetValue(txnid, out var link))
            {
                found++;
                lock (link.Gate) details[txnid] = Details(Shown(link));
            }
            else
            {
                details[txnid] = new JsonObject { ["mihpayid"] = "Not Found", ["status"] = "Not Found" };
            }
        }

        return Told(found > 0 ? 1 : 0, $"{found} out of {asked.Length} Transactions Fetched Successfully", ("transaction_details", details));
    }

    Reply CheckPayment(string mihpayid)
    {
        if (!vault.Tries.TryGetValue(mihpayid, out var one))
            return Told(0, "Transaction not found", ("transaction_details", new JsonObject { ["mihpayid"] = "Not Found", ["status"] = "Not Found" }));
        lock (one.Link.Gate) return Told(1, "Transaction Fetched Successfully", ("transaction_details", Details(one)));
    }

    PayUTry Shown(PayULink link) => world.Settings.GetValueOrDefault("verify") == "first" ? link.Tries[0] : link.Latest;

    static JsonObject Details(PayUTry one)
    {
        var form = one.Link.Form;
        var details = new JsonObject
        {
            ["mihpayid"] = one.Mihpayid,
            ["request_id"] = "",
            ["bank_ref_num"] = one.BankReference,
            ["amt"] = PayUText.Rupees(one.Amount),
            ["transaction_amount"] = PayUText.Rupees(one.Amount),
            ["txnid"] = one.Link.Id,
            ["additional_charges"] = "0.00",
            ["productinfo"] = form["productinfo"],
            ["firstname"] = form["firstname"],
            ["bankcode"] = one.BankCode,
        };
        foreach (var name in (string[])["udf1", "udf2", "udf3", "udf4", "udf5"])
            details[name] = form.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;
        foreach (var (name, value) in new JsonObject
        {
            ["field2"] = "",
            ["field9"] = one.Message,
            ["error_code"] = one.Error,
            ["addedon"] = PayUText.Time(one.At),
            ["payment_source"] = "payu",
            ["card_type"] = null,
            ["error_Message"] = one.Error == "E000" ? "NO ERROR" : one.Message,
            ["net_amount_debit"] = one.Status == "success" ? one.Amount / 100m : 0,
            ["disc"] = "0.00",
            ["mode"] = one.Mode,
            ["PG_TYPE"] = one.Mode + "-PG",
            ["card_no"] = one.ByCard ? PayUTry.MaskedCard : "",
            // Whatever was paid with: who keeps it is to be found out by every answer.
            ["name_on_card"] = one.Holder,
            ["status"] = one.Status,
            ["unmappedstatus"] = one.Unmapped,
            ["Merchant_UTR"] = null,
            ["Settled_At"] = "0000-00-00 00:00:00",
        }) details[name] = value?.DeepClone();
        return details;
    }

    /// <summary>Their answers do not say that they are JSON.</summary>
    static Reply Told(int status, string message, params (string Name, JsonNode? Value)[] more)
    {
        var body = new JsonObject { ["status"] = status, ["msg"] = message };
        foreach (var (name, value) in more) body[name] = value;
        return new(200, body) { ContentType = "text/html; charset=UTF-8" };
    }

    static Reply FormError(string why) => Html(400, $"Some problem occurred. {why}");

    static Reply Html(int status, string text) => Reply.Raw(status, "text/html; charset=UTF-8",
        Encoding.UTF8.GetBytes($"<!DOCTYPE html><html lang=\"en\"><head><title>Error</title></head><body><h1>Error</h1><p>{WebUtility.HtmlEncode(text)}</p></body></html>"));
}
