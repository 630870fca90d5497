using Purser.Server.Api;
using static Purser.Server.Platform.ProblemTypes;

namespace Purser.Server.Events;

/// <summary>What the reference says of events and gateway news.</summary>
static class EventDocs
{
    const string Event = """
        {"id": "evt_01jd8xk3m4n7p_5", "type": "order.paid", "timestamp": "2026-03-01T10:04:31.120345Z", "sequence": 5,
         "data": {"order": {"id": "ord_01jd8xk3m4n7p", "status": "paid", "paid_by": "pay_01jd8xk3m4n7p_1"},
           "payment": {"id": "pay_01jd8xk3m4n7p_1", "gateway": "shop-cards", "status": "succeeded", "gateway_reference": "plink_8xk3m4"},
           "amount": 49900, "currency": "INR", "source": "webhook", "evidence": "evt_9f2k"}}
        """;

    const string OneMessage = """
        "gateway": "shop-cards", "event_id": "evt_9f2k", "event_type": "payment_link.paid", "received_at": "2026-03-01T10:04:31Z", "verdict": "quarantined",
         "reason": "We have no such order.", "order": "ord_01jd8xk3m4n7p", "payment": "pay_01jd8xk3m4n7p_1"
        """;

    static readonly ApiParameter Limit = new("limit", "1 to 200; 50 when left out.", "integer");

    public static readonly ApiOperation All = new("listEvents", "Events", "All events, as they were recorded", Access.Secret)
    {
        Description = "Keep `next` and send it as `after`: nothing is missed and nothing comes twice, though commits overtake each other, for the feed " +
            "ends where an event could still come in between.",
        Query = [new("after", "`next` of the answer before; from the beginning when left out."), Limit],
        Answers = [new(200, "What came after.", typeof(EventList), $$"""{"events": [{{Event}}], "next": "NjM5MDg1", "has_more": false}""")],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };

    public static readonly ApiOperation OfOrder = new("listOrderEvents", "Events", "The events of one order", Access.Shopper)
    {
        Description = "With the order's token `data` is what the shopper may know: how `order` (`id`, `status`, `late`, `paid_by`) and `payment` (`id`, `status`) stand, the `refund`'s id, " +
            "`amount` and `currency`. People's names and words, gateways' words and fees are told to a secret key only.",
        Query = [new("after", "The number of the last event seen; 0 for all.", "integer"), Limit],
        Answers = [new(200, "By number.", typeof(OrderEventList), $$"""{"events": [{{Event}}], "next": null}""")],
        Problems = [InvalidQuery, KeyMissing, TokenExpired, SecretKeyNeeded, OrderUnknown],
    };

    public static readonly ApiOperation News = new("listGatewayNews", "Gateway news", "What gateways told us", Access.Secret)
    {
        Description = "Every authenticated message, kept as it came. `verdict=quarantined` lists what a person must look at.",
        Query =
        [
            new("verdict", "applied, noted or quarantined.", Example: "quarantined"), new("gateway", "A gateway account's name."),
            new("cursor", "`next` of the page before."), Limit,
        ],
        Answers = [new(200, "Newest first.", typeof(NewsList), $$"""{"news": [{ {{OneMessage}}, "headers": null, "body": null }], "next": null}""")],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };

    public static readonly ApiOperation OneNews = new("readGatewayNews", "Gateway news", "One message, byte for byte", Access.Secret)
    {
        Answers =
        [
            new(200, "The message.", typeof(NewsView), $$"""{ {{OneMessage}}, "headers": {"Content-Type": "application/json"}, "body": "eyJldmVudCI6InBhaWQifQ==" }"""),
        ],
        Problems = [KeyMissing, SecretKeyNeeded, NewsUnknown],
    };
}
