using Purser.Server.Platform;

namespace Purser.Server.Returns;

/// <summary>Our return address for a payment: made once, when the payment is started, and frozen with it, for a request that is sent again must
/// carry the same bytes. It holds the order's token, so that coming back needs no cookie.</summary>
public sealed class ReturnAddresses(PublicAddress address, ShopperTokens tokens)
{
    public string For(string account, PaymentId payment) =>
        $"{address.Url}/gateways/{account}/return?payment={payment}&token={tokens.Frozen(payment.Order)}";
}
