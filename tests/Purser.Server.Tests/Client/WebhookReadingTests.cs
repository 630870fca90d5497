using System.Text;
using Microsoft.AspNetCore.Http;
using Purser.Server.Tests.Deliveries;
using Purser.Server.Tests.Platform;

namespace Purser.Client.Tests;

/// <summary>Standard Webhooks' vectors, checked with its official libraries, and messages of the real server.</summary>
public sealed class WebhookReadingTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const string K1 = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    const string K2 = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
    const string ByK1 = "v1,vdd1EY56MOji55I1Iqe89nK9gSZwZSF2u0j6xjxzGwU=";
    const string ByK2 = "v1,o23rlJrNcNmfzOgkbd9n14IDZZN7n5rKATo0ed2MfpA=";
    const string Asymmetric = "v1a,vJlFM+X5Su+KRep0mHqbztrGWiB6MAgymyQVDCd2T++L3dOTbDGqmkOwPZodSuWCR6qirz+2obEyN93cJFFRDg==";
    const string PublicKey = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    const string OtherPublicKey = "whpk_PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=";
    const string Id = "msg_2zTestVector000000000001";
    const long At = 1750000000;
    const string Body = """{"type":"payment.succeeded","timestamp":"2025-06-15T15:06:40.000Z","data":{"payment_id":"pay_0001","order_id":"ord_42","amount":1999,"currency":"EUR","note":"Café"}}""";

    /// <summary>The vector's body is no event of ours, for it has no id; its signature is what is judged.</summary>
    static bool IsGenuine(string secret, string signature, string id = Id, string? timestamp = null, string body = Body, long off = 0)
    {
        var headers = new Dictionary<string, string> { ["webhook-id"] = id, ["webhook-timestamp"] = timestamp ?? $"{At}", ["webhook-signature"] = signature };
        new PurserWebhooks(secret, new SetClock(At + off)).TryRead(Encoding.UTF8.GetBytes(body), name => headers[name], out _, out var why).ShouldBeFalse();
        return why!.StartsWith("The signature is right", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(K1, ByK1)]
    [InlineData(K2, ByK2)]
    [InlineData(K1, $"{ByK2} {ByK1}")]
    [InlineData(K2, $"{ByK2} {ByK1}")]
    [InlineData(K1, $"{Asymmetric} {ByK1}")]
    [InlineData(PublicKey, Asymmetric)]
    [InlineData(PublicKey, $"{ByK1} {Asymmetric}")]
    [InlineData("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", ByK1)]
    public void What_is_genuine_is_taken(string secret, string signature) => IsGenuine(secret, signature).ShouldBeTrue();

    [Theory]
    [InlineData(K2, ByK1)]
    [InlineData(K1, Asymmetric)]
    [InlineData(K1, $"{ByK2},{ByK1}")]
    [InlineData(OtherPublicKey, Asymmetric)]
    [InlineData(PublicKey, ByK1)]
    [InlineData(PublicKey, "v1a,")]
    [InlineData(PublicKey, "v1a,vJlFM+X5Su+KRep0mHqbztrGWiB6MAgymyQVDCd2T++L3dOTbDGqmkOwPZodSuWCR6qirz+2obEyN93cJFFR")]
    [InlineData(PublicKey, "v1a,vJlFM+X5Su+KRep0mHqbztrGWiB6MAgymyQVDCd2T++L3dOTbDGqmkOwPZodSuWCR6qirz+2obEyN93cJFFRDw==")]
    [InlineData(K1, "v1,bdd775118e7a30e8e2e7923522a7bcf672bd8126706521 76bb48fac63c731b05")]
    [InlineData(K1, "vdd1EY56MOji55I1Iqe89nK9gSZwZSF2u0j6xjxzGwU=")]
    [InlineData(K1, "v2,vdd1EY56MOji55I1Iqe89nK9gSZwZSF2u0j6xjxzGwU=")]
    [InlineData(K1, "v1,")]
    [InlineData(K1, "v1,dmRkMQ==")]
    [InlineData(K1, "")]
    public void What_does_not_fit_is_refused(string secret, string signature) => IsGenuine(secret, signature).ShouldBeFalse();

    [Theory]
    [InlineData(300, true)]
    [InlineData(301, false)]
    [InlineData(-300, true)]
    [InlineData(-301, false)]
    public void A_message_is_good_for_five_minutes_before_and_after(long off, bool taken) => IsGenuine(K1, ByK1, off: off).ShouldBe(taken);

    [Theory]
    [InlineData(K1, ByK1)]
    [InlineData(PublicKey, Asymmetric)]
    public void Nothing_that_was_signed_may_change(string secret, string signature)
    {
        IsGenuine(secret, signature, body: Body.Replace("1999", "1998", StringComparison.Ordinal)).ShouldBeFalse();
        IsGenuine(secret, signature, id: Id + "x").ShouldBeFalse();
        IsGenuine(secret, signature, timestamp: $"{At + 1}").ShouldBeFalse();
        IsGenuine(secret, signature, timestamp: $" {At}").ShouldBeFalse();
        IsGenuine(secret, signature, timestamp: $"{long.MinValue}").ShouldBeFalse();
        IsGenuine(secret, signature, timestamp: "99999999999999999999").ShouldBeFalse();
        IsGenuine(secret, signature, id: "").ShouldBeFalse();
    }

    [Theory]
    [InlineData("whsec_")]
    [InlineData("whsec_c2hvcnQ=")]
    [InlineData("whsec_not base 64")]
    [InlineData("whpk_c2hvcnQ=")]
    public void What_is_no_secret_is_said_at_once(string secret) => Should.Throw<ArgumentException>(() => new PurserWebhooks(secret)).Message.ShouldContain(secret[..5]);

    [Fact]
    public async Task What_the_server_sends_is_read_also_while_secrets_change()
    {
        await using var house = await ClientHouse.Open(await postgres.CreateDatabase());
        await using var receiver = await TestReceiver.Open();
        var endpoint = await house.Purser.WebhookEndpoints.Create(new NewWebhookEndpoint { Url = $"{receiver.Url}/hook", EventTypes = [EventTypes.OrderPaid], Ordered = true });
        (endpoint.EventTypes, endpoint.Status, endpoint.Ordered).ShouldSatisfyAllConditions(e => e.EventTypes.ShouldBe(["order.paid"]), e => e.Status.ShouldBe("active"), e => e.Ordered.ShouldBeTrue());
        var before = new PurserWebhooks(endpoint.Secret!);
        PurserWebhooks? after = null;
        var read = new List<PurserEvent>();
        receiver.Does = (http, heard) =>
        {
            foreach (var webhooks in new[] { before, after }.OfType<PurserWebhooks>())
                if (webhooks.TryRead(Encoding.UTF8.GetBytes(heard.Body), name => http.Request.Headers[name], out var news, out _)) read.Add(news);
                else http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        };
        var test = await house.Purser.WebhookEndpoints.Test(endpoint.Id);
        (test.Delivered, test.Status).ShouldBe((true, 200));
        (read.Single().Type, read[0].Id, read[0].Data.Order).ShouldBe((EventTypes.WebhookEndpointTest, test.MessageId, null));

        after = new PurserWebhooks((await house.Purser.WebhookEndpoints.Rotate(endpoint.Id, TimeSpan.FromHours(1))).Secret!);
        var order = await house.Paid("told");
        await Until.True(() => read.Count == 3, "both secrets to read the news");
        read[1].ShouldSatisfyAllConditions(n => n.Type.ShouldBe("order.paid"), n => n.Data.Order!.Id.ShouldBe(order.Id), n => n.Data.Order!.Status.ShouldBe(OrderStatus.Paid));

        await house.Purser.WebhookEndpoints.Rotate(endpoint.Id, TimeSpan.Zero);
        (await house.Purser.WebhookEndpoints.Test(endpoint.Id)).Status.ShouldBe(401);
        (await house.Purser.WebhookEndpoints.Change(endpoint.Id, new WebhookEndpointChange { Status = "paused" })).Status.ShouldBe("paused");
        (await house.Purser.WebhookEndpoints.Redeliver(endpoint.Id, order.CreatedAt, deliveredToo: true)).ShouldBe(1);
        await house.Purser.WebhookEndpoints.Delete(endpoint.Id);
        (await house.Purser.WebhookEndpoints.List()).ShouldNotContain(e => e.Id == endpoint.Id);
    }

    sealed class SetClock(long seconds) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(seconds);
    }
}
