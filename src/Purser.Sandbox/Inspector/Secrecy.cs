using System.Text.RegularExpressions;

namespace Purser.Sandbox.Inspector;

/// <summary>Cuts secrets out of what the inspector shows. Somebody will one day send the keys of a real account here; they end here.
/// Signatures stay, for they are what people look for, and so do ids.</summary>
static partial class Secrecy
{
    public const string Cut = "(cut)";

    const string Names = "client_?secret|key_?secret|secret_?key|api_?key|api_?secret|secret|password|passwd|access_?token|refresh_?token|id_?token"
        + "|card_?number|cvv|cvc|security_?code|salt|merchant_?key|working_?key|encryption_?key|signing_?key";

    /// <summary>The scheme of an Authorization stays, and its length says whether anything was there.</summary>
    public static string Header(string name, string value)
    {
        if (!SecretHeader().IsMatch(name) || value.Length == 0) return Text(value);
        var blank = value.IndexOf(' ', StringComparison.Ordinal);
        return blank is > 0 and < 20 && name.EndsWith("authorization", StringComparison.OrdinalIgnoreCase) ? $"{value[..blank]} {Cut}" : Cut;
    }

    /// <summary>A body, an address, or the words that were decoded from one.</summary>
    public static string Text(string text) =>
        Bearer().Replace(LineField().Replace(FormField().Replace(JsonField().Replace(text, $"$1{Cut}$2"), $"$1{Cut}"), $"$1{Cut}"), $"$1 {Cut}");

    [GeneratedRegex("authorization|cookie|secret|token|passw|api-?key|client-?key|merchant-?key", RegexOptions.IgnoreCase)]
    private static partial Regex SecretHeader();

    [GeneratedRegex($"""("(?:{Names})"\s*:\s*")(?:[^"\\]|\\.)*("?)""", RegexOptions.IgnoreCase)]
    private static partial Regex JsonField();

    [GeneratedRegex($"""((?:^|[?&])(?:[a-z_]+(?:\[|%5B))?(?:{Names})(?:\]|%5D)?=|card(?:\[|%5B)number(?:\]|%5D)=)[^&\s]+""", RegexOptions.IgnoreCase | RegexOptions.Multiline)]
    private static partial Regex FormField();

    [GeneratedRegex($"""^((?:[a-z_]+\[)?(?:{Names})\]? = |card\[number\] = ).+$""", RegexOptions.IgnoreCase | RegexOptions.Multiline)]
    private static partial Regex LineField();

    [GeneratedRegex("""\b(Bearer|Basic) +[A-Za-z0-9._~+/=-]{8,}""")]
    private static partial Regex Bearer();
}
