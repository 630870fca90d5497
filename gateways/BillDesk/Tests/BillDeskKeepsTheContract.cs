using System.Buffers.Text;
using System.Text;
using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.BillDesk.Tests;

public sealed class BillDeskKeepsTheContract : NetworkContract<BillDeskGateway>
{
    /// <summary>Rupees as text with two decimals.</summary>
    protected override string[] FixedParts => [base.FixedParts[0], "\"199.90\""];

    /// <summary>The payload of the token.</summary>
    protected override string Readable(string body) => Encoding.UTF8.GetString(Base64Url.DecodeFromChars(body.Split('.')[1]));
}
