using System.Globalization;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Stripe;

/// <summary>What Stripe refuses when a session is asked for, and in which words.</summary>
static class StripeDialectRules
{
    const long LeastLifeSeconds = 30 * 60, MostLifeSeconds = 24 * 3600, MostAmount = 99_999_999;
    const int MostLines = 100, MostMetadata = 50, LongestMetadataKey = 40, LongestMetadataValue = 500, LongestReference = 200;

    static readonly HashSet<string> SessionFields =
    [
        "mode", "line_items", "success_url", "cancel_url", "client_reference_id", "metadata", "payment_intent_data", "customer",
        "customer_email", "expires_at", "locale", "payment_method_types", "submit_type", "ui_mode", "expand", "currency",
        "allow_promotion_codes", "billing_address_collection", "phone_number_collection", "custom_text",
    ];

    static readonly HashSet<string> IntentFields =
        ["metadata", "capture_method", "description", "statement_descriptor", "statement_descriptor_suffix", "receipt_email"];

    static readonly HashSet<string> LineFields = ["quantity", "price", "price_data"];

    static readonly HashSet<string> PriceFields = ["currency", "unit_amount", "unit_amount_decimal", "product", "product_data", "tax_behavior"];

    static readonly HashSet<string> ProductFields = ["name", "description", "images", "metadata", "tax_code"];

    static readonly HashSet<string> ZeroDecimal =
        ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];

    static readonly HashSet<string> ThreeDecimal = ["bhd", "jod", "kwd", "omr", "tnd"];

    /// <summary>The smallest amounts of the common currencies, in minor units; for others half a unit of ours.</summary>
    static readonly Dictionary<string, long> Least = (
        "usd 50,eur 50,gbp 30,aed 200,aud 50,bgn 100,brl 50,cad 50,chf 50,czk 1500,dkk 250,hkd 400,huf 17500,inr 50,"
        + "jpy 50,mxn 1000,myr 200,nok 300,nzd 50,pln 200,ron 200,sek 300,sgd 50,thb 1000").Split(',')
        .ToDictionary(entry => entry[..3], entry => long.Parse(entry[4..]));

    public static Reply Bad(string message, string? param = null, string? code = null, int status = 400,
        string type = "invalid_request_error")
    {
        var error = new JsonObject
        {
            ["code"] = code,
            ["doc_url"] = code is null ? null : $"https://stripe.com/docs/error-codes/{code.Replace('_', '-')}",
            ["message"] = message,
            ["param"] = param,
            ["type"] = type,
        };
        return new(status, new JsonObject { ["error"] = error }) { Executed = false };
    }

    public static Reply Missing(string what, string id) =>
        Bad($"No such {what}: '{id}'", "id", "resource_missing", 404) with { Executed = true };

    public static Reply? WrongSession(JsonObject asked, long now)
    {
        if (Strange(asked, SessionFields, "") is { } strange) return strange;
        if ((string?)asked["mode"] is not "payment")
            return asked["mode"] is null ? Required("mode") : Bad("Invalid mode: this sandbox knows payment only.", "mode");
        if (asked["success_url"] is null) return Required("success_url");
        foreach (var name in new[] { "success_url", "cancel_url" })
            if (asked[name] is { } url && (!Uri.TryCreate(url.ToString(), UriKind.Absolute, out var parsed)
                || parsed.Scheme is not ("http" or "https")))
                return Bad("Not a valid URL", name, "url_invalid");
        if (asked["client_reference_id"]?.ToString().Length > LongestReference)
            return Bad($"Invalid string: must be at most {LongestReference} characters", "client_reference_id");
        if (asked["customer"] is not null && asked["customer_email"] is not null)
            return Bad("You may only specify one of these parameters: customer, customer_email.", "customer");
        if (WrongMetadata(asked["metadata"], "metadata") is { } metadata) return metadata;
        if (asked["payment_intent_data"] is { } intent)
        {
            if (intent is not JsonObject fields) return Bad("Invalid object", "payment_intent_data");
            if (Strange(fields, IntentFields, "payment_intent_data") is { } odd) return odd;
            if (WrongMetadata(fields["metadata"], "payment_intent_data[metadata]") is { } notes) return notes;
            if ((string?)fields["capture_method"] is not (null or "automatic" or "automatic_async" or "manual"))
                return Bad("Invalid capture_method: must be one of automatic, automatic_async, manual", "payment_intent_data[capture_method]");
        }

        return WrongExpiry(asked, now) ?? WrongLines(asked);
    }

    /// <summary>The sum of lines that were found right.</summary>
    public static (long Amount, string Currency) Total(JsonObject asked)
    {
        var lines = ((JsonObject)asked["line_items"]!).Select(l => (JsonObject)l.Value!).ToArray();
        return (lines.Sum(l => Number(l["quantity"])!.Value * Number(l["price_data"]!["unit_amount"])!.Value),
            (string)lines[0]["price_data"]!["currency"]!);
    }

    public static long? Number(JsonNode? node) => long.TryParse(node?.ToString(), out var number) ? number : null;

    public static Reply? Strange(JsonObject asked, HashSet<string> known, string parent)
    {
        foreach (var (name, _) in asked)
            if (!known.Contains(name))
            {
                var full = parent.Length == 0 ? name : $"{parent}[{name}]";
                return Bad($"Received unknown parameter: {full}", full, "parameter_unknown");
            }

        return null;
    }

    static Reply Required(string name) => Bad($"Missing required param: {name}.", name, "parameter_missing");

    public static Reply? WrongMetadata(JsonNode? node, string param)
    {
        if (node is null) return null;
        if (node is not JsonObject fields) return node.ToString().Length == 0 ? null : Bad("Invalid object", param);
        if (fields.Count > MostMetadata) return Bad($"Metadata can have up to {MostMetadata} keys", param);
        foreach (var (key, value) in fields)
        {
            if (value is not JsonValue) return Bad("Metadata values must be strings", $"{param}[{key}]");
            if (key.Length > LongestMetadataKey) return Bad($"Metadata keys can have up to {LongestMetadataKey} characters", param);
            if (value.ToString().Length > LongestMetadataValue)
                return Bad($"Metadata values can have up to {LongestMetadataValue} characters", $"{param}[{key}]");
        }

        return null;
    }

    static Reply? WrongExpiry(JsonObject asked, long now)
    {
        if (asked["expires_at"] is not { } node) return null;
        if (Number(node) is not { } end) return Bad($"Invalid integer: {node}", "expires_at", "parameter_invalid_integer");
        if (end < now + LeastLifeSeconds)
            return Bad("The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", "expires_at");
        return end > now + MostLifeSeconds
            ? Bad("The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", "expires_at") : null;
    }

    static Reply? WrongLines(JsonObject asked)
    {
        if (asked["line_items"] is not JsonObject { Count: > 0 } lines) return Required("line_items");
        if (lines.Count > MostLines) return Bad($"No more than {MostLines} line items are allowed.", "line_items");
        string? currency = null;
        foreach (var (index, node) in lines)
        {
            var at = $"line_items[{index}]";
            if (node is not JsonObject line) return Bad("Invalid object", at);
            if (Strange(line, LineFields, at) is { } strange) return strange;
            if (line["quantity"] is null) return Required($"{at}[quantity]");
            if (Number(line["quantity"]) is not > 0) return Bad("This value must be greater than or equal to 1.", $"{at}[quantity]", "parameter_invalid_integer");
            if (line["price"] is { } price) return Bad($"No such price: '{price}'", $"{at}[price]", "resource_missing");
            if (line["price_data"] is not JsonObject data) return Required($"{at}[price_data]");
            if (WrongPrice(data, $"{at}[price_data]") is { } wrong) return wrong;
            if (currency is not null && currency != (string)data["currency"]!)
                return Bad("All line items must have the same currency.", $"{at}[price_data][currency]");
            currency = (string)data["currency"]!;
        }

        return WrongTotal(asked, currency!);
    }

    static Reply? WrongPrice(JsonObject data, string at)
    {
        if (Strange(data, PriceFields, at) is { } strange) return strange;
        if (data["currency"] is not { } currency) return Required($"{at}[currency]");
        if (currency.ToString() is not { Length: 3 } code || !code.All(char.IsAsciiLetterLower))
            return Bad($"Invalid currency: {currency}.", $"{at}[currency]");
        if (data["unit_amount"] is null) return Required($"{at}[unit_amount]");
        if (Number(data["unit_amount"]) is not { } amount)
            return Bad($"Invalid integer: {data["unit_amount"]}", $"{at}[unit_amount]", "parameter_invalid_integer");
        if (amount < 0) return Bad("This value must be greater than or equal to 0.", $"{at}[unit_amount]", "parameter_invalid_integer");
        if (data["product"] is { } product) return Bad($"No such product: '{product}'", $"{at}[product]", "resource_missing");
        if (data["product_data"] is not JsonObject item) return Required($"{at}[product_data]");
        if (Strange(item, ProductFields, $"{at}[product_data]") is { } odd) return odd;
        return string.IsNullOrEmpty((string?)item["name"]) ? Required($"{at}[product_data][name]") : null;
    }

    static Reply? WrongTotal(JsonObject asked, string currency)
    {
        var lines = ((JsonObject)asked["line_items"]!).Select(l => (JsonObject)l.Value!);
        var total = lines.Sum(l => (decimal)Number(l["quantity"])!.Value * Number(l["price_data"]!["unit_amount"])!.Value);
        if (total > MostAmount)
            return Bad($"The Checkout Session's total amount due must be no more than {MostAmount}.", "line_items", "amount_too_large");
        if (total < Least.GetValueOrDefault(currency, ZeroDecimal.Contains(currency) ? 1 : 50))
            return Bad("The Checkout Session's total amount due is too small.", "line_items", "amount_too_small");
        return WrongStep(total, currency) ? Bad("Amounts of this currency must end in zeros.", "line_items", "parameter_invalid_integer") : null;
    }

    /// <summary>Three decimals end in 0, and two currencies without decimals are sent times a hundred.</summary>
    public static long Step(string currency) => ThreeDecimal.Contains(currency) ? 10 : currency is "isk" or "ugx" ? 100 : 1;

    public static bool WrongStep(decimal amount, string currency) => amount % Step(currency) != 0;

    /// <summary>As reports write it: in major units with the decimals that the currency has here.</summary>
    public static string Major(long amount, string currency)
    {
        var decimals = ZeroDecimal.Contains(currency) ? 0 : ThreeDecimal.Contains(currency) ? 3 : 2;
        return (amount / (decimals switch { 0 => 1m, 3 => 1000m, _ => 100m })).ToString($"F{decimals}", CultureInfo.InvariantCulture);
    }
}
