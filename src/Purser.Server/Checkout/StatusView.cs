using Purser.Orders;
using Purser.Payments;

namespace Purser.Server.Checkout;

/// <summary>What a status page shows.</summary>
/// <param name="Number">The payment whose page it is; null on the order's own page, which has no button that moves anything.</param>
public sealed record StatusView(
    CheckoutOptions Options, ShopperOrder Found, int? Number, Situation Situation, ShopperLinks Links, Func<string, string> Title, bool CanCancel,
    bool TestMode)
{
    public Order Order => Found.Order;
    public bool ReadOnly => Number is null;

    /// <summary>The payment to tell details of: the one that paid, else the one asked for, else the latest.</summary>
    public Payment? Payment => Order.PaidBy is { } paid ? Order.Payment(paid) : Number is { } number ? Order.Payment(number) : Order.Payments.LastOrDefault();

    /// <summary>How soon a page without script looks again: often while something is about to happen, else seldom.</summary>
    public int LookAgainSeconds => Situation switch { { UnderWay: true } => 5, { Changing: true } => 15, _ => 0 };
}
