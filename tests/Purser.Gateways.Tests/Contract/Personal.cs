using System.Text.RegularExpressions;

namespace Purser.Gateways.Tests.Contract;

/// <summary>The name of the customer that the contract pays as, which must never be kept. By whole words, for a signature in base 64 now and then has four such
/// letters in a row by chance.</summary>
static partial class Personal
{
    public static IEnumerable<string> In(string kept) => Customer().Matches(kept).Select(m => m.Value);

    [GeneratedRegex(@"(?<![a-z0-9+/])asha(?![a-z0-9+/])|asha\+rao|asha%", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Customer();
}
