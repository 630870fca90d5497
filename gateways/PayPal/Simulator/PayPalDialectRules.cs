using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.PayPal;

/// <summary>What PayPal refuses, and in which words.</summary>
static class PayPalDialectRules
{
    public const int LongestRequestId = 108;

    static readonly HashSet<string> Currencies =
    [
        "AUD", "BRL", "CAD", "CNY", "CZK", "DKK", "EUR", "HKD", "HUF", "ILS", "JPY", "MYR", "MXN", "TWD", "NZD", "NOK", "PHP", "PLN", "GBP", "SGD",
        "SEK", "CHF", "THB", "USD",
    ];

    static readonly (string Name, int Longest)[] UnitTexts =
        [("reference_id", 256), ("custom_id", 127), ("invoice_id", 127), ("description", 127), ("soft_descriptor", 22)];

    static readonly (string Name, string[] Words)[] Choices =
    [
        ("user_action", ["CONTINUE", "PAY_NOW"]), ("payment_method_preference", ["UNRESTRICTED", "IMMEDIATE_PAYMENT_REQUIRED"]),
        ("shipping_preference", ["GET_FROM_FILE", "NO_SHIPPING", "SET_PROVIDED_ADDRESS"]), ("landing_page", ["LOGIN", "GUEST_CHECKOUT", "NO_PREFERENCE"]),
    ];

    /// <summary>What is taken off the sum; the other parts of a breakdown add to it.</summary>
    static readonly string[] TakenOff = ["shipping_discount", "discount"];

    public static Reply InvalidToken => new(401, new JsonObject
    {
        ["error"] = "invalid_token",
        ["error_description"] = "Token signature verification failed",
    })
    { Executed = false };

    public static Reply NotFound => Error(404, "RESOURCE_NOT_FOUND", "The specified resource does not exist.", "INVALID_RESOURCE_ID",
        "Specified resource ID does not exist. Please check the resource ID and try again.");

    public static Reply Error(int status, string name, string message, string? issue = null, string description = "", string? field = null, string? redirect = null)
    {
        var links = new JsonArray(new JsonObject { ["href"] = $"https://developer.paypal.com/api/rest/#{issue ?? name}", ["rel"] = "information_link", ["method"] = "GET" });
        if (redirect is not null) links.Add((JsonNode)new JsonObject { ["href"] = redirect, ["rel"] = "redirect", ["method"] = "GET" });
        var error = new JsonObject { ["name"] = name, ["message"] = message, ["debug_id"] = "" };
        if (issue is not null)
        {
            var detail = new JsonObject { ["issue"] = issue, ["description"] = description };
            if (field is not null) (detail["field"], detail["location"]) = (field, "body");
            error["details"] = new JsonArray(detail);
        }

        error["links"] = links;
        return new(status, error) { Executed = false };
    }

    public static Reply Invalid(string issue, string field, string description) => Error(400, "INVALID_REQUEST",
        "Request is not well-formed, syntactically incorrect, or violates schema.", issue, description, field);

    public static Reply Unprocessable(string issue, string description, string? redirect = null) => Error(422, "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business validation.", issue, description, redirect: redirect);

    /// <summary>The header with which the real sandbox is asked for a failure.</summary>
    public static Reply? Mocked(string header)
    {
        string? issue;
        try
        {
            issue = (string?)JsonNode.Parse(header)?["mock_application_codes"];
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return Invalid("INVALID_PARAMETER_SYNTAX", "PayPal-Mock-Response", "The header is not what it should be.");
        }

        return issue switch
        {
            null => null,
            "INTERNAL_SERVER_ERROR" => Error(500, issue, "An internal server error has occurred."),
            _ => Unprocessable(issue, "As was asked for."),
        };
    }

    public static Reply? Read(byte[] body, out JsonObject fields)
    {
        fields = [];
        if (body.Length == 0) return null;
        try
        {
            if (JsonNode.Parse(body) is JsonObject parsed)
            {
                fields = parsed;
                _ = fields.Count;
                return null;
            }
        }
        catch (Exception unreadable) when (unreadable is JsonException or ArgumentException)
        {
            // Not JSON, or a field twice: both are told in the same words.
        }

        return Invalid("MALFORMED_REQUEST_JSON", "/", "The request JSON is not well formed.");
    }

    public static Reply? WrongOrder(JsonObject asked, out PayPalAmount amount)
    {
        amount = default;
        if (asked["intent"] is not JsonValue intent || intent.ToString() is not ("CAPTURE" or "AUTHORIZE"))
            return Invalid(asked["intent"] is null ? "MISSING_REQUIRED_PARAMETER" : "INVALID_PARAMETER_VALUE", "/intent", "A required field is missing or not as it should be.");
        if (intent.ToString() == "AUTHORIZE") return Unprocessable("NOT_SUPPORTED", "This sandbox knows orders with the intent to capture only.");
        if (asked["purchase_units"] is not JsonArray { Count: > 0 and <= 10 } units || units.Any(u => u is not JsonObject))
            return Invalid("MISSING_REQUIRED_PARAMETER", "/purchase_units", "A required field is missing or not as it should be.");
        if (units.Count > 1) return Unprocessable("NOT_SUPPORTED", "This sandbox knows orders of one purchase unit only.");
        var unit = (JsonObject)units[0]!;
        const string at = "/purchase_units/@reference_id=='default'/";
        foreach (var (name, longest) in UnitTexts)
            if (WrongText(unit, name, longest, at) is { } text) return text;
        if (WrongAmount(unit["amount"], at + "amount", null, out amount) is { } wrong) return wrong;
        return WrongBreakdown(unit, amount) ?? WrongSource(asked);
    }

    /// <param name="wanted">Null: all that is left.</param>
    public static Reply? WrongRefund(JsonObject asked, string currency, out decimal? wanted)
    {
        wanted = null;
        foreach (var (name, longest) in new[] { ("note_to_payer", 255), ("invoice_id", 127), ("custom_id", 127) })
            if (WrongText(asked, name, longest, "/") is { } text) return text;
        if (asked["amount"] is null) return null;
        if (WrongAmount(asked["amount"], "/amount", currency, out var amount) is { } wrong) return wrong;
        wanted = amount.Value;
        return null;
    }

    static Reply? WrongAmount(JsonNode? node, string at, string? mustBe, out PayPalAmount amount)
    {
        amount = default;
        if (node is not JsonObject said || said["currency_code"] is not JsonValue code || said["value"] is not JsonValue value)
            return Invalid("MISSING_REQUIRED_PARAMETER", at, "A required field is missing.");
        var currency = code.ToString();
        if (currency.Length != 3) return Invalid("INVALID_STRING_LENGTH", at + "/currency_code", "The value of a field is either too short or too long.");
        if (!Currencies.Contains(currency)) return Unprocessable("CURRENCY_NOT_SUPPORTED", "Currency code is not currently supported.");
        if (mustBe is not null && currency != mustBe)
            return Unprocessable("REFUND_CAPTURE_CURRENCY_MISMATCH", "Refund must be in the same currency as the capture.");
        if (value.GetValueKind() != JsonValueKind.String || !Decimal(value.ToString(), out var parsed))
            return Invalid("INVALID_PARAMETER_SYNTAX", at + "/value", "The value of a field does not conform to the expected format.");
        if (parsed <= 0) return Unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero.");
        if (PayPalAmount.WithoutDecimals.Contains(currency) && parsed.Scale > 0)
            return Unprocessable("DECIMALS_NOT_SUPPORTED", "Currency does not support decimals.");
        if (parsed.Scale > 2) return Unprocessable("DECIMAL_PRECISION", "If the currency supports decimals, only two decimal place precision is supported.");
        amount = new(parsed, currency);
        return null;
    }

    static bool Decimal(string text, out decimal parsed) =>
        decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out parsed) && text.Length <= 32;

    static Reply? WrongBreakdown(JsonObject unit, PayPalAmount amount)
    {
        var parts = unit["amount"]!["breakdown"] as JsonObject;
        if (unit["items"] is JsonArray { Count: > 0 } && parts?["item_total"] is null)
            return Unprocessable("ITEM_TOTAL_REQUIRED", "If item details are specified, the item total must be too.");
        if (parts is null) return null;
        decimal sum = 0;
        foreach (var (name, part) in parts)
        {
            if (part is not JsonObject || !Decimal((string?)part["value"] ?? "", out var value))
                return Invalid("INVALID_PARAMETER_SYNTAX", "/purchase_units/@reference_id=='default'/amount/breakdown/" + name, "The value of a field does not conform to the expected format.");
            sum += TakenOff.Contains(name) ? -value : value;
        }

        return sum == amount.Value ? null : Unprocessable("AMOUNT_MISMATCH", "Should equal item_total + tax_total + shipping + handling + insurance - shipping_discount - discount.");
    }

    static Reply? WrongSource(JsonObject asked)
    {
        if (asked["payment_source"] is JsonObject source && source.Any(s => s.Key != "paypal"))
            return Unprocessable("NOT_SUPPORTED", "This sandbox knows the wallet only.");
        var (context, at) = asked["payment_source"]?["paypal"]?["experience_context"] is { } own
            ? (own, "/payment_source/paypal/experience_context/") : (asked["application_context"], "/application_context/");
        if (context is not JsonObject wishes) return null;
        foreach (var name in new[] { "return_url", "cancel_url" })
            if (wishes[name] is { } url && !(Uri.TryCreate(url.ToString(), UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https"))
                return Invalid("INVALID_PARAMETER_SYNTAX", at + name, "The value of a field does not conform to the expected format.");
        foreach (var (name, words) in Choices)
            if (wishes[name] is { } word && !words.Contains(word.ToString()))
                return Invalid("INVALID_PARAMETER_VALUE", at + name, "The value of a field is invalid.");
        return WrongText(wishes, "brand_name", 127, at) ?? WrongText(wishes, "locale", 10, at);
    }

    static Reply? WrongText(JsonObject asked, string name, int longest, string at) => asked[name] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String && ((string)value!).Length <= longest && (((string)value!).Length > 0 || name is "description" or "note_to_payer") => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String =>
            Invalid("INVALID_STRING_LENGTH", at + name, "The value of a field is either too short or too long."),
        _ => Invalid("INVALID_PARAMETER_SYNTAX", at + name, "The value of a field does not conform to the expected format."),
    };
}
