using System.Text;

namespace Purser.Gateways.CCAvenue;

/// <summary>Webhooks and the browser's return: one encrypted text. Whoever changes the ciphertext of <c>cbc</c> changes what it says, and the shopper's
/// browser carries it in both directions; so it tells which payment to ask about and nothing else, however it is encrypted.</summary>
static class CCAvenueNews
{
    const int LongestType = 40;

    /// <summary>What was read, or why not.</summary>
    public readonly record struct Said(string? Order, string? Tracking, string? Status, string? Amount, string? Why);

    public static NewsReading ReadWebhook(RawMessage message, GatewayAccount account)
    {
        var said = Read(message, account, "encResp");
        if (said.Why is { } why) return new NewsReading.Forged(why);
        // About a bank that is down: it names no order.
        if (said.Order is null) return new NewsReading.Genuine(HexSignature.NameOf(message.Body.Span), "no_order", null, [], ProvesAmount: false);
        return Genuine(said, "", Wire.Line(said.Status!, LongestType));
    }

    public static NewsReading ReadReturn(RawMessage message, GatewayAccount account)
    {
        var said = Read(message, account, "encResp");
        if (said.Why is { } why) return new NewsReading.Forged(why);
        return said.Order is null ? new NewsReading.Forged("names no order") : Genuine(said, "return-", "return");
    }

    static NewsReading.Genuine Genuine(Said said, string prefix, string type) => new(
        prefix + HexSignature.NameOf(Encoding.UTF8.GetBytes($"{said.Order}|{said.Tracking}|{said.Status}|{said.Amount}")),
        type, PaymentId.TryParseReference(said.Order, out var ours) ? ours : null, [], ProvesAmount: false);

    /// <summary>News of their own reconciliation spell the names as the API does, and leave the currency out.</summary>
    static Said Read(RawMessage message, GatewayAccount account, string field)
    {
        if (Field(message, field) is not { Length: > 0 } hex) return No($"no {field}");
        if (CCAvenueAccount.Page(account) is not { } cipher) return No("the account has no working key");
        return Read(cipher, hex)?.Said ?? (cipher.Decrypt(hex) is { } text ? Parse(text) : No("not encrypted under the working key"));
    }

    /// <summary>Under the first key that gives a text of theirs.</summary>
    public static Opened? Read(CCAvenueEncryption cipher, string hex) => cipher.Read(hex, text => Parse(text) is { Why: null } said ? new Opened(text, said) : null);

    public sealed record Opened(string Text, Said Said);

    public static Said Parse(string text)
    {
        if (CCAvenueText.Read(text) is not { Count: > 0 } fields) return No("not a text of theirs");
        var ofPage = fields.ContainsKey("order_id");
        var names = ofPage ? (string[])["order_id", "tracking_id", "order_status", "amount", "currency"] : ["order_no", "reference_no", "order_status", "order_amt"];
        if (!names.Any(fields.ContainsKey)) return default;
        if (names.FirstOrDefault(n => !fields.TryGetValue(n, out var value) || value.Length == 0) is { } missing) return No($"{missing} is missing");
        return new(fields[names[0]], fields[names[1]], fields[names[2]], fields[names[3]], null);
    }

    /// <summary>Of a posted form; a field that comes twice is none.</summary>
    public static string? Field(RawMessage message, string name) => Wire.Field(Encoding.Latin1.GetString(message.Body.Span), name);

    static Said No(string why) => new(null, null, null, null, why);
}
