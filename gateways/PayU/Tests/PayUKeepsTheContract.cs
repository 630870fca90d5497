using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.PayU.Tests;

public sealed class PayUKeepsTheContract : GatewayContract<PayUGateway>
{
    /// <summary>One reference is one try: a declined one ends it.</summary>
    protected override string? Told(string outcome) => outcome switch
    {
        "declined" => "Failed",
        "declined_then_paid" => null,
        _ => base.Told(outcome),
    };

    /// <summary>Two successes under one reference (the form posted again while a bank was silent) are told one at a time; the settlement has both.</summary>
    protected override bool InquiryTellsAllMoney => false;

    protected override IEnumerable<string> WebhookSecrets => [PayUGateway.Salt];

    protected override string NobodysMoney => "403990000000099999";
}
