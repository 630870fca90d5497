using Purser.Server.Api;
using static Purser.Server.Platform.ProblemTypes;

namespace Purser.Server.Risk;

/// <summary>What the reference says of the money at risk.</summary>
static class RiskDocs
{
    public static readonly ApiOperation Read = new("readRisk", "Books", "The money at risk", Access.Secret)
    {
        Description = "What waits for an answer, by kind, gateway account and currency: unresolved payments and refunds, late and duplicate money that is not given back yet, " +
            "what a gateway told that fits nothing here, refunds that failed, money that should be settled by now, goods that went out and whose money is denied or gone, other open questions, and orders that are " +
            "paid and whose goods have not gone out (those one by one: `GET /v1/orders?fulfilment=waiting`).",
        Answers =
        [
            new(200, "By kind.", typeof(RiskView), """
                {"at": "2026-03-03T10:00:00Z", "too_old": 1, "risks": [
                  {"kind": "unresolved", "gateway": "shop-cards", "currency": "INR", "count": 1, "amount": 49900, "oldest": "2026-03-03T09:58:12Z", "too_old": false},
                  {"kind": "unmatched", "gateway": "shop-cards", "currency": null, "count": 2, "amount": null, "oldest": "2026-03-01T08:00:00Z", "too_old": true}]}
                """),
        ],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };
}
