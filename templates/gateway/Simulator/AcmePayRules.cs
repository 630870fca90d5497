using System.Text.Json;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.AcmePay;

/// <summary>What AcmePay refuses, and in which words. The stricter the simulator, the more of the adapter it proves.</summary>
static class AcmePayRules
{
    const long LeastAmount = 100, LeastSeconds = 10 * 60, MostSeconds = 31L * 24 * 3600;

    static readonly HashSet<string> Currencies = ["INR", "USD", "EUR", "GBP", "JPY", "KWD"];
    static readonly HashSet<string> LinkFields = ["reference", "amount", "currency", "description", "customer", "method", "return_url", "expires_at"];
    static readonly HashSet<string> RefundFields = ["reference", "payment", "amount", "note"];

    /// <summary>Refused before anything was attempted.</summary>
    public static Reply No(int status, string code, string message) =>
        new(status, new JsonObject { ["error"] = new JsonObject { ["code"] = code, ["message"] = message } }) { Executed = false };

    public static Reply Taken(string reference) => No(409, "reference_taken", $"{reference} was used for something else.");

    public static Reply? Read(byte[] body, out JsonObject asked)
    {
        asked = [];
        try
        {
            if (JsonNode.Parse(body) is not JsonObject read) return Wrong("body", "is no object");
            asked = read;
            // A field that comes twice shows only when the fields are looked at.
            _ = asked.Count;
            return null;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return Wrong("body", "is no JSON");
        }
    }

    public static Reply? WrongLink(JsonObject asked, long now)
    {
        var wrong = Strange(asked, LinkFields) ?? WrongReference(asked) ?? WrongAmount(asked, LeastAmount) ?? WrongText(asked, "description", 120, needed: true);
        if (wrong is not null) return wrong;
        if (Text(asked["currency"]) is not { } currency || !Currencies.Contains(currency)) return Wrong("currency", "is not paid here");
        if (asked["method"] is { } method && !(Text(method) is "card" || (Text(method) is "upi" && currency == "INR"))) return Wrong("method", "is card, or upi in INR");
        if (!Uri.TryCreate(Text(asked["return_url"]), UriKind.Absolute, out var back) || back.Scheme is not ("http" or "https")) return Wrong("return_url", "is no address");
        if (Number(asked["expires_at"]) is not { } end || end < now + LeastSeconds || end > now + MostSeconds) return Wrong("expires_at", "is 10 minutes to 31 days from now");
        if (asked["customer"] is not { } person) return null;
        return person is not JsonObject customer ? Wrong("customer", "is no object")
            : Strange(customer, ["name", "email", "phone"]) ?? WrongText(customer, "name", 80) ?? WrongText(customer, "email", 254) ?? WrongText(customer, "phone", 16);
    }

    public static Reply? WrongRefund(JsonObject asked) =>
        Strange(asked, RefundFields) ?? WrongReference(asked) ?? WrongText(asked, "payment", 40, needed: true) ?? WrongAmount(asked, 1) ?? WrongText(asked, "note", 120);

    static Reply Wrong(string field, string why) => No(400, "bad_request", $"{field} {why}.");

    static Reply? Strange(JsonObject asked, HashSet<string> known) =>
        asked.Select(f => f.Key).FirstOrDefault(name => !known.Contains(name)) is { } strange ? Wrong(strange, "is unknown") : null;

    static Reply? WrongReference(JsonObject asked) =>
        Text(asked["reference"]) is { Length: >= 1 and <= 40 } text && text.All(char.IsAsciiLetterOrDigit) ? null : Wrong("reference", "is 1 to 40 letters and digits");

    static Reply? WrongAmount(JsonObject asked, long least) =>
        Number(asked["amount"]) is { } amount && amount >= least ? null : Wrong("amount", $"is a whole number of at least {least}");

    static Reply? WrongText(JsonObject asked, string name, int longest, bool needed = false) =>
        asked[name] is null ? needed ? Wrong(name, "is missing") : null
            : Text(asked[name]) is { } text && text.Length <= longest ? null : Wrong(name, $"is a text of at most {longest} characters");

    static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    static long? Number(JsonNode? node) => node is JsonValue value && value.TryGetValue(out long number) ? number : null;
}
