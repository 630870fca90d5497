using Purser.Server.Api;
using static Purser.Server.Platform.ProblemTypes;

namespace Purser.Server.Payments;

/// <summary>What the reference says of payments.</summary>
static class PaymentDocs
{
    const string Tag = "Payments";

    public const string Payment = """
        {
          "id": "pay_01jd8xk3m4n7p_1", "order": "ord_01jd8xk3m4n7p", "number": 1, "gateway": "shop-cards", "status": "pending",
          "explanation": "The shopper can pay at the link.", "amount": 49900, "currency": "INR", "method": null,
          "link": {"kind": "redirect", "url": "https://pay.gateway.example/l/8xk3m4"},
          "page_url": "https://pay.example.com/pay/pay_01jd8xk3m4n7p_1?token=AAeH3nGx0dZb1yXk8p2s5TqVw9M",
          "started_at": "2026-03-01T10:00:05Z", "link_expires_at": "2026-03-01T10:30:00Z", "reference": "01jd8xk3m4n7pp1", "gateway_reference": "plink_8xk3m4",
          "decline": null, "reason": null, "captures": [], "fee": null, "tax": null, "dispute": "none", "next_look_at": "2026-03-01T10:15:06Z"
        }
        """;

    public static readonly ApiOperation Start = new("startPayment", Tag, "Start a payment and get its link", Access.Shopper)
    {
        Description = "Waits some seconds for the gateway's link. While a payment is open, asking again answers 200 with the same one. When the gateway's answer " +
            "is lost, the payment is `starting` or `unresolved`: that is no error, it is being asked about, and it is never charged twice. " +
            "Send the shopper's browser to `link.url` anew each time: where the gateway takes a form, that is our page, which posts it and hands it out once more only when the gateway " +
            "has said that the last one was not paid.",
        Body = typeof(PaymentBody),
        BodyIsOptional = true,
        Examples = [("any gateway", "{}"), ("one account and method", """{"gateway": "shop-cards", "method": "card"}""")],
        Answers = [new(201, "Started now.", typeof(PaymentView), Payment), new(200, "Started before.", typeof(PaymentView), Payment)],
        Problems =
        [
            MalformedJson, InvalidHeader, KeyMissing, TokenExpired, SecretKeyNeeded, OrderUnknown, OrderPaid, OrderExpired, OrderCancelled, TooManyPayments,
            KeyReused, InvalidFields, GatewayUnsuitable,
        ],
        TakesKey = true,
    };

    public static readonly ApiOperation Read = new("readPayment", Tag, "Read a payment", Access.Shopper)
    {
        Answers = [new(200, "The payment.", typeof(PaymentView), Payment)],
        Problems = [KeyMissing, TokenExpired, SecretKeyNeeded, PaymentUnknown],
    };

    public static readonly ApiOperation Cancel = new("cancelPayment", Tag, "Close a payment's link", Access.Shopper)
    {
        Description = "The gateway is asked to close the link; the payment is `cancelled` once it says so. Money that was quicker counts.",
        Answers = [new(200, "The payment as it stands now.", typeof(PaymentView), Payment)],
        Problems = [InvalidHeader, KeyMissing, TokenExpired, SecretKeyNeeded, PaymentUnknown, PaymentSucceeded, LinkCannotBeCancelled, KeyReused],
        TakesKey = true,
    };

    public static readonly ApiOperation Gateways = new("listGateways", "Gateways", "List gateway accounts", Access.AnyKey)
    {
        Answers =
        [
            new(200, "In the order of preference.", typeof(GatewayList), """
                {"gateways": [{"name": "shop-cards", "gateway": "example", "title": "Example Pay", "currencies": ["INR", "USD"], "methods": ["card", "upi"],
                 "test_mode": false, "closes_links": true}]}
                """),
        ],
        Problems = [KeyMissing],
    };
}
