using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.PayU;

/// <summary>What shoppers and banks do at PayU, and the returns and webhooks that tell of it.</summary>
public sealed partial class PayUDialect
{
    static readonly string[] Echoed =
    [
        "key", "txnid", "productinfo", "firstname", "lastname", "address1", "address2", "city", "state", "country", "zipcode", "email", "phone",
        "udf1", "udf2", "udf3", "udf4", "udf5", "udf6", "udf7", "udf8", "udf9", "udf10",
    ];

    /// <summary>Nothing is published about repeats, and there may be none; these are of our choosing.</summary>
    public IReadOnlyList<TimeSpan> RetryDelays => world.Settings.GetValueOrDefault("webhook_retries") == "none" ? []
        : [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30)];

    /// <summary>Not published either.</summary>
    public TimeSpan WebhookPatience => TimeSpan.FromSeconds(10);

    /// <summary>News about payments are the form of the return with its hash; those about refunds and disputes are JSON and not signed.</summary>
    public WebhookMessage Webhook(JsonObject payload, string eventId, IReadOnlyList<string> secrets)
    {
        var none = new Dictionary<string, string>();
        if (payload["txnid"] is null) return new(Encoding.UTF8.GetBytes(payload.ToJsonString(Wire.Compact)), "application/json", none);
        var form = payload.ToDictionary(f => f.Key, f => f.Value?.ToString() ?? "");
        form["hash"] = secrets.Count == 0 ? "" : PayUHashes.Reverse(form, secrets[0]);
        return new(Encoding.UTF8.GetBytes(string.Join('&', form.Select(f => $"{Encoded(f.Key)}={Encoded(f.Value)}"))), "application/x-www-form-urlencoded", none);

        static string Encoded(string text) => Uri.EscapeDataString(text).Replace("%20", "+", StringComparison.Ordinal);
    }

    public void Visit(Link link) => ArgumentNullException.ThrowIfNull(link);

    public string? Decline(Link link) => Fail((PayULink)link, "failed", "E308", "Declined by the bank", open: world.Settings.GetValueOrDefault("retry") == "page");

    public string? BeginLate(Link link) => Fail((PayULink)link, "dropped", "E1903", "No answer from the bank", open: false);

    public string? Capture(Link link, long amount)
    {
        if (Take((PayULink)link, one => one.Amount = amount) is not { } begun) return null;
        SettleAsPaid(begun);
        return begun.Mihpayid;
    }

    public string? Begin(Link link) => Take((PayULink)link, one => one.Unmapped = "in progress")?.Mihpayid;

    public void Finish(Link link, string moneyId, bool captured)
    {
        if (!vault.Tries.TryGetValue(moneyId, out var one)) return;
        if (captured)
        {
            SettleAsPaid(one);
            return;
        }

        lock (link.Gate)
        {
            if (one.Status != "pending") return;
            SetFailed(one, "failed", "E308", "Declined by the bank");
        }

        Tell(one);
    }

    /// <summary>The bank does not answer the first try; the shopper posts the form again and pays; then the bank admits the first.</summary>
    public IReadOnlyList<string>? CaptureTwice(Link link)
    {
        var ours = (PayULink)link;
        if (BeginLate(link) is not { } first) return null;
        lock (link.Gate) Again(ours);
        if (Capture(link, link.Amount) is not { } second) return null;
        SettleAsPaid(vault.Tries[first]);
        return [first, second];
    }

    public void GiveUp(Link link) => Fail((PayULink)link, "userCancelled", "E1605", "Cancelled by the shopper", open: false);

    /// <summary>The session on the page ends: the shopper left before paying.</summary>
    public void Expire(Link link) => Fail((PayULink)link, "bounced", "E000", "The shopper left", open: false);

    public BrowserReturn? Return(Link link, string? moneyId)
    {
        var ours = (PayULink)link;
        lock (link.Gate)
        {
            if (moneyId is null) return ours.Open ? null : Back(ours.Latest);
            return vault.Tries.TryGetValue(moneyId, out var one) ? Back(one) : null;
        }
    }

    /// <summary>On an open page it only says that there is a way back.</summary>
    public BrowserReturn? CancelReturn(Link link)
    {
        var ours = (PayULink)link;
        lock (link.Gate) return ours.Open || ours.Latest.Unmapped == "userCancelled" ? Back(ours.Latest) : null;
    }

    public string? ShopOf(Link link) => ((PayULink)link).Form["furl"];

    BrowserReturn Back(PayUTry one)
    {
        var form = Posted(one);
        form["hash"] = PayUHashes.Reverse(form, Salt);
        var toSuccess = one.Status == "success" || (one.Status == "pending" && world.Settings.GetValueOrDefault("pending_return") != "furl");
        return new(one.Link.Form[toSuccess ? "surl" : "furl"], [.. form]);
    }

    /// <summary>What a return and a webhook about a payment say. Empty fields are there as empty text.</summary>
    Dictionary<string, string> Posted(PayUTry one)
    {
        var form = new Dictionary<string, string>
        {
            ["mihpayid"] = one.Mihpayid,
            ["mode"] = one.Mode,
            ["status"] = one.Status,
            ["unmappedstatus"] = one.Unmapped,
            // The text as it was posted: it is what the hash is made of.
            ["amount"] = one.Amount == one.Link.Amount ? one.Link.Form["amount"] : PayUText.Rupees(one.Amount),
            ["discount"] = "0.00",
            ["net_amount_debit"] = one.Status == "success" ? PayUText.Rupees(one.Amount) : "0.00",
            ["addedon"] = PayUText.Time(one.At),
        };
        foreach (var name in Echoed) form[name] = one.Link.Form.GetValueOrDefault(name, "");
        for (var i = 0; i < 9; i++) form[$"field{i}"] = "";
        form["field9"] = one.Message;
        form["payment_source"] = "payu";
        form["PG_TYPE"] = one.Mode + "-PG";
        form["bank_ref_num"] = form["bank_ref_no"] = one.BankReference;
        form["bankcode"] = one.BankCode;
        form["error"] = one.Error;
        form["error_Message"] = one.Error == "E000" ? "NO ERROR" : one.Message;
        (form["cardnum"], form["name_on_card"]) = one.ByCard ? (PayUTry.MaskedCard, one.Holder) : ("", "");
        if (!one.ByCard) form["field1"] = one.Holder.Replace(' ', '.') + "@testpsp";
        if (world.Settings.GetValueOrDefault("additional_charges") is { Length: > 0 } charges) form["additionalCharges"] = charges;
        return form;
    }

    /// <summary>The page is left with a try that is not decided yet; null when it takes none.</summary>
    PayUTry? Take(PayULink link, Action<PayUTry> change)
    {
        lock (link.Gate)
        {
            if (!link.Open) return null;
            if (link.Latest.Status != "pending") Again(link);
            link.Open = false;
            change(link.Latest);
            return link.Latest;
        }
    }

    string? Fail(PayULink link, string unmapped, string error, string message, bool open)
    {
        PayUTry failed;
        lock (link.Gate)
        {
            if (!link.Open) return null;
            if (link.Latest.Status != "pending") Again(link);
            failed = link.Latest;
            SetFailed(failed, unmapped, error, message);
            link.Open = open;
        }

        Tell(failed);
        return failed.Mihpayid;
    }

    static void SetFailed(PayUTry one, string unmapped, string error, string message) =>
        (one.Status, one.Unmapped, one.Error, one.Message) = ("failure", unmapped, error, message);

    /// <summary>Now, or late: what seemed dropped may still have taken money, which is kept or goes back by itself.</summary>
    void SettleAsPaid(PayUTry one)
    {
        lock (one.Link.Gate)
        {
            if (one.Status == "success" || one.Unmapped is "failed" or "userCancelled" or "bounced" or "autoRefund") return;
            var late = one.Unmapped == "dropped";
            one.BankReference = $"{world.NowSeconds % 1_000_000_000_000:d12}";
            (one.Status, one.Unmapped, one.Error, one.Message) = ("success", "captured", "E000", "Success");
            if (world.Settings.GetValueOrDefault("capture") == "manual") one.Unmapped = "auth";
            else Book(one, "capture", one.RequestId, "", one.Amount);
            if (late && world.Settings.GetValueOrDefault("late_money") == "refund")
            {
                SetFailed(one, "autoRefund", "E000", "Refunded by the gateway");
                Book(one, "refund", vault.NextRequest(), "", one.Amount);
            }
        }

        Tell(one);
    }

    void Book(PayUTry one, string action, string requestId, string token, long amount)
    {
        vault.Settled.Enqueue(new(one, action, requestId, token, amount, world.Now));
        if (action == "refund")
        {
            world.Book.Refunded(one.Link, one.Mihpayid, amount, "INR", world.Now);
            return;
        }

        one.Link.MoneyIds.Add(one.Mihpayid);
        world.Book.Captured(one.Link, one.Mihpayid, amount, "INR", world.Now);
    }

    void Tell(PayUTry one)
    {
        var news = new JsonObject();
        lock (one.Link.Gate)
            foreach (var (name, value) in Posted(one)) news[name] = value;
        _ = world.Webhooks.Post(world.NextId("evt_", 14), (string?)news["status"] == "success" ? "successful" : "failed", one.Link.Id, news);
    }
}
