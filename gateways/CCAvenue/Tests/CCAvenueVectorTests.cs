using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Purser.Gateways.CCAvenue.Tests;

/// <summary>The ciphertexts of the wire document. Those of <c>cbc</c> come from Python's <c>cryptography</c> and were made again by npm
/// <c>node-ccavenue</c> 1.0.5; that of <c>gcm</c> comes from Node's own crypto.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class CCAvenueVectorTests
{
    static readonly CCAvenueGateway Gateway = new();

    static readonly Dictionary<string, string> Vectors = JsonSerializer.Deserialize<Dictionary<string, string>>(
        File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", "ccavenue-vectors.json")))!;

    /// <summary>The MD5 of the working key, as the document prints it.</summary>
    public static readonly byte[] KeyBytes = Convert.FromHexString("fde906e5cde592c76eccee224a62d2ba");

    static readonly byte[] Iv = [.. Enumerable.Range(0, 16).Select(i => (byte)i)];

    static string Key => Vectors["working_key"];

    static CCAvenueEncryption Cbc => CCAvenueEncryption.Of(Key, null)!;

    static CCAvenueEncryption Gcm => CCAvenueEncryption.Of(Key, CCAvenueEncryption.Gcm)!;

    static GatewayAccount Account(string cipher = CCAvenueEncryption.Cbc) => new("main", "ccavenue", CCAvenueAccount.Test, ImmutableDictionary<string, string>.Empty
        .Add("merchant_id", "424242").Add("access_code", "AVXX00AA00AA00XXAA").Add("working_key", Key).Add("cipher", cipher))
    {
        TestMode = true,
    };

    static RawMessage Posted(string body) => new("POST", "/", "", ImmutableDictionary<string, string>.Empty, Encoding.ASCII.GetBytes(body), default);

    static NewsReading[] Read(string hex, string cipher = CCAvenueEncryption.Cbc) =>
        [Gateway.ReadReturn(Posted($"encResp={hex}&orderNo=ORD-1001&crossSellUrl="), Account(cipher)), Gateway.ReadWebhook(Posted($"encResp={hex}"), Account(cipher))];

    static SignatureTrace Show(string recipe, string body, string cipher = CCAvenueEncryption.Cbc) => Gateway.Signatures.Single(s => s.Name == recipe).Compute(Posted(body), Account(cipher));

    [Theory]
    [InlineData("v1_plaintext", "v1_encRequest")]
    [InlineData("v2_plaintext", "v2_encResp")]
    [InlineData("v3_plaintext", "v3_encResp")]
    [InlineData("v4_request", "v4_enc_request")]
    [InlineData("v4_response", "v4_enc_response")]
    [InlineData("v5_request", "v5_enc_request")]
    public void V1_to_V5_are_made_and_opened(string text, string hex)
    {
        Cbc.Encrypt(Vectors[text]).ShouldBe(Vectors[hex]);
        Cbc.Decrypt(Vectors[hex]).ShouldBe(Vectors[text]);
        Cbc.Decrypt(Vectors[hex].ToUpperInvariant()).ShouldBe(Vectors[text]);
    }

    [Fact]
    public void The_key_is_the_md5_of_the_working_key_as_bytes()
    {
        // By the platform alone, with the key bytes that the document prints.
        using var aes = Aes.Create();
        aes.Key = KeyBytes;
        Convert.ToHexStringLower(aes.EncryptCbc(Encoding.ASCII.GetBytes(Vectors["v1_plaintext"]), Iv)).ShouldBe(Cbc.Encrypt(Vectors["v1_plaintext"]));
    }

    [Fact]
    public void V1_is_shown_step_by_step()
    {
        var trace = Show("form", $"encRequest={Vectors["v1_encRequest"]}&access_code=AVXX00AA00AA00XXAA");
        trace.Right.ShouldBeTrue();
        trace.Steps[^1].Value.ShouldBe(Vectors["v1_plaintext"]);
        trace.Steps.ShouldAllBe(s => !s.Value.Contains(Key));
    }

    [Theory]
    [InlineData("v2_encResp", "Success")]
    [InlineData("v3_encResp", "Success")]
    public void V2_and_V3_are_read_and_believed_in_nothing(string vector, string word)
    {
        foreach (var reading in Read(Vectors[vector]))
        {
            var news = reading.ShouldBeOfType<NewsReading.Genuine>();
            // Their order is none of ours, so it leads nowhere.
            (news.Payment, news.Facts.Count, news.RefundFacts.Count, news.ProvesAmount).ShouldBe((null, 0, 0, false));
        }
        Show("webhook", $"encResp={Vectors[vector]}").Steps[^1].Value.ShouldBe($"order ORD-1001, status {word}");
    }

    [Fact]
    public void V2_and_V3_are_the_same_news_by_return_and_by_webhook_but_not_the_same_event()
    {
        var names = Read(Vectors["v2_encResp"]).Concat(Read(Vectors["v3_encResp"])).Cast<NewsReading.Genuine>().Select(n => n.EventId).ToList();
        (names[0], names[1]).ShouldBe((names[2], names[3]));
        names.Distinct().Count().ShouldBe(2);
    }

    [Fact]
    public void V4_is_an_answer_about_a_captured_try()
    {
        Show("answer", $"status=0&enc_response={Vectors["v4_enc_response"]}\r\n").Right.ShouldBeTrue();
        Show("request", $"enc_request={Vectors["v4_enc_request"]}&access_code=x&command=orderStatusTracker").Steps[^1].Value.ShouldBe(Vectors["v4_request"]);
        var attempt = CCAvenueMapping.Attempt(CCAvenueNode.Parse(Cbc.Decrypt(Vectors["v4_enc_response"])!)!)!;
        (attempt.Order, attempt.Reference, attempt.Status).ShouldBe(("ORD-1001", "312000000001", "Shipped"));
        (attempt.Amount, attempt.Captured).ShouldBe((new Money(125050, Currency.Find("INR")), new Money(125050, Currency.Find("INR"))));
    }

    [Fact]
    public void V6_decrypts_cleanly_to_another_amount_and_is_forged()
    {
        using (var aes = Aes.Create())
        {
            aes.Key = KeyBytes;
            var plain = aes.DecryptCbc(Convert.FromHexString(Vectors["v6_encResp"]), Iv);
            // Nothing in the cipher objects; and the amount is what the attacker wanted.
            Encoding.Latin1.GetString(plain).ShouldContain("R&amount=9250.50&merchant_param1=att_01&");
            plain.AsSpan(176, 16).ToArray().ShouldBe(Convert.FromHexString("0ceeab71c70eb0dc11fd6e567c49f13a"));
        }
        Vectors["v6_encResp"].Remove(370, 2).ShouldBe(Vectors["v2_encResp"].Remove(370, 2));
        Read(Vectors["v6_encResp"]).ShouldAllBe(r => r is NewsReading.Forged);
        Show("return", $"encResp={Vectors["v6_encResp"]}").Right.ShouldBeFalse();
    }

    [Fact]
    public void V7_a_changed_last_digit_is_caught_by_the_padding()
    {
        Cbc.Decrypt(Vectors["v2_encResp"][..^1] + "8").ShouldBeNull();
        Read(Vectors["v2_encResp"][..^1] + "8").ShouldAllBe(r => r is NewsReading.Forged);
    }

    [Fact]
    public void V8_a_strangers_key_is_forged_also_where_its_text_has_a_padding()
    {
        Read(CCAvenueEncryption.Of(Vectors["strangers_key"], null)!.Encrypt(Vectors["v2_plaintext"])).ShouldAllBe(r => r is NewsReading.Forged);
        var unpadded = 0;
        using var aes = Aes.Create();
        aes.Key = KeyBytes;
        // About one wrong key in 256 leaves a padding that looks right; what stands before it is no text of theirs.
        for (var i = 0; i < 2_000; i++)
        {
            var hex = CCAvenueEncryption.Of($"{Vectors["strangers_key"][4..]}{i:D4}", null)!.Encrypt(Vectors["v2_plaintext"]);
            Read(hex).ShouldAllBe(r => r is NewsReading.Forged);
            if (aes.DecryptCbc(Convert.FromHexString(hex), Iv, PaddingMode.None)[^1] == 1) unpadded++;
        }
        unpadded.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void V9_is_sealed_and_opened_and_every_changed_byte_is_noticed()
    {
        var bytes = Convert.FromHexString(Vectors["v9_encResp"]);
        Convert.ToHexStringLower(bytes[^16..]).ShouldBe("ca2324e5d623d58322fbd6763996b23a");
        Gcm.Sealed(Encoding.UTF8.GetBytes(Vectors["v2_plaintext"]), Iv).ShouldBe(bytes);
        Gcm.Decrypt(Vectors["v9_encResp"]).ShouldBe(Vectors["v2_plaintext"]);
        Read(Vectors["v9_encResp"], CCAvenueEncryption.Gcm).ShouldAllBe(r => r is NewsReading.Genuine);
        for (var i = 0; i < bytes.Length; i++)
            for (var bit = 0; bit < 8; bit++)
            {
                var changed = (byte[])bytes.Clone();
                changed[i] ^= (byte)(1 << bit);
                Gcm.Decrypt(Convert.ToHexStringLower(changed)).ShouldBeNull($"Bit {bit} of byte {i} was changed.");
            }
        for (var length = 0; length < bytes.Length; length++) Gcm.Decrypt(Convert.ToHexStringLower(bytes.AsSpan(0, length))).ShouldBeNull();
    }

    [Fact]
    public void Neither_cipher_reads_what_the_other_wrote()
    {
        Read(Vectors["v9_encResp"]).ShouldAllBe(r => r is NewsReading.Forged);
        Read(Vectors["v2_encResp"], CCAvenueEncryption.Gcm).ShouldAllBe(r => r is NewsReading.Forged);
    }

    [Fact]
    public void With_a_nonce_of_twelve_bytes_the_mode_is_the_platforms_own()
    {
        var chance = new Random(1);
        for (var length = 0; length < 100; length++)
        {
            var (key, nonce, plain) = (Bytes(32), Bytes(12), Bytes(length));
            using var platform = new AesGcm(key, CCAvenueGcm.TagLength);
            var (cipher, tag) = (new byte[length], new byte[CCAvenueGcm.TagLength]);
            platform.Encrypt(nonce, plain, cipher, tag);
            using var ours = new CCAvenueGcm(key);
            var made = ours.Encrypt(nonce, plain);
            (Convert.ToHexString(made.Cipher), Convert.ToHexString(made.Tag)).ShouldBe((Convert.ToHexString(cipher), Convert.ToHexString(tag)));
            ours.Decrypt(nonce, cipher, tag).ShouldBe(plain);
        }

        byte[] Bytes(int count)
        {
            var bytes = new byte[count];
            chance.NextBytes(bytes);
            return bytes;
        }
    }

    [Fact]
    public void The_same_text_is_always_the_same_ciphertext_and_another_text_has_another_nonce()
    {
        Gcm.Encrypt("a=1").ShouldBe(Gcm.Encrypt("a=1"));
        Gcm.Encrypt("a=1")[..32].ShouldNotBe(Gcm.Encrypt("a=2")[..32]);
        Gcm.Decrypt(Gcm.Encrypt("a=1")).ShouldBe("a=1");
    }
}
