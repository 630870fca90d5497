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
        new SuccessNotComparedWithTheAmount(), new LateSuccessDropped(), new DuplicateSuccessIgnored(), new NewKeyOnRetry(), new CallbackBelieved(),
        new EventAppliedTwice(), new RefundedAtEveryRepetition(), new AlarmForgotten(), new RowLockIgnored(), new LostCommitBelieved(),
    ];

    public static PlantedBug? Find(string name) => All.FirstOrDefault(b => b.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    static Decision Nothing(Order order) => new(order, [], [], [], new Reply.Same(order));

    /// <summary>The check that there is no open payment was made a moment ago, without the lock.</summary>
    sealed class CheckThenActDoubleStart : PlantedBug
    {
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
        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
        {
            var decision = base.Decide(order, input, now, rules);
            if (input is not OrderInput.Tick) return decision;
            return decision with
            {
                After = decision.After with
                {
                    Payments = [.. decision.After.Payments.Select(p =>
                        p.Status == PaymentStatus.Unresolved && now - p.AskedAt > TimeSpan.FromMinutes(2) ? p with { Status = PaymentStatus.Failed } : p)],
                },
            };
        }
    }

    /// <summary>200 first, the work behind it.</summary>
    sealed class AnsweredBeforeStored : PlantedBug
    {
        public override Task<NewsIntake.Outcome> TakeNews(World world, Func<Task<NewsIntake.Outcome>> take)
        {
            _ = take();
            return Task.FromResult(NewsIntake.Outcome.Stored);
        }
    }

    /// <summary>The last event wins.</summary>
    sealed class FailureAfterSuccessWins : PlantedBug
    {
        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
        {
            if (input is not (Evidence.Declined or Evidence.Failed or Evidence.LinkExpired or Evidence.LinkCancelled)
                || order?.Payment(((Evidence)input).Payment) is not { Status: PaymentStatus.Succeeded } paid)
                return base.Decide(order, input, now, rules);
            var after = order with
            {
                Status = OrderStatus.AwaitingPayment,
                PaidBy = null,
                EndedAt = null,
                Payments = order.Payments.SetItem(paid.Number - 1, paid with { Status = PaymentStatus.Failed, Captures = [] }),
            };
            return Nothing(after);
        }
    }

    /// <summary>The status says paid; who looks at the amount?</summary>
    sealed class SuccessNotComparedWithTheAmount : PlantedBug
    {
        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) =>
            base.Decide(order, order is not null && input is Evidence.Succeeded paid ? paid with { Amount = order.Amount } : input, now, rules);
    }

    /// <summary>The order is closed, so the news are about nothing.</summary>
    sealed class LateSuccessDropped : PlantedBug
    {
        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) =>
            order is { Status: OrderStatus.Expired or OrderStatus.Cancelled } && input is Evidence.Succeeded ? Nothing(order) : base.Decide(order, input, now, rules);
    }

    /// <summary>The order is paid already, all is well.</summary>
    sealed class DuplicateSuccessIgnored : PlantedBug
    {
        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) =>
            order is { Status: OrderStatus.Paid } && input is Evidence.Succeeded ? Nothing(order) : base.Decide(order, input, now, rules);
    }

    /// <summary>A retry is a new request, so it gets a new key.</summary>
    sealed class NewKeyOnRetry : PlantedBug
    {
        public override IGateway Gateway(IGateway gateway) => new Forgetful(gateway);

        sealed class Forgetful(IGateway inner) : IGateway, ICancelLinks
        {
            readonly Dictionary<PaymentId, int> asked = [];

            public GatewayProfile Profile => inner.Profile;

            public Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop)
            {
                asked[call.Payment] = asked.GetValueOrDefault(call.Payment) + 1;
                var key = asked[call.Payment] == 1 ? call.Payment : call.Payment with { Number = call.Payment.Number + 1000 * asked[call.Payment] };
                return inner.OpenLink(call with { Payment = key }, line, stop);
            }

            public Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop) => inner.Inquire(call, line, stop);

            public Task<GatewayAnswer> CancelLink(InquireCall call, GatewayLine line, CancellationToken stop) => ((ICancelLinks)inner).CancelLink(call, line, stop);

            public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => inner.ReadWebhook(message, account);

            public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => inner.ReadReturn(message, account);
        }
    }

    /// <summary>The browser says thank you, so somebody paid.</summary>
    sealed class CallbackBelieved : PlantedBug
    {
        public override Task<EngineReply> Return(World world, OrderEngine engine, PaymentId payment, string query)
        {
            if (world.Database.Orders.GetValueOrDefault(payment.Order)?.Row is not { } order) return base.Return(world, engine, payment, query);
            var believed = new Evidence.Succeeded("callback", order.Amount).Learned(payment.Number, EvidenceSource.Reply, order.CreatedAt, "callback");
            return engine.Submit(payment.Order, believed, CancellationToken.None);
        }
    }

    /// <summary>Each delivery counts: the event's id is not looked at, nor whose money it is.</summary>
    sealed class EventAppliedTwice : PlantedBug
    {
        public override bool TakesNewsAgain => true;

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) => base.Decide(order,
            input is Evidence.Succeeded { Source: EvidenceSource.Webhook } paid ? paid with { MoneyReference = $"{paid.MoneyReference}/{now.Ticks}" } : input, now, rules);
    }

    /// <summary>The refund is asked for whenever the reason for it is heard.</summary>
    sealed class RefundedAtEveryRepetition : PlantedBug
    {
        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
        {
            if (order is null || input is not Evidence.Succeeded paid || order.Payment(paid.Payment)?.Captures.FirstOrDefault(c =>
                c.MoneyReference == paid.MoneyReference && c.Standing is Standing.Duplicate or Standing.Late) is not { } known || order.Refunds.IsEmpty)
                return base.Decide(order, input, now, rules);
            var again = new Refund(order.Refunds.Length + 1, paid.Payment, known.MoneyReference, known.Amount, RefundReason.Duplicate, RefundStatus.Requested, now);
            return Nothing(order with { Refunds = order.Refunds.Add(again) });
        }
    }

    /// <summary>What was to be done next lives in memory, and dies with it.</summary>
    sealed class AlarmForgotten : PlantedBug
    {
        public override bool ForgetsAlarms => true;
    }

    /// <summary>Read, decide, write, each by itself.</summary>
    sealed class RowLockIgnored : PlantedBug
    {
        public override bool IgnoresRowLocks => true;
    }

    /// <summary>No answer to a commit is taken for a commit.</summary>
    sealed class LostCommitBelieved : PlantedBug
    {
        public override bool BelievesLostCommits => true;
    }
}
