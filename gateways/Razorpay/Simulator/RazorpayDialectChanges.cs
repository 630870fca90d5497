using System.Text.Json.Nodes;

namespace Purser.Sandbox.Razorpay;

// What a merchant can change afterwards: links that are open, notes, and captures that were left to the merchant.
public sealed partial class RazorpayDialect
{
    Reply ChangeLink(string id, Call call)
    {
        if (!vault.Links.TryGetValue(id, out var link)) return Unknown(id);
        if (RazorpayDialectRules.Read(call.Body, out var asked) is { } unreadable) return unreadable;
        if (RazorpayDialectRules.WrongChange(asked, world.NowSeconds) is { } wrong) return wrong;
        lock (link.Order.Gate)
        {
            if (link.State != "created") return RazorpayDialectRules.Bad($"Payment link cannot be updated as it is in {link.State} state");
            if ((string?)asked["reference_id"] is { Length: > 0 } reference && reference != link.Reference)
            {
                if (!vault.LinksByReference.TryAdd(reference, link))
                    return RazorpayDialectRules.Bad($"payment link with given reference_id ({reference}) already attempted/exists", "reference_id");
                if (link.Reference is { } before) vault.LinksByReference.TryRemove(new(before, link));
                link.Rename(reference);
            }

            foreach (var name in new[] { "accept_partial", "reminder_enable", "expire_by" })
                if (asked[name] is { } value) link.Asked[name] = value.DeepClone();
            if (asked["notes"] is JsonObject notes) link.Order.Notes = (JsonObject)notes.DeepClone();
            if ((long?)asked["expire_by"] is > 0 and var end) link.ExpiresAt = DateTimeOffset.FromUnixTimeSeconds(end);
            link.UpdatedAt = world.NowSeconds;
        }

        world.Deadlines.Add(link);
        return OfLink(id, l => l.Json(inWebhook: false));
    }

    Reply Notify(string id) => !vault.Links.TryGetValue(id, out var link) ? Unknown(id)
        : link.Payable ? new(200, new JsonObject { ["success"] = true })
        : RazorpayDialectRules.Bad($"Notification cannot be sent as the link is in {link.State} state");

    Reply ChangeOrder(string id, Call call)
    {
        if (!vault.Orders.TryGetValue(id, out var order)) return Unknown(id);
        if (RazorpayDialectRules.Read(call.Body, out var asked) is { } unreadable) return unreadable;
        if (RazorpayDialectRules.WrongNotesOnly(asked) is { } wrong) return wrong;
        lock (order.Gate) order.Notes = asked["notes"] as JsonObject is { } notes ? (JsonObject)notes.DeepClone() : [];
        return OfOrder(id, o => o.Json());
    }

    /// <summary>All that was authorized, once.</summary>
    Reply CaptureByHand(string id, Call call)
    {
        if (!vault.Payments.TryGetValue(id, out var payment)) return Unknown(id);
        if (RazorpayDialectRules.Read(call.Body, out var asked) is { } unreadable) return unreadable;
        if (RazorpayDialectRules.WrongCapture(asked) is { } wrong) return wrong;
        if (payment.CapturedAt is not null) return RazorpayDialectRules.Bad("This payment has already been captured");
        if ((long)asked["amount"]! != payment.Amount) return RazorpayDialectRules.Bad("Capture amount must be equal to the amount authorized", "amount");
        if (((string?)asked["currency"] ?? "INR") != payment.Order.Currency)
            return RazorpayDialectRules.Bad("Capture currency must be equal to the currency authorized", "currency");
        return payment.Order.Link is { } link && Take(link, payment) ? OfPayment(id, p => p.Json())
            : RazorpayDialectRules.Bad("Only payments which have been authorized and not yet captured can be captured");
    }
}
