using Purser.Server.Api;
using static Purser.Server.Platform.ProblemTypes;

namespace Purser.Server.Explanation;

static class ExplanationDocs
{
    const string Proof = """[{"kind": "event", "key": "evt_01jd8xk3m4n7p_3", "at": "2026-03-01T10:00:06Z", "source": "reply"}]""";

    public static readonly ApiOperation Read = new("explainOrder", "Orders", "Explain an order in plain sentences", Access.Secret)
    {
        Description = "What happened, why the order stands as it does, what happens next and when, and what is safe to tell the shopper; each sentence with its evidence.",
        Answers =
        [
            new(200, "The explanation.", typeof(ExplanationView), $$"""
                {"order": "ord_01jd8xk3m4n7p", "status": "awaiting_payment", "at": "2026-03-01T10:05:00Z",
                 "happened": [{"text": "shop-cards opened the link of payment 1: the shopper can pay.", "at": "2026-03-01T10:00:06Z", "evidence": {{Proof}}}],
                 "stands": [{"text": "The order waits for money.", "at": null, "evidence": {{Proof}}}],
                 "next": [{"text": "Unless shop-cards tells first, Purser asks it whether payment 1 was paid.", "at": "2026-03-01T10:15:06Z", "evidence": {{Proof}}}],
                 "shopper": {"text": "Your payment page is waiting for you. We have not heard of a payment yet. Your page at Example Pay is still open; if you have just paid, give it a moment.", "at": null, "evidence": {{Proof}} } }
                """),
        ],
        Problems = [KeyMissing, SecretKeyNeeded, OrderUnknown],
    };
}
