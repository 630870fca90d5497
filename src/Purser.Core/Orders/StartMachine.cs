using System.Collections.Immutable;
using Purser.Payments;
using Purser.Routing;
using static Purser.Orders.OrderMachine;
using static Purser.Payments.PaymentStatus;

namespace Purser.Orders;

/// <summary>When an order gets another payment, and where: somebody asks for one, or routing tries the next account. Total and pure like
/// <see cref="OrderMachine"/>, of which it is a part.</summary>
static class StartMachine
{
    public static Outcome Start(Draft draft, OrderCommand.StartPayment c)
    {
        var order = draft.Order;
        switch (order.Status)
        {
            case OrderStatus.Paid: return new Refusing(Refusal.OrderPaid);
            case OrderStatus.Expired: return new Refusing(Refusal.OrderExpired);
            case OrderStatus.Cancelled: return new Refusing(Refusal.OrderCancelled);
        }
        if (order.ClosingAt is not null || draft.Now >= order.ExpiresAt) return new Refusing(Refusal.OrderExpired);

        // Held money blocks before any open link, and so does money on its way: the shopper has paid something, and another link would ask for more.
        var first = order.PayingPayment ?? order.Payments.LastOrDefault(p => p.IsOpen && p.Account == c.Account) ?? order.OpenPayment;
        var mayJoin = order.Policy.AllowsSecondLink && c.Account is not null
            && order.Payments.All(p => p.Status == Pending ? p.Account != c.Account : !p.IsOpen && !p.IsPaying);
        if (first is not null && !mayJoin) return new Already(first.Number);
        if (order.Payments.Length >= draft.Rules.MostPayments) return new Refusing(Refusal.TooManyPayments);

        if (c.Account is { } account)
        {
            // An account that routing has never heard of is the edge's to refuse.
            if (draft.Rules.Routing.Account(account)?.WhyNot(order.Amount, order.Customer.Country, c.Method) is not null)
                return new Refusing(Refusal.GatewayUnsuitable);
            return new Doing(Begin(draft, account, c.Method, why: null));
        }
        var choice = Router.Choose(Route(order, c.Method, []), draft.Rules.Routing, draft.Rules.Health);
        return choice.Account is { } chosen ? new Doing(Begin(draft, chosen, c.Method, choice.Why)) : new Refusing(Refusal.GatewayUnsuitable);
    }

    /// <param name="why">Why routing chose the account; null when somebody asked for it.</param>
    static int Begin(Draft draft, string account, string? method, string? why)
    {
        var order = draft.Order;
        var number = order.Payments.Length + 1;
        draft.Order = order with
        {
            Payments = order.Payments.Add(new Payment
            {
                Number = number, Account = account, Method = method, Routed = why is not null, Status = Starting, Amount = order.Amount,
                ReturnUrl = draft.Rules.ReturnUrl(account, new PaymentId(order.Id, number)), StartedAt = draft.Now, AskedAt = draft.Now, Asks = 0,
                LinkExpiresAt = LinkEnd(order.ExpiresAt, draft.Now, draft.Rules.Terms(account)),
            }),
        };
        draft.Tell(EventType.PaymentStarted, number, amount: order.Amount, reason: why);
        AskForLink(draft, number);
        return number;
    }

    /// <summary>A routed payment whose every question provably created nothing makes room for one at another account, at once and without
    /// anybody asking. Whatever may exist at a gateway is never left for another: the shopper keeps the first link.</summary>
    public static void FailOver(Draft draft)
    {
        if (draft.Order.HasEnded || draft.Order.ClosingAt is not null || draft.Order.Payments.Length >= draft.Rules.MostPayments) return;
        if (draft.Order.Payments is not [.., { Routed: true, GatewayReference: null, UnansweredAsks: 0 } last]) return;
        var refused = last.Status == Failed && draft.Before.Payment(last.Number) is { IsOpen: true };
        if (!refused && !last.CanBeAskedForAgain) return;
        if (last.CancelAsked || draft.Order.Payments.Any(p => p.IsPaying || (p != last && p.IsOpen))) return;

        var tried = draft.Order.Payments.Select(p => p.Account).ToImmutableHashSet();
        var choice = Router.Choose(Route(draft.Order, last.Method, tried), draft.Rules.Routing, draft.Rules.Health);
        if (choice.Account is not { } next) return;
        if (!refused)
        {
            draft.Change(last with { Status = Failed, Reason = PaymentMachine.Unreachable });
            draft.Tell(EventType.PaymentFailed, last.Number, amount: last.Amount, reason: PaymentMachine.Unreachable);
        }
        Begin(draft, next, last.Method, $"payment {last.Number} created nothing at {last.Account}; {choice.Why}");
    }

    /// <summary>The order's own end, moved into what the gateway accepts; whole seconds, for gateways count in them. A minute is added to the
    /// shortest life because our clock and theirs differ.</summary>
    static DateTimeOffset LinkEnd(DateTimeOffset orderEnd, DateTimeOffset now, GatewayTerms terms)
    {
        var earliest = now + terms.ShortestLink + TimeSpan.FromMinutes(1);
        var latest = now + terms.LongestLink - TimeSpan.FromMinutes(1);
        var end = orderEnd < earliest ? earliest : orderEnd > latest ? latest : orderEnd;
        return DateTimeOffset.FromUnixTimeSeconds(end.ToUnixTimeSeconds());
    }
}
