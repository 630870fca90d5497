namespace Purser.Sandbox;

/// <summary>What surrounds one gateway: its address, clock, chance, money, faults and mail room.</summary>
public sealed class GatewayWorld : IDisposable
{
    readonly Lock chanceGate = new();
    readonly Random chance;
    readonly CancellationTokenSource closing = new();

    internal GatewayWorld(IGatewayDialect dialect, SandboxOptions options)
    {
        Dialect = dialect;
        Clock = options.Clock;
        Speed = options.Speed;
        chance = options.Seed is { } seed ? new Random(seed + dialect.DefaultPort) : new Random();
        Webhooks = new WebhookSender(this);
        Deadlines = new Deadlines(this);
        dialect.Open(this);
    }

    public IGatewayDialect Dialect { get; }

    public Uri Address { get; internal set; } = new("http://127.0.0.1:0");

    public TimeProvider Clock { get; }

    public double Speed { get; }

    public Book Book { get; private set; } = new();

    public FaultPlan Faults { get; } = new();

    public WebhookSender Webhooks { get; }

    public Deadlines Deadlines { get; }

    /// <summary>Switches of a dialect where its documents leave a behaviour open, set over the control API.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; internal set; } = new Dictionary<string, string>();

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

    /// <summary>Does something after a time of the gateway, which passes <see cref="Speed"/> times as fast as ours.</summary>
    public void Later(TimeSpan delay, Action act) => _ = LaterAsync(delay / Speed, act);

    async Task LaterAsync(TimeSpan delay, Action act)
    {
        await Task.Delay(delay, Clock, closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!closing.IsCancellationRequested) act();
    }

    internal void Reset()
    {
        Book = new();
        Faults.Clear();
        Settings = new Dictionary<string, string>();
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
    static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);

    readonly PriorityQueue<Link, long> waiting = new();
    readonly Lock gate = new();
    readonly GatewayWorld world;
    readonly ITimer timer;

    internal Deadlines(GatewayWorld world)
    {
        this.world = world;
        timer = world.Clock.CreateTimer(_ => Pass(), null, Step, Step);
    }

    public void Add(Link link)
    {
        if (link.ExpiresAt is not { } end) return;
        lock (gate) waiting.Enqueue(link, end.UtcTicks);
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
                if (!waiting.TryPeek(out due, out var at) || at > world.Now.UtcTicks) return;
                waiting.Dequeue();
            }

            // A deadline that was moved has an entry of its own.
            if (due.ExpiresAt is { } end && end <= world.Now) world.Dialect.Expire(due);
        }
    }
}
