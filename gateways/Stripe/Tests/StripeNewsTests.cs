using System.Text;
using Purser.Orders;

namespace Purser.Gateways.Stripe.Tests;

/// <summary>Webhooks of every kind that we follow, and of some that we do not.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class StripeNewsTests
{
    const string Ours = "0001jd8xk3m4np1";
    static readonly DateTimeOffset Noon = DateTimeOffset.FromUnixTimeSeconds(1750000000);
    static readonly StripeGateway Gateway = new();

    [Theory]
    [InlineData("checkout.session.completed", "complete", "paid", false, "Succeeded pi_1 19.99 EUR")]
    [InlineData("checkout.session.completed", "complete", "unpaid", true, "Processing")]
    [InlineData("checkout.session.async_payment_succeeded", "complete", "paid", false, "Succeeded pi_1 19.99 EUR")]
    [InlineData("checkout.session.async_payment_failed", "complete", "unpaid", true, "Failed async_payment_failed")]
    [InlineData("checkout.session.expired", "expired", "unpaid", true, "LinkExpired")]
    // A snapshot that does not show what the event says is asked about instead of believed.
    [InlineData("checkout.session.async_payment_succeeded", "complete", "unpaid", false, "Processing")]
    [InlineData("checkout.session.async_payment_failed", "complete", "paid", false, "Succeeded pi_1 19.99 EUR")]
    [InlineData("checkout.session.expired", "open", "unpaid", false, "LinkOpened")]
    public void Sessions(string type, string status, string paymentStatus, bool proves, params string[] facts)
    {
        var news = Genuine(type, $$"""
            {"id":"cs_1","object":"checkout.session","status":"{{status}}","payment_status":"{{paymentStatus}}","amount_total":1999,"currency":"eur",
            "client_reference_id":"{{Ours}}","payment_intent":"pi_1","metadata":{"payment":"{{Ours}}"} }
            """);
        news.Facts.Select(StripeTests.Say).ShouldBe(facts);
        news.ProvesAmount.ShouldBe(proves);
        news.Payment!.Value.Reference.ShouldBe(Ours);
        news.Facts.ShouldAllBe(f => f.GatewayReference == "cs_1");
        news.MoneyReference.ShouldBe("pi_1");
    }

    [Theory]
    [InlineData("payment_intent.succeeded", "succeeded", true, "Succeeded pi_1 19.99 EUR")]
    [InlineData("payment_intent.succeeded", "processing", false, "Processing")]
    [InlineData("payment_intent.payment_failed", "requires_payment_method", true, "Declined insufficient_funds")]
    // The shopper paid with another card before this news arrived: the try was declined all the same.
    [InlineData("payment_intent.payment_failed", "succeeded", true, "Declined insufficient_funds")]
    // The same while their bank asks them about the next try.
    [InlineData("payment_intent.payment_failed", "requires_action", true, "Declined insufficient_funds")]
    [InlineData("payment_intent.processing", "processing", true, "Processing")]
    [InlineData("payment_intent.requires_action", "requires_action", false, "Processing")]
    [InlineData("payment_intent.amount_capturable_updated", "requires_capture", true, "Processing")]
    [InlineData("payment_intent.canceled", "canceled", true, "LinkCancelled")]
    [InlineData("payment_intent.processing", "hovering", true, "Processing hovering")]
    public void Payment_intents_name_the_money_as_sessions_do(string type, string status, bool proves, params string[] facts)
    {
        var news = Genuine(type, $$"""
            {"id":"pi_1","object":"payment_intent","status":"{{status}}","amount_received":1999,"currency":"eur","metadata":{"payment":"{{Ours}}"},
            "last_payment_error":{"code":"card_declined","decline_code":"insufficient_funds"},"latest_charge":"ch_1"}
            """);
        news.Facts.Select(StripeTests.Say).ShouldBe(facts);
        news.ProvesAmount.ShouldBe(proves);
        news.Payment!.Value.Reference.ShouldBe(Ours);
        news.MoneyReference.ShouldBe("pi_1");
    }

    [Theory]
    // An intent is as old as its first try: its own time tells no try from another.
    [InlineData(""","last_payment_error":{"code":"card_declined","charge":"ch_1","payment_method":{"id":"pm_1"}},"latest_charge":"ch_1" """, "ch_1")]
    [InlineData(""","last_payment_error":{"code":"card_declined","charge":"ch_2","payment_method":{"id":"pm_1"}},"latest_charge":"ch_2" """, "ch_2")]
    // Their bank did not know them: no money was asked for, and the latest charge is an older try's.
    [InlineData(""","last_payment_error":{"code":"payment_intent_authentication_failure","payment_method":{"id":"pm_2"}},"latest_charge":"ch_2" """, "pm_2")]
    [InlineData("", null)]
    public void A_failed_try_has_its_charges_name_and_the_time_of_its_end(string error, string? name) =>
        Genuine("payment_intent.payment_failed", $$"""{"id":"pi_1","status":"requires_payment_method","created":1749990000,"metadata":{"payment":"{{Ours}}"}{{error}}}""")
            .Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Declined>().ShouldSatisfyAllConditions(d => d.TryReference.ShouldBe(name), d => d.GatewayTime.ShouldBe(Noon));

    [Fact]
    public void Somebody_elses_failed_try_is_nothing_to_us_and_somebody_elses_money_is()
    {
        Genuine("payment_intent.payment_failed", """{"id":"pi_1","metadata":{},"last_payment_error":{"code":"card_declined"}}""").Facts.ShouldBeEmpty();
        Genuine("payment_intent.succeeded", """{"id":"pi_1","status":"succeeded","amount_received":5,"currency":"eur","metadata":{}}""")
            .ShouldSatisfyAllConditions(n => n.Payment.ShouldBeNull(), n => n.Facts.Select(StripeTests.Say).ShouldBe(["Succeeded pi_1 0.05 EUR"]));
    }

    [Theory]
    [InlineData("charge.dispute.created", "needs_response", "DisputeOpened dp_1 19.99 EUR")]
    [InlineData("charge.dispute.updated", "a_new_word", "DisputeOpened dp_1 19.99 EUR")]
    [InlineData("charge.dispute.funds_withdrawn", "under_review", "DisputeOpened dp_1 19.99 EUR")]
    [InlineData("charge.dispute.closed", "won", "DisputeClosed dp_1 won")]
    [InlineData("charge.dispute.closed", "lost", "DisputeClosed dp_1 lost")]
    [InlineData("charge.dispute.closed", "warning_closed", "DisputeClosed dp_1 won")]
    public void A_dispute_is_placed_by_its_money(string type, string status, string fact)
    {
        var news = Genuine(type, $$"""{"id":"dp_1","object":"dispute","amount":1999,"currency":"eur","charge":"ch_1","payment_intent":"pi_1","status":"{{status}}"}""");
        news.Facts.Select(StripeTests.Say).ShouldBe([fact]);
        news.Payment.ShouldBeNull();
        news.MoneyReference.ShouldBe("pi_1");
    }

    [Theory]
    [InlineData("charge.refunded")]
    [InlineData("payout.paid")]
    [InlineData("charge.succeeded")]
    [InlineData("something.new")]
    public void What_we_do_not_follow_is_genuine_and_says_nothing(string type) => Genuine(type, """{"id":"x","amount":"odd"}""").Facts.ShouldBeEmpty();

    [Theory]
    [InlineData("checkout.session.completed", """{"id":"cs_1","object":"checkout.session","status":"complete","payment_status":"paid","amount_total":"1999","currency":"eur"}""")]
    [InlineData("checkout.session.completed", """{"id":"cs_1","object":"checkout.session","status":"complete","payment_status":"paid","amount_total":1999,"currency":"eur","payment_intent":null}""")]
    [InlineData("checkout.session.completed", """{"id":"cs_1","object":"payment_intent","status":"complete","payment_status":"paid","amount_total":1999,"currency":"eur","payment_intent":"pi_1"}""")]
    [InlineData("payment_intent.succeeded", """{"id":"pi_1","status":"succeeded","amount_received":1999,"currency":"qqq"}""")]
    [InlineData("payment_intent.succeeded", """{"status":"succeeded","amount_received":1999,"currency":"eur"}""")]
    [InlineData("charge.dispute.created", "{}")]
    [InlineData("charge.refunded", "[]")]
    public void Signed_garbage_is_kept_for_a_person(string type, string about) => Read(Event(type, about)).ShouldBeOfType<NewsReading.Unreadable>();

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"id":"evt_1","type":"payment_intent.succeeded","data":null,"livemode":false}""")]
    [InlineData("""{"id":"evt_1","id":"evt_2","type":"x","data":{"object":{}},"livemode":false}""")]
    public void Signed_bytes_that_are_no_event_have_a_name_made_from_them(string body) =>
        Read(body).ShouldBeOfType<NewsReading.Unreadable>().EventId.ShouldStartWith("sha256-");

    [Fact]
    public void News_of_the_other_mode_is_not_believed()
    {
        Read(Event("x", "{}").Replace("\"livemode\":false", "\"livemode\":true")).ShouldBeOfType<NewsReading.Unreadable>();
        Read(Event("x", "{}").Replace(",\"livemode\":false", "")).ShouldBeOfType<NewsReading.Unreadable>();
    }

    static string Event(string type, string about) =>
        $$$"""{"id":"evt_1","object":"event","created":1750000000,"livemode":false,"type":"{{{type}}}","data":{"object":{{{about}}}} }""";

    static NewsReading.Genuine Genuine(string type, string about) => Read(Event(type, about)).ShouldBeOfType<NewsReading.Genuine>();

    static NewsReading Read(string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var signature = HexSignature.HmacSha256("whsec_1", [.. "1750000000."u8, .. bytes]);
        return Gateway.ReadWebhook(StripeTests.Webhook(bytes, $"t=1750000000,v1={signature}", Noon), StripeTests.Account());
    }
}
