using Purser.Orders;
using Purser.Payments;
using Purser.Server.Engine;

namespace Purser.Server.Checkout;

/// <summary>Asks for a form that begins another try each time it is posted. Knows no HTTP.</summary>
public static class FormHandOver
{
    /// <summary>The order itself says whether the form may be posted now, under its lock and for all nodes. Where it may not, the gateway is asked, and its
    /// answer may come while the shopper waits; else their page tells them when it came.</summary>
    /// <param name="now">The database's time before anything was asked.</param>
    /// <param name="waitForChange">Waits a moment for an event after the one with this number.</param>
    public static async Task<EngineReply> Ask(
        OrderEngine engine, OrderId order, int number, DateTimeOffset now, Func<int, Task> waitForChange, CancellationToken stop)
    {
        var command = new OrderCommand.HandOut(number);
        var reply = await engine.Submit(order, command, stop);
        if (reply is not EngineReply.Done { Reply: Reply.Same same } || same.Order.Payment(number) is not { Status: PaymentStatus.Pending } waiting || !(waiting.LookedAt >= now))
            return reply;
        await waitForChange(same.Order.Sequence);
        return await engine.Submit(order, command, stop);
    }
}
