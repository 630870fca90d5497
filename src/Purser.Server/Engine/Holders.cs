using Purser.Orders;
using Purser.Payments;

namespace Purser.Server.Engine;

/// <summary>A link, or money, by the name that the gateway gave it within one account.</summary>
public readonly record struct GatewayName(string Account, bool IsMoney, string Reference)
{
    /// <summary>The names in a fact about a payment of the account.</summary>
    public static IEnumerable<GatewayName> In(Evidence fact, string account)
    {
        if (fact.GatewayReference is { } link) yield return new(account, false, link);
        // Of money that is not the payment's, a statement's row changes nothing.
        if (fact is Evidence.Succeeded got) yield return new(account, true, got.MoneyReference);
        if (fact is Evidence.Reversed back) yield return new(account, true, back.MoneyReference);
    }
}

/// <summary>Whose the links and the money are that a batch hears of. An order knows its own payments only; a replayed or mixed-up answer may name what another
/// payment of the account holds, and believed of two it would count twice.</summary>
/// <param name="stored">What the database says of names that other payments hold.</param>
sealed class Holders(IReadOnlyDictionary<GatewayName, PaymentId> stored)
{
    readonly Dictionary<GatewayName, PaymentId> here = [];

    /// <summary>Why the fact is not of its payment; null when nothing says so.</summary>
    public string? WhyNot(Order order, Evidence fact)
    {
        if (order.Payment(fact.Payment) is not { } p) return null;
        foreach (var name in GatewayName.In(fact, p.Account))
            if (!Holds(p, name) && Of(order, p, name) is { } holder)
                return $"It names {name.Reference}, which is of {holder}.";
        return null;
    }

    /// <summary>What the payments took for their own since.</summary>
    public void Learn(Order before, Order after)
    {
        foreach (var p in after.Payments)
        {
            var was = before.Payment(p.Number);
            if (p.GatewayReference is { } link && was?.GatewayReference is null) here[new(p.Account, false, link)] = new PaymentId(after.Id, p.Number);
            if (was is not null && p.Captures.Length == was.Captures.Length) continue;
            foreach (var money in p.Captures) here[new(p.Account, true, money.MoneyReference)] = new PaymentId(after.Id, p.Number);
        }
    }

    /// <summary>The constraints refuse that a payment takes for its own what another holds. What it merely hears of, only reading finds out.</summary>
    public static bool AreConstrained(Order order, Evidence fact)
    {
        if (order.Payment(fact.Payment) is not { } p) return true;
        if (fact.GatewayReference is { } link && link != p.GatewayReference && (p.GatewayReference is not null || fact.Source == EvidenceSource.Webhook)) return false;
        return fact is not Evidence.Reversed back || Holds(p, new(p.Account, true, back.MoneyReference));
    }

    static bool Holds(Payment p, GatewayName name) => p.Account == name.Account
        && (name.IsMoney ? p.Captures.Any(c => c.MoneyReference == name.Reference) : p.GatewayReference == name.Reference);

    PaymentId? Of(Order order, Payment p, GatewayName name)
    {
        if (order.Payments.FirstOrDefault(other => Holds(other, name)) is { } sibling) return new PaymentId(order.Id, sibling.Number);
        if (!here.TryGetValue(name, out var holder) && !stored.TryGetValue(name, out holder)) return null;
        return holder == new PaymentId(order.Id, p.Number) ? null : holder;
    }
}
