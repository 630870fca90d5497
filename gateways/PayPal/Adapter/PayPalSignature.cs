using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Purser.Gateways.PayPal;

/// <summary>A webhook's signature, checked without asking them: the certificate that the message names, its chain, and RSA over a line that holds
/// the transmission, our webhook's ID and a checksum of the body. It proves that they sent something like this; since a body can be made
/// for any checksum, it does not prove what the body says.</summary>
static class PayPalSignature
{
    const string Certificates = "/v1/notifications/certs/";
    const string Algorithm = "SHA256withRSA";
    const string Id = "PAYPAL-TRANSMISSION-ID", Time = "PAYPAL-TRANSMISSION-TIME", Signature = "PAYPAL-TRANSMISSION-SIG";
    const string CertificateUrl = "PAYPAL-CERT-URL", AlgorithmName = "PAYPAL-AUTH-ALGO";
    const int LongestHeader = 2048;
    const int MostCertificates = 8;

    /// <summary>They set no limit. A message may be tried again for three days, and whether its time is then renewed is not known.</summary>
    static readonly TimeSpan Oldest = TimeSpan.FromDays(4);
    static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    static readonly ImmutableHashSet<string> LiveHosts = ["api.paypal.com", "api-m.paypal.com"];
    static readonly ImmutableHashSet<string> TestHosts = ["api.sandbox.paypal.com", "api-m.sandbox.paypal.com"];

    /// <summary>Where to fetch the certificate, when the message names a place that is theirs. Nothing has been checked yet when this is asked.</summary>
    public static Uri? CertificateAddress(RawMessage message, GatewayAccount account)
    {
        if (message.Header(CertificateUrl) is not { Length: <= LongestHeader } text || !Uri.TryCreate(text, UriKind.Absolute, out var url)) return null;
        // As it stands and not as a parser would like it: no other spelling of the same place.
        if (url.AbsoluteUri != text || url.UserInfo.Length > 0 || url.Query.Length > 0 || url.Fragment.Length > 0) return null;
        if (!url.AbsolutePath.StartsWith(Certificates, StringComparison.Ordinal)) return null;
        var name = url.AbsolutePath[Certificates.Length..];
        if (name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')) return null;
        var theirs = url.Scheme == Uri.UriSchemeHttps && url.IsDefaultPort && (LiveHosts.Contains(url.Host) || (account.TestMode && TestHosts.Contains(url.Host)));
        // A simulator publishes its certificates where it answers calls.
        var simulators = account.TestMode && url.Scheme == account.BaseUrl.Scheme && url.Authority == account.BaseUrl.Authority;
        return theirs || simulators ? url : null;
    }

    /// <summary>Why the message is not taken for theirs, or null.</summary>
    public static string? Refuses(RawMessage message, GatewayAccount account) => Check(message, account, null);

    public static string? RefusesAccount(GatewayAccount account)
    {
        if (account.OptionalSetting(PayPalGateway.WebhookCheck) is { } check && check is not (PayPalGateway.ByCertificate or PayPalGateway.ByCall))
            return $"The setting '{PayPalGateway.WebhookCheck}' is neither '{PayPalGateway.ByCertificate}' nor '{PayPalGateway.ByCall}'.";
        if (account.OptionalSetting(PayPalGateway.TrustedRoot) is not { } pem) return null;
        if (!account.TestMode) return $"The setting '{PayPalGateway.TrustedRoot}' is for test mode only.";
        var roots = Read(pem);
        foreach (var root in roots) root.Dispose();
        return roots.Count == 0 ? $"The setting '{PayPalGateway.TrustedRoot}' holds no certificate in PEM." : null;
    }

    public static ImmutableArray<SignatureRecipe> Recipes { get; } =
    [
        new("webhook", "RSA with SHA-256, by the certificate that the message names, over the transmission, our webhook's ID and the CRC-32 of the body.", Show),
    ];

    static SignatureTrace Show(RawMessage message, GatewayAccount account)
    {
        var steps = ImmutableArray.CreateBuilder<SignatureStep>();
        var why = Check(message, account, steps);
        steps.Add(new("Verdict", why is null ? "signed by them" : "refused", why));
        return new(steps.ToImmutable(), message.Header(Signature), null, why is null);
    }

    static string? Check(RawMessage message, GatewayAccount account, ImmutableArray<SignatureStep>.Builder? steps)
    {
        if (Misshapen(message, account) is { } misshapen) return misshapen;
        var (id, time, signature) = (Header(message, Id)!, Header(message, Time)!, Convert.FromBase64String(Header(message, Signature)!));
        steps?.Add(new("Address of the certificate", Header(message, CertificateUrl)!, "One of their hosts, https, below the folder of certificates."));

        var crc = Crc32.Of(message.Body.Span);
        steps?.Add(new("CRC-32 of the body", crc.ToString(CultureInfo.InvariantCulture), "Of the bytes as they came, as an unsigned number."));
        // Their own word counts as much as their certificate, and no more: our rules about the time stay.
        if (message.Confirmed is { } theirs) return theirs ? Untimely(time, message) : "they say that it is not theirs";
        if (message.Published is not { } file) return "its certificate is not at hand";

        var certificates = Read(Encoding.Latin1.GetString(file.Span));
        try
        {
            if (certificates is not [var leaf, .. var others]) return "no certificate where it should be";
            steps?.Add(new("Certificate", leaf.Subject, "The first in the file; the others only lead to a root."));
            if (!IsTheirs(leaf)) return "a certificate for another name";
            if (!IsTrusted(leaf, others, account, message.ReceivedAt)) return "a certificate that no trusted root stands for";
            using var key = leaf.GetRSAPublicKey();
            if (key is null) return "a certificate without an RSA key";
            var right = false;
            foreach (var webhook in account.SeveralSettings(PayPalGateway.WebhookId))
            {
                var signed = $"{id}|{time}|{webhook}|{crc.ToString(CultureInfo.InvariantCulture)}";
                var fits = key.VerifyData(Encoding.UTF8.GetBytes(signed), signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
                steps?.Add(new("Signed text", signed, fits ? "The signature fits." : "The signature does not fit."));
                right |= fits;
            }
            if (!right) return "a wrong signature";
        }
        finally
        {
            foreach (var certificate in certificates) certificate.Dispose();
        }

        return Untimely(time, message);
    }

    /// <summary>What nothing need be fetched or asked for.</summary>
    static string? Misshapen(RawMessage message, GatewayAccount account)
    {
        if (Header(message, Id) is null) return "no transmission id";
        if (Header(message, Time) is null) return "no transmission time";
        if (Header(message, Signature) is not { } signature) return "no signature";
        if (Header(message, AlgorithmName) != Algorithm) return "another algorithm";
        if (CertificateAddress(message, account) is null) return "a certificate that is not theirs";
        return Convert.TryFromBase64String(signature, new byte[signature.Length], out _) ? null : "a signature that is not base64";
    }

    /// <summary>Our own rule. The same news again is told by the id of the event.</summary>
    static string? Untimely(string time, RawMessage message)
    {
        if (PayPalMapping.Time(time) is not { } sent) return "a time that cannot be read";
        if (sent > message.ReceivedAt + ClockSkew) return "sent in the future";
        return sent < message.ReceivedAt - Oldest ? "too old" : null;
    }

    static string? Header(RawMessage message, string name) => message.Header(name) is { Length: > 0 and <= LongestHeader } value ? value : null;

    /// <summary>The question whether the message is theirs, for one of our webhooks; null when it need not be asked.</summary>
    public static byte[]? Question(RawMessage message, GatewayAccount account, string webhook)
    {
        if (Misshapen(message, account) is not null || Untimely(Header(message, Time)!, message) is not null || !IsOneObject(message.Body)) return null;
        var head = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string>
        {
            ["auth_algo"] = Algorithm,
            ["cert_url"] = Header(message, CertificateUrl)!,
            ["transmission_id"] = Header(message, Id)!,
            ["transmission_sig"] = Header(message, Signature)!,
            ["transmission_time"] = Header(message, Time)!,
            ["webhook_id"] = webhook,
        });
        // As it came: what is parsed and written again is another body to them.
        return [.. head.AsSpan(0, head.Length - 1), .. ",\"webhook_event\":"u8, .. message.Body.Span, (byte)'}'];
    }

    /// <summary>One whole object and nothing behind it: a body that closed the event early could bring another webhook's ID into the question.</summary>
    static bool IsOneObject(ReadOnlyMemory<byte> body)
    {
        if (!Utf8.IsValid(body.Span)) return false;
        try
        {
            using var read = JsonDocument.Parse(body);
            return read.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>The certificates of a PEM text, as far as they can be read.</summary>
    static List<X509Certificate2> Read(string pem)
    {
        var certificates = new List<X509Certificate2>();
        var rest = pem.AsSpan();
        while (certificates.Count < MostCertificates && PemEncoding.TryFind(rest, out var found))
        {
            if (rest[found.Label] is "CERTIFICATE")
                try
                {
                    certificates.Add(X509CertificateLoader.LoadCertificate(Convert.FromBase64String(rest[found.Base64Data].ToString())));
                }
                catch (CryptographicException)
                {
                    return certificates;
                }
            rest = rest[found.Location.End..];
        }
        return certificates;
    }

    /// <summary>By name only as far as their domain; the exact name of their live certificate is not confirmed.</summary>
    static bool IsTheirs(X509Certificate2 leaf)
    {
        var names = leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames()).Append(leaf.GetNameInfo(X509NameType.SimpleName, forIssuer: false));
        return names.Any(n => n.Equals("paypal.com", StringComparison.OrdinalIgnoreCase) || n.EndsWith(".paypal.com", StringComparison.OrdinalIgnoreCase));
    }

    static bool IsTrusted(X509Certificate2 leaf, IEnumerable<X509Certificate2> others, GatewayAccount account, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        // Nothing is fetched here: neither lists of revoked certificates nor missing links.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.ExtraStore.AddRange(others.ToArray());
        var roots = account.TestMode && account.OptionalSetting(PayPalGateway.TrustedRoot) is { } pem ? Read(pem) : [];
        if (roots.Count > 0)
        {
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.AddRange(roots.ToArray());
        }
        try
        {
            return chain.Build(leaf);
        }
        finally
        {
            foreach (var element in chain.ChainElements) element.Certificate.Dispose();
            foreach (var root in roots) root.Dispose();
        }
    }

    /// <summary>A certificate of nobody's, whose key was thrown away; shows the form of the setting.</summary>
    public const string ExampleRoot =
        """
        -----BEGIN CERTIFICATE-----
        MIIBeTCCAR+gAwIBAgIUcvqJL7083Kc9tyUcV6reRG2oN/IwCgYIKoZIzj0EAwIw
        ETEPMA0GA1UEAwwGTm9ib2R5MCAXDTI2MTEyMTA5NDYxN1oYDzIxMjYxMDI4MDk0
        NjE3WjARMQ8wDQYDVQQDDAZOb2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
        AARrj0F3+Mlw7cm1nqMJCtunQnhNHuZAEvizFpR1k0SZOzvt4NaGavw5A6u3TzdH
        OLr46huhsWCbcP85lI/sfbx+o1MwUTAdBgNVHQ4EFgQULO4R1MqQF4rRh0/SnDbw
        ltNwnDUwHwYDVR0jBBgwFoAULO4R1MqQF4rRh0/SnDbwltNwnDUwDwYDVR0TAQH/
        BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAh5WCm9mY28oNl7uSLWhzOnT/WhD8
        XcHl+0pKP9d3WR0CICFt7PEJDRPLx9ec2GuUHijSJP5ot7rDHJWroXewe9He
        -----END CERTIFICATE-----
        """;
}
