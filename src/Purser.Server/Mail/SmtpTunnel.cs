using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Purser.Server.Mail;

/// <summary>TLS from the first byte, as servers speak it at port 465. The framework's client knows only STARTTLS; so it speaks in the open to a port of this process, which
/// takes one connection, and what passes there goes on encrypted.</summary>
sealed class SmtpTunnel : IAsyncDisposable
{
    readonly TcpClient line;
    readonly SslStream secure;
    readonly TcpListener door = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource ending = new();
    readonly Task carrying;

    SmtpTunnel(TcpClient line, SslStream secure)
    {
        (this.line, this.secure) = (line, secure);
        door.Start(1);
        Port = ((IPEndPoint)door.LocalEndpoint).Port;
        carrying = Carry(ending.Token);
    }

    /// <summary>Where the framework's client is to connect, on this machine.</summary>
    public int Port { get; }

    /// <summary>Whoever answers does not speak TLS from the first byte.</summary>
    public sealed class NotSpokenException(Exception inner) : IOException("TLS from the first byte is not spoken there.", inner);

    /// <summary>Connects, and checks who answers, before anything is said. Throws <see cref="AuthenticationException"/> for a certificate that does not fit.</summary>
    /// <param name="trust">Which roots are trusted, where it is not this machine's; for tests.</param>
    public static async Task<SmtpTunnel> Open(MailOptions options, X509ChainPolicy? trust, CancellationToken stop)
    {
        var line = new TcpClient();
        try
        {
            await line.ConnectAsync(options.Host!, options.Port, stop);
            return new SmtpTunnel(line, await Secure(line.GetStream(), options.Host!, trust, stop));
        }
        catch
        {
            line.Dispose();
            throw;
        }
    }

    public static async Task<SslStream> Secure(Stream open, string host, X509ChainPolicy? trust, CancellationToken stop)
    {
        var isShown = false;
        var secure = new SslStream(open);
        try
        {
            await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = host,
                CertificateChainPolicy = trust,
                RemoteCertificateValidationCallback = (_, _, _, errors) => (isShown = true) && errors == SslPolicyErrors.None,
            }, stop);
            return secure;
        }
        catch (AuthenticationException other) when (!isShown)
        {
            await secure.DisposeAsync();
            throw new NotSpokenException(other);
        }
        catch
        {
            await secure.DisposeAsync();
            throw;
        }
    }

    async Task Carry(CancellationToken stop)
    {
        try
        {
            using var client = await door.AcceptTcpClientAsync(stop);
            // The door stays ours until the end: nobody else gets a port that the client may still come to.
            await Task.WhenAll(Pour(client.GetStream(), secure), Pour(secure, client.GetStream()));

            // Whichever side ends first ends both.
            async Task Pour(Stream from, Stream to)
            {
                try
                {
                    await from.CopyToAsync(to, stop);
                }
                finally
                {
                    client.Close();
                    line.Close();
                }
            }
        }
        catch (Exception gone) when (gone is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One of the two went away, and the client says so.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await carrying;
        door.Dispose();
        await secure.DisposeAsync();
        line.Dispose();
        ending.Dispose();
    }
}
