using System.Net;
using System.Net.Sockets;
using System.Text;
using Purser.Server.Api;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Api;

/// <summary>Input that is wrong, by name: the answer is a 4xx with the field and the remedy, and nothing is written.</summary>
public sealed class BadInputTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    ApiHouse house = null!;

    public async Task InitializeAsync()
    {
        house = await ApiHouse.Open(await postgres.CreateDatabase());
        (await house.Post("/v1/products", """{"id": "tea", "name": "Tea", "unit_amount": 500, "currency": "INR"}""")).Status.ShouldBe(HttpStatusCode.Created);
        (await house.Post("/v1/products", """{"id": "old", "name": "Old tea", "unit_amount": 500, "currency": "INR", "active": false}""")).Status.ShouldBe(HttpStatusCode.Created);
        (await house.Post("/v1/products", """{"id": "ramen", "name": "Ramen", "unit_amount": 900, "currency": "JPY"}""")).Status.ShouldBe(HttpStatusCode.Created);
    }

    public async Task DisposeAsync() => await house.DisposeAsync();

    [Theory]
    [InlineData("unknown field", """{"currency":"INR","amount":100,"description":"x","ammount":5}""", "ammount")]
    [InlineData("field in another case", """{"currency":"INR","amount":100,"description":"x","userId":"u"}""", "userId")]
    [InlineData("unknown field in a line", """{"currency":"INR","lines":[{"name":"x","quantity":1,"unit_amount":1,"price":2}]}""", "lines[0].price")]
    [InlineData("text for a number", """{"currency":"INR","amount":"100","description":"x"}""", "amount")]
    [InlineData("number for text", """{"currency":356,"amount":100,"description":"x"}""", "currency")]
    [InlineData("object for a list", """{"currency":"INR","lines":{"name":"x"}}""", "lines")]
    [InlineData("number in a list of objects", """{"currency":"INR","lines":[7]}""", "lines[0]")]
    [InlineData("zero amount", """{"currency":"INR","amount":0,"description":"x"}""", "amount")]
    [InlineData("negative amount", """{"currency":"INR","amount":-1,"description":"x"}""", "amount")]
    [InlineData("huge amount", """{"currency":"INR","amount":99999999999999999999999,"description":"x"}""", "amount")]
    [InlineData("amount above the limit", """{"currency":"INR","amount":1000000000000,"description":"x"}""", "amount")]
    [InlineData("fractional amount", """{"currency":"INR","amount":499.5,"description":"x"}""", "amount")]
    [InlineData("amount with an exponent", """{"currency":"INR","amount":5e3,"description":"x"}""", "amount")]
    [InlineData("yen with decimals", """{"currency":"JPY","amount":500.50,"description":"x"}""", "amount")]
    [InlineData("dinar with three decimals", """{"currency":"KWD","amount":1.250,"description":"x"}""", "amount")]
    [InlineData("zero quantity", """{"currency":"INR","lines":[{"name":"x","quantity":0,"unit_amount":1}]}""", "lines[0].quantity")]
    [InlineData("negative price", """{"currency":"INR","lines":[{"name":"x","quantity":1,"unit_amount":-5}]}""", "lines[0].unit_amount")]
    [InlineData("lines beyond the limit together", """{"currency":"INR","lines":[{"name":"x","quantity":1000000,"unit_amount":999999999999}]}""", "lines")]
    [InlineData("amount that is not the sum", """{"currency":"INR","amount":3,"lines":[{"name":"x","quantity":1,"unit_amount":2}]}""", "amount")]
    [InlineData("unknown currency", """{"currency":"XXQ","amount":100,"description":"x"}""", "currency")]
    [InlineData("currency in small letters", """{"currency":"inr","amount":100,"description":"x"}""", "currency")]
    [InlineData("no currency", """{"amount":100,"description":"x"}""", "currency")]
    [InlineData("empty lines", """{"currency":"INR","lines":[]}""", "lines")]
    [InlineData("neither lines nor amount", """{"currency":"INR"}""", "lines")]
    [InlineData("amount without description", """{"currency":"INR","amount":100}""", "description")]
    [InlineData("line without name", """{"currency":"INR","lines":[{"quantity":1,"unit_amount":1}]}""", "lines[0].name")]
    [InlineData("line without quantity", """{"currency":"INR","lines":[{"name":"x","unit_amount":1}]}""", "lines[0].quantity")]
    [InlineData("line without price", """{"currency":"INR","lines":[{"name":"x","quantity":1}]}""", "lines[0].unit_amount")]
    [InlineData("unknown product", """{"lines":[{"product":"tea","quantity":1},{"product":"nothing","quantity":1}]}""", "lines[1].product")]
    [InlineData("product no longer sold", """{"lines":[{"product":"old","quantity":1}]}""", "lines[0].product")]
    [InlineData("product of another currency", """{"currency":"INR","lines":[{"product":"ramen","quantity":1}]}""", "lines[0].product")]
    [InlineData("price for a product", """{"currency":"INR","lines":[{"product":"tea","quantity":1,"unit_amount":1}]}""", "lines[0].unit_amount")]
    [InlineData("return URL elsewhere", """{"currency":"INR","amount":100,"description":"x","return_url":"https://evil.example/thanks"}""", "return_url")]
    [InlineData("return URL that only begins alike", """{"currency":"INR","amount":100,"description":"x","return_url":"https://shop.example.evil/thanks"}""", "return_url")]
    [InlineData("return URL beside the path", """{"currency":"INR","amount":100,"description":"x","return_url":"https://shop.example/thanks-not"}""", "return_url")]
    [InlineData("return URL that climbs out", """{"currency":"INR","amount":100,"description":"x","return_url":"https://shop.example/thanks/../admin"}""", "return_url")]
    [InlineData("return URL with a name in it", """{"currency":"INR","amount":100,"description":"x","return_url":"https://shop.example@evil.example/thanks"}""", "return_url")]
    [InlineData("return URL of another scheme", """{"currency":"INR","amount":100,"description":"x","return_url":"javascript:alert(1)"}""", "return_url")]
    [InlineData("life too short", """{"currency":"INR","amount":100,"description":"x","expires_in_seconds":59}""", "expires_in_seconds")]
    [InlineData("life too long", """{"currency":"INR","amount":100,"description":"x","expires_in_seconds":7776001}""", "expires_in_seconds")]
    [InlineData("unknown policy", """{"currency":"INR","amount":100,"description":"x","policy":{"late_payment":"keep"}}""", "policy.late_payment")]
    [InlineData("no e-mail", """{"currency":"INR","amount":100,"description":"x","customer":{"email":"asha"}}""", "customer.email")]
    [InlineData("no telephone", """{"currency":"INR","amount":100,"description":"x","customer":{"phone":"call me"}}""", "customer.phone")]
    [InlineData("control character", """{"currency":"INR","amount":100,"description":"a\u0000b"}""", "description")]
    [InlineData("half a character", """{"currency":"INR","amount":100,"description":"a\ud800"}""", "description")]
    [InlineData("metadata of numbers", """{"currency":"INR","amount":100,"description":"x","metadata":{"n":1}}""", "metadata.n")]
    public async Task An_order_that_is_wrong_is_refused_with_its_field_and_the_remedy(string what, string body, string field)
    {
        var before = await house.Rows();
        var answer = await house.Post("/v1/orders", body, headers: ("Idempotency-Key", "bad-input"));
        answer.Status.ShouldBe(HttpStatusCode.UnprocessableEntity, what);
        answer.MediaType.ShouldBe(Problem.MediaType);
        answer.Problem.ShouldBe("invalid_fields");
        answer.Text("field").ShouldBe(field);
        answer.Text("remedy").ShouldNotBeEmpty();
        answer.Body.GetProperty("errors").EnumerateArray().ShouldContain(e => e.GetProperty("field").GetString() == field);
        (await house.Rows()).ShouldBe(before);
    }

    [Theory]
    [InlineData("{\"currency\":", "body")]
    [InlineData("", "body")]
    [InlineData("[]", "body")]
    [InlineData("7", "body")]
    [InlineData("null", "body")]
    [InlineData("{\"currency\":\"INR\",\"currency\":\"USD\",\"amount\":1,\"description\":\"x\"}", "currency")]
    [InlineData("{\"currency\":\"INR\",}", "body")]
    [InlineData("{\"metadata\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}", "body")]
    [InlineData("""{"\ud800": 1}""", "body")]
    [InlineData("""{"currency": "INR", "metadata": {"\udc00": "x"}}""", "body")]
    [InlineData("""{"currency":"INR","lines":[{"name":"Tea"},{"name":"Tea","quantity":1,"n\u0061me":"Tin"}]}""", "lines[1].name")]
    [InlineData("""{"metadata":{"a":"1","a":"2"},"amount":}""", "body")]
    public async Task A_body_that_is_no_object_of_JSON_is_400(string body, string field)
    {
        var before = await house.Rows();
        var answer = await house.Post("/v1/orders", body);
        (answer.Status, answer.Problem).ShouldBe((HttpStatusCode.BadRequest, "malformed_json"));
        answer.Text("field").ShouldBe(field);
        answer.Text("remedy").ShouldNotBeEmpty();
        answer.Body.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("field").GetString()).ShouldBe([field]);
        (await house.Rows()).ShouldBe(before);
    }

    [Fact]
    public async Task A_body_that_breaks_the_rules_of_HTTP_is_400_with_its_field()
    {
        using var line = new TcpClient();
        await line.ConnectAsync(house.Http.BaseAddress!.Host, house.Http.BaseAddress.Port);
        var stream = line.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /v1/orders HTTP/1.1\r\nHost: {house.Http.BaseAddress.Authority}\r\nAuthorization: Bearer {house.Secret}\r\n" +
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nno length of a chunk\r\n"));
        using var reader = new StreamReader(stream);
        var said = await reader.ReadToEndAsync();
        said.ShouldStartWith("HTTP/1.1 400");
        said.ShouldContain("/problems/bad_request");
        said.ShouldContain("\"field\":\"body\"");
    }

    [Theory]
    [InlineData(501, 422, "lines")]
    [InlineData(100_000, 413, "body")]
    public async Task Too_many_lines_are_refused(int lines, int status, string field)
    {
        var before = await house.Rows();
        var body = new StringBuilder("""{"currency":"INR","lines":[""");
        for (var i = 0; i < lines; i++) body.Append(i == 0 ? "" : ",").Append("""{"name":"A line","quantity":1,"unit_amount":1}""");
        var answer = await house.Post("/v1/orders", body.Append("]}").ToString());
        ((int)answer.Status, answer.Text("field")).ShouldBe((status, field));
        answer.Text("remedy").ShouldContain("500");
        (await house.Rows()).ShouldBe(before);
    }

    [Theory]
    [InlineData("""{"reference":"r-1","lines":[{"product":"tea","quantity":1}]}""", "reference")]
    [InlineData("""{"currency":"INR","amount":1,"lines":[{"product":"tea","quantity":1}]}""", "amount")]
    [InlineData("""{"currency":"INR","lines":[{"name":"Tea","quantity":1,"unit_amount":1}]}""", "lines[0].unit_amount")]
    [InlineData("""{"currency":"INR","lines":[{"product":"tea","quantity":1,"unit_amount":1}]}""", "lines[0].unit_amount")]
    [InlineData("""{"currency":"INR","amount":1,"description":"x"}""", "amount")]
    [InlineData("""{"lines":[{"product":"tea","quantity":1}],"policy":{"late_payment":"accept"}}""", "policy")]
    [InlineData("""{"lines":[{"product":"tea","quantity":1}],"metadata":{"paid":"yes"}}""", "metadata")]
    [InlineData("""{"lines":[{"product":"tea","quantity":1}],"user_id":"admin"}""", "user_id")]
    [InlineData("""{"lines":[{"product":"tea","quantity":1}],"return_url":"https://evil.example/"}""", "return_url")]
    public async Task A_browser_may_not_say_what_only_the_backend_knows(string body, string field)
    {
        var before = await house.Rows();
        var answer = await house.Post("/v1/orders", body, house.Publishable, (IdempotencyKey.Header, "5f0c7a52-6a0e-4f59-8a3a-0d6c5c1f6a1e"));
        answer.Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
        answer.Text("field").ShouldBe(field);
        (await house.Rows()).ShouldBe(before);
    }

    [Theory]
    [InlineData("pay_01jd8xk3m4n7p_1")]
    [InlineData("01jd8xk3m4n7p")]
    [InlineData("ord_01jd8xk3m4n7")]
    [InlineData("ord_O1jd8xk3m4n7p")]
    [InlineData("ord_01JD8XK3M4N7P")]
    [InlineData("ord_01jd8xk3m4n7p")]
    public async Task An_order_id_of_another_kind_is_unknown(string id)
    {
        foreach (var (method, path) in new[]
        {
            (HttpMethod.Get, ""), (HttpMethod.Get, "/events"), (HttpMethod.Get, "/explanation"), (HttpMethod.Post, "/payments"), (HttpMethod.Post, "/cancellation"),
            (HttpMethod.Post, "/fulfilment"),
        })
        {
            var answer = await house.Send(method, $"/v1/orders/{id}{path}", method == HttpMethod.Post ? "{}" : null, house.Secret);
            (answer.Status, answer.Problem).ShouldBe((HttpStatusCode.NotFound, "order_unknown"), path);
            answer.Text("remedy").ShouldContain("ord_");
        }
        var payment = await house.Get($"/v1/payments/{id}");
        (payment.Status, payment.Problem).ShouldBe((HttpStatusCode.NotFound, "payment_unknown"));
    }

    [Fact]
    public async Task A_token_that_is_foreign_expired_or_missing_opens_nothing()
    {
        var mine = await house.Order();
        var other = await house.Order();
        var path = $"/v1/orders/{mine.Text("id")}";
        OrderId.TryParse(mine.Text("id"), out var id).ShouldBeTrue();
        var expired = house.Tokens.For(id, DateTimeOffset.UnixEpoch.AddYears(50));
        var before = await house.Rows();

        (await house.Get($"{path}?token={mine.Text("token")}", "")).Status.ShouldBe(HttpStatusCode.OK);
        var foreign = await house.Get($"{path}?token={other.Text("token")}", "");
        (foreign.Status, foreign.Problem, foreign.Text("field")).ShouldBe((HttpStatusCode.NotFound, "order_unknown", "token"));
        var old = await house.Get($"{path}?token={expired}", "");
        (old.Status, old.Problem, old.Text("field")).ShouldBe((HttpStatusCode.Unauthorized, "token_expired", "token"));
        (await house.Get(path, "")).Problem.ShouldBe("key_missing");
        (await house.Get(path, house.Publishable)).Problem.ShouldBe("secret_key_needed");
        foreach (var token in new[] { other.Text("token"), expired, "x", "" })
        {
            ((int)(await house.Post($"{path}/payments?token={token}", "{}", "")).Status).ShouldBeInRange(400, 499);
            ((int)(await house.Post($"{path}/payments", "{}", house.Publishable, (ApiDoor.TokenHeader, token))).Status).ShouldBeInRange(400, 499);
        }
        (await house.Rows()).ShouldBe(before);
    }

    [Theory]
    [InlineData("status=open", "status")]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=201", "limit")]
    [InlineData("limit=ten", "limit")]
    [InlineData("created_after=yesterday", "created_after")]
    [InlineData("cursor=abc", "cursor")]
    [InlineData("cursor=----", "cursor")]
    [InlineData("statuss=paid", "statuss")]
    [InlineData("status=paid&status=expired", "status")]
    public async Task A_query_that_is_wrong_names_its_parameter(string query, string field)
    {
        var answer = await house.Get($"/v1/orders?{query}");
        (answer.Status, answer.Problem, answer.Text("field")).ShouldBe((HttpStatusCode.BadRequest, "invalid_query", field));
    }

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    [InlineData("tab\tbetween")]
    public async Task An_idempotency_key_must_be_printable(string key)
    {
        var before = await house.Rows();
        (await house.Post("/v1/orders", ApiHouse.Book, headers: ("Idempotency-Key", key))).Problem.ShouldBe("invalid_header");
        (await house.Rows()).ShouldBe(before);
    }

    [Fact]
    public async Task An_idempotency_key_has_at_most_255_characters()
    {
        (await house.Post("/v1/orders", ApiHouse.Book, headers: ("Idempotency-Key", new string('k', 256)))).Text("field").ShouldBe("Idempotency-Key");
        (await house.Post("/v1/orders", ApiHouse.Book, headers: ("Idempotency-Key", new string('k', 255)))).Status.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_body_that_is_not_sent_as_JSON_is_415()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/orders") { Content = new StringContent(ApiHouse.Book, Encoding.UTF8, "text/plain") };
        request.Headers.Authorization = new("Bearer", house.Secret);
        using var answer = await house.Http.SendAsync(request);
        ((int)answer.StatusCode).ShouldBe(415);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe(Problem.MediaType);
    }

    [Fact]
    public async Task Paths_and_methods_that_do_not_exist_say_so()
    {
        (await house.Get("/v1/nothing")).Problem.ShouldBe("route_unknown");
        (await house.Send(HttpMethod.Delete, "/v1/orders", null, house.Secret)).Problem.ShouldBe("method_not_allowed");
    }

    [Theory]
    [InlineData("JPY", 500, "500 JPY")]
    [InlineData("KWD", 1250, "1.250 KWD")]
    [InlineData("INR", 1, "0.01 INR")]
    public async Task Minor_units_mean_what_the_currency_says(string currency, long amount, string shown)
    {
        var order = await house.Order($$"""{"currency":"{{currency}}","amount":{{amount}},"description":"x"}""");
        order.Body.GetProperty("amount").GetInt64().ShouldBe(amount);
        var explained = await house.Get($"/v1/orders/{order.Text("id")}/explanation");
        explained.Body.GetProperty("happened")[0].GetProperty("text").GetString()!.ShouldContain(shown);
    }
}
