using System.Text.Json.Nodes;

namespace Purser.Sandbox.Paytm;

/// <summary>Money that goes back: asked for, accepted, and credited in the end, each told on its own.</summary>
public sealed partial class PaytmDialect
{
    const int LongestRefId = 50;

    const long LeastRefundPaise = 100;

    /// <summary>How long until a refund is accepted, then credited, then has the bank's number; the times are of our choosing.</summary>
    static readonly TimeSpan AcceptDelay = TimeSpan.FromSeconds(30), CreditDelay = TimeSpan.FromMinutes(3), ArnDelay = TimeSpan.FromMinutes(30);

    JsonObject Refund(JsonObject asked)
    {
        if (PaytmText.Of(asked, "mid") != Mid) return Result(Failure("335", "Mid is invalid"));
        if (PaytmText.Of(asked, "txnType") != "REFUND" || PaytmText.Of(asked, "refId") is not { Length: <= LongestRefId } refId)
            return Result(Failure("600", "Invalid refund request or restricted by bank"));
        if (PaytmText.Of(asked, "orderId") is not { } orderId || !vault.Orders.TryGetValue(orderId, out var order)) return Result(Failure("631", "Record not found"));
        PaytmRefund refund;
        JsonObject answer;
        lock (order.Gate)
        {
            var paid = order.Tries.Find(t => t.TxnId == PaytmText.Of(asked, "txnId"));
            if (paid is null) return Result(Failure("627", "Order Details Mismatch"));
            if (paid.Status != "TXN_SUCCESS") return Result(Failure("607", "Refund can not be initiated for a cancelled transaction"));
            if (PaytmText.Paise(PaytmText.Of(asked, "refundAmount")) is not { } amount) return Result(Failure("619", "Invalid refund amount"));
            if (vault.Refunds.TryGetValue(refId, out var same)) return Result(Repeated(same, paid, amount));
            if (amount < LeastRefundPaise) return Result(Failure("635", "Partial refund under Rupee 1 is not allowed"));
            if (amount > paid.Left) return Result(Failure("619", "Invalid refund amount"));
            if (paid.Refunds.Exists(r => r.Status == "PENDING")) return Result(Failure("626", "Another Refund on same order is already in Progress, please retry after few minutes"));
            if (world.Settings.GetValueOrDefault("refund") == "balance") return Result(Failure("620", "Balance not enough"));
            refund = new(paid, refId, vault.NextRefund(world.Now), amount, world.Now);
            if (!vault.Refunds.TryAdd(refId, refund)) return Result(Repeated(vault.Refunds[refId], paid, amount));
            paid.Refunds.Add(refund);
            answer = Standing(refund);
        }

        Accept(refund);
        return answer;
    }

    static PaytmResult Repeated(PaytmRefund same, PaytmTry paid, long amount) =>
        same.Of != paid || same.Amount != amount ? Failure("627", "Order Details Mismatch")
        : same.Status == "TXN_SUCCESS" ? Failure("629", "Refund is already Successful")
        : same.Status == "TXN_FAILURE" ? Failure(same.Code, same.Message)
        : Failure("617", "Refund Already Raised");

    JsonObject RefundStatus(JsonObject asked)
    {
        if (PaytmText.Of(asked, "mid") != Mid) return Result(Failure("335", "Mid is invalid"));
        if (PaytmText.Of(asked, "refId") is not { } refId || !vault.Refunds.TryGetValue(refId, out var refund) || refund.Of.Order.Id != PaytmText.Of(asked, "orderId"))
            return Result(Failure("631", "Record not found"));
        lock (refund.Of.Order.Gate)
        {
            var answer = Standing(refund);
            answer["mid"] = Mid;
            answer["source"] = "MERCHANT";
            answer["acceptRefundStatus"] = refund.AcceptedAt is null ? "PENDING" : "SUCCESS";
            answer["userCreditInitiateStatus"] = refund.DoneAt is null ? "PENDING" : "SUCCESS";
            if (refund.DoneAt is not null) answer["refundDetailInfoList"] = new JsonArray(Detail(refund));
            return answer;
        }
    }

    JsonObject Standing(PaytmRefund refund)
    {
        var answer = Result(refund.Status == "PENDING" && world.Settings.GetValueOrDefault("refund") == "bank"
            // Some tables give it the word of a failure, while its text says that it is under way.
            ? Failure("628", "Refund is pending at the bank") : new(refund.Status, refund.Code, refund.Message));
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["txnTimestamp"] = PaytmText.TimeWithTenths(refund.Of.At),
            ["orderId"] = refund.Of.Order.Id,
            ["mid"] = Mid,
            ["refId"] = refund.RefId,
            ["refundId"] = refund.RefundId,
            ["txnId"] = refund.Of.TxnId,
            ["refundAmount"] = PaytmText.Rupees(refund.Amount),
            ["txnAmount"] = PaytmText.Rupees(refund.Of.Amount),
            ["totalRefundAmount"] = PaytmText.Rupees(refund.Of.Returned),
        }) answer[name] = value;
        return answer;
    }

    void Accept(PaytmRefund refund) => Afterwards(AcceptDelay, () =>
    {
        var how = world.Settings.GetValueOrDefault("refund");
        lock (refund.Of.Order.Gate)
        {
            if (how == "failure") (refund.Status, refund.Code, refund.Message) = ("TXN_FAILURE", "600", "Invalid refund request or restricted by bank");
            else refund.AcceptedAt = world.Now;
        }

        TellAccepted(refund, how == "failure");
        if (how is not ("failure" or "stuck")) Afterwards(CreditDelay, () => Credit(refund));
    });

    void Credit(PaytmRefund refund)
    {
        lock (refund.Of.Order.Gate)
        {
            refund.DoneAt = world.Now;
            refund.Rrn = $"{600_000_000_000 + (world.NowSeconds % 1_000_000_000)}";
            (refund.Status, refund.Code, refund.Message) = ("TXN_SUCCESS", "10", "Refund Successfull");
            vault.Settled.Enqueue(new(refund.Of, "REFUND", -refund.Amount, world.Now));
            world.Book.Refunded(refund.Of.Order, refund.Of.TxnId, refund.Amount, "INR", world.Now);
        }

        TellCredited(refund);
        Afterwards(ArnDelay, () => TellArn(refund));
    }

    /// <summary>What was begun before a reset belongs to no book any more.</summary>
    void Afterwards(TimeSpan delay, Action act)
    {
        var day = vault;
        world.Later(delay, () =>
        {
            if (vault == day) act();
        });
    }

    void TellAccepted(PaytmRefund refund, bool refused)
    {
        JsonObject news;
        lock (refund.Of.Order.Gate)
        {
            news = About(refund);
            news["status"] = refused ? "FAILED" : "SUCCESS";
            news["acceptRefundTimestamp"] = PaytmText.TimeWithTenths(world.Now);
            if (refused) (news["rejectRefundReasonCode"], news["rejectRefundReasonMessage"]) = (refund.Code, refund.Message);
        }

        Post("accept_refund", refund, news);
    }

    void TellCredited(PaytmRefund refund)
    {
        JsonObject news;
        lock (refund.Of.Order.Gate)
        {
            news = About(refund);
            news["status"] = "SUCCESS";
            news["mid"] = Mid;
            news["source"] = "MERCHANT";
            news["totalRefundAmount"] = PaytmText.Rupees(refund.Of.Returned);
            news["userCreditInitiateTimestamp"] = PaytmText.TimeWithTenths(world.Now);
            news["refundDetailInfoList"] = new JsonArray(Detail(refund));
        }

        Post("success_refund", refund, news);
    }

    /// <summary>The bank's number comes late, and in the capitals of a form.</summary>
    void TellArn(PaytmRefund refund)
    {
        JsonObject news;
        lock (refund.Of.Order.Gate)
            news = new()
            {
                ["ORDERID"] = refund.Of.Order.Id,
                ["REFID"] = refund.RefId,
                ["MID"] = Mid,
                ["TXNID"] = refund.Of.TxnId,
                ["REFUNDID"] = refund.RefundId,
                ["TXNAMOUNT"] = PaytmText.Rupees(refund.Of.Amount),
                ["REFUNDAMOUNT"] = PaytmText.Rupees(refund.Amount),
                ["TXNDATETIME"] = PaytmText.TimeWithTenths(refund.Of.At),
                ["REFUNDDATETIME"] = PaytmText.TimeWithTenths(refund.At),
                ["PAYMENTMODE"] = refund.Of.Mode,
                ["GATEWAYNAME"] = "SANDBOXGW",
                ["BANKNAME"] = "Sandbox Bank",
                ["ARN"] = $"74{refund.Rrn}",
                ["RRN"] = refund.Rrn,
            };
        Post("refund_arn", refund, news);
    }

    void Post(string type, PaytmRefund refund, JsonObject news) => _ = world.Webhooks.Post(world.NextId("evt_", 14), type, refund.Of.Order.Id, news);

    static JsonObject About(PaytmRefund refund) => new()
    {
        ["txnId"] = refund.Of.TxnId,
        ["orderId"] = refund.Of.Order.Id,
        ["refId"] = refund.RefId,
        ["refundId"] = refund.RefundId,
        ["txnAmount"] = PaytmText.Rupees(refund.Of.Amount),
        ["refundAmount"] = PaytmText.Rupees(refund.Amount),
        ["txnTimestamp"] = PaytmText.TimeWithTenths(refund.Of.At),
        ["merchantRefundRequestTimestamp"] = PaytmText.TimeWithTenths(refund.At),
    };

    static JsonObject Detail(PaytmRefund refund) => new()
    {
        ["refundType"] = "TO_SOURCE",
        ["payMethod"] = refund.Of.Mode,
        ["refundAmount"] = PaytmText.Rupees(refund.Amount),
        ["rrn"] = refund.Rrn,
        ["issuingBankName"] = "Sandbox Bank",
        ["userCreditExpectedDate"] = PaytmText.Day(PaytmText.Day(refund.At).AddDays(7)),
    };
}
