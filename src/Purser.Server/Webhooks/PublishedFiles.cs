using System.Net;

namespace Purser.Server.Webhooks;

/// <summary>Fetches what gateways publish for the checking of their webhooks, and keeps it for a day. The address was named by a message that nobody
/// has checked yet; the gateway's adapter has seen to it that it is one of the gateway's own. What strangers can cause here is bounded all the
/// same: few fetches at a time, short ones, small answers, no redirects, and a failure is not kept.</summary>
public sealed class PublishedFiles : IDisposable
{
    public const int MostBytes = 64 * 1024;
    public const int MostKept = 64;
    /// <summary>Fetches under way at once; whoever comes beyond that is told that there is nothing now.</summary>
    public const int MostAtOnce = 4;
    public static readonly TimeSpan KeptFor = TimeSpan.FromHours(24);
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    readonly HttpMessageInvoker network;
    readonly TimeProvider time;
    readonly Lock gate = new();
    readonly Dictionary<Uri, Kept> kept = [];
    readonly Dictionary<Uri, Task<ReadOnlyMemory<byte>?>> underWay = [];

    /// <param name="network">Null means real sockets.</param>
    public PublishedFiles(TimeProvider time, HttpMessageHandler? network = null)
    {
        this.time = time;
        this.network = new HttpMessageInvoker(
            network ?? new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false, ActivityHeadersPropagator = null },
            disposeHandler: network is null);
    }

    readonly record struct Kept(ReadOnlyMemory<byte> Bytes, DateTimeOffset Since);

    /// <summary>Null when it cannot be had now.</summary>
    public Task<ReadOnlyMemory<byte>?> Read(Uri address, CancellationToken stop)
    {
        Task<ReadOnlyMemory<byte>?>? fetch;
        lock (gate)
        {
            if (kept.TryGetValue(address, out var known))
            {
                if (time.GetUtcNow() - known.Since < KeptFor) return Task.FromResult<ReadOnlyMemory<byte>?>(known.Bytes);
                kept.Remove(address);
            }
            if (!underWay.TryGetValue(address, out fetch))
            {
                if (underWay.Count >= MostAtOnce) return Task.FromResult<ReadOnlyMemory<byte>?>(null);
                underWay[address] = fetch = FetchAndKeep(address);
            }
        }
        return fetch.WaitAsync(stop);
    }

    public void Dispose() => network.Dispose();

    async Task<ReadOnlyMemory<byte>?> FetchAndKeep(Uri address)
    {
        // Nothing is sent under the caller's lock.
        await Task.Yield();
        var bytes = await Fetch(address);
        lock (gate)
        {
            underWay.Remove(address);
            if (bytes is { } found)
            {
                if (kept.Count >= MostKept) kept.Remove(kept.MinBy(k => k.Value.Since).Key);
                kept[address] = new Kept(found, time.GetUtcNow());
            }
        }
        return bytes;
    }

    async Task<ReadOnlyMemory<byte>?> Fetch(Uri address)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address) { Version = HttpVersion.Version11 };
            using var answer = await network.SendAsync(request, patience.Token);
            if (answer.StatusCode != HttpStatusCode.OK) return null;
            await using var body = await answer.Content.ReadAsStreamAsync(patience.Token);
            // One byte more than is taken, which tells that there was more.
            var bytes = new byte[MostBytes + 1];
            var length = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, patience.Token);
            if (length is 0 or > MostBytes) return null;
            return bytes.AsMemory(0, length);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return null;
        }
    }
}
