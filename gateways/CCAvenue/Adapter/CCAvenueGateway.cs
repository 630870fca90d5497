using System.Collections.Immutable;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.CCAvenue;

/// <summary>The billing page: an encrypted form that the shopper's browser posts. Our reference is their order number; whatever became of it is asked
/// over their server API, where each try to pay it has a reference of theirs.</summary>
public sealed partial class CCAvenueGateway : IGateway, IRefundMoney, ISettleByFile, ISettleByCall
{
    public const string WorkingKey = CCAvenueAccount.WorkingKey;

    const int LongestUrl = 100;

    /// <summary>So many tries on one order number are no shopper's; a page of the list holds them all.</summary>
    const int MostTries = 100;

    /// <summary>So many refunded tries on one number are no shopper's either; each is asked about by itself.</summary>
    const int MostRefunded = 5;

    /// <summary>How long their list may not show what happened; a guess, for none is published.</summary>
    static readonly TimeSpan Lag = TimeSpan.FromMinutes(2);

    public GatewayProfile Profile { get; } = new()
    {
        Name = "ccavenue",
        Title = "CCAvenue",
        BaseUrl = CCAvenueAccount.Live,
        TestBaseUrl = CCAvenueAccount.Test,
        // Others need an agreement of their own, and the page turns shoppers away without it.
        Currencies = [CCAvenueMapping.Rupee.Code],
        Offers = [],
        Webhooks = WebhookTrust.Trigger,
        LinkIsForm = true,
        Settings =
        [
            new(CCAvenueAccount.MerchantId, Secret: false, "The merchant id, digits.") { Example = "424242" },
            new(CCAvenueAccount.AccessCode, Secret: false, "The access code of the key that is registered for the website."),
            new(CCAvenueAccount.WorkingKey, Secret: true, "The working key that belongs to it; the old one behind it while it is replaced.", Several: true) { Example = "0F1E2D3C4B5A69788796A5B4C3D2E1F0" },
            new(CCAvenueAccount.ApiAccessCode, Secret: false, "The access code for the server's IP address, where that is another.", Required: false),
            new(CCAvenueAccount.ApiWorkingKey, Secret: true, "The working key that belongs to that; the old one behind it while it is replaced.", Required: false, Several: true) { Example = "1A2B3C4D5E6F70819203A4B5C6D7E8F9" },
            new(CCAvenueAccount.Cipher, Secret: false, "cbc (classic, the usual) or gcm (newer accounts).", Required: false) { Example = CCAvenueEncryption.Cbc },
        ],
        VisibilityDelay = Lag,
        ShortestLink = TimeSpan.Zero,
        // A form has no end, so it is as old as any order gets.
        LongestLink = TimeSpan.FromDays(91),
        // Making the same form again asks for nothing.
        RepeatsSafely = true,
        // The file has none; the summary of the API is.
        StatesPayouts = true,
        RefusesAmount = CCAvenueMapping.RefusesAmount,
        RefusesAccount = CCAvenueAccount.Refuses,
    };

    public SettlementSheet Sheet => CCAvenueSettlement.Sheet;

    public Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop)
    {
        if (CCAvenueAccount.Page(call.Account) is not { } cipher)
            return Task.FromResult<GatewayAnswer>(new GatewayAnswer.Rejected("The account has no working key that fits its cipher."));
        var fields = ImmutableSortedDictionary.CreateRange<string, string>(StringComparer.Ordinal,
        [
            new("encRequest", cipher.Encrypt(Plaintext(call))),
            new("access_code", call.Account.Setting(CCAvenueAccount.AccessCode)),
        ]);
        return Task.FromResult<GatewayAnswer>(new GatewayAnswer.Done(
            new Evidence.LinkOpened(new PaymentLink.Form(CCAvenueAccount.PageUrl(call.Account).AbsoluteUri, fields), call.Amount)
            {
                GatewayReference = call.Payment.Reference,
            }));
    }

    public async Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop)
    {
        var (tries, answer) = await ReadTries(call, line, stop);
        if (call.MayComplete && tries is not null && CCAvenueMapping.ToConfirm(tries, call.Amount, line.Now - Lag) is { } waiting)
        {
            // What comes of it the list tells. An account that confirms by itself refuses this, and nothing is lost.
            await CCAvenueTalk.Ask(call.Account, "confirmOrder", "1.2", CCAvenueTalk.Json(json =>
            {
                json.WriteStartArray("order_List");
                json.WriteStartObject();
                json.WriteString("reference_no", waiting.Reference);
                json.WriteString("amount", waiting.Amount.ToMajorUnits());
                json.WriteEndObject();
                json.WriteEndArray();
            }), line, stop);
            (tries, answer) = await ReadTries(call, line, stop);
            if (answer is GatewayAnswer.NotSent n) answer = new GatewayAnswer.Unknown(n.Reason);
        }
        return tries is null ? answer : new GatewayAnswer.Done(CCAvenueMapping.Facts(tries, call.Amount, call.Payment.Reference));
    }

    public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => CCAvenueNews.ReadWebhook(message, account);

    public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => CCAvenueNews.ReadReturn(message, account);

    /// <summary>Every try under our order number: their shorter question tells the newest only, which need not be the one that was paid. The tries are
    /// null when an answer stands beside them.</summary>
    static async Task<(IReadOnlyList<Attempt>? Tries, GatewayAnswer Answer)> ReadTries(InquireCall call, GatewayLine line, CancellationToken stop)
    {
        var now = line.Now > call.StartedAt ? line.Now : call.StartedAt;
        var asked = await CCAvenueTalk.Ask(call.Account, "orderLookup", "1.2", CCAvenueTalk.Json(json =>
        {
            json.WriteString("from_date", CCAvenueSettlement.Written(CCAvenueSettlement.Day(call.StartedAt)));
            json.WriteString("to_date", CCAvenueSettlement.Written(CCAvenueSettlement.Day(now)));
            json.WriteString("order_no", call.Payment.Reference);
            json.WriteNumber("page_number", 1);
            json.WriteNumber("no_of_records", MostTries);
        }), line, stop);
        switch (asked)
        {
            case CCAvenueTalk.Heard.NotSent n: return (null, new GatewayAnswer.NotSent(n.Reason));
            case CCAvenueTalk.Heard.Unknown u: return (null, new GatewayAnswer.Unknown(u.Reason));
            case CCAvenueTalk.Heard.Refused r: return (null, new GatewayAnswer.Unknown(r.Reason));
            case CCAvenueTalk.Heard.Nothing: return (null, new GatewayAnswer.Done(new Evidence.Absent()));
            case CCAvenueTalk.Heard.Told told:
                if (told.Json.List(["order_Status_List", "order_status_list"]) is not { } rows) return (null, new GatewayAnswer.Unknown("The answer has no list of orders."));
                if (rows.Count == 0) return (null, new GatewayAnswer.Done(new Evidence.Absent()));
                if (told.Json.Text("page_count") is not (null or "0" or "1")) return (null, new GatewayAnswer.Unknown("There are more tries than one page of the list holds."));
                var tries = rows.Select(CCAvenueMapping.Attempt).ToList();
                if (tries.Exists(t => t is null)) return (null, new GatewayAnswer.Unknown("A try cannot be read."));
                if (tries.Exists(t => t!.Order != call.Payment.Reference)) return (null, new GatewayAnswer.Unknown("The answer is about another order."));
                return await WithRefunds([.. tries.Select(t => t!)], call, line, stop);
            default: throw new InvalidOperationException("Nothing else is heard.");
        }
    }

    /// <summary>Their word for a try that was refunded is the same when a part of it was, and whoever asked for it; so its refunds are asked for. Those of
    /// ours take nothing away from what was captured.</summary>
    static async Task<(IReadOnlyList<Attempt>? Tries, GatewayAnswer Answer)> WithRefunds(
        List<Attempt> tries, InquireCall call, GatewayLine line, CancellationToken stop)
    {
        if (tries.Count(t => t.Status == CCAvenueMapping.Refunded) > MostRefunded) return (null, new GatewayAnswer.Unknown("More tries were refunded than are asked about."));
        for (var i = 0; i < tries.Count; i++)
        {
            if (tries[i].Status != CCAvenueMapping.Refunded) continue;
            if (await AskRefunds(call.Account, tries[i].Reference, line, stop) is not CCAvenueTalk.Heard.Told told || Refunds(told.Json) is not { } refunds)
                return (null, new GatewayAnswer.Unknown("The refunds could not be read."));
            if (!CCAvenueMapping.MayBeRefundsOf(tries[i], told.Json, refunds, call.Payment.Order))
                return (null, new GatewayAnswer.Unknown("A refund cannot be read, or the answer is about another order."));
            var others = refunds.Where(r => CCAvenueMapping.TookMoney(r) && !RefundId.TryParseReference(r.Text("refund_mer_ref_no"), out _));
            tries[i] = tries[i] with { ReturnedByOthers = others.Sum(r => r.Money(tries[i].Amount.Currency, "refund_amt")!.Value.MinorUnits) >= tries[i].Captured.MinorUnits };
        }
        return (tries, new GatewayAnswer.Done());
    }

    /// <summary>Nothing in it is escaped, so every value is of letters that cannot end it. A pure function of the call.</summary>
    static string Plaintext(LinkCall call)
    {
        var fields = new List<(string Name, string? Value)>
        {
            ("merchant_id", call.Account.Setting(CCAvenueAccount.MerchantId)),
            ("order_id", call.Payment.Reference),
            ("currency", call.Amount.Currency.Code),
            ("amount", call.Amount.ToMajorUnits()),
        };
        if (ReturnUrl(call.ReturnUrl) is { } back) fields.AddRange([("redirect_url", back), ("cancel_url", back)]);
        fields.Add(("language", "EN"));
        fields.Add(("billing_name", CCAvenueText.Plain(call.Customer.Name ?? "", 60, ".-")));
        fields.Add(("billing_tel", Wire.Phone(call.Customer.Phone)?.TrimStart('+')));
        fields.Add(("billing_email", Wire.Email(call.Customer.Email) is { Length: <= 70 } email && !email.Contains('=', StringComparison.Ordinal) ? email : null));
        fields.Add(("merchant_param1", call.Payment.Reference));
        fields.Add(("merchant_param2", CCAvenueText.Plain(call.Description, 100, "#,()/.-")));
        return string.Join('&', fields.Where(f => f.Value is { Length: > 0 }).Select(f => $"{f.Name}={f.Value}"));
    }

    /// <summary>Their field takes 100 characters, and no value may hold <c>&amp;</c> or <c>=</c>, so an address of ours loses the names in its query. One that
    /// is too long all the same is left out: then the browser comes back to the address in their dashboard.</summary>
    static string? ReturnUrl(string url)
    {
        var fits = Wire.WithBareQuery(url);
        return fits.Length <= LongestUrl && !fits.Any(c => c is '&' or '=' or <= ' ' or > '~') ? fits : null;
    }
}
