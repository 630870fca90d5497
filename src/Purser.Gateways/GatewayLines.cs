using System.Collections.Concurrent;
using System.Net;
using Purser.Routing;

namespace Purser.Gateways;

/// <summary>Limits of the wire.</summary>
public sealed record GatewayLimits
{
    /// <summary>One conversation, all its requests together. A second under <c>OrderRules.CallTimeout</c>, which silence is measured by.</summary>
    public TimeSpan WholeCall { get; init; } = TimeSpan.FromSeconds(14);
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(5);
    /// <summary>Requests under way to one account. A slow gateway holds so many of us, and nobody else's.</summary>
    public int Concurrent { get; init; } = 100;
    /// <summary>An answer longer than this is cut and lost, also when it was sent compressed.</summary>
    public int AnswerBytes { get; init; } = 1024 * 1024;

    /// <summary>The breaker opens when at least half of so many requests within the sampling time failed.</summary>
    public int BreakerThroughput { get; init; } = 10;
    public TimeSpan BreakerSampling { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan BreakerPause { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A gateway that has too many requests says how long it wants none; we believe it up to this.</summary>
    public TimeSpan LongestQuiet { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>The wires to all gateway accounts of this process. One per process; makes a <see cref="GatewayLine"/> for each call.</summary>
public sealed class GatewayLines : IDisposable
{
    readonly HttpMessageInvoker network;
    readonly TimeProvider time;
    readonly GatewayLimits limits;
    readonly ConcurrentDictionary<string, AccountWire> wires = new(StringComparer.Ordinal);

    /// <param name="network">What carries requests; a simulation puts its world here. It says that nothing was sent by throwing an
    /// <see cref="HttpRequestException"/> with <see cref="HttpRequestError.ConnectionError"/> without having read the content. Null means real
    /// sockets.</param>
    public GatewayLines(HttpMessageHandler? network = null, TimeProvider? time = null, GatewayLimits? limits = null)
    {
        this.time = time ?? TimeProvider.System;
        this.limits = limits ?? new GatewayLimits();
        this.network = new HttpMessageInvoker(network ?? Sockets(this.limits), disposeHandler: network is null);
    }

    /// <summary>A line for one call. Its time runs from its first request.</summary>
    public GatewayLine Open(GatewayAccount account, GatewayProfile profile) =>
        new AccountLine(account, Redaction.For(account, profile), wires.GetOrAdd(account.Name, _ => new AccountWire(network, time, limits)), time, limits);

    /// <summary>The accounts whose gateways do not answer well just now.</summary>
    public IReadOnlyDictionary<string, AccountHealth> Health =>
        wires.Where(w => w.Value.Health != AccountHealth.Good).ToDictionary(w => w.Key, w => w.Value.Health, StringComparer.Ordinal);

    public void Dispose() => network.Dispose();

    /// <summary>No redirects: a gateway's API has none, and a followed one would carry our credentials elsewhere. No proxy from the
    /// environment, no cookies, no trace headers. Certificates are verified as the platform does.</summary>
    static SocketsHttpHandler Sockets(GatewayLimits limits) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        ActivityHeadersPropagator = null,
        AutomaticDecompression = DecompressionMethods.GZip | DecompressionMethods.Deflate | DecompressionMethods.Brotli,
        ConnectTimeout = limits.Connect,
        // Addresses change; a pool that never looks again would talk to yesterday's host.
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
    };
}
