using System.Text.Json.Nodes;
using Purser.Sandbox.PhonePe;

namespace Purser.Gateways.PhonePe.Tests;

/// <summary>The simulator's header against the vectors of the document, of which two come from official code.</summary>
[Verifies(Part.Simulator, By.PublishedVector)]
public sealed class PhonePeSimulatorVectorTests
{
    const string P1 = "d50914f5c064b493e460f03242fefd1f92846ca136a7ed5b3fb0a73335cdcf37";

    static readonly PhonePeDialect Dialect = new();

    [Theory]
    [InlineData("orch_user:Passw0rd2026", P1)]
    [InlineData("orch_user:Passw0rd2027", "473f28de6e371a4ed12a2f1ae7fd11571250434512ac7c8524dc9c21108efb5f")]
    [InlineData("username:password", "bc842c31a9e54efe320d30d948be61291f3ceee4766e36ab25fa65243cd76e0e")]
    public void The_header_is_the_digest_of_user_name_and_password(string text, string header) => PhonePeDialect.WebhookHeader(text).ShouldBe(header);

    [Fact]
    public void P5_the_body_has_no_part_in_the_header()
    {
        var one = Dialect.Webhook(new JsonObject { ["amount"] = 125050 }, "e", ["orch_user:Passw0rd2026"]);
        var other = Dialect.Webhook(new JsonObject { ["amount"] = 1 }, "e", ["orch_user:Passw0rd2026", "older:secret"]);
        one.Headers.Count.ShouldBe(1);
        one.Headers["Authorization"].ShouldBe(P1);
        other.Headers["Authorization"].ShouldBe(P1);
        one.Body.ShouldNotBe(other.Body);
    }

    [Fact]
    public void Without_a_secret_of_a_test_the_credentials_of_the_sandbox_are_hashed()
    {
        var own = $"{Dialect.Credentials["webhook_username"]}:{Dialect.Credentials["webhook_password"]}";
        foreach (var secrets in (string[][])[[], [""]])
            Dialect.Webhook([], "e", secrets).Headers["Authorization"].ShouldBe(PhonePeDialect.WebhookHeader(own));
    }
}
