using System.Net;
using System.Text;

namespace Purser.Gateways.PayU;

/// <summary>Webhooks and the browser's return, which have the same form and the same hash. It leaves out their name for the money and the finer status,
/// so both only lead to an inquiry. Webhooks about refunds and disputes are JSON without any signature, and refused.</summary>
static class PayUNews
{
    const int MostBytes = 64 * 1024;

    public static NewsReading ReadWebhook(RawMessage message, GatewayAccount account) =>
        Read(message, account) is { } read
            ? new NewsReading.Genuine(HexSignature.NameOf(message.Body.Span), $"payment.{Wire.Line(read.Status, 40)}", read.Payment, [], ProvesAmount: false)
            : new NewsReading.Forged("no form with our key and the right hash");

    public static NewsReading ReadReturn(RawMessage message, GatewayAccount account) =>
        Read(message, account) is { } read
            ? new NewsReading.Genuine($"return-{HexSignature.NameOf(message.Body.Span)}", "return", read.Payment, [], ProvesAmount: false)
            : new NewsReading.Forged("no form with our key and the right hash");

    static (PaymentId? Payment, string Status)? Read(RawMessage message, GatewayAccount account)
    {
        if (Fields(message) is not { } fields || account.OptionalSetting(PayUGateway.Key) is not { } key || fields.GetValueOrDefault("key") != key) return null;
        if (!message.WasGenuine && !PayUHash.IsRight(fields, account.SeveralSettings(PayUGateway.Salt))) return null;
        return (PaymentId.TryParseReference(fields.GetValueOrDefault("txnid"), out var payment) ? payment : null, fields.GetValueOrDefault("status") ?? "");
    }

    /// <summary>The form's fields; null when it is none, or a field comes twice.</summary>
    public static Dictionary<string, string>? Fields(RawMessage message)
    {
        if (message.Body.Length is 0 or > MostBytes || !System.Text.Unicode.Utf8.IsValid(message.Body.Span)) return null;
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in Encoding.UTF8.GetString(message.Body.Span).Split('&'))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || !fields.TryAdd(WebUtility.UrlDecode(pair[..equals]), WebUtility.UrlDecode(pair[(equals + 1)..]))) return null;
        }
        return fields;
    }
}
