using FsCheck;
using FsCheck.Fluent;

namespace Purser.Tests;

public sealed class IdsTests
{
    static readonly Arbitrary<OrderId> AnyOrder = ArbMap.Default.GeneratorFor<long>()
        .SelectMany(_ => Gen.Choose(1, int.MaxValue), (high, low) => new OrderId(((high & 0x7fffffff) << 32) | (uint)low)).ToArbitrary();

    static readonly Arbitrary<PaymentId> AnyPayment = AnyOrder.Generator
        .SelectMany(_ => Gen.Choose(1, 999_999), (order, number) => new PaymentId(order, number)).ToArbitrary();

    [Fact]
    public void Order_ids_read_back_and_sort_as_text_as_they_do_as_numbers() => Prop.ForAll(AnyOrder, AnyOrder, (one, other) =>
    {
        OrderId.TryParse(one.ToString(), out var read).ShouldBeTrue();
        read.ShouldBe(one);
        one.ToString().ShouldMatch("^ord_[0-7][0-9a-hjkmnp-tv-z]{12}$");
        Math.Sign(string.CompareOrdinal(one.ToString(), other.ToString())).ShouldBe(Math.Sign(one.CompareTo(other)));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Payment_ids_and_references_read_back_and_fit_every_gateway() => Prop.ForAll(AnyPayment, payment =>
    {
        PaymentId.TryParse(payment.ToString(), out var read).ShouldBeTrue();
        read.ShouldBe(payment);
        payment.Reference.ShouldMatch("^[a-z0-9]{1,20}$");
        PaymentId.TryParseReference(payment.Reference, out read).ShouldBeTrue();
        read.ShouldBe(payment);
        PaymentId.TryParseReference(payment.Reference.ToUpperInvariant(), out read).ShouldBeTrue();
        read.ShouldBe(payment);
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(1L, "ord_0000000000001")]
    [InlineData(long.MaxValue, "ord_7zzzzzzzzzzzz")]
    public void The_first_and_the_last_id_are_written_so(long value, string text)
    {
        new OrderId(value).ToString().ShouldBe(text);
        OrderId.TryParse(text, out var read).ShouldBeTrue();
        read.Value.ShouldBe(value);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ord_")]
    [InlineData("ord_0000000000000")]
    [InlineData("ord_8000000000000")]
    [InlineData("ord_zzzzzzzzzzzzz")]
    [InlineData("ord_000000000001")]
    [InlineData("ord_00000000000001")]
    [InlineData("ord_000000000000i")]
    [InlineData("ord_000000000000u")]
    [InlineData("ord_000000000000Z")]
    [InlineData("ord_000000000000\0")]
    [InlineData("ord_ 00000000001")]
    [InlineData("ORD_0000000000001")]
    [InlineData("pay_0000000000001")]
    [InlineData("pay_0000000000001_1")]
    [InlineData("ord_0000000000001_1")]
    [InlineData("ord_000000000000١")]
    public void What_is_no_order_id_is_refused(string? text) => OrderId.TryParse(text, out _).ShouldBeFalse();

    [Theory]
    [InlineData(null)]
    [InlineData("pay_0000000000001")]
    [InlineData("pay_0000000000001_")]
    [InlineData("pay_0000000000001_0")]
    [InlineData("pay_0000000000001_01")]
    [InlineData("pay_0000000000001_-1")]
    [InlineData("pay_0000000000001_+1")]
    [InlineData("pay_0000000000001_1 ")]
    [InlineData("pay_0000000000001_1\0")]
    [InlineData("pay_0000000000001_1\0\0")]
    [InlineData("pay_0000000000001_2147483648")]
    [InlineData("pay_0000000000001_١")]
    [InlineData("pay_0000000000001p1")]
    [InlineData("ord_0000000000001_1")]
    public void What_is_no_payment_id_is_refused(string? text) => PaymentId.TryParse(text, out _).ShouldBeFalse();

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0000000000001")]
    [InlineData("0000000000001p")]
    [InlineData("0000000000001p0")]
    [InlineData("0000000000001p1\0")]
    [InlineData("0000000000001p1\n")]
    [InlineData("0000000000001p10000000")]
    [InlineData("000000000000\u212Ap1")]
    [InlineData("pay_0000000000001_1")]
    public void What_is_no_reference_of_ours_is_refused(string? text) => PaymentId.TryParseReference(text, out _).ShouldBeFalse();

    [Fact]
    public void Anything_at_all_is_read_or_refused_but_never_throws() => Prop.ForAll<string>(text =>
    {
        foreach (var hostile in new[] { text, "ord_" + text, "pay_" + text, "0000000000001p" + text, "pay_0000000000001_" + text })
        {
            if (OrderId.TryParse(hostile, out var order)) order.ToString().ShouldBe(hostile);
            if (PaymentId.TryParse(hostile, out var payment)) payment.ToString().ShouldBe(hostile);
            if (PaymentId.TryParseReference(hostile, out payment)) payment.Reference.ShouldBe(hostile.ToLowerInvariant());
        }
    }).Check(Chance.Stories(1000));

    [Fact]
    public void Ids_sort_by_time_and_never_repeat_while_the_clock_stands_still_steps_back_or_jumps()
    {
        var clock = new SetClock(Given.Start);
        var ids = new Ids(clock, new Random(1));
        var last = ids.NextOrder();
        Prop.ForAll(Gen.Frequency((6, Gen.Constant(0)), (3, Gen.Choose(-5000, 5000)), (1, Gen.Choose(-10_000_000, 10_000_000))).ToArbitrary(), step =>
        {
            clock.Now += TimeSpan.FromMilliseconds(step);
            for (var i = 0; i < 20; i++)
            {
                var next = ids.NextOrder();
                next.CompareTo(last).ShouldBeGreaterThan(0);
                last = next;
            }
        }).Check(Chance.Stories(1000));
    }

    [Fact]
    public void A_millisecond_that_runs_out_of_ids_borrows_from_the_next()
    {
        var ids = new Ids(new SetClock(Given.Start), new Random(1));
        var last = ids.NextOrder();
        for (var i = 0; i < 1 << 21; i++)
        {
            var next = ids.NextOrder();
            if (next.Value != last.Value + 1) Assert.Fail("An id was skipped or repeated.");
            last = next;
        }
        (last.Value >> 21).ShouldBeGreaterThan(Given.Start.ToUnixTimeMilliseconds());
    }

    [Fact]
    public void Many_threads_draw_different_ids()
    {
        var ids = new Ids(new SetClock(Given.Start), new Random(1));
        var drawn = new OrderId[4][];
        Parallel.For(0, 4, i => drawn[i] = [.. Enumerable.Range(0, 10_000).Select(_ => ids.NextOrder())]);
        drawn.SelectMany(d => d).Distinct().Count().ShouldBe(40_000);
    }

    [Fact]
    public void An_id_tells_its_millisecond_and_two_processes_seldom_meet()
    {
        var one = new Ids(new SetClock(Given.Start), new Random(1)).NextOrder();
        var other = new Ids(new SetClock(Given.Start), new Random(2)).NextOrder();
        (one.Value >> 21).ShouldBe(Given.Start.ToUnixTimeMilliseconds());
        one.ShouldNotBe(other);
    }

    sealed class SetClock(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
