using System.Collections.Immutable;
using System.Text.Json;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Gateways.BillDesk;

/// <summary>Orders on BillDesk's hosted page: made over signed (and encrypted) tokens, opened by a form whose fields came with the answer. In every
/// question an order is known by our reference.</summary>
public sealed partial class BillDeskGateway : IGateway
{
    public const string MerchantId = "merchant_id";
    public const string ClientId = "client_id";
    public const string SigningKey = "signing_key";
    public const string EncryptionKey = "encryption_key";
    public const string EncryptionKeyId = "encryption_key_id";
    public const string Scheme = "scheme";
    public const string Hmac = "hmac";
    public const string Symmetric = "symmetric";

    public const int EncryptionKeyLength = 32;

    const string CreateOrder = "payments/ve1_2/orders/create";
    const string GetTransaction = "payments/ve1_2/transactions/get";

    public GatewayProfile Profile { get; } = new()
    {
        Name = "billdesk",
        Title = "BillDesk",
        BaseUrl = new Uri("https://api.billdesk.com"),
        TestBaseUrl = new Uri("https://uat1.billdesk.com/u2"),
        Currencies = ["INR"],
        // Their form has no field for the ways to pay; the page alone decides.
        Offers = [],
        Webhooks = WebhookTrust.Proof,
        Settings =
        [
            new(MerchantId, Secret: false, "The merchant id (mercid)."),
            new(ClientId, Secret: false, "The client id that stands in every token's header."),
            new(SigningKey, Secret: true, "The key that signs tokens in both directions; the old one behind it while it is replaced.", Several: true),
            new(EncryptionKey, Secret: true, "The key that encrypts tokens, 32 characters; for the scheme symmetric.", Required: false, Several: true)
            {
                Example = "example-encryption-key-012345678",
            },
            new(EncryptionKeyId, Secret: false, "The encryption key's id; for the scheme symmetric.", Required: false),
            new(Scheme, Secret: false, "As agreed with BillDesk: hmac (signed, the usual) or symmetric (encrypted and signed).", Required: false) { Example = Hmac },
        ],
        VisibilityDelay = TimeSpan.FromMinutes(1),
        // An order cannot be given an end: its page opens for half an hour, and who opened it last may still be paying.
        ShortestLink = TimeSpan.FromMinutes(45),
        LongestLink = TimeSpan.FromMinutes(60),
        RepeatsSafely = true,
        // The report has none; the vouchers of the API are.
        StatesPayouts = true,
        RefusesAmount = BillDeskMapping.RefusesAmount,
        RefusesAccount = RefusesAccount,
    };

    static string? RefusesAccount(GatewayAccount account) => account.OptionalSetting(Scheme) switch
    {
        null or Hmac => null,
        Symmetric when account.SeveralSettings(EncryptionKey) is not { Count: > 0 } keys || keys.Any(k => k.Length != EncryptionKeyLength) =>
            $"The setting '{EncryptionKey}' must have {EncryptionKeyLength} characters in the scheme {Symmetric}.",
        Symmetric when account.OptionalSetting(EncryptionKeyId) is null => $"The setting '{EncryptionKeyId}' is needed in the scheme {Symmetric}.",
        Symmetric => null,
        _ => $"The setting '{Scheme}' must be {Hmac} or {Symmetric}.",
    };

    /// <summary>An order is made once under its name, for ever; so asking again can never make a second. The trace id is the payment's too, and what
    /// they refuse because they have seen it is asked again under a fresh one: they may have noted the id and done nothing. Where the order was made
    /// and the answer lost, its form is lost as well: nobody can open it, and the next payment has a name of its own.</summary>
    public async Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop)
    {
        var reference = call.Payment.Reference;
        var talk = new BillDeskConversation(call.Account, line);
        var reply = await talk.Ask(CreateOrder, json => WriteOrder(json, call), reference + "order", call.StartedAt, stop);
        if (reply is BillDeskReply.Refused { Repeated: true, NameTaken: false })
            reply = Late(await talk.AskAfresh(CreateOrder, json => WriteOrder(json, call), reference, stop));
        return reply switch
        {
            BillDeskReply.NotSent n => new GatewayAnswer.NotSent(n.Reason),
            BillDeskReply.Unknown u => new GatewayAnswer.Unknown(u.Reason),
            BillDeskReply.Told told => Opened(told.Payload, call, talk.Merchant) is { } opened
                ? new GatewayAnswer.Done(opened)
                : new GatewayAnswer.Unknown("The answer is not the order that was asked for."),
            BillDeskReply.Refused { Repeated: true } => await Taken(call, talk, stop),
            BillDeskReply.Refused { Definite: true } no => new GatewayAnswer.Rejected(talk.Reason(no.Error)),
            BillDeskReply.Refused no => new GatewayAnswer.Unknown(talk.Reason(no.Error)),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    public async Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop) =>
        await Transaction(new BillDeskConversation(call.Account, line), call.Payment, stop);

    public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => BillDeskNews.ReadWebhook(message, account);

    public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => BillDeskNews.ReadReturn(message, account);

    /// <summary>The order exists. What was paid on it is told; that nobody tried is no news of its form.</summary>
    static async Task<GatewayAnswer> Taken(LinkCall call, BillDeskConversation talk, CancellationToken stop) =>
        await Transaction(talk, call.Payment, stop) switch
        {
            GatewayAnswer.Done { Facts: not [Evidence.Absent] } done => done,
            _ => new GatewayAnswer.Unknown("The order exists, and its form cannot be had again."),
        };

    /// <summary>Before a try there is no transaction, whether there is an order or not.</summary>
    static async Task<GatewayAnswer> Transaction(BillDeskConversation talk, PaymentId payment, CancellationToken stop) =>
        await talk.AskAfresh(GetTransaction, json => json.WriteString("orderid", payment.Reference), payment.Reference, stop) switch
        {
            BillDeskReply.NotSent n => new GatewayAnswer.NotSent(n.Reason),
            BillDeskReply.Unknown u => new GatewayAnswer.Unknown(u.Reason),
            BillDeskReply.Told told => Wire.TryRead<TransactionWire>(told.Payload, out var transaction)
                    && BillDeskMapping.Facts(transaction, talk.Merchant, payment.Reference) is { } facts
                ? new GatewayAnswer.Done(facts)
                : new GatewayAnswer.Unknown("The answer is not about this order, or cannot be read."),
            BillDeskReply.Refused { Http: 404, Definite: true } => new GatewayAnswer.Done(new Evidence.Absent()),
            BillDeskReply.Refused no => new GatewayAnswer.Unknown(talk.Reason(no.Error)),
            _ => throw new InvalidOperationException("No such reply."),
        };

    /// <summary>After a request that was answered, not having sent the next one is no longer the same as having done nothing.</summary>
    static BillDeskReply Late(BillDeskReply reply) => reply is BillDeskReply.NotSent n ? new BillDeskReply.Unknown(n.Reason) : reply;

    /// <summary>A pure function of the call.</summary>
    static void WriteOrder(Utf8JsonWriter json, LinkCall call)
    {
        json.WriteString("orderid", call.Payment.Reference);
        json.WriteString("amount", call.Amount.ToMajorUnits());
        json.WriteString("order_date", BillDeskConversation.Time(call.StartedAt));
        json.WriteString("currency", "356");
        json.WriteString("ru", call.ReturnUrl);
        json.WriteString("itemcode", "DIRECT");
        WriteCustomer(json, call.Customer);
        json.WriteStartObject("device");
        json.WriteString("init_channel", "internet");
        // They want the shopper's device; who asks here is the shop's server, and says so.
        json.WriteString("ip", "127.0.0.1");
        json.WriteString("user_agent", "Purser");
        json.WriteString("accept_header", "text/html");
        json.WriteEndObject();
    }

    /// <summary>What they might refuse is left out, so that it does not cost the payment.</summary>
    static void WriteCustomer(Utf8JsonWriter json, Customer customer)
    {
        var name = string.Concat((customer.Name ?? "").Where(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '.' or '-')).Trim();
        var (email, phone) = (Wire.Email(customer.Email), Wire.Phone(customer.Phone));
        if (name.Length == 0 && email is null && phone is null) return;
        json.WriteStartObject("customer");
        if (name.Length > 0) json.WriteString("first_name", Wire.Line(name, 50));
        if (email is not null) json.WriteString("email", email);
        if (phone is not null) json.WriteString("mobile", phone);
        json.WriteEndObject();
    }

    /// <summary>Null when this is not an open order of ours with a form to post.</summary>
    static Evidence.LinkOpened? Opened(byte[] payload, LinkCall call, string merchant)
    {
        if (!Wire.TryRead<OrderWire>(payload, out var order) || order.Objectid != "order" || order.Status != "ACTIVE") return null;
        if (order.Mercid != merchant || order.Orderid != call.Payment.Reference || BillDeskMapping.Amount(order.Amount, order.Currency) is not { } amount) return null;
        // By its relation and never by its place in the list.
        var links = order.Links?.Where(l => l is { Rel: "redirect", Method: "POST" }).ToList();
        if (links is not [{ Href: { } href, Parameters: { ValueKind: JsonValueKind.Object } parameters }]) return null;
        if (!Uri.TryCreate(href, UriKind.Absolute, out var page) || !(page.Scheme == Uri.UriSchemeHttps || (page.Scheme == Uri.UriSchemeHttp && page.IsLoopback))) return null;
        var fields = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var field in parameters.EnumerateObject())
        {
            if (field.Value.ValueKind != JsonValueKind.String) return null;
            fields[field.Name] = field.Value.GetString()!;
        }
        return fields.Count == 0 ? null
            : new Evidence.LinkOpened(new PaymentLink.Form(href, fields.ToImmutable()), amount) { GatewayReference = call.Payment.Reference };
    }
}
