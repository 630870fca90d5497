using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Server.Deliveries;

/// <summary>What was committed is told to the live feed, and the sender looks whether somebody is to hear of it.</summary>
sealed class Announcements(ILiveFeed live, DeliverySender sender) : ILiveFeed
{
    public void Publish(OrderId order, IReadOnlyList<OrderEvent> events)
    {
        live.Publish(order, events);
        sender.Wake();
    }
}
