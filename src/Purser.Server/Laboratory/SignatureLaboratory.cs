using System.Collections.Immutable;
using Purser.Gateways;

namespace Purser.Server.Laboratory;

/// <summary>One signed message, computed step by step.</summary>
/// <param name="Difference">Where given and expected part, in words; null when they agree or there is nothing to compare.</param>
/// <param name="DiffersAt">The first step whose result is not what the message says, counted from 0; null when the message is right.</param>
sealed record Finding(SignatureRecipe Recipe, SignatureTrace Trace, string? Difference, int? DiffersAt)
{
    /// <summary>So many characters of given and expected agree.</summary>
    public int Agree => Trace.Given is { } given && Trace.Expected is { } expected ? given.AsSpan().CommonPrefixLength(expected) : 0;
}

/// <summary>The signature laboratory: a pasted message, an account's settings, and every step from one to the other.</summary>
static class SignatureLaboratory
{
    /// <summary>Shorter values would be found in everything.</summary>
    const int ShortestSecret = 4;

    /// <summary>So many characters do not agree by chance.</summary>
    const int Telling = 8;

    /// <summary>Gateways whose signatures can be shown, by name.</summary>
    public static ImmutableSortedDictionary<string, IShowSignatures> Gateways(IEnumerable<IGateway> all) =>
        all.Where(g => g is IShowSignatures).ToImmutableSortedDictionary(g => g.Profile.Name, g => (IShowSignatures)g, StringComparer.Ordinal);

    /// <param name="recipe">Null tries every kind of message, the one that comes out right first.</param>
    public static IReadOnlyList<Finding> Compute(IShowSignatures gateway, string? recipe, RawMessage message, GatewayAccount account) =>
    [
        .. gateway.Signatures.Where(r => recipe is null || r.Name == recipe)
            .Select(r => (Recipe: r, Trace: r.Compute(message, account)))
            .Select(f => new Finding(f.Recipe, Without(Secrets(gateway, account), f.Trace), Difference(f.Trace), DiffersAt(f.Trace)))
            .OrderByDescending(f => f.Trace.Right),
    ];

    /// <summary>What must not be shown again, whoever shows it: the account's secrets, wherever they stand.</summary>
    public static ImmutableArray<string> Secrets(IShowSignatures gateway, GatewayAccount account) =>
        gateway is not IGateway { Profile: var profile } ? [] :
        [
            .. profile.Settings.Where(s => s.Secret).SelectMany(s => s.Several ? account.SeveralSettings(s.Name) : account.OptionalSetting(s.Name) is { } value ? [value] : [])
                .Where(s => s.Length >= ShortestSecret).OrderByDescending(s => s.Length),
        ];

    public static string Without(ImmutableArray<string> secrets, string text) =>
        secrets.Aggregate(text, (rest, secret) => rest.Replace(secret, Redaction.Mark, StringComparison.Ordinal));

    /// <summary>Recipes cut their secrets; one that forgets shows none here either.</summary>
    static SignatureTrace Without(ImmutableArray<string> secrets, SignatureTrace trace) => trace with
    {
        Steps = [.. trace.Steps.Select(s => new SignatureStep(s.Title, Without(secrets, s.Value), s.Remark is null ? null : Without(secrets, s.Remark)))],
        Given = trace.Given is null ? null : Without(secrets, trace.Given),
    };

    /// <summary>The step that comes to another end than the message says; where none can be told, the last, which says why.</summary>
    static int? DiffersAt(SignatureTrace trace)
    {
        if (trace.Right || trace.Steps.IsEmpty) return null;
        for (var i = 0; i < trace.Steps.Length; i++)
            if (trace.Given != trace.Expected && trace.Steps[i].Value == trace.Expected) return i;
        return trace.Steps.Length - 1;
    }

    static string? Difference(SignatureTrace trace)
    {
        if (trace.Right) return null;
        if (trace.Given is not { } given) return "The message carries no signature.";
        if (trace.Expected is not { } expected) return null;
        if (given == expected) return "The signature is right, but the message is not: see the last step.";
        if (string.Equals(given, expected, StringComparison.OrdinalIgnoreCase)) return "They differ in upper and lower case only; the comparison is exact.";
        if (given.Trim() == expected) return "The given one has blanks or line ends around it.";
        var (shorter, longer) = given.Length < expected.Length ? (given, expected) : (expected, given);
        if (shorter.Length >= Telling && shorter.Length < longer.Length && longer.StartsWith(shorter, StringComparison.Ordinal))
            return given.Length < expected.Length
                ? $"The given one was cut off after {given.Length} of {expected.Length} characters. What is left of it is right, so the secret and the signed text are right."
                : $"The given one goes on after the {expected.Length} characters that are right, so the secret and the signed text are right.";
        if (shorter.Length < longer.Length) return $"The given one has {given.Length} characters, the expected one {expected.Length}: another algorithm, another encoding, or cut off.";
        var wrong = Enumerable.Range(0, given.Length).Where(i => given[i] != expected[i]).ToList();
        // Of two digests that have nothing to do with each other a sixteenth agrees in hex, and less in base 64.
        return wrong.Count <= given.Length / 2
            ? $"They differ from character {wrong[0] + 1} on, in {wrong.Count} of {given.Length}. The secret and the signed text are right, for any other secret or text changes nearly every character: "
                + "the signature itself was mistyped or damaged."
            : "It is another signature altogether: the secret is another one, or the signed text is, and one character of either is enough. Compare the text that the steps sign, byte by byte, with what was sent.";
    }
}
