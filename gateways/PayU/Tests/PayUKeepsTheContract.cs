using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.PayU.Tests;

public sealed class PayUKeepsTheContract : GatewayContract<PayUGateway>
{
    /// <summary>Their page goes away after each try; the form that led there can be posted again, and has no end.</summary>
    protected override string? Told(string outcome) => outcome switch
    {
        "declined_then_paid" => null,
        "expired" => "LinkOpened",
        _ => base.Told(outcome),
    };

    /// <summary>Two successes under one reference (the form posted again while a bank was silent) are told one at a time; the settlement has both.</summary>
    protected override bool InquiryTellsAllMoney => false;

    /// <summary>News about refunds are JSON and not signed.</summary>
    protected override bool SignsRefundNews => false;

    protected override IEnumerable<string> WebhookSecrets => [PayUGateway.Salt];

    protected override string NobodysMoney => "403990000000099999";
}
