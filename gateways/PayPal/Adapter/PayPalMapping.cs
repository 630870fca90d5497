using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.PayPal;

/// <summary>Their words and amounts, and ours. Pure; the only place that knows both.</summary>
static class PayPalMapping
{
    public static readonly ImmutableHashSet<string> Currencies = [
        "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK",
        "SGD", "THB", "TWD", "USD",
    ];

    // They take these in whole units only, where ISO 4217 has two decimals.
    static readonly ImmutableHashSet<string> Whole = ["HUF", "TWD"];

    // Money that a bank or a buyer has called back while it was under way.
    static readonly ImmutableHashSet<string> KnownReasons = [
        "BUYER_COMPLAINT", "CHARGEBACK", "ECHECK", "INTERNATIONAL_WITHDRAWAL", "OTHER", "PENDING_REVIEW", "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION",
        "REFUNDED", "TRANSACTION_APPROVED_AWAITING_FUNDING", "UNILATERAL", "VERIFICATION_REQUIRED", "DECLINED_BY_RISK_FRAUD_FILTERS",
    ];

    public static string? RefusesAmount(Money amount) => amount switch
    {
        _ when !Currencies.Contains(amount.Currency.Code)                             => $"{amount.Currency.Code} is not paid here.",
        { MinorUnits: <= 0 }                                                          => "The amount must be more than nothing.",
        _ when Whole.Contains(amount.Currency.Code) && amount.MinorUnits % 100 != 0   => $"{amount.Currency.Code} is paid in whole units.",
        _ => null,
    };

    public static AmountWire ToWire(Money amount)
    {
        var text = amount.ToMajorUnits();
        return new(amount.Currency.Code, Whole.Contains(amount.Currency.Code) ? text[..text.IndexOf('.', StringComparison.Ordinal)] : text);
    }

    public static bool TryMoney(AmountWire? wire, [NotNullWhen(true)] out Money? money)
    {
        money = null;
        if (wire?.Value is not { } text || !Currency.TryFind(wire.CurrencyCode, out var currency) || !Money.TryParseMajor(text, currency, out var read)) return false;
        money = read;
        return true;
    }

    /// <summary>With a time zone, whose colon may be missing; null for anything else.</summary>
    public static DateTimeOffset? Time(string? text) => DateTimeOffset.TryParseExact(text,
        ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz"],
        CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    /// <summary>The one purchase unit of an order, when it is this payment's.</summary>
    public static UnitWire? Ours(OrderWire order, PaymentId payment) =>
        order is { Id.Length: > 0, PurchaseUnits: [{ } unit] } && unit.ReferenceId == payment.Reference
        && (unit.CustomId is null || unit.CustomId == payment.Reference)
        && (unit.Payments?.Captures is not { } captures || captures.All(c => c.CustomId is null || c.CustomId == payment.Reference))
            ? unit
            : null;

    /// <summary>All that an order says; null when it cannot be read. Approval moves no money, so an approved order is a link like another.</summary>
    public static IReadOnlyList<Evidence>? Facts(OrderWire order, UnitWire unit)
    {
        IReadOnlyList<Evidence>? facts = order.Status switch
        {
            "CREATED" or "SAVED" or "PAYER_ACTION_REQUIRED" or "APPROVED" => Opened(order, unit) is { } opened ? [opened] : null,
            "COMPLETED" => Captured(order, unit),
            "VOIDED"    => [new Evidence.LinkCancelled()],
            var word    => [new Evidence.Processing(word ?? "no status")],
        };
        return facts is null ? null : [.. facts.Select(f => f with { GatewayReference = order.Id, GatewayTime = f.GatewayTime ?? Time(order.CreateTime) })];
    }

    public static Evidence.LinkOpened? Opened(OrderWire order, UnitWire unit)
    {
        // One or the other, by whether the way of paying stood in the request.
        var page = order.Links?.FirstOrDefault(l => l.Rel is "payer-action" or "approve")?.Href;
        var isPage = Uri.TryCreate(page, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttps || url is { Scheme: "http", IsLoopback: true });
        return TryMoney(unit.Amount, out var amount)
            ? new Evidence.LinkOpened(isPage ? new PaymentLink.Redirect(page!) : null, amount) { GatewayReference = order.Id, GatewayTime = Time(order.CreateTime) }
            : null;
    }

    /// <summary>"Completed" is not paid: what was captured may be pending or declined.</summary>
    static List<Evidence>? Captured(OrderWire order, UnitWire unit)
    {
        if (unit.Payments?.Captures is not { Count: > 0 } captures) return null;
        var facts = new List<Evidence>();
        // The order is over, so a try that failed is the end of it, unless another one came through.
        var ended = captures.All(c => c.Status is "DECLINED" or "FAILED");
        foreach (var capture in captures)
        {
            Evidence? fact = capture.Status switch
            {
                "COMPLETED" or "PARTIALLY_REFUNDED" or "REFUNDED" => Succeeded(order, capture),
                "DECLINED" or "FAILED" => ended ? new Evidence.Failed(Why(capture)) : new Evidence.Declined(Why(capture)),
                "PENDING" => new Evidence.Processing(capture.StatusDetails?.Reason is { } reason && !KnownReasons.Contains(reason) ? reason : null),
                var word  => new Evidence.Processing(word ?? "no status"),
            };
            if (fact is null) return null;
            facts.Add(fact with { GatewayTime = Time(capture.CreateTime) });
        }
        return facts;
    }

    static string Why(CaptureWire capture) => capture.StatusDetails?.Reason ?? capture.Status!;

    static Evidence.Succeeded? Succeeded(OrderWire order, CaptureWire capture)
    {
        if (capture.Id is not { Length: > 0 } || !TryMoney(capture.Amount, out var amount)) return null;
        // A fee in another currency is not this money's.
        long? fee = TryMoney(capture.SellerReceivableBreakdown?.PaypalFee, out var kept) && kept.Value.Currency == amount.Value.Currency ? kept.Value.MinorUnits : null;
        var method = order.PaymentSource is { ValueKind: System.Text.Json.JsonValueKind.Object } source ? source.EnumerateObject().Select(f => f.Name).FirstOrDefault() : null;
        return new Evidence.Succeeded(capture.Id, amount.Value, method, fee);
    }

    /// <summary>What a refund says; null when it cannot be read. A word that we do not know says no more than that they have it.</summary>
    public static RefundEvidence? Fact(RefundWire refund)
    {
        if (refund.Id is not { Length: > 0 } || !TryMoney(refund.Amount, out var amount)) return null;
        RefundEvidence fact = refund.Status switch
        {
            "COMPLETED"             => new RefundEvidence.Succeeded(amount.Value),
            "FAILED" or "CANCELLED" => new RefundEvidence.Failed(refund.StatusDetails?.Reason ?? refund.Status),
            _                       => new RefundEvidence.Accepted(),
        };
        return fact with { RefundReference = refund.Id, GatewayTime = Time(refund.UpdateTime ?? refund.CreateTime) };
    }

    public static bool IsOf(RefundWire refund, RefundId ours) => (refund.CustomId ?? refund.InvoiceId) == ours.Reference;
}
