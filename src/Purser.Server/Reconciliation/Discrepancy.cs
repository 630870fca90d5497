using System.ComponentModel;
using System.Globalization;
using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>What a discrepancy is called: of an order by the event that opened it, of a statement's row by its number.</summary>
public readonly record struct DiscrepancyId(OrderId? Order, int Sequence, long Row)
{
    const string Prefix = "dis_";
    const string RowPrefix = "dis_row_";

    public static bool TryParse(string? text, out DiscrepancyId id)
    {
        id = default;
        if (text is null || !text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        if (text.StartsWith(RowPrefix, StringComparison.Ordinal))
        {
            var read = long.TryParse(text.AsSpan(RowPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var row);
            id = new DiscrepancyId(null, 0, row);
            return read;
        }
        // An order's letters and a number, as payments have.
        if (!PaymentId.TryParse($"{PaymentId.Prefix}{text[Prefix.Length..]}", out var named)) return false;
        id = new DiscrepancyId(named.Order, named.Number, 0);
        return true;
    }

    public override string ToString() => Order is { } order
        ? string.Create(CultureInfo.InvariantCulture, $"{Prefix}{order.Letters}_{Sequence}")
        : string.Create(CultureInfo.InvariantCulture, $"{RowPrefix}{Row}");
}

/// <summary>What does not agree, or did not.</summary>
/// <param name="Kind">Of an order's discrepancy.</param>
/// <param name="Class">Of a statement row's.</param>
public sealed record StoredDiscrepancy(
    DiscrepancyId Id, string Account, PaymentId? Payment, DiscrepancyKind? Kind, SettlementClass? Class, string? MoneyReference, Money Amount, string Owner,
    DateTimeOffset OpenedAt, DateTimeOffset? ResolvedAt, string? Resolution, string? Reason, string? FirstPerson, string? SecondPerson, long? File, int? Line,
    string? RowKey, string? Proposal, bool Final)
{
    /// <summary>The gateway's key of a further row of that key, which has a name of its own; null of every other.</summary>
    public string? AgainOf { get; init; }
    /// <summary>The line of a later file that has a question's row again, and named what it is about; null where none did.</summary>
    public (long File, int Number)? Named { get; init; }
    /// <summary>The line that says what the question is about by now.</summary>
    public (long File, int Number)? Shown => Named ?? (File is { } file ? (file, Line!.Value) : null);
    /// <summary>The API key that the first person acted with; null of what an older program kept.</summary>
    public int? FirstKey { get; init; }
    /// <summary>And the second.</summary>
    public int? SecondKey { get; init; }
    /// <summary>What an answer may move beside its amount: of a row the most without sign, of an order's question what waits in suspense or would go back, by currency.</summary>
    public IReadOnlyList<Money> Stakes { get; init; } = [];
    /// <summary>The stakes of an order's question when somebody decided it, or began to; null of a row's, and of what an older program kept.</summary>
    public IReadOnlyList<Money>? Seen { get; init; }
    /// <summary>Its answer would move other money by now than when the first person wanted it.</summary>
    public bool IsOutdated => Seen is not null && !Seen.SequenceEqual(Stakes);
    /// <summary>When all needed persons wanted the resolution; null while one is missing, and of what an older program decided.</summary>
    public DateTimeOffset? DecidedAt { get; init; }
    /// <summary>When that was done.</summary>
    public DateTimeOffset? DoneAt { get; init; }
    /// <summary>The version of the policy under which it was proposed or decided.</summary>
    public int? Policy { get; init; }
    /// <summary>Who takes the answer of an order's question back, until the order has.</summary>
    public (DateTimeOffset At, string By, string Reason)? Undo { get; init; }

    /// <summary>Decided, and perhaps not done yet.</summary>
    public bool IsUnderWay => DecidedAt is not null && DoneAt is null;

    /// <summary>Who decided, or began to.</summary>
    public string Persons => SecondPerson is null ? FirstPerson ?? "" : $"{FirstPerson} and {SecondPerson}";
}

public sealed record DiscrepancyView(
    string Id, string Gateway, [property: Description("Null when it is about a row of a statement without an order.")] string? Order, string? Payment,
    [property: Description("The event that opened it.")] string? Event, string Kind,
    [property: Description("The gateway's name for the money it is about; null when it is about the payment's link or status.")] string? MoneyReference,
    [property: Description("The statement's row.")] string? RowKey, string? Settlement, int? Line, long Amount, string Currency, string Owner,
    [property: Description("What to do about it.")] string Proposal,
    [property: Description("Payments that may be meant, at most five: of the same gateway, amount and day, and in no statement. Only guesses: nothing follows from them.")] IReadOnlyList<string> Suggestions, [property: Description("How many persons must agree, each with another API key: two when its amount, or what an answer may move, is above its currency's limit in Purser:Settlement:TwoPersonsAbove.")] int PersonsNeeded, DateTime OpenedAt,
    long AgeSeconds, DateTime? ResolvedAt, string? Resolution, string? Reason, [property: Description("Who resolved it, or began to.")] IReadOnlyList<string> ResolvedBy,
    [property: Description("The numbers of the API keys that they did it with, as `purser keys list` shows them; empty for what an older Purser kept.")] IReadOnlyList<int> ResolvedByKeys,
    [property: Description("Cells of the statement's row in columns that are not read, under the gateway's own names for them.")] IReadOnlyList<SettlementCellView> Extra)
{
    internal static DiscrepancyView From(StoredDiscrepancy d, SettlementOptions options, DateTimeOffset now, IReadOnlyList<PaymentId>? suggestions = null, IReadOnlyList<KeyValuePair<string, string>>? extra = null) => new(
        d.Id.ToString(), d.Account, d.Id.Order?.ToString(), d.Payment?.ToString(), d.Id.Order is { } order ? $"evt_{order.Letters}_{d.Id.Sequence}" : null,
        d.Kind is { } kind ? EventNames.Snake(kind.ToString()) : SettlementView.Word(d.Class!.Value), d.MoneyReference, d.AgainOf ?? d.RowKey,
        d.Shown is { } shown ? SettlementFile.IdOf(shown.File) : null, d.Shown?.Number, d.Amount.MinorUnits, d.Amount.Currency.Code, d.Owner, d.Proposal ?? Proposed(d.Kind!.Value), [.. suggestions?.Select(p => p.ToString()) ?? []],
        Persons(d, options), d.OpenedAt.UtcDateTime, (long)((d.ResolvedAt ?? now) - d.OpenedAt).TotalSeconds, d.ResolvedAt?.UtcDateTime, d.Resolution, d.Reason,
        [.. new[] { d.FirstPerson, d.SecondPerson }.OfType<string>()], [.. new[] { d.FirstKey, d.SecondKey }.OfType<int>()], SettlementLineView.Cells(extra ?? []));

    public static int Persons(StoredDiscrepancy d, SettlementOptions options) => options.TwoPersons.IsExceeded(d.Amount) || d.Stakes.Any(options.TwoPersons.IsExceeded) ? 2 : 1;

    static string Proposed(DiscrepancyKind kind) => kind switch
    {
        DiscrepancyKind.AmountMismatch => "refund, or close it when the money is wanted: it is income then",
        DiscrepancyKind.Duplicate => "refund, or close it when the money is wanted",
        DiscrepancyKind.Late => "accept when the goods can still go out, else refund",
        DiscrepancyKind.Reversed => "close when the gateway's reason is known; the money is gone already",
        DiscrepancyKind.RefundFailed => "refund once more, or give the money back another way and close",
        DiscrepancyKind.RefundUnasked => "find who gave it back at the gateway, then close",
        DiscrepancyKind.SettledOtherwise => "ask the gateway for the difference, then close: it is booked to fees, where its correction will be",
        DiscrepancyKind.FeeMismatch => "claim the fee back from the gateway or mend the account's rate, then close",
        DiscrepancyKind.SettledTwice => "tell the gateway, which will take one back, then close: it is booked to fees, where its correction will be",
        DiscrepancyKind.NotSettled => "ask the gateway where the money is; it closes itself when a statement has it, or by the order's failed_payment when the gateway denies it",
        DiscrepancyKind.MixedUp => "tell the gateway, make sure at its console that the payment has a link of its own, then close",
        _ => "look at the order's explanation, ask the gateway, then close",
    };
}

public sealed record DiscrepancyList(IReadOnlyList<DiscrepancyView> Discrepancies, [property: Description("Send it as ?cursor= for the next page; null at the end.")] string? Next);

/// <summary>What a person decides.</summary>
public sealed record ResolutionBody(
    [property: Description("accept, refund, write_off, close or note.")] string? Action = null, [property: Description(ReopeningBody.WhoDecides)] string? By = null,
    [property: Description("Why, for whoever reads it later.")] string? Reason = null,
    [property: Description("The discrepancy's `amount` as the person was shown it. When it is another meanwhile, nothing is done (`discrepancy_changed`); left out, it is not compared.")] long? Amount = null,
    [property: Description("Its `settlement` as the person was shown it, likewise: it changes whenever a later statement corrects the row, also where `amount` stays.")] string? Settlement = null);

/// <summary>Taking a resolution back.</summary>
public sealed record ReopeningBody([property: Description(ReopeningBody.WhoDecides)] string? By = null, string? Reason = null)
{
    internal const string WhoDecides = "Who decides: a person's name. Left out, or the same, with a key that has a person.";
}
