using System.Collections.Immutable;
using Purser.Ledger;
using Purser.Payments;
using Purser.Refunds;
using Purser.Routing;
using static Purser.Payments.PaymentStatus;

namespace Purser.Orders;

/// <summary>What should happen? Total and pure: every order answers every input, without I/O, clock or chance.</summary>
public static class OrderMachine
{
    /// <summary>Decides one input on one order.</summary>
    /// <param name="order">The committed order, locked; null when there is none.</param>
    /// <param name="now">The database's clock at loading.</param>
    public static Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
    {
        if (input is OrderCommand.Create create)
            return order is null ? Create(create, now, rules) : Unchanged(order, new Reply.Same(order));
        if (order is null)
            return new Decision(null!, [], [], [], new Reply.Refused(Refusal.OrderUnknown));

        var draft = new Draft(order, now, rules);
        var reply = input switch
        {
            OrderCommand.StartPayment command  => StartMachine.Start(draft, command),
            OrderCommand.CancelPayment command => CancelPayment(draft, command.Payment),
            OrderCommand.Cancel                => Cancel(draft),
            OrderCommand.Fulfil                => Fulfil(draft),
            OrderCommand.Look command          => Look(draft, command),
            OrderCommand.HandOut command       => HandOut(draft, command.Payment),
            OrderCommand.Refund command        => Refund(draft, command),
            OrderCommand.LookRefund command    => LookRefund(draft, command.Number),
            OrderCommand.Answer command        => Answers.Give(draft, command),
            OrderCommand.Reopen command        => Answers.TakeBack(draft, command),
            OrderInput.Tick                    => Tick(draft),
            Evidence evidence                  => Learn(draft, evidence),
            RefundEvidence evidence            => RefundMachine.Learn(draft, evidence) ? new Doing(evidence.Payment) : new Refusing(Refusal.RefundUnknown),
            _ => throw new InvalidOperationException($"No rule for {input.GetType().Name}."),
        };
        if (reply is Refusing refusing) return Unchanged(order, new Reply.Refused(refusing.Why, order));

        if (input is Evidence.LinkRefused or Evidence.NotSent) StartMachine.FailOver(draft);
        // The clock alone ends no payment; the next answer or command will.
        if (input is not OrderInput.Tick) GiveUp(draft);
        Settle(draft);
        return new Decision(draft.Order, draft.Events, draft.Postings, [.. draft.Calls], reply switch
        {
            Doing doing  => new Reply.Made(draft.Order, doing.Payment, doing.Refund),
            Already same => new Reply.Same(draft.Order, same.Payment, same.Refund),
            _ => throw new InvalidOperationException($"No reply for {reply.GetType().Name}."),
        });
    }

    internal abstract record Outcome;
    internal sealed record Doing(int? Payment = null, int? Refund = null) : Outcome;
    internal sealed record Already(int? Payment = null, int? Refund = null) : Outcome;
    internal sealed record Refusing(Refusal Why) : Outcome;

    static Decision Unchanged(Order order, Reply reply) => new(order, [], [], [], reply);

    // Commands.

    static Decision Create(OrderCommand.Create c, DateTimeOffset now, OrderRules rules)
    {
        var draft = new Draft(
            new Order
            {
                Id = c.Id, Reference = c.Reference, Amount = c.Amount, Description = c.Description, Customer = c.Customer, Policy = c.Policy,
                Status = OrderStatus.AwaitingPayment, CreatedAt = now, ExpiresAt = now + c.Lives, Sequence = 0,
            }, now, rules);
        draft.Tell(EventType.OrderCreated, amount: c.Amount);
        Settle(draft);
        return new Decision(draft.Order, draft.Events, draft.Postings, [.. draft.Calls], new Reply.Made(draft.Order));
    }

    /// <summary>What routing is asked about the order's next payment.</summary>
    public static RouteQuestion Route(Order order, string? method, ImmutableHashSet<string> tried) =>
        new(new PaymentId(order.Id, order.Payments.Length + 1), order.Amount, order.Customer.Country, method, tried);

    static Outcome CancelPayment(Draft draft, int number)
    {
        if (draft.Order.Payment(number) is not { } p) return new Refusing(Refusal.PaymentUnknown);
        switch (p.Status)
        {
            case Succeeded or Held: return new Refusing(Refusal.PaymentSucceeded);
            case Failed or Cancelled or Expired: return new Already(number);
        }
        if (p.CanBeAskedForAgain)
        {
            // Nothing was created, so there is nothing to close at the gateway.
            draft.Change(p with { Status = Cancelled, CancelAsked = true, Reason = null });
            draft.Tell(EventType.PaymentCancelled, number, amount: p.Amount);
            return new Doing(number);
        }
        if (!draft.Rules.Terms(p.Account).CanCancel) return new Refusing(Refusal.LinkCannotBeCancelled);
        if (p.CancelAsked && RecentlyLooked(p, draft)) return new Already(number);
        draft.Change(p with { CancelAsked = true });
        Ask(draft, number);
        return new Doing(number);
    }

    static Outcome Cancel(Draft draft)
    {
        switch (draft.Order.Status)
        {
            case OrderStatus.Cancelled: return new Already();
            case OrderStatus.Paid: return new Refusing(Refusal.OrderPaid);
            case OrderStatus.Expired: return new Refusing(Refusal.OrderExpired);
        }
        draft.Order = draft.Order with { Status = OrderStatus.Cancelled, EndedAt = draft.Now };
        draft.Tell(EventType.OrderCancelled, amount: draft.Order.Amount);
        return new Doing();
    }

    static Outcome Fulfil(Draft draft)
    {
        switch (draft.Order.Fulfilment)
        {
            case Fulfilment.Done or Fulfilment.Unpaid: return new Already();
            case Fulfilment.None: return new Refusing(Refusal.OrderNotPaid);
            case Fulfilment.Held: return new Refusing(Refusal.OrderHeld);
        }
        draft.Order = draft.Order with { FulfilledAt = draft.Now };
        draft.Tell(EventType.OrderFulfilled, amount: draft.Order.Amount);
        return new Doing();
    }

    static Outcome Look(Draft draft, OrderCommand.Look c)
    {
        if (draft.Order.Payment(c.Payment) is not { } p) return new Refusing(Refusal.PaymentUnknown);
        if (c.Heard)
            foreach (var r in draft.Order.Refunds.Where(r => r.Payment == c.Payment && r is { IsOpen: true, NeverLeft: false })) RefundMachine.Look(draft, r);
        if (c.Back) draft.Change(p = FormMachine.CameBack(p, draft.Now, draft.Rules));
        if (c.Heard || (c.Back && p.IsOpen)) draft.Change(p = p with { HeardAt = draft.Now });
        // The gateway's own word that something happened is worth a question also after success: it may be a second capture.
        if (p.Status == Succeeded && !c.Heard) return new Already(c.Payment);
        // A link that nobody has been asked for in earnest is for the alarm to ask for: looking must not use up the tries.
        if (p.CanBeAskedForAgain || !(c.Heard || p.IsOpen || p.MayExist || p.Status == Succeeded)) return new Already(c.Payment);
        if (!c.Heard && RecentlyLooked(p, draft))
        {
            // What was asked a moment ago may be older than what brought the shopper back, so it is asked again in a moment.
            draft.Change(p with { LookAt = p.LookedAt + draft.Rules.AskAgainAfter });
            return new Already(c.Payment);
        }
        Ask(draft, c.Payment);
        return new Doing(c.Payment);
    }

    static Outcome HandOut(Draft draft, int number)
    {
        if (draft.Order.Payment(number) is not { } p) return new Refusing(Refusal.PaymentUnknown);
        if (p is not { Status: Pending, CancelAsked: false, Link: PaymentLink.Form } || draft.Order is not { HasEnded: false, ClosingAt: null, PayingPayment: null } || draft.Now >= draft.Order.ExpiresAt)
            return new Already(number);
        if (FormMachine.MayBeHandedOut(p, draft.Now, draft.Rules))
        {
            draft.Change(FormMachine.HandOut(p, draft.Now, draft.Rules));
            return new Doing(number);
        }
        if (!RecentlyLooked(p, draft)) Ask(draft, number);
        return new Already(number);
    }

    static Outcome Refund(Draft draft, OrderCommand.Refund c)
    {
        var (why, refund, existed) = RefundMachine.Request(draft, c);
        if (why is { } refusal) return new Refusing(refusal);
        var payment = draft.Order.Refund(refund)!.Payment;
        return existed ? new Already(payment, refund) : new Doing(payment, refund);
    }

    static Outcome LookRefund(Draft draft, int number)
    {
        if (draft.Order.Refund(number) is not { } r) return new Refusing(Refusal.RefundUnknown);
        return RefundMachine.Hear(draft, r) ? new Doing(r.Payment, number) : new Already(r.Payment, number);
    }

    static bool RecentlyLooked(Payment p, Draft draft) => p.LookedAt is { } at && draft.Now - at < draft.Rules.AskAgainAfter;

    // The clock.

    static Doing Tick(Draft draft)
    {
        var order = draft.Order;
        if (order.Status == OrderStatus.AwaitingPayment && order.ClosingAt is null && draft.Now >= order.ExpiresAt)
        {
            // Expiry is a request to the gateway first and a state second.
            draft.Order = order with { ClosingAt = draft.Now };
            foreach (var p in order.Payments.Where(p => p.IsOpen))
            {
                draft.Change(p with { CancelAsked = p.CancelAsked || draft.Rules.Terms(p.Account).CanCancel });
                Ask(draft, p.Number);
            }
        }
        else if (order.Status == OrderStatus.AwaitingPayment && order.ClosingAt + draft.Rules.ClosingGrace <= draft.Now) Expire(draft);

        foreach (var p in draft.Order.Payments)
            if (p.LookAt <= draft.Now && (p.LookedAt != draft.Now || AsksForLink(draft.Order, p, draft.Rules))) Ask(draft, p.Number);
        foreach (var r in draft.Order.Refunds)
            if (r.LookAt <= draft.Now) RefundMachine.Attend(draft, r);
        return new Doing();
    }

    static void Expire(Draft draft)
    {
        draft.Order = draft.Order with { Status = OrderStatus.Expired, EndedAt = draft.Now };
        draft.Tell(EventType.OrderExpired, amount: draft.Order.Amount);
        // Once more, in case money slipped in between the link's end and ours.
        foreach (var p in draft.Order.Payments)
            if (p.Status is Cancelled or Expired && p.MayExist && p.LookedAt != draft.Now)
                Ask(draft, p.Number);
    }

    /// <summary>Nothing was created so far, and the order still wants the link.</summary>
    internal static bool AsksForLink(Order order, Payment p, OrderRules rules) =>
        p is { CanBeAskedForAgain: true, CancelAsked: false } && order is { HasEnded: false, ClosingAt: null }
        && p.Asks < Math.Min(rules.MostAsks, Payments.Payment.MostAsks);

    /// <summary>The next question about a payment: for its link while we know that there is none, to close it when we want that, else how it is.</summary>
    internal static void Ask(Draft draft, int number)
    {
        var p = draft.Order.Payment(number)!;
        if (AsksForLink(draft.Order, p, draft.Rules))
        {
            // A hint at a link that was never made was at nothing.
            draft.Change(p with { HeardAt = null });
            AskForLink(draft, number);
            return;
        }
        draft.Change(p with { LookedAt = draft.Now, HeardAt = p.IsOpen || p.Status == Succeeded ? p.HeardAt : p.HeardAt ?? draft.Now });
        draft.Calls.Add(p.CancelAsked && (p.IsOpen || p.HasEnded) && p.GatewayReference is not null && draft.Rules.Terms(p.Account).CanCancel
            ? new GatewayCall.CancelLink(draft.Order, number)
            : new GatewayCall.Inquire(draft.Order, number));
    }

    internal static void AskForLink(Draft draft, int number)
    {
        var p = draft.Order.Payment(number)!;
        // Asking for the link answers also whoever wanted a look.
        draft.Change(p with { AskedAt = draft.Now, Asks = p.Asks + 1, LookAt = null, AbsentFirstAt = null, AbsentLastAt = null });
        draft.Calls.Add(new GatewayCall.OpenLink(draft.Order, number, p.Asks + 1));
    }

    // Evidence.

    static Outcome Learn(Draft draft, Evidence evidence)
    {
        if (draft.Order.Payment(evidence.Payment) is not { } p) return new Refusing(Refusal.PaymentUnknown);
        if (evidence is { Source: EvidenceSource.Inquiry } and not Evidence.MixedUp && evidence.At >= p.HeardAt) draft.Change(p = p with { HeardAt = null });
        switch (evidence)
        {
            case Evidence.Succeeded money:
                MoneyMachine.Receive(draft, p, money);
                break;
            case Evidence.Reversed back:
                MoneyMachine.TakeBack(draft, p, back);
                break;
            case Evidence.Settled row:
                if (!SettlementMachine.Settle(draft, p, row)) return new Refusing(Refusal.NothingCaptured);
                break;
            case Evidence.Unsettled missing:
                SettlementMachine.Miss(draft, p, missing);
                break;
            case Evidence.DisputeOpened begun:
                if (!DisputeMachine.Open(draft, p, begun)) return new Refusing(Refusal.DisputeUnclear);
                break;
            case Evidence.DisputeClosed ended:
                if (!DisputeMachine.Close(draft, p, ended)) return new Refusing(Refusal.DisputeUnclear);
                break;
            case Evidence.Failed no when SettlementMachine.Deny(draft, p, no): break;
            default:
                LearnOther(draft, p, evidence);
                break;
        }
        return new Doing(evidence.Payment);
    }

    static void LearnOther(Draft draft, Payment p, Evidence evidence)
    {
        var step = PaymentMachine.Apply(p, evidence, !draft.Order.HasEnded && draft.Order.ClosingAt is null, draft.Rules);
        var after = step.After;
        // An operator is told of a word nobody knows, once.
        if (evidence is Evidence.Processing { UnknownWord: not null } && (after.Status == Processing || after.HasMoneyUnderWay)) after = after with { Discrepancy = after.Discrepancy ?? DiscrepancyKind.UnknownWord };
        draft.Change(after);

        if (step.Event is { } type)
            draft.Tell(type, p.Number, evidence, AmountOf(evidence) ?? p.Amount,
                reason: evidence is Evidence.Declined declined ? declined.Reason : after.Reason);
        if (after.Discrepancy is { } opened && opened != p.Discrepancy)
        {
            if (p.Discrepancy is { } less) Resolve(draft, p.Number, less, evidence, p.Amount, "replaced");
            draft.Tell(EventType.DiscrepancyOpened, p.Number, evidence, AmountOf(evidence) ?? p.Amount, 
                discrepancy: opened, reason: evidence switch { Evidence.MixedUp mixed => mixed.Why, Evidence.Processing { UnknownWord: { } word } => word, _ => after.Reason });
        }
        Conclude(draft, p.Number, evidence);
        if (evidence is Evidence.LinkOpened && after is { HasEnded: true, GatewayReference: not null } && draft.Rules.Terms(p.Account).CanCancel) Close(draft, p, evidence);
        if (step.AskForLink) AskForLink(draft, p.Number);
        if (step.AskNow) Ask(draft, p.Number);
    }

    /// <summary>A link that turns up after its payment ended is closed: nobody shall pay it. Where the gateway was just asked to close it and has not, the
    /// alarm asks again.</summary>
    /// <param name="before">The payment as it was before the link was told of.</param>
    static void Close(Draft draft, Payment before, Evidence evidence)
    {
        draft.Change(draft.Order.Payment(before.Number)! with { CancelAsked = true, HeardAt = before.HeardAt ?? draft.Now });
        if (before is { CancelAsked: true, GatewayReference: not null } && evidence.At <= before.LookedAt) return;
        Ask(draft, before.Number);
    }

    /// <summary>Questions that the new status answers.</summary>
    internal static void Conclude(Draft draft, int number, Evidence evidence)
    {
        var p = draft.Order.Payment(number)!;
        var answered = p.Discrepancy switch
        {
            DiscrepancyKind.UnknownWord  => p.Status != Processing && !p.HasMoneyUnderWay,
            DiscrepancyKind.LinkMismatch => !p.IsOpen,
            _ => false,
        };
        if (!answered) return;
        draft.Change(p with { Discrepancy = null });
        Resolve(draft, number, p.Discrepancy!.Value, evidence, p.Amount, EventNames.Snake(p.Status.ToString()));
    }

    /// <summary>Tells that a question is answered by what happened, unless a person has answered it before.</summary>
    internal static void Resolve(Draft draft, int number, DiscrepancyKind kind, Because because, Money amount, string reason, string? money = null)
    {
        if (!draft.Drop(new Answered(kind, money), number))
            draft.Tell(EventType.DiscrepancyResolved, number, because, amount, money: money, discrepancy: kind, reason: reason);
    }

    static Money? AmountOf(Evidence evidence) => evidence switch
    {
        Evidence.LinkOpened e => e.Amount,
        _                     => null,
    };

    // What holds after every input.

    /// <summary>Of an order that is over nobody asks for a link again; a payment whose questions all created nothing ends with it.</summary>
    static void GiveUp(Draft draft)
    {
        if (!draft.Order.HasEnded) return;
        foreach (var p in draft.Order.Payments.Where(p => p.CanBeAskedForAgain))
        {
            draft.Change(p with { Status = Failed, Reason = PaymentMachine.Unreachable });
            draft.Tell(EventType.PaymentFailed, p.Number, amount: p.Amount, reason: PaymentMachine.Unreachable);
        }
    }

    static void Settle(Draft draft)
    {
        if (draft.Order is { Status: OrderStatus.AwaitingPayment, ClosingAt: not null } && draft.Order.OpenPayment is null) Expire(draft);

        // Nobody shall pay an order that is over, nor a payment that was cancelled: a link that is open, or turns up now, is closed.
        foreach (var p in draft.Order.Payments)
            if (p is { IsOpen: true, GatewayReference: not null } && draft.Rules.Terms(p.Account).CanCancel
                && (p.CancelAsked ? draft.Before.Payment(p.Number)?.GatewayReference is null : draft.Order.HasEnded)
                && !draft.Calls.Exists(call => call.Payment == p.Number && call is not (GatewayCall.Refund or GatewayCall.InquireRefund)))
            {
                draft.Change(p with { CancelAsked = true });
                Ask(draft, p.Number);
            }

        draft.Order = draft.Order with
        {
            Payments = [.. draft.Order.Payments.Select(p => Dated(draft, p)).Select(p => p with { LookAt = Schedule.NextLook(draft.Order, p, draft.Rules) })],
            Refunds = [.. draft.Order.Refunds.Select(r => r with { LookAt = RefundMachine.NextLook(draft.Order, r, draft.Rules) })],
        };
        draft.Order = draft.Order with { WakeAt = Schedule.Wake(draft.Order, draft.Rules) };
        // A call carries the order as it is committed, not as it was half-way.
        for (var i = 0; i < draft.Calls.Count; i++) draft.Calls[i] = draft.Calls[i] with { Order = draft.Order };
    }

    static Payment Dated(Draft draft, Payment p) => p.HasEnded == p.EndedAt is not null ? p : p with { EndedAt = p.HasEnded ? draft.Now : null };
}
