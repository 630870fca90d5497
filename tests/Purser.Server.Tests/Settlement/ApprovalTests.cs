using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Server.Keys;
using Purser.Server.Reconciliation;
using Purser.Server.Tests.Api;
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
        await house.Settle(Statement(Line("stranger", new PaymentId(new OrderId(77), 1))));
        // What cannot be done about the row leaves no first person behind.
        var stranger = $"/v1/discrepancies/{await Question(house)}";
        (await house.Post($"{stranger}/resolution", new { action = "refund", by = "Asha", reason = "x" })).Problem.ShouldBe("answer_unsuitable");
        (await house.Get(stranger)).Body.GetProperty("resolved_by").GetArrayLength().ShouldBe(0);
        foreach (var by in new[] { "Asha", "Ravi" }) await house.PostAs(by, $"{stranger}/resolution", new { action = "close", by, reason = "x" });
        await house.Settle(Statement(Row("a", pending)));
        var path = $"/v1/discrepancies/{await Question(house)}/resolution";
        (await house.PostAs("Asha", path, new { action = "accept", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.Accepted);
        var refused = await house.PostAs("Asha", path, new { action = "accept", by = "ASHA ", reason = "seen" });
        (refused.Status, refused.Problem, refused.Text("field")).ShouldBe((HttpStatusCode.Conflict, "answer_unsuitable", "by"));
        // The second wants something else: then the first has not agreed to that.
        (await house.PostAs("Ravi", path, new { action = "close", by = "Ravi", reason = "a mistake of theirs" })).Status.ShouldBe(HttpStatusCode.Accepted);
        (await house.PostAs("Ravi", path, new { action = "close", by = "ravi", reason = "again" })).Text("field").ShouldBe("by");
        (await house.Get($"/v1/orders/{pending.Order}")).Text("status").ShouldBe("awaiting_payment");
        var closed = await house.PostAs("Asha", path, new { action = "close", by = "Asha", reason = "agreed" });
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
        (await house.PostAs("Asha", path, new { action = "accept", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.Accepted);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => house.PostAs($"Ravi {n}", path, new { action = "accept", by = $"Ravi {n}", reason = "seen too" })));
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
        Task<Answered>[] both;
        await using (var connection = await house.Database.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            // Both have looked, and found nobody's wish, before either's is kept.
            await using (var hold = new NpgsqlCommand("select 1 from settlement_discrepancies for update", connection)) await hold.ExecuteNonQueryAsync();
            both = [house.PostAs("Asha", path, new { action = "accept", by = "Asha", reason = "seen" }), house.PostAs("Ravi", path, new { action = "accept", by = "Ravi", reason = "seen" })];
            await Until.True(() => house.Wait(2), "both to wait for the same row");
        }
        var answers = await Task.WhenAll(both);
        answers.Select(a => a.Status).ShouldBe([HttpStatusCode.Accepted, HttpStatusCode.Conflict], ignoreOrder: true);
        answers.Single(a => a.Status == HttpStatusCode.Conflict).Problem.ShouldBe("answer_overtaken");
        (await house.Get($"/v1/orders/{pending.Order}")).Text("status").ShouldBe("awaiting_payment");
        var first = await house.Ask<string>("select by_first from settlement_discrepancies");
        first.ShouldBe(answers[0].Status == HttpStatusCode.Accepted ? "Asha" : "Ravi");
        var second = first == "Asha" ? "Ravi" : "Asha";
        (await house.PostAs(second, path, new { action = "accept", by = second, reason = "seen" })).Status.ShouldBe(HttpStatusCode.OK);
        (await house.Get($"/v1/orders/{pending.Order}")).Text("status").ShouldBe("paid");
        (await house.Ask<string>("select string_agg(p, ' ' order by p) from settlement_discrepancies d, unnest(array[d.by_first, d.by_second]) p")).ShouldBe("Asha Ravi");
        await house.Sound();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_key_is_one_person_whatever_names_it_says(bool ofOrder)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, Limits);
        var payment = await Asked(house, ofOrder);
        var question = await Question(house);
        var path = $"/v1/discrepancies/{question}/resolution";
        (await house.Post(path, new { action = "accept", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.Accepted);
        var refused = await house.Post(path, new { action = "accept", by = "Ravi", reason = "seen too" });
        (refused.Status, refused.Problem, refused.Text("field")).ShouldBe((HttpStatusCode.Conflict, "answer_unsuitable", "by"));
        refused.Text("detail").ShouldStartWith("Asha has decided with this very API key already");
        refused.Text("remedy").ShouldContain("purser keys create");
        // Not at once either.
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(n => house.Post(path, new { action = "accept", by = $"Kiran {n}", reason = "seen" })));
        answers.ShouldAllBe(a => a.Status == HttpStatusCode.Conflict && a.Text("field") == "by");
        (await house.Get($"/v1/orders/{payment.Order}")).Text("status").ShouldNotBe("paid");

        var done = await house.PostAs("Ravi", path, new { action = "accept", by = "Ravi", reason = "seen too" });
        (done.Status, done.Text("resolution")).ShouldBe((HttpStatusCode.OK, "accept"), done.Body.ToString());
        var keys = (await house.Host.Services.GetRequiredService<ApiKeys>().List()).Select(k => k.Id).ToArray();
        (await house.Get($"/v1/discrepancies/{question}")).Body.GetProperty("resolved_by_keys").EnumerateArray().Select(k => k.GetInt32()).ShouldBe(keys);
        (await house.Ask<string>("select string_agg(by_whom || ' ' || action || ' ' || key_id, ', ' order by id) from audit_log")).ShouldBe($"Asha propose_accept {keys[0]}, Ravi accept {keys[1]}");
        (await house.Get($"/v1/orders/{payment.Order}")).Text("status").ShouldBe("paid");
        await house.Sound();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Two_keys_that_confirm_at_the_same_instant_resolve_once(bool ofOrder)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, Limits);
        var payment = await Asked(house, ofOrder);
        var path = $"/v1/discrepancies/{await Question(house)}/resolution";
        Task<Answered> Send(string by) => house.PostAs(by, path, new { action = "accept", by, reason = "seen" });
        // Whoever hears that the other was faster looks and sends again, as a person would.
        var both = await Task.WhenAll(((string[])["Asha", "Ravi"]).Select(async by => await Send(by) is var first && first.Status == HttpStatusCode.Conflict ? await Send(by) : first));
        both.Select(a => a.Status).ShouldBe([HttpStatusCode.Accepted, HttpStatusCode.OK], ignoreOrder: true);
        (await house.Get($"/v1/orders/{payment.Order}")).Text("status").ShouldBe("paid");
        (await house.Ask<string>("select string_agg(action, ', ' order by id) from audit_log")).ShouldBe("propose_accept, accept");
        (await house.Ask<long>("select count(distinct by_whom) from audit_log") + await house.Ask<long>("select count(distinct key_id) from audit_log")).ShouldBe(4);
        await house.Sound();
    }

    [Fact]
    public async Task A_key_that_is_a_person_s_speaks_for_nobody_else_and_two_keys_of_one_person_are_one_person()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, Limits);
        await Asked(house, ofOrder: true);
        var question = await Question(house);
        var path = $"/v1/discrepancies/{question}/resolution";
        var keys = house.Host.Services.GetRequiredService<ApiKeys>();
        var (asha, listed) = await keys.Create("asha's laptop", KeyKind.Secret, person: " Asha Rao ");
        var (phone, _) = await keys.Create("asha's phone", KeyKind.Secret, person: "Asha Rao");
        var (ravi, _) = await keys.Create("ravi", KeyKind.Secret, person: "Ravi Iyer");
        listed.Person.ShouldBe("Asha Rao");
        var refused = await Send(asha, """{"action": "close", "by": "Ravi Iyer", "reason": "seen"}""");
        (refused.Status, refused.Problem, refused.Text("field")).ShouldBe((HttpStatusCode.UnprocessableEntity, "invalid_fields", "by"), refused.Body.ToString());
        refused.Text("detail").ShouldBe("'by' says Ravi Iyer, and this key is Asha Rao's.");
        refused.Text("remedy").ShouldStartWith("Leave 'by' out, or send Asha Rao.");
        (await Send(asha, """{"action": "close", "reason": "seen"}""")).Status.ShouldBe(HttpStatusCode.Accepted);
        (await Send(phone, """{"action": "close", "reason": "seen"}""")).Text("field").ShouldBe("by");
        // A program's key must say who it is.
        (await Send(house.Secret, """{"action": "close", "reason": "seen"}""")).Problem.ShouldBe("invalid_fields");
        (await Send(house.Secret, """{"action": "close", "by": "asha rao", "reason": "seen"}""")).Text("field").ShouldBe("by");
        (await Send(ravi, """{"action": "close", "by": "ravi iyer", "reason": "agreed"}""")).Status.ShouldBe(HttpStatusCode.OK);
        (await house.Get($"/v1/discrepancies/{question}")).Body.GetProperty("resolved_by").EnumerateArray().Select(p => p.GetString()).ShouldBe(["Asha Rao", "Ravi Iyer"]);
        (await house.Ask<string>($"select data::jsonb->>'by' from events where type = {(int)EventType.DiscrepancyResolved}")).ShouldBe("Asha Rao and Ravi Iyer");
        // The program is no person, whoever has its name.
        (await Send(house.Secret, """{"by": " Purser", "reason": "wrong"}""", HttpMethod.Delete)).Text("detail").ShouldBe("'purser' is the program, and not a person.");
        (await Should.ThrowAsync<ArgumentException>(() => keys.Create("odd", KeyKind.Secret, person: "Purser "))).Message.ShouldContain("is the program");
        var (odd, _) = await keys.Create("odd", KeyKind.Secret, person: "Somebody");
        await house.Ask<long>("with old as (update api_keys set person = 'purser' where name = 'odd' returning 1) select count(*) from old");
        (await Send(odd, """{"reason": "wrong"}""", HttpMethod.Delete)).Text("field").ShouldBe("by");
        // Taking it back is the same person's word.
        (await Send(asha, """{"by": "Kiran", "reason": "wrong"}""", HttpMethod.Delete)).Text("field").ShouldBe("by");
        (await Send(asha, """{"reason": "wrong"}""", HttpMethod.Delete)).Status.ShouldBe(HttpStatusCode.OK);
        (await house.Ask<string>("select by_whom || ' ' || action from audit_log order by id desc limit 1")).ShouldBe("Asha Rao reopen");
        await house.Sound();

        async Task<Answered> Send(string key, string json, HttpMethod? method = null)
        {
            using var body = new StringContent(json, Encoding.UTF8, "application/json");
            return await house.Send(method ?? HttpMethod.Post, path, body, ("Authorization", $"Bearer {key}"));
        }
    }

    [Fact]
    public async Task A_proposal_from_before_keys_counted_is_nobody_s_and_is_made_anew()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, Limits);
        await house.Settle(Statement(Row("a", await house.Pending())));
        var path = $"/v1/discrepancies/{await Question(house)}/resolution";
        (await house.Post(path, new { action = "close", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.Accepted);
        await house.Ask<long>("with old as (update settlement_discrepancies set key_first = null returning 1) select count(*) from old");
        (await house.Post(path, new { action = "close", by = "Ravi", reason = "seen too" })).Status.ShouldBe(HttpStatusCode.Accepted);
        (await house.Post(path, new { action = "close", by = "Kiran", reason = "and I" })).Text("field").ShouldBe("by");
    }

    /// <summary>Late money of an order whose policy asks, or a row that only the statement says is paid: accepted, either pays its order.</summary>
    static async Task<PaymentId> Asked(SettlementHouse house, bool ofOrder)
    {
        var payment = await house.Pending(late: "ask");
        if (!ofOrder)
        {
            await house.Settle(Statement(Row("a", payment)));
            return payment;
        }
        (await house.Post($"/v1/orders/{payment.Order}/cancellation", new { })).Status.ShouldBe(HttpStatusCode.OK);
        await house.Tell(payment, "captured", 49900, $"m_{payment.Reference}");
        return payment;
    }

    [Fact]
    public async Task A_question_is_closed_by_looking_at_its_own_row_s_postings_alone()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        await house.Settle(Statement(Enumerable.Range(0, 20_000).Select(n => Line($"x{n}", null, 100, SettlementKind.Adjustment))));
        await using (var analyze = house.Database.CreateCommand("analyze settlement_postings")) await analyze.ExecuteNonQueryAsync();
        var sql = ActStore.Closing.Replace("$1", "1::bigint", StringComparison.Ordinal).Replace("$2", "'evidence'::text", StringComparison.Ordinal)
            .Replace("$3", "'why'::text", StringComparison.Ordinal);
        await using var explain = house.Database.CreateCommand($"explain {sql}");
        var plan = new List<string>();
        await using var rows = await explain.ExecuteReaderAsync();
        while (await rows.ReadAsync()) plan.Add(rows.GetString(0));
        plan.ShouldContain(line => line.Contains("settlement_postings", StringComparison.Ordinal) && line.Contains("Index", StringComparison.Ordinal), string.Join('\n', plan));
        plan.ShouldNotContain(line => line.Contains("Seq Scan on settlement_postings", StringComparison.Ordinal));
    }
}
