using System.Text.Json;
using Purser.Refunds;

namespace Purser.Gateways.BillDesk;

// Refunds: under our own name, which they take once. Their form wants the payment's own date and amount, letter by letter, so the payment is read
// first, and with it the refunds that it has.
public sealed partial class BillDeskGateway : IRefundMoney
{
    const string CreateRefund = "payments/ve1_2/refunds/create";
    const string GetRefund = "payments/ve1_2/refunds/get";

    public async Task<RefundAnswer> Refund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        var talk = new BillDeskConversation(call.Account, line);
        TransactionWire? paid;
        switch (await talk.AskAfresh(GetTransaction, WriteQuestion, call.Refund.Reference, stop))
        {
            case BillDeskReply.NotSent n: return new RefundAnswer.NotSent(n.Reason);
            case BillDeskReply.Unknown u: return new RefundAnswer.Unknown(u.Reason);
            case BillDeskReply.Told told when Wire.TryRead(told.Payload, out paid): break;
            case BillDeskReply.Refused { Http: 404, Definite: true }: return new RefundAnswer.Rejected($"There is no payment {call.MoneyReference}.");
            case BillDeskReply.Refused no: return new RefundAnswer.Unknown(talk.Reason(no.Error));
            default: return new RefundAnswer.Unknown("The payment cannot be read.");
        }
        if (paid.Mercid != talk.Merchant || paid.Orderid != call.Payment.Reference || paid.Transactionid != call.MoneyReference)
            return new RefundAnswer.Unknown("The answer is about another payment.");
        if (BillDeskMapping.Amount(paid.Amount, paid.Currency) is null || paid.TransactionDate is null) return new RefundAnswer.Unknown("The payment cannot be read.");
        if (paid.RefundInfo?.FirstOrDefault(r => r.MercRefundRefNo == call.Refund.Reference) is { } known) return Answer(known, call, talk.Merchant);

        var reply = await talk.Ask(CreateRefund, Write, call.Refund.Reference + "refund", call.RequestedAt, stop);
        if (reply is not BillDeskReply.Refused { Repeated: true }) return Answer(reply, call, talk);
        // They have seen the trace id, or the name. A refund that is there is told; one that is not was noted and never made.
        var found = await Read(call, talk, stop);
        if (found is not RefundAnswer.Done { Fact: RefundEvidence.Absent }) return Late(found);
        return Late(Answer(await talk.AskAfresh(CreateRefund, Write, call.Refund.Reference, stop), call, talk));

        void WriteQuestion(Utf8JsonWriter json)
        {
            json.WriteString("transactionid", call.MoneyReference);
            json.WriteString("refund_details", "true");
        }

        void Write(Utf8JsonWriter json)
        {
            json.WriteString("transactionid", call.MoneyReference);
            json.WriteString("orderid", call.Payment.Reference);
            json.WriteString("transaction_date", paid.TransactionDate);
            json.WriteString("txn_amount", paid.Amount);
            json.WriteString("refund_amount", call.Amount.ToMajorUnits());
            json.WriteString("currency", "356");
            json.WriteString("merc_refund_ref_no", call.Refund.Reference);
        }
    }

    public Task<RefundAnswer> InquireRefund(RefundCall call, GatewayLine line, CancellationToken stop) =>
        Read(call, new BillDeskConversation(call.Account, line), stop);

    /// <summary>By our name, which finds it whether we know theirs or not.</summary>
    static async Task<RefundAnswer> Read(RefundCall call, BillDeskConversation talk, CancellationToken stop) =>
        await talk.AskAfresh(GetRefund, json => json.WriteString("merc_refund_ref_no", call.Refund.Reference), call.Refund.Reference, stop) switch
        {
            BillDeskReply.Refused { Http: 404, Definite: true } => new RefundAnswer.Done(new RefundEvidence.Absent()),
            // Who refuses a question has not said that there is no refund.
            BillDeskReply.Refused no => new RefundAnswer.Unknown(talk.Reason(no.Error)),
            var reply => Answer(reply, call, talk),
        };

    static RefundAnswer Answer(BillDeskReply reply, RefundCall call, BillDeskConversation talk) => reply switch
    {
        BillDeskReply.NotSent n => new RefundAnswer.NotSent(n.Reason),
        BillDeskReply.Unknown u => new RefundAnswer.Unknown(u.Reason),
        BillDeskReply.Told told => Wire.TryRead<RefundWire>(told.Payload, out var refund)
            ? Answer(refund, call, talk.Merchant) : new RefundAnswer.Unknown("The answer cannot be read."),
        BillDeskReply.Refused { Definite: true } no => new RefundAnswer.Rejected(talk.Reason(no.Error)),
        BillDeskReply.Refused no => new RefundAnswer.Unknown(talk.Reason(no.Error)),
        _ => throw new InvalidOperationException("No such reply."),
    };

    static RefundAnswer Answer(RefundWire refund, RefundCall call, string merchant)
    {
        if (refund.Mercid != merchant || refund.MercRefundRefNo != call.Refund.Reference || refund.Transactionid != call.MoneyReference)
            return new RefundAnswer.Unknown("The answer is about another refund.");
        if (BillDeskMapping.Fact(refund) is not { } fact) return new RefundAnswer.Unknown($"A refund_status '{Wire.Line(refund.RefundStatus ?? "", 40)}' that cannot be read.");
        return BillDeskMapping.Amount(refund.RefundAmount, refund.Currency) == call.Amount
            ? new RefundAnswer.Done(fact)
            : new RefundAnswer.Unknown("The refund is over another amount.");
    }

    static RefundAnswer Late(RefundAnswer answer) => answer is RefundAnswer.NotSent n ? new RefundAnswer.Unknown(n.Reason) : answer;
}
