using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Gateways.Razorpay;

/// <summary>Payment links: one link for each payment, found again by our reference.</summary>
public sealed class RazorpayGateway : IGateway, ICancelLinks, IRefundMoney, ISettleByCall, ISettleByFile, IShowSignatures
{
    public const string KeyId = "key_id";
    public const string KeySecret = "key_secret";
    public const string WebhookSecret = "webhook_secret";

    const int LongestDescription = 2048;
    const int LongestName = 100;
    const int LongestReason = 300;

    public GatewayProfile Profile { get; } = new()
    {
        Name = "razorpay",
        Title = "Razorpay",
        BaseUrl = new Uri("https://api.razorpay.com"),
        Currencies = RazorpayMapping.Currencies,
        Offers = RazorpayMapping.Offers,
        Webhooks = WebhookTrust.Proof,
        Settings =
        [
            new(KeyId, Secret: false, "The API key's id, rzp_test_... or rzp_live_..."),
            new(KeySecret, Secret: true, "The API key's secret. Also signs the browser's return."),
            new(WebhookSecret, Secret: true, "The secret given with the webhook's URL; the old one too for a day after a change.", Several: true),
        ],
        VisibilityDelay = TimeSpan.FromMinutes(1),
        // They want 15 minutes from when the request arrives, which may be as much after the payment was started.
        ShortestLink = TimeSpan.FromMinutes(30),
        LongestLink = TimeSpan.FromDays(180),
        RepeatsSafely = true,
        RefusesAmount = RazorpayMapping.RefusesAmount,
        RefusesAccount = account =>
            account.Setting(KeyId).StartsWith(account.TestMode ? "rzp_test_" : "rzp_live_", StringComparison.Ordinal)
                ? null
                : $"The setting '{KeyId}' must begin with {(account.TestMode ? "rzp_test_ in" : "rzp_live_ outside")} test mode.",
    };

    public async Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop)
    {
        switch (await line.Send(Request(call.Account, HttpMethod.Post, "v1/payment_links", Body(call)), stop))
        {
            case LineReply.NotSent n: return new GatewayAnswer.NotSent(n.Reason);
            case LineReply.Lost l: return new GatewayAnswer.Unknown(l.Reason);
            case LineReply.Answered { Status: 200 } a:
                return Wire.TryRead<LinkWire>(a.Body.Span, out var link) && link.ReferenceId == call.Payment.Reference
                        && RazorpayMapping.Facts(link, null) is { } facts
                    ? new GatewayAnswer.Done(facts)
                    : new GatewayAnswer.Unknown("The answer is not the link that was asked for.");
            // A definite no is their word for a bad request. Too many requests, conflicts and troubles of their own are none: nobody says that nothing was done.
            // That something is not there is no answer to making something: it belongs to another question.
            case LineReply.Answered { Status: >= 400 and < 500 and not (404 or 408 or 409 or 429) } a
                when Error(a) is { Code: "BAD_REQUEST_ERROR" } error && !IsUnknownId(error):
                if (!NamesTheReference(error)) return new GatewayAnswer.Rejected(Reason(line, error));
                var found = await FindByReference(call.Account, call.Payment, line, stop);
                return found switch
                {
                    GatewayAnswer.Done { Facts: [Evidence.Absent] } or GatewayAnswer.NotSent =>
                        new GatewayAnswer.Unknown("The reference is taken, and the link is not to be seen yet."),
                    _ => found,
                };
            case LineReply.Answered a: return new GatewayAnswer.Unknown($"HTTP {a.Status}");
            default: throw new InvalidOperationException("No such reply.");
        }
    }

    public Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop) => call.GatewayReference is { } id
        ? ReadLink(call.Account, call.Payment, id, line, stop)
        : FindByReference(call.Account, call.Payment, line, stop);

    public async Task<GatewayAnswer> CancelLink(InquireCall call, GatewayLine line, CancellationToken stop)
    {
        var id = call.GatewayReference;
        if (id is null)
        {
            var found = await FindByReference(call.Account, call.Payment, line, stop);
            if (found is not GatewayAnswer.Done { Facts: [.., Evidence.LinkOpened { GatewayReference: { } known }] }) return found;
            id = known;
        }
        return await line.Send(Request(call.Account, HttpMethod.Post, $"v1/payment_links/{Uri.EscapeDataString(id)}/cancel"), stop) switch
        {
            LineReply.NotSent n => new GatewayAnswer.NotSent(n.Reason),
            LineReply.Lost l => new GatewayAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a when Wire.TryRead<LinkWire>(a.Body.Span, out var link) && link.ReferenceId == call.Payment.Reference =>
                await Complete(call.Account, link, line, stop),
            // Paid, lapsed or cancelled before: the link itself says which.
            LineReply.Answered { Status: 400 } => Late(await ReadLink(call.Account, call.Payment, id, line, stop)),
            LineReply.Answered a => new GatewayAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    public Task<RefundAnswer> Refund(RefundCall call, GatewayLine line, CancellationToken stop) => RazorpayRefunds.Ask(call, line, stop);

    public Task<RefundAnswer> InquireRefund(RefundCall call, GatewayLine line, CancellationToken stop) => RazorpayRefunds.Inquire(call, line, stop);

    public SettlementSheet Sheet => RazorpaySettlement.Sheet;

    public Task<SettlementAnswer> ReadSettlement(SettlementCall call, GatewayLine line, CancellationToken stop) => RazorpaySettlement.Read(call, line, stop);

    public ImmutableArray<SignatureRecipe> Signatures => RazorpaySignatures.All;

    public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => RazorpayNews.ReadWebhook(message, account);

    public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => RazorpayNews.ReadReturn(message, account);

    async Task<GatewayAnswer> ReadLink(GatewayAccount account, PaymentId payment, string id, GatewayLine line, CancellationToken stop) =>
        await line.Send(Request(account, HttpMethod.Get, $"v1/payment_links/{Uri.EscapeDataString(id)}"), stop) switch
        {
            LineReply.NotSent n => new GatewayAnswer.NotSent(n.Reason),
            LineReply.Lost l => new GatewayAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a when Wire.TryRead<LinkWire>(a.Body.Span, out var link) =>
                link.Id == id && link.ReferenceId == payment.Reference
                    ? await Complete(account, link, line, stop)
                    : new GatewayAnswer.Unknown("The answer is about another link."),
            LineReply.Answered { Status: 400 or 404 } a
                when Error(a) is { Code: "BAD_REQUEST_ERROR" } error && (a.Status == 404 || IsUnknownId(error)) =>
                new GatewayAnswer.Done(new Evidence.Absent()),
            LineReply.Answered a => new GatewayAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };

    async Task<GatewayAnswer> FindByReference(GatewayAccount account, PaymentId payment, GatewayLine line, CancellationToken stop)
    {
        switch (await line.Send(Request(account, HttpMethod.Get, $"v1/payment_links?reference_id={payment.Reference}"), stop))
        {
            case LineReply.NotSent n: return new GatewayAnswer.NotSent(n.Reason);
            case LineReply.Lost l: return new GatewayAnswer.Unknown(l.Reason);
            case LineReply.Answered { Status: 200 } a when Wire.TryRead<LinksWire>(a.Body.Span, out var list) && list.PaymentLinks is { } links:
                if (links.Count == 0) return new GatewayAnswer.Done(new Evidence.Absent());
                if (links.Any(l => l.ReferenceId != payment.Reference)) return new GatewayAnswer.Unknown("The answer is about other links.");
                return await Complete(account, links, line, stop);
            case LineReply.Answered a: return new GatewayAnswer.Unknown($"HTTP {a.Status}");
            default: throw new InvalidOperationException("No such reply.");
        }
    }

    /// <summary>Their reference is unique; should there be two links all the same, the one that can still be paid tells the state and
    /// all of them tell the money.</summary>
    async Task<GatewayAnswer> Complete(GatewayAccount account, IReadOnlyList<LinkWire> links, GatewayLine line, CancellationToken stop)
    {
        var first = links.MaxBy(l => l.Status switch { "expired" or "cancelled" => 0, "paid" => 1, _ => 2 })!;
        var others = links.Where(l => l != first).Select(l => RazorpayMapping.Facts(l, null)).ToList();
        if (others.Contains(null)) return new GatewayAnswer.Unknown("A link cannot be read.");
        return await Complete(account, first, line, stop) is GatewayAnswer.Done done
            ? new GatewayAnswer.Done([.. others.SelectMany(f => f!).OfType<Evidence.Succeeded>(), .. done.Facts])
            : new GatewayAnswer.Unknown("A link cannot be read.");
    }

    /// <summary>A link names captured payments only; its order, once there is one, names every try.</summary>
    async Task<GatewayAnswer> Complete(GatewayAccount account, LinkWire link, GatewayLine line, CancellationToken stop)
    {
        IReadOnlyList<PaymentWire>? tries = null;
        if (link.OrderId is { } order)
            switch (await line.Send(Request(account, HttpMethod.Get, $"v1/orders/{Uri.EscapeDataString(order)}/payments"), stop))
            {
                case LineReply.Answered { Status: 200 } a when Wire.TryRead<PaymentsWire>(a.Body.Span, out var list) && list.Items is { } items:
                    // Whoever's tries these are, an answer about another order would be their money on our link.
                    if (items.Any(i => i.OrderId is { } other && other != order)) return new GatewayAnswer.Unknown("The answer is about another order.");
                    tries = items;
                    break;
                // Money that the link itself names is enough to know; a link without any is not known to be free of a try under way.
                case var _ when link.Payments is { Count: > 0 }: break;
                default: return new GatewayAnswer.Unknown("The tries on the link could not be read.");
            }
        // Money that went back because we asked for it was taken all the same, and its refunds tell of themselves.
        if (tries is not null && PaymentId.TryParseReference(link.ReferenceId, out var payment))
        {
            var known = new List<PaymentWire>();
            foreach (var attempt in tries)
            {
                if (attempt is not { Status: "refunded", Captured: not false, Id: { } id })
                {
                    known.Add(attempt);
                    continue;
                }
                if (await RazorpayRefunds.AllOurs(account, payment.Order, id, line, stop) is not { } ours) return new GatewayAnswer.Unknown("The refunds of a try could not be read.");
                known.Add(ours ? attempt with { Status = "captured" } : attempt);
            }
            tries = known;
        }
        return RazorpayMapping.Facts(link, tries) is { } facts
            ? new GatewayAnswer.Done(facts)
            : new GatewayAnswer.Unknown("The link cannot be read.");
    }

    /// <summary>After a request that was answered, not having sent the next one is no longer the same as having done nothing.</summary>
    static GatewayAnswer Late(GatewayAnswer answer) => answer is GatewayAnswer.NotSent n ? new GatewayAnswer.Unknown(n.Reason) : answer;

    /// <summary>Fields that they do not know are refused, so there are none of ours. A pure function of the call: a repetition has the same bytes.</summary>
    static ReadOnlyMemory<byte> Body(LinkCall call)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteNumber("amount", call.Amount.MinorUnits);
            json.WriteString("currency", call.Amount.Currency.Code);
            json.WriteBoolean("accept_partial", false);
            json.WriteString("reference_id", call.Payment.Reference);
            json.WriteString("description", Wire.Line(call.Description, LongestDescription));
            json.WriteStartObject("customer");
            if (Wire.Line(call.Customer.Name ?? "", LongestName) is { Length: > 0 } name) json.WriteString("name", name);
            if (Wire.Email(call.Customer.Email) is { } email) json.WriteString("email", email);
            if (Wire.Phone(call.Customer.Phone) is { } phone) json.WriteString("contact", phone);
            json.WriteEndObject();
            // Purser tells the shopper what is to be told.
            json.WriteStartObject("notify");
            json.WriteBoolean("sms", false);
            json.WriteBoolean("email", false);
            json.WriteEndObject();
            json.WriteBoolean("reminder_enable", false);
            json.WriteNumber("expire_by", call.ExpiresAt.ToUnixTimeSeconds());
            json.WriteString("callback_url", call.ReturnUrl);
            json.WriteString("callback_method", "get");
            json.WriteStartObject("notes");
            json.WriteString(RazorpayMapping.ReferenceNote, call.Payment.Reference);
            json.WriteEndObject();
            if (RazorpayMapping.Switch(call.Method) is { } method) WriteOnly(json, method);
            json.WriteEndObject();
        }
        return body.WrittenMemory;
    }

    static void WriteOnly(Utf8JsonWriter json, string method)
    {
        json.WriteStartObject("options");
        json.WriteStartObject("checkout");
        json.WriteStartObject("method");
        foreach (var name in RazorpayMapping.Switches) json.WriteNumber(name, name == method ? 1 : 0);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    internal static LineRequest Request(
        GatewayAccount account, HttpMethod method, string path, ReadOnlyMemory<byte> body = default, params ReadOnlySpan<KeyValuePair<string, string>> headers)
    {
        var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{account.Setting(KeyId)}:{account.Setting(KeySecret)}"));
        return new(method, path, [new("Authorization", $"Basic {credentials}"), .. headers], body, body.IsEmpty ? null : "application/json",
            MovesNothing: method == HttpMethod.Get);
    }

    /// <summary>Their one sign that a link exists already is a sentence about its reference.</summary>
    static bool NamesTheReference(ErrorWire error) => error.Field == "reference_id" || Says(error, "reference");

    internal static bool IsUnknownId(ErrorWire error) => Says(error, "not a valid id") || Says(error, "does not exist");

    /// <summary>Their own words for a no; null when it is not their error's shape.</summary>
    internal static ErrorWire? Error(LineReply.Answered answer) =>
        Wire.TryRead<ErrorAnswerWire>(answer.Body.Span, out var read) && read.Error is { Code: not null } error ? error : null;

    internal static bool Says(ErrorWire error, string words) => error.Description?.Contains(words, StringComparison.OrdinalIgnoreCase) == true;

    internal static string Reason(GatewayLine line, ErrorWire error) => line.Redact(Wire.Line($"{error.Code}: {error.Description}", LongestReason));
}
