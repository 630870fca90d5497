using System.Text.Json.Nodes;

namespace Purser.Sandbox.Stripe;

// What a merchant can do afterwards: capture or release what was authorized, change metadata, read the lines.
public sealed partial class StripeDialect
{
    static readonly HashSet<string> ChangeFields = ["metadata", "expand"], CaptureFields = ["amount_to_capture", "expand"],
        CancelFields = ["cancellation_reason", "expand"];

    /// <summary>A key with an empty value is removed; keys that are not named stay.</summary>
    Reply ChangeSession(string id, JsonObject asked)
    {
        if (StripeDialectRules.Strange(asked, ChangeFields, "") is { } strange) return strange;
        if (StripeDialectRules.WrongMetadata(asked["metadata"], "metadata") is { } wrong) return wrong;
        if (!vault.Sessions.TryGetValue(id, out var session)) return StripeDialectRules.Missing("checkout.session", id);
        lock (session.Gate)
        {
            if (session.Asked["metadata"] is not JsonObject kept) session.Asked["metadata"] = kept = [];
            foreach (var (key, value) in asked["metadata"] as JsonObject ?? [])
            {
                if (value!.ToString().Length == 0) kept.Remove(key);
                else kept[key] = value.DeepClone();
            }
        }

        return ReadSession(id, asked);
    }

    Reply ReadLines(string id)
    {
        if (!vault.Sessions.TryGetValue(id, out var session)) return StripeDialectRules.Missing("checkout.session", id);
        var lines = ((JsonObject)session.Asked["line_items"]!).Select((line, place) =>
        {
            var (quantity, price) = (StripeDialectRules.Number(line.Value!["quantity"])!.Value, line.Value["price_data"]!);
            var total = quantity * StripeDialectRules.Number(price["unit_amount"])!.Value;
            return new JsonObject
            {
                ["id"] = $"li_{place}_{id[^12..]}",
                ["object"] = "item",
                ["amount_discount"] = 0,
                ["amount_subtotal"] = total,
                ["amount_tax"] = 0,
                ["amount_total"] = total,
                ["currency"] = session.Currency,
                ["description"] = price["product_data"]!["name"]!.DeepClone(),
                ["quantity"] = quantity,
            };
        });
        return List(lines, false, $"/v1/checkout/sessions/{id}/line_items");
    }

    /// <summary>All or a part of what was authorized, once; the rest is released.</summary>
    Reply CaptureByHand(string id, JsonObject asked)
    {
        if (StripeDialectRules.Strange(asked, CaptureFields, "") is { } strange) return strange;
        if (!vault.Intents.TryGetValue(id, out var intent)) return StripeDialectRules.Missing("payment_intent", id);
        StripeCharge charge;
        lock (intent.Session.Gate)
        {
            if (intent.Status != "requires_capture") return Unexpected($"This PaymentIntent could not be captured because it has a status of {intent.Status}.");
            var amount = asked["amount_to_capture"] is { } part ? StripeDialectRules.Number(part) ?? 0 : intent.Amount;
            if (amount < 1) return StripeDialectRules.Bad("Invalid positive integer", "amount_to_capture", "parameter_invalid_integer");
            if (amount > intent.Amount) return StripeDialectRules.Bad("The amount to capture is more than was authorized.", "amount_to_capture", "amount_too_large");
            charge = intent.Charges[^1];
            Take(intent, charge, amount);
        }

        Tell("charge.captured", intent.Session, () => charge.Json(StripeExpansion.None));
        Tell("payment_intent.succeeded", intent.Session, () => intent.Json(StripeExpansion.None));
        return ReadIntent(id, asked);
    }

    /// <summary>The intent of an open session ends with its session only; what was authorized can be released.</summary>
    Reply CancelIntent(string id, JsonObject asked)
    {
        if (StripeDialectRules.Strange(asked, CancelFields, "") is { } strange) return strange;
        var reason = (string?)asked["cancellation_reason"];
        if (reason is not (null or "abandoned" or "duplicate" or "fraudulent" or "requested_by_customer"))
            return StripeDialectRules.Bad("Invalid cancellation_reason.", "cancellation_reason");
        if (!vault.Intents.TryGetValue(id, out var intent)) return StripeDialectRules.Missing("payment_intent", id);
        lock (intent.Session.Gate)
        {
            if (intent.Status != "requires_capture") return Unexpected("You cannot cancel this PaymentIntent: it belongs to a Checkout Session. Expire the session.");
            (intent.Status, intent.CancellationReason, intent.CanceledAt) = ("canceled", reason, world.NowSeconds);
        }

        Tell("payment_intent.canceled", intent.Session, () => intent.Json(StripeExpansion.None));
        return ReadIntent(id, asked);
    }

    static Reply Unexpected(string message) => StripeDialectRules.Bad(message, code: "payment_intent_unexpected_state") with { Executed = true };
}
