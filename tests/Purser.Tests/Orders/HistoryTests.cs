using Purser.Orders;
using Purser.Payments;

namespace Purser.Tests.Orders;

/// <summary>Histories that cannot be. What possible ones fold to is checked after every step of every story.</summary>
public sealed class HistoryTests
{
    static readonly OrderEvent[] Paid = [.. Given.Order().HasLink().Hears(Tell.Succeeded()).Events];
    static readonly OrderEvent[] Late = [.. Given.Order().HasLink().When(new OrderCommand.Cancel()).Hears(Tell.Succeeded()).Events];
    static readonly OrderEvent[] Asked = [.. Given.Order(new OrderPolicy(Duplicate: DuplicatePolicy.Ask)).HasLink()
        .Hears(Tell.Succeeded()).Hears(Tell.Succeeded("money_2")).Events];
    static readonly OrderEvent[] Disputed = [.. Given.Order().HasLink().Hears(Tell.Succeeded()).Hears(Tell.DisputeOpened())
        .Hears(Tell.DisputeClosed(won: true)).Events];

    [Fact]
    public void A_whole_history_folds()
    {
        var summary = OrderHistory.Fold(Paid);
        summary.Status.ShouldBe(OrderStatus.Paid);
        summary.PaidBy.ShouldBe(1);
        summary.Payments.Single().ShouldBe(new PaymentSummary(
            1, "careful", PaymentStatus.Succeeded, DisputeState.None, [], [new CaptureSummary("money_1", Given.Rupees(499))]));
        OrderHistory.Fold(Late).Refunds.Single().ShouldBe(new RefundSummary(1, 1, "money_1", Given.Rupees(499)));
        OrderHistory.Fold(Asked).Questions.Single().ShouldBe(new Question(1, DiscrepancyKind.Duplicate, "money_2", Given.Rupees(499)));
    }

    [Theory]
    [MemberData(nameof(ImpossibleHistories))]
    public void What_cannot_be_is_refused_loudly(string why, IEnumerable<OrderEvent> events) =>
        Should.Throw<InvalidOperationException>(() => OrderHistory.Fold(events)).Message.ShouldContain(why);

    public static TheoryData<string, IEnumerable<OrderEvent>> ImpossibleHistories() => new()
    {
        { "without events", [] },
        { "follows number", Paid.Where(e => e.Sequence != 3) },
        { "follows number", Paid.Concat([Paid[^1]]) },
        { "follows number 0", Paid.Skip(1) },
        { "not created yet", Renumbered(Paid.Skip(1)) },
        { "created already", Renumbered([Paid[0], Paid[0]]) },
        { "another order", [Paid[0], Paid[1] with { Order = new OrderId(5) }] },
        { "the order is Paid", Renumbered([.. Paid, Paid[^1]]) },
        { "the order is Paid", Renumbered([.. Paid, Paid[^1] with { Type = EventType.OrderCancelled, OrderStatus = OrderStatus.Cancelled }]) },
        { "the order is AwaitingPayment", Changed(Paid, EventType.PaymentLinkReady, e => e with { OrderStatus = OrderStatus.Expired }) },
        { "the order is AwaitingPayment", Changed(Paid, EventType.OrderPaid, e => e with { PaidBy = null }) },
        { "the order is Cancelled", Changed(Late, EventType.PaymentLate, e => e with { Late = true }) },
        { "0 payments were started", Changed(Paid, EventType.PaymentStarted, e => e with { Payment = 2 }) },
        { "starts at an account", Changed(Paid, EventType.PaymentStarted, e => e with { Account = null }) },
        { "never started", Changed(Paid, EventType.PaymentLinkReady, e => e with { Payment = 2 }) },
        { "the payment is at careful", Changed(Paid, EventType.PaymentLinkReady, e => e with { Account = "stubborn" }) },
        { "the payment is Starting", Changed(Paid, EventType.PaymentLinkReady, e => e with { PaymentStatus = PaymentStatus.Failed }) },
        { "the payment is Succeeded", Renumbered([.. Paid, Paid[2] with { OrderStatus = OrderStatus.Paid, PaidBy = 1 }]) },
        { "a name and an amount", Changed(Paid, EventType.PaymentSucceeded, e => e with { MoneyReference = null }) },
        { "the money was known as nothing", Changed(Paid, EventType.PaymentSucceeded, e => e with { Replaces = Given.Rupees(1) }) },
        { "more than came", Changed(Late, EventType.RefundRequested, e => e with { Amount = Given.Rupees(500) }) },
        { "more than came", Renumbered([.. Late, Late[^1] with { Refund = 2 }]) },
        { "0 refunds were requested", Changed(Late, EventType.RefundRequested, e => e with { Refund = 2 }) },
        { "a number, an amount", Changed(Late, EventType.RefundRequested, e => e with { MoneyReference = null }) },
        { "open already", Renumbered([.. Asked, Asked[^1]]) },
        { "no such question", Changed(Asked, EventType.DiscrepancyOpened, e => e with { Type = EventType.DiscrepancyResolved }) },
        { "a kind and a payment", Changed(Asked, EventType.DiscrepancyOpened, e => e with { Discrepancy = null }) },
        { "of the dispute dispute_1 came back 499.00 INR", Renumbered([.. Disputed, Disputed[^1]]) },
        { "the dispute is Won", Renumbered([.. Disputed, Disputed[^1] with { Replaces = Disputed[^1].Amount }]) },
        { "the dispute dispute_1 was about 499.00 INR", Renumbered([.. Disputed, Disputed[^2]]) },
        { "was never opened", Renumbered([.. Disputed, Disputed[^1] with { MoneyReference = "dispute_2" }]) },
        { "a dispute has an amount", Changed(Disputed, EventType.DisputeOpened, e => e with { Amount = null }) },
        { "won or lost", Changed(Disputed, EventType.DisputeClosed, e => e with { Reason = null }) },
        { "is fulfilled already", Changed(Paid, EventType.PaymentLinkReady, e => e with { Type = EventType.OrderFulfilled, PaymentStatus = PaymentStatus.Starting }) },
    };

    static IEnumerable<OrderEvent> Renumbered(IEnumerable<OrderEvent> events) => events.Select((e, i) => e with { Sequence = i + 1 });

    static IEnumerable<OrderEvent> Changed(IEnumerable<OrderEvent> events, EventType type, Func<OrderEvent, OrderEvent> change) =>
        events.Select(e => e.Type == type ? change(e) : e);
}
