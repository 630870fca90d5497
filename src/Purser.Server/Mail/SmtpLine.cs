using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Purser.Server.Deliveries;

namespace Purser.Server.Mail;

/// <summary>The way that letters leave. It never throws for what the other side does.</summary>
public interface IMailLine
{
    /// <summary>Where they go first, for the log of attempts.</summary>
    string Address { get; }

    Task<DeliveryAnswer> Send(Letter letter, CancellationToken stop);
}

/// <summary>Letters handed to an SMTP server by the framework's client: TLS or nothing, one connection for each, so that nothing hangs on another's.</summary>
public sealed class SmtpLine(MailOptions options, TimeProvider time) : IMailLine
{
    const int Taken = 250;

    /// <summary>Whom TLS from the first byte trusts, where it is not whom this machine trusts; for tests.</summary>
    internal X509ChainPolicy? Trust { get; init; }

    public string Address => $"smtp://{options.Host}:{options.Port}";

    public async Task<DeliveryAnswer> Send(Letter letter, CancellationToken stop)
    {
        var (sentAt, began) = (time.GetUtcNow(), time.GetTimestamp());
        DeliveryAnswer Answer(int? status, string? trouble, string? text = null, bool final = false) =>
            new(sentAt, time.GetElapsedTime(began), status, trouble, text is null ? null : Without(letter.To, text), null, "") { IsFinal = final };

        using var message = new MailMessage { From = options.Sender, Subject = Plain.Line(letter.Subject), SubjectEncoding = Encoding.UTF8, HeadersEncoding = Encoding.UTF8 };
        foreach (var to in letter.To)
        {
            // The framework reads "one@a.example, two@b.example" as the second with the first for its name.
            if (!MailAddress.TryCreate(to, out var address) || address.Address != to || !MailOptions.IsPlain(address)) return Answer(null, "The address is none that mail can be sent to.", final: true);
            if (!Ascii.IsValid(address.User)) return Answer(null, "The part of the address before the @ is not ASCII, which this way of sending cannot write.", final: true);
            // Of what came from outside only the address: a name beside it is one more place to lie in.
            message.To.Add(new MailAddress(address.Address));
        }
        message.Headers["Message-ID"] = letter.MessageId;
        message.Headers["Auto-Submitted"] = "auto-generated";
        message.Headers["X-Auto-Response-Suppress"] = "All";
        message.AlternateViews.Add(AlternateView.CreateAlternateViewFromString(letter.Text, Encoding.UTF8, "text/plain"));
        message.AlternateViews.Add(AlternateView.CreateAlternateViewFromString(letter.Html, Encoding.UTF8, "text/html"));
        if (letter.Enclosure is { } enclosure) message.Attachments.Add(new Attachment(new MemoryStream(enclosure.Bytes), enclosure.FileName, "application/pdf"));

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(options.TimeOut);
        try
        {
            await using var tunnel = options.BeginsWithTls ? await SmtpTunnel.Open(options, Trust, patience.Token) : null;
            using var client = new SmtpClient(tunnel is null ? options.Host! : $"{IPAddress.Loopback}", tunnel?.Port ?? options.Port)
            {
                // With this a server that offers no STARTTLS is not told anything.
                EnableSsl = options.RequiresTls && tunnel is null,
                Credentials = options.User is { Length: > 0 } user ? new NetworkCredential(user, options.Password) : null,
            };
            await client.SendMailAsync(message, patience.Token);
            return Answer(Taken, null);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return Answer(null, $"No answer within {options.TimeOut.TotalSeconds:0.#} seconds.");
        }
        catch (SmtpFailedRecipientException refused)
        {
            SmtpFailedRecipientException[] each = refused is SmtpFailedRecipientsException several ? several.InnerExceptions : [refused];
            var (first, words) = (each.FirstOrDefault(e => !IsForGood(e)) ?? each[0], string.Join(' ', each.Select(e => e.Message)));
            // Of the class 5.7 are refusals of us and not of the recipient: another day, or another setting, may help.
            if (each.Length == message.To.Count) return Answer((int)first.StatusCode, "The server did not take the recipient.", words, IsForGood(first) && !words.Contains(" 5.7.", StringComparison.Ordinal));
            // It says so at the end, when the others have the mail: they should not have it again and again for one who will never be taken.
            var missed = $"The server did not take {string.Join(", ", each.Select(e => $"recipient {Place(letter.To, e.FailedRecipient?.Trim('<', '>') ?? "")}"))} of {letter.To.Length}.";
            return Answer(IsForGood(first) ? Taken : (int)first.StatusCode, missed, words) with { HasReachedSome = true };
        }
        catch (SmtpException failed) when ((int)failed.StatusCode > 0)
        {
            return Answer((int)failed.StatusCode, "The server did not take the mail.", failed.Message);
        }
        catch (Exception failed) when (failed is SmtpException or IOException or AuthenticationException or System.Net.Sockets.SocketException)
        {
            return Answer(null, (failed.InnerException ?? failed) switch
            {
                _ when failed is SmtpTunnel.NotSpokenException => "The server does not speak TLS from the first byte, and nothing is sent in the open.",
                AuthenticationException => "The connection could not be secured: the certificate was not accepted.",
                System.Net.Sockets.SocketException => "No connection: the name is not known, or nobody listens.",
                _ when options.RequiresTls && !options.BeginsWithTls && failed.InnerException is null => "The server offers no STARTTLS, and nothing is sent in the open.",
                _ => "The connection broke.",
            });
        }
    }

    static bool IsForGood(SmtpException refused) => (int)refused.StatusCode >= 500;

    /// <summary>Servers like to repeat the address; it stands on the order, and nowhere else.</summary>
    static string Without(IEnumerable<string> addresses, string text) =>
        addresses.SelectMany(Forms).Aggregate(text, (cleaned, address) => cleaned.Replace(address, "(the recipient)", StringComparison.OrdinalIgnoreCase));

    /// <returns>From 1; 0 when it is none of them.</returns>
    static int Place(ImmutableArray<string> addresses, string failed) =>
        addresses.TakeWhile(a => !Forms(a).Contains(failed, StringComparer.OrdinalIgnoreCase)).Count() is var before && before < addresses.Length ? before + 1 : 0;

    /// <summary>As it stands on the order, and as it is sent where its host's name is not ASCII.</summary>
    static IEnumerable<string> Forms(string address)
    {
        yield return address;
        var host = address.LastIndexOf('@') + 1;
        if (!Ascii.IsValid(address) && AsciiOf(address[host..]) is { } sent) yield return address[..host] + sent;
    }

    static string? AsciiOf(string host)
    {
        try
        {
            return new IdnMapping().GetAscii(host);
        }
        catch (ArgumentException)
        {
            // No name of a host: nothing was sent to it.
            return null;
        }
    }
}
