namespace Purser.Simulation;

/// <summary>The ports at which faults strike.</summary>
enum Port { Plan, Client, StoreLoad, StoreCommit, StoreSweep, OpenLink, Inquire, CancelLink, Refund, InquireRefund, Webhook, Page, Statement, StatementStore, StatementRead, StatementHook, Quarantine, StoreLock, StoreGuess }

enum Fault
{
    None,
    // Between a client and a node: the request is lost, the answer is lost, it comes twice, it comes late.
    RequestLost, ReplyLost, Twice, Delay,
    // The store.
    Refused, Away, AcknowledgementLost, AcknowledgementLostUndone, CrashBeforeCommit, CrashAfterCommit, CrashAfterTake,
    // A gateway's answer.
    ConnectionRefused, TimeOutBefore, TimeOutAfter, ServerErrorBefore, ServerErrorAfter, RateLimited, Malformed, WrongAmount, LinkForLess, Swapped,
    StatusLag, NotFoundAtFirst, UnknownWord, Slow, SentTwice, CrashAfterCall, ResetAfter,
    // A gateway's news.
    Dropped, Delayed, Duplicated, Forged, TamperedAmount, UnknownOrder, NewsReplyLost, CrashAfterAnswer,
    // A gateway's page.
    CapturedLess,
    // A gateway's statement: its rows, and its way here.
    RowsLeftOut, RowsTwice, RowNeverComes, Shuffled, Reissued, Truncated,
    CrashAtHook,
    // For a time.
    NodePaused, StoreGone, GatewayGone, NewsGone, Mute,
    // A gateway's answer bears the name of another payment's link.
    NamedAsAnother,
    // A release with a bug, until its mend.
    NewsBroken,
    // The gateway fails at one thing for one order, each time that it is asked.
    KeepsFailing,
    // Somebody holds an order: a node that froze, or a person at a prompt.
    HeldByAnother,
    // A commit whose connection broke: its backend ends it later, or all of it is still on its way.
    CommittedLate, RolledBackLate, ArrivesLate,
}

/// <summary>One fault that struck: where, at which order, and the how manieth time that port was passed for that order.</summary>
readonly record struct FaultPoint(Port Port, int Order, int Nth);

sealed record FaultRecord(FaultPoint Point, Fault Fault, DateTimeOffset At)
{
    public override string ToString() => $"{At:HH:mm:ss.fff} {Point.Port} #{Point.Nth} of order {Point.Order}: {Fault}";
}

/// <summary>Which faults strike. A fault is a function of the seed and its point alone; 
/// where a failure is made smaller, those alone that are left in.</summary>
sealed class Faults
{
    static readonly (Port Port, Fault Fault, double Often)[] Menu =
    [
        (Port.Client, Fault.RequestLost, .012), (Port.Client, Fault.ReplyLost, .02), (Port.Client, Fault.Twice, .02), (Port.Client, Fault.Delay, .015),
        (Port.StoreLoad, Fault.Refused, .004), (Port.StoreLoad, Fault.Away, .002),
        (Port.StoreCommit, Fault.Refused, .004), (Port.StoreCommit, Fault.Away, .002), (Port.StoreCommit, Fault.AcknowledgementLost, .004),
        (Port.StoreCommit, Fault.AcknowledgementLostUndone, .003), (Port.StoreCommit, Fault.CrashBeforeCommit, .0025),
        (Port.StoreCommit, Fault.CrashAfterCommit, .005),
        (Port.StoreSweep, Fault.CrashAfterTake, .002), (Port.StoreSweep, Fault.Away, .002),
        (Port.OpenLink, Fault.ConnectionRefused, .02), (Port.OpenLink, Fault.TimeOutBefore, .015), (Port.OpenLink, Fault.TimeOutAfter, .025),
        (Port.OpenLink, Fault.ServerErrorBefore, .015), (Port.OpenLink, Fault.ServerErrorAfter, .02), (Port.OpenLink, Fault.RateLimited, .01),
        (Port.OpenLink, Fault.Malformed, .012), (Port.OpenLink, Fault.WrongAmount, .006), (Port.OpenLink, Fault.LinkForLess, .004),
        (Port.OpenLink, Fault.Swapped, .006), (Port.OpenLink, Fault.NotFoundAtFirst, .02), (Port.OpenLink, Fault.UnknownWord, .004),
        (Port.OpenLink, Fault.Slow, .02), (Port.OpenLink, Fault.SentTwice, .008), (Port.OpenLink, Fault.CrashAfterCall, .006),
        (Port.OpenLink, Fault.ResetAfter, .01),
        (Port.Inquire, Fault.ConnectionRefused, .01), (Port.Inquire, Fault.TimeOutBefore, .01), (Port.Inquire, Fault.ServerErrorBefore, .01),
        (Port.Inquire, Fault.RateLimited, .01), (Port.Inquire, Fault.Malformed, .006), (Port.Inquire, Fault.WrongAmount, .004),
        (Port.Inquire, Fault.Swapped, .004), (Port.Inquire, Fault.StatusLag, .03), (Port.Inquire, Fault.UnknownWord, .004), (Port.Inquire, Fault.Slow, .01),
        (Port.Inquire, Fault.CrashAfterCall, .002),
        (Port.CancelLink, Fault.ConnectionRefused, .02), (Port.CancelLink, Fault.TimeOutBefore, .02), (Port.CancelLink, Fault.TimeOutAfter, .03),
        (Port.CancelLink, Fault.ServerErrorBefore, .02), (Port.CancelLink, Fault.ServerErrorAfter, .02), (Port.CancelLink, Fault.Malformed, .01),
        (Port.CancelLink, Fault.CrashAfterCall, .004), (Port.CancelLink, Fault.KeepsFailing, .02),
        (Port.Refund, Fault.ConnectionRefused, .04), (Port.Refund, Fault.TimeOutBefore, .04), (Port.Refund, Fault.TimeOutAfter, .06),
        (Port.Refund, Fault.ServerErrorBefore, .04), (Port.Refund, Fault.ServerErrorAfter, .06), (Port.Refund, Fault.RateLimited, .02),
        (Port.Refund, Fault.Malformed, .03), (Port.Refund, Fault.NotFoundAtFirst, .03), (Port.Refund, Fault.Slow, .03), (Port.Refund, Fault.SentTwice, .02),
        (Port.Refund, Fault.CrashAfterCall, .02), (Port.Refund, Fault.ResetAfter, .03),
        (Port.InquireRefund, Fault.ConnectionRefused, .02), (Port.InquireRefund, Fault.TimeOutBefore, .02), (Port.InquireRefund, Fault.ServerErrorBefore, .02),
        (Port.InquireRefund, Fault.Malformed, .02), (Port.InquireRefund, Fault.Slow, .02), (Port.InquireRefund, Fault.CrashAfterCall, .004),
        (Port.Webhook, Fault.Dropped, .06), (Port.Webhook, Fault.Delayed, .06), (Port.Webhook, Fault.Duplicated, .06), (Port.Webhook, Fault.Forged, .02),
        (Port.Webhook, Fault.TamperedAmount, .015), (Port.Webhook, Fault.UnknownOrder, .006), (Port.Webhook, Fault.UnknownWord, .004),
        (Port.Webhook, Fault.NewsReplyLost, .03), (Port.Webhook, Fault.CrashAfterAnswer, .006),
        (Port.Page, Fault.CapturedLess, .006),
        (Port.Statement, Fault.RowsLeftOut, .06), (Port.Statement, Fault.RowsTwice, .05), (Port.Statement, Fault.RowNeverComes, .04), (Port.Statement, Fault.WrongAmount, .05),
        (Port.Statement, Fault.Shuffled, .05), (Port.Statement, Fault.Reissued, .05), (Port.Statement, Fault.Truncated, .06), (Port.Statement, Fault.Duplicated, .06),
        (Port.Statement, Fault.Delayed, .05), (Port.Statement, Fault.Dropped, .04),
        (Port.StatementStore, Fault.Away, .002), (Port.StatementStore, Fault.AcknowledgementLost, .003), (Port.StatementStore, Fault.CrashAfterCommit, .006),
        (Port.StatementRead, Fault.Away, .003), (Port.StatementHook, Fault.CrashAtHook, .008),
        (Port.Quarantine, Fault.CrashAfterTake, .03), (Port.Quarantine, Fault.Away, .02),
        (Port.OpenLink, Fault.NamedAsAnother, .006), (Port.Inquire, Fault.NamedAsAnother, .004),
        (Port.StoreLock, Fault.HeldByAnother, .002), (Port.StoreCommit, Fault.CommittedLate, .002), (Port.StoreCommit, Fault.RolledBackLate, .0015), (Port.StoreGuess, Fault.ArrivesLate, .004),
    ];

    readonly ulong seed;
    readonly SimulatedTime time;
    readonly IReadOnlySet<FaultPoint>? only;
    readonly (Fault Fault, double UpTo)[][] menus;
    readonly Dictionary<(Port, int), int> passed = [];
    readonly HashSet<(Port, int)> failing = [];

    public Faults(ulong seed, SimulatedTime time, IReadOnlySet<FaultPoint>? only)
    {
        (this.seed, this.time, this.only) = (seed, time, only);
        menus = new (Fault, double)[Enum.GetValues<Port>().Length][];
        foreach (var port in Enum.GetValues<Port>())
        {
            var upTo = 0.0;
            // Every world has faults of its own: some kinds never strike in it, some often. Together they meet in more ways.
            menus[(int)port] = [.. Menu.Where(m => m.Port == port).Select(m => (m.Fault,
                upTo += m.Often * (Chance.Of(seed, (long)port, (long)m.Fault) % 8) switch { 0 or 1 => 0, 7 => 3, _ => 1 }))];
        }
    }

    /// <summary>From here on nothing strikes any more.</summary>
    public DateTimeOffset Until { get; set; } = DateTimeOffset.MaxValue;

    /// <summary>The same for statements, which come when the day is over.</summary>
    public DateTimeOffset StatementsUntil { get; set; } = DateTimeOffset.MaxValue;

    public List<FaultRecord> Struck { get; } = [];

    /// <summary>What strikes here and now, with a lot of its own for its size.</summary>
    public (Fault Fault, ulong Lot) At(Port port, int order)
    {
        passed.TryGetValue((port, order), out var nth);
        passed[(port, order)] = ++nth;
        if (time.Ticks >= (port is < Port.Statement or Port.StoreLock or Port.StoreGuess ? Until : StatementsUntil).UtcTicks) return (Fault.None, 0);
        var lot = Chance.Of(seed, (long)port + 1000, order, nth);
        if (failing.Contains((port, order))) return (Fault.ServerErrorBefore, Chance.Mix(lot));
        var part = Chance.Part(lot);
        foreach (var (fault, upTo) in menus[(int)port])
            if (part < upTo)
            {
                if (!Strike(new FaultPoint(port, order, nth), fault)) return (Fault.None, 0);
                if (fault != Fault.KeepsFailing) return (fault, Chance.Mix(lot));
                failing.Add((port, order));
                return (Fault.ServerErrorBefore, Chance.Mix(lot));
            }
        return (Fault.None, 0);
    }

    /// <summary>A fault that a world plans for a time of the day; false when it is not left in.</summary>
    public bool Strike(FaultPoint point, Fault fault)
    {
        if (only?.Contains(point) == false) return false;
        Struck.Add(new FaultRecord(point, fault, time.GetUtcNow()));
        return true;
    }
}
