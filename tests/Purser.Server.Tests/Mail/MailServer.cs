using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Mail;

/// <summary>A mail as an independent parser read it.</summary>
sealed record Mailed(
    string Id, string Subject, string From, IReadOnlyList<string> To, string ToHeader, string Text, string Html, string? Date, IReadOnlyList<string> Headers, bool Secure, string? User,
    int Attachments, string Type);

/// <summary>A real SMTP server on this machine: npm's smtp-server, with mailparser behind it.</summary>
sealed class MailServer : IAsyncDisposable
{
    static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    readonly Process node;
    readonly ConcurrentQueue<Mailed> mails = [];
    readonly TaskCompletionSource<int> listens = new();
    TaskCompletionSource said = new();
    readonly Task reading;
    bool ended;

    MailServer(Process node)
    {
        this.node = node;
        reading = Task.Run(Read);
    }

    public int Port { get; private set; }

    /// <summary>All that it was handed until now. What it says comes in order, so an answer to a question comes after the mails before it.</summary>
    public async Task<IReadOnlyList<Mailed>> All()
    {
        await Be("sync");
        return [.. mails];
    }

    /// <param name="port">0 takes any.</param>
    public static async Task<MailServer> Start(int port = 0, string? key = null, string? certificate = null, string? user = null, string? password = null, bool isImplicit = false)
    {
        var settings = JsonSerializer.Serialize(new { port, key, cert = certificate, user, password, @implicit = isImplicit });
        var start = new ProcessStartInfo("node", ["mail-server.mjs", settings]) { WorkingDirectory = await NpmFolder.Installed, RedirectStandardInput = true, RedirectStandardOutput = true };
        var server = new MailServer(Process.Start(start)!);
        server.Port = await server.listens.Task.WaitAsync(TimeSpan.FromSeconds(60));
        return server;
    }

    /// <summary>take, busy, lose (takes it and breaks off before it says so), hold (takes it and never says so), or refuse and an address, if not all, a code and words.</summary>
    public async Task Be(string mode)
    {
        said = new TaskCompletionSource();
        await node.StandardInput.WriteLineAsync(mode);
        await node.StandardInput.FlushAsync();
        await said.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    public async Task<IReadOnlyList<Mailed>> Wait(int count)
    {
        await Until.True(() => mails.Count >= count, $"{count} mails");
        return [.. mails];
    }

    async Task Read()
    {
        while (await node.StandardOutput.ReadLineAsync() is { } line)
        {
            var json = JsonElement.Parse(line);
            if (json.TryGetProperty("port", out var port)) listens.SetResult(port.GetInt32());
            else if (json.TryGetProperty("mode", out _)) said.TrySetResult();
            else mails.Enqueue(json.Deserialize<Mailed>(Web)!);
        }
        listens.TrySetException(new InvalidOperationException("The mail server ended before it listened."));
    }

    public async ValueTask DisposeAsync()
    {
        if (ended) return;
        ended = true;
        if (!node.HasExited) node.Kill();
        await node.WaitForExitAsync();
        await reading;
        node.Dispose();
    }
}
