using System.Collections.Immutable;

namespace Purser.Sandbox;

/// <summary>A plan with a name, for one press of a button.</summary>
public sealed record FaultPreset(string Name, string Title, string Meaning, ImmutableArray<FaultRule> Rules);

/// <summary>The misfortunes that every integration should have been through.</summary>
public static class FaultPresets
{
    public static readonly ImmutableArray<FaultPreset> All =
    [
        new("lost_answers", "Lost answers", "The next link, the next refund and the next cancel are done, and nobody hears of it.",
            [new("create_link", "timeout_after"), new("refund", "timeout_after"), new("cancel", "timeout_after")]),
        new("error_after_effect", "Error, yet done", "The next link and the next refund are answered 500 although they took effect.",
            [new("create_link", "error_500_after"), new("refund", "error_500_after")]),
        new("overloaded", "Overloaded", "Three calls are refused with 429, then three with 503.",
            [new("*", "error_429", Times: 3, DelayMs: 2000), new("*", "error_500", Times: 3, Status: 503)]),
        new("down", "Down", "Every connection ends without an answer, until you clear the faults.", [new("*", "refuse", Times: 0)]),
        new("gibberish", "Gibberish", "Three answers are cut in the middle, as a broken proxy does.", [new("*", "malformed", Times: 3, Variant: "truncated")]),
        new("wrong_amounts", "Wrong amounts", "Inquiries and webhooks tell one minor unit less than was paid.",
            [new("inquire", "wrong_amount", Times: 0), new("webhook", "wrong_amount", Times: 0)]),
        new("webhooks_lost", "Webhooks lost", "No webhook arrives. Returns and inquiries are all there is.", [new("webhook", "drop", Times: 0)]),
        new("webhooks_threefold", "Webhooks threefold", "Each webhook arrives three times.", [new("webhook", "duplicate", Times: 0, Count: 3)]),
        new("webhooks_out_of_order", "Webhooks out of order", "A webhook waits until the next one has passed it.", [new("webhook", "reorder", Times: 0)]),
        new("forger", "A forger", "Beside each webhook comes one with a wrong signature; beside the second, one about an order nobody knows.",
            [new("webhook", "forge"), new("webhook", "unknown_order"), new("webhook", "forge", Times: 0)]),
    ];

    public static FaultPreset? Find(string? name) => All.FirstOrDefault(p => p.Name == name);
}
