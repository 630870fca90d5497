using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Ippopay;

/// <summary>An order as IppoPay keeps it: it never ends by itself, and takes one payment after as many tries as the shopper likes. Everything
/// under its gate.</summary>
sealed class IppopayOrder(string id, JsonObject asked, long paise, int number, DateTimeOffset createdAt)
    : Link(id, ReferenceIn((string?)asked["notes"]), paise, "INR", createdAt)
{
    public required string Page { get; init; }

    public List<IppopayTry> Tries { get; } = [];

    public List<IppopayRefund> Refunds { get; } = [];

    public IppopayTry? Paid { get; set; }

    /// <summary>Read without the gate, so it only ever turns true.</summary>
    public bool AskedToRefund { get; set; }

    public string? Back => (string?)asked["return_url"];

    public string Notes => (string?)asked["notes"] ?? "";

    public override string Status => Paid is null ? "created" : "paid";

    public override string? Url => Page;

    public override bool Payable => Paid is null;

    /// <summary>Shoppers take the ways to pay in turn, as far as the order allows them.</summary>
    public string NextMode
    {
        get
        {
            var modes = PaymentModes.Split(',');
            return modes[(number + Tries.Count) % modes.Length];
        }
    }

    string PaymentModes => (string?)asked["payment_modes"] ?? string.Join(',', IppopayRules.Modes);

    public JsonObject Preview() => new() { ["order_id"] = Id, ["status"] = Status };

    public JsonObject Json(JsonObject merchant, Func<string, string> word) => new()
    {
        ["merchant"] = merchant,
        ["customer"] = CustomerJson(plus: ""),
        ["currency"] = Currency,
        ["paymentModes"] = PaymentModes,
        ["status"] = word(Status),
        ["amount"] = IppopayRules.Number(Amount),
        ["order_id"] = Id,
    };

    /// <summary>The transaction writes the country code with a plus, whatever was sent.</summary>
    public JsonObject CustomerJson(string plus)
    {
        var (customer, json) = (asked["customer"] as JsonObject ?? [], new JsonObject());
        if (customer["phone"] is JsonObject phone)
            json["phone"] = new JsonObject
            {
                ["country_code"] = plus + ((string?)phone["country_code"] ?? "91").TrimStart('+'),
                ["national_number"] = phone["national_number"]?.DeepClone(),
            };
        foreach (var name in (string[])["name", "email"])
            if (customer[name] is { } value) json[name] = value.DeepClone();
        return json;
    }

    static string? ReferenceIn(string? notes) => notes?.Split('|')[^1].Trim() is { Length: > 0 } reference ? reference : null;
}

/// <summary>One try of a shopper to pay an order: pending, success or failure.</summary>
sealed class IppopayTry(string id, IppopayOrder order, string mode, long paise, DateTimeOffset at)
{
    /// <summary>UPI costs nothing.</summary>
    const decimal Percentage = 1.75m, TaxPercentage = 18m;

    static readonly TimeSpan India = new(5, 30, 0);

    public string Id => id;

    public IppopayOrder Order => order;

    public string Mode => mode;

    public long Amount => paise;

    public string State { get; set; } = "pending";

    public string FailureReason { get; set; } = "";

    public DateTimeOffset CreatedAt { get; } = at;

    public DateTimeOffset UpdatedAt { get; set; } = at;

    public long Commission => mode == "upi" ? 0 : Part(paise, Percentage);

    public long Tax => Part(Commission, TaxPercentage);

    public long Settled => paise - Commission - Tax;

    /// <summary>What moved on one day in India is settled at the end of the next.</summary>
    public static DateOnly SettledOn(DateTimeOffset moved) => DateOnly.FromDateTime(moved.ToOffset(India).Date).AddDays(1);

    public static string SettlementOf(DateOnly day) => "settl_" + day.ToString("yyyyMMdd", CultureInfo.InvariantCulture);

    public JsonObject Json(JsonObject merchant, DateTimeOffset now, Func<string, string> word)
    {
        var paid = State == "success";
        var json = new JsonObject
        {
            ["trans_id"] = id,
            ["merchant"] = merchant,
            ["customer"] = order.CustomerJson(plus: "+"),
            ["cost"] = new JsonObject { ["paid"] = IppopayRules.Number(paid ? paise : 0), ["settled"] = IppopayRules.Number(paid ? Settled : 0) },
            ["commission"] = new JsonObject
            {
                ["percentage"] = mode == "upi" ? 0m : Percentage,
                ["value"] = IppopayRules.Number(paid ? Commission : 0),
                ["tax"] = IppopayRules.Number(paid ? Tax : 0),
                ["total"] = IppopayRules.Number(paid ? Commission + Tax : 0),
            },
            ["tax"] = new JsonObject { ["value"] = 18, ["calculation"] = "percent" },
            ["notes"] = order.Notes,
            ["is_manual_record"] = false,
            ["is_intl_payment"] = false,
            ["refund_status"] = paid ? order.Refunds.LastOrDefault()?.State ?? "not_requested" : "not_requested",
            ["status"] = word(State),
            ["failure_reason"] = FailureReason,
            ["product"] = "order",
            ["gateway"] = new JsonObject { ["payment_mode"] = ModeJson() },
            ["createdAt"] = Time(CreatedAt),
            ["updatedAt"] = Time(UpdatedAt),
        };
        var day = SettledOn(UpdatedAt);
        var settledAt = new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), India);
        if (paid && settledAt <= now) (json["settlement_date"], json["settlement_id"]) = (Time(settledAt), SettlementOf(day));
        return json;
    }

    JsonObject ModeJson() => mode switch
    {
        "upi" => new() { ["pay_mode"] = "UPI", ["pay_mode_id"] = "upi", ["pay_group"] = "upi" },
        "nb" => new() { ["pay_mode"] = "Net Banking", ["pay_mode_id"] = "nb", ["pay_group"] = "nb", ["bank_name"] = "Test Bank" },
        _ => new()
        {
            ["pay_mode"] = mode == "cc" ? "Credit Card" : "Debit Card",
            ["pay_mode_id"] = mode,
            ["pay_group"] = "card",
            ["bank_name"] = "Test Bank",
            ["card_number"] = "400000XXXXXX0002",
            ["card_scheme"] = "VISA",
        },
    };

    static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    static long Part(long paise, decimal percentage) => (long)Math.Round(paise * percentage / 100, MidpointRounding.AwayFromZero);
}

/// <summary>Money on its way back. It has no name of its own there.</summary>
sealed class IppopayRefund(IppopayTry paid, long paise)
{
    public IppopayTry Paid => paid;

    public long Amount => paise;

    /// <summary>The words after the first are ours; theirs are not documented.</summary>
    public string State { get; set; } = "requested";
}

/// <summary>All that this IppoPay knows.</summary>
sealed class IppopayVault
{
    /// <summary>A load that goes on for ever must not fill the memory: beyond this the oldest orders are forgotten.</summary>
    const int OrdersKept = 250_000;

    int numbers;

    public ConcurrentDictionary<string, IppopayOrder> Orders { get; } = new();

    public ConcurrentDictionary<string, IppopayOrder> ByReference { get; } = new();

    public ConcurrentDictionary<string, IppopayTry> Tries { get; } = new();

    public ConcurrentQueue<IppopayOrder> InOrder { get; } = new();

    public int NextNumber() => Interlocked.Increment(ref numbers) & int.MaxValue;

    public void Keep(IppopayOrder order)
    {
        Orders[order.Id] = order;
        if (order.Reference is { } reference) ByReference[reference] = order;
        InOrder.Enqueue(order);
        if (Orders.Count <= OrdersKept || !InOrder.TryDequeue(out var oldest)) return;
        Orders.TryRemove(oldest.Id, out _);
        if (oldest.Reference is { } old) ByReference.TryRemove(new(old, oldest));
        lock (oldest.Gate)
            foreach (var one in oldest.Tries) Tries.TryRemove(one.Id, out _);
    }
}
