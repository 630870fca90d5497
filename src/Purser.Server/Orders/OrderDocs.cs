using Purser.Server.Api;
using Purser.Server.Payments;
using static Purser.Server.Platform.ProblemTypes;

namespace Purser.Server.Orders;

/// <summary>What the reference says of orders.</summary>
static class OrderDocs
{
    const string Tag = "Orders";

    public const string Order = $$"""
        {
          "id": "ord_01jd8xk3m4n7p", "reference": "cart-1017", "status": "awaiting_payment", "late": false, "amount": 49900, "currency": "INR",
          "amounts": {"captured": 0, "accepted": 0, "refunded": 0, "refunding": 0, "outstanding": 49900},
          "description": "Darjeeling first flush and 1 more",
          "lines": [
            {"name": "Darjeeling first flush", "quantity": 2, "unit_amount": 19950, "amount": 39900, "product": "tea-ff-100", "hsn": "0902", "tax_rate": "5"},
            {"name": "Gift wrap", "quantity": 1, "unit_amount": 10000, "amount": 10000, "product": null, "hsn": null, "tax_rate": null}],
          "customer": {"name": "Asha Rao", "email": "asha@example.com", "phone": "+919876543210", "country": "IN", "address": "4 Lake Road, Pune 411001", "state": "MH", "tax_id": null},
          "user_id": "u-4711", "metadata": {"campaign": "spring"}, "return_url": "https://shop.example/thanks", "locale": null,
          "policy": {"late_payment": "refund", "duplicate_payment": "refund", "second_link": "refuse", "failed_payment": "cancel"},
          "paid_by": null, "created_at": "2026-03-01T10:00:00Z", "expires_at": "2026-03-01T10:30:00Z", "ended_at": null, "fulfilled_at": null, "fulfilment": null,
          "next_look_at": "2026-03-01T10:15:00Z", "sequence": 3,
          "checkout_url": "https://pay.example.com/checkout/ord_01jd8xk3m4n7p?token=AAeH3nGx0dZb1yXk8p2s5TqVw9M", "token": "AAeH3nGx0dZb1yXk8p2s5TqVw9M",
          "payments": [{{PaymentDocs.Payment}}], "refunds": [], "questions": [],
          "shopper": {"situation": "pending", "headline": "Your payment page is waiting for you",
            "words": ["We have not heard of a payment yet. Your page at Example Pay is still open; if you have just paid, give it a moment."], "may_pay": true, "may_order_again": false},
          "links": {"self": "/v1/orders/ord_01jd8xk3m4n7p", "payments": "/v1/orders/ord_01jd8xk3m4n7p/payments",
            "events": "/v1/orders/ord_01jd8xk3m4n7p/events", "explanation": "/v1/orders/ord_01jd8xk3m4n7p/explanation",
            "live": "/v1/orders/ord_01jd8xk3m4n7p/live", "cancellation": "/v1/orders/ord_01jd8xk3m4n7p/cancellation", "fulfilment": null, "refunds": null, "invoice": null}
        }
        """;

    public static readonly ApiOperation Place = new("placeOrder", Tag, "Place an order", Access.AnyKey)
    {
        Description = "A secret key may state prices; a publishable key may only name products, priced by us. The same `reference`, or the same " +
            "`Idempotency-Key`, with the same content answers 200 with the first order, for ever; with other content 409, with the fields that differ if the key is secret. " +
            "A publishable key must send an `Idempotency-Key` of at least 22 characters drawn by chance: all visitors share the key, so only that tells them apart.",
        Body = typeof(OrderBody),
        Examples =
        [
            ("lines", """
                {"reference": "cart-1017", "currency": "INR",
                 "lines": [{"product": "tea-ff-100", "quantity": 2}, {"name": "Gift wrap", "quantity": 1, "unit_amount": 10000}],
                 "customer": {"name": "Asha Rao", "email": "asha@example.com", "phone": "+919876543210", "country": "IN"},
                 "user_id": "u-4711", "metadata": {"campaign": "spring"}, "return_url": "https://shop.example/thanks", "expires_in_seconds": 1800,
                 "policy": {"late_payment": "refund", "duplicate_payment": "refund", "second_link": "refuse", "failed_payment": "cancel"}}
                """),
            ("amount only", """{"reference": "invoice-88", "currency": "JPY", "amount": 5200, "description": "Invoice 88"}"""),
            ("from a browser", """{"lines": [{"product": "tea-ff-100", "quantity": 1}], "customer": {"email": "asha@example.com"}}"""),
        ],
        Answers = [new(201, "Placed now.", typeof(OrderView), Order), new(200, "Placed before: the same order as it stands now.", typeof(OrderView), Order)],
        Problems = [MalformedJson, InvalidHeader, KeyMissing, OriginRefused, ReferenceTaken, KeyReused, BodyTooLarge, WrongMediaType, InvalidFields],
        TakesKey = true,
    };

    public static readonly ApiOperation List = new("listOrders", Tag, "List orders, newest first", Access.Secret)
    {
        Query =
        [
            new("status", "awaiting_payment, paid, partially_refunded, refunded, expired or cancelled.", Example: "paid"),
            new("fulfilment", "waiting (paid, and nothing went out yet), held (paid, but the money is in doubt), done, or unpaid (the goods went out, and the money is denied or gone).", Example: "waiting"),
            new("paid_before", "Paid earlier than this time: with `fulfilment=waiting`, what waits for too long.", "date-time"), new("reference", "Your own name for the order."),
            new("user_id", "Your own name for the shopper."), new("created_after", "Later than this time.", "date-time", "2026-03-01T00:00:00Z"),
            new("created_before", "Earlier than this time.", "date-time"), new("cursor", "`next` of the page before."), new("limit", "1 to 200; 50 when left out.", "integer"),
        ],
        Answers = [new(200, "One page.", typeof(OrderList), $$"""{"orders": [{{Order}}], "next": "MTkwMDAwMDAw"}""")],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };

    public static readonly ApiOperation Read = new("readOrder", Tag, "Read an order", Access.Shopper)
    {
        Answers = [new(200, "The order with its payments and refunds, of one moment.", typeof(OrderView), Order)],
        Problems = [KeyMissing, TokenExpired, SecretKeyNeeded, OrderUnknown],
    };

    public static readonly ApiOperation Cancel = new("cancelOrder", Tag, "Cancel an order", Access.Secret)
    {
        Description = "The order cannot be paid any more; open links are closed at their gateways. Money that comes all the same is treated by the order's late policy.",
        Answers = [new(200, "Cancelled, now or before.", typeof(OrderView), Order)],
        Problems = [InvalidHeader, KeyMissing, SecretKeyNeeded, OrderUnknown, OrderPaid, OrderExpired, KeyReused],
        TakesKey = true,
    };

    public static readonly ApiOperation Fulfil = new("fulfilOrder", Tag, "Say that the goods went out", Access.Secret)
    {
        Description = "Only a paid order is fulfilled, and only while nothing speaks against its money. Said again it is the same, and the first time stays.",
        Answers = [new(200, "Fulfilled, now or before.", typeof(OrderView), Order)],
        Problems = [InvalidHeader, KeyMissing, SecretKeyNeeded, OrderUnknown, OrderNotPaid, OrderHeld, KeyReused],
        TakesKey = true,
    };
}
