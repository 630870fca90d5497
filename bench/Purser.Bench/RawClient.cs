using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Purser.Bench;

/// <summary>One connection that posts and reads whole answers, as cheaply as can be: on a machine that runs the server and the database as well,
/// a caller's own work must not be what is measured.</summary>
sealed class RawClient : IDisposable
{
    readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    readonly byte[] received = new byte[32 * 1024];
    readonly byte[] sent = new byte[16 * 1024];

    public static async Task<RawClient> Connect(Uri server)
    {
        var client = new RawClient();
        await client.socket.ConnectAsync(IPAddress.Loopback, server.Port);
        return client;
    }

    /// <returns>The status and the body; the body is valid until the next call.</returns>
    public async ValueTask<(int Status, ReadOnlyMemory<byte> Body)> Post(string path, string headers, ReadOnlyMemory<byte> body)
    {
        var head = Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: bench\r\n{headers}Content-Length: {body.Length}\r\n\r\n", sent);
        body.CopyTo(sent.AsMemory(head));
        var left = sent.AsMemory(0, head + body.Length);
        while (left.Length > 0) left = left[await socket.SendAsync(left)..];
        return await Receive();
    }

    async ValueTask<(int, ReadOnlyMemory<byte>)> Receive()
    {
        var have = 0;
        while (true)
        {
            var read = await socket.ReceiveAsync(received.AsMemory(have));
            if (read == 0) throw new IOException("The server closed the connection.");
            have += read;
            var head = received.AsSpan(0, have).IndexOf("\r\n\r\n"u8);
            if (head < 0) continue;
            var status = int.Parse(Encoding.ASCII.GetString(received, 9, 3), CultureInfo.InvariantCulture);
            var headers = Encoding.ASCII.GetString(received, 0, head);
            var body = head + 4;
            if (Length(headers) is { } length)
            {
                while (have < body + length) have += await Fill(have);
                return (status, received.AsMemory(body, length));
            }
            if (!headers.Contains("chunked", StringComparison.OrdinalIgnoreCase)) return (status, default);
            while (!received.AsSpan(body, have - body).EndsWith("0\r\n\r\n"u8)) have += await Fill(have);
            return (status, Unchunk(body, have));
        }
    }

    async ValueTask<int> Fill(int have)
    {
        var read = await socket.ReceiveAsync(received.AsMemory(have));
        return read > 0 ? read : throw new IOException("The server closed the connection.");
    }

    ReadOnlyMemory<byte> Unchunk(int from, int to)
    {
        var write = from;
        var at = from;
        while (at < to)
        {
            var line = received.AsSpan(at, to - at).IndexOf("\r\n"u8);
            var size = int.Parse(Encoding.ASCII.GetString(received, at, line), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (size == 0) break;
            Buffer.BlockCopy(received, at + line + 2, received, write, size);
            write += size;
            at += line + 2 + size + 2;
        }
        return received.AsMemory(from, write - from);
    }

    static int? Length(string headers)
    {
        const string Name = "Content-Length: ";
        var at = headers.IndexOf(Name, StringComparison.OrdinalIgnoreCase);
        if (at < 0) return null;
        var end = headers.IndexOf('\r', at);
        return int.Parse(headers.AsSpan(at + Name.Length, (end < 0 ? headers.Length : end) - at - Name.Length), CultureInfo.InvariantCulture);
    }

    public void Dispose() => socket.Dispose();
}
