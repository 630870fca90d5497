using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.CCAvenue;

/// <summary>One try to pay, as their list of an order's tries tells it.</summary>
public sealed record Attempt(string Order, string Reference, string Status, Money Amount)
{
    /// <summary>What was captured, where it differs from what was asked (a confirmation in part, an offer of theirs).</summary>
    public required Money Captured { get; init; }
    public string? Method { get; init; }
    public long? Fee { get; init; }
    public long? Tax { get; init; }
    public DateTimeOffset? At { get; init; }

    /// <summary>All of it went back, and not by refunds of ours.</summary>
    public bool ReturnedByOthers { get; init; }
}

/// <summary>Their words and amounts, and ours. Pure; the only place that knows both.</summary>
public static class CCAvenueMapping
{
    public static readonly Currency Rupee = Currency.Find("INR");

    /// <summary>Ten digits before the point and two after it.</summary>
    static readonly Money Most = new(999_999_999_999, Rupee);

    public const string Captured = "Shipped", Refunded = "Refunded", Authorised = "Successful";

    public static string? RefusesAmount(Money amount) =>
        amount.Currency != Rupee ? $"{amount.Currency.Code} is not paid here."
        : amount.MinorUnits <= 0 ? "The amount must be more than nothing."
        : amount.MinorUnits > Most.MinorUnits ? $"The most is {Most}."
        : null;

    /// <summary>Null when it does not say whose it is, how it stands, and over how much.</summary>
    public static Attempt? Attempt(CCAvenueNode row)
    {
        if (row.Text("order_no") is not { } order || row.Text("reference_no") is not { } reference || row.Text("order_status") is not { } status) return null;
        if (!Currency.TryFind(row.Text("order_currncy", "order_currency")?.ToUpperInvariant(), out var currency)) return null;
        if (row.Money(currency, "order_amt") is not { } amount) return null;
        // An amount that is there and cannot be read is not passed over.
        var captured = row.Money(currency, "order_capt_amt");
        if (captured is null && row.Text("order_capt_amt") is not null) return null;
        // Nor is a capture of nothing a capture of what was asked.
        if (status == Captured && captured is { MinorUnits: <= 0 }) return null;
        var percent = row.Money(currency, "order_fee_perc_value");
        return new Attempt(order, reference, status, amount)
        {
            Captured = captured is { MinorUnits: > 0 } some ? some : amount,
            Method = Method(row.Text("order_option_type")),
            Fee = percent is { } part ? part.MinorUnits + (row.Money(currency, "order_fee_flat")?.MinorUnits ?? 0) : null,
            Tax = row.Money(currency, "order_tax")?.MinorUnits,
            At = row.Time("order_status_date_time", "order_date_time"),
        };
    }

    /// <summary>What all tries under one order number say together, oldest first. Their page goes away after a try, but the form that led there can be
    /// posted again and opens another one, and no call closes it: nothing but money ends the payment.</summary>
    /// <param name="asked">What the form asks of the shopper.</param>
    public static IReadOnlyList<Evidence> Facts(IReadOnlyList<Attempt> tries, Money asked, string name)
    {
        var read = tries.OrderBy(t => t.At ?? DateTimeOffset.MinValue).ThenBy(t => t.Reference, StringComparer.Ordinal).ToList();
        var money = read.SelectMany(Money).ToList();
        var rest = read.Where(t => !Money(t).Any()).Select(t => Fact(t, asked)).ToList();
        IEnumerable<Evidence> stands = money.Exists(f => f is Evidence.Succeeded) ? [] : Stands(rest, asked);
        IReadOnlyList<Evidence> facts = [.. money, .. stands];
        return [.. facts.Select(f => f with { GatewayReference = name })];
    }

    /// <summary>Facts about money that was taken. What they took back by themselves is not ours, and was a success only where we saw it as one.</summary>
    static IEnumerable<Evidence> Money(Attempt one)
    {
        var taken = new Evidence.Succeeded(one.Reference, one.Captured, one.Method, one.Fee, one.Tax) { GatewayTime = one.At };
        return one.Status switch
        {
            Captured => [taken],
            Refunded when !one.ReturnedByOthers => [taken],
            Refunded or "Auto-Reversed" or "Systemrefund" => [new Evidence.Reversed(one.Reference, one.Captured) { GatewayTime = one.At }],
            // They give a dispute no name of its own.
            "Chargeback" => [taken, new Evidence.DisputeOpened($"chargeback-{one.Reference}", one.Captured) { GatewayTime = one.At }],
            _ => [],
        };
    }

    static IEnumerable<Evidence> Stands(List<Evidence> facts, Money asked)
    {
        // A word that nobody knows says more than one that everybody does.
        if (facts.OfType<Evidence.Processing>().MaxBy(p => p.UnknownWord is not null) is { } onItsWay) return [onItsWay];
        return
        [
            .. facts.OfType<Evidence.Declined>(),
            facts.OfType<Evidence.LinkOpened>().LastOrDefault() ?? new Evidence.LinkOpened(null, asked) { GatewayTime = facts.LastOrDefault()?.GatewayTime },
        ];
    }

    /// <summary>What one try says that took no money.</summary>
    static Evidence Fact(Attempt one, Money asked)
    {
        Evidence fact = one.Status switch
        {
            "Initiated"                  => new Evidence.LinkOpened(null, one.Amount),
            "Awaited"                    => new Evidence.Processing(),
            // The bank said yes, and it has not been taken yet.
            Authorised                   => new Evidence.Processing(),
            "Unsuccessful" or "Invalid" or "Aborted" => new Evidence.Declined(one.Status),
            // Another amount turned up in their own reconciliation; a person finds the word.
            "Fraud"                      => new Evidence.Declined(one.Status),
            // The bank had said yes; the merchant let it go, or nobody confirmed it within their twelve days.
            "Cancelled" or "Auto-Cancelled" => new Evidence.Declined(one.Status),
            // The page of that posting is over, and not the form.
            "Timeout"                    => new Evidence.LinkOpened(null, asked),
            var word                     => new Evidence.Processing(word),
        };
        return fact with { GatewayTime = one.At };
    }

    /// <summary>The try to be confirmed where an account does not do so by itself: the first that said yes over what we asked, when none is confirmed.
    /// Their list may lag, also behind a confirmation of ours; so it must be older than all that may not show yet, and then it is the same one
    /// however often the list is read.</summary>
    /// <param name="shown">What happened before this is in the list.</param>
    public static Attempt? ToConfirm(IReadOnlyList<Attempt> tries, Money asked, DateTimeOffset shown) => tries.Any(t => Money(t).Any())
        ? null : tries.Where(t => t.Status == Authorised && t.Amount == asked).OrderBy(t => t.At ?? DateTimeOffset.MaxValue).FirstOrDefault() is { At: { } at } first && at <= shown ? first : null;

    /// <summary>Not failed and not declined: this money is gone or on its way.</summary>
    public static bool TookMoney(CCAvenueNode refund) => refund.Text("refund_status") is not ("TS-REFF" or "TS-REFD");

    /// <summary>A name that we gave to a refund of another order.</summary>
    public static bool IsOfAnother(CCAvenueNode refund, OrderId order) => RefundId.TryParseReference(refund.Text("refund_mer_ref_no"), out var id) && id.Order != order;

    /// <summary>A list of refunds does not say whose they are: amount and currency must be the try's, no name another order's, and no more may have gone
    /// back than came.</summary>
    public static bool MayBeRefundsOf(Attempt one, CCAvenueNode told, IReadOnlyList<CCAvenueNode> refunds, OrderId order)
    {
        if (told.Money(one.Amount.Currency, "order_amt") != one.Amount || (told.Text("order_curr", "order_currency") ?? one.Amount.Currency.Code) != one.Amount.Currency.Code) return false;
        var back = refunds.Where(TookMoney).Select(r => r.Money(one.Amount.Currency, "refund_amt")).ToList();
        return !back.Contains(null) && !refunds.Any(r => IsOfAnother(r, order)) && back.Sum(m => m!.Value.MinorUnits) <= one.Captured.MinorUnits;
    }

    public static string? Method(string? option) => option switch
    {
        "OPTCRDC" or "OPTDBCRD" or "OPTEMI" => PaymentMethods.Card,
        "OPTNBK" => PaymentMethods.NetBanking,
        "OPTUPI" => PaymentMethods.Upi,
        "OPTWLT" or "OPTCASHC" or "OPTMOBP" => PaymentMethods.Wallet,
        "OPTNEFT" => PaymentMethods.BankTransfer,
        var other => other?.ToLowerInvariant(),
    };

    /// <summary>Null when it cannot be read, or has a word that is not known: whether money went back is not guessed.</summary>
    public static RefundEvidence? Refund(CCAvenueNode row, Currency currency)
    {
        RefundEvidence? fact = row.Text("refund_status") switch
        {
            "TS-REFA" => new RefundEvidence.Accepted(),
            "TS-REFC" when row.Money(currency, "refund_amt") is { } amount => new RefundEvidence.Succeeded(amount, row.Text("refund_bank_ref_no")),
            "TS-REFF" or "TS-REFD" => new RefundEvidence.Failed(row.Text("refund_status")!),
            _ => null,
        };
        return fact is null ? null : fact with { RefundReference = row.Text("refund_mer_ref_no") };
    }
}
