using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Purser.Sandbox.PhonePe;

/// <summary>What PhonePe's documents demand of a request, and how it words its no.</summary>
static partial class PhonePeDialectRules
{
    const long LeastPaise = 100;
    const int LongestName = 63;

    static readonly HashSet<string> Modes = ["UPI_INTENT", "UPI_COLLECT", "UPI_QR", "NET_BANKING", "CARD"];

    public static Reply No(int status, string code, string message) =>
        new(status, new JsonObject { ["code"] = code, ["message"] = message, ["data"] = new JsonObject() }) { Executed = false };

    public static Reply BadClient(string tracking) => new(400, new JsonObject
    {
        ["errorCode"] = "OIM000",
        ["code"] = "INVALID_CLIENT",
        ["message"] = $"Client authentication failed. trackingId: {tracking}",
        ["context"] = new JsonObject { ["error_description"] = "Client authentication failure" },
    })
    { Executed = false };

    /// <summary>The fields of a form; null when the request is none.</summary>
    public static Dictionary<string, string>? Form(Call call)
    {
        if (call.Header("Content-Type")?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) != true) return null;
        var fields = new Dictionary<string, string>();
        foreach (var pair in call.BodyText.Split('&'))
            if (pair.Split('=', 2) is [var name, var value]) fields[WebUtility.UrlDecode(name)] = WebUtility.UrlDecode(value);
        return fields;
    }

    public static Reply? Read(byte[] body, out JsonObject asked)
    {
        asked = [];
        try
        {
            if (JsonNode.Parse(body) is not JsonObject read) return Bad("The body must be an object.");
            asked = read;
            return null;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return Bad("The body is not JSON.");
        }
    }

    public static Reply? WrongOrder(JsonObject asked, bool inApp) =>
        WrongName(asked, "merchantOrderId") ?? WrongAmount(asked) ?? WrongExpiry(asked) ?? WrongNotes(asked) ?? WrongFlow(asked, inApp)
        ?? (asked["disablePaymentRetry"] is { } flag && flag.GetValueKind() is not (JsonValueKind.True or JsonValueKind.False)
            ? Bad("disablePaymentRetry must be a boolean.") : null);

    public static Reply? WrongRefund(JsonObject asked) =>
        WrongName(asked, "merchantRefundId") ?? WrongName(asked, "originalMerchantOrderId") ?? WrongAmount(asked);

    public static Reply Bad(string message) => No(400, "BAD_REQUEST", message);

    static Reply? WrongName(JsonObject asked, string field) => Text(asked[field]) switch
    {
        null => Bad($"{field} is mandatory."),
        { Length: > LongestName } => Bad($"{field} must have at most {LongestName} characters."),
        var name => NameLetters().IsMatch(name) ? null : Bad($"{field} may hold letters, digits, _ and - only."),
    };

    /// <summary>An amount in quotes is refused.</summary>
    static Reply? WrongAmount(JsonObject asked) =>
        asked["amount"] is JsonValue value && value.GetValueKind() == JsonValueKind.Number && value.TryGetValue(out long paise)
            ? paise < LeastPaise ? Bad($"amount must be at least {LeastPaise}.") : null
            : Bad("amount must be a whole number of paise.");

    static Reply? WrongExpiry(JsonObject asked) =>
        asked["expireAfter"] is not { } node || (node is JsonValue value && value.TryGetValue(out long seconds) && seconds is >= 300 and <= 3600)
            ? null : Bad("expireAfter must be from 300 to 3600 seconds.");

    static Reply? WrongNotes(JsonObject asked)
    {
        if (asked["metaInfo"] is null) return null;
        if (asked["metaInfo"] is not JsonObject notes) return Bad("metaInfo must be an object.");
        foreach (var (name, value) in notes)
        {
            if (UdfNumber().Match(name) is not { Success: true } match) continue;
            if (value is not null && Text(value) is null) return Bad($"metaInfo.{name} must be text.");
            var text = Text(value) ?? "";
            var narrow = int.Parse(match.Groups[1].ValueSpan) > 10;
            if (text.Length > (narrow ? 50 : 256)) return Bad($"metaInfo.{name} is too long.");
            if (narrow && !NarrowLetters().IsMatch(text)) return Bad($"metaInfo.{name} holds a letter that is not allowed.");
        }
        return null;
    }

    static Reply? WrongFlow(JsonObject asked, bool inApp)
    {
        if (asked["paymentFlow"] is not JsonObject flow || Text(flow["type"]) != "PG_CHECKOUT") return Bad("paymentFlow.type must be PG_CHECKOUT.");
        if (flow["message"] is { } message && Text(message) is null) return Bad("paymentFlow.message must be text.");
        var back = Text((flow["merchantUrls"] as JsonObject)?["redirectUrl"]);
        if (!inApp && (back is null || !Uri.TryCreate(back, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https")))
            return Bad("paymentFlow.merchantUrls.redirectUrl must be a URL.");
        foreach (var list in new[] { "enabledPaymentModes", "disabledPaymentModes" })
        {
            if ((flow["paymentModeConfig"] as JsonObject)?[list] is not { } given) continue;
            if (given is not JsonArray modes || modes.Any(m => m is not JsonObject mode || !Modes.Contains(Text(mode["type"]) ?? "")))
                return Bad($"paymentFlow.paymentModeConfig.{list} holds an unknown mode.");
        }
        return null;
    }

    static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    [GeneratedRegex(@"^[A-Za-z0-9_-]+\z")]
    private static partial Regex NameLetters();

    [GeneratedRegex(@"^udf([1-9]|1[0-5])\z")]
    private static partial Regex UdfNumber();

    [GeneratedRegex(@"^[A-Za-z0-9 _@.+-]*\z")]
    private static partial Regex NarrowLetters();
}
