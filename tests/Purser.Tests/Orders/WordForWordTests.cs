using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Tests.Orders;

/// <summary>What rows of statements said of refunds, and what answers moved, is recomputed from the events in every part: whoever changes one part of it is found.</summary>
public sealed class WordForWordTests
{
    static Scenario Row(Scenario story, RefundEvidence e) => story.Hears(e, 1, payment: 1, source: EvidenceSource.Settlement);

    static Scenario Refunded(Settled row) => Row(Given.Order().HasLink().Hears(Tell.Succeeded()).Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100))), new RefundEvidence.Settled(row, PaidOut: false));

    static readonly Settled Full = new("row_1", Given.Rupees(100), -Given.Rupees(103), Given.Rupees(2), Given.Rupees(1), new DateOnly(2026, 3, 2), "utr_1");

    public static TheoryData<string, Func<Settled, Settled?>> Parts => new()
    {
        { "row", s => s with { RowKey = "row_2" } },
        { "amount", s => s with { Amount = Given.Rupees(99) } },
        { "net", s => s with { Net = -Given.Rupees(104) } },
        { "fee", s => s with { Fee = Given.Rupees(3) } },
        { "no fee", s => s with { Fee = null } },
        { "tax", s => s with { Tax = Given.Rupees(2) } },
        { "day", s => s with { On = new DateOnly(2026, 3, 3) } },
        { "payout", s => s with { PayoutReference = "utr_2" } },
        { "all", _ => null },
    };

    [Theory]
    [MemberData(nameof(Parts))]
    public void A_part_of_a_refunds_row_that_was_changed_is_found(string part, Func<Settled, Settled?> change)
    {
        var went = Refunded(Full);
        var back = Row(went, new RefundEvidence.Failed("came back", Full with { RowKey = "row_back", Amount = Given.Rupees(90), Net = Given.Rupees(90) }));
        foreach (var (story, changed) in new[] { (went, went.Order.Refunds[0] with { Settled = change(Full) }), (back, back.Order.Refunds[0] with { Returned = change(back.Order.Refunds[0].Returned!) }) })
        {
            OutsideHistory.Differs(story.Order, story.Events).ShouldBeNull(part);
            OutsideHistory.Differs(story.Order with { Refunds = [changed] }, story.Events).ShouldNotBeNull(part).Row.ShouldBe(new RefundId(story.Order.Id, 1).ToString());
        }
    }

    [Theory]
    [MemberData(nameof(Parts))]
    public void A_part_of_the_row_of_what_went_back_unasked_that_was_changed_is_found(string part, Func<Settled, Settled?> change)
    {
        var story = Given.Order().HasLink().Hears(Tell.Succeeded())
            .Hears(new RefundEvidence.Settled(Full, PaidOut: true) { RefundReference = "rfnd_x" }, refund: 0, payment: 1, source: EvidenceSource.Settlement);
        OutsideHistory.Differs(story.Order, story.Events).ShouldBeNull(part);
        // Of older programs, which kept the row's name alone, nothing is said.
        if (change(Full) is not { } changed || changed.RowKey != Full.RowKey) return;
        var other = story.First with { OutsideRefunds = [story.First.OutsideRefunds[0] with { Settled = changed }] };
        OutsideHistory.Differs(story.Order with { Payments = [other] }, story.Events).ShouldNotBeNull(part).Row.ShouldBe(new PaymentId(story.Order.Id, 1).ToString());
    }

    [Fact]
    public void What_an_answer_moved_is_as_its_events_tell()
    {
        var asked = Given.Order().HasLink().Hears(Tell.Succeeded(amount: Given.Rupees(400)));
        var closed = asked.When(new OrderCommand.Answer(1, DiscrepancyKind.AmountMismatch, "money_1", AnswerAction.Close, "Asha", "known"));
        AnswerHistory.Differs(closed.Order, closed.Events).ShouldBeNull();
        var answer = closed.First.Answers[0];
        answer.Moved.ShouldBe([-Given.Rupees(400)]);
        foreach (var other in new Answered?[] { null, answer with { Moved = [] }, answer with { Moved = [-Given.Rupees(401)] }, answer with { Moved = [.. answer.Moved, new Money(1, Currency.Find("USD"))] }, answer with { Kind = DiscrepancyKind.Late } })
            AnswerHistory.Differs(closed.Order with { Payments = [closed.First with { Answers = other is null ? [] : [other] }] }, closed.Events).ShouldNotBeNull($"{other}").Row.ShouldBe(new PaymentId(closed.Order.Id, 1).ToString());

        var open = closed.When(new OrderCommand.Reopen(1, DiscrepancyKind.AmountMismatch, "money_1", "Ravi", "not so"));
        AnswerHistory.Differs(open.Order, open.Events).ShouldBeNull();
        AnswerHistory.Differs(open.Order with { Payments = [open.First with { Answers = [answer] }] }, open.Events).ShouldNotBeNull();
    }
}
