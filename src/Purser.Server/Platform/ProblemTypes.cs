namespace Purser.Server.Platform;

/// <summary>A kind of problem, with a name that never changes: programs may decide by it.</summary>
/// <param name="Meaning">What happened, when nothing more particular is known.</param>
/// <param name="Remedy">What the caller can do.</param>
/// <param name="Field">What is at fault when nothing more particular is known: the body, or a header.</param>
public sealed record ProblemType(string Name, int Status, string Title, string Meaning, string Remedy, string? Field = null)
{
    /// <summary>The type's URI, relative to the server; it can be read there.</summary>
    public string Path => $"/problems/{Name}";
}

/// <summary>Every problem that the API answers with.</summary>
public static class ProblemTypes
{
    public static readonly ProblemType MalformedJson = new("malformed_json", 400, "The body is not JSON.",
        "The body could not be read as one JSON object.", "Send one JSON object in UTF-8, without comments, trailing commas or repeated names.", "body");

    public static readonly ProblemType InvalidQuery = new("invalid_query", 400, "The query cannot be read.",
        "A query parameter is unknown or has a value that it cannot have.", "Correct the parameter named in 'field'.");

    public static readonly ProblemType InvalidHeader = new("invalid_header", 400, "A header cannot be read.",
        "A header has a value that it cannot have.", "Correct the header named in 'field'.");

    public static readonly ProblemType BadRequest = new("bad_request", 400, "The request cannot be read.",
        "The request breaks the rules of HTTP.", "Compare it with the examples of the reference.", "body");

    public static readonly ProblemType KeyMissing = new("key_missing", 401, "An API key is needed.",
        "The request carries neither an API key nor the token of the order.", "Send 'Authorization: Bearer sk_...' with a key made by 'purser keys create'.");

    public static readonly ProblemType KeyUnknown = new("key_unknown", 401, "The API key is not valid.",
        "No key like this was ever made here, or it was revoked.", "Send a key that 'purser keys list' shows as active.");

    public static readonly ProblemType TokenExpired = new("token_expired", 401, "The token has expired.",
        "The shopper's token was made for this order, but its time is over.", "Ask for the order with a secret key, or send the shopper back to the shop.");

    public static readonly ProblemType SecretKeyNeeded = new("secret_key_needed", 403, "A secret key is needed.",
        "A publishable key cannot do this.", "Send the request from your backend, with a secret key.");

    public static readonly ProblemType OriginRefused = new("origin_refused", 403, "The page's origin is not allowed.",
        "The publishable key was not made for pages of this origin.", "Make a key with this origin: 'purser keys create --publishable --origin https://shop.example'.");

    public static readonly ProblemType RouteUnknown = new("route_unknown", 404, "There is no such address.",
        "Nothing is served at this path.", "See /reference for all paths.");

    public static readonly ProblemType OrderUnknown = new("order_unknown", 404, "There is no such order.",
        "No order has this id.", "An order's id begins with 'ord_' and stands in the answer to POST /v1/orders.");

    public static readonly ProblemType PaymentUnknown = new("payment_unknown", 404, "There is no such payment.",
        "No payment has this id.", "A payment's id begins with 'pay_' and stands in the answer to POST /v1/orders/{id}/payments.");

    public static readonly ProblemType ProductUnknown = new("product_unknown", 404, "There is no such product.",
        "No product has this id.", "GET /v1/products lists all products.");

    public static readonly ProblemType NewsUnknown = new("news_unknown", 404, "There are no such news.",
        "No message of this gateway account has this event id.", "GET /v1/gateway_news lists what was received.");

    public static readonly ProblemType SettlementUnknown = new("settlement_unknown", 404, "There is no such settlement file.",
        "No settlement file has this id.", "GET /v1/settlements lists the files.");

    public static readonly ProblemType SettlementNotRefused = new("settlement_not_refused", 409, "The settlement file is not refused.",
        "Only of a refused file can be said that nothing more is needed.", "GET /v1/settlements?state=refused lists the refused files.");

    public static readonly ProblemType WebhookEndpointUnknown = new("webhook_endpoint_unknown", 404, "There is no such webhook endpoint.",
        "No webhook endpoint has this id, or it was deleted.", "GET /v1/webhook_endpoints lists them.");

    public static readonly ProblemType DeliveryUnknown = new("delivery_unknown", 404, "There is no such delivery.",
        "No delivery has this id.", "GET /v1/deliveries lists them.");

    public static readonly ProblemType WebhookEndpointDeleted = new("webhook_endpoint_deleted", 409, "The webhook endpoint was deleted.",
        "Nothing is sent to an endpoint that was deleted.", "Create it again; what happened before can be read with GET /v1/events.");

    public static readonly ProblemType DeliveryUnderWay = new("delivery_under_way", 409, "The delivery is under way.",
        "It is being sent this moment; sending it again now would do nothing.", "Send the request again, with the same Idempotency-Key, after the time in Retry-After.");

    public static readonly ProblemType TooManyWebhookEndpoints = new("too_many_webhook_endpoints", 409, "There are too many webhook endpoints.",
        "The installation has as many webhook endpoints as it may have.", "Delete one that is not used, or change one.");

    public static readonly ProblemType SecretsKeyMissing = new("secrets_key_missing", 409, "Secrets cannot be kept.",
        "The server has no key to encrypt secrets with.", "Make a key with './purser secrets key', set PURSER_SECRETS_KEY to it on every node, and start again.");

    public static readonly ProblemType MethodNotAllowed = new("method_not_allowed", 405, "The path has no such method.",
        "The address exists, but not with this method.", "The header 'Allow' lists the methods; /reference describes them.");

    public static readonly ProblemType RequestTimedOut = new("request_timed_out", 408, "The request came too slowly.",
        "The body did not arrive in time.", "Send it again; the same Idempotency-Key or reference makes that safe.", "body");

    public static readonly ProblemType ReferenceTaken = new("reference_taken", 409, "The reference names another order.",
        "An order with this reference exists and differs.", "Send the same content to get the first order again, or choose another reference.");

    public static readonly ProblemType KeyReused = new("idempotency_key_reused", 409, "The Idempotency-Key was used for something else.",
        "A request with this Idempotency-Key and other content came before.", "Use a new Idempotency-Key for each new request.");

    public static readonly ProblemType OrderPaid = new("order_paid", 409, "The order is paid.",
        "The order has its accepted payment.", "Nothing is owed. To give money back, ask for a refund.");

    public static readonly ProblemType OrderExpired = new("order_expired", 409, "The order's time ran out.",
        "The order expired, or is being closed because its time is over.", "Place a new order.");

    public static readonly ProblemType OrderCancelled = new("order_cancelled", 409, "The order was cancelled.",
        "The order was cancelled and cannot be paid.", "Place a new order.");

    public static readonly ProblemType OrderNotPaid = new("order_not_paid", 409, "The order is not paid.",
        "Only a paid order whose money does not go back can be fulfilled.", "Wait for the event order.paid before goods go out.");

    public static readonly ProblemType PaymentEnded = new("payment_ended", 409, "The payment has ended.",
        "The payment is over.", "Read the payment to see how it ended.");

    public static readonly ProblemType PaymentSucceeded = new("payment_succeeded", 409, "Money was received.",
        "The payment took the shopper's money and cannot be cancelled.", "To give money back, ask for a refund.");

    public static readonly ProblemType LinkCannotBeCancelled = new("link_cannot_be_cancelled", 409, "The link cannot be closed.",
        "The gateway has no way to close a payment link before its time.", "Wait for the link's own end; the payment says when.");

    public static readonly ProblemType TooManyPayments = new("too_many_payments", 409, "The order was tried too often.",
        "The order has as many payments as one order may have.", "Place a new order.");

    public static readonly ProblemType RefundUnknown = new("refund_unknown", 404, "There is no such refund.",
        "No refund has this id.", "A refund's id begins with 'ref_' and stands in the answer to POST /v1/orders/{id}/refunds.");

    public static readonly ProblemType InvoiceUnknown = new("invoice_unknown", 404, "There is no such invoice or credit note.",
        "None has this number.", "GET /v1/invoices and GET /v1/credit_notes list all of them.");

    public static readonly ProblemType InvoiceWritten = new("invoice_written", 409, "The invoice is written.",
        "It has another buyer, and an invoice is never written anew.", "GET /v1/invoices/{number} shows it; give its money back to have it credited.");

    public static readonly ProblemType NothingCaptured = new("nothing_captured", 409, "There is no money to give back.",
        "Nothing was captured on the payment, or it is not known yet.", "Read the payment; money can be given back once it has succeeded.");

    public static readonly ProblemType NothingLeft = new("nothing_left", 409, "Nothing is left to give back.",
        "All of the money is given back, or reserved for refunds under way.", "Read the order's refunds. A refund that fails gives its amount free again.");

    public static readonly ProblemType MoneyDisputed = new("money_disputed", 409, "The shopper's bank has the money, or wants it.",
        "The payment is disputed, or the gateway took the money back by itself.", "Answer the dispute at the gateway; refunding as well would give the money back twice.");

    public static readonly ProblemType RefundedOnce = new("refunded_once", 409, "The gateway refunds a payment only once.",
        "The payment has its refund at a gateway that knows no second one.", "Give the rest back at the gateway itself, or by another way.");

    public static readonly ProblemType OrderHeld = new("order_held", 409, "It is doubtful whether the order's money came.",
        "The gateway, or its statement, says that the order's money did not come or went back, or the shopper's bank disputes it.",
        "Keep the goods, and answer the order's open question first: GET /v1/discrepancies. A dispute ends by itself.");

    public static readonly ProblemType DiscrepancyUnknown = new("discrepancy_unknown", 404, "There is no such discrepancy.",
        "No open question has this id.", "GET /v1/discrepancies lists the open ones.");

    public static readonly ProblemType AnswerUnsuitable = new("answer_unsuitable", 409, "This answer does not fit the question.",
        "What was asked for cannot be done about this discrepancy.", "Read the discrepancy: its proposals say what can be done.");

    public static readonly ProblemType AnswerOvertaken = new("answer_overtaken", 409, "Somebody else was faster.",
        "The discrepancy is no longer as it was when this answer was given; nothing was done.", "Read the discrepancy again, and decide by what it says now.");

    public static readonly ProblemType DiscrepancyChanged = new("discrepancy_changed", 409, "The discrepancy has changed since it was shown.",
        "A later statement changed what is asked about; nothing was done.", "Read the discrepancy again, and decide by what it says now.");

    public static readonly ProblemType AnswerFinal = new("answer_final", 409, "The answer cannot be taken back.",
        "The answer moved money, or accepted it.", "Act on the order as it stands now.");

    public static readonly ProblemType ProductExists = new("product_exists", 409, "The product exists and differs.",
        "A product with this id exists with other content.", "Change it with PATCH, or choose another id.");

    public static readonly ProblemType BodyTooLarge = new("body_too_large", 413, "The body is too large.",
        "The body is larger than requests may be here.", "Send less; an order has at most 500 lines.", "body");

    public static readonly ProblemType WrongMediaType = new("wrong_media_type", 415, "The body is not sent as JSON.",
        "The header Content-Type does not say JSON.", "Send 'Content-Type: application/json'.", "Content-Type");

    public static readonly ProblemType InvalidFields = new("invalid_fields", 422, "The request has fields that are wrong.",
        "At least one field cannot be accepted, and nothing was done.", "Correct what 'errors' lists.");

    public static readonly ProblemType GatewayUnsuitable = new("gateway_unsuitable", 422, "No gateway can take this payment.",
        "The gateway account cannot take this amount, currency or method.", "Choose another account of GET /v1/gateways.");

    public static readonly ProblemType RefundTooLarge = new("refund_too_large", 422, "The refund is too large.",
        "More was asked for than is left of the captured money.", "Ask for what is left at most, or leave 'amount' out for all of it.");

    public static readonly ProblemType RefundWhole = new("refund_whole", 422, "This money goes back whole.",
        "The money is not what pays the order, so no part of it can stay.", "Leave 'amount' out.");

    public static readonly ProblemType TooManyRequests = new("too_many_requests", 429, "Too many requests.",
        "The key's allowance is used up for the moment.", "Wait as long as 'Retry-After' says, then go on more slowly.");

    public static readonly ProblemType InternalError = new("internal_error", 500, "Something is broken here.",
        "The request met a fault of the server.", "Send it again; if it stays, tell the operator the trace id.");

    public static readonly ProblemType Busy = new("busy", 503, "The server cannot take the request now.",
        "Too much is waiting, or the database is away. Seldom it went away in the middle of a commit, and what was asked for may have happened.",
        "Send the same request again after 'Retry-After'; the same Idempotency-Key or reference makes that safe.");

    /// <summary>All types, as they stand above.</summary>
    public static IReadOnlyList<ProblemType> All { get; } =
    [
        MalformedJson, InvalidQuery, InvalidHeader, BadRequest, KeyMissing, KeyUnknown, TokenExpired, SecretKeyNeeded, OriginRefused, RouteUnknown,
        OrderUnknown, PaymentUnknown, ProductUnknown, NewsUnknown, SettlementUnknown, SettlementNotRefused, WebhookEndpointUnknown, DeliveryUnknown, WebhookEndpointDeleted, DeliveryUnderWay,
        TooManyWebhookEndpoints, SecretsKeyMissing, MethodNotAllowed, RequestTimedOut, ReferenceTaken, KeyReused, OrderPaid,
        OrderExpired, OrderCancelled, OrderNotPaid, PaymentEnded, PaymentSucceeded, LinkCannotBeCancelled, TooManyPayments, RefundUnknown, InvoiceUnknown, InvoiceWritten, NothingCaptured,
        NothingLeft, MoneyDisputed, RefundedOnce, OrderHeld, DiscrepancyUnknown, AnswerUnsuitable, AnswerOvertaken, DiscrepancyChanged, AnswerFinal, RefundTooLarge, RefundWhole, ProductExists,
        BodyTooLarge, WrongMediaType, InvalidFields, GatewayUnsuitable, TooManyRequests, InternalError, Busy,
    ];
}
