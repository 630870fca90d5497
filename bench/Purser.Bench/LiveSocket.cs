using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Purser.Bench;

/// <summary>An order that can be paid and watched.</summary>
sealed record WatchedOrder(string Id, string Token, string Reference);

/// <summary>One WebSocket as bytes: thousands of them must cost the caller little.</summary>
sealed class LiveSocket(Socket socket) : IDisposable
{
    /// <summary>Created, started, link ready.</summary>
    const int SeenSoFar = 3;
    const string Clock = "\"timestamp\":\"";

    public static async Task<LiveSocket> Open(Uri node, WatchedOrder order, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, node.Port, stop);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"GET /v1/orders/{order.Id}/live?after={SeenSoFar} HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
            $"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: purser.v1, token.{order.Token}\r\n\r\n"), stop);
        var answer = new byte[1024];
        var have = 0;
        while (answer.AsSpan(0, have).IndexOf("\r\n\r\n"u8) < 0)
        {
            var read = await socket.ReceiveAsync(answer.AsMemory(have), stop);
            if (read == 0) throw new IOException("The server closed a socket instead of opening it.");
            have += read;
        }
        var head = Encoding.ASCII.GetString(answer, 0, have);
        if (!head.StartsWith("HTTP/1.1 101", StringComparison.Ordinal)) throw new InvalidOperationException($"A socket was answered: {head}");
        return new LiveSocket(socket);
    }

    /// <summary>How old the first news are when they come; heartbeats are none.</summary>
    public async Task<TimeSpan> FirstNews()
    {
        var bytes = new byte[4096];
        while (true)
        {
            var read = await socket.ReceiveAsync(bytes.AsMemory());
            var now = TimeProvider.System.GetUtcNow();
            if (read == 0) throw new IOException("The server closed a socket.");
            var text = Encoding.UTF8.GetString(bytes, 0, read);
            var at = text.IndexOf(Clock, StringComparison.Ordinal);
            if (at < 0) continue;
            at += Clock.Length;
            return now - DateTimeOffset.Parse(text.AsSpan(at, text.IndexOf('"', at) - at), CultureInfo.InvariantCulture);
        }
    }

    public void Dispose() => socket.Dispose();
}
