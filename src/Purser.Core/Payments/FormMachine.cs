using Purser.Orders;

namespace Purser.Payments;

/// <summary>When a form that can be posted again, and paid again, may be handed out again: once the gateway has said what became of the last posting. Pure.</summary>
public static class FormMachine
{
    /// <summary>Nobody pays on a gateway's page faster than this: a page that is loaded twice is the same visit.</summary>
    static readonly TimeSpan OneVisit = TimeSpan.FromSeconds(15);

    /// <summary>An answer that is older is asked for again before the form is handed out.</summary>
    static readonly TimeSpan Fresh = TimeSpan.FromMinutes(1);

    /// <summary>Gateways tell the second in which a try began, and clocks differ a little.</summary>
    static readonly TimeSpan Slack = TimeSpan.FromSeconds(2);

    public static bool MayBeHandedOut(Payment p, DateTimeOffset now, OrderRules rules) => !Guarded(p, rules) || p.HandedAt is null || now < p.OpenUntil;

    /// <summary>What the gateway says is waited for before the shopper is offered the form once more.</summary>
    public static bool AwaitsWord(Payment p, DateTimeOffset now) =>
        p.HandedAt is { } handed && !(now < handed + OneVisit && !(p.BackAt >= handed)) && !(p.OpenUntil > handed + OneVisit);

    /// <summary>From when on the gateway's word on the last posting counts; null while no word is waited for.</summary>
    internal static DateTimeOffset? AskFrom(Payment p, OrderRules rules) =>
        p.HandedAt is { } handed && !(p.OpenUntil > handed + OneVisit) ? Last(p) + rules.Terms(p.Account).VisibilityDelay : null;

    internal static Payment HandOut(Payment p, DateTimeOffset now, OrderRules rules) =>
        !Guarded(p, rules) || now < p.HandedAt + OneVisit ? p : p with { HandedAt = now, OpenUntil = now + OneVisit };

    /// <summary>Whatever the gateway said before, the shopper may have paid since; unless it told the end of the very try that they come back from.</summary>
    internal static Payment CameBack(Payment p, DateTimeOffset now, OrderRules rules) => p is not { IsOpen: true, Link: PaymentLink.Form } || !Guarded(p, rules)
        ? p
        : p with { HandedAt = p.HandedAt ?? now, BackAt = now, OpenUntil = p.OpenUntil > p.HandedAt + OneVisit && IsOfLastPosting(p, p.DeclinedAt) ? p.OpenUntil : null };

    /// <summary>Only answers to our own questions count: they list what was posted. One that is asked too soon after a posting may not show it yet, but a
    /// try that ended in a decline after the form was handed out is the one that was posted with it.</summary>
    internal static Payment Learn(Payment p, Evidence evidence, OrderRules rules)
    {
        if (p.HandedAt is null || evidence.Source != EvidenceSource.Inquiry || evidence is not (Evidence.LinkOpened or Evidence.Declined or Evidence.Absent)) return p;
        var counts = evidence.At >= Last(p) + rules.Terms(p.Account).VisibilityDelay || (evidence is Evidence.Declined && IsOfLastPosting(p, evidence.GatewayTime));
        return counts && !(p.OpenUntil >= evidence.At + Fresh) ? p with { OpenUntil = evidence.At + Fresh } : p;
    }

    static bool IsOfLastPosting(Payment p, DateTimeOffset? declined) => declined >= p.HandedAt - Slack;

    static DateTimeOffset Last(Payment p) => p.BackAt > p.HandedAt ? p.BackAt.Value : p.HandedAt!.Value;

    static bool Guarded(Payment p, OrderRules rules) => rules.Terms(p.Account).PostsAnew;
}
