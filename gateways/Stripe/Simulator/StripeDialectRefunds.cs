using System.Text.Json.Nodes;

namespace Purser.Sandbox.Stripe;

/// <summary>Refunds: made by intent or charge, in parts, never beyond what was captured.</summary>
public sealed partial class StripeDialect
{
    static readonly HashSet<string> RefundFields = ["payment_intent", "charge", "amount", "reason", "metadata", "expand"];

    Reply Refund(JsonObject asked)
    {
        if (StripeDialectRules.Strange(asked, RefundFields, "") is { } strange) return strange;
        StripeIntent? intent = null;
        if ((string?)asked["payment_intent"] is { } intentId && !vault.Intents.TryGetValue(intentId, out intent))
            return StripeDialectRules.Missing("payment_intent", intentId);
        if ((string?)asked["charge"] is { } chargeId)
        {
            if (!vault.Charges.TryGetValue(chargeId, out var named)) return StripeDialectRules.Missing("charge", chargeId);
            intent = named.Intent;
        }

        if (intent is null) return StripeDialectRules.Bad("One of payment_intent or charge is needed.", "payment_intent", "parameter_missing");
        if (asked["reason"] is { } reason && reason.ToString() is not ("duplicate" or "fraudulent" or "requested_by_customer"))
            return StripeDialectRules.Bad("Invalid reason.", "reason");
        JsonObject refund;
        StripeCharge charge;
        lock (intent.Session.Gate)
        {
            if (intent.Status != "succeeded")
                return StripeDialectRules.Bad("This PaymentIntent does not have a successful charge to refund.", "payment_intent") with { Executed = true };
            charge = intent.Charges[^1];
            var left = charge.AmountCaptured - charge.AmountRefunded;
            if (left == 0)
                return StripeDialectRules.Bad($"Charge {charge.Id} has already been refunded.", code: "charge_already_refunded") with { Executed = true };
            var amount = asked["amount"] is null ? left : StripeDialectRules.Number(asked["amount"]) ?? 0;
            if (amount < 1) return StripeDialectRules.Bad("Invalid positive integer", "amount", "parameter_invalid_integer");
            if (amount > left)
                return StripeDialectRules.Bad($"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", "amount") with { Executed = true };
            charge.AmountRefunded += amount;
            refund = new()
            {
                ["id"] = world.NextId("re_", 24),
                ["object"] = "refund",
                ["amount"] = amount,
                ["balance_transaction"] = world.NextId("txn_", 24),
                ["charge"] = charge.Id,
                ["created"] = world.NowSeconds,
                ["currency"] = intent.Session.Currency,
                ["destination_details"] = new JsonObject { ["type"] = "card", ["card"] = new JsonObject { ["type"] = "refund" } },
                ["failure_balance_transaction"] = null,
                ["failure_reason"] = null,
                ["metadata"] = asked["metadata"]?.DeepClone() ?? new JsonObject(),
                ["payment_intent"] = intent.Id,
                ["reason"] = asked["reason"]?.DeepClone(),
                ["status"] = "succeeded",
            };
            vault.Refunds[(string)refund["id"]!] = refund;
            world.Book.Refunded(intent.Session, intent.Id, amount, intent.Session.Currency, world.Now);
        }

        Tell("refund.created", intent.Session, () => (JsonObject)refund.DeepClone());
        Tell("charge.refunded", intent.Session, () => charge.Json(StripeExpansion.None));
        return new(200, refund.DeepClone());
    }

    Reply ListRefunds(JsonObject asked)
    {
        var intent = (string?)asked["payment_intent"];
        var charge = (string?)asked["charge"];
        var found = vault.Refunds.Values
            .Where(r => (intent is null || (string?)r["payment_intent"] == intent) && (charge is null || (string?)r["charge"] == charge))
            .OrderByDescending(r => (long)r["created"]!).Take(MostListed);
        return List(found.Select(r => (JsonObject)r.DeepClone()), false, "/v1/refunds");
    }
}
