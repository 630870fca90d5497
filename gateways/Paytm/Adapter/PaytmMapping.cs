using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.Paytm;

/// <summary>Their words, codes, amounts and times, and ours. Pure; the only place that knows both.</summary>
static class PaytmMapping
{
    public const string Wallet = "paytm_wallet";

    const int LongestReason = 300;

    public static readonly Currency Rupee = Currency.Find("INR");

    public static readonly TimeSpan India = new(5, 30, 0);
    public static readonly string[] TimeFormats = ["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss.F", "yyyy-MM-dd HH:mm:ss.FF", "yyyy-MM-dd HH:mm:ss.FFF"];

    /// <summary>Wrong checksum or merchant: who asks does not have the right settings, and learns nothing.</summary>
    static readonly ImmutableHashSet<string> WrongSettings = ["330", "335", "2005"];

    /// <summary>Their trouble, under whatever status it comes; it says nothing about the payment.</summary>
    static readonly ImmutableHashSet<string> TheirTrouble = ["501", "900", "00000900"];

    /// <summary>The order id has a result already.</summary>
    static readonly ImmutableHashSet<string> Used = ["325", "334", "1005"];

    /// <summary>The body that asks for a token: a pure function of the call, written once, with ASCII only. The shopper's fields are optional and left
    /// out when they are not in the form they take. Their own wallet and cards are several modes each.</summary>
    public static string Initiation(LinkCall call)
    {
        var reference = call.Payment.Reference;
        return Json(json =>
        {
            json.WriteString("requestType", "Payment");
            json.WriteString("mid", call.Account.Setting(PaytmGateway.Mid));
            json.WriteString("websiteName", call.Account.Setting(PaytmGateway.Website));
            json.WriteString("orderId", reference);
            json.WriteString("callbackUrl", Wire.WithField(call.ReturnUrl, $"{PaytmNews.PaymentField}={reference}"));
            json.WriteStartObject("txnAmount");
            json.WriteString("value", call.Amount.ToMajorUnits());
            json.WriteString("currency", call.Amount.Currency.Code);
            json.WriteEndObject();
            json.WriteStartObject("userInfo");
            // They want a name of the customer that stays; the order's is the only one we have.
            json.WriteString("custId", call.Payment.Order.Letters);
            if (Wire.Email(call.Customer.Email) is { } email) json.WriteString("email", email);
            if (IndianMobile(call.Customer.Phone) is { } mobile) json.WriteString("mobile", mobile);
            json.WriteEndObject();
            if (Modes(call.Method) is { Length: > 0 } modes)
            {
                json.WriteStartArray("enablePaymentMode");
                foreach (var mode in modes)
                {
                    json.WriteStartObject();
                    json.WriteString("mode", mode);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            }
        });
    }

    public static string Text(params ReadOnlySpan<(string Name, string Value)> fields)
    {
        var given = fields.ToArray();
        return Json(json =>
        {
            foreach (var (name, value) in given) json.WriteString(name, value);
        });
    }

    static string Json(Action<Utf8JsonWriter> write)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(text.ToArray());
    }

    static ImmutableArray<string> Modes(string? method) => method switch
    {
        PaymentMethods.Upi        => ["UPI"],
        PaymentMethods.Card       => ["CREDIT_CARD", "DEBIT_CARD"],
        PaymentMethods.NetBanking => ["NET_BANKING"],
        Wallet                    => ["BALANCE"],
        _                         => [],
    };

    public static string? Method(string? mode) => mode switch
    {
        "UPI"                               => PaymentMethods.Upi,
        "CC" or "DC" or "EMI"               => PaymentMethods.Card,
        "CREDIT_CARD" or "DEBIT_CARD"       => PaymentMethods.Card,
        "NB" or "NET_BANKING"               => PaymentMethods.NetBanking,
        "PPI" or "BALANCE"                  => Wallet,
        _                                   => mode?.ToLowerInvariant(),
    };

    static string? IndianMobile(string? phone)
    {
        var digits = Wire.Phone(phone)?.TrimStart('+');
        return digits switch { { Length: 10 } => digits, { Length: 12 } when digits.StartsWith("91", StringComparison.Ordinal) => digits[2..], _ => null };
    }

    /// <summary>A token, or why there is none. Null: the order id is used, and its status tells.</summary>
    public static GatewayAnswer? Initiated(InitiatedWire wire, bool signed, LinkCall call, Func<string, string> redact) => wire.Result switch
    {
        // The second one says that the same was asked before, and gives its token.
        { Status: "S", Code: "0000" or "0002" } when wire.Token is { Length: > 0 } token => signed
            ? new GatewayAnswer.Done(Opened(token, call))
            : new GatewayAnswer.Unknown("The answer is not signed with our key."),
        { Status: "F", Code: { } code } when Used.Contains(code) => null,
        // Something was asked under this id before with other words, and may be payable; and a token whose time is over can be had anew.
        { Status: "F", Code: "2023" or "1006" } result => new GatewayAnswer.Unknown(Why(result, redact)),
        { Status: "F", Code: { Length: > 0 } code } result when !TheirTrouble.Contains(code) => new GatewayAnswer.Rejected(Why(result, redact)),
        { Code: not null } result => new GatewayAnswer.Unknown(Why(result, redact)),
        _ => new GatewayAnswer.Unknown("The answer is no token."),
    };

    /// <summary>They do not say the amount back; it was signed, and the same id with another one is refused.</summary>
    static Evidence.LinkOpened Opened(string token, LinkCall call)
    {
        var (mid, reference) = (call.Account.Setting(PaytmGateway.Mid), call.Payment.Reference);
        var page = $"{call.Account.BaseUrl.AbsoluteUri.TrimEnd('/')}/theia/api/v1/showPaymentPage?{PaytmGateway.Query(call.Account, reference)}";
        var fields = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, new Dictionary<string, string> { ["mid"] = mid, ["orderId"] = reference, ["txnToken"] = token });
        return new Evidence.LinkOpened(new PaymentLink.Form(page, fields), call.Amount) { GatewayReference = reference };
    }

    public static GatewayAnswer Status(OrderWire wire, bool signed, InquireCall call, Func<string, string> redact)
    {
        if (wire.Result is not { Status: { Length: > 0 } word, Code: { } code } result) return new GatewayAnswer.Unknown("The answer is no status.");
        // An id that they call wrong is a mistake of the request too, and not the end of a payment.
        if (WrongSettings.Contains(code) || TheirTrouble.Contains(code) || code == "334" || word == "U") return new GatewayAnswer.Unknown(Why(result, redact));
        if (!signed) return new GatewayAnswer.Unknown("The answer is not signed with our key.");
        var (mid, reference) = (call.Account.Setting(PaytmGateway.Mid), call.Payment.Reference);
        if ((wire.OrderId ?? reference) != reference || (wire.Mid ?? mid) != mid) return new GatewayAnswer.Unknown("The answer is about another order.");

        Evidence? fact = (word, code) switch
        {
            ("TXN_SUCCESS", "01") => Success(wire),
            ("TXN_SUCCESS", _)    => new Evidence.Processing($"{word} {code}"),
            // The code is more to be trusted than the word.
            ("PENDING", _) or (_, "400" or "402")               => new Evidence.Processing(),
            ("NO_RECORD_FOUND", _) or ("TXN_FAILURE", "331")    => new Evidence.Absent(),
            // The shopper gave up. An order id that has come to a result is never payable again.
            ("TXN_FAILURE", "141") => new Evidence.LinkCancelled(),
            ("TXN_FAILURE", _)     => new Evidence.Failed(Why(result, redact)),
            _                      => new Evidence.Processing(word),
        };
        return fact switch
        {
            null => new GatewayAnswer.Unknown("The status cannot be read."),
            Evidence.Absent => new GatewayAnswer.Done(fact),
            // Only that there is nothing can be said without a name.
            _ when wire.OrderId is null || wire.Mid is null => new GatewayAnswer.Unknown("The answer does not say whose status it is."),
            _ => new GatewayAnswer.Done(fact with { GatewayReference = reference, GatewayTime = Time(wire.TxnDate) }),
        };
    }

    /// <summary>Success names its order, its merchant, its money and an amount, or it is none. Their currency is the rupee unless they say otherwise.</summary>
    static Evidence? Success(OrderWire wire)
    {
        if (wire is not { OrderId: not null, Mid: not null, TxnId: { Length: > 0 } id, Currency: null or "INR" } || !TryRupees(wire.TxnAmount, out var amount)) return null;
        // Reserved money is not captured money.
        return wire.TxnType is null or "SALE" ? new Evidence.Succeeded(id, amount.Value, Method(wire.PaymentMode)) : new Evidence.Processing($"TXN_SUCCESS {wire.TxnType}");
    }

    /// <summary>What a refund's answer says. Null: it must be asked about, for this answer alone does not tell whether an earlier one went through.</summary>
    public static RefundAnswer? Refund(RefundWire wire, bool signed, RefundCall call, bool inquiry, Func<string, string> redact)
    {
        if (wire.Result is not { Status: { Length: > 0 } word, Code: { Length: > 0 } code } result) return new RefundAnswer.Unknown("The answer is about no refund.");
        if (WrongSettings.Contains(code) || TheirTrouble.Contains(code) || word == "U") return new RefundAnswer.Unknown(Why(result, redact));
        var (mid, order, refund) = (call.Account.Setting(PaytmGateway.Mid), call.Payment.Reference, call.Refund.Reference);
        if ((wire.Mid ?? mid) != mid || (wire.OrderId ?? order) != order || (wire.RefId ?? refund) != refund)
            return new RefundAnswer.Unknown("The answer is about another refund.");

        RefundEvidence? fact = (word, code) switch
        {
            ("TXN_SUCCESS", "10") => TryRupees(wire.RefundAmount, out var amount) && wire.RefId is not null
                ? new RefundEvidence.Succeeded(amount.Value, wire.Parts?.FirstOrDefault(p => p?.Rrn is { Length: > 0 })?.Rrn)
                : null,
            (_, "601" or "628") or ("PENDING", _) => new RefundEvidence.Accepted(),
            ("TXN_FAILURE" or "NO_RECORD_FOUND", "631") when inquiry => new RefundEvidence.Absent(),
            // Of an inquiry: these are about the request that was made, and say nothing of what became of it.
            (_, "617" or "626" or "627" or "629" or "334") => null,
            ("TXN_FAILURE", _) when inquiry => new RefundEvidence.Failed(Why(result, redact)),
            _ => null,
        };
        if (fact is null) return inquiry ? new RefundAnswer.Unknown(Why(result, redact)) : null;
        if (!signed) return new RefundAnswer.Unknown("The answer is not signed with our key.");
        return new RefundAnswer.Done(fact is RefundEvidence.Absent ? fact : fact with { RefundReference = wire.RefundId });
    }

    /// <summary>What was not made by this request nor by an earlier one: another refund under way is to be waited for, anything else is their no.</summary>
    public static RefundAnswer Refused(RefundWire wire, Func<string, string> redact) => wire.Result switch
    {
        { Code: "626" } result => new RefundAnswer.NotSent(Why(result, redact)),
        { Status: "TXN_FAILURE", Code: not ("617" or "629") } result => new RefundAnswer.Rejected(Why(result, redact)),
        { } result => new RefundAnswer.Unknown(Why(result, redact)),
        null => new RefundAnswer.Unknown("The answer is about no refund."),
    };

    public static bool TryRupees(string? text, [NotNullWhen(true)] out Money? money)
    {
        money = Money.TryParseMajor(text, Rupee, out var read) && read.MinorUnits > 0 ? read : null;
        return money is not null;
    }

    /// <summary>They write times of India without saying so.</summary>
    public static DateTimeOffset? Time(string? text) =>
        DateTime.TryParseExact(text, TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? new DateTimeOffset(time, India) : null;

    public static string Why(ResultWire result, Func<string, string> redact) => redact(Wire.Line($"{result.Code}: {result.Message ?? result.Status}", LongestReason));
}
