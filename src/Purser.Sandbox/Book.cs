using System.Collections.Concurrent;

namespace Purser.Sandbox;

/// <summary>The truth about money at one gateway: what was captured and refunded, whatever anybody was told of it.
/// Amounts are in minor units.</summary>
public sealed class Book
{
    readonly ConcurrentQueue<MoneyMovement> movements = new();

    public IReadOnlyCollection<MoneyMovement> Movements => movements;

    public void Captured(Link link, string moneyId, long amount, string currency, DateTimeOffset at) =>
        movements.Enqueue(new(link.Reference, link.Id, moneyId, "captured", amount, currency, at));

    public void Refunded(Link? link, string moneyId, long amount, string currency, DateTimeOffset at) =>
        movements.Enqueue(new(link?.Reference, link?.Id ?? "", moneyId, "refunded", amount, currency, at));
}

/// <summary>One movement. The reference is the merchant's own; the money id is the gateway's name for the capture.</summary>
public sealed record MoneyMovement(string? Reference, string LinkId, string MoneyId, string Kind, long Amount,
    string Currency, DateTimeOffset At);
