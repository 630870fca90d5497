using System.Text.Json.Nodes;

namespace Purser.Sandbox.PayPal;

// Refunds: of a capture, whole or in parts, never more than is left.
public sealed partial class PayPalDialect
{
    Made Refund(string id, Call call)
    {
        if (!vault.Captures.TryGetValue(id, out var capture)) return new(PayPalDialectRules.NotFound);
        if (PayPalDialectRules.Read(call.Body, out var asked) is { } unreadable) return new(unreadable);
        if (PayPalDialectRules.WrongRefund(asked, capture.Amount.Currency, out var wanted) is { } wrong) return new(wrong);
        PayPalRefund refund;
        var wait = TimeSpan.FromMinutes(Number("refund_delay_minutes", 0));
        lock (capture.Order.Gate)
        {
            if (capture.Status == "PENDING") return new(PayPalDialectRules.Unprocessable("PENDING_CAPTURE", "Cannot initiate a refund as the capture is pending."));
            if (capture.Status == "DECLINED") return new(PayPalDialectRules.Unprocessable("REFUND_NOT_ALLOWED", "The capture cannot be refunded."));
            var left = capture.Amount.Value - capture.Taken;
            if (left == 0) return new(PayPalDialectRules.Unprocessable("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded."));
            var amount = wanted ?? left;
            if (amount > left)
                return new(PayPalDialectRules.Unprocessable("REFUND_AMOUNT_EXCEEDED", "The refund amount must be less than or equal to the capture amount that has not yet been refunded."));
            refund = new(NewId(), capture, capture.Amount with { Value = amount }, asked, world.Now);
            capture.Refunds.Add(refund);
            vault.Refunds[refund.Id] = refund;
            if (wait == TimeSpan.Zero) Complete(refund);
        }

        if (wait == TimeSpan.Zero)
        {
            TellRefund(refund);
        }
        else
        {
            Tell("PAYMENT.REFUND.PENDING", "refund", capture.Order, refund.Json(world.Address));
            world.Later(wait, () => Finish(refund));
        }

        return new(RefundReply(201, refund.Id, call), refund.Id);
    }

    void Finish(PayPalRefund refund)
    {
        lock (refund.Capture.Order.Gate) Complete(refund);
        TellRefund(refund);
    }

    /// <summary>Call under the order's gate.</summary>
    void Complete(PayPalRefund refund)
    {
        refund.UpdatedAt = world.Now;
        if (Setting("refund_outcome", "completed") == "failed")
        {
            refund.Status = "FAILED";
            return;
        }

        var capture = refund.Capture;
        refund.Status = "COMPLETED";
        capture.Status = capture.Returned == capture.Amount.Value ? "REFUNDED" : "PARTIALLY_REFUNDED";
        capture.UpdatedAt = world.Now;
        vault.Record(PayPalEntry.Of(refund, world.Now));
        world.Book.Refunded(capture.Order, capture.Id, refund.Amount.MinorUnits, refund.Amount.Currency, world.Now);
    }

    void TellRefund(PayPalRefund refund)
    {
        JsonObject about;
        lock (refund.Capture.Order.Gate) about = refund.Json(world.Address);
        Tell(refund.Status == "FAILED" ? "PAYMENT.REFUND.FAILED" : "PAYMENT.CAPTURE.REFUNDED", "refund", refund.Capture.Order, about);
    }

    Reply RefundReply(int status, string id, Call call)
    {
        if (!vault.Refunds.TryGetValue(id, out var refund)) return PayPalDialectRules.NotFound;
        lock (refund.Capture.Order.Gate)
            return new(status, call.Method == "GET" || WantsAll(call) ? refund.Json(world.Address) : Least(refund.Json(world.Address)));
    }
}
