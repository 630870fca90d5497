using Purser.Payments;

namespace Purser.Orders;

/// <summary>How we came to know. Callbacks of the shopper's browser are not in the list: they prove nothing and only lead to an inquiry.</summary>
public enum EvidenceSource { Reply, Inquiry, Webhook, Settlement, Operator }

/// <summary>What is known to have happened to one payment. Never refused: kept even when it contradicts us.</summary>
public abstract record Evidence : OrderInput
{
    Evidence() { }

    /// <summary>The payment's number within its order.</summary>
    public int Payment { get; init; }
    public EvidenceSource Source { get; init; }
    /// <summary>When this was true at the latest, by our clock: when the message arrived, or when the question was sent.</summary>
    public DateTimeOffset At { get; init; }
    /// <summary>The gateway's own time for it, in UTC whatever zone it is told in; shown, and tells one decline from another where the tries have no names.</summary>
    public DateTimeOffset? GatewayTime { get; init => field = value?.ToUniversalTime(); }
    /// <summary>The gateway's name for the link.</summary>
    public string? GatewayReference { get; init; }
    /// <summary>The raw bytes' key: the gateway's event id for a webhook, the call's id for an answer.</summary>
    public string? RawKey { get; init; }

    /// <summary>Adapters say what happened; whoever called or received says to which payment, how and when it was learned. From here on a
    /// gateway's words are fit to be kept.</summary>
    public Evidence Learned(int payment, EvidenceSource source, DateTimeOffset at, string? rawKey)
    {
        var fit = Fit();
        return fit with { Payment = payment, Source = source, At = at, RawKey = Words.Fit(rawKey), GatewayReference = Words.Fit(GatewayReference) };
    }

    Evidence Fit() => this switch
    {
        LinkRefused e => e with { Reason = Words.Fit(e.Reason)! },
        NotSent e => e with { Reason = Words.Fit(e.Reason)! },
        AnswerLost e => e with { Reason = Words.Fit(e.Reason)! },
        Declined e => e with { Reason = Words.Fit(e.Reason)!, TryReference = Words.Fit(e.TryReference) },
        Processing e => e with { UnknownWord = Words.Fit(e.UnknownWord) },
        Succeeded e => e with { MoneyReference = Words.Fit(e.MoneyReference)!, Method = Words.Fit(e.Method) },
        Failed e => e with { Reason = Words.Fit(e.Reason)! },
        Reversed e => e with { MoneyReference = Words.Fit(e.MoneyReference)! },
        DisputeOpened e => e with { DisputeReference = Words.Fit(e.DisputeReference) },
        DisputeClosed e => e with { DisputeReference = Words.Fit(e.DisputeReference) },
        MixedUp e => e with { Why = Words.Fit(e.Why)! },
        Unsettled e => e with { MoneyReference = Words.Fit(e.MoneyReference)!, Why = Words.Fit(e.Why)! },
        _ => this,
    };

    /// <summary>The link exists and can be paid.</summary>
    /// <param name="Amount">What the gateway will ask of the shopper, where it tells; compared with ours before anybody sees the link.</param>
    public sealed record LinkOpened(PaymentLink? Link, Money? Amount) : Evidence;

    /// <summary>A definite no to one question for a link: that question created nothing.</summary>
    /// <param name="Ask">Which of the payment's questions, from 1.</param>
    public sealed record LinkRefused(int Ask, string Reason) : Evidence;

    /// <summary>The question never left us: nothing was created by it, and it may be asked again.</summary>
    public sealed record NotSent(int Ask, string Reason) : Evidence;

    /// <summary>The answer to a question for a link was lost or could not be read.</summary>
    public sealed record AnswerLost(int Ask, string Reason) : Evidence;

    /// <summary>One try on the link was declined; the link may still be payable.</summary>
    public sealed record Declined(string Reason) : Evidence
    {
        /// <summary>The gateway's name of the try, where its news and its answers tell the same one. Two of one name are one decline, whatever times they tell;
        /// without a name, the time tells one decline from another.</summary>
        public string? TryReference { get; init; }
    }

    /// <summary>Money is on its way; or, with a word that we do not know, we cannot tell.</summary>
    public sealed record Processing(string? UnknownWord = null) : Evidence;

    /// <summary>Money was captured.</summary>
    /// <param name="MoneyReference">The gateway's own name for this money; the same money always has the same name.</param>
    public sealed record Succeeded(
        string MoneyReference, Money Amount, string? Method = null, long? Fee = null, long? Tax = null) : Evidence;

    /// <summary>It ended without money, and the link cannot be paid any more.</summary>
    public sealed record Failed(string Reason) : Evidence;

    /// <summary>The link was closed on request.</summary>
    public sealed record LinkCancelled : Evidence;

    /// <summary>The link's time ran out at the gateway.</summary>
    public sealed record LinkExpired : Evidence;

    /// <summary>The gateway knows nothing under our reference.</summary>
    public sealed record Absent : Evidence;

    /// <summary>The gateway took captured money back by itself.</summary>
    public sealed record Reversed(string MoneyReference, Money Amount) : Evidence;

    /// <summary>The shopper's bank took the money, or wants it.</summary>
    /// <param name="DisputeReference">The gateway's own name for the dispute; null only in a statement's row that does not say it.</param>
    /// <param name="RowKey">The statement's row that took the money, where one tells of it.</param>
    public sealed record DisputeOpened(string? DisputeReference, Money Amount, string? RowKey = null) : Evidence;

    /// <summary>The dispute is over. A row says so by bringing the money back.</summary>
    public sealed record DisputeClosed(string? DisputeReference, Money Amount, bool Won, string? RowKey = null) : Evidence;

    /// <summary>The answer names a link or money that another payment of the account holds, so it says nothing of this one.</summary>
    public sealed record MixedUp(string Why) : Evidence;

    /// <summary>A row of the gateway's statement has the money.</summary>
    /// <param name="PaidOut">The row is part of a payout; the statement has no rows for payouts of its own.</param>
    public sealed record Settled(string MoneyReference, Purser.Settled Row, bool PaidOut) : Evidence;

    /// <summary>A statement that covers the money has it as failed or not at all, or the day it was due has passed.</summary>
    public sealed record Unsettled(string MoneyReference, string Why) : Evidence;
}
