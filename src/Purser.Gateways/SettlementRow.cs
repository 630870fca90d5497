using System.Globalization;

namespace Purser.Gateways;

/// <summary>One row of a statement, as text by column.</summary>
public abstract class SettlementRow
{
    /// <summary>The cell without blanks at its ends; null when the file has no such column or the cell is empty.</summary>
    public abstract string? Cell(string column);

    /// <summary>The cell by its place from 1, for rows that the header does not name (totals); null when it is empty or not there.</summary>
    public virtual string? At(int place) => null;

    /// <summary>The same as <see cref="Cell"/> without a string of its own, empty for null. Good until the next cell is asked for.</summary>
    protected virtual ReadOnlySpan<char> Span(string column) => Cell(column);

    /// <summary>A spreadsheet's date, which has no text and no zone; null for a cell that is text.</summary>
    protected virtual DateTime? Date(string column) => null;

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
        Purser.Currency.TryFind(Text(column).ToUpperInvariant(), out var found) ? found : throw new SettlementRowException(column, $"'{Shown(Text(column))}' is no currency");

    /// <summary>An amount in major units, as <see cref="SettlementAmount"/> reads it: 1234.50, 1,234.50 or 1,23,456.00, with a sign or in brackets for
    /// less than nothing. What could be two amounts is refused.</summary>
    public Money Major(string column, Currency currency) => Major(Filled(column), column, currency);

    /// <summary>The same; nothing when the cell is empty or absent.</summary>
    public Money? MajorOrNone(string column, Currency currency) => Span(column) is { IsEmpty: false } text ? Major(text, column, currency) : null;

    /// <summary>The same of a gateway that counts finer than the currency: what is beyond its decimals is rounded, a half away from nothing.</summary>
    public Money? MajorRoundedOrNone(string column, Currency currency) => Span(column) is { IsEmpty: false } text ? Major(text, column, currency, finer: true) : null;

    /// <summary>An amount in minor units.</summary>
    public Money Minor(string column, Currency currency) =>
        long.TryParse(Filled(column), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var units)
            ? new Money(units, currency)
            : throw new SettlementRowException(column, $"'{Shown(Text(column))}' is no amount in minor units");

    /// <summary>A time in one of the formats, at an offset from UTC where it names none.</summary>
    public DateTimeOffset Time(string column, TimeSpan offset, params ReadOnlySpan<string> formats)
    {
        if (Date(column) is { } date)
        {
            foreach (var format in formats)
                if (!SettlementClock.NamesZone(format)) return new DateTimeOffset(date, offset);
            throw new SettlementRowException(column, $"is a date without its zone; it should be text like {formats[0]}");
        }
        var text = Filled(column);
        foreach (var format in formats)
            if (SettlementClock.TryRead(text, format, offset, out var at)) return at;
        throw new SettlementRowException(column, $"'{Shown(text)}' is no time like {formats[0]}");
    }

    public DateOnly Day(string column, params ReadOnlySpan<string> formats)
    {
        if (Date(column) is { } date) return DateOnly.FromDateTime(date);
        var text = Filled(column);
        foreach (var format in formats)
            if (SettlementClock.TryRead(text, format, TimeSpan.Zero, out var at)) return DateOnly.FromDateTime(at.DateTime);
        throw new SettlementRowException(column, $"'{Shown(text)}' is no day like {formats[0]}");
    }

    /// <summary>Hostile text is shown short and on one line.</summary>
    internal static string Shown(ReadOnlySpan<char> text) => Wire.Line(text[..Math.Min(text.Length, 200)].ToString(), 60);

    ReadOnlySpan<char> Filled(string column) => Span(column) is { IsEmpty: false } text ? text : throw new SettlementRowException(column, "is empty");

    static Money Major(ReadOnlySpan<char> text, string column, Currency currency, bool finer = false) =>
        SettlementAmount.TryRead(text, currency, finer, out var money, out var why) ? money : throw new SettlementRowException(column, $"'{Shown(text)}' {why}");
}
