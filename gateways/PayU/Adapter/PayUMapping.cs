using System.Globalization;
using System.Text.Json;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.PayU;

/// <summary>Their words and amounts, and ours. Pure; the only place that knows both.</summary>
public static class PayUMapping
{
    public static readonly Currency Rupee = Currency.Find("INR");
    static readonly TimeSpan India = TimeSpan.FromMinutes(330);

    /// <summary>A try that the bank never answered may turn into money so long; then it is over.</summary>
    static readonly TimeSpan DroppedFor = TimeSpan.FromDays(5);

    public static string? RefusesAmount(Money amount) => amount switch
    {
        { Currency: var c } when c != Rupee => $"{amount.Currency.Code} is not paid here.",
        { MinorUnits: < 100 }               => "The least amount is 1.00 INR.",
        _                                   => null,
    };

    /// <summary>A text or a number as text, for their ids are sometimes numbers that are larger than a double holds.</summary>
    public static string? Word(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()?.Trim() is { Length: > 0 } text ? text : null,
        JsonValueKind.Number => value.GetRawText(),
        _                    => null,
    };

    /// <summary>What verify_payment says of one payment; null when it cannot be read.</summary>
    /// <param name="asked">What the form asks of the shopper.</param>
    /// <param name="now">When it was asked.</param>
    public static IReadOnlyList<Evidence>? Facts(JsonElement row, PaymentId payment, Money asked, DateTimeOffset startedAt, DateTimeOffset now)
    {
        if (row.ValueKind != JsonValueKind.Object) return null;
        string? Field(string name) => row.TryGetProperty(name, out var value) ? Word(value) : null;
        if (Field("status") is not { } status) return null;
        if (status == "Not Found") return [new Evidence.Absent()];
        if (Field("txnid") != payment.Reference || Field("mihpayid") is not { } money || !Money.TryParseMajor(Field("amt"), Rupee, out var amount)) return null;

        var method = Method(Field("mode"));
        var time = Time(Field("addedon"));
        // After a try that failed the same form is taken again, and no call closes it: nothing but a success ends it.
        var again = new Evidence.LinkOpened(null, asked);
        var reason = Field("error_Message") ?? Field("field9") ?? Field("error_code") ?? "failed";
        IReadOnlyList<Evidence> facts = (status, Field("unmappedstatus")) switch
        {
            ("success", "captured")      => [new Evidence.Succeeded(money, amount, method)],
            // Only authorised: not ours before it is captured.
            ("success", "auth")          => [new Evidence.Processing()],
            ("pending", "initiated")     => [new Evidence.LinkOpened(null, amount)],
            ("pending", "in progress" or "pending" or null) => [new Evidence.Processing()],
            ("failure", "failed")        => [new Evidence.Declined(reason), again],
            ("failure", "userCancelled") => [new Evidence.Declined("user_cancelled"), again],
            ("failure", "bounced")       => [again],
            // No word from the bank: it may still be captured, or captured and given back by them.
            ("failure", "dropped")       => now - (time ?? startedAt) > DroppedFor ? [new Evidence.Declined("dropped"), again] : [new Evidence.Processing()],
            ("failure", "autoRefund")    => [new Evidence.Reversed(money, amount), again],
            var (one, other)             => [new Evidence.Processing($"{one} {other}")],
        };
        return [.. facts.Select(f => f with { GatewayReference = payment.Reference, GatewayTime = time })];
    }

    public static string? Method(string? mode) => mode switch
    {
        "CC" or "DC" or "EMI" => PaymentMethods.Card,
        "NB"                  => PaymentMethods.NetBanking,
        "UPI"                 => PaymentMethods.Upi,
        "CASH"                => PaymentMethods.Wallet,
        _                     => null,
    };

    public static DateTimeOffset? Time(string? text) =>
        DateTime.TryParseExact(text, "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out var at) ? new DateTimeOffset(at, India) : null;

    /// <summary>What check_action_status says of one refund; null when it cannot be read.</summary>
    public static RefundEvidence? Fact(ActionWire action)
    {
        if (Word(action.RequestId) is not { } request || !Money.TryParseMajor(Word(action.Amt), Rupee, out var amount)) return null;
        RefundEvidence fact = action.Status?.ToLowerInvariant() switch
        {
            "success"                    => new RefundEvidence.Succeeded(amount.MinorUnits < 0 ? -amount : amount, Word(action.BankArn) ?? Word(action.BankRefNum)),
            "failure" or "user_cancelled" => new RefundEvidence.Failed(action.Status!),
            // Queued, requested, in progress, waiting for our balance: theirs to finish.
            _                            => new RefundEvidence.Accepted(),
        };
        return fact with { RefundReference = request };
    }

    /// <summary>The codes of a refund that will never be taken, whatever is done.</summary>
    public static bool IsDefinite(string? code) => int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number
        is 103 or 104 or 105 or 107 or 108 or 110 or 111 or 113 or (>= 115 and <= 117) or 119 or 121 or 123 or 124 or 125 or 128 or 130 or 230
        or (>= 232 and <= 247) or (>= 250 and <= 256) or 263 or 266 or 270 or 299 or 301 or (>= 303 and <= 306) or 424;
}
