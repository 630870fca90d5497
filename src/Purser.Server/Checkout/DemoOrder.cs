using System.Collections.Immutable;
using System.Security.Cryptography;
using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Server.Checkout;

/// <summary>An order to try the house with, placed on the same road as every other.</summary>
sealed class DemoOrder(OrderEngine engine, Ids ids)
{
    /// <summary>By which the start page finds them again.</summary>
    public const string UserId = "demo";

    /// <summary>The mail address on every demo order, to try the look-up with.</summary>
    public const string Email = "asha@shop.example";

    static readonly ImmutableArray<OrderLine> Lines =
    [
        new("Darjeeling first flush, 250 g", 2, 64_900),
        new("Brass tea strainer", 1, 34_900),
        new("Delivery", 1, 4_900),
    ];

    static readonly ImmutableArray<byte> Fingerprint = [.. SHA256.HashData("demo"u8)];

    public async Task<Order?> Place(CancellationToken stop)
    {
        var id = ids.NextOrder();
        var amount = new Money(Lines.Sum(l => l.Quantity * l.UnitAmount), Currency.Find("INR"));
        var command = new OrderCommand.Create(id, null, amount, "Tea for two", new Customer("Asha Rao", Email, "+919900000000"), new OrderPolicy(),
            TimeSpan.FromMinutes(30), new OrderContent(Lines, ImmutableSortedDictionary<string, string>.Empty, UserId, null, Fingerprint));
        return await engine.Submit(EngineInput.Of(id, command), stop) is EngineReply.Done { Reply: Reply.Made made } ? made.Order : null;
    }
}
