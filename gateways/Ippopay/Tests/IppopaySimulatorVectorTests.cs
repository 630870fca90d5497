using Purser.Sandbox.Ippopay;

namespace Purser.Gateways.Ippopay.Tests;

/// <summary>The simulator against the one vector of the document that is about their wire.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class IppopaySimulatorVectorTests
{
    [Fact]
    public void I1_the_keys_are_user_and_password() =>
        IppopayDialect.BasicAuthorization("pk_test_demo0001", "sk_test_demo0002").ShouldBe("Basic cGtfdGVzdF9kZW1vMDAwMTpza190ZXN0X2RlbW8wMDAy");
}
