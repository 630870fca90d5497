namespace Purser.Simulation;

/// <summary>A day on which one gateway tells of no money for six hours: its webhooks are lost, no browser comes back, and its answers to questions about
/// payments fail.</summary>
/// <param name="Seed">Which gateways there are, and which of them it is: worlds of one day have the same.</param>
/// <param name="Begins">When it falls silent, from the day's start.</param>
/// <param name="ArrivalsLast">For how long shoppers come.</param>
sealed record SilentDay(ulong Seed, TimeSpan Begins, TimeSpan ArrivalsLast)
{
    public static readonly TimeSpan Lasts = TimeSpan.FromHours(6);

    static readonly TimeSpan Whole = TimeSpan.FromDays(1);

    public static SilentDay Of(ulong seed) => new(seed, Chance.Random(Chance.Of(seed, 14)).Between(TimeSpan.Zero, Whole - Lasts), Whole);

    /// <summary>Silent from the first shopper on, so that its first statement is made within the silence.</summary>
    public static SilentDay Short(ulong seed) => new(seed, TimeSpan.Zero, TimeSpan.FromHours(1.5));
}
