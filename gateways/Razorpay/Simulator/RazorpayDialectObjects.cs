using System.Text.Json.Nodes;

namespace Purser.Sandbox.Razorpay;

/// <summary>An order as Razorpay keeps it; a payment link makes its own.</summary>
sealed class RazorpayOrder(string id, long amount, string currency, string? receipt, JsonObject notes, long createdAt)
{
    public Lock Gate { get; } = new();

    public string Id => id;

    public long Amount => amount;

    public string Currency => currency;

    public string? Receipt => receipt;

    public JsonObject Notes { get; set; } = notes;

    public long CreatedAt => createdAt;

    public string Status { get; set; } = "created";

    public long AmountPaid { get; set; }

    public List<RazorpayPayment> Payments { get; } = [];

    public RazorpayLink? Link { get; set; }

    public JsonObject Json() => new()
    {
        ["id"] = Id,
        ["entity"] = "order",
        ["amount"] = Amount,
        ["amount_paid"] = AmountPaid,
        ["amount_due"] = Math.Max(0, Amount - AmountPaid),
        ["currency"] = Currency,
        ["receipt"] = Receipt,
        ["offer_id"] = null,
        ["status"] = Status,
        ["attempts"] = Payments.Count,
        ["notes"] = NotesJson(Notes),
        ["created_at"] = CreatedAt,
    };

    /// <summary>The order inside link events is a dump of another program of theirs: its id lacks the prefix.</summary>
    public JsonObject Dump(string merchantId)
    {
        var dump = Json();
        dump["id"] = Id["order_".Length..];
        dump["merchant_id"] = merchantId;
        dump["product_id"] = Link?.Id["plink_".Length..];
        dump["product_type"] = "payment_link_v2";
        dump["receipt"] = Link?.Reference ?? Receipt;
        return dump;
    }

    /// <summary>Empty notes are a list, filled ones an object.</summary>
    public static JsonNode NotesJson(JsonObject notes) => notes.Count == 0 ? new JsonArray() : notes.DeepClone();
}

sealed class RazorpayLink : Link
{
    public RazorpayLink(string id, RazorpayOrder order, JsonObject asked, long createdAt)
        : base(id, (string?)asked["reference_id"], order.Amount, order.Currency, DateTimeOffset.FromUnixTimeSeconds(createdAt))
    {
        Order = order;
        Asked = asked;
        UpdatedAt = createdAt;
        order.Link = this;
    }

    public RazorpayOrder Order { get; }

    public JsonObject Asked { get; }

    public required string ShortUrl { get; init; }

    public string State { get; set; } = "created";

    public bool Visited { get; set; }

    public long CancelledAt { get; set; }

    public long ExpiredAt { get; set; }

    public long UpdatedAt { get; set; }

    public long AmountPaid { get; set; }

    public override string Status => State;

    public void Rename(string reference)
    {
        Reference = reference;
        Asked["reference_id"] = reference;
    }

    public override string? Url => ShortUrl;

    public override bool Payable => State is "created";

    public JsonObject Json(bool inWebhook)
    {
        var json = new JsonObject
        {
            ["accept_partial"] = Asked["accept_partial"]?.DeepClone() ?? false,
            ["amount"] = Amount,
            ["amount_paid"] = AmountPaid,
            ["cancelled_at"] = CancelledAt,
            ["created_at"] = CreatedAt.ToUnixTimeSeconds(),
            ["currency"] = Currency,
            ["customer"] = Asked["customer"]?.DeepClone() ?? new JsonObject(),
            ["description"] = Asked["description"]?.DeepClone() ?? "",
            ["expire_by"] = Asked["expire_by"]?.DeepClone() ?? 0,
            ["expired_at"] = ExpiredAt,
            ["first_min_partial_amount"] = Asked["first_min_partial_amount"]?.DeepClone() ?? 0,
            ["id"] = Id,
            ["notes"] = Order.Notes.Count == 0 ? (inWebhook ? new JsonArray() : null) : Order.Notes.DeepClone(),
            ["notify"] = new JsonObject
            {
                ["email"] = Asked["notify"]?["email"]?.DeepClone() ?? false,
                ["sms"] = Asked["notify"]?["sms"]?.DeepClone() ?? false,
                ["whatsapp"] = Asked["notify"]?["whatsapp"]?.DeepClone() ?? false,
            },
            ["reference_id"] = Reference ?? "",
            ["reminder_enable"] = Asked["reminder_enable"]?.DeepClone() ?? false,
            ["reminders"] = new JsonArray(),
            ["short_url"] = ShortUrl,
            ["status"] = State,
            ["updated_at"] = UpdatedAt,
            ["upi_link"] = false,
            ["user_id"] = "",
            ["whatsapp_link"] = false,
        };
        if (Asked["callback_url"] is { } back)
        {
            json["callback_url"] = back.DeepClone();
            json["callback_method"] = "get";
        }

        if (Visited) json["order_id"] = Order.Id;
        if (!inWebhook) json["payments"] = PaymentRows();
        return json;
    }

    /// <summary>Only captured money is listed; before the first capture there is no list at all.</summary>
    JsonArray? PaymentRows()
    {
        var captured = Order.Payments.Where(p => p.CapturedAt is not null).ToArray();
        return captured.Length == 0 ? null : new JsonArray([.. captured.Select(p => new JsonObject
        {
            ["amount"] = p.Amount,
            ["created_at"] = p.CapturedAt,
            ["method"] = "upi",
            ["payment_id"] = p.Id,
            ["plink_id"] = Id,
            ["status"] = "captured",
            ["updated_at"] = p.CapturedAt,
        })]);
    }
}

sealed class RazorpayPayment(string id, RazorpayOrder order, long amount, string rrn, long createdAt)
{
    /// <summary>Two percent, and eighteen percent tax on it; the fee includes the tax.</summary>
    const decimal FeeRate = 0.02m, TaxRate = 0.18m;

    public string Id => id;

    public RazorpayOrder Order => order;

    public long Amount => amount;

    public long CreatedAt => createdAt;

    public string Status { get; set; } = "created";

    public long? CapturedAt { get; set; }

    public string? FailureReason { get; set; }

    public long AmountRefunded { get; set; }

    public List<RazorpayRefund> Refunds { get; } = [];

    /// <summary>The fee includes the tax on it.</summary>
    public (long Fee, long Tax) FeeAndTax
    {
        get
        {
            var tax = (long)Math.Round(amount * FeeRate * TaxRate);
            return ((long)Math.Round(amount * FeeRate) + tax, tax);
        }
    }

    public JsonObject Json()
    {
        var customer = order.Link?.Asked["customer"];
        var (fee, tax) = FeeAndTax;
        var failed = FailureReason is not null && Status == "failed";
        return new()
        {
            ["id"] = Id,
            ["entity"] = "payment",
            ["amount"] = Amount,
            ["currency"] = order.Currency,
            ["base_amount"] = Amount,
            ["status"] = Status,
            ["order_id"] = order.Id,
            ["invoice_id"] = null,
            ["international"] = false,
            ["method"] = "upi",
            ["amount_refunded"] = AmountRefunded,
            ["amount_transferred"] = 0,
            ["refund_status"] = AmountRefunded == 0 ? null : AmountRefunded < Amount ? "partial" : "full",
            ["captured"] = CapturedAt is not null,
            ["description"] = order.Link is { } link ? "#" + link.Id["plink_".Length..] : null,
            ["card_id"] = null,
            ["bank"] = null,
            ["wallet"] = null,
            ["vpa"] = failed ? "failure@razorpay" : "success@razorpay",
            ["upi"] = new JsonObject
            {
                ["vpa"] = failed ? "failure@razorpay" : "success@razorpay",
                ["payer_account_type"] = "bank_account",
            },
            ["email"] = customer?["email"]?.DeepClone() ?? "void@razorpay.com",
            ["contact"] = customer?["contact"]?.DeepClone() ?? "+919999999999",
            ["notes"] = RazorpayOrder.NotesJson(order.Notes),
            ["fee"] = CapturedAt is null ? null : fee,
            ["tax"] = CapturedAt is null ? null : tax,
            ["error_code"] = failed ? "BAD_REQUEST_ERROR" : null,
            ["error_description"] = failed ? "Payment was not completed." : null,
            ["error_source"] = failed ? "customer" : null,
            ["error_step"] = failed ? "payment_authentication" : null,
            ["error_reason"] = failed ? FailureReason : null,
            ["acquirer_data"] = new JsonObject { ["rrn"] = rrn },
            ["created_at"] = CreatedAt,
        };
    }
}
