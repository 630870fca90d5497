using Purser.Server.Deliveries;

namespace Purser.Server.Mail;

/// <param name="Number">Counted since the start.</param>
public sealed record ReceivedLetter(int Number, DateTimeOffset At, Letter Letter);

/// <summary>For development: letters end here, where a page shows them. They are kept in memory and the oldest go first: what is there to be looked at
/// for a moment needs no table, and orders are not made to leave copies of addresses anywhere.</summary>
public sealed class Mailbox(TimeProvider time) : IMailLine
{
    public const int Most = 200;

    readonly Lock door = new();
    readonly Queue<ReceivedLetter> letters = [];
    int count;

    public string Address => "mailbox";

    /// <summary>The newest first.</summary>
    public IReadOnlyList<ReceivedLetter> Letters
    {
        get
        {
            lock (door) return [.. letters.Reverse()];
        }
    }

    public Task<DeliveryAnswer> Send(Letter letter, CancellationToken stop)
    {
        var now = time.GetUtcNow();
        lock (door)
        {
            letters.Enqueue(new ReceivedLetter(++count, now, letter));
            if (letters.Count > Most) letters.Dequeue();
        }
        return Task.FromResult(new DeliveryAnswer(now, TimeSpan.Zero, 250, null, null, null, ""));
    }
}
