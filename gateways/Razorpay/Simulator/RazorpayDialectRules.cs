using System.Text.Json;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Razorpay;

/// <summary>What Razorpay refuses, and in which words.</summary>
static class RazorpayDialectRules
{
    const long LeastRupeeAmount = 100, LeastExpirySeconds = 15 * 60, MostExpirySeconds = 184L * 24 * 3600;
    const int MostNotes = 15;

    static readonly HashSet<string> LinkFields =
    [
        "amount", "currency", "accept_partial", "first_min_partial_amount", "upi_link", "description", "reference_id",
        "customer", "expire_by", "notify", "reminder_enable", "notes", "callback_url", "callback_method", "options",
    ];

    static readonly HashSet<string> OrderFields =
        ["amount", "currency", "receipt", "notes", "partial_payment", "first_payment_min_amount", "payment"];

    static readonly HashSet<string> ChangeFields = ["accept_partial", "reference_id", "expire_by", "notes", "reminder_enable"];

    static readonly HashSet<string> RefundFields = ["amount", "speed", "notes", "receipt"];

    public static Reply Bad(string description, string? field = null, int status = 400) => new(status, new JsonObject
    {
        ["error"] = new JsonObject
        {
            ["code"] = status >= 500 ? "SERVER_ERROR" : "BAD_REQUEST_ERROR",
            ["description"] = description,
            ["field"] = field,
            ["source"] = "business",
            ["step"] = "payment_initiation",
            ["reason"] = "input_validation_failed",
            ["metadata"] = new JsonObject(),
        },
    })
    { Executed = false };

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

        return Bad("The request body is not a valid JSON object.");
    }

    public static Reply? WrongLink(JsonObject asked, long now)
    {
        if (Strange(asked, LinkFields) is { } strange) return strange;
        if (WrongAmount(asked) is { } amount) return amount;
        if (WrongText(asked, "currency", 3) is { } currency) return currency;
        if (WrongText(asked, "description", 2048) is { } description) return description;
        if (WrongText(asked, "reference_id", 40) is { } reference) return reference;
        if (WrongNotes(asked, 255) is { } notes) return notes;
        if (WrongFlags(asked) is { } flags) return flags;
        if (asked["upi_link"] is { } upi && (bool)upi) return Bad("UPI Payment Links is not supported in Test Mode", "upi_link");
        if (asked["first_min_partial_amount"] is not null && asked["accept_partial"] is not { } partial)
            return Bad("first_min_partial_amount is allowed with accept_partial only.", "first_min_partial_amount");
        if (asked["customer"] is { } customer && (customer is not JsonObject person
            || Strange(person, ["name", "email", "contact"]) is not null))
            return Bad("customer: must be an object with name, email and contact.", "customer");
        if (asked["notify"] is { } notify && (notify is not JsonObject ways
            || Strange(ways, ["sms", "email", "whatsapp"]) is not null))
            return Bad("notify: must be an object with sms, email and whatsapp.", "notify");
        return WrongExpiry(asked, now) ?? WrongCallback(asked);
    }

    public static Reply? WrongChange(JsonObject asked, long now) =>
        Strange(asked, ChangeFields) ?? WrongText(asked, "reference_id", 40) ?? WrongNotes(asked, 255)
        ?? WrongFlags(asked) ?? WrongExpiry(asked, now);

    /// <summary>For what can have other notes and nothing else.</summary>
    public static Reply? WrongNotesOnly(JsonObject asked) => Strange(asked, ["notes"]) ?? Missing(asked, "notes") ?? WrongNotes(asked, 256);

    public static Reply? WrongCapture(JsonObject asked) => Strange(asked, ["amount", "currency"]) ?? WrongAmount(asked);

    public static Reply? WrongPage(Call call, out int skip, out int count, int most = 100)
    {
        (skip, count) = (0, 10);
        if (call.Asked("skip") is { } s && (!int.TryParse(s, out skip) || skip < 0)) return Bad("The skip must be an integer.", "skip");
        if (call.Asked("count") is { } c && (!int.TryParse(c, out count) || count < 1 || count > most))
            return Bad($"The count must be between 1 and {most}.", "count");
        return null;
    }

    public static Reply? WrongOrder(JsonObject asked) =>
        Strange(asked, OrderFields) ?? WrongAmount(asked) ?? Missing(asked, "currency") ?? WrongText(asked, "currency", 3)
        ?? WrongText(asked, "receipt", 40) ?? WrongNotes(asked, 256);

    public static Reply? WrongRefund(JsonObject asked, string currency) =>
        Strange(asked, RefundFields) ?? (asked["amount"] is null ? null : WrongAmount(asked, currency))
        ?? WrongText(asked, "receipt", 40) ?? WrongNotes(asked, 256)
        ?? (asked["speed"] is { } speed && speed.ToString() is not ("normal" or "optimum")
            ? Bad("speed: must be normal or optimum.", "speed") : null);

    static Reply? WrongFlags(JsonObject asked)
    {
        foreach (var name in new[] { "accept_partial", "upi_link", "reminder_enable" })
            if (asked[name] is { } flag && flag.GetValueKind() is not (JsonValueKind.True or JsonValueKind.False))
                return Bad($"{name}: must be a boolean.", name);
        return null;
    }

    static Reply? Strange(JsonObject asked, HashSet<string> known)
    {
        var strange = asked.Select(f => f.Key).Where(name => !known.Contains(name)).ToArray();
        return strange.Length == 0 ? null : Bad(
            $"{string.Join(", ", strange)} is/are not required and should not be sent", strange[0]);
    }

    static Reply? Missing(JsonObject asked, string name) => asked[name] is null ? Bad($"{name}: is required.", name) : null;

    static Reply? WrongAmount(JsonObject asked, string? currency = null)
    {
        if (Missing(asked, "amount") is { } missing) return missing;
        if (asked["amount"] is not JsonValue value || value.GetValueKind() != JsonValueKind.Number
            || !value.TryGetValue(out long amount))
            return Bad("The amount must be an integer.", "amount");
        var rupees = (currency ?? asked["currency"]?.ToString() ?? "INR") == "INR";
        if (rupees && amount < LeastRupeeAmount) return Bad("The amount must be at least INR 1.00", "amount");
        return amount < 1 ? Bad("The amount must be at least 1.", "amount") : null;
    }

    static Reply? WrongText(JsonObject asked, string name, int longest) => asked[name] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String && ((string)value!).Length <= longest => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String =>
            Bad($"{name}: the length must be no more than {longest}.", name),
        _ => Bad($"{name}: must be a string.", name),
    };

    static Reply? WrongNotes(JsonObject asked, int longestValue)
    {
        switch (asked["notes"])
        {
            case null or JsonArray { Count: 0 }:
                return null;
            case not JsonObject:
                return Bad("notes: must be an object.", "notes");
            case JsonObject notes:
                if (notes.Count > MostNotes) return Bad($"notes: no more than {MostNotes} pairs are allowed.", "notes");
                return notes.Any(n => n.Value is JsonObject or JsonArray || n.Value?.ToString().Length > longestValue)
                    ? Bad($"notes: a value must be text of no more than {longestValue} characters.", "notes") : null;
        }
    }

    static Reply? WrongExpiry(JsonObject asked, long now)
    {
        if (asked["expire_by"] is not { } node) return null;
        if (node is not JsonValue value || value.GetValueKind() != JsonValueKind.Number || !value.TryGetValue(out long end))
            return Bad("expire_by: must be an integer.", "expire_by");
        if (end == 0) return null;
        if (end < now + LeastExpirySeconds)
            return Bad("expire_by should be at least 15 minutes after current time.", "expire_by");
        return end > now + MostExpirySeconds
            ? Bad("expire_by should be no more than 6 months after current time.", "expire_by") : null;
    }

    static Reply? WrongCallback(JsonObject asked)
    {
        var (url, method) = (asked["callback_url"], asked["callback_method"]);
        if (url is null && method is null) return null;
        if (url is null) return Bad("callback_url: is required with callback_method.", "callback_url");
        if (!Uri.TryCreate(url.ToString(), UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https"))
            return Bad("callback_url: must be a valid URL.", "callback_url");
        return method?.ToString() == "get" ? null : Bad("callback_method: must be get.", "callback_method");
    }
}
