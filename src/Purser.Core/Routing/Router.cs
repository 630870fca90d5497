using System.Collections.Immutable;

namespace Purser.Routing;

/// <summary>Which payment is to be routed.</summary>
/// <param name="Payment">Also the chance in weighted rules: the same payment is always routed the same way.</param>
/// <param name="Tried">Accounts that this order has tried in vain.</param>
public sealed record RouteQuestion(PaymentId Payment, Money Amount, string? Country, string? Method, ImmutableHashSet<string> Tried);

/// <param name="Account">Null when no account can take the payment.</param>
/// <param name="Why">One sentence for people, without a full stop: what decided, and why others were passed over.</param>
public sealed record RouteChoice(string? Account, string Why);

/// <summary>Chooses the gateway account for a payment: by rule, then by health. Pure.</summary>
public static class Router
{
    const string AnyAccount = "any account in the order of preference";

    public static RouteChoice Choose(RouteQuestion question, RoutingTable table, IReadOnlyDictionary<string, AccountHealth> health)
    {
        var passed = new List<string>();
        foreach (var rule in table.Rules.Where(r => r.Covers(question.Amount, question.Country, question.Method)).Append(new RouteRule(AnyAccount)))
        {
            var fits = new List<RouteAccount>();
            foreach (var account in Candidates(rule, table, question))
                if (WhyNot(account, question) is not { } why) fits.Add(account);
                else if (!passed.Contains($"{account.Name}: {why}")) passed.Add($"{account.Name}: {why}");
            if (fits.Count == 0) continue;

            // A sound gateway of the same rule before one that fails, and that before none at all; otherwise the rule's own order.
            var chosen = fits.MinBy(a => Health(a, health))!;
            foreach (var better in fits.TakeWhile(a => a != chosen))
                passed.Add($"{better.Name}: its gateway is {(Health(better, health) == AccountHealth.Down ? "down" : "failing")}");
            var by = rule.Name == AnyAccount ? $"{chosen.Name} is the first that can take it"
                : rule.Cheapest && chosen.Cost(question.Amount, question.Method) is { } cost ? $"by the rule '{rule.Name}' {chosen.Name} is the cheapest ({cost})"
                : $"the rule '{rule.Name}' chose {chosen.Name}";
            return new RouteChoice(chosen.Name, passed.Count == 0 ? by : $"{by}; passed over: {string.Join("; ", passed)}");
        }
        return new RouteChoice(null, passed.Count == 0 ? "no gateway account is set up" : $"no account can take it: {string.Join("; ", passed)}");
    }

    static string? WhyNot(RouteAccount account, RouteQuestion question) =>
        question.Tried.Contains(account.Name) ? "it was tried in vain" : account.WhyNot(question.Amount, question.Country, question.Method);

    static AccountHealth Health(RouteAccount account, IReadOnlyDictionary<string, AccountHealth> health) =>
        health.TryGetValue(account.Name, out var known) ? known : AccountHealth.Good;

    static IEnumerable<RouteAccount> Candidates(RouteRule rule, RoutingTable table, RouteQuestion question)
    {
        var named = rule.Use.IsEmpty ? [.. table.Accounts] : rule.Use.Select(table.Account).OfType<RouteAccount>().ToList();
        if (rule.Cheapest) return named.OrderBy(a => a.Cost(question.Amount, question.Method)?.MinorUnits ?? long.MaxValue);
        return rule.Weights.IsEmpty ? named : Weighted(named, rule.Weights, question.Payment);
    }

    /// <summary>One is drawn by its share; the others follow, the larger share first.</summary>
    static List<RouteAccount> Weighted(List<RouteAccount> named, ImmutableDictionary<string, int> weights, PaymentId payment)
    {
        var total = named.Sum(a => (long)weights.GetValueOrDefault(a.Name));
        var order = named.OrderByDescending(a => weights.GetValueOrDefault(a.Name)).ToList();
        if (total == 0) return order;
        var point = (long)(Spread(payment) % (ulong)total);
        foreach (var account in named)
        {
            point -= weights.GetValueOrDefault(account.Name);
            if (point >= 0) continue;
            order.Remove(account);
            order.Insert(0, account);
            break;
        }
        return order;
    }

    /// <summary>Ids count up, so their bits are mixed before they are a chance (the finisher of MurmurHash3).</summary>
    static ulong Spread(PaymentId payment)
    {
        var bits = (ulong)payment.Order.Value + ((ulong)payment.Number * 0x9E3779B97F4A7C15);
        bits = (bits ^ (bits >> 33)) * 0xFF51AFD7ED558CCD;
        bits = (bits ^ (bits >> 33)) * 0xC4CEB9FE1A85EC53;
        return bits ^ (bits >> 33);
    }
}
