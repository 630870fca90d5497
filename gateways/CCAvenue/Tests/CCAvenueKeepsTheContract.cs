using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.CCAvenue.Tests;

public sealed class CCAvenueKeepsTheContract : GatewayContract<CCAvenueGateway>
{
    protected override bool EncryptsNews => true;

    /// <summary>Their page sends the browser back after each try; who posts the form again makes another one, and the form has no end.</summary>
    protected override string? Told(string outcome) => outcome switch
    {
        "declined_then_paid" => null,
        "expired" => "LinkOpened",
        _ => base.Told(outcome),
    };

    /// <summary>No value of theirs may hold a name and its value.</summary>
    protected override string ReturnUrl => "https://pay.test/r?a.b";

    /// <summary>The key that encrypts the form also encrypts what comes back.</summary>
    protected override IEnumerable<string> WebhookSecrets => [CCAvenueGateway.WorkingKey];

    protected override string NobodysMoney => "312999999999";
}
