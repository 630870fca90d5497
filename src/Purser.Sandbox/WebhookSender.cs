using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace Purser.Sandbox;

/// <summary>The mail room of a gateway: signs what happened, posts it to the registered address, and tries again as the
/// gateway would. What was sent and how it was answered stays readable.</summary>
public sealed class WebhookSender : IDisposable
{
    /// <summary>So many posts may be under way at once.</summary>
    const int Senders = 64;

    /// <summary>About 3 kB each. Older ones are forgotten; a long load must not fill the memory.</summary>
    const int EventsKept = 100_000;

    const int AnswerKept = 512;

    /// <summary>A reordered event waits for a later one, but not for ever.</summary>
    public static readonly TimeSpan ReorderPatience = TimeSpan.FromSeconds(2);

    readonly GatewayWorld world;
    readonly Action<IGatewayDialect, GatewayNotice>? courier;
    readonly HttpClient http;
    readonly Channel<Letter> outgoing = Channel.CreateBounded<Letter>(EventsKept);
    readonly ConcurrentDictionary<string, WebhookEvent> events = new();
    readonly ConcurrentQueue<string> order = new();
    readonly Lock heldGate = new();
    Letter? held;
    volatile WebhookEndpoint endpoint;

    /// <summary>Another one after each reset.</summary>
    volatile object day = new();

    internal WebhookSender(GatewayWorld world, Action<IGatewayDialect, GatewayNotice>? courier)
    {
        (this.world, this.courier) = (world, courier);
        endpoint = new(null, [world.Dialect.WebhookSecret], []);
        http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        for (var i = 0; i < (courier is null ? Senders : 0); i++) _ = Deliver();
    }

    public WebhookEndpoint Endpoint => endpoint;

    /// <summary>The first secret signs; further ones are older secrets that still count. None given means the dialect's own, and an
    /// empty list means unsigned. Registering wakes an endpoint that the gateway had given up.</summary>
    public void Register(Uri? url, IReadOnlyList<string>? secrets, IReadOnlyList<string>? wanted = null) =>
        endpoint = new(url, secrets ?? [world.Dialect.WebhookSecret], wanted ?? []);

    /// <summary>Oldest first.</summary>
    public IEnumerable<WebhookEvent> Events =>
        order.Select(id => events.GetValueOrDefault(id)).OfType<WebhookEvent>();

    public WebhookEvent? Find(string eventId) => events.GetValueOrDefault(eventId);

    /// <summary>Sends an event. The task ends with the first try, whatever its answer, or when there is none.</summary>
    public Task Post(string eventId, string type, string? linkId, JsonObject payload)
    {
        if (courier is not null)
        {
            courier(world.Dialect, new(eventId, type, linkId, (JsonObject)payload.DeepClone()));
            return Task.CompletedTask;
        }
        var to = endpoint;
        var news = new WebhookEvent(eventId, type, linkId, world.Now, JsonSerializer.SerializeToUtf8Bytes(payload, Wire.Compact), to.Secrets);
        events[eventId] = news;
        order.Enqueue(eventId);
        while (events.Count > EventsKept && order.TryDequeue(out var oldest)) events.TryRemove(oldest, out _);
        news.NotSent = to.WhyNot(type);
        if (news.NotSent is not null) return Task.CompletedTask;
        var rule = world.Faults.ForWebhook(type, part => world.Dialect.Links().Any(l => l.Id == linkId && l.Reference?.Contains(part, StringComparison.Ordinal) == true));
        news.Fault = rule?.Fault;
        var letter = new Letter(news, day);
        switch (rule?.Fault)
        {
            case "drop":
                news.NotSent = "lost";
                return Task.CompletedTask;
            case "delay":
                _ = Wait(TimeSpan.FromMilliseconds(rule.DelayMs), letter);
                return Task.CompletedTask;
            // The one that is held is passed by this one; were this one held too, nothing would pass anything.
            case "reorder" when Hold(letter):
                return Task.CompletedTask;
            case "duplicate":
                for (var i = 1; i < rule.Count; i++) Enqueue(letter with { Altered = "duplicate", Retry = false, FirstTry = new() });
                break;
            case "forge":
                Enqueue(letter with { Secrets = ["forged_" + world.NextId("", 20)], Altered = "forge", Retry = false, FirstTry = new() });
                if (rule.Instead) return Task.CompletedTask;
                break;
            case "wrong_amount":
                letter = letter with { Said = Wire.WithWrongAmounts(payload, world.Dialect.AmountFields), Altered = "wrong_amount" };
                break;
            case "unknown_order":
                var stranger = Wire.AboutAStranger(payload, world.Dialect.IdentityFields);
                Enqueue(letter with { Said = stranger, SignedId = world.NextId("", 14), Altered = "unknown_order", Retry = false, FirstTry = new() });
                if (rule.Instead) return Task.CompletedTask;
                break;
            case "old_secret":
                letter = letter with { Secrets = [.. to.Secrets.TakeLast(1)], Altered = "old_secret" };
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
        for (var i = 0; i < times; i++) Enqueue(new(news, day) { Retry = false });
        return true;
    }

    internal void Forget()
    {
        day = new();
        lock (heldGate) held = null;
        while (outgoing.Reader.TryRead(out var letter)) letter.FirstTry.TrySetResult();
        order.Clear();
        events.Clear();
    }

    public void Dispose()
    {
        outgoing.Writer.TryComplete();
        http.Dispose();
    }

    /// <summary>False when another one waits already.</summary>
    bool Hold(Letter letter)
    {
        lock (heldGate)
        {
            if (held is not null) return false;
            held = letter;
        }

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
        return true;
    }

    void Enqueue(Letter letter)
    {
        if (outgoing.Writer.TryWrite(letter)) return;
        letter.News.NotSent = "too many wait already";
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
            // A next try may have waited while all was forgotten.
            if (letter.Day != day)
            {
                letter.FirstTry.TrySetResult();
                continue;
            }
            var attempt = await Try(letter);
            letter.News.Add(attempt);
            letter.FirstTry.TrySetResult();
            if (letter.Then is { } next) Enqueue(next);
            var delays = world.Dialect.RetryDelays;
            if (attempt.Status is >= 200 and < 300 || !letter.Retry) continue;
            if (letter.Tries < delays.Count) _ = Wait(delays[letter.Tries] / world.Speed, letter with { Tries = letter.Tries + 1, Then = null });
            else if (world.Dialect.GivesUpOnEndpoints) endpoint = endpoint with { Disabled = true };
        }
    }

    async Task<WebhookAttempt> Try(Letter letter)
    {
        var to = endpoint;
        var secrets = letter.Secrets ?? (world.Dialect.RetriesKeepTheirSecret ? letter.News.Secrets : to.Secrets);
        var message = world.Dialect.Webhook((JsonObject?)letter.Said ?? letter.News.Payload, letter.SignedId ?? letter.News.Id, secrets);
        var attempt = new WebhookAttempt(world.Now, 0, null, letter.Tries + 1)
        {
            Url = to.Url?.ToString(),
            Headers = message.Headers,
            Altered = letter.Altered,
            Body = letter.Said is null ? null : Encoding.UTF8.GetString(message.Body),
        };
        if (to.Url is null || to.Disabled) return attempt with { Failure = "no endpoint" };
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, to.Url);
            request.Content = new ByteArrayContent(message.Body);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(message.ContentType);
            foreach (var (name, value) in message.Headers) request.Headers.TryAddWithoutValidation(name, value);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(world.Closing);
            patience.CancelAfter(world.Dialect.WebhookPatience);
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            attempt = attempt with { Status = (int)answer.StatusCode };
            return attempt with { Answer = await Beginning(answer, patience.Token) };
        }
        catch (Exception failure)
        {
            // Whatever troubles the receiver has, to the gateway they are an answer that did not come, or came in part.
            return attempt with { Failure = failure is OperationCanceledException ? "no answer in time" : failure.Message };
        }
    }

    static async Task<string> Beginning(HttpResponseMessage answer, CancellationToken stop)
    {
        var bytes = new byte[AnswerKept];
        await using var body = await answer.Content.ReadAsStreamAsync(stop);
        var length = await body.ReadAtLeastAsync(bytes, AnswerKept, throwOnEndOfStream: false, stop);
        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    sealed record Letter(WebhookEvent News, object Day)
    {
        /// <summary>Said instead of what happened.</summary>
        public JsonNode? Said { get; init; }

        public IReadOnlyList<string>? Secrets { get; init; }

        public string? SignedId { get; init; }

        public string? Altered { get; init; }

        public int Tries { get; init; }

        public bool Retry { get; init; } = true;

        public Letter? Then { get; init; }

        public TaskCompletionSource FirstTry { get; init; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
