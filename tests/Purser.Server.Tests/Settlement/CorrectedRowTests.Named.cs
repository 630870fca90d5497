using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Reconciliation;
using Purser.Server.Tests.Platform;
using Purser.Server.Tests.Situations;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

// Rows that a later file names better, or otherwise.
public sealed partial class CorrectedRowTests
{
    [Fact]
    public async Task A_row_that_names_another_payment_by_now_has_the_gateway_asked_about_both_and_says_both_names()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (first, other) = (await house.Paid(), await house.Pending());
        SettlementLine Of(PaymentId? whose, string money) => Line("k", whose, money: money) with { PayoutReference = "UTR1" };
        await house.Settle(Statement(Of(first, $"m_{first.Reference}")));
        var asked = new ConcurrentDictionary<PaymentId, int>();
        house.Gateway.Inner.AnswerToInquiry = call =>
        {
            asked[call.Payment] = 1;
            return ScriptedGateway.Link(call.Payment, call.Amount);
        };
        SettlementHouse.Classes(await house.Settle(Statement(Of(other, "m_b")))).Keys.ShouldBe(["changed"]);
        await Until.True(() => Task.FromResult(asked.ContainsKey(first) && asked.ContainsKey(other)), "the gateway to be asked about both");
        var question = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().Single(d => d.GetProperty("kind").GetString() == "changed");
        question.GetProperty("proposal").GetString()!.ShouldContain($"it was payment of {first} (m_{first.Reference}), and is payment of {other} (m_b) now: the gateway is asked what is so");
        (await Books(house)).ShouldBe("bank 49900 INR, sales -49900 INR");
        await Honest(house);
        await house.Sound();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_payment_that_an_earlier_file_calls_failed_is_applied_when_a_later_one_has_its_money(bool known)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var pending = await house.Pending();
        var bytes = 0;
        async Task<string> Settle(long net, bool failed = false) => string.Join(' ', SettlementHouse.Classes(await house.Settle([.. Statement(
            Line("k", pending, kind: failed ? SettlementKind.FailedPayment : SettlementKind.Payment, money: "m_1") with { Net = Inr(net), PayoutReference = "UTR1" }), .. Enumerable.Repeat((byte)'\n', bytes++)])).Keys);
        (await Settle(0, failed: true)).ShouldBe("both_unpaid");
        (await Settle(0, failed: true)).ShouldBe("repeated");
        if (known) await house.Tell(pending, "captured", 49900, "m_1");
        (await Settle(48722)).ShouldBe(known ? "both_paid" : "theirs_paid");
        (await house.Get($"/v1/orders/{pending.Order}")).Text("status").ShouldBe("paid");
        (await Books(house)).ShouldBe("bank 48722 INR, fees 1178 INR, sales -49900 INR");
        (await Settle(48722)).ShouldBe("repeated");
        await Honest(house);
        // From then on it is that which others differ from.
        foreach (var net in (long[])[48000, 48000, 47000])
        {
            await Settle(net);
            (await Books(house)).ShouldBe($"bank {net} INR, fees 1178 INR, sales -49900 INR, suspense {48722 - net} INR");
            await Honest(house);
        }
        (await Settle(0, failed: true)).ShouldBe("changed");
        (await Books(house)).ShouldBe("fees 1178 INR, sales -49900 INR, suspense 48722 INR");
        await Answer(house, "k", "close");
        (await Settle(48722)).ShouldBe("changed");
        (await Books(house)).ShouldBe("bank 48722 INR, fees 1178 INR, sales -49900 INR");
        await Honest(house);
        // Where one file has both, a person is asked already, and the money is not applied beside that.
        SettlementLine Twice(SettlementKind kind) => Line("twice", pending, kind: kind, money: "m_2");
        await house.Settle(Statement(Twice(SettlementKind.FailedPayment), Twice(SettlementKind.Payment)));
        SettlementHouse.Classes(await house.Settle(Statement(Twice(SettlementKind.Payment)))).Keys.ShouldBe(["changed"]);
        await Honest(house);
        await house.Sound();
    }

    [Fact]
    public async Task A_row_that_named_nothing_and_is_issued_again_with_names_is_applied_as_if_it_had_had_them_at_first()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        await LaterEvidenceTests.UnheardRefunds(house, paid, 10000, 10000);
        var pending = await house.Pending();
        SettlementLine Came(PaymentId? whose) => Line("a", whose, money: "m_late") with { Fee = Inr(998), Tax = Inr(180), Net = Inr(48722), PayoutReference = "UTR1" };
        SettlementLine Back(string? name) => Line("b", paid, 10000, SettlementKind.Refund, $"m_{paid.Reference}") with { Net = Inr(-10000), PayoutReference = "UTR1", RefundReference = name };
        await house.Settle(Statement(Came(null), Back(null)));
        (await house.Ask<string>("select string_agg(row_key || ' ' || class, ', ' order by row_key) from settlement_discrepancies where resolved_at is null")).ShouldBe($"a {(int)SettlementClass.UnknownOrder}, b {(int)SettlementClass.Refund}");
        // The gateway's names for them are known by now, and which it was the row did not say.
        foreach (var refund in (int[])[1, 2])
            await house.Host.Engine.Submit(paid.Order, new RefundEvidence.Accepted() { RefundReference = $"r_{refund}" }.Learned(refund, paid.Number, EvidenceSource.Reply, DateTimeOffset.UnixEpoch, "k"), default);
        await house.Ask<long>($"with asleep as (update orders set wake_at = null where id = {paid.Order.Value} returning 1) select count(*) from asleep");
        var again = await house.Settle(Statement(Came(pending), Back("r_2")));
        SettlementHouse.Classes(again).ShouldBe(new Dictionary<string, int> { ["repeated"] = 2 });
        (await house.Get($"/v1/orders/{pending.Order}")).Text("status").ShouldBe("paid");
        (await house.Ask<string>("select string_agg(number || ' ' || (settled is not null), ', ' order by number) from refunds")).ShouldBe("1 false, 2 true");
        (await house.Ask<string>("select string_agg(row_key || ' ' || resolution || ' ' || final, ', ' order by row_key) from settlement_discrepancies")).ShouldBe("a evidence true, b evidence true");
        (await Books(house)).ShouldBe("bank 38722 INR, fee_tax 180 INR, fees 998 INR, receivable:shop 49900 INR, refunds 10000 INR, sales -99800 INR");
        await Honest(house);
        await house.Sound();
    }

    [Fact]
    public async Task Names_that_come_later_are_not_taken_where_rows_share_a_key_or_differ_from_the_first_or_a_person_had_answered_before()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        PaymentId[] pending = [await house.Pending(), await house.Pending()];
        SettlementLine Came(string key, PaymentId? whose, long net = 48722) => Line(key, whose, money: $"m_{key}") with { Fee = Inr(49900 - net), Net = Inr(net), PayoutReference = "UTR1" };
        async Task<string> Orders() => await house.Ask<string>("select string_agg(status::text || ' ' || (select count(*) from captures c where c.order_id = o.id), ', ' order by id) from orders o");
        await house.Settle(Statement(Came("a", null), Came("a", null), Came("b", null), Came("c", null)));
        var before = await Orders();
        // Which of two it is of, the key does not say; and both would be told of it.
        SettlementHouse.Classes(await house.Settle(Statement(Came("a", pending[0]), Came("a", pending[1])))).ShouldBe(new Dictionary<string, int> { ["repeated"] = 2 });
        (await Orders()).ShouldBe(before);
        // What was corrected and then named is the difference from what the order would book.
        SettlementHouse.Classes(await house.Settle(Statement(Came("b", null, 48000)))).Keys.ShouldBe(["changed"]);
        SettlementHouse.Classes(await house.Settle(Statement(Came("b", pending[0], 48000)))).Keys.ShouldBe(["repeated"]);
        (await Orders()).ShouldBe(before);
        await Answer(house, "c", "close");
        await house.Ask<long>("with past as (update settlement_discrepancies set resolved_at = '2000-01-01' where row_key = 'c' returning 1) select count(*) from past");
        await house.Settle(Statement(Came("c", pending[1])));
        (await Orders()).ShouldBe(before);
        // Answered while the file was acted on: the order may have been told by a node that died.
        await house.Ask<long>("with meanwhile as (update settlement_discrepancies set resolved_at = '2100-01-01' where row_key = 'c' returning 1) select count(*) from meanwhile");
        await house.Settle(Statement(Came("c", pending[1]), Came("d", null)));
        (await house.Get($"/v1/orders/{pending[1].Order}")).Text("status").ShouldBe("paid");
        (await house.Ask<string>("select resolution || ' ' || final from settlement_discrepancies where row_key = 'c'")).ShouldBe("evidence true");
        (await house.Ask<long>("select count(*) from (select from settlement_postings where row_key = 'c' group by ledger_account having sum(amount) <> 0) p")).ShouldBe(0);
        await house.Sound();
    }

    [Fact]
    public async Task A_row_that_is_issued_again_with_names_is_asked_about_as_it_would_have_been_at_first_where_policy_says_ask()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Purser:Settlement:TheirsPaid", "ask"), ("Purser:Settlement:ConfirmAbove:INR", "50.00"), ("Purser:Settlement:TwoPersonsAbove:INR", "100.00"));
        PaymentId[] pending = [await house.Pending(), await house.Pending(), await house.Pending(), await house.Pending()];
        string[] keys = ["believed", "told", "closed", "nameless"];
        SettlementLine Came(int n, bool named) => Line(keys[n], named ? pending[n] : null, money: n == 3 && named ? null : $"m_{keys[n]}") with
        {
            // The later one also says how its fee is made up.
            Fee = named ? Inr(998) : null,
            Tax = named ? Inr(180) : null,
            Net = Inr(48722),
            PayoutReference = "UTR1",
            MoneyReference = n == 3 ? null : $"m_{keys[n]}",
        };
        async Task<System.Text.Json.JsonElement> Question(string key) =>
            (await house.Get("/v1/discrepancies")).Body.GetProperty("discrepancies").EnumerateArray().Single(d => d.GetProperty("row_key").GetString() == key);
        async Task<string> Asked(string key) => await Question(key) is var d ? $"{d.GetProperty("kind").GetString()} {d.GetProperty("settlement").GetString()} {d.GetProperty("line").GetInt32()} {d.GetProperty("resolution").GetString()}" : "";
        async Task<HttpStatusCode> Decide(string key, string by, string action = "accept", string? settlement = null) =>
            (await house.PostAs(by, $"/v1/discrepancies/{(await Question(key)).GetProperty("id").GetString()}/resolution", new { action, by, reason = "seen", settlement })).Status;
        async Task<string> Status(int n) => (await house.Get($"/v1/orders/{pending[n].Order}")).Text("status");

        await house.Settle(Statement(keys.Select((_, n) => Came(n, named: false))));
        (await Asked("believed")).ShouldBe("unknown_order stl_1 1 ");
        // It would have been income of nobody's.
        (await Decide("believed", "Asha")).ShouldBe(HttpStatusCode.Accepted);
        for (var again = 0; again < 2; again++)
        {
            var later = await house.Settle([.. Statement(keys.Select((_, n) => Came(n, named: true)).Reverse()), .. Enumerable.Repeat((byte)'\n', again)]);
            SettlementHouse.Classes(later).ShouldBe(new Dictionary<string, int> { ["repeated"] = 4 });
            (await Asked("believed")).ShouldBe("theirs_paid stl_2 4 ");
            (await Asked("nameless")).ShouldBe("theirs_paid stl_2 1 ");
        }
        (await house.Ask<string>("select string_agg(action || ' ' || by_whom, ', ' order by id) from audit_log")).ShouldBe("propose_accept Asha, reopen purser");
        (await Status(0)).ShouldBe("awaiting_payment");
        (await Books(house)).ShouldBe("bank 194888 INR, suspense -194888 INR");
        await Honest(house);

        // What was shown before is another question than what is asked now.
        (await Decide("believed", "Asha", settlement: "stl_1")).ShouldBe(HttpStatusCode.Conflict);
        (await Decide("believed", "Ravi", settlement: "stl_2")).ShouldBe(HttpStatusCode.Accepted);
        (await Decide("believed", "Asha", settlement: "stl_2")).ShouldBe(HttpStatusCode.OK);
        (await Status(0)).ShouldBe("paid");
        foreach (var by in (string[])["Ravi", "Asha"]) await Decide("closed", by, "close");
        await Honest(house);

        // The gateway tells of the money of the others, also of one that no file names.
        foreach (var n in (int[])[1, 3]) await house.Tell(pending[n], "captured", 49900, $"m_{keys[n]}");
        (await house.Host.Services.GetRequiredService<LaterEvidence>().Sweep(default)).ShouldBe(2);
        foreach (var n in (int[])[1, 3]) (await Asked(keys[n])).ShouldStartWith("theirs_paid stl_2");
        foreach (var n in (int[])[1, 3]) (await Status(n)).ShouldBe("paid");
        (await house.Ask<string>("select string_agg(row_key || ' ' || resolution || ' ' || final, ', ' order by row_key) from settlement_discrepancies"))
            .ShouldBe("believed accept true, closed close false, nameless evidence true, told evidence true");
        (await house.Ask<long>("select coalesce(sum(amount), 0)::bigint from ledger where account = 'suspense'")).ShouldBe(0);
        (await house.Ask<long>("select count(*) from captures where settled_on is not null or due_on is null")).ShouldBe(3);
        await Honest(house);
        await house.Sound();
    }
}
