using Purser.Orders;
using Purser.Server.Deliveries;

namespace Purser.Server.Tests.Deliveries;

public sealed class PlacesTests
{
    static Leased One(int number) => new(
        new LeasedDelivery(new DeliveryId(new OrderId(number), 1, 1), 1, 0, "", false, ReceiverKind.Endpoint, EventType.OrderPaid, DateTimeOffset.UnixEpoch, ""), [], DateTimeOffset.MaxValue);

    [Fact]
    public void Who_takes_what_comes_is_given_more_ahead_and_no_more_has_a_place()
    {
        var places = new Places(2);
        places.Free.ShouldBe(2);
        for (var n = 1; n <= 600; n++)
        {
            places.Add(One(n));
            places.Next()!.Delivery.Id.Order.Value.ShouldBe(n);
            places.Leave(wasTakenAtOnce: true);
        }
        places.Free.ShouldBe(256);
        for (var n = 1; n <= 10; n++) places.Add(One(n));
        (places.Next(), places.Next(), places.Next()).ShouldSatisfyAllConditions(t => t.Item1.ShouldNotBeNull(), t => t.Item2.ShouldNotBeNull(), t => t.Item3.ShouldBeNull());
        places.Free.ShouldBe(246);
    }

    [Fact]
    public void Who_fails_keeps_what_is_under_way_and_nothing_else()
    {
        var places = new Places(2);
        for (var n = 1; n <= 4; n++)
        {
            places.Add(One(n));
            places.Next();
            places.Leave(wasTakenAtOnce: true);
        }
        for (var n = 1; n <= 6; n++) places.Add(One(n));
        places.Next();
        places.Next();
        places.Leave(wasTakenAtOnce: false);
        places.Free.ShouldBeLessThan(0, "four wait, and only two may");
        places.GiveBack().Select(d => d.Id.Order.Value).ShouldBe([3L, 4, 5, 6]);
        places.Free.ShouldBe(1);
        places.Next().ShouldBeNull();
    }
}
