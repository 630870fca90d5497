using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Purser.Server.Api;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Api;

public sealed partial class DocumentTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    ApiHouse house = null!;

    public async Task InitializeAsync() => house = await ApiHouse.Open(await postgres.CreateDatabase());

    public async Task DisposeAsync() => await house.DisposeAsync();

    IReadOnlyList<Endpoint> Endpoints => house.Host.Services.GetRequiredService<EndpointDataSource>().Endpoints;

    static string DocumentPath
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder.FullName, "Purser.slnx"))) folder = folder.Parent!;
            return Path.Combine(folder.FullName, "docs", "openapi.json");
        }
    }

    /// <summary>PURSER_UPDATE=1 writes it.</summary>
    [Fact]
    public void The_document_in_the_repository_is_the_one_the_endpoints_make()
    {
        var made = ApiDocument.Text(ApiDocument.Of(Endpoints, "1"));
        if (Environment.GetEnvironmentVariable("PURSER_UPDATE") == "1") File.WriteAllText(DocumentPath, made);
        File.ReadAllText(DocumentPath).ShouldBe(made);
    }

    List<RouteEndpoint> UnderV1 => [.. Endpoints.OfType<RouteEndpoint>().Where(e => e.RoutePattern.RawText!.StartsWith("/v1/", StringComparison.Ordinal))];

    /// <summary>The route's path with ids that may exist.</summary>
    static string PathOf(RouteEndpoint route) =>
        Placeholder().Replace(route.RoutePattern.RawText!, "ord_01jd8xk3m4n7p").Replace("payments/ord_01jd8xk3m4n7p", "payments/pay_01jd8xk3m4n7p_1", StringComparison.Ordinal)
            .Replace("refunds/ord_01jd8xk3m4n7p", "refunds/ref_01jd8xk3m4n7p_1", StringComparison.Ordinal);

    [Fact]
    public async Task Nothing_under_v1_is_open_to_strangers()
    {
        var routes = UnderV1;
        routes.Count.ShouldBeGreaterThan(15);
        routes.Where(e => e.Metadata.GetMetadata<ApiOperation>() is null).Select(e => e.RoutePattern.RawText).ShouldBeEmpty();
        foreach (var route in routes)
        {
            var path = PathOf(route);
            foreach (var method in route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods)
                (await house.Send(new HttpMethod(method), path, method == "GET" ? null : "{}", "")).Status.ShouldBe(HttpStatusCode.Unauthorized, path);
        }
    }

    [GeneratedRegex("\\{[a-zA-Z]+\\}")]
    private static partial Regex Placeholder();

    [Fact]
    public async Task Every_POST_under_v1_takes_an_idempotency_key_and_refuses_one_that_is_none()
    {
        var document = JsonNode.Parse(File.ReadAllText(DocumentPath))!;
        var posts = UnderV1.Where(e => e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Contains("POST")).ToList();
        posts.Count.ShouldBeGreaterThan(13);
        var before = await house.Rows();
        foreach (var post in posts)
        {
            foreach (string[] keys in (string[][])[[""], [new string('k', IdempotencyKey.Longest + 1)], ["one", "two"]])
            {
                var answer = await house.Post(PathOf(post), "{}", headers: [.. keys.Select(key => (IdempotencyKey.Header, key))]);
                (answer.Status, answer.Problem, answer.Text("field")).ShouldBe((HttpStatusCode.BadRequest, "invalid_header", IdempotencyKey.Header), post.RoutePattern.RawText);
            }
            var told = document["paths"]![post.RoutePattern.RawText!]!["post"]!;
            told["parameters"]!.AsArray().ShouldContain(p => (string?)p!["name"] == IdempotencyKey.Header, post.RoutePattern.RawText);
            foreach (var type in new[] { ProblemTypes.InvalidHeader, ProblemTypes.KeyReused })
                told["responses"]![$"{type.Status}"]?["content"]?[Problem.MediaType]?["examples"]?[type.Name].ShouldNotBeNull($"{post.RoutePattern.RawText} {type.Name}");
        }
        (await house.Rows()).ShouldBe(before);
    }

    [Fact]
    public void Every_example_fits_its_schema()
    {
        var document = JsonNode.Parse(File.ReadAllText(DocumentPath))!;
        var examples = 0;
        foreach (var (path, item) in document["paths"]!.AsObject())
            foreach (var (_, operation) in item!.AsObject())
            {
                if (operation!["requestBody"]?["content"]?["application/json"] is { } body)
                    foreach (var (name, example) in body["examples"]!.AsObject())
                    {
                        Fits(document, body["schema"]!, example!["value"], $"{path} {name}");
                        examples++;
                    }
                foreach (var (status, answer) in operation["responses"]!.AsObject())
                    if (answer!["content"]?["application/json"] is { } content)
                    {
                        Fits(document, content["schema"]!, content["example"], $"{path} {status}");
                        examples++;
                    }
            }
        examples.ShouldBeGreaterThan(20);
    }

    [Fact]
    public async Task What_is_answered_fits_the_document()
    {
        var document = JsonNode.Parse(File.ReadAllText(DocumentPath))!;
        var order = await house.Order();
        var payment = await house.Post($"/v1/orders/{order.Text("id")}/payments", "{}");
        await house.Tell("e1", "captured", payment.Text("reference"));
        await house.Post("/v1/products", """{"id": "tea", "name": "Tea", "unit_amount": 500, "currency": "INR"}""");
        foreach (var (path, template) in new[]
        {
            ($"/v1/orders/{order.Text("id")}", "/v1/orders/{id}"), ("/v1/orders", "/v1/orders"), ($"/v1/payments/{payment.Text("id")}", "/v1/payments/{id}"),
            ($"/v1/orders/{order.Text("id")}/explanation", "/v1/orders/{id}/explanation"), ($"/v1/orders/{order.Text("id")}/events", "/v1/orders/{id}/events"),
            ("/v1/events", "/v1/events"), ("/v1/products", "/v1/products"), ("/v1/gateways", "/v1/gateways"), ("/v1/gateway_news", "/v1/gateway_news"),
            ("/v1/gateway_news/first/e1", "/v1/gateway_news/{account}/{eventId}"), ("/v1/discrepancies", "/v1/discrepancies"),
            ($"/v1/orders/{order.Text("id")}/live", "/v1/orders/{id}/live"), ("/v1/balances", "/v1/balances"), ("/v1/risk", "/v1/risk"),
            ("/v1/statements?account=sales&currency=INR", "/v1/statements"),
        })
        {
            var answer = await house.Get(path);
            answer.Status.ShouldBe(HttpStatusCode.OK, path);
            Fits(document, document["paths"]![template]!["get"]!["responses"]!["200"]!["content"]!["application/json"]!["schema"]!, JsonNode.Parse(answer.Body.GetRawText()), path);
        }
    }

    /// <summary>As much of JSON Schema as the document uses; a field that the schema does not know is a fault.</summary>
    static void Fits(JsonNode document, JsonNode schema, JsonNode? value, string where)
    {
        if (schema["$ref"] is { } reference)
        {
            Fits(document, document["components"]!["schemas"]![((string)reference!).Split('/')[^1]]!, value, where);
            return;
        }
        if (schema["anyOf"] is JsonArray any)
        {
            if (value is null) any.ShouldContain(s => (string?)s!["type"] == "null", where);
            else Fits(document, any.First(s => s!["$ref"] is not null)!, value, where);
            return;
        }
        if (schema["type"] is null) return;
        var types = schema["type"] is JsonArray several ? several.Select(t => (string)t!).ToList() : [(string)schema["type"]!];
        types.ShouldContain(Kind(value, types), where);
        if (value is JsonObject one && schema["properties"] is JsonObject properties)
        {
            foreach (var (name, field) in one)
            {
                properties.ContainsKey(name).ShouldBeTrue($"{where}.{name}");
                Fits(document, properties[name]!, field, $"{where}.{name}");
            }
            foreach (var name in schema["required"]?.AsArray().Select(n => (string)n!) ?? []) one.ContainsKey(name).ShouldBeTrue($"{where}.{name}");
        }
        if (value is JsonArray list) foreach (var entry in list) Fits(document, schema["items"]!, entry, $"{where}[]");
    }

    static string Kind(JsonNode? value, List<string> types) => value?.GetValueKind() switch
    {
        null or JsonValueKind.Null => "null",
        JsonValueKind.String => "string",
        JsonValueKind.Number => types.Contains("integer") ? "integer" : "number",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Array => "array",
        _ => "object",
    };

    [Theory]
    [InlineData("/openapi.json", "application/json")]
    [InlineData("/reference", "text/html")]
    [InlineData("/reference/reference.js", "text/javascript")]
    [InlineData("/reference/reference.css", "text/css")]
    public async Task The_reference_is_served_from_here_under_a_strict_policy(string path, string mediaType)
    {
        using var answer = await house.Http.GetAsync(path);
        (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType).ShouldBe((HttpStatusCode.OK, mediaType));
        answer.Headers.GetValues("Content-Security-Policy").Single().ShouldStartWith("default-src 'none'; script-src 'self'");
        var text = await answer.Content.ReadAsStringAsync();
        text.ShouldNotContain("<script>");
        text.ShouldNotContain(" style=");
    }

    [Fact]
    public async Task Every_problem_can_be_read_at_its_own_address()
    {
        foreach (var type in ProblemTypes.All)
        {
            var json = await house.Get(type.Path, "");
            (json.Status, json.Text("remedy")).ShouldBe((HttpStatusCode.OK, type.Remedy));
        }
        using var request = new HttpRequestMessage(HttpMethod.Get, "/problems/order_paid");
        request.Headers.Accept.ParseAdd("text/html");
        using var page = await house.Http.SendAsync(request);
        (await page.Content.ReadAsStringAsync()).ShouldContain("<h1>The order is paid.</h1>");
        typeof(ProblemTypes).GetFields().Where(f => f.FieldType == typeof(ProblemType)).Select(f => (ProblemType)f.GetValue(null)!).ShouldBe(ProblemTypes.All, ignoreOrder: true);
    }
}
