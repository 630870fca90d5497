using System.Collections.Immutable;
using Purser.Gateways;

namespace Purser.Server.Laboratory;

/// <summary>One signed message, computed step by step.</summary>
/// <param name="Difference">Where given and expected part, in words; null when they agree or there is nothing to compare.</param>
sealed record Finding(SignatureRecipe Recipe, SignatureTrace Trace, string? Difference);

/// <summary>The signature laboratory: a pasted message, an account's settings, and every step from one to the other.</summary>
static class SignatureLaboratory
{
    /// <summary>Gateways whose signatures can be shown, by name.</summary>
    public static ImmutableSortedDictionary<string, IShowSignatures> Gateways(IEnumerable<IGateway> all) =>
        all.Where(g => g is IShowSignatures).ToImmutableSortedDictionary(g => g.Profile.Name, g => (IShowSignatures)g, StringComparer.Ordinal);

    /// <param name="recipe">Null tries every kind of message, the one that comes out right first.</param>
    public static IReadOnlyList<Finding> Compute(IShowSignatures gateway, string? recipe, RawMessage message, GatewayAccount account) =>
    [
        .. gateway.Signatures.Where(r => recipe is null || r.Name == recipe)
            .Select(r => (Recipe: r, Trace: r.Compute(message, account)))
            .Select(f => new Finding(f.Recipe, f.Trace, Difference(f.Trace)))
            .OrderByDescending(f => f.Trace.Right),
    ];

    static string? Difference(SignatureTrace trace)
    {
        if (trace.Right) return null;
        if (trace.Given is not { } given) return "The message carries no signature.";
        if (trace.Expected is not { } expected) return null;
        if (given == expected) return "The signature is right, but the message is not: see the last step.";
        if (string.Equals(given, expected, StringComparison.OrdinalIgnoreCase)) return "They differ in upper and lower case only; the comparison is exact.";
        if (given.Trim() == expected) return "The given one has blanks or line ends around it.";
        if (given.Length != expected.Length) return $"The given one has {given.Length} characters, the expected one {expected.Length}: another algorithm, another encoding, or cut off.";
        var at = 0;
        while (given[at] == expected[at]) at++;
        return at == 0
            ? "They differ from the first character on: another secret, or other bytes were signed. Compare the signed text below byte by byte with what was sent."
            : $"They differ from character {at + 1} on: a signature is right or wrong as a whole, so it was cut or mistyped there.";
    }
}
