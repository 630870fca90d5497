namespace Purser.Simulation;

/// <summary>Chance that depends on what is decided and not on what was decided before: leaving a fault or an order out does not change
/// the lot of the others, so that a failure can be made smaller.</summary>
static class Chance
{
    public static ulong Mix(ulong x)
    {
        // The finalizer of SplitMix64: every bit of the argument moves every bit of the result.
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    public static ulong Of(ulong seed, long a, long b = 0, long c = 0) =>
        Mix(Mix(Mix(Mix(seed) ^ (ulong)a) ^ (ulong)b) ^ (ulong)c);

    /// <summary>From 0 up to 1.</summary>
    public static double Part(ulong lot) => (lot >> 11) * (1.0 / (1UL << 53));

    public static Random Random(ulong lot) => new((int)(lot & int.MaxValue));

    public static TimeSpan Between(this Random random, TimeSpan least, TimeSpan most) =>
        least + TimeSpan.FromMicroseconds((long)(random.NextDouble() * (most - least).TotalMicroseconds));

    public static T Pick<T>(this Random random, params ReadOnlySpan<T> of) => of[random.Next(of.Length)];
}
