using Purser.Gateways;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Engine;
using Purser.Server.Webhooks;

namespace Purser.Simulation;

/// <summary>What other systems were found to do wrong, each put around the production code by itself.</summary>
static class PlantedBugs
{
    public static IReadOnlyList<PlantedBug> All { get; } =
    [
        new CheckThenActDoubleStart(), new TimerTurnsUnknownIntoFailed(), new AnsweredBeforeStored(), new FailureAfterSuccessWins(),
        new SuccessNotComparedWithTheAmount(), new LateSuccessDropped(), new DuplicateSuccessIgnored(), new SecondSuccessAcceptedToo(), new LateMoneyBookedNowhere(), new NewKeyOnRetry(), new CallbackBelieved(),
        new EventAppliedTwice(), new RefundedAtEveryRepetition(), new SilenceFreesTheRefund(), new RefundAskedUnderANewName(), new AlarmForgotten(), new RowLockIgnored(), new MemoryTrusted(), new LostCommitBelieved(), new AbsenceTakenForTheEnd(),
        new DeclinedFormTakenForDead(), new LinkShared(),
        .. PlantedFormBugs.All, .. PlantedNewsBugs.All,
        .. PlantedStatementBugs.All,
    ];

    public static PlantedBug? Find(string name) => All.FirstOrDefault(b => b.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    static Decision Nothing(Order order) => new(order, [], [], [], new Reply.Same(order));

    /// <summary>The decision with one more change of a payment, told as an event like every other change.</summary>
    static Decision Told(
        Decision decision, Payment p, EventType type, DateTimeOffset now, Money amount, string reason, string? money = null, int? refund = null, Evidence? because = null)
    {
        var after = decision.After with { Payments = decision.After.Payments.SetItem(p.Number - 1, p), Sequence = decision.After.Sequence + 1 };
        var told = new OrderEvent
        {
            Order = after.Id,
            Sequence = after.Sequence,
            Type = type,
            At = now,
            OrderStatus = after.Status,
            Late = after.Late,
            PaidBy = after.PaidBy,
            Payment = p.Number,
            Account = p.Account,
            PaymentStatus = p.Status,
            GatewayReference = p.GatewayReference,
            Amount = amount,
            MoneyReference = money,
            Refund = refund,
            Reason = reason,
            Source = because?.Source,
            RawKey = because?.RawKey,
        };
        return decision with { After = after, Events = decision.Events.Add(told), Calls = [.. decision.Calls.Select(c => c with { Order = after })] };
    }

    /// <summary>The check that there is no open payment was made a moment ago, without the lock.</summary>
    sealed class CheckThenActDoubleStart : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I3 one open payment"];

        static readonly TimeSpan Moment = TimeSpan.FromSeconds(3);

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
        {
            if (order?.OpenPayment is not { } open || input is not OrderCommand.StartPayment || now - open.StartedAt > Moment)
                return base.Decide(order, input, now, rules);
            var unseen = order with { Payments = [.. order.Payments.Select(p => p.IsOpen ? p with { Status = PaymentStatus.Cancelled } : p)] };
            var decision = base.Decide(unseen, input, now, rules);
            var after = decision.After with { Payments = [.. order.Payments, .. decision.After.Payments.Skip(order.Payments.Length)] };
            return decision with { After = after, Calls = [.. decision.Calls.Select(c => c with { Order = after })] };
        }
    }

    /// <summary>A batch job that clears what has been unknown for too long.</summary>
    sealed class TimerTurnsUnknownIntoFailed : PlantedBug
    {
        static readonly TimeSpan TooLong = TimeSpan.FromMinutes(2);

        public override IReadOnlyList<string> BreaksRules => ["no payment ends by the clock"];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
        {
            var decision = base.Decide(order, input, now, rules);
            if (input is not OrderInput.Tick) return decision;
            foreach (var p in decision.After.Payments.Where(p => p.Status == PaymentStatus.Unresolved && now - p.AskedAt > TooLong))
                decision = Told(decision, p with { Status = PaymentStatus.Failed, LookAt = null, Reason = "timed out" }, EventType.PaymentFailed, now, p.Amount, "timed out");
            return decision;
        }
    }

    /// <summary>200 first, the work behind it.</summary>
    sealed class AnsweredBeforeStored : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I16 what is answered 2xx is stored"];

        public override Task<NewsIntake.Outcome> TakeNews(World world, Func<Task<NewsIntake.Outcome>> take)
        {
            _ = take();
            return Task.FromResult(NewsIntake.Outcome.Stored);
        }
    }

    /// <summary>The last event wins.</summary>
    sealed class FailureAfterSuccessWins : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I10 money facts stay"];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) =>
            input is Evidence.Declined or Evidence.Failed or Evidence.LinkExpired or Evidence.LinkCancelled
            && order?.Payment(((Evidence)input).Payment) is { Status: PaymentStatus.Succeeded } paid
                ? Told(Nothing(order), paid with { Status = PaymentStatus.Failed }, EventType.PaymentFailed, now, paid.Amount, "failed", because: (Evidence)input)
                : base.Decide(order, input, now, rules);
    }

    /// <summary>The status says paid; who looks at the amount?</summary>
    sealed class SuccessNotComparedWithTheAmount : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I6 no success without money"];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) =>
            base.Decide(order, order is not null && input is Evidence.Succeeded paid ? paid with { Amount = order.Amount } : input, now, rules);
    }

    /// <summary>The order is closed, so the news are about nothing, and so are answers. A statement of the money is believed.</summary>
    sealed class LateSuccessDropped : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => [Telling.Rule];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) =>
            order is { Status: OrderStatus.Expired or OrderStatus.Cancelled } && input is Evidence.Succeeded { Source: EvidenceSource.Webhook or EvidenceSource.Inquiry } ? Nothing(order) : base.Decide(order, input, now, rules);
    }

    /// <summary>The order is paid already, all is well, whatever news and answers say. A statement of the money is believed.</summary>
    sealed class DuplicateSuccessIgnored : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => [Telling.Rule];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) =>
            order is { Status: OrderStatus.Paid } && input is Evidence.Succeeded { Source: EvidenceSource.Webhook or EvidenceSource.Inquiry } ? Nothing(order) : base.Decide(order, input, now, rules);
    }

    /// <summary>Money is money: what comes for a paid order pays it again.</summary>
    sealed class SecondSuccessAcceptedToo : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["domain 2 one accepted"];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
        {
            var decision = base.Decide(order, input, now, rules);
            if (order is not { Status: OrderStatus.Paid } || input is not Evidence.Succeeded paid || decision.After.Payment(paid.Payment) is not { } p) return decision;
            var accepted = p with { Captures = [.. p.Captures.Select(c => c.Standing == Standing.Duplicate && c.MoneyReference == paid.MoneyReference ? c with { Standing = Standing.Accepted } : c)] };
            return decision with { After = decision.After with { Payments = decision.After.Payments.SetItem(p.Number - 1, accepted) } };
        }
    }

    /// <summary>It goes back anyway, so why book it?</summary>
    sealed class LateMoneyBookedNowhere : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["domain 7 books agree"];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
        {
            var decision = base.Decide(order, input, now, rules);
            return order is { Status: OrderStatus.Expired or OrderStatus.Cancelled } && input is Evidence.Succeeded ? decision with { Postings = [] } : decision;
        }
    }

    /// <summary>No answer came, so the request is sent again at once; and a retry is a new request, so it gets a new key.</summary>
    sealed class NewKeyOnRetry : PlantedBug
    {
        const string Header = "Idempotency-Key";

        public override IReadOnlyList<string> BreaksRules => ["I3 one payable link"];

        public override IGateway Gateway(IGateway gateway) => gateway.Profile.RepeatsSafely ? new Retrying(gateway) : gateway;

        public override void Send(World world, HttpRequestMessage request)
        {
            if (!request.Headers.TryGetValues(Header, out var keys)) return;
            var key = $"{keys.Single()}:{world.Time.Ticks}";
            request.Headers.Remove(Header);
            request.Headers.Add(Header, key);
        }

        sealed class Retrying(IGateway inner) : IGateway, ICancelLinks
        {
            public GatewayProfile Profile => inner.Profile;

            public async Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop) =>
                await inner.OpenLink(call, line, stop) is not GatewayAnswer.Unknown and var answer ? answer : await inner.OpenLink(call, line, stop);

            public Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop) => inner.Inquire(call, line, stop);

            public Task<GatewayAnswer> CancelLink(InquireCall call, GatewayLine line, CancellationToken stop) => ((ICancelLinks)inner).CancelLink(call, line, stop);

            public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => inner.ReadWebhook(message, account);

            public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => inner.ReadReturn(message, account);
        }
    }

    /// <summary>The bank said no and the page is gone, so the form that led there is taken for dead; but it can be posted again.</summary>
    sealed class DeclinedFormTakenForDead : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I3 one payable link"];

        public override IGateway Gateway(IGateway gateway) => gateway.Profile.LinkIsForm ? new Ending(gateway) : gateway;

        sealed class Ending(IGateway inner) : IGateway
        {
            public GatewayProfile Profile => inner.Profile;

            public Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop) => inner.OpenLink(call, line, stop);

            public async Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop)
            {
                var answer = await inner.Inquire(call, line, stop);
                return answer is GatewayAnswer.Done done && done.Facts.OfType<Evidence.Declined>().LastOrDefault() is { } no
                    ? new GatewayAnswer.Done([new Evidence.Failed(no.Reason) { GatewayReference = no.GatewayReference, GatewayTime = no.GatewayTime }])
                    : answer;
            }

            public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => inner.ReadWebhook(message, account);

            public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => inner.ReadReturn(message, account);
        }
    }

    /// <summary>The browser says thank you, so somebody paid.</summary>
    sealed class CallbackBelieved : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I6 no success without money", "I6 evidence is stored"];

        public override Task<EngineReply> Return(World world, OrderEngine engine, PaymentId payment, string query)
        {
            var said = query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Select(f => f.Split('=', 2)).ToDictionary(f => f[0], f => f[^1]);
            if (said.GetValueOrDefault("razorpay_payment_link_status") != "paid" || said.GetValueOrDefault("razorpay_payment_id") is not { Length: > 0 } money
                || world.Database.Orders.GetValueOrDefault(payment.Order)?.Row is not { } order)
                return base.Return(world, engine, payment, query);
            return engine.Submit(payment.Order, new Evidence.Succeeded(money, order.Amount).Learned(payment.Number, EvidenceSource.Reply, world.Time.GetUtcNow(), "callback"), CancellationToken.None);
        }
    }

    /// <summary>Each delivery counts: the event's id is not looked at, nor whose money it is.</summary>
    sealed class EventAppliedTwice : PlantedBug
    {
        const string Unseen = "unseen ";

        public override IReadOnlyList<string> BreaksRules => ["I4 money counts once"];

        public override bool TakesNewsAgain => true;

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
        {
            if (order is null || input is not Evidence.Succeeded { Source: EvidenceSource.Webhook } paid || order.Payment(paid.Payment) is not { } p
                || p.Captures.All(c => c.MoneyReference != paid.MoneyReference))
                return base.Decide(order, input, now, rules);
            // The machine decides as if it did not know this money; what it decides is stored under the money's true name.
            var decision = base.Decide(Renamed(order, p.Number, c => c.MoneyReference == paid.MoneyReference ? Unseen + c.MoneyReference : c.MoneyReference), input, now, rules);
            var after = Renamed(decision.After, p.Number, c => c.MoneyReference.StartsWith(Unseen, StringComparison.Ordinal) ? c.MoneyReference[Unseen.Length..] : c.MoneyReference);
            return decision with { After = after, Calls = [.. decision.Calls.Select(c => c with { Order = after })] };
        }

        static Order Renamed(Order order, int payment, Func<Capture, string> name)
        {
            var p = order.Payment(payment)!;
            return order with { Payments = order.Payments.SetItem(payment - 1, p with { Captures = [.. p.Captures.Select(c => c with { MoneyReference = name(c) })] }) };
        }
    }

    /// <summary>The refund is asked for whenever the reason for it is heard.</summary>
    sealed class RefundedAtEveryRepetition : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I9 given back once"];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
        {
            var decision = base.Decide(order, input, now, rules);
            if (order is null || input is not Evidence.Succeeded paid || order.RefundOf(paid.Payment, paid.MoneyReference) is not { } first) return decision;
            var again = first with { Number = decision.After.Refunds.Length + 1, RequestedAt = now };
            decision = decision with { After = decision.After with { Refunds = decision.After.Refunds.Add(again) } };
            return Told(decision, decision.After.Payment(paid.Payment)!, EventType.RefundRequested, now, again.Amount, EventNames.Snake(again.Reason.ToString()),
                again.MoneyReference, again.Number, paid);
        }
    }

    /// <summary>No answer is taken for a no: the amount can be given back again.</summary>
    sealed class SilenceFreesTheRefund : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["silence frees no refund"];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) => base.Decide(order, input is RefundEvidence.AnswerLost lost
            ? new RefundEvidence.Rejected(lost.Reason).Learned(lost.Refund, lost.Payment, lost.Source, lost.At, lost.RawKey)
            : input, now, rules);
    }

    /// <summary>Whoever asks again for a refund draws a new name for it.</summary>
    sealed class RefundAskedUnderANewName : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I2 keys are committed first"];

        public override IGateway Gateway(IGateway gateway) => gateway is IRefundMoney and ICancelLinks ? new Renaming(gateway) : gateway;

        sealed class Renaming(IGateway inner) : IGateway, ICancelLinks, IRefundMoney
        {
            int asked;

            public GatewayProfile Profile => inner.Profile;

            public Task<RefundAnswer> Refund(RefundCall call, GatewayLine line, CancellationToken stop) =>
                ((IRefundMoney)inner).Refund(call with { Refund = call.Refund with { Number = call.Refund.Number + (100 * asked++) } }, line, stop);

            public Task<RefundAnswer> InquireRefund(RefundCall call, GatewayLine line, CancellationToken stop) => ((IRefundMoney)inner).InquireRefund(call, line, stop);

            public Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop) => inner.OpenLink(call, line, stop);

            public Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop) => inner.Inquire(call, line, stop);

            public Task<GatewayAnswer> CancelLink(InquireCall call, GatewayLine line, CancellationToken stop) => ((ICancelLinks)inner).CancelLink(call, line, stop);

            public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => inner.ReadWebhook(message, account);

            public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => inner.ReadReturn(message, account);
        }
    }

    /// <summary>What was to be done next lives in memory, and dies with it.</summary>
    sealed class AlarmForgotten : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I8 every order has ended"];

        public override bool ForgetsAlarms => true;
    }

    /// <summary>Read, decide, write, each by itself.</summary>
    sealed class RowLockIgnored : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["row lock"];

        public override bool IgnoresRowLocks => true;
    }

    /// <summary>What a node remembers of an order is written over what another has made of it.</summary>
    sealed class MemoryTrusted : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["row lock"];

        public override bool TrustsMemory => true;
    }

    /// <summary>Whatever link an answer names is the payment's, though another payment has it.</summary>
    sealed class LinkShared : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["a link is of one payment"];

        public override bool SharesLinks => true;
    }

    /// <summary>No answer to a commit is taken for a commit.</summary>
    sealed class LostCommitBelieved : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["domain 9"];

        public override bool BelievesLostCommits => true;
    }

    /// <summary>What of a lost commit is not there yet will never be; and what comes, comes, whatever stands there by then.</summary>
    sealed class AbsenceTakenForTheEnd : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["row lock"];

        public override bool TakesAbsenceForTheEnd => true;
    }
}
