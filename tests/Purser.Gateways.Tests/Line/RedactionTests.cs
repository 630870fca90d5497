using System.Text;

namespace Purser.Gateways.Tests.Line;

public sealed class RedactionTests
{
    static readonly Redaction Redaction = Redaction.For(TestAccount.At(new Uri("http://gateway.test")), TestAccount.Profile);

    [Theory]
    [InlineData("the key is s3cr3t/of+the=account, is it not", "s3cr3t")]
    [InlineData("key=s3cr3t%2Fof%2Bthe%3Daccount&x=1", "s3cr3t")]
    [InlineData("""{"key":"s3cr3t/of\u002Bthe=account"}""", "s3cr3t")]
    [InlineData("Authorization: Basic cnpwOnNlY3JldA==", "cnpw")]
    [InlineData("sent with Bearer sk_test_abcdef", "sk_test_abcdef")]
    [InlineData("card 4242 4242 4242 4242.", "4242")]
    [InlineData("card=4242424242424242&x=1", "4242")]
    [InlineData("card=4242+4242+4242+4242", "4242")]
    [InlineData("""{"number":"6527-6589-0000-1005"}""", "6527")]
    [InlineData("""{"customer":{"name":"Asha Rao","email":"asha@example.test","contact":"+919000000001"}}""", "sha", "9000000001")]
    [InlineData("""{"name": "O\"Brien, \\ quoted", "x":1}""", "Brien", "quoted")]
    [InlineData("""{"contact":919000000001}""", "919000000001")]
    [InlineData("""{"phone":{"country_code":"91","national_number":"9000000001"}}""", "9000000001")]
    [InlineData("""{"customer_details":{"address":{"line1":"1 Long Road","postal_code":"560001"},"phone":"1234567"}}""", "Long", "560001", "1234567")]
    [InlineData("""{"email":"asha@exam""", "asha")]
    [InlineData("customer_email=asha%40example.test&customer%5Bname%5D=Asha+Rao&a=1", "sha", "Rao")]
    [InlineData("no such customer asha.rao+shop@mail.example.test here", "asha", "mail.example")]
    [InlineData("call +91 90000 00001 now", "90000")]
    [InlineData("""{"vpa":"asha@okbank"}""", "okbank")]
    [InlineData("paid with asha.rao@okbank in field1", "asha", "okbank")]
    [InlineData("field1=asha%40okbank&field2=1", "asha", "okbank")]
    [InlineData("""{"scope":"all","access_token":"A21.AAF-tok_en","token_type":"Bearer"}""", "A21", "tok_en")]
    [InlineData("""{"accessToken": "A21.AAF-tok""", "A21")]
    [InlineData("""{"body":{"txnToken":"f0bed899539742309eebd8XXXX7edcf6"}}""", "f0bed8")]
    [InlineData("""{"callback_url":"https://pay.example/gateways/g/return?payment=pay_1&token=AAeH3nGx0d_Zb1-yXk"}""", "AAeH3", "yXk")]
    [InlineData("""{"callback_url":"https://pay.example/return?payment=pay_1\u0026token=AAeH3nGx0d_Zb1-yXk"}""", "AAeH3", "yXk")]
    [InlineData("success_url=https%3A%2F%2Fpay.example%2Freturn%3Fpayment%3Dpay_1%26token%3DAAeH3nGx0d_Zb1-yXk&mode=payment", "AAeH3", "yXk")]
    [InlineData("surl=https%253A%252F%252Fpay.example%252Freturn%253Ftoken%253DAAeH3nGx0d", "AAeH3")]
    [InlineData("redirect_url=https://pay.example/gateways/g/return?pay_01jd8xk3m4n7p_1.AAeH3nGx0d_Zb1-yXk&language=EN", "AAeH3", "yXk")]
    [InlineData("redirect_url=https%3A%2F%2Fpay.example%2Freturn%3Fpay_01jd8xk3m4n7p_12.AAeH3nGx0d", "AAeH3")]
    [InlineData("""{"encrypted_access_token":"enc-A21","refresh_token":"r-77"}""", "A21", "r-77")]
    public void Secrets_and_personal_data_are_cut(string text, params string[] gone)
    {
        var cut = Redaction.Cut(text);
        cut.ShouldContain(Redaction.Mark);
        foreach (var part in gone) cut.ShouldNotContain(part);
    }

    /// <summary>As the gateways' documents write them.</summary>
    [Theory]
    [InlineData("name_on_card", "firstname", "lastname", "first_name", "given_name", "surname", "customer_name", "customerName", "accountHolderName", "card_holder")]
    [InlineData("email", "email_address", "customer_email_id", "PAYMENTEMAILID", "receipt_email")]
    [InlineData("phone", "mobile", "MOBILE_NO", "PAYMENTMOBILENUMBER", "mobileNumber", "phoneNumber", "customer_mobile_no", "customerMobile", "delivery_tel", "national_number")]
    [InlineData("address", "address1", "address2", "address_line_1", "line1", "billing_address", "city", "billing_city", "admin_area_2", "zip", "zipcode", "billing_zip", "postal_code", "pincode")]
    [InlineData("vpa", "payer_vpa", "upi_id", "card_no", "cardnum", "card_number", "maskedCardNumber", "maskedAccountNumber", "account_number", "account_no", "last4", "order_ip")]
    public void Each_name_that_a_gateway_has_for_what_is_personal_is_known(params string[] names)
    {
        foreach (var name in names)
        {
            Redaction.Cut($$"""{"{{name}}": "1 Long Road", "status":"success"}""").ShouldBe($$"""{"{{name}}": "[cut]", "status":"success"}""");
            Redaction.Cut($"a=1&{name}=1+Long+Road&status=success").ShouldBe($"a=1&{name}=[cut]&status=success");
        }
    }

    [Theory]
    [InlineData("""{"state":"COMPLETED","payment_state":"x","country_code":"91","card_type":"CC","card_category":"domestic","bankcode":"CC","card_id":null,"description":"x","ship":1}""")]
    [InlineData("""{"id":"plink_Demo0000000001","amount":49900,"currency":"INR","status":"created","created_at":1767225600}""")]
    [InlineData("""{"notify":{"sms":false,"email":false},"reference_id":"01jd8xk3m4n7pp1","short_url":"https://rzp.io/rzp/DemoAb1"}""")]
    [InlineData("pay_4242424242424242 and 4242424242424241")]
    [InlineData("mode=payment&client_reference_id=01jd8xk3m4n7pp1&line_items%5B0%5D%5Bquantity%5D=1")]
    [InlineData("""{"field":"contact","description":"contact number is invalid"}""")]
    [InlineData("the setting visible stays")]
    public void What_explains_a_payment_stays(string text) => Redaction.Cut(text).ShouldBe(text);

    [Fact]
    public async Task A_recorded_exchange_holds_both_sides_without_what_must_not_be_kept()
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer("""{"error":"asha@example.test is unknown to s3cr3t/of+the=account"}""", 400));
        using var lines = new GatewayLines(network, new ManualTime());
        var line = TestAccount.Open(lines);

        await line.Send(TestAccount.Post("""{"amount":49900,"email":"asha@example.test"}""") with { Path = "v1/things?email=asha%40example.test" }, default);

        network.Sent.Single().Body.ShouldContain("asha@example.test");
        var exchange = line.Exchanges.Single();
        exchange.Request.ShouldContain("Authorization: [cut]");
        exchange.Request.ShouldContain("49900");
        exchange.Answer.ShouldBe("""{"error":"[cut] is unknown to [cut]"}""");
        exchange.ShouldBe(exchange with { Status = 400, Outcome = "400", Path = "v1/things?email=[cut]" });
        exchange.ToString().ShouldNotContain("asha");
        exchange.ToString().ShouldNotContain(TestAccount.Secret);
    }

    [Fact]
    public async Task An_answer_that_is_no_text_is_kept_so_that_its_bytes_can_be_had_back()
    {
        byte[] bytes = [0xff, 0xfe, (byte)'a', 0x80];
        using var lines = new GatewayLines(new ScriptedNetwork(_ => new HttpResponseMessage { Content = new ByteArrayContent(bytes) }), new ManualTime());
        var line = TestAccount.Open(lines);
        await line.Send(TestAccount.Get, default);
        var kept = line.Exchanges.Single().Answer;
        Encoding.Latin1.GetBytes(kept[(kept.IndexOf(']', StringComparison.Ordinal) + 2)..]).ShouldBe(bytes);
    }

    [Fact]
    public async Task A_long_answer_is_kept_in_part_and_says_so()
    {
        using var lines = new GatewayLines(new ScriptedNetwork(_ => ScriptedNetwork.Answer(new string('x', 100_000))), new ManualTime());
        var line = TestAccount.Open(lines);
        (await line.Send(TestAccount.Get, default)).ShouldBeOfType<LineReply.Answered>().Body.Length.ShouldBe(100_000);
        line.Exchanges.Single().Answer.ShouldEndWith($"[{100_000 - (16 * 1024)} more characters]");
        line.Exchanges.Single().Answer.Length.ShouldBeLessThan(17_000);
    }

    [Fact]
    public async Task A_long_answer_that_redaction_makes_short_says_what_is_missing_and_shows_no_half_secret_at_its_end()
    {
        const int Read = 64 * 1024;
        var personal = $$"""{"name":"{{new string('x', 60_000)}}","note":" """;
        var text = personal + new string('-', Read - personal.Length - 8) + TestAccount.Secret + new string('y', 1_000);
        using var lines = new GatewayLines(new ScriptedNetwork(_ => ScriptedNetwork.Answer(text)), new ManualTime());
        var line = TestAccount.Open(lines);
        await line.Send(TestAccount.Get, default);
        var kept = line.Exchanges.Single().Answer;
        kept.ShouldStartWith($$"""{"name":"{{Redaction.Mark}}","note":" --""");
        kept.ShouldEndWith($"-{Redaction.Mark} [{text.Length - Read} more characters]");
        kept.ShouldNotContain(TestAccount.Secret[..8]);
    }

    /// <summary>The database takes no half letter, and would take none of what came with it.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_long_answer_is_not_cut_in_the_middle_of_a_letter(int before)
    {
        using var lines = new GatewayLines(new ScriptedNetwork(_ => ScriptedNetwork.Answer(new string('x', before) + string.Concat(Enumerable.Repeat("\U0001F600", 40_000)))), new ManualTime());
        var line = TestAccount.Open(lines);
        await line.Send(TestAccount.Get, default);
        new UTF8Encoding(false, throwOnInvalidBytes: true).GetByteCount(line.Exchanges.Single().Answer).ShouldBeGreaterThan(30_000);
    }

    [Fact]
    public void Redacting_a_hostile_answer_takes_no_time()
    {
        var started = TimeProvider.System.GetTimestamp();
        foreach (var text in (string[])[new('a', 65536), new('1', 65536), new('.', 65536), string.Concat(Enumerable.Repeat("a@a.", 16384)), string.Concat(Enumerable.Repeat("\"name\":\"\\", 7000)), string.Concat(Enumerable.Repeat("&a[", 21000)), string.Concat(Enumerable.Repeat("1 ", 32768))])
            Redaction.Cut(text);
        TimeProvider.System.GetElapsedTime(started).ShouldBeLessThan(TimeSpan.FromSeconds(60));
    }
}
