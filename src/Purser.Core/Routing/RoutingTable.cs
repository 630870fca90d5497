using System.Collections.Immutable;
using Purser.Payments;

namespace Purser.Routing;

/// <summary>How well an account's gateway has answered lately.</summary>
public enum AccountHealth { Good, Poor, Down }

/// <summary>What routing knows of a gateway account.</summary>
/// <param name="Currencies">Empty: every one.</param>
/// <param name="Offers">Empty: its page alone decides, and no method can be asked of it.</param>
public sealed record RouteAccount(string Name, ImmutableHashSet<string> Currencies, ImmutableArray<MethodOffer> Offers)
{
    /// <summary>Off: no new payment starts here. What was started is followed to its end.</summary>
    public bool On { get; init; } = true;
    /// <summary>Why an amount cannot be paid here, or null.</summary>
    public Func<Money, string?> RefusesAmount { get; init; } = _ => null;
    /// <summary>What the contract says it costs, the most particular first. Empty: not known, and taken for dear.</summary>
    public ImmutableArray<FeeRate> Fees { get; init; } = [];

    /// <summary>What taking this amount costs by the contract; null when it does not say.</summary>
    public Money? Cost(Money amount, string? method) => Fees.FirstOrDefault(f => f.Covers(amount.Currency, method))?.Of(amount);

    /// <summary>The tax on the fee by the contract, in percent of it: 18 for India's GST. Null: not known.</summary>
    public decimal? FeeTaxPercent { get; init; }
    /// <summary>So many working days after the capture a statement should have it. Null: not known, and <see cref="UsuallySettlesAfterDays"/> are taken for it
    /// once the account has had a statement.</summary>
    public int? SettlesAfterDays { get; init; }

    /// <summary>Days of the calendar, on which nearly every gateway has paid out: three, or two and a Sunday.</summary>
    public const int UsuallySettlesAfterDays = 3;

    /// <summary>What the contract says that will come of captured money, and what is usual where it says nothing.</summary>
    /// <param name="method">As the gateway told it; a rate for no particular method covers every one.</param>
    public Expected Expects(Money amount, string? method, DateTimeOffset now)
    {
        var fee = Cost(amount, method);
        var tax = fee is { } kept && FeeTaxPercent is { } percent ? new FeeRate(percent).Of(kept) : (Money?)null;
        return new Expected(fee, tax, DueOn(DateOnly.FromDateTime(now.UtcDateTime)));
    }

    /// <summary>The day by which a statement should have money of that day.</summary>
    public DateOnly DueOn(DateOnly day) => SettlesAfterDays is { } days ? AfterWorkingDays(day, days) : day.AddDays(UsuallySettlesAfterDays);

    static DateOnly AfterWorkingDays(DateOnly day, int days)
    {
        while (days > 0)
        {
            day = day.AddDays(1);
            if (day.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday)) days--;
        }
        return day;
    }

    /// <summary>Why no payment of this amount can start here, or null.</summary>
    public string? WhyNot(Money amount, string? country, string? method) =>
        !On ? "it is switched off"
        : Currencies.Count > 0 && !Currencies.Contains(amount.Currency.Code) ? $"it does not take {amount.Currency.Code}"
        : method is not null && !Offers.Any(o => o.Method == method) ? $"it does not offer {method}"
        : method is not null && !Offers.Any(o => o.Method == method && o.Takes(amount.Currency, country))
            ? $"it does not offer {method} for {amount.Currency.Code}{(country is null ? "" : $" in {country}")}"
        : RefusesAmount(amount);
}

/// <summary>What a gateway keeps of an amount.</summary>
/// <param name="Method">Null: any.</param>
/// <param name="Currency">Null: any.</param>
/// <param name="Percent">Of the amount: 1.99 for 1.99 %.</param>
/// <param name="Fixed">In minor units of the amount's currency, on top.</param>
public sealed record FeeRate(decimal Percent, long Fixed = 0, string? Method = null, string? Currency = null)
{
    public bool Covers(Currency currency, string? method) => (Currency is null || Currency == currency.Code) && (Method is null || Method == method);

    /// <summary>Rounded half up, as gateways do.</summary>
    public Money Of(Money amount) =>
        new(checked((long)decimal.Round(amount.MinorUnits * Percent / 100, MidpointRounding.AwayFromZero) + Fixed), amount.Currency);
}

/// <summary>One rule: for which payments, and which accounts then. What is empty holds for all.</summary>
/// <param name="Name">For people, in explanations.</param>
public sealed record RouteRule(string Name)
{
    public ImmutableHashSet<string> Currencies { get; init; } = [];
    public ImmutableHashSet<string> Countries { get; init; } = [];
    public ImmutableHashSet<string> Methods { get; init; } = [];
    /// <summary>In minor units, both included; only with a currency, for without one an amount says nothing.</summary>
    public long? AtLeast { get; init; }
    public long? AtMost { get; init; }
    /// <summary>The accounts in the order of preference. Empty: all of them in theirs.</summary>
    public ImmutableArray<string> Use { get; init; } = [];
    /// <summary>Shares of the accounts in <see cref="Use"/>; an account without one has the share 0 and is taken when the others cannot.</summary>
    public ImmutableDictionary<string, int> Weights { get; init; } = ImmutableDictionary<string, int>.Empty;
    /// <summary>The one that costs least by its contract goes first.</summary>
    public bool Cheapest { get; init; }

    public bool Covers(Money amount, string? country, string? method) =>
        (Currencies.Count == 0 || Currencies.Contains(amount.Currency.Code))
        && (Countries.Count == 0 || (country is not null && Countries.Contains(country)))
        && (Methods.Count == 0 || (method is not null && Methods.Contains(method)))
        && !(amount.MinorUnits < AtLeast) && !(amount.MinorUnits > AtMost);
}

/// <summary>All that the installation says about routing.</summary>
/// <param name="Accounts">In the order of preference.</param>
/// <param name="Rules">Asked in their order; after them all accounts in theirs.</param>
public sealed record RoutingTable(ImmutableArray<RouteAccount> Accounts, ImmutableArray<RouteRule> Rules)
{
    public static RoutingTable Empty { get; } = new([], []);

    public RouteAccount? Account(string name) => Accounts.FirstOrDefault(a => a.Name == name);
}
