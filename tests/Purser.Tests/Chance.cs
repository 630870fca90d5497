using System.Globalization;
using FsCheck;
using Microsoft.FSharp.Core;

namespace Purser.Tests;

/// <summary>How chance draws stories. They are the same in every run, so that a change fails for what it did and not for a seldom story that it met;
/// the variable PURSER_SEED draws others, and a run of many seeds looks for the seldom ones.</summary>
static class Chance
{
    static readonly ulong Seed = ulong.Parse(Environment.GetEnvironmentVariable("PURSER_SEED") ?? "1", CultureInfo.InvariantCulture);

    /// <param name="tests">How many stories are told.</param>
    /// <param name="lot">Another lot has other stories.</param>
    public static Config Stories(int tests, int lot = 0) => Config.QuickThrowOnFailure.WithMaxTest(tests)
        .WithReplay(FSharpOption<Replay>.Some(new Replay(new Rnd(unchecked(Seed * 1_000_003 + (ulong)lot)), FSharpOption<int>.None)));
}
