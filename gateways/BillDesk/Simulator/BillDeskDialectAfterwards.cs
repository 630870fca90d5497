using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.BillDesk;

// What happens to money afterwards: refunds, and what BillDesk states that it paid out.
public sealed partial class BillDeskDialect
{
    const string Cancelled = "0699", Accepted = "0799", UnderWay = "0002", NotRefunded = "0399";

    const int LongestRangeDays = 7;

    /// <summary>Of the amount, and the tax on that fee.</summary>
    const decimal FeeRate = 0.02m, TaxRate = 0.18m;

    /// <summary>Their documents give no columns; these are the sandbox's own.</summary>
    const string Header = "pv_number,record_type,transactionid,refundid,orderid,merc_refund_ref_no,transaction_date,settlement_date,"
        + "gross_amount,charges,gst,net_amount,currency,payment_method_type,bank_ref_no,utr";

    static readonly TimeSpan UntilReturned = TimeSpan.FromMinutes(2);

    Reply Refund(JsonObject asked)
    {
        if (BillDeskRules.WrongRefund(asked) is { } wrong) return Invalid(wrong);
        var (id, reference) = ((string)asked["transactionid"]!, (string)asked["merc_refund_ref_no"]!);
        if (!vault.Transactions.TryGetValue(id, out var one) || one.Order.Reference != (string)asked["orderid"]!) return NotFound("Transaction not found");
        var amount = BillDeskText.Paise(asked["refund_amount"])!.Value;
        BillDeskRefund refund;
        lock (one.Order.Gate)
        {
            if (vault.RefundsByReference.ContainsKey(reference)) return AlreadyRefunded();
            if (one.Status != BillDeskStatus.Success) return Unprocessable("The transaction was not successful");
            if ((string)asked["transaction_date"]! != BillDeskText.Time(one.At) || (string)asked["txn_amount"]! != BillDeskText.Rupees(one.Amount))
                return Unprocessable("transaction_date and txn_amount must be those of the transaction");
            if (amount > one.Amount - Gone(one)) return Unprocessable("The refund amount is more than what is left");
            refund = new(world.NextId("U", 15).ToUpperInvariant(), reference, one, amount, FirstStatus(one, amount), world.Now);
            // Of two orders that ask under one name at once, one is too late.
            if (!vault.RefundsByReference.TryAdd(reference, refund)) return AlreadyRefunded();
            Enter(refund);
            if (refund.Status == UnderWay) world.Later(UntilReturned, () => Complete(refund));
            else GiveBack(refund);
            return Told(200, refund.Json());
        }
    }

    Reply AlreadyRefunded() => Error(409, "duplicate_request_error", "RFDRE0001", "Refund already exists with given mercid and merc_refund_ref_no");

    Reply Unprocessable(string message) => Error(422, "invalid_data_error", "RFIDE0001", message);

    static long Gone(BillDeskTransaction one) => one.Refunds.Where(r => r.Status != NotRefunded).Sum(r => r.Amount);

    /// <summary>All of it on the day of the payment, which settlement has not reached, cancels the payment.</summary>
    string FirstStatus(BillDeskTransaction one, long amount) => world.Settings.GetValueOrDefault("refunds") switch
    {
        "pending" or "fail" => UnderWay,
        _ => amount == one.Amount && BillDeskText.Day(one.At) == BillDeskText.Day(world.Now) ? Cancelled : Accepted,
    };

    void Enter(BillDeskRefund refund)
    {
        vault.Refunds[refund.Id] = refund;
        refund.Of.Refunds.Add(refund);
    }

    void Complete(BillDeskRefund refund)
    {
        // Whoever set the sandbox back to its first day hears nothing of the days before.
        if (vault.Refunds.GetValueOrDefault(refund.Id) != refund) return;
        lock (refund.Of.Order.Gate)
        {
            refund.Status = world.Settings.GetValueOrDefault("refunds") == "fail" ? NotRefunded : Accepted;
            if (refund.Status == Accepted) GiveBack(refund);
            else Tell(refund);
        }
    }

    void GiveBack(BillDeskRefund refund)
    {
        refund.Of.Returned.Add(refund);
        world.Book.Refunded(refund.Of.Order, refund.Of.Id, refund.Amount, refund.Of.Order.Currency, world.Now);
        Tell(refund);
    }

    void Tell(BillDeskRefund refund)
    {
        if (world.Settings.GetValueOrDefault("refund_webhooks") == "on")
            _ = world.Webhooks.Post(world.NextId("", 16), "refund." + refund.Status, refund.Of.Order.Id, refund.Json());
    }

    /// <summary>Money that came too late goes back without anybody asking, where an account has it so.</summary>
    void GiveBackByItself(BillDeskTransaction one)
    {
        lock (one.Order.Gate)
        {
            var refund = new BillDeskRefund(world.NextId("U", 15).ToUpperInvariant(), world.NextId("AUTO", 12).ToUpperInvariant(), one, one.Amount, Cancelled, world.Now);
            vault.RefundsByReference[refund.Reference] = refund;
            Enter(refund);
            GiveBack(refund);
        }
    }

    Reply ReadRefund(JsonObject asked)
    {
        BillDeskRefund? refund;
        if (BillDeskText.Text(asked["refundid"]) is { } id) refund = vault.Refunds.GetValueOrDefault(id);
        else if (BillDeskText.Text(asked["merc_refund_ref_no"]) is { } reference) refund = vault.RefundsByReference.GetValueOrDefault(reference);
        else return Invalid("refundid or merc_refund_ref_no is needed");
        if (refund is null) return NotFound("Refund not found");
        lock (refund.Of.Order.Gate) return Told(200, refund.Json());
    }

    Reply ReadSettlements(JsonObject asked)
    {
        var rows = Rows(world.Book.Movements);
        if (BillDeskText.Text(asked["pv_number"]) is { } voucher)
        {
            rows = rows.Where(r => r.Voucher == voucher);
            if (!rows.Any()) return NotFound("Settlement not found");
        }
        else
        {
            if (!Day(asked["from_date"], out var from) || !Day(asked["to_date"], out var to) || to < from) return Invalid("from_date or to_date is invalid");
            if (to.DayNumber - from.DayNumber >= LongestRangeDays) return Invalid($"The range is of {LongestRangeDays} days at most");
            rows = rows.Where(r => r.Day >= from && r.Day <= to);
        }

        return Told(200, new JsonObject { ["settlements"] = new JsonArray([.. rows.GroupBy(r => r.Voucher).Select(Summary)]) });

        static bool Day(JsonNode? node, out DateOnly day) =>
            DateOnly.TryParseExact(BillDeskText.Text(node), "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out day);
    }

    static JsonObject Summary(IGrouping<string, Row> voucher)
    {
        var day = voucher.First().Day;
        var (paid, back) = (voucher.Where(r => r.Refund is null).Sum(r => r.Amount), -voucher.Where(r => r.Refund is not null).Sum(r => r.Amount));
        return new()
        {
            ["objectid"] = "settlement",
            ["pv_number"] = voucher.Key,
            ["mercid"] = MerchantId,
            ["payout_mercid"] = MerchantId,
            ["pv_file"] = voucher.Key + ".csv",
            ["pv_file_date"] = day.ToString("yyyyMMdd", CultureInfo.InvariantCulture),
            ["currency"] = "356",
            ["amount_details"] = new JsonObject
            {
                ["settlement"] = BillDeskText.Rupees(paid),
                ["refund"] = BillDeskText.Rupees(back),
                ["chargeback"] = "0.00",
                ["refund_reversal"] = "0.00",
                ["chargeback_reversal"] = "0.00",
                ["adjustment"] = "0.00",
            },
            ["charges"] = BillDeskText.Rupees(voucher.Sum(r => r.Fee)),
            ["taxes"] = BillDeskText.Rupees(voucher.Sum(r => r.Tax)),
            ["other_adjustments"] = "0.00",
            ["payout_amount"] = BillDeskText.Rupees(voucher.Sum(r => r.Net)),
            ["status"] = "SETTLED",
            ["settlement_date"] = Date(day),
            ["utr"] = voucher.First().Transfer,
            ["utr_date"] = Date(day),
        };
    }

    public SettlementReport? Settlement(IReadOnlyCollection<MoneyMovement> movements)
    {
        var file = new StringBuilder(Header).Append('\n');
        foreach (var row in Rows(movements))
            file.AppendJoin(',', row.Voucher, row.Refund is null ? "PAYMENT" : "REFUND", row.Of.Id, row.Refund?.Id, row.Of.Order.Reference, row.Refund?.Reference,
                BillDeskText.Time(row.At), Date(row.Day), BillDeskText.Rupees(row.Amount), BillDeskText.Rupees(row.Fee), BillDeskText.Rupees(row.Tax),
                BillDeskText.Rupees(row.Net), "356", row.Of.Method, row.Refund is null ? (string?)row.Of.Json()["bank_ref_no"] : "", row.Transfer).Append('\n');
        return new("billdesk-settlement.csv", "text/csv", Encoding.UTF8.GetBytes(file.ToString()));
    }

    /// <summary>A movement as it is settled: here on the day it happened, by the Indian calendar.</summary>
    sealed record Row(BillDeskTransaction Of, BillDeskRefund? Refund, long Amount, long Fee, long Tax, DateTimeOffset At)
    {
        public DateOnly Day => BillDeskText.Day(At);

        public long Net => Amount - Fee - Tax;

        public string Voucher => "PV" + Day.ToString("yyyyMMdd", CultureInfo.InvariantCulture);

        public string Transfer => "DEMOUTR" + Day.ToString("yyyyMMdd", CultureInfo.InvariantCulture);
    }

    IEnumerable<Row> Rows(IReadOnlyCollection<MoneyMovement> movements)
    {
        var returned = new Dictionary<BillDeskTransaction, int>();
        foreach (var movement in movements)
        {
            if (!vault.Transactions.TryGetValue(movement.MoneyId, out var one)) continue;
            if (movement.Kind == "captured")
            {
                var fee = (long)Math.Round(movement.Amount * FeeRate, MidpointRounding.AwayFromZero);
                yield return new(one, null, movement.Amount, fee, (long)Math.Round(fee * TaxRate, MidpointRounding.AwayFromZero), movement.At);
                continue;
            }

            var nth = returned[one] = returned.GetValueOrDefault(one) + 1;
            BillDeskRefund refund;
            lock (one.Order.Gate) refund = one.Returned[nth - 1];
            yield return new(one, refund, -refund.Amount, 0, 0, movement.At);
        }
    }

    static string Date(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
