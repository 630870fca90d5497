using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Ippopay;

// What happens to money afterwards: refunds, and the statement.
public sealed partial class IppopayDialect
{
    /// <summary>Until a refund is being worked on, and from then until the money is back.</summary>
    static readonly TimeSpan UntilProcessing = TimeSpan.FromMinutes(1), UntilReturned = TimeSpan.FromMinutes(2);

    /// <summary>Their export's columns are not documented; these are the sandbox's own.</summary>
    const string Header = "settlement_id,settlement_date,type,order_id,trans_id,pay_mode,amount,commission,commission_tax,settled_amount,utr";

    /// <summary>A refund has no name and no key: asked for twice it is paid twice, as long as there is money left.</summary>
    Reply Refund(string id, Call call)
    {
        if (IppopayRules.Read(call.Body, out var asked) is { } unreadable) return unreadable;
        long? amount = null;
        if (asked["refund_amt"] is { } given)
        {
            if (IppopayRules.WrongAmount(given, "refund_amt", out var paise) is { } wrong) return wrong;
            amount = paise;
        }
        if (!vault.Orders.TryGetValue(id, out var order)) return IppopayRules.No("Order not found", 404);
        IppopayRefund refund;
        lock (order.Gate)
        {
            if (order.Paid is not { } paid) return IppopayRules.No("The order is not paid");
            var live = order.Refunds.Where(r => r.State != "failed").ToList();
            if (live.Count > 0 && world.Settings.GetValueOrDefault("second_refund") == "refuse") return IppopayRules.No("A refund was requested already");
            var left = paid.Amount - live.Sum(r => r.Amount);
            if (left == 0) return IppopayRules.No("The order is refunded already");
            if (amount > left) return IppopayRules.No("refund_amt is more than what is left");
            refund = new(paid, amount ?? left);
            order.Refunds.Add(refund);
            order.AskedToRefund = true;
        }

        world.Later(UntilProcessing, () => Advance(order, refund));
        return new(200, new JsonObject { ["success"] = true, ["message"] = "Your refund request accepted" });
    }

    void Advance(IppopayOrder order, IppopayRefund refund)
    {
        // Whoever set the sandbox back to its first day hears nothing of the days before.
        if (vault.Orders.GetValueOrDefault(order.Id) != order) return;
        lock (order.Gate)
        {
            if (refund.State == "processing")
            {
                refund.State = world.Settings.GetValueOrDefault("refunds") == "fail" ? "failed" : "refunded";
                if (refund.State == "refunded") world.Book.Refunded(order, refund.Paid.Id, refund.Amount, order.Currency, world.Now);
                return;
            }
            refund.State = "processing";
        }

        world.Later(UntilReturned, () => Advance(order, refund));
    }

    public SettlementReport? Settlement(IReadOnlyCollection<MoneyMovement> movements)
    {
        var file = new StringBuilder(Header).Append('\n');
        foreach (var movement in movements)
        {
            if (!vault.Tries.TryGetValue(movement.MoneyId, out var one)) continue;
            var back = movement.Kind == "refunded";
            var (amount, commission, tax) = back ? (-movement.Amount, 0, 0) : (movement.Amount, one.Commission, one.Tax);
            var day = IppopayTry.SettledOn(movement.At);
            file.AppendJoin(',', IppopayTry.SettlementOf(day), day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), back ? "refund" : "payment",
                one.Order.Id, one.Id, one.Mode, IppopayRules.Rupees(amount), IppopayRules.Rupees(commission), IppopayRules.Rupees(tax),
                IppopayRules.Rupees(amount - commission - tax), $"UTR{day:yyyyMMdd}").Append('\n');
        }
        return new("Settlements-Reports.csv", "text/csv", Encoding.UTF8.GetBytes(file.ToString()));
    }
}
