using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Paytm;

/// <summary>An order that can be paid on a page while its token lives.</summary>
sealed class PaytmOrder(JsonObject asked, long amount, string token, Uri page, DateTimeOffset createdAt)
    : Link(PaytmText.Of(asked, "orderId")!, PaytmText.Of(asked, "orderId"), amount, "INR", createdAt)
{
    public JsonObject Asked => asked;

    public string Token { get; set; } = token;

    /// <summary>The page takes a payment.</summary>
    public bool Open { get; set; } = true;

    /// <summary>A shopper has seen the page.</summary>
    public bool Seen { get; set; }

    /// <summary>Oldest first.</summary>
    public List<PaytmTry> Tries { get; } = [];

    public PaytmTry? Latest => Tries.LastOrDefault();

    public string? Callback => PaytmText.Of(asked, "callbackUrl");

    public override string Status => Latest is { } last ? $"{last.Status} {last.Code}" : Open ? "CREATED" : "TOKEN_EXPIRED";

    public override string? Url => page.ToString();

    public override bool Payable => Open;
}

/// <summary>One try of a shopper. Read and written under its order's gate.</summary>
sealed class PaytmTry(PaytmOrder order, string txnId, bool oddity, string mode, DateTimeOffset at)
{
    public PaytmOrder Order => order;

    public string TxnId => txnId;

    /// <summary>What is told of it has a field that nobody has heard of.</summary>
    public bool Oddity => oddity;

    public string Mode => mode;

    public DateTimeOffset At => at;

    public long Amount { get; set; } = order.Amount;

    public string Status { get; set; } = "PENDING";

    public string Code { get; set; } = "402";

    public string Message { get; set; } = PaytmRules.Pending;

    /// <summary>Empty while no bank was reached.</summary>
    public string BankTxnId { get; set; } = "";

    public List<PaytmRefund> Refunds { get; } = [];

    /// <summary>What a refund may still take: whatever no refund has, or had and failed.</summary>
    public long Left => Amount - Refunds.Where(r => r.Status != "TXN_FAILURE").Sum(r => r.Amount);

    public long Returned => Refunds.Where(r => r.Status == "TXN_SUCCESS").Sum(r => r.Amount);
}

sealed class PaytmRefund(PaytmTry of, string refId, string refundId, long amount, DateTimeOffset at)
{
    public PaytmTry Of => of;

    public string RefId => refId;

    public string RefundId => refundId;

    public long Amount => amount;

    public DateTimeOffset At => at;

    public string Status { get; set; } = "PENDING";

    public string Code { get; set; } = "601";

    public string Message { get; set; } = "Refund request was raised for this transaction. But it is pending state.";

    public DateTimeOffset? AcceptedAt { get; set; }

    public DateTimeOffset? DoneAt { get; set; }

    public string? Rrn { get; set; }
}

/// <summary>One movement of money as the settlement knows it.</summary>
sealed record PaytmSettled(PaytmTry Of, string Type, long Amount, DateTimeOffset At);

/// <summary>All that this Paytm knows.</summary>
sealed class PaytmVault
{
    /// <summary>A load that goes on for ever must not fill the memory: beyond this the oldest are forgotten.</summary>
    const int OrdersKept = 250_000;

    long tries, refunds;

    public ConcurrentDictionary<string, PaytmOrder> Orders { get; } = new();

    public ConcurrentDictionary<string, PaytmOrder> OrdersByPage { get; } = new();

    public ConcurrentDictionary<string, PaytmTry> Tries { get; } = new();

    public ConcurrentDictionary<string, PaytmRefund> Refunds { get; } = new();

    public ConcurrentQueue<PaytmOrder> OrderQueue { get; } = new();

    public ConcurrentQueue<PaytmSettled> Settled { get; } = new();

    public PaytmTry NewTry(PaytmOrder order, DateTimeOffset at)
    {
        var number = Interlocked.Increment(ref tries);
        var id = PaytmText.Day(at).ToString("yyyyMMdd", CultureInfo.InvariantCulture) + number.ToString("D27", CultureInfo.InvariantCulture);
        // Now and then, as the documents have it; the first one is plain.
        return Tries[id] = new(order, id, oddity: number % 2 == 0, PaytmRules.Mode(order.Asked), at);
    }

    public string NextRefund(DateTimeOffset at) =>
        PaytmText.Day(at).ToString("yyyyMMdd", CultureInfo.InvariantCulture) + Interlocked.Increment(ref refunds).ToString("D14", CultureInfo.InvariantCulture);

    public void Keep(PaytmOrder order)
    {
        OrdersByPage[new Uri(order.Url!).AbsolutePath] = order;
        OrderQueue.Enqueue(order);
        if (OrderQueue.Count <= OrdersKept || !OrderQueue.TryDequeue(out var oldest)) return;
        Orders.TryRemove(new(oldest.Id, oldest));
        OrdersByPage.TryRemove(new Uri(oldest.Url!).AbsolutePath, out _);
        foreach (var one in oldest.Tries.ToArray()) Tries.TryRemove(one.TxnId, out _);
    }
}

/// <summary>Rupees, days and fields as Paytm writes them.</summary>
static class PaytmText
{
    static readonly TimeSpan India = new(5, 30, 0);

    public static string Rupees(long paise) => (paise / 100m).ToString("F2", CultureInfo.InvariantCulture);

    public static string Time(DateTimeOffset at) => at.ToOffset(India).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    public static string TimeWithTenths(DateTimeOffset at) => at.ToOffset(India).ToString("yyyy-MM-dd HH:mm:ss.f", CultureInfo.InvariantCulture);

    public static DateOnly Day(DateTimeOffset at) => DateOnly.FromDateTime(at.ToOffset(India).DateTime);

    public static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>Digits, a point and two digits; null for anything else.</summary>
    public static long? Paise(string? text) =>
        text is { Length: > 3 and <= 15 } && text[^3] == '.' && text.Remove(text.Length - 3, 1).All(char.IsAsciiDigit)
            ? long.Parse(text.Remove(text.Length - 3, 1), CultureInfo.InvariantCulture) : null;

    /// <summary>A text field; null when it is missing, empty or of another kind.</summary>
    public static string? Of(JsonNode? node, string name) =>
        node is JsonObject fields && fields[name] is JsonValue value && value.TryGetValue(out string? text) && text.Length > 0 ? text : null;
}
