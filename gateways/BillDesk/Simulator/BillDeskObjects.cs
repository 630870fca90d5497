using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.BillDesk;

/// <summary>An order as BillDesk keeps it, found by the merchant's own name for it. Everything under its gate.</summary>
sealed class BillDeskOrder(JsonObject asked, long amount, DateTimeOffset createdAt)
    : Link((string)asked["orderid"]!, (string)asked["orderid"]!, amount, "INR", createdAt)
{
    const int InfosOfOrders = 7;

    public JsonObject Asked => asked;

    public required string BillDeskId { get; init; }

    public required string Page { get; init; }

    /// <summary>What the browser must bring to the page, and what their script must bring.</summary>
    public required string LaunchText { get; init; }

    public required string LaunchToken { get; init; }

    public required Uri Address { get; init; }

    public string State { get; set; } = "ACTIVE";

    /// <summary>The page takes a try.</summary>
    public bool Open { get; set; } = true;

    public List<BillDeskTransaction> Tries { get; } = [];

    public override string Status => State;

    public override string? Url => new Uri(Address, Page).ToString();

    public override bool Payable => Open;

    public string ReturnUrl => (string)asked["ru"]!;

    public JsonObject Json()
    {
        var json = new JsonObject { ["objectid"] = "order", ["orderid"] = Reference, ["bdorderid"] = BillDeskId };
        foreach (var name in (string[])["mercid", "order_date", "amount", "currency", "ru"]) json[name] = asked[name]!.DeepClone();
        json["additional_info"] = Infos(InfosOfOrders);
        json["itemcode"] = asked["itemcode"]!.DeepClone();
        json["createdon"] = BillDeskText.Time(CreatedAt);
        json["next_step"] = "redirect";
        json["links"] = new JsonArray(
            new JsonObject { ["href"] = new Uri(Address, "/payments/ve1_2/orders/" + Reference).ToString(), ["rel"] = "self", ["method"] = "GET" },
            new JsonObject
            {
                ["href"] = new Uri(Address, BillDeskDialect.LaunchPath).ToString(),
                ["rel"] = "redirect",
                ["method"] = "POST",
                ["parameters"] = new JsonObject { ["mercid"] = asked["mercid"]!.DeepClone(), ["bdorderid"] = BillDeskId, ["rdata"] = LaunchText },
                ["valid_date"] = BillDeskText.Time(ExpiresAt!.Value),
                ["headers"] = new JsonObject { ["authorization"] = "OToken " + LaunchToken },
            });
        json["status"] = State;
        return json;
    }

    /// <summary>The merchant's own notes; what was not given is there as "NA".</summary>
    public JsonObject Infos(int count)
    {
        var infos = new JsonObject();
        for (var i = 1; i <= count; i++)
            infos[$"additional_info{i}"] = asked["additional_info"]?[$"additional_info{i}"]?.DeepClone() ?? "NA";
        return infos;
    }
}

/// <summary>One try of a shopper to pay an order.</summary>
sealed class BillDeskTransaction(string id, BillDeskOrder order, long amount, long surcharge, string bankReference, DateTimeOffset at)
{
    const int InfosOfTransactions = 10;

    public string Id => id;

    public BillDeskOrder Order => order;

    public long Amount => amount;

    public DateTimeOffset At => at;

    public BillDeskStatus Status { get; set; } = BillDeskStatus.Pending;

    /// <summary>Refunds that gave money back, in the order in which they did.</summary>
    public List<BillDeskRefund> Returned { get; } = [];

    public List<BillDeskRefund> Refunds { get; } = [];

    /// <summary>Shoppers pay even rupees by UPI and odd ones by card.</summary>
    public string Method => order.Amount / 100 % 2 == 0 ? "upi" : "card";

    public JsonObject Json() => new()
    {
        ["objectid"] = "transaction",
        ["transactionid"] = id,
        ["orderid"] = order.Reference,
        ["mercid"] = order.Asked["mercid"]!.DeepClone(),
        ["transaction_date"] = BillDeskText.Time(at),
        ["amount"] = BillDeskText.Rupees(amount),
        ["surcharge"] = BillDeskText.Rupees(surcharge),
        ["discount"] = "0.00",
        ["charge_amount"] = BillDeskText.Rupees(amount + surcharge),
        ["currency"] = "356",
        ["ru"] = order.ReturnUrl,
        ["txn_process_type"] = Method == "upi" ? "collect" : "3ds",
        ["payment_method_type"] = Method,
        ["payment_category"] = Method == "upi" ? "10" : "02",
        ["bankid"] = "DEMO",
        ["bank_ref_no"] = bankReference,
        ["itemcode"] = order.Asked["itemcode"]!.DeepClone(),
        ["additional_info"] = order.Infos(InfosOfTransactions),
        ["auth_status"] = Status.Auth,
        ["transaction_error_code"] = Status.Code,
        ["transaction_error_type"] = Status.Type,
        ["transaction_error_desc"] = Status.Text,
    };
}

/// <summary>How a try stands. Only the first line is from a document; the codes and types of the others are of our choosing.</summary>
sealed record BillDeskStatus(string Auth, string Code, string Type, string Text)
{
    public static readonly BillDeskStatus
        Success = new("0300", "TRS0000", "success", "Transaction Successful"),
        Pending = new("0002", "TRP0001", "payment_processing_error", "Pending at the bank"),
        Undetermined = new("0001", "TRP0002", "api_processing_error", "Error at BillDesk"),
        Failed = new("0399", "TRF0001", "payment_processing_error", "Declined by the bank");
}

sealed class BillDeskRefund(string id, string reference, BillDeskTransaction of, long amount, string status, DateTimeOffset at)
{
    public string Id => id;

    public string Reference => reference;

    public BillDeskTransaction Of => of;

    public long Amount => amount;

    public string Status { get; set; } = status;

    public DateTimeOffset At => at;

    public JsonObject Json() => new()
    {
        ["objectid"] = "refund",
        ["refundid"] = id,
        ["transactionid"] = of.Id,
        ["orderid"] = of.Order.Reference,
        ["mercid"] = of.Order.Asked["mercid"]!.DeepClone(),
        ["transaction_date"] = BillDeskText.Time(of.At),
        ["txn_amount"] = BillDeskText.Rupees(of.Amount),
        ["refund_amount"] = BillDeskText.Rupees(amount),
        ["currency"] = "356",
        ["refund_date"] = BillDeskText.Time(at),
        ["merc_refund_ref_no"] = reference,
        ["refund_status"] = Status,
    };
}

static class BillDeskText
{
    static readonly TimeSpan India = new(5, 30, 0);

    public static DateOnly Day(DateTimeOffset at) => DateOnly.FromDateTime(at.ToOffset(India).DateTime);

    public static string Time(DateTimeOffset at) => at.ToOffset(India).ToString("yyyy-MM-ddTHH:mm:sszzz", CultureInfo.InvariantCulture);

    public static string Rupees(long paise) => (paise / 100m).ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>Only a text with two decimals is an amount.</summary>
    public static long? Paise(JsonNode? node)
    {
        if (Text(node) is not { Length: >= 4 and <= 15 } text || text[^3] != '.') return null;
        return decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rupees) ? (long)(rupees * 100) : null;
    }

    public static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}

/// <summary>All that this BillDesk knows, by every name it is asked for.</summary>
sealed class BillDeskVault
{
    /// <summary>A load that goes on for ever must not fill the memory: beyond this the oldest orders and traces are forgotten.</summary>
    const int OrdersKept = 250_000, TracesKept = 1_000_000;

    static readonly TimeSpan TracesCount = TimeSpan.FromHours(24);

    readonly Queue<(string Trace, DateTimeOffset At)> traceOrder = new();
    readonly HashSet<string> traces = [];

    /// <summary>By the merchant's name, which is taken for ever.</summary>
    public ConcurrentDictionary<string, BillDeskOrder> Orders { get; } = new();

    public ConcurrentDictionary<string, BillDeskOrder> OrdersByBillDeskId { get; } = new();

    public ConcurrentDictionary<string, BillDeskOrder> OrdersByPage { get; } = new();

    public ConcurrentDictionary<string, BillDeskTransaction> Transactions { get; } = new();

    public ConcurrentDictionary<string, BillDeskRefund> Refunds { get; } = new();

    public ConcurrentDictionary<string, BillDeskRefund> RefundsByReference { get; } = new();

    public ConcurrentQueue<BillDeskOrder> InOrder { get; } = new();

    /// <summary>False when the same trace was seen within a day.</summary>
    public bool FirstSeen(string trace, DateTimeOffset now)
    {
        lock (traces)
        {
            while (traceOrder.TryPeek(out var oldest) && (oldest.At <= now - TracesCount || traces.Count >= TracesKept))
                traces.Remove(traceOrder.Dequeue().Trace);
            if (!traces.Add(trace)) return false;
            traceOrder.Enqueue((trace, now));
            return true;
        }
    }

    public void Keep(BillDeskOrder order)
    {
        InOrder.Enqueue(order);
        if (Orders.Count <= OrdersKept || !InOrder.TryDequeue(out var oldest)) return;
        Orders.TryRemove(new(oldest.Reference!, oldest));
        OrdersByBillDeskId.TryRemove(oldest.BillDeskId, out _);
        OrdersByPage.TryRemove(oldest.Page, out _);
        lock (oldest.Gate)
            foreach (var one in oldest.Tries)
            {
                Transactions.TryRemove(one.Id, out _);
                foreach (var refund in one.Refunds)
                {
                    Refunds.TryRemove(refund.Id, out _);
                    RefundsByReference.TryRemove(refund.Reference, out _);
                }
            }
    }
}
