using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Text;
using Purser.Server.Invoices;
using Purser.Server.Platform;

namespace Purser.Server.Mail;

/// <summary>How mail is sent, from the section <c>Mail</c>. Without a host nobody is written to.</summary>
public sealed record MailOptions
{
    public const string Section = "Mail";
    const int ImplicitTlsPort = 465;
    const int StartTlsPort = 587;

    /// <summary>The server that mails are handed to.</summary>
    public string? Host { get; init; }
    public int Port { get; init; } = StartTlsPort;
    public string? User { get; init; }
    public string? Password { get; init; }

    /// <summary><c>starttls</c>; <c>implicit</c> for TLS from the first byte; or <c>none</c> for a server on this machine.</summary>
    public string Tls { get; init; } = "starttls";

    /// <summary>Who mails are from: <c>pay@shop.example</c> or <c>Tea Shop &lt;pay@shop.example&gt;</c>.</summary>
    public string? From { get; init; }

    /// <summary>Addresses that hear of discrepancies and dead receivers, separated by commas.</summary>
    public string? Operators { get; init; }

    /// <summary>The language of mails to shoppers whose order names none.</summary>
    public string Locale { get; init; } = "en";

    /// <summary>The zone that times are told in, by its IANA name: <c>Asia/Kolkata</c>.</summary>
    public string TimeZone { get; init; } = "UTC";

    /// <summary>For a whole exchange with the server.</summary>
    public TimeSpan TimeOut { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For development: mails stay here, and a page shows them. A host comes before it.</summary>
    public bool Mailbox { get; init; }

    /// <summary>Nobody is written to any more, by any node; what waits is given up. A node that merely lacks the settings ends nothing.</summary>
    public bool Ended { get; init; }

    public bool UsesMailbox => Mailbox && Host is not { Length: > 0 };

    public bool IsConfigured => !Ended && (Host is { Length: > 0 } || Mailbox);

    public bool RequiresTls => Tls != "none";

    public bool BeginsWithTls => Tls == "implicit";

    /// <summary>Where nothing else is said, a sender that nobody can mistake for a real one.</summary>
    public MailAddress Sender => MailAddress.TryCreate(From, out var address) && IsPlain(address) ? address : new MailAddress("purser@localhost.localdomain", "Purser");

    /// <summary>The sender's domain as it stands in a <c>Message-ID</c>, where only ASCII may: <c>xn--shp-tna.example</c>.</summary>
    public string SenderDomain => new IdnMapping().GetAscii(Sender.Host);

    public IReadOnlyList<string> OperatorAddresses => Operators?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        ?? (UsesMailbox ? ["operators@localhost.localdomain"] : []);

    /// <summary>An address that mail can be sent to: without a name beside it, and ASCII before the @, as all that this way of sending can write.</summary>
    public static bool IsBare(MailAddress address, string text) => IsPlain(address) && address.Address == text && Ascii.IsValid(address.User);

    public static MailOptions Of(IConfiguration configuration) => configuration.GetSection(Section).Get<MailOptions>() ?? new MailOptions();

    /// <summary>An address that can stand in a header as it is.</summary>
    public static bool IsPlain(MailAddress address) => !address.DisplayName.Any(char.IsControl) && !address.Address.Any(c => char.IsControl(c) || char.IsWhiteSpace(c));

    /// <summary>Faults of the settings as they are written, each with its name and remedy. Settings without a server would be a promise that nobody is told of its end.</summary>
    public static IEnumerable<string> Faults(IConfiguration configuration, PurserOptions purser)
    {
        var set = configuration.GetSection(Section).GetChildren().Where(c => c.Value is { Length: > 0 } || c.GetChildren().Any()).Select(c => c.Key).ToList();
        var known = typeof(MailOptions).GetProperties().Where(p => p.CanWrite).Select(p => p.Name).ToArray();
        foreach (var unknown in set.Where(s => !known.Contains(s, StringComparer.OrdinalIgnoreCase)))
            yield return $"{Section}:{unknown} is no setting; leave it out, or use one of {string.Join(", ", known)}.";
        var options = Of(configuration);
        foreach (var fault in options.Faults(purser)) yield return fault;
        if (options.IsConfigured || options.Ended) yield break;
        // Invoices are written in the language and the zone of mails, also where there is no mail.
        string[] alone = InvoiceOptions.Of(configuration).IsConfigured ? [nameof(Mailbox), nameof(Ended), nameof(Locale), nameof(TimeZone)] : [nameof(Mailbox), nameof(Ended)];
        var idle = set.Where(s => known.Contains(s, StringComparer.OrdinalIgnoreCase) && !alone.Contains(s, StringComparer.OrdinalIgnoreCase)).Select(s => $"{Section}:{s}").ToList();
        if (idle.Count > 0)
            yield return $"{Section}:Host is missing beside {string.Join(", ", idle)}, so nobody would be written to; set it to the server that mails are handed to, or leave all of {Section} out to send none.";
    }

    /// <summary>Faults of the settings' values.</summary>
    public IEnumerable<string> Faults(PurserOptions purser)
    {
        if (Mailbox && !purser.Demo)
            yield return $"{Section}:Mailbox is true and {PurserOptions.Section}:Demo is not: mails would stay in memory and reach nobody. Leave it out, and set {Section}:Host to the server that mails are handed to.";
        if (!MailWords.Locales.Contains(Locale)) yield return $"{Section}:Locale is '{Locale}'; set it to one of {string.Join(", ", MailWords.Locales)}.";
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(TimeZone, out _)) yield return $"{Section}:TimeZone is '{TimeZone}'; set it to a name such as Asia/Kolkata or UTC.";
        foreach (var address in OperatorAddresses)
            if (!MailAddress.TryCreate(address, out var parsed) || !IsBare(parsed, address)) yield return $"{Section}:Operators has '{address}'; each entry is an address such as money@shop.example.";
        if (Host is not { Length: > 0 }) yield break;
        if (Host.Contains("://", StringComparison.Ordinal) || Host.Any(c => char.IsWhiteSpace(c) || c == '/'))
            yield return $"{Section}:Host is '{Host}'; set it to a name or an address such as smtp.example.com, and {Section}:Port to the port.";
        if (Port is < 1 or > 65535) yield return $"{Section}:Port is {Port}; set it to the server's port, mostly {StartTlsPort} for STARTTLS and {ImplicitTlsPort} for TLS from the first byte.";
        else if (Tls is not ("starttls" or "implicit" or "none"))
            yield return $"{Section}:Tls is '{Tls}'; set it to starttls, to implicit for TLS from the first byte (port {ImplicitTlsPort}), or to none for a server on this machine.";
        else if (Port == ImplicitTlsPort && !BeginsWithTls)
            yield return $"{Section}:Port is {Port} and {Section}:Tls is {Tls}; at this port TLS begins with the first byte. Set {Section}:Tls to implicit, or use the server's port for STARTTLS, mostly {StartTlsPort}.";
        else if (Port == StartTlsPort && BeginsWithTls)
            yield return $"{Section}:Port is {Port} and {Section}:Tls is implicit; this port is for STARTTLS. Set {Section}:Port to {ImplicitTlsPort}, or {Section}:Tls to starttls.";
        if (!RequiresTls && !IsHere(Host)) yield return $"{Section}:Tls is none and {Section}:Host is not this machine; mails and passwords would travel in the open. Set it to starttls.";
        if (!MailAddress.TryCreate(From, out var from) || !IsBare(from, from.Address))
            yield return $"{Section}:From is '{From}'; set it to the address that mails are from, such as Tea Shop <pay@shop.example>.";
        if (User is { Length: > 0 } != Password is { Length: > 0 }) yield return $"{Section}:User and {Section}:Password belong together; set both or none.";
        if (TimeOut < TimeSpan.FromSeconds(1) || TimeOut > TimeSpan.FromMinutes(2)) yield return $"{Section}:TimeOut is {TimeOut}; set it between 00:00:01 and 00:02:00.";
        if (purser.PublicUrl is not { Length: > 0 } && !IsHere(Host))
            yield return $"{PurserOptions.Section}:PublicUrl is not set; mails hold links, which must lead to the address that shoppers reach, such as https://pay.example.com.";
    }

    static bool IsHere(string host) => host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
