using Purser.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Checkout;

/// <summary>The addresses of the shopper's pages, each with the order's token. From the root of this server; whoever needs a whole address
/// puts the public one before it.</summary>
/// <param name="held">The token that the visitor came with, so that whoever has one is not given another that lives longer; null: one of now.</param>
public sealed class ShopperLinks(ShopperTokens tokens, string? held = null)
{
    internal ShopperLinks Holding(string token) => new(tokens, token);

    /// <summary>Where the shopper sees what is bought and pays.</summary>
    public string Checkout(Order order) => $"/checkout/{order.Id}{Token(order)}";

    /// <summary>How one payment stands. Gateways' returns lead here.</summary>
    public string Payment(Order order, int payment) => $"/pay/{new PaymentId(order.Id, payment)}{Token(order)}";

    /// <summary>Straight on to the gateway's page; to <see cref="Payment"/> when there is nothing to pay any more.</summary>
    public string HandOver(Order order, int payment) => $"/pay/{new PaymentId(order.Id, payment)}/go{Token(order)}";

    /// <summary>How the order stands, without any button that moves something.</summary>
    public string Status(Order order) => $"/status/{order.Id}{Token(order)}";

    /// <summary>The order's invoice, as PDF.</summary>
    public string Invoice(Order order) => $"/v1/orders/{order.Id}/invoice{Token(order)}";

    /// <summary>The credit note of a cancelled order, as PDF.</summary>
    public string CreditNote(Order order) => $"/v1/orders/{order.Id}/credit_note{Token(order)}";

    /// <summary>The credit note of one refund, as PDF.</summary>
    public string CreditNote(Order order, int refund) => $"/v1/refunds/{new RefundId(order.Id, refund)}/credit_note{Token(order)}";

    internal string Part(Order order, int? payment) => payment is { } number
        ? $"/pay/{new PaymentId(order.Id, number)}/part{Token(order)}"
        : $"/status/{order.Id}/part{Token(order)}";

    internal string Cancel(Order order, int payment) => $"/pay/{new PaymentId(order.Id, payment)}/cancel";

    internal string TokenOf(Order order) => held ?? tokens.Now(order.Id);

    string Token(Order order) => $"?token={TokenOf(order)}";
}
