using Purser.Gateways.Tests.Contract;

namespace Purser.Gateways.Stripe.Tests;

public sealed class StripeKeepsTheContract : NetworkContract<StripeGateway>;
