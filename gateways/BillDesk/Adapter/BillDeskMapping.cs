using System.Globalization;
using Purser.Orders;
using Purser.Refunds;

namespace Purser.Gateways.BillDesk;

/// <summary>Their words and ours, both ways. Pure.</summary>
static class BillDeskMapping
{
    /// <summary>They write currencies as numbers, and amounts as rupees with two decimals.</summary>
    const string RupeeNumber = "356";

    public static readonly Currency Rupee = Currency.Find("INR");

    public static string? RefusesAmount(Money amount) =>
        amount.Currency != Rupee ? "BillDesk takes INR only." : amount.MinorUnits <= 0 ? "There is nothing to pay." : null;

    /// <summary>Null when it is none: exactly two decimals, as they write it.</summary>
    public static Money? Amount(string? text, string? currency) =>
        currency == RupeeNumber && text is [.., '.', _, _] && Money.TryParseMajor(text, Rupee, out var money) && money.MinorUnits >= 0 ? money : null;

    /// <summary>Null when the transaction is not readable as one of this order.</summary>
    public static IReadOnlyList<Evidence>? Facts(TransactionWire transaction, string merchant, string reference) =>
        transaction.Objectid == "transaction" && transaction.Mercid == merchant && transaction.Orderid == reference && Fact(transaction) is { } fact
            ? [fact with { GatewayReference = reference, GatewayTime = Time(transaction.TransactionDate) }]
            : null;

    /// <summary>Null when it lacks what its status needs.</summary>
    public static Evidence? Fact(TransactionWire transaction) => transaction.AuthStatus switch
    {
        "0300" => transaction.Transactionid is { Length: > 0 } name && Amount(transaction.Amount, transaction.Currency) is { } amount
            ? new Evidence.Succeeded(name, amount, Method(transaction.PaymentMethodType)) : null,
        "0399" => new Evidence.Failed(Reason(transaction)),
        // Pending at the bank; and an error on their side, of which nobody knows the outcome yet.
        "0002" or "0001" => new Evidence.Processing(),
        { Length: > 0 } word => new Evidence.Processing(Wire.Line(word, 100)),
        _ => null,
    };

    /// <summary>Null for what cannot be read, and for a word that they do not explain: whether money goes back is not guessed.</summary>
    public static RefundEvidence? Fact(RefundWire refund)
    {
        if (refund.Objectid != "refund" || refund.Refundid is not { Length: > 0 } name || Amount(refund.RefundAmount, refund.Currency) is not { } amount) return null;
        RefundEvidence? fact = refund.RefundStatus switch
        {
            // The payment was taken back before it was settled, or the refund was taken on; the bank's credit follows.
            "0699" or "0799" => new RefundEvidence.Succeeded(amount),
            "0002" => new RefundEvidence.Accepted(),
            "0399" => new RefundEvidence.Failed("0399"),
            _ => null,
        };
        return fact is null ? null : fact with { RefundReference = name, GatewayTime = Time(refund.RefundDate) };
    }

    public static string? Method(string? theirs) => theirs switch
    {
        null or "" => null,
        "eft" or "bankaccount" => "bank_transfer",
        _ => Wire.Line(theirs, 40),
    };

    static string Reason(TransactionWire transaction) =>
        Wire.Line($"{transaction.TransactionErrorCode ?? transaction.AuthStatus} {transaction.TransactionErrorDesc}", 300);

    public static DateTimeOffset? Time(string? text) =>
        DateTimeOffset.TryParseExact(text, "yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture, DateTimeStyles.None, out var at) ? at : null;
}
