using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Purser.Sandbox.PayPal;

namespace Purser.Gateways.PayPal.Tests;

/// <summary>The simulator's own signing against the vectors of the documents, whose private key is not known: what it would sign must be what those
/// signatures are over.</summary>
[Verifies(Part.Simulator, By.PublishedVector)]
public sealed class PayPalSimulatorVectorTests
{
    const string Id = "9f3c1a20-49e1-11f0-8f2b-6d3c1b7e5a01", Time = "2025-06-15T15:06:40Z", WebhookId = "1AB23456CD789012E";

    const string Hi =
        "Zkzq2qlEd0iTVrK2a69KqhY//2DdfzicenA48bTOsamL+ZRTI5kQ9PKcw5auy4X/EpwwWv1/HUjQBjIEQHZwTl7VZTgyuKBbn8QxSAefft4vb+xj6Z/w3UlSG2/DsPpdWwOcNDZOlwaUlQ8+MpIqyc7/hogFprkNTliSKCc1XPAxTeNQPwjUuBk628S/S/2l08VJuCP+/RnJ5f+tZQa2M2qze3n8VXufU4xhdQmyJ315Fk5Sckllgyre0JMa0i4TA5xcfsXDceuBfHGnQmkyBGXs70+ic8hMr7aY0k/nRBsjnhU9IREd8MOX/ZE/9Re9B+0rm8zBMzWfftjyndGRhA==";

    const string Lo =
        "O1XWiOpuo6HjLEGXBmSUas5gaJzUkzAHrE4jDpQxsSRsiMmNYAs3kxlmz/qSDANgVwAAVwaHzKccRRa6I+rWz9O5XVopicTt08uS6KmmMIkgTS8KQtQJswj9XOZl7PrZ42RA35AgD+Kq7rnOe2TwKxp1pxyM9PZpNevD4BXv7sKMw+HjjVE9NrgL+7g3qP4/sQfIWIh3lmO28r2Xuol8pWQGiIoFyKOO69bZF9YMLosOzR9M5W9a/HyOPFuaAnU3Kql2KzqaPfdmVrdtPqIkhtIPnlF3OCE0lUUey1+NFGliPJwz8jbs8MQqIT5M4SVqWuoSVlAcEvQ4u+Q82B52YA==";

    static readonly byte[] HiBody = Fixture("paypal-body-hi.json"), LoBody = Fixture("paypal-body-lo.json");

    [Fact]
    public void The_checksum_is_the_one_of_zip_files() => PayPalDialect.Crc32("123456789"u8).ShouldBe(3421780262);

    [Fact]
    public void A_checksum_beyond_two_billion_has_no_sign()
    {
        HiBody.Length.ShouldBe(505);
        PayPalDialect.Crc32(HiBody).ShouldBe(3745218107);
        Encoding.UTF8.GetString(PayPalDialect.SignedText(Id, Time, WebhookId, HiBody)).ShouldBe($"{Id}|{Time}|{WebhookId}|3745218107");
    }

    [Fact]
    public void The_other_body_has_the_other_checksum() => PayPalDialect.Crc32(LoBody).ShouldBe(48801543u);

    [Fact]
    public void What_the_simulator_would_sign_is_what_the_vectors_signed()
    {
        Verifies(PayPalDialect.SignedText(Id, Time, WebhookId, HiBody), Hi).ShouldBeTrue();
        Verifies(PayPalDialect.SignedText(Id, Time, WebhookId, LoBody), Lo).ShouldBeTrue();
    }

    [Fact]
    public void Whatever_the_vectors_refuse_the_simulator_would_not_sign()
    {
        var cheap = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(HiBody).Replace("19.99", "1.00", StringComparison.Ordinal));
        Verifies(PayPalDialect.SignedText(Id, Time, WebhookId, cheap), Hi).ShouldBeFalse();
        Verifies(PayPalDialect.SignedText(Id, Time, "1AB23456CD789012F", HiBody), Hi).ShouldBeFalse();
        Verifies(PayPalDialect.SignedText(Id, "2025-06-15T15:06:41Z", WebhookId, HiBody), Hi).ShouldBeFalse();
        Verifies(PayPalDialect.SignedText(Id, Time, WebhookId, HiBody), Lo).ShouldBeFalse();
        Verifies(Encoding.UTF8.GetBytes($"{Id}|{Time}|{WebhookId}|-549749189"), Hi).ShouldBeFalse();
        var escaped = Encoding.UTF8.GetBytes(JsonNode.Parse(HiBody)!.ToJsonString());
        Verifies(PayPalDialect.SignedText(Id, Time, WebhookId, escaped), Hi).ShouldBeFalse();
        using var rogue = X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(Fixture("paypal-test-rogue.pem")));
        Verifies(PayPalDialect.SignedText(Id, Time, WebhookId, HiBody), Hi, rogue).ShouldBeFalse();
    }

    [Fact]
    public void The_simulators_own_chain_leads_to_its_root_and_the_rogue_one_does_not()
    {
        using var root = X509Certificate2.CreateFromPem(PayPalCertificates.Own.RootPem);
        Trusted(PayPalCertificates.Own.FilePem, root).ShouldBeTrue();
        Trusted(PayPalCertificates.Rogue.FilePem, root).ShouldBeFalse();
        using var leaf = X509Certificate2.CreateFromPem(PayPalCertificates.Own.LeafPem);
        var text = PayPalDialect.SignedText(Id, Time, WebhookId, HiBody);
        Verifies(text, Convert.ToBase64String(PayPalCertificates.Own.Sign(text)), leaf).ShouldBeTrue();
    }

    static bool Trusted(string pem, X509Certificate2 root)
    {
        var file = new X509Certificate2Collection();
        file.ImportFromPem(pem);
        using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck } };
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.ExtraStore.AddRange(file);
        return chain.Build(file[0]);
    }

    static bool Verifies(byte[] text, string signature, X509Certificate2? by = null)
    {
        using var leaf = X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(Fixture("paypal-test-leaf.pem")));
        using var key = (by ?? leaf).GetRSAPublicKey()!;
        return key.VerifyData(text, Convert.FromBase64String(signature), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    static byte[] Fixture(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", name));
}
