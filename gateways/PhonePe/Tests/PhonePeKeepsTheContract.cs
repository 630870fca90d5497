using System.Net;
using System.Text;
using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.PhonePe.Tests;

public sealed class PhonePeKeepsTheContract : GatewayContract<PhonePeGateway>
{
    /// <summary>A new order has a page and an end, and no amount.</summary>
    protected override bool AnswerNamesAmount => false;

    /// <summary>An order takes one payment: it is over once it is paid.</summary>
    protected override string? Told(string outcome) => outcome == "paid_twice" ? null : base.Told(outcome);

    protected override string NobodysMoney => "OM2601010000000000000";

    protected override HttpResponseMessage? Greet(HttpRequestMessage request) => request.RequestUri!.AbsolutePath == "/v1/oauth/token"
        ? new(HttpStatusCode.OK) { Content = new StringContent("""{"access_token":"tok-1","expires_in":3600,"token_type":"O-Bearer"}""", Encoding.UTF8, "application/json") }
        : null;
}
