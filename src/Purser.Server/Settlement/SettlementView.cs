using System.ComponentModel;
using Purser.Orders;
using Purser.Reconciliation;

namespace Purser.Server.Settlement;

public sealed record SettlementDismissalBody(
    [property: Description("Who says it; left out with a key that has a person.")] string? By, [property: Description("Why, for whoever reads it later.")] string Reason);

public sealed record SettlementClassView(
    string Class, string Currency, [property: Description("In which it settles.")] string NetCurrency, int Lines, [property: Description("In minor units.")] long Amount,
    long Net, [property: Description("What follows from it; in a dry run, what would.")] string Action);

public sealed record SettlementTotalView(string Currency, string NetCurrency, int Lines, long Amount, long Net);

public sealed record SettlementRefusalView(
    string Detail, [property: Description("In the file, from 1; null when it is about the whole file.")] int? Row, string? Column,
    [property: Description("When a person said that nothing more is needed.")] DateTime? DismissedAt);

public sealed record SettlementAskView(
    string Class, string Currency, int Lines, [property: Description("In minor units, without signs.")] long Amount,
    [property: Description("How many of the lines two persons must decide about.")] int TwoPersons,
    [property: Description("The gateway is asked first, and what it confirms is asked of nobody.")] bool UnlessConfirmed);

public sealed record SettlementOverdueView(
    [property: Description("payments or refunds.")] string What, string Currency, int Count, [property: Description("In minor units.")] long Amount,
    [property: Description("This file's run tells the orders, for it covers the day on which the money was due; otherwise the daily look does.")] bool ByThisFile);

public sealed record SettlementOrderAskView(
    [property: Description("late, duplicate or settled_twice.")] string Kind, string Currency, int Lines, [property: Description("In minor units, without signs.")] long Amount);

/// <summary>What the real run would do beyond the lines.</summary>
public sealed record SettlementPreviewView(
    [property: Description("What a person would be asked about by the policy that is in force.")] IReadOnlyList<SettlementAskView> Asks,
    [property: Description("What orders would ask by what is known now, where the line is believed: late money and a second payment by the order's own policy, and a second row for money that has one.")]
    IReadOnlyList<SettlementOrderAskView> OrderAsks,
    [property: Description("What was due and is neither in this file nor in an earlier one, and nobody has been asked about.")] IReadOnlyList<SettlementOverdueView> Overdue,
    [property: Description("What a dry run cannot foresee, for it depends on what a gateway answers or on the lines before.")] IReadOnlyList<string> NotForeseen)
{
    public static IReadOnlyList<string> Unforeseeable { get; } =
    [
        "what the gateway answers about lines that only the file tells of", "what a line makes of the lines of its order behind it",
        "a refund that came back, where several may be meant", "a dispute that cannot be told from another",
    ];
}

public sealed record SettlementLackedRowView([property: Description("In the earlier file.")] int Line, string Kind, string RowKey, string Currency, [property: Description("In minor units.")] long Amount);

/// <summary>What a file that issues an earlier one again does not have of it. Nothing follows from it: what those rows said is booked, and stays.</summary>
public sealed record SettlementLacksView(
    [property: Description("The earlier file.")] string Settlement, [property: Description("How many and how much.")] IReadOnlyList<SettlementTotalView> Totals,
    [property: Description("The first of them, at most 20; GET /v1/settlements/{id}/lacking has all.")] IReadOnlyList<SettlementLackedRowView> First);

/// <summary>A settlement file: where it stands and what it says.</summary>
public sealed record SettlementView(
    string Id, string Gateway, [property: Description("As its sender calls it.")] string Name, string Source, string Sha256, long Bytes, DateTime ReceivedAt,
    [property: Description("stored, reading, read, matched, acting, done or refused.")] string State,
    [property: Description("The same bytes came before: this is what came of them, and nothing was done now.")] bool HereBefore, bool DryRun,
    [property: Description("Lines about money.")] int Lines, int LinesStored, int LinesActed, string? CoversFrom, string? CoversTo,
    [property: Description("What all lines add up to.")] IReadOnlyList<SettlementTotalView> Totals,
    [property: Description("Every line is in one class; the classes add up to the totals.")] IReadOnlyList<SettlementClassView> Classes,
    SettlementRefusalView? Refusal, [property: Description("The version of the policy by which it was acted on.")] int? Policy, DateTime? DoneAt,
    [property: Description("Null unless it is a dry run.")] SettlementPreviewView? Preview,
    [property: Description("Rows of an earlier file that it has not, although it issues that one again: it has more than half of it, or is what the gateway's API tells of the same day; of the days that it covers. Null when there are none.")] SettlementLacksView? Lacks)
{
    const string Day = "yyyy-MM-dd";

    public static SettlementView From(SettlementFile f, bool before = false) => new(
        f.IdText, f.Account, f.Name, EventNames.Snake(f.Source.ToString()), Convert.ToHexStringLower(f.Sha256), f.Bytes, f.ReceivedAt.UtcDateTime,
        EventNames.Snake(f.State.ToString()), before, f.DryRun, f.RowsRead, f.RowsStored, f.RowsActed,
        f.CoversFrom?.ToString(Day, System.Globalization.CultureInfo.InvariantCulture), f.CoversTo?.ToString(Day, System.Globalization.CultureInfo.InvariantCulture),
        [.. f.Classes.GroupBy(c => (c.Currency, c.NetCurrency)).Select(g => new SettlementTotalView(g.Key.Currency, g.Key.NetCurrency, g.Sum(c => c.Count), g.Sum(c => c.Amount), g.Sum(c => c.Net)))],
        // Before it is matched, a line's class is only presumed.
        f.State < FileState.Matched ? [] : [.. f.Classes.Select(c => new SettlementClassView(Word(c.Class), c.Currency, c.NetCurrency, c.Count, c.Amount, c.Net, Action(c.Class)))],
        f.Refusal is { } r ? new SettlementRefusalView(r.Why, r.Row, r.Column, r.DismissedAt?.UtcDateTime) : null, f.Policy, f.DoneAt?.UtcDateTime,
        f.Preview is { } p ? new SettlementPreviewView(
            [.. p.Asks.Select(a => new SettlementAskView(Word(a.Class), a.Currency, a.Count, a.Amount, a.TwoPersons, a.UnlessConfirmed))],
            [.. p.OrderAsks.Select(a => new SettlementOrderAskView(Snake(a.Kind), a.Currency, a.Count, a.Amount))],
            [.. p.Overdue.Select(o => new SettlementOverdueView(o.Refunds ? "refunds" : "payments", o.Currency, o.Count, o.Amount, o.Covered))], SettlementPreviewView.Unforeseeable) : null,
        f.Lacks is { } l ? new SettlementLacksView(SettlementFile.IdOf(l.File), [.. l.Totals.Select(t => new SettlementTotalView(t.Currency, t.NetCurrency, t.Count, t.Amount, t.Net))],
            [.. l.First.Select(r => new SettlementLackedRowView(r.Number, EventNames.Snake(r.Kind.ToString()), r.RowKey, r.Currency, r.Amount))]) : null);

    static string Snake(Purser.Payments.DiscrepancyKind kind) => EventNames.Snake(kind.ToString());

    public static string Word(SettlementClass one) => EventNames.Snake(one.ToString());

    /// <summary>The classes that lines have.</summary>
    public static string[] Words { get; } = [.. Enum.GetValues<SettlementClass>().Where(c => c != SettlementClass.NotApplied).Select(Word)];

    /// <summary>What follows from a line of a class, for people.</summary>
    public static string Action(SettlementClass one) => one switch
    {
        SettlementClass.BothPaid => "settled: fee, tax and net are booked",
        SettlementClass.BothUnpaid => "agreed: a link that is still open is closed",
        SettlementClass.TheirsPaid => "the gateway is asked; then the order is paid, or the money goes back, by the order's policy",
        SettlementClass.OursPaid => "fulfilment is held and the gateway is asked; never refunded by itself",
        SettlementClass.Amount or SettlementClass.Currency => "booked as the gateway says, and a person decides on the difference",
        SettlementClass.Fee => "settled as the gateway says, and a person disputes the fee or accepts it",
        SettlementClass.UnknownOrder => "booked to suspense until a person says whose money it is",
        SettlementClass.DuplicateLine => "not applied a second time; a person looks at it",
        SettlementClass.Refund => "settled: the refund is taken from what the gateway owes",
        SettlementClass.RefundUnasked => "recorded as a refund that the gateway made by itself; a person is asked",
        SettlementClass.RefundMissing => "the refund failed after all: its amount is available again",
        SettlementClass.Dispute => "recorded at the order as a dispute",
        SettlementClass.Adjustment => "booked to fees",
        SettlementClass.Payout => "booked to the bank",
        SettlementClass.Repeated => "nothing: it was applied with an earlier file",
        SettlementClass.Changed => "not applied; a person compares it with the earlier row",
        SettlementClass.NotApplied => "booked to suspense and set aside for a person",
        _ => throw new ArgumentOutOfRangeException(nameof(one)),
    };
}

public sealed record SettlementList(IReadOnlyList<SettlementView> Settlements, [property: Description("Send it as ?cursor= for the next page; null at the end.")] string? Next);

public sealed record SettlementWasView(string Settlement, int Line);

/// <summary>A cell that the gateway's reading does not know.</summary>
public sealed record SettlementCellView(string Column, [property: Description("As it stands in the file; cut after 2,000 letters.")] string Text);

public sealed record SettlementLineView(
    int Line, [property: Description("In the file, from 1.")] int Row, string Class, string Kind, [property: Description("The gateway's own name for the row.")] string RowKey,
    string? Order, string? Payment, string? Refund, string? MoneyReference, string? RefundReference, long Amount, string Currency, long? Fee, long? Tax, long Net, string NetCurrency,
    string? Method, DateTime? HappenedAt, string? SettledOn, string? PayoutReference, string? Note,
    [property: Description("The line of an earlier file with the same key and other content.")] SettlementWasView? Was,
    [property: Description("Cells of columns that are not read, under the gateway's own names for them.")] IReadOnlyList<SettlementCellView> Extra)
{
    public static SettlementLineView From(StoredLine stored)
    {
        var l = stored.Line;
        var order = stored.Payment?.Order ?? l.Refund?.Order;
        return new SettlementLineView(
            stored.Number, stored.Row, SettlementView.Word(stored.Class), EventNames.Snake(l.Kind.ToString()), l.RowKey, order?.ToString(), stored.Payment?.ToString(),
            l.Refund?.ToString(), l.MoneyReference, l.RefundReference, l.Amount.MinorUnits, l.Amount.Currency.Code, l.Fee?.MinorUnits, l.Tax?.MinorUnits, l.Net.MinorUnits,
            l.Net.Currency.Code, l.Method, l.HappenedAt?.UtcDateTime, l.SettledOn?.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture), l.PayoutReference, l.Note,
            stored.Was is { } was ? new SettlementWasView(SettlementFile.IdOf(was.File), was.Number) : null, Cells(stored.Extra));
    }

    public static IReadOnlyList<SettlementCellView> Cells(IReadOnlyList<KeyValuePair<string, string>> extra) => [.. extra.Select(cell => new SettlementCellView(cell.Key, cell.Value))];
}

public sealed record SettlementLineList(IReadOnlyList<SettlementLineView> Lines, [property: Description("Send it as ?cursor= for the next page; null at the end.")] string? Next);
