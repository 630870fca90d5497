using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>What persons decide is kept with who, when and by which policy, before it is done; and whoever acts at the same time hears so.</summary>
public sealed partial class DecidingTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static readonly (string, string)[] Limits = [("Purser:Settlement:ConfirmAbove:INR", "10.00"), ("Purser:Settlement:TwoPersonsAbove:INR", "20.00")];
    static readonly (string, string)[] One = [("Purser:Settlement:ConfirmAbove:INR", "10.00")];

    static SettlementLine Row(string key, PaymentId payment) => Line(key, payment, money: $"m_{payment.Reference}");

    static async Task<string> Question(SettlementHouse house) =>
        (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().ShouldHaveSingleItem().GetProperty("id").GetString()!;

    static async Task<Answered> Delete(SettlementHouse house, string path, string by)
    {
        using var body = new StringContent($$"""{"by": "{{by}}", "reason": "wrong"}""", Encoding.UTF8, "application/json");
        return await house.Send(HttpMethod.Delete, path, body);
    }

    [Fact]
    public async Task The_versions_of_a_policy_are_numbered_one_after_the_other_however_many_ask_at_once()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var acts = new ActStore(house.Database);
        async Task<int[]> Ask(string theirsPaid) => [.. (await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => acts.PolicyVersion(new SettlementOptions { TheirsPaid = theirsPaid }, default))))).Distinct()];
        (await Ask("act"), await Ask("ask"), await Ask("act")).ShouldSatisfyAllConditions(v => v.Item1.ShouldBe([1]), v => v.Item2.ShouldBe([2]), v => v.Item3.ShouldBe([1]));
    }

    static Task<string> Log(SettlementHouse house) => house.Ask<string>("select string_agg(by_whom || ' ' || action || ' ' || policy, ', ' order by id) from audit_log");

    /// <summary>Late money of an order whose policy asks: a question of the order, and not of a row.</summary>
    static async Task<PaymentId> Late(SettlementHouse house)
    {
        var late = await house.Pending(late: "ask");
        (await house.Post($"/v1/orders/{late.Order}/cancellation", new { })).Status.ShouldBe(HttpStatusCode.OK);
        await house.Tell(late, "captured", 49900, $"m_{late.Reference}");
        return late;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_different_answers_at_the_same_instant_one_counts_and_the_others_hear_that_somebody_was_faster(bool ofOrder)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, One);
        var payment = ofOrder ? await Late(house) : await house.Pending();
        if (!ofOrder) await house.Settle(Statement(Row("a", payment)));
        var path = $"/v1/discrepancies/{await Question(house)}/resolution";
        string[] actions = ["accept", "refund", "close"];
        var answers = await Task.WhenAll(Enumerable.Range(0, 9).Select(async n => (Action: actions[n % 3], Answer: await house.Post(path, new { action = actions[n % 3], by = $"Asha {n}", reason = "seen" }))));
        var won = answers.Where(a => a.Answer.Status == HttpStatusCode.OK).Select(a => a.Action).Distinct().ShouldHaveSingleItem();
        foreach (var (action, answer) in answers.Where(a => a.Answer.Status != HttpStatusCode.OK))
        {
            answer.Status.ShouldBe(HttpStatusCode.Conflict, answer.Body.ToString());
            answer.Problem.ShouldBeOneOf("answer_overtaken", "answer_unsuitable");
            answer.Text("detail").ShouldContain($"'{won}'");
        }
        // One line of the log for what was done, and it names who is told as having done it.
        var closed = (await house.Get(path[..^"/resolution".Length])).Body;
        (closed.GetProperty("resolution").GetString(), await Log(house)).ShouldBe((won, $"{closed.GetProperty("resolved_by")[0].GetString()} {won} 1"));
        (await house.Ask<long>($"select count(*) from refunds where order_id = {payment.Order.Value}")).ShouldBe(won == "refund" ? 1 : 0);
        (await house.Get($"/v1/orders/{payment.Order}")).Text("status").ShouldBe(won == "accept" || (won == "refund" && !ofOrder) ? "paid" : ofOrder ? "cancelled" : "awaiting_payment");
        await house.Sound();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nobody_confirms_a_proposal_that_another_changes_at_the_same_instant_and_nobody_alone(bool ofOrder)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, Limits);
        var payment = ofOrder ? await Late(house) : await house.Pending();
        if (!ofOrder) await house.Settle(Statement(Row("a", payment)));
        var path = $"/v1/discrepancies/{await Question(house)}/resolution";
        // One person many times at once stays one person.
        var alone = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => house.Post(path, new { action = "accept", by = "Asha", reason = "seen" })));
        alone.Count(a => a.Status == HttpStatusCode.Accepted).ShouldBe(1);
        alone.Where(a => a.Status != HttpStatusCode.Accepted).ShouldAllBe(a => a.Status == HttpStatusCode.Conflict && (a.Problem == "answer_overtaken" || a.Text("field") == "by"));
        (await Log(house)).ShouldBe("Asha propose_accept 1");
        // A second who agrees and a third who wants something else.
        var (agree, other) = (house.PostAs("Ravi", path, new { action = "accept", by = "Ravi", reason = "seen too" }), house.PostAs("Kiran", path, new { action = "close", by = "Kiran", reason = "a mistake" }));
        var (agreed, wished) = (await agree, await other);
        var status = (await house.Get($"/v1/orders/{payment.Order}")).Text("status");
        var now = (await house.Get(path[..^"/resolution".Length])).Body;
        var persons = string.Join(' ', now.GetProperty("resolved_by").EnumerateArray().Select(p => p.GetString()));
        if (agreed.Status == HttpStatusCode.OK)
        {
            (status, persons, now.GetProperty("resolution").GetString()).ShouldBe(("paid", "Asha Ravi", "accept"));
            (wished.Status, wished.Text("detail").Contains("'accept'")).ShouldBe((HttpStatusCode.Conflict, true));
        }
        else
        {
            // Then Ravi's wish is no agreement with Asha's: he proposes anew or hears that it changed.
            agreed.Status.ShouldBeOneOf(HttpStatusCode.Accepted, HttpStatusCode.Conflict);
            status.ShouldNotBe("paid");
            persons.ShouldBeOneOf("Kiran", "Ravi");
        }
        (await Log(house)).Split(", ").Count(line => line.Contains(" accept ", StringComparison.Ordinal)).ShouldBe(agreed.Status == HttpStatusCode.OK ? 1 : 0);
        await house.Sound();
    }

    [Theory]
    [InlineData(true, "accept", SettlementHook.Decided)]
    [InlineData(true, "accept", SettlementHook.Acted)]
    [InlineData(true, "refund", SettlementHook.Acted)]
    [InlineData(true, "close", SettlementHook.Decided)]
    [InlineData(true, "close", SettlementHook.Acted)]
    [InlineData(false, "accept", SettlementHook.Decided)]
    [InlineData(false, "accept", SettlementHook.Acted)]
    [InlineData(false, "refund", SettlementHook.Acted)]
    public async Task A_crash_between_what_was_decided_and_what_it_does_ends_the_same_and_is_done_once(bool ofOrder, string action, string dies)
    {
        var crashes = 1;
        var hook = new SettlementHook(at =>
        {
            if (at == dies && Interlocked.Decrement(ref crashes) >= 0) throw new IOException("killed");
        });
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), hook, One);
        var payment = ofOrder ? await Late(house) : await house.Pending();
        if (!ofOrder) await house.Settle(Statement(Row("a", payment)));
        var question = await Question(house);
        (await house.Post($"/v1/discrepancies/{question}/resolution", new { action, by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.InternalServerError);
        (await Log(house)).ShouldBe($"Asha {action} 1");
        // Nobody else decides something else meanwhile.
        var other = await house.Post($"/v1/discrepancies/{question}/resolution", new { action = action == "close" ? "accept" : "close", by = "Ravi", reason = "a mistake" });
        (other.Status, other.Text("detail").Contains($"'{action}'")).ShouldBe((HttpStatusCode.Conflict, true), other.Body.ToString());

        var resolutions = house.Host.Services.GetRequiredService<Resolutions>();
        (await resolutions.Resume(TimeSpan.Zero, default)).ShouldBe(1);
        (await resolutions.Resume(TimeSpan.Zero, default)).ShouldBe(0);
        var closed = (await house.Get($"/v1/discrepancies/{question}")).Body;
        (closed.GetProperty("resolution").GetString(), closed.GetProperty("resolved_by")[0].GetString(), closed.GetProperty("resolved_at").ValueKind).ShouldBe((action, "Asha", JsonValueKind.String));
        (await house.Get($"/v1/orders/{payment.Order}")).Text("status").ShouldBe((ofOrder, action) switch { (true, "accept") or (false, _) => "paid", _ => "cancelled" });
        (await house.Ask<long>($"select count(*) from refunds where order_id = {payment.Order.Value}")).ShouldBe(action == "refund" ? 1 : 0);
        (await house.Ask<long>($"select count(*) from events where order_id = {payment.Order.Value} and type = {(int)EventType.SettlementMatched}")).ShouldBe(ofOrder ? 0 : 1);
        (await Log(house)).ShouldBe($"Asha {action} 1");
        // Whoever asks again for the same is told that it is done.
        (await house.Post($"/v1/discrepancies/{question}/resolution", new { action, by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.OK);
        await house.Sound();
    }

    [Fact]
    public async Task A_refund_that_was_decided_is_made_though_the_gateway_tells_of_the_money_before_it_is_begun()
    {
        var crashes = 1;
        var hook = new SettlementHook(at =>
        {
            if (at == SettlementHook.Decided && Interlocked.Decrement(ref crashes) >= 0) throw new IOException("killed");
        });
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), hook, One);
        var payment = await house.Pending();
        await house.Settle(Statement(Row("a", payment)));
        var question = await Question(house);
        (await house.Post($"/v1/discrepancies/{question}/resolution", new { action = "refund", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.InternalServerError);
        await house.Tell(payment, "captured", 49900, $"m_{payment.Reference}");
        // It closes no question that is decided.
        (await house.Host.Services.GetRequiredService<LaterEvidence>().Sweep(default)).ShouldBe(0);
        (await house.Host.Services.GetRequiredService<Resolutions>().Resume(TimeSpan.Zero, default)).ShouldBe(1);
        (await house.Ask<long>($"select count(*) from refunds where order_id = {payment.Order.Value}")).ShouldBe(1);
        (await house.Get($"/v1/discrepancies/{question}")).Text("resolution").ShouldBe("refund");
        (await house.Ask<long>($"select count(*) from events where order_id = {payment.Order.Value} and type = {(int)EventType.SettlementMatched}")).ShouldBe(1);
        await house.Sound();
    }

    [Fact]
    public async Task What_a_later_file_asks_of_the_row_meanwhile_is_not_answered_by_who_saw_the_earlier()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, One);
        SettlementLine Says(long net) => Line("x", null, 100, SettlementKind.Adjustment) with { Net = new Money(net, Currency.Find("INR")), PayoutReference = "UTR1" };
        foreach (var net in (long[])[100, 90]) await house.Settle(Statement(Says(net)));
        var seen = (await house.Host.Services.GetRequiredService<DiscrepancyStore>().Find(new DiscrepancyId(null, 0, await house.Ask<long>("select id from settlement_discrepancies")), default))!;
        await house.Settle(Statement(Says(10)));
        var answer = await house.Host.Services.GetRequiredService<Resolutions>().Resolve(seen, "accept", new Actor("Asha", 1), "it is 90", null, default);
        answer.Problem!.Type.Name.ShouldBe("answer_overtaken");
        (await house.Ask<long>("select count(*) from settlement_discrepancies where resolved_at is null")).ShouldBe(1);
        await house.Sound();
    }

    [Fact]
    public async Task An_answer_to_what_a_later_file_changed_since_it_was_shown_is_refused_and_nothing_is_written()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, One);
        SettlementLine Says(long amount, long net) => Line("x", null, amount, SettlementKind.Adjustment) with { Net = new Money(net, Currency.Find("INR")), PayoutReference = "UTR1" };
        foreach (var net in (long[])[100, 90]) await house.Settle(Statement(Says(100, net)));
        var question = await Question(house);
        async Task<(long Amount, string Settlement)> Shown() => (await house.Get($"/v1/discrepancies/{question}")) is var d ? (d.Body.GetProperty("amount").GetInt64(), d.Text("settlement")) : default;
        async Task<Answered> Send(string action, (long Amount, string Settlement) seen)
        {
            using var content = new StringContent(JsonSerializer.Serialize(new { action, by = "Asha", reason = "seen", amount = seen.Amount, settlement = seen.Settlement }), Encoding.UTF8, "application/json");
            return await house.Send(HttpMethod.Post, $"/v1/discrepancies/{question}/resolution", content, (IdempotencyKey.Header, $"k-{action}"));
        }
        async Task IsRefused(string field, (long, string) seen, string what)
        {
            foreach (var action in (string[])["accept", "note"])
            {
                var stale = await Send(action, seen);
                (stale.Status, stale.Problem).ShouldBe((HttpStatusCode.Conflict, "discrepancy_changed"));
                (stale.Text("field"), stale.Text("detail")).ShouldBe((field, what));
                stale.Text("remedy").ShouldContain($"send '{field}' as it stands there");
            }
        }
        var first = await Shown();
        // Its net is another, and its amount is not.
        await house.Settle(Statement(Says(100, 10)));
        var second = await Shown();
        second.Amount.ShouldBe(first.Amount);
        await IsRefused("settlement", first, $"'settlement' says {first.Settlement}, and the discrepancy's is {second.Settlement} now; nothing was done.");
        await house.Settle(Statement(Says(70, 10)));
        var now = await Shown();
        await IsRefused("amount", second, "'amount' says 100, and the discrepancy's is 70 (minor units of INR) now; nothing was done.");
        (await house.Ask<long>("select (select count(*) from audit_log) + (select count(*) from settlement_discrepancies where by_first is not null or resolved_at is not null)")).ShouldBe(0);
        // The key of a refused answer is not used up, and stands for what was shown, too.
        for (var again = 0; again < 2; again++) (await Send("accept", now)).Status.ShouldBe(HttpStatusCode.OK);
        (await Send("accept", second)).Problem.ShouldBe("idempotency_key_reused");
        (await Log(house)).ShouldBe("Asha accept 1");
        await house.Sound();
    }

    [Theory]
    [InlineData("note", HttpStatusCode.OK, "Asha note 1")]
    [InlineData("accept", HttpStatusCode.Accepted, "Asha propose_accept 1")]
    [InlineData("close", HttpStatusCode.OK, "Asha close 1")]
    public async Task What_was_done_before_a_crash_is_known_by_its_key_and_not_done_again(string action, HttpStatusCode answered, string logged)
    {
        var crashes = 1;
        var hook = new SettlementHook(at =>
        {
            if (at == SettlementHook.Acted && Interlocked.Decrement(ref crashes) >= 0) throw new IOException("killed");
        });
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), hook, action == "accept" ? Limits : One);
        await house.Settle(Statement(Row("a", await house.Pending())));
        var path = $"/v1/discrepancies/{await Question(house)}/resolution";
        (await Ask("seen")).Status.ShouldBe(HttpStatusCode.InternalServerError);
        var again = await Ask("seen");
        (again.Status, again.Headers.Contains(IdempotencyKey.ReplayedHeader)).ShouldBe((answered, true), again.Body.ToString());
        (await Log(house)).ShouldBe(logged);
        (await Ask("seen by somebody else")).Problem.ShouldBe("idempotency_key_reused");
        (await Log(house)).ShouldBe(logged);

        async Task<Answered> Ask(string reason)
        {
            using var body = new StringContent($$"""{"action": "{{action}}", "by": "Asha", "reason": "{{reason}}"}""", Encoding.UTF8, "application/json");
            return await house.Send(HttpMethod.Post, path, body, (IdempotencyKey.Header, "once"));
        }
    }

    [Theory]
    [InlineData(SettlementHook.Decided)]
    [InlineData(SettlementHook.Acted)]
    public async Task An_answer_that_is_taken_back_is_taken_back_once_through_a_crash(string dies)
    {
        var crashes = 0;
        var hook = new SettlementHook(at =>
        {
            if (at == dies && Interlocked.Decrement(ref crashes) >= 0) throw new IOException("killed");
        });
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), hook);
        await Late(house);
        var path = $"/v1/discrepancies/{await Question(house)}/resolution";
        (await house.Post(path, new { action = "close", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.OK);
        crashes = 1;
        (await Delete(house, path, "Ravi")).Status.ShouldBe(HttpStatusCode.InternalServerError);
        (await Log(house)).ShouldBe("Asha close 1, Ravi reopen 1");
        (await house.Host.Services.GetRequiredService<Resolutions>().Resume(TimeSpan.Zero, default)).ShouldBe(1);
        (await Log(house)).ShouldBe("Asha close 1, Ravi reopen 1");
        (await house.Ask<long>("select count(*) from order_resolutions")).ShouldBe(0);
        // It is open again, under the event that opened it again, and can be decided.
        (await house.Post($"/v1/discrepancies/{await Question(house)}/resolution", new { action = "accept", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.OK);
        await house.Sound();
    }

    [Fact]
    public async Task A_decision_that_fails_again_and_again_is_named_by_the_doctor_until_it_is_done()
    {
        var fails = false;
        var connection = await postgres.CreateDatabase();
        await using var house = await SettlementHouse.Open(connection, new SettlementHook(at =>
        {
            if (fails && at == SettlementHook.Decided) throw new InvalidOperationException("a fault of ours");
        }));
        await Late(house);
        var question = await Question(house);
        (await house.Post($"/v1/discrepancies/{question}/resolution", new { action = "close", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.OK);
        fails = true;
        (await Delete(house, $"/v1/discrepancies/{question}/resolution", "Ravi")).Status.ShouldBe(HttpStatusCode.InternalServerError);
        var resolutions = house.Host.Services.GetRequiredService<Resolutions>();
        for (var minute = 0; minute < 2; minute++) (await resolutions.Resume(TimeSpan.Zero, default)).ShouldBe(0);
        // A node may have died a moment ago.
        (await DoctorSays.Of(connection)).ShouldNotContain("decision(s)");
        await house.Ask<long>("with aged as (update order_resolutions set decided_at = decided_at - interval '6 minutes', undo_at = undo_at - interval '6 minutes' returning 1) select count(*) from aged");
        (await DoctorSays.Of(connection)).ShouldContain($"1 decision(s) about discrepancies were taken more than 5 minutes ago and are not done: {question}.");
        fails = false;
        (await resolutions.Resume(TimeSpan.Zero, default)).ShouldBe(1);
        (await DoctorSays.Of(connection)).ShouldNotContain("decision(s)");
    }

    [Fact]
    public async Task What_was_taken_back_and_answered_anew_before_the_dead_node_is_noticed_stays_answered()
    {
        var crashes = 0;
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), new SettlementHook(at =>
        {
            if (at == SettlementHook.Acted && Interlocked.Decrement(ref crashes) >= 0) throw new IOException("killed");
        }));
        await Late(house);
        var path = $"/v1/discrepancies/{await Question(house)}/resolution";
        (await house.Post(path, new { action = "close", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.OK);
        crashes = 1;
        (await Delete(house, path, "Ravi")).Status.ShouldBe(HttpStatusCode.InternalServerError);
        (await house.Post($"/v1/discrepancies/{await Question(house)}/resolution", new { action = "close", by = "Kiran", reason = "seen again" })).Status.ShouldBe(HttpStatusCode.OK);
        (await house.Host.Services.GetRequiredService<Resolutions>().Resume(TimeSpan.Zero, default)).ShouldBe(1);
        (await house.Ask<long>("select count(*) from discrepancies where resolved_at is null")).ShouldBe(0);
        await house.Sound();
    }

    [Fact]
    public async Task A_refund_that_was_decided_before_its_node_died_is_not_asked_for_again_when_it_fails_meanwhile()
    {
        var crashes = 0;
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), new SettlementHook(at =>
        {
            if (at == SettlementHook.Acted && Interlocked.Decrement(ref crashes) >= 0) throw new IOException("killed");
        }), One);
        var payment = await Late(house);
        (await house.Post($"/v1/discrepancies/{await Question(house)}/resolution", new { action = "refund", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.OK);
        await Fails(1);
        crashes = 1;
        (await house.Post($"/v1/discrepancies/{await Question(house)}/resolution", new { action = "refund", by = "Asha", reason = "once more" })).Status.ShouldBe(HttpStatusCode.InternalServerError);
        await Fails(2);
        (await house.Host.Services.GetRequiredService<Resolutions>().Resume(TimeSpan.Zero, default)).ShouldBe(1);
        (await house.Ask<long>("select count(*) from refunds")).ShouldBe(2);
        (await house.Ask<long>("select count(*) from discrepancies where resolved_at is null")).ShouldBe(1);
        await house.Sound();

        Task Fails(int refund) => house.Host.Services.GetRequiredService<OrderEngine>()
            .Submit(payment.Order, new RefundEvidence.Failed("The account is closed.").Learned(refund, 0, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, null), default);
    }

    [Fact]
    public async Task A_proposal_is_taken_back_by_whoever_asks_and_stands_in_the_log()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, Limits);
        await house.Settle(Statement(Line("stranger", new PaymentId(new OrderId(77), 1))));
        var path = $"/v1/discrepancies/{await Question(house)}/resolution";
        (await house.Post(path, new { action = "accept", by = "Asha", reason = "a deposit" })).Status.ShouldBe(HttpStatusCode.Accepted);
        (await Delete(house, path, "Ravi")).Body.GetProperty("resolved_by").GetArrayLength().ShouldBe(0);
        // Nothing is proposed any more: the second of two persons is the first again.
        (await house.Post(path, new { action = "accept", by = "Kiran", reason = "a deposit" })).Status.ShouldBe(HttpStatusCode.Accepted);
        (await house.PostAs("Asha", path, new { action = "accept", by = "Asha", reason = "yes" })).Status.ShouldBe(HttpStatusCode.OK);
        (await Log(house)).ShouldBe("Asha propose_accept 1, Ravi reopen 1, Kiran propose_accept 1, Asha accept 1");
        (await house.Ask<decimal>("select sum(amount) from ledger where account = 'suspense'")).ShouldBe(0);
        await house.Sound();
    }

    [Fact]
    public async Task Of_several_who_take_back_and_answer_anew_at_the_same_instant_the_books_follow_one()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        await house.Settle(Statement(Line("stranger", new PaymentId(new OrderId(77), 1), 700)));
        var path = $"/v1/discrepancies/{await Question(house)}/resolution";
        (await house.Post(path, new { action = "accept", by = "Asha", reason = "a deposit" })).Status.ShouldBe(HttpStatusCode.OK);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(n => n % 2 == 0 ? Delete(house, path, $"Ravi {n}") : house.Post(path, new { action = "write_off", by = $"Kiran {n}", reason = "x" })));
        var open = (await house.Get(path[..^"/resolution".Length])).Body.GetProperty("resolved_at").ValueKind == JsonValueKind.Null;
        (await house.Ask<decimal>("select sum(amount) from ledger where account = 'suspense'")).ShouldBe(open ? -700 : 0);
        await house.Sound();
    }
}
