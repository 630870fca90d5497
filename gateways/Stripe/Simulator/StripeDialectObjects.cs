using System.Text.Json.Nodes;

namespace Purser.Sandbox.Stripe;

/// <summary>A Checkout Session. Everything below it is guarded by its gate.</summary>
sealed class StripeSession : Link
{
    public StripeSession(string id, JsonObject asked, long amount, string currency, long createdAt)
        : base(id, (string?)asked["client_reference_id"], amount, currency, DateTimeOffset.FromUnixTimeSeconds(createdAt)) =>
        (Asked, AmountTotal) = (asked, amount);

    public JsonObject Asked { get; }

    public required string PageUrl { get; init; }

    /// <summary>Where it stands among all sessions, oldest first.</summary>
    public long Position { get; set; }

    public string State { get; set; } = "open";

    public string PaymentStatus { get; set; } = "unpaid";

    public long AmountTotal { get; set; }

    public StripeIntent? Intent { get; set; }

    /// <summary>All, with those that the session does not name.</summary>
    public List<StripeIntent> Intents { get; } = [];

    public bool CapturesByHand => (string?)Asked["payment_intent_data"]?["capture_method"] == "manual";

    /// <summary>Ends with the merchant's first answer to the news that the session is complete.</summary>
    public Task CompletionTold { get; set; } = Task.CompletedTask;

    public override string Status => State == "complete" ? $"complete, {PaymentStatus}" : State;

    public override string? Url => State == "open" ? PageUrl : null;

    public override bool Payable => State == "open";

    public JsonObject Json(StripeExpansion expand) => new()
    {
        ["id"] = Id,
        ["object"] = "checkout.session",
        ["amount_subtotal"] = Amount,
        ["amount_total"] = AmountTotal,
        ["cancel_url"] = Asked["cancel_url"]?.DeepClone(),
        ["client_reference_id"] = Reference,
        ["created"] = CreatedAt.ToUnixTimeSeconds(),
        ["currency"] = Currency,
        ["customer"] = null,
        ["customer_details"] = State == "complete"
            ? new JsonObject { ["email"] = Asked["customer_email"]?.DeepClone() ?? "shopper@example.test", ["name"] = null } : null,
        ["customer_email"] = Asked["customer_email"]?.DeepClone(),
        ["expires_at"] = ExpiresAt!.Value.ToUnixTimeSeconds(),
        ["livemode"] = false,
        ["locale"] = Asked["locale"]?.DeepClone(),
        ["metadata"] = Asked["metadata"]?.DeepClone() ?? new JsonObject(),
        ["mode"] = "payment",
        ["payment_intent"] = Intent is null ? null : expand.Has("payment_intent")
            ? Intent.Json(expand.Below("payment_intent")) : Intent.Id,
        ["payment_method_types"] = new JsonArray("card"),
        ["payment_status"] = PaymentStatus,
        ["status"] = State,
        ["success_url"] = Asked["success_url"]?.DeepClone(),
        ["total_details"] = new JsonObject
        {
            ["amount_discount"] = Amount - AmountTotal,
            ["amount_shipping"] = 0,
            ["amount_tax"] = 0,
        },
        ["url"] = Url,
    };
}

sealed class StripeIntent(string id, StripeSession session, long amount, long createdAt)
{
    public string Id => id;

    public StripeSession Session => session;

    public long Amount => amount;

    public string Status { get; set; } = "requires_payment_method";

    public string? CancellationReason { get; set; }

    public long? CanceledAt { get; set; }

    /// <summary>The bank will take the money after it seemed lost.</summary>
    public bool ComesLate { get; set; }

    /// <summary>What was taken; less than the amount when a merchant captured a part of it.</summary>
    public long AmountReceived { get; set; }

    public JsonObject? LastError { get; set; }

    public List<StripeCharge> Charges { get; } = [];

    public List<StripeRefund> Refunds { get; } = [];

    public JsonNode Metadata => session.Asked["payment_intent_data"]?["metadata"]?.DeepClone() ?? new JsonObject();

    public JsonObject Json(StripeExpansion expand) => new()
    {
        ["id"] = Id,
        ["object"] = "payment_intent",
        ["amount"] = Amount,
        ["amount_capturable"] = Status == "requires_capture" ? Amount : 0,
        ["amount_received"] = AmountReceived,
        ["canceled_at"] = CanceledAt,
        ["cancellation_reason"] = CancellationReason,
        ["capture_method"] = session.Asked["payment_intent_data"]?["capture_method"]?.DeepClone() ?? "automatic_async",
        ["created"] = createdAt,
        ["currency"] = session.Currency,
        ["description"] = session.Asked["payment_intent_data"]?["description"]?.DeepClone(),
        ["last_payment_error"] = LastError?.DeepClone(),
        ["latest_charge"] = Charges.Count == 0 ? null : expand.Has("latest_charge")
            ? Charges[^1].Json(expand.Below("latest_charge")) : Charges[^1].Id,
        ["livemode"] = false,
        ["metadata"] = Metadata,
        ["next_action"] = Status == "requires_action" ? new JsonObject { ["type"] = "use_stripe_sdk" } : null,
        ["payment_method_types"] = new JsonArray("card"),
        ["status"] = Status,
    };
}

sealed class StripeCharge(string id, StripeIntent intent, long createdAt)
{
    /// <summary>2.9 percent and 30 minor units.</summary>
    const decimal FeeRate = 0.029m;
    const long FixedFee = 30;

    public string Id => id;

    public StripeIntent Intent => intent;

    public string Status { get; set; } = "pending";

    public string? FailureCode { get; set; }

    public long AmountRefunded { get; set; }

    public long AmountCaptured { get; set; }

    /// <summary>Its row in the balance, once money was taken.</summary>
    public StripeEntry? Entry { get; set; }

    /// <summary>In whole steps of currencies that have any.</summary>
    public long Fee
    {
        get
        {
            var step = StripeDialectRules.Step(intent.Session.Currency);
            return Math.Min(AmountCaptured, ((long)Math.Round(AmountCaptured * FeeRate) + FixedFee) / step * step);
        }
    }

    public JsonObject Json(StripeExpansion expand) => new()
    {
        ["id"] = Id,
        ["object"] = "charge",
        ["amount"] = intent.Amount,
        ["amount_captured"] = AmountCaptured,
        ["amount_refunded"] = AmountRefunded,
        ["balance_transaction"] = Entry is null ? null : expand.Has("balance_transaction") ? Entry.Json(StripeExpansion.None) : Entry.Id,
        ["captured"] = AmountCaptured > 0,
        ["created"] = createdAt,
        ["currency"] = intent.Session.Currency,
        ["description"] = intent.Session.Asked["payment_intent_data"]?["description"]?.DeepClone(),
        ["disputed"] = false,
        ["failure_code"] = FailureCode,
        ["failure_message"] = FailureCode is null ? null : "Your card was declined.",
        ["livemode"] = false,
        ["metadata"] = intent.Metadata,
        ["paid"] = Status == "succeeded",
        ["payment_intent"] = intent.Id,
        ["payment_method_details"] = new JsonObject
        {
            ["type"] = "card",
            ["card"] = new JsonObject { ["brand"] = "visa", ["last4"] = "4242", ["country"] = "US", ["wallet"] = null },
        },
        ["refunded"] = AmountCaptured > 0 && AmountRefunded == AmountCaptured,
        ["status"] = Status,
    };
}

/// <summary>Which ids of an answer were asked for as whole objects.</summary>
sealed record StripeExpansion(IReadOnlyList<string> Paths)
{
    public static readonly StripeExpansion None = new([]);

    static readonly HashSet<string> Known = ["payment_intent", "latest_charge", "balance_transaction", "line_items", "customer", "source"];

    /// <summary>Refuses what cannot be expanded; inside lists every path begins with data.</summary>
    public static Reply? Read(JsonNode? asked, bool ofList, out StripeExpansion expansion)
    {
        var paths = new List<string>();
        expansion = None;
        foreach (var path in StripeDialectForm.Texts(asked))
        {
            var inner = ofList && path.StartsWith("data.", StringComparison.Ordinal) ? path[5..] : path;
            var steps = inner.Split('.');
            if (steps.Length > 4 || (ofList && inner == path) || !steps.All(Known.Contains))
                return StripeDialectRules.Bad($"This property cannot be expanded ({path}).", "expand");
            paths.Add(inner);
        }

        expansion = new(paths);
        return null;
    }

    public bool Has(string name) => Paths.Any(p => p == name || p.StartsWith(name + ".", StringComparison.Ordinal));

    public StripeExpansion Below(string name) => Paths.Count == 0 ? this
        : new([.. Paths.Where(p => p.StartsWith(name + ".", StringComparison.Ordinal)).Select(p => p[(name.Length + 1)..])]);
}
