using System.Globalization;
using Purser.Gateways;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Gateways;

namespace Purser.Server.Engine;

/// <summary>Makes the calls that commits ask for, and brings their answers back as evidence. Keeps nothing: a call that is lost with this
/// process is asked for again by the alarm clock, under the same key.</summary>
public sealed partial class Caller : ICallStarter
{
    /// <summary>Calls under way at once, over all accounts. Each account has its own, narrower bulkhead on its line.</summary>
    const int MostUnderWay = 1024;

    /// <summary>An answer is worth several tries to store; what is lost all the same is asked again.</summary>
    const int StoreTries = 6;

    readonly GatewayAccounts accounts;
    readonly Func<GatewayAccounts.Entry, GatewayLine> lines;
    readonly TimeProvider time;
    readonly ILogger<Caller> log;
    readonly Unasked unasked;
    OrderEngine? engine;
    int underWay;

    public Caller(GatewayAccounts accounts, Func<GatewayAccounts.Entry, GatewayLine> lines, TimeProvider time, ILogger<Caller> log)
    {
        (this.accounts, this.lines, this.time, this.log) = (accounts, lines, time, log);
        unasked = new Unasked(async (order, question) => await engine!.Submit(order, question, CancellationToken.None) is not EngineReply.Busy, time);
    }

    public int UnderWay => underWay;

    /// <summary>The engine starts calls and takes their answers: the circle is closed after both exist.</summary>
    public void AnswerTo(OrderEngine orders) => engine = orders;

    /// <summary>Until no call is under way, or patience is over: what a gateway is answering just now is worth the wait.</summary>
    public async Task Idle(TimeSpan patience)
    {
        var since = time.GetTimestamp();
        while (UnderWay > 0 && time.GetElapsedTime(since) < patience) await Task.Delay(TimeSpan.FromMilliseconds(20), time);
    }

    public void Start(GatewayCall call)
    {
        if (Interlocked.Increment(ref underWay) > MostUnderWay)
        {
            Interlocked.Decrement(ref underWay);
            LogFell(log, call.Order.Id, call.Payment);
            AskLater(call, call.Order.Payment(call.Payment)!);
            return;
        }
        _ = Run(call);
    }

    async Task Run(GatewayCall call)
    {
        try
        {
            var payment = call.Order.Payment(call.Payment)!;
            var entry = accounts.Find(payment.Account);
            var line = entry is null ? null : lines(entry);
            // The database's time of the decision that led to the question: whatever is answered was true no earlier.
            var asked = AskedAt(call, payment);
            var rawKey = $"{About(call)}:{Name(call)}:{asked.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)}";
            using var span = EngineTelemetry.Spans.StartActivity($"gateway.{Name(call)}");
            span?.SetTag("purser.order", call.Order.Id.ToString()).SetTag("purser.payment", call.Payment).SetTag("purser.account", payment.Account);
            var since = time.GetTimestamp();
            var (answer, facts) = call is GatewayCall.Refund or GatewayCall.InquireRefund
                ? await AskAboutRefund(call, payment, entry, line, asked, rawKey)
                : await AskAboutPayment(call, payment, entry, line, asked, rawKey);
            span?.SetTag("purser.answer", answer);
            EngineTelemetry.CallSeconds.Record(time.GetElapsedTime(since).TotalSeconds, new KeyValuePair<string, object?>("account", payment.Account),
                new KeyValuePair<string, object?>("call", Name(call)), new KeyValuePair<string, object?>("answer", answer));
            var records = line?.Exchanges.Select(e => new CallRecord(
                call.Payment, Name(call), rawKey, payment.Account, e.SentAt, (int)Math.Min(e.Took.TotalMilliseconds, int.MaxValue),
                e.Outcome, $"{e.Method} {e.Path}\n{e.Request}", e.Answer)).ToList() ?? [];
            LogAnswer(log, Name(call), call.Order.Id, call.Payment, payment.Account, answer);
            if (line is not null && answer == nameof(GatewayAnswer.NotSent)) AskLater(call, payment);
            if (facts.Count > 0 || records.Count > 0) await Store(call.Order.Id, facts, records);
        }
        catch (Exception bug)
        {
            // An adapter that throws is a bug; the payment stays as it is and its alarm asks again.
            LogFailed(log, call.Order.Id, call.Payment, bug);
        }
        finally
        {
            Interlocked.Decrement(ref underWay);
        }
    }

    /// <summary>A question that never left us was not asked. Requests for links and refunds say so themselves, and their orders decide when to ask again.</summary>
    void AskLater(GatewayCall call, Payment p)
    {
        OrderInput? question = call switch
        {
            GatewayCall.Inquire or GatewayCall.CancelLink => new OrderCommand.Look(call.Payment),
            GatewayCall.InquireRefund c => new OrderCommand.LookRefund(c.Number),
            _ => null,
        };
        if (question is not null) unasked.Add(p.Account, call.Order.Id, question, p.StartedAt, p.Amount.MinorUnits);
    }

    /// <summary>The database's time of the decision that led to the question.</summary>
    static DateTimeOffset AskedAt(GatewayCall call, Payment p) => call switch
    {
        GatewayCall.Refund c => c.Order.Refund(c.Number)!.AskedAt,
        GatewayCall.InquireRefund c => c.Order.Refund(c.Number)!.LookedAt ?? c.Order.Refund(c.Number)!.AskedAt,
        GatewayCall.OpenLink => p.AskedAt,
        _ => p.LookedAt ?? p.AskedAt,
    };

    static string About(GatewayCall call) => call switch
    {
        GatewayCall.Refund c => new RefundId(c.Order.Id, c.Number).ToString(),
        GatewayCall.InquireRefund c => new RefundId(c.Order.Id, c.Number).ToString(),
        _ => new PaymentId(call.Order.Id, call.Payment).ToString(),
    };

    static string NotConfigured(Payment p) => $"The gateway account '{p.Account}' is not configured.";

    static async Task<(string Answer, List<OrderInput> Facts)> AskAboutPayment(
        GatewayCall call, Payment p, GatewayAccounts.Entry? entry, GatewayLine? line, DateTimeOffset asked, string rawKey)
    {
        var answer = entry is null || line is null ? new GatewayAnswer.NotSent(NotConfigured(p)) : await Ask(call, p, entry, line);
        return (answer.GetType().Name, [.. Facts(call, answer).Select(f => f.Learned(call.Payment, Source(call), asked, rawKey))]);
    }

    static async Task<(string Answer, List<OrderInput> Facts)> AskAboutRefund(
        GatewayCall call, Payment p, GatewayAccounts.Entry? entry, GatewayLine? line, DateTimeOffset asked, string rawKey)
    {
        var number = call is GatewayCall.Refund c ? c.Number : ((GatewayCall.InquireRefund)call).Number;
        var refund = call.Order.Refund(number)!;
        RefundAnswer answer;
        if (entry is null || line is null) answer = new RefundAnswer.NotSent(NotConfigured(p));
        else if (entry.Gateway is not IRefundMoney gateway) answer = new RefundAnswer.Rejected("This gateway cannot be asked for refunds.");
        else
        {
            var captured = p.Captures.First(m => m.MoneyReference == refund.MoneyReference).Amount;
            var about = new RefundCall(
                entry.Account, new RefundId(call.Order.Id, number), new PaymentId(call.Order.Id, p.Number), p.GatewayReference, refund.MoneyReference, captured,
                refund.Amount, refund.RefundReference, refund.Note ?? $"Refund for order {call.Order.Id}", refund.RequestedAt);
            answer = call is GatewayCall.Refund
                ? await gateway.Refund(about, line, CancellationToken.None)
                : await gateway.InquireRefund(about, line, CancellationToken.None);
        }
        RefundEvidence? fact = (call, answer) switch
        {
            (_, RefundAnswer.Done done) => done.Fact,
            (GatewayCall.Refund, RefundAnswer.Rejected no) => new RefundEvidence.Rejected(no.Reason),
            (GatewayCall.Refund ask, RefundAnswer.NotSent unsent) => new RefundEvidence.NotSent(ask.Ask, unsent.Reason),
            (GatewayCall.Refund ask, RefundAnswer.Unknown lost) => new RefundEvidence.AnswerLost(ask.Ask, lost.Reason),
            _ => null,
        };
        var source = call is GatewayCall.Refund ? EvidenceSource.Reply : EvidenceSource.Inquiry;
        return (answer.GetType().Name, fact is null ? [] : [fact.Learned(number, p.Number, source, asked, rawKey)]);
    }

    static async Task<GatewayAnswer> Ask(GatewayCall call, Payment p, GatewayAccounts.Entry entry, GatewayLine line)
    {
        var order = call.Order;
        var id = new PaymentId(order.Id, p.Number);
        var inquiry = new InquireCall(
            entry.Account, id, p.GatewayReference, p.Amount, p.StartedAt, p.AskedAt,
            // A payment that has ended made room for another one: what is approved on it afterwards would be paid twice.
            MayComplete: order is { HasEnded: false, ClosingAt: null } && p is { IsOpen: true, CancelAsked: false });
        // No token: a call under way is finished and its answer stored even while the server stops; its line has its own time-out.
        return call switch
        {
            GatewayCall.OpenLink => await entry.Gateway.OpenLink(
                new LinkCall(entry.Account, id, p.Amount, order.Description, order.Customer, p.Method, p.ReturnUrl, p.LinkExpiresAt, p.StartedAt),
                line, CancellationToken.None),
            // A link that cannot be closed is perhaps being paid: how it stands is learned from the same call.
            GatewayCall.CancelLink when entry.Gateway is ICancelLinks cancels =>
                await cancels.CancelLink(inquiry, line, CancellationToken.None) is GatewayAnswer.Done closed
                    ? closed
                    : await entry.Gateway.Inquire(inquiry, line, CancellationToken.None),
            _ => await entry.Gateway.Inquire(inquiry, line, CancellationToken.None),
        };
    }

    static IReadOnlyList<Evidence> Facts(GatewayCall call, GatewayAnswer answer) => (call, answer) switch
    {
        (_, GatewayAnswer.Done { Facts.Count: > 0 } done) => done.Facts,
        (GatewayCall.OpenLink c, GatewayAnswer.Done) => [new Evidence.AnswerLost(c.Ask, "The answer says nothing.")],
        (GatewayCall.OpenLink c, GatewayAnswer.Rejected rejected) => [new Evidence.LinkRefused(c.Ask, rejected.Reason)],
        (GatewayCall.OpenLink c, GatewayAnswer.NotSent unsent) => [new Evidence.NotSent(c.Ask, unsent.Reason)],
        (GatewayCall.OpenLink c, GatewayAnswer.Unknown unknown) => [new Evidence.AnswerLost(c.Ask, unknown.Reason)],
        // A question without an answer changes nothing; the alarm asks again.
        _ => [],
    };

    static EvidenceSource Source(GatewayCall call) => call is GatewayCall.Inquire ? EvidenceSource.Inquiry : EvidenceSource.Reply;

    static string Name(GatewayCall call) => call switch
    {
        GatewayCall.OpenLink => "open_link",
        GatewayCall.CancelLink => "cancel_link",
        GatewayCall.Refund => "refund",
        GatewayCall.InquireRefund => "inquire_refund",
        _ => "inquire",
    };

    async Task Store(OrderId order, IReadOnlyList<OrderInput> facts, IReadOnlyList<CallRecord> records)
    {
        for (var tries = 1; ; tries++)
        {
            var reply = await engine!.Submit(new EngineInput(order, facts, Calls: records), CancellationToken.None);
            if (reply is not EngineReply.Busy busy) return;
            if (tries == StoreTries)
            {
                LogNotStored(log, order, busy.Why);
                return;
            }
            await Task.Delay(busy.RetryAfter * tries, time);
        }
    }

    [LoggerMessage(20, LogLevel.Information, "{Call} of {Order} payment {Payment} at {Account}: {Answer}")]
    static partial void LogAnswer(ILogger log, string call, OrderId order, int payment, string account, string answer);

    [LoggerMessage(21, LogLevel.Warning, "Too many calls are under way; {Order} payment {Payment} is asked about later")]
    static partial void LogFell(ILogger log, OrderId order, int payment);

    [LoggerMessage(22, LogLevel.Error, "The call for {Order} payment {Payment} failed")]
    static partial void LogFailed(ILogger log, OrderId order, int payment, Exception bug);

    [LoggerMessage(23, LogLevel.Error, "An answer about {Order} could not be stored and will be asked for again: {Why}")]
    static partial void LogNotStored(ILogger log, OrderId order, string why);
}
