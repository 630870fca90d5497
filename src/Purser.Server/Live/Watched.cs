using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Npgsql;

namespace Purser.Server.Live;

enum Entry { In, Full, Gone }

/// <summary>One order that somebody watches: its latest known number and its latest events.</summary>
sealed class Watched(OrderId order)
{
    readonly Lock door = new();
    readonly List<Watcher> watchers = new(1);
    LiveEvent[] latest = [];
    int followers;
    int waiters;
    bool gone;
    int sequence;

    public OrderId Order => order;

    public int Followers => Volatile.Read(ref followers);

    public int Waiters => Volatile.Read(ref waiters);

    public int Sequence => Volatile.Read(ref sequence);

    /// <param name="most">Watchers of this kind: those with a socket and those without take no room from each other.</param>
    public Entry TryEnter(Watcher watcher, int most)
    {
        lock (door)
        {
            if (gone) return Entry.Gone;
            ref var same = ref watcher is Waiter ? ref waiters : ref followers;
            if (same >= most) return Entry.Full;
            same++;
            watchers.Add(watcher);
            if (sequence > 0) watcher.Told(sequence);
            return Entry.In;
        }
    }

    /// <returns>True when that was the last one; nobody enters any more then.</returns>
    public bool Leave(Watcher watcher)
    {
        lock (door)
        {
            if (watchers.Remove(watcher)) _ = watcher is Waiter ? waiters-- : followers--;
            return gone = watchers.Count == 0;
        }
    }

    /// <summary>Events that were just committed here, in their order and without a gap between them.</summary>
    public void Add(IReadOnlyList<LiveEvent> events)
    {
        lock (door)
        {
            // What another node committed in between is missing here; there must be no gap, so they begin anew.
            IReadOnlyList<LiveEvent> all = latest.Length > 0 && latest[^1].Sequence + 1 == events[0].Sequence ? [.. latest, .. events] : events;
            latest = [.. all.Skip(all.Count - LiveHub.Kept)];
            Raise(events[^1].Sequence);
        }
    }

    /// <summary>Events that were committed elsewhere, in their order and without a gap behind <see cref="Sequence"/> as it was when they were read.</summary>
    public void Hear(IReadOnlyList<LiveEvent> events)
    {
        lock (door)
        {
            var known = 0;
            while (known < events.Count && events[known].Sequence <= sequence) known++;
            if (known < events.Count) Add(known == 0 ? events : [.. events.Skip(known)]);
        }
    }

    /// <summary>The order has come this far, as the database says.</summary>
    public void Advance(int to)
    {
        lock (door) Raise(to);
    }

    /// <summary>The order has come no further than this, as a database says that was restored from a backup.</summary>
    public void Rewind(int to)
    {
        lock (door)
        {
            latest = [];
            Volatile.Write(ref sequence, to);
            foreach (var watcher in watchers) watcher.Rewound(to);
        }
    }

    /// <summary>Who was sent something says so: what all of them have is kept no longer. Thousands who watch for hours would else each keep what was.</summary>
    public void Sent()
    {
        lock (door)
        {
            foreach (var watcher in watchers)
                if (watcher is LiveHub.Follower follower && follower.Sent < sequence) return;
            latest = [];
        }
    }

    /// <summary>The kept events after a number; empty when the first of them is not kept.</summary>
    public LiveEvent[] After(int number)
    {
        lock (door)
            return latest.Length > 0 && latest[0].Sequence <= number + 1 ? [.. latest.Where(e => e.Sequence > number)] : [];
    }

    public void Beat()
    {
        lock (door)
            foreach (var watcher in watchers) watcher.Beat();
    }

    void Raise(int to)
    {
        if (to <= sequence) return;
        Volatile.Write(ref sequence, to);
        foreach (var watcher in watchers) watcher.Told(to);
    }
}

/// <summary>Somebody who watches an order. All three are called under the order's door, so they only take note.</summary>
abstract class Watcher
{
    public abstract void Told(int sequence);

    /// <summary>The order has come no further than this. Who has seen no more is told nothing.</summary>
    public abstract void Rewound(int to);

    public virtual void Beat() { }
}

/// <summary>Waits for the first event after a number.</summary>
sealed class Waiter(int after) : Watcher
{
    readonly TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Changed => changed.Task;

    public override void Told(int sequence)
    {
        if (sequence > after) changed.TrySetResult();
    }

    public override void Rewound(int to)
    {
        if (to != after) changed.TrySetResult();
    }
}

public sealed partial class LiveHub
{
    /// <summary>One socket. It runs only while it has something to send.</summary>
    internal sealed class Follower(LiveHub hub, WebSocket socket, OrderId order, int after) : Watcher, IThreadPoolWorkItem
    {
        const int PerReading = 100;

        int sent = after;
        int running;
        bool beatDue;
        bool rewound;
        long sendingSince;
        long lastSent = hub.time.GetTimestamp();

        public Watched? Watched { get; set; }

        /// <summary>The number of the last event that was sent.</summary>
        public int Sent => Volatile.Read(ref sent);

        public override void Told(int sequence) => Wake();

        public override void Rewound(int to)
        {
            if (Sent > to) Rewound();
        }

        /// <summary>Tells whoever has seen more than there is that it begins anew, and begins anew.</summary>
        public void Rewound()
        {
            Volatile.Write(ref rewound, true);
            Wake();
        }

        public override void Beat()
        {
            if (Volatile.Read(ref sendingSince) is var since and not 0)
            {
                if (hub.time.GetElapsedTime(since) <= hub.options.SlowAfter) return;
                hub.Dropped(order, "It does not take what it is sent.");
                socket.Abort();
                return;
            }
            if (hub.time.GetElapsedTime(Volatile.Read(ref lastSent)) < hub.options.HeartbeatEvery) return;
            Volatile.Write(ref beatDue, true);
            Wake();
        }

        /// <summary>Sends what it lacks, and a heartbeat when that is nothing. So a socket makes at once what it needs for sending: thousands that made it when
        /// news come would make the garbage collector stop everybody just then.</summary>
        public void Greet()
        {
            Volatile.Write(ref beatDue, true);
            Wake();
        }

        /// <summary>Runs once however often it is woken; woken while it runs, it looks again before it rests.</summary>
        public void Wake()
        {
            if (Watched is not null && Interlocked.Increment(ref running) == 1) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        void IThreadPoolWorkItem.Execute() => _ = Run();

        async Task Run()
        {
            try
            {
                int seen;
                do
                {
                    seen = Volatile.Read(ref running);
                    while (socket.State == WebSocketState.Open && await SendNext()) { }
                }
                while (Interlocked.CompareExchange(ref running, 0, seen) != seen);
            }
            catch (Exception e)
            {
                // Whatever it was: the client comes back with the number it has seen, and nothing is missing.
                hub.Dropped(order, e.Message);
                socket.Abort();
            }
        }

        async Task<bool> SendNext()
        {
            if (Volatile.Read(ref rewound))
            {
                Volatile.Write(ref rewound, false);
                Volatile.Write(ref sent, 0);
                await Send("""{"type":"rewound","sequence":0}"""u8.ToArray());
                return true;
            }
            if (Watched!.Sequence > sent)
            {
                IReadOnlyList<LiveEvent> events = Watched.After(sent);
                if (events.Count == 0) events = await hub.store.EventsAfter(order, sent, PerReading, CancellationToken.None);
                foreach (var e in events)
                {
                    if (e.Sequence != sent + 1) throw new UnreachableException($"Event {e.Sequence} of {order} after {sent}.");
                    await Send(e.Json);
                    Volatile.Write(ref sent, e.Sequence);
                    Volatile.Write(ref beatDue, false);
                }
                if (sent == Watched.Sequence) Watched.Sent();
                return events.Count > 0;
            }
            if (!Volatile.Read(ref beatDue)) return false;
            Volatile.Write(ref beatDue, false);
            await Send(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"type":"heartbeat","sequence":{{sent}}}""")));
            return true;
        }

        async Task Send(ReadOnlyMemory<byte> message)
        {
            Volatile.Write(ref sendingSince, hub.time.GetTimestamp());
            await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            Volatile.Write(ref sendingSince, 0);
            Volatile.Write(ref lastSent, hub.time.GetTimestamp());
        }
    }
}
