using System.Collections.Immutable;
using Purser.Reconciliation;

namespace Purser.Gateways;

/// <summary>The gateway states what it settled in a file.</summary>
public interface ISettleByFile
{
    SettlementSheet Sheet { get; }
}

/// <summary>The gateway can be asked over its API what it settled.</summary>
public interface ISettleByCall
{
    /// <summary>How many days back it is asked; what is longer ago is to be got as a file.</summary>
    int ReachesBackDays => 90;

    /// <summary>One page of what was settled on a day.</summary>
    Task<SettlementAnswer> ReadSettlement(SettlementCall call, GatewayLine line, CancellationToken stop);
}

/// <param name="Day">The day of settlement by the gateway's calendar.</param>
/// <param name="Page">Null for the first; then what the page before it gave.</param>
public sealed record SettlementCall(GatewayAccount Account, DateOnly Day, string? Page);

public abstract record SettlementAnswer
{
    SettlementAnswer() { }

    /// <param name="Next">Null on the last page.</param>
    public sealed record Done(IReadOnlyList<SettlementLine> Lines, string? Next) : SettlementAnswer
    {
        /// <summary>The gateway has not decided everything of the page: a row that is not among the lines may become one. The day is asked for again until nothing of it is so.</summary>
        public bool IsUndecided { get; init; }

        /// <summary>What the page says was done may still be undone, by a further row of this same day, until the end of that day: until then the day is asked for again.</summary>
        public DateOnly? MayChangeUntil { get; init; }
    }

    /// <summary>No answer, or none that can be read whole. Nothing of the page is used.</summary>
    public sealed record Unknown(string Reason) : SettlementAnswer;
}

/// <summary>How a gateway's file is laid out and what its rows mean. The file itself (encoding, separator, quotes, compression) is read by
/// <see cref="SettlementReader"/>; this sees one row at a time, as text by column.</summary>
/// <param name="Mandatory">Columns without which the file is not believed to be one of this gateway's. The row that holds all of them is the
/// header; whatever stands above it is skipped. Names compare without case, and blanks in them count as one.</param>
/// <param name="Read">Null for a row that says nothing about money (a total, a blank). Throws <see cref="SettlementRowException"/> for a row that
/// cannot be read; nothing else. The row is good until it returns.</param>
public sealed record SettlementSheet(ImmutableArray<string> Mandatory, Func<SettlementRow, GatewayAccount, SettlementLine?> Read)
{
    /// <summary>For files that have rows of their own beside those about money (headers of sections, totals, a trailer): what such a row claims, null
    /// for any other. Asked before <see cref="Read"/>; a frame's row may be shorter or longer than the header.</summary>
    public Func<SettlementRow, SettlementFrame?>? Frame { get; init; }

    /// <summary>Rows that the gateway gives no name of their own, so that two may be equal and be two: the second of a file is called by its number behind the name, as <c>#2</c>. Their order
    /// must be the same in a file that is issued again. Null where every row has a name.</summary>
    public Func<SettlementLine, bool>? Unnamed { get; init; }

    /// <summary>A whole file ends with a frame's row that says so. Without one, a file that is cut between two rows cannot be told from a short one.</summary>
    public bool HasTrailer { get; init; }

    /// <summary>The gateway ends its last row without a line break. Then a cut in the last cell cannot be told from the end; so this is only for a
    /// gateway that is known to do it.</summary>
    public bool EndsOpen { get; init; }
}

/// <summary>A row by which a statement says of itself what it holds.</summary>
/// <param name="Name">What a person finds the row by.</param>
/// <param name="Rows">How many rows about money stand above it, since the last one that closed; null when it does not say.</param>
/// <param name="Net">What those in the same currency add to the balance; null when it does not say.</param>
/// <param name="Closes">What comes after it is counted anew.</param>
/// <param name="Last">Nothing comes after it: the file is whole.</param>
public sealed record SettlementFrame(string Name, long? Rows = null, Money? Net = null, bool Closes = false, bool Last = false);

/// <summary>A cell of a statement that cannot be read.</summary>
public sealed class SettlementRowException(string column, string why) : Exception($"{column}: {Wire.Line(why, LongestWhy)}")
{
    const int LongestWhy = 500;

    public string Column => column;

    /// <summary>One line without control characters: it may quote a cell, and a terminal obeys some of what cells can hold.</summary>
    public string Why { get; } = Wire.Line(why, LongestWhy);
}
