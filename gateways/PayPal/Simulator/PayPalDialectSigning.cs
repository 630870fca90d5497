using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.PayPal;

// Webhooks are signed with a certificate's key over a checksum of the body.
public sealed partial class PayPalDialect
{
    const string Algorithm = "SHA256withRSA", CertificatesPath = "/v1/notifications/certs/";

    /// <param name="secrets">The first is the webhook id that is signed with; when there is none nothing is signed.</param>
    public WebhookMessage Webhook(JsonObject payload, string eventId, IReadOnlyList<string> secrets)
    {
        var body = Encoding.UTF8.GetBytes(payload.ToJsonString(Wire.Compact));
        return new(body, "application/json", secrets.Count == 0 ? new Dictionary<string, string>() : Sign(body, secrets[0]));
    }

    Dictionary<string, string> Sign(byte[] body, string webhookId)
    {
        var signer = Setting("certificate", "chain") == "rogue" ? PayPalCertificates.Rogue : PayPalCertificates.Own;
        var (id, time) = (TransmissionId(), PayPalWords.Time(world.Now));
        return new()
        {
            ["PAYPAL-TRANSMISSION-ID"] = id,
            ["PAYPAL-TRANSMISSION-TIME"] = time,
            ["PAYPAL-TRANSMISSION-SIG"] = Convert.ToBase64String(signer.Sign(SignedText(id, time, webhookId, body))),
            ["PAYPAL-CERT-URL"] = new Uri(world.Address, CertificatesPath + signer.Name).ToString(),
            ["PAYPAL-AUTH-ALGO"] = Algorithm,
            ["PAYPAL-AUTH-VERSION"] = "v2",
        };
    }

    public static byte[] SignedText(string transmissionId, string time, string webhookId, ReadOnlySpan<byte> body) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{transmissionId}|{time}|{webhookId}|{Crc32(body)}"));

    /// <summary>The checksum of Ethernet and zip files, without sign.</summary>
    public static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        const uint polynomial = 0xEDB88320;
        var crc = uint.MaxValue;
        foreach (var one in bytes)
        {
            crc ^= one;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ polynomial;
        }

        return ~crc;
    }

    string TransmissionId()
    {
        var digits = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(world.NextId("", 32))));
        return $"{digits[..8]}-{digits[8..12]}-{digits[12..16]}-{digits[16..20]}-{digits[20..32]}";
    }

    Reply Certificate(string name)
    {
        foreach (var signer in new[] { PayPalCertificates.Own, PayPalCertificates.Rogue })
            if (signer.Name == name)
                return Reply.Raw(200, "application/x-pem-file", Encoding.ASCII.GetBytes(Setting("certificate", "chain") == "leaf" ? signer.LeafPem : signer.FilePem));
        return PayPalDialectRules.NotFound;
    }

    Reply VerifyWebhook(Call call)
    {
        if (PayPalDialectRules.Read(call.Body, out var asked) is { } unreadable) return unreadable;
        foreach (var name in new[] { "auth_algo", "cert_url", "transmission_id", "transmission_sig", "transmission_time", "webhook_id", "webhook_event" })
            if (asked[name] is null) return PayPalDialectRules.Invalid("MISSING_REQUIRED_PARAMETER", "/" + name, "A required field is missing.");
        var genuine = asked["auth_algo"]!.ToString() == Algorithm && asked["webhook_id"]!.ToString() == WebhookId
            && asked["cert_url"]!.ToString() == new Uri(world.Address, CertificatesPath + PayPalCertificates.Own.Name).ToString()
            && PayPalCertificates.Own.Signed(
                SignedText(asked["transmission_id"]!.ToString(), asked["transmission_time"]!.ToString(), WebhookId, EventBytes(call.Body)), asked["transmission_sig"]!.ToString());
        return new(200, new JsonObject { ["verification_status"] = genuine ? "SUCCESS" : "FAILURE" });
    }

    /// <summary>The event exactly as it stands in the request: to parse and write it again would change it.</summary>
    static byte[] EventBytes(byte[] body)
    {
        using var document = JsonDocument.Parse(body);
        return Encoding.UTF8.GetBytes(document.RootElement.GetProperty("webhook_event").GetRawText());
    }
}

/// <summary>A chain of test certificates, made once per process: a root, an issuing authority and the leaf whose key signs.</summary>
public sealed class PayPalCertificates
{
    const string Leaf = "messageverificationcerts.simulator.paypal.com";

    static readonly DateTimeOffset From = new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero), Until = new(2054, 1, 1, 0, 0, 0, TimeSpan.Zero);

    static readonly Lazy<PayPalCertificates> Chain = new(() => new(rogue: false)), Impostor = new(() => new(rogue: true));

    readonly RSA key = RSA.Create(2048);
    readonly Lock gate = new();

    PayPalCertificates(bool rogue)
    {
        var request = Request(Leaf, key, authority: false);
        if (rogue)
        {
            using var itself = request.CreateSelfSigned(From, Until);
            RootPem = LeafPem = FilePem = Pem(itself);
        }
        else
        {
            using var rootKey = RSA.Create(2048);
            using var issuerKey = RSA.Create(2048);
            using var root = Request("PURSER SANDBOX ROOT (not PayPal)", rootKey, authority: true).CreateSelfSigned(From, Until);
            using var issuer = Request("PURSER SANDBOX ISSUING CA (not PayPal)", issuerKey, authority: true).Create(root, From, Until, [3, 234]);
            using var issuerWithKey = issuer.CopyWithPrivateKey(issuerKey);
            using var leaf = request.Create(issuerWithKey, From, Until, [3, 235]);
            (RootPem, LeafPem, FilePem) = (Pem(root), Pem(leaf), Pem(leaf) + Pem(issuer));
        }

        Name = "CERT-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(LeafPem)))[..16];
    }

    public static PayPalCertificates Own => Chain.Value;

    /// <summary>Signed by itself, under the same name: what a forger could make.</summary>
    public static PayPalCertificates Rogue => Impostor.Value;

    /// <summary>The last part of its URL.</summary>
    public string Name { get; }

    public string RootPem { get; }

    public string LeafPem { get; }

    /// <summary>The leaf, and the authority that issued it.</summary>
    public string FilePem { get; }

    public byte[] Sign(byte[] text)
    {
        lock (gate) return key.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    public bool Signed(byte[] text, string signature)
    {
        var bytes = new byte[signature.Length];
        lock (gate)
            return Convert.TryFromBase64String(signature, bytes, out var length)
                && key.VerifyData(text, bytes.AsSpan(0, length), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    static CertificateRequest Request(string name, RSA key, bool authority)
    {
        var request = new CertificateRequest($"CN={name}, O=Payments Simulator", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            authority ? X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign : X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        if (authority) return request;
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        return request;
    }

    static string Pem(X509Certificate2 certificate) => certificate.ExportCertificatePem() + "\n";
}
