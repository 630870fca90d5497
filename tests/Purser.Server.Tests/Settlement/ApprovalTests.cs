using System.Net;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Server.Reconciliation;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>Above the policy's second limit two different persons must want the same.</summary>
public sealed class ApprovalTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static readonly (string, string)[] Limits = [("Purser:Settlement:ConfirmAbove:INR", "10.00"), ("Purser:Settlement:TwoPersonsAbove:INR", "20.00")];

    static SettlementLine Row(string key, PaymentId payment) => Line(key, payment, money: $"m_{payment.Reference}");

    static async Task<string> Question(SettlementHouse house) =>
        (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().ShouldHaveSingleItem().GetProperty("id").GetString()!;

    [Fact]
    public async Task One_person_twice_is_no_second_and_another_wish_begins_anew()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, Limits);
        var pending = await house.Pending();
        await house.Settle(Statement(Row("a", pending)));
        var path = $"/v1/discrepancies/{await Question(house)}/resolution";
        // What cannot be done about the row leaves no first person behind.
        (await house.Post(path, new { action = "write_off", by = "Asha", reason = "x" })).Problem.ShouldBe("answer_unsuitable");
        (await house.Post(path, new { action = "accept", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.Accepted);
        var refused = await house.Post(path, new { action = "accept", by = "ASHA ", reason = "seen" });
        (refused.Status, refused.Problem, refused.Text("field")).ShouldBe((HttpStatusCode.Conflict, "answer_unsuitable", "by"));
        // The second wants something else: then the first has not agreed to that.
        (await house.Post(path, new { action = "close", by = "Ravi", reason = "a mistake of theirs" })).Status.ShouldBe(HttpStatusCode.Accepted);
        (await house.Post(path, new { action = "close", by = "ravi", reason = "again" })).Text("field").ShouldBe("by");
        (await house.Get($"/v1/orders/{pending.Order}")).Text("status").ShouldBe("awaiting_payment");
        var closed = await house.Post(path, new { action = "close", by = "Asha", reason = "agreed" });
        (closed.Status, closed.Text("resolution")).ShouldBe((HttpStatusCode.OK, "close"));
        closed.Body.GetProperty("resolved_by").EnumerateArray().Select(p => p.GetString()).ShouldBe(["Ravi", "Asha"]);
    }

    [Fact]
    public async Task Of_persons_who_agree_at_the_same_instant_one_is_the_second_and_it_is_done_once()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, Limits);
        var pending = await house.Pending();
        await house.Settle(Statement(Row("a", pending)));
        var path = $"/v1/discrepancies/{await Question(house)}/resolution";
        (await house.Post(path, new { action = "accept", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.Accepted);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => house.Post(path, new { action = "accept", by = $"Ravi {n}", reason = "seen too" })));
        answers.ShouldAllBe(a => a.Status == HttpStatusCode.OK || a.Status == HttpStatusCode.Conflict);
        answers.ShouldContain(a => a.Status == HttpStatusCode.OK);
        (await house.Get($"/v1/orders/{pending.Order}")).Text("status").ShouldBe("paid");
        (await house.Ask<long>($"select count(*) from events where order_id = {pending.Order.Value} and type = {(int)EventType.SettlementMatched}")).ShouldBe(1);
        (await house.Ask<long>("select count(*) from audit_log where action = 'accept'")).ShouldBe(1);
        // Whoever is named is whoever did it.
        (await house.Ask<bool>("select d.by_second = a.by_whom and d.by_first = 'Asha' from settlement_discrepancies d, audit_log a where a.action = 'accept'")).ShouldBeTrue();
        await house.Sound();
    }

    [Fact]
    public async Task Two_who_begin_at_the_same_instant_have_not_agreed_with_each_other_unheard()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, Limits);
        var pending = await house.Pending();
        await house.Settle(Statement(Row("a", pending)));
        var path = $"/v1/discrepancies/{await Question(house)}/resolution";
        var answers = await Task.WhenAll(house.Post(path, new { action = "accept", by = "Asha", reason = "seen" }), house.Post(path, new { action = "accept", by = "Ravi", reason = "seen" }));
        var done = answers.Any(a => a.Status == HttpStatusCode.OK);
        (await house.Get($"/v1/orders/{pending.Order}")).Text("status").ShouldBe(done ? "paid" : "awaiting_payment");
        if (!done)
        {
            var first = await house.Ask<string>("select by_first from settlement_discrepancies");
            (await house.Post(path, new { action = "accept", by = first == "Asha" ? "Ravi" : "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.OK);
        }
        (await house.Ask<string>("select string_agg(p, ' ' order by p) from settlement_discrepancies d, unnest(array[d.by_first, d.by_second]) p")).ShouldBe("Asha Ravi");
        await house.Sound();
    }

    [Fact]
    public async Task A_question_is_closed_by_looking_at_its_own_row_s_postings_alone()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        await house.Settle(Statement(Enumerable.Range(0, 20_000).Select(n => Line($"x{n}", null, 100, SettlementKind.Adjustment))));
        await using (var analyze = house.Database.CreateCommand("analyze settlement_postings")) await analyze.ExecuteNonQueryAsync();
        var sql = ActStore.Closing.Replace("$1", "1::bigint", StringComparison.Ordinal).Replace("$2", "'evidence'::text", StringComparison.Ordinal)
            .Replace("$3", "'why'::text", StringComparison.Ordinal).Replace("$4", "7::smallint", StringComparison.Ordinal);
        await using var explain = house.Database.CreateCommand($"explain {sql}");
        var plan = new List<string>();
        await using var rows = await explain.ExecuteReaderAsync();
        while (await rows.ReadAsync()) plan.Add(rows.GetString(0));
        plan.ShouldContain(line => line.Contains("settlement_postings", StringComparison.Ordinal) && line.Contains("Index", StringComparison.Ordinal), string.Join('\n', plan));
        plan.ShouldNotContain(line => line.Contains("Seq Scan on settlement_postings", StringComparison.Ordinal));
    }
}
