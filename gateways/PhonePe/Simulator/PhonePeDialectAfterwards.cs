using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.PhonePe;

// What happens to money afterwards: refunds, and what PhonePe states that it paid out.
public sealed partial class PhonePeDialect
{
    /// <summary>Until a refund is accepted, and from then until the money is back.</summary>
    static readonly TimeSpan UntilAccepted = TimeSpan.FromMinutes(1), UntilReturned = TimeSpan.FromMinutes(2);

    /// <summary>Cards and netbanking cost 1.8 percent, and 18 percent tax on that; UPI costs nothing.</summary>
    const decimal FeeRate = 0.018m, TaxRate = 0.18m;

    /// <summary>Their documents give no columns; these are the sandbox's own.</summary>
    const string Header = "row_type,merchant_order_id,phonepe_order_id,transaction_id,refund_id,amount,fee,gst,net,utr,settlement_id,transaction_date,settlement_date";

    Reply Refund(Call call)
    {
        if (PhonePeDialectRules.Read(call.Body, out var asked) is { } unreadable) return unreadable;
        if (PhonePeDialectRules.WrongRefund(asked) is { } wrong) return wrong;
        var (reference, amount) = ((string)asked["merchantRefundId"]!, (long)asked["amount"]!);
        if (!vault.Orders.TryGetValue((string)asked["originalMerchantOrderId"]!, out var order))
            return PhonePeDialectRules.No(404, "ORDER_NOT_FOUND", "No entry found for originalMerchantOrderId.");
        PhonePeRefund refund;
        lock (order.Gate)
        {
            if (vault.Refunds.TryGetValue(reference, out var before)) return Again(before, order, amount);
            if (order.State != "COMPLETED") return PhonePeDialectRules.Bad("Only a completed order can be refunded.");
            if (order.Refunds.Exists(r => r.State is "PENDING" or "CONFIRMED")) return PhonePeDialectRules.Bad("Another refund of this order is under way.");
            if (amount > order.Paid - order.Refunds.Where(r => r.State != "FAILED").Sum(r => r.Amount))
                return PhonePeDialectRules.Bad("The amount is more than what is left to refund.");
            refund = new(NextName("OMR"), NextName("OM"), reference, order, amount, world.Now);
            // Of two orders that ask under one name at once, one is too late.
            if (!vault.Refunds.TryAdd(reference, refund)) return PhonePeDialectRules.Bad("A refund with this merchantRefundId exists.");
            order.Refunds.Add(refund);
        }

        world.Later(UntilAccepted, () => Advance(refund));
        return Answer(refund, "PENDING");
    }

    Reply Again(PhonePeRefund before, PhonePeOrder order, long amount) =>
        world.Settings.GetValueOrDefault("duplicate_refund") == "replay" && before.Order == order && before.Amount == amount
            ? Answer(before, before.State)
            : PhonePeDialectRules.Bad("A refund with this merchantRefundId exists.");

    static Reply Answer(PhonePeRefund refund, string state) =>
        new(200, new JsonObject { ["refundId"] = refund.Id, ["amount"] = refund.Amount, ["state"] = state });

    void Advance(PhonePeRefund refund)
    {
        // Whoever set the sandbox back to its first day hears nothing of the days before.
        if (vault.Refunds.GetValueOrDefault(refund.Reference) != refund) return;
        var order = refund.Order;
        JsonObject told;
        string next;
        lock (order.Gate)
        {
            next = refund.State == "PENDING" ? "CONFIRMED" : world.Settings.GetValueOrDefault("refunds") == "fail" ? "FAILED" : "COMPLETED";
            refund.State = next;
            if (next == "COMPLETED")
            {
                refund.ReturnedAt = world.Now;
                order.Returned.Add(refund);
                world.Book.Refunded(order, order.MoneyIds[0], refund.Amount, order.Currency, refund.ReturnedAt.Value);
            }
            told = refund.Json();
        }

        Tell(next switch { "CONFIRMED" => "pg.refund.accepted", "COMPLETED" => "pg.refund.completed", _ => "pg.refund.failed" }, order.Id, told);
        if (next == "CONFIRMED") world.Later(UntilReturned, () => Advance(refund));
    }

    Reply ReadRefund(string reference)
    {
        if (!vault.Refunds.TryGetValue(reference, out var refund)) return PhonePeDialectRules.No(404, "REFUND_NOT_FOUND", "No entry found for this merchantRefundId.");
        lock (refund.Order.Gate) return new(200, refund.Json());
    }

    /// <summary>Totals only; the rows stand in the file.</summary>
    Reply ReadSettlement(string id)
    {
        var rows = Rows(world.Book.Movements).Where(r => r.Settlement == id).ToList();
        if (rows.Count == 0) return PhonePeDialectRules.No(404, "SETTLEMENT_NOT_FOUND", "No entry found for this settlementId.");
        return new(200, new JsonObject
        {
            ["settlementId"] = id,
            ["state"] = "PROCESSED",
            ["utr"] = "UTR" + id,
            ["amount"] = rows.Sum(r => r.Amount - r.Fee - r.Tax),
            ["merchantId"] = ClientId.Split('_')[0],
            ["lastAttemptErrorCode"] = null,
            ["lastAttemptErrorDescription"] = null,
            ["lastUpdatedAt"] = rows.Max(r => r.At).ToUnixTimeMilliseconds(),
        });
    }

    public SettlementReport? Settlement(IReadOnlyCollection<MoneyMovement> movements)
    {
        var file = new StringBuilder(Header).Append('\n');
        foreach (var row in Rows(movements))
            file.AppendJoin(',', row.Kind, row.Order.Reference, row.Order.Id, row.Transaction, row.Refund, Rupees(row.Amount), Rupees(row.Fee), Rupees(row.Tax),
                Rupees(row.Amount - row.Fee - row.Tax), "UTR" + row.Settlement, row.Settlement,
                PhonePeOrder.InIndia(row.At).ToString("yyyy-MM-ddTHH:mm:sszzz", CultureInfo.InvariantCulture),
                PaidOut(row.At).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)).Append('\n');
        return new("phonepe-settlement.csv", "text/csv", Encoding.UTF8.GetBytes(file.ToString()));
    }

    sealed record Row(string Kind, PhonePeOrder Order, string Transaction, string Refund, long Amount, long Fee, long Tax, DateTimeOffset At)
    {
        public string Settlement => "S" + PaidOut(At).ToString("yyyyMMdd", CultureInfo.InvariantCulture);
    }

    /// <summary>What moved on one day in India is paid out on the next.</summary>
    static DateTimeOffset PaidOut(DateTimeOffset at) => PhonePeOrder.InIndia(at).AddDays(1);

    IEnumerable<Row> Rows(IReadOnlyCollection<MoneyMovement> movements)
    {
        var returned = new Dictionary<PhonePeOrder, int>();
        foreach (var movement in movements)
        {
            if (!vault.Tries.TryGetValue(movement.MoneyId, out var paid)) continue;
            var order = paid.Order;
            if (movement.Kind == "captured")
            {
                var fee = paid.Mode.StartsWith("UPI", StringComparison.Ordinal) ? 0 : (long)Math.Round(movement.Amount * FeeRate);
                yield return new("PAYMENT", order, paid.Id, "", movement.Amount, fee, (long)Math.Round(fee * TaxRate), movement.At);
                continue;
            }

            var nth = returned[order] = returned.GetValueOrDefault(order) + 1;
            PhonePeRefund refund;
            lock (order.Gate) refund = order.Returned[nth - 1];
            yield return new("REFUND", order, refund.Transaction, refund.Id, -refund.Amount, 0, 0, movement.At);
        }
    }

    static string Rupees(long paise) => (paise / 100m).ToString("0.00", CultureInfo.InvariantCulture);
}
