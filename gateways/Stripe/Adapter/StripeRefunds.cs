using System.Globalization;
using Purser.Refunds;

namespace Purser.Gateways.Stripe;

/// <summary>Money given back. Keys are forgotten after a day and a stored failure comes again for as long, so a refund is first looked for by our
/// reference among those of its payment intent, and looked for again after a refusal.</summary>
static class StripeRefunds
{
    const int PageSize = 100;
    /// <summary>Beyond so many refunds of one payment a search ends without an answer; it never claims that there is none.</summary>
    const int MostPages = 5;
    const int LongestNote = 200;

    public static async Task<RefundAnswer> Ask(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        // The last digit of three decimals is 0 in refunds too.
        if (StripeMapping.RefusesAmount(call.Amount) is { } refused) return new RefundAnswer.Rejected(refused);
        var known = await Find(call, line, stop);
        if (known is not RefundAnswer.Done { Fact: RefundEvidence.Absent }) return known;

        switch (await line.Send(StripeGateway.Request(call.Account, HttpMethod.Post, "v1/refunds", Wire.Form(Fields(call)), $"{call.Refund.Reference}:refund"), stop))
        {
            case LineReply.NotSent n: return new RefundAnswer.NotSent(n.Reason);
            case LineReply.Lost l: return new RefundAnswer.Unknown(l.Reason);
            case LineReply.Answered { Status: 200 } a:
                return Wire.TryRead<RefundWire>(a.Body.Span, out var refund) && IsOurs(refund, call) && StripeMapping.Fact(refund) is { } fact
                    ? new RefundAnswer.Done(fact)
                    : new RefundAnswer.Unknown("The answer is not the refund that was asked for.");
            case LineReply.Answered { Status: 429 } a when a.Headers.ContainsKey("Stripe-Rate-Limited-Reason"): return new RefundAnswer.NotSent("rate limited");
            // A key in use, or used for other parameters, says that something is or was under way: never that it failed.
            case LineReply.Answered { Status: >= 400 and < 500 and not (401 or 403 or 408 or 409 or 424 or 429) } a when StripeGateway.Error(a) is { Type: not "idempotency_error" } error:
                return await Find(call, line, stop) switch
                {
                    RefundAnswer.Done { Fact: RefundEvidence.Absent } => new RefundAnswer.Rejected(StripeGateway.Reason(line, error)),
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
        return await line.Send(StripeGateway.Request(call.Account, HttpMethod.Get, $"v1/refunds/{Uri.EscapeDataString(id)}"), stop) switch
        {
            LineReply.NotSent n => new RefundAnswer.NotSent(n.Reason),
            LineReply.Lost l => new RefundAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a when Wire.TryRead<RefundWire>(a.Body.Span, out var refund) =>
                refund.Id == id && IsOurs(refund, call) && StripeMapping.Fact(refund) is { } fact
                    ? new RefundAnswer.Done(fact)
                    : new RefundAnswer.Unknown("The answer is about another refund."),
            LineReply.Answered a => new RefundAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    static async Task<RefundAnswer> Find(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        var after = "";
        for (var page = 0; page < MostPages; page++)
        {
            var path = $"v1/refunds?payment_intent={Uri.EscapeDataString(call.MoneyReference)}&limit={PageSize}{after}";
            switch (await line.Send(StripeGateway.Request(call.Account, HttpMethod.Get, path), stop))
            {
                case LineReply.NotSent n: return page == 0 ? new RefundAnswer.NotSent(n.Reason) : new RefundAnswer.Unknown(n.Reason);
                case LineReply.Lost l: return new RefundAnswer.Unknown(l.Reason);
                case LineReply.Answered { Status: 200 } a when Wire.TryRead<RefundsWire>(a.Body.Span, out var list) && list is { Data: { } refunds, HasMore: { } more }:
                    if (refunds.Any(r => r.PaymentIntent != call.MoneyReference)) return new RefundAnswer.Unknown("The answer is about other refunds.");
                    if (refunds.FirstOrDefault(r => StripeMapping.Refund(r) == call.Refund) is { } ours)
                        return StripeMapping.Fact(ours) is { } fact ? new RefundAnswer.Done(fact) : new RefundAnswer.Unknown("The refund cannot be read.");
                    if (!more) return new RefundAnswer.Done(new RefundEvidence.Absent());
                    if (refunds.Count == 0 || refunds[^1].Id is not { } end) return new RefundAnswer.Unknown("The list cannot be read.");
                    after = $"&starting_after={Uri.EscapeDataString(end)}";
                    break;
                // A payment that they do not know has no refunds either.
                case LineReply.Answered { Status: 400 or 404 } a when StripeGateway.Error(a)?.Code == "resource_missing":
                    return new RefundAnswer.Done(new RefundEvidence.Absent());
                case LineReply.Answered a: return new RefundAnswer.Unknown($"HTTP {a.Status}");
            }
        }
        return new RefundAnswer.Unknown("Too many refunds of this payment to look through.");
    }

    static bool IsOurs(RefundWire refund, RefundCall call) => refund.PaymentIntent == call.MoneyReference && StripeMapping.Refund(refund) == call.Refund;

    /// <summary>A pure function of the call. Both references are given, for events of a refund carry nothing of the payment's.</summary>
    static IEnumerable<KeyValuePair<string, string>> Fields(RefundCall call)
    {
        yield return new("payment_intent", call.MoneyReference);
        yield return new("amount", StripeMapping.ToWire(call.Amount).ToString(CultureInfo.InvariantCulture));
        yield return new($"metadata[{StripeMapping.ReferenceKey}]", call.Payment.Reference);
        yield return new($"metadata[{StripeMapping.RefundKey}]", call.Refund.Reference);
        if (Wire.Line(call.Note, LongestNote) is { Length: > 0 } note) yield return new("metadata[note]", note);
    }
}
