using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.PayPal;

/// <summary>An amount as PayPal says it: a decimal, with two decimals or none.</summary>
readonly record struct PayPalAmount(decimal Value, string Currency)
{
    /// <summary>PayPal gives these no decimals, two of them against ISO 4217.</summary>
    public static readonly IReadOnlySet<string> WithoutDecimals = new HashSet<string> { "HUF", "JPY", "TWD" };

    public string Text => Value.ToString(WithoutDecimals.Contains(Currency) ? "0" : "0.00", CultureInfo.InvariantCulture);

    /// <summary>The minor units of ISO 4217, in which books are kept.</summary>
    public long MinorUnits => (long)(Currency == "JPY" ? Value : Value * 100);

    public JsonObject Json() => new() { ["currency_code"] = Currency, ["value"] = Text };
}

/// <summary>What the payer's way of paying does when the merchant captures.</summary>
enum PayPalInstrument
{
    Good,
    Refused,
    Slow,
    RefusedLater,
}

sealed class PayPalOrder : Link
{
    public const string Approved = "APPROVED", Completed = "COMPLETED", Dead = "EXPIRED";

    readonly JsonObject asked;
    readonly JsonObject unit;
    readonly JsonObject? context;

    public PayPalOrder(string id, JsonObject asked, PayPalAmount amount, DateTimeOffset createdAt)
        : base(id, Text(asked, "custom_id") ?? Text(asked, "reference_id"), amount.MinorUnits, amount.Currency, createdAt)
    {
        this.asked = asked;
        unit = (JsonObject)asked["purchase_units"]![0]!;
        Total = amount;
        Description = (string?)unit["description"] ?? "";
        context = asked["payment_source"]?["paypal"]?["experience_context"] as JsonObject ?? asked["application_context"] as JsonObject;
        Fresh = asked["payment_source"] is null ? "CREATED" : "PAYER_ACTION_REQUIRED";
        State = Fresh;
    }

    public PayPalAmount Total { get; }

    public required string PageUrl { get; init; }

    public required string PayerId { get; init; }

    /// <summary>The name that the money will have when it moves.</summary>
    public required string CaptureId { get; init; }

    /// <summary>The state before the payer has approved.</summary>
    public string Fresh { get; }

    public string State { get; set; }

    public PayPalInstrument Instrument { get; set; }

    /// <summary>The payer has left the page open and comes back to it.</summary>
    public bool ApprovesLate { get; set; }

    public PayPalCapture? Capture { get; set; }

    public string? InvoiceId => (string?)unit["invoice_id"];

    public string? CustomId => (string?)unit["custom_id"];

    public string? ReturnUrl => (string?)context?["return_url"];

    public string? CancelUrl => (string?)context?["cancel_url"];

    /// <summary>A merchant who wants immediate payment gets no eCheck; a review may hold the money all the same.</summary>
    public string SlowReason => (string?)context?["payment_method_preference"] == "IMMEDIATE_PAYMENT_REQUIRED" ? "PENDING_REVIEW" : "ECHECK";

    public override string Status => State;

    public override string? Url => PageUrl;

    public override bool Payable => State == Fresh || (State == Approved && Instrument == PayPalInstrument.Refused);

    public JsonObject Json(Uri address)
    {
        var bought = new JsonObject { ["reference_id"] = (string?)unit["reference_id"] ?? "default", ["amount"] = unit["amount"]!.DeepClone() };
        ((JsonObject)bought["amount"]!)["value"] = Total.Text;
        bought["payee"] = new JsonObject { ["email_address"] = "merchant@example.test", ["merchant_id"] = PayPalDialect.MerchantId };
        foreach (var name in new[] { "description", "custom_id", "invoice_id", "soft_descriptor", "items" })
            if (unit[name] is { } said) bought[name] = said.DeepClone();
        if (Capture is { } capture)
        {
            var payments = new JsonObject { ["captures"] = new JsonArray(capture.Json(address)) };
            if (capture.Refunds.Count > 0) payments["refunds"] = new JsonArray([.. capture.Refunds.Select(r => r.Json(address))]);
            bought["payments"] = payments;
        }

        var json = new JsonObject
        {
            ["id"] = Id,
            ["intent"] = "CAPTURE",
            ["status"] = State,
            ["purchase_units"] = new JsonArray(bought),
            ["create_time"] = PayPalWords.Time(CreatedAt),
            ["links"] = Links(address),
        };
        var known = State is Approved or Completed;
        if (known || asked["payment_source"] is not null)
            json["payment_source"] = new JsonObject { ["paypal"] = known ? Payer("account_id") : new JsonObject() };
        if (known) json["payer"] = Payer("payer_id");
        return json;
    }

    JsonObject Payer(string id) => new()
    {
        ["email_address"] = "buyer@example.test",
        [id] = PayerId,
        ["name"] = new JsonObject { ["given_name"] = "Test", ["surname"] = "Buyer" },
    };

    JsonArray Links(Uri address)
    {
        var path = "/v2/checkout/orders/" + Id;
        var links = new JsonArray(PayPalWords.LinkTo(address, "self", "GET", path));
        if (State == Completed) return links;
        // With a payment source in the request the payer's link has another name.
        var toPayer = asked["payment_source"] is null ? "approve" : "payer-action";
        links.Add((JsonNode)new JsonObject { ["href"] = PageUrl, ["rel"] = toPayer, ["method"] = "GET" });
        if (toPayer == "approve") links.Add((JsonNode)PayPalWords.LinkTo(address, "update", "PATCH", path));
        if (toPayer == "approve" || State == Approved) links.Add((JsonNode)PayPalWords.LinkTo(address, "capture", "POST", path + "/capture"));
        return links;
    }

    static string? Text(JsonObject asked, string name) => (string?)asked["purchase_units"]![0]![name];
}

sealed class PayPalCapture(string id, PayPalOrder order, DateTimeOffset createdAt)
{
    public string Id => id;

    public PayPalOrder Order => order;

    public PayPalAmount Amount => order.Total;

    public DateTimeOffset CreatedAt { get; } = createdAt;

    public DateTimeOffset UpdatedAt { get; set; } = createdAt;

    public string Status { get; set; } = "PENDING";

    public string? Reason { get; set; }

    public List<PayPalRefund> Refunds { get; } = [];

    /// <summary>Given back or about to be.</summary>
    public decimal Taken => Refunds.Where(r => r.Status != "FAILED").Sum(r => r.Amount.Value);

    public decimal Returned => Refunds.Where(r => r.Status == "COMPLETED").Sum(r => r.Amount.Value);

    /// <summary>A rate and a fixed part, rounded down; never more than the money.</summary>
    public PayPalAmount Fee
    {
        get
        {
            const decimal rate = 0.0249m, part = 0.35m;
            var whole = PayPalAmount.WithoutDecimals.Contains(Amount.Currency);
            var fee = whole ? Math.Floor(Amount.Value * rate) : (Math.Floor(Amount.Value * rate * 100) / 100) + part;
            return Amount with { Value = Math.Min(fee, Amount.Value) };
        }
    }

    public JsonObject Json(Uri address)
    {
        var json = new JsonObject
        {
            ["id"] = Id,
            ["status"] = Status,
            ["amount"] = Amount.Json(),
            ["final_capture"] = true,
            ["disbursement_mode"] = "INSTANT",
            ["seller_protection"] = new JsonObject { ["status"] = "NOT_ELIGIBLE" },
        };
        if (Reason is not null) json["status_details"] = new JsonObject { ["reason"] = Reason };
        if (order.CustomId is { } custom) json["custom_id"] = custom;
        if (order.InvoiceId is { } invoice) json["invoice_id"] = invoice;
        if (Status is not ("PENDING" or "DECLINED"))
            json["seller_receivable_breakdown"] = new JsonObject
            {
                ["gross_amount"] = Amount.Json(),
                ["paypal_fee"] = Fee.Json(),
                ["net_amount"] = (Amount with { Value = Amount.Value - Fee.Value }).Json(),
            };
        json["supplementary_data"] = new JsonObject { ["related_ids"] = new JsonObject { ["order_id"] = order.Id } };
        json["create_time"] = PayPalWords.Time(CreatedAt);
        json["update_time"] = PayPalWords.Time(UpdatedAt);
        json["links"] = new JsonArray(
            PayPalWords.LinkTo(address, "self", "GET", "/v2/payments/captures/" + Id),
            PayPalWords.LinkTo(address, "refund", "POST", $"/v2/payments/captures/{Id}/refund"),
            PayPalWords.LinkTo(address, "up", "GET", "/v2/checkout/orders/" + order.Id));
        return json;
    }
}

sealed class PayPalRefund(string id, PayPalCapture capture, PayPalAmount amount, JsonObject asked, DateTimeOffset createdAt)
{
    public string Id => id;

    public PayPalCapture Capture => capture;

    public PayPalAmount Amount => amount;

    public string? CustomId => (string?)asked["custom_id"];

    public string? InvoiceId => (string?)asked["invoice_id"];

    public string Status { get; set; } = "PENDING";

    public DateTimeOffset CreatedAt { get; } = createdAt;

    public DateTimeOffset UpdatedAt { get; set; } = createdAt;

    public JsonObject Json(Uri address)
    {
        var json = new JsonObject { ["id"] = Id, ["status"] = Status, ["amount"] = Amount.Json() };
        if (Status == "PENDING") json["status_details"] = new JsonObject { ["reason"] = "ECHECK" };
        foreach (var name in new[] { "custom_id", "invoice_id", "note_to_payer" })
            if (asked[name] is { } said) json[name] = said.DeepClone();
        json["seller_payable_breakdown"] = new JsonObject
        {
            ["gross_amount"] = Amount.Json(),
            ["paypal_fee"] = (Amount with { Value = 0 }).Json(),
            ["net_amount"] = Amount.Json(),
            ["total_refunded_amount"] = (Amount with { Value = capture.Returned }).Json(),
        };
        json["create_time"] = PayPalWords.Time(CreatedAt);
        json["update_time"] = PayPalWords.Time(UpdatedAt);
        json["links"] = new JsonArray(
            PayPalWords.LinkTo(address, "self", "GET", "/v2/payments/refunds/" + Id),
            PayPalWords.LinkTo(address, "up", "GET", "/v2/payments/captures/" + capture.Id));
        return json;
    }
}

static class PayPalWords
{
    public static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    public static JsonObject LinkTo(Uri address, string rel, string method, string path) =>
        new() { ["href"] = new Uri(address, path).ToString(), ["rel"] = rel, ["method"] = method };
}

/// <summary>All that this PayPal knows, by every name it is asked for.</summary>
sealed class PayPalVault
{
    /// <summary>A load that goes on for ever must not fill the memory: beyond this the oldest orders are forgotten.</summary>
    const int OrdersKept = 250_000;

    readonly List<PayPalEntry> entries = [];

    /// <summary>Where those stand that are not decided.</summary>
    readonly Dictionary<string, int> pending = [];

    public ConcurrentDictionary<string, DateTimeOffset> Tokens { get; } = new();

    public ConcurrentDictionary<string, PayPalOrder> Orders { get; } = new();

    public ConcurrentDictionary<string, PayPalOrder> OrdersByReference { get; } = new();

    public ConcurrentQueue<PayPalOrder> OrdersInOrder { get; } = new();

    public ConcurrentDictionary<string, PayPalCapture> Captures { get; } = new();

    public ConcurrentDictionary<string, PayPalRefund> Refunds { get; } = new();

    public ConcurrentDictionary<string, PayPalKey> Keys { get; } = new();

    /// <summary>Invoice ids of captured orders, and whose they are.</summary>
    public ConcurrentDictionary<string, string> Invoices { get; } = new();

    public void Keep(PayPalOrder order)
    {
        Orders[order.Id] = order;
        OrdersInOrder.Enqueue(order);
        if (order.Reference is { } reference) OrdersByReference[reference] = order;
        while (OrdersInOrder.Count > OrdersKept && OrdersInOrder.TryDequeue(out var oldest))
        {
            Orders.TryRemove(oldest.Id, out _);
            if (oldest.Reference is { } old) OrdersByReference.TryRemove(new(old, oldest));
            Captures.TryRemove(oldest.CaptureId, out _);
            foreach (var refund in oldest.Capture?.Refunds ?? []) Refunds.TryRemove(refund.Id, out _);
        }
    }

    /// <summary>A movement has one entry: what was pending is decided in its place.</summary>
    public void Record(PayPalEntry entry)
    {
        lock (entries)
        {
            if (pending.Remove(entry.Id, out var place)) entries[place] = entry;
            else
            {
                place = entries.Count;
                entries.Add(entry);
            }
            if (entry.Status == PayPalEntry.Pending) pending[entry.Id] = place;
        }
    }

    public IReadOnlyList<PayPalEntry> Entries(DateTimeOffset from, DateTimeOffset until)
    {
        lock (entries) return [.. entries.Where(e => e.At >= from && e.At <= until)];
    }
}
