using System.Collections.Immutable;
using System.Globalization;
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
    public sealed record Done(IReadOnlyList<SettlementLine> Lines, string? Next) : SettlementAnswer;

    /// <summary>No answer, or none that can be read whole. Nothing of the page is used.</summary>
    public sealed record Unknown(string Reason) : SettlementAnswer;
}

/// <summary>How a gateway's file is laid out and what its rows mean. The file itself (encoding, separator, quotes, compression) is read by the
/// service; this sees one row at a time, as text by column.</summary>
/// <param name="Mandatory">Columns without which the file is not believed to be one of this gateway's. The line that holds all of them is the
/// header; whatever stands above it is skipped. Names compare without case and without blanks at the ends.</param>
/// <param name="Read">Null for a row that says nothing about money (a total, a blank). Throws <see cref="SettlementRowException"/> for a row that
/// cannot be read; nothing else.</param>
public sealed record SettlementSheet(ImmutableArray<string> Mandatory, Func<SettlementRow, GatewayAccount, SettlementLine?> Read);

/// <summary>A cell of a statement that cannot be read.</summary>
public sealed class SettlementRowException(string column, string why) : Exception($"{column}: {why}")
{
    public string Column => column;
    public string Why => why;
}

/// <summary>One row of a statement, as text by column.</summary>
public abstract class SettlementRow
{
    /// <summary>The cell without blanks at its ends; null when the file has no such column or the cell is empty.</summary>
    public abstract string? Cell(string column);

    /// <summary>The cell, which must be there.</summary>
    public string Text(string column) => Cell(column) ?? throw new SettlementRowException(column, "is empty");

    /// <summary>The first of several names for one column that has something in it.</summary>
    public string? AnyOf(params ReadOnlySpan<string> columns)
    {
        foreach (var column in columns)
            if (Cell(column) is { } text) return text;
        return null;
    }

    public Currency Currency(string column) =>
        Purser.Currency.TryFind(Text(column).ToUpperInvariant(), out var found) ? found : throw new SettlementRowException(column, $"'{Text(column)}' is no currency");

    /// <summary>An amount in major units: 1234.50, 1,234.50 or 1,23,456.00, with a sign or in brackets for less than nothing.</summary>
    public Money Major(string column, Currency currency) => Major(Text(column), column, currency);

    /// <summary>The same; nothing when the cell is empty or absent.</summary>
    public Money? MajorOrNone(string column, Currency currency) => Cell(column) is { } text ? Major(text, column, currency) : null;

    /// <summary>An amount in minor units.</summary>
    public Money Minor(string column, Currency currency) =>
        long.TryParse(Text(column), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var units)
            ? new Money(units, currency)
            : throw new SettlementRowException(column, $"'{Text(column)}' is no amount in minor units");

    /// <summary>A time in one of the formats, at an offset from UTC where it names none.</summary>
    public DateTimeOffset Time(string column, TimeSpan offset, params string[] formats) =>
        DateTimeOffset.TryParseExact(Text(column), formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AllowWhiteSpaces, out var aware)
            ? Array.Exists(formats, f => f.Contains('z', StringComparison.Ordinal) || f.EndsWith('K')) ? aware : new DateTimeOffset(aware.DateTime, offset)
            : throw new SettlementRowException(column, $"'{Text(column)}' is no time like {formats[0]}");

    public DateOnly Day(string column, params string[] formats) =>
        DateOnly.TryParseExact(Text(column), formats, CultureInfo.InvariantCulture, DateTimeStyles.AllowWhiteSpaces, out var day)
            ? day
            : throw new SettlementRowException(column, $"'{Text(column)}' is no day like {formats[0]}");

    static Money Major(string text, string column, Currency currency)
    {
        var bracketed = text is ['(', .., ')'];
        var plain = (bracketed ? text[1..^1] : text).Replace(",", "", StringComparison.Ordinal);
        if (Money.TryParseMajor(plain, currency, out var money)) return bracketed ? new Money(-money.MinorUnits, currency) : money;
        throw new SettlementRowException(column, $"'{text}' is no amount of {currency.Code}");
    }
}
