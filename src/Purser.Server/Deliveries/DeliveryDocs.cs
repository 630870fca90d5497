using Purser.Server.Api;
using static Purser.Server.Platform.ProblemTypes;

namespace Purser.Server.Deliveries;

/// <summary>What the reference says of webhook endpoints and deliveries.</summary>
static class DeliveryDocs
{
    const string Tag = "Outgoing webhooks";

    static string Receiver(string secret = "null", string status = "active") => $$"""
        {"id": "we_5f0c1d2e3a4b5c6d", "url": "https://shop.example/purser", "description": "The shop", "event_types": ["order.paid", "refund.succeeded"], "ordered": false,
         "status": "{{status}}", "paused_because": null, "failing_since": null, "signature": "v1", "secret": {{secret}}, "public_key": null, "old_secret_until": null,
         "created_at": "2026-02-01T09:00:00Z", "updated_at": "2026-02-01T09:00:00Z"}
        """;

    static readonly string Made = Receiver("\"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"");

    const string Head = """
        "id": "dlv_01jd8xk3m4n7p_5_1", "event": "evt_01jd8xk3m4n7p_5", "event_type": "order.paid", "order": "ord_01jd8xk3m4n7p",
         "webhook_endpoint": "we_5f0c1d2e3a4b5c6d", "status": "delivered", "attempts": 2, "next_attempt_at": null, "outcome": "200",
         "event_at": "2026-03-01T10:04:31.120345Z", "ended_at": "2026-03-01T10:04:37Z"
        """;

    const string One = $$"""{ {{Head}}, "body": null, "attempt_log": null }""";

    const string Whole = $$"""
        { {{Head}}, "body": "{\"id\":\"evt_01jd8xk3m4n7p_5\"}", "attempt_log": [{"number": 1, "sent_at": "2026-03-01T10:04:31Z", "took_ms": 15000,
         "url": "https://shop.example/purser", "signature": "v1,vdd1EY56MOji55I1Iqe89nK9gSZwZSF2u0j6xjxzGwU=", "status": null, "trouble": "No answer within 15 seconds.", "answer": null}] }
        """;

    public static readonly ApiOperation Create = new("createWebhookEndpoint", Tag, "Have events sent to an address", Access.Secret)
    {
        Description = "Messages follow Standard Webhooks 1.0.0. The answer shows the secret, once. With `\"signature\": \"v1a\"` messages are signed by Ed25519, and the answer shows the public key.",
        Body = typeof(ReceiverBody),
        Examples = [("the shop", """{"url": "https://shop.example/purser", "event_types": ["order.paid", "refund.succeeded"]}"""), ("with a public key", """{"url": "https://shop.example/purser", "signature": "v1a"}""")],
        Answers =
        [
            new(201, "Created now.", typeof(ReceiverView), Made), new(200, "Created before, with this Idempotency-Key; the secret is not shown again.", typeof(ReceiverView), Receiver()),
        ],
        Problems = [MalformedJson, InvalidHeader, KeyMissing, SecretKeyNeeded, KeyReused, TooManyWebhookEndpoints, SecretsKeyMissing, InvalidFields],
        TakesKey = true,
    };

    public static readonly ApiOperation ListReceivers = new("listWebhookEndpoints", Tag, "List webhook endpoints", Access.Secret)
    {
        Answers = [new(200, "In the order in which they were made.", typeof(ReceiverList), $$"""{"webhook_endpoints": [{{Receiver()}}]}""")],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };

    public static readonly ApiOperation ReadReceiver = new("readWebhookEndpoint", Tag, "Read a webhook endpoint", Access.Secret)
    {
        Answers = [new(200, "The endpoint.", typeof(ReceiverView), Receiver())],
        Problems = [KeyMissing, SecretKeyNeeded, WebhookEndpointUnknown],
    };

    public static readonly ApiOperation Change = new("changeWebhookEndpoint", Tag, "Change, pause or resume a webhook endpoint", Access.Secret)
    {
        Description = "What is left out stays. While an endpoint is paused its events wait, and are sent when it is active again.",
        Body = typeof(ReceiverChangeBody),
        Examples = [("pause", """{"status": "paused"}"""), ("every event", """{"event_types": []}""")],
        Answers = [new(200, "The endpoint as it is now.", typeof(ReceiverView), Receiver())],
        Problems = [MalformedJson, KeyMissing, SecretKeyNeeded, WebhookEndpointUnknown, InvalidFields],
    };

    public static readonly ApiOperation Delete = new("deleteWebhookEndpoint", Tag, "Delete a webhook endpoint", Access.Secret)
    {
        Description = "What waited for it is abandoned from then on, as is what was dead, and stays in the list of deliveries. The same again changes nothing and is answered likewise.",
        Answers = [new(200, "The endpoint as it was; deleted now or before.", typeof(ReceiverView), Receiver(status: "deleted"))],
        Problems = [KeyMissing, SecretKeyNeeded, WebhookEndpointUnknown],
    };

    public static readonly ApiOperation Rotate = new("rotateWebhookSecret", Tag, "Put a new secret in force", Access.Secret)
    {
        Description = "For the overlap messages carry two signatures, by the new secret and by the old one. 0 hours ends the old one at once. " +
            "Repeated with the same Idempotency-Key it makes no second secret; the first is not shown again. Four secrets are in force at the most: " +
            "a further rotation ends the oldest at once.",
        Body = typeof(RotationBody),
        BodyIsOptional = true,
        Examples = [("a day's overlap", """{"overlap_hours": 24}""")],
        Answers = [new(200, "With the new secret, shown once.", typeof(ReceiverView), Made)],
        Problems = [MalformedJson, InvalidHeader, KeyMissing, SecretKeyNeeded, WebhookEndpointUnknown, KeyReused, SecretsKeyMissing, InvalidFields],
        TakesKey = true,
    };

    public static readonly ApiOperation Test = new("testWebhookEndpoint", Tag, "Send a test message now", Access.Secret)
    {
        Description = "A signed message of type webhook_endpoint.test, sent once while you wait. With the same Idempotency-Key it has the same id.",
        Answers =
        [
            new(200, "What the receiver made of it.", typeof(TestView),
                """{"delivered": true, "message_id": "test_5f0c1d2e3a4b5c6d", "status": 200, "trouble": null, "answer": "ok", "took_ms": 31}"""),
        ],
        Problems = [MalformedJson, InvalidHeader, KeyMissing, SecretKeyNeeded, WebhookEndpointUnknown, KeyReused, SecretsKeyMissing, InvalidFields],
        TakesKey = true,
    };

    public static readonly ApiOperation RedeliverPeriod = new("redeliverPeriod", Tag, "Send an endpoint's deliveries of a period again", Access.Secret)
    {
        Description = "With the same ids, so that a receiver knows what it has handled. The schedule begins anew. What waits for a later attempt is due now and counted, unless only what was delivered is asked for. However many they are: should the answer of a long period not come, send the " +
            "request again with the same `Idempotency-Key`, and it goes on where it was; without one, what has failed since is due now once more. A mail that was never tried goes when it is due.",
        Body = typeof(RedeliveryBody),
        Examples = [("what was given up", """{"since": "2026-03-01T00:00:00Z", "until": "2026-03-02T00:00:00Z", "status": "dead"}""")],
        Answers = [new(202, "They are due now.", typeof(RedeliveryView), """{"deliveries": 17}""")],
        Problems = [MalformedJson, InvalidHeader, KeyMissing, SecretKeyNeeded, WebhookEndpointUnknown, KeyReused, InvalidFields],
        TakesKey = true,
    };

    public static readonly ApiOperation List = new("listDeliveries", Tag, "List deliveries", Access.Secret)
    {
        Query =
        [
            new("webhook_endpoint", "An endpoint's id."), new("status", "waiting, delivered, dead or abandoned.", Example: "dead"), new("order", "An order's id."),
            new("cursor", "`next` of the page before."), new("limit", "1 to 200; 50 when left out.", "integer"),
        ],
        Answers = [new(200, "Of the newest orders first.", typeof(DeliveryList), $$"""{"deliveries": [{{One}}], "next": null}""")],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };

    public static readonly ApiOperation Read = new("readDelivery", Tag, "Read a delivery with its attempts", Access.Secret)
    {
        Answers = [new(200, "The delivery, what was sent, and what was answered.", typeof(DeliveryView), Whole)],
        Problems = [KeyMissing, SecretKeyNeeded, DeliveryUnknown],
    };

    public static readonly ApiOperation Redeliver = new("redeliver", Tag, "Send a delivery again", Access.Secret)
    {
        Description = "With the same id. The schedule begins anew. One that is under way is left alone, and the answer is 409 with Retry-After: send the request again then.",
        Answers = [new(202, "It is due now.", typeof(DeliveryView), One)],
        Problems = [MalformedJson, InvalidHeader, KeyMissing, SecretKeyNeeded, DeliveryUnknown, KeyReused, WebhookEndpointDeleted, DeliveryUnderWay, InvalidFields],
        TakesKey = true,
    };
}
