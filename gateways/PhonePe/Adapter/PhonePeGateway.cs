using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.PhonePe;

/// <summary>Standard Checkout V2: one order for each payment, known by our reference for ever.</summary>
public sealed class PhonePeGateway : IGateway, IRefundMoney, ISettleByFile, IShowSignatures
{
    public const string ClientId = "client_id";
    public const string ClientSecret = "client_secret";
    public const string ClientVersion = "client_version";
    public const string WebhookUsername = "webhook_username";
    public const string WebhookPassword = "webhook_password";

    const int LongestMessage = 50;

    /// <summary>How long an order can be told to stay open.</summary>
    static readonly TimeSpan ShortestOrder = TimeSpan.FromMinutes(5), LongestOrder = TimeSpan.FromHours(1);

    public GatewayProfile Profile { get; } = new()
    {
        Name = "phonepe",
        Title = "PhonePe",
        BaseUrl = PhonePeHosts.Live,
        TestBaseUrl = PhonePeHosts.Test,
        Currencies = [PhonePeMapping.Rupee.Code],
        Offers = PhonePeMapping.Offers,
        Webhooks = WebhookTrust.Trigger,
        Settings =
        [
            new(ClientId, Secret: false, "The client id of Standard Checkout V2; credentials with a salt key are of another API."),
            new(ClientSecret, Secret: true, "The client secret that belongs to it."),
            new(ClientVersion, Secret: false, "The client version: 1 in test mode, as the dashboard shows it otherwise.") { Example = "1" },
            new(WebhookUsername, Secret: false, "The user name given with the webhook's address."),
            new(WebhookPassword, Secret: true, "The password given with it; the old one too for a day after a change.", Several: true),
        ],
        VisibilityDelay = TimeSpan.FromMinutes(1),
        ShortestLink = ShortestOrder,
        LongestLink = LongestOrder,
        // An order id counts once for ever; a repetition is refused, and finds the order.
        RepeatsSafely = true,
        RefusesAmount = PhonePeMapping.RefusesAmount,
        RefusesAccount = account => int.TryParse(account.Setting(ClientVersion), NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? null : $"The setting '{ClientVersion}' must be a whole number.",
    };

    public SettlementSheet Sheet => PhonePeSettlement.Sheet;

    public ImmutableArray<SignatureRecipe> Signatures { get; } =
        [new("webhook", "The Authorization header is the SHA-256 of user name, colon and password; the body is not signed.", PhonePeSignature.Show)];

    public async Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop)
    {
        var asked = await PhonePeSession.Ask(line, call.Account, HttpMethod.Post, "checkout/v2/pay", Body(call), stop);
        if (asked.Refused is { } refused) return new GatewayAnswer.Rejected(refused);
        switch (asked.Reply)
        {
            case LineReply.NotSent n: return new GatewayAnswer.NotSent(n.Reason);
            case LineReply.Lost l: return new GatewayAnswer.Unknown(l.Reason);
            case LineReply.Answered { Status: 200 } a:
                return Wire.TryRead<PageWire>(a.Body.Span, out var page) && page is { State: "PENDING", OrderId: { Length: > 0 } id } && IsPage(page.RedirectUrl)
                    ? await Confirmed(call, id, page.RedirectUrl!, line, stop)
                    : new GatewayAnswer.Unknown("The answer is not a page to pay on.");
            case LineReply.Answered { Status: 401 or 403 } a when PhonePeSession.Error(a, line) is { } error: return new GatewayAnswer.Rejected(error);
            // What they say of an order id that is taken is not published, so the order itself is asked for after every other no.
            case LineReply.Answered { Status: >= 400 and < 500 and not (408 or 429) } a when PhonePeSession.Error(a, line) is { } error:
                return await ReadOrder(call.Account, call.Payment, null, line, stop) switch
                {
                    GatewayAnswer.Done { Facts: [Evidence.Absent] } when a.Status != 409 => new GatewayAnswer.Rejected(error),
                    GatewayAnswer.Done { Facts: [Evidence.Absent] } => new GatewayAnswer.Unknown("The order id is taken, and the order is not to be seen yet."),
                    GatewayAnswer.NotSent n => new GatewayAnswer.Unknown(n.Reason),
                    var found => found,
                };
            case LineReply.Answered a: return new GatewayAnswer.Unknown($"HTTP {a.Status}");
            default: throw new InvalidOperationException("No such reply.");
        }
    }

    public Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop) =>
        ReadOrder(call.Account, call.Payment, call.GatewayReference, line, stop);

    public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => PhonePeNews.ReadWebhook(message, account);

    public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => PhonePeNews.ReadReturn(message);

    public async Task<RefundAnswer> Refund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        // A refund names the order and not the money, so it is looked up first whether the order has that money.
        switch (await ReadOrder(call.Account, call.Payment, call.GatewayReference, line, stop))
        {
            case GatewayAnswer.Done d when d.Facts.OfType<Evidence.Succeeded>().Any(s => s.MoneyReference == call.MoneyReference): break;
            case GatewayAnswer.Done: return new RefundAnswer.Rejected("The order has no such money.");
            case GatewayAnswer.NotSent n: return new RefundAnswer.NotSent(n.Reason);
            case GatewayAnswer.Unknown u: return new RefundAnswer.Unknown(u.Reason);
            default: throw new InvalidOperationException("An inquiry is not rejected.");
        }
        var asked = await PhonePeSession.Ask(line, call.Account, HttpMethod.Post, "payments/v2/refund", Body(call), stop);
        switch (asked.Reply)
        {
            case LineReply.NotSent n: return new RefundAnswer.NotSent(n.Reason);
            case LineReply.Lost l: return new RefundAnswer.Unknown(l.Reason);
            case LineReply.Answered { Status: 200 } a:
                return Wire.TryRead<RefundWire>(a.Body.Span, out var refund) && refund.Amount == call.Amount.MinorUnits && refund.RefundId is { Length: > 0 }
                        && PhonePeMapping.Fact(refund) is { } fact
                    ? new RefundAnswer.Done(fact)
                    : new RefundAnswer.Unknown("The answer is not the refund that was asked for.");
            case LineReply.Answered { Status: >= 400 and < 500 and not (401 or 403 or 408 or 429) } a when PhonePeSession.Error(a, line) is { } error:
                return await ReadRefund(call, line, stop) switch
                {
                    RefundAnswer.Done { Fact: RefundEvidence.Absent } when a.Status != 409 => new RefundAnswer.Rejected(error),
                    RefundAnswer.Done { Fact: RefundEvidence.Absent } => new RefundAnswer.Unknown("The refund's id is taken, and the refund is not to be seen yet."),
                    RefundAnswer.NotSent n => new RefundAnswer.Unknown(n.Reason),
                    var found => found,
                };
            case LineReply.Answered a: return new RefundAnswer.Unknown($"HTTP {a.Status}");
            default: throw new InvalidOperationException("No such reply.");
        }
    }

    public Task<RefundAnswer> InquireRefund(RefundCall call, GatewayLine line, CancellationToken stop) => ReadRefund(call, line, stop);

    /// <summary>The answer repeats neither our reference nor the amount, so the order is read before the page is shown: a page that went astray would
    /// take another's money. An order that cannot be seen may not be there, and its page is another's.</summary>
    static async Task<GatewayAnswer> Confirmed(LinkCall call, string id, string page, GatewayLine line, CancellationToken stop)
    {
        if (await ReadOrder(call.Account, call.Payment, null, line, stop) is not GatewayAnswer.Done seen) return new GatewayAnswer.Unknown("The new order could not be read.");
        if (seen.Facts.Any(f => f.GatewayReference != id)) return new GatewayAnswer.Unknown("The page is not to be seen among our orders.");
        var amount = seen.Facts.OfType<Evidence.LinkOpened>().FirstOrDefault()?.Amount ?? call.Amount;
        return new GatewayAnswer.Done(new Evidence.LinkOpened(new PaymentLink.Redirect(page), amount) { GatewayReference = id });
    }

    /// <summary>Always by our reference: theirs finds nothing. It is compared with what the answer says.</summary>
    static async Task<GatewayAnswer> ReadOrder(GatewayAccount account, PaymentId payment, string? id, GatewayLine line, CancellationToken stop)
    {
        var asked = await PhonePeSession.Ask(line, account, HttpMethod.Get, $"checkout/v2/order/{payment.Reference}/status?details=true&errorContext=true", default, stop);
        if (asked.Refused is { } refused) return new GatewayAnswer.Unknown(refused);
        switch (asked.Reply)
        {
            case LineReply.NotSent n: return new GatewayAnswer.NotSent(n.Reason);
            case LineReply.Lost l: return new GatewayAnswer.Unknown(l.Reason);
            case LineReply.Answered { Status: 200 } a when Wire.TryRead<OrderWire>(a.Body.Span, out var order):
                if ((order.MerchantOrderId ?? order.MetaInfo?.Udf1) != payment.Reference || (id is not null && order.OrderId != id))
                    return new GatewayAnswer.Unknown("The answer is about another order.");
                return PhonePeMapping.Facts(order) is { } facts ? new GatewayAnswer.Done(facts) : new GatewayAnswer.Unknown("The order cannot be read.");
            case LineReply.Answered { Status: 404 } a when IsAbsent(a, line): return new GatewayAnswer.Done(new Evidence.Absent());
            case LineReply.Answered a: return new GatewayAnswer.Unknown($"HTTP {a.Status}");
            default: throw new InvalidOperationException("No such reply.");
        }
    }

    static async Task<RefundAnswer> ReadRefund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        var asked = await PhonePeSession.Ask(line, call.Account, HttpMethod.Get, $"payments/v2/refund/{call.Refund.Reference}/status", default, stop);
        if (asked.Refused is { } refused) return new RefundAnswer.Unknown(refused);
        switch (asked.Reply)
        {
            case LineReply.NotSent n: return new RefundAnswer.NotSent(n.Reason);
            case LineReply.Lost l: return new RefundAnswer.Unknown(l.Reason);
            case LineReply.Answered { Status: 200 } a when Wire.TryRead<RefundWire>(a.Body.Span, out var refund):
                if (refund.MerchantRefundId != call.Refund.Reference || refund.OriginalMerchantOrderId != call.Payment.Reference
                    || refund.Amount != call.Amount.MinorUnits) return new RefundAnswer.Unknown("The answer is about another refund.");
                return PhonePeMapping.Fact(refund) is { } fact
                    ? new RefundAnswer.Done(fact with { RefundReference = refund.RefundId ?? call.RefundReference })
                    : new RefundAnswer.Unknown("The refund cannot be read.");
            case LineReply.Answered { Status: 404 } a when IsAbsent(a, line): return new RefundAnswer.Done(new RefundEvidence.Absent());
            case LineReply.Answered a: return new RefundAnswer.Unknown($"HTTP {a.Status}");
            default: throw new InvalidOperationException("No such reply.");
        }
    }

    /// <summary>Their error, and not that of a wrong address, which says nothing of the order.</summary>
    static bool IsAbsent(LineReply.Answered answer, GatewayLine line) =>
        PhonePeSession.Error(answer, line) is { } error && !error.Contains("mapping", StringComparison.OrdinalIgnoreCase);

    static bool IsPage(string? url) => Uri.TryCreate(url, UriKind.Absolute, out var page) && page.Scheme is "https" or "http";

    /// <summary>A pure function of the call: a repetition has the same bytes.</summary>
    static ReadOnlyMemory<byte> Body(LinkCall call) => Written(json =>
    {
        var open = call.ExpiresAt - call.StartedAt;
        json.WriteString("merchantOrderId", call.Payment.Reference);
        json.WriteNumber("amount", call.Amount.MinorUnits);
        json.WriteNumber("expireAfter", (long)(open < ShortestOrder ? ShortestOrder : open > LongestOrder ? LongestOrder : open).TotalSeconds);
        // Comes back with the order, also where the answer lacks our id.
        json.WriteStartObject("metaInfo");
        json.WriteString("udf1", call.Payment.Reference);
        json.WriteEndObject();
        json.WriteStartObject("paymentFlow");
        json.WriteString("type", "PG_CHECKOUT");
        if (Message(call.Description) is { Length: > 0 } message) json.WriteString("message", message);
        json.WriteStartObject("merchantUrls");
        json.WriteString("redirectUrl", Wire.WithField(call.ReturnUrl, $"{PhonePeNews.PaymentField}={call.Payment.Reference}"));
        json.WriteEndObject();
        if (PhonePeMapping.Modes(call.Method) is { Length: > 0 } modes) WriteOnly(json, modes);
        json.WriteEndObject();
    });

    static void WriteOnly(Utf8JsonWriter json, ImmutableArray<string> modes)
    {
        json.WriteStartObject("paymentModeConfig");
        json.WriteStartArray("enabledPaymentModes");
        foreach (var mode in modes)
        {
            json.WriteStartObject();
            json.WriteString("type", mode);
            if (mode == "CARD")
            {
                json.WriteStartArray("cardTypes");
                json.WriteStringValue("DEBIT_CARD");
                json.WriteStringValue("CREDIT_CARD");
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static ReadOnlyMemory<byte> Body(RefundCall call) => Written(json =>
    {
        json.WriteString("merchantRefundId", call.Refund.Reference);
        json.WriteString("originalMerchantOrderId", call.Payment.Reference);
        json.WriteNumber("amount", call.Amount.MinorUnits);
    });

    static ReadOnlyMemory<byte> Written(Action<Utf8JsonWriter> fields)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }
        return body.WrittenMemory;
    }

    /// <summary>Shown by UPI apps, whose characters are few.</summary>
    static string Message(string description) =>
        Wire.Line(string.Concat(description.Where(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '-' or '.' or '_')), LongestMessage);
}
