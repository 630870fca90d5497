using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;

namespace Purser.Gateways.PayPal.Tests;

/// <summary>A merchant who speaks to the simulator by hand, with a token.</summary>
public abstract class PayPalSimulatorSession(World world) : IClassFixture<World>, IAsyncLifetime
{
    protected const string WebhookId = "5SIMW3BH00K1D0001", Orders = "/v2/checkout/orders";

    protected World World => world;

    protected Gateway Gateway { get; private set; } = null!;

    protected string AccessToken { get; set; } = "";

    public async Task InitializeAsync()
    {
        Gateway = await world.Fresh("paypal", WebhookId);
        AccessToken = (await Token("paypal_client_sandbox:paypal_secret_sandbox_0123456789")).Body["access_token"]!.ToString();
    }

    public Task DisposeAsync()
    {
        Gateway.Dispose();
        return Task.CompletedTask;
    }

    protected static JsonObject Amount(string value) => new() { ["currency_code"] = "EUR", ["value"] = value };

    protected static JsonObject Order(string reference, string? invoice = null) => new()
    {
        ["intent"] = "CAPTURE",
        ["purchase_units"] = new JsonArray(new JsonObject
        {
            ["reference_id"] = reference,
            ["custom_id"] = reference,
            ["invoice_id"] = invoice ?? reference,
            ["description"] = "Order 42",
            ["amount"] = Amount("19.99"),
        }),
        ["payment_source"] = new JsonObject
        {
            ["paypal"] = new JsonObject
            {
                ["experience_context"] = new JsonObject
                {
                    ["return_url"] = "https://shop.example.test/back?a=1",
                    ["cancel_url"] = "https://shop.example.test/cancel",
                    ["user_action"] = "PAY_NOW",
                    ["payment_method_preference"] = "IMMEDIATE_PAYMENT_REQUIRED",
                    ["shipping_preference"] = "NO_SHIPPING",
                },
            },
        },
    };

    protected static string Issue(JsonNode body) => body["details"]?[0]?["issue"]?.ToString() ?? body.ToJsonString();

    protected static string Rel(JsonNode body, string rel) => body["links"]!.AsArray().Single(l => l!["rel"]!.ToString() == rel)!["href"]!.ToString();

    protected static StringContent Json(string text, string type = "application/json") => new(text, Encoding.UTF8, type);

    protected async Task<string> Create(string reference, string? invoice = null) => (await Post(Orders, Order(reference, invoice))).Body["id"]!.ToString();

    protected async Task<string> Paid(string reference)
    {
        var id = await Create(reference);
        await Gateway.Shopper(reference, "paid");
        return (await Capture(id)).Body["purchase_units"]![0]!["payments"]!["captures"]![0]!["id"]!.ToString();
    }

    protected Task<(int Status, JsonNode Body)> Capture(string id, string key = "capture") => Post($"{Orders}/{id}/capture", null, key: key);

    protected async Task<string> Verify(Heard heard, string text, string webhookId = WebhookId)
    {
        var head = new JsonObject
        {
            ["auth_algo"] = heard.Headers["PAYPAL-AUTH-ALGO"],
            ["cert_url"] = heard.Headers["PAYPAL-CERT-URL"],
            ["transmission_id"] = heard.Headers["PAYPAL-TRANSMISSION-ID"],
            ["transmission_sig"] = heard.Headers["PAYPAL-TRANSMISSION-SIG"],
            ["transmission_time"] = heard.Headers["PAYPAL-TRANSMISSION-TIME"],
            ["webhook_id"] = webhookId,
        }.ToJsonString();
        var (_, answer, _) = await Gateway.Send("POST", "/v1/notifications/verify-webhook-signature",
            Json($"{head[..^1]},\"webhook_event\":{text}}}"), ("Authorization", "Bearer " + AccessToken));
        return answer!["verification_status"]!.ToString();
    }

    protected async Task<(int Status, JsonNode Body)> Token(string credentials)
    {
        using var content = new StringContent("grant_type=client_credentials", MediaTypeHeaderValue.Parse("application/x-www-form-urlencoded"));
        var (status, body, _) = await Gateway.Send("POST", "/v1/oauth2/token", content, ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials))));
        return (status, body!);
    }

    protected async Task<(int Status, JsonNode Body)> Post(string path, JsonObject? body, string? key = null, string? prefer = "return=representation", string type = "application/json")
    {
        using var content = Json(body?.ToJsonString() ?? "", type);
        var headers = new List<(string, string)> { ("Authorization", "Bearer " + AccessToken) };
        if (key is not null) headers.Add(("PayPal-Request-Id", key));
        if (prefer is not null) headers.Add(("Prefer", prefer));
        var (status, answer, _) = await Gateway.Send("POST", path, content, [.. headers]);
        return (status, answer!);
    }

    protected async Task<JsonNode> Get(string path) => (await Gateway.Send("GET", path, null, ("Authorization", "Bearer " + AccessToken))).Body!;
}
