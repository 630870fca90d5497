using System.Text.RegularExpressions;

namespace Purser.Gateways.Tests.Contract;

/// <summary>The name of the customer that the contract pays as, which must never be kept, and the card that a simulator says was used, even masked. By whole words, for a signature in base 64 now and then has four such
/// letters in a row by chance.</summary>
static partial class Personal
{
    public static IEnumerable<string> In(string kept) => Customer().Matches(kept).Concat(Card().Matches(kept)).Select(m => m.Value);

    [GeneratedRegex(@"(?<![a-z0-9+/])asha(?![a-z0-9+/])|asha\+rao|asha%", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Customer();

    [GeneratedRegex("[0-9]{4,6}[Xx*]{4,9}[0-9]{4}|X{4,9}[0-9]{4}")]
    private static partial Regex Card();
}
