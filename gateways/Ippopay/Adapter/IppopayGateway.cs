using System.Buffers;
using System.Text;
using System.Text.Json;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.Ippopay;

/// <summary>Orders on their checkout page, driven by authenticated questions alone: nothing that they send by themselves is documented. They know an
/// order by their own id only and make a new one for every request, so a lost answer leaves an order whose page nobody was ever sent to.</summary>
public sealed class IppopayGateway : IGateway, IRefundMoney, ISettleByFile
{
    public const string PublicKey = "public_key";
    public const string SecretKey = "secret_key";

    /// <summary>The field of the return's address that names the payment; what their page adds to it names none of ours.</summary>
    public const string PaymentField = "order_payment";

    const string LivePages = "https://pay.ippopay.com";
    const string ApiHost = "api.ippopay.com";
    const string LiveMark = "pk_live";
    const int LongestReason = 300;
    const int LongestTransaction = 100;

    public GatewayProfile Profile { get; } = new()
    {
        Name = "ippopay",
        Title = "IppoPay",
        BaseUrl = new Uri($"https://{ApiHost}/v1"),
        TestBaseUrl = new Uri($"https://{ApiHost}/apitest/v1/pg"),
        Currencies = [IppopayMapping.Rupee.Code],
        Offers = [new(PaymentMethods.Upi), new(PaymentMethods.Card), new(PaymentMethods.NetBanking)],
        Webhooks = WebhookTrust.None,
        Settings =
        [
            new(PublicKey, Secret: false, "The public key, pk_test_... or pk_live_...; part of every payment link."),
            new(SecretKey, Secret: true, "The secret key, sk_test_... or sk_live_...; never give it to a shop plugin."),
        ],
        // How soon an order shows a refund that was asked for is not documented; a refund asked for again before that would be a second one.
        VisibilityDelay = TimeSpan.FromMinutes(2),
        // Orders have no end of their own that is documented.
        ShortestLink = TimeSpan.FromMinutes(1),
        LongestLink = TimeSpan.FromDays(7),
        RepeatsSafely = false,
        RefundsOnce = true,
        RefusesAmount = IppopayMapping.RefusesAmount,
        RefusesAccount = account =>
            account.Setting(PublicKey).Contains(LiveMark, StringComparison.Ordinal) == account.TestMode
                ? $"The setting '{PublicKey}' must {(account.TestMode ? "not " : "")}be a {LiveMark}_... key {(account.TestMode ? "in" : "outside")} test mode."
                : null,
    };

    public SettlementSheet Sheet => IppopaySettlement.Sheet;

    public async Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop)
    {
        switch (await line.Send(Request(call.Account, HttpMethod.Post, "order/create", Body(call)), stop))
        {
            case LineReply.NotSent n: return new GatewayAnswer.NotSent(n.Reason);
            case LineReply.Lost l: return new GatewayAnswer.Unknown(l.Reason);
            case LineReply.Answered { Status: 200 or 201 } a when TryData<OrderDataWire>(a, out var data) && data.Order is { OrderId: { Length: > 0 } id } order:
                return IppopayMapping.Opened(order, call.Payment, Page(call.Account, order, id)) is { } opened
                    ? new GatewayAnswer.Done(opened)
                    : new GatewayAnswer.Unknown("The answer is not the new order that was asked for.");
            // A refusal says so in words; whether it comes with 200 or 4xx is not documented.
            case LineReply.Answered { Status: 200 or (>= 400 and < 500 and not (404 or 408 or 409 or 429)) } a when Refusal(a) is { } why:
                return new GatewayAnswer.Rejected(line.Redact(why));
            case LineReply.Answered a: return new GatewayAnswer.Unknown($"HTTP {a.Status}");
            default: throw new InvalidOperationException("No such reply.");
        }
    }

    /// <summary>Without their name there is nothing to find. They are asked all the same, for an order of our name that cannot be: it tells whether the
    /// account works, and then the payment is absent, for nobody has the address at which it could be paid.</summary>
    public async Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop)
    {
        var id = call.GatewayReference ?? call.Payment.Reference;
        switch (await line.Send(Request(call.Account, HttpMethod.Get, $"order/{Uri.EscapeDataString(id)}"), stop))
        {
            case LineReply.NotSent n: return new GatewayAnswer.NotSent(n.Reason);
            case LineReply.Lost l: return new GatewayAnswer.Unknown(l.Reason);
            case LineReply.Answered { Status: 200 } a when TryData<OrderDataWire>(a, out var data) && data.Order is { } order:
                return order.OrderId == id && call.GatewayReference is not null
                    ? await Complete(call, order, id, line, stop)
                    : new GatewayAnswer.Unknown("The answer is about another order.");
            // An order that we know by name is believed to be gone only where HTTP says so, too.
            case LineReply.Answered a when Refusal(a) is not null && (a.Status == 404 || (call.GatewayReference is null && a.Status is 200 or 400 or 422)):
                return new GatewayAnswer.Done(new Evidence.Absent());
            case LineReply.Answered a: return new GatewayAnswer.Unknown($"HTTP {a.Status}");
            default: throw new InvalidOperationException("No such reply.");
        }
    }

    /// <summary>They know no key for a refund, so the transaction is read first: what was asked for shows there.</summary>
    public async Task<RefundAnswer> Refund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        var read = await Read(call.Account, call.GatewayReference, line, stop);
        if (read.Failure is { } failure) return failure;
        // Not shown is not gone: an earlier request may have been taken.
        if (read.Transaction is not { } transaction) return new RefundAnswer.Unknown("The money to refund is not shown.");
        // A refund is asked for by order, so where other money is shown it would be that which goes back.
        if (transaction.TransId != call.MoneyReference || !IppopayMapping.MayBeOurs(transaction, call.Payment))
            return new RefundAnswer.Rejected("The order shows other money than this.");
        if (IppopayMapping.Refunded(transaction, call.Amount) is var known and not RefundEvidence.Absent) return new RefundAnswer.Done(known);
        return await line.Send(Request(call.Account, HttpMethod.Post, $"order/refund/{Uri.EscapeDataString(call.GatewayReference!)}", Body(call)), stop) switch
        {
            LineReply.NotSent n => new RefundAnswer.NotSent(n.Reason),
            LineReply.Lost l => new RefundAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 or 201 or 202 } a when Wire.TryRead<AnswerWire>(a.Body.Span, out var answer) && answer.Success == true =>
                new RefundAnswer.Done(new RefundEvidence.Accepted()),
            LineReply.Answered { Status: 200 or (>= 400 and < 500 and not (408 or 409 or 429)) } a when Refusal(a) is { } why =>
                new RefundAnswer.Rejected(line.Redact(why)),
            LineReply.Answered a => new RefundAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    public async Task<RefundAnswer> InquireRefund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        var read = await Read(call.Account, call.GatewayReference, line, stop);
        if (read.Failure is { } failure) return failure;
        return read.Transaction is { } transaction && transaction.TransId == call.MoneyReference && IppopayMapping.MayBeOurs(transaction, call.Payment)
            ? new RefundAnswer.Done(IppopayMapping.Refunded(transaction, call.Amount))
            : new RefundAnswer.Unknown("The money that was refunded is not shown.");
    }

    /// <summary>None is documented, neither its body nor any proof of where it comes from.</summary>
    public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => new NewsReading.Forged("this gateway's webhooks are not documented");

    /// <summary>Unsigned. It names the payment by the address that we gave, and proves nothing.</summary>
    public NewsReading ReadReturn(RawMessage message, GatewayAccount account)
    {
        if (!PaymentId.TryParseReference(Wire.Field(message.Query, PaymentField), out var payment)) return new NewsReading.Forged("names no payment");
        var transaction = Wire.Field(Encoding.UTF8.GetString(message.Body.Span), "transaction_no");
        return new NewsReading.Genuine(
            transaction is { Length: > 0 and <= LongestTransaction } ? $"return-{transaction}" : $"return-{payment.Reference}", "return", payment, [], ProvesAmount: false);
    }

    static async Task<GatewayAnswer> Complete(InquireCall call, OrderWire order, string id, GatewayLine line, CancellationToken stop)
    {
        var read = await Read(call.Account, id, line, stop);
        if (read.Failure is not null) return new GatewayAnswer.Unknown("The tries on the order could not be read.");
        if (read.Transaction is { } transaction && !IppopayMapping.MayBeOurs(transaction, call.Payment))
            return new GatewayAnswer.Unknown("The transaction carries somebody else's notes.");
        return IppopayMapping.Facts(order, read.Transaction, Page(call.Account, order, id)) is { } facts
            ? new GatewayAnswer.Done(facts)
            : new GatewayAnswer.Unknown("The order cannot be read.");
    }

    /// <summary>The one transaction that they show of an order; none when they say that there is none.</summary>
    readonly record struct Shown(TransactionWire? Transaction, RefundAnswer? Failure = null);

    static async Task<Shown> Read(GatewayAccount account, string? order, GatewayLine line, CancellationToken stop)
    {
        if (order is null) return new(null, new RefundAnswer.Unknown("Their name for the order is not known."));
        return await line.Send(Request(account, HttpMethod.Get, $"order/{Uri.EscapeDataString(order)}/transaction"), stop) switch
        {
            LineReply.NotSent n => new(null, new RefundAnswer.NotSent(n.Reason)),
            LineReply.Lost l => new(null, new RefundAnswer.Unknown(l.Reason)),
            LineReply.Answered { Status: 200 } a when TryData<TransactionDataWire>(a, out var data) => new(data.Transaction),
            // What they answer where there is none is not documented; their word for no, or nothing in the place of it.
            LineReply.Answered { Status: 200 } a when Wire.TryRead<AnswerWire>(a.Body.Span, out var answer) && answer is { Success: true, Data.ValueKind: not JsonValueKind.Object } =>
                default,
            LineReply.Answered { Status: 200 or 400 or 404 } a when Refusal(a) is not null => default,
            LineReply.Answered a => new(null, new RefundAnswer.Unknown($"HTTP {a.Status}")),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    static bool TryData<T>(LineReply.Answered answer, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out T? data) where T : class
    {
        data = null;
        return Wire.TryRead<AnswerWire>(answer.Body.Span, out var read) && read is { Success: true, Data.ValueKind: JsonValueKind.Object } && Wire.TryRead(read.Data, out data);
    }

    /// <summary>Their own words, when the answer is a definite no in their shape; else null.</summary>
    static string? Refusal(LineReply.Answered answer) =>
        Wire.TryRead<AnswerWire>(answer.Body.Span, out var read) && read is { Success: false, Message: { } message } ? Wire.Line(message, LongestReason) : null;

    /// <summary>A pure function of the call. They deduplicate nothing; the same bytes make another order.</summary>
    static ReadOnlyMemory<byte> Body(LinkCall call)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WritePropertyName("amount");
            json.WriteRawValue(call.Amount.ToMajorUnits());
            json.WriteString("currency", call.Amount.Currency.Code);
            json.WriteString("payment_modes", IppopayMapping.Modes(call.Method));
            json.WriteString("return_url", Wire.WithField(call.ReturnUrl, $"{PaymentField}={call.Payment.Reference}"));
            // The only place they have for a reference of ours; it comes back in the transaction.
            json.WriteString("notes", call.Payment.Reference);
            json.WriteStartObject("customer");
            json.WriteString("name", IppopayMapping.CustomerName(call.Customer.Name, call.Payment));
            if (Wire.Email(call.Customer.Email) is { } email) json.WriteString("email", email);
            if (IndianNumber(call.Customer.Phone) is { } number)
            {
                json.WriteStartObject("phone");
                json.WriteString("country_code", "91");
                json.WriteString("national_number", number);
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return body.WrittenMemory;
    }

    /// <summary>All of the money by an empty request, a part by its amount.</summary>
    static ReadOnlyMemory<byte> Body(RefundCall call) =>
        Encoding.ASCII.GetBytes(call.Amount == call.Captured ? "{}" : $$"""{"refund_amt":{{call.Amount.ToMajorUnits()}}}""");

    /// <summary>Where the country's part of a number ends cannot be told in general; their page asks for a number that is left out.</summary>
    static string? IndianNumber(string? phone) => Wire.Phone(phone) switch
    {
        { Length: 10 } plain when plain[0] != '+' => plain,
        { Length: 13 } full when full.StartsWith("+91", StringComparison.Ordinal) => full[3..],
        { Length: 12 } full when full.StartsWith("91", StringComparison.Ordinal) => full[2..],
        _ => null,
    };

    /// <summary>Their own address where they give one; else as documented.</summary>
    static string Page(GatewayAccount account, OrderWire order, string id)
    {
        if (Uri.TryCreate(order.PaymentUrl, UriKind.Absolute, out var given) && given.Scheme is "https" or "http") return order.PaymentUrl!;
        var pages = account.BaseUrl.Host == ApiHost ? LivePages : account.BaseUrl.GetLeftPart(UriPartial.Authority);
        return $"{pages}/order/{Uri.EscapeDataString(id)}?public_key={Uri.EscapeDataString(account.Setting(PublicKey))}&redirect=true";
    }

    /// <summary>Credentials go into the header. Their documents write them into the address, from where they leak into logs.</summary>
    static LineRequest Request(GatewayAccount account, HttpMethod method, string path, ReadOnlyMemory<byte> body = default)
    {
        var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{account.Setting(PublicKey)}:{account.Setting(SecretKey)}"));
        // A bare host speaks the version that the live address names.
        var version = account.BaseUrl.AbsolutePath == "/" ? "v1/" : "";
        return new(method, version + path, [new("Authorization", $"Basic {credentials}")], body, body.IsEmpty ? null : "application/json",
            MovesNothing: method == HttpMethod.Get);
    }
}
