using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Purser.Server.Mail;

/// <summary>Asks the mail server what it offers, without a password and without a mail: for `purser doctor`.</summary>
public static class MailProbe
{
    const int MostLines = 100;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <returns>What is wrong; null when nothing is.</returns>
    /// <param name="trust">As <see cref="SmtpLine.Trust"/>.</param>
    public static async Task<string?> Ask(MailOptions options, CancellationToken stop, X509ChainPolicy? trust = null)
    {
        var place = $"{options.Host}:{options.Port}";
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(options.Host!, options.Port, patience.Token);
            await using Stream stream = options.BeginsWithTls ? await SmtpTunnel.Secure(client.GetStream(), options.Host!, trust, patience.Token) : client.GetStream();
            using var reader = new StreamReader(stream, Encoding.Latin1);
            if ((await Reply(reader, patience.Token)).Code != "220") return $"{place} answers, and not as a mail server does.";
            await stream.WriteAsync("EHLO purser.invalid\r\n"u8.ToArray(), patience.Token);
            var (code, lines) = await Reply(reader, patience.Token);
            if (code != "250") return $"{place} does not speak ESMTP.";
            await stream.WriteAsync("QUIT\r\n"u8.ToArray(), patience.Token);
            return options.RequiresTls && !options.BeginsWithTls && !lines.Contains("STARTTLS", StringComparer.OrdinalIgnoreCase)
                ? $"{place} offers no STARTTLS, so nothing will be sent. Use its port for it, mostly 587, or its port for TLS from the first byte, mostly 465, with Mail:Tls=implicit."
                : null;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return $"{place} says nothing for {Patience.TotalSeconds} seconds.{(options.BeginsWithTls ? "" : " A port for TLS from the first byte, mostly 465, would be silent so, too: it wants Mail:Tls=implicit.")}";
        }
        catch (SmtpTunnel.NotSpokenException other)
        {
            return $"{place} does not speak TLS from the first byte, or none that this machine takes ({other.InnerException?.Message}), so nothing will be sent. Use its port for it, mostly 465, or set Mail:Tls to starttls.";
        }
        catch (AuthenticationException)
        {
            return $"{place} shows a certificate that is not accepted, so nothing will be sent: it must be of this name, not outdated, and of an authority that this machine trusts.";
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
