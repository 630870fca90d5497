using Purser.Orders;

namespace Purser.Gateways.Tests.Contract;

public abstract partial class GatewayContract<TGateway>
{
    /// <summary>After an end the shopper may be given another link, so whoever still has the old one must find it dead: visited again, or its form posted
    /// again from an old tab.</summary>
    [Theory]
    [InlineData("declined")]
    [InlineData("cancelled")]
    [InlineData("expired")]
    public async Task A_link_that_is_told_as_ended_takes_no_money_however_it_is_followed(string outcome)
    {
        var call = await Start();
        var opened = Opened(await Open(call));
        await sandbox!.Act(call.Payment, outcome);
        var told = Facts(await Inquire(call, opened.GatewayReference));

        await sandbox.Follow(opened.Link!);
        var paid = (await sandbox.Act(call.Payment, "paid")).Outcome == "paid";
        (paid && told.Any(f => f is Evidence.Failed or Evidence.LinkCancelled or Evidence.LinkExpired)).ShouldBeFalse(string.Join(", ", told.Select(f => f.GetType().Name)));
    }
}
