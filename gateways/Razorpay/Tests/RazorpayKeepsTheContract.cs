using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.Razorpay.Tests;

public sealed class RazorpayKeepsTheContract : GatewayContract<RazorpayGateway>;
