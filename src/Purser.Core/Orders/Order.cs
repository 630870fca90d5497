using System.Collections.Immutable;
using Purser.Invoices;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Orders;

public enum OrderStatus { AwaitingPayment, Paid, Expired, Cancelled }

/// <summary>How far the goods are, as far as the money decides it.</summary>
public enum Fulfilment
{
    /// <summary>Nothing is to go out: the order is not paid, or all of its money goes back.</summary>
    None,
    /// <summary>Paid, and the merchant has not said that the goods went out.</summary>
    Waiting,
    /// <summary>Paid, but the money is in doubt: the goods stay.</summary>
    Held,
    Done,
    /// <summary>The goods went out, and their money is denied, taken back or given back unasked.</summary>
    Unpaid,
}

public enum LatePolicy { Refund, Accept, Ask }

public enum DuplicatePolicy { Refund, Ask }

/// <summary>What becomes of an order that was paid when its gateway denies the money afterwards.</summary>
public enum FailedPolicy { Cancel, Ask }

/// <summary>What one order wants done in cases that need a policy. Each acts once.</summary>
/// <param name="Late">Money that arrives after the order ended.</param>
/// <param name="Duplicate">A success on an order that has its accepted payment.</param>
/// <param name="AllowsSecondLink">True accepts the risk that two open links are both paid; the second is a duplicate then.</param>
/// <param name="Failed">The accepted money turns out never to have come, as far as its statement and the gateway itself say.</param>
public sealed record OrderPolicy(
    LatePolicy Late = LatePolicy.Refund, DuplicatePolicy Duplicate = DuplicatePolicy.Refund, bool AllowsSecondLink = false, FailedPolicy Failed = FailedPolicy.Cancel);

/// <summary>Who pays. Personal data: never in logs, events or traces.</summary>
/// <param name="Country">ISO 3166-1 alpha-2.</param>
public sealed record Customer(string? Name = null, string? Email = null, string? Phone = null, string? Country = null);

/// <summary>One thing that is sold: quantity times unit amount, in the order's currency. The price holds its tax.</summary>
/// <param name="Hsn">The code of the goods or the service, as tax law counts them.</param>
/// <param name="TaxRate">Null: the seller's usual one.</param>
public sealed record OrderLine(string Name, long Quantity, long UnitAmount, string? Product = null, string? Hsn = null, TaxRate? TaxRate = null);

/// <summary>What an invoice needs of who pays. Personal data: never in logs, events or traces.</summary>
/// <param name="Address">On one line.</param>
/// <param name="State">ISO 3166-2, without the country.</param>
/// <param name="TaxId">GSTIN, VAT number and the like.</param>
public sealed record Billing(string? Address = null, string? State = null, string? TaxId = null);

/// <summary>Something about an order that needs an answer, from a gateway or a person.</summary>
/// <param name="MoneyReference">The money it is about; null when it is about the payment's link or status.</param>
public sealed record Question(int Payment, DiscrepancyKind Kind, string? MoneyReference = null, Money? Amount = null);

/// <summary>What the shopper owes, and all that decisions need to know of how it is being paid. Lines and metadata stay in the database:
/// no decision reads them. Immutable; the only way to a next state is <see cref="OrderMachine.Decide"/>.</summary>
public sealed record Order
{
    public required OrderId Id { get; init; }
    /// <summary>The merchant's own name for the order, unique when given.</summary>
    public string? Reference { get; init; }
    public required Money Amount { get; init; }
    /// <summary>One line for the gateway's page.</summary>
    public required string Description { get; init; }
    public Customer Customer { get; init; } = new();
    public OrderPolicy Policy { get; init; } = new();
    public required OrderStatus Status { get; init; }
    /// <summary>Paid, but the money came after the order's end.</summary>
    public bool Late { get; init; }
    /// <summary>The number of the accepted payment.</summary>
    public int? PaidBy { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
    /// <summary>Since when the order's links are being closed because its time ran out.</summary>
    public DateTimeOffset? ClosingAt { get; init; }
    /// <summary>When it was paid, expired or cancelled.</summary>
    public DateTimeOffset? EndedAt { get; init; }
    public DateTimeOffset? FulfilledAt { get; init; }
    /// <summary>When this order next needs attention whatever happens; null when nothing is left to wait for.</summary>
    public DateTimeOffset? WakeAt { get; init; }
    /// <summary>The number of the latest event.</summary>
    public required int Sequence { get; init; }
    public ImmutableArray<Payment> Payments { get; init; } = [];
    public ImmutableArray<Refund> Refunds { get; init; } = [];

    public Payment? Payment(int number) => number >= 1 && number <= Payments.Length ? Payments[number - 1] : null;

    /// <summary>The latest payment that may still take money.</summary>
    public Payment? OpenPayment => Payments.LastOrDefault(p => p.IsOpen);

    /// <summary>The latest payment by which the shopper has paid something, or is about to have.</summary>
    public Payment? PayingPayment => Payments.LastOrDefault(p => p.IsPaying);

    public bool HasEnded => Status != OrderStatus.AwaitingPayment;

    public Fulfilment Fulfilment =>
        FulfilledAt is not null ? IsMoneyDenied ? Fulfilment.Unpaid : Fulfilment.Done
        : Status != OrderStatus.Paid || IsMoneyGoingBack ? Fulfilment.None
        : IsMoneyDenied || Questions.Any(q => q.Kind == DiscrepancyKind.NotSettled && IsAcceptedMoney(q)) ? Fulfilment.Held
        : Fulfilment.Waiting;

    /// <summary>The gateway contradicts itself about the accepted money, took it back, gave all of it back unasked, or the shopper's bank wants it or has it.</summary>
    bool IsMoneyDenied => PaidBy is { } number
        && (Payment(number)!.Dispute is DisputeState.Open or DisputeState.Lost
            || Questions.Any(q => q.Payment == number && (q.Kind == DiscrepancyKind.Contradiction || (q.Kind == DiscrepancyKind.Reversed && IsAcceptedMoney(q))
                || (q.Kind == DiscrepancyKind.RefundUnasked && IsMoneyGoingBack && IsOfAcceptedMoney(q)))));

    /// <summary>All of the accepted money went or goes back, by whomever; or the gateway took it, and a person knows.</summary>
    bool IsMoneyGoingBack => PaidBy is { } number && Payment(number) is { } p && p.Captures.FirstOrDefault(c => c.Standing == Standing.Accepted) is { } money
        && (LeftOf(number, money).MinorUnits <= 0 || (p.IsReversed(money.MoneyReference) && p.Answers.Contains(new Answered(DiscrepancyKind.Reversed, money.MoneyReference))));

    bool IsOfAcceptedMoney(Question q) => Payment(q.Payment) is { } p && p.OutsideRefunds.FirstOrDefault(o => o.RefundReference == q.MoneyReference) is { } outside
        && p.Captures.Any(c => c.Standing == Standing.Accepted && outside.IsOf(p, c.MoneyReference));

    /// <summary>A refund that no statement has, or a second success, is nothing against the order's own money.</summary>
    bool IsAcceptedMoney(Question q) =>
        q.Payment == PaidBy && Payment(q.Payment)!.Captures.Any(c => c.MoneyReference == q.MoneyReference && c.Standing == Standing.Accepted);

    /// <summary>All questions that are open, by payment.</summary>
    public IEnumerable<Question> Questions
    {
        get
        {
            foreach (var p in Payments)
            {
                foreach (var question in Raised(p))
                    if (!p.Answers.Contains(new Answered(question.Kind, question.MoneyReference))) yield return question;
            }
        }
    }

    /// <summary>What a person's answer to a question of this payment may move, in each currency as it comes, several of one currency beside each other: the amount that it is asked
    /// with, what waits in suspense for it, and what would go back. Of an answered one what the answer took out of suspense.</summary>
    public ImmutableArray<Money> Stakes(int payment, DiscrepancyKind kind, string? moneyReference) => Answers.Stakes(this, payment, kind, moneyReference);

    /// <summary>All that gives cause to ask, answered or not.</summary>
    IEnumerable<Question> Raised(Payment p)
    {
        if (p.Discrepancy is { } kind) yield return new Question(p.Number, kind);
        foreach (var capture in p.Captures)
        {
            if (Asks(p, capture) is { } about) yield return new Question(p.Number, about, capture.MoneyReference, capture.Amount);
            if (p.Reversals.FirstOrDefault(r => r.MoneyReference == capture.MoneyReference) is { } reversal)
                yield return new Question(p.Number, DiscrepancyKind.Reversed, capture.MoneyReference, reversal.Booked);
            if (RefundOf(p.Number, capture.MoneyReference) is { Status: RefundStatus.Failed } failed && (capture.Standing == Standing.Accepted || !IsGivenBack(p.Number, capture)))
                yield return new Question(p.Number, DiscrepancyKind.RefundFailed, capture.MoneyReference, failed.Amount);
            foreach (var doubt in Doubts)
                if (capture.IsDoubted(doubt)) yield return new Question(p.Number, doubt, capture.MoneyReference, capture.Amount);
        }
        foreach (var outside in p.OutsideRefunds.Where(o => o is { MayBeOurs: false, CameBack: false }))
            yield return new Question(p.Number, DiscrepancyKind.RefundUnasked, outside.RefundReference, outside.Amount);
        foreach (var outside in p.OutsideRefunds.Where(o => o.ReturnedOtherwise)) yield return new Question(p.Number, DiscrepancyKind.SettledOtherwise, outside.RefundReference, outside.Amount);
        foreach (var refund in Refunds)
        {
            if (refund.Payment != p.Number) continue;
            if (refund.SettledOtherwise) yield return new Question(p.Number, DiscrepancyKind.SettledOtherwise, new RefundId(Id, refund.Number).Reference, refund.Amount);
            if (refund.AsksByItself) yield return new Question(p.Number, DiscrepancyKind.RefundFailed, new RefundId(Id, refund.Number).Reference, refund.Amount);
            if (refund.NotSettled) yield return new Question(p.Number, DiscrepancyKind.NotSettled, new RefundId(Id, refund.Number).Reference, refund.Amount);
        }
    }

    /// <summary>Money that must go back whole does so by one refund, which may be an earlier one that was called failed. Beside it the latest may be of a rest, for others gave some back.</summary>
    public bool IsGivenBack(int payment, Capture capture)
    {
        var back = Refunds.Where(r => r.Payment == payment && r.MoneyReference == capture.MoneyReference && r.Reserves).Select(r => r.Amount).ToList();
        return back.Count > 0 && (RefundOf(payment, capture.MoneyReference)! is not { Status: RefundStatus.Failed } latest || latest.Amount.Currency != capture.Amount.Currency
            || back.Aggregate(latest.Amount, (sum, amount) => sum + amount).CompareTo(capture.Amount) > 0);
    }

    static readonly DiscrepancyKind[] Doubts =
        [DiscrepancyKind.SettledOtherwise, DiscrepancyKind.FeeMismatch, DiscrepancyKind.SettledTwice, DiscrepancyKind.NotSettled];

    /// <summary>It gives back money that pays the order. What that was when the refund was asked for, and so its reason, is another thing: money that came too late or of a wrong amount may pay the order since.</summary>
    public bool IsOfAcceptedMoney(Refund refund) =>
        refund.Payment == PaidBy && Payment(refund.Payment)!.Captures.Any(c => c.Standing == Standing.Accepted && c.MoneyReference == refund.MoneyReference);

    /// <summary>The latest refund of this money, if one was ever asked for.</summary>
    public Refund? RefundOf(int payment, string moneyReference) =>
        Refunds.LastOrDefault(r => r.Payment == payment && r.MoneyReference == moneyReference);

    /// <summary>It failed, and nobody has asked anew for its part of the money since; a later refund of another part is no answer to it.</summary>
    public bool IsOpenFailure(Refund refund) =>
        refund.Status == RefundStatus.Failed && (refund.AsksByItself || RefundOf(refund.Payment, refund.MoneyReference)!.Number == refund.Number);

    public Refund? Refund(int number) => number >= 1 && number <= Refunds.Length ? Refunds[number - 1] : null;

    /// <summary>What of captured money nobody is known to have given back yet; nothing when it is less than that.</summary>
    public Money NotGivenBack(int payment, Capture capture)
    {
        var ours = Refunds.Where(r => r.Payment == payment && r.MoneyReference == capture.MoneyReference && r.Status == RefundStatus.Succeeded).Select(r => r.Amount);
        var theirs = Payment(payment)!.OutsideRefunds.Where(o => o is { MayBeOurs: false, CameBack: false } && o.IsOf(Payment(payment)!, capture.MoneyReference)).Select(o => o.Amount);
        var left = ours.Concat(theirs).Where(a => a.Currency == capture.Amount.Currency).Aggregate(capture.Amount, (left, amount) => left - amount);
        return left.MinorUnits < 0 ? Money.Zero(left.Currency) : left;
    }

    /// <summary>What of money of a wrong amount waits in suspense, unless a person's answer took it from there.</summary>
    public Money Waiting(int payment, Capture capture) => Refunds.Where(r => r.Payment == payment && r.MoneyReference == capture.MoneyReference && r.Status == RefundStatus.Succeeded)
        .Select(r => r.Amount).Append(capture.Cleared ?? Money.Zero(capture.Amount.Currency)).Aggregate(capture.Amount, (left, gone) => left - gone);

    /// <summary>What disputes that were won took of this money and did not bring back: the shopper's bank has it. Nobody tells of which of a payment's moneys
    /// a dispute is: it is taken to be of that which pays the order, else of the first.</summary>
    Money KeptByBanks(Payment p, Capture capture) => (p.Captures.FirstOrDefault(c => c.Standing == Standing.Accepted) ?? p.Captures[0]).MoneyReference != capture.MoneyReference
        ? Money.Zero(capture.Amount.Currency)
        : p.Disputes.Where(d => d.State == DisputeState.Won && d.Taken.Currency == capture.Amount.Currency && d.Returned is { } back && back.Currency == d.Taken.Currency && back.CompareTo(d.Taken) < 0)
            .Aggregate(Money.Zero(capture.Amount.Currency), (sum, d) => sum + (d.Taken - d.Returned!.Value));

    /// <summary>What of captured money is not given back, by whomever, nor kept by the shopper's bank, nor reserved for a refund. Of a refund that was made at
    /// the gateway, see <see cref="OutsideRefund.IsOf"/>.</summary>
    public Money LeftOf(int payment, Capture capture)
    {
        var ours = Refunds.Where(r => r.Payment == payment && r.MoneyReference == capture.MoneyReference && r.Reserves).Select(r => r.Amount);
        var theirs = Payment(payment)!.OutsideRefunds.Where(o => !o.CameBack && o.IsOf(Payment(payment)!, capture.MoneyReference)).Select(o => o.Amount).Where(a => a.Currency == capture.Amount.Currency);
        return ours.Concat(theirs).Append(KeptByBanks(Payment(payment)!, capture)).Aggregate(capture.Amount, (left, amount) => left - amount);
    }

    DiscrepancyKind? Asks(Payment p, Capture capture) => capture.Standing switch
    {
        Standing.Mismatched when RefundOf(p.Number, capture.MoneyReference) is null => DiscrepancyKind.AmountMismatch,
        Standing.Duplicate when RefundOf(p.Number, capture.MoneyReference) is null => DiscrepancyKind.Duplicate,
        Standing.Late when RefundOf(p.Number, capture.MoneyReference) is null => DiscrepancyKind.Late,
        _ => null,
    };

    /// <summary>What gateways hold or held for this order, over all payments.</summary>
    public Money Captured => Payments.SelectMany(p => p.Captures).Aggregate(Money.Zero(Amount.Currency),
        (sum, capture) => capture.Amount.Currency == sum.Currency ? sum + capture.Amount : sum);
}
