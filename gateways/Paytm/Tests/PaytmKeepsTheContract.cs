using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.Paytm.Tests;

public sealed class PaytmKeepsTheContract : GatewayContract<PaytmGateway>
{
    /// <summary>An order id comes to one result, and that is told by one status: a declined try ends it, and money is found once. An order whose page
    /// was opened and not used has no record; when its time ends it is one whose shopper left.</summary>
    protected override string? Told(string outcome) => outcome switch
    {
        "declined" => "Failed",
        "declined_then_paid" or "paid_twice" => null,
        "abandoned" => "Absent",
        "expired" => "LinkCancelled",
        _ => base.Told(outcome),
    };

    /// <summary>A token is all that comes back.</summary>
    protected override bool AnswerNamesAmount => false;

    /// <summary>Amounts are texts of rupees.</summary>
    protected override string[] FixedParts => [.. base.FixedParts.Where(p => p != "19990"), "\"value\":\"199.90\""];

    /// <summary>A key of another length is refused before it is used.</summary>
    protected override string Stranger(string setting, string value) => value[..^1] + (value[^1] == 'x' ? 'y' : 'x');

    protected override IEnumerable<string> WebhookSecrets => [PaytmGateway.MerchantKey];
}
