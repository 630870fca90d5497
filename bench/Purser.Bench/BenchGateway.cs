using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Purser.Gateways;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Bench;

/// <summary>A gateway without a wire: links are answered in memory, webhooks are signed with HMAC-SHA256 over their raw bytes and parsed, as a real
/// adapter does.</summary>
public sealed class BenchGateway : IGateway, ISettleByFile
{
    public SettlementSheet Sheet => BenchStatements.Sheet;

    public static readonly byte[] Secret = "bench-webhook-secret"u8.ToArray();
    const string SignatureHeader = "Bench-Signature";

    public GatewayProfile Profile { get; } = new()
    {
        Name = "bench",
        Title = "Bench",
        BaseUrl = new Uri("http://127.0.0.1:1"),
        Currencies = ["INR"],
        Offers = [new("card")],
        Webhooks = WebhookTrust.Proof,
        Settings = [],
        VisibilityDelay = TimeSpan.FromMinutes(1),
        ShortestLink = TimeSpan.FromMinutes(15),
        LongestLink = TimeSpan.FromDays(1),
        RepeatsSafely = true,
    };

    /// <summary>The webhook of one event, about 600 bytes like a real one.</summary>
    public static byte[] Webhook(string eventId, string reference, long amount) => Encoding.UTF8.GetBytes(
        $$"""{"event":"{{eventId}}","reference":"{{reference}}","amount":{{amount.ToString(CultureInfo.InvariantCulture)}},"currency":"INR","money":"m_{{reference}}","filler":"{{new string('x', 480)}}"}""");

    public static string Headers(byte[] body) =>
        $"Content-Type: application/json\r\n{SignatureHeader}: {Convert.ToHexStringLower(HMACSHA256.HashData(Secret, body))}\r\n";

    public static bool IsGenuine(ReadOnlySpan<byte> body, string? signature)
    {
        Span<byte> right = stackalloc byte[32];
        HMACSHA256.HashData(Secret, body, right);
        Span<byte> given = stackalloc byte[32];
        return signature is { Length: 64 } && Convert.FromHexString(signature, given, out _, out _) == System.Buffers.OperationStatus.Done
            && CryptographicOperations.FixedTimeEquals(given, right);
    }

    public Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop) => Task.FromResult<GatewayAnswer>(new GatewayAnswer.Done(
        new Evidence.LinkOpened(new PaymentLink.Redirect("https://gateway.invalid/pay/" + call.Payment.Reference), call.Amount)
        {
            GatewayReference = "link_" + call.Payment.Reference,
        }));

    public Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop) =>
        Task.FromResult<GatewayAnswer>(new GatewayAnswer.Done(new Evidence.Absent()));

    public NewsReading ReadWebhook(RawMessage message, GatewayAccount account)
    {
        if (!IsGenuine(message.Body.Span, message.Header(SignatureHeader))) return new NewsReading.Forged("wrong signature");
        using var json = JsonDocument.Parse(message.Body);
        var root = json.RootElement;
        var eventId = root.GetProperty("event").GetString()!;
        PaymentId? payment = PaymentId.TryParseReference(root.GetProperty("reference").GetString(), out var id) ? id : null;
        return new NewsReading.Genuine(eventId, "paid", payment,
            [new Evidence.Succeeded(root.GetProperty("money").GetString()!, new Money(root.GetProperty("amount").GetInt64(), Currency.Find("INR")), "card")]);
    }

    public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => new NewsReading.Forged("no return");
}
