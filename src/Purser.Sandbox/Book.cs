using System.Collections.Concurrent;

namespace Purser.Sandbox;

/// <summary>The truth about money at one gateway: what was captured and refunded, whatever anybody was told of it.
/// Amounts are in minor units.</summary>
public sealed class Book
{
    /// <summary>A movement takes about 200 bytes; a load that goes on for ever must not fill the memory.</summary>
    const int MovementsKept = 2_000_000;

    readonly ConcurrentQueue<MoneyMovement> movements = new();
    int count;

    public IReadOnlyCollection<MoneyMovement> Movements => movements;

    /// <summary>By currency, in alphabetical order.</summary>
    public IReadOnlyList<BookTotal> Totals =>
    [
        .. movements.GroupBy(m => m.Currency.ToUpperInvariant()).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g =>
            new BookTotal(g.Key, g.Where(m => m.Kind == "captured").Sum(m => m.Amount), g.Where(m => m.Kind == "refunded").Sum(m => m.Amount), g.Count())),
    ];

    public void Captured(Link link, string moneyId, long amount, string currency, DateTimeOffset at) =>
        Add(new(link.Reference, link.Id, moneyId, "captured", amount, currency, at));

    public void Refunded(Link? link, string moneyId, long amount, string currency, DateTimeOffset at) =>
        Add(new(link?.Reference, link?.Id ?? "", moneyId, "refunded", amount, currency, at));

    void Add(MoneyMovement movement)
    {
        movements.Enqueue(movement);
        if (Interlocked.Increment(ref count) > MovementsKept && movements.TryDequeue(out _)) Interlocked.Decrement(ref count);
    }
}

/// <summary>One movement. The reference is the merchant's own; the money id is the gateway's name for the capture.</summary>
public sealed record MoneyMovement(string? Reference, string LinkId, string MoneyId, string Kind, long Amount,
    string Currency, DateTimeOffset At);

/// <summary>The money of one currency, in minor units.</summary>
public sealed record BookTotal(string Currency, long Captured, long Refunded, int Movements)
{
    public long Left => Captured - Refunded;
}
