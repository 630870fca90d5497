using System.Collections.Concurrent;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Purser.Server.Tests.Browser;

/// <summary>A load balancer before two nodes, as a merchant's: it passes on requests and sockets, to the node that a test wants, or to the other
/// where that one is gone.</summary>
sealed class Front : IAsyncDisposable
{
    readonly WebApplication app;
    readonly HttpMessageInvoker line = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false });

    Uri? elsewhere;

    Front(WebApplication app) => this.app = app;

    public string Url => app.Urls.First();

    /// <summary>The nodes in the order in which they are tried, by what is asked for.</summary>
    public Func<HttpRequest, IReadOnlyList<Uri>> Nodes { get; set; } = _ => [];

    /// <summary>What went where: the node, and the path's first two words.</summary>
    public ConcurrentDictionary<(Uri Node, string What), int> Passed { get; } = [];

    public static async Task<Front> Open()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var front = new Front(app);
        app.UseWebSockets();
        app.Run(front.Pass);
        await app.StartAsync();
        return front;
    }

    async Task Pass(HttpContext http)
    {
        var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        foreach (var node in Nodes(http.Request))
        {
            try
            {
                if (http.WebSockets.IsWebSocketRequest) await Socket(http, node);
                else await Request(http, node, body.ToArray());
                return;
            }
            catch (Exception gone) when (gone is HttpRequestException or WebSocketException && !http.Response.HasStarted)
            {
                // The next node, if there is one.
            }
        }
        if (!http.Response.HasStarted) http.Response.StatusCode = StatusCodes.Status502BadGateway;
    }

    /// <summary>Whether it waits for news of an order: a socket, or a long poll.</summary>
    static bool Waits(HttpRequest request) => request.Path.Value!.EndsWith("/live", StringComparison.Ordinal);

    /// <summary>Pages, the API and what gateways send go to one node; whoever waits for news waits at the other.</summary>
    public void Split(string one, string other)
    {
        var pages = new Uri(one);
        elsewhere = new Uri(other);
        Nodes = request => [Waits(request) ? elsewhere : pages];
    }

    /// <summary>After <see cref="Split"/>: somebody did wait at the other node.</summary>
    public void WasWaitedElsewhere() => Passed.Where(p => p.Key.Node == elsewhere && p.Key.What is "socket" or "poll").Sum(p => p.Value).ShouldBeGreaterThan(0);

    void Note(Uri node, HttpContext http)
    {
        var words = http.Request.Path.Value!.Split('/');
        Passed.AddOrUpdate((node, http.WebSockets.IsWebSocketRequest ? "socket" : Waits(http.Request) ? "poll" : words[1]), 1, (_, n) => n + 1);
    }

    async Task Request(HttpContext http, Uri node, byte[] body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(http.Request.Method), new Uri(node, http.Request.Path + http.Request.QueryString));
        if (body.Length > 0) request.Content = new ByteArrayContent(body);
        foreach (var (name, values) in http.Request.Headers)
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values)) request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        using var answer = await line.SendAsync(request, http.RequestAborted);
        Note(node, http);
        http.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers))
            if (name != "Transfer-Encoding") http.Response.Headers[name] = values.ToArray();
        await answer.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
    }

    async Task Socket(HttpContext http, Uri node)
    {
        using var inner = new ClientWebSocket();
        foreach (var protocol in http.WebSockets.WebSocketRequestedProtocols) inner.Options.AddSubProtocol(protocol);
        inner.Options.SetRequestHeader("Origin", http.Request.Headers.Origin);
        inner.Options.SetRequestHeader("Host", http.Request.Host.Value);
        await inner.ConnectAsync(new UriBuilder(node) { Scheme = "ws", Path = http.Request.Path, Query = http.Request.QueryString.Value }.Uri, http.RequestAborted);
        Note(node, http);
        using var outer = await http.WebSockets.AcceptWebSocketAsync(inner.SubProtocol);
        // Whichever side ends first ends both; a node that died takes its sockets along.
        await Task.WhenAny(Pump(inner, outer), Pump(outer, inner));
        inner.Abort();
        outer.Abort();
    }

    static async Task Pump(WebSocket from, WebSocket to)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, default) is { MessageType: not WebSocketMessageType.Close } part)
                await to.SendAsync(buffer.AsMemory(0, part.Count), part.MessageType, part.EndOfMessage, default);
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException or ObjectDisposedException or IOException)
        {
            // One of the two went away.
        }
    }

    public async ValueTask DisposeAsync()
    {
        line.Dispose();
        await app.DisposeAsync();
    }
}
