namespace Purser.Gateways.Razorpay.Tests;

/// <summary>Webhooks with the quirks that the wire notes list.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class RazorpayNewsTests
{
    const string Ours = "0001jd8xk3m4np1";
    const string Link = """{"id":"plink_1","status":"paid","amount":49900,"currency":"INR","reference_id":"0001jd8xk3m4np1","order_id":"order_1","expire_by":0,"notes":null}""";

    // The order of a link's event is an internal dump: its id has no prefix.
    const string Order = """{"id":"Demo0000000001","merchant_id":"M1","product_type":"payment_link_v2","receipt":"0001jd8xk3m4np1"}""";

    static readonly RazorpayGateway Gateway = new();

    [Theory]
    [InlineData("payment_link.paid", "captured", true, "Succeeded pay_1 499.00 INR")]
    [InlineData("payment_link.partially_paid", "captured", true, "Succeeded pay_1 499.00 INR")]
    [InlineData("order.paid", "captured", true, "Succeeded pay_1 499.00 INR")]
    [InlineData("payment.captured", "captured", true, "Succeeded pay_1 499.00 INR")]
    [InlineData("payment.captured", "refunded", false, "Reversed")]
    [InlineData("payment.captured", "warped", true, "Processing warped")]
    [InlineData("payment.authorized", "authorized", true, "Processing")]
    [InlineData("payment.authorized", "captured", true, "Succeeded pay_1 499.00 INR")]
    [InlineData("payment.failed", "failed", true, "Declined payment_timed_out")]
    // A snapshot older than its event proves nothing; it is asked about.
    [InlineData("payment_link.paid", "authorized", false, "Processing")]
    [InlineData("payment.captured", "created", false, "Processing")]
    [InlineData("payment.authorized", "created", true, "Processing")]
    [InlineData("payment.failed", "created", false, "Processing")]
    public void Each_event_says_what_its_own_payment_shows(string type, string status, bool proves, params string[] facts)
    {
        var news = Genuine(type, $$$"""
            "payment_link":{"entity":{{{Link}}}},"order":{"entity":{{{Order}}}},
            "payment":{"entity":{"id":"pay_1","status":"{{{status}}}","captured":true,"amount":49900,"currency":"INR","notes":[],"error_reason":"payment_timed_out","order_id":"order_1"}}
            """);
        news.Facts.Select(RazorpayTests.Say).ShouldBe(facts);
        news.ProvesAmount.ShouldBe(proves);
        news.Payment!.Value.Reference.ShouldBe(Ours);
        news.Facts.ShouldAllBe(f => f.GatewayReference == "plink_1");
        news.MoneyReference.ShouldBe("pay_1");
    }

    [Theory]
    [InlineData("payment_link.cancelled", "LinkCancelled")]
    [InlineData("payment_link.expired", "LinkExpired")]
    public void A_link_that_ended_says_so(string type, string fact) =>
        Genuine(type, $$""" "payment_link":{"entity":{{Link}} } """).Facts.Select(RazorpayTests.Say).ShouldBe([fact]);

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"text\"")]
    [InlineData("{}")]
    [InlineData("{\"payment\":7}")]
    [InlineData("{\"payment\":\"somebody else's\"}")]
    public void Notes_of_any_shape_are_read(string notes)
    {
        var news = Genuine("payment.captured", $$""" "payment":{"entity":{"id":"pay_1","status":"captured","amount":49900,"currency":"INR","notes":{{notes}} } } """);
        news.Payment.ShouldBeNull();
        news.Facts.ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(""" "payment":{"entity":{"id":"pay_1","status":"captured","amount":49900,"currency":"INR","notes":{"payment":"0001jd8xk3m4np1"}}} """)]
    [InlineData(""" "payment":{"entity":{"id":"pay_1","status":"captured","amount":49900,"currency":"INR"}},"order":{"entity":{"receipt":"0001jd8xk3m4np1"}} """)]
    public void Our_reference_is_found_in_notes_or_receipt(string payload) => Genuine("payment.captured", payload).Payment!.Value.Reference.ShouldBe(Ours);

    [Theory]
    [InlineData("payment.dispute.created", "open", "DisputeOpened disp_1 499.00 INR")]
    [InlineData("payment.dispute.under_review", "under_review", "DisputeOpened disp_1 499.00 INR")]
    [InlineData("payment.dispute.won", "won", "DisputeClosed disp_1 won")]
    [InlineData("payment.dispute.lost", "under_review", "DisputeClosed disp_1 lost")]
    [InlineData("payment.dispute.closed", "closed", "DisputeClosed disp_1 won")]
    [InlineData("payment.dispute.closed", "lost", "DisputeClosed disp_1 lost")]
    public void A_dispute_is_told_and_names_its_money(string type, string status, string fact)
    {
        var news = Genuine(type, $$""" "dispute":{"entity":{"id":"disp_1","payment_id":"pay_1","amount":49900,"currency":"INR","status":"{{status}}"} } """);
        news.Facts.Select(RazorpayTests.Say).ShouldBe([fact]);
        news.MoneyReference.ShouldBe("pay_1");
    }

    [Theory]
    [InlineData("settlement.processed")]
    [InlineData("payment.downtime.started")]
    [InlineData("something.new")]
    public void What_we_do_not_follow_is_genuine_and_says_nothing(string type) => Genuine(type, "").Facts.ShouldBeEmpty();

    [Theory]
    [InlineData("""{"event":"payment.captured","payload":{}}""")]
    [InlineData("""{"event":"payment.captured","payload":{"payment":{"entity":{"id":"pay_1","status":"captured","amount":"49900","currency":"INR"}}}}""")]
    [InlineData("""{"event":"payment.captured","payload":{"payment":{"entity":{"id":"pay_1","status":"captured","amount":-1,"currency":"INR"}}}}""")]
    [InlineData("""{"event":"payment.captured","event":"payment.failed","payload":{}}""")]
    [InlineData("""{"event":"payment_link.expired","payload":{}}""")]
    [InlineData("""{"payload":{}}""")]
    [InlineData("[]")]
    [InlineData("not json")]
    [InlineData("")]
    public void Signed_garbage_is_kept_for_a_person(string body) => Read(body).ShouldBeOfType<NewsReading.Unreadable>().EventId.ShouldStartWith("sha256-");

    [Fact]
    public void News_that_names_two_payments_is_kept_for_a_person() => Read("""
        {"event":"payment.captured","payload":{"payment":{"entity":{"id":"pay_1","status":"captured","amount":1,"currency":"INR","notes":{"payment":"0001jd8xk3m4np2"}}},
        "order":{"entity":{"receipt":"0001jd8xk3m4np1"}}}}
        """).ShouldBeOfType<NewsReading.Unreadable>();

    [Fact]
    public void News_is_known_by_its_signed_bytes_for_their_event_id_is_not_signed()
    {
        var first = Read("{\"event\":\"x\"}", "evt-1").ShouldBeOfType<NewsReading.Genuine>().EventId;
        // A replay under a new id, or under none, is still one event.
        foreach (var id in (string?[])["evt-2", "", null, new string('e', 500)])
            Read("{\"event\":\"x\"}", id).ShouldBeOfType<NewsReading.Genuine>().EventId.ShouldBe(first);
        // And under the id of a genuine event nothing else can take its place.
        Read("{\"event\":\"y\"}", "evt-1").ShouldBeOfType<NewsReading.Genuine>().EventId.ShouldNotBe(first);
        Read("garbage", "evt-1").ShouldBeOfType<NewsReading.Unreadable>().EventId.ShouldNotBe(first);
    }

    static NewsReading.Genuine Genuine(string type, string payload) =>
        Read($$$"""{"entity":"event","event":"{{{type}}}","payload":{ {{{payload}}} },"created_at":1}""").ShouldBeOfType<NewsReading.Genuine>();

    static NewsReading Read(string body, string? eventId = "evt-1")
    {
        var bytes = RazorpayTests.Bytes(body);
        return Gateway.ReadWebhook(RazorpayTests.Webhook(bytes, HexSignature.HmacSha256("hook-secret-1", bytes), eventId), RazorpayTests.Account());
    }
}
