using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.AcmePay.Tests;

/// <summary>More than a hundred tests for one line. Where your gateway truly differs there is a member to override; each override says why.</summary>
public sealed class AcmePayKeepsTheContract : GatewayContract<AcmePayGateway>
{
    /// <summary>The simulator names the transfer in every row and never makes one; <see cref="AcmePayTests"/> shows the row.</summary>
    protected override bool SimulatorPaysOut => false;
}
