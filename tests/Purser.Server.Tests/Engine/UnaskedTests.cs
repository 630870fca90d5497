using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Server.Tests.Engine;

/// <summary>Questions that a breaker or a bulkhead kept back are put again as soon as the gateway answers, the oldest first.</summary>
public sealed class UnaskedTests
{
    static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    readonly StepClock clock = new();
    readonly List<(OrderId Order, OrderInput Question)> put = [];

    [Fact]
    public async Task The_oldest_is_tried_until_it_gets_through_and_then_ever_more_at_once()
    {
        await Alone;
        var isDown = true;
        Unasked unasked = null!;
        unasked = new Unasked((order, question) =>
        {
            put.Add((order, question));
            // What is put while the gateway is down comes back at once.
            if (isDown) unasked.Add("cards", order, question, Since(order), 100);
            return Task.FromResult(true);
        }, clock);
        foreach (var n in (int[])[5, 3, 9, 1, 7, 8, 2, 6, 4]) unasked.Add("cards", new OrderId(n), new OrderCommand.Look(1), Since(new OrderId(n)), 100);

        for (var i = 0; i < 3; i++) clock.Step();
        put.ShouldBe(Enumerable.Repeat((new OrderId(1), (OrderInput)new OrderCommand.Look(1)), 3));
        clock.Waits.ShouldBe([1, 2, 4, 8]);

        isDown = false;
        put.Clear();
        for (var i = 0; i < 5; i++) clock.Step();
        // The probe that gets through is the last thing that came back; the width doubles from there.
        put.Select(p => p.Order.Value).ShouldBe([1, 2, 3, 4, 5, 6, 7, 8, 9]);
        clock.Step();
        clock.IsIdle.ShouldBeTrue();
    }

    [Fact]
    public async Task Of_the_same_age_the_largest_is_first_and_accounts_wait_for_themselves()
    {
        await Alone;
        var unasked = new Unasked((order, question) =>
        {
            put.Add((order, question));
            return Task.FromResult(true);
        }, clock);
        unasked.Add("cards", new OrderId(1), new OrderCommand.Look(1), Noon, 100);
        unasked.Add("cards", new OrderId(2), new OrderCommand.LookRefund(1), Noon, 900);
        unasked.Add("wallet", new OrderId(3), new OrderCommand.Look(1), Noon.AddHours(1), 1);
        clock.Step();
        put.ShouldBe([(new OrderId(2), new OrderCommand.LookRefund(1)), (new OrderId(3), new OrderCommand.Look(1))], ignoreOrder: true);
    }

    [Fact]
    public async Task What_never_can_be_put_does_not_stand_before_the_others()
    {
        await Alone;
        Unasked unasked = null!;
        unasked = new Unasked((order, question) =>
        {
            put.Add((order, question));
            if (order.Value == 1) unasked.Add("cards", order, question, Noon, 100);
            return Task.FromResult(true);
        }, clock);
        unasked.Add("cards", new OrderId(1), new OrderCommand.Look(1), Noon, 100);
        for (var n = 2; n <= 10; n++) unasked.Add("cards", new OrderId(n), new OrderCommand.Look(1), Noon.AddHours(n), 100);
        for (var i = 0; i < 60 && !clock.IsIdle; i++) clock.Step();
        clock.IsIdle.ShouldBeTrue();
        for (var n = 2; n <= 10; n++) put.Count(p => p.Order.Value == n).ShouldBe(1);
        put.Count(p => p.Order.Value == 1).ShouldBe(25);
    }

    [Fact]
    public async Task After_a_long_outage_the_oldest_is_still_the_first()
    {
        await Alone;
        var isDown = true;
        Unasked unasked = null!;
        unasked = new Unasked((order, question) =>
        {
            put.Add((order, question));
            if (isDown) unasked.Add("cards", order, question, Since(order), 100);
            return Task.FromResult(true);
        }, clock);
        for (var n = 9; n > 0; n--) unasked.Add("cards", new OrderId(n), new OrderCommand.Look(1), Since(new OrderId(n)), 100);
        for (var i = 0; i < 40; i++) clock.Step();
        isDown = false;
        put.Clear();
        for (var i = 0; i < 20 && !clock.IsIdle; i++) clock.Step();
        put[0].Order.Value.ShouldBe(1);
        put.Select(p => p.Order.Value).Order().ShouldBe([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    [Fact]
    public async Task What_the_engine_has_no_room_for_is_put_again()
    {
        await Alone;
        var hasRoom = false;
        var unasked = new Unasked((order, question) =>
        {
            put.Add((order, question));
            return Task.FromResult(hasRoom);
        }, clock);
        unasked.Add("cards", new OrderId(1), new OrderCommand.Look(1), Noon, 100);
        for (var i = 0; i < 30; i++) clock.Step();
        hasRoom = true;
        put.Clear();
        for (var i = 0; i < 5 && !clock.IsIdle; i++) clock.Step();
        put.ShouldHaveSingleItem();
        clock.IsIdle.ShouldBeTrue();
    }

    /// <summary>Goes on without the test runner's context, which would carry what waited on to threads of its own: here it goes on within the step that ends its wait.</summary>
    static System.Runtime.CompilerServices.ConfiguredTaskAwaitable Alone => Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

    static DateTimeOffset Since(OrderId order) => Noon.AddMinutes(order.Value);

    /// <summary>Time that passes when the test says so.</summary>
    sealed class StepClock : TimeProvider
    {
        readonly Queue<Action> waiting = [];

        /// <summary>How long was waited, in seconds.</summary>
        public List<double> Waits { get; } = [];

        public bool IsIdle => waiting.Count == 0;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Waits.Add(dueTime.TotalSeconds);
            waiting.Enqueue(() => callback(state));
            return new Nothing();
        }

        /// <summary>Ends what waits now; what then begins to wait, waits for the next step.</summary>
        public void Step()
        {
            foreach (var end in waiting.ToArray())
            {
                waiting.Dequeue();
                end();
            }
        }

        sealed class Nothing : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() { }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
