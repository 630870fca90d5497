using Purser.Refunds;

namespace Purser.Reconciliation;

/// <summary>A refund of ours of the payment that a row without our reference is about.</summary>
public sealed record OursRefund(int Number, Money Amount, RefundStatus Status, DateTimeOffset RequestedAt)
{
    /// <summary>The gateway's name for it, where we know it.</summary>
    public string? Reference { get; init; }
    /// <summary>The captured money that it gives back; null where that is not said.</summary>
    public string? Money { get; init; }
    /// <summary>It is known that the gateway never heard of it.</summary>
    public bool NeverLeft { get; init; }
    /// <summary>The row that settled it.</summary>
    public string? RowKey { get; init; }
    /// <summary>The row that gave it back to us.</summary>
    public string? ReturnedRow { get; init; }

    public static OursRefund Of(Refund r) => new(r.Number, r.Amount, r.Status, r.RequestedAt)
    {
        Reference = r.RefundReference,
        Money = r.MoneyReference,
        NeverLeft = r.NeverLeft,
        RowKey = r.Settled?.RowKey,
        ReturnedRow = r.Returned?.RowKey,
    };
}

/// <summary>What a row about a refund says of it.</summary>
/// <param name="Reference">The gateway's name for it, where the row has one.</param>
/// <param name="At">When it happened at the gateway, where that is said.</param>
public readonly record struct SaidRefund(string RowKey, string? Reference, Money Amount, DateTimeOffset? At = null)
{
    /// <summary>So much a time may be off: a day where only a date is stated, and clocks that differ.</summary>
    static readonly TimeSpan Margin = TimeSpan.FromHours(25);

    /// <summary>The captured money that it gives back, where the row names one that the payment has.</summary>
    public string? Money { get; init; }

    /// <param name="money">The gateway's names of the payment's captured money. Some name in a row about a refund what is none of them, so another name says nothing.</param>
    /// <param name="moneyAt">When the latest money of the payment came. Some state the time of the sale in all of its rows, so a time of about then says nothing.</param>
    public static SaidRefund Of(SettlementLine line, IReadOnlyCollection<string> money, DateTimeOffset? moneyAt) =>
        new(line.RowKey, line.RefundReference, line.Amount, line.HappenedAt is { } at && at > moneyAt + Margin ? at : null) { Money = line.MoneyReference is { } name && money.Contains(name) ? name : null };

    /// <summary>The refund has the row's name: whatever became of it and whatever its amount, it is the one.</summary>
    public bool Names(OursRefund refund) => Reference is not null && refund.Reference == Reference;

    /// <summary>The gateway calls it by another name than the row does.</summary>
    public bool NamesAnother(string? reference) => Reference is not null && reference is not null && reference != Reference;

    /// <summary>The gateway calls it otherwise, or it gives back other money, or the gateway never heard of it: whatever its amount, it is not the one.</summary>
    public bool IsNot(OursRefund refund) => NamesAnother(refund.Reference) || refund.NeverLeft || (Money is not null && refund.Money is not null && refund.Money != Money);

    /// <summary>Amount, currency, name, money and time do not speak against it, and it has left.</summary>
    public bool IsLike(OursRefund refund) => refund.Status != RefundStatus.Failed && refund.Amount == Amount && !IsNot(refund) && !(refund.RequestedAt > At + Margin);
}

/// <summary>Which refund a row is about when it does not carry our reference.</summary>
public static class RefundRows
{
    /// <summary>Those under way may be the one or not: guessing would call a refund done that is not.</summary>
    public const int Doubtful = -1;

    /// <summary>The one that this row settled before; else the one of that name. Else, of those that have not failed and may have left, are of its amount and its money, were asked for before it happened and have no
    /// other name: the first that no row has settled or is about to and that is known to have gone back; else the only one that the gateway knows; else the only one under way. Whether a
    /// row with a name is that of one under way without any, the gateway will say: it may be that of another that somebody made there. When all have theirs it is one row too many, and
    /// money went once more than by the first.</summary>
    /// <param name="refunds">All of the payment, by number.</param>
    /// <param name="taken">Numbers that other rows of the same batch are about.</param>
    /// <returns>Its number; 0 when there is none, or <see cref="Doubtful"/>.</returns>
    public static int Pick(IReadOnlyList<OursRefund> refunds, SaidRefund said, IReadOnlySet<int> taken)
    {
        if ((refunds.FirstOrDefault(r => r.RowKey == said.RowKey) ?? refunds.FirstOrDefault(said.Names)) is { } known) return known.Number;
        var alike = refunds.Where(said.IsLike).ToList();
        var free = alike.Where(r => r.RowKey is null && !taken.Contains(r.Number)).OrderByDescending(Went).ThenByDescending(r => Went(r) || r.Reference is not null).ToList();
        if (free is [var best, ..])
        {
            if (Went(best)) return best.Number;
            if (best.Reference is null && said.Reference is not null) return Doubtful;
            return free is [_, var other, ..] && !Went(other) && best.Reference is null == other.Reference is null ? Doubtful : best.Number;
        }
        return alike is [var first, ..] ? first.Number : 0;
    }

    /// <summary>The one that came back by this row before; else that of the row's name; else the only one that it may be and that went. To take the wrong one for failed would free
    /// money that is gone.</summary>
    /// <param name="refunds">All of the payment, by number.</param>
    /// <returns>Its number; 0 when there is none, or <see cref="Doubtful"/>.</returns>
    public static int Returned(IReadOnlyList<OursRefund> refunds, SaidRefund said)
    {
        if ((refunds.FirstOrDefault(r => r.ReturnedRow == said.RowKey) ?? refunds.FirstOrDefault(said.Names)) is { } known) return known.Number;
        return refunds.Where(r => Went(r) && said.IsLike(r)).ToList() switch { [] => 0, [var only] => only.Number, _ => Doubtful };
    }

    static bool Went(OursRefund refund) => refund.Status == RefundStatus.Succeeded;
}
