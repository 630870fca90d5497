using System.Collections.Immutable;
using System.Globalization;
using Purser.Orders;

namespace Purser.Gateways.Stripe;

/// <summary>Checkout Sessions: one session for each payment, on their hosted page. A session is found by its id, or among the
/// sessions made since the payment was started.</summary>
public sealed class StripeGateway : IGateway, ICancelLinks, IRefundMoney, ISettleByCall, ISettleByFile, IShowSignatures
{
    public const string SecretKey = "secret_key";
    public const string WebhookSecret = "webhook_secret";

    /// <summary>The shape of all that we send and read. The webhook endpoint must be created with the same version.</summary>
    public const string Version = "2026-10-28.endive";

    const int LongestName = 200;
    const int LongestReason = 300;
    const int PageSize = 100;
    /// <summary>Beyond so many sessions a search ends without an answer; it never claims that there is none.</summary>
    const int MostPages = 20;
    /// <summary>By so much their clock may differ from ours.</summary>
    static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    public GatewayProfile Profile { get; } = new()
    {
        Name = "stripe",
        Title = "Stripe",
        BaseUrl = new Uri("https://api.stripe.com"),
        Currencies = StripeMapping.Currencies,
        Offers = StripeMapping.Offers,
        Webhooks = WebhookTrust.Proof,
        Settings =
        [
            new(SecretKey, Secret: true, "The secret or restricted API key, sk_test_..., sk_live_..., rk_..."),
            new(WebhookSecret, Secret: true, "The signing secrets of the webhook endpoints, whsec_...", Several: true),
        ],
        VisibilityDelay = TimeSpan.FromMinutes(1),
        // 30 minutes to 24 hours from when the request arrives, which may be a quarter of an hour after the payment was started.
        ShortestLink = TimeSpan.FromMinutes(45),
        LongestLink = TimeSpan.FromHours(23),
        RepeatsSafely = true,
        // The itemised report leaves them out; the API and the report on payouts have them.
        StatesPayouts = true,
        RefusesAmount = StripeMapping.RefusesAmount,
        RefusesAccount = account =>
            account.Setting(SecretKey).Split('_') is [_, var mode, ..] && mode == (account.TestMode ? "test" : "live")
                ? null
                : $"The setting '{SecretKey}' must be a {(account.TestMode ? "test key in" : "live key outside")} test mode.",
    };

    public async Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop)
    {
        var request = Request(call.Account, HttpMethod.Post, "v1/checkout/sessions", Wire.Form(Fields(call)), $"{call.Payment.Reference}:create");
        return await line.Send(request, stop) switch
        {
            LineReply.NotSent n => new GatewayAnswer.NotSent(n.Reason),
            LineReply.Lost l => new GatewayAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a => Read(a, null, call.Payment, call.Account),
            // The rate limiter stands before everything else and names its reason; without one it is a lock that was not had in time.
            LineReply.Answered { Status: 429 } a when a.Headers.ContainsKey("Stripe-Rate-Limited-Reason") => new GatewayAnswer.NotSent("rate limited"),
            // A key in use, or used for other parameters, says that something is or was under way: never that it failed.
            // That something is not there is no answer to making something: it belongs to another question.
            LineReply.Answered { Status: >= 400 and < 500 and not (404 or 408 or 409 or 424 or 429) } a
                when Error(a) is { Type: not "idempotency_error" } error => new GatewayAnswer.Rejected(Reason(line, error)),
            LineReply.Answered a => new GatewayAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    public async Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop)
    {
        if (call.GatewayReference is { } id) return await ReadSession(call, id, line, stop);
        return await Find(call, line, stop) switch
        {
            (null, { } answer) => answer,
            ({ } found, _) => Late(await ReadSession(call, found, line, stop)),
            _ => new GatewayAnswer.Done(new Evidence.Absent()),
        };
    }

    public async Task<GatewayAnswer> CancelLink(InquireCall call, GatewayLine line, CancellationToken stop)
    {
        var id = call.GatewayReference;
        if (id is null)
        {
            (id, var answer) = await Find(call, line, stop);
            if (id is null) return answer ?? new GatewayAnswer.Done(new Evidence.Absent());
        }
        return await line.Send(Request(call.Account, HttpMethod.Post, $"v1/checkout/sessions/{Uri.EscapeDataString(id)}/expire"), stop) switch
        {
            LineReply.NotSent n => new GatewayAnswer.NotSent(n.Reason),
            LineReply.Lost l => new GatewayAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a => Closed(Read(a, id, call.Payment, call.Account)),
            // Only an open session can be closed: this one was completed or lapsed, and says which.
            LineReply.Answered { Status: 400 or 404 } => Late(await ReadSession(call, id, line, stop)),
            LineReply.Answered a => new GatewayAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    public Task<RefundAnswer> Refund(RefundCall call, GatewayLine line, CancellationToken stop) => StripeRefunds.Ask(call, line, stop);

    public Task<RefundAnswer> InquireRefund(RefundCall call, GatewayLine line, CancellationToken stop) => StripeRefunds.Inquire(call, line, stop);

    public SettlementSheet Sheet => StripeSettlement.Sheet;

    public Task<SettlementAnswer> ReadSettlement(SettlementCall call, GatewayLine line, CancellationToken stop) => StripeSettlement.Read(call, line, stop);

    public ImmutableArray<SignatureRecipe> Signatures => StripeSignature.All;

    public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => StripeNews.ReadWebhook(message, account);

    public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => StripeNews.ReadReturn(message);

    static async Task<GatewayAnswer> ReadSession(InquireCall call, string id, GatewayLine line, CancellationToken stop)
    {
        var path = $"v1/checkout/sessions/{Uri.EscapeDataString(id)}?expand%5B%5D=payment_intent.latest_charge";
        return await line.Send(Request(call.Account, HttpMethod.Get, path), stop) switch
        {
            LineReply.NotSent n => new GatewayAnswer.NotSent(n.Reason),
            LineReply.Lost l => new GatewayAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a => Read(a, id, call.Payment, call.Account),
            LineReply.Answered { Status: 404 } a when Error(a)?.Code == "resource_missing" => new GatewayAnswer.Done(new Evidence.Absent()),
            LineReply.Answered a => new GatewayAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    /// <summary>Sessions cannot be asked for by our reference, so those made since the payment was started are listed, newest first. Either an
    /// id, or an answer that ends the search, or neither: there is none.</summary>
    static async Task<(string? Id, GatewayAnswer? Answer)> Find(InquireCall call, GatewayLine line, CancellationToken stop)
    {
        var path = $"v1/checkout/sessions?limit={PageSize}&created%5Bgte%5D={Seconds(call.StartedAt - ClockSkew)}";
        if (call.LastAskedAt is { } last) path += $"&created%5Blte%5D={Seconds(last + ClockSkew)}";
        var after = "";
        for (var page = 0; page < MostPages; page++)
        {
            switch (await line.Send(Request(call.Account, HttpMethod.Get, path + after), stop))
            {
                case LineReply.NotSent n: return (null, page == 0 ? new GatewayAnswer.NotSent(n.Reason) : new GatewayAnswer.Unknown(n.Reason));
                case LineReply.Lost l: return (null, new GatewayAnswer.Unknown(l.Reason));
                case LineReply.Answered { Status: 200 } a
                    when Wire.TryRead<SessionsWire>(a.Body.Span, out var list) && list is { Data: { } sessions, HasMore: { } more }:
                    if (sessions.FirstOrDefault(s => s.ClientReferenceId == call.Payment.Reference) is { } ours)
                        return ours.Id is { } id ? (id, null) : (null, new GatewayAnswer.Unknown("A session without an id."));
                    if (!more) return (null, null);
                    if (sessions.Count == 0 || sessions[^1].Id is not { } end) return (null, new GatewayAnswer.Unknown("The list cannot be read."));
                    after = $"&starting_after={Uri.EscapeDataString(end)}";
                    break;
                case LineReply.Answered a: return (null, new GatewayAnswer.Unknown($"HTTP {a.Status}"));
            }
        }
        return (null, new GatewayAnswer.Unknown("Too many sessions since then to look through."));
    }

    /// <param name="id">The session that was asked about; null for a new one.</param>
    static GatewayAnswer Read(LineReply.Answered answer, string? id, PaymentId payment, GatewayAccount account)
    {
        if (!Wire.TryRead<SessionWire>(answer.Body.Span, out var session) || session.Object != "checkout.session")
            return new GatewayAnswer.Unknown("The answer is no session.");
        if (session.ClientReferenceId != payment.Reference || (id is not null && session.Id != id))
            return new GatewayAnswer.Unknown("The answer is about another session.");
        if (session.Livemode != !account.TestMode) return new GatewayAnswer.Unknown("The answer is of the other mode.");
        return StripeMapping.Facts(session) is { } facts ? new GatewayAnswer.Done(facts) : new GatewayAnswer.Unknown("The session cannot be read.");
    }

    /// <summary>A session that expires because we asked for it was closed on request.</summary>
    static GatewayAnswer Closed(GatewayAnswer answer) => answer is GatewayAnswer.Done { Facts: [Evidence.LinkExpired expired] }
        ? new GatewayAnswer.Done(new Evidence.LinkCancelled { GatewayReference = expired.GatewayReference })
        : answer;

    /// <summary>After a request that was answered, not having sent the next one is no longer the same as having done nothing.</summary>
    static GatewayAnswer Late(GatewayAnswer answer) => answer is GatewayAnswer.NotSent n ? new GatewayAnswer.Unknown(n.Reason) : answer;

    /// <summary>A pure function of the call: the same key with other parameters is an error of theirs that lasts a day.</summary>
    static IEnumerable<KeyValuePair<string, string>> Fields(LinkCall call)
    {
        var reference = call.Payment.Reference;
        // A word that cannot be shown would be an empty name, which they refuse.
        var name = Wire.Line(call.Description, LongestName) is { Length: > 0 } line ? line : reference;
        yield return new("mode", "payment");
        yield return new("client_reference_id", reference);
        // Events of the payment intent do not carry the session's fields, so ours are set on both.
        yield return new($"metadata[{StripeMapping.ReferenceKey}]", reference);
        yield return new($"payment_intent_data[metadata][{StripeMapping.ReferenceKey}]", reference);
        yield return new("payment_intent_data[description]", name);
        yield return new("line_items[0][quantity]", "1");
        yield return new("line_items[0][price_data][currency]", call.Amount.Currency.Code.ToLowerInvariant());
        yield return new("line_items[0][price_data][unit_amount]", StripeMapping.ToWire(call.Amount).ToString(CultureInfo.InvariantCulture));
        yield return new("line_items[0][price_data][product_data][name]", name);
        // The braces are theirs to replace; they reach them as braces after one decoding.
        yield return new("success_url", Wire.WithField(call.ReturnUrl, $"{StripeNews.PaymentField}={reference}&session_id={{CHECKOUT_SESSION_ID}}"));
        yield return new("cancel_url", Wire.WithField(call.ReturnUrl, $"{StripeNews.PaymentField}={reference}&{StripeNews.BackField}=1"));
        yield return new("expires_at", Seconds(call.ExpiresAt));
        if (Wire.Email(call.Customer.Email) is { } email) yield return new("customer_email", email);
        // The two wallets are cards to them, which the page shows where the browser has them.
        if (StripeMapping.Offers.Any(o => o.Method == call.Method)) yield return new("payment_method_types[0]", "card");
    }

    /// <summary>Their own words for a no; null when it is not their error's shape.</summary>
    internal static ErrorWire? Error(LineReply.Answered answer) =>
        Wire.TryRead<ErrorAnswerWire>(answer.Body.Span, out var read) && read.Error is { Type: not null } error ? error : null;

    internal static string Reason(GatewayLine line, ErrorWire error) => line.Redact(Wire.Line($"{error.Code ?? error.Type}: {error.Message}", LongestReason));

    internal static LineRequest Request(
        GatewayAccount account, HttpMethod method, string path, ReadOnlyMemory<byte> body = default, string? idempotencyKey = null)
    {
        var headers = new List<KeyValuePair<string, string>>
        {
            new("Authorization", $"Bearer {account.Setting(SecretKey)}"),
            new("Stripe-Version", Version),
        };
        if (idempotencyKey is not null) headers.Add(new("Idempotency-Key", idempotencyKey));
        return new(method, path, headers, body, method == HttpMethod.Get ? null : "application/x-www-form-urlencoded", MovesNothing: method == HttpMethod.Get);
    }

    static string Seconds(DateTimeOffset time) => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
}
