using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace Purser.Sandbox;

/// <summary>The mail room of a gateway: signs what happened, posts it to the registered address, and tries again as the
/// gateway would. What was sent and how it was answered stays readable.</summary>
public sealed class WebhookSender : IDisposable
{
    /// <summary>So many posts may be under way at once.</summary>
    const int Senders = 64;

    /// <summary>Older events are forgotten; a long load must not fill the memory.</summary>
    const int EventsKept = 200_000;

    /// <summary>A reordered event waits for a later one, but not for ever.</summary>
    static readonly TimeSpan ReorderPatience = TimeSpan.FromSeconds(2);

    readonly GatewayWorld world;
    readonly HttpClient http;
    readonly Channel<Letter> outgoing = Channel.CreateBounded<Letter>(EventsKept);
    readonly ConcurrentDictionary<string, WebhookEvent> events = new();
    readonly ConcurrentQueue<string> order = new();
    readonly Lock heldGate = new();
    Letter? held;
    volatile Endpoint endpoint;

    internal WebhookSender(GatewayWorld world)
    {
        this.world = world;
        endpoint = new(null, [world.Dialect.WebhookSecret]);
        http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        for (var i = 0; i < Senders; i++) _ = Deliver();
    }

    public Uri? Url => endpoint.Url;

    public IReadOnlyList<string> Secrets => endpoint.Secrets;

    /// <summary>The first secret signs; further ones are older secrets that still count.</summary>
    public void Register(Uri? url, IReadOnlyList<string>? secrets) =>
        endpoint = new(url, secrets is { Count: > 0 } ? secrets : [world.Dialect.WebhookSecret]);

    /// <summary>Oldest first.</summary>
    public IEnumerable<WebhookEvent> Events =>
        order.Select(id => events.GetValueOrDefault(id)).OfType<WebhookEvent>();

    public WebhookEvent? Find(string eventId) => events.GetValueOrDefault(eventId);

    /// <summary>Sends an event. The task ends with the first try, whatever its answer, or when there is none.</summary>
    public Task Post(string eventId, string type, string? linkId, JsonObject payload)
    {
        var news = new WebhookEvent(eventId, type, linkId, world.Now, payload);
        events[eventId] = news;
        order.Enqueue(eventId);
        while (order.Count > EventsKept && order.TryDequeue(out var oldest)) events.TryRemove(oldest, out _);
        var rule = world.Faults.ForWebhook(type);
        news.Fault = rule?.Fault;
        if (endpoint.Url is null) return Task.CompletedTask;
        var letter = new Letter(news, world.Dialect.WebhookBody(payload));
        switch (rule?.Fault)
        {
            case "drop":
                return Task.CompletedTask;
            case "delay":
                _ = Wait(TimeSpan.FromMilliseconds(rule.DelayMs), letter);
                return Task.CompletedTask;
            case "reorder":
                Hold(letter);
                return Task.CompletedTask;
            case "duplicate":
                Enqueue(letter with { FirstTry = new() });
                break;
            case "forge":
                Enqueue(letter with { Secrets = ["forged_" + world.NextId("", 20)], Retry = false, FirstTry = new() });
                break;
            case "wrong_amount":
                letter = letter with { Body = Altered(Wire.WithWrongAmounts(payload, world.Dialect.AmountFields)) };
                break;
            case "unknown_order":
                var stranger = Wire.AboutAStranger(payload, world.Dialect.IdentityFields);
                Enqueue(letter with { Body = Altered(stranger), SignedId = world.NextId("", 14), Retry = false, FirstTry = new() });
                break;
            case "old_secret":
                letter = letter with { Secrets = [endpoint.Secrets[^1]] };
                break;
        }

        // Whoever was held back goes out when this one has been answered.
        lock (heldGate)
        {
            letter = letter with { Then = held };
            held = null;
        }

        Enqueue(letter);
        return letter.FirstTry.Task;
    }

    /// <summary>The operator's "send again", as often as wished.</summary>
    public bool SendAgain(string eventId, int times)
    {
        if (Find(eventId) is not { } news || endpoint.Url is null) return false;
        for (var i = 0; i < times; i++) Enqueue(new(news, world.Dialect.WebhookBody(news.Payload)) { Retry = false });
        return true;
    }

    internal void Forget()
    {
        lock (heldGate) held = null;
        while (outgoing.Reader.TryRead(out _)) { }
        order.Clear();
        events.Clear();
    }

    public void Dispose()
    {
        outgoing.Writer.TryComplete();
        http.Dispose();
    }

    byte[] Altered(JsonNode payload) => world.Dialect.WebhookBody((JsonObject)payload);

    void Hold(Letter letter)
    {
        Letter? before;
        lock (heldGate)
        {
            before = held;
            held = letter;
        }

        if (before is not null) Enqueue(before);
        _ = Task.Delay(ReorderPatience, world.Clock, world.Closing).ContinueWith(
            _ =>
            {
                lock (heldGate)
                {
                    if (held != letter) return;
                    held = null;
                }

                Enqueue(letter);
            },
            world.Closing, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
    }

    void Enqueue(Letter letter)
    {
        if (outgoing.Writer.TryWrite(letter)) return;
        letter.News.Add(new(world.Now, 0, "not sent: too many wait", letter.Tries + 1));
        letter.FirstTry.TrySetResult();
    }

    async Task Wait(TimeSpan delay, Letter letter)
    {
        await Task.Delay(delay, world.Clock, world.Closing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!world.Closing.IsCancellationRequested) Enqueue(letter);
    }

    async Task Deliver()
    {
        await foreach (var letter in outgoing.Reader.ReadAllAsync())
        {
            if (world.Closing.IsCancellationRequested) return;
            var attempt = await Try(letter);
            letter.News.Add(attempt);
            letter.FirstTry.TrySetResult();
            if (letter.Then is { } next) Enqueue(next);
            var delays = world.Dialect.RetryDelays;
            if (attempt.Status is >= 200 and < 300 || !letter.Retry || letter.Tries >= delays.Count) continue;
            _ = Wait(delays[letter.Tries] / world.Speed, letter with { Tries = letter.Tries + 1, Then = null });
        }
    }

    async Task<WebhookAttempt> Try(Letter letter)
    {
        var to = endpoint;
        var at = world.Now;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, to.Url);
            request.Content = new ByteArrayContent(letter.Body);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/json; charset=utf-8");
            // A try that was signed with a retired secret stays so; others take what is registered now.
            var secrets = letter.Secrets ?? to.Secrets;
            var signed = world.Dialect.SignWebhook(letter.Body, letter.SignedId ?? letter.News.Id, secrets);
            foreach (var (name, value) in signed) request.Headers.TryAddWithoutValidation(name, value);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(world.Closing);
            patience.CancelAfter(world.Dialect.WebhookPatience);
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            return new(at, (int)answer.StatusCode, null, letter.Tries + 1);
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException
            or ObjectDisposedException or InvalidOperationException)
        {
            // The receiver's troubles of any kind are an answer that did not come.
            return new(at, 0, failure is OperationCanceledException ? "no answer in time" : failure.Message, letter.Tries + 1);
        }
    }

    sealed record Endpoint(Uri? Url, IReadOnlyList<string> Secrets);

    sealed record Letter(WebhookEvent News, byte[] Body)
    {
        public IReadOnlyList<string>? Secrets { get; init; }

        public string? SignedId { get; init; }

        public int Tries { get; init; }

        public bool Retry { get; init; } = true;

        public Letter? Then { get; init; }

        public TaskCompletionSource FirstTry { get; init; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>Something a gateway told, or meant to tell, and every try to do so.</summary>
public sealed class WebhookEvent(string id, string type, string? linkId, DateTimeOffset at, JsonObject payload)
{
    readonly ConcurrentQueue<WebhookAttempt> attempts = new();

    public string Id { get; } = id;

    public string Type { get; } = type;

    public string? LinkId { get; } = linkId;

    public DateTimeOffset At { get; } = at;

    public JsonObject Payload { get; } = payload;

    public string? Fault { get; internal set; }

    public IReadOnlyCollection<WebhookAttempt> Attempts => attempts;

    internal void Add(WebhookAttempt attempt) => attempts.Enqueue(attempt);
}

/// <summary>One try: the HTTP status, or 0 and why there was none.</summary>
public sealed record WebhookAttempt(DateTimeOffset At, int Status, string? Failure, int Number);
