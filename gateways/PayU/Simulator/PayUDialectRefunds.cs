using System.Globalization;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.PayU;

/// <summary>Money that goes back, and what is told of it.</summary>
public sealed partial class PayUDialect
{
    const int LongestToken = 23;

    /// <summary>A second refund of the same amount within this time is taken for a mistake.</summary>
    static readonly TimeSpan SameAmountPause = TimeSpan.FromMinutes(5);

    /// <summary>How long a refund stays at each stage; the times are of our choosing.</summary>
    static readonly (string Status, TimeSpan After)[] Stages =
        [("requested", TimeSpan.FromSeconds(30)), ("in progress", TimeSpan.FromMinutes(1)), ("success", TimeSpan.FromMinutes(3))];

    /// <summary>When the bank's number for a refund follows.</summary>
    static readonly TimeSpan ArnDelay = TimeSpan.FromHours(48);

    Reply Refund(string mihpayid, Dictionary<string, string> form)
    {
        if (form.GetValueOrDefault("var2") is not { Length: > 0 } token || form.GetValueOrDefault("var3") is not { Length: > 0 } text) return Told(0, "Parameter missing");
        if (!vault.Tries.TryGetValue(mihpayid, out var one)) return RefundError(null, "transaction not found", 116);
        PayURefund refund;
        lock (one.Link.Gate)
        {
            if (one.Status != "success") return RefundError(mihpayid, "invalid transaction status", 111);
            if (token.Length > LongestToken) return RefundError(mihpayid, "the token is too long", 232);
            if (PayUText.Paise(text) is not { } amount || amount <= 0) return RefundError(mihpayid, "invalid amount", 105);
            if (one.Refunds.Find(r => r.Token == token) is { } same) return TokenUsed(mihpayid, same.Amount == amount);
            if (amount > one.Left) return RefundError(mihpayid, "invalid amount", 105);
            if (one.Unmapped == "auth") return Void(one, token, amount);
            // The pause is the gateway's own time, which the sandbox shortens.
            if (one.Refunds.Exists(r => r.Amount == amount && r.Status != "failure" && world.Now - r.At < SameAmountPause / world.Speed))
                return RefundError(mihpayid, "same amount refunded within five minutes", 214);
            refund = Keep(one, "refund", token, amount, form.GetValueOrDefault("var5"));
        }

        if (world.Settings.GetValueOrDefault("refund") != "stuck") Advance(refund, 0);
        return Told(1, "Refund Request Queued", ("request_id", refund.RequestId), ("bank_ref_num", null), ("mihpayid", Number(mihpayid)), ("error_code", 102));
    }

    Reply TokenUsed(string mihpayid, bool sameAmount) => world.Settings.GetValueOrDefault("duplicate_token") == "plain"
        ? Told(0, "token already used or request pending")
        : sameAmount ? RefundError(mihpayid, "same amount and same token", 227) : RefundError(mihpayid, "the token exists", 106);

    /// <summary>What was only authorised is released, and no money moves.</summary>
    Reply Void(PayUTry one, string token, long amount)
    {
        if (amount != one.Amount) return RefundError(one.Mihpayid, "partial not allowed", 128);
        var cancel = Keep(one, "cancel", token, amount, null);
        cancel.Status = "success";
        (one.Status, one.Unmapped) = ("failure", "cancelled");
        return Told(1, "Cancel Request Queued", ("txn_update_id", cancel.RequestId), ("bank_ref_num", null), ("mihpayid", Number(one.Mihpayid)), ("error_code", 102));
    }

    PayURefund Keep(PayUTry one, string action, string token, long amount, string? callback)
    {
        var refund = new PayURefund(one, action, vault.NextRequest(), token, amount, callback, world.Now);
        one.Refunds.Add(refund);
        vault.Refunds[refund.RequestId] = refund;
        return refund;
    }

    void Advance(PayURefund refund, int stage)
    {
        var (status, after) = Stages[stage];
        var day = vault;
        world.Later(after, () =>
        {
            // What was begun before a reset belongs to no book any more.
            if (vault != day) return;
            var one = refund.Of;
            lock (one.Link.Gate)
            {
                refund.Status = status == "success" && world.Settings.GetValueOrDefault("refund") == "failure" ? "failure" : status;
                if (refund.Status == "success")
                {
                    refund.BankReference = $"{600_000_000_000 + (world.NowSeconds % 1_000_000_000)}";
                    Book(one, "refund", refund.RequestId, refund.Token, refund.Amount);
                }
            }

            if (stage + 1 < Stages.Length) Advance(refund, stage + 1);
            else TellRefund(refund);
        });
    }

    void TellRefund(PayURefund refund)
    {
        var drifts = world.Settings.GetValueOrDefault("drift") == "on";
        JsonObject news;
        lock (refund.Of.Link.Gate)
            news = new()
            {
                ["additionalValue1"] = null,
                ["additionalValue2"] = null,
                ["bank_arn"] = drifts && refund.BankReference is { } arn ? Number(arn) : refund.BankReference,
                ["refund_mode"] = "Back to Source",
                ["bank_ref_num"] = refund.BankReference,
                ["key"] = Key,
                ["amt"] = PayUText.Rupees(refund.Amount),
                ["remark"] = null,
                ["status"] = refund.Status,
                ["token"] = refund.Token,
                ["mihpayid"] = drifts ? $" {refund.Of.Mihpayid} " : refund.Of.Mihpayid,
                ["request_id"] = refund.RequestId,
                ["merchantTxnId"] = refund.Of.Link.Id,
                ["action"] = refund.Action,
            };
        _ = world.Webhooks.Post(world.NextId("evt_", 14), "refund", refund.Of.Link.Id, news);
        var day = vault;
        if (refund.Status == "success")
            world.Later(ArnDelay, () =>
            {
                if (vault == day) TellArn(refund);
            });
    }

    void TellArn(PayURefund refund)
    {
        JsonObject row;
        lock (refund.Of.Link.Gate)
        {
            refund.BankArn = refund.BankReference;
            row = new()
            {
                ["PayuID"] = refund.Of.Mihpayid,
                ["RequestID"] = refund.RequestId,
                ["RefundToken"] = refund.Token,
                ["PaymentGateway"] = refund.Of.Mode + "-PG",
                ["Amount"] = PayUText.Rupees(refund.Amount),
                ["Status"] = refund.Status,
                ["RefundCreationDate"] = PayUText.Time(refund.At),
                ["bank_ref_no"] = refund.BankReference,
                ["bank_arn"] = refund.BankArn,
                ["success_at"] = PayUText.Time(world.Now),
                ["BaseTxnID"] = refund.Of.Link.Id,
            };
        }

        _ = world.Webhooks.Post(world.NextId("evt_", 14), "refund_arn", refund.Of.Link.Id, new() { [refund.Of.Link.Id] = new JsonArray(row) });
    }

    /// <summary>By the name of one request, or all of a payment's.</summary>
    Reply ActionStatus(string asked, string? by)
    {
        var actions = new JsonObject();
        if (by == "payuid")
        {
            if (vault.Tries.TryGetValue(asked, out var one))
                lock (one.Link.Gate)
                {
                    if (one.Status == "success" && one.Unmapped == "captured") actions[one.RequestId] = CaptureAction(one);
                    foreach (var refund in one.Refunds) actions[refund.RequestId] = RefundAction(refund);
                }
        }
        else if (vault.Refunds.TryGetValue(asked, out var refund))
        {
            lock (refund.Of.Link.Gate) actions[asked] = RefundAction(refund);
        }

        // What is an object otherwise is a sentence when there is none.
        return actions.Count == 0
            ? Told(0, "0 out of 1 Transactions Fetched Successfully", ("transaction_details", new JsonObject { [asked] = "No action status found" }))
            : Told(1, "1 out of 1 Transactions Fetched Successfully", ("transaction_details", new JsonObject { [asked] = actions }));
    }

    static JsonObject CaptureAction(PayUTry one) => Action(one, one.RequestId, one.Amount, "capture", "", "SUCCESS", one.BankReference, null);

    static JsonObject RefundAction(PayURefund refund) => Action(
        refund.Of, refund.RequestId, refund.Amount, refund.Action, refund.Token, refund.Status, refund.BankReference, refund.BankArn);

    static JsonObject Action(PayUTry one, string requestId, long amount, string action, string token, string status, string? bankReference, string? bankArn) => new()
    {
        ["mihpayid"] = one.Mihpayid,
        ["bank_ref_num"] = bankReference,
        ["request_id"] = requestId,
        ["amt"] = PayUText.Rupees(amount),
        ["mode"] = one.Mode,
        ["action"] = action,
        ["token"] = token,
        ["status"] = status,
        ["bank_arn"] = bankArn,
        ["settlement_id"] = null,
        ["amount_settled"] = null,
        ["UTR_no"] = null,
        ["value_date"] = null,
        ["refund_mode"] = action == "refund" ? "Back to Source" : null,
    };

    static Reply RefundError(string? mihpayid, string why, int code) =>
        Told(0, $"Refund FAILURE - {why}", ("mihpayid", mihpayid is null ? null : Number(mihpayid)), ("error_code", code));

    /// <summary>Some answers have ids as numbers, which are too long for many readers.</summary>
    static JsonValue Number(string digits) => JsonValue.Create(long.Parse(digits, CultureInfo.InvariantCulture));
}
