using Purser.Orders;
using Purser.Server.Live;

namespace Purser.Server.Tests.Live;

/// <summary>What is kept of a watched order's events, whoever committed them.</summary>
public sealed class WatchedTests
{
    readonly Watched watched = new(new OrderId(1L << 40));

    [Fact]
    public void News_from_elsewhere_that_are_known_meanwhile_are_not_kept_twice()
    {
        watched.Hear(Events(1, 2));
        watched.Add(Events(3));
        watched.Hear(Events(2, 3, 4));
        watched.Sequence.ShouldBe(4);
        Kept(0).ShouldBe([1, 2, 3, 4]);
    }

    [Fact]
    public void Behind_a_gap_nothing_is_kept_that_would_hide_it()
    {
        watched.Hear(Events(1, 2));
        watched.Add(Events(5));
        watched.Sequence.ShouldBe(5);
        Kept(2).ShouldBeEmpty("3 and 4 are read from the database");
        Kept(4).ShouldBe([5]);
    }

    [Fact]
    public void What_all_have_been_sent_is_kept_no_longer()
    {
        watched.TryEnter(new Waiter(0), 10);
        watched.Hear(Events(1, 2));
        watched.Sent();
        Kept(0).ShouldBeEmpty();
        watched.Add(Events(3));
        Kept(2).ShouldBe([3]);
    }

    [Fact]
    public void What_others_know_already_is_no_news()
    {
        var waiter = new Waiter(2);
        watched.TryEnter(waiter, 10);
        watched.Hear(Events(1, 2));
        watched.Hear(Events(1, 2));
        waiter.Changed.IsCompleted.ShouldBeFalse();
        watched.Hear(Events(3));
        waiter.Changed.IsCompleted.ShouldBeTrue();
    }

    int[] Kept(int after) => [.. watched.After(after).Select(e => e.Sequence)];

    static LiveEvent[] Events(params int[] numbers) => [.. numbers.Select(n => new LiveEvent(n, new byte[n]))];
}
