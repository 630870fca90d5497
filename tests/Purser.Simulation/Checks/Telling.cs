using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Simulation;

/// <summary>What was told of captured money before a statement had it: whoever was told needs no statement to know.</summary>
sealed class Telling(World world)
{
    public const string Rule = "I4 what was told is known before a statement";

    /// <summary>Answers may lag behind a capture by this.</summary>
    static readonly TimeSpan Lag = TimeSpan.FromMinutes(1);

    /// <summary>Lies in an answer, after which it tells less, or of something else.</summary>
    static readonly Fault[] Lies = [Fault.Swapped, Fault.NamedAsAnother, Fault.UnknownWord, Fault.Malformed, Fault.WrongAmount];

    /// <summary>Only where neither news nor a stored answer told of the money may a statement be the first that is believed, or the only one.</summary>
    public void Judge(WorldLink link, WorldTry money)
    {
        var stored = world.Database.Orders.GetValueOrDefault(link.Payment.Order);
        var first = stored?.Events.Find(e => e.Payment == link.Payment.Number && e.MoneyReference == money.Id && Auditor.TellsOfMoney.Contains(e.Type));
        var how = first is null or { Source: EvidenceSource.Settlement } ? How(link, money, first?.At - OrderStore.ReckonedWithin ?? DateTimeOffset.MaxValue) : null;
        world.Auditor.Count(Rule);
        if (how is not null)
            world.Auditor.Broken(Rule, link.Order, $"{how} told of {money.Amount} as {money.Id}, order {link.Payment.Order}, and {(first is null ? "nobody knows it" : $"it is known by a statement, since {first.At:MM-dd HH:mm}")}");
    }

    /// <returns>How this account's money came to our ears without a statement; null when it did not.</returns>
    public string? How(string account, string? money)
    {
        foreach (var link in world.Gateways.Single(g => g.Account == account).Links)
            if (link.Tries.Find(t => t.Id == money && t.CapturedAt is not null) is { } known) return How(link, known, DateTimeOffset.MaxValue);
        return null;
    }

    string? How(WorldLink link, WorldTry money, DateTimeOffset before)
    {
        if (world.Post.ToldOfMoney(money.Id, before)) return "news";
        if (world.Faults.Struck.Exists(f => Lies.Contains(f.Fault) && f.Point.Order == link.Order)) return null;
        var heard = world.Database.Orders.GetValueOrDefault(link.Payment.Order)?.Heard.Exists(h => h.At < before && h.Call.Payment == link.Payment.Number
            && h.Call.SentAt > money.CapturedAt + Lag && h.Call.Answer.Contains($"\"{money.Id}\"", StringComparison.Ordinal));
        return heard == true ? "an answer" : null;
    }
}
