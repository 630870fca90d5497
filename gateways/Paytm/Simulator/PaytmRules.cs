using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Purser.Sandbox.Paytm;

/// <summary>A code of Paytm with its word and sentence.</summary>
sealed record PaytmResult(string Status, string Code, string Message)
{
    public JsonObject Json => new() { ["resultStatus"] = Status, ["resultCode"] = Code, ["resultMsg"] = Message };
}

/// <summary>What Paytm takes.</summary>
static partial class PaytmRules
{
    public const string Pending = "Looks like the payment is not complete. Please wait while we confirm the status with your bank.";

    public const string NotCompleted = "User has not completed transaction.";

    const long LeastPaise = 100;

    const int LongestOrderId = 50;

    static readonly Dictionary<string, string> Modes = new()
    {
        ["UPI"] = "UPI",
        ["CREDIT_CARD"] = "CC",
        ["CC"] = "CC",
        ["DEBIT_CARD"] = "DC",
        ["DC"] = "DC",
        ["NET_BANKING"] = "NB",
        ["NB"] = "NB",
        ["EMI"] = "EMI",
        ["BALANCE"] = "PPI",
        ["PPBL"] = "PPI",
        ["PPI"] = "PPI",
    };

    /// <summary>What is wrong with an order, or null.</summary>
    public static PaytmResult? WrongOrder(JsonObject asked, string mid, Call call)
    {
        foreach (var name in (string[])["requestType", "mid", "websiteName", "orderId"])
            if (asked[name] is null) return Missing;
        if (call.Asked("mid") != PaytmText.Of(asked, "mid")) return new("F", "2013", "Mid in the query param doesn't match with the Mid send in the request");
        if (call.Asked("orderId") != PaytmText.Of(asked, "orderId"))
            return new("F", "2014", "OrderId in the query param doesn't match with the OrderId send in the request");
        if (PaytmText.Of(asked, "mid") != mid) return new("F", "0001", "The merchant is not known");
        if (Pipe(asked)) return new("F", "1008", "Pipe character is not allowed");
        if (PaytmText.Of(asked, "requestType") != "Payment" || !GoodOrderId(PaytmText.Of(asked, "orderId"))) return Invalid;
        if (asked["txnAmount"] is not JsonObject amount || asked["userInfo"] is not JsonObject person || person["custId"] is null) return Missing;
        if (PaytmText.Of(amount, "currency") != "INR" || PaytmText.Of(person, "custId") is null) return Invalid;
        if (PaytmText.Paise(PaytmText.Of(amount, "value")) is not >= LeastPaise) return new("F", "2007", "Txn amount is invalid");
        if (asked["callbackUrl"] is not null && !Address(PaytmText.Of(asked, "callbackUrl"))) return Invalid;
        foreach (var name in (string[])["enablePaymentMode", "disablePaymentMode"])
            if (asked[name] is { } modes && (modes is not JsonArray list || !list.All(m => Modes.ContainsKey(PaytmText.Of(m, "mode") ?? "")))) return Invalid;
        return null;
    }

    /// <summary>What makes a repeat the same order again.</summary>
    public static bool SameOrder(JsonObject one, JsonObject other) =>
        Text(one["txnAmount"]) == Text(other["txnAmount"]) && Text(one["callbackUrl"]) == Text(other["callbackUrl"])
        && PaytmText.Of(one["userInfo"], "custId") == PaytmText.Of(other["userInfo"], "custId");

    public static bool GoodOrderId(string? id) => id is { Length: <= LongestOrderId } && OrderId().IsMatch(id);

    /// <summary>The first of the ways that the merchant allows, in the word of the callback.</summary>
    public static string Mode(JsonObject asked) =>
        asked["enablePaymentMode"] is JsonArray { Count: > 0 } modes ? Modes[PaytmText.Of(modes[0], "mode")!] : "UPI";

    static PaytmResult Missing => new("F", "1007", "Missing mandatory element");

    static PaytmResult Invalid => new("F", "1001", "Request parameters are not valid");

    static bool Pipe(JsonNode? node) => node switch
    {
        JsonObject fields => fields.Any(f => Pipe(f.Value)),
        JsonArray items => items.Any(Pipe),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.ToString().Contains('|', StringComparison.Ordinal),
        _ => false,
    };

    static bool Address(string? text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https";

    static string Text(JsonNode? node) => node?.ToJsonString(Wire.Compact) ?? "";

    [GeneratedRegex("^[A-Za-z0-9@_.-]+$")]
    private static partial Regex OrderId();
}
