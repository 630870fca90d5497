using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Sandbox;

/// <summary>Which misfortunes strike, and when. Rules are tried in their order; one call or one webhook meets one rule.</summary>
public sealed class FaultPlan
{
    public static readonly IReadOnlyList<string> CallFaults =
    [
        "refuse", "error_500", "error_500_after", "error_429", "slow", "timeout_before", "timeout_after", "malformed",
        "malformed_html", "empty", "wrong_amount", "swap",
    ];

    public static readonly IReadOnlyList<string> WebhookFaults =
        ["drop", "delay", "duplicate", "reorder", "forge", "wrong_amount", "unknown_order", "old_secret"];

    /// <summary>How an answer can be malformed.</summary>
    public static readonly IReadOnlyList<string> Variants =
        ["truncated", "html", "wrong_type", "empty", "duplicate_keys", "array", "not_utf8"];

    public static readonly IReadOnlyList<string> Calls = ["create_link", "inquire", "cancel", "refund", "inquire_refund", "settlement", "other", "webhook", "*"];

    /// <summary>Less stands in every call by chance.</summary>
    const int ShortestAbout = 4;

    readonly Lock gate = new();
    volatile Counted[] rules = [];
    long last;

    public IReadOnlyList<FaultRule> Rules => [.. rules.Select(r => r.Rule)];

    /// <summary>How often each rule has struck, in the order of the rules.</summary>
    public IReadOnlyList<long> Struck => [.. rules.Select(r => r.Struck)];

    /// <summary>The rules in their order, each with its number and how often it has struck.</summary>
    public IReadOnlyList<StandingRule> Standing => [.. rules.Select(r => new StandingRule(r.Number, r.Rule, r.Struck))];

    /// <summary>Replaces the plan. Returns what is wrong with it, or null; then the plan stays as it was.</summary>
    public FaultRefusal? Set(IReadOnlyList<FaultRule> plan)
    {
        foreach (var rule in plan)
            if (Refusal(rule) is { } refused) return refused;
        lock (gate) rules = [.. plan.Select(r => new Counted(++last, r))];
        return null;
    }

    /// <summary>Puts a rule behind the others, which go on counting.</summary>
    public FaultRefusal? Add(FaultRule rule)
    {
        if (Refusal(rule) is { } refused) return refused;
        lock (gate) rules = [.. rules, new Counted(++last, rule)];
        return null;
    }

    /// <summary>False when there is no such rule any more.</summary>
    public bool Remove(long number)
    {
        lock (gate)
        {
            var left = rules.Where(r => r.Number != number).ToArray();
            if (left.Length == rules.Length) return false;
            rules = left;
            return true;
        }
    }

    static FaultRefusal? Refusal(FaultRule rule)
    {
        if (!Calls.Contains(rule.Call)) return new("call", $"call '{rule.Call}' is none of {string.Join(", ", Calls)}");
        var known = rule.Call == "webhook" ? WebhookFaults : CallFaults;
        if (!known.Contains(rule.Fault))
            return new("fault", $"fault '{rule.Fault}' is none of {string.Join(", ", known)}, which are what can happen to {(rule.Call == "webhook" ? "a webhook" : "a call")}");
        if (rule.Times < 0) return new("times", "times is not negative; 0 means until the rule is removed");
        if (rule.After < 0) return new("after", "after is not negative; 0 strikes from the first on");
        if (rule.DelayMs < 0) return new("delay_ms", "delay_ms is not negative");
        if (rule.Variant is { } variant && !Variants.Contains(variant)) return new("variant", $"variant '{variant}' is none of {string.Join(", ", Variants)}");
        if (rule.Status is < 400 or > 599) return new("status", "status is from 400 to 599");
        if (rule.About is { } about && about.Trim().Length < ShortestAbout) return new("about", $"about is a part of a reference, of {ShortestAbout} letters or more");
        if (rule.Count is < 2 or > 100) return new("count", "count is from 2 to 100");
        return null;
    }

    public void Clear() => Set([]);

    /// <summary>The rule that strikes this call now, if any; a rule for * never means webhooks.</summary>
    /// <param name="isAbout">Whether it is about a payment whose reference contains this.</param>
    public FaultRule? ForCall(string call, Predicate<string> isAbout) =>
        rules.Length == 0 ? null : Next(r => (r.Call == call || r.Call == "*") && (r.About is not { } part || isAbout(part)));

    public FaultRule? ForWebhook(string type, Predicate<string> isAbout) =>
        rules.Length == 0 ? null : Next(r => r.Call == "webhook" && (r.Event is null or "*" || r.Event == type) && (r.About is not { } part || isAbout(part)));

    FaultRule? Next(Predicate<FaultRule> meant)
    {
        lock (gate)
            foreach (var counted in rules)
            {
                if (!meant(counted.Rule) || counted.Exhausted) continue;
                if (counted.Seen++ < counted.Rule.After) continue;
                counted.Struck++;
                return counted.Rule;
            }

        return null;
    }

    sealed class Counted(long number, FaultRule rule)
    {
        public long Number => number;

        public FaultRule Rule => rule;

        public long Seen { get; set; }

        public long Struck { get; set; }

        public bool Exhausted => rule.Times > 0 && Struck >= rule.Times;
    }
}

/// <summary>A rule of the plan as it stands. The number names it as long as it stands.</summary>
public sealed record StandingRule(long Number, FaultRule Rule, long Struck)
{
    /// <summary>It has struck as often as it was to.</summary>
    public bool Done => Rule.Times > 0 && Struck >= Rule.Times;
}

/// <summary>Which field is wrong, and what would be right.</summary>
public sealed record FaultRefusal(string Field, string Why);

/// <summary>One rule: after so many matching calls, so many times, this fault.</summary>
/// <param name="Times">Null or 0: until the rule is removed.</param>
/// <param name="DelayMs">For slow and delay, and the Retry-After of error_429. Our own milliseconds; the sandbox's speed does not shorten them.</param>
/// <param name="Event">Only webhooks of this type.</param>
/// <param name="Status">Another status than the usual one for an error, such as 503.</param>
/// <param name="Variant">How the answer is malformed.</param>
/// <param name="Count">How many copies of a duplicated webhook come.</param>
/// <param name="About">Only calls and webhooks about payments whose reference contains this.</param>
/// <param name="Stored">The error after the effect is what the gateway remembers as its answer, if it remembers answers by key.</param>
/// <param name="Instead">The forged webhook, or the one about an unknown order, comes in the place of the genuine one; else beside it.</param>
public sealed record FaultRule(
    string Call,
    string Fault,
    long? Times = 1,
    long After = 0,
    [property: JsonPropertyName("delay_ms")] int DelayMs = 1000,
    string? Event = null,
    int? Status = null,
    string? Variant = null,
    int Count = 2,
    bool Instead = false,
    bool Stored = false,
    string? About = null)
{
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
