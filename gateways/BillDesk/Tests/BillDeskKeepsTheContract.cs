using System.Buffers.Text;
using System.Text;
using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.BillDesk.Tests;

public sealed class BillDeskKeepsTheContract : GatewayContract<BillDeskGateway>
{
    protected override bool EncryptsNews => true;

    /// <summary>They know of an order only what was tried on it: an unopened page, a page whose time is over and no order at all look the same. A
    /// failed try ends the order, for its name cannot be used again; and an order has one transaction, so it is paid once.</summary>
    protected override string? Told(string outcome) => outcome switch
    {
        "abandoned" or "expired" => "Absent",
        "declined" => "Failed",
        "declined_then_paid" or "paid_twice" => null,
        _ => base.Told(outcome),
    };

    /// <summary>The fields that open the page come with the answer that made the order.</summary>
    protected override bool LinkIsToldOnce => true;

    /// <summary>Their API has vouchers only.</summary>
    protected override bool SettlementCallTellsRows => false;

    /// <summary>The key that signs requests also signs webhooks.</summary>
    protected override IEnumerable<string> WebhookSecrets => [BillDeskGateway.SigningKey];

    protected override string NobodysMoney => "U0000000000000";

    /// <summary>Rupees as text with two decimals.</summary>
    protected override string[] FixedParts => [base.FixedParts[0], "\"199.90\""];

    /// <summary>The payload of the token.</summary>
    protected override string Readable(string body) => Encoding.UTF8.GetString(Base64Url.DecodeFromChars(body.Split('.')[1]));
}
