using System.ComponentModel;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Purser.Server.Api;
using Purser.Server.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Products;

public sealed record ProductView(
    string Id, string Name, [property: Description("In minor units.")] long UnitAmount, string Currency, string? Description,
    [property: Description("Whether it can be ordered.")] bool Active, DateTime CreatedAt, DateTime UpdatedAt,
    [property: Description("HSN or SAC.")] string? Hsn, [property: Description("The tax that the price holds, in percent; null: the seller's usual rate.")] string? TaxRate)
{
    public static ProductView From(Product p) => new(
        p.Id, p.Name, p.Price.MinorUnits, p.Price.Currency.Code, p.Description, p.Active, p.CreatedAt.UtcDateTime, p.UpdatedAt.UtcDateTime, p.Hsn, p.TaxRate?.ToString());
}

public sealed record ProductList(IReadOnlyList<ProductView> Products, [property: Description("Send it as ?cursor= for the next page; null at the end.")] string? Next);

/// <param name="Id">Chosen by the merchant, or drawn here.</param>
public sealed record ProductBody(
    [property: Description("Your own id: letters, digits, dots, dashes, underscores. Drawn when left out.")] string? Id = null, string? Name = null,
    [property: Description("In minor units.")] long? UnitAmount = null, string? Currency = null, string? Description = null, bool? Active = null,
    [property: Description(TaxFields.HsnMeaning), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Hsn = null,
    [property: Description(TaxFields.RateMeaning), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? TaxRate = null);

/// <summary>What may change about a product; a price in another currency is another product.</summary>
public sealed record ProductChange(
    string? Name = null, long? UnitAmount = null, string? Description = null, bool? Active = null,
    [property: Description(TaxFields.HsnMeaning)] string? Hsn = null, [property: Description(TaxFields.RateMeaning)] string? TaxRate = null);

/// <summary>The merchant's products, which publishable keys may order.</summary>
public static class ProductEndpoints
{
    const int LongestId = 64;
    const int LongestName = 200;
    const int LongestDescription = 1000;
    const string Minor = "the price of one in minor units (49900 for 499.00 INR)";

    public static void Add(IServiceCollection services) => services.AddSingleton<ProductStore>();

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/products", Create).Is(ProductDocs.Create);
        routes.MapGet("/v1/products", List).Is(ProductDocs.List);
        routes.MapGet("/v1/products/{id}", Read).Is(ProductDocs.Read);
        routes.MapPatch("/v1/products/{id}", Change).Is(ProductDocs.Change);
    }

    static async Task<IResult> Create(HttpContext http, ProductStore store, CancellationToken stop)
    {
        var (fields, unreadable) = await JsonBody.Read(http);
        if (fields is null) return unreadable!;
        var body = new ProductBody(fields.Text("id", LongestId), fields.Text("name", LongestName, required: true),
            fields.Whole("unit_amount", 1, OrderBody.MostMinorUnits, Minor, required: true), fields.Text("currency", 20, required: true),
            fields.Text("description", LongestDescription), fields.Flag("active"), TaxFields.Hsn(fields), TaxFields.Rate(fields));
        fields.RefuseUnknown();
        if (body.Id is { } chosen && !chosen.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
            fields.Fault("id", "'id' holds a character that ids do not have.", "Use letters, digits, dots, dashes and underscores.");
        Currency currency = default;
        if (body.Currency is { } code && !Currency.TryFind(code, out currency))
            fields.Fault("currency", $"'{code}' is no currency.", "Send the three capital letters of ISO 4217, such as INR, USD or JPY.");
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);

        var id = body.Id ?? "prod_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        var key = IdempotencyKey.Of(http, JsonSerializer.Serialize(body, ApiJson.Default.ProductBody));
        var wanted = new Product(id, body.Name!, new Money(body.UnitAmount!.Value, currency), body.Description, body.Active ?? true, default, default, body.Hsn, TaxFields.Parsed(body.TaxRate));
        switch (await store.Add(wanted, key, stop))
        {
            case Added.Now added:
                return ApiJson.Answer(ProductView.From(added.Product), StatusCodes.Status201Created, $"/v1/products/{id}");
            case Added.Exists { Product: var first }:
                var differences = Differences(wanted, first).ToList();
                return differences.Count == 0
                    ? ApiJson.Answer(ProductView.From(first), replayed: true)
                    : new Problem(ProblemTypes.ProductExists, $"The product '{id}' exists and differs in {string.Join(", ", differences.Select(d => d.Field))}.")
                    {
                        Field = differences[0].Field,
                        Errors = differences,
                        Resource = id,
                    };
            case Added.KeyUsed { Key: var used } when used.Fingerprint.AsSpan().SequenceEqual(key!.Fingerprint):
                return await store.Find(used.Resource, stop) is { } made
                    ? ApiJson.Answer(ProductView.From(made), replayed: true)
                    : new Problem(ProblemTypes.ProductUnknown);
            case Added.KeyUsed { Key: var used }:
                return Refusals.KeyConflict(http, used.Resource);
            default:
                throw new InvalidOperationException("No rule for what became of the product.");
        }
    }

    static IEnumerable<FieldFault> Differences(Product wanted, Product first)
    {
        FieldFault Differs(string field) => new(field, $"'{field}' differs from the first product's.", "Send the same, or change it with PATCH.");
        if (wanted.Name != first.Name) yield return Differs("name");
        if (wanted.Price.MinorUnits != first.Price.MinorUnits) yield return Differs("unit_amount");
        if (wanted.Price.Currency != first.Price.Currency) yield return Differs("currency");
        if (wanted.Description != first.Description) yield return Differs("description");
        if (wanted.Active != first.Active) yield return Differs("active");
        if (wanted.Hsn != first.Hsn) yield return Differs("hsn");
        if (wanted.TaxRate != first.TaxRate) yield return Differs("tax_rate");
    }

    static async Task<IResult> List(HttpContext http, ProductStore store, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        var (after, active, limit) = (query.Text("cursor", LongestId), query.OneOf("active", "true", "false"), query.Limit());
        if (query.Problem() is { } problem) return problem;
        var found = await store.List(after, active is null ? null : active == "true", limit, stop);
        var page = found.Take(limit).ToList();
        return ApiJson.Answer(new ProductList([.. page.Select(ProductView.From)], found.Count > limit ? page[^1].Id : null));
    }

    static async Task<IResult> Read(string id, ProductStore store, CancellationToken stop) =>
        await store.Find(id, stop) is { } product ? ApiJson.Answer(ProductView.From(product)) : Unknown();

    static async Task<IResult> Change(string id, HttpContext http, ProductStore store, CancellationToken stop)
    {
        var (fields, unreadable) = await JsonBody.Read(http);
        if (fields is null) return unreadable!;
        var change = new ProductChange(fields.Text("name", LongestName), fields.Whole("unit_amount", 1, OrderBody.MostMinorUnits, Minor),
            fields.Text("description", LongestDescription), fields.Flag("active"), TaxFields.Hsn(fields), TaxFields.Rate(fields));
        if (fields.Has("currency")) fields.Fault("currency", "A product's currency does not change.", "Create another product for another currency.");
        fields.RefuseUnknown();
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        return await store.Change(id, change, stop) is { } product ? ApiJson.Answer(ProductView.From(product)) : Unknown();
    }

    static Problem Unknown() => new(ProblemTypes.ProductUnknown) { Field = "id" };
}
