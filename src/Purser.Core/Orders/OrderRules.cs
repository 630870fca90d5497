using System.Collections.Immutable;
using Purser.Routing;

namespace Purser.Orders;

/// <summary>What the installation decides for all orders, handed to every decision: times, limits, and what each gateway account can do.
/// Times are those of the domain document and may be configured.</summary>
public sealed record OrderRules
{
    /// <summary>A pending payment without news is asked about this long after its link opened, then every <see cref="PendingEvery"/>.</summary>
    public TimeSpan PendingFirst { get; init; } = TimeSpan.FromMinutes(15);
    public TimeSpan PendingEvery { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>A starting or unresolved payment is asked about this long after we asked for its link, then every <see cref="UnresolvedEvery"/>.</summary>
    public IReadOnlyList<TimeSpan> Unresolved { get; init; } =
        [TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(10)];
    public TimeSpan UnresolvedEvery { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Late money is watched for this long after an order's end.</summary>
    public IReadOnlyList<TimeSpan> Watch { get; init; } =
        [TimeSpan.FromHours(1), TimeSpan.FromHours(6), TimeSpan.FromHours(24), TimeSpan.FromHours(72)];

    /// <summary>How long an order whose time ran out waits for its gateway to close the link before it expires anyway.</summary>
    public TimeSpan ClosingGrace { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Between two questions while an order is closing or a contradiction is open.</summary>
    public TimeSpan ClosingEvery { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Money that no statement has is asked about so often, and so long after it came.</summary>
    public TimeSpan MissingEvery { get; init; } = TimeSpan.FromDays(1);
    public TimeSpan MissingFor { get; init; } = TimeSpan.FromDays(30);

    /// <summary>A question asked sooner than this after the last one is answered by the last one: a shopper who reloads a page must not
    /// make us storm a gateway.</summary>
    public TimeSpan AskAgainAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>No call to a gateway is under way longer than this; only after it can silence be told from slowness.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A refund that the gateway has taken on is asked about so long after it was asked for, then every <see cref="RefundEvery"/>.</summary>
    public IReadOnlyList<TimeSpan> RefundUnderWay { get; init; } =
        [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10), TimeSpan.FromHours(1), TimeSpan.FromHours(6), TimeSpan.FromHours(24)];
    public TimeSpan RefundEvery { get; init; } = TimeSpan.FromHours(24);

    /// <summary>A refund that policy wants and the gateway refused is asked for again, under a new key, so long after the refusal: its balance with the
    /// gateway may have been short. After the last a person decides.</summary>
    public IReadOnlyList<TimeSpan> RefusedRefunds { get; init; } = [TimeSpan.FromHours(1), TimeSpan.FromHours(6), TimeSpan.FromHours(24)];

    /// <summary>How often a link is asked for in all before its payment is given up.</summary>
    public int MostAsks { get; init; } = 4;

    /// <summary>A person may try this often on one order; more is not a shopper.</summary>
    public int MostPayments { get; init; } = 20;

    /// <summary>Where payments can go, and which way is preferred.</summary>
    public RoutingTable Routing { get; init; } = RoutingTable.Empty;

    /// <summary>How well gateways answer just now, by the account's name; what is not in it is well.</summary>
    public IReadOnlyDictionary<string, AccountHealth> Health { get; init; } = ImmutableDictionary<string, AccountHealth>.Empty;

    /// <summary>Where a gateway sends the browser back to, for an account's payment. The same payment has the same address for ever.</summary>
    public Func<string, PaymentId, string> ReturnUrl { get; init; } = (account, payment) => $"https://purser.invalid/gateways/{account}/return?payment={payment}";

    /// <summary>What each gateway account can do, by the account's name.</summary>
    public required IReadOnlyDictionary<string, GatewayTerms> Accounts { get; init; }

    /// <summary>The terms of an account. One that was removed from the configuration still has payments; it is treated as the most
    /// careful gateway there could be.</summary>
    public GatewayTerms Terms(string account) => Accounts.TryGetValue(account, out var terms) ? terms : GatewayTerms.Unknown;
}

/// <summary>What decisions need to know of a gateway account; taken from its adapter's profile.</summary>
/// <param name="CanCancel">A link can be closed on request.</param>
/// <param name="RepeatsSafely">Asking for a link twice under one key gives one link.</param>
/// <param name="VisibilityDelay">How long after a call the gateway may still say that it knows nothing of what it did.</param>
/// <param name="ShortestLink">A link cannot end sooner than this after it was opened.</param>
/// <param name="LongestLink">A link cannot end later than this after it was opened.</param>
public sealed record GatewayTerms(
    bool CanCancel, bool RepeatsSafely, TimeSpan VisibilityDelay, TimeSpan ShortestLink, TimeSpan LongestLink)
{
    /// <summary>A payment can be refunded once there, in whole or in part.</summary>
    public bool RefundsOnce { get; init; }

    /// <summary>Its link is a form, and each time that it is posted another try begins that can take money.</summary>
    public bool PostsAnew { get; init; }

    public static GatewayTerms Unknown { get; } =
        new(CanCancel: false, RepeatsSafely: false, TimeSpan.FromHours(1), TimeSpan.Zero, TimeSpan.FromDays(1)) { PostsAnew = true };
}
