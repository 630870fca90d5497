using System.Text.Json.Nodes;

namespace Purser.Sandbox.Stripe;

// Refunds: made by intent or charge, in parts, never beyond what was captured. The setting refunds says how they go: succeeded (at once, which is
// usual for cards), pending, fails_later (after it had succeeded), requires_action (until it is cancelled).
public sealed partial class StripeDialect
{
    static readonly HashSet<string> RefundFields = ["payment_intent", "charge", "amount", "reason", "metadata", "expand"];

    static readonly HashSet<string> RefundListFields = ["payment_intent", "charge", "created", "limit", "starting_after", "ending_before", "expand"];

    /// <summary>A bank's time; failures are told up to thirty days later, which nobody waits for here.</summary>
    static readonly TimeSpan RefundTakes = TimeSpan.FromHours(1);

    Reply Refund(JsonObject asked)
    {
        if (StripeDialectRules.Strange(asked, RefundFields, "") is { } strange) return strange;
        if (StripeDialectRules.WrongMetadata(asked["metadata"], "metadata") is { } wrongMetadata) return wrongMetadata;
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
        StripeRefund refund;
        lock (intent.Session.Gate)
        {
            if (intent.Status != "succeeded")
                return StripeDialectRules.Bad("This PaymentIntent does not have a successful charge to refund.", "payment_intent") with { Executed = true };
            var charge = intent.Charges[^1];
            var left = charge.AmountCaptured - charge.AmountRefunded;
            if (left == 0)
                return StripeDialectRules.Bad($"Charge {charge.Id} has already been refunded.", code: "charge_already_refunded") with { Executed = true };
            var amount = asked["amount"] is null ? left : StripeDialectRules.Number(asked["amount"]) ?? 0;
            if (amount < 1) return StripeDialectRules.Bad("Invalid positive integer", "amount", "parameter_invalid_integer");
            if (StripeDialectRules.WrongStep(amount, intent.Session.Currency)) return StripeDialectRules.Bad("Amounts of this currency must end in zeros.", "amount", "parameter_invalid_integer");
            if (amount > left)
                return StripeDialectRules.Bad($"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", "amount") with { Executed = true };
            charge.AmountRefunded += amount;
            refund = new(world.NextId("re_", 24), charge, amount, asked, world.NowSeconds) { Number = vault.NextNumber() };
            vault.Refunds[refund.Id] = refund;
            intent.Refunds.Add(refund);
            var going = world.Settings.GetValueOrDefault("refunds");
            if (going is "pending" or "requires_action") refund.Status = going;
            else HandToTheBank(refund);
        }

        TellRefund("refund.created", refund);
        Tell("charge.refunded", intent.Session, () => refund.Charge.Json(StripeExpansion.None));
        switch (world.Settings.GetValueOrDefault("refunds"))
        {
            case "pending":
                Later(RefundTakes, () => Succeed(refund));
                break;
            case "fails_later":
                Later(RefundTakes, () => Fail(refund, "failed", "expired_or_canceled_card"));
                break;
        }

        lock (intent.Session.Gate) return new(200, refund.Json());
    }

    void Succeed(StripeRefund refund)
    {
        lock (refund.Session.Gate)
        {
            if (refund.Status != "pending") return;
            HandToTheBank(refund);
        }

        TellRefund("refund.updated", refund);
    }

    /// <summary>The money is the merchant's again, also when it had gone already.</summary>
    void Fail(StripeRefund refund, string status, string? why)
    {
        lock (refund.Session.Gate)
        {
            var went = refund.Status == "succeeded";
            (refund.Status, refund.FailureReason) = (status, why);
            refund.Charge.AmountRefunded -= refund.Amount;
            if (went)
            {
                refund.FailureEntry = vault.Enter(new(world.NextId("txn_", 24), "refund_failure", refund.Amount, 0, refund.Session.Currency, world.NowSeconds,
                    $"REFUND FAILURE ({refund.Session.Description})", refund.Id, refund.Json));
                world.Book.Refunded(refund.Session, refund.Charge.Intent.Id, -refund.Amount, refund.Session.Currency, world.Now);
            }
        }

        if (status == "failed") TellRefund("refund.failed", refund);
        TellRefund("refund.updated", refund);
    }

    void HandToTheBank(StripeRefund refund)
    {
        refund.Status = "succeeded";
        refund.Entry = vault.Enter(new(world.NextId("txn_", 24), "refund", -refund.Amount, 0, refund.Session.Currency, world.NowSeconds,
            $"REFUND FOR CHARGE ({refund.Session.Description})", refund.Id, refund.Json));
        world.Book.Refunded(refund.Session, refund.Charge.Intent.Id, refund.Amount, refund.Session.Currency, world.Now);
    }

    Reply ReadRefund(string id)
    {
        if (!vault.Refunds.TryGetValue(id, out var refund)) return StripeDialectRules.Missing("refund", id);
        lock (refund.Session.Gate) return new(200, refund.Json());
    }

    Reply CancelRefund(string id)
    {
        if (!vault.Refunds.TryGetValue(id, out var refund)) return StripeDialectRules.Missing("refund", id);
        lock (refund.Session.Gate)
            if (refund.Status != "requires_action") return StripeDialectRules.Bad($"A refund with a status of {refund.Status} cannot be canceled.") with { Executed = true };
        Fail(refund, "canceled", null);
        return ReadRefund(id);
    }

    Reply ListRefunds(JsonObject asked)
    {
        if (StripeDialectRules.Strange(asked, RefundListFields, "") is { } strange) return strange;
        var (intent, charge) = ((string?)asked["payment_intent"], (string?)asked["charge"]);
        var window = StripeWindow.Read(asked["created"]);
        IEnumerable<StripeRefund> all = vault.Refunds.Values;
        if (intent is not null)
        {
            if (!vault.Intents.TryGetValue(intent, out var known)) return StripeDialectRules.Missing("payment_intent", intent);
            lock (known.Session.Gate) all = [.. known.Refunds];
        }

        var found = all.Where(r => (charge is null || r.Charge.Id == charge) && r.CreatedAt >= window.Least && r.CreatedAt <= window.Most)
            .OrderByDescending(r => r.Number);
        return Page(asked, [.. found], r => r.Id, "/v1/refunds", refund =>
        {
            lock (refund.Session.Gate) return refund.Json();
        });
    }

    void TellRefund(string type, StripeRefund refund) => Tell(type, refund.Session, refund.Json);
}

/// <summary>A refund; guarded by the gate of its session.</summary>
sealed class StripeRefund(string id, StripeCharge charge, long amount, JsonObject asked, long createdAt)
{
    public string Id => id;

    public StripeCharge Charge => charge;

    public StripeSession Session => charge.Intent.Session;

    public long Amount => amount;

    public long CreatedAt => createdAt;

    /// <summary>Counts all refunds; several come in one second.</summary>
    public required long Number { get; init; }

    public string Status { get; set; } = "pending";

    public string? FailureReason { get; set; }

    public StripeEntry? Entry { get; set; }

    public StripeEntry? FailureEntry { get; set; }

    public JsonObject Json()
    {
        var json = new JsonObject
        {
            ["id"] = id,
            ["object"] = "refund",
            ["amount"] = amount,
            ["balance_transaction"] = Entry?.Id,
            ["charge"] = charge.Id,
            ["created"] = createdAt,
            ["currency"] = Session.Currency,
            ["destination_details"] = new JsonObject { ["type"] = "card", ["card"] = new JsonObject { ["type"] = "refund" } },
            ["failure_balance_transaction"] = FailureEntry?.Id,
            ["failure_reason"] = FailureReason,
            ["metadata"] = asked["metadata"]?.DeepClone() ?? new JsonObject(),
            ["payment_intent"] = charge.Intent.Id,
            ["reason"] = asked["reason"]?.DeepClone(),
            ["status"] = Status,
        };
        if (Status == "pending") json["pending_reason"] = "processing";
        return json;
    }
}
