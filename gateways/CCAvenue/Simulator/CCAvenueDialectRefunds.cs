using System.Text.Json.Nodes;

namespace Purser.Sandbox.CCAvenue;

/// <summary>Money that goes back: taken now, done later, and told only to who asks.</summary>
public sealed partial class CCAvenueDialect
{
    const int LongestRefundReference = 30;

    /// <summary>How long a refund is under way; the time is of our choosing.</summary>
    static readonly TimeSpan RefundTime = TimeSpan.FromMinutes(5);

    JsonObject Refund(JsonObject asked)
    {
        if (CCAvenueText.Of(asked, "reference_no") is not { } number) return Refusal("51001", "Reference number is required.");
        if (number.Length > 25 || !number.All(char.IsAsciiDigit)) return Refusal("51002", "Reference number is not valid.");
        if (CCAvenueText.Of(asked, "refund_amount") is not { } text) return Refusal("51014", "Amount is required.");
        if (CCAvenueText.Paise(text) is not { } amount) return Refusal("51015", "Amount is not valid.");
        if (CCAvenueText.Of(asked, "refund_ref_no") is not { } reference) return Refusal("51085", "Refund reference number is required.");
        if (reference.Length > LongestRefundReference) return Refusal("51086", "Refund reference number is too long.");
        if (!reference.All(char.IsAsciiLetterOrDigit)) return Refusal("51087", "Refund reference number is not valid.");
        if (!vault.Tries.TryGetValue(number, out var one)) return Refusal(CCAvenueRules.NoRefundRecord, "No record found.");
        CCAvenueRefund refund;
        lock (one.Page.Gate)
        {
            if (vault.Refunds.ContainsKey(reference)) return Refusal("51309", "Refund reference number already exists.");
            if (one.Status == "Successful") return Refusal("51310", "Refund is not allowed for this order.");
            if (one.Status == "Chargeback") return Refusal("51315", "Order is disputed.");
            if (one.Status is not ("Shipped" or "Refunded")) return Refusal("51312", "Refund cannot be initiated.");
            if (amount > one.Left) return Refusal("51314", "Refund limit exceeded.");
            if (one.Refunds.Exists(r => !r.Failed) && world.Settings.GetValueOrDefault("refunds") == "once") return Refusal("51311", "Multiple refunds are not allowed.");
            refund = new(one, reference, amount, world.Now);
            // Another order's refund may come with the same number at the same moment.
            if (!vault.Refunds.TryAdd(reference, refund)) return Refusal("51309", "Refund reference number already exists.");
            one.Refunds.Add(refund);
            one.Become("Refunded", world.Now);
        }

        if (world.Settings.GetValueOrDefault("refund") != "stuck")
        {
            var day = vault;
            world.Later(RefundTime, () =>
            {
                // What was begun before a reset belongs to no book any more.
                if (vault == day) EndRefund(refund);
            });
        }

        return new() { ["refund_status"] = 0, ["reason"] = "", ["error_code"] = "" };

        static JsonObject Refusal(string code, string why) => CCAvenueRules.Refusal("refundOrder", code, why);
    }

    void EndRefund(CCAvenueRefund refund)
    {
        var one = refund.Of;
        lock (one.Page.Gate)
        {
            refund.DoneAt = world.Now;
            refund.Status = world.Settings.GetValueOrDefault("refund") is "TS-REFF" or "TS-REFD" ? world.Settings["refund"] : "TS-REFC";
            if (refund.Failed)
            {
                if (one.Refunds.TrueForAll(r => r.Failed)) one.Become("Shipped", world.Now);
                return;
            }

            refund.BankReference = vault.NextRefund();
            GiveBack(one, "Refunded", refund.Amount, refund.BankReference);
        }
    }

    void GiveBack(CCAvenueTry one, string kind, long amount, string bankReference)
    {
        vault.Settle(new(one, kind, amount, bankReference, world.Now));
        world.Book.Refunded(one.Page, one.TrackingId, amount, one.Page.Currency, world.Now);
    }

    JsonObject RefundDetails(JsonObject asked)
    {
        const string command = "getRefundDetails";
        if (CCAvenueText.Of(asked, "reference_no") is not { } number) return CCAvenueRules.Refusal(command, "51001", "Reference number is required.");
        if (!number.All(char.IsAsciiDigit)) return CCAvenueRules.Refusal(command, "51002", "Reference number is not valid.");
        if (!vault.Tries.TryGetValue(number, out var one)) return CCAvenueRules.Refusal(command, CCAvenueRules.NoRecord, "No records found.");
        lock (one.Page.Gate)
        {
            if (one.Refunds.Count == 0 && world.Settings.GetValueOrDefault("no_refunds") == "error")
                return CCAvenueRules.Refusal(command, CCAvenueRules.NoRecord, "No records found.");
            return new()
            {
                ["refund_list"] = one.Refunds.Count == 0 ? new JsonArray() : List(one.Refunds.Select(r => r.Json())),
                ["order_amt"] = one.Amount * 0.01m,
                ["order_curr"] = one.Page.Currency,
                ["order_status"] = one.Status,
            };
        }
    }
}
