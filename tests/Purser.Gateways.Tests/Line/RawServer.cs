using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Purser.Gateways.Tests.Line;

/// <summary>A server that speaks bytes: each connection is handed to a script. For faults that no HTTP server can be talked into.</summary>
sealed class RawServer : IAsyncDisposable
{
    readonly TcpListener listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource stop = new();
    readonly Task serving;
    int requests;

    public RawServer(Func<Connection, Task> script)
    {
        listener.Start();
        serving = Serve(script);
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

    /// <summary>How many whole requests arrived, on all connections.</summary>
    public int Requests => requests;

    async Task Serve(Func<Connection, Task> script)
    {
        var open = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await listener.AcceptSocketAsync(stop.Token);
                open.Add(Run(script, socket));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException or InvalidOperationException)
        {
            await Task.WhenAll(open);
        }
    }

    async Task Run(Func<Connection, Task> script, Socket socket)
    {
        using (socket)
        {
            try
            {
                await script(new Connection(this, socket, stop.Token));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or IOException)
            {
                // The other side left, which is what these scripts are about.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        await serving;
        stop.Dispose();
    }

    public sealed class Connection(RawServer server, Socket socket, CancellationToken stop)
    {
        /// <summary>Reads one request whole: its head, and as much body as its Content-Length says. Null when the client left.</summary>
        public async Task<string?> ReadRequest()
        {
            var text = new StringBuilder();
            var buffer = new byte[8192];
            while (true)
            {
                var end = text.ToString().IndexOf("\r\n\r\n", StringComparison.Ordinal);
                if (end >= 0)
                {
                    var head = text.ToString(0, end);
                    var length = head.Split("\r\n").Select(l => l.Split(": ")).Where(l => l[0] == "Content-Length").Select(l => int.Parse(l[1])).SingleOrDefault();
                    if (text.Length >= end + 4 + length)
                    {
                        Interlocked.Increment(ref server.requests);
                        return text.ToString();
                    }
                }
                var read = await socket.ReceiveAsync(buffer, stop);
                if (read == 0) return null;
                text.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
        }

        /// <summary>Whatever has come so far, which is not all of a long request.</summary>
        public async Task ReadSome() => await socket.ReceiveAsync(new byte[8192], stop);

        public Task Write(string text) => Write(Encoding.Latin1.GetBytes(text));

        public async Task Write(byte[] bytes) => await socket.SendAsync(bytes, stop);

        public Task Answer(string body, string status = "200 OK") =>
            Write($"HTTP/1.1 {status}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

        /// <summary>Ends with a reset instead of a farewell.</summary>
        public void Reset() => socket.LingerState = new LingerOption(true, 0);

        public Task Forever() => Task.Delay(Timeout.Infinite, stop);
    }
}
