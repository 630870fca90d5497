using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.Razorpay;

/// <summary>Their words and amounts, and ours. Pure; the only place that knows both.</summary>
static class RazorpayMapping
{
    /// <summary>The note that carries our reference.</summary>
    public const string ReferenceNote = "payment";
    /// <summary>The note of a refund that carries our reference, as its receipt does.</summary>
    public const string RefundNote = "refund";

    // Amounts are in ISO 4217's minor units. Currencies whose exponent is disputed among gateways (ISK, UGX, MGA and the like) are left out.
    public static readonly ImmutableHashSet<string> Currencies = [
        "INR", "USD", "EUR", "GBP", "SGD", "AED", "AUD", "CAD", "NZD", "CHF", "SEK", "NOK", "DKK", "HKD", "MYR", "THB", "PHP", "IDR", "ZAR",
        "SAR", "QAR", "LKR", "NPR", "BDT", "MUR", "KES", "MXN", "CZK", "PLN", "ILS", "JPY", "KWD", "BHD", "OMR",
    ];

    /// <summary>What their page can be narrowed down to, by their words.</summary>
    public static readonly ImmutableArray<string> Switches = ["card", "upi", "netbanking", "wallet"];

    /// <summary>Google Pay arrives as UPI, so it is asked for as that. Instalments, pay later and bank transfers have no switch: the page alone decides.</summary>
    public static readonly ImmutableArray<MethodOffer> Offers =
    [
        new(PaymentMethods.Upi, "INR"), new(PaymentMethods.Card), new(PaymentMethods.NetBanking, "INR"), new(PaymentMethods.GooglePay, "INR"), new(PaymentMethods.Wallet, "INR"),
    ];

    public static string? Switch(string? method) => method == PaymentMethods.GooglePay ? PaymentMethods.Upi : method is not null && Switches.Contains(method) ? method : null;

    /// <summary>INR 1.00 is the least they take.</summary>
    const long LeastPaise = 100;

    public static string? RefusesAmount(Money amount) => amount switch
    {
        _ when !Currencies.Contains(amount.Currency.Code) => $"{amount.Currency.Code} is not paid here.",
        { MinorUnits: <= 0 }                              => "The amount must be more than nothing.",
        { Currency.Code: "INR", MinorUnits: < LeastPaise } => "The least amount is 1.00 INR.",
        { Currency.Exponent: 3 } when amount.MinorUnits % 10 != 0 => $"In {amount.Currency.Code} the third decimal must be 0.",
        _ => null,
    };

    public static bool TryMoney(long? amount, string? currency, [NotNullWhen(true)] out Money? money)
    {
        money = amount is >= 0 && Currency.TryFind(currency, out var known) ? new Money(amount.Value, known) : null;
        return money is not null;
    }

    /// <summary>All that a link and the tries on it say; null when they cannot be read.</summary>
    /// <param name="tries">Every try, where they could be asked for; else null, and the link's own rows count.</param>
    public static IReadOnlyList<Evidence>? Facts(LinkWire link, IReadOnlyList<PaymentWire>? tries)
    {
        if (link.Id is null || !TryMoney(link.Amount, link.Currency, out var asked)) return null;
        tries ??= [.. (link.Payments ?? []).Select(row => new PaymentWire
        {
            Id = row.PaymentId, Status = row.Status, Amount = row.Amount, Currency = link.Currency, Method = row.Method, CreatedAt = row.CreatedAt,
        })];

        var facts = new List<Evidence>();
        foreach (var attempt in tries)
            if (Fact(attempt) is not { } fact) return null;
            else if (fact is not Evidence.Declined && !(link.Status == "created" && WaitsForTheShopper(attempt))) facts.Add(fact);

        var took = facts.OfType<Evidence.Succeeded>().Any();
        var underWay = facts.OfType<Evidence.Processing>().Any();
        var open = link.Status is "created" or "partially_paid";
        // The last decline tells why the shopper is still here; after a success or on a closed link nobody asks.
        if (open && !took && tries.Where(t => t.Status == "failed").MaxBy(t => t.CreatedAt ?? 0) is { } failed) facts.Add(Fact(failed)!);

        Evidence? end = link.Status switch
        {
            "created" when !took => new Evidence.LinkOpened(link.ShortUrl is null ? null : new PaymentLink.Redirect(link.ShortUrl), asked)
            {
                GatewayTime = Wire.Time(link.CreatedAt),
            },
            "created"        => null,
            "partially_paid" => new Evidence.Processing(),
            // Paid by money that we were not shown: on its way as far as we know, and never a success without its amount.
            "paid"           => took ? null : facts.OfType<Evidence.Reversed>().Any() ? new Evidence.LinkExpired() : new Evidence.Processing(),
            // A try under way may still bring money; the link's end is told when it cannot any more.
            "expired"        => underWay ? null : new Evidence.LinkExpired(),
            "cancelled"      => underWay ? null : new Evidence.LinkCancelled(),
            var word         => new Evidence.Processing(word ?? "no status"),
        };
        if (end is not null) facts.Add(end);
        return [.. facts.Select(f => f with { GatewayReference = link.Id })];
    }

    /// <summary>Begun, and no bank has said yes: they may have gone away from its check, and may pay on the same link, whose order takes one success only. On a link
    /// that was closed or has lapsed it may still become money, so that its end is not told, and no other payment begins, until the try has failed.</summary>
    public static bool WaitsForTheShopper(PaymentWire attempt) => attempt.Status == "created";

    /// <summary>What one try says by itself; null when it cannot be read.</summary>
    public static Evidence? Fact(PaymentWire attempt)
    {
        if (attempt.Id is null || !TryMoney(attempt.Amount, attempt.Currency, out var amount)) return null;
        Evidence fact = attempt.Status switch
        {
            "captured"                            => Took(attempt, amount.Value),
            // Captured and wholly given back: it is not ours any more. Given back without capture: it never was.
            "refunded" when attempt.Captured != false => new Evidence.Reversed(attempt.Id, amount.Value),
            "refunded"                            => new Evidence.Declined("refunded_uncaptured") { TryReference = attempt.Id },
            "authorized" or "created"             => new Evidence.Processing(),
            // Not final: a late authorisation may follow.
            "failed"                              => new Evidence.Declined(attempt.ErrorReason ?? attempt.ErrorCode ?? "failed") { TryReference = attempt.Id },
            var word                              => new Evidence.Processing(word ?? "no status"),
        };
        return fact with { GatewayTime = Wire.Time(attempt.CreatedAt) };
    }

    static Evidence.Succeeded Took(PaymentWire attempt, Money amount) => new(attempt.Id!, amount, attempt.Method, attempt.Fee, attempt.Tax);

    /// <summary>Money is back where it was when a dispute is won, and also when it is closed without a verdict.</summary>
    public static Evidence? Fact(DisputeWire dispute)
    {
        if (dispute.Id is null || !TryMoney(dispute.Amount, dispute.Currency, out var amount)) return null;
        Evidence fact = dispute.Status switch
        {
            "won" or "closed" => new Evidence.DisputeClosed(dispute.Id, amount.Value, Won: true),
            "lost"            => new Evidence.DisputeClosed(dispute.Id, amount.Value, Won: false),
            _                 => new Evidence.DisputeOpened(dispute.Id, amount.Value),
        };
        return fact with { GatewayTime = Wire.Time(dispute.CreatedAt) };
    }

    /// <summary>What one refund says by itself; null when it cannot be read. Created and pending ones may still fail, and words that we do not know too.</summary>
    public static RefundEvidence? Fact(RefundWire refund)
    {
        if (refund.Id is null || !TryMoney(refund.Amount, refund.Currency, out var amount)) return null;
        RefundEvidence fact = refund.Status switch
        {
            "processed" => new RefundEvidence.Succeeded(amount.Value, BankReference(refund.AcquirerData)),
            "failed"    => new RefundEvidence.Failed("failed"),
            _           => new RefundEvidence.Accepted(),
        };
        return fact with { GatewayTime = Wire.Time(refund.CreatedAt), RefundReference = refund.Id };
    }

    static string? BankReference(JsonElement acquirer) =>
        acquirer.ValueKind != JsonValueKind.Object ? null : Text(acquirer, "arn") ?? Text(acquirer, "rrn") ?? Text(acquirer, "utr");

    /// <summary>Ours, from its receipt, else from its notes; null for a refund that somebody made in the dashboard.</summary>
    public static RefundId? Refund(RefundWire refund) =>
        RefundId.TryParseReference(refund.Receipt, out var ours) || RefundId.TryParseReference(Reference(refund.Notes, RefundNote), out ours) ? ours : null;

    /// <summary>Our reference from notes, whatever shape they have.</summary>
    public static string? Reference(JsonElement notes, string name = ReferenceNote) => notes.ValueKind == JsonValueKind.Object ? Text(notes, name) : null;

    static string? Text(JsonElement fields, string name) =>
        fields.TryGetProperty(name, out var note) && note.ValueKind == JsonValueKind.String
            ? note.GetString()
            : null;
}
