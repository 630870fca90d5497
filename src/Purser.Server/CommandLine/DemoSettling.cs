using System.Net.Http.Json;
using System.Text.Json;
using Purser.Gateways;
using Purser.Server.Gateways;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.CommandLine;

/// <summary>Those of the server who read statements and look for what none of them has.</summary>
sealed record DemoOffice(Overdue Overdue, SettlementFetch Fetch, GatewayAccounts Accounts, TimeProvider Time);

/// <summary>The four scenarios of reconciliation at one gateway, with its own statements: what both call paid; what only the statement calls paid, because
/// webhooks, returns and questions all failed; what neither calls paid; and what only we call paid, until a later statement has it. The first
/// statement is sent as a file; the second is fetched over the gateway's API where it has one.</summary>
sealed class DemoSettling(DemoStage stage, DemoOffice office, CancellationToken stop)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), BetweenLooks = TimeSpan.FromMilliseconds(100);

    /// <summary>How long money is waited for that moves only when the merchant's side is heard of.</summary>
    static readonly TimeSpan MoneyPatience = TimeSpan.FromSeconds(10);

    /// <summary>By then everything that is paid here was due.</summary>
    const int LaterDays = 30;

    /// <summary>Gateways name a day by their own calendar, some the one of the transfer.</summary>
    const int DaysBefore = 1, DaysAfter = 2;

    const int LinesAtOnce = 100;

    readonly List<string> wrong = [];

    /// <param name="played">The stories of this gateway; money that no question finds goes back once the statement has told of it.</param>
    public async Task<DemoStatement> Play(IReadOnlyList<DemoResult> played)
    {
        try
        {
            return await Settle(played);
        }
        catch (Exception stuck) when (stuck is DemoStuckException or HttpRequestException)
        {
            return new DemoStatement(stage.Gateway.Name, [], 0, null, [], null, [.. wrong, stuck.Message]);
        }
    }

    async Task<DemoStatement> Settle(IReadOnlyList<DemoResult> played)
    {
        DemoScene unheard = Scene("paid, and nobody tells"), unpaid = Scene("not paid"), late = Scene("paid after the statement");
        await Task.WhenAll(unheard.Begin(), unpaid.Begin());
        await CaptureUnheard(unheard);
        if (await File() is not { } file)
        {
            await unheard.Relieve();
            return new DemoStatement(stage.Gateway.Name, [], 0, null, [], "gives no statement that could be read here", wrong);
        }
        // What is paid from here on is not in it.
        var paying = PayLate(late);
        var first = await Send(file);
        var told = await unheard.Look();
        var nameless = told.Status != "paid" && first.Classes.Any(c => c.Class == "unknown_order");
        if (!nameless) Must(told is { Status: "paid", Source: "settlement", Standings: ["accepted"] }, $"what only the statement calls paid must be paid by it; is {told}, by {told.Source}");
        await unheard.Relieve();
        if (nameless) await unheard.Reached("paid, once questions are answered", o => o.Status == "paid");
        var agreed = await BothUnpaid(first.Id, unpaid, played);

        await paying;
        await office.Overdue.Sweep(stage.Gateway.Name, office.Overdue.Until.AddDays(LaterDays), stop);
        Must((await late.Look()).Questions.Contains("not_settled") && await late.Fulfils() == "/problems/order_held", "what only we call paid must be asked about, and its goods held");
        var missing = await Missing();
        Must(missing.Sum(m => m.Lines) == (nameless ? 2 : 1), "nothing else may be missing from the statement");
        foreach (var story in played.Where(r => r.InStatementOnly.Count > 0))
            await Scene(story.Story, story.OrderId).Reached("given back, once the statement has told of it", o => o.GaveBack);

        var (second, way) = await Second();
        await late.Reached("settled, and no longer asked about", o => o.Questions.Count == 0);
        Must(await late.Fulfils() is null, "what is settled can be fulfilled");
        Must(second.Sum(c => c.Class is "repeated" ? c.Lines : 0) == first.Classes.Sum(c => c.Lines), "the second statement must repeat every line of the first");
        Must(second.All(c => c.Class is "repeated" or "both_paid" or "refund" or "payout"), $"the second statement must have nothing strange; has {string.Join(", ", second.Select(c => c.Class))}");
        return new DemoStatement(stage.Gateway.Name, [.. first.Classes, .. missing], agreed, way, second,
            nameless ? "names in its statement no payment of ours: money that nobody had told us of waits for a person, there as unknown_order and here as not settled" : null, wrong);
    }

    /// <summary>Pays, and we hear nothing of it: no webhook comes, no browser comes back, and every question fails.</summary>
    async Task CaptureUnheard(DemoScene unheard)
    {
        await unheard.Strike([DemoFault.NoWebhook, DemoFault.NoAnswer]);
        if (!await unheard.Shops("paid")) throw new DemoStuckException("the shopper could not pay");
        if (await unheard.Taken() == 1) return;
        // The shopper's approval moved nothing: the merchant has to take the money, and it is the answer to that which gets lost.
        await unheard.Relieve();
        await unheard.Strike([DemoFault.NoWebhook, DemoFault.AnswersLost]);
        for (var since = office.Time.GetTimestamp(); await unheard.Taken() == 0; await Task.Delay(BetweenLooks, stop))
            if (office.Time.GetElapsedTime(since) > MoneyPatience) throw new DemoStuckException("no money moved");
        await unheard.Strike([DemoFault.NoAnswer]);
    }

    async Task PayLate(DemoScene late)
    {
        await late.Begin();
        if (!await late.Shops("paid")) throw new DemoStuckException("the shopper could not pay");
        await late.Reached("paid", o => o.Status == "paid");
    }

    /// <summary>How many orders neither has money of.</summary>
    async Task<int> BothUnpaid(string statement, DemoScene unpaid, IReadOnlyList<DemoResult> played)
    {
        var named = new HashSet<string?>();
        for (string? page = ""; page is not null;)
        {
            var lines = await stage.Api.GetFromJsonAsync<JsonElement>(new Uri($"/v1/settlements/{statement}/lines?limit={LinesAtOnce}{page}", UriKind.Relative), stop);
            named.UnionWith(lines.GetProperty("lines").EnumerateArray().Select(l => l.GetProperty("order").GetString()));
            page = lines.GetProperty("next").GetString() is { } next ? $"&cursor={Uri.EscapeDataString(next)}" : null;
        }
        List<string> unpaids = [unpaid.Order!, .. played.Where(r => r is { Wrong: null, OrderId: not null, TookNothing: true }).Select(r => r.OrderId!)];
        Must(!unpaids.Exists(named.Contains), "the statement must have no line of what neither calls paid");
        await unpaid.Cancel();
        var now = await unpaid.Reached("cancelled", o => o.Status == "cancelled");
        Must(now.Standings.Count == 0 && await unpaid.Taken() == 0, "what neither calls paid must end without money");
        return unpaids.Count;
    }

    DemoScene Scene(string name, string? order = null) => new(stage, new DemoStory(name, "paid", DemoEnd.Paid) { Returns = false }, stop) { Order = order };

    async Task<byte[]?> File()
    {
        using var file = await stage.Sandbox.Control.GetAsync(stage.Control("settlement"), stop);
        return file.IsSuccessStatusCode ? await file.Content.ReadAsByteArrayAsync(stop) : null;
    }

    /// <summary>Over the gateway's API where it tells its settlements there; as a file again where it does not, or tells its transfers only.</summary>
    async Task<(IReadOnlyList<DemoClass> Classes, string Way)> Second()
    {
        var account = office.Accounts.Find(stage.Gateway.Name)!;
        if (account.Gateway is not ISettleByCall) return (await Again(), "file");
        var told = new List<DemoClass>();
        var today = DateOnly.FromDateTime(office.Time.GetUtcNow().UtcDateTime);
        for (var day = today.AddDays(-DaysBefore); day <= today.AddDays(DaysAfter); day = day.AddDays(1))
            if (await office.Fetch.Day(account, day, stop) is { } kept) told.AddRange((await Ended(SettlementFile.IdOf(kept))).Classes);
        if (told.Count == 0) throw new DemoStuckException("nothing was told over the API");
        if (!told.TrueForAll(c => c.Class == "payout")) return (told, "API");
        told.AddRange(await Again());
        return (told, "API, file");
    }

    async Task<IReadOnlyList<DemoClass>> Again() => (await Send(await File() ?? throw new DemoStuckException("the statement is gone"))).Classes;

    /// <summary>Sends it and waits until it is acted on.</summary>
    async Task<(string Id, IReadOnlyList<DemoClass> Classes)> Send(byte[] bytes)
    {
        using var body = new ByteArrayContent(bytes);
        using var sent = await stage.Api.PostAsync(new Uri($"/v1/settlements?gateway={stage.Gateway.Name}", UriKind.Relative), body, stop);
        var file = await sent.Content.ReadFromJsonAsync<JsonElement>(stop);
        return sent.IsSuccessStatusCode ? await Ended(file.GetProperty("id").GetString()!) : throw new DemoStuckException($"the statement was answered {(int)sent.StatusCode}: {file}");
    }

    async Task<(string Id, IReadOnlyList<DemoClass> Classes)> Ended(string id)
    {
        JsonElement file;
        string state;
        for (var since = office.Time.GetTimestamp(); ; await Task.Delay(BetweenLooks, stop))
        {
            file = await stage.Api.GetFromJsonAsync<JsonElement>(new Uri($"/v1/settlements/{id}", UriKind.Relative), stop);
            state = file.GetProperty("state").GetString()!;
            if (state is "done" or "refused") break;
            if (office.Time.GetElapsedTime(since) > Patience) throw new DemoStuckException($"the statement is still {state}");
        }
        if (state == "refused") throw new DemoStuckException($"the statement was refused: {file.GetProperty("refusal")}");
        var classes = file.GetProperty("classes").EnumerateArray().Select(c => new DemoClass(
            c.GetProperty("currency").GetString()!, c.GetProperty("class").GetString()!, c.GetProperty("lines").GetInt32(), c.GetProperty("amount").GetInt64())).ToList();
        Must(classes.Sum(c => c.Lines) == file.GetProperty("lines").GetInt32(), "the classes of a statement must add up to its lines");
        return (id, classes);
    }

    /// <summary>Money of ours that the statement should have and has not.</summary>
    async Task<IReadOnlyList<DemoClass>> Missing()
    {
        var open = await stage.Api.GetFromJsonAsync<JsonElement>(new Uri($"/v1/discrepancies?open=true&limit=100&gateway={stage.Gateway.Name}", UriKind.Relative), stop);
        return [.. open.GetProperty("discrepancies").EnumerateArray().Where(d => d.GetProperty("kind").GetString() == "not_settled").GroupBy(d => d.GetProperty("currency").GetString()!)
            .Select(g => new DemoClass(g.Key, "not_settled", g.Count(), g.Sum(d => d.GetProperty("amount").GetInt64())))];
    }

    void Must(bool right, string what)
    {
        if (!right) wrong.Add(what);
    }
}
