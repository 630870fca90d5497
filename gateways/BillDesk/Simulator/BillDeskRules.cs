using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Purser.Sandbox.BillDesk;

/// <summary>What BillDesk's documents demand of a request. An answer is what is wrong with it; null when nothing is.</summary>
static partial class BillDeskRules
{
    const string Media = "application/jose";

    static readonly string[] Channels = ["internet", "app"];

    public static string? WrongHeaders(Call call)
    {
        if (call.Header("Content-Type")?.StartsWith(Media, StringComparison.OrdinalIgnoreCase) != true) return $"Content-Type must be {Media}";
        if (call.Header("Accept")?.Contains(Media, StringComparison.OrdinalIgnoreCase) != true) return $"Accept must be {Media}";
        if (call.Header("BD-Traceid") is not { } trace || !TraceForm().IsMatch(trace)) return "BD-Traceid must be 10 to 35 letters and digits";
        return DateTime.TryParseExact(call.Header("BD-Timestamp"), "yyyyMMddHHmmss", CultureInfo.InvariantCulture, DateTimeStyles.None, out _)
            ? null : "BD-Timestamp must be yyyyMMddHHmmss";
    }

    public static JsonObject? Read(string text)
    {
        try
        {
            var read = JsonNode.Parse(text) as JsonObject;
            // A name that comes twice is found out only when the members are counted.
            return read?.Count >= 0 ? read : null;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return null;
        }
    }

    /// <param name="wide">The wider schema of names, which some of their documents give.</param>
    public static string? WrongOrder(JsonObject asked, bool wide)
    {
        var name = BillDeskText.Text(asked["orderid"]);
        if (name is null || !(wide ? WideName() : Name()).IsMatch(name)) return "orderid is invalid";
        if (BillDeskText.Paise(asked["amount"]) is not > 0) return "amount is invalid";
        if (BillDeskText.Text(asked["order_date"]) is not { } date || !IndianTime().IsMatch(date) || !DateTimeOffset.TryParse(date, CultureInfo.InvariantCulture, out _))
            return "order_date is invalid";
        if (BillDeskText.Text(asked["currency"]) != "356") return "currency is invalid";
        if (!Uri.TryCreate(BillDeskText.Text(asked["ru"]), UriKind.Absolute, out var back) || back.Scheme is not ("http" or "https")) return "ru is invalid";
        if (BillDeskText.Text(asked["itemcode"]) is not { Length: > 0 }) return "itemcode is invalid";
        return WrongDevice(asked["device"]) ?? WrongTexts(asked, "additional_info") ?? WrongTexts(asked, "customer");
    }

    public static string? WrongRefund(JsonObject asked)
    {
        foreach (var field in (string[])["transactionid", "orderid", "transaction_date", "merc_refund_ref_no"])
            if (BillDeskText.Text(asked[field]) is not { Length: > 0 }) return $"{field} is invalid";
        if (BillDeskText.Paise(asked["txn_amount"]) is null) return "txn_amount is invalid";
        if (BillDeskText.Paise(asked["refund_amount"]) is not > 0) return "refund_amount is invalid";
        return BillDeskText.Text(asked["currency"]) == "356" ? null : "currency is invalid";
    }

    static string? WrongDevice(JsonNode? node)
    {
        if (node is not JsonObject device) return "device is invalid";
        if (!Channels.Contains(BillDeskText.Text(device["init_channel"]))) return "device.init_channel is invalid";
        if (!IPAddress.TryParse(BillDeskText.Text(device["ip"]), out _)) return "device.ip is invalid";
        return BillDeskText.Text(device["user_agent"]) is { Length: > 0 } ? null : "device.user_agent is invalid";
    }

    static string? WrongTexts(JsonObject asked, string group)
    {
        if (asked[group] is null) return null;
        if (asked[group] is not JsonObject texts) return $"{group} is invalid";
        foreach (var (name, value) in texts)
            if (BillDeskText.Text(value) is null) return $"{group}.{name} is invalid";
        return null;
    }

    [GeneratedRegex(@"^[A-Za-z0-9]{10,35}\z")]
    private static partial Regex TraceForm();

    [GeneratedRegex(@"^[A-Za-z0-9]{10,35}\z")]
    private static partial Regex Name();

    [GeneratedRegex(@"^[A-Za-z0-9/~_:.,#@!*+ -]{1,120}\z")]
    private static partial Regex WideName();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:30\z")]
    private static partial Regex IndianTime();
}
