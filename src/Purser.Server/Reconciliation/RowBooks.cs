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
        _ when final && question == SettlementClass.NotApplied && answer != LaterEvidence.Resolution => Applied(file, line),
        _ when final => line.Line.Kind is SettlementKind.RefundReturned or SettlementKind.Dispute or SettlementKind.DisputeReturned ? Applied(file, line with { Class = Matching.Presumed(line.Line.Kind) }) : [],
        _ => Placed(file, line, PlaceOf(line.Line, answer)),
    };

    static string PlaceOf(SettlementLine line, string? answer) => (answer, line.Kind) switch
    {
        (null, _) => "suspense",
        ("accept", SettlementKind.Refund or SettlementKind.RefundReturned) => "refunds",
        ("accept", SettlementKind.Dispute or SettlementKind.DisputeReturned) => "disputes",
        ("accept", SettlementKind.Payout) => "bank",
        ("accept", not SettlementKind.Adjustment) => "sales",
        // Where the gateway's corrections are booked, so that one clears it.
        _ => "fees",
    };

    /// <summary>What such a row has in the books beside the first. One with other content is booked as the difference, which waits in suspense until a person says what it is; a further
    /// row of its key only when a person says that it is another, under a name of its own.</summary>
    /// <param name="first">The row that was applied; null for a further one of its key.</param>
    public static IReadOnlyList<RowPosting> Repeats(SettlementFile file, StoredLine line, SettlementLine? first, string? answer) => first is null
        ? answer != "accept" ? [] : Numbered(RowName.Further(line.Line.RowKey, file.IdText, line.Number), Sum(Whole(file, line.Line, answer)))
        : Numbered(RowName.Of(line.Line.RowKey, SettlementClass.Changed), Sum([.. Whole(file, line.Line, answer), .. Whole(file, first, answer).Select(s => (s.Account, -s.Amount))]));

    /// <summary>All that a row means, as if it were the first of its name.</summary>
    static List<(string Account, Money Amount)> Whole(SettlementFile file, SettlementLine said, string? answer)
    {
        if (IsNothing(file, said)) return [];
        if (answer != "accept" || said.Kind is SettlementKind.Adjustment or SettlementKind.Payout) return Around(file, said, (PlaceOf(said, answer), -said.Net));
        var booked = said.Kind is SettlementKind.Refund or SettlementKind.Dispute ? -Positive(said.Amount) : Positive(said.Amount);
        var tax = said.Tax ?? Money.Zero(said.Net.Currency);
        if (booked.Currency == said.Net.Currency) return Around(file, said, ("fees", booked - said.Net - tax), ("fee_tax", tax), (PlaceOf(said, answer), -booked));
        var fee = said.Fee ?? Money.Zero(said.Net.Currency);
        return Around(file, said, ("fees", fee), ("fee_tax", tax), ("exchange", -(said.Net + fee + tax)), ("exchange", booked), (PlaceOf(said, answer), -booked));
    }

    static IEnumerable<(string Account, Money Amount)> Sum(IEnumerable<(string Account, Money Amount)> sides) => sides.GroupBy(s => (s.Account, s.Amount.Currency)).OrderBy(g => g.Key.Account, StringComparer.Ordinal)
        .ThenBy(g => g.Key.Currency.Code, StringComparer.Ordinal).Select(g => (g.Key.Account, g.Aggregate(Money.Zero(g.Key.Currency), (sum, s) => sum + s.Amount)));

    /// <summary>It is the same row once more, whose money is booked already.</summary>
    public static bool IsRepetition(SettlementClass line) => line is SettlementClass.DuplicateLine or SettlementClass.Repeated or SettlementClass.Changed;

    /// <summary>Whether a row's amounts can be added to one another.</summary>
    public static bool IsCountable(SettlementLine line) =>
        Int128.Abs(line.Amount.MinorUnits) + Int128.Abs(line.Net.MinorUnits) + Int128.Abs(line.Fee?.MinorUnits ?? 0) + Int128.Abs(line.Tax?.MinorUnits ?? 0) <= long.MaxValue / 2;

    /// <summary>Money of another row is booked as that of <see cref="Repeats"/>.</summary>
    static RowPosting[] Placed(SettlementFile file, StoredLine line, string account) => IsRepetition(line.Class) ? [] : Numbered(line.Line.RowKey, Placed(file, line.Line, account));

    /// <summary>Such a row is no money, or cannot be counted.</summary>
    static bool IsNothing(SettlementFile file, SettlementLine said) => said.Kind == SettlementKind.FailedPayment || (said.Kind == SettlementKind.Payout && IsPaidOut(file)) || !IsCountable(said);

    static List<(string Account, Money Amount)> Placed(SettlementFile file, SettlementLine said, string account)
    {
        if (IsNothing(file, said)) return [];
        var (fee, tax) = (said.Fee ?? Money.Zero(said.Net.Currency), said.Tax ?? Money.Zero(said.Net.Currency));
        // What the gateway kept of money that nobody knows is as real a fee as any other.
        return Around(file, said, ("fees", fee), ("fee_tax", tax), (account, -(said.Net + fee + tax)));
    }

    /// <summary>What a row about a dispute, or about a refund that came back, says beyond the money itself, which the order's event books: what the gateway keeps for its trouble, and that it is part of
    /// a payout.</summary>
    static RowPosting[] Beyond(SettlementFile file, SettlementLine line)
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
    static RowPosting[] Sides(SettlementFile file, SettlementLine line, params (string Account, Money Amount)[] against) => Numbered(line.RowKey, Around(file, line, against));

    static List<(string Account, Money Amount)> Around(SettlementFile file, SettlementLine line, params (string Account, Money Amount)[] against)
    {
        var receivable = $"receivable:{file.Account}";
        List<(string Account, Money Amount)> sides = [(receivable, line.Net), .. against];
        if (IsPaidOut(file)) sides.AddRange([("bank", line.Net), (receivable, -line.Net)]);
        return sides;
    }

    static RowPosting[] Numbered(string rowKey, IEnumerable<(string Account, Money Amount)> sides) => [.. sides.Where(s => s.Amount.MinorUnits != 0).Select((s, n) => new RowPosting(rowKey, n + 1, s.Account, s.Amount))];
}
