using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.PayPal;

// What PayPal tells afterwards of the money that moved: the transaction search, and the settlement file of each day.
public sealed partial class PayPalDialect
{
    const int MostRows = 10_000, MostPerPage = 500, MostDays = 31;

    Reply SearchTransactions(Call call)
    {
        if (Setting("reporting", "on") == "off")
            return PayPalDialectRules.Error(403, "NOT_AUTHORIZED", "Authorization failed due to insufficient permissions.", "PERMISSION_DENIED", "You do not have permission to access this resource.");
        if (!Moment(call, "start_date", out var from) || !Moment(call, "end_date", out var until) || until < from)
            return PayPalDialectRules.Invalid("INVALID_PARAMETER_SYNTAX", "start_date", "Start date and end date are needed, in this order.");
        if (until - from > TimeSpan.FromDays(MostDays))
            return PayPalDialectRules.Invalid("INVALID_PARAMETER_VALUE", "end_date", "Date range is greater than 31 days.");
        if (!Whole(call, "page_size", 100, MostPerPage, out var size) || !Whole(call, "page", 1, int.MaxValue, out var page))
            return PayPalDialectRules.Invalid("INVALID_PARAMETER_VALUE", "page_size", "The value of a field is invalid.");
        var refreshed = world.Now.AddMinutes(-Number("reporting_lag_minutes", 0));
        var found = vault.Entries(from, until < refreshed ? until : refreshed)
            .Where(e => call.Asked("transaction_id") is not { } id || id == e.Id)
            .Where(e => call.Asked("transaction_status") is not { } status || status == e.Status).ToArray();
        if (found.Length > MostRows)
            return PayPalDialectRules.Error(400, "RESULTSET_TOO_LARGE", "Result set size is greater than the maximum limit. Change the filter criteria and try again.");
        return new(200, new JsonObject
        {
            ["transaction_details"] = new JsonArray([.. found.Skip((page - 1) * size).Take(size).Select(e => new JsonObject { ["transaction_info"] = e.Json() })]),
            ["account_number"] = MerchantId,
            ["start_date"] = PayPalEntry.Time(from),
            ["end_date"] = PayPalEntry.Time(until),
            ["last_refreshed_datetime"] = PayPalEntry.Time(refreshed),
            ["page"] = page,
            ["total_items"] = found.Length,
            ["total_pages"] = (found.Length + size - 1) / size,
            ["links"] = new JsonArray(),
        });
    }

    static bool Moment(Call call, string name, out DateTimeOffset at) =>
        DateTimeOffset.TryParseExact(call.Asked(name)?.Replace(' ', '+'), ["yyyy-MM-ddTHH:mm:ssZ", "yyyy-MM-ddTHH:mm:ss.FFFZ", "yyyy-MM-ddTHH:mm:sszzz"],
            CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out at);

    static bool Whole(Call call, string name, int usual, int most, out int number)
    {
        number = usual;
        return call.Asked(name) is not { } text || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= 1 && number <= most);
    }

    /// <summary>All that moved so far, as one file of the settlement report.</summary>
    public SettlementReport? Settlement(IReadOnlyCollection<MoneyMovement> movements)
    {
        var entries = vault.Entries(DateTimeOffset.MinValue, DateTimeOffset.MaxValue).Where(e => e.Status == PayPalEntry.Success).ToList();
        return new($"STL-{world.Now.ToOffset(PayPalEntry.TheirZone):yyyyMMdd}.01.009.CSV", "text/csv; charset=utf-8",
            Encoding.UTF8.GetBytes(PayPalEntry.Report(entries, MerchantId, world.Now)));
    }
}

/// <summary>A movement of the merchant's balance, or one that is to come or was denied.</summary>
/// <param name="Sign">1 for money that came, -1 for money that went.</param>
/// <param name="About">The transaction that it belongs to, where it has one: the order of a payment, the capture of a refund.</param>
/// <param name="At">When it began; by this the search finds it, however much later it is decided.</param>
sealed record PayPalEntry(
    string Id, string Code, int Sign, PayPalAmount Amount, PayPalAmount? Fee, string About, string? Invoice, string? Custom, string PayerId, DateTimeOffset At)
{
    public const string Success = "S", Pending = "P", Denied = "D";
    const string Payment = "T0006", Refund = "T1107";

    public string Status { get; init; } = Success;

    public DateTimeOffset UpdatedAt { get; init; } = At;

    /// <summary>Their report is written in their own time, which is told with each date.</summary>
    public static readonly TimeSpan TheirZone = TimeSpan.FromHours(-7);

    static readonly string[] Columns =
    [
        "Transaction ID", "Invoice ID", "PayPal Reference ID", "PayPal Reference ID Type", "Transaction Event Code", "Transaction Initiation Date",
        "Transaction Completion Date", "Transaction Debit or Credit", "Gross Transaction Amount", "Gross Transaction Currency", "Fee Debit or Credit",
        "Fee Amount", "Fee Currency", "Custom Field", "Consumer ID", "Payment Tracking ID", "Store ID", "Bank Reference ID", "Credit Transactional Fee",
        "Credit Promotional Fee", "Credit Term",
    ];

    /// <summary>As the capture stands. Until the money came there is no fee.</summary>
    public static PayPalEntry Of(PayPalCapture capture)
    {
        var status = capture.Status switch { "PENDING" => Pending, "DECLINED" => Denied, _ => Success };
        return new(capture.Id, Payment, 1, capture.Amount, status == Success ? capture.Fee : null, capture.Order.Id, capture.Order.InvoiceId, capture.Order.CustomId, capture.Order.PayerId, capture.CreatedAt)
        {
            Status = status,
            UpdatedAt = capture.UpdatedAt,
        };
    }

    public static PayPalEntry Of(PayPalRefund refund, DateTimeOffset at) => new(
        refund.Id, Refund, -1, refund.Amount, null, refund.Capture.Id, refund.InvoiceId, refund.CustomId, refund.Capture.Order.PayerId, at);

    public static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss+0000", CultureInfo.InvariantCulture);

    public JsonObject Json()
    {
        var json = new JsonObject
        {
            ["paypal_account_id"] = PayerId,
            ["transaction_id"] = Id,
            ["paypal_reference_id"] = About,
            ["paypal_reference_id_type"] = Code == Payment ? "ODR" : "TXN",
            ["transaction_event_code"] = Code,
            ["transaction_initiation_date"] = Time(At),
            ["transaction_updated_date"] = Time(UpdatedAt),
            ["transaction_amount"] = (Amount with { Value = Sign * Amount.Value }).Json(),
        };
        if (Fee is { } fee) json["fee_amount"] = (fee with { Value = -fee.Value }).Json();
        json["transaction_status"] = Status;
        if (Invoice is not null) json["invoice_id"] = Invoice;
        if (Custom is not null) json["custom_field"] = Custom;
        return json;
    }

    public static string Report(IReadOnlyList<PayPalEntry> entries, string merchantId, DateTimeOffset now)
    {
        var day = entries.Count == 0 ? now : entries[0].At;
        var lines = new List<string>
        {
            $"\"RH\",{Local(now)},\"A\",{Quoted(merchantId)},009,",
            "\"FH\",01",
            $"\"SH\",{Local(day)[..10]} 00:00:00 -0700,{Local(now)[..10]} 23:59:59 -0700,{Quoted(merchantId)},\"\"",
            "\"CH\"," + string.Join(',', Columns.Select(Quoted)),
        };
        lines.AddRange(entries.Select(e => e.Row()));
        lines.AddRange(Footers("SF", entries));
        lines.Add($"\"SC\",{entries.Count}");
        lines.AddRange(Footers("RF", entries));
        lines.Add($"\"RC\",{entries.Count}");
        lines.Add($"\"FF\",{entries.Count}");
        return string.Join("\r\n", lines) + "\r\n";
    }

    string Row()
    {
        var payment = Code == Payment;
        return string.Join(',', Quoted("SB"), Quoted(Id), Quoted(Invoice), Quoted(payment ? null : About), Quoted(payment ? null : "TXN"), Quoted(Code),
            Local(At), Local(UpdatedAt), Quoted(Sign > 0 ? "CR" : "DR"), Hundredths(Amount), Quoted(Amount.Currency), Quoted(Fee is null ? null : "DR"),
            Fee is { } fee ? Hundredths(fee) : "\"\"", Quoted(Fee?.Currency), Quoted(Custom), Quoted(PayerId), "\"\",\"\",\"\",0,0,\"\"");
    }

    /// <summary>Sums of each currency, and the balances before and after.</summary>
    static IEnumerable<string> Footers(string type, IReadOnlyList<PayPalEntry> entries) => entries.GroupBy(e => e.Amount.Currency).Select(group =>
    {
        var credits = Sum(group.Where(e => e.Sign > 0).Select(e => e.Amount));
        var debits = Sum(group.Where(e => e.Sign < 0).Select(e => e.Amount));
        var fees = Sum(group.Select(e => e.Fee).OfType<PayPalAmount>());
        var end = credits - debits - fees;
        var (side, left) = (end < 0 ? "\"DR\"" : "\"CR\"", Math.Abs(end));
        return string.Create(CultureInfo.InvariantCulture,
            $"\"{type}\",\"{group.Key}\",{credits},{debits},0,{fees},\"CR\",0,{side},{left},\"CR\",0,{side},{left},\"CR\",0,{side},{left},{group.Count()}");
    });

    static long Sum(IEnumerable<PayPalAmount> amounts) => amounts.Sum(a => (long)(a.Value * 100));

    /// <summary>Times a hundred in every currency, also in those that have no decimals.</summary>
    static string Hundredths(PayPalAmount amount) => ((long)(amount.Value * 100)).ToString(CultureInfo.InvariantCulture);

    static string Local(DateTimeOffset at) => at.ToOffset(TheirZone).ToString("yyyy/MM/dd HH:mm:ss -0700", CultureInfo.InvariantCulture);

    static string Quoted(string? text) => $"\"{text?.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
