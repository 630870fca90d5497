using Purser.Payments;

namespace Purser.Server.Risk;

/// <summary>The kinds of money at risk.</summary>
public static class RiskKinds
{
    /// <summary>A payment whose gateway was asked and whose answer was lost.</summary>
    public const string Unresolved = "unresolved";
    /// <summary>Came after the order's end, and is neither given back nor accepted.</summary>
    public const string Late = "late";
    /// <summary>Came although the order was paid, and is not given back.</summary>
    public const string Duplicate = "duplicate";
    /// <summary>Told by a gateway and fits nothing here: quarantined news, and rows of statements.</summary>
    public const string Unmatched = "unmatched";
    /// <summary>Did not go back.</summary>
    public const string RefundFailed = "refund_failed";
    /// <summary>A refund whose gateway was asked and whose answer was lost.</summary>
    public const string RefundUnresolved = "refund_unresolved";
    /// <summary>Should stand in a statement by now, and does not.</summary>
    public const string OverdueSettlement = "overdue_settlement";
    /// <summary>The goods went out, and the gateway denies their money, took it back, or the shopper's bank wants it.</summary>
    public const string FulfilledUnpaid = "fulfilled_unpaid";
    /// <summary>Paid, and the goods have not gone out. No money is at risk by it, but a shopper waits.</summary>
    public const string Unfulfilled = "unfulfilled";
    /// <summary>Another amount, a contradiction, money taken back: what else waits for a person.</summary>
    public const string Questioned = "questioned";

    public static IReadOnlyList<string> All { get; } =
        [Unresolved, Late, Duplicate, Unmatched, RefundFailed, RefundUnresolved, OverdueSettlement, FulfilledUnpaid, Questioned, Unfulfilled];

    public static string Of(DiscrepancyKind kind) => kind switch
    {
        DiscrepancyKind.Late => Late,
        DiscrepancyKind.Duplicate => Duplicate,
        DiscrepancyKind.RefundFailed => RefundFailed,
        DiscrepancyKind.NotSettled => OverdueSettlement,
        DiscrepancyKind.RefundUnasked or DiscrepancyKind.SettledOtherwise or DiscrepancyKind.SettledTwice or DiscrepancyKind.FeeMismatch => Unmatched,
        _ => Questioned,
    };
}
