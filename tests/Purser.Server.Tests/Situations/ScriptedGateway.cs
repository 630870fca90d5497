using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Purser.Gateways;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Server.Tests.Situations;

/// <summary>A gateway without a wire whose every answer a test decides. Its webhooks are signed, so that intake is the real one.</summary>
sealed class ScriptedGateway(string name) : IGateway, ICancelLinks
{
    static readonly byte[] Secret = "scripted-webhook-secret"u8.ToArray();

    public GatewayProfile Profile { get; } = new()
    {
        Name = name,
        Title = name,
        BaseUrl = new Uri("http://127.0.0.1:1"),
        Currencies = ["INR", "JPY", "KWD"],
        Offers = [new("card")],
        Webhooks = WebhookTrust.Proof,
        Settings = [],
        VisibilityDelay = TimeSpan.FromMinutes(1),
        ShortestLink = TimeSpan.FromMinutes(15),
        LongestLink = TimeSpan.FromDays(1),
        RepeatsSafely = true,
    };

    /// <summary>How often a link was asked for, by our reference.</summary>
    public ConcurrentDictionary<string, int> LinksAsked { get; } = [];

    public Func<LinkCall, GatewayAnswer>? AnswerToLink { get; set; }

    public Func<InquireCall, GatewayAnswer>? AnswerToInquiry { get; set; }

    public Func<InquireCall, GatewayAnswer>? AnswerToCancel { get; set; }

    public Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop)
    {
        LinksAsked.AddOrUpdate(call.Payment.Reference, 1, (_, n) => n + 1);
        // Elsewhere: an answer that makes its thread wait must not be the one that the engine, or whoever asked, goes on with.
        return AnswerToLink is { } answer ? Task.Run(() => answer(call), CancellationToken.None) : Task.FromResult<GatewayAnswer>(Link(call.Payment, call.Amount));
    }

    public static GatewayAnswer.Done Link(PaymentId payment, Money amount) => new(
        new Evidence.LinkOpened(new PaymentLink.Redirect($"https://gateway.invalid/{payment.Reference}"), amount) { GatewayReference = "link_" + payment.Reference });

    public Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop) =>
        Task.FromResult(AnswerToInquiry?.Invoke(call) ?? Link(call.Payment, call.Amount));

    public Task<GatewayAnswer> CancelLink(InquireCall call, GatewayLine line, CancellationToken stop) =>
        Task.FromResult(AnswerToCancel?.Invoke(call) ?? new GatewayAnswer.Done(new Evidence.LinkCancelled()));

    /// <summary>A webhook's body: what happened to the payment with this reference.</summary>
    public static byte[] News(string eventId, string kind, string reference, long amount = 49900, string money = "m_1", string currency = "INR") =>
        JsonSerializer.SerializeToUtf8Bytes(new { id = eventId, kind, reference, amount, money, currency });

    public static string Sign(byte[] body) => Convert.ToHexStringLower(HMACSHA256.HashData(Secret, body));

    public NewsReading ReadWebhook(RawMessage message, GatewayAccount account)
    {
        var right = Encoding.ASCII.GetBytes(Sign(message.Body.ToArray()));
        if (message.Header("Scripted-Signature") is not { } given || !CryptographicOperations.FixedTimeEquals(right, Encoding.ASCII.GetBytes(given)))
            return new NewsReading.Forged("wrong signature");
        using var json = JsonDocument.Parse(message.Body);
        var root = json.RootElement;
        string Text(string field) => root.GetProperty(field).GetString()!;
        var amount = new Money(root.GetProperty("amount").GetInt64(), Currency.Find(Text("currency")));
        Evidence fact = Text("kind") switch
        {
            "captured" => new Evidence.Succeeded(Text("money"), amount, "card"),
            "failed" => new Evidence.Failed("declined by the bank"),
            "authorised" => new Evidence.Processing(),
            "declined" => new Evidence.Declined("insufficient funds"),
            "disputed" => new Evidence.DisputeOpened("dispute_1", amount),
            var other => new Evidence.Processing(other),
        };
        return new NewsReading.Genuine(
            Text("id"), Text("kind"), PaymentId.TryParseReference(Text("reference"), out var id) ? id : null, [fact], ProvesAmount: Text("kind") != "hinted")
        {
            MoneyReference = fact is Evidence.DisputeOpened ? Text("money") : null,
        };
    }

    public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => new NewsReading.Genuine("return", "return", null, []);
}
