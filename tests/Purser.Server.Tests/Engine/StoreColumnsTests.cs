using System.Collections.Immutable;
using System.Reflection;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Engine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Engine;

/// <summary>A statement leaves out the columns that say nothing. Whatever changes is written all the same, alone and beside other rows.</summary>
public sealed class StoreColumnsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static readonly DateTimeOffset Then = new(2026, 3, 1, 12, 30, 15, TimeSpan.Zero);
    static readonly Money Rupees = new(49900, Currency.Find("INR"));

    /// <summary>Fixed at birth: no step changes them.</summary>
    static readonly string[] PaymentBirth =
        [nameof(Payment.Number), nameof(Payment.Account), nameof(Payment.Amount), nameof(Payment.Routed), nameof(Payment.ReturnUrl), nameof(Payment.StartedAt), nameof(Payment.LinkExpiresAt)];
    static readonly string[] OrderBirth =
        [nameof(Order.Id), nameof(Order.Reference), nameof(Order.Amount), nameof(Order.Description), nameof(Order.Customer), nameof(Order.Policy), nameof(Order.CreatedAt), nameof(Order.ExpiresAt)];

    static readonly Dictionary<string, Func<Payment, Payment>> PaymentSteps = new()
    {
        [nameof(Payment.Status)] = p => p with { Status = PaymentStatus.Failed },
        [nameof(Payment.Method)] = p => p with { Method = "upi" },
        [nameof(Payment.AskedAt)] = p => p with { AskedAt = Then },
        [nameof(Payment.Asks)] = p => p with { Asks = 7 },
        [nameof(Payment.RefusedAsks)] = p => p with { RefusedAsks = 3 },
        [nameof(Payment.GatewayReference)] = p => p with { GatewayReference = $"other_{p.GatewayReference}" },
        [nameof(Payment.Link)] = p => p with { Link = new PaymentLink.Form("https://g.example/form", ImmutableSortedDictionary<string, string>.Empty.Add("a", "b")) },
        [nameof(Payment.LinkOpenedAt)] = p => p with { LinkOpenedAt = Then },
        [nameof(Payment.HandedAt)] = p => p with { HandedAt = Then },
        [nameof(Payment.BackAt)] = p => p with { BackAt = Then },
        [nameof(Payment.OpenUntil)] = p => p with { OpenUntil = Then },
        [nameof(Payment.ProcessingAt)] = p => p with { ProcessingAt = Then },
        [nameof(Payment.ClearAt)] = p => p with { ClearAt = Then },
        [nameof(Payment.Decline)] = p => p with { Decline = "no funds" },
        [nameof(Payment.DeclinedAt)] = p => p with { DeclinedAt = Then },
        [nameof(Payment.DeclinedTry)] = p => p with { DeclinedTry = "try_9" },
        [nameof(Payment.Captures)] = p => p with { Captures = [new Capture($"m_{p.GatewayReference}", Rupees, Then, Standing.Late)] },
        [nameof(Payment.Reversals)] = p => p with { Reversals = [new Reversal("m_9", Rupees)] },
        [nameof(Payment.Denied)] = p => p with { Denied = [new Denial("m_9", Then)] },
        [nameof(Payment.OutsideRefunds)] = p => p with { OutsideRefunds = [new OutsideRefund("r_9", Rupees, "row_9", "m_9") { MayBeOurs = true, CameBack = true, Settled = new Settled("row_9", Rupees, -Rupees), Returned = new Settled("row_8", Rupees, Rupees) }] },
        [nameof(Payment.Answers)] = p => p with { Answers = [new Answered(DiscrepancyKind.Late, "m_9")] },
        [nameof(Payment.Fee)] = p => p with { Fee = 998 },
        [nameof(Payment.Tax)] = p => p with { Tax = 180 },
        [nameof(Payment.Reason)] = p => p with { Reason = "why" },
        [nameof(Payment.LookAt)] = p => p with { LookAt = Then },
        [nameof(Payment.LookedAt)] = p => p with { LookedAt = Then },
        [nameof(Payment.HeardAt)] = p => p with { HeardAt = Then },
        [nameof(Payment.AbsentFirstAt)] = p => p with { AbsentFirstAt = Then },
        [nameof(Payment.AbsentLastAt)] = p => p with { AbsentLastAt = Then },
        [nameof(Payment.CancelAsked)] = p => p with { CancelAsked = true },
        [nameof(Payment.EndedAt)] = p => p with { EndedAt = Then },
        [nameof(Payment.Contradicted)] = p => p with { Contradicted = true },
        [nameof(Payment.Dispute)] = p => p with { Dispute = DisputeState.Open },
        [nameof(Payment.Disputes)] = p => p with { Disputes = [new Dispute("d_9", DisputeState.Won) { Taken = Rupees, ToldAt = Then }] },
        [nameof(Payment.Discrepancy)] = p => p with { Discrepancy = DiscrepancyKind.LinkMismatch },
    };

    static readonly Dictionary<string, Func<Order, Order>> OrderSteps = new()
    {
        // These two hold each other.
        [nameof(Order.Status)] = o => o with { Status = OrderStatus.Cancelled },
        [nameof(Order.PaidBy)] = o => o with { Status = OrderStatus.Paid, PaidBy = 1 },
        [nameof(Order.Late)] = o => o with { Late = true },
        [nameof(Order.ClosingAt)] = o => o with { ClosingAt = Then },
        [nameof(Order.EndedAt)] = o => o with { EndedAt = Then },
        [nameof(Order.FulfilledAt)] = o => o with { FulfilledAt = Then },
        [nameof(Order.WakeAt)] = o => o with { WakeAt = Then },
        [nameof(Order.Sequence)] = o => o with { Sequence = 99 },
    };

    [Fact]
    public void Every_property_that_a_step_may_change_is_tried()
    {
        Properties<Payment>().Except(PaymentBirth).ShouldBe(PaymentSteps.Keys, ignoreOrder: true);
        Properties<Order>().Except(OrderBirth).Except([nameof(Order.Payments), nameof(Order.Refunds)]).ShouldBe(OrderSteps.Keys, ignoreOrder: true);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_alone_changes_is_written(int orders)
    {
        await using var world = await EngineWorld.Create(await postgres.CreateDatabase());
        await using var session = world.Store.OpenSession();
        foreach (var (name, step) in OrderSteps.Select(s => (s.Key, s.Value))
            .Concat(PaymentSteps.Select(s => (s.Key, (Func<Order, Order>)(o => o with { Payments = [s.Value(o.Payments[0])] })))))
        {
            var ids = new List<OrderId>();
            while (ids.Count < orders) ids.Add(await world.WithLink());
            var before = await Load(session, ids);
            var changes = new BatchChanges();
            // Beside a row of which nothing but the number changes.
            foreach (var order in before) changes.Changed.Add((order, order.Id == ids[0] ? step(order) : order with { Sequence = order.Sequence + 1 }));
            await session.Commit(changes, default);

            var stored = await Load(session, ids);
            await session.Rollback();
            foreach (var (_, after) in changes.Changed)
            {
                var there = stored.Single(o => o.Id == after.Id);
                there.Payments.ShouldBe(after.Payments, name);
                (there with { Payments = after.Payments }).ShouldBe(after, name);
            }
        }
    }

    [Fact]
    public async Task What_is_left_out_of_a_new_row_is_filled_in_as_nothing()
    {
        await using var world = await EngineWorld.Create(await postgres.CreateDatabase());
        foreach (var (table, columns) in ((string, IEnumerable<string>)[])[("orders", OrderTableStore.InsertOrders.Optional), ("payments", PaymentTableStore.InsertPayments.Optional)])
            foreach (var column in columns)
            {
                var filled = await world.Ask<string>(
                    "select coalesce(column_default, 'null') || case when column_default is null and is_nullable = 'NO' then ' is refused' else '' end from information_schema.columns where table_schema = 'public' and table_name = $1 and column_name = $2", table, column);
                new[] { "null", "0", "false" }.ShouldContain(filled, $"{table}.{column}");
            }
    }

    static async Task<List<Order>> Load(IOrderSession session, List<OrderId> ids) =>
        [.. (await session.Load([.. ids.Select(id => EngineInput.Of(id, new OrderInput.Tick()))], default)).Orders.Values];

    static IEnumerable<string> Properties<T>() => typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.SetMethod is not null).Select(p => p.Name);
}
