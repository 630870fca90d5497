using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Purser.Gateways.Tests.Outside;

namespace Purser.Gateways.BillDesk.Tests;

/// <summary>The tokens of the wire document, which generic JOSE libraries made and checked.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class BillDeskVectorTests
{
    const string HmacKey = "BdVecHmacKey_0123456789abcdef0123";

    static readonly Dictionary<string, string> Vectors = JsonSerializer.Deserialize<Dictionary<string, string>>(
        File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", "billdesk-vectors.json")))!;

    static GatewayAccount Signed(string key = HmacKey) => new("main", "billdesk", new Uri("https://bill.test"), ImmutableDictionary<string, string>.Empty
        .Add("merchant_id", "VECMERCH").Add("client_id", "vecclient").Add("signing_key", key));

    static GatewayAccount Encrypted(string signing = "VecSignKey0123456789abcdefABCDE!", string encryption = "VecEncKey0123456789abcdefABCDEF!") => Signed(signing) with
    {
        Settings = Signed(signing).Settings.Add("scheme", "symmetric").Add("encryption_key", encryption).Add("encryption_key_id", "veckid01"),
    };

    static string? Opened(string token, GatewayAccount account) => BillDeskJose.Of(account)!.Open(token, out _) is { } payload ? Encoding.UTF8.GetString(payload) : null;

    static string Token(string header, string payload, Func<byte[], byte[]> sign)
    {
        var signed = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(payload))}";
        return $"{signed}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    [Theory]
    [InlineData("b1")]
    [InlineData("b2")]
    [InlineData("b3")]
    public void B1_to_B3_are_made_and_opened(string vector)
    {
        var (payload, token) = (Vectors[vector + "_payload"], Vectors[vector + "_token"]);
        BillDeskJose.Of(Signed())!.Seal(Encoding.UTF8.GetBytes(payload)).ShouldBe(token);
        Opened(token, Signed()).ShouldBe(payload);
    }

    [Fact]
    public void B4_a_changed_status_under_the_old_signature_is_rejected() => Opened(Vectors["b4_token"], Signed()).ShouldBeNull();

    [Fact]
    public void B5_an_error_is_a_token_too() => Opened(Vectors["b5_token"], Signed()).ShouldBe(
        """{"status":409,"error_type":"duplicate_request_error","error_code":"TRDRE0001","message":"Transaction already exists with given mercid and orderid"}""");

    [Fact]
    public void Another_algorithm_another_client_and_another_key_are_rejected()
    {
        var payload = Vectors["b2_payload"];
        var key = Encoding.UTF8.GetBytes(HmacKey);
        Opened(Token("""{"alg":"HS256","clientid":"vecclient"}""", payload, m => HMACSHA256.HashData(key, m)), Signed()).ShouldBe(payload);
        Opened(Token("""{"clientid":"vecclient","kid":"HMAC","alg":"HS256"}""", payload, m => HMACSHA256.HashData(key, m)), Signed()).ShouldBe(payload);
        Opened(Token("""{"alg":"none","clientid":"vecclient"}""", payload, _ => []), Signed()).ShouldBeNull();
        Opened(Token("""{"alg":"none","clientid":"vecclient"}""", payload, m => HMACSHA256.HashData(key, m)), Signed()).ShouldBeNull();
        Opened(Token("""{"alg":"HS384","clientid":"vecclient"}""", payload, m => HMACSHA384.HashData(key, m)), Signed()).ShouldBeNull();
        Opened(Token("""{"alg":"HS256","clientid":"other"}""", payload, m => HMACSHA256.HashData(key, m)), Signed()).ShouldBeNull();
        Opened(Token("""{"alg":"HS256","crit":["x"],"clientid":"vecclient"}""", payload, m => HMACSHA256.HashData(key, m)), Signed()).ShouldBeNull();
        Opened(Vectors["b2_token"], Signed(HmacKey[..^1] + "4")).ShouldBeNull();
    }

    [Fact]
    public void B6_the_inner_token_and_the_whole_one_are_opened()
    {
        var token = Vectors["b6_token"];
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(token))).ShouldBe("9c9e530aa7fbb8eaa28c8f9ff2772b40dc7fa08247992eba6643dde20ab25e45");
        Encoding.ASCII.GetString(BillDeskJose.Peek(token)!).ShouldBe(Vectors["b6_inner"]);
        Opened(token, Encrypted()).ShouldBe(Vectors["b2_payload"]);
        BillDeskJose.Of(Encrypted())!.Read(token).ShouldBe(Vectors["b2_payload"]);
    }

    [Fact]
    public void An_encrypted_token_of_ours_has_the_headers_of_B6_and_comes_back()
    {
        var jose = BillDeskJose.Of(Encrypted())!;
        var payload = Encoding.UTF8.GetBytes(Vectors["b2_payload"]);
        var token = jose.Seal(payload);
        token.Split('.')[0].ShouldBe(Vectors["b6_token"].Split('.')[0]);
        var inner = Encoding.ASCII.GetString(BillDeskJose.Peek(token)!).Split('.');
        (inner[0], inner[1], inner[3].Length).ShouldBe((Vectors["b6_inner"].Split('.')[0], "", Vectors["b6_inner"].Split('.')[3].Length));
        Opened(token, Encrypted()).ShouldBe(Vectors["b2_payload"]);
    }

    [Fact]
    public void The_same_payload_is_the_same_token_and_another_has_another_nonce()
    {
        var jose = BillDeskJose.Of(Encrypted())!;
        jose.Seal("{\"a\":1}"u8).ShouldBe(jose.Seal("{\"a\":1}"u8));
        var nonces = Enumerable.Range(0, 500).Select(i => Encoding.ASCII.GetString(BillDeskJose.Peek(jose.Seal(Encoding.ASCII.GetBytes($"{{\"a\":{i}}}")))!).Split('.')[2]);
        nonces.ShouldBeUnique();
    }

    [Fact]
    public void A_changed_tag_and_swapped_keys_are_rejected()
    {
        var key = Encoding.ASCII.GetBytes("VecSignKey0123456789abcdefABCDE!");
        var inner = Vectors["b6_inner"];
        var tag = inner.LastIndexOf('.') + 1;
        for (var i = tag; i < inner.Length; i++)
        {
            var changed = $"{inner[..i]}{(inner[i] == 'A' ? 'B' : 'A')}{inner[(i + 1)..]}";
            Opened(Token("""{"alg":"HS256","kid":"veckid01","clientid":"vecclient"}""", changed, m => HMACSHA256.HashData(key, m)), Encrypted()).ShouldBeNull($"{i - tag}");
        }
        Opened(Vectors["b6_token"], Encrypted("VecEncKey0123456789abcdefABCDEF!", "VecSignKey0123456789abcdefABCDE!")).ShouldBeNull();
        // A scheme that was agreed otherwise.
        Opened(Vectors["b2_token"], Encrypted(HmacKey)).ShouldBeNull();
        Opened(Vectors["b6_token"], Signed("VecSignKey0123456789abcdefABCDE!")).ShouldBe(inner);
    }

    [Fact]
    public void Every_changed_letter_of_a_token_is_noticed()
    {
        foreach (var (token, account) in new[] { (Vectors["b3_token"], Signed()), (Vectors["b6_token"], Encrypted()) })
            for (var i = 0; i < token.Length; i++)
                for (var bit = 0; bit < 8; bit++)
                    Opened($"{token[..i]}{(char)(token[i] ^ (1 << bit))}{token[(i + 1)..]}", account).ShouldBeNull($"bit {bit} of letter {i}");
        foreach (var around in (string[])[" ", "=", "\n", "."])
        {
            Opened(Vectors["b3_token"] + around, Signed()).ShouldBeNull();
            Opened(around + Vectors["b3_token"], Signed()).ShouldBeNull();
        }
    }

    [Verifies(Part.Adapter, By.OtherCode, "jose")]
    [Fact]
    public async Task A_library_of_others_opens_our_tokens_and_we_open_its()
    {
        const string signing = "VecSignKey0123456789abcdefABCDE!", encryption = "VecEncKey0123456789abcdefABCDEF!";
        var (plain, sealing) = (BillDeskJose.Of(Signed(signing))!, BillDeskJose.Of(Encrypted())!);
        // Letters beyond ASCII too.
        var payload = Vectors["b2_payload"].Replace("Transaction Successful", "चुकाया ₹499", StringComparison.Ordinal);
        var told = await OfficialClients.Run("billdesk.mjs", new
        {
            client = "vecclient",
            key_id = "veckid01",
            signing_key = signing,
            encryption_key = encryption,
            signed = plain.Seal(Encoding.UTF8.GetBytes(payload)),
            encrypted = sealing.Seal(Encoding.UTF8.GetBytes(payload)),
            payload,
        });
        foreach (var read in (string[])["signed", "encrypted"]) told[read]!.ToString().ShouldBe(payload);
        told["header"]!.ToJsonString().ShouldBe("""{"alg":"HS256","clientid":"vecclient"}""");
        told["inner"]!.ToJsonString().ShouldBe("""{"alg":"dir","enc":"A256GCM","kid":"veckid01","clientid":"vecclient"}""");
        told["rejected"]!.GetValue<bool>().ShouldBeTrue();
        Opened(told["theirs"]!.ToString(), Signed(signing)).ShouldBe(payload);
        Opened(told["theirs_encrypted"]!.ToString(), Encrypted()).ShouldBe(payload);
    }

    [Theory]
    [InlineData("webhook")]
    [InlineData("return")]
    [InlineData("request")]
    public void The_computation_is_shown_with_the_code_that_checks(string recipe)
    {
        var compute = new BillDeskGateway().Signatures.Single(s => s.Name == recipe).Compute;
        RawMessage Carrying(string token) => recipe == "request"
            ? new("POST", "/", "", ImmutableDictionary<string, string>.Empty, Encoding.ASCII.GetBytes(token), default)
            : new("POST", "/", "", ImmutableDictionary<string, string>.Empty, Encoding.ASCII.GetBytes("transaction_response=" + token), default);

        var right = compute(Carrying(Vectors["b2_token"]), Signed());
        (right.Right, right.Given, right.Expected).ShouldBe((true, Vectors["b2_token"].Split('.')[2], Vectors["b2_token"].Split('.')[2]));
        right.Steps[^1].Value.ShouldBe(Vectors["b2_payload"]);
        right.Steps.ShouldAllBe(s => !s.Value.Contains(HmacKey));
        var wrong = compute(Carrying(Vectors["b4_token"]), Signed());
        (wrong.Right, wrong.Given == wrong.Expected).ShouldBe((false, false));
        compute(Carrying(Vectors["b6_token"]), Encrypted()).Steps[^1].Value.ShouldBe(Vectors["b2_payload"]);
        foreach (var nonsense in (string[])["", "a.b", "\uffff", "...."]) compute(Carrying(nonsense), Signed()).Right.ShouldBeFalse();
        compute(Carrying(Vectors["b2_token"]), Signed() with { Settings = ImmutableDictionary<string, string>.Empty }).Right.ShouldBeFalse();
    }
}
