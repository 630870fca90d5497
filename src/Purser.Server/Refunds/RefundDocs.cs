using Purser.Server.Api;
using Purser.Server.Orders;
using static Purser.Server.Platform.ProblemTypes;

namespace Purser.Server.Refunds;

/// <summary>What the reference says of refunds.</summary>
static class RefundDocs
{
    const string Tag = "Refunds";

    const string Refund = """
        {
          "id": "ref_01jd8xk3m4n7p_1", "order": "ord_01jd8xk3m4n7p", "payment": "pay_01jd8xk3m4n7p_1", "gateway": "shop-cards", "money_reference": "pay_29QQoUBi66xm2f",
          "amount": 10000, "currency": "INR", "reason": "merchant", "status": "requested", "note": "One cup was broken", "requested_at": "2026-03-02T09:00:00Z",
          "done_at": null, "reference": "01jd8xk3m4n7pr1", "gateway_reference": null, "bank_reference": null, "why": null, "next_look_at": "2026-03-02T09:00:05Z"
        }
        """;

    public static readonly ApiOperation Request = new("requestRefund", Tag, "Give captured money back", Access.Secret)
    {
        Description = "The amount is reserved before the gateway is asked, so that refunds never exceed what was captured, however many are asked for at once. " +
            "A refund of a stated amount must carry an Idempotency-Key. When the gateway's answer is lost the refund is `unresolved`: it is being asked about, and " +
            "it is never given back twice.",
        Body = typeof(RefundBody),
        BodyIsOptional = true,
        Examples = [("all that is left", "{}"), ("a part", """{"amount": 10000, "note": "One cup was broken"}""")],
        Answers = [new(201, "Asked for now.", typeof(RefundView), Refund), new(200, "Asked for before.", typeof(RefundView), Refund)],
        Problems =
        [
            MalformedJson, InvalidHeader, KeyMissing, SecretKeyNeeded, OrderUnknown, PaymentUnknown, NothingCaptured, NothingLeft, MoneyDisputed, RefundedOnce,
            KeyReused, InvalidFields, RefundTooLarge, RefundWhole,
        ],
        TakesKey = true,
    };

    public static readonly ApiOperation Read = new("readRefund", Tag, "Read a refund", Access.Secret)
    {
        Answers = [new(200, "The refund.", typeof(RefundView), Refund)],
        Problems = [KeyMissing, SecretKeyNeeded, RefundUnknown],
    };
}
