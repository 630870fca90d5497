using Purser.Server.Api;
using static Purser.Server.Platform.ProblemTypes;

namespace Purser.Server.Live;

/// <summary>What the reference says of watching.</summary>
static class LiveDocs
{
    public static readonly ApiOperation Watch = new("watchOrder", "Events", "Watch an order live", Access.Shopper)
    {
        Description = "By long poll: with `wait`, the answer comes when something happened after `after`, or when the time is over. By WebSocket at the same " +
            "address: every event after `after`, each as one text message, then `{\"type\": \"heartbeat\", \"sequence\": 5}` now and then, and at once when there is none. Offer the sub-protocols " +
            "`purser.v1` and `token.` followed by the order's token. Whoever comes back with the last number that they saw misses nothing. Who has seen more than there is, for the database " +
            "was restored from a backup, is told so at once, and then everything from the first event: by `rewound` in the answer, or by the message `{\"type\": \"rewound\", \"sequence\": 0}`. " +
            "Events are as the shopper may know them, as `GET /v1/orders/{id}/events` tells them to a token; a long poll with a secret key has all of them.",
        Query =
        [
            new("after", "The number of the last event seen; 0 for all.", "integer", "3"),
            new("wait", $"Seconds to wait for a change, at most {LiveEndpoints.MostWaitSeconds}; not at all when left out.", "integer"),
        ],
        Socket = "The socket is open.",
        Answers =
        [
            new(200, "How it stands.", typeof(LiveView), """
                {"order": "ord_01jd8xk3m4n7p", "status": "paid", "late": false, "sequence": 5, "payment": {"id": "pay_01jd8xk3m4n7p_1", "status": "succeeded"},
                 "events": [{"id": "evt_01jd8xk3m4n7p_5", "type": "order.paid", "timestamp": "2026-03-01T10:04:31.120345Z", "sequence": 5,
                   "data": {"order": {"id": "ord_01jd8xk3m4n7p", "status": "paid", "paid_by": "pay_01jd8xk3m4n7p_1"}}}], "rewound": false}
                """),
        ],
        Problems = [InvalidQuery, KeyMissing, TokenExpired, SecretKeyNeeded, OriginRefused, OrderUnknown],
    };
}
