using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.Stripe.Tests;

public sealed class StripeKeepsTheContract : GatewayContract<StripeGateway>
{
    /// <summary>A session names one payment intent.</summary>
    protected override bool InquiryTellsAllMoney => false;

    protected override string? Told(string outcome) => outcome == "left_at_check" ? "LinkOpened" : base.Told(outcome);
}
