using System.Text;
using Purser.Reconciliation;
using Purser.Server.Reconciliation;

namespace Purser.Server.Settlement;

/// <summary>What is kept of a file's lines while it is read, so that they can be matched afterwards: a few bytes a line, cut into parts that fit into
/// memory one by one.</summary>
sealed class StatementPass : IDisposable
{
    /// <summary>Lines of about this many bytes together make a part whose table is 15 MB or less.</summary>
    const long BytesOfAPart = 64L * 1024 * 1024;
    const int MostParts = 256;

    readonly FeeTooHigh feeTooHigh;
    readonly Dictionary<(SettlementClass, Currency, Currency), (int Count, long Amount, long Net)> totals = [];

    /// <summary>A row of next week's payout is a row; one of another year is a mistake, and covers nothing.</summary>
    const int MostDaysAhead = 7;

    readonly DateOnly latest;
    Int128 magnitude;

    /// <param name="bytes">Of the file when it is unpacked, about; how many lines it has is not known yet.</param>
    public StatementPass(long bytes, DateTimeOffset receivedAt, FeeTooHigh feeTooHigh)
    {
        latest = DateOnly.FromDateTime(receivedAt.UtcDateTime).AddDays(MostDaysAhead);
        this.feeTooHigh = feeTooHigh;
        Parts = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(bytes / BytesOfAPart, 1, MostParts));
        Keys = new Spill<KeyRow>(Parts);
        Money = new Spill<MoneyRow>(Parts);
        Seen = new KeyFilter(bytes / 60);
    }

    /// <summary>The same for both sides: a key's rows meet in one part.</summary>
    public int Parts { get; }
    public Spill<KeyRow> Keys { get; }
    /// <summary>Lines about payments that carry our reference.</summary>
    public Spill<MoneyRow> Money { get; }
    /// <summary>Numbers of the other lines that are about an order, in their order.</summary>
    public LineSet Others { get; } = [];
    public KeyFilter Seen { get; }
    public int Lines { get; private set; }
    public int WithOurs { get; private set; }
    public long LowestOrder { get; private set; } = long.MaxValue;
    public long HighestOrder { get; private set; }
    public DateOnly? CoversFrom { get; private set; }
    public DateOnly? CoversTo { get; private set; }

    public IReadOnlyList<ClassTotal> Totals =>
        [.. totals.Select(t => new ClassTotal(t.Key.Item1, t.Key.Item2.Code, t.Key.Item3.Code, t.Value.Count, t.Value.Amount, t.Value.Net))];

    public ReadLine Add(int row, SettlementLine said)
    {
        var line = Fit(said);
        var number = ++Lines;
        var read = new ReadLine(number, row, line, RowHash.Key(line.RowKey), RowHash.Content(line));
        Keys.Add(PartOf(read.Key), new KeyRow(read.Key, read.Content, number));
        Seen.Add(read.Key);
        Sort(number, line);

        // All of it without signs, so that whatever part of it is added up somewhere can be counted.
        magnitude += Int128.Abs(line.Amount.MinorUnits) + Int128.Abs(line.Net.MinorUnits);
        if (magnitude > long.MaxValue) throw new OverflowException();
        ref var total = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(
            totals, (Matching.Presumed(line.Kind), line.Amount.Currency, line.Net.Currency), out _);
        total = checked((total.Count + 1, total.Amount + line.Amount.MinorUnits, total.Net + line.Net.MinorUnits));
        if ((line.SettledOn ?? (line.HappenedAt is { } at ? DateOnly.FromDateTime(at.UtcDateTime) : null)) is { } day && day <= latest)
        {
            if (CoversFrom is not { } from || day < from) CoversFrom = day;
            if (CoversTo is not { } to || day > to) CoversTo = day;
        }
        return read;
    }

    /// <summary>Where it is looked for: by the hash among our payments, one by one, or nowhere.</summary>
    void Sort(int number, SettlementLine line)
    {
        if (line.Kind is SettlementKind.Adjustment or SettlementKind.Payout) return;
        if (line is not { Kind: SettlementKind.Payment or SettlementKind.FailedPayment, Payment: { } payment })
        {
            Others.Add(number);
            return;
        }
        WithOurs++;
        var order = payment.Order.Value;
        (LowestOrder, HighestOrder) = (Math.Min(LowestOrder, order), Math.Max(HighestOrder, order));
        Money.Add(PartOf(RowHash.Payment(order, payment.Number)), new MoneyRow(
            order, line.Amount.MinorUnits, payment.Number, number, (byte)line.Kind, CurrencyCode.Of(line.Amount.Currency.Code), feeTooHigh(line.Amount, line.Net, line.Tax, line.Method)));
    }

    public int PartOf(ulong hash) => (int)(hash >> 40) & (Parts - 1);

    /// <summary>What the database does not take, and a key like a name of ours, is replaced; nearly always nothing is.</summary>
    static SettlementLine Fit(SettlementLine line) =>
        IsFit(line.RowKey) && !RowName.LooksOurs(line.RowKey) && IsFit(line.MoneyReference) && IsFit(line.RefundReference) && IsFit(line.PayoutReference) && IsFit(line.Method) && IsFit(line.Note)
            ? line
            : line with
            {
                RowKey = RowName.Kept(Words.Fit(line.RowKey)!),
                MoneyReference = Words.Fit(line.MoneyReference),
                RefundReference = Words.Fit(line.RefundReference),
                PayoutReference = Words.Fit(line.PayoutReference),
                Method = Words.Fit(line.Method),
                Note = Words.Fit(line.Note),
            };

    static bool IsFit(string? text) => text is null || (text.Length <= 400 && Ascii.IsValid(text) && !text.AsSpan().Contains('\0'));

    public void Dispose()
    {
        Keys.Dispose();
        Money.Dispose();
    }
}
