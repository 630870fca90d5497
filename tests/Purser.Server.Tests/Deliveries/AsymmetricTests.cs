using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Purser.Client;
using Purser.Server.Deliveries;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Deliveries;

/// <summary>Messages that are signed by Ed25519, checked by another implementation: node's own.</summary>
public sealed class AsymmetricTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const string Check = """
        const { createPublicKey, verify } = require("node:crypto");
        const { key, text, signatures } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
        const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(key.slice(5), "base64").toString("base64url") }, format: "jwk" });
        for (const one of signatures.split(" ")) {
          const [version, signature] = one.split(",");
          console.log(version, verify(null, Buffer.from(text), publicKey, Buffer.from(signature, "base64")));
        }
        """;

    /// <summary>With the key pair of RFC 8032, test 1.</summary>
    [Fact]
    public void The_signature_is_that_of_the_specification()
    {
        var body = Encoding.UTF8.GetBytes("""
            {"type":"payment.succeeded","timestamp":"2025-06-15T15:06:40.000Z","data":{"payment_id":"pay_0001","order_id":"ord_42","amount":1999,"currency":"EUR","note":"Café"}}
            """);
        WebhookSignature.Header("msg_2zTestVector000000000001", DateTimeOffset.FromUnixTimeSeconds(1_750_000_000), body,
            ["whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg=="])
            .ShouldBe("v1a,vJlFM+X5Su+KRep0mHqbztrGWiB6MAgymyQVDCd2T++L3dOTbDGqmkOwPZodSuWCR6qirz+2obEyN93cJFFRDg==");
        var key = WebhookSignature.NewKey(asymmetric: true);
        var both = Convert.FromBase64String(key.Secret["whsk_".Length..]);
        key.PublicKey.ShouldBe("whpk_" + Convert.ToBase64String(both[32..]));
        Ed25519.OfThisMachine!.PublicKey(Convert.FromBase64String("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")).ShouldBe(Convert.FromBase64String("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
    }

    [Fact]
    public void Where_OpenSSL_is_not_there_it_is_a_fault_of_the_signature_to_make_a_key()
    {
        Ed25519.Find(["libnowhere.so.3"]).ShouldBeNull();
        WebhookSignature.Fault(asymmetric: true, null)!.Field.ShouldBe("signature");
        (WebhookSignature.Fault(asymmetric: false, null), WebhookSignature.Fault(asymmetric: true, Ed25519.OfThisMachine)).ShouldBe((null, null));
    }

    [Fact]
    public async Task An_endpoint_with_a_public_key_is_sent_what_that_key_verifies_before_during_and_after_a_rotation()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        var made = await house.Endpoint(more: ", \"event_types\": [\"order.created\"], \"signature\": \"v1a\"");
        made.Body.GetProperty("secret").ValueKind.ShouldBe(JsonValueKind.Null);
        made.Text("signature").ShouldBe("v1a");
        var (path, old) = ($"/v1/webhook_endpoints/{made.Text("id")}", made.Text("public_key"));
        (await house.Api.Get(path)).Text("public_key").ShouldBe(old);

        await house.Api.Order();
        await house.NoneLeft("state <> 1", "the first");
        (await Verified(old, house.Receiver.At("/hook")[^1])).ShouldBe(["v1a true"]);
        (await Verified(old, house.Receiver.At("/hook")[^1] with { Body = "{}" })).ShouldBe(["v1a false"]);

        var rotated = await house.Api.Post($"{path}/rotation", """{"overlap_hours": 2}""");
        rotated.Body.GetProperty("secret").ValueKind.ShouldBe(JsonValueKind.Null);
        var fresh = rotated.Text("public_key");
        fresh.ShouldNotBe(old);
        await house.Api.Order();
        await house.NoneLeft("state <> 1", "the second");
        (await Verified(old, house.Receiver.At("/hook")[^1])).ShouldBe(["v1a false", "v1a true"]);
        (await Verified(fresh, house.Receiver.At("/hook")[^1])).ShouldBe(["v1a true", "v1a false"]);

        house.Clock.Push(TimeSpan.FromHours(2.1));
        (await house.Api.Post($"{path}/test", null)).Body.GetProperty("delivered").GetBoolean().ShouldBeTrue();
        (await Verified(fresh, house.Receiver.At("/hook")[^1])).ShouldBe(["v1a true"]);
        (await house.Api.Count("select count(*) from webhook_secrets where sealed like '%whsk%'")).ShouldBe(0, "the private key is kept encrypted");
    }

    [Fact]
    public async Task Another_signature_than_the_two_is_refused_with_its_field()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        var refused = await house.Api.Post("/v1/webhook_endpoints", $$"""{"url": "{{house.Receiver.Url}}/hook", "signature": "v2"}""");
        (refused.Problem, refused.Body.GetProperty("errors")[0].GetProperty("field").GetString()).ShouldBe(("invalid_fields", "signature"));
        (await house.Endpoint()).ShouldSatisfyAllConditions(e => e.Text("signature").ShouldBe("v1"), e => e.Body.GetProperty("public_key").ValueKind.ShouldBe(JsonValueKind.Null));
    }

    static async Task<string[]> Verified(string key, Heard heard)
    {
        var said = await ByNode(key, heard);
        // The client says of the message what node says of its signatures.
        var headers = new Dictionary<string, string> { ["webhook-id"] = heard.Id, ["webhook-timestamp"] = heard.Timestamp, ["webhook-signature"] = heard.Signature };
        var at = DateTimeOffset.FromUnixTimeSeconds(long.Parse(heard.Timestamp));
        new PurserWebhooks(key, new ClockAt(at)).TryRead(Encoding.UTF8.GetBytes(heard.Body), name => headers[name], out _, out _).ShouldBe(said.Contains("v1a true"));
        return said;
    }

    sealed class ClockAt(DateTimeOffset at) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => at;
    }

    static async Task<string[]> ByNode(string key, Heard heard)
    {
        using var node = Process.Start(new ProcessStartInfo("node", ["-e", Check]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await using (var input = new StreamWriter(node.StandardInput.BaseStream, new UTF8Encoding(false)))
            await input.WriteAsync(JsonSerializer.Serialize(new { key, text = $"{heard.Id}.{heard.Timestamp}.{heard.Body}", signatures = heard.Signature }));
        var said = await node.StandardOutput.ReadToEndAsync();
        await node.WaitForExitAsync();
        return said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
