using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.CCAvenue;

/// <summary>What shoppers and banks do at CCAvenue, and the returns and notifications that tell of it.</summary>
public sealed partial class CCAvenueDialect
{
    /// <summary>How long the bank is asked about a try that an amount sends into doubt; the time is of our choosing.</summary>
    static readonly TimeSpan ReconcileTime = TimeSpan.FromMinutes(2);

    /// <summary>What one order was paid twice goes back after this; so does what CCAvenue or a card's owner wants back. Of our choosing.</summary>
    static readonly TimeSpan ReversalTime = TimeSpan.FromHours(24), AftermathTime = TimeSpan.FromMinutes(10);

    static readonly TimeSpan LongestUnconfirmed = TimeSpan.FromDays(12);

    /// <summary>Nothing is published about repeats, so there are none unless they are asked for.</summary>
    public IReadOnlyList<TimeSpan> RetryDelays => world.Settings.GetValueOrDefault("den_retries") == "on" ? [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5)] : [];

    /// <summary>Not published either.</summary>
    public TimeSpan WebhookPatience => TimeSpan.FromSeconds(10);

    /// <summary>One field of a form. What kind of news it is stands nowhere in it.</summary>
    public WebhookMessage Webhook(JsonObject payload, string eventId, IReadOnlyList<string> secrets)
    {
        var text = CCAvenueText.Joined(payload.Select(f => KeyValuePair.Create(f.Key, f.Value?.ToString() ?? "")));
        // Without a key there is nothing that could be sent.
        var body = "encResp=" + (secrets is [var key, ..] ? Encrypt(text, key) : "");
        return new(Encoding.ASCII.GetBytes(body), "application/x-www-form-urlencoded", new Dictionary<string, string>());
    }

    /// <summary>The page of a form is a try from the beginning; an invoice becomes one when somebody looks.</summary>
    public void Visit(Link link)
    {
        var page = (CCAvenuePage)link;
        lock (page.Gate)
            if (page is { Open: true, Tries: [] }) vault.NewTry(page, world.Now);
    }

    public string? Decline(Link link) =>
        Fail((CCAvenuePage)link, world.Settings.GetValueOrDefault("decline") == "Invalid" ? "Invalid" : "Unsuccessful", "Declined by the bank", open: world.Settings.GetValueOrDefault("retry") == "page");

    public string? Capture(Link link, long amount)
    {
        var page = (CCAvenuePage)link;
        return (world.Settings.GetValueOrDefault("triggers") == "on" ? amount % 100 : 0) switch
        {
            1 => Fail(page, "Unsuccessful", "Declined by the bank", open: false),
            2 => BeginAndReconcile(page),
            3 => Fail(page, "Aborted", "Cancelled by the shopper", open: false),
            4 => Pay(page, amount, one => Echo(one)),
            5 => Pay(page, amount, null, silent: true),
            6 => Pay(page, amount + 100, null),
            7 => CaptureTwice(page)?[^1],
            _ => Pay(page, amount, null),
        };
    }

    string? Pay(CCAvenuePage page, long amount, Action<CCAvenueTry>? then, bool silent = false)
    {
        if (Take(page, amount, silent) is not { } one) return null;
        Succeed(one, late: false);
        then?.Invoke(one);
        return one.TrackingId;
    }

    string? BeginAndReconcile(CCAvenuePage page)
    {
        if (Begin(page) is not { } id) return null;
        world.Later(ReconcileTime, () => Finish(page, id, captured: true));
        return id;
    }

    public string? Begin(Link link) => Doubt((CCAvenuePage)link, "Awaited");

    public string? BeginLate(Link link) => Doubt((CCAvenuePage)link, world.Settings.GetValueOrDefault("late") == "Timeout" ? "Timeout" : "Awaited");

    string? Doubt(CCAvenuePage page, string status)
    {
        if (Take(page, page.Amount) is not { } one) return null;
        lock (page.Gate) one.Become(status, world.Now);
        Echo(one);
        return one.TrackingId;
    }

    /// <summary>The bank's word at last.</summary>
    public void Finish(Link link, string moneyId, bool captured)
    {
        if (!vault.Tries.TryGetValue(moneyId, out var one)) return;
        if (captured && world.Settings.GetValueOrDefault("reconciles") != "Fraud")
        {
            Succeed(one, late: true);
            return;
        }

        lock (one.Page.Gate)
        {
            if (one.Status != "Awaited") return;
            one.Become(captured ? "Fraud" : "Unsuccessful", world.Now, captured ? "Amount mismatch" : "Declined by the bank");
        }

        News("order_reconciliation_status", one);
    }

    /// <summary>The bank does not answer the first try; the shopper posts the form again and pays; then the bank admits the first.</summary>
    public IReadOnlyList<string>? CaptureTwice(Link link)
    {
        var page = (CCAvenuePage)link;
        if (Begin(page) is not { } first) return null;
        lock (page.Gate) page.Open = true;
        if (Pay(page, page.Amount, null) is not { } second) return null;
        Succeed(vault.Tries[first], late: true);
        return [first, second];
    }

    public void GiveUp(Link link) => Fail((CCAvenuePage)link, "Aborted", "Cancelled by the shopper", open: false);

    /// <summary>The time on the page is over; of an invoice that nobody looked at there is no try to end.</summary>
    public void Expire(Link link)
    {
        var page = (CCAvenuePage)link;
        CCAvenueTry? ended = null;
        lock (page.Gate)
        {
            if (!page.Open) return;
            page.Open = false;
            if (page.Tries is [.., { Status: "Initiated" } last])
            {
                last.Become("Timeout", world.Now);
                ended = last;
            }
        }

        if (ended is not null) Echo(ended);
    }

    public BrowserReturn? Return(Link link, string? moneyId)
    {
        var page = (CCAvenuePage)link;
        lock (page.Gate)
        {
            var one = moneyId is null ? page.Open ? null : page.Tries.LastOrDefault() : page.Tries.Find(t => t.TrackingId == moneyId);
            return one is null or { Silent: true } ? null : Back(one);
        }
    }

    /// <summary>On an open page it only says that there is a way back.</summary>
    public BrowserReturn? CancelReturn(Link link)
    {
        var page = (CCAvenuePage)link;
        lock (page.Gate) return page.Tries is [.., var last] && (page.Open || last.Status == "Aborted") ? Back(last) : null;
    }

    public string? ShopOf(Link link) => ((CCAvenuePage)link).Said("redirect_url");

    BrowserReturn? Back(CCAvenueTry one)
    {
        var url = one.Page.Said(one.Status == "Aborted" ? "cancel_url" : "redirect_url") ?? world.Settings.GetValueOrDefault("order_status_url");
        var way = world.Settings.GetValueOrDefault("return");
        if (url is null || way == "none") return null;
        var text = CCAvenueText.Joined(one.PageJson().Select(f => KeyValuePair.Create(f.Key, f.Value!.ToString())));
        return new(url, [new("encResp", way == "empty" ? "" : Encrypt(text, WorkingKey)), new("orderNo", one.Page.OrderNumber), new("crossSellUrl", "")]);
    }

    /// <summary>The page is left with a try that is not decided yet; null when it takes none.</summary>
    CCAvenueTry? Take(CCAvenuePage page, long amount, bool silent = false)
    {
        lock (page.Gate)
        {
            if (!page.Open) return null;
            var one = page.Tries is [.., { Status: "Initiated" } begun] ? begun : vault.NewTry(page, world.Now);
            page.Open = false;
            (one.Amount, one.Silent) = (amount, silent);
            return one;
        }
    }

    string? Fail(CCAvenuePage page, string status, string why, bool open)
    {
        if (Take(page, page.Amount) is not { } one) return null;
        lock (page.Gate)
        {
            one.Become(status, world.Now, why);
            page.Open = open;
        }

        Echo(one);
        return one.TrackingId;
    }

    /// <summary>The bank says yes. Usually that is confirmed at once.</summary>
    void Succeed(CCAvenueTry one, bool late)
    {
        lock (one.Page.Gate)
        {
            if (one.Status is not ("Initiated" or "Awaited" or "Timeout")) return;
            if (world.Settings.GetValueOrDefault("confirm") == "manual")
            {
                one.Become("Successful", world.Now);
                AfterwardsIf("Successful", one, LongestUnconfirmed, () => one.Become("Auto-Cancelled", world.Now));
            }
            else Ship(one, one.Amount);

            one.FraudStatus = world.Settings.GetValueOrDefault("risk", "NA");
        }

        if (late) News("order_reconciliation_status", one);
        else Echo(one);
        if (one.FraudStatus != "NA") News("order_risk_status", one);
    }

    /// <summary>Under the page's gate.</summary>
    void Ship(CCAvenueTry one, long amount)
    {
        one.Become("Shipped", world.Now);
        one.Captured = amount;
        one.Page.MoneyIds.Add(one.TrackingId);
        world.Book.Captured(one.Page, one.TrackingId, amount, one.Page.Currency, world.Now);
        vault.Settle(new(one, "Shipped", amount, one.BankReference, world.Now));
        if (vault.Winners.GetOrAdd(one.Page.OrderNumber, one) != one)
        {
            AfterwardsIf("Shipped", one, ReversalTime, () => TakeBack(one, "Auto-Reversed", "ASUC"));
            return;
        }

        if (world.Settings.GetValueOrDefault("aftermath") == "Systemrefund") AfterwardsIf("Shipped", one, AftermathTime, () => TakeBack(one, "Systemrefund", "Refunded"));
        if (world.Settings.GetValueOrDefault("aftermath") == "Chargeback")
            AfterwardsIf("Shipped", one, AftermathTime, () =>
            {
                // A dispute is no refund of the merchant's, so the book has no word for it.
                one.Become("Chargeback", world.Now);
                vault.Settle(new(one, "Chargeback", one.Captured, vault.NextRefund(), world.Now));
            });
    }

    void TakeBack(CCAvenueTry one, string status, string kind)
    {
        one.Become(status, world.Now);
        GiveBack(one, kind, one.Captured, vault.NextRefund());
    }

    /// <summary>Does it after a time, under the page's gate, if the try still stands so.</summary>
    void AfterwardsIf(string status, CCAvenueTry one, TimeSpan delay, Action act)
    {
        var day = vault;
        world.Later(delay, () =>
        {
            lock (one.Page.Gate)
            {
                if (vault != day || one.Status != status) return;
                act();
            }

            News("order_reconciliation_status", one);
        });
    }

    void Echo(CCAvenueTry one)
    {
        JsonObject said;
        lock (one.Page.Gate)
        {
            if (one.Silent) return;
            said = one.PageJson();
        }

        Post("order_status_echo", one, said);
    }

    void News(string type, CCAvenueTry one)
    {
        JsonObject said;
        lock (one.Page.Gate)
        {
            if (one.Silent) return;
            said = one.NewsJson();
        }

        Post(type, one, said);
    }

    void Post(string type, CCAvenueTry one, JsonObject said) => _ = world.Webhooks.Post(world.NextId("den_", 14), type, one.Page.Id, said);
}
