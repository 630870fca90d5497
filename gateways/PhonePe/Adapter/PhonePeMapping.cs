using System.Collections.Immutable;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.PhonePe;

/// <summary>Their words and amounts, and ours. Pure; the only place that knows both. Amounts are paise, and there is no other currency.</summary>
static class PhonePeMapping
{
    /// <summary>INR 1.00, for payments and for refunds (one page of theirs says 0.01 for refunds).</summary>
    public const long LeastPaise = 100;

    public static readonly Currency Rupee = Currency.Find("INR");

    public static readonly ImmutableArray<MethodOffer> Offers =
        [new(PaymentMethods.Upi, "INR"), new(PaymentMethods.Card, "INR"), new(PaymentMethods.NetBanking, "INR")];

    public static string? RefusesAmount(Money amount) => amount switch
    {
        _ when amount.Currency != Rupee  => $"{amount.Currency.Code} is not paid here.",
        { MinorUnits: < LeastPaise }     => "The least amount is 1.00 INR.",
        _                                => null,
    };

    /// <summary>The page's ways to pay; empty leaves the choice to the page.</summary>
    public static ImmutableArray<string> Modes(string? method) => method switch
    {
        PaymentMethods.Upi        => ["UPI_INTENT", "UPI_COLLECT", "UPI_QR"],
        PaymentMethods.Card       => ["CARD"],
        PaymentMethods.NetBanking => ["NET_BANKING"],
        _                         => [],
    };

    static string? Method(string? mode) => mode switch
    {
        "UPI_INTENT" or "UPI_COLLECT" or "UPI_QR" or "PPE_INTENT" => PaymentMethods.Upi,
        "CARD" or "TOKEN"                                         => PaymentMethods.Card,
        "NET_BANKING"                                             => PaymentMethods.NetBanking,
        _                                                         => null,
    };

    /// <summary>What an order says of a payment; null when it cannot be read. The order's own state decides, and not that of its tries.</summary>
    public static IReadOnlyList<Evidence>? Facts(OrderWire order)
    {
        if (order.OrderId is not { Length: > 0 } id || order.State is not { Length: > 0 } || order.Amount is not > 0) return null;
        var tries = order.PaymentDetails ?? [];
        IReadOnlyList<Evidence>? facts = order.State switch
        {
            "COMPLETED" => Money(tries),
            "PENDING"   => Open(new Money(order.Amount.Value, Rupee), tries),
            // Money on an order without money: neither is believed, and it is asked about again.
            "FAILED" when tries.Any(t => t.State == "COMPLETED") => [new Evidence.Processing("FAILED with a COMPLETED try")],
            "FAILED" when order.DetailedErrorCode == "TXN_AUTO_FAILED" => [new Evidence.LinkExpired()],
            "FAILED"    => [new Evidence.Failed(order.DetailedErrorCode ?? order.ErrorCode ?? "FAILED")],
            "EXPIRED"   => [new Evidence.LinkExpired()],
            "CANCELLED" => [new Evidence.LinkCancelled()],
            var word    => [new Evidence.Processing(word)],
        };
        return facts?.Select(f => f with { GatewayReference = id }).ToList();
    }

    /// <summary>Money has the name of its try. A paid order whose tries cannot be read is no answer: another name later would be other money.</summary>
    static List<Evidence>? Money(IReadOnlyList<TryWire> tries)
    {
        var paid = tries.Where(t => t.State == "COMPLETED").ToList();
        if (paid.Count == 0 || paid.Any(t => t.TransactionId is not { Length: > 0 } || t.Amount is not > 0)) return null;
        return [.. paid.OrderBy(t => t.Timestamp).Select(t =>
            new Evidence.Succeeded(t.TransactionId!, new Money(t.Amount!.Value, Rupee), Method(t.PaymentMode)) { GatewayTime = Time(t.Timestamp) })];
    }

    static List<Evidence> Open(Money amount, IReadOnlyList<TryWire> tries)
    {
        var last = tries.MaxBy(t => t.Timestamp ?? 0);
        if (tries.FirstOrDefault(t => t.State != "FAILED") is { } underWay)
            return [new Evidence.Processing(underWay.State is "PENDING" or "COMPLETED" ? null : underWay.State ?? "no state") { GatewayTime = Time(underWay.Timestamp) }];
        // The address of the page is told once, when the order is made.
        var open = new Evidence.LinkOpened(null, amount);
        return last is null ? [open] : [new Evidence.Declined(Reason(last)) { GatewayTime = Time(last.Timestamp) }, open];
    }

    static string Reason(TryWire failed) => failed.DetailedErrorCode ?? failed.ErrorCode ?? "FAILED";

    /// <summary>Null when it cannot be read. What is on its way is accepted, under whatever word.</summary>
    public static RefundEvidence? Fact(RefundWire refund)
    {
        if (refund.State is not { Length: > 0 } || refund.Amount is not > 0) return null;
        RefundEvidence fact = refund.State switch
        {
            "COMPLETED" => new RefundEvidence.Succeeded(new Money(refund.Amount.Value, Rupee), BankReference(refund)),
            "FAILED"    => new RefundEvidence.Failed(refund.DetailedErrorCode ?? refund.ErrorCode ?? "FAILED"),
            _           => new RefundEvidence.Accepted(),
        };
        return fact with { RefundReference = refund.RefundId };
    }

    static string? BankReference(RefundWire refund) => (refund.PaymentDetails ?? [])
        .SelectMany(t => t.SplitInstruments ?? []).Select(s => s.Rail?.Utr ?? s.Instrument?.Arn).FirstOrDefault(r => r is { Length: > 0 });

    /// <summary>Their times of tries and orders are milliseconds, those of tokens are seconds.</summary>
    static DateTimeOffset? Time(long? milliseconds) => Wire.Time(milliseconds / 1000);
}
