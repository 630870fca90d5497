using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.Ippopay;

/// <summary>Their words and amounts, and ours. Pure; the only place that knows both.</summary>
static class IppopayMapping
{
    public static readonly Currency Rupee = Currency.Find("INR");

    const int LongestName = 100;

    const string Created = "created", Paid = "paid", NoRefund = "not_requested";

    public static string? RefusesAmount(Money amount) => amount switch
    {
        _ when amount.Currency != Rupee => $"{amount.Currency.Code} is not paid here.",
        { MinorUnits: <= 0 }            => "The amount must be more than nothing.",
        _ => null,
    };

    /// <summary>The modes that their page offers; all of them when no way to pay was chosen.</summary>
    public static string Modes(string? method) => method switch
    {
        PaymentMethods.Card       => "cc,dc",
        PaymentMethods.NetBanking => "nb",
        PaymentMethods.Upi        => "upi",
        _                         => "cc,dc,nb,upi",
    };

    public static string? Method(string? mode) => mode?.ToLowerInvariant() switch
    {
        null or ""                 => null,
        "cc" or "dc"               => PaymentMethods.Card,
        "nb"                       => PaymentMethods.NetBanking,
        var upi when upi.StartsWith("upi", StringComparison.Ordinal) => PaymentMethods.Upi,
        var other                  => other,
    };

    /// <summary>The notes come back when money came and not before, so our reference travels in the name too: all else in the answer to a new order could
    /// be another's.</summary>
    public static string CustomerName(string? name, PaymentId payment) => $"{Wire.Line(name ?? "", LongestName)} {payment.Reference}".TrimStart();

    /// <summary>Our new order, which nobody can have paid yet; null when it is not that.</summary>
    public static Evidence.LinkOpened? Opened(OrderWire order, PaymentId payment, string url) =>
        order.OrderId is { Length: > 0 } && order.Customer?.Name?.EndsWith(payment.Reference, StringComparison.OrdinalIgnoreCase) == true && Same(order.Status, Created) && TryRupees(order.Amount, order.Currency, out var amount)
            ? new Evidence.LinkOpened(new PaymentLink.Redirect(url), amount) { GatewayReference = order.OrderId }
            : null;

    /// <summary>All that an order and the one transaction that they show of it say; null when they cannot be read.</summary>
    public static IReadOnlyList<Evidence>? Facts(OrderWire order, TransactionWire? transaction, string url)
    {
        if (!TryRupees(order.Amount, order.Currency, out var asked)) return null;
        var open = new Evidence.LinkOpened(new PaymentLink.Redirect(url), asked);
        var took = transaction is null ? null : Took(transaction);
        if (Same(transaction?.Status, "success") && took is null) return null;
        IReadOnlyList<Evidence> facts = (Word(order.Status), Word(transaction?.Status)) switch
        {
            (_, "success")                       => [took!],
            // Paid by money that we were not shown: on its way as far as we know, and never a success without its amount.
            (Paid, _)                            => [new Evidence.Processing()],
            (Created, null)                      => [open],
            // The page lets the shopper try again.
            (Created, "failure" or "failed")     => [new Evidence.Declined(Reason(transaction!)) { GatewayTime = Time(transaction!.CreatedAt) }, open],
            // The shopper closed the page; it opens again.
            (Created, "cancelled" or "canceled" or "closed") => [open],
            (Created, "pending")                 => [new Evidence.Processing()],
            (Created, var word)                  => [new Evidence.Processing(word)],
            (var word, _)                        => [new Evidence.Processing(word ?? "no status")],
        };
        return [.. facts.Select(f => f with { GatewayReference = order.OrderId })];
    }

    /// <summary>What a transaction says of its refund. There is no name of a refund and no amount: it is the one that was asked for.</summary>
    public static RefundEvidence Refunded(TransactionWire transaction, Money asked) => Word(transaction.RefundStatus) switch
    {
        NoRefund                                                   => new RefundEvidence.Absent(),
        "refunded" or "success" or "completed" or "processed"      => new RefundEvidence.Succeeded(asked),
        "failed" or "failure" or "rejected"                        => new RefundEvidence.Failed($"refund_status {Word(transaction.RefundStatus)}"),
        // Requested, under way, or a word that we do not know: it is theirs now.
        _                                                          => new RefundEvidence.Accepted(),
    };

    /// <summary>The captured money of a transaction; null when it took none, or does not say how much.</summary>
    public static Evidence.Succeeded? Took(TransactionWire transaction) =>
        Same(transaction.Status, "success") && transaction.TransId is { Length: > 0 } id && TryRupees(transaction.Cost?.Paid, Rupee.Code, out var paid)
            ? new Evidence.Succeeded(id, paid, Method(transaction.Gateway?.PaymentMode?.PayModeId), Units(transaction.Commission?.Value), Units(transaction.Commission?.Tax))
            {
                GatewayTime = Time(transaction.CreatedAt),
            }
            : null;

    /// <summary>False when the notes came back and are somebody else's. Where they are not told nothing is known against it.</summary>
    public static bool MayBeOurs(TransactionWire transaction, PaymentId payment) =>
        transaction.Notes.ValueKind != JsonValueKind.String || transaction.Notes.GetString() is null or "" || transaction.Notes.GetString() == payment.Reference;

    /// <summary>More than nothing, in rupees.</summary>
    static bool TryRupees(decimal? amount, string? currency, out Money money)
    {
        money = default;
        return amount > 0 && currency == Rupee.Code && Money.TryFromMajor(amount.Value, Rupee, out money);
    }

    /// <summary>Their samples are rounded loosely; a fee with more decimals than money has is not told.</summary>
    static long? Units(decimal? amount) => amount >= 0 && Money.TryFromMajor(amount.Value, Rupee, out var money) ? money.MinorUnits : null;

    static string Reason(TransactionWire transaction) => transaction.FailureReason is { Length: > 0 } why ? Wire.Line(why, 200) : "declined";

    static DateTimeOffset? Time(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;

    /// <summary>Their parts disagree about capitals.</summary>
    static string? Word(string? theirs) => string.IsNullOrWhiteSpace(theirs) ? null : theirs.Trim().ToLowerInvariant();

    static bool Same([NotNullWhen(true)] string? theirs, string word) => Word(theirs) == word;
}
