using System.Net;
using System.Net.Sockets;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;
using Purser.Routing;

namespace Purser.Gateways;

/// <summary>The wire to one gateway account: bulkhead, breaker and time-out around one request, and the exact answer to the question that
/// matters afterwards: can it have reached them?</summary>
sealed class AccountWire
{
    static readonly ResiliencePropertyKey<TimeSpan> TimeLeft = new("time-left");

    readonly HttpMessageInvoker network;
    readonly TimeProvider time;
    readonly GatewayLimits limits;
    readonly ResiliencePipeline<Attempt> pipeline;
    readonly CircuitBreakerStateProvider breaker = new();
    readonly RecentAnswers recent;
    int underWay;
    long quietUntil;

    /// <param name="Failing">Counts against the gateway: no definite answer came. Our own cancellation does not.</param>
    readonly record struct Attempt(LineReply Reply, bool Failing);

    readonly record struct Errand(AccountWire Wire, LineRequest Request, Uri Address, CancellationToken Stop);

    public AccountWire(HttpMessageInvoker network, TimeProvider time, GatewayLimits limits)
    {
        (this.network, this.time, this.limits) = (network, time, limits);
        Memory = new AccountMemory(time);
        recent = new RecentAnswers(time, limits.BreakerSampling);
        pipeline = new ResiliencePipelineBuilder<Attempt> { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<Attempt>
            {
                ShouldHandle = static args => ValueTask.FromResult(args.Outcome.Exception is not null || args.Outcome.Result.Failing),
                FailureRatio = 0.5,
                MinimumThroughput = limits.BreakerThroughput,
                SamplingDuration = limits.BreakerSampling,
                BreakDuration = limits.BreakerPause,
                StateProvider = breaker,
            })
            .AddTimeout(new TimeoutStrategyOptions
            {
                TimeoutGenerator = static args => ValueTask.FromResult(args.Context.Properties.GetValue(TimeLeft, TimeSpan.Zero)),
            })
            .Build();
    }

    /// <summary>Down while the breaker keeps requests back; poor while they want to be left alone, or at least half of the latest answers failed.</summary>
    public AccountHealth Health => breaker.CircuitState is CircuitState.Open or CircuitState.Isolated ? AccountHealth.Down
        : IsQuiet || recent.MostlyFailing ? AccountHealth.Poor
        : AccountHealth.Good;

    // By a clock that nobody sets: one that is set back must not make us silent for an hour.
    bool IsQuiet => time.GetTimestamp() < Volatile.Read(ref quietUntil);

    public AccountMemory Memory { get; }

    /// <param name="left">More than nothing.</param>
    public async Task<LineReply> Send(LineRequest request, Uri address, TimeSpan left, CancellationToken stop)
    {
        if (IsQuiet) return new LineReply.NotSent("they asked us to wait");
        // A full bulkhead refuses at once: whoever waits here would spend the time that its own call has.
        if (Interlocked.Increment(ref underWay) > limits.Concurrent)
        {
            Interlocked.Decrement(ref underWay);
            return new LineReply.NotSent("bulkhead full");
        }
        var context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: true, stop);
        try
        {
            context.Properties.Set(TimeLeft, left);
            var outcome = await pipeline.ExecuteOutcomeAsync(
                static async (context, errand) =>
                    Outcome.FromResult(await errand.Wire.Carry(errand.Request, errand.Address, context.CancellationToken, errand.Stop)),
                context, new Errand(this, request, address, stop));
            if (outcome.Exception is null) recent.Add(outcome.Result.Failing);
            return outcome.Exception switch
            {
                null => outcome.Result.Reply,
                BrokenCircuitException => new LineReply.NotSent("breaker open"),
                _ => new LineReply.Lost("stopped"),
            };
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
            Interlocked.Decrement(ref underWay);
        }
    }

    async Task<Attempt> Carry(LineRequest request, Uri address, CancellationToken timeout, CancellationToken stop)
    {
        using var message = new HttpRequestMessage(request.Method, address) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        foreach (var (name, value) in request.Headers) message.Headers.TryAddWithoutValidation(name, value);
        // The handler repeats a request by itself when a pooled connection turns out to be dead, but never one whose content it has begun to
        // send. So whatever changes something carries content, be it empty.
        var content = request.MovesNothing ? null : new TellTale(request.Body);
        if (request.ContentType is { } type) content?.Headers.TryAddWithoutValidation("Content-Type", type);
        message.Content = content;
        using var body = new MemoryStream();
        try
        {
            using var answer = await network.SendAsync(message, timeout);
            if (!await ReadBody(answer, body, timeout)) return new(Lost("answer too long", body), Failing: true);
            var status = (int)answer.StatusCode;
            if (status == 429) KeepQuiet(answer);
            return new(new LineReply.Answered(status, ReadHeaders(answer), body.ToArray()), Failing: status >= 500);
        }
        catch (Exception e) when (content is not { Started: true } && NeverConnected(e, timeout))
        {
            return new(new LineReply.NotSent(Describe(e)), Failing: true);
        }
        catch (Exception e) // Whatever a network or a decoder throws: it was sent, or may have been, and no whole answer came.
        {
            var stopped = stop.IsCancellationRequested;
            var why = stopped ? "stopped" : timeout.IsCancellationRequested ? "no answer in time" : Describe(e);
            return new(Lost(why, body), Failing: !stopped);
        }
    }

    static LineReply.Lost Lost(string why, MemoryStream read) => new(why) { Fragment = read.Length > 0 ? read.ToArray() : default };

    /// <summary>Too many requests: nobody asks this account anything for as long as it wants, within reason.</summary>
    void KeepQuiet(HttpResponseMessage answer)
    {
        var now = time.GetUtcNow();
        var wanted = answer.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - now,
            _ => TimeSpan.Zero,
        };
        var quiet = wanted < limits.LongestQuiet ? wanted : limits.LongestQuiet;
        if (quiet > TimeSpan.Zero) Volatile.Write(ref quietUntil, time.GetTimestamp() + (long)(quiet.TotalSeconds * time.TimestampFrequency));
    }

    /// <summary>Refused, no such host, no valid certificate, or no connection within the connect time-out.</summary>
    static bool NeverConnected(Exception e, CancellationToken timeout) => e switch
    {
        HttpRequestException http => http.HttpRequestError
            is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError,
        OperationCanceledException { InnerException: TimeoutException } => !timeout.IsCancellationRequested,
        _ => false,
    };

    static string Describe(Exception e) => e switch
    {
        HttpRequestException { InnerException: SocketException socket } => $"connection: {socket.SocketErrorCode}",
        HttpRequestException http => $"connection: {http.HttpRequestError}",
        HttpIOException io => $"connection: {io.HttpRequestError}",
        OperationCanceledException => "no connection in time",
        _ => $"connection: {e.GetType().Name}",
    };

    /// <summary>All of it, decompressed; false when it is longer than we read. What came before a failure stays in the body.</summary>
    async Task<bool> ReadBody(HttpResponseMessage answer, MemoryStream body, CancellationToken stop)
    {
        using var stream = await answer.Content.ReadAsStreamAsync(stop);
        var chunk = new byte[16 * 1024];
        for (int read; (read = await stream.ReadAsync(chunk, stop)) > 0;)
        {
            if (body.Length + read > limits.AnswerBytes) return false;
            body.Write(chunk, 0, read);
        }
        return true;
    }

    static Dictionary<string, string> ReadHeaders(HttpResponseMessage answer)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in answer.Headers.NonValidated) headers[name] = values.ToString();
        foreach (var (name, values) in answer.Content.Headers.NonValidated) headers[name] = values.ToString();
        return headers;
    }

    /// <summary>Content that tells whether anybody began to send it. Headers are written together with the first content byte.</summary>
    sealed class TellTale(ReadOnlyMemory<byte> body) : HttpContent
    {
        public bool Started { get; private set; }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            Started = true;
            await stream.WriteAsync(body, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = body.Length;
            return true;
        }
    }
}
