using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Checkout;

namespace Purser.Server.Explanation;

/// <summary>Something that can be looked up: an event, a gateway's message, or a call to a gateway with its answer.</summary>
/// <param name="Kind"><c>event</c>, <c>gateway_news</c> or <c>gateway_call</c>.</param>
/// <param name="Key">The event's id, the message's id at its gateway, the call's key.</param>
/// <param name="Source">How we came to know; the gateway account where one told us.</param>
public sealed record Proof(string Kind, string Key, DateTimeOffset At, string Source);

/// <summary>One plain sentence and what proves it. Every sentence has at least one proof.</summary>
public sealed record Sentence(string Text, DateTimeOffset? At, IReadOnlyList<Proof> Evidence);

/// <summary>What happened, why the order stands as it does, what happens next and when, and what the shopper may be told.</summary>
public sealed record OrderExplanation(
    IReadOnlyList<Sentence> Happened, IReadOnlyList<Sentence> Stands, IReadOnlyList<Sentence> Next, Sentence Shopper);

/// <summary>A gateway's message, as far as it proves something.</summary>
public sealed record NewsProof(string Account, string EventId, string EventType, DateTimeOffset ReceivedAt);

/// <summary>A call to a gateway, as far as it proves something.</summary>
public sealed record CallProof(string RawKey, string Call, string Account, DateTimeOffset SentAt);

/// <summary>Explains an order in plain sentences. Pure: it reads nothing but what it is given, and decides nothing.</summary>
public static class ExplanationText
{
    public static OrderExplanation Of(
        Order order, IReadOnlyList<OrderEvent> events, IReadOnlyList<NewsProof> news, IReadOnlyList<CallProof> calls, Situation shopper, DateTimeOffset now) =>
        new Teller(order, events, news, calls, shopper, now).Tell();

    sealed class Teller(
        Order order, IReadOnlyList<OrderEvent> events, IReadOnlyList<NewsProof> news, IReadOnlyList<CallProof> calls, Situation shopper, DateTimeOffset now)
    {
        public OrderExplanation Tell() => new(
            [.. events.Select(e => new Sentence(Happened(e), e.At, Proofs(e)))],
            [Stands(), .. Goods(), .. order.Payments.Select(Stands), .. order.Refunds.Select(Stands), .. order.Questions.Select(Stands)],
            [.. Next().OrderBy(s => s.At is null).ThenBy(s => s.At)],
            new Sentence(shopper.Sentence, null, [EventProof(events[^1])]));

        static string Happened(OrderEvent e) => e.Type switch
        {
            EventType.OrderCreated => $"The order of {e.Amount} was placed.",
            EventType.PaymentStarted => $"Payment {e.Payment} of {e.Amount} was started at {e.Account}, and {e.Account} was asked for a payment link{Because(e)}.",
            EventType.PaymentLinkReady => $"{e.Account} opened the link of payment {e.Payment}: the shopper can pay.",
            EventType.PaymentDeclined => $"A try to pay payment {e.Payment} was declined{Because(e)}.",
            EventType.PaymentProcessing => $"{e.Account} says that money for payment {e.Payment} is on its way{Because(e)}.",
            EventType.PaymentSucceeded => $"{e.Account} took {e.Amount} for payment {e.Payment}, which is what was asked for.",
            EventType.PaymentFailed when e.MoneyReference is not null =>
                $"{e.Account} denied the {e.Amount} that it had told of for payment {e.Payment}{Because(e)}, and no statement has them: they were taken out of the books, and nothing goes back, for nothing came.",
            EventType.PaymentFailed => $"Payment {e.Payment} ended without money{Because(e)}.",
            EventType.PaymentExpired => $"The link of payment {e.Payment} ran out.",
            EventType.PaymentCancelled => $"The link of payment {e.Payment} was closed.",
            EventType.PaymentUnresolved => $"What became of payment {e.Payment} at {e.Account} was not known any more{Because(e)}.",
            EventType.PaymentDuplicate => $"{e.Account} took {e.Amount} for payment {e.Payment}, though the order had its payment already.",
            EventType.PaymentLate => $"{e.Account} took {e.Amount} for payment {e.Payment} after the order's end.",
            EventType.PaymentAmountMismatch => $"{e.Account} took {e.Amount} for payment {e.Payment}, which is not what was asked for.",
            EventType.OrderPaid => $"Payment {e.Payment} was accepted: the order was paid.",
            EventType.OrderExpired => "The order's time ran out without a payment, and it expired.",
            EventType.OrderCancelled when e.Payment is not null => $"The order was cancelled by its policy: the money of payment {e.Payment}, which had paid it, never came{Because(e)}.",
            EventType.OrderCancelled => "The merchant cancelled the order.",
            EventType.OrderFulfilled => "The merchant fulfilled the order.",
            EventType.RefundRequested => $"A refund of {e.Amount} from payment {e.Payment} was asked for{Because(e)}{By(e)}.",
            EventType.RefundSucceeded => $"{e.Amount} of payment {e.Payment} went back to the shopper.",
            EventType.RefundFailed => $"The refund of {e.Amount} from payment {e.Payment} failed{Because(e)}.",
            EventType.DisputeOpened when e.Replaces is { } other => $"The dispute about payment {e.Payment} is over {e.Amount}, and not {other}.",
            EventType.DisputeClosed when e is { Reason: "won", Replaces: { } other } => $"Of the dispute about payment {e.Payment} {e.Amount} came back, and not {other}.",
            EventType.DisputeOpened => $"The shopper's bank disputes {e.Amount} of payment {e.Payment}.",
            EventType.DisputeClosed => $"The dispute about {e.Amount} of payment {e.Payment} was {e.Reason}.",
            EventType.SettlementMatched when e.Reason == OrderEvent.Returned => $"A statement of {e.Account} says that {e.Settled!.Amount} came back of the refund of {e.Amount} from payment {e.Payment} (row {e.Settled.RowKey}).",
            EventType.SettlementMatched when e.Reason is OrderEvent.Ours or OrderEvent.OursReturned => $"What row {e.Settled!.RowKey} of a statement of {e.Account} said was booked of a refund of {e.Amount} that {e.Account} made from payment {e.Payment}. It is of a refund that was asked for.",
            EventType.SettlementMatched when e.Refund is not null => $"A statement of {e.Account} has the refund of {e.Amount} from payment {e.Payment}{Row(e)}.",
            EventType.SettlementMatched => $"A statement of {e.Account} has {e.Amount} of payment {e.Payment}{Row(e)}.",
            EventType.DiscrepancyOpened when e.By is not null => $"{e.By} opened the question about payment {e.Payment} again{Because(e)}: {Question(e.Discrepancy!.Value)}.{Moved(e)}",
            EventType.DiscrepancyOpened => $"A question was opened about payment {e.Payment}: {Question(e.Discrepancy!.Value)}.",
            EventType.DiscrepancyResolved when e is { Discrepancy: DiscrepancyKind.RefundUnasked, By: null, Replaces: null, Reason: "failed" } =>
                $"A refund of payment {e.Payment} that the gateway made by itself ({e.MoneyReference}) failed: {(e.Amount is { MinorUnits: > 0 } back ? $"its {back} are" : "its money is")} here.",
            EventType.DiscrepancyResolved => $"The question about payment {e.Payment} was answered{By(e)}{Because(e)}: {Question(e.Discrepancy!.Value)}.{Moved(e)}",
            _ => throw new ArgumentOutOfRangeException(nameof(e)),
        };

        static string By(OrderEvent e) => e.By is { } person ? $" by {person}" : "";

        static string Row(OrderEvent e) => e.Settled is not { } row ? "" :
            $": {row.Net} net{(row.On is { } on ? $", paid out on {on:yyyy-MM-dd}" : "")}{(row.PayoutReference is { } payout ? $" with {payout}" : "")} (row {row.RowKey})";

        static string Because(OrderEvent e) => e.Reason is { Length: > 0 } reason ? $" ({reason})" : "";

        static string Moved(OrderEvent e)
        {
            if (e is not { By: not null, Replaces: { } waits } || e.Discrepancy is DiscrepancyKind.Reversed) return "";
            var (amount, place) = (waits.MinorUnits < 0 ? -waits : waits, e.Discrepancy is DiscrepancyKind.SettledOtherwise or DiscrepancyKind.SettledTwice ? "fees" : "sales");
            return e.Type == EventType.DiscrepancyResolved ? $" {amount} left suspense for {place}." : $" {amount} left {place} for suspense.";
        }

        static string Question(DiscrepancyKind kind) => kind switch
        {
            DiscrepancyKind.AmountMismatch => "money came with another amount or currency than was asked for",
            DiscrepancyKind.LinkMismatch => "the gateway's link asks for another amount than the order's",
            DiscrepancyKind.Contradiction => "the gateway said success and now says otherwise",
            DiscrepancyKind.Duplicate => "the order was paid twice, and its policy leaves the second money to a person",
            DiscrepancyKind.Late => "money came after the order's end, and its policy leaves it to a person",
            DiscrepancyKind.Reversed => "the gateway took captured money back by itself",
            DiscrepancyKind.UnknownWord => "the gateway uses a word that Purser does not know",
            DiscrepancyKind.RefundFailed => "a refund failed, and nothing else gives the money back",
            DiscrepancyKind.RefundUnasked => "the gateway gave money back that nobody here asked it to",
            DiscrepancyKind.SettledOtherwise => "the gateway's statement says another amount, or the same row in other words",
            DiscrepancyKind.FeeMismatch => "the gateway kept more than its contract says",
            DiscrepancyKind.SettledTwice => "two rows of the gateway's statements are about the same money",
            DiscrepancyKind.NotSettled => "the gateway's statement should have the money and has it not",
            DiscrepancyKind.MixedUp => "the gateway answered with a link or money of another payment, which was not believed",
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

        Sentence Stands() => order switch
        {
            { Status: OrderStatus.Paid, Late: true } => Standing($"The order is paid, late, by payment {order.PaidBy}: its policy accepts money that comes after the end.", EventType.OrderPaid),
            { Status: OrderStatus.Paid } => Standing($"The order is paid by payment {order.PaidBy}.", EventType.OrderPaid),
            { Status: OrderStatus.Expired } => Standing("The order is expired: no payment was accepted in its time.", EventType.OrderExpired),
            { Status: OrderStatus.Cancelled } when order.Payments.Any(p => !p.Denied.IsEmpty) =>
                Standing("The order is cancelled: it was paid by money that its gateway denied afterwards.", EventType.OrderCancelled),
            { Status: OrderStatus.Cancelled } => Standing("The order is cancelled: the merchant asked for it before any payment was accepted.", EventType.OrderCancelled),
            { ClosingAt: not null } => Standing("The order's time is over, and its links are being closed before it expires.", EventType.OrderCreated),
            { Payments.IsEmpty: true } => Standing("The order waits for a payment to be started.", EventType.OrderCreated),
            { OpenPayment: null } when order.Payments.Any(p => p.Status == PaymentStatus.Held) => Standing("The order waits: money came, but not what was asked for.", EventType.PaymentAmountMismatch),
            { OpenPayment: null } => Standing("The order waits for another try: no payment so far brought money.", null),
            _ => Standing("The order waits for money.", null),
        };

        IEnumerable<Sentence> Goods()
        {
            if (order.Fulfilment switch
            {
                Fulfilment.Waiting => $"The goods wait since {At(order.EndedAt!.Value)}, when the order was paid.",
                Fulfilment.Held => "The goods are held: the order is paid, and its money is in doubt.",
                Fulfilment.Unpaid => "The goods went out, and their money is denied, disputed or taken back.",
                _ => null,
            } is { } text)
                yield return order.Fulfilment == Fulfilment.Waiting ? Standing(text, EventType.OrderPaid) : About(order.PaidBy!.Value, text);
        }

        Sentence Stands(Payment p) => About(p.Number, p.Status switch
        {
            PaymentStatus.Starting => $"Payment {p.Number} is starting: {p.Account} was asked for its link and has not answered yet.",
            PaymentStatus.Pending when p.CancelAsked => $"Payment {p.Number} is pending: its link should be closed, and {p.Account} has not confirmed it yet.",
            PaymentStatus.Pending when order.HasEnded => $"Payment {p.Number} is pending: its link is handed out no more, but {p.Account} does not say that it has ended, so money is watched for{Last(p)}.",
            PaymentStatus.Pending => $"Payment {p.Number} is pending: its link is open until {At(p.LinkExpiresAt)}{Last(p)}.",
            PaymentStatus.Processing => $"Payment {p.Number} is processing: {p.Account} says that money is on its way.",
            PaymentStatus.Unresolved => $"Payment {p.Number} is unresolved: {p.Account} was asked and what it did is not known. Only evidence ends this, never a timer.",
            PaymentStatus.Held => $"Payment {p.Number} is held: {Taken(p)} came instead of {p.Amount}, so nothing counts as paid by it.",
            PaymentStatus.Succeeded => $"Payment {p.Number} succeeded: {p.Account} took {Taken(p)}{(p.Contradicted ? ", and has contradicted itself since" : "")}.",
            PaymentStatus.Failed => $"Payment {p.Number} failed{(p.Reason is { } why ? $" ({why})" : "")}.",
            PaymentStatus.Cancelled => $"Payment {p.Number} is cancelled: its link was closed.",
            PaymentStatus.Expired => $"Payment {p.Number} is expired: its link ran out.",
            _ => throw new ArgumentOutOfRangeException(nameof(p)),
        });

        static string Last(Payment p) => p.Decline is { } no ? $"; the last try was declined ({no})" : "";

        Sentence Stands(Refund r) => About(r.Payment, r.Status switch
        {
            RefundStatus.Succeeded => $"{r.Amount} of payment {r.Payment} went back to the shopper.",
            RefundStatus.Failed => $"The refund of {r.Amount} from payment {r.Payment} failed{(r.Why is { } why ? $" ({why})" : "")}; the amount can be given back again.",
            RefundStatus.Unresolved => $"The refund of {r.Amount} from payment {r.Payment} is unresolved: the gateway was asked and its answer was lost. The amount stays reserved, and the gateway is asked by our reference.",
            RefundStatus.Sent => $"The gateway has taken on the refund of {r.Amount} from payment {r.Payment}; the money is not back yet.",
            _ => $"{r.Amount} of payment {r.Payment} is to go back to the shopper, for {Why(r)}.",
        });

        static string Why(Refund r) => r.Reason switch
        {
            RefundReason.Duplicate => "the order has its payment",
            RefundReason.Late => "it came after the order's end",
            RefundReason.Mismatched => "it is not what was asked for",
            _ => "the merchant asked for it",
        };

        Sentence Stands(Question q) => About(q.Payment, $"A person must look at payment {q.Payment}: {Question(q.Kind)}.");

        static string Taken(Payment p) => string.Join(" and ", p.Captures.Select(c => c.Amount.ToString()));

        IEnumerable<Sentence> Next()
        {
            if (order.Status == OrderStatus.AwaitingPayment)
                yield return order.ClosingAt is null
                    ? Standing("Unless it is paid by then, the order's links are closed, the gateways are asked once more, and the order expires.", EventType.OrderCreated, order.ExpiresAt)
                    : Standing("The order expires as soon as its links are known to be closed, and at the latest when the time for that is over.", EventType.OrderCreated, Due(order.WakeAt));
            foreach (var p in order.Payments)
                if (p.LookAt is { } at)
                    yield return About(p.Number, Look(p), Due(at));
            foreach (var r in order.Refunds)
                if (r.LookAt is { } at)
                    yield return About(r.Payment, r switch
                    {
                        { Status: RefundStatus.Failed } => $"Purser asks for the refund of {r.Amount} once more, under a new reference, because the gateway refused it.",
                        { NeverLeft: true } => $"Purser asks for the refund of {r.Amount} again, under the same reference: no question has left it yet.",
                        _ => $"Unless the gateway tells first, Purser asks it how the refund of {r.Amount} stands.",
                    }, Due(at));
            foreach (var q in order.Questions)
                yield return About(q.Payment, $"An operator answers the question about payment {q.Payment}.");
            // Nothing proves that its link takes no more money, so no second one is opened beside it.
            if (order is { Status: OrderStatus.AwaitingPayment, ClosingAt: null }
                && order.Payments.LastOrDefault(p => p.Status == PaymentStatus.Held && p.Captures.All(c => order.NotGivenBack(p.Number, c).MinorUnits == 0)) is { } back)
                yield return About(back.Number, $"The money of payment {back.Number} went back, but its link may still take more, so this order opens no other: to let the shopper pay, cancel it and place a new one.");
            if (order.Fulfilment == Fulfilment.Waiting)
                yield return Standing("The merchant sends the goods and says so with POST /v1/orders/{id}/fulfilment.", EventType.OrderPaid);
            else if (order.Status != OrderStatus.Paid && order.HasEnded && order.Payments.Any(p => p.IsOpen || p.MayExist))
                yield return Standing(order.Policy.Late switch
                {
                    LatePolicy.Accept => "Money that still comes is accepted and pays the order, late.",
                    LatePolicy.Refund => "Money that still comes is given back once.",
                    _ => "Money that still comes is kept until a person decides.",
                }, order.Status == OrderStatus.Expired ? EventType.OrderExpired : EventType.OrderCancelled);
            // Whatever the reason of the alarm, there is one, and it is told.
            if (order.WakeAt is { } wake && order.Status != OrderStatus.AwaitingPayment && order.Payments.All(p => p.LookAt is null) && order.Refunds.All(r => r.LookAt is null))
                yield return Standing("Purser looks after the order again.", null, Due(wake));
        }

        static string Look(Payment p) => p.Status switch
        {
            _ when p.CancelAsked && (p.IsOpen || p.HasEnded) && p.GatewayReference is not null => $"Purser asks {p.Account} to close the link of payment {p.Number}, and learns whether it was paid first.",
            _ when p.CanBeAskedForAgain => $"Purser asks {p.Account} for the link of payment {p.Number} again, under the same reference.",
            PaymentStatus.Starting or PaymentStatus.Unresolved => $"Purser asks {p.Account} what became of payment {p.Number}, by our reference.",
            PaymentStatus.Pending => $"Unless {p.Account} tells first, Purser asks it whether payment {p.Number} was paid.",
            _ when p.Status == PaymentStatus.Processing || p.HasMoneyUnderWay => $"Purser asks {p.Account} whether the money of payment {p.Number} arrived.",
            PaymentStatus.Succeeded when p.Captures.Any(c => c.IsDoubted(DiscrepancyKind.NotSettled)) => $"Purser asks {p.Account} again about payment {p.Number}, because no statement has its money.",
            PaymentStatus.Succeeded => $"Purser asks {p.Account} again about payment {p.Number}, because it contradicted itself.",
            _ => $"Purser asks {p.Account} once more whether money came for payment {p.Number}.",
        };

        // Evidence.

        /// <summary>A sentence about the order, proved by the latest event of a type, or simply the latest.</summary>
        Sentence Standing(string text, EventType? type, DateTimeOffset? at = null) =>
            new(text, at, Proofs(events.LastOrDefault(e => type is null || e.Type == type) ?? events[^1]));

        /// <summary>A sentence about a payment, proved by the latest event that concerns it.</summary>
        Sentence About(int payment, string text, DateTimeOffset? at = null) =>
            new(text, at, Proofs(events.LastOrDefault(e => e.Payment == payment) ?? events[^1]));

        List<Proof> Proofs(OrderEvent e)
        {
            var proofs = new List<Proof> { EventProof(e) };
            if (e.RawKey is not { } key) return proofs;
            var message = e.Source == EvidenceSource.Webhook ? news.FirstOrDefault(n => n.EventId == key && (e.Account is null || n.Account == e.Account)) : null;
            if (message is not null) proofs.Add(new Proof("gateway_news", key, message.ReceivedAt, message.Account));
            else if (calls.FirstOrDefault(c => c.RawKey == key) is { } call) proofs.Add(new Proof("gateway_call", key, call.SentAt, call.Account));
            return proofs;
        }

        static Proof EventProof(OrderEvent e) =>
            new("event", e.Id, e.At, e.Source is { } source ? EventNames.Snake(source.ToString()) : "purser");

        DateTimeOffset? Due(DateTimeOffset? at) => at < now ? now : at;

        static string At(DateTimeOffset time) => $"{time.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC";
    }
}
