using System.Collections.Immutable;
using System.Text.Json;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.PayU;

/// <summary>Hosted checkout: the link is a signed form that the shopper's browser posts, and what became of it is asked by our reference.</summary>
public sealed class PayUGateway : IGateway, IRefundMoney, ISettleByFile, ISettleByCall, IShowSignatures
{
    public const string Key = "key";
    public const string Salt = "salt";

    const int LongestProduct = 100;
    const int LongestName = 60;
    const int LongestEmail = 50;
    const int LongestReason = 300;
    const string Service = "merchant/postservice.php?form=2";

    static readonly Uri Live = new("https://info.payu.in");
    static readonly Uri Test = new("https://test.payu.in");

    public GatewayProfile Profile { get; } = new()
    {
        Name = "payu",
        Title = "PayU",
        BaseUrl = Live,
        TestBaseUrl = Test,
        Currencies = ["INR"],
        Offers = [new(PaymentMethods.Upi), new(PaymentMethods.Card), new(PaymentMethods.NetBanking), new(PaymentMethods.Wallet)],
        // The hash leaves out their name for the money and the finer status.
        Webhooks = WebhookTrust.Trigger,
        LinkIsForm = true,
        Settings =
        [
            new(Key, Secret: false, "The merchant key of the dashboard."),
            new(Salt, Secret: true, "The salt that belongs to it; the old one behind it while it is replaced.", Several: true),
        ],
        VisibilityDelay = TimeSpan.FromMinutes(5),
        ShortestLink = TimeSpan.Zero,
        // A form has no end, so it is as old as any order gets.
        LongestLink = TimeSpan.FromDays(91),
        RepeatsSafely = true,
        RefusesAmount = PayUMapping.RefusesAmount,
    };

    public SettlementSheet Sheet => PayUSettlement.Sheet;

    public ImmutableArray<SignatureRecipe> Signatures => PayUHash.Recipes;

    public Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop)
    {
        var (key, salt) = (call.Account.Setting(Key), call.Account.SeveralSettings(Salt)[0]);
        var (amount, product, name) = (call.Amount.ToMajorUnits(), Text(call.Description, LongestProduct, "Order"), Text(call.Customer.Name, LongestName, "Customer"));
        // They want an address and a number of everybody; these reach nobody.
        var email = Wire.Email(call.Customer.Email) is { Length: <= LongestEmail } known ? known : $"{call.Payment.Reference}@no-mail.invalid";
        var phone = Wire.Phone(call.Customer.Phone) is { Length: >= 10 } digits ? digits[^10..] : "0000000000";
        var fields = new Dictionary<string, string>
        {
            ["key"] = key,
            ["txnid"] = call.Payment.Reference,
            ["amount"] = amount,
            ["productinfo"] = product,
            ["firstname"] = name,
            ["email"] = email,
            ["phone"] = phone,
            ["surl"] = call.ReturnUrl,
            ["furl"] = call.ReturnUrl,
            ["hash"] = PayUHash.Request(key, salt, call.Payment.Reference, amount, product, name, email),
        };
        var (restriction, to) = call.Method switch
        {
            PaymentMethods.Card => ("enforce_paymethod", "creditcard|debitcard"),
            PaymentMethods.Upi => ("enforce_paymethod", "UPI"),
            PaymentMethods.NetBanking => ("pg", "NB"),
            PaymentMethods.Wallet => ("pg", "CASH"),
            _ => (null, ""),
        };
        if (restriction is not null) fields[restriction] = to;
        return Task.FromResult<GatewayAnswer>(new GatewayAnswer.Done(
            new Evidence.LinkOpened(new PaymentLink.Form(Page(call.Account), fields.ToImmutableSortedDictionary(StringComparer.Ordinal)), call.Amount)
            {
                GatewayReference = call.Payment.Reference,
            }));
    }

    public async Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop)
    {
        if (await Ask(call.Account, "verify_payment", call.Payment.Reference, [], line, stop) is var (nothing, answer) && answer is null)
            return nothing is LineReply.NotSent n ? new GatewayAnswer.NotSent(n.Reason) : new GatewayAnswer.Unknown(((LineReply.Lost)nothing!).Reason);
        if (answer.TransactionDetails.ValueKind == JsonValueKind.Object && answer.TransactionDetails.TryGetProperty(call.Payment.Reference, out var row)
            && PayUMapping.Facts(row, call.Payment, call.Amount, call.StartedAt, line.Exchanges[^1].SentAt) is { } facts) return new GatewayAnswer.Done(facts);
        return FoundNothing(answer) ? new GatewayAnswer.Done(new Evidence.Absent()) : new GatewayAnswer.Unknown(Reason(line, answer));
    }

    public async Task<RefundAnswer> Refund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        var (nothing, answer) = await Ask(
            call.Account, "cancel_refund_transaction", call.MoneyReference, [("var2", call.Refund.Reference), ("var3", call.Amount.ToMajorUnits())], line, stop);
        if (answer is null) return nothing is LineReply.NotSent n ? new RefundAnswer.NotSent(n.Reason) : new RefundAnswer.Unknown(((LineReply.Lost)nothing!).Reason);
        if (answer.IsGood && PayUMapping.Word(answer.RequestId) is { } request) return new RefundAnswer.Done(new RefundEvidence.Accepted { RefundReference = request });

        // A no may be about a request whose first answer was lost, so what they know of it is read before it is believed.
        var reason = Reason(line, answer);
        return await InquireRefund(call, line, stop) switch
        {
            RefundAnswer.Done { Fact: RefundEvidence.Absent } => !answer.IsGood && PayUMapping.IsDefinite(PayUMapping.Word(answer.ErrorCode))
                ? new RefundAnswer.Rejected(reason)
                : new RefundAnswer.Unknown(reason),
            RefundAnswer.NotSent n => new RefundAnswer.Unknown(n.Reason),
            var known => known,
        };
    }

    public async Task<RefundAnswer> InquireRefund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        var (nothing, answer) = await Ask(call.Account, "check_action_status", call.MoneyReference, [("var2", "payuid")], line, stop);
        if (answer is null) return nothing is LineReply.NotSent n ? new RefundAnswer.NotSent(n.Reason) : new RefundAnswer.Unknown(((LineReply.Lost)nothing!).Reason);
        if (FoundNothing(answer)) return new RefundAnswer.Done(new RefundEvidence.Absent());
        if (!answer.IsGood || answer.TransactionDetails.ValueKind != JsonValueKind.Object || !answer.TransactionDetails.TryGetProperty(call.MoneyReference, out var actions))
            return new RefundAnswer.Unknown(Reason(line, answer));
        if (actions.ValueKind == JsonValueKind.String) return new RefundAnswer.Done(new RefundEvidence.Absent());
        if (!Wire.TryRead<Dictionary<string, ActionWire>>(actions, out var all)) return new RefundAnswer.Unknown("The answer cannot be read.");
        foreach (var action in all.Values.Where(a => a.Action == "refund"))
        {
            if (!string.Equals(action.Token, call.Refund.Reference, StringComparison.OrdinalIgnoreCase) && (call.RefundReference is null || PayUMapping.Word(action.RequestId) != call.RefundReference)) continue;
            return PayUMapping.Fact(action) is { } fact ? new RefundAnswer.Done(fact) : new RefundAnswer.Unknown("The refund cannot be read.");
        }
        return new RefundAnswer.Done(new RefundEvidence.Absent());
    }

    public Task<SettlementAnswer> ReadSettlement(SettlementCall call, GatewayLine line, CancellationToken stop) => PayUSettlement.Read(call, line, stop);

    public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => PayUNews.ReadWebhook(message, account);

    public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => PayUNews.ReadReturn(message, account);

    internal static LineRequest Request(GatewayAccount account, string command, string var1, IEnumerable<(string Name, string Value)> more)
    {
        var key = account.Setting(Key);
        var fields = new List<KeyValuePair<string, string>>
        {
            new("key", key), new("command", command), new("var1", var1),
            new("hash", PayUHash.Command(key, account.SeveralSettings(Salt)[0], command, var1)),
        };
        fields.AddRange(more.Select(m => KeyValuePair.Create(m.Name, m.Value)));
        return new LineRequest(HttpMethod.Post, Service, [], Wire.Form(fields), "application/x-www-form-urlencoded");
    }

    /// <summary>Asked of their server; an answer, or what came instead.</summary>
    static async Task<(LineReply? Nothing, AnswerWire? Answer)> Ask(
        GatewayAccount account, string command, string var1, IEnumerable<(string, string)> more, GatewayLine line, CancellationToken stop)
    {
        var reply = await line.Send(Request(account, command, var1, more), stop);
        // Whatever they mean, they say it under 200; the type they call it is not to be relied on.
        return reply is not LineReply.Answered answered ? (reply, null)
            : answered.Status != 200 ? (new LineReply.Lost($"HTTP {answered.Status}"), null)
            : Wire.TryRead<AnswerWire>(answered.Body.Span, out var answer) ? (null, answer)
            : (new LineReply.Lost("The answer cannot be read."), null);
    }

    static bool FoundNothing(AnswerWire answer) =>
        PayUMapping.Word(answer.Status) == "0" && answer.Msg?.StartsWith("0 out of ", StringComparison.Ordinal) == true;

    static string Reason(GatewayLine line, AnswerWire answer) =>
        line.Redact(Wire.Line($"{PayUMapping.Word(answer.ErrorCode)} {answer.Msg}", LongestReason)) is { Length: > 0 } reason ? reason : "The answer says nothing of it.";

    /// <summary>Free text without the pipe that parts hashed values.</summary>
    static string Text(string? text, int most, string otherwise) =>
        Wire.Line((text ?? "").Replace('|', ' '), most) is { Length: > 0 } line ? line : otherwise;

    /// <summary>Live pages stand on a host of their own; a sandbox has everything on one.</summary>
    static string Page(GatewayAccount account) =>
        account.BaseUrl == Live ? "https://secure.payu.in/_payment" : $"{account.BaseUrl.AbsoluteUri.TrimEnd('/')}/_payment";
}
