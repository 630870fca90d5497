using System.Collections.Immutable;
using System.Text.Json;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Gateways.AcmePay;

/// <summary>The conversation: which requests, in which order, and what each answer means. A public class with a constructor without arguments is found
/// by type; there is no list to add it to. It keeps nothing between calls: what a call needs, it is given.
/// DECIDE which abilities the gateway has. Each interface after the first is one; leave out what it cannot do, and the contract asks no more of it.</summary>
public sealed class AcmePayGateway : IGateway, ICancelLinks, IRefundMoney, ISettleByFile, IShowSignatures
{
    public const string KeyId = "key_id";
    public const string KeySecret = "key_secret";
    public const string WebhookSecret = "webhook_secret";

    const int LongestDescription = 120;
    const int LongestName = 80;
    const int LongestReason = 300;

    /// <summary>DECIDE what the rest of Purser may rely on. Whatever their documents leave open is written down here as the careful answer, and in the
    /// README as unconfirmed.</summary>
    public GatewayProfile Profile { get; } = new()
    {
        Name = "acmepay",
        Title = "AcmePay",
        // An account says another one: the sandbox's, or a proxy's.
        BaseUrl = new Uri("https://api.acmepay.example"),
        Currencies = AcmePayMapping.Currencies,
        Offers = [new(PaymentMethods.Card), new(PaymentMethods.Upi, "INR")],
        // TRAP: Proof only where amount, status and our reference are all signed. Anything weaker is Trigger: it leads to an inquiry and proves nothing.
        Webhooks = WebhookTrust.Proof,
        Settings =
        [
            new(KeyId, Secret: false, "The API key's id, test_... or live_...") { Example = "test_0123456789abcdef" },
            new(KeySecret, Secret: true, "The API key's secret; signs every request."),
            new(WebhookSecret, Secret: true, "The secret of the webhook endpoint; the old one too while it is replaced.", Several: true),
        ],
        // How long a question may still find nothing of what was just made. Too short, and a second link is made beside a first one that can be paid.
        VisibilityDelay = TimeSpan.FromMinutes(1),
        // TRAP: their limit counts from when the request arrives, which may be minutes after the payment was started; theirs is ten.
        ShortestLink = TimeSpan.FromMinutes(15),
        LongestLink = TimeSpan.FromDays(30),
        // True only when their documents promise one link for one reference. False is never wrong, only less convenient.
        RepeatsSafely = true,
        // TRAP: the books take what was paid out from rows of its own where there are any, else from each payment's row; the wrong answer counts it twice or never.
        StatesPayouts = true,
        RefusesAmount = AcmePayMapping.RefusesAmount,
        // A live key in test mode is found when Purser starts, and not by the first shopper.
        RefusesAccount = account => account.Setting(KeyId).StartsWith(account.TestMode ? "test_" : "live_", StringComparison.Ordinal)
            ? null
            : $"The setting '{KeyId}' must begin with {(account.TestMode ? "test_ in" : "live_ outside")} test mode.",
    };

    public SettlementSheet Sheet => AcmePaySettlement.Sheet;

    public ImmutableArray<SignatureRecipe> Signatures { get; } =
    [
        new("webhook", "HMAC-SHA256 of the body's bytes under the endpoint's secret, in hex.", AcmePaySignature.ShowWebhook),
        new("request", "HMAC-SHA256 of method, path with query and body under the key's secret, in hex.", AcmePaySignature.ShowRequest),
    ];

    /// <summary>Every answer to every request falls into one of four: it never left us, nobody knows, they said no, they said yes. When in doubt,
    /// nobody knows: Purser then asks until it knows, and does not offer the shopper a second link.</summary>
    public async Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop) =>
        await line.Send(Post(call.Account, "v1/links", Asked(call)), stop) switch
        {
            LineReply.NotSent n => new GatewayAnswer.NotSent(n.Reason),
            LineReply.Lost l => new GatewayAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 or 201 } a when Wire.TryRead<LinkWire>(a.Body.Span, out var link) => Read(link, call.Payment),
            LineReply.Answered a when Refusal(a, line) is { } why => new GatewayAnswer.Rejected(why),
            LineReply.Answered a => new GatewayAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };

    /// <summary>By our reference, which we always know; their own name for the link is not needed.</summary>
    public async Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop) =>
        await line.Send(Get(call.Account, $"v1/links?reference={call.Payment.Reference}"), stop) switch
        {
            LineReply.NotSent n => new GatewayAnswer.NotSent(n.Reason),
            LineReply.Lost l => new GatewayAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a when Wire.TryRead<LinksWire>(a.Body.Span, out var list) && list.Links is { } links => links switch
            {
                // TRAP: only an empty list in an answer that was understood is absence. A 404 may be a wrong address, an empty body a broken proxy.
                [] => new GatewayAnswer.Done(new Evidence.Absent()),
                [var link] => Read(link, call.Payment),
                _ => new GatewayAnswer.Unknown("There is more than one link of this reference."),
            },
            // An inquiry is never Rejected: who refuses the question has not said that there is no payment.
            LineReply.Answered a => new GatewayAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };

    /// <summary>Their name for the link is needed here. Where its answer was lost, it is found first; one that is no longer open says what it is.</summary>
    public async Task<GatewayAnswer> CancelLink(InquireCall call, GatewayLine line, CancellationToken stop)
    {
        var id = call.GatewayReference;
        if (id is null)
        {
            var found = await Inquire(call, line, stop);
            if (found is not GatewayAnswer.Done { Facts: [.., Evidence.LinkOpened { GatewayReference: { } known }] }) return found;
            id = known;
        }
        return await line.Send(Post(call.Account, $"v1/links/{Uri.EscapeDataString(id)}/cancel", null), stop) switch
        {
            LineReply.NotSent n => new GatewayAnswer.NotSent(n.Reason),
            LineReply.Lost l => new GatewayAnswer.Unknown(l.Reason),
            // The link as it stands now: cancelled, or paid a moment before, and then this is how we learn of the money.
            LineReply.Answered { Status: 200 } a when Wire.TryRead<LinkWire>(a.Body.Span, out var link) => Read(link, call.Payment),
            LineReply.Answered a => new GatewayAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    /// <summary>TRAP: a refund without an idempotency key pays twice when its answer is lost. Theirs is our reference. Where a gateway has none, ask it
    /// first whether it knows the refund, and set <see cref="GatewayProfile.RefundsOnce"/>.</summary>
    public async Task<RefundAnswer> Refund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        var asked = new RefundRequestWire(call.Refund.Reference, call.MoneyReference, call.Amount.MinorUnits, Wire.Line(call.Note, LongestDescription));
        return await line.Send(Post(call.Account, "v1/refunds", asked), stop) switch
        {
            LineReply.NotSent n => new RefundAnswer.NotSent(n.Reason),
            LineReply.Lost l => new RefundAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 or 201 } a when Wire.TryRead<RefundWire>(a.Body.Span, out var refund) => Read(refund, call),
            LineReply.Answered a when Refusal(a, line) is { } why => new RefundAnswer.Rejected(why),
            LineReply.Answered a => new RefundAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    public async Task<RefundAnswer> InquireRefund(RefundCall call, GatewayLine line, CancellationToken stop) =>
        await line.Send(Get(call.Account, $"v1/refunds?reference={call.Refund.Reference}"), stop) switch
        {
            LineReply.NotSent n => new RefundAnswer.NotSent(n.Reason),
            LineReply.Lost l => new RefundAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a when Wire.TryRead<RefundsWire>(a.Body.Span, out var list) && list.Refunds is { } refunds => refunds switch
            {
                [] => new RefundAnswer.Done(new Refunds.RefundEvidence.Absent()),
                [var refund] => Read(refund, call),
                _ => new RefundAnswer.Unknown("There is more than one refund of this reference."),
            },
            LineReply.Answered a => new RefundAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };

    public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => AcmePayNews.ReadWebhook(message, account);

    public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => AcmePayNews.ReadReturn(message);

    /// <summary>TRAP: a cache or a confused server may answer somebody else's question. Every answer is compared with what was asked.</summary>
    static GatewayAnswer Read(LinkWire? link, PaymentId payment) =>
        link?.Reference != payment.Reference ? new GatewayAnswer.Unknown("The answer is about another link.")
            : AcmePayMapping.Facts(link) is { } facts ? new GatewayAnswer.Done(facts)
            : new GatewayAnswer.Unknown("The link cannot be read.");

    static RefundAnswer Read(RefundWire? refund, RefundCall call) =>
        refund?.Reference != call.Refund.Reference || refund.Payment != call.MoneyReference ? new RefundAnswer.Unknown("The answer is about another refund.")
            : AcmePayMapping.Fact(refund) is { } fact ? new RefundAnswer.Done(fact)
            : new RefundAnswer.Unknown("The refund cannot be read.");

    /// <summary>Their reason, when an answer is a definite no: a status that says so and their own shape of an error. TRAP: 408 and 429 say nothing of
    /// what was done, a 4xx page of a proxy is not theirs, and 409 means that this reference did make something once.</summary>
    static string? Refusal(LineReply.Answered answer, GatewayLine line) =>
        answer.Status is >= 400 and < 500 and not (408 or 409 or 429)
            && Wire.TryRead<ErrorAnswerWire>(answer.Body.Span, out var said) && said.Error is { Code: { Length: > 0 } code } error
            ? line.Redact(Wire.Line($"{code}: {error.Message}", LongestReason))
            : null;

    /// <summary>TRAP: a pure function of the call, so that a repetition has the same bytes: no clock, no chance. Free text goes through
    /// <see cref="Wire.Line"/>; an e-mail or phone number that they might refuse is left out, for it must not cost the payment.</summary>
    static LinkRequestWire Asked(LinkCall call) => new(
        call.Payment.Reference, call.Amount.MinorUnits, call.Amount.Currency.Code, Wire.Line(call.Description, LongestDescription),
        new CustomerWire(
            Wire.Line(call.Customer.Name ?? "", LongestName) is { Length: > 0 } name ? name : null, Wire.Email(call.Customer.Email), Wire.Phone(call.Customer.Phone)),
        call.Method, call.ReturnUrl, call.ExpiresAt.ToUnixTimeSeconds());

    static LineRequest Get(GatewayAccount account, string path) => Signed(account, HttpMethod.Get, path, []) with { ContentType = null, MovesNothing = true };

    static LineRequest Post(GatewayAccount account, string path, object? body) =>
        Signed(account, HttpMethod.Post, path, body is null ? [] : JsonSerializer.SerializeToUtf8Bytes(body, AcmePayWire.Written));

    /// <summary>TRAP: credentials travel in headers; in an address they end up in everybody's logs. And what is signed is what is sent: the same bytes, not
    /// the same object written a second time.</summary>
    static LineRequest Signed(GatewayAccount account, HttpMethod method, string path, byte[] body)
    {
        var signature = AcmePaySignature.OfRequest(account.Setting(KeySecret), method.Method, "/" + path, body);
        return new(method, path, [new("Authorization", AcmePaySignature.Authorization(account.Setting(KeyId), signature))], body, "application/json");
    }
}
