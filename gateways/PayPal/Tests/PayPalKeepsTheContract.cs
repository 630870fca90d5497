using System.Net;
using System.Text;
using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.PayPal.Tests;

public sealed class PayPalKeepsTheContract : GatewayContract<PayPalGateway>
{
    /// <summary>Orders are found by their own names only.</summary>
    protected override bool KnownByOurReference => false;

    /// <summary>Money stays in the balance until somebody withdraws it, which its simulator's merchant never does.</summary>
    protected override bool SimulatorPaysOut => false;

    protected override string? Told(string outcome) => outcome switch
    {
        // There is no word for it: after its time an order is not there any more.
        "expired" => "Absent",
        // One order, one capture, over the amount of the order.
        "paid_twice" or "wrong_amount" => null,
        _ => base.Told(outcome),
    };

    /// <summary>Nothing secret goes into the check; what ties a message to us is the webhook's ID in the signed text.</summary>
    protected override IEnumerable<string> WebhookSecrets => [PayPalGateway.WebhookId];

    protected override string NobodysMoney => "0AA00000AA000000A";

    /// <summary>Amounts are decimal texts.</summary>
    protected override string[] FixedParts => [Link.Payment.Reference, "\"value\":\"199.90\""];

    protected override IEnumerable<string> RefundIsAskedBy => ["inquire", "inquire_refund"];

    protected override HttpResponseMessage? Greet(HttpRequestMessage request) => request.RequestUri!.AbsolutePath != "/v1/oauth2/token" ? null
        : new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("""{"access_token":"A21.greeting","token_type":"Bearer","expires_in":32400}""", Encoding.UTF8, "application/json") };
}
