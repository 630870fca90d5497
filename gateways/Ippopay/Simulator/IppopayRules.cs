using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Ippopay;

/// <summary>What IppoPay's page demands of a request, and how it words its answers.</summary>
static class IppopayRules
{
    public static readonly string[] Modes = ["cc", "dc", "nb", "upi"];

    /// <summary>No limit is documented; this one keeps sums within their numbers.</summary>
    const decimal MostRupees = 10_000_000_000m;

    public static Reply Unauthorized => No("Unauthorized", 401);

    public static Reply No(string message, int status = 400) =>
        new(status, new JsonObject { ["success"] = false, ["message"] = message }) { Executed = false };

    public static Reply Yes(string message, string name, JsonObject content) =>
        new(200, new JsonObject { ["success"] = true, ["message"] = message, ["data"] = new JsonObject { [name] = content } });

    public static Reply? Read(byte[] body, out JsonObject asked)
    {
        asked = [];
        try
        {
            if (JsonNode.Parse(body) is not JsonObject read) return No("The body must be an object");
            asked = read;
            // A field that comes twice shows only when the fields are looked at.
            _ = asked.Count;
            return null;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return No("The body is not valid JSON");
        }
    }

    public static Reply? WrongOrder(JsonObject asked, out long paise)
    {
        if (WrongAmount(asked["amount"], "amount", out paise) is { } amount) return amount;
        if (asked["currency"] is { } currency && Text(currency) != "INR") return No("currency must be INR");
        if (asked["payment_modes"] is { } modes
            && (Text(modes) is not { } list || list.Split(',').Any(m => !Modes.Contains(m)))) return No("payment_modes is a list of cc, dc, nb, upi");
        foreach (var name in (string[])["notify_url", "return_url"])
            if (asked[name] is { } url && !(Uri.TryCreate(Text(url), UriKind.Absolute, out var read) && read.Scheme is "http" or "https")) return No($"{name} must be a URL");
        if (asked["notes"] is { } notes && Text(notes) is null) return No("notes must be text");
        return WrongCustomer(asked["customer"]);
    }

    static Reply? WrongCustomer(JsonNode? node)
    {
        if (node is null) return null;
        if (node is not JsonObject customer) return No("customer must be an object");
        foreach (var name in (string[])["name", "email"])
            if (customer[name] is { } value && Text(value) is null) return No($"customer.{name} must be text");
        if (customer["phone"] is not { } given) return null;
        if (given is not JsonObject phone) return No("customer.phone must be an object");
        foreach (var name in (string[])["country_code", "national_number"])
            if (phone[name] is { } digits && !(Text(digits) is { Length: > 0 } text && text.TrimStart('+').All(char.IsAsciiDigit)))
                return No($"customer.phone.{name} must be digits");
        return null;
    }

    /// <summary>A number of rupees with two decimals at most; one in quotes is no number.</summary>
    public static Reply? WrongAmount(JsonNode? node, string name, out long paise)
    {
        paise = 0;
        if (node is not JsonValue value || value.GetValueKind() != JsonValueKind.Number
            || !decimal.TryParse(value.ToJsonString(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rupees)) return No($"{name} must be a number");
        if (rupees is <= 0 or > MostRupees || rupees * 100 != decimal.Truncate(rupees * 100)) return No($"{name} must be more than zero and have at most two decimals");
        paise = (long)(rupees * 100);
        return null;
    }

    public static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    /// <summary>As JSON has it: always two decimals.</summary>
    public static decimal Number(long paise) => decimal.Parse(Rupees(paise), NumberStyles.Float, CultureInfo.InvariantCulture);

    public static string Rupees(long paise) => (paise / 100m).ToString("0.00", CultureInfo.InvariantCulture);
}
