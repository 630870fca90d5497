using System.Collections.Immutable;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Ledger;
using Purser.Server.Tests.Browser;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Ledger;

/// <summary>At rest each gateway's receivable is what the gateway's own book says that it holds for us.</summary>
public sealed class TheirBookTests(SandboxHouse house) : IClassFixture<SandboxHouse>
{
    public static TheoryData<string> Gateways => [.. SandboxHouse.Playable];

    [Theory]
    [MemberData(nameof(Gateways))]
    public async Task At_rest_the_receivable_is_the_gateways_own_book(string gateway)
    {
        var currency = SandboxHouse.CurrencyOf(SandboxHouse.Adapters[gateway].Profile);
        // Whoever shows the wrong amount may be refused by the gateway; then nothing moved, and the book says so too.
        foreach (var outcome in new[] { "paid", "declined_then_paid", "wrong_amount", "abandoned", "paid" }) await Play(gateway, currency, outcome);

        await Until.True(async () => (await Ours(gateway)).SequenceEqual(Theirs(gateway)), "the books to agree");
        Theirs(gateway).Single().Left.ShouldBeGreaterThanOrEqualTo(2 * 49_900);
    }

    async Task Play(string gateway, string currency, string outcome)
    {
        var order = (await house.Place(currency)).Id;
        await house.Start(gateway, order);
        var now = await house.Read(order);
        await Until.True(async () => (now = await house.Read(order)).Payments[^1].Status is not PaymentStatus.Starting, "a link");
        var payment = now.Payments[^1];
        using var control = new HttpClient { BaseAddress = house.Sandbox.ControlUrl };
        using var acted = await control.PostAsJsonAsync($"/control/{gateway}/payments", new
        {
            reference = new PaymentId(order, payment.Number).Reference,
            outcome,
            link = payment.Link switch
            {
                PaymentLink.Form form => new { url = form.Url, fields = (ImmutableSortedDictionary<string, string>?)form.Fields },
                PaymentLink.Redirect page => new { url = page.Url, fields = (ImmutableSortedDictionary<string, string>?)null },
                _ => throw new InvalidOperationException($"{gateway} opened no link."),
            },
        });
        if (!acted.IsSuccessStatusCode || outcome == "abandoned") return;
        await house.RingAlarm(order);
        await Until.True(async () => (await house.Read(order)).Payments[^1].Captures.Length > 0, $"{gateway}: {outcome} to be known");
    }

    IReadOnlyList<(string Currency, long Left)> Theirs(string gateway) => [.. house.World(gateway).Book.Totals.Select(t => (t.Currency, t.Left))];

    async Task<IEnumerable<(string Currency, long Amount)>> Ours(string gateway) =>
        (await house.Server.Services.GetRequiredService<LedgerStore>().Balances(null, default))
            .Where(b => b.Account == $"receivable:{gateway}").Select(b => (b.Amount.Currency.Code, b.Amount.MinorUnits));
}
