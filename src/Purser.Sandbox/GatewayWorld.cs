using Purser.Sandbox.Inspector;

namespace Purser.Sandbox;

/// <summary>What surrounds one gateway: its address, clock, chance, money, faults and mail room.</summary>
public sealed class GatewayWorld : IDisposable
{
    readonly Lock chanceGate = new();
    readonly Random chance;
    readonly CancellationTokenSource closing = new();

    public GatewayWorld(IGatewayDialect dialect, SandboxOptions options)
    {
        Dialect = dialect;
        Clock = options.Clock;
        Speed = options.Speed;
        chance = options.Seed is { } seed ? new Random(seed + dialect.DefaultPort) : new Random();
        Webhooks = new WebhookSender(this, options.Courier);
        Deadlines = new Deadlines(this);
        dialect.Open(this);
    }

    public IGatewayDialect Dialect { get; }

    public Uri Address { get; set; } = new("http://127.0.0.1:0");

    public TimeProvider Clock { get; }

    public double Speed { get; }

    public Book Book { get; private set; } = new();

    public FaultPlan Faults { get; } = new();

    public WebhookSender Webhooks { get; }

    /// <summary>What the gateway was asked, newest kept.</summary>
    public CallLog Calls { get; } = new();

    public Deadlines Deadlines { get; }

    /// <summary>Switches of a dialect where its documents leave a behaviour open, set over the control API.</summary>
    public IReadOnlyDictionary<string, string> Settings => settings;

    /// <summary>Names of switches that the dialect has looked for so far, set or not.</summary>
    public IReadOnlyCollection<string> SettingsLookedFor => settings.LookedFor;

    readonly Switches settings = new();

    public DateTimeOffset Now => Clock.GetUtcNow();

    public long NowSeconds => Now.ToUnixTimeSeconds();

    internal CancellationToken Closing => closing.Token;

    /// <summary>A gateway's id: letters and digits, case-sensitive.</summary>
    public string NextId(string prefix, int length)
    {
        const string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        Span<char> id = stackalloc char[length];
        lock (chanceGate)
            for (var i = 0; i < length; i++)
                id[i] = letters[chance.Next(letters.Length)];
        return string.Concat(prefix, id);
    }

    /// <summary>Does something after a time of the gateway, which passes <see cref="Speed"/> times as fast as ours. What was begun before a reset belongs
    /// to no book any more and does not come.</summary>
    public void Later(TimeSpan delay, Action act) => new Deed(this, act).After(delay / Speed);

    /// <summary>Done by the clock itself and nobody else, so that a simulated clock does it in its own order.</summary>
    sealed class Deed(GatewayWorld world, Action act)
    {
        readonly Book day = world.Book;
        ITimer? timer;

        public void After(TimeSpan delay)
        {
            timer = world.Clock.CreateTimer(_ => Do(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            timer.Change(delay, Timeout.InfiniteTimeSpan);
        }

        void Do()
        {
            timer!.Dispose();
            if (world.Book == day && !world.closing.IsCancellationRequested) act();
        }
    }

    public void Set(IReadOnlyDictionary<string, string> switches) => settings.Set(switches);

    internal void Reset()
    {
        Book = new();
        Faults.Clear();
        Calls.Forget();
        settings.Set(new Dictionary<string, string>());
        Webhooks.Forget();
        Deadlines.Clear();
        Dialect.Open(this);
    }

    public void Dispose()
    {
        closing.Cancel();
        Deadlines.Dispose();
        Webhooks.Dispose();
        closing.Dispose();
    }
}

/// <summary>Expires links when their time is over. One timer and a heap, so a hundred thousand open links cost nothing.</summary>
public sealed class Deadlines : IDisposable
{
    /// <summary>A timer takes no more than some weeks; whoever wakes too early looks and sleeps again.</summary>
    static readonly TimeSpan LongestSleep = TimeSpan.FromDays(1);

    readonly PriorityQueue<Link, long> waiting = new();
    readonly Lock gate = new();
    readonly GatewayWorld world;
    readonly ITimer timer;

    internal Deadlines(GatewayWorld world)
    {
        this.world = world;
        timer = world.Clock.CreateTimer(_ => Pass(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Add(Link link)
    {
        if (link.ExpiresAt is not { } end) return;
        lock (gate)
        {
            waiting.Enqueue(link, end.UtcTicks);
            if (waiting.Peek() == link) Sleep(end.UtcTicks);
        }
    }

    public void Clear()
    {
        lock (gate) waiting.Clear();
    }

    public void Dispose() => timer.Dispose();

    void Pass()
    {
        while (true)
        {
            Link? due;
            lock (gate)
            {
                if (!waiting.TryPeek(out due, out var at)) return;
                if (at > world.Now.UtcTicks)
                {
                    Sleep(at);
                    return;
                }
                waiting.Dequeue();
            }

            // A deadline that was moved has an entry of its own.
            if (due.ExpiresAt is { } end && end <= world.Now) world.Dialect.Expire(due);
        }
    }

    void Sleep(long until)
    {
        var left = new TimeSpan(Math.Clamp(until - world.Now.UtcTicks, TimeSpan.TicksPerMillisecond, LongestSleep.Ticks));
        timer.Change(left, Timeout.InfiniteTimeSpan);
    }
}
