using System.Net.Sockets;
using System.Text;

namespace Purser.Server.Mail;

/// <summary>Asks the mail server what it offers, without a password and without a mail: for `purser doctor`.</summary>
public static class MailProbe
{
    const int MostLines = 100;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <returns>What is wrong; null when nothing is.</returns>
    public static async Task<string?> Ask(MailOptions options, CancellationToken stop)
    {
        var place = $"{options.Host}:{options.Port}";
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(options.Host!, options.Port, patience.Token);
            await using var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.Latin1);
            if ((await Reply(reader, patience.Token)).Code != "220") return $"{place} answers, and not as a mail server does.";
            await stream.WriteAsync("EHLO purser.invalid\r\n"u8.ToArray(), patience.Token);
            var (code, lines) = await Reply(reader, patience.Token);
            if (code != "250") return $"{place} does not speak ESMTP.";
            await stream.WriteAsync("QUIT\r\n"u8.ToArray(), patience.Token);
            return options.RequiresTls && !lines.Contains("STARTTLS", StringComparer.OrdinalIgnoreCase)
                ? $"{place} offers no STARTTLS, so nothing will be sent. Use its port for it, mostly 587."
                : null;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return $"{place} says nothing for {Patience.TotalSeconds} seconds. Port 465 would be silent so, too; use the one for STARTTLS, mostly 587.";
        }
        catch (Exception away) when (away is SocketException or IOException)
        {
            return $"{place} cannot be reached: {away.Message}";
        }
    }

    /// <summary>A reply has lines `250-...` and a last one `250 ...`.</summary>
    static async Task<(string Code, IReadOnlyList<string> Lines)> Reply(StreamReader reader, CancellationToken stop)
    {
        var lines = new List<string>();
        while (lines.Count < MostLines && await reader.ReadLineAsync(stop) is { Length: >= 3 } line)
        {
            lines.Add(line.Length > 4 ? line[4..].Trim() : "");
            if (line.Length == 3 || line[3] != '-') return (line[..3], lines);
        }
        return ("", lines);
    }
}
