using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Purser.Gateways;

/// <summary>Cuts out of recorded traffic what must not be kept: the account's secrets, credentials in headers, card numbers, and the
/// shopper's name, address, e-mail and phone. Works on text, not on parsed messages, for what cannot be parsed is recorded too.</summary>
public sealed partial class Redaction
{
    public const string Mark = "[cut]";

    /// <summary>Shorter values would be found in everything.</summary>
    const int ShortestSecret = 4;

    readonly ImmutableArray<string> secrets;

    Redaction(IEnumerable<string> secrets) =>
        this.secrets = [.. secrets.Where(s => s.Length >= ShortestSecret)
            .SelectMany(s => (string[])[s, Uri.EscapeDataString(s), JsonEncodedText.Encode(s).ToString()])
            .Distinct().OrderByDescending(s => s.Length)];

    public static Redaction For(GatewayAccount account, GatewayProfile profile) => new(
        profile.Settings.Where(s => s.Secret).SelectMany(s => s.Several
            ? account.SeveralSettings(s.Name)
            : account.OptionalSetting(s.Name) is { } value ? [value] : []));

    public string Cut(string text)
    {
        foreach (var secret in secrets) text = text.Replace(secret, Mark, StringComparison.Ordinal);
        text = Credentials().Replace(text, $"$1 {Mark}");
        text = JsonField().Replace(text, $"$1\"{Mark}\"");
        text = Token().Replace(text, $"$1\"{Mark}\"");
        text = AddressToken().Replace(text, Mark);
        text = FormField().Replace(text, $"$1{Mark}");
        text = Email().Replace(text, Mark);
        text = Phone().Replace(text, Mark);
        return CardLike().Replace(text, match => PassesLuhn(match.ValueSpan) ? Mark : match.Value);
    }

    /// <summary>A text that breaks off anywhere, without the beginning of a secret or of a number that it may end in: what is half there is not found.</summary>
    public string CutEnd(string broken)
    {
        foreach (var secret in secrets)
            for (var length = Math.Min(secret.Length - 1, broken.Length); length >= ShortestSecret; length--)
                if (broken.AsSpan(broken.Length - length).SequenceEqual(secret.AsSpan(0, length))) return broken[..^length] + Mark;
        return HalfNumber().Replace(broken, Mark);
    }

    // By the names that gateways have for them: how to reach the shopper, what they are called, where they live, what they paid with.
    const string PersonalFields =
        "(?:[a-z_]*e?mail(?:_?id)?|contact|[a-z_]*(?:phone|mobile)(?:_?(?:no|number))?|national_number|(?:[a-z]+_)?tel|[a-z]*_?name|name_on_card|card_?holder|" +
        "[a-z_]*address(?:_?(?:line_?)?[0-9])?|line_?[0-9]|[a-z_]*city|admin_area_[0-9]|postal_code|[a-z_]*zip(?:_?code)?|pin_?code|[a-z]+_ip|" +
        "[a-z_]*vpa|upi_id|(?:masked)?_?(?:card|account)_?(?:no|num|number)|last_?4)";

    [GeneratedRegex(@"\b(Basic|Bearer)\s+[A-Za-z0-9+/=._~:-]{4,}")]
    private static partial Regex Credentials();

    // A string or a number; an unfinished string (a truncated answer) is cut to its end. Flags such as "email": false stay.
    [GeneratedRegex("(\"" + PersonalFields + "\"\\s*:\\s*)(?:\"(?>(?:[^\"\\\\]|\\\\.)*)(?:\"|$)|[0-9]+)", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex JsonField();

    // What opens doors for a while, as token endpoints answer it.
    [GeneratedRegex("(\"[a-z_]*(?:access|refresh|txn)_?token\"\\s*:\\s*)\"(?>(?:[^\"\\\\]|\\\\.)*)(?:\"|$)", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Token();

    // The shopper's key to their own pages stands in the return address that a gateway is given: plain, escaped, or escaped twice; under
    // its name, or behind the payment where a gateway takes no names.
    [GeneratedRegex(@"(?<=(?:[?&;]|\\u0026|%(?:25)?(?:3F|26))token(?:=|%(?:25)?3D)|(?:\?|%(?:25)?3F)pay_[0-9a-z]{13}_[0-9]{1,9}\.)[A-Za-z0-9_-]+", RegexOptions.IgnoreCase)]
    private static partial Regex AddressToken();

    [GeneratedRegex(@"((?<=^|[&?\s])(?:[^=&\s""]{0,200}(?:%5B|\[))?" + PersonalFields + @"(?:%5D|\])?=)[^&\s]+", RegexOptions.IgnoreCase)]
    private static partial Regex FormField();

    // Or the name of an account at a bank, which has no dot behind its sign.
    [GeneratedRegex(@"[A-Za-z0-9._+%-]{1,64}(?:@|%40|\\u0040)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*")]
    private static partial Regex Email();

    [GeneratedRegex(@"(?:\+|%2B|\\u002B)[0-9](?:[ -]?[0-9]){7,14}")]
    private static partial Regex Phone();

    // Digits inside a longer word are an id.
    [GeneratedRegex(@"(?<!\w)[0-9](?:(?:[ +-]|%20)?[0-9]){12,18}(?!\w)")]
    private static partial Regex CardLike();

    // Of a card or a telephone; shorter ends tell nothing.
    [GeneratedRegex(@"(?<!\w)(?:\+|%2B|\\u002B)?[0-9](?:(?:[ +-]|%20)?[0-9]){5,}(?:[ +-]|%20?)?\z")]
    private static partial Regex HalfNumber();

    static bool PassesLuhn(ReadOnlySpan<char> text)
    {
        var (sum, digits, skip) = (0, 0, 0);
        for (var i = text.Length - 1; i >= 0; i--)
        {
            // A blank written as %20 has digits that are not the number's.
            if (skip == 0 && i >= 2 && text[i - 2] == '%') skip = 3;
            if (skip > 0)
            {
                skip--;
                continue;
            }
            if (!char.IsAsciiDigit(text[i])) continue;
            var digit = (text[i] - '0') << (digits++ % 2);
            sum += digit > 9 ? digit - 9 : digit;
        }
        return sum % 10 == 0;
    }
}
