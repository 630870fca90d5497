using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;

namespace Purser.Gateways.Stripe;

/// <summary>Their words and amounts, and ours. Pure; the only place that knows both.</summary>
static class StripeMapping
{
    /// <summary>The metadata key that carries our reference.</summary>
    public const string ReferenceKey = "payment";
    /// <summary>The metadata key of a refund that carries our reference to it.</summary>
    public const string RefundKey = "refund";

    /// <summary>What their page can be narrowed down to: all three are cards there. Whatever else an account has is the page's own choice.</summary>
    public static readonly ImmutableArray<MethodOffer> Offers = [new(PaymentMethods.Card), new(PaymentMethods.GooglePay), new(PaymentMethods.ApplePay)];

    // Their exponents differ from ISO 4217's for these three: ISK and UGX are sent times 100, MGA without decimals.
    static readonly ImmutableHashSet<string> TimesHundred = ["ISK", "UGX"];
    static readonly ImmutableHashSet<string> Hundredth = ["MGA"];

    public static readonly ImmutableHashSet<string> Currencies = [
        "AED", "AUD", "BGN", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "INR", "MXN", "MYR", "NOK", "NZD", "PLN", "RON",
        "SEK", "SGD", "THB", "TWD", "USD", "ZAR",
        "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF", "ISK", "UGX", "MGA",
        "BHD", "JOD", "KWD", "OMR", "TND",
    ];

    /// <summary>Least and greatest amounts depend on the account's settlement currency; their own refusal tells.</summary>
    public static string? RefusesAmount(Money amount) => amount switch
    {
        _ when !Currencies.Contains(amount.Currency.Code)          => $"{amount.Currency.Code} is not paid here.",
        { MinorUnits: <= 0 }                                       => "The amount must be more than nothing.",
        { Currency.Exponent: 3 } when amount.MinorUnits % 10 != 0  => $"In {amount.Currency.Code} the third decimal must be 0.",
        _ when Hundredth.Contains(amount.Currency.Code) && amount.MinorUnits % 100 != 0 => $"{amount.Currency.Code} is paid in whole units.",
        _ => null,
    };

    public static long ToWire(Money amount) => amount.Currency.Code switch
    {
        var code when TimesHundred.Contains(code) => checked(amount.MinorUnits * 100),
        var code when Hundredth.Contains(code)    => amount.MinorUnits / 100,
        _                                         => amount.MinorUnits,
    };

    public static bool TryMoney(long? wire, string? currency, [NotNullWhen(true)] out Money? money)
    {
        money = null;
        if (wire is not >= 0 || !Currency.TryFind(currency?.ToUpperInvariant(), out var known)) return false;
        if (TimesHundred.Contains(known.Code))
        {
            if (wire % 100 == 0) money = new Money(wire.Value / 100, known);
        }
        else if (Hundredth.Contains(known.Code))
        {
            if (wire <= long.MaxValue / 100) money = new Money(wire.Value * 100, known);
        }
        else money = new Money(wire.Value, known);
        return money is not null;
    }

    /// <summary>The same of an amount with a sign.</summary>
    public static bool TrySigned(long? wire, string? currency, [NotNullWhen(true)] out Money? money)
    {
        if (wire is not < 0) return TryMoney(wire, currency, out money);
        money = wire > long.MinValue && TryMoney(-wire, currency, out var plain) ? -plain.Value : null;
        return money is not null;
    }

    /// <summary>All that a session says, with its payment intent where that was expanded; null when it cannot be read.</summary>
    public static IReadOnlyList<Evidence>? Facts(SessionWire session)
    {
        if (session.Id is null || !TryMoney(session.AmountTotal, session.Currency, out var total)) return null;
        var intent = session.PaymentIntent?.Object;
        // The same money has the same name here and in the payment intent's own events. Only an order of nothing has no intent.
        var money = session.PaymentIntent?.Id ?? (total.Value.MinorUnits == 0 ? session.Id : null);
        var method = Method(intent?.LatestCharge?.Object?.PaymentMethodDetails);

        var facts = new List<Evidence>();
        switch (session.Status, session.PaymentStatus)
        {
            case (_, "paid" or "no_payment_required") when session.Status is "open" or "complete" or "expired":
                if (money is null) return null;
                // What was received counts, not what was asked for.
                if (intent is null) facts.Add(new Evidence.Succeeded(money, total.Value, method));
                else if (!AddTry(facts, intent)) return null;
                break;
            case ("open" or "complete" or "expired", not "unpaid"):
                facts.Add(new Evidence.Processing(session.PaymentStatus ?? "no payment status"));
                break;
            case ("open", _):
                if (intent is not null && !WaitsForTheShopper(intent) && !AddTry(facts, intent)) return null;
                if (!facts.OfType<Evidence.Succeeded>().Any())
                    facts.Add(new Evidence.LinkOpened(session.Url is null ? null : new PaymentLink.Redirect(session.Url), total));
                break;
            case ("complete", _):
                if (intent is null) facts.Add(new Evidence.Processing());
                // The page is over, so a failed try is the end of it.
                else if (intent.Status == "requires_payment_method") facts.Add(new Evidence.Failed(Why(intent)));
                else if (!AddTry(facts, intent)) return null;
                break;
            case ("expired", _):
                if (intent is { Status: "succeeded" or "processing" or "requires_capture" } && !AddTry(facts, intent)) return null;
                if (facts.Count == 0) facts.Add(new Evidence.LinkExpired());
                break;
            default:
                facts.Add(new Evidence.Processing(session.Status ?? "no status"));
                break;
        }
        return [.. facts.Select(f => f with { GatewayReference = session.Id, GatewayTime = f.GatewayTime ?? Wire.Time(session.Created) })];
    }

    static bool AddTry(List<Evidence> facts, IntentWire intent)
    {
        if (intent.Status == "requires_payment_method" && intent.LastPaymentError is null) return true;
        var fact = Fact(intent);
        if (fact is not null) facts.Add(fact);
        return fact is not null;
    }

    /// <summary>Their bank asks who pays, and they may have gone away from that: no money is on its way, and while the page is open it can be paid there.</summary>
    public static bool WaitsForTheShopper(IntentWire intent) => intent.Status is "requires_action" or "requires_confirmation";

    /// <summary>What a payment intent says by itself; null when it cannot be read.</summary>
    public static Evidence? Fact(IntentWire intent)
    {
        if (intent.Id is null) return null;
        Evidence? fact = intent.Status switch
        {
            "succeeded" => TryMoney(intent.AmountReceived, intent.Currency, out var received)
                ? new Evidence.Succeeded(intent.Id, received.Value, Method(intent.LatestCharge?.Object?.PaymentMethodDetails))
                : null,
            // One try failed; while the page is open the shopper may try again.
            "requires_payment_method" => Decline(intent),
            "requires_confirmation" or "requires_action" or "processing" or "requires_capture" => new Evidence.Processing(),
            "canceled" => intent.CancellationReason is "automatic" or "expired" ? new Evidence.LinkExpired() : new Evidence.LinkCancelled(),
            var word => new Evidence.Processing(word ?? "no status"),
        };
        return fact is null ? null : fact with { GatewayTime = fact.GatewayTime ?? Wire.Time(intent.LatestCharge?.Object?.Created ?? intent.Created) };
    }

    /// <summary>A wallet on the shopper's device pays with a card.</summary>
    public static string? Method(MethodWire? details) => details?.Card?.Wallet?.Type is PaymentMethods.GooglePay or PaymentMethods.ApplePay ? details.Card.Wallet.Type : details?.Type;

    /// <summary>What one refund says by itself; null when it cannot be read. Succeeded means that it was handed to the bank, and may still fail.</summary>
    public static RefundEvidence? Fact(RefundWire refund)
    {
        if (refund.Id is null || !TryMoney(refund.Amount, refund.Currency, out var amount)) return null;
        RefundEvidence fact = refund.Status switch
        {
            "succeeded" => new RefundEvidence.Succeeded(amount.Value),
            "failed"    => new RefundEvidence.Failed(refund.FailureReason ?? "failed"),
            "canceled"  => new RefundEvidence.Failed("canceled"),
            _           => new RefundEvidence.Accepted(),
        };
        return fact with { GatewayTime = Wire.Time(refund.Created), RefundReference = refund.Id };
    }

    /// <summary>Ours, from its metadata; null for a refund that somebody made in the dashboard.</summary>
    public static RefundId? Refund(RefundWire refund) => RefundId.TryParseReference(refund.Metadata?.GetValueOrDefault(RefundKey), out var ours) ? ours : null;

    /// <summary>What a row is about. Money that the bank took back without a dispute (a debit that bounced after it had succeeded) is one to us.</summary>
    public static SettlementKind Kind(string category) => category switch
    {
        "charge"                      => SettlementKind.Payment,
        "refund"                      => SettlementKind.Refund,
        "refund_failure"              => SettlementKind.RefundReturned,
        "dispute" or "charge_failure" => SettlementKind.Dispute,
        "dispute_reversal"            => SettlementKind.DisputeReturned,
        "payout" or "payout_reversal" => SettlementKind.Payout,
        _                             => SettlementKind.Adjustment,
    };

    /// <summary>The try that failed last. Its charge names it in news and answers alike; a try that came to none, for the shopper's bank did not know them, is named by
    /// the means it was made with.</summary>
    public static Evidence.Declined Decline(IntentWire intent)
    {
        var (error, charge) = (intent.LastPaymentError, intent.LatestCharge?.Object);
        // The latest charge may be an older try's; the means may be as new as the try.
        var at = error?.Charge is { } name && name == charge?.Id ? charge.Created : Later(charge?.Created, error?.PaymentMethod?.Object?.Created);
        return new Evidence.Declined(Why(intent)) { TryReference = error?.Charge ?? error?.PaymentMethod?.Id, GatewayTime = Wire.Time(at ?? intent.Created) };
    }

    static long? Later(long? one, long? other) => one > other ? one : other ?? one;

    public static string Why(IntentWire intent) =>
        intent.LastPaymentError?.DeclineCode ?? intent.LastPaymentError?.Code ?? "payment_failed";

    /// <summary>Statuses are an open set; a word that we do not know is an open dispute.</summary>
    public static Evidence? Fact(DisputeWire dispute)
    {
        if (dispute.Id is null || !TryMoney(dispute.Amount, dispute.Currency, out var amount)) return null;
        Evidence fact = dispute.Status switch
        {
            // An inquiry that was closed, or a dispute that was prevented, took no money.
            "won" or "warning_closed" or "prevented" => new Evidence.DisputeClosed(dispute.Id, amount.Value, Won: true),
            "lost" => new Evidence.DisputeClosed(dispute.Id, amount.Value, Won: false),
            _      => new Evidence.DisputeOpened(dispute.Id, amount.Value),
        };
        return fact with { GatewayTime = Wire.Time(dispute.Created) };
    }
}
