using System.Buffers;
using System.Text.Json;
using Purser.Refunds;

namespace Purser.Gateways.Razorpay;

/// <summary>Money given back. Their key for it lives for a time that they do not tell, and perhaps not in test mode, so a refund is first looked
/// for by our reference, and looked for again after a refusal.</summary>
static class RazorpayRefunds
{
    const string KeyHeader = "X-Refund-Idempotency";
    const int PageSize = 100;
    /// <summary>Beyond so many refunds of one payment a search ends without an answer; it never claims that there is none.</summary>
    const int MostPages = 5;
    const int LongestNote = 200;

    public static async Task<RefundAnswer> Ask(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        if (RazorpayMapping.RefusesAmount(call.Amount) is { } refused) return new RefundAnswer.Rejected(refused);
        var known = await Find(call, line, stop);
        if (known is not RefundAnswer.Done { Fact: RefundEvidence.Absent }) return known;

        var path = $"v1/payments/{Uri.EscapeDataString(call.MoneyReference)}/refund";
        switch (await line.Send(RazorpayGateway.Request(call.Account, HttpMethod.Post, path, Body(call), KeyValuePair.Create(KeyHeader, call.Refund.Reference)), stop))
        {
            case LineReply.NotSent n: return new RefundAnswer.NotSent(n.Reason);
            case LineReply.Lost l: return new RefundAnswer.Unknown(l.Reason);
            case LineReply.Answered { Status: 200 } a:
                return Wire.TryRead<RefundWire>(a.Body.Span, out var refund) && IsOurs(refund, call) && RazorpayMapping.Fact(refund) is { } fact
                    ? new RefundAnswer.Done(fact)
                    : new RefundAnswer.Unknown("The answer is not the refund that was asked for.");
            // Under way under our key, or known under it with other words: an earlier question of ours may have moved money. Never a no.
            case LineReply.Answered { Status: >= 400 and < 500 and not (401 or 403 or 408 or 409 or 429) } a
                when RazorpayGateway.Error(a) is { } error && !RazorpayGateway.Says(error, "idempotency"):
                return await Find(call, line, stop) switch
                {
                    RefundAnswer.Done { Fact: RefundEvidence.Absent } => new RefundAnswer.Rejected(RazorpayGateway.Reason(line, error)),
                    RefundAnswer.NotSent n => new RefundAnswer.Unknown(n.Reason),
                    var found => found,
                };
            case LineReply.Answered a: return new RefundAnswer.Unknown($"HTTP {a.Status}");
            default: throw new InvalidOperationException("No such reply.");
        }
    }

    public static async Task<RefundAnswer> Inquire(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        if (call.RefundReference is not { } id) return await Find(call, line, stop);
        return await line.Send(RazorpayGateway.Request(call.Account, HttpMethod.Get, $"v1/refunds/{Uri.EscapeDataString(id)}"), stop) switch
        {
            LineReply.NotSent n => new RefundAnswer.NotSent(n.Reason),
            LineReply.Lost l => new RefundAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a when Wire.TryRead<RefundWire>(a.Body.Span, out var refund) =>
                refund.Id == id && IsOurs(refund, call) && RazorpayMapping.Fact(refund) is { } fact
                    ? new RefundAnswer.Done(fact)
                    : new RefundAnswer.Unknown("The answer is about another refund."),
            LineReply.Answered a => new RefundAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    /// <summary>Was all that went back of this payment asked for by us, for this order? Null when that could not be learned; a refunded payment without
    /// a refund is no answer either.</summary>
    public static async Task<bool?> AllOurs(GatewayAccount account, OrderId order, string payment, GatewayLine line, CancellationToken stop) =>
        await line.Send(RazorpayGateway.Request(account, HttpMethod.Get, List(payment, 0)), stop) is LineReply.Answered { Status: 200 } a
            && Wire.TryRead<RefundsWire>(a.Body.Span, out var list) && list.Items is { Count: > 0 and < PageSize } refunds
            && refunds.All(r => r.PaymentId == payment)
            ? refunds.All(r => r.Status == "failed" || RazorpayMapping.Refund(r)?.Order == order)
            : null;

    static async Task<RefundAnswer> Find(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        for (var page = 0; page < MostPages; page++)
            switch (await line.Send(RazorpayGateway.Request(call.Account, HttpMethod.Get, List(call.MoneyReference, page * PageSize)), stop))
            {
                case LineReply.NotSent n: return page == 0 ? new RefundAnswer.NotSent(n.Reason) : new RefundAnswer.Unknown(n.Reason);
                case LineReply.Lost l: return new RefundAnswer.Unknown(l.Reason);
                case LineReply.Answered { Status: 200 } a when Wire.TryRead<RefundsWire>(a.Body.Span, out var list) && list.Items is { } refunds:
                    if (refunds.Any(r => r.PaymentId != call.MoneyReference)) return new RefundAnswer.Unknown("The answer is about other refunds.");
                    if (refunds.FirstOrDefault(r => RazorpayMapping.Refund(r) == call.Refund) is { } ours)
                        return RazorpayMapping.Fact(ours) is { } fact ? new RefundAnswer.Done(fact) : new RefundAnswer.Unknown("The refund cannot be read.");
                    if (refunds.Count < PageSize) return new RefundAnswer.Done(new RefundEvidence.Absent());
                    break;
                // A payment that they do not know has no refunds either.
                case LineReply.Answered { Status: 400 or 404 } a when RazorpayGateway.Error(a) is { } error && RazorpayGateway.IsUnknownId(error):
                    return new RefundAnswer.Done(new RefundEvidence.Absent());
                case LineReply.Answered a: return new RefundAnswer.Unknown($"HTTP {a.Status}");
            }
        return new RefundAnswer.Unknown("Too many refunds of this payment to look through.");
    }

    static string List(string payment, int skip) => $"v1/payments/{Uri.EscapeDataString(payment)}/refunds?count={PageSize}&skip={skip}";

    static bool IsOurs(RefundWire refund, RefundCall call) => refund.PaymentId == call.MoneyReference && RazorpayMapping.Refund(refund) == call.Refund;

    /// <summary>Unknown fields are refused; what is ours stands in the notes. A pure function of the call.</summary>
    static ReadOnlyMemory<byte> Body(RefundCall call)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteNumber("amount", call.Amount.MinorUnits);
            json.WriteString("speed", "normal");
            json.WriteString("receipt", call.Refund.Reference);
            json.WriteStartObject("notes");
            json.WriteString(RazorpayMapping.ReferenceNote, call.Payment.Reference);
            json.WriteString(RazorpayMapping.RefundNote, call.Refund.Reference);
            if (Wire.Line(call.Note, LongestNote) is { Length: > 0 } note) json.WriteString("note", note);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return body.WrittenMemory;
    }
}
