using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.Razorpay.Tests;

public sealed class RazorpayKeepsTheContract : GatewayContract<RazorpayGateway>
{
    /// <summary>Both are a payment that is created on a link that is created.</summary>
    protected override bool TellsOfSlowBanks => false;

    protected override string? Told(string outcome) => outcome == "left_at_check" ? "LinkOpened" : base.Told(outcome);
}
