using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.CCAvenue;

/// <summary>What CCAvenue states that it paid out: the payouts of a day, the rows of a payout, the payout of an order, and the file of the dashboard. Here a
/// movement is paid out on the day it happened, by the Indian calendar.</summary>
public sealed partial class CCAvenueDialect
{
    /// <summary>Of the file only the beginning of the header and the amount are published; the other columns are those of the call, in words.</summary>
    public SettlementReport? Settlement(IReadOnlyCollection<MoneyMovement> movements)
    {
        var csv = new StringBuilder();
        // The same movements, with the names that the book does not hold.
        var settled = vault.Settled.ToList();
        csv.Append("Payout Transaction Summary\r\nMerchant ID,").Append(MerchantId).Append("\r\nRecords,").Append(settled.Count).Append("\r\n\r\n");
        csv.Append("Transaction Type,Order ID,CCAvenue Reference No,Currency,Amount,Fees,Tax,Amount Payable,Order Option Type,Bank Reference No,Date Time\r\n");
        foreach (var one in settled)
            csv.AppendJoin(',', one.Kind, one.Of.Page.OrderNumber, one.Of.TrackingId, one.Of.Page.Currency, Sum(one.Amount * Sign(one)), Sum(one.Fee), Sum(one.Tax),
                Sum(one.Payable * Sign(one)), one.Of.OptionType, one.BankReference, CCAvenueText.Time(one.At)).Append("\r\n");
        return new($"PayoutTransactionSummary{world.Now.ToUnixTimeMilliseconds()}.csv", "text/csv; charset=utf-8", Encoding.UTF8.GetBytes(csv.ToString()));

        static string Sum(long paise)
        {
            var text = (paise * 0.01m).ToString("#,##0.00", CultureInfo.InvariantCulture);
            return text.Contains(',', StringComparison.Ordinal) ? $"\"{text}\"" : text;
        }
    }

    /// <summary>Whether what goes back has a minus is not published.</summary>
    int Sign(CCAvenueSettled settled) => !settled.In && world.Settings.GetValueOrDefault("refund_sign") == "minus" ? -1 : 1;

    JsonObject PayoutSummary(JsonObject asked)
    {
        const string command = "payoutSummary";
        if (CCAvenueText.Of(asked, "settlement_date") is not { } text) return CCAvenueRules.Refusal(command, "52014", "Payout date is required.");
        if (CCAvenueText.ReadDate(text) is not { } day) return CCAvenueRules.Refusal(command, "51006", "Date is not dd-MM-yyyy.");
        var payouts = vault.Payouts.Where(p => p.Key.Day == day).OrderBy(p => p.Value.Value).Select(p => PayoutJson(p.Key.Day, p.Key.Currency, p.Value.Value)).ToList();
        var right = world.Settings.GetValueOrDefault("spelling") == "right";
        var (list, items) = right ? ("payout_summary_list", "payout_summary_details") : ("pauyout_summary_list", "pauyout_summary_details");
        if (payouts.Count == 0) return CCAvenueRules.Refusal(command, CCAvenueRules.NoRecord, "No records found.");
        return new() { [list] = new JsonObject { [items] = List(payouts) }, ["error_code"] = "", ["error_desc"] = "" };
    }

    JsonObject PayoutJson(DateOnly day, string currency, long id) => new()
    {
        ["pay_Id"] = id,
        ["pay_amount"] = vault.Settled.Where(s => s.Day == day && s.Of.Page.Currency == currency).Sum(s => s.Moved) * 0.01m,
        ["settlement_date"] = Iso(day),
        ["settlement_bank"] = "Sandbox Bank",
        ["settlement_currency"] = currency,
        ["trans_currency"] = currency,
        ["sub_acc_Id"] = "",
        ["utr_no"] = Utr(day, currency),
        ["account_no"] = "XXXXXX0001",
        ["ifsc_code"] = "SBOX0000001",
    };

    JsonObject PayoutRows(JsonObject asked)
    {
        const string command = "payIdDetails";
        if (CCAvenueText.Of(asked, "pay_id") is not { } text || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            return CCAvenueRules.Refusal(command, "51308", "No record found.");
        if (vault.Payouts.FirstOrDefault(p => p.Value.Value == id) is not { Value: not null } payout) return CCAvenueRules.Refusal(command, "51308", "No record found.");
        var rows = vault.Settled.Where(s => s.Day == payout.Key.Day && s.Of.Page.Currency == payout.Key.Currency).ToList();
        var (page, size) = Paging(asked);
        return new()
        {
            ["pay_id"] = id,
            ["page_count"] = Pages(rows.Count, size),
            ["total_records"] = rows.Count,
            ["pay_id_txn_details_list"] = new JsonObject { ["pay_id_txn_details"] = List(rows.Skip((page - 1) * size).Take(size).Select(Row)) },
            ["error_code"] = "",
            ["error_desc"] = "",
        };
    }

    JsonObject Row(CCAvenueSettled settled) => new()
    {
        ["amount"] = settled.Amount * Sign(settled) * 0.01m,
        ["amt_payable"] = settled.Payable * Sign(settled) * 0.01m,
        ["fees"] = settled.Fee * 0.01m,
        ["tax"] = settled.Tax * 0.01m,
        ["currency"] = settled.Of.Page.Currency,
        ["order_no"] = settled.Of.Page.OrderNumber,
        ["ccavenue_ref_no"] = settled.Of.TrackingId,
        ["bank_ref_no"] = settled.BankReference,
        ["bill_name"] = settled.Of.Page.Said("billing_name") ?? "",
        ["bill_email"] = settled.Of.Page.Said("billing_email") ?? "",
        ["date_time"] = CCAvenueText.Time(settled.At),
        ["sub_acc_id"] = "",
        ["order_option_type"] = settled.Of.OptionType,
        ["txn_type"] = settled.Kind,
    };

    JsonObject SettlementDetails(JsonObject asked)
    {
        const string command = "getSettlementDetails";
        if (CCAvenueText.Of(asked, "reference_no") is not { } reference) return CCAvenueRules.Refusal(command, "51001", "Reference number is required.");
        if (vault.Settled.FirstOrDefault(s => s.Of.TrackingId == reference) is not { } settled) return CCAvenueRules.Refusal(command, CCAvenueRules.NoRecord, "No records found.");
        var currency = settled.Of.Page.Currency;
        return new()
        {
            ["settlement_details_list"] = new JsonObject
            {
                ["settlement_details"] = new JsonObject
                {
                    ["pay_Id"] = vault.Payouts[(settled.Day, currency)].Value,
                    ["settlement_date"] = Iso(settled.Day),
                    ["utr_no"] = Utr(settled.Day, currency),
                },
            },
            ["error_code"] = "",
            ["error_desc"] = "",
        };
    }

    static string Iso(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    static string Utr(DateOnly day, string currency) => $"SBOX{currency}{day.ToString("yyMMdd", CultureInfo.InvariantCulture)}01";
}
