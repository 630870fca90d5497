using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Paytm;

/// <summary>What shoppers and banks do at Paytm, and the callbacks and webhooks that tell of it.</summary>
public sealed partial class PaytmDialect
{
    /// <summary>One source names these, and others contradict it.</summary>
    public IReadOnlyList<TimeSpan> RetryDelays { get; } =
    [
        TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(6), TimeSpan.FromHours(24),
    ];

    /// <summary>The sources say 5, 10 and 30 seconds.</summary>
    public TimeSpan WebhookPatience => TimeSpan.FromSeconds(10);

    /// <summary>News in capitals go as a form with a checksum over its values; the others as JSON with a checksum over the text of the body.</summary>
    public WebhookMessage Webhook(JsonObject payload, string eventId, IReadOnlyList<string> secrets)
    {
        var none = new Dictionary<string, string>();
        var key = secrets.Count == 0 ? null : secrets[0];
        if (payload["ORDERID"] is null) return new(Envelope(payload, key), "application/json", none);
        var form = payload.ToDictionary(f => f.Key, f => f.Value?.ToString() ?? "");
        if (key is not null) form["CHECKSUMHASH"] = PaytmDialectChecksum.Sign(PaytmDialectChecksum.Joined(form), key, NextSalt());
        return new(Encoding.UTF8.GetBytes(string.Join('&', form.Select(f => $"{Encoded(f.Key)}={Encoded(f.Value)}"))), "application/x-www-form-urlencoded", none);

        static string Encoded(string text) => Uri.EscapeDataString(text).Replace("%20", "+", StringComparison.Ordinal);
    }

    public void Visit(Link link)
    {
        lock (link.Gate) ((PaytmOrder)link).Seen = true;
    }

    public string? Decline(Link link) =>
        Fail((PaytmOrder)link, "227", "Your payment has been declined by your bank.", reached: true, open: world.Settings.GetValueOrDefault("retry") == "page");

    public string? Capture(Link link, long amount)
    {
        if (Take((PaytmOrder)link, amount) is not { } begun) return null;
        SettleAsPaid(begun);
        return begun.TxnId;
    }

    public string? Begin(Link link) => Take((PaytmOrder)link, link.Amount)?.TxnId;

    /// <summary>What is not decided stays pending, however long; there is no failure that turns into a success.</summary>
    public string? BeginLate(Link link) => Begin(link);

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
            if (one.Status != "PENDING") return;
            SetFailed(one, "227", "Your payment has been declined by your bank.");
        }

        Tell(one);
    }

    /// <summary>An order id takes one payment.</summary>
    public IReadOnlyList<string>? CaptureTwice(Link link) => null;

    public void GiveUp(Link link) => Fail((PaytmOrder)link, "141", PaytmRules.NotCompleted, reached: false, open: false);

    /// <summary>The token's time is over. Who saw the page and left has not completed the payment; of who never came there is no record.</summary>
    public void Expire(Link link)
    {
        var order = (PaytmOrder)link;
        lock (link.Gate)
        {
            if (!order.Open) return;
            if (!order.Seen)
            {
                order.Open = false;
                return;
            }
        }

        GiveUp(link);
    }

    public BrowserReturn? Return(Link link, string? moneyId)
    {
        var order = (PaytmOrder)link;
        lock (link.Gate)
        {
            var one = moneyId is null ? order.Open ? null : order.Latest : vault.Tries.GetValueOrDefault(moneyId);
            return one is null ? null : Back(one);
        }
    }

    /// <summary>On an open page it only says that there is a way back.</summary>
    public BrowserReturn? CancelReturn(Link link)
    {
        var order = (PaytmOrder)link;
        lock (link.Gate)
        {
            if (order.Callback is not { } back) return null;
            return order.Latest is { Code: "141" } left ? Back(left) : order.Open ? new(back, []) : null;
        }
    }

    public string? ShopOf(Link link) => ((PaytmOrder)link).Callback;

    static BrowserReturn? Back(PaytmTry one)
    {
        if (one.Order.Callback is not { } back) return null;
        var form = Posted(one);
        form["CHECKSUMHASH"] = PaytmDialectChecksum.Sign(PaytmDialectChecksum.Joined(form), MerchantKey, NextSalt());
        return new(back, [.. form]);
    }

    /// <summary>What a callback says, in its capitals. A payment that reached no bank has empty fields, and lacks others.</summary>
    static Dictionary<string, string> Posted(PaytmTry one)
    {
        var form = new Dictionary<string, string>
        {
            ["ORDERID"] = one.Order.Id,
            ["MID"] = Mid,
            ["TXNAMOUNT"] = PaytmText.Rupees(one.Amount),
            ["CURRENCY"] = "INR",
            ["STATUS"] = one.Status,
            ["RESPCODE"] = one.Code,
            ["RESPMSG"] = one.Message,
            ["GATEWAYNAME"] = one.BankTxnId.Length > 0 ? "SANDBOXGW" : "",
            ["BANKTXNID"] = one.BankTxnId,
            ["BANKNAME"] = one.BankTxnId.Length > 0 ? "Sandbox Bank" : "",
        };
        if (one.Code == "141") return form;
        form["TXNID"] = one.TxnId;
        form["PAYMENTMODE"] = one.Mode;
        form["TXNDATE"] = PaytmText.TimeWithTenths(one.At);
        if (one.Oddity) form["PRN"] = "sandbox oddity";
        return form;
    }

    /// <summary>The page is left with a try that is not decided yet; null when it takes none.</summary>
    PaytmTry? Take(PaytmOrder order, long amount)
    {
        lock (order.Gate)
        {
            if (!order.Open) return null;
            var one = NewTry(order);
            one.Amount = amount;
            order.Open = false;
            return one;
        }
    }

    string? Fail(PaytmOrder order, string code, string message, bool reached, bool open)
    {
        PaytmTry failed;
        lock (order.Gate)
        {
            if (!order.Open) return null;
            failed = NewTry(order);
            if (reached) failed.BankTxnId = BankNumber();
            SetFailed(failed, code, message);
            order.Open = open;
        }

        if (!open) Tell(failed);
        return failed.TxnId;
    }

    PaytmTry NewTry(PaytmOrder order)
    {
        var one = vault.NewTry(order, world.Now);
        order.Tries.Add(one);
        return one;
    }

    static void SetFailed(PaytmTry one, string code, string message) => (one.Status, one.Code, one.Message) = ("TXN_FAILURE", code, message);

    void SettleAsPaid(PaytmTry one)
    {
        lock (one.Order.Gate)
        {
            if (one.Status != "PENDING") return;
            one.BankTxnId = BankNumber();
            (one.Status, one.Code, one.Message) = ("TXN_SUCCESS", "01", "Txn Success");
            one.Order.MoneyIds.Add(one.TxnId);
            vault.Settled.Enqueue(new(one, "ACQUIRING", one.Amount, world.Now));
            world.Book.Captured(one.Order, one.TxnId, one.Amount, "INR", world.Now);
        }

        Tell(one);
    }

    string BankNumber() => $"777{world.NowSeconds % 100_000_000:d8}";

    void Tell(PaytmTry one)
    {
        JsonObject news;
        string status;
        lock (one.Order.Gate)
        {
            var posted = Posted(one);
            status = one.Status;
            posted["CUSTID"] = PaytmText.Of(one.Order.Asked["userInfo"], "custId")!;
            posted["MERC_UNQ_REF"] = PaytmText.Of(one.Order.Asked["extendInfo"], "mercUnqRef") ?? "";
            posted["TXNDATETIME"] = PaytmText.TimeWithTenths(one.At);
            news = world.Settings.GetValueOrDefault("webhook") == "json" ? AsJson(one) : new(posted.Select(f => KeyValuePair.Create(f.Key, (JsonNode?)f.Value)));
        }

        _ = world.Webhooks.Post(world.NextId("evt_", 14), status == "TXN_SUCCESS" ? "payment_success" : "payment_failure", one.Order.Id, news);
    }

    static JsonObject AsJson(PaytmTry one) => new()
    {
        ["mid"] = Mid,
        ["orderId"] = one.Order.Id,
        ["txnId"] = one.TxnId,
        ["txnAmount"] = PaytmText.Rupees(one.Amount),
        ["status"] = one.Status,
        ["respCode"] = one.Code,
        ["respMsg"] = one.Message,
        ["txnType"] = "SALE",
    };
}
