using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.AcmePay;

/// <summary>Their words and amounts, and ours. Pure, and the only place that knows both. DECIDE for each word of theirs what it proves; a word that is not
/// in the table is <see cref="Evidence.Processing"/> with the word: neither success nor failure, and a person sees it.</summary>
static class AcmePayMapping
{
    /// <summary>TRAP: gateways disagree about the decimals of some currencies. List those whose amounts were checked, and no others.</summary>
    public static readonly ImmutableHashSet<string> Currencies = ["INR", "USD", "EUR", "GBP", "JPY", "KWD"];

    const long LeastMinorUnits = 100;

    public static string? RefusesAmount(Money amount) => amount switch
    {
        _ when !Currencies.Contains(amount.Currency.Code) => $"{amount.Currency.Code} is not paid here.",
        { MinorUnits: < LeastMinorUnits }                 => $"The least amount is {new Money(LeastMinorUnits, amount.Currency)}.",
        _                                                 => null,
    };

    /// <summary>Their amounts are minor units as in ISO 4217. For texts such as "499.00" there is <see cref="Money.TryParseMajor"/>.</summary>
    static bool TryMoney(long? amount, string? currency, [NotNullWhen(true)] out Money? money)
    {
        money = amount is > 0 && Currency.TryFind(currency, out var known) ? new Money(amount.Value, known) : null;
        return money is not null;
    }

    /// <summary>All that a link and its payments say; null when they cannot be read. Money is told whatever the link's own status is: it may come
    /// late, twice, or on a link that was cancelled.</summary>
    public static IReadOnlyList<Evidence>? Facts(LinkWire link)
    {
        if (link is not { Id: { Length: > 0 } id, Payments: { } tries } || !TryMoney(link.Amount, link.Currency, out var asked)) return null;
        var told = tries.Select(Fact).ToList();
        if (told.Contains(null)) return null;

        var facts = told.OfType<Evidence>().Where(f => f is not Evidence.Declined).ToList();
        var took = facts.Exists(f => f is Evidence.Succeeded);
        var underWay = facts.Exists(f => f is Evidence.Processing);
        // Their page lets the shopper try again, so a decline ends nothing; it is told as long as it matters.
        if (link.Status == "open" && !took && told.OfType<Evidence.Declined>().LastOrDefault() is { } declined) facts.Add(declined);
        Evidence? end = link.Status switch
        {
            "open"      => new Evidence.LinkOpened(link.Url is null ? null : new PaymentLink.Redirect(link.Url), asked) { GatewayTime = Wire.Time(link.CreatedAt) },
            // TRAP: paid, but by money that was not shown. Success is never told without its amount.
            "paid"      => took ? null : new Evidence.Processing(),
            // A try that is under way may still bring money; the end is told once it cannot.
            "expired"   => underWay ? null : new Evidence.LinkExpired(),
            "cancelled" => underWay ? null : new Evidence.LinkCancelled(),
            var word    => new Evidence.Processing(word ?? "no status"),
        };
        if (end is not null) facts.Add(end);
        return [.. facts.Select(f => f with { GatewayReference = id })];
    }

    /// <summary>What one try says by itself; null when it cannot be read. TRAP: "declined" may turn into money days later, so it is never
    /// <see cref="Evidence.Failed"/>, which says that no money can come any more.</summary>
    public static Evidence? Fact(PaymentWire? payment)
    {
        if (payment is not { Id: { Length: > 0 } id } || !TryMoney(payment.Amount, payment.Currency, out var amount)) return null;
        Evidence fact = payment.Status switch
        {
            "captured"   => new Evidence.Succeeded(id, amount.Value, payment.Method, payment.Fee),
            "processing" => new Evidence.Processing(),
            "declined"   => new Evidence.Declined(payment.Reason ?? "declined"),
            var word     => new Evidence.Processing(word ?? "no status"),
        };
        return fact with { GatewayTime = Wire.Time(payment.CreatedAt) };
    }

    /// <summary>Null for what cannot be read, a word that we do not know included: then nobody knows, and it is asked about again.</summary>
    public static RefundEvidence? Fact(RefundWire? refund)
    {
        if (refund is not { Id: { Length: > 0 } id } || !TryMoney(refund.Amount, refund.Currency, out var amount)) return null;
        RefundEvidence? fact = refund.Status switch
        {
            "pending"   => new RefundEvidence.Accepted(),
            "succeeded" => new RefundEvidence.Succeeded(amount.Value),
            "failed"    => new RefundEvidence.Failed(refund.Reason ?? "failed"),
            _           => null,
        };
        return fact is null ? null : fact with { RefundReference = id, GatewayTime = Wire.Time(refund.CreatedAt) };
    }
}
