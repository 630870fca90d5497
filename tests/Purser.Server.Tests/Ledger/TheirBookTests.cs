using System.Collections.Immutable;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Audit;
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
        foreach (var outcome in new[] { "paid", "declined_then_paid", "wrong_amount", "abandoned" }) await Play(gateway, currency, outcome);
        var paid = await Play(gateway, currency, "paid");

        await Until.True(async () => (await Ours(gateway)).SequenceEqual(Theirs(gateway)), "the books to agree");
        var before = Theirs(gateway).Single().Left;
        before.ShouldBeGreaterThanOrEqualTo(2 * 49_900);

        await GiveBack(paid, new Money(10_000, Currency.Find(currency)));
        await Until.True(async () => (await Ours(gateway)).SequenceEqual(Theirs(gateway)), "the books to agree after the refund");
        Theirs(gateway).Single().Left.ShouldBe(before - 10_000);
        (await AuditCommand.Run(Database, null, null, 1, null, default)).Differences.ShouldBeEmpty();
    }

    NpgsqlDataSource Database => house.Server.Services.GetRequiredService<NpgsqlDataSource>();

    async Task GiveBack(OrderId order, Money amount)
    {
        await house.Server.Engine.Submit(order, new OrderCommand.Refund(null, amount, "returned"), default);
        var refunds = (await house.Read(order)).Refunds;
        refunds.Length.ShouldBe(1);
        await Until.True(async () =>
        {
            // What is asked about in an hour is asked about now, one question at a time; the order is locked first, as the engine does.
            await using var hurry = Database.CreateCommand("""
                with held as (select id from orders where id = $1 for update),
                looked as (update refunds set look_at = clock_timestamp() where order_id = (select id from held) and look_at > clock_timestamp() returning 1)
                update orders set wake_at = clock_timestamp() where id = $1 and exists (select from looked)
                """);
            hurry.Parameters.Add(new NpgsqlParameter<long> { TypedValue = order.Value });
            await hurry.ExecuteNonQueryAsync();
            return (await house.Read(order)).Refunds[0].Status == RefundStatus.Succeeded;
        }, "the refund to be done");
    }

    async Task<OrderId> Play(string gateway, string currency, string outcome)
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
        if (!acted.IsSuccessStatusCode || outcome == "abandoned") return order;
        await house.RingAlarm(order);
        await Until.True(async () => (await house.Read(order)).Payments[^1].Captures.Length > 0, $"{gateway}: {outcome} to be known");
        return order;
    }

    IReadOnlyList<(string Currency, long Left)> Theirs(string gateway) => [.. house.World(gateway).Book.Totals.Select(t => (t.Currency, t.Left))];

    async Task<IEnumerable<(string Currency, long Amount)>> Ours(string gateway) =>
        (await house.Server.Services.GetRequiredService<LedgerStore>().Balances(null, default))
            .Where(b => b.Account == $"receivable:{gateway}").Select(b => (b.Amount.Currency.Code, b.Amount.MinorUnits));
}
