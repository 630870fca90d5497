using Purser.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>What rows of statements mean for the books, beside what their orders' events post. From the moment a file is applied, each row's net is booked:
/// by its order, or here. What is not understood waits in suspense until its question is answered.</summary>
static class RowBooks
{
    /// <summary>What a row posts that was applied.</summary>
    public static IReadOnlyList<RowPosting> Applied(SettlementFile file, StoredLine line) => [.. line.Class switch
    {
        SettlementClass.Adjustment => Sides(file, line.Line, ("fees", -line.Line.Net)),
        SettlementClass.Payout => IsPaidOut(file) ? [] : Sides(file, line.Line, ("bank", -line.Line.Net)),
        SettlementClass.UnknownOrder => Waiting(file, line),
        SettlementClass.Dispute => Beyond(file, line.Line),
        SettlementClass.Refund or SettlementClass.RefundUnasked or SettlementClass.RefundMissing when line.Line.Kind == SettlementKind.RefundReturned => Beyond(file, line.Line),
        _ => [],
    }];

    /// <summary>What a row posts about which a person is asked.</summary>
    public static IReadOnlyList<RowPosting> Waiting(SettlementFile file, StoredLine line) => Placed(file, line, "suspense");

    /// <summary>What of a row stands in the books once its question is answered, or while it is open.</summary>
    /// <param name="question">Its class.</param>
    /// <param name="answer">Null while it is open.</param>
    /// <param name="final">Answered by what the order booked; the row by itself has only the rest.</param>
    public static IReadOnlyList<RowPosting> Stands(SettlementFile file, StoredLine line, SettlementClass question, string? answer, bool final) => answer switch
    {
        null => Waiting(file, line),
        _ when final && question == SettlementClass.NotApplied => Applied(file, line),
        _ when final => line.Line.Kind == SettlementKind.RefundReturned ? Applied(file, line with { Class = Matching.Presumed(line.Line.Kind) }) : [],
        "accept" => Placed(file, line, line.Line.Kind switch
        {
            SettlementKind.Refund or SettlementKind.RefundReturned => "refunds",
            SettlementKind.Dispute or SettlementKind.DisputeReturned => "disputes",
            _ => "sales",
        }),
        // Where the gateway's corrections are booked, so that one clears it.
        _ => Placed(file, line, "fees"),
    };

    /// <summary>It is the same row once more, whose money is booked already.</summary>
    public static bool IsRepetition(SettlementClass line) => line is SettlementClass.DuplicateLine or SettlementClass.Repeated or SettlementClass.Changed;

    /// <summary>Whether a row's amounts can be added to one another.</summary>
    public static bool IsCountable(SettlementLine line) =>
        Int128.Abs(line.Amount.MinorUnits) + Int128.Abs(line.Net.MinorUnits) + Int128.Abs(line.Fee?.MinorUnits ?? 0) + Int128.Abs(line.Tax?.MinorUnits ?? 0) <= long.MaxValue / 2;

    static RowPosting[] Placed(SettlementFile file, StoredLine line, string account)
    {
        var said = line.Line;
        // Such a row is no money, is money of another row, or cannot be counted.
        if (IsRepetition(line.Class) || said.Kind == SettlementKind.FailedPayment || (said.Kind == SettlementKind.Payout && IsPaidOut(file)) || !IsCountable(said)) return [];
        var (fee, tax) = (said.Fee ?? Money.Zero(said.Net.Currency), said.Tax ?? Money.Zero(said.Net.Currency));
        // What the gateway kept of money that nobody knows is as real a fee as any other.
        return [.. Sides(file, said, ("fees", fee), ("fee_tax", tax), (account, -(said.Net + fee + tax)))];
    }

    /// <summary>What a row about a dispute, or about a refund that came back, says beyond the money itself, which the order's event books: what the gateway keeps for its trouble, and that it is part of
    /// a payout.</summary>
    static IEnumerable<RowPosting> Beyond(SettlementFile file, SettlementLine line)
    {
        var receivable = $"receivable:{file.Account}";
        var booked = line.Kind == SettlementKind.Dispute ? -Positive(line.Amount) : Positive(line.Amount);
        if (booked.Currency != line.Net.Currency) return Sides(file, line, ("exchange", -line.Net), (receivable, -booked), ("exchange", booked));
        var tax = line.Tax ?? Money.Zero(line.Net.Currency);
        return Sides(file, line, (receivable, -booked), ("fees", booked - line.Net - tax), ("fee_tax", tax));
    }

    public static Money Positive(Money money) => money.MinorUnits < 0 ? -money : money;

    static bool IsPaidOut(SettlementFile file) => file.PaidOut is true;

    /// <summary>What the row adds to what the gateway owes us, against these sides; and when it is paid out already, to the bank.</summary>
    static IEnumerable<RowPosting> Sides(SettlementFile file, SettlementLine line, params (string Account, Money Amount)[] against)
    {
        var receivable = $"receivable:{file.Account}";
        List<(string, Money)> sides = [(receivable, line.Net), .. against];
        if (IsPaidOut(file)) sides.AddRange([("bank", line.Net), (receivable, -line.Net)]);
        return sides.Where(s => s.Item2.MinorUnits != 0).Select((s, n) => new RowPosting(line.RowKey, n + 1, s.Item1, s.Item2));
    }
}
