using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Purser.Gateways.Tests.Contract;
using static Purser.Gateways.CCAvenue.Tests.CCAvenueTests;

namespace Purser.Gateways.CCAvenue.Tests;

/// <summary>Webhooks and returns: what they may lead to, and every way known to get their encryption wrong.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class CCAvenueNewsTests
{
    const string Echo = $"order_id={Ours}&tracking_id=312000000001&bank_ref_no=BRN777&order_status=Success&currency=INR&amount=1250.50&merchant_param1={Ours}";
    const string Returned = $"order_id={Ours}&tracking_id=312000000001&bank_ref_no=null&order_status=Success&failure_message=&payment_mode=Net Banking&card_name=AvenuesTest"
        + $"&status_code=null&status_message=Y&currency=INR&amount=1250.50&billing_name=Asha Rao&merchant_param1={Ours}&vault=N&mer_amount=1250.50&eci_value=null&retry=N"
        + "&response_code=0&billing_notes=&trans_date=14/03/2026 10:15:30&bin_country=";

    static RawMessage Form(string body) => new("POST", "/gateways/main/return", "?pay_0001jd8xk3m4n_1.AAe", ImmutableDictionary<string, string>.Empty
        .Add("Content-Type", "application/x-www-form-urlencoded"), Encoding.ASCII.GetBytes(body), Morning);

    static NewsReading Webhook(string text, GatewayAccount? account = null) =>
        Gateway.ReadWebhook(Form($"encResp={Cipher(account ?? Account).Encrypt(text)}"), account ?? Account);

    static NewsReading Return(string text) => Gateway.ReadReturn(Form($"encResp={Cipher(Account).Encrypt(text)}&orderNo=another&crossSellUrl="), Account);

    [Theory]
    [InlineData(CCAvenueEncryption.Cbc)]
    [InlineData(CCAvenueEncryption.Gcm)]
    public void A_webhook_leads_to_an_inquiry_and_proves_nothing_in_either_cipher(string cipher)
    {
        var news = Webhook(Echo, With(Account, CCAvenueAccount.Cipher, cipher)).ShouldBeOfType<NewsReading.Genuine>();
        (news.Payment, news.Facts.Count, news.ProvesAmount, news.EventType).ShouldBe((Payment, 0, false, "Success"));
    }

    /// <summary>Trap 6: the browser posts from another site, so it brings no cookie; nothing but the form is needed.</summary>
    [Fact]
    public void A_return_is_read_without_a_session_and_its_clear_copy_of_the_order_is_not_trusted()
    {
        var news = Return(Returned).ShouldBeOfType<NewsReading.Genuine>();
        (news.Payment, news.Facts.Count, news.ProvesAmount, news.EventType).ShouldBe((Payment, 0, false, "return"));
    }

    /// <summary>Trap 1.</summary>
    [Fact]
    public void Whatever_bit_of_a_ciphertext_is_changed_nothing_is_proved() =>
        Tampering.ShouldNeverProve(Gateway, Account, Form($"encResp={Cipher(Account).Encrypt(Echo)}"));

    /// <summary>Trap 2: what public samples get wrong. Each is another text or none, and a wrong IV spoils the first block only.</summary>
    [Theory]
    [InlineData("AES-256 under the hex text of the hash")]
    [InlineData("IV from 1 to 16")]
    [InlineData("IV of the key's first letters")]
    [InlineData("IV of zeros")]
    [InlineData("the working key itself as the key")]
    [InlineData("base64")]
    public void A_wrong_way_from_key_to_ciphertext_is_forged(string wrong)
    {
        using var aes = Aes.Create();
        var (hash, key) = (CCAvenueVectorTests.KeyBytes, Encoding.ASCII.GetBytes(Key));
        aes.Key = wrong switch { "AES-256 under the hex text of the hash" => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hash)), "the working key itself as the key" => key, _ => hash };
        byte[] iv = wrong switch
        {
            "IV from 1 to 16" => [.. Enumerable.Range(1, 16).Select(i => (byte)i)],
            "IV of the key's first letters" => key[..16],
            "IV of zeros" => new byte[16],
            _ => [.. Enumerable.Range(0, 16).Select(i => (byte)i)],
        };
        foreach (var text in new[] { Echo, Returned, "order_status=Success&" + Echo.Replace("&order_status=Success", "", StringComparison.Ordinal) })
        {
            var cipher = aes.EncryptCbc(Encoding.ASCII.GetBytes(text), iv);
            var written = wrong == "base64" ? Uri.EscapeDataString(Convert.ToBase64String(cipher)) : Convert.ToHexStringLower(cipher);
            Gateway.ReadWebhook(Form($"encResp={written}"), Account).ShouldBeOfType<NewsReading.Forged>();
        }
    }

    /// <summary>Trap 3.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(5)]
    public void A_text_that_was_padded_twice_is_read(int length)
    {
        var padded = Echo + new string((char)length, length);
        Cipher(Account).Decrypt(Cipher(Account).Encrypt(padded)).ShouldBe(Echo);
        Webhook(padded).ShouldBeOfType<NewsReading.Genuine>().Payment.ShouldBe(Payment);
    }

    /// <summary>Trap 4, where a kit's line end comes with the form.</summary>
    [Fact]
    public void A_line_end_after_the_ciphertext_is_not_part_of_it() =>
        Gateway.ReadWebhook(Form($"encResp={Cipher(Account).Encrypt(Echo)}%0D%0A"), Account).ShouldBeOfType<NewsReading.Genuine>().Payment.ShouldBe(Payment);

    /// <summary>Trap 7.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("encResp=")]
    [InlineData("encResp=%20")]
    [InlineData("encResp=00")]
    [InlineData("encResp=zz")]
    [InlineData("orderNo=0001jd8xk3m4np1&crossSellUrl=")]
    [InlineData("Merchant_Id=424242&Order_Id=0001jd8xk3m4np1&Amount=1250.50&AuthDesc=Y&Checksum=1234567890")]
    public void An_empty_text_or_the_names_of_the_first_version_are_forged(string body)
    {
        Gateway.ReadReturn(Form(body), Account).ShouldBeOfType<NewsReading.Forged>();
        Gateway.ReadWebhook(Form(body), Account).ShouldBeOfType<NewsReading.Forged>();
    }

    [Fact]
    public void A_field_that_comes_twice_is_none()
    {
        var hex = Cipher(Account).Encrypt(Echo);
        Gateway.ReadWebhook(Form($"encResp={hex}&encResp={hex}"), Account).ShouldBeOfType<NewsReading.Forged>();
    }

    [Theory]
    [InlineData("order_id")]
    [InlineData("tracking_id")]
    [InlineData("order_status")]
    [InlineData("currency")]
    [InlineData("amount")]
    public void A_text_without_one_of_its_fields_is_forged(string name)
    {
        var fields = Returned.Split('&').Where(f => !f.StartsWith(name + "=", StringComparison.Ordinal));
        Return(string.Join('&', fields)).ShouldBeOfType<NewsReading.Forged>();
        Webhook(string.Join('&', fields)).ShouldBeOfType<NewsReading.Forged>();
    }

    [Theory]
    [InlineData("&order_id=0001jd8xk3m4np2")]
    [InlineData("&amount=1.00")]
    [InlineData("&merchant_param2=a\u0001b")]
    [InlineData("\n&merchant_param2=a")]
    public void A_key_that_comes_twice_or_a_character_of_no_text_is_forged(string more) => Webhook(Echo + more).ShouldBeOfType<NewsReading.Forged>();

    [Fact]
    public void Bytes_that_are_no_utf8_are_forged()
    {
        using var aes = Aes.Create();
        aes.Key = CCAvenueVectorTests.KeyBytes;
        var hex = Convert.ToHexStringLower(aes.EncryptCbc([.. Encoding.ASCII.GetBytes(Echo + "&merchant_param2="), 0xff, 0xfe], [.. Enumerable.Range(0, 16).Select(i => (byte)i)]));
        Gateway.ReadWebhook(Form($"encResp={hex}"), Account).ShouldBeOfType<NewsReading.Forged>();
    }

    /// <summary>Trap 11, on its way back: nothing is escaped, so what a shopper typed may look like further fields. Their own come first and once.</summary>
    [Fact]
    public void What_follows_an_ampersand_in_a_name_has_no_key_and_what_follows_an_equals_sign_is_the_value()
    {
        var fields = CCAvenueText.Read("order_id=1&billing_name=Rao & Sons&billing_address=a=b=c&billing_city=")!;
        fields.ShouldBe(new Dictionary<string, string> { ["order_id"] = "1", ["billing_name"] = "Rao ", ["billing_address"] = "a=b=c", ["billing_city"] = "" });
        CCAvenueText.Read("order_id=1&billing_name=Rao&order_id=2").ShouldBeNull();
    }

    [Fact]
    public void News_of_a_reconciliation_spell_their_names_as_the_api_does()
    {
        var news = Webhook($"reference_no=312000000001&order_no={Ours}&order_amt=1250.50&order_bank_ref_no=BRN777&order_date_time=2026-03-14 10:14:50.003&order_status=Shipped&order_fraud_status=NA")
            .ShouldBeOfType<NewsReading.Genuine>();
        (news.Payment, news.EventType, news.ProvesAmount).ShouldBe((Payment, "Shipped", false));
        Webhook($"reference_no=312000000001&order_no={Ours}&order_status=Shipped").ShouldBeOfType<NewsReading.Forged>();
    }

    [Fact]
    public void News_of_a_bank_that_is_down_name_no_order()
    {
        var news = Webhook("payment_option=OPTNBK&card_name=Demo Bank&status=DOWN").ShouldBeOfType<NewsReading.Genuine>();
        (news.Payment, news.EventType, news.Facts.Count).ShouldBe((null, "no_order", 0));
        // As a return it says nothing at all.
        Return("payment_option=OPTNBK&card_name=Demo Bank&status=DOWN").ShouldBeOfType<NewsReading.Forged>();
    }

    [Fact]
    public void The_same_news_has_one_name_and_other_news_another()
    {
        string Name(string text) => Webhook(text).ShouldBeOfType<NewsReading.Genuine>().EventId;
        Name(Echo).ShouldBe(Name(Returned));
        foreach (var (there, instead) in new[] { ("Success", "Awaited"), ("312000000001", "312000000002"), ("1250.50", "1250.51"), ("order_id=0001jd8xk3m4np1", "order_id=0001jd8xk3m4np2") })
            Name(Echo.Replace(there, instead, StringComparison.Ordinal)).ShouldNotBe(Name(Echo));
    }

    [Fact]
    public void Money_that_names_none_of_ours_leads_nowhere()
    {
        var news = Webhook(Echo.Replace(Ours, "ORD-1001", StringComparison.Ordinal)).ShouldBeOfType<NewsReading.Genuine>();
        (news.Payment, news.Facts.Count).ShouldBe((null, 0));
    }

    /// <summary>The page and the API may have keys of their own; what the browser carries is under the page's.</summary>
    [Fact]
    public void News_are_under_the_key_of_the_page_and_not_under_that_of_the_api()
    {
        Webhook(Echo, TwoPairs).ShouldBeOfType<NewsReading.Genuine>();
        var hex = CCAvenueEncryption.Of(ApiKey, CCAvenueEncryption.Cbc)!.Encrypt(Echo);
        Gateway.ReadWebhook(Form($"encResp={hex}"), TwoPairs).ShouldBeOfType<NewsReading.Forged>();
    }
}
