using Microsoft.Extensions.DependencyInjection;
using Purser.Reconciliation;
using Purser.Routing;
using Purser.Server.Reconciliation;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>Money that no statement has, at an account whose contract names no days, and in files that cover its day.</summary>
public sealed class MissingTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static DateOnly Today => DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);

    static SettlementLine Row(string key, PaymentId payment, DateOnly day) => Line(key, payment, money: $"m_{payment.Reference}") with { SettledOn = day };

    static async Task<List<string>> Missed(SettlementHouse house) => [.. (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray()
        .Where(d => d.GetProperty("kind").GetString() == "not_settled").Select(d => d.GetProperty("payment").GetString()!)];

    [Fact]
    public async Task Without_stated_days_the_usual_ones_count_once_the_account_has_had_a_statement()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (late, settled) = (await house.Paid(), await house.Paid());
        (await house.Ask<DateOnly>("select due_on from captures limit 1")).ShouldBeInRange(Today.AddDays(RouteAccount.UsuallySettlesAfterDays - 1), Today.AddDays(RouteAccount.UsuallySettlesAfterDays));
        var overdue = house.Host.Services.GetRequiredService<Overdue>();
        // Whoever sends no statements at all is not asked about every payment.
        (await overdue.Sweep(null, Today.AddDays(9), default)).ShouldBe(0);
        await house.Settle(Statement(Row("a", settled, Today)));
        (await Missed(house)).ShouldBeEmpty();
        (await overdue.Sweep(null, Today.AddDays(2), default)).ShouldBe(0);
        (await overdue.Sweep(null, Today.AddDays(9), default)).ShouldBe(1);
        (await Missed(house)).ShouldBe([late.ToString()]);
        await house.Settle(Statement(Row("b", late, Today)));
        (await Missed(house)).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_a_file_that_covers_the_day_does_not_have_is_missed_without_waiting_and_its_last_day_may_go_on()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Gateways:shop:SettlesAfterDays", "0"));
        var (here, absent, first, last) = (await house.Paid(), await house.Paid(), await house.Paid(), await house.Paid());
        await house.Ask<long>($"with due as (update captures set due_on = '2026-03-03' where order_id in ({here.Order.Value}, {absent.Order.Value}) returning 1) select count(*) from due");
        await house.Ask<long>($"with due as (update captures set due_on = '2026-03-05' where order_id = {last.Order.Value} returning 1) select count(*) from due");
        await house.Ask<long>($"with due as (update captures set due_on = '2026-02-27' where order_id = {first.Order.Value} returning 1) select count(*) from due");
        var file = await house.Settle(Statement(Row("a", here, new DateOnly(2026, 3, 2)), Line("x", null, 100, SettlementKind.Adjustment) with { SettledOn = new DateOnly(2026, 3, 5) }));
        (file.Text("covers_from"), file.Text("covers_to")).ShouldBe(("2026-03-02", "2026-03-05"));
        await Until.True(async () => (await Missed(house)).Count > 0, "what the file should have to be missed");
        // Another file may have what was due before this one begins.
        (await Missed(house)).ShouldBe([absent.ToString()]);
        (await house.Ask<string>($"select data::jsonb->>'reason' from events where order_id = {absent.Order.Value} and type = {(int)Purser.Orders.EventType.DiscrepancyOpened}"))
            .ShouldBe("It was due on 2026-03-03, and upload, which covers the day, does not have it.".Replace("upload", file.Text("name"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_row_of_a_payout_that_is_on_its_way_makes_nothing_missing_that_is_not_due_yet()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Gateways:shop:SettlesAfterDays", "0"));
        var (here, due, tomorrow) = (await house.Paid(), await house.Paid(), await house.Paid());
        async Task Due(PaymentId payment, int days) => await house.Ask<long>(
            $"with due as (update captures set due_on = '{Today.AddDays(days):yyyy-MM-dd}' where order_id = {payment.Order.Value} returning 1) select count(*) from due");
        await Due(due, -2);
        await Due(tomorrow, 1);
        await house.Settle(Statement(Row("a", here, Today.AddDays(-3)), Line("x", null, 100, SettlementKind.Adjustment) with { SettledOn = Today.AddDays(3) }));
        await Until.True(async () => (await Missed(house)).Count > 0, "what the file should have to be missed");
        (await Missed(house)).ShouldBe([due.ToString()]);
    }
}
