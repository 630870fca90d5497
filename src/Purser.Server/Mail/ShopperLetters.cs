using System.Collections.Immutable;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Checkout;
using Purser.Server.Platform;

namespace Purser.Server.Mail;

/// <summary>What a shopper is written, from the event and the order as it is at the time of sending. What is no longer so is not sent.</summary>
sealed class ShopperLetters(ShopperDoor door, PublicAddress address, MailOptions options)
{
    const int MostLines = 30;

    readonly TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById(options.TimeZone);

    /// <returns>Null when there is nothing to say any more.</returns>
    public (LetterContent Content, string Subject)? Write(ShopperOrder found, ToldEvent told)
    {
        var order = found.Order;
        var words = MailWords.For(found.Locale ?? options.Locale);
        var format = new ReaderFormat(words, zone);
        var content = told.Type switch
        {
            // What the gateway took back again meanwhile is no payment to give thanks for; operators are asked about it.
            EventType.OrderPaid when order.Status == OrderStatus.Paid && !IsTakenBack(order) => Paid(found, words, format),
            EventType.PaymentDeclined or EventType.PaymentFailed when StillFailed(order) => Failed(order, words, format),
            // Of money that came all the same another mail tells, and orders nobody to order again.
            EventType.OrderExpired when order.Status == OrderStatus.Expired && !order.Payments.Any(p => p.Captures.Length > 0) => Expired(order, words),
            EventType.OrderCancelled when order.Status == OrderStatus.Cancelled && order.Payments.Any(p => !p.Denied.IsEmpty) =>
                new LetterContent(words.Locale, LetterTone.Care, words.Denied) { Words = [words.DeniedWords, words.DeniedCounts] },
            EventType.PaymentLate when Stands(order, told, Standing.Late) => Late(order, told, words, format),
            EventType.PaymentDuplicate when Stands(order, told, Standing.Duplicate) => Twice(order, told, words, format),
            EventType.PaymentAmountMismatch when Stands(order, told, Standing.Mismatched) =>
                new LetterContent(words.Locale, LetterTone.Care, words.Held)
                {
                    Words = [words.HeldWords(format.Amount(told.Amount!.Value), format.Amount(order.Amount)), .. Progress(order, told, words, format)],
                },
            EventType.RefundSucceeded when order.Refund(told.Refund!.Value) is { Status: RefundStatus.Succeeded } done => Done(order, done, words, format),
            EventType.RefundFailed when order.Refund(told.Refund!.Value) is { } failed && order.IsOpenFailure(failed) =>
                new LetterContent(words.Locale, LetterTone.Care, words.RefundFailed) { Words = [words.RefundInHand(format.Amount(failed.Amount)), words.RefundFailedWords] },
            _ => null,
        };
        return content is null ? null : (Frame(content, order, words), words.Subject(content.Headline, Texts.NumberOf(order)));
    }

    static bool IsTakenBack(Order order) => order.Payment(order.PaidBy!.Value) is { } accepted && accepted.Captures.Any(c => c.Standing == Standing.Accepted && accepted.IsReversed(c.MoneyReference));

    static bool Stands(Order order, ToldEvent told, Standing standing) =>
        order.Payment(told.Payment!.Value)!.Captures.Any(c => c.MoneyReference == told.MoneyReference && c.Standing == standing);

    LetterContent Frame(LetterContent content, Order order, MailWords words)
    {
        var greeting = order.Customer.Name is { Length: > 0 } name ? words.Dear(name) : words.DearShopper;
        var status = address.Url + door.Links.Status(order);
        return content with
        {
            Words = [greeting, .. content.Words],
            Facts = [(words.OrderNumber, Texts.NumberOf(order)), .. content.Facts],
            Button = content.Button ?? (words.ShowStatus, status),
            Closing =
            [
                .. content.Button is null ? (string[])[] : [$"{words.StatusHere} {status}"],
                .. door.Options.SupportContact is { Length: > 0 } contact ? (string[])[$"{words.Questions} {contact}"] : [],
                words.Automatic,
            ],
        };
    }

    LetterContent Paid(ShopperOrder found, MailWords words, ReaderFormat format)
    {
        var order = found.Order;
        var accepted = order.Payment(order.PaidBy!.Value)!;
        var lines = found.Lines.Take(MostLines).Select(l => (l.Quantity == 1 ? l.Name : $"{l.Quantity} × {l.Name}", format.Amount(new Money(l.Quantity * l.UnitAmount, order.Amount.Currency)))).ToList();
        if (found.Lines.Length == 0) lines.Add((order.Description, format.Amount(order.Amount)));
        if (found.Lines.Length > MostLines) lines.Add((words.MoreLines(found.Lines.Length - MostLines), ""));
        lines.Add((words.Total, format.Amount(order.Amount)));
        // A mail that no server took for hours may leave after the money's way back has begun.
        var back = GoesBack(order, accepted, words, format);
        return new LetterContent(words.Locale, back.Headline is null ? LetterTone.Good : LetterTone.Calm, back.Headline ?? (order.Late ? words.PaidLate : words.Paid))
        {
            Words = [.. back.Headline is not null ? (string[])[] : [order.Late ? words.PaidLateWords : words.PaidWords], .. back.Progress, words.KeepAsProof],
            Lines = [.. lines],
            Facts =
            [
                (words.PaymentNumber, new PaymentId(order.Id, accepted.Number).ToString()), (words.PaidOn, format.Time(order.EndedAt!.Value)),
                (words.PaidThrough, door.Title(accepted.Account)),
            ],
        };
    }

    /// <summary>How it goes on is what can be told: with the try that is open, or with the next after one that was given up.</summary>
    public static bool IsTriedAgain(Order order) => !order.HasEnded && order.ClosingAt is null && !StillFailed(order);

    /// <summary>What of the order's own money went back or is on its way there; a headline where that is all of it.</summary>
    static (string? Headline, ImmutableArray<string> Progress) GoesBack(Order order, Payment accepted, MailWords words, ReaderFormat format)
    {
        if (accepted.Captures.FirstOrDefault(c => c.Standing == Standing.Accepted) is not { } money) return (null, []);
        var refunds = order.Refunds.Where(r => r.Payment == accepted.Number && r.MoneyReference == money.MoneyReference && r.Reserves).ToList();
        ImmutableArray<string> progress = [.. refunds.Select(r => Progress(order, r, words, format))];
        if (order.NotGivenBack(accepted.Number, money).MinorUnits == 0)
            return (words.PaidWentBack, progress.IsEmpty ? [words.RefundPaidBack(format.Amount(money.Amount), null)] : progress);
        return (refunds.Sum(r => r.Amount.MinorUnits) >= money.Amount.MinorUnits ? words.PaidGoesBack : null, progress);
    }

    /// <summary>The order waits to be paid, nothing is under way, and no link is open that was not declined. A later try that failed, too, is told of in this mail's place.</summary>
    static bool StillFailed(Order order) =>
        !order.HasEnded && order.ClosingAt is null && !order.Payments.Any(p => p.HasMoneyUnderWay || (p.IsOpen && p is not { Status: PaymentStatus.Pending, DeclinedAt: not null }))
        && order.Payments[^1] is { Status: PaymentStatus.Failed } or { Status: PaymentStatus.Pending, DeclinedAt: not null };

    LetterContent Failed(Order order, MailWords words, ReaderFormat format)
    {
        var payment = order.Payments[^1];
        var declined = payment.DeclinedAt is not null;
        return new LetterContent(words.Locale, LetterTone.Care, declined ? words.Declined : words.Failed)
        {
            Words = [declined ? words.DeclinedWords(door.Title(payment.Account)) : words.FailedWords],
            Facts = [(words.TotalDue, format.Amount(order.Amount)), (words.PaymentDeadline, format.Time(order.ExpiresAt))],
            Button = (words.TryAgain, address.Url + door.Links.Checkout(order)),
        };
    }

    static LetterContent Expired(Order order, MailWords words)
    {
        var watching = order.Payments.Any(p => p.IsOpen || p.MayExist);
        return new LetterContent(words.Locale, LetterTone.Calm, words.Expired)
        {
            Words = [words.ExpiredWords, .. watching ? (string[])[order.Policy.Late == LatePolicy.Accept ? words.WatchingAccept : words.WatchingRefund] : []],
        };
    }

    static LetterContent Late(Order order, ToldEvent told, MailWords words, ReaderFormat format)
    {
        var progress = Progress(order, told, words, format);
        return progress.IsEmpty
            ? new LetterContent(words.Locale, LetterTone.Care, words.LateAsked) { Words = [words.LateAskedWords] }
            : new LetterContent(words.Locale, LetterTone.Care, words.Late) { Words = [words.LateWords, .. progress] };
    }

    static LetterContent Twice(Order order, ToldEvent told, MailWords words, ReaderFormat format)
    {
        var progress = Progress(order, told, words, format);
        var extra = Extra(order, words);
        return new LetterContent(words.Locale, LetterTone.Care, extra.Headline) { Words = [extra.Words, .. progress.IsEmpty ? [extra.Asked] : progress] };
    }

    static LetterContent Done(Order order, Refund done, MailWords words, ReaderFormat format)
    {
        var money = order.Payment(done.Payment)!.Captures.FirstOrDefault(c => c.MoneyReference == done.MoneyReference);
        var (headline, more) = done switch
        {
            { Reason: RefundReason.Duplicate } => (Extra(order, words).PaidBack, StaysPaid(order) ? words.StaysPaid : null),
            _ when done.Amount == money?.Amount => (words.RefundDone, null),
            _ when money is not null && IsLast(order, done, money) => (words.RestRefundDone, words.AllPaidBack(format.Amount(money.Amount))),
            _ => (words.PartRefundDone, (string?)null),
        };
        return new LetterContent(words.Locale, LetterTone.Good, headline) { Words = [Progress(order, done, words, format), .. more is null ? (string[])[] : [more]] };
    }

    /// <summary>Nothing of the money is left, and this part of it went back after all others.</summary>
    static bool IsLast(Order order, Refund done, Capture money) =>
        order.NotGivenBack(done.Payment, money).MinorUnits == 0
        && order.Refunds.Where(r => r.Payment == done.Payment && r.MoneyReference == done.MoneyReference && r.Status == RefundStatus.Succeeded)
            .OrderBy(r => r.DoneAt).ThenBy(r => r.Number).Last() == done;

    /// <summary>What paid the order is there, and nobody gave or took any of it back.</summary>
    static bool StaysPaid(Order order) =>
        order.PaidBy is { } paid && order.Status == OrderStatus.Paid && order.Payment(paid)!.Reversals.IsEmpty && !order.Refunds.Any(r => r.Reserves && order.IsOfAcceptedMoney(r));

    /// <summary>How far the refunds of the event's money are; empty when none was asked for.</summary>
    static ImmutableArray<string> Progress(Order order, ToldEvent told, MailWords words, ReaderFormat format) =>
        [.. order.Refunds.Where(r => r.Payment == told.Payment && r.MoneyReference == told.MoneyReference && (r.Reserves || order.IsOpenFailure(r)))
            .Select(r => Progress(order, r, words, format))];

    static ExtraWords Extra(Order order, MailWords words) => Situation.IsOnly(order) ? words.Second : words.Further;

    static string Progress(Order order, Refund refund, MailWords words, ReaderFormat format)
    {
        var amount = format.Amount(refund.Amount);
        if (refund.Reason == RefundReason.Duplicate) amount = Extra(order, words).Payment(amount);
        return refund.Status switch
        {
            RefundStatus.Succeeded => words.RefundPaidBack(amount, refund.BankReference),
            RefundStatus.Failed => words.RefundInHand(amount),
            RefundStatus.Unresolved => words.RefundUnresolved(amount),
            _ => words.RefundOnTheWay(amount),
        };
    }
}
