using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.Ippopay.Tests;

public sealed class IppopayKeepsTheContract : GatewayContract<IppopayGateway>
{
    /// <summary>There is no question by our reference.</summary>
    protected override bool KnownByOurReference => false;

    /// <summary>Amounts are in rupees.</summary>
    protected override string[] FixedParts => ["0001jd8xk3m4np1", "\"amount\":199.90,"];

    /// <summary>The one trace of a refund is a word in the transaction.</summary>
    protected override IEnumerable<string> RefundIsAskedBy => ["inquire", "inquire_refund"];

    /// <summary>Orders have no end at the gateway: a link that is over for us stays open there. And an order shows one transaction, so that it cannot be
    /// told that it was paid twice.</summary>
    protected override string? Told(string outcome) => outcome switch
    {
        "expired" => "LinkOpened",
        "paid_twice" => null,
        _ => base.Told(outcome),
    };
}
