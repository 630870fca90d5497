using System.Security.Cryptography;

namespace Purser.Server.Deliveries;

/// <summary>When a message is sent again.</summary>
public static class DeliverySchedule
{
    /// <summary>After the first failure, after the second, and so on; the first attempt is at once, and after the last of these it is given up.</summary>
    public static IReadOnlyList<TimeSpan> Waits { get; } =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5), TimeSpan.FromHours(10),
        TimeSpan.FromHours(10),
    ];

    /// <summary>A wait is longer by chance, up to this part of it, so that what failed together does not come back together.</summary>
    public const double Jitter = 0.2;

    /// <param name="failures">So far, with the present one.</param>
    /// <param name="asked">What the receiver asked for; it is heeded up to twice the wait.</param>
    /// <returns>Null when it is given up.</returns>
    public static TimeSpan? After(int failures, TimeSpan? asked)
    {
        if (failures > Waits.Count) return null;
        var wait = Waits[failures - 1];
        if (asked > wait) wait = asked.Value < wait * 2 ? asked.Value : wait * 2;
        return wait * (1 + Jitter * RandomNumberGenerator.GetInt32(1000) / 1000);
    }
}
