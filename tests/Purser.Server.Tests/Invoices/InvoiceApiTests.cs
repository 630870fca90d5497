using System.Net;
using System.Net.Http.Headers;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Invoices;

/// <summary>What of invoices can be asked for, and by whom; and what orders and products say of tax.</summary>
public sealed class InvoiceApiTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static async Task<string> Paid(ApiHouse house, string name, string? body = null)
    {
        var order = await house.Order(body);
        var payment = await house.Post($"/v1/orders/{order.Text("id")}/payments", "{}");
        await house.Tell($"evt_{name}", "captured", payment.Text("reference"), order.Body.GetProperty("amount").GetInt64(), $"m_{name}");
        return order.Text("id");
    }

    static async Task<(HttpResponseMessage Answer, byte[] Bytes)> Fetch(ApiHouse house, string path, bool secret = true)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (secret) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", house.Secret);
        var answer = await house.Http.SendAsync(request);
        return (answer, await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task The_merchant_and_whoever_has_the_orders_token_get_the_same_file_each_time_and_nobody_else_any()
    {
        var database = await postgres.CreateDatabase();
        string id, number, token;
        byte[] first;
        await using (var house = await ApiHouse.Open(database, InvoiceHouse.Seller))
        {
            id = await Paid(house, "a");
            token = (await house.Get($"/v1/orders/{id}")).Text("token");
            (await house.Get($"/v1/orders/{id}")).Body.GetProperty("links").GetProperty("invoice").GetString().ShouldBe($"/v1/orders/{id}/invoice");
            var (answer, bytes) = await Fetch(house, $"/v1/orders/{id}/invoice");
            first = bytes;
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/pdf");
            first.AsSpan(0, 8).SequenceEqual("%PDF-1.7"u8).ShouldBeTrue();
            var listed = (await house.Get($"/v1/invoices?order={id}")).Body.GetProperty("invoices")[0];
            number = listed.GetProperty("number").GetString()!;
            answer.Content.Headers.ContentDisposition!.FileName!.Trim('"').ShouldBe($"{number}.pdf");
            answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
            (await Fetch(house, $"/v1/orders/{id}/invoice?token={token}", secret: false)).Bytes.AsSpan().SequenceEqual(first).ShouldBeTrue();
            (await Fetch(house, $"/v1/invoices/{number}.pdf")).Bytes.AsSpan().SequenceEqual(first).ShouldBeTrue();
            (await Fetch(house, $"/v1/orders/{id}/invoice", secret: false)).Answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            var other = (await house.Order()).Text("token");
            (await Fetch(house, $"/v1/orders/{id}/invoice?token={other}", secret: false)).Answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
            (await Fetch(house, $"/v1/invoices/{number}.pdf?token={token}", secret: false)).Answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            (await house.Get("/v1/invoices", house.Publishable)).Status.ShouldBe(HttpStatusCode.Forbidden);
            var page = await house.Http.GetStringAsync($"/status/{id}?token={token}");
            page.ShouldContain($"/v1/orders/{id}/invoice?token={token}");
        }
        // Another seller, another prefix, another zone: what was written stays as it was.
        (string, string)[] changed = [("Purser:Invoices:Seller", "Somebody Else"), ("Purser:Invoices:Address", "Elsewhere"), ("Purser:Invoices:Tax", "none"), ("Purser:Invoices:Prefix", "X"), ("Purser:PublicUrl", "https://else.example")];
        await using var later = await ApiHouse.Open(database, changed);
        (await Fetch(later, $"/v1/invoices/{number}.pdf")).Bytes.AsSpan().SequenceEqual(first).ShouldBeTrue();
        var read = await later.Get($"/v1/invoices/{number}");
        read.Body.GetProperty("document").GetProperty("seller").GetProperty("name").GetString().ShouldBe("Leaf & Kettle Private Limited");
        (read.Body.GetProperty("total").GetInt64(), read.Body.GetProperty("tax").GetInt64(), read.Text("kind")).ShouldBe((49_900, 7_612, "invoice"));
        (await later.Get($"/v1/credit_notes/{number}")).Problem.ShouldBe("invoice_unknown");
    }

    [Fact]
    public async Task Who_has_no_invoice_is_told_why_and_what_to_do()
    {
        var database = await postgres.CreateDatabase();
        string before;
        await using (var house = await ApiHouse.Open(database))
        {
            before = await Paid(house, "before");
            var none = await house.Get($"/v1/orders/{before}/invoice");
            (none.Status, none.Problem).ShouldBe((HttpStatusCode.NotFound, "invoice_unknown"));
            await LeadsToNone(house, before);
            none.Text("remedy").ShouldContain("Purser:Invoices:Seller");
        }
        await using var later = await ApiHouse.Open(database, InvoiceHouse.Seller);
        (await later.Get($"/v1/orders/{before}/invoice")).Text("remedy").ShouldContain("before a seller was configured have none");
        await LeadsToNone(later, before);
        var unpaid = (await later.Order()).Text("id");
        await LeadsToNone(later, unpaid);
        (await later.Get($"/v1/orders/{unpaid}/invoice")).Text("detail").ShouldBe("The order is not paid yet.");
        (await later.Get("/v1/orders/ord_0000000000000/invoice")).Problem.ShouldBe("order_unknown");
        (await later.Get("/v1/refunds/ref_0000000000000_1/credit_note")).Problem.ShouldBe("refund_unknown");
        (await later.Get("/v1/invoices/INV-2627-999999")).Problem.ShouldBe("invoice_unknown");
        (await later.Get($"/v1/invoices/{Uri.EscapeDataString("x\r\ny")}.pdf")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await later.Count("select count(*) from invoices")).ShouldBe(0);
    }

    static async Task LeadsToNone(ApiHouse house, string order) =>
        (await house.Get($"/v1/orders/{order}")).Body.GetProperty("links").GetProperty("invoice").GetString().ShouldBeNull();

    [Fact]
    public async Task What_an_order_of_before_the_seller_says_of_its_buyer_is_put_right_once_and_never_after()
    {
        var database = await postgres.CreateDatabase();
        string id;
        await using (var house = await ApiHouse.Open(database))
            id = (await house.Order("""{"currency": "INR", "amount": 49900, "description": "Tea", "customer": {"name": "Ann", "state": "CA"}}""")).Text("id");
        await using var later = await ApiHouse.Open(database, InvoiceHouse.Seller);
        await later.Tell("evt_ca", "captured", (await later.Post($"/v1/orders/{id}/payments", "{}")).Text("reference"));
        var none = await later.Get($"/v1/orders/{id}/invoice");
        (none.Status, none.Problem).ShouldBe((HttpStatusCode.NotFound, "invoice_unknown"));
        none.Text("detail").ShouldContain("'customer.state' is no state of India.");
        await Until.True(async () => await later.Count("select count(*) from deliveries where state = 2") == 1, "the invoice to be given up");
        await LeadsToNone(later, id);

        Task<Answered> Put(string order, string customer) => later.Send(HttpMethod.Put, $"/v1/orders/{order}/invoice", customer.Length == 0 ? "{}" : $$"""{"customer": {{customer}}}""", later.Secret);
        (await Put(id, "")).Text("field").ShouldBe("customer");
        (await Put(id, """{"state": "CA"}""")).Text("field").ShouldBe("customer.state");
        (await Put(id, """{"email": "ann@example.com"}""")).Text("field").ShouldBe("customer.email");
        (await Put("ord_0000000000000", """{"name": "Ann"}""")).Problem.ShouldBe("order_unknown");
        (await later.Count("select count(*) from invoices")).ShouldBe(0);
        const string Ann = """{"name": "Ann", "country": "US", "state": "CA"}""";
        var written = await Put(id, Ann);
        (written.Status, written.Body.GetProperty("document").GetProperty("place_of_supply").GetString()).ShouldBe((HttpStatusCode.Created, "US"));
        (await Put(id, Ann)).Status.ShouldBe(HttpStatusCode.OK);
        var other = await Put(id, """{"name": "Ann", "country": "IN"}""");
        (other.Status, other.Problem).ShouldBe((HttpStatusCode.Conflict, "invoice_written"));
        (await later.Get($"/v1/invoices/{written.Text("number")}")).Body.GetProperty("document").GetProperty("buyer").GetProperty("state").GetString().ShouldBe("CA");
        (await later.Get($"/v1/orders/{id}")).Body.GetProperty("links").GetProperty("invoice").GetString().ShouldBe($"/v1/orders/{id}/invoice");
        await Until.True(async () => await later.Count("select count(*) from deliveries where state = 1 and outcome = '200'") == 1, "the delivery to end well");
        // Whoever wrote it may have died before what was given up for want of it was sent again.
        (await later.Count("with u as (update deliveries set state = 2, outcome = 'given up' where state = 1 and outcome = '200' returning 1) select count(*) from u")).ShouldBe(1);
        (await Put(id, Ann)).Status.ShouldBe(HttpStatusCode.OK);
        await Until.True(async () => await later.Count("select count(*) from deliveries where state = 1 and outcome = '200'") == 1, "the delivery to end well once more");

        // Of an order in which nothing is wrong nobody states another buyer.
        var right = await Paid(later, "right");
        (await Put(right, """{"name": "Somebody else"}""")).Problem.ShouldBe("invoice_written");
    }

    [Fact]
    public async Task Lists_go_on_where_they_ended()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase(), InvoiceHouse.Seller);
        for (var i = 0; i < 5; i++) await Paid(house, $"list{i}");
        await Until.True(async () => await house.Count("select count(*) from invoices") == 5, "five invoices");
        var numbers = new List<string>();
        string? cursor = null;
        do
        {
            var page = await house.Get($"/v1/invoices?limit=2{(cursor is null ? "" : $"&cursor={cursor}")}");
            numbers.AddRange(page.Body.GetProperty("invoices").EnumerateArray().Select(i => i.GetProperty("number").GetString()!));
            cursor = page.Body.GetProperty("next").GetString();
        }
        while (cursor is not null);
        numbers.ShouldBe(numbers.OrderDescending());
        numbers.Distinct().Count().ShouldBe(5);
        (await house.Get("/v1/invoices?cursor=nonsense")).Problem.ShouldBe("invalid_query");
        (await house.Get("/v1/invoices?issued_before=2020-01-01T00:00:00Z")).Body.GetProperty("invoices").GetArrayLength().ShouldBe(0);
        (await house.Get("/v1/credit_notes")).Body.GetProperty("credit_notes").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Products_and_lines_say_what_tax_their_price_holds_and_customers_where_they_are()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase(), InvoiceHouse.Seller);
        (await house.Post("/v1/products", """{"id": "tea", "name": "Tea", "unit_amount": 10500, "currency": "INR", "hsn": "0902", "tax_rate": "5.00"}""")).Text("tax_rate").ShouldBe("5");
        (await house.Send(HttpMethod.Patch, "/v1/products/tea", """{"hsn": "09021000"}""", house.Secret)).Text("hsn").ShouldBe("09021000");
        var body = """
            {"currency": "INR", "lines": [{"product": "tea", "quantity": 1}, {"name": "Delivery", "quantity": 1, "unit_amount": 11200, "hsn": "996812", "tax_rate": "12"}],
             "customer": {"name": "Asha Rao", "country": "IN", "address": "4 Lake Road, Pune 411001", "state": "mh", "tax_id": "27aapfu0939f1zv"}}
            """;
        var order = await house.Order(body);
        order.Body.GetProperty("lines")[0].GetProperty("hsn").GetString().ShouldBe("09021000");
        order.Body.GetProperty("customer").GetProperty("state").GetString().ShouldBe("MH");
        await house.Tell("evt_tax", "captured", (await house.Post($"/v1/orders/{order.Text("id")}/payments", "{}")).Text("reference"), 21_700);
        await Fetch(house, $"/v1/orders/{order.Text("id")}/invoice");
        var number = (await house.Get("/v1/invoices")).Body.GetProperty("invoices")[0].GetProperty("number").GetString();
        var document = (await house.Get($"/v1/invoices/{number}")).Body.GetProperty("document");
        document.GetProperty("lines").EnumerateArray().Select(l => (l.GetProperty("net").GetInt64(), l.GetProperty("taxes")[0].GetInt64())).ShouldBe([(10_000, 500), (10_000, 1_200)]);
        (document.GetProperty("place_of_supply").GetString(), document.GetProperty("taxes")[0].GetString()).ShouldBe(("27", "igst"));
        (await house.Get($"/v1/orders/{order.Text("id")}/events")).Body.ToString().ShouldNotContain("Lake Road");
    }

    [Theory]
    [InlineData("\"lines\": [{\"name\": \"x\", \"quantity\": 1, \"unit_amount\": 1, \"hsn\": \"9\"}]", "lines[0].hsn")]
    [InlineData("\"lines\": [{\"name\": \"x\", \"quantity\": 1, \"unit_amount\": 1, \"tax_rate\": \"101\"}]", "lines[0].tax_rate")]
    [InlineData("\"lines\": [{\"name\": \"x\", \"quantity\": 1, \"unit_amount\": 1, \"tax_rate\": 18}]", "lines[0].tax_rate")]
    [InlineData("\"lines\": [{\"product\": \"tea\", \"quantity\": 1, \"tax_rate\": \"18\"}]", "lines[0].tax_rate")]
    [InlineData("\"amount\": 1, \"description\": \"x\", \"customer\": {\"state\": \"ZZ\"}", "customer.state")]
    [InlineData("\"amount\": 1, \"description\": \"x\", \"customer\": {\"country\": \"IN\", \"tax_id\": \"27AAPFU0939F1ZW\"}", "customer.tax_id")]
    [InlineData("\"amount\": 1, \"description\": \"x\", \"customer\": {\"country\": \"DE\", \"tax_id\": \"<b>\"}", "customer.tax_id")]
    [InlineData("\"amount\": 1, \"description\": \"x\", \"customer\": {\"address\": \"a\\nb\"}", "customer.address")]
    [InlineData("\"amount\": 1, \"description\": \"x\", \"customer\": {\"tax_id\": \"27AAPFU0939F1ZW\"}", "customer.tax_id")]
    [InlineData("\"amount\": 1, \"description\": \"x\", \"customer\": {\"state\": \"KA\", \"tax_id\": \"27AAPFU0939F1ZV\"}", "customer.state")]
    public async Task What_cannot_be_is_named_with_its_remedy_before_anything_is_written(string fields, string field)
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase(), InvoiceHouse.Seller);
        await house.Post("/v1/products", """{"id": "tea", "name": "Tea", "unit_amount": 10500, "currency": "INR"}""");
        var rows = await house.Rows();
        var wrong = await house.Post("/v1/orders", $$"""{"currency": "INR", {{fields}}}""");
        (wrong.Status, wrong.Text("field")).ShouldBe((HttpStatusCode.UnprocessableEntity, field), wrong.Body.ToString());
        wrong.Text("remedy").ShouldNotBeEmpty();
        (await house.Rows()).ShouldBe(rows);
    }
}
