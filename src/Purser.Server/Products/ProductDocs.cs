using Purser.Server.Api;
using static Purser.Server.Platform.ProblemTypes;

namespace Purser.Server.Products;

/// <summary>What the reference says of products.</summary>
static class ProductDocs
{
    const string Tag = "Products";
    const string Product = """
        {"id": "tea-ff-100", "name": "Darjeeling first flush", "unit_amount": 19950, "currency": "INR", "description": "100 g", "active": true,
         "created_at": "2026-02-01T09:00:00Z", "updated_at": "2026-02-01T09:00:00Z", "hsn": "0902", "tax_rate": "5"}
        """;

    public static readonly ApiOperation Create = new("createProduct", Tag, "Create a product", Access.Secret)
    {
        Body = typeof(ProductBody),
        Examples = [("tea", """{"id": "tea-ff-100", "name": "Darjeeling first flush", "unit_amount": 19950, "currency": "INR", "description": "100 g", "hsn": "0902", "tax_rate": "5"}""")],
        Answers = [new(201, "Created now.", typeof(ProductView), Product), new(200, "Created before.", typeof(ProductView), Product)],
        Problems = [MalformedJson, InvalidHeader, KeyMissing, SecretKeyNeeded, ProductExists, KeyReused, InvalidFields],
        TakesKey = true,
    };

    public static readonly ApiOperation List = new("listProducts", Tag, "List products", Access.Secret)
    {
        Query =
        [
            new("active", "true or false; both when left out."), new("cursor", "`next` of the page before."), new("limit", "1 to 200; 50 when left out.", "integer"),
        ],
        Answers = [new(200, "By id.", typeof(ProductList), $$"""{"products": [{{Product}}], "next": null}""")],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };

    public static readonly ApiOperation Read = new("readProduct", Tag, "Read a product", Access.Secret)
    {
        Answers = [new(200, "The product.", typeof(ProductView), Product)],
        Problems = [KeyMissing, SecretKeyNeeded, ProductUnknown],
    };

    public static readonly ApiOperation Change = new("changeProduct", Tag, "Change a product", Access.Secret)
    {
        Description = "What is left out stays. Orders that were placed keep their prices.",
        Body = typeof(ProductChange),
        Examples = [("a new price", """{"unit_amount": 21000}"""), ("not sold any more", """{"active": false}""")],
        Answers = [new(200, "The product as it is now.", typeof(ProductView), Product)],
        Problems = [MalformedJson, KeyMissing, SecretKeyNeeded, ProductUnknown, InvalidFields],
    };
}
