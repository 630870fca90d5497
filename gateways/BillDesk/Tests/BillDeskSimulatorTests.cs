using System.Buffers.Text;
using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;

namespace Purser.Gateways.BillDesk.Tests;

/// <summary>The simulator keeps to the document; its requests and tokens are written here by hand.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class BillDeskSimulatorTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    const string Merchant = "SANDBOXBD", Client = "sandboxbd", SigningKey = "SandboxSigningKey0123456789abcdef";
    const string EncryptionKey = "SandboxEncKey0123456789abcdefABC", KeyId = "sandboxkey01", Back = "https://shop.example.test/cb/billdesk?a=1";

    Gateway gateway = null!;
    int traces;

    public async Task InitializeAsync() => gateway = await world.Fresh("billdesk", SigningKey);

    public Task DisposeAsync()
    {
        gateway.Dispose();
        return Task.CompletedTask;
    }

    [Theory]
    [InlineData("/payments/ve1_2")]
    [InlineData("/payments/v1_2")]
    [InlineData("/u2/payments/ve1_2")]
    public async Task An_order_is_made_and_launched_with_what_its_answer_says(string below)
    {
        var (status, made) = await Ask(below + "/orders/create", Order("ORD20260001A1"));
        status.ShouldBe(200);
        (made["objectid"]!.ToString(), made["status"]!.ToString(), made["next_step"]!.ToString()).ShouldBe(("order", "ACTIVE", "redirect"));
        made["bdorderid"]!.ToString().ShouldMatch("^OA[A-Z0-9]{14}$");
        (made["additional_info"]!["additional_info1"]!.ToString(), made["additional_info"]!["additional_info7"]!.ToString()).ShouldBe(("att_01", "NA"));
        var link = made["links"]!.AsArray().Single(l => l!["rel"]!.ToString() == "redirect")!;
        var life = DateTimeOffset.Parse(link["valid_date"]!.ToString(), CultureInfo.InvariantCulture)
            - DateTimeOffset.Parse(made["createdon"]!.ToString(), CultureInfo.InvariantCulture);
        life.ShouldBe(TimeSpan.FromMinutes(30));
        var fields = link["parameters"]!.AsObject().ToDictionary(f => f.Key, f => f.Value!.ToString());
        (await Launch(link["href"]!.ToString(), fields)).ShouldContain("INR 499.00");
        // Some post the merchant's name under another field.
        fields["merchantid"] = fields["mercid"];
        fields.Remove("mercid");
        (await Launch(link["href"]!.ToString(), fields)).ShouldContain("INR 499.00");
        fields["rdata"] += "x";
        (await Launch(link["href"]!.ToString(), fields)).ShouldNotContain("499.00");
    }

    [Fact]
    public async Task The_name_of_an_order_is_taken_for_ever()
    {
        (await Create("ORD20260001A1")).Status.ShouldBe(200);
        var (status, no) = await Create("ORD20260001A1");
        status.ShouldBe(409);
        no.ToJsonString().ShouldBe(
            """{"status":409,"error_type":"duplicate_request_error","error_code":"TRDRE0001","message":"Transaction already exists with given mercid and orderid"}""");
    }

    [Fact]
    public async Task A_trace_is_taken_for_a_day()
    {
        var trace = "TRACE0000000001";
        (await Ask("/payments/ve1_2/orders/create", Order("ORD20260001A1"), trace)).Status.ShouldBe(200);
        var (status, no) = await Ask("/payments/ve1_2/transactions/get", About("ORD20260001A1"), trace);
        (status, no["error_type"]!.ToString()).ShouldBe((409, "duplicate_request_error"));
    }

    [Theory]
    [InlineData("amount", "499")]
    [InlineData("amount", "499.0")]
    [InlineData("amount", "0.00")]
    [InlineData("amount", 499.00)]
    [InlineData("order_date", "2026-01-01T04:30:00Z")]
    [InlineData("currency", "INR")]
    [InlineData("ru", "/back")]
    [InlineData("itemcode", "")]
    [InlineData("device", "internet")]
    [InlineData("orderid", "short")]
    [InlineData("orderid", "with|pipe|in|it")]
    [InlineData("mercid", "OTHER")]
    public async Task An_order_that_breaks_a_rule_is_refused_in_a_token(string field, object value)
    {
        var order = Order("ORD20260001A1");
        order[field] = JsonValue.Create(value);
        var (status, no) = await Ask("/payments/ve1_2/orders/create", order);
        (status, no["error_type"]!.ToString()).ShouldBe((400, "invalid_data_error"));
        gateway.Inside.Dialect.Links().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("BD-Traceid", "short")]
    [InlineData("BD-Traceid", null)]
    [InlineData("BD-Timestamp", "2026-01-01T10:00:00Z")]
    [InlineData("Accept", "application/json")]
    [InlineData("Content-Type", "application/json")]
    public async Task Each_header_is_needed(string header, string? value)
    {
        using var request = Request("/payments/ve1_2/orders/create", Signed(Order("ORD20260001A1").ToJsonString()), "TRACE0000000001");
        if (header == "Content-Type") request.Content!.Headers.ContentType = new("application/json");
        else
        {
            request.Headers.Remove(header);
            if (value is not null) request.Headers.TryAddWithoutValidation(header, value);
        }
        using var answer = await gateway.Http.SendAsync(request);
        ((int)answer.StatusCode).ShouldBe(400);
        Payload(await answer.Content.ReadAsStringAsync()).ShouldContain("invalid_data_error");
    }

    [Theory]
    [InlineData("unsigned")]
    [InlineData("other key")]
    [InlineData("other client")]
    [InlineData("plain")]
    [InlineData("encrypted")]
    public async Task Who_does_not_sign_in_the_agreed_scheme_is_not_known(string how)
    {
        var text = Order("ORD20260001A1").ToJsonString();
        var body = how switch
        {
            "unsigned" => Signed(text, alg: "none")[..^43],
            "other key" => Signed(text, key: SigningKey + "x"),
            "other client" => Signed(text, client: "somebody"),
            "encrypted" => Signed(Encrypted(text)),
            _ => text,
        };
        using var answer = await gateway.Http.SendAsync(Request("/payments/ve1_2/orders/create", body, "TRACE0000000001"));
        ((int)answer.StatusCode).ShouldBe(401);
        gateway.Inside.Dialect.Links().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_caller_from_an_unknown_address_gets_a_page()
    {
        await Set(new { whitelist = "refuse" });
        using var answer = await gateway.Http.SendAsync(Request("/payments/ve1_2/orders/create", Signed(Order("ORD20260001A1").ToJsonString()), "TRACE0000000001"));
        ((int)answer.StatusCode, answer.Content.Headers.ContentType!.MediaType).ShouldBe((403, "text/html"));
    }

    [Fact]
    public async Task In_the_symmetric_scheme_everything_is_encrypted_and_signed()
    {
        await Set(new { scheme = "symmetric" });
        var (refused, _) = await Ask("/payments/ve1_2/orders/create", Order("ORD20260001A1"));
        refused.ShouldBe(401);
        using var made = await gateway.Http.SendAsync(Request("/payments/ve1_2/orders/create", Signed(Encrypted(Order("ORD20260001A1").ToJsonString())), "TRACE0000000002"));
        ((int)made.StatusCode).ShouldBe(200);
        Decrypted(Payload(await made.Content.ReadAsStringAsync())).ShouldContain("\"bdorderid\"");
        var back = (await gateway.Shopper("ORD20260001A1", "paid")).Body["return_form"]!["transaction_response"]!.ToString();
        Decrypted(Payload(back)).ShouldContain("\"auth_status\":\"0300\"");
        var heard = (await world.Hear(1))[0].Text;
        Decrypted(Payload(heard["transaction_response=".Length..])).ShouldContain("\"auth_status\":\"0300\"");
    }

    [Theory]
    [InlineData("paid", "0300", "499.00")]
    [InlineData("wrong_amount", "0300", "498.99")]
    [InlineData("declined", "0399", "499.00")]
    [InlineData("paid_pending", "0002", "499.00")]
    [InlineData("paid_late", "0001", "499.00")]
    public async Task Return_webhook_and_inquiry_say_the_same(string outcome, string auth, string amount)
    {
        await Create("ORD20260001A1");
        (await Get("ORD20260001A1")).Status.ShouldBe(404);
        world.StandStill();
        var (status, acted) = await gateway.Shopper("ORD20260001A1", outcome);
        (status, acted["return_url"]!.ToString()).ShouldBe((200, Back));
        var returned = JsonNode.Parse(Payload(acted["return_form"]!["transaction_response"]!.ToString()))!;
        var (found, read) = await Get("ORD20260001A1");
        found.ShouldBe(200);
        read.ToJsonString().ShouldBe(returned.ToJsonString());
        (read["auth_status"]!.ToString(), read["amount"]!.ToString(), read["orderid"]!.ToString()).ShouldBe((auth, amount, "ORD20260001A1"));
        read["transaction_date"]!.ToString().ShouldEndWith("+05:30");
        var heard = (await world.Hear(1))[0];
        heard.Headers["Content-Type"].ShouldStartWith("application/x-www-form-urlencoded");
        JsonNode.Parse(Payload(heard.Text["transaction_response=".Length..]))!.ToJsonString().ShouldBe(read.ToJsonString());
        (await gateway.Shopper("ORD20260001A1", "paid")).Status.ShouldBe(409);
    }

    [Theory]
    [InlineData("paid_pending", "0300")]
    [InlineData("pending_then_failed", "0399")]
    [InlineData("paid_late", "0300")]
    public async Task The_bank_decides_later(string outcome, string auth)
    {
        await Create("ORD20260001A1");
        await gateway.Shopper("ORD20260001A1", outcome);
        await World.Until(async () => (await Get("ORD20260001A1")).Body["auth_status"]!.ToString() == auth);
        (await gateway.Book()).Count.ShouldBe(auth == "0300" ? 1 : 0);
        await world.Hear(2);
    }

    [Fact]
    public async Task Money_that_came_late_goes_back_by_itself_where_the_account_has_it_so()
    {
        await Set(new { late_money = "refund" });
        await Create("ORD20260001A1");
        await gateway.Shopper("ORD20260001A1", "paid_late");
        await World.Until(async () => (await gateway.Book()).Count == 2);
        var told = (await Ask("/payments/ve1_2/transactions/get", About("ORD20260001A1", details: true))).Body;
        told["refundInfo"]!.AsArray().ShouldHaveSingleItem()!["refund_status"]!.ToString().ShouldBe("0699");
    }

    [Fact]
    public async Task Who_closes_the_page_comes_back_without_a_token_and_may_pay_later()
    {
        await Create("ORD20260001A1");
        var form = (await gateway.Shopper("ORD20260001A1", "cancelled")).Body["return_form"]!.AsObject();
        form["terminal_state"]!.ToString().ShouldBe("111");
        form.ContainsKey("transaction_response").ShouldBeFalse();
        (await Get("ORD20260001A1")).Status.ShouldBe(404);
        (await gateway.Shopper("ORD20260001A1", "paid")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_page_that_stays_takes_more_tries_and_can_be_paid_twice()
    {
        await Create("ORD20260001A1");
        (await gateway.Shopper("ORD20260001A1", "paid_twice")).Status.ShouldBe(409);
        await Set(new { retry = "page" });
        (await gateway.Shopper("ORD20260001A1", "declined")).Body["return_url"].ShouldBeNull();
        var (status, twice) = await gateway.Shopper("ORD20260001A1", "paid_twice");
        status.ShouldBe(200);
        (await gateway.Book()).Count.ShouldBe(2);
        foreach (var money in twice["money_ids"]!.AsArray())
        {
            var read = await Ask("/payments/ve1_2/transactions/get", new() { ["mercid"] = Merchant, ["transactionid"] = money!.ToString() });
            (read.Body["transactionid"]!.ToString(), read.Body["auth_status"]!.ToString()).ShouldBe((money.ToString(), "0300"));
        }
    }

    [Fact]
    public async Task Where_the_documents_differ_the_settings_choose()
    {
        await Set(new { @return = "get", return_field = "txnResponse", webhook = "jose", surcharge = "10.00" });
        await Create("ORD20260001A1");
        var back = (await gateway.Shopper("ORD20260001A1", "paid")).Body["return_url"]!.ToString();
        back.ShouldStartWith(Back + "&txnResponse=");
        var heard = (await world.Hear(1))[0];
        heard.Headers["Content-Type"].ShouldBe("application/jose");
        var read = JsonNode.Parse(Payload(heard.Text))!;
        (read["amount"]!.ToString(), read["surcharge"]!.ToString(), read["charge_amount"]!.ToString()).ShouldBe(("499.00", "10.00", "509.00"));
    }

    [Fact]
    public async Task An_order_that_was_not_paid_in_time_takes_nothing()
    {
        await Create("ORD20260001A1");
        await gateway.Shopper("ORD20260001A1", "expired");
        (await gateway.Shopper("ORD20260001A1", "paid")).Status.ShouldBe(409);
        gateway.Inside.Dialect.LinkByReference("ORD20260001A1")!.Status.ShouldBe("EXPIRED");
    }

    [Fact]
    public async Task Refunds_in_parts_are_accepted_and_all_of_it_on_the_same_day_cancels()
    {
        var paid = await Paid("ORD20260001A1");
        var (status, part) = await Refund(paid, "RF0001", "100.00");
        (status, part["refund_status"]!.ToString(), part["txn_amount"]!.ToString()).ShouldBe((200, "0799", "499.00"));
        (await Refund(paid, "RF0001", "100.00")).Body["error_type"]!.ToString().ShouldBe("duplicate_request_error");
        (await Refund(paid, "RF0002", "399.01")).Status.ShouldBe(422);
        (await Refund(paid, "RF0003", "399.00")).Status.ShouldBe(200);
        foreach (var (field, value) in new[] { ("merc_refund_ref_no", "RF0001"), ("refundid", part["refundid"]!.ToString()) })
        {
            var read = await Ask("/payments/ve1_2/refunds/get", new() { ["mercid"] = Merchant, [field] = value });
            (read.Status, read.Body.ToJsonString()).ShouldBe((200, part.ToJsonString()));
        }
        (await Ask("/payments/ve1_2/refunds/get", new() { ["mercid"] = Merchant, ["merc_refund_ref_no"] = "RF0009" })).Status.ShouldBe(404);
        (await Ask("/payments/ve1_2/transactions/get", About("ORD20260001A1", details: true))).Body["refundInfo"]!.AsArray().Count.ShouldBe(2);
        (await Refund(await Paid("ORD20260002A1"), "RF0010", "499.00")).Body["refund_status"]!.ToString().ShouldBe("0699");
        (await gateway.Book()).Count(m => m!["kind"]!.ToString() == "refunded").ShouldBe(3);
    }

    [Theory]
    [InlineData("transaction_date", "2026-01-01T10:02:11+05:30", 422)]
    [InlineData("txn_amount", "500.00", 422)]
    [InlineData("transactionid", "UNOBODY00000000", 404)]
    [InlineData("orderid", "ORD20260001A2", 404)]
    [InlineData("refund_amount", "1", 400)]
    [InlineData("merc_refund_ref_no", "", 400)]
    public async Task A_refund_needs_the_facts_of_its_payment(string field, string value, int status)
    {
        var asked = Refunding(await Paid("ORD20260001A1"), "RF0001", "100.00");
        asked[field] = value;
        (await Ask("/payments/ve1_2/refunds/create", asked)).Status.ShouldBe(status);
        (await gateway.Book()).Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("pending", "0799", 2)]
    [InlineData("fail", "0399", 1)]
    public async Task A_refund_may_take_its_time(string how, string end, int movements)
    {
        await Set(new { refunds = how, refund_webhooks = "on" });
        (await Refund(await Paid("ORD20260001A1"), "RF0001", "499.00")).Body["refund_status"]!.ToString().ShouldBe("0002");
        await World.Until(async () => (await Ask("/payments/ve1_2/refunds/get", new() { ["mercid"] = Merchant, ["merc_refund_ref_no"] = "RF0001" }))
            .Body["refund_status"]!.ToString() == end);
        (await gateway.Book()).Count.ShouldBe(movements);
        var heard = await world.Hear(2);
        // Two messages that are on their way together may overtake each other.
        heard.Select(h => JsonNode.Parse(Payload(h.Text["transaction_response=".Length..]))!["objectid"]!.ToString()).ShouldContain("refund");
    }

    [Fact]
    public async Task A_voucher_pays_out_what_its_rows_add_up_to()
    {
        var paid = await Paid("ORD20260001A1");
        await Paid("ORD20260002A1");
        await Refund(paid, "RF0001", "100.00");
        var today = gateway.Inside.Now.ToOffset(new TimeSpan(5, 30, 0)).ToString("yyyyMMdd", CultureInfo.InvariantCulture);
        var one = (await Ask("/pasettlements/v1_2/settlements/get", new() { ["mercid"] = Merchant, ["from_date"] = today, ["to_date"] = today }))
            .Body["settlements"]!.AsArray().ShouldHaveSingleItem()!;
        (one["amount_details"]!["settlement"]!.ToString(), one["amount_details"]!["refund"]!.ToString(), one["charges"]!.ToString(), one["taxes"]!.ToString(),
            one["payout_amount"]!.ToString()).ShouldBe(("998.00", "100.00", "19.96", "3.60", "874.44"));
        var again = await Ask("/pasettlements/v1_2/settlements/get", new() { ["mercid"] = Merchant, ["pv_number"] = one["pv_number"]!.ToString() });
        again.Body["settlements"]!.ToJsonString().ShouldBe($"[{one.ToJsonString()}]");
        (await Ask("/pasettlements/v1_2/settlements/get", new() { ["mercid"] = Merchant, ["from_date"] = "20260101", ["to_date"] = "20260108" })).Status.ShouldBe(400);

        var file = await world.Control.GetStringAsync("/control/billdesk/settlement");
        var rows = file.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        rows.Length.ShouldBe(4);
        rows[0].ShouldBe("pv_number,record_type,transactionid,refundid,orderid,merc_refund_ref_no,transaction_date,settlement_date,gross_amount,charges,gst,net_amount,currency,payment_method_type,bank_ref_no,utr");
        rows[3].ShouldContain(",REFUND,");
        rows[3].ShouldContain(",-100.00,0.00,0.00,-100.00,356,");
        rows.Skip(1).Sum(r => decimal.Parse(r.Split(',')[11], CultureInfo.InvariantCulture)).ShouldBe(874.44m);
    }

    Task Set(object settings) => world.Put("/control/billdesk/settings", settings);

    static JsonObject Order(string name) => new()
    {
        ["mercid"] = Merchant,
        ["orderid"] = name,
        ["amount"] = "499.00",
        ["order_date"] = "2026-01-01T10:00:00+05:30",
        ["currency"] = "356",
        ["ru"] = Back,
        ["itemcode"] = "DIRECT",
        ["additional_info"] = new JsonObject { ["additional_info1"] = "att_01" },
        ["device"] = new JsonObject { ["init_channel"] = "internet", ["ip"] = "203.0.113.10", ["user_agent"] = "Mozilla/5.0", ["accept_header"] = "text/html" },
    };

    static JsonObject About(string name, bool details = false)
    {
        var asked = new JsonObject { ["mercid"] = Merchant, ["orderid"] = name };
        if (details) asked["refund_details"] = "true";
        return asked;
    }

    Task<(int Status, JsonNode Body)> Create(string name) => Ask("/payments/ve1_2/orders/create", Order(name));

    Task<(int Status, JsonNode Body)> Get(string name) => Ask("/payments/ve1_2/transactions/get", About(name));

    async Task<JsonNode> Paid(string name)
    {
        await Create(name);
        await gateway.Shopper(name, "paid");
        return (await Get(name)).Body;
    }

    static JsonObject Refunding(JsonNode paid, string reference, string amount) => new()
    {
        ["mercid"] = Merchant,
        ["orderid"] = paid["orderid"]!.ToString(),
        ["transactionid"] = paid["transactionid"]!.ToString(),
        ["transaction_date"] = paid["transaction_date"]!.ToString(),
        ["txn_amount"] = paid["amount"]!.ToString(),
        ["refund_amount"] = amount,
        ["currency"] = "356",
        ["merc_refund_ref_no"] = reference,
    };

    Task<(int Status, JsonNode Body)> Refund(JsonNode paid, string reference, string amount) =>
        Ask("/payments/ve1_2/refunds/create", Refunding(paid, reference, amount));

    async Task<(int Status, JsonNode Body)> Ask(string path, JsonObject asked, string? trace = null)
    {
        trace ??= $"TRACE{Interlocked.Increment(ref traces):d10}X";
        using var request = Request(path, Signed(asked.ToJsonString()), trace);
        using var answer = await gateway.Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        // An error page or a plain answer has no payload.
        return ((int)answer.StatusCode, text.Split('.').Length == 3 ? JsonNode.Parse(Payload(text))! : new JsonObject());
    }

    static HttpRequestMessage Request(string path, string token, string trace)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(Encoding.ASCII.GetBytes(token)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/jose");
        request.Headers.TryAddWithoutValidation("Accept", "application/jose");
        request.Headers.TryAddWithoutValidation("BD-Traceid", trace);
        request.Headers.TryAddWithoutValidation("BD-Timestamp", "20260101100000");
        return request;
    }

    async Task<string> Launch(string url, Dictionary<string, string> fields)
    {
        using var form = new FormUrlEncodedContent(fields);
        using var answer = await gateway.Http.PostAsync(url, form);
        return await answer.Content.ReadAsStringAsync();
    }

    static string Base64(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    static string Signed(string payload, string key = SigningKey, string client = Client, string alg = "HS256")
    {
        var text = $"{Base64($$"""{"alg":"{{alg}}","clientid":"{{client}}"}""")}.{Base64(payload)}";
        return $"{text}.{Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.ASCII.GetBytes(text)))}";
    }

    /// <summary>The payload of a token that is rightly signed.</summary>
    static string Payload(string token)
    {
        var parts = token.Split('.');
        parts[2].ShouldBe(Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(SigningKey), Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"))));
        Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[0])).ShouldContain("\"clientid\":\"sandboxbd\"");
        return Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1]));
    }

    static string Encrypted(string text)
    {
        var header = Base64($$"""{"alg":"dir","enc":"A256GCM","kid":"{{KeyId}}","clientid":"{{Client}}"}""");
        var plain = Encoding.UTF8.GetBytes(text);
        var (nonce, cipher, tag) = (RandomNumberGenerator.GetBytes(12), new byte[plain.Length], new byte[16]);
        using var gcm = new AesGcm(Encoding.UTF8.GetBytes(EncryptionKey), 16);
        gcm.Encrypt(nonce, plain, cipher, tag, Encoding.ASCII.GetBytes(header));
        return $"{header}..{Base64Url.EncodeToString(nonce)}.{Base64Url.EncodeToString(cipher)}.{Base64Url.EncodeToString(tag)}";
    }

    static string Decrypted(string token)
    {
        var parts = token.Split('.');
        var cipher = Base64Url.DecodeFromChars(parts[3]);
        var plain = new byte[cipher.Length];
        using var gcm = new AesGcm(Encoding.UTF8.GetBytes(EncryptionKey), 16);
        gcm.Decrypt(Base64Url.DecodeFromChars(parts[2]), cipher, Base64Url.DecodeFromChars(parts[4]), plain, Encoding.ASCII.GetBytes(parts[0]));
        return Encoding.UTF8.GetString(plain);
    }
}
