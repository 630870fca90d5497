using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.PayPal;

/// <summary>PayPal's Orders v2 with approval on its pages, from its documents: token, orders, captures, refunds, webhooks, transaction search and the
/// settlement file. An approval moves no money; the merchant's capture does. Orders of one purchase unit with the intent to capture are
/// simulated; authorisations, patches and cards are not.
/// <para>Settings where the documents leave something open: <c>token_life_seconds</c> (32400), <c>order_life_hours</c> (6), <c>approved_life_hours</c>
/// (6), <c>capture_of_expired</c> (not_found, order_expired), <c>same_key_other_body</c> (error, replay), <c>after_decline</c> (approved,
/// payer_action_required), <c>duplicate_invoice_ids</c> (reject, accept), <c>refund_delay_minutes</c> (0), <c>refund_outcome</c> (completed, failed),
/// <c>certificate</c> (chain, leaf, rogue), <c>reporting</c> (on, off), <c>reporting_lag_minutes</c> (0).</para></summary>
public sealed partial class PayPalDialect : IGatewayDialect
{
    const string ClientId = "paypal_client_sandbox", ClientSecret = "paypal_secret_sandbox_0123456789", WebhookId = "5SIMW3BH00K1D0001";

    internal const string MerchantId = "SIMMERCHANT01";

    static readonly string Authorization = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{ClientId}:{ClientSecret}"));

    /// <summary>How long a request id is remembered; the second one is that of refunds.</summary>
    static readonly TimeSpan OrderMemory = TimeSpan.FromHours(6), RefundMemory = TimeSpan.FromDays(45);

    GatewayWorld world = null!;
    PayPalVault vault = new();

    public string Name => "paypal";

    public int DefaultPort => 7419;

    public IReadOnlyDictionary<string, string> Credentials { get; } = new Dictionary<string, string>
    {
        ["client_id"] = ClientId,
        ["client_secret"] = ClientSecret,
        ["webhook_id"] = WebhookId,
        ["trusted_root"] = PayPalCertificates.Own.RootPem,
    };

    /// <summary>There is no secret: the webhook's id is part of what is signed, and it is what tells one merchant's webhooks from another's.</summary>
    public string WebhookSecret => WebhookId;

    public IReadOnlySet<string> AmountFields { get; } = new HashSet<string> { "value" };

    public IReadOnlySet<string> IdentityFields { get; } = new HashSet<string>
    {
        "id", "reference_id", "custom_id", "invoice_id", "order_id", "transaction_id", "paypal_reference_id", "custom_field", "href",
    };

    public void Open(GatewayWorld world)
    {
        this.world = world;
        vault = new();
    }

    public string CallName(Call call) => (call.Method, Parts(call)) switch
    {
        ("POST", ["v2", "checkout", "orders"]) => "create_link",
        ("GET", ["v2", "checkout", "orders", _] or ["v2", "payments", "captures", _]) => "inquire",
        ("POST", ["v2", "payments", "captures", _, "refund"]) => "refund",
        ("GET", ["v2", "payments", "refunds", _]) => "inquire_refund",
        ("GET", ["v1", "reporting", ..]) => "settlement",
        _ => "other",
    };

    public async Task<Reply> Answer(Call call)
    {
        var reply = (call.Method, Parts(call)) switch
        {
            ("POST", ["v1", "oauth2", "token"]) => await Working(call, () => Token(call)),
            ("GET", ["v1", "notifications", "certs", var name]) => await Working(call, () => Certificate(name)),
            ("GET", ["checkoutnow"]) => await Working(call, () => Checkout(call)),
            _ when !Authorized(call) => PayPalDialectRules.InvalidToken,
            _ when WrongForm(call) is { } wrong => wrong,
            ("POST", ["v2", "checkout", "orders"]) => await Once(call, OrderMemory, () => CreateOrder(call), id => OrderReply(200, id, call)),
            ("POST", ["v2", "checkout", "orders", var id, "capture"]) =>
                await Once(call, OrderMemory, () => CaptureOrder(id, call), order => OrderReply(200, order, call)),
            ("POST", ["v2", "payments", "captures", var id, "refund"]) =>
                await Once(call, RefundMemory, () => Refund(id, call), refund => RefundReply(200, refund, call)),
            _ => await Working(call, () => Execute(call)),
        };
        return WithDebugId(call.Instead ?? reply);
    }

    public Reply Trouble(int status) => WithDebugId(PayPalDialectRules.Error(status, status == 429 ? "RATE_LIMIT_REACHED" : "INTERNAL_SERVER_ERROR",
        status == 429 ? "Too many requests. Blocked due to rate limiting." : "An internal server error has occurred."));

    public IEnumerable<Link> Links() => vault.OrdersInOrder;

    /// <summary>Our own reference is the custom id. It may be used twice; the newest order is meant.</summary>
    public Link? LinkByReference(string reference) => vault.OrdersByReference.GetValueOrDefault(reference);

    public Link? LinkByPage(string path) =>
        path.StartsWith("/checkoutnow/", StringComparison.Ordinal) ? vault.Orders.GetValueOrDefault(path["/checkoutnow/".Length..]) : null;

    static string[] Parts(Call call) => call.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);

    string Setting(string name, string usual) => world.Settings.GetValueOrDefault(name) ?? usual;

    double Number(string name, double usual) => double.TryParse(world.Settings.GetValueOrDefault(name), out var set) ? set : usual;

    static async Task<Reply> Working(Call call, Func<Reply> execute)
    {
        await call.Work();
        return execute();
    }

    Reply Execute(Call call) => (call.Method, Parts(call)) switch
    {
        ("GET", ["v2", "checkout", "orders", var id]) => OrderReply(200, id, call),
        ("GET", ["v2", "payments", "captures", var id]) => OfCapture(id, c => new(200, c.Json(world.Address))),
        ("GET", ["v2", "payments", "refunds", var id]) => RefundReply(200, id, call),
        ("POST", ["v1", "notifications", "verify-webhook-signature"]) => VerifyWebhook(call),
        ("GET", ["v1", "notifications", "webhooks-events", var id]) => ReadEvent(id),
        ("POST", ["v1", "notifications", "webhooks-events", var id, "resend"]) => ResendEvent(id),
        ("GET", ["v1", "reporting", "transactions"]) => SearchTransactions(call),
        _ => PayPalDialectRules.NotFound,
    };

    Reply Token(Call call)
    {
        if (call.Header("Authorization") is not { } header || !Wire.SameText(header, Authorization))
            return new(401, new JsonObject { ["error"] = "invalid_client", ["error_description"] = "Client Authentication failed" });
        if (!call.BodyText.Split('&').Contains("grant_type=client_credentials"))
            return new(400, new JsonObject { ["error"] = "unsupported_grant_type", ["error_description"] = "Grant Type is NULL" });
        var token = world.NextId("A21SIM", 64);
        var life = (long)Number("token_life_seconds", 32_400);
        vault.Tokens[token] = world.Now.AddSeconds(life);
        return new(200, new JsonObject
        {
            ["scope"] = "https://uri.paypal.com/services/payments/payment https://uri.paypal.com/services/reporting/search/read",
            ["access_token"] = token,
            ["token_type"] = "Bearer",
            ["app_id"] = "APP-SIM00000000000000T",
            ["expires_in"] = life,
            ["nonce"] = PayPalWords.Time(world.Now) + "sim",
        });
    }

    bool Authorized(Call call) =>
        call.Header("Authorization") is { } header && header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
        && vault.Tokens.TryGetValue(header[7..].Trim(), out var end) && end > world.Now;

    /// <summary>JSON is named as such also where the body is empty.</summary>
    static Reply? WrongForm(Call call)
    {
        if (call.Method == "POST" && call.Header("Content-Type")?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) != true)
            return PayPalDialectRules.Error(415, "UNSUPPORTED_MEDIA_TYPE", "The server does not support the request payload's media type.");
        if (call.Header("PayPal-Request-Id") is { Length: > PayPalDialectRules.LongestRequestId })
            return PayPalDialectRules.Invalid("INVALID_STRING_LENGTH", "PayPal-Request-Id", "The value of a field is either too short or too long.");
        return call.Header("PayPal-Mock-Response") is { } mock ? PayPalDialectRules.Mocked(mock) : null;
    }

    Reply Checkout(Call call) => vault.Orders.ContainsKey(call.Asked("token") ?? "")
        ? Reply.Redirect("/checkoutnow/" + call.Asked("token"))
        : Reply.Raw(404, "text/html; charset=utf-8", "<!DOCTYPE html><title>PayPal</title><p>Things do not appear to be working at the moment.</p>"u8.ToArray());

    Made CreateOrder(Call call)
    {
        if (PayPalDialectRules.Read(call.Body, out var asked) is { } unreadable) return new(unreadable);
        if (PayPalDialectRules.WrongOrder(asked, out var amount) is { } wrong) return new(wrong);
        var id = NewId();
        var order = new PayPalOrder(id, asked, amount, world.Now)
        {
            PageUrl = new Uri(world.Address, "/checkoutnow?token=" + id).ToString(),
            PayerId = NewId()[..13],
            CaptureId = NewId(),
            ExpiresAt = world.Now.AddHours(Number("order_life_hours", 6)),
        };
        vault.Keep(order);
        world.Deadlines.Add(order);
        return new(OrderReply(201, id, call), id);
    }

    Made CaptureOrder(string id, Call call)
    {
        if (!vault.Orders.TryGetValue(id, out var order)) return new(PayPalDialectRules.NotFound);
        if (PayPalDialectRules.Read(call.Body, out _) is { } unreadable) return new(unreadable);
        PayPalCapture capture;
        lock (order.Gate)
        {
            if (WhyNotCaptured(order) is { } why) return new(why);
            capture = new(order.CaptureId, order, world.Now);
            order.Capture = capture;
            order.State = PayPalOrder.Completed;
            vault.Captures[capture.Id] = capture;
            switch (order.Instrument)
            {
                case PayPalInstrument.Slow: Note(capture, "PENDING", order.SlowReason); break;
                case PayPalInstrument.RefusedLater: Note(capture, "DECLINED", null); break;
                default: Settle(capture); break;
            }
        }

        Tell(capture);
        if (capture.Status == "COMPLETED") Tell("CHECKOUT.ORDER.COMPLETED", "checkout-order", order, order.Json(world.Address));
        return new(OrderReply(201, id, call), id);
    }

    /// <summary>Call under the order's gate.</summary>
    Reply? WhyNotCaptured(PayPalOrder order)
    {
        switch (order.State)
        {
            case PayPalOrder.Dead:
                return Setting("capture_of_expired", "not_found") == "order_expired"
                    ? PayPalDialectRules.Unprocessable("ORDER_EXPIRED", "Order is expired. Please create a new order.") : PayPalDialectRules.NotFound;
            case PayPalOrder.Completed:
                return PayPalDialectRules.Unprocessable("ORDER_ALREADY_CAPTURED", "Order already captured.");
            case not PayPalOrder.Approved:
                return PayPalDialectRules.Unprocessable("ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.");
        }

        if (order.Instrument == PayPalInstrument.Refused)
        {
            if (Setting("after_decline", "approved") != "approved") order.State = order.Fresh;
            return PayPalDialectRules.Unprocessable("INSTRUMENT_DECLINED",
                "The instrument presented was either declined by the processor or bank, or it can't be used for this payment.", order.PageUrl);
        }

        return order.InvoiceId is { } invoice && Setting("duplicate_invoice_ids", "reject") == "reject" && !vault.Invoices.TryAdd(invoice, order.Id)
            && vault.Invoices[invoice] != order.Id
            ? PayPalDialectRules.Unprocessable("DUPLICATE_INVOICE_ID", "Duplicate Invoice ID detected.") : null;
    }

    /// <summary>The money is here. Call under the order's gate.</summary>
    void Settle(PayPalCapture capture)
    {
        var order = capture.Order;
        Note(capture, "COMPLETED", null);
        order.MoneyIds.Add(capture.Id);
        world.Book.Captured(order, capture.Id, capture.Amount.MinorUnits, capture.Amount.Currency, world.Now);
    }

    /// <summary>The search shows it from now on as it stands.</summary>
    void Note(PayPalCapture capture, string status, string? reason)
    {
        (capture.Status, capture.Reason, capture.UpdatedAt) = (status, reason, world.Now);
        vault.Record(PayPalEntry.Of(capture));
    }

    Reply OrderReply(int status, string id, Call call)
    {
        if (!vault.Orders.TryGetValue(id, out var order)) return PayPalDialectRules.NotFound;
        lock (order.Gate)
        {
            if (order.State == PayPalOrder.Dead) return PayPalDialectRules.NotFound;
            return new(status, call.Method == "GET" || WantsAll(call) ? order.Json(world.Address) : Least(order.Json(world.Address)));
        }
    }

    Reply OfCapture(string id, Func<PayPalCapture, Reply> read)
    {
        if (!vault.Captures.TryGetValue(id, out var capture)) return PayPalDialectRules.NotFound;
        lock (capture.Order.Gate) return read(capture);
    }

    static bool WantsAll(Call call) => call.Header("Prefer")?.Contains("return=representation", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>What is answered to who does not ask for more.</summary>
    static JsonObject Least(JsonObject all) => new()
    {
        ["id"] = all["id"]!.DeepClone(),
        ["status"] = all["status"]!.DeepClone(),
        ["links"] = all["links"]!.DeepClone(),
    };

    /// <summary>17 capital letters and digits.</summary>
    string NewId() => world.NextId("", 17).ToUpperInvariant();

    Reply WithDebugId(Reply reply)
    {
        var id = world.NextId("sim", 10).ToLowerInvariant();
        if (reply.Status >= 400 && reply.Body is JsonObject error && error.ContainsKey("name"))
        {
            var named = (JsonObject)error.DeepClone();
            named["debug_id"] = id;
            reply = reply with { Body = named };
        }

        return reply with { Headers = [.. reply.Headers, new("Paypal-Debug-Id", id)] };
    }
}
