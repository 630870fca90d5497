using System.Text.Json;
using System.Text.Json.Serialization;
using Purser.Orders;
using Purser.Refunds;

namespace Purser.Gateways.PayPal;

/// <summary>Orders v2: one order for each payment, approved on their page and captured by us. The shopper's approval moves no money: an inquiry that
/// finds it takes the money in the same conversation, under a key of the payment, while our order wants it.</summary>
public sealed class PayPalGateway : IGateway, IRefundMoney, INeedPublished, IConfirmNews, ISettleByFile, ISettleByCall, IShowSignatures
{
    public const string ClientId = "client_id";
    public const string ClientSecret = "client_secret";
    public const string WebhookId = "webhook_id";
    public const string WebhookCheck = "webhook_check";
    public const string ByCertificate = "certificate";
    public const string ByCall = "call";
    public const string TrustedRoot = "trusted_root";

    const int LongestDescription = 127;
    const int LongestNote = 255;

    static readonly JsonSerializerOptions Plain = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public GatewayProfile Profile { get; } = new()
    {
        Name = "paypal",
        Title = "PayPal",
        BaseUrl = new Uri("https://api-m.paypal.com"),
        TestBaseUrl = new Uri("https://api-m.sandbox.paypal.com"),
        Currencies = PayPalMapping.Currencies,
        Offers = [new("paypal") { Title = "PayPal" }],
        // What is signed is a checksum of the body, and for a checksum another body can be made.
        Webhooks = WebhookTrust.Trigger,
        Settings =
        [
            new(ClientId, Secret: false, "The client ID of the REST app."),
            new(ClientSecret, Secret: true, "The secret of the REST app."),
            new(WebhookId, Secret: false, "The ID of the webhook as its dashboard shows it, 17 letters and digits; it is part of what they sign.", Several: true),
            new(WebhookCheck, Secret: false, "How a webhook is checked: 'certificate' (when left out; they are asked only while it cannot be had) or 'call' (they are asked about each).", Required: false)
            {
                Example = ByCertificate,
            },
            new(TrustedRoot, Secret: false, "Only in test mode: a root certificate in PEM that signs the certificates of a simulator.", Required: false)
            {
                Lines = true,
                Example = PayPalSignature.ExampleRoot,
            },
        ],
        VisibilityDelay = TimeSpan.FromMinutes(1),
        ShortestLink = TimeSpan.Zero,
        // Their documents disagree on three hours or six; an order that lived longer than ours is not captured.
        LongestLink = TimeSpan.FromHours(3),
        RepeatsSafely = true,
        // Withdrawals from the balance.
        StatesPayouts = true,
        RefusesAmount = PayPalMapping.RefusesAmount,
        RefusesAccount = PayPalSignature.RefusesAccount,
    };

    public async Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop)
    {
        var talk = new PayPalTalk(call.Account, line);
        var said = await talk.Ask(HttpMethod.Post, "v2/checkout/orders", JsonSerializer.SerializeToUtf8Bytes(Order(call), Plain), $"{call.Payment.Reference}-create", stop);
        return said switch
        {
            { NotSent: { } why } => new GatewayAnswer.NotSent(why),
            { Lost: { } why, Definite: true } => new GatewayAnswer.Rejected(why),
            { Answer: { Status: 200 or 201 } a } => Read(a, null, call.Payment) is { Facts: { } facts } ? new GatewayAnswer.Done(facts) : Unreadable,
            { Answer: { Status: 400 or 401 or 403 or 422 } a } when PayPalTalk.Refusal(a) is { } error && !SaysThatItIsThere(error) =>
                new GatewayAnswer.Rejected(talk.Reason(error)),
            _ => Unknown(said),
        };
    }

    public async Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop)
    {
        var talk = new PayPalTalk(call.Account, line);
        // Orders are known by their own names only. One whose name we never learned was handed to nobody and can take no money, for that is our
        // doing; asking for it by our reference only shows that we are heard.
        var said = await talk.Ask(HttpMethod.Get, $"v2/checkout/orders/{Uri.EscapeDataString(call.GatewayReference ?? call.Payment.Reference)}", null, null, stop);
        if (said.NotSent is { } why) return new GatewayAnswer.NotSent(why);
        if (said.Answer is { Status: 404 } gone && PayPalTalk.Refusal(gone) is { Name: "RESOURCE_NOT_FOUND" }) return new GatewayAnswer.Done(new Evidence.Absent());
        if (said.Answer is not { Status: 200 } answer) return Unknown(said);
        if (call.GatewayReference is null || Read(answer, call.GatewayReference, call.Payment) is not { } read) return Unreadable;
        // Never another amount, and never without being asked to.
        return call.MayComplete && read.Order is { Status: "APPROVED", Intent: "CAPTURE" } && PayPalMapping.TryMoney(read.Unit.Amount, out var asked) && asked == call.Amount
            ? await Capture(call, read.Order, read.Unit, talk, stop)
            : read.Facts is { } facts ? new GatewayAnswer.Done(facts) : Unreadable;
    }

    public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => PayPalNews.ReadWebhook(message, account);

    public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => PayPalNews.ReadReturn(message);

    public Uri? Published(RawMessage message, GatewayAccount account) => PayPalSignature.CertificateAddress(message, account);

    public bool AsksAlways(GatewayAccount account) => account.OptionalSetting(WebhookCheck) == ByCall;

    public async Task<bool?> Confirm(RawMessage message, GatewayAccount account, GatewayLine line, CancellationToken stop)
    {
        var talk = new PayPalTalk(account, line);
        bool? told = false;
        foreach (var webhook in account.SeveralSettings(WebhookId))
        {
            if (PayPalSignature.Question(message, account, webhook) is not { } question) return false;
            var said = await talk.Ask(HttpMethod.Post, "v1/notifications/verify-webhook-signature", question, null, stop);
            var verdict = said.Answer is { Status: 200 } a && Wire.TryRead<VerdictWire>(a.Body.Span, out var read) ? read.VerificationStatus : null;
            if (verdict == "SUCCESS") return true;
            // One of two webhooks that says nothing may have been the right one.
            if (verdict != "FAILURE") told = null;
        }
        return told;
    }

    public SettlementSheet Sheet => PayPalSettlement.Sheet;

    public Task<SettlementAnswer> ReadSettlement(SettlementCall call, GatewayLine line, CancellationToken stop) => PayPalSettlement.Read(call, line, stop);

    public System.Collections.Immutable.ImmutableArray<SignatureRecipe> Signatures => PayPalSignature.Recipes;

    public async Task<RefundAnswer> Refund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        var talk = new PayPalTalk(call.Account, line);
        var reference = call.Refund.Reference;
        var note = Wire.Line(call.Note, LongestNote);
        var body = new { amount = PayPalMapping.ToWire(call.Amount), invoice_id = reference, custom_id = reference, note_to_payer = note.Length > 0 ? note : null };
        var said = await talk.Ask(HttpMethod.Post, $"v2/payments/captures/{Uri.EscapeDataString(call.MoneyReference)}/refund",
            JsonSerializer.SerializeToUtf8Bytes(body, Plain), reference, stop);
        return said switch
        {
            { NotSent: { } why } => new RefundAnswer.NotSent(why),
            { Lost: { } why, Definite: true } => new RefundAnswer.Rejected(why),
            { Answer: { Status: 200 or 201 } a } => ReadRefund(a, call),
            { Answer: { Status: 400 or 401 or 403 or 404 or 422 } a } when PayPalTalk.Refusal(a) is { } error && !SaysThatItIsThere(error) =>
                new RefundAnswer.Rejected(talk.Reason(error)),
            _ => new RefundAnswer.Unknown(Why(said)),
        };
    }

    /// <summary>By its name, or among the refunds that the order lists.</summary>
    public async Task<RefundAnswer> InquireRefund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        var talk = new PayPalTalk(call.Account, line);
        if ((call.RefundReference ?? call.GatewayReference) is not { } name) return new RefundAnswer.Unknown("The order's name is not known.");
        var path = call.RefundReference is null ? "v2/checkout/orders/" : "v2/payments/refunds/";
        var said = await talk.Ask(HttpMethod.Get, path + Uri.EscapeDataString(name), null, null, stop);
        if (said.NotSent is { } why) return new RefundAnswer.NotSent(why);
        if (call.RefundReference is not null)
            return said.Answer switch
            {
                { Status: 200 } one => ReadRefund(one, call),
                { Status: 404 } gone when PayPalTalk.Refusal(gone) is { Name: "RESOURCE_NOT_FOUND" } => new RefundAnswer.Done(new RefundEvidence.Absent()),
                _ => new RefundAnswer.Unknown(Why(said)),
            };
        if (said.Answer is not { Status: 200 } answer) return new RefundAnswer.Unknown(Why(said));
        // An order that lists no capture cannot tell of refunds either.
        if (Read(answer, name, call.Payment) is not { Unit.Payments: { Captures.Count: > 0 } payments }) return new RefundAnswer.Unknown("The order cannot be read.");
        if (payments.Refunds?.FirstOrDefault(r => PayPalMapping.IsOf(r, call.Refund)) is not { } found) return new RefundAnswer.Done(new RefundEvidence.Absent());
        return PayPalMapping.Fact(found) is { } fact ? new RefundAnswer.Done(fact) : new RefundAnswer.Unknown("The refund cannot be read.");
    }

    /// <summary>Takes what the shopper approved. The key is the payment's, so that it is taken once, and the order itself can be captured once only.</summary>
    static async Task<GatewayAnswer> Capture(InquireCall call, OrderWire order, UnitWire unit, PayPalTalk talk, CancellationToken stop)
    {
        var path = $"v2/checkout/orders/{Uri.EscapeDataString(order.Id!)}";
        var said = await talk.Ask(HttpMethod.Post, $"{path}/capture", [], $"{call.Payment.Reference}-capture", stop);
        if (said.Answer is { Status: 200 or 201 } taken) return Completed(taken, order.Id!, call.Payment);
        if (said.Answer is not { } answer || PayPalTalk.Refusal(answer) is not { } error) return Unknown(said);
        var opened = PayPalMapping.Opened(order, unit)!;
        switch (error.Word)
        {
            // Success in disguise: somebody was quicker, perhaps ourselves.
            case "ORDER_ALREADY_CAPTURED":
                var again = await talk.Ask(HttpMethod.Get, path, null, null, stop);
                return again.Answer is { Status: 200 } now ? Completed(now, order.Id!, call.Payment) : Unknown(again);
            case "ORDER_COMPLETION_IN_PROGRESS" or "PREVIOUS_REQUEST_IN_PROGRESS":
                return new GatewayAnswer.Done(new Evidence.Processing { GatewayReference = order.Id });
            // The shopper may choose another way to pay on the same page.
            case "INSTRUMENT_DECLINED" or "PAYER_ACTION_REQUIRED" or "PAYER_CANNOT_PAY" or "TRANSACTION_REFUSED" or "COMPLIANCE_VIOLATION":
                return new GatewayAnswer.Done(new Evidence.Declined(error.Word) { GatewayReference = order.Id }, opened);
            case "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED":
                return new GatewayAnswer.Done(new Evidence.Failed(error.Word) { GatewayReference = order.Id });
            case "ORDER_EXPIRED":
                return new GatewayAnswer.Done(new Evidence.LinkExpired { GatewayReference = order.Id });
            // The approval may be ahead of its order, or was withdrawn: the next question tells.
            default:
                return new GatewayAnswer.Unknown(talk.Reason(error));
        }
    }

    /// <summary>A capture whose answer does not show what was captured is asked about again, and never taken for a failure.</summary>
    static GatewayAnswer Completed(LineReply.Answered answer, string id, PaymentId payment) =>
        Read(answer, id, payment) is { Order.Status: "COMPLETED", Facts: { } facts } ? new GatewayAnswer.Done(facts) : Unreadable;

    static RefundAnswer ReadRefund(LineReply.Answered answer, RefundCall call)
    {
        if (!Wire.TryRead<RefundWire>(answer.Body.Span, out var refund)) return new RefundAnswer.Unknown("The answer is no refund.");
        if (!PayPalMapping.IsOf(refund, call.Refund) || (call.RefundReference is { } name && refund.Id != name))
            return new RefundAnswer.Unknown("The answer is about another refund.");
        return PayPalMapping.Fact(refund) is { } fact ? new RefundAnswer.Done(fact) : new RefundAnswer.Unknown("The refund cannot be read.");
    }

    sealed record Reading(OrderWire Order, UnitWire Unit, IReadOnlyList<Evidence>? Facts);

    /// <param name="id">The order that was asked about; null for a new one.</param>
    static Reading? Read(LineReply.Answered answer, string? id, PaymentId payment) =>
        Wire.TryRead<OrderWire>(answer.Body.Span, out var order) && PayPalMapping.Ours(order, payment) is { } unit && (id is null || order.Id == id)
            ? new Reading(order, unit, PayPalMapping.Facts(order, unit))
            : null;

    static GatewayAnswer.Unknown Unreadable => new("The answer is no order, or another one.");

    static GatewayAnswer.Unknown Unknown(PayPalTalk.Said said) => new(Why(said));

    static string Why(PayPalTalk.Said said) =>
        said.NotSent ?? said.Lost ?? (PayPalTalk.Refusal(said.Answer!) is { Word: { } word } ? $"HTTP {said.Answer!.Status} {Wire.Line(word, 60)}" : $"HTTP {said.Answer!.Status}");

    /// <summary>A key in use, or used for other bytes, says that something is or was under way: never that there is nothing.</summary>
    static bool SaysThatItIsThere(ErrorWire error) => error.Word is "DUPLICATE_REQUEST_ID" or "PAYPAL_REQUEST_ID_PREVIOUSLY_USED" or "PREVIOUS_REQUEST_IN_PROGRESS"
        || error.Name is "DUPLICATE_REQUEST_ID" or "RESOURCE_CONFLICT" or "RATE_LIMIT_REACHED";

    /// <summary>A pure function of the call: a repetition must carry the same bytes. No items, which would have to add up; no shopper's particulars, which
    /// their page asks for itself.</summary>
    static object Order(LinkCall call)
    {
        var reference = call.Payment.Reference;
        var description = Wire.Line(call.Description, LongestDescription);
        return new
        {
            intent = "CAPTURE",
            purchase_units = new[]
            {
                new
                {
                    reference_id = reference,
                    custom_id = reference,
                    // Must be unique within the account, which an order's number is not: a second payment of it would be refused.
                    invoice_id = reference,
                    description = description.Length > 0 ? description : null,
                    amount = PayPalMapping.ToWire(call.Amount),
                },
            },
            payment_source = new
            {
                paypal = new
                {
                    experience_context = new
                    {
                        return_url = Wire.WithField(call.ReturnUrl, $"{PayPalNews.PaymentField}={reference}"),
                        cancel_url = Wire.WithField(call.ReturnUrl, $"{PayPalNews.PaymentField}={reference}&{PayPalNews.BackField}=1"),
                        user_action = "PAY_NOW",
                        shipping_preference = "NO_SHIPPING",
                        // Without it a bank may take days, and may say no in the end.
                        payment_method_preference = "IMMEDIATE_PAYMENT_REQUIRED",
                        landing_page = "NO_PREFERENCE",
                    },
                },
            },
        };
    }
}
