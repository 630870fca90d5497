using System.Collections.Frozen;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.CCAvenue;

/// <summary>What CCAvenue takes, and the codes with which it refuses the rest.</summary>
static class CCAvenueRules
{
    /// <summary>What a page refuses: something in the request, or who sent it.</summary>
    public const string BadRequest = "10001", NotAllowed = "10002";

    public const string NoRecord = "51419", NoRefundRecord = "51313", Busy = "51420";

    const int LongestUrl = 100, LongestOrder = 30, LongestParameter = 100, LongestTid = 17;

    static readonly (string Name, int Longest)[] Limits =
    [
        .. from who in (string[])["billing_", "delivery_"]
           from part in new (string Name, int Longest)[] { ("name", 60), ("address", 150), ("city", 30), ("state", 30), ("zip", 15), ("country", 50), ("tel", 20), ("email", 70) }
           select (who + part.Name, part.Longest),
        ("customer_identifier", 70), ("sub_account_id", 20),
    ];

    /// <summary>Which versions each command of the server API is spoken in.</summary>
    static readonly FrozenDictionary<string, string[]> Versions = new Dictionary<string, string[]>
    {
        ["orderStatusTracker"] = ["1.0", "1.1", "1.2"],
        ["orderLookup"] = ["1.0", "1.1", "1.2"],
        ["confirmOrder"] = ["1.0", "1.1", "1.2"],
        ["cancelOrder"] = ["1.0", "1.1", "1.2"],
        ["refundOrder"] = ["1.1", "1.2"],
        ["getRefundDetails"] = ["1.1"],
        ["payoutSummary"] = ["1.1", "1.2"],
        ["payIdDetails"] = ["1.4"],
        ["getSettlementDetails"] = ["1.2"],
        ["generateQuickInvoice"] = ["1.2"],
    }.ToFrozenDictionary();

    public static bool Knows(string command) => Versions.ContainsKey(command);

    public static bool Speaks(string command, string? version) => Versions[command].Contains(version);

    /// <summary>What is wrong with the text of a form, or null.</summary>
    public static string? WrongForm(Dictionary<string, string> said, string merchantId, IReadOnlySet<string> currencies, bool hasReturn)
    {
        foreach (var name in (string[])["merchant_id", "order_id", "currency", "amount", "language"])
            if (said.GetValueOrDefault(name, "").Length == 0) return $"The parameter {name} is missing.";
        if (said["merchant_id"] != merchantId) return "The parameter merchant_id is not this merchant.";
        if (!IsOrderNumber(said["order_id"])) return "The parameter order_id is not of 1 to 30 letters, digits, hyphens, slashes and underscores.";
        if (CCAvenueText.Paise(said["amount"]) is null) return "The parameter amount is no amount.";
        if (!currencies.Contains(said["currency"])) return "The parameter currency is not enabled for this account.";
        foreach (var name in (string[])["redirect_url", "cancel_url"])
            if (said.GetValueOrDefault(name, "") is not { Length: > 0 } url)
            {
                if (!hasReturn) return $"The parameter {name} is missing.";
            }
            else if (url.Length > LongestUrl || !Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
                return $"The parameter {name} is no address of at most {LongestUrl} characters.";
        foreach (var (name, longest) in Limits)
            if (said.GetValueOrDefault(name, "").Length > longest) return $"The parameter {name} is longer than {longest} characters.";
        if (said.GetValueOrDefault("tid", "") is var tid && (tid.Length > LongestTid || !tid.All(char.IsAsciiDigit)))
            return $"The parameter tid is not of at most {LongestTid} digits.";
        for (var i = 1; i <= 5; i++)
            if (said.GetValueOrDefault($"merchant_param{i}", "") is var own && (own.Length > LongestParameter || !own.All(IsOfParameter)))
                return $"The parameter merchant_param{i} has characters that are not taken, or more than {LongestParameter}.";
        // An address has its own equals signs; elsewhere one has shifted the fields.
        foreach (var (name, value) in said)
            if (!name.EndsWith("_url", StringComparison.Ordinal) && value.Contains('=', StringComparison.Ordinal)) return $"The parameter {name} cannot be read.";
        return null;
    }

    // Their list of characters has no underscore, and their own example has one.
    static bool IsOfParameter(char c) => char.IsAsciiLetterOrDigit(c) || " #,()/.-_".Contains(c, StringComparison.Ordinal);

    public static bool IsOrderNumber(string text) =>
        text.Length is >= 1 and <= LongestOrder && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '/' or '_');

    /// <summary>A refusal in the shape of the command's own answers.</summary>
    public static JsonObject Refusal(string command, string code, string why) => command switch
    {
        "refundOrder" => new() { ["refund_status"] = 1, ["reason"] = why, ["error_code"] = code },
        "generateQuickInvoice" => new() { ["invoice_status"] = 1, ["error_code"] = code, ["error_desc"] = why },
        "orderStatusTracker" => new() { ["status"] = 1, ["error_desc"] = why, ["error_code"] = code },
        _ => new() { ["error_desc"] = why, ["error_code"] = code },
    };

    /// <summary>The settlement commands have their own names for what is around an answer, in every version; the others get one in old versions only.</summary>
    public static JsonObject Wrapped(string command, string version, JsonObject answer) => command switch
    {
        "payoutSummary" => new() { ["Payout_Summary_Result"] = answer },
        "payIdDetails" => new() { ["pay_id_details_Result"] = answer },
        "getSettlementDetails" => new() { ["Settlement_Details_Result"] = answer },
        // Shown without, although its version is an old one.
        "getRefundDetails" => answer,
        _ when version is "1.0" or "1.1" => new() { [Words(command) + "_Result"] = answer },
        _ => answer,
    };

    static string Words(string command) => string.Concat(command.Select((c, i) => i == 0 ? $"{char.ToUpperInvariant(c)}" : char.IsAsciiLetterUpper(c) ? $"_{c}" : $"{c}"));

    /// <summary>As some of their answers come: each number as a text.</summary>
    public static JsonNode? WithTexts(JsonNode? node) => node switch
    {
        JsonObject fields => new JsonObject(fields.Select(f => KeyValuePair.Create(f.Key, WithTexts(f.Value)))),
        JsonArray items => new JsonArray([.. items.Select(WithTexts)]),
        JsonValue value when value.GetValueKind() == System.Text.Json.JsonValueKind.Number => JsonValue.Create(value.ToJsonString()),
        _ => node?.DeepClone(),
    };
}
