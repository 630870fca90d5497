using System.Net;
using System.Text.Json;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Products;

public sealed class ProductTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    const string Tea = """{"id": "tea", "name": "Tea", "unit_amount": 500, "currency": "INR", "description": "100 g"}""";
    ApiHouse house = null!;

    public async Task InitializeAsync() => house = await ApiHouse.Open(await postgres.CreateDatabase());

    public async Task DisposeAsync() => await house.DisposeAsync();

    [Fact]
    public async Task A_product_is_created_once_read_and_changed()
    {
        (await house.Post("/v1/products", Tea)).Status.ShouldBe(HttpStatusCode.Created);
        (await house.Post("/v1/products", Tea)).Status.ShouldBe(HttpStatusCode.OK);
        var other = await house.Post("/v1/products", """{"id": "tea", "name": "Tea", "unit_amount": 501, "currency": "INR", "description": "100 g"}""");
        (other.Status, other.Problem, other.Text("field")).ShouldBe((HttpStatusCode.Conflict, "product_exists", "unit_amount"));

        var changed = await house.Send(HttpMethod.Patch, "/v1/products/tea", """{"unit_amount": 600, "active": false}""", house.Secret);
        (changed.Text("name"), changed.Body.GetProperty("unit_amount").GetInt64(), changed.Body.GetProperty("active").GetBoolean()).ShouldBe(("Tea", 600, false));
        (await house.Get("/v1/products/tea")).Body.ToString().ShouldBe(changed.Body.ToString());
        (await house.Send(HttpMethod.Patch, "/v1/products/tea", """{"currency": "USD"}""", house.Secret)).Text("field").ShouldBe("currency");
        (await house.Send(HttpMethod.Patch, "/v1/products/none", "{}", house.Secret)).Problem.ShouldBe("product_unknown");
        (await house.Get("/v1/products/none")).Problem.ShouldBe("product_unknown");
    }

    [Fact]
    public async Task Ten_products_under_one_idempotency_key_are_one()
    {
        const string body = """{"name": "Tea", "unit_amount": 500, "currency": "INR"}""";
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => house.Post("/v1/products", body, headers: ("Idempotency-Key", "p"))));
        answers.Count(a => a.Status == HttpStatusCode.Created).ShouldBe(1);
        answers.Select(a => a.Text("id")).Distinct().ShouldHaveSingleItem();
        (await house.Post("/v1/products", Tea, headers: ("Idempotency-Key", "p"))).Problem.ShouldBe("idempotency_key_reused");
        (await house.Count("select count(*) from products")).ShouldBe(1);
    }

    [Theory]
    [InlineData("""{"name": "x", "unit_amount": 0, "currency": "INR"}""", "unit_amount")]
    [InlineData("""{"name": "x", "unit_amount": 1.5, "currency": "INR"}""", "unit_amount")]
    [InlineData("""{"name": "x", "unit_amount": 1, "currency": "XQQ"}""", "currency")]
    [InlineData("""{"unit_amount": 1, "currency": "INR"}""", "name")]
    [InlineData("""{"name": "x", "currency": "INR"}""", "unit_amount")]
    [InlineData("""{"name": "x", "unit_amount": 1, "currency": "INR", "id": "a b"}""", "id")]
    [InlineData("""{"name": "x", "unit_amount": 1, "currency": "INR", "active": "yes"}""", "active")]
    [InlineData("""{"name": "x", "unit_amount": 1, "currency": "INR", "colour": "red"}""", "colour")]
    public async Task A_product_that_is_wrong_is_refused_with_its_field(string body, string field)
    {
        var answer = await house.Post("/v1/products", body);
        (answer.Status, answer.Text("field")).ShouldBe((HttpStatusCode.UnprocessableEntity, field));
        (await house.Count("select count(*) from products")).ShouldBe(0);
    }

    [Fact]
    public async Task Products_are_listed_page_by_page_and_only_for_the_backend()
    {
        foreach (var id in new[] { "a", "b", "c" })
            await house.Post("/v1/products", $$"""{"id": "{{id}}", "name": "x", "unit_amount": 1, "currency": "INR", "active": {{(id == "b" ? "false" : "true")}}}""");
        var page = await house.Get("/v1/products?limit=2");
        page.Text("next").ShouldBe("b");
        var rest = await house.Get("/v1/products?limit=2&cursor=b");
        rest.Body.GetProperty("products")[0].GetProperty("id").GetString().ShouldBe("c");
        rest.Body.GetProperty("next").ValueKind.ShouldBe(JsonValueKind.Null);
        (await house.Get("/v1/products?active=true")).Body.GetProperty("products").GetArrayLength().ShouldBe(2);
        (await house.Get("/v1/products", house.Publishable)).Problem.ShouldBe("secret_key_needed");
    }
}
