using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Purser.Server.CommandLine;

/// <summary>One order, from its beginning to its end.</summary>
sealed class DemoScene(DemoStage stage, DemoStory story, CancellationToken stop)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    /// <summary>How long the end of a link is waited for that may have none.</summary>
    static readonly TimeSpan LinkPatience = TimeSpan.FromSeconds(6);

    /// <summary>After this the bank decides, by our clock: later than the merchant can cancel.</summary>
    static readonly TimeSpan BankDelay = TimeSpan.FromSeconds(3);

    /// <summary>How long news of a second success are waited for.</summary>
    static readonly TimeSpan TwicePatience = TimeSpan.FromSeconds(15);

    /// <summary>How long a shopper looks at a page that does not come before posting the form again.</summary>
    static readonly TimeSpan ShopperPatience = TimeSpan.FromSeconds(4);

    static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(400);

    const int MostPayments = 3, MostTries = 3;

    /// <summary>In minor units, less than every order's price.</summary>
    const int RefundedPart = 10_000;

    /// <summary>Who does that pays on the same page afterwards.</summary>
    internal const string LeftAtCheck = "left_at_check";

    const string EndsByNo = "once the bank has said no, its link takes no money any more; who tries again pays on a new link";

    readonly Dictionary<string, GatewayVisit> visits = [];
    string? note;

    public string? Order { get; set; }

    string Path => $"/v1/orders/{Order}";

    /// <summary>The order's number, which stands in every reference that a gateway hears of it.</summary>
    string InReferences => Order!["ord_".Length..];

    public async Task<DemoResult> Play()
    {
        var acted = await Shops();
        return story.End switch
        {
            DemoEnd.Paid => await EndPaid(acted),
            DemoEnd.PaidTwice => acted ? await EndPaidTwice() : await EndPaid(false),
            DemoEnd.Refunded or DemoEnd.PartRefunded => await EndRefunded(),
            DemoEnd.Held => acted ? await EndHeld() : await EndPaid(false),
            DemoEnd.Late => await EndLate(),
            DemoEnd.LinkEnded => await EndLinkEnded(),
            _ => await EndUnpaid(),
        };
    }

    /// <summary>The order, and what the shopper does first.</summary>
    async Task<bool> Shops()
    {
        // Whoever waits for a link whose answer is lost is in nobody's way.
        var waits = story.Faults.Any(f => f.Call == "create_link");
        if (!waits) await stage.Door.WaitAsync(stop);
        try
        {
            await Begin();
            var acted = await Shops(story.Acts);
            if (story.End == DemoEnd.Late) await Cancel();
            return acted;
        }
        finally
        {
            if (!waits) stage.Door.Release();
        }
    }

    /// <summary>An order with a link that the shopper can pay on.</summary>
    public async Task Begin()
    {
        var placed = await Post(stage.Api, "/v1/orders", new
        {
            currency = story.Currency ?? (stage.Currencies.Contains("INR") ? "INR" : "USD"),
            reference = $"{stage.Gateway.Name}: {story.Name}",
            lines = new[] { new { name = "A book", quantity = 1, unit_amount = 49900 } },
            customer = new { name = "Asha Rao", email = "asha@example.test", phone = "+919000000001" },
        });
        Order = placed.GetProperty("id").GetString();
        await Strike(story.Faults);
        await StartPayment();
    }

    /// <summary>From now on these misfortunes strike whatever is about this order.</summary>
    public async Task Strike(IReadOnlyList<DemoFault> faults)
    {
        foreach (var fault in faults)
        {
            using var set = await stage.Sandbox.Control.PostAsJsonAsync(stage.Control("faults"), fault.Rule(InReferences), stop);
            await Read(set, "the fault plan");
        }
    }

    /// <summary>No more misfortunes for this order.</summary>
    /// <returns>How often each struck.</returns>
    public async Task<IReadOnlyList<long>> Relieve()
    {
        var plan = await stage.Sandbox.Control.GetFromJsonAsync<JsonElement>(stage.Control("faults"), stop);
        var mine = plan.EnumerateArray().Where(f => f.GetProperty("rule").GetProperty("about").GetString() == InReferences).ToList();
        foreach (var fault in mine)
        {
            using var removed = await stage.Sandbox.Control.DeleteAsync(stage.Control($"faults/{fault.GetProperty("number").GetInt64()}"), stop);
            await Read(removed, "the fault plan");
        }
        return [.. mine.Select(f => f.GetProperty("struck").GetInt64())];
    }

    async Task<DemoResult> EndPaid(bool acted)
    {
        if (!acted) note = story.Acts switch
        {
            "paid_twice" => "takes no second payment on one link; the order was paid once",
            "wrong_amount" => "takes no other amount than the order's; it was paid in full",
            LeftAtCheck => "does not tell of a shopper at their bank's check; the order was paid without",
            _ => null,
        };
        if (!acted || story.Acts == LeftAtCheck) await PayAfterAll();
        var now = await Reached("paid by one payment", o => o.Status == "paid");
        // Faults may still be on their way: what is true must stay true.
        await Task.Delay(TimeSpan.FromMilliseconds(300), stop);
        now = await Look();
        var right = now is { Status: "paid", Last: "succeeded", Refunds.Count: 0 } && now.Standings is ["accepted"] && now.Told("order.paid") == 1
            && (story.Source is null || now.Source == story.Source);
        return Result(now, acted || story.End == DemoEnd.Paid ? now.Payments.Count == 1 ? "paid" : "paid 2nd" : "refused", right ? null : $"must be paid once{(story.Source is { } source ? $", learned by {source}" : "")}");
    }

    async Task<DemoResult> EndPaidTwice()
    {
        await Reached("paid", o => o.Status == "paid");
        var known = await Within(TwicePatience, o => o.Standings is ["accepted", "duplicate"] && o.GaveBack);
        var now = await Look();
        if (known)
            return Result(now, "1 back", now.Told("order.paid") == 1 && now.Told("payment.duplicate") == 1 && now.Told("refund.succeeded") == 1 ? null : "must be paid once, and told of the duplicate once");
        note = "tells one success of a link; the other is in its statement";
        return Result(now, "paid", now.Standings is ["accepted"] && now.Told("order.paid") == 1 && await Taken() == 2 ? null : "must be paid once, with a duplicate") with
        {
            InStatementOnly = [now.Payments[^1].GetProperty("reference").GetString()!],
        };
    }

    async Task<DemoResult> EndRefunded()
    {
        await Reached("paid", o => o.Status == "paid");
        var whole = story.End == DemoEnd.Refunded;
        await Post(stage.Api, $"{Path}/refunds", whole ? new { } : (object)new { amount = RefundedPart }, key: Order);
        var now = await Reached("given back", o => o.Status == (whole ? "refunded" : "partially_refunded"));
        var right = now.Standings is ["accepted"] && now.GaveBack && now.Told("refund.requested") == 1 && now.Told("refund.succeeded") == 1 && await Moved("refunded") == 1;
        return Result(now, whole ? "back" : "part back", right ? null : "must be given back once, and told once");
    }

    async Task<DemoResult> EndHeld()
    {
        await Reached("held", o => o.Last == "held");
        await Cancel();
        var now = await Reached("held, and cancelled", o => o is { Status: "cancelled", Last: "held" });
        return Result(now, "held", now.Standings is ["mismatched"] && now.Told("order.paid") == 0 && now.Told("payment.amount_mismatch") == 1 ? null : "must be held, and told once");
    }

    async Task<DemoResult> EndLate()
    {
        // Whether money moves at all after the order's end is the gateway's matter; its book says so.
        await Task.Delay(BankDelay * 2, stop);
        if (await Taken() == 0)
        {
            note = "takes nothing that was approved after the order's end";
            return await EndUnpaid(cancels: false);
        }
        var now = await Reached("late, and gone back", o => o is { Status: "cancelled", Last: "succeeded", GaveBack: true });
        return Result(now, "late", now.Standings is ["late"] && now.Told("order.paid") == 0 && now.Told("payment.late") == 1 && now.Told("refund.succeeded") == 1 ? null : "must be late money, told once");
    }

    async Task<DemoResult> EndLinkEnded()
    {
        var ended = await Within(LinkPatience, o => o.Last is "expired" or "failed" or "cancelled");
        if (!ended && await Shops("paid"))
        {
            note = "its links have no end of their own";
            return await EndPaid(true);
        }
        if (!ended) note = "does not tell an ended link from one that it never had";
        return await EndUnpaid();
    }

    async Task<DemoResult> EndUnpaid(bool cancels = true)
    {
        if (story.End == DemoEnd.Declined) await Reached("told of the bank's no", o => o.Noticed);
        var before = await Look();
        if (story.End == DemoEnd.Declined && note is null && before.Last == "failed") note = EndsByNo;
        if (cancels) await Cancel();
        await Within(stage.ClosesLinks ? Patience : LinkPatience, o => o.Status == "cancelled" && (o.Last is "cancelled" or "expired" or "failed" || !stage.ClosesLinks));
        var now = await Look();
        var watched = now.Last is "pending" or "processing" or "unresolved";
        if (watched && story.End != DemoEnd.Declined) note ??= "a link cannot be closed there, and is watched";
        var right = now.Status == "cancelled" && !(watched && stage.ClosesLinks) && now.Standings.Count == 0 && now.Refunds.Count == 0 && now.Told("order.paid") == 0 && await Taken() == 0;
        return Result(now, story.End == DemoEnd.Declined ? "no" : watched ? "watched" : "closed", right ? null : "must be cancelled, without money");
    }

    /// <summary>As a shopper goes on who wants to pay: on the link while it takes money, else on another one.</summary>
    async Task PayAfterAll()
    {
        for (var payments = 1; payments <= MostPayments; payments++)
        {
            if (await Shops("paid")) return;
            var now = await Reached("a link that takes no money known as ended", o => o.Status == "paid" || o.Last is "failed" or "expired" or "cancelled");
            if (now.Status == "paid") return;
            if (story.Acts == "declined_then_paid") note = EndsByNo;
            await StartPayment();
        }
    }

    /// <summary>Until the shopper has a link. A gateway that definitely opened none is asked for another payment.</summary>
    async Task StartPayment()
    {
        for (var payments = 1; ; payments++)
        {
            await Post(stage.Api, $"{Path}/payments", new { gateway = stage.Gateway.Name });
            var now = await Reached("a link", o => o.Last is "pending" or "failed");
            if (now.Last == "pending") return;
            if (payments == MostPayments) throw new DemoStuckException("no link was opened");
            note = "a link whose answer is lost is given up for another";
        }
    }

    /// <summary>False when the gateway's page does not take it.</summary>
    public async Task<bool> Shops(string outcome)
    {
        var now = await Reached("a link", o => o.Last is not "starting");
        if (now.Last != "pending") return false;
        var payment = now.Payments[^1];
        // A browser keeps the page that it was shown, and posts its form again when that did not arrive.
        // Once a link is handed out no more, its shopper has the gateway's page open.
        var id = payment.GetProperty("id").GetString()!;
        if (!visits.TryGetValue(id, out var visit) && payment.GetProperty("link") is { ValueKind: JsonValueKind.Object } link)
        {
            if (await ShopperBrowser.Follow(stage.Api, link, stop) is not { } shown) return false;
            visits.Add(id, visit = shown);
        }
        var body = new
        {
            reference = payment.GetProperty("reference").GetString(),
            outcome,
            delay_ms = BankDelay.TotalMilliseconds * stage.Speed,
            link = visit,
        };
        // Only a page that a misfortune may strike is not waited for: the shopper pays once.
        var most = story.Faults.Any(f => f.Call == "create_link") ? MostTries : 1;
        for (var tries = 1; ; tries++)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            if (tries < most) patience.CancelAfter(ShopperPatience);
            try
            {
                using var answer = await stage.Sandbox.Control.PostAsJsonAsync(stage.Control("payments"), body, patience.Token);
                if (answer.StatusCode == HttpStatusCode.Conflict) return false;
                // The page did not come: where the link is a form, misfortune meets the shopper's browser and not us.
                if (answer.IsSuccessStatusCode || tries == most)
                {
                    var acted = await Read(answer, "the shopper");
                    if (story.Returns) await GoBack(acted);
                    return true;
                }
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                // The shopper does not wait for ever.
            }
            note = "its link is a form, which the shopper posts again";
        }
    }

    /// <summary>The shopper's browser goes back to us as the gateway's page sends it, and follows us to the payment's page.</summary>
    async Task GoBack(JsonElement acted)
    {
        if (!acted.TryGetProperty("return_url", out var back) || back.GetString() is not { } url) return;
        using var form = acted.TryGetProperty("return_form", out var fields) && fields.ValueKind == JsonValueKind.Object
            ? new FormUrlEncodedContent(fields.EnumerateObject().Select(f => KeyValuePair.Create(f.Name, f.Value.GetString()!)))
            : null;
        using var browser = new HttpRequestMessage(form is null ? HttpMethod.Get : HttpMethod.Post, url) { Content = form };
        using var answer = await stage.Api.SendAsync(browser, stop);
        if (answer is not { StatusCode: HttpStatusCode.SeeOther, Headers.Location: { } page } || !page.OriginalString.StartsWith($"/pay/", StringComparison.Ordinal))
            throw new DemoStuckException($"the return was answered {(int)answer.StatusCode}");
        using var shown = await stage.Api.GetAsync(page, stop);
        if (!shown.IsSuccessStatusCode) throw new DemoStuckException($"the page after the return was answered {(int)shown.StatusCode}");
    }

    public Task<JsonElement> Cancel() => Post(stage.Api, $"{Path}/cancellation", new { });

    /// <returns>The problem that stands in the way of the goods; null when they can go.</returns>
    public async Task<string?> Fulfils()
    {
        using var answer = await stage.Api.PostAsJsonAsync(new Uri($"{Path}/fulfilment", UriKind.Relative), new { }, stop);
        return answer.IsSuccessStatusCode ? null : (await answer.Content.ReadFromJsonAsync<JsonElement>(stop)).GetProperty("type").GetString();
    }

    public Task<int> Taken() => Moved("captured");

    /// <summary>How often the gateway took money for this order, or gave it back, by its own book.</summary>
    async Task<int> Moved(string kind)
    {
        var moved = 0;
        foreach (var payment in (await Look()).Payments)
            moved += (await stage.Sandbox.Control.GetFromJsonAsync<JsonElement>(stage.Control($"book?reference={payment.GetProperty("reference").GetString()}"), stop))
                .EnumerateArray().Count(m => m.GetProperty("kind").GetString() == kind);
        return moved;
    }

    public async Task<DemoOrderNow> Look()
    {
        var order = await stage.Api.GetFromJsonAsync<JsonElement>(new Uri(Path, UriKind.Relative), stop);
        var events = await stage.Api.GetFromJsonAsync<JsonElement>(new Uri($"{Path}/events?limit=100", UriKind.Relative), stop);
        return new DemoOrderNow(order, [.. events.GetProperty("events").EnumerateArray()]);
    }

    public async Task<DemoOrderNow> Reached(string what, Func<DemoOrderNow, bool> wanted)
    {
        if (await Within(Patience, wanted)) return await Look();
        throw new DemoStuckException($"must be {what}; is {await Look()}");
    }

    async Task<bool> Within(TimeSpan patience, Func<DemoOrderNow, bool> wanted)
    {
        for (var since = Stopwatch.GetTimestamp(); ; await Task.Delay(BetweenLooks, stop))
        {
            if (wanted(new DemoOrderNow(await stage.Api.GetFromJsonAsync<JsonElement>(new Uri(Path, UriKind.Relative), stop), []))) return true;
            if (Stopwatch.GetElapsedTime(since) > patience) return false;
        }
    }

    DemoResult Result(DemoOrderNow now, string ended, string? wrong) => new(stage.Gateway.Name, story.Name, wrong is null ? ended : "WRONG", note, wrong is null ? null : $"{wrong}; is {now}")
    {
        Order = now.Status,
        Payments = [.. now.Payments.Select(DemoOrderNow.StatusOf)],
        Refunds = now.Refunds.Count,
        Source = now.Source,
    };

    async Task<JsonElement> Post(HttpClient client, string path, object body, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        using var answer = await client.SendAsync(request, stop);
        return await Read(answer, path);
    }

    async Task<JsonElement> Read(HttpResponseMessage answer, string whose)
    {
        var text = await answer.Content.ReadAsStringAsync(stop);
        if (!answer.IsSuccessStatusCode) throw new DemoStuckException($"{whose} was answered {(int)answer.StatusCode}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text.Length == 0 ? "{}" : text);
    }
}

/// <summary>A story cannot go on.</summary>
sealed class DemoStuckException(string why) : Exception(why);
