using System.Collections.Immutable;
using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;

namespace Purser.Gateways.Paytm;

/// <summary>A token for each payment, with which the shopper's browser posts a form to their page. Our reference is their order id, and all is asked
/// by it.</summary>
public sealed class PaytmGateway : IGateway, IRefundMoney, ISettleByFile, ISettleByCall, IShowSignatures
{
    public const string Mid = "mid";
    public const string MerchantKey = "merchant_key";
    public const string Website = "website";
    public const string SettlementChecksum = "settlement_checksum";

    /// <summary>A token lives so long, whatever is asked.</summary>
    static readonly TimeSpan TokenLife = TimeSpan.FromMinutes(15);

    public GatewayProfile Profile { get; } = new()
    {
        Name = "paytm",
        Title = "Paytm",
        BaseUrl = new Uri("https://secure.paytmpayments.com"),
        TestBaseUrl = new Uri("https://securestage.paytmpayments.com"),
        Currencies = ["INR"],
        Offers = [new(PaymentMethods.Upi), new(PaymentMethods.Card), new(PaymentMethods.NetBanking), new(PaytmMapping.Wallet) { Title = "Paytm Wallet" }],
        // The checksum of a form covers values without their names.
        Webhooks = WebhookTrust.Trigger,
        Settings =
        [
            new(Mid, Secret: false, "The merchant id (MID) of the dashboard's API keys."),
            new(MerchantKey, Secret: true, "The merchant key that belongs to it, 16 characters; the old one behind it while it is replaced.", Several: true) { Example = "Sandbox_16_Bytes" },
            new(Website, Secret: false, "The website name: WEBSTAGING in test mode, DEFAULT or the dashboard's otherwise.") { Example = "WEBSTAGING" },
            new(SettlementChecksum, Secret: false, "How settlement questions are signed: map (usual) or text.", Required: false) { Example = "map" },
        ],
        VisibilityDelay = TimeSpan.FromMinutes(5),
        // The link's end cannot be chosen, so there is no room between the two but for the clocks.
        ShortestLink = TokenLife,
        LongestLink = TokenLife + TimeSpan.FromMinutes(2),
        RepeatsSafely = true,
        RefusesAmount = amount => amount.Currency != PaytmMapping.Rupee ? $"{amount.Currency.Code} is not paid here." : amount.MinorUnits <= 0 ? "The amount must be more than nothing." : null,
        RefusesAccount = account => account switch
        {
            _ when Keys(account).Any(k => k.Length != PaytmChecksum.KeyLength) =>
                $"The setting '{MerchantKey}' must have {PaytmChecksum.KeyLength} characters; a # may have cut it in a file of settings.",
            _ when account.OptionalSetting(SettlementChecksum) is not (null or "map" or "text") => $"The setting '{SettlementChecksum}' must be map or text.",
            _ => null,
        },
    };

    public SettlementSheet Sheet => PaytmSettlement.Sheet;

    public ImmutableArray<SignatureRecipe> Signatures => PaytmSignatures.All;

    public async Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop)
    {
        var path = $"theia/api/v1/initiateTransaction?{Query(call.Account, call.Payment.Reference)}";
        var reply = await line.Send(Request(call.Account, path, PaytmMapping.Initiation(call)), stop);
        if (NoAnswer(reply, out var envelope) is { } nothing) return nothing;
        if (!Wire.TryRead<InitiatedWire>(envelope!.Body.Span, out var wire)) return new GatewayAnswer.Unknown("The answer is no token.");
        if (PaytmMapping.Initiated(wire, envelope.IsSigned(call.Account), call, line.Redact) is { } answer) return answer;

        var asked = await Inquire(new InquireCall(call.Account, call.Payment, null, call.Amount, call.StartedAt), line, stop);
        return asked switch
        {
            GatewayAnswer.NotSent n => new GatewayAnswer.Unknown(n.Reason),
            GatewayAnswer.Done { Facts: [Evidence.Absent] } => new GatewayAnswer.Unknown("They call the order id used, and know nothing of it."),
            _ => asked,
        };
    }

    public async Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop)
    {
        var body = PaytmMapping.Text(("mid", call.Account.Setting(Mid)), ("orderId", call.Payment.Reference));
        var reply = await line.Send(Request(call.Account, "v3/order/status", body), stop);
        if (NoAnswer(reply, out var envelope) is { } nothing) return nothing;
        return Wire.TryRead<OrderWire>(envelope!.Body.Span, out var wire)
            ? PaytmMapping.Status(wire, envelope.IsSigned(call.Account), call, line.Redact)
            : new GatewayAnswer.Unknown("The answer is no status.");
    }

    public async Task<RefundAnswer> Refund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        var body = PaytmMapping.Text(
            ("mid", call.Account.Setting(Mid)), ("txnType", "REFUND"), ("orderId", call.Payment.Reference), ("txnId", call.MoneyReference),
            ("refId", call.Refund.Reference), ("refundAmount", call.Amount.ToMajorUnits()));
        var (wire, answer) = await AskRefund(call, "refund/apply", body, inquiry: false, line, stop);
        if (answer is not null) return answer;

        // A no may be about a request whose first answer was lost, so what they know of it is read before it is believed.
        return await InquireRefund(call, line, stop) switch
        {
            RefundAnswer.Done { Fact: RefundEvidence.Absent } => PaytmMapping.Refused(wire!, line.Redact),
            RefundAnswer.NotSent n => new RefundAnswer.Unknown(n.Reason),
            var known => known,
        };
    }

    public async Task<RefundAnswer> InquireRefund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        var body = PaytmMapping.Text(("mid", call.Account.Setting(Mid)), ("orderId", call.Payment.Reference), ("refId", call.Refund.Reference));
        return (await AskRefund(call, "v2/refund/status", body, inquiry: true, line, stop)).Answer!;
    }

    public Task<SettlementAnswer> ReadSettlement(SettlementCall call, GatewayLine line, CancellationToken stop) => PaytmSettlement.Read(call, line, stop);

    public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => PaytmNews.ReadWebhook(message, account);

    public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => PaytmNews.ReadReturn(message, account);

    /// <summary>The first signs. A comma within 16 characters belongs to the key.</summary>
    internal static IReadOnlyList<string> Keys(GatewayAccount account) =>
        account.OptionalSetting(MerchantKey) is { Length: PaytmChecksum.KeyLength } one ? [one] : account.SeveralSettings(MerchantKey);

    /// <summary>Both must equal what the body says.</summary>
    internal static string Query(GatewayAccount account, string reference) => $"mid={Uri.EscapeDataString(account.Setting(Mid))}&orderId={reference}";

    static async Task<(RefundWire? Wire, RefundAnswer? Answer)> AskRefund(
        RefundCall call, string path, string body, bool inquiry, GatewayLine line, CancellationToken stop)
    {
        var reply = await line.Send(Request(call.Account, path, body), stop);
        if (NoAnswer(reply, out var envelope) is { } nothing)
            return (null, nothing is GatewayAnswer.NotSent n ? new RefundAnswer.NotSent(n.Reason) : new RefundAnswer.Unknown(((GatewayAnswer.Unknown)nothing).Reason));
        if (!Wire.TryRead<RefundWire>(envelope!.Body.Span, out var wire)) return (null, new RefundAnswer.Unknown("The answer is about no refund."));
        return (wire, PaytmMapping.Refund(wire, envelope.IsSigned(call.Account), call, inquiry, line.Redact));
    }

    /// <summary>Whatever they mean, they say it under 200 and in an envelope; null when there is one.</summary>
    static GatewayAnswer? NoAnswer(LineReply reply, out PaytmEnvelope? envelope)
    {
        envelope = null;
        return reply switch
        {
            LineReply.NotSent n => new GatewayAnswer.NotSent(n.Reason),
            LineReply.Lost l => new GatewayAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a => PaytmEnvelope.TryRead(a.Body, out envelope) ? null : new GatewayAnswer.Unknown("The answer cannot be read."),
            LineReply.Answered a => new GatewayAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    static LineRequest Request(GatewayAccount account, string path, string body) =>
        new(HttpMethod.Post, path, [], PaytmEnvelope.Write(body, Keys(account)[0]), "application/json");
}
