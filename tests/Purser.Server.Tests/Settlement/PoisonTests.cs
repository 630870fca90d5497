using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Server.Engine;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>A row whose application fails harms only itself; trouble of the place stops the file, which goes on later.</summary>
public sealed class PoisonTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static SettlementLine Row(string key, PaymentId payment) => Line(key, payment, money: $"m_{payment.Reference}");

    /// <summary>A machine that fails at a row's fact, for as long as it does.</summary>
    static Action<IServiceCollection> Failing(Func<string, Exception?> at) => services => services.AddSingleton(new EngineOptions
    {
        Lanes = 2,
        Decide = (order, input, now, rules) => input is Evidence.Settled fact && at(fact.Row.RowKey) is { } trouble ? throw trouble : OrderMachine.Decide(order, input, now, rules),
    });

    static Task<long> Settled(SettlementHouse house, PaymentId payment) =>
        house.Ask<long>($"select count(*) from events where order_id = {payment.Order.Value} and type = {(int)EventType.SettlementMatched}");

    static async Task<List<JsonElement>> Open(SettlementHouse house) => [.. (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray()];

    [Fact]
    public async Task A_fact_that_the_machine_cannot_take_is_asked_about_the_rest_is_applied_and_accept_applies_it_once_it_can()
    {
        var broken = true;
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, Failing(row => row == "poison" && broken ? new InvalidOperationException("No rule for this row.") : null));
        var (one, poison, two, late) = (await house.Paid(), await house.Paid(), await house.Pending(), await house.Paid());
        var done = await house.Settle(Statement(Row("a", one), Row("poison", poison), Row("b", two), Line("x", null, 100, SettlementKind.Adjustment)));
        (done.Text("state"), done.Body.GetProperty("lines_acted").GetInt32()).ShouldBe(("done", 4));
        // What is behind it in its account goes on, too.
        (await house.Settle(Statement(Row("c", late)))).Text("state").ShouldBe("done");
        foreach (var payment in new[] { one, two, late }) (await Settled(house, payment)).ShouldBe(1);
        (await house.Ask<long>("select count(*) from settlement_postings where row_key = 'x'")).ShouldBe(4);

        var question = (await Open(house)).ShouldHaveSingleItem();
        (question.GetProperty("kind").GetString(), question.GetProperty("amount").GetInt64(), question.GetProperty("owner").GetString(), question.GetProperty("row_key").GetString())
            .ShouldBe(("not_applied", 49900, "operator", "poison"));
        question.GetProperty("proposal").GetString()!.ShouldContain("No rule for this row");
        // What was paid out with it is in the bank all the same, and waits in suspense.
        (await house.Ask<string>("select string_agg(account || ' ' || sum, ', ' order by account) from (select account, sum(amount) from ledger where account in ('bank', 'suspense') group by 1) x"))
            .ShouldBe($"bank {(4 * 49900) + 100}, suspense -49900");
        (await Settled(house, poison)).ShouldBe(0);

        var path = $"/v1/discrepancies/{question.GetProperty("id").GetString()}/resolution";
        (await house.Post(path, new { action = "refund", by = "Asha", reason = "x" })).Problem.ShouldBe("answer_unsuitable");
        var still = await house.Post(path, new { action = "accept", by = "Asha", reason = "they said it is mended" });
        (still.Status, still.Problem).ShouldBe((HttpStatusCode.Conflict, "answer_unsuitable"));
        still.Text("detail").ShouldContain("No rule for this row");
        (await Open(house)).ShouldHaveSingleItem().GetProperty("resolved_by").GetArrayLength().ShouldBe(0);

        broken = false;
        (await house.Post(path, new { action = "accept", by = "Asha", reason = "it is mended" })).Status.ShouldBe(HttpStatusCode.OK);
        (await house.Post(path, new { action = "accept", by = "Asha", reason = "it is mended" })).Status.ShouldBe(HttpStatusCode.OK);
        (await Settled(house, poison)).ShouldBe(1);
        (await house.Ask<decimal>("select sum(amount) from ledger where account = 'suspense'")).ShouldBe(0);
        (await Open(house)).ShouldBeEmpty();
        (await house.Ask<string>("select string_agg(by_whom || ' ' || action, ', ' order by id) from audit_log")).ShouldBe("Asha accept, Asha accept_refused, Asha accept");
        await house.Sound();
    }

    [Fact]
    public async Task A_row_whose_fee_cannot_be_added_up_is_asked_about_and_nothing_that_sums_questions_fails_by_them()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (one, two) = (await house.Paid(), await house.Paid());
        static Money Inr(long units) => new(units, Currency.Find("INR"));
        SettlementLine Stranger(string key) => Line(key, new PaymentId(new OrderId(77), 1), long.MaxValue / 3, SettlementKind.Dispute) with { Net = Inr(-long.MaxValue / 2) };
        (await house.Settle(Statement(
            Row("a", one), Line("fee", two, money: $"m_{two.Reference}") with { Fee = Inr(long.MaxValue), Net = Inr(49_900) }, Stranger("b")))).Text("state").ShouldBe("done");
        (await house.Settle(Statement(Stranger("c")))).Text("state").ShouldBe("done");
        (await house.Settle(Statement(Stranger("d")))).Text("state").ShouldBe("done");
        (await house.Settle(Statement(Stranger("e")))).Text("state").ShouldBe("done");
        (await Settled(house, one), await Settled(house, two)).ShouldBe((1, 0));
        (await Open(house)).Select(d => $"{d.GetProperty("row_key").GetString()} {d.GetProperty("kind").GetString()} {d.GetProperty("persons_needed").GetInt32()}")
            .ShouldBe(["fee not_applied 2", "b not_applied 2", "c not_applied 2", "d not_applied 2", "e not_applied 2"], ignoreOrder: true);
        (await house.Ask<long>("select count(*) from settlement_postings")).ShouldBe(0);
        var risk = (await house.Get("/v1/risk")).Body;
        risk.ToString().ShouldContain(long.MaxValue.ToString(System.Globalization.CultureInfo.InvariantCulture));
        // Files whose rows cannot be added up are rejected whole, by the row at which they cannot.
        var refused = await house.Settle(Statement(Row("f", one), Stranger("g"), Stranger("h")));
        (refused.Text("state"), refused.Body.GetProperty("refusal").GetProperty("row").GetInt32()).ShouldBe(("refused", 4));
        await house.Sound();
    }

    [Fact]
    public async Task Postings_that_the_database_refuses_keep_no_others_back()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        await using (var forbid = house.Database.CreateCommand("alter table settlement_postings add constraint no_poison check (row_key <> 'poison')")) await forbid.ExecuteNonQueryAsync();
        var done = await house.Settle(Statement(
            Line("x", null, 100, SettlementKind.Adjustment), Line("poison", null, 200, SettlementKind.Adjustment), Line("stranger", new PaymentId(new OrderId(77), 1), 700), Row("a", paid)));
        done.Text("state").ShouldBe("done");
        (await house.Ask<string>("select string_agg(distinct row_key, ' ' order by row_key) from settlement_postings")).ShouldBe("stranger x");
        (await Open(house)).Select(d => $"{d.GetProperty("row_key").GetString()} {d.GetProperty("kind").GetString()}").ShouldBe(["poison not_applied", "stranger unknown_order"], ignoreOrder: true);
        await using (var allow = house.Database.CreateCommand("alter table settlement_postings drop constraint no_poison")) await allow.ExecuteNonQueryAsync();
        var question = (await Open(house)).Single(d => d.GetProperty("row_key").GetString() == "poison").GetProperty("id").GetString();
        (await house.Post($"/v1/discrepancies/{question}/resolution", new { action = "accept", by = "Asha", reason = "mended" })).Status.ShouldBe(HttpStatusCode.OK);
        (await house.Ask<long>("select count(*) from settlement_postings where row_key = 'poison' and (ledger_account, amount) in (('bank', 200), ('fees', -200))")).ShouldBe(2);
        await house.Sound();
    }

    [Fact]
    public async Task Trouble_that_passes_stops_the_file_and_becomes_no_question()
    {
        var (away, busy) = (2, 2);
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, Failing(row =>
            row == "a" && Interlocked.Decrement(ref away) >= 0 ? new StoreAwayException("the database is away")
            : row == "b" && Interlocked.Decrement(ref busy) >= 0 ? new StoreRefusedException("deadlock detected", passing: true) : null));
        var (one, two) = (await house.Paid(), await house.Paid());
        (await house.Settle(Statement(Row("a", one), Row("b", two), Line("stranger", new PaymentId(new OrderId(77), 1), 700)))).Text("state").ShouldBe("done");
        (away, busy).ShouldBe((-1, -1));
        (await Settled(house, one), await Settled(house, two)).ShouldBe((1, 1));
        (await Open(house)).ShouldHaveSingleItem().GetProperty("kind").GetString().ShouldBe("unknown_order");
        await house.Sound();
    }
}
