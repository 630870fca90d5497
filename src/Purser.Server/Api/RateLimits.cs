using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Purser.Server.Keys;

namespace Purser.Server.Api;

/// <summary>A token bucket for each key; for publishable keys one for each address that uses it, so that one visitor cannot use up the shop's.</summary>
/// <param name="refills">False where what was used up stays so for a day.</param>
public sealed class RateLimits(ApiOptions options, bool refills = true) : IDisposable
{
    readonly PartitionedRateLimiter<(string Name, int PerSecond, int Burst)> limiter =
        PartitionedRateLimiter.Create<(string Name, int PerSecond, int Burst), string>(of =>
            RateLimitPartition.GetTokenBucketLimiter(of.Name, _ => Bucket(of.PerSecond, of.Burst, refills)));

    const int PeriodsPerSecond = 10;

    /// <summary>Filled about ten times a second, and at the rate that was asked for also where ten does not divide it: whole tokens, for as long as they last.</summary>
    internal static TokenBucketRateLimiterOptions Bucket(int perSecond, int burst, bool refills)
    {
        var tokens = (perSecond + PeriodsPerSecond - 1) / PeriodsPerSecond;
        return new TokenBucketRateLimiterOptions
        {
            TokenLimit = burst,
            TokensPerPeriod = tokens,
            ReplenishmentPeriod = refills ? TimeSpan.FromTicks(tokens * TimeSpan.TicksPerSecond / perSecond) : TimeSpan.FromDays(1),
            QueueLimit = 0,
            AutoReplenishment = true,
        };
    }

    /// <summary>How long to wait, when the caller's allowance is used up.</summary>
    public TimeSpan? Exceeds(ApiCaller? caller, IPAddress? address)
    {
        using var lease = limiter.AttemptAcquire(caller switch
        {
            { Key: { Kind: KeyKind.Secret } key } => ($"k{key.Id}", options.SecretPerSecond, options.SecretBurst),
            { Key: { } key } => ($"k{key.Id} {Place(address)}", options.PublishablePerSecond, options.PublishableBurst),
            { Token: { } order } => (order.Letters, options.TokenPerSecond, options.TokenBurst),
            _ => (Place(address), options.StrangerPerSecond, options.StrangerBurst),
        });
        if (lease.IsAcquired) return null;
        return lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1);
    }

    /// <summary>One line to the internet: an IPv6 customer has 2^64 addresses, and would have as many allowances.</summary>
    static string Place(IPAddress? address) => address switch
    {
        null => "",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } => Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)),
        _ => address.ToString(),
    };

    public void Dispose() => limiter.Dispose();
}
