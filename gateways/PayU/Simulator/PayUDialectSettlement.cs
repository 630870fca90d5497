using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Purser.Sandbox.PayU;

/// <summary>What PayU states that it settled: a day's or a transfer's rows, a range of days, and a file with the same columns. Here a movement is settled on
/// the day it happened, by the Indian calendar.</summary>
public sealed partial class PayUDialect
{
    const int LongestRangeDays = 3, UsualRows = 2000, UsualRange = 100, MostRange = 50_000;

    /// <summary>Of the amount, and the tax on that fee.</summary>
    const decimal FeeRate = 0.02m, TaxRate = 0.18m;

    /// <summary>The file's columns are those of the call; the dashboard's own are for each merchant to choose.</summary>
    public SettlementReport? Settlement(IReadOnlyCollection<MoneyMovement> movements)
    {
        var csv = new StringBuilder();
        var header = false;
        // The same movements, with the names that the book does not hold.
        foreach (var settled in vault.Settled)
        {
            var row = Row(settled);
            if (!header) csv.AppendJoin(',', row.Select(f => Quoted(f.Key))).Append("\r\n");
            header = true;
            csv.AppendJoin(',', row.Select(f => Quoted((string?)f.Value ?? ""))).Append("\r\n");
        }

        return new("payu-settlement.csv", "text/csv; charset=utf-8", Encoding.UTF8.GetBytes(csv.ToString()));

        static string Quoted(string text) => text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }

    Reply SettlementDetails(string asked, Dictionary<string, string> form)
    {
        if (!DateOnly.TryParseExact(asked, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && !TransferName().IsMatch(asked))
            return Told(0, "Please check date format it should be YYYY-MM-DD");
        var page = int.TryParse(form.GetValueOrDefault("var2"), CultureInfo.InvariantCulture, out var p) && p > 0 ? p : 1;
        var size = int.TryParse(form.GetValueOrDefault("var3"), CultureInfo.InvariantCulture, out var s) && s > 0 ? s : UsualRows;
        var settled = vault.Settled.Where(m => day == default ? Transfer(PayUText.Day(m.At)) == asked : PayUText.Day(m.At) == day).ToList();
        var shown = settled.Skip((page - 1) * size).Take(size).ToList();
        if (shown.Count == 0) return Told(1, $"0 transactions settled on {asked}", ("Txn_details", new JsonArray()));
        var rows = new JsonObject();
        for (var i = 0; i < shown.Count; i++) rows[(i + 1).ToString(CultureInfo.InvariantCulture)] = Row(shown[i]);
        return Told(1, $"{settled.Count} transactions settled on {asked}", ("Txn_details", rows));
    }

    /// <summary>Fee and tax apart, and the tax not within the fee.</summary>
    (decimal Fee, decimal Tax, decimal Net) Costs(PayUSettled settled)
    {
        var amount = settled.Amount / 100m;
        if (settled.Action != "capture") return (0, 0, -amount);
        var digits = world.Settings.GetValueOrDefault("fees") == "exact" ? 4 : 2;
        var fee = Math.Round(amount * FeeRate, digits, MidpointRounding.AwayFromZero);
        var tax = Math.Round(fee * TaxRate, digits, MidpointRounding.AwayFromZero);
        return (fee, tax, amount - fee - tax);
    }

    JsonObject Row(PayUSettled settled)
    {
        var one = settled.Of;
        var (fee, tax, net) = Costs(settled);
        return new()
        {
            ["payuid"] = one.Mihpayid,
            ["txnid"] = one.Link.Id,
            ["txndate"] = PayUText.Time(one.At),
            ["mode"] = one.Mode,
            ["amount"] = PayUText.Rupees(one.Amount),
            ["requestid"] = settled.RequestId,
            ["requestdate"] = PayUText.Time(settled.At),
            ["requestaction"] = settled.Action,
            ["requestamount"] = PayUText.Rupees(settled.Amount),
            ["mer_utr"] = Transfer(PayUText.Day(settled.At)),
            ["mer_service_fee"] = Digits(fee, 4),
            ["mer_service_tax"] = Digits(tax, 4),
            ["mer_net_amount"] = Digits(net, 4),
            ["bank_name"] = one.BankCode,
            ["issuing_bank"] = "DEMO",
            ["merchant_subvention_amount"] = "0.00",
            ["cgst"] = "0.00000",
            ["igst"] = Digits(tax, 5),
            ["sgst"] = "0.00000",
            ["PG_TYPE"] = one.Mode + "-PG",
            ["Card Type"] = "",
            ["token"] = settled.Token,
        };
    }

    Reply ReadRange(Call call)
    {
        if (!RangeAllowed(call)) return new(401, new JsonObject { ["message"] = "Unauthorized" });
        if (!Day(call.Asked("dateFrom"), out var from) || !Day(call.Asked("dateTo"), out var to)) return RangeError("Please check date format it should be YYYY-MM-DD");
        if (to < from || to.DayNumber - from.DayNumber >= LongestRangeDays) return RangeError("The range is of three days at most");
        var page = Number("page", 1);
        var size = Number("pageSize", UsualRange);
        if (size > MostRange) return RangeError("The page is too long");
        var days = vault.Settled.Where(m => PayUText.Day(m.At) >= from && PayUText.Day(m.At) <= to).ToList();
        var rows = days.Skip((page - 1) * size).Take(size).GroupBy(m => PayUText.Day(m.At)).Select(Transferred).ToArray<JsonNode?>();
        return new(200, new JsonObject
        {
            ["status"] = 0,
            ["result"] = new JsonObject { ["page"] = page, ["size"] = rows.Length, ["totalCount"] = days.Count, ["data"] = new JsonArray(rows) },
        });

        int Number(string name, int usual) => int.TryParse(call.Asked(name), NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0 ? n : usual;

        static bool Day(string? text, out DateOnly day) => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out day);
    }

    JsonObject Transferred(IGrouping<DateOnly, PayUSettled> day) => new()
    {
        ["settlementId"] = $"1234567{day.Key.ToString("yyyyMMdd", CultureInfo.InvariantCulture)}0001",
        ["settlementCompletedDate"] = $"{PayUText.Day(day.Key)} 11:00:03",
        ["settlementAmount"] = Digits(day.Sum(m => Costs(m).Net), 2),
        ["merchantId"] = 1234567,
        ["utrNumber"] = Transfer(day.Key),
        ["transaction"] = new JsonArray([.. day.Select(RangeRow)]),
    };

    JsonObject RangeRow(PayUSettled settled)
    {
        var one = settled.Of;
        var (fee, tax, net) = Costs(settled);
        return new()
        {
            ["action"] = settled.Action,
            ["payuId"] = one.Mihpayid,
            ["parentPayuId"] = null,
            ["requestId"] = settled.RequestId,
            ["transactionAmount"] = PayUText.Rupees(one.Amount),
            ["requestedAmount"] = PayUText.Rupees(settled.Amount),
            ["merchantServiceFee"] = Digits(fee, 4),
            ["merchantServiceTax"] = Digits(tax, 4),
            ["merchantNetAmount"] = Digits(net, 4),
            ["cgst"] = "0.00000",
            ["igst"] = Digits(tax, 5),
            ["sgst"] = "0.00000",
            ["merchantTransactionId"] = one.Link.Id,
            ["mode"] = one.Mode,
            ["paymentStatus"] = "captured",
            ["transactionDate"] = PayUText.Time(one.At),
            ["requestDate"] = PayUText.Time(settled.At),
            ["bankName"] = one.BankCode,
            ["offerServiceFee"] = "0.00",
            ["offerServiceTax"] = "0.00",
        };
    }

    static bool RangeAllowed(Call call) =>
        call.Header("Date") is { Length: > 0 } date && call.Header("Authorization") is { } given
        && RangeAuthorization().Match(given) is { Success: true } said && said.Groups["user"].Value == Key
        && Wire.SameText(said.Groups["signature"].Value, PayUHashes.Range(call.BodyText, date, Salt));

    static Reply RangeError(string why) => new(200, new JsonObject { ["status"] = 1, ["message"] = why, ["result"] = null });

    static string Transfer(DateOnly day) => $"DEMON{day.ToString("yyMMdd", CultureInfo.InvariantCulture)}00001";

    static string Digits(decimal rupees, int decimals) => rupees.ToString("F" + decimals, CultureInfo.InvariantCulture);

    [GeneratedRegex("^(?=.*[A-Za-z])[A-Za-z0-9]{6,30}$")]
    private static partial Regex TransferName();

    [GeneratedRegex("^hmac username=\"(?<user>[^\"]*)\", *algorithm=\"sha512\", *headers=\"date\", *signature=\"(?<signature>[0-9a-f]{128})\"$")]
    private static partial Regex RangeAuthorization();
}
