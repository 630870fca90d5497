using System.Net;
using System.Text;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Audit;
using Purser.Server.Engine;
using Purser.Server.Explanation;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>A closed question leaves nothing in suspense, an answer that is taken back puts it there again, and whoever reads the books afterwards finds them right.</summary>
public sealed class ClearingTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static async Task<string> Balances(SettlementHouse house) => await house.Ask<string>(
        "select string_agg(account || ' ' || sum || ' ' || currency, ', ' order by account, currency) from (select account, currency, sum(amount) from postings group by account, currency having sum(amount) <> 0) b");

    static async Task<string> Open(SettlementHouse house, PaymentId payment, string kind) => (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray()
        .Single(d => d.GetProperty("payment").GetString() == payment.ToString() && d.GetProperty("kind").GetString() == kind).GetProperty("id").GetString()!;

    static async Task<string> Answer(SettlementHouse house, PaymentId payment, string kind, string action)
    {
        var id = await Open(house, payment, kind);
        var answer = await house.Post($"/v1/discrepancies/{id}/resolution", new { action, by = "Asha", reason = "known" });
        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Body.ToString());
        return id;
    }

    static async Task Undo(SettlementHouse house, string id)
    {
        using var body = new StringContent("""{"by": "Ravi", "reason": "not so"}""", Encoding.UTF8, "application/json");
        (await house.Send(HttpMethod.Delete, $"/v1/discrepancies/{id}/resolution", body)).Status.ShouldBe(HttpStatusCode.OK);
    }

    static async Task Right(SettlementHouse house, string balances)
    {
        (await Balances(house)).ShouldBe(balances);
        (await AuditCommand.Run(house.Database, null, null, 3, null, default)).Differences.ShouldBeEmpty();
        await house.Sound();
    }

    [Fact]
    public async Task Wrong_money_is_income_when_its_question_is_closed_until_its_right_amount_is_told()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var payment = await house.Pending();
        var money = $"m_{payment.Reference}";
        await house.Tell(payment, "captured", 40000, money);
        var id = await Answer(house, payment, "amount_mismatch", "close");
        await Right(house, "receivable:shop 40000 INR, sales -40000 INR");
        (await house.Get($"/v1/orders/{payment.Order}/explanation")).Body.ToString().ShouldContain("400.00 INR left suspense for sales.");
        await Undo(house, id);
        await Right(house, "receivable:shop 40000 INR, suspense -40000 INR");
        await Answer(house, payment, "amount_mismatch", "close");
        await house.Settle(Statement(Line("a", payment, 40000, money: money)));
        await house.Tell(payment, "captured", 49900, money);
        await Right(house, "bank 40000 INR, sales -49900 INR, suspense 9900 INR");
        await Answer(house, payment, "settled_otherwise", "write_off");
        await Right(house, "bank 40000 INR, fees 9900 INR, sales -49900 INR");
    }

    [Fact]
    public async Task What_a_statement_pays_twice_is_written_off_in_every_currency_and_put_back()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var payment = await house.Paid();
        var money = $"m_{payment.Reference}";
        await house.Settle(Statement(Line("a", payment, money: money), Line("b", payment, money: money), Line("c", payment, 700, money: money, currency: "USD")));
        const string Waiting = "bank 99800 INR, bank 700 USD, sales -49900 INR, suspense -49900 INR, suspense -700 USD";
        await Right(house, Waiting);
        var id = await Answer(house, payment, "settled_twice", "write_off");
        await Right(house, "bank 99800 INR, bank 700 USD, fees -49900 INR, fees -700 USD, sales -49900 INR");
        await Undo(house, id);
        await Right(house, Waiting);
    }

    [Fact]
    public void What_an_answer_moved_and_what_had_gone_back_is_read_as_it_was_written()
    {
        Money[] moved = [new(-40000, Currency.Find("INR")), new(700, Currency.Find("USD"))];
        var answer = new Answered(DiscrepancyKind.SettledTwice, "m") { Moved = [.. moved] };
        RowJson.ReadAnswers(RowJson.Write([answer, answer with { Moved = [] }])).Select(a => a.Moved).ShouldBe([[.. moved], []]);
        var capture = new Capture("m", moved[1], DateTimeOffset.UnixEpoch, Standing.Mismatched) { Cleared = moved[1] };
        RowJson.ReadCaptures(RowJson.Write([capture, capture with { Cleared = null }])).ShouldBe([capture, capture with { Cleared = null }]);
        var told = new OrderEvent
        {
            Order = new OrderId(77),
            Sequence = 4,
            Type = EventType.PaymentLate,
            At = DateTimeOffset.UnixEpoch,
            OrderStatus = OrderStatus.Paid,
            GivenBack = moved[0],
            Replaces = moved[1],
        };
        ExplanationStore.Event(told.Order, told.Sequence, told.Type, told.At, EventJson.Data(told)).ShouldBe(told);
    }
}
