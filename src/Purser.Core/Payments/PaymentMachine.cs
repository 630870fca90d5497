using Purser.Orders;
using static Purser.Payments.PaymentStatus;

namespace Purser.Payments;

/// <summary>What one piece of evidence makes of one payment, money aside: captures concern the whole order and are decided by
/// <see cref="OrderMachine"/>. Total and pure. It is a join: for each payment a stronger fact beats a weaker one, whatever order they
/// come in, and a fact heard twice counts once.</summary>
static class PaymentMachine
{
    public const string Absent = "absent";
    public const string Unreachable = "gateway_unreachable";
    public const string Won = "won";
    public const string Lost = "lost";

    /// <summary>Two readings that the gateway knows nothing prove it only when this far apart.</summary>
    public static readonly TimeSpan BetweenReadings = TimeSpan.FromSeconds(10);

    /// <param name="After">The payment after the evidence.</param>
    /// <param name="Event">What to tell of it, if anything.</param>
    /// <param name="AskNow">Ask the gateway at once how it stands.</param>
    /// <param name="AskForLink">Ask for the link once more, under the same key.</param>
    public readonly record struct Step(Payment After, EventType? Event = null, bool AskNow = false, bool AskForLink = false);

    public static Step Apply(Payment p, Evidence evidence, bool orderOpen, OrderRules rules)
    {
        // Whoever knows the link's name at the gateway tells us that it exists; but news of an end may be about another link.
        if (evidence.GatewayReference is { } reference && !IsNewsOfAnEnd(evidence)) p = p with { GatewayReference = p.GatewayReference ?? reference };

        p = FormMachine.Learn(p, evidence, rules);

        return (p.Status, evidence) switch
        {
            (Starting or Unresolved or Pending or Processing, Evidence.LinkOpened e) => Open(p, e),
            (_, Evidence.LinkOpened e) when e.Amount is null || e.Amount == p.Amount => new(Read(p, e) with { Link = p.Link ?? e.Link }),
            (_, Evidence.LinkOpened e)             => new(Read(p, e)),

            (_, Evidence.LinkRefused e)            => NothingCreated(p, e.Ask, e.Reason, tryAgain: false, orderOpen, rules),
            (_, Evidence.NotSent e)                => NothingCreated(p, e.Ask, e.Reason, tryAgain: true, orderOpen, rules),

            // Silence is not failure.
            (Starting, Evidence.AnswerLost e) when !Refused(p, e.Ask) =>
                new(p with { Status = Unresolved, Reason = e.Reason }, EventType.PaymentUnresolved),
            (_, Evidence.AnswerLost)               => new(p),

            // The answer to another question is none to ours; and a person is told.
            (Starting, Evidence.MixedUp e)         => new(Mixed(p) with { Status = Unresolved, Reason = e.Why }, EventType.PaymentUnresolved),
            (_, Evidence.MixedUp)                  => new(Mixed(p)),

            // A decline is the end of one try, not of the link.
            (Starting or Unresolved or Pending or Processing, Evidence.Declined e) => Declined(p, e),
            // On a payment that has ended there should be none: its link may be open after all.
            (Failed or Cancelled or Expired, Evidence.Declined) => new(p, AskNow: IsNews(evidence)),
            (_, Evidence.Declined)                 => new(p),

            // A word that we do not know is never failure and never success.
            (Starting or Unresolved or Pending or Processing, Evidence.Processing e) => OnItsWay(p, e),
            // Money may come all the same: until a later reading says otherwise, nobody is asked to pay a second time.
            (Failed or Cancelled or Expired, Evidence.Processing e) => new(p with { ProcessingAt = Later(p.ProcessingAt, e.At) }, AskNow: IsNews(evidence)),
            (_, Evidence.Processing)               => new(p),

            (Starting or Unresolved, Evidence.Absent e) => Missing(p, e, orderOpen, rules),
            (Pending or Processing, Evidence.Absent e)  => Forgotten(p, e, rules),
            (Failed or Cancelled or Expired, Evidence.Absent e) => new(e.At >= p.ProcessingAt + rules.Terms(p.Account).VisibilityDelay ? p with { ClearAt = Later(p.ClearAt, e.At) } : p),

            // A link may end while a try on it is still under way at a bank, and news of the end do not say; and a link that they name may be another one
            // under our reference, from a question whose answer was lost. Only who asked knows.
            (Succeeded, Evidence.Failed) when IsNewsOfAnEnd(evidence) && evidence.GatewayReference != p.GatewayReference => new(p),
            (not Succeeded, _) when IsNewsOfAnEnd(evidence) => new(p, AskNow: p.IsOpen),

            // What a statement has is there: they speak of another try on the link.
            (Succeeded or Held, Evidence.Failed or Evidence.Absent) when p.HasConfirmedMoney => new(p),

            // Failure after money changes nothing by itself, whatever its amount; the gateway is asked again, and a person if it insists.
            (Succeeded or Held, Evidence.Failed or Evidence.Absent) => Contradiction(p, evidence),
            (Succeeded or Held, Evidence.LinkCancelled or Evidence.LinkExpired) => new(p),

            (_, Evidence.Failed e)                 => End(Closed(p, e), Failed, e.Reason),
            (_, Evidence.LinkCancelled)            => End(Closed(p, evidence), Cancelled, null),
            (_, Evidence.LinkExpired)              => End(Closed(p, evidence), Expired, null),

            (_, Evidence.Succeeded or Evidence.Reversed or Evidence.DisputeOpened or Evidence.DisputeClosed) =>
                throw new InvalidOperationException("Money is decided by the order, not by the payment alone."),
            _ => throw new InvalidOperationException($"No rule for {evidence.GetType().Name} in status {p.Status}."),
        };
    }

    /// <summary>That a link has ended, or that it failed with its name, as a webhook tells it.</summary>
    static bool IsNewsOfAnEnd(Evidence evidence) => evidence.Source == EvidenceSource.Webhook
        && evidence is Evidence.LinkCancelled or Evidence.LinkExpired or Evidence.Failed { GatewayReference: not null };

    /// <summary>Nobody asked for it: what became of it is asked now. The answer to a question is looked after by the alarm.</summary>
    static bool IsNews(Evidence evidence) => evidence.Source is not (EvidenceSource.Inquiry or EvidenceSource.Reply);

    /// <summary>The gateway says that it is over. That takes news of money under way back if they are older, unless it only answers that the link is
    /// closed: a try on it may still be at a bank. What is wanted of the link is done, if that was known when it was asked last.</summary>
    static Payment Closed(Payment p, Evidence e) => p with
    {
        ClearAt = e.Source == EvidenceSource.Reply ? p.ClearAt : Later(p.ClearAt, e.At),
        CancelAsked = p.CancelAsked && (IsNews(e) || e.At < p.LookedAt),
    };

    /// <summary>What is said of this very payment, a wrong amount or success and failure, is the graver question.</summary>
    static Payment Mixed(Payment p) => p.Discrepancy is null or DiscrepancyKind.UnknownWord ? p with { Discrepancy = DiscrepancyKind.MixedUp } : p;

    /// <summary>Ended, and by which of several ends: a bank's no says more than a closed link, and that more than a lapsed one.</summary>
    static int Rank(PaymentStatus status) => status switch { Expired => 1, Cancelled => 2, Failed => 3, _ => 0 };

    static Step Open(Payment p, Evidence.LinkOpened e)
    {
        // What the shopper would be asked to pay is compared before anybody sees the link. A wrong one is closed, whatever is said of it later.
        var wrong = p.Discrepancy is DiscrepancyKind.LinkMismatch || (e.Amount is { } asked && asked != p.Amount);
        var askNow = wrong && p.Discrepancy is not DiscrepancyKind.LinkMismatch;
        p = wrong
            ? p with { Link = null, CancelAsked = true, Discrepancy = DiscrepancyKind.LinkMismatch }
            : p with { Link = p.Link ?? e.Link };
        p = p with { LinkOpenedAt = p.LinkOpenedAt < e.At ? p.LinkOpenedAt : e.At };
        return Standing(Read(p, e)) with { AskNow = askNow };
    }

    /// <summary>Only a reading of ours, and one later than the news of money under way, takes that news back.</summary>
    static Payment Read(Payment p, Evidence.LinkOpened e) => e.Source == EvidenceSource.Inquiry ? p with { ClearAt = Later(p.ClearAt, e.At) } : p;

    static Step OnItsWay(Payment p, Evidence.Processing e)
    {
        p = p with { ProcessingAt = Later(p.ProcessingAt, e.At) };
        if (e.UnknownWord is { } word) p = p with { Reason = word };
        return Standing(p);
    }

    static Step Declined(Payment p, Evidence.Declined e)
    {
        // An inquiry that sees the same try every minute has no news: by the try's name where it has one, else by the gateway's own time of it.
        var at = e.GatewayTime ?? e.At;
        var named = e.TryReference is not null && p.DeclinedTry is not null;
        if (named && e.TryReference == p.DeclinedTry) return new(p);
        // Two tries may end in the second that gateways tell; their names say that they are two.
        if (at < p.DeclinedAt || (at == p.DeclinedAt && !named)) return new(p);
        p = p with { Decline = e.Reason, DeclinedAt = at, DeclinedTry = e.TryReference };
        return new(p, EventType.PaymentDeclined);
    }

    /// <summary>The status of a payment that is open, from what is known: money under way, else a link in hand that asks for the right
    /// amount, else as it was.</summary>
    static Step Standing(Payment p)
    {
        if (p.ProcessingAt is { } on && !(p.ClearAt > on))
            return p.Status == Processing ? new(p) : new(p with { Status = Processing }, EventType.PaymentProcessing);
        if (p.Discrepancy is DiscrepancyKind.LinkMismatch)
            return p.Status == Unresolved ? new(p) : new(p with { Status = Unresolved }, EventType.PaymentUnresolved);
        if (p.LinkOpenedAt is null || p.Status == Pending) return new(p);
        return new(p with { Status = Pending, Reason = null }, EventType.PaymentLinkReady);
    }

    static bool Refused(Payment p, int ask) => (p.RefusedAsks & Bit(p, ask)) != 0;

    /// <summary>The answer's bit. An answer to a question that was never committed (a database restored from a backup may have lost it) says
    /// nothing about those that were.</summary>
    static int Bit(Payment p, int ask) => ask >= 1 && ask <= p.Asks ? 1 << (ask - 1) : 0;

    static Step NothingCreated(Payment p, int ask, string reason, bool tryAgain, bool orderOpen, OrderRules rules)
    {
        var known = p.RefusedAsks;
        if (Bit(p, ask) == 0) return new(p);
        p = p with { RefusedAsks = known | Bit(p, ask) | (tryAgain ? 0 : Payment.DefiniteNo) };
        if (p.RefusedAsks == known) return new(p);
        if (p.Status is not (Starting or Unresolved) || p.GatewayReference is not null) return new(p);
        // An earlier question is still unanswered: it may have created the link that this one did not.
        if (p.UnansweredAsks > 0)
            return p.Status == Unresolved ? new(p) : new(p with { Status = Unresolved, Reason = reason }, EventType.PaymentUnresolved);
        if ((p.RefusedAsks & Payment.DefiniteNo) != 0)
            return new(p with { Status = Failed, Reason = tryAgain ? p.Reason ?? reason : reason }, EventType.PaymentFailed);
        if (p.CancelAsked) return new(p with { Status = Cancelled, Reason = null }, EventType.PaymentCancelled);
        return orderOpen && p.Asks < rules.MostAsks
            ? new(p with { Reason = reason })
            : new(p with { Status = Failed, Reason = Unreachable }, EventType.PaymentFailed);
    }

    /// <summary>Nothing under our reference. Counted only when no question can be under way any more and the gateway has had its time
    /// to see its own work; and only the second reading counts.</summary>
    static Step Missing(Payment p, Evidence.Absent e, bool orderOpen, OrderRules rules)
    {
        if (p.GatewayReference is not null) return Forgotten(p, e, rules);
        var terms = rules.Terms(p.Account);
        if (p.UnansweredAsks == 0 && !orderOpen) return new(p with { Status = Failed, Reason = Unreachable }, EventType.PaymentFailed);
        if (orderOpen && !p.CancelAsked && terms.RepeatsSafely && p.Asks < rules.MostAsks && e.At >= p.AskedAt + rules.CallTimeout)
            return new(p, AskForLink: true);

        if (e.At < p.AskedAt + rules.CallTimeout + terms.VisibilityDelay) return new(p);
        p = Read(p, e);
        return p.AbsentLastAt - p.AbsentFirstAt >= BetweenReadings
            ? new(p with { Status = Failed, Reason = Absent, ClearAt = Later(p.ClearAt, e.At) }, EventType.PaymentFailed)
            : new(p);
    }

    /// <summary>The gateway had a link and now knows nothing of it. Believed only long after the link's own end, which at some gateways is counted from the
    /// latest question for it.</summary>
    static Step Forgotten(Payment p, Evidence.Absent e, OrderRules rules)
    {
        var end = Later(p.AskedAt + (p.LinkExpiresAt - p.StartedAt), p.LinkExpiresAt);
        if (e.At < end + rules.Terms(p.Account).VisibilityDelay) return new(p);
        p = Read(p, e);
        return p.AbsentLastAt - p.AbsentFirstAt >= BetweenReadings ? End(p with { ClearAt = Later(p.ClearAt, e.At) }, Expired, Absent) : new(p);
    }

    static Payment Read(Payment p, Evidence.Absent e) => p with
    {
        AbsentFirstAt = p.AbsentFirstAt is { } first && first < e.At ? first : e.At,
        AbsentLastAt = Later(p.AbsentLastAt, e.At),
    };

    public static Step Contradiction(Payment p, Evidence evidence) => p switch
    {
        { Discrepancy: not (null or DiscrepancyKind.MixedUp) } => new(p),
        { Contradicted: true } when evidence.Source == EvidenceSource.Inquiry => new(p with { Discrepancy = DiscrepancyKind.Contradiction }),
        { Contradicted: true } => new(p),
        _ => new(p with { Contradicted = true }, AskNow: true),
    };

    static Step End(Payment p, PaymentStatus end, string? reason) => Rank(end) <= Rank(p.Status)
        ? new(p)
        : new(p with { Status = end, Reason = reason }, end switch
        {
            Failed    => EventType.PaymentFailed,
            Cancelled => EventType.PaymentCancelled,
            _         => EventType.PaymentExpired,
        });

    static DateTimeOffset Later(DateTimeOffset? one, DateTimeOffset other) => one > other ? one.Value : other;
}
