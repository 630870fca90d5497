using System.Text;
using System.Text.Json;
using Purser.Gateways.Tests.Contract;
using Purser.Orders;

namespace Purser.Gateways.Stripe.Tests;

/// <summary>Section 10 of the wire notes: vectors that the official clients accept or reject.</summary>
[Verifies(Part.Adapter, By.PublishedVector)]
public sealed class StripeVectorTests
{
    const string Secret1 = "whsec_TestOnly0123456789abcdefABCDEF";
    const string Secret2 = "whsec_RotatedOnly_9876543210fedcba";
    const string By1 = "f2bb5861c2513598372d906a46c77a4c1d270047bb27479acaae8dae6f9cee4b";
    const string By2 = "e4440551bcef4fa4de47a972ff6217cfc77ec136855409c8496e766e941bedf3";
    const long Time = 1750000000;

    static readonly StripeGateway Gateway = new();
    static readonly byte[] BodyA = StripeTests.Fixture("stripe-body-A.json");
    static readonly byte[] BodyB = StripeTests.Fixture("stripe-body-B.json");

    [Fact]
    public void Body_A_is_genuine_and_says_what_was_paid()
    {
        var news = Read($"t={Time},v1={By1}").ShouldBeOfType<NewsReading.Genuine>();
        news.EventId.ShouldBe("evt_sim_0001");
        var money = news.Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();
        money.ShouldBe(money with { MoneyReference = "pi_sim_0001", Amount = new Money(1999, Currency.Find("EUR")), GatewayReference = "cs_test_sim_0001" });
        // "ord_42" is nobody of ours.
        news.Payment.ShouldBeNull();
    }

    [Fact]
    public void Body_B_is_signed_over_its_raw_bytes()
    {
        const string signature = "1072c5b8513cbe0ef37cc012112aa2cb0c51d5f8733f3638fa3ae1a27516690f";
        // It lacks the mode, so that it can be taken for neither; but it is theirs.
        Read($"t={Time},v1={signature}", BodyB).ShouldBeOfType<NewsReading.Unreadable>().EventId.ShouldBe("evt_sim_0002");
        ShouldBeForged($"t={Time},v1={signature}", JsonSerializer.SerializeToUtf8Bytes(JsonDocument.Parse(BodyB)));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(300, true)]
    [InlineData(301, false)]
    [InlineData(-300, true)]
    [InlineData(-301, false)]
    public void Five_minutes_either_way_are_tolerated(int age, bool accepted)
    {
        var reading = Read($"t={Time},v1={By1}", now: Time + age);
        if (accepted) reading.ShouldBeOfType<NewsReading.Genuine>();
        else reading.ShouldBeOfType<NewsReading.Forged>();
    }

    [Fact]
    public void A_changed_amount_is_forged()
    {
        var changed = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(BodyA).Replace("\"amount_total\":1999", "\"amount_total\":1"));
        ShouldBeForged($"t={Time},v1={By1}", changed);
        Read($"t={Time},v1=705193f1e22c64d450d841f27f04fb53996665a1812169a71ad7ab1228d7a04d", changed).ShouldBeOfType<NewsReading.Genuine>();
    }

    [Fact]
    public void No_changed_byte_of_body_or_signature_is_believed() =>
        Tampering.ShouldBeNoticed(
            Gateway, StripeTests.Account(Secret1), StripeTests.Webhook(BodyA, $"t={Time},v1={By1}", DateTimeOffset.FromUnixTimeSeconds(Time)), "Stripe-Signature");

    [Fact]
    public void A_changed_time_is_forged() => ShouldBeForged($"t={Time + 1},v1={By1}");

    [Fact]
    public void Another_secret_or_one_without_its_prefix_is_wrong()
    {
        ShouldBeForged($"t={Time},v1={By2}");
        ShouldBeForged($"t={Time},v1={By1}", secrets: Secret1["whsec_".Length..]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("v1=" + By1)]
    [InlineData("t=1750000000")]
    [InlineData("t=1750000000,v0=" + By1)]
    [InlineData("t=1750000000,v1=F2BB5861C2513598372D906A46C77A4C1D270047BB27479ACAAE8DAE6F9CEE4B")]
    [InlineData("t=1750000000,v1=")]
    [InlineData("t=+1750000000,v1=" + By1)]
    [InlineData("t= 1750000000 ,t=1750000000,v1=" + By1)]
    [InlineData("t=99999999999999999999999,v1=" + By1)]
    [InlineData("t=1750000000;v1=" + By1)]
    public void A_header_that_is_not_just_so_is_forged(string header) => ShouldBeForged(header);

    [Fact]
    public void A_missing_header_is_forged() => ShouldBeForged(null);

    [Fact]
    public void No_secret_means_that_nothing_is_genuine() => ShouldBeForged($"t={Time},v1={By1}", secrets: "");

    [Theory]
    [InlineData("t=1750000000,v1=" + By1 + ",v0=00")]
    [InlineData("t=1750000000, v1=" + By1)]
    [InlineData("v1=" + By1 + ",t=1750000000")]
    public void What_surrounds_the_right_signature_does_not_matter(string header) => Read(header).ShouldBeOfType<NewsReading.Genuine>();

    [Theory]
    [InlineData(Secret1)]
    [InlineData(Secret2)]
    [InlineData("whsec_other," + Secret2)]
    public void While_a_secret_is_rolled_either_is_right(string secrets) =>
        Read($"t={Time},v1={By2},v1={By1}", secrets: secrets).ShouldBeOfType<NewsReading.Genuine>();

    static NewsReading Read(string? header, byte[]? body = null, long now = Time, string secrets = Secret1) =>
        Gateway.ReadWebhook(StripeTests.Webhook(body ?? BodyA, header, DateTimeOffset.FromUnixTimeSeconds(now)), StripeTests.Account(secrets));

    static void ShouldBeForged(string? header, byte[]? body = null, string secrets = Secret1) =>
        Read(header, body, secrets: secrets).ShouldBeOfType<NewsReading.Forged>();
}
