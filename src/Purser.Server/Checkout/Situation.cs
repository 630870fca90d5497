using System.Collections.Immutable;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Server.Checkout;

/// <summary>How serious it looks.</summary>
public enum Tone { Calm, Busy, Good, Care, Over }

/// <summary>What the shopper can do now.</summary>
public enum Step { None, Pay, Continue, TryAgain, Elsewhere }

/// <summary>What a shopper's page says about an order and one of its payments: which case it is, in words, and what can be done. Pure.</summary>
/// <param name="Key">The case's name, for tests and style.</param>
public sealed record Situation(string Key, Tone Tone, string Headline, ImmutableArray<string> Words)
{
    public Step Step { get; init; }

    /// <summary>The payment that <see cref="Step.Continue"/> continues.</summary>
    public int? Payment { get; init; }
    public string Safety { get; init; } = Texts.SafeToClose;

    /// <summary>The order's amount stands under the headline, where no other amount is spoken of.</summary>
    public bool NamesAmount { get; init; } = true;

    /// <summary>Money is moving or about to: leaving is asked about.</summary>
    public bool UnderWay { get; init; }

    /// <summary>More news are expected soon; a page without script looks again by itself.</summary>
    public bool Changing { get; init; }

    /// <summary>What is waited for makes no event: an open page looks for itself.</summary>
    public bool AsksAgain { get; init; }

    /// <summary>The words, for a page that is not ours: with what our page says beside them about paying again.</summary>
    public ImmutableArray<string> Told => Safety == Texts.DoNotPayAgain ? [.. Words, Texts.PayNoMore] : Words;

    /// <summary>All of that, in a row.</summary>
    public string Sentence => string.Join(' ', Told.Insert(0, Headline[^1] is '.' or '!' ? Headline : Headline + "."));

    /// <summary>Paying is safe, and how long there is still matters.</summary>
    public bool CanBePaid => Step is Step.Pay or Step.Continue or Step.TryAgain;

    /// <param name="number">The payment whose page it is; null for the order's own page.</param>
    /// <param name="gateway">Names a gateway account for people.</param>
    /// <param name="postsAnew">Whether an account's page can be paid on again each time it is opened.</param>
    public static Situation Of(Order order, int? number, DateTimeOffset now, Func<string, string> gateway, Func<string, bool> postsAnew)
    {
        var shown = number is { } n ? order.Payment(n) : null;
        var situation = order.Status == OrderStatus.Paid ? Paid(order, shown, gateway) : Unpaid(order, shown, now, gateway, postsAnew);
        return situation with { Words = [.. situation.Words, .. Extra(order, situation.Key, shown, gateway)] };
    }

    static Situation Paid(Order order, Payment? shown, Func<string, string> gateway)
    {
        var accepted = order.Payment(order.PaidBy!.Value)!;
        if (accepted.Reversals.Any(r => accepted.Captures.Any(c => c.MoneyReference == r.MoneyReference)))
            return new("taken_back", Tone.Care, Texts.TakenBack, [Texts.TakenBackWords]) { Safety = Texts.DoNotPayAgain };
        var wanted = order.Refunds.Where(r => order.IsOfAcceptedMoney(r) && r.Reserves).ToList();
        if (wanted.Count > 0)
            return new("refunded", order.Refunds.Any(order.IsOpenFailure) ? Tone.Care : Tone.Calm, HowFarBack(order, accepted, wanted), [Texts.RefundedWords])
            {
                Safety = Texts.PaidSafety,
            };
        if (shown is not null && shown.Number != accepted.Number)
        {
            if (shown.Captures.FirstOrDefault(c => c.Standing == Standing.Duplicate) is { } second)
                return new("paid_twice", Tone.Good, IsOnly(order) ? Texts.PaidTwice : Texts.PaidOften, [Texts.PaidTwiceWords(Texts.MoneyAt(second.Amount, gateway(shown.Account)), IsBack(order, shown, second), IsOnly(order))])
                {
                    Safety = Texts.PaidSafety,
                };
            if (shown.Status == PaymentStatus.Held)
                return new("paid_and_held", Tone.Care, Texts.PaidAndHeld, [Texts.HeldWords(Held(shown), order.Amount)])
                {
                    NamesAmount = false,
                    Safety = Texts.PaidSafety,
                };
            if (shown.IsOpen)
                return new("paid_otherwise", Tone.Good, Texts.PaidAlready, [Texts.PaidOtherwiseWords]) { Safety = Texts.PaidSafety };
        }
        return order.Late
            ? new("paid_late", Tone.Good, Texts.PaidLate, [Texts.PaidLateWords]) { Safety = Texts.PaidSafety }
            : new("paid", Tone.Good, Texts.Paid, [Texts.PaidWords]) { Safety = Texts.PaidSafety };
    }

    /// <summary>By what came, and not by what the order asked for: a person may have accepted another amount, and parts may have gone back at the gateway's own console.</summary>
    static string HowFarBack(Order order, Payment accepted, List<Refund> wanted) =>
        !wanted.TrueForAll(r => r.Status == RefundStatus.Succeeded) ? Texts.Refunded
        : accepted.Captures.Any(c => c.Standing == Standing.Accepted && !IsBack(order, accepted, c)) ? Texts.PartRefundDone
        : Texts.RefundDone;

    static bool IsBack(Order order, Payment payment, Capture money) => order.NotGivenBack(payment.Number, money).MinorUnits == 0;

    static Situation Unpaid(Order order, Payment? shown, DateTimeOffset now, Func<string, string> gateway, Func<string, bool> postsAnew)
    {
        // Held money that went back whole holds nobody up any more, once the order is over.
        if (order.Payments.FirstOrDefault(p => p.Status == PaymentStatus.Held && !(order.HasEnded && p.Captures.All(c => IsBack(order, p, c)))) is { } held)
            return new("held", Tone.Care, Texts.Held, [Texts.HeldWords(Held(held), order.Amount)]) { NamesAmount = false, Safety = Texts.DoNotPayAgain };
        if (order.HasEnded) return Ended(order);

        var closing = order.ClosingAt is not null || now >= order.ExpiresAt;
        // Money on its way to any of its payments: no other one is to be paid.
        if (order.Payments.LastOrDefault(p => p.HasMoneyUnderWay || p.Status == PaymentStatus.Processing) is { } under) return OnItsWay(under, gateway);
        var open = order.OpenPayment;
        if (open is null)
        {
            if (closing) return new("closing", Tone.Busy, Texts.Closing, [Texts.ClosingWords]) { Changing = true, Safety = Texts.DoNotPayAgain };
            var last = shown ?? order.Payments.LastOrDefault();
            return last is null
                ? new("ready", Tone.Calm, Texts.Ready, [Texts.ReadyWords]) { Step = Step.Pay }
                : NotPaid(last, gateway);
        }
        // Another tab may have gone on: this page tells of the payment that can still take money.
        return open.Status switch
        {
            PaymentStatus.Unresolved => new("unresolved", Tone.Busy, Texts.Unresolved, [Texts.UnresolvedWords, Texts.NotChargedTwice])
            {
                Changing = true,
                Safety = Texts.DoNotPayAgain,
            },
            _ when closing => new("closing", Tone.Busy, Texts.Closing, [Texts.ClosingWords]) { Changing = true, Safety = Texts.DoNotPayAgain },
            PaymentStatus.Starting => new("starting", Tone.Busy, Texts.Starting, [Texts.StartingWords(gateway(open.Account))])
            {
                UnderWay = true,
                Changing = true,
            },
            _ when open.CancelAsked => new("link_closing", Tone.Busy, Texts.LinkClosing, [Texts.LinkClosingWords(gateway(open.Account))])
            {
                Changing = true,
                Safety = Texts.DoNotPayAgain,
            },
            _ when FormMachine.AwaitsWord(open, now) => new("asking", Tone.Busy, Texts.Asking, [Texts.AskingWords(gateway(open.Account)), Texts.OfferedAgain])
            {
                Changing = true,
                AsksAgain = true,
                Safety = Texts.DoNotPayAgain,
            },
            _ when open.DeclinedAt is not null => new("declined", Tone.Care, Texts.Declined, [Texts.DeclinedWords(gateway(open.Account))])
            {
                Step = Step.Continue,
                Payment = open.Number,
                Changing = true,
            },
            _ => new("pending", Tone.Calm, Texts.Pending, [Texts.PendingWords(gateway(open.Account)), .. postsAnew(open.Account) ? Nothing : [Texts.SamePage]])
            {
                Step = Step.Continue,
                Payment = open.Number,
                Changing = true,
            },
        };
    }

    static Situation OnItsWay(Payment paid, Func<string, string> gateway) => new("processing", Tone.Busy, Texts.Processing, [Texts.ProcessingWords(gateway(paid.Account))])
    {
        UnderWay = true,
        Changing = true,
        Safety = Texts.DoNotPayAgain,
    };

    /// <summary>A try that ended without money, while the order can still be paid.</summary>
    static Situation NotPaid(Payment last, Func<string, string> gateway) => last.Status switch
    {
        PaymentStatus.Cancelled => new("cancelled_try", Tone.Calm, Texts.CancelledTry, [Texts.CancelledTryWords]) { Step = Step.TryAgain },
        PaymentStatus.Expired => new("expired_try", Tone.Calm, Texts.ExpiredTry, [Texts.ExpiredTryWords, Texts.IfChargedItCounts])
        {
            Step = Step.TryAgain,
        },
        _ => new("failed", Tone.Care, Texts.Failed,
            [last.MayExist ? Texts.FailedWords : Texts.NeverOpenedWords(gateway(last.Account)), .. last.MayExist ? [Texts.IfChargedItCounts] : Nothing])
        {
            Step = Step.TryAgain,
        },
    };

    static readonly ImmutableArray<string> Nothing = [];

    static Situation Ended(Order order)
    {
        var captures = order.Payments.SelectMany(p => p.Captures).ToList();
        if (captures.Any(c => c.Standing == Standing.Late))
            return !order.Refunds.Any(r => r.Reserves || r.LookAt is not null)
                ? new("late_asked", Tone.Care, Texts.LateAsked, [Texts.LateAskedWords]) { Safety = Texts.DoNotPayAgain }
                : order.Refunds.Any(r => r.Status != RefundStatus.Succeeded && (r.Reserves || r.LookAt is not null))
                    ? new("late_refund", Tone.Care, Texts.LateRefund, [Texts.LateRefundWords]) { Step = Step.Elsewhere }
                    : new("late_refund", Tone.Calm, Texts.LateRefundDone, [Texts.LateRefundDoneWords]) { Step = Step.Elsewhere };

        // Whoever has money on its way to an order that is over waits for what becomes of it.
        var (step, safety) = order.Payments.Any(p => p.HasMoneyUnderWay) ? (Step.None, Texts.DoNotPayAgain) : (Step.Elsewhere, Texts.SafeToClose);
        var accepts = order.Policy.Late == LatePolicy.Accept;
        var watching = order.Payments.Any(p => p.IsOpen || p.MayExist);
        ImmutableArray<string> after = watching ? [accepts ? Texts.EndedWatchingAccept : Texts.EndedWatchingRefund] : [];
        if (order.Status == OrderStatus.Cancelled && order.Payments.Any(p => !p.Denied.IsEmpty))
            return new("denied", Tone.Care, Texts.Denied, [Texts.DeniedWords, Texts.DeniedCounts]) { Step = Step.Elsewhere };
        return order.Status == OrderStatus.Cancelled
            ? new("cancelled", Tone.Over, Texts.Cancelled, [Texts.CancelledWords, .. after]) { Step = step, Safety = safety }
            : new("expired", Tone.Over, Texts.Expired, [Texts.ExpiredWords, .. after]) { Step = step, Safety = safety };
    }

    /// <summary>Money beside the order: told on every page of the order, for a shopper counts all of it.</summary>
    static IEnumerable<string> Extra(Order order, string key, Payment? shown, Func<string, string> gateway)
    {
        var isOnly = IsOnly(order);
        // Also of two times on one and the same page; and a refund without these words would read as the order's own. What came twice is named, with what became of it.
        if (order.Status == OrderStatus.Paid)
            foreach (var payment in order.Payments)
                foreach (var second in payment.Captures.Where(c => c.Standing == Standing.Duplicate).Skip(key == "paid_twice" && payment == shown ? 1 : 0))
                {
                    var (money, isBack) = (Texts.MoneyAt(second.Amount, gateway(payment.Account)), IsBack(order, payment, second));
                    yield return key is "refunded" or "taken_back" ? Texts.AlsoPaidTwice(money, isBack, isOnly) : Texts.AndStaysPaid(money, isBack, isOnly);
                }
        foreach (var refund in order.Refunds)
            if (refund.Reserves || order.IsOpenFailure(refund)) yield return Texts.Refund(refund, isOnly);
        if (order.Refunds.IsEmpty && order.Questions.Any(q => q.Kind == DiscrepancyKind.Duplicate)) yield return isOnly ? Texts.DuplicateAsked : Texts.DuplicatesAsked;
    }

    /// <summary>No more than one time was it paid again.</summary>
    internal static bool IsOnly(Order order) => order.Payments.Sum(p => p.Captures.Count(c => c.Standing == Standing.Duplicate)) <= 1;

    static Money Held(Payment payment) => payment.Captures.LastOrDefault(c => c.Standing == Standing.Mismatched)?.Amount ?? payment.Amount;
}
