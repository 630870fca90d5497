using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Paytm;

/// <summary>What Paytm states that it settled: settlement/list, and a file with the columns of the newer detail. Here a movement is settled on the day it
/// happened, by the Indian calendar, and wallets and UPI cost nothing.</summary>
public sealed partial class PaytmDialect
{
    const int MostRows = 20, OldestMonths = 6;

    /// <summary>Of the amount, and the tax on that commission.</summary>
    const decimal CommissionRate = 0.018m, TaxRate = 0.18m;

    public SettlementReport? Settlement(IReadOnlyCollection<MoneyMovement> movements)
    {
        var csv = new StringBuilder("txnType,txnId,orderId,txnDate,txnAmount,commission,gst,settleAmount,utr,payoutDate,paymentMode\n");
        // The same movements, with the names that the book does not hold.
        foreach (var settled in vault.Settled)
        {
            var row = Row(settled);
            csv.AppendJoin(',', ((string[])["txnType", "txnId", "orderId", "txnDate", "txnAmount", "commission", "gst", "settleAmount", "utr", "payoutDate", "paymentMode"])
                .Select(name => row[name]!.ToString())).Append('\n');
        }

        return new("paytm-settlement.csv", "text/csv; charset=utf-8", Encoding.UTF8.GetBytes(csv.ToString()));
    }

    Reply SettlementList(Call call)
    {
        JsonObject asked;
        Dictionary<string, string> parameters;
        try
        {
            if (JsonNode.Parse(call.Body) is not JsonObject body) return Refused("00000031", "The request cannot be read");
            asked = body;
            parameters = asked.ToDictionary(f => f.Key, f => f.Value?.ToString() ?? "");
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return Refused("00000031", "The request cannot be read");
        }

        if (!PaytmDialectChecksum.Verifies(SettlementText(asked, parameters), parameters.GetValueOrDefault("checksumHash"), MerchantKey)) return Refused("00000022", "Checksum mismatch");
        if (parameters.GetValueOrDefault("MID") != Mid) return Refused("00000031", "The merchant is not known");
        if (!Day("utrProcessedStartTime", out var from) || !Day("utrProcessedEndTime", out var to) || to < from || to.DayNumber - from.DayNumber > 1
            || from < PaytmText.Day(world.Now).AddMonths(-OldestMonths)) return Refused("00000031", "The range is not valid");
        if (!Number("pageNum", out var page) || !Number("pageSize", out var size) || size > MostRows) return Refused("00000031", "The page is not valid");
        var all = vault.Settled.Where(s => PaytmText.Day(s.At) >= from && PaytmText.Day(s.At) <= to).ToList();
        var shown = all.Skip((page - 1) * size).Take(size).Select(Row).ToArray<JsonNode?>();
        return new(200, new JsonObject
        {
            ["status"] = shown.Length == 0 ? "RECORD_NOT_FOUND" : "SUCCESS",
            ["resultCode"] = shown.Length == 0 ? "00000030" : "00000000",
            ["errorMessage"] = shown.Length == 0 ? "No record found" : null,
            ["count"] = shown.Length,
            ["totalCount"] = all.Count,
            ["settlementDetailList"] = new JsonArray(shown),
            ["paginatorPageNum"] = page,
            ["paginatorPageSize"] = size,
            ["paginatorTotalPage"] = (all.Count + size - 1) / size,
            ["paginatorTotalCount"] = all.Count,
        });

        bool Day(string name, out DateOnly day) =>
            DateOnly.TryParseExact(parameters.GetValueOrDefault(name), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out day);

        bool Number(string name, out int number) =>
            int.TryParse(parameters.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0;
    }

    /// <summary>Clients disagree about what is signed here.</summary>
    string SettlementText(JsonObject asked, Dictionary<string, string> parameters)
    {
        if (world.Settings.GetValueOrDefault("settlement_checksum") != "json") return PaytmDialectChecksum.Joined(parameters, without: "checksumHash");
        var signed = (JsonObject)asked.DeepClone();
        signed.Remove("checksumHash");
        return signed.ToJsonString(Wire.Compact);
    }

    static Reply Refused(string code, string why) => new(200, new JsonObject { ["status"] = "FAILURE", ["resultCode"] = code, ["errorMessage"] = why });

    static JsonObject Row(PaytmSettled settled)
    {
        var one = settled.Of;
        var amount = settled.Amount / 100m;
        var charged = settled.Type == "ACQUIRING" && one.Mode is not ("UPI" or "PPI");
        var commission = charged ? Math.Round(amount * CommissionRate, 2, MidpointRounding.AwayFromZero) : 0;
        var tax = Math.Round(commission * TaxRate, 2, MidpointRounding.AwayFromZero);
        var day = PaytmText.Day(settled.At);
        return new()
        {
            ["txnType"] = settled.Type,
            ["txnId"] = one.TxnId,
            ["txnDate"] = PaytmText.Time(settled.At),
            ["txnAmount"] = Digits(amount),
            ["bankName"] = "Sandbox Bank",
            ["custId"] = PaytmText.Of(one.Order.Asked["userInfo"], "custId"),
            ["paymentMode"] = one.Mode,
            ["mid"] = Mid,
            ["merchantName"] = "Sandbox merchant",
            ["orderId"] = one.Order.Id,
            ["mercUnqRefVal"] = PaytmText.Of(one.Order.Asked["extendInfo"], "mercUnqRef") ?? "",
            ["utrProcessedTime"] = $"{PaytmText.Day(day)} 11:00:00",
            ["utr"] = $"SBXUTR{day.ToString("yyyyMMdd", CultureInfo.InvariantCulture)}",
            ["settleAmount"] = Digits(amount - commission - tax),
            ["payoutDate"] = PaytmText.Day(day.AddDays(1)),
            ["gst"] = Digits(tax),
            ["commission"] = Digits(commission),
        };
    }

    static string Digits(decimal rupees) => rupees.ToString("F2", CultureInfo.InvariantCulture);
}
