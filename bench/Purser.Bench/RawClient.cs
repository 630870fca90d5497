using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks.Sources;

namespace Purser.Bench;

/// <summary>Runs all callers on one thread: it polls their sockets and goes on with whoever has an answer. A pool of threads that wake each other
/// costs as much as the server.</summary>
sealed class Callers
{
    readonly List<RawClient> waiting = [];

    public void Wait(RawClient client) => waiting.Add(client);

    /// <summary>Until all is done. Every await inside must be one for a <see cref="RawClient"/>.</summary>
    public void Run(IReadOnlyList<Task> all)
    {
        var sockets = new List<Socket>();
        var ready = new HashSet<Socket>();
        var go = new List<RawClient>();
        while (waiting.Count > 0)
        {
            sockets.Clear();
            foreach (var client in waiting) sockets.Add(client.Socket);
            Socket.Select(sockets, null, null, TimeSpan.FromSeconds(30));
            if (sockets.Count == 0) throw new TimeoutException("The server has been silent for 30 seconds.");
            ready.Clear();
            ready.UnionWith(sockets);
            go.Clear();
            for (var i = waiting.Count - 1; i >= 0; i--)
            {
                if (!ready.Contains(waiting[i].Socket)) continue;
                go.Add(waiting[i]);
                waiting[i] = waiting[^1];
                waiting.RemoveAt(waiting.Count - 1);
            }
            foreach (var client in go) client.Readable();
        }
        Task.WhenAll(all).GetAwaiter().GetResult();
    }
}

/// <summary>One connection that posts and reads whole answers, as cheaply as can be: on a machine that runs the server and the database as well,
/// a caller's own work must not be what is measured.</summary>
sealed class RawClient(Callers callers) : IDisposable, IValueTaskSource
{
    readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    ManualResetValueTaskSourceCore<bool> readable;
    readonly byte[] received = new byte[32 * 1024];
    readonly byte[] sent = new byte[16 * 1024];

    public Socket Socket => socket;

    public static RawClient Connect(Callers callers, Uri server)
    {
        var client = new RawClient(callers);
        client.socket.Connect(IPAddress.Loopback, server.Port);
        return client;
    }

    /// <summary>Something came: whoever waits for it goes on, here and now.</summary>
    public void Readable() => readable.SetResult(true);

    void IValueTaskSource.GetResult(short token) => readable.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => readable.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        readable.OnCompleted(continuation, state, token, flags);

    async ValueTask<int> Read(int have)
    {
        readable.Reset();
        callers.Wait(this);
        await new ValueTask(this, readable.Version);
        var read = socket.Receive(received.AsSpan(have));
        return read > 0 ? read : throw new IOException("The server closed the connection.");
    }

    /// <returns>The status and the body; the body is valid until the next call.</returns>
    public async ValueTask<(int Status, ReadOnlyMemory<byte> Body)> Post(string path, string headers, ReadOnlyMemory<byte> body)
    {
        var head = Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: bench\r\n{headers}Content-Length: {body.Length}\r\n\r\n", sent);
        body.CopyTo(sent.AsMemory(head));
        var left = sent.AsMemory(0, head + body.Length);
        while (left.Length > 0) left = left[socket.Send(left.Span)..];
        return await Receive();
    }

    async ValueTask<(int, ReadOnlyMemory<byte>)> Receive()
    {
        var have = 0;
        while (true)
        {
            have += await Read(have);
            var head = received.AsSpan(0, have).IndexOf("\r\n\r\n"u8);
            if (head < 0) continue;
            var status = int.Parse(Encoding.ASCII.GetString(received, 9, 3), CultureInfo.InvariantCulture);
            var headers = Encoding.ASCII.GetString(received, 0, head);
            var body = head + 4;
            if (Length(headers) is { } length)
            {
                while (have < body + length) have += await Read(have);
                return (status, received.AsMemory(body, length));
            }
            if (!headers.Contains("chunked", StringComparison.OrdinalIgnoreCase)) return (status, default);
            while (!received.AsSpan(body, have - body).EndsWith("0\r\n\r\n"u8)) have += await Read(have);
            return (status, Unchunk(body, have));
        }
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
