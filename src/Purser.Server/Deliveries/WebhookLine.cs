using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Purser.Server.Deliveries;

/// <summary>The way out to receivers: one POST, to an address that was checked, with an end in time and in size. It never throws for what the
/// other side does.</summary>
public sealed class WebhookLine : IDisposable
{
    const int MostAnswerBytes = 4096;

    /// <summary>An answer's body is for the reader of the log; it may not hold a place for long.</summary>
    static readonly TimeSpan BodyPatience = TimeSpan.FromSeconds(1);
    static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(5);

    const string NoConnection = "No connection: the name is not known, nobody listens, or the address is not allowed.";

    readonly AddressGuard guard;
    readonly DeliveryOptions options;
    readonly Func<string, CancellationToken, Task<IPAddress[]>> resolve;
    readonly TimeProvider time;
    readonly HttpClient http;

    /// <param name="resolve">A host's addresses.</param>
    public WebhookLine(AddressGuard guard, DeliveryOptions options, Func<string, CancellationToken, Task<IPAddress[]>> resolve, TimeProvider time)
    {
        (this.guard, this.options, this.resolve, this.time) = (guard, options, resolve, time);
        http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = ConnectPatience,
            ConnectCallback = Connect,
            // So that a name's new address is seen.
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            // Connections are bounded by the places of receivers. Counted by host, a dead one would block another at the same host.
            MaxConnectionsPerServer = int.MaxValue,
            MaxResponseHeadersLength = 16,
            MaxResponseDrainSize = 16 * 1024,
            ActivityHeadersPropagator = null,
        })
        { Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Purser", typeof(WebhookLine).Assembly.GetName().Version?.ToString(2)));
    }

    public void Dispose() => http.Dispose();

    /// <summary>Whether a receiver may be there, asked before it is kept. A name that has no address yet is given the benefit of the doubt: it is
    /// asked for again at every attempt.</summary>
    public async Task<bool> MayReach(string url, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(ConnectPatience);
        try
        {
            return (await resolve(new Uri(url).IdnHost, patience.Token)).All(guard.Allows);
        }
        catch (ArgumentException)
        {
            // No name that can be asked for.
            return false;
        }
        catch (Exception unknown) when (unknown is SocketException || (unknown is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return true;
        }
    }

    /// <param name="secrets">The newest first.</param>
    public async Task<DeliveryAnswer> Send(string url, string messageId, byte[] body, IReadOnlyList<string> secrets, CancellationToken stop)
    {
        var (sentAt, began) = (time.GetUtcNow(), time.GetTimestamp());
        var signature = WebhookSignature.Header(messageId, sentAt, body, secrets);
        DeliveryAnswer Answer(int? status, string? trouble, string? text = null, TimeSpan? retryAfter = null) =>
            new(sentAt, time.GetElapsedTime(began), status, trouble, text, retryAfter, signature);

        // What was allowed when it was kept need not be now.
        if (guard.Fault(url) is not null) return Answer(null, NoConnection);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(options.TimeOut);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Add("webhook-id", messageId);
            request.Headers.Add("webhook-timestamp", sentAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
            request.Headers.Add("webhook-signature", signature);
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            var status = (int)answer.StatusCode;
            return Answer(status, status switch
            {
                >= 200 and < 300 => null,
                >= 300 and < 400 => "The answer leads elsewhere, and is not followed.",
                _ => "The receiver did not take it.",
            }, await Beginning(answer, patience.Token), Later(answer));
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return Answer(null, $"No answer within {options.TimeOut.TotalSeconds:0.#} seconds.");
        }
        catch (HttpRequestException failed)
        {
            return Answer(null, failed switch
            {
                { InnerException: AuthenticationException } => "The connection could not be secured: the certificate was not accepted.",
                { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded or HttpRequestError.ConfigurationLimitExceeded } => "The answer was not HTTP, or broke off.",
                _ => NoConnection,
            });
        }
        catch (IOException)
        {
            return Answer(null, "The connection broke.");
        }
    }

    /// <summary>Connects to the address that was checked, and not to what the name means a moment later.</summary>
    async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken stop)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        IPAddress[] addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await resolve(host, stop);
        // One forbidden address condemns the name: who mixes them is trying.
        if (addresses.Length == 0 || !addresses.All(guard.Allows)) throw new IOException("The host has no address, or one that is not allowed.");
        SocketException? last = null;
        foreach (var (address, left) in addresses.Select((a, n) => (a, addresses.Length - n)))
        {
            // One that swallows everything leaves time for the others.
            using var share = CancellationTokenSource.CreateLinkedTokenSource(stop);
            if (left > 1) share.CancelAfter(ConnectPatience / addresses.Length);
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, port), share.Token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception refused)
            {
                socket.Dispose();
                if (refused is not SocketException && (refused is not OperationCanceledException || stop.IsCancellationRequested)) throw;
                last = refused as SocketException ?? new SocketException((int)SocketError.TimedOut);
            }
        }
        throw last!;
    }

    /// <summary>As much of the answer as is kept. What it says decides nothing, so trouble in it is none.</summary>
    static async Task<string?> Beginning(HttpResponseMessage answer, CancellationToken stop)
    {
        var bytes = new byte[MostAnswerBytes];
        var length = 0;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(BodyPatience);
        try
        {
            await using var stream = await answer.Content.ReadAsStreamAsync(patience.Token);
            while (length < bytes.Length && await stream.ReadAsync(bytes.AsMemory(length), patience.Token) is > 0 and var read) length += read;
        }
        catch (Exception cut) when (cut is IOException or HttpRequestException or OperationCanceledException)
        {
            // What came until then is shown.
        }
        return length == 0 ? null : Encoding.UTF8.GetString(bytes, 0, length).Replace('\0', '\uFFFD');
    }

    TimeSpan? Later(HttpResponseMessage answer) => answer.Headers.RetryAfter switch
    {
        { Delta: { } wait } => wait,
        { Date: { } date } => date - time.GetUtcNow(),
        _ => null,
    };
}
