using System.Net;
using System.Text.Json;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Server.Audit;
using Purser.Server.Settlement;
using Purser.Server.Tests.Api;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

// What was seen is answered, and nothing else.
public sealed partial class DecidingTests
{
    static Money Inr(long units) => new(units, Currency.Find("INR"));

    [Fact]
    public async Task An_answer_moves_no_more_of_an_order_than_the_person_saw_and_a_second_person_agrees_to_no_other_sum()
    {
        Func<Task>? meanwhile = null;
        var hook = new SettlementHook(at =>
        {
            if (at == SettlementHook.Decided && Interlocked.Exchange(ref meanwhile, null) is { } happens) Task.Run(happens).GetAwaiter().GetResult();
        });
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), hook, ("Purser:Settlement:ConfirmAbove:INR", "2000.00"), ("Purser:Settlement:TwoPersonsAbove:INR", "2000.00"));
        PaymentId[] paid = [await house.Paid(), await house.Paid()];
        Task Row(int n, string key, long net) => house.Host.Engine.Submit(paid[n].Order, new Evidence.Settled($"m_{paid[n].Reference}", new Settled(key, Inr(49900), Inr(net)), PaidOut: true)
            .Learned(paid[n].Number, EvidenceSource.Settlement, DateTimeOffset.UnixEpoch, key), default);
        foreach (var n in (int[])[0, 1]) foreach (var key in (string[])["a", "b"]) await Row(n, key, 49900);
        async Task<JsonElement> Asked(int n) => (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().Single(d => d.GetProperty("payment").GetString() == paid[n].ToString());
        async Task<Answered> Close(int n, string by) => await house.PostAs(by, $"/v1/discrepancies/{(await Asked(n)).GetProperty("id").GetString()}/resolution", new { action = "close", by, reason = "seen" });
        Task<long> Waits() => house.Ask<long>("select coalesce(sum(amount), 0)::bigint from ledger where account = 'suspense'");

        // Little of it is for one person to answer. Behind the decision another row makes it much, in a question of its own.
        meanwhile = () => Row(0, "c", 900_000);
        var overtaken = await Close(0, "Asha");
        (overtaken.Status, overtaken.Problem).ShouldBe((HttpStatusCode.Conflict, "discrepancy_changed"), overtaken.Body.ToString());
        (await Waits()).ShouldBe(-49900 - 900_000 - 49900);
        (await Asked(0)).GetProperty("persons_needed").GetInt32().ShouldBe(2);
        (await house.Ask<long>("select count(*) from order_resolutions")).ShouldBe(0);
        (await Close(0, "Asha")).Status.ShouldBe(HttpStatusCode.Accepted);
        // What the first of two wanted to move is another sum than it would be now: the second wants it first.
        await house.Ask<long>("with as_if as (update order_resolutions set seen_amounts[2] = seen_amounts[2] + 1 returning 1) select count(*) from as_if");
        (await Close(0, "Ravi")).Status.ShouldBe(HttpStatusCode.Accepted);
        (await Waits()).ShouldBe(-49900 - 900_000 - 49900);
        (await Close(0, "Ravi")).Text("field").ShouldBe("by");
        (await Close(0, "Asha")).Status.ShouldBe(HttpStatusCode.OK);
        (await Waits()).ShouldBe(-49900);
        // An older program kept nothing of it: then one of them was seen by the second alone.
        await Row(1, "c", 900_000);
        (await Close(1, "Asha")).Status.ShouldBe(HttpStatusCode.Accepted);
        await house.Ask<long>("with older as (update order_resolutions set seen_amounts = null, seen_currencies = null where done_at is null returning 1) select count(*) from older");
        (await Close(1, "Ravi")).Status.ShouldBe(HttpStatusCode.OK);
        (await Waits()).ShouldBe(0);
        await house.Sound();
    }

    [Theory]
    [InlineData("accept")]
    [InlineData("refund")]
    public async Task Money_is_not_believed_of_a_row_that_a_later_statement_changed(string action)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, One);
        PaymentId[] pending = [await house.Pending(), await house.Pending(), await house.Pending()];
        SettlementLine Says(int n, long amount, long fee = 0) => Line($"k{n}", pending[n], amount, money: $"m_{n}") with { Fee = Inr(fee), Net = Inr(amount - fee), PayoutReference = "UTR1" };
        await house.Settle(Statement(Says(0, 49900), Says(1, 49900), Says(2, 49900)));
        var questions = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().ToDictionary(d => d.GetProperty("row_key").GetString()!, d => d.GetProperty("id").GetString()!);
        await house.Settle(Statement(Says(0, 40000), Says(1, 49900, 100), Says(2, 49900) with { Kind = SettlementKind.FailedPayment }));
        Task<Answered> Send(int n) => house.Post($"/v1/discrepancies/{questions[$"k{n}"]}/resolution", new { action, by = "Asha", reason = "seen" });
        async Task<string> Status(int n) => (await house.Get($"/v1/orders/{pending[n].Order}")).Text("status");

        foreach (var (n, what) in (ValueTuple<int, string>[])[(0, $"400.00 INR, of {pending[0]}"), (2, $"499.00 INR, failed_payment, of {pending[2]}")])
        {
            var stale = await Send(n);
            (stale.Status, stale.Problem, stale.Text("detail")).ShouldBe((HttpStatusCode.Conflict, "discrepancy_changed", $"A later statement has the row again and says {what}; nothing was done."));
            (await Status(n)).ShouldBe("awaiting_payment");
        }
        // Another fee is another thing than another payment.
        (await Send(1)).Status.ShouldBe(HttpStatusCode.OK);
        (await Status(1)).ShouldBe("paid");
        // Back to what it said at first.
        await house.Settle(Statement(Says(2, 49900)));
        (await Send(2)).Status.ShouldBe(HttpStatusCode.OK);
        (await Status(2)).ShouldBe("paid");
        // The gateway itself tells what came.
        await house.Tell(pending[0], "captured", 40000, "m_0");
        (await Send(0)).Status.ShouldBe(HttpStatusCode.OK);
        (await Status(0)).ShouldBe("awaiting_payment");
        (await house.Ask<string>($"select string_agg(amount::text, ',') from (select (c->>'amount')::bigint as amount from payments p, jsonb_array_elements(p.captures::jsonb) c where p.order_id = {pending[0].Order.Value}) c")).ShouldBe("40000");
        (await AuditCommand.Run(house.Database, null, null, 3, null, default)).Differences.ShouldBeEmpty();
        await house.Sound();
    }
}
