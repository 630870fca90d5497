namespace Purser.Sandbox;

/// <summary>Acts on a gateway's page as people and banks do.</summary>
public static class Shopper
{
    public static readonly IReadOnlyList<string> Outcomes =
    [
        "paid", "declined", "declined_then_paid", "abandoned", "cancelled", "paid_pending", "pending_then_failed", "paid_late",
        "paid_twice", "wrong_amount", "expired", LeftAtCheck,
    ];

    internal const string LeftAtCheck = "left_at_check";

    /// <summary>Those that this gateway's page has.</summary>
    internal static IEnumerable<string> OutcomesOf(IGatewayDialect gateway) => Outcomes.Where(o => o != LeftAtCheck || gateway.ShowsBankCheck);

    /// <summary>How long a bank takes that answers later.</summary>
    static readonly TimeSpan BankDelay = TimeSpan.FromMinutes(2);

    /// <summary>How long a try seems lost before it turns into money.</summary>
    static readonly TimeSpan LateDelay = TimeSpan.FromMinutes(20);

    /// <summary>Does it. The outcome "refused" says that the link could not be paid any more, or that this gateway has no such outcome.</summary>
    /// <param name="delay">Until a later outcome, in the gateway's time, which the sandbox's speed shortens.</param>
    public static ShopperResult Act(GatewayWorld world, Link link, string outcome, TimeSpan? delay)
    {
        var gateway = world.Dialect;
        gateway.Visit(link);
        switch (outcome)
        {
            case "paid":
                return Paid(gateway.Capture(link, link.Amount));
            case "wrong_amount":
                return Paid(gateway.Capture(link, link.Amount - 1));
            case "declined_then_paid":
                return gateway.Decline(link) is null ? Refused : Paid(gateway.Capture(link, link.Amount));
            case "declined":
                return gateway.Decline(link) is null ? Refused : new(outcome, gateway.Return(link, null), []);
            case LeftAtCheck:
                return gateway.LeaveAtCheck(link, delay) is null ? Refused : new(outcome, null, []);
            case "abandoned":
                return new(outcome, null, []);
            case "cancelled":
                gateway.GiveUp(link);
                return new(outcome, gateway.CancelReturn(link), []);
            case "expired":
                gateway.Expire(link);
                return new(outcome, null, []);
            case "paid_twice":
                return gateway.CaptureTwice(link) is { } both
                    ? new(outcome, gateway.Return(link, both[^1]), both) : Refused;
            case "paid_pending":
                return Begun(gateway.Begin(link), BankDelay, captured: true);
            case "pending_then_failed":
                return Begun(gateway.Begin(link), BankDelay, captured: false);
            case "paid_late":
                return Begun(gateway.BeginLate(link), LateDelay, captured: true);
            default:
                throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "No such outcome.");
        }

        ShopperResult Paid(string? moneyId) =>
            moneyId is null ? Refused : new(outcome, gateway.Return(link, moneyId), [moneyId]);

        ShopperResult Begun(string? moneyId, TimeSpan usual, bool captured)
        {
            if (moneyId is null) return Refused;
            var back = gateway.Return(link, moneyId);
            world.Later(delay ?? usual, () => gateway.Finish(link, moneyId, captured));
            return new(outcome, back, [moneyId]);
        }
    }

    static readonly ShopperResult Refused = new("refused", null, []);
}

/// <summary>What came of it: where the browser goes next, and the gateway's names of the money.</summary>
public sealed record ShopperResult(string Outcome, BrowserReturn? Return, IReadOnlyList<string> MoneyIds);
