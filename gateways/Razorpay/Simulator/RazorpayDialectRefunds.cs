using System.Text.Json.Nodes;

namespace Purser.Sandbox.Razorpay;

// Refunds: in parts, never beyond what was captured, once under a key, and with a time of their own until they are done. What the documents leave
// open is a setting: refunds (processed, pending, failed), refund_keys (ignored), refund_key_conflict (409), balance (empty).
public sealed partial class RazorpayDialect
{
    /// <summary>How long a refund is on its way where it is not done at once.</summary>
    static readonly TimeSpan RefundTakes = TimeSpan.FromMinutes(30);

    static readonly TimeSpan OldestRefunded = TimeSpan.FromDays(183);

    /// <summary>A second call under a key whose first is still running does not wait for it.</summary>
    async Task<Reply> RefundOnce(string id, Call call)
    {
        var key = call.Header("X-Refund-Idempotency");
        if (key is not null && (key.Length < 10 || !key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')))
            return RazorpayDialectRules.Bad("The idempotency key must have at least 10 characters, of letters, digits, hyphens and underscores.");
        if (world.Settings.GetValueOrDefault("refund_keys") == "ignored") key = null;
        if (key is not null && !vault.RunningKeys.TryAdd(key, true))
            return RazorpayDialectRules.Bad("Another request with the same idempotency key is in progress", status: 409);
        try
        {
            await call.Work();
            return Refund(id, call, key);
        }
        finally
        {
            if (key is not null) vault.RunningKeys.TryRemove(key, out _);
        }
    }

    Reply Refund(string id, Call call, string? key)
    {
        if (!vault.Payments.TryGetValue(id, out var payment)) return Unknown(id);
        if (RazorpayDialectRules.Read(call.Body, out var asked) is { } unreadable) return unreadable;
        if (RazorpayDialectRules.WrongRefund(asked, payment.Order.Currency) is { } wrong) return wrong;
        RazorpayRefund refund;
        lock (payment.Order.Gate)
        {
            if (key is not null && vault.RefundKeys.TryGetValue(key, out var before))
                return before.Body == id + call.BodyText ? new(200, before.Refund.Json()) : RazorpayDialectRules.Bad(
                    "Different request with the same idempotency key", status: world.Settings.GetValueOrDefault("refund_key_conflict") == "409" ? 409 : 400);
            if (payment.CapturedAt is not { } captured) return RazorpayDialectRules.Bad("The payment status should be captured for action to be taken");
            if (world.Now - DateTimeOffset.FromUnixTimeSeconds(captured) > OldestRefunded)
                return RazorpayDialectRules.Bad("The payment is older than 6 months and cannot be refunded");
            var left = payment.Amount - payment.AmountRefunded;
            var amount = (long?)asked["amount"] ?? left;
            if (left == 0) return RazorpayDialectRules.Bad("The payment has been fully refunded already");
            if (amount > left) return RazorpayDialectRules.Bad("The refund amount provided is greater than amount captured");
            if (world.Settings.GetValueOrDefault("balance") == "empty") return RazorpayDialectRules.Bad("Your account does not have enough balance to carry out the refund operation.");
            payment.AmountRefunded += amount;
            if (payment.AmountRefunded == payment.Amount) payment.Status = "refunded";
            refund = new(world.NextId("rfnd_", 14), payment, amount, asked, world.NowSeconds);
            payment.Refunds.Add(refund);
            vault.Refunds[refund.Id] = refund;
            if (key is not null) vault.RefundKeys[key] = (id + call.BodyText, refund);
        }

        // The answer to a refund that is done at once, and the news of its creation, show it done already.
        var takes = world.Settings.GetValueOrDefault("refunds") is "pending" or "failed" ? RefundTakes : TimeSpan.Zero;
        var fails = world.Settings.GetValueOrDefault("refunds") == "failed";
        if (takes == TimeSpan.Zero) EndRefund(refund, fails, told: false);
        TellRefund("refund.created", refund);
        if (takes == TimeSpan.Zero) TellRefund("refund.processed", refund);
        else EndRefundLater(refund, takes, fails);
        lock (payment.Order.Gate) return new(200, refund.Json());
    }

    /// <summary>Nothing comes of it when it was forgotten meanwhile.</summary>
    void EndRefundLater(RazorpayRefund refund, TimeSpan takes, bool fails)
    {
        var known = vault;
        world.Later(takes, () =>
        {
            if (vault == known) EndRefund(refund, fails, told: true);
        });
    }

    /// <summary>The money has gone, or it is the merchant's again.</summary>
    void EndRefund(RazorpayRefund refund, bool failed, bool told)
    {
        var payment = refund.Payment;
        lock (payment.Order.Gate)
        {
            refund.Status = failed ? "failed" : "processed";
            if (failed)
            {
                payment.AmountRefunded -= refund.Amount;
                payment.Status = "captured";
            }
            else
            {
                refund.Arn = $"{world.NowSeconds % 1_000_000_000_000:d12}";
                world.Book.Refunded(payment.Order.Link, payment.Id, refund.Amount, payment.Order.Currency, world.Now);
                vault.Settle(new(payment, refund, world.NowSeconds));
            }
        }

        if (told) TellRefund(failed ? "refund.failed" : "refund.processed", refund);
    }

    Reply ReadRefund(string id, string? of)
    {
        if (!vault.Refunds.TryGetValue(id, out var refund) || (of is not null && refund.Payment.Id != of)) return Unknown(id);
        lock (refund.Payment.Order.Gate) return new(200, refund.Json());
    }

    /// <summary>Newest first, as all their lists.</summary>
    Reply ListRefunds(string of, Call call) => RazorpayDialectRules.WrongPage(call, out var skip, out var count)
        ?? OfPayment(of, p => Collection(Enumerable.Reverse(p.Refunds).Skip(skip).Take(count).Select(r => r.Json())));

    Reply ChangeRefund(string id, Call call)
    {
        if (!vault.Refunds.TryGetValue(id, out var refund)) return Unknown(id);
        if (RazorpayDialectRules.Read(call.Body, out var asked) is { } unreadable) return unreadable;
        if (RazorpayDialectRules.WrongNotesOnly(asked) is { } wrong) return wrong;
        lock (refund.Payment.Order.Gate) refund.Notes = asked["notes"] as JsonObject is { } notes ? (JsonObject)notes.DeepClone() : [];
        return ReadRefund(id, of: null);
    }

    void TellRefund(string type, RazorpayRefund refund)
    {
        JsonObject payload;
        lock (refund.Payment.Order.Gate)
            payload = new() { ["refund"] = Entity(refund.Json()), ["payment"] = Entity(refund.Payment.Json()) };
        Post(type, refund.Payment.Order.Link?.Id, payload, world.NowSeconds);
    }
}

/// <summary>A refund as Razorpay keeps it; guarded by the gate of its payment's order.</summary>
sealed class RazorpayRefund(string id, RazorpayPayment payment, long amount, JsonObject asked, long createdAt)
{
    public string Id => id;

    public RazorpayPayment Payment => payment;

    public long Amount => amount;

    public long CreatedAt => createdAt;

    public string Status { get; set; } = "pending";

    public string? Arn { get; set; }

    public JsonObject Notes { get; set; } = asked["notes"] as JsonObject ?? [];

    public JsonObject Json()
    {
        var json = new JsonObject
        {
            ["id"] = id,
            ["entity"] = "refund",
            ["amount"] = amount,
            ["currency"] = payment.Order.Currency,
            ["payment_id"] = payment.Id,
            ["notes"] = RazorpayOrder.NotesJson(Notes),
            ["receipt"] = asked["receipt"]?.DeepClone(),
            ["acquirer_data"] = new JsonObject { ["arn"] = Arn },
            ["created_at"] = createdAt,
            ["batch_id"] = null,
            ["status"] = Status,
        };
        if (asked["speed"] is not { } speed) return json;
        json["speed_processed"] = "normal";
        json["speed_requested"] = speed.DeepClone();
        return json;
    }
}
