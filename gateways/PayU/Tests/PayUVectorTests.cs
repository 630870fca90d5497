using System.Collections.Immutable;
using System.Text;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Gateways.PayU.Tests;

/// <summary>The published hashes, and what they must refuse. Made with the official clients payu-websdk 1.3.1 and payu-sdk 1.1.1.</summary>
[Verifies(Part.Adapter, By.PublishedVector)]
public sealed class PayUVectorTests
{
    const string Key = "VECKEY", Salt = "VecSalt0123456789abcdefABCDEF012", Txnid = "ORD20260001A1";
    const string P3 = "2589f45696b781692cf6df53fd56f4957f1bc75c5647c8b069444a8feb3d4d833bc4fa125ec3aa7a30d750746c6472497bf738b69ca3e4893bd04b1f210062b8";
    const string P4 = "c839525bd4265eae6be321ccc2b44eb573af021b09b49e76c14c6c8f3e94a9940b299eb50d7b87ce2e6be24193a9cbcd58dd7fc55de5a02f3f376b89347cd971";

    static readonly GatewayAccount Account = new("main", "payu", new Uri("https://info.payu.in"),
        ImmutableDictionary<string, string>.Empty.Add(PayUGateway.Key, Key).Add(PayUGateway.Salt, Salt));
    static readonly PayUGateway Gateway = new();

    static Dictionary<string, string> Posted(string status, string hash, params (string Name, string Value)[] more)
    {
        var fields = new Dictionary<string, string>
        {
            ["mihpayid"] = "403990000000000001",
            ["status"] = status,
            ["unmappedstatus"] = "captured",
            ["key"] = Key,
            ["txnid"] = Txnid,
            ["amount"] = "499.00",
            ["productinfo"] = "Demo order 1",
            ["firstname"] = "Asha",
            ["email"] = "asha@example.test",
            ["udf1"] = "tenant-7",
            ["udf5"] = "att-1",
            ["hash"] = hash,
        };
        foreach (var (name, value) in more) fields[name] = value;
        return fields;
    }

    static RawMessage Message(Dictionary<string, string> fields) => new("POST", "/gateways/main/webhook", "", ImmutableDictionary<string, string>.Empty,
        Encoding.ASCII.GetBytes(string.Join('&', fields.Select(f => $"{Uri.EscapeDataString(f.Key)}={Uri.EscapeDataString(f.Value)}"))), DateTimeOffset.UnixEpoch);

    static NewsReading Read(Dictionary<string, string> fields) => Gateway.ReadWebhook(Message(fields), Account);

    [Fact]
    public void Request_without_own_fields_has_eleven_pipes_after_the_e_mail() =>
        PayUHash.Request(Key, Salt, Txnid, "499.00", "Demo order 1", "Asha", "asha@example.test")
            .ShouldBe("e7a74743b30b23e1afd4b11c01d21c72e124d18424b4093d70fd8b36716192c40f2553e37649917556c39ca1f9f1850ae59723dac7dd9210b883fe19f1352f87");

    [Fact]
    public void Request_with_own_fields_is_shown_step_by_step()
    {
        var fields = Posted("", "58967b12ccdaf3721f71ca3b560c11de0f93893fa7ecef0855a4ddd2c00829aa062d992db9310553f6e0400384667f94dbc2910db3d5b414cb642337ecf7e771");
        var trace = PayUHash.Recipes.Single(r => r.Name == "request").Compute(Message(fields), Account);
        trace.Right.ShouldBeTrue();
        trace.Steps.ShouldAllBe(s => !s.Value.Contains(Salt));
        trace.Steps[1].Value.ShouldStartWith("VECKEY|ORD20260001A1|499.00|Demo order 1|Asha|asha@example.test|tenant-7||||att-1||||||");
    }

    [Theory]
    [InlineData("success", P3)]
    [InlineData("failure", P4)]
    [InlineData("pending", "859c050532a330e7fdc332b05450b8360dcc24c27d2b51dfd3ffa7336fa3e3897b178defcff384107be0a0caa30ae369b6bd10d4d1c7de0d0e32cbdc9ec0b139")]
    public void Return_and_webhook_are_read_and_believed_in_nothing(string status, string hash)
    {
        foreach (var reading in new[] { Read(Posted(status, hash)), Gateway.ReadReturn(Message(Posted(status, hash)), Account) })
        {
            var news = reading.ShouldBeOfType<NewsReading.Genuine>();
            (news.Facts.Count, news.ProvesAmount).ShouldBe((0, false));
        }
    }

    [Fact]
    public void Added_charges_stand_in_front() => Read(Posted("success",
        "1f61f11dd12ba48f8cfbc70b32639010f470b6390e9337ef31eb19cbc064a520e3fefd6b9dd71f4003ae254d3f22e7bab477839914409cc7663e86fd59ad2932", ("additionalCharges", "12.50")))
        .ShouldBeOfType<NewsReading.Genuine>();

    [Theory]
    [InlineData("verify_payment", "ORD20260001A1", "4466aeae926180f8a2b7ffe9c5475367f692d20d2278750694aa5cd55607bafe7915cf9d1672251b14804297c57b6bc043d8afaf64b3d498e33e26f8f1f78968")]
    [InlineData("verify_payment", "ORD20260001A1|ORD20260002A1", "96ad43ebad0d9347cdec3423225d3871e40a3e3ab4c4ab8a0a9535a1bd09369477b54a794f63932c6d8f820110329b7cc7a9c291fd62efccd53f421f440517bd")]
    [InlineData("cancel_refund_transaction", "403990000000000001", "bc9d9c3d6dda3bc3ae880bc01d3b41de118e2225bd076ecbc05a5cdb1a5e879d95740c0bf0dc0443c146975d3f2e494332c163ebf05bf6366e247a57d1bd9474")]
    [InlineData("check_action_status", "130000000001", "3bc2e8aa679b3fecf7da2602da6f7c939e02e6242d68dcd0db49966185609da2099bce534045c569aadc4a2d6cfce8a7926fdb9d06797633cc44112a0859a067")]
    [InlineData("get_settlement_details", "2026-01-02", "97379d9a7493b8a1b7f2dc7c08bb5cbf7feed4d0be23ff9afb864661388da3e027d3dbb2b476964cc4f7a49a56dee0b355518c165c91b4dda3a0fa7719c891f4")]
    public void Questions_are_signed(string command, string var1, string hash) => PayUHash.Command(Key, Salt, command, var1).ShouldBe(hash);

    public static TheoryData<string, Dictionary<string, string>> Forgeries => new()
    {
        { "a failure's hash under success", Posted("success", P4) },
        { "another amount", Posted("success", P3, ("amount", "4.99")) },
        { "added charges without their prefix", Posted("success", P3, ("additionalCharges", "12.50")) },
        { "another merchant's key", Posted("success", P3, ("key", "OTHER")) },
        { "upper case", Posted("success", P3.ToUpperInvariant()) },
        { "no hash", Posted("success", "") },
    };

    [Theory]
    [MemberData(nameof(Forgeries))]
    public void What_does_not_fit_is_forged(string what, Dictionary<string, string> fields) => Read(fields).ShouldBeOfType<NewsReading.Forged>(what);

    [Fact]
    public void One_pipe_too_few_or_an_amount_without_its_decimals_is_another_hash()
    {
        PayUHash.Of($"{Key}|{Txnid}|499.00|Demo order 1|Asha|asha@example.test||||||||||{Salt}")
            .ShouldBe("3f3cda69a5012dba466b390d803385a7f6f35a1d7c0543254a62e99520f67bc19d1f2ca63cddf662660eb214f981d6633dbc358ecab33220f96ed4317e778f96");
        PayUHash.Request(Key, Salt, Txnid, "499", "Demo order 1", "Asha", "asha@example.test")
            .ShouldBe("25d2603e8c0641c30bac7592fd13faa5fba997b115a6b15dd6a9b21d8e4c19a824230cdae964c19c41ed1377c3c1ec50799cf28b8a1a3b3242b678880244fdb7");
    }

    /// <summary>The hash leaves these out, which is why a webhook leads to a question only.</summary>
    [Theory]
    [InlineData("mihpayid")]
    [InlineData("unmappedstatus")]
    public void What_the_hash_leaves_out_can_be_changed_and_proves_nothing(string field) =>
        Read(Posted("success", P3, (field, "changed"))).ShouldBeOfType<NewsReading.Genuine>().ProvesAmount.ShouldBeFalse();

    [Fact]
    public async Task A_pipe_in_a_value_would_make_two_orders_one_so_it_is_taken_out()
    {
        PayUHash.Request(Key, Salt, Txnid, "499.00", "X|Y", "Z", "e").ShouldBe(PayUHash.Request(Key, Salt, Txnid, "499.00", "X", "Y|Z", "e"));
        var call = new LinkCall(Account, new PaymentId(new OrderId(1L << 40), 1), new Money(49900, Currency.Find("INR")), "X|Y", new Customer("Y|Z"), null, "https://pay.test/r", default, default);
        var form = (PaymentLink.Form)((Evidence.LinkOpened)((GatewayAnswer.Done)await Gateway.OpenLink(call, null!, default)).Facts[0]).Link!;
        (form.Fields["productinfo"], form.Fields["firstname"], form.Fields["amount"], form.Url).ShouldBe(("X Y", "Y Z", "499.00", "https://secure.payu.in/_payment"));
    }

    [Fact]
    public void Unsigned_news_of_refunds_and_disputes_are_refused() => Gateway.ReadWebhook(new RawMessage("POST", "/", "", ImmutableDictionary<string, string>.Empty,
        """{"key":"VECKEY","amt":"100.00","status":"success","token":"RF0001A1","mihpayid":"403990000000000001","action":"refund"}"""u8.ToArray(), default), Account).ShouldBeOfType<NewsReading.Forged>();
}
