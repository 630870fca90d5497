using System.Text.Json;

namespace Purser.Server.CommandLine;

/// <summary>What came of one story at one gateway.</summary>
/// <param name="Ended">In one word.</param>
/// <param name="Note">What this gateway does otherwise than others, or cannot do; null when nothing is to be said.</param>
/// <param name="Wrong">How it should have ended; null when it ended as it must.</param>
sealed record DemoResult(string Gateway, string Story, string Ended, string? Note, string? Wrong)
{
    public string? OrderId { get; init; }
    public string? Order { get; init; }
    public IReadOnlyList<string> Payments { get; init; } = [];
    public int Refunds { get; init; }

    /// <summary>How we learned of the money: reply, webhook or inquiry.</summary>
    public string? Source { get; init; }
    /// <summary>No money moved for the order, and none was to.</summary>
    public bool TookNothing => Ended is "no" or "closed" or "watched";
    public double Seconds { get; init; }

    /// <summary>Our references under which money is told by the gateway's statement only.</summary>
    public IReadOnlyList<string> InStatementOnly { get; init; } = [];
}

/// <summary>An order as the API shows it, with its events, as far as a story asks.</summary>
sealed class DemoOrderNow(JsonElement order, IReadOnlyList<JsonElement> events)
{
    public string Status { get; } = order.GetProperty("status").GetString()!;

    public IReadOnlyList<JsonElement> Payments { get; } = [.. order.GetProperty("payments").EnumerateArray()];

    public IReadOnlyList<JsonElement> Refunds { get; } = [.. order.GetProperty("refunds").EnumerateArray()];

    /// <summary>The kinds of what is being asked about.</summary>
    public IReadOnlyList<string> Questions { get; } = [.. order.GetProperty("questions").EnumerateArray().Select(q => q.GetProperty("kind").GetString()!)];

    /// <summary>One refund, and the gateway has carried it out.</summary>
    public bool GaveBack => Refunds is [var only] && StatusOf(only) == "succeeded";

    public IReadOnlyList<string> Standings => [.. Payments.SelectMany(p => p.GetProperty("captures").EnumerateArray()).Select(c => c.GetProperty("standing").GetString()!).Order()];

    public string Last => Payments.Count == 0 ? "none" : StatusOf(Payments[^1]);

    public bool Noticed => Payments.Any(p => StatusOf(p) == "failed" || p.GetProperty("decline").ValueKind == JsonValueKind.String);

    public int Told(string type) => events.Count(e => e.GetProperty("type").GetString() == type);

    /// <summary>Of the first news of money.</summary>
    public string? Source => events
        .Where(e => e.GetProperty("type").GetString() is "payment.succeeded" or "payment.late" or "payment.amount_mismatch")
        .Select(e => e.GetProperty("data").TryGetProperty("source", out var source) ? source.GetString() : null).FirstOrDefault();

    public override string ToString() => $"{Status}; {string.Join(", ", Payments.Select(StatusOf))}; {string.Join(", ", Standings)}; refunds: {(Refunds.Count == 0 ? "none" : string.Join(", ", Refunds.Select(StatusOf)))}";

    public static string StatusOf(JsonElement shown) => shown.GetProperty("status").GetString()!;
}
