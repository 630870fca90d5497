using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Mail;
using System.Text;
using System.Text.Json;
using Purser.Orders;

namespace Purser.Gateways;

/// <summary>Reading and writing what gateways speak, strictly: an answer that is not exactly what it should be is no answer.</summary>
public static class Wire
{
    /// <summary>Numbers are numbers, and a field that comes twice makes a message ambiguous.</summary>
    static readonly JsonSerializerOptions Strict = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        AllowDuplicateProperties = false,
        MaxDepth = 32,
    };

    /// <summary>False for anything but one well-formed object of this shape. Unknown fields are ignored.</summary>
    public static bool TryRead<T>(ReadOnlySpan<byte> json, [NotNullWhen(true)] out T? value) where T : class
    {
        try
        {
            value = JsonSerializer.Deserialize<T>(json, Strict);
        }
        catch (JsonException)
        {
            value = null;
        }
        return value is not null;
    }

    /// <summary>The same for a part of a message whose shape depends on another part.</summary>
    public static bool TryRead<T>(JsonElement json, [NotNullWhen(true)] out T? value) where T : class
    {
        try
        {
            value = json.Deserialize<T>(Strict);
        }
        catch (JsonException)
        {
            value = null;
        }
        return value is not null;
    }

    /// <summary>Seconds since 1970, where they are a time at all.</summary>
    public static DateTimeOffset? Time(long? seconds) =>
        seconds is > 0 and < 253402300800 ? DateTimeOffset.FromUnixTimeSeconds(seconds.Value) : null;

    /// <summary>Worth a person's look even when we cannot tell whose it is.</summary>
    public static bool ConcernsMoney(Evidence fact) =>
        fact is Evidence.Succeeded or Evidence.Reversed or Evidence.DisputeOpened or Evidence.DisputeClosed;

    /// <summary>Percent-encoded once, in the order given.</summary>
    public static byte[] Form(IEnumerable<KeyValuePair<string, string>> fields) =>
        Encoding.ASCII.GetBytes(string.Join('&', fields.Select(f => $"{Uri.EscapeDataString(f.Key)}={Uri.EscapeDataString(f.Value)}")));

    /// <summary>A query's or a form's field that comes exactly once; null when it is absent or ambiguous.</summary>
    public static string? Field(string query, string name)
    {
        string? found = null;
        foreach (var pair in query.TrimStart('?').Split('&'))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0 || WebUtility.UrlDecode(pair[..equals]) != name) continue;
            if (found is not null) return null;
            found = WebUtility.UrlDecode(pair[(equals + 1)..]);
        }
        return found;
    }

    /// <summary>Adds a field to a URL's query. The field is written as it is.</summary>
    public static string WithField(string url, string field) => $"{url}{(url.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{field}";

    /// <summary>The same address with nothing but the values in its query, a point between two, for gateways that take no <c>&amp;</c> and no <c>=</c> in it:
    /// <c>/return?payment=a&amp;token=b</c> is <c>/return?a.b</c>. Not a longer path, for paths are logged and tokens must not be.</summary>
    public static string WithBareQuery(string url)
    {
        var query = url.IndexOf('?', StringComparison.Ordinal) + 1;
        return query == 0 ? url : url[..query] + string.Join('.', url[query..].Split('&').Select(pair => pair[(pair.IndexOf('=', StringComparison.Ordinal) + 1)..]));
    }

    /// <summary>Free text as one line that any encoder takes: no control characters, no broken surrogates, at most so long.</summary>
    public static string Line(string text, int most)
    {
        var line = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (line.Length + rune.Utf16SequenceLength > most) break;
            line.Append(Rune.IsControl(rune) || rune == Rune.ReplacementChar ? " " : rune.ToString());
        }
        return line.ToString().Trim();
    }

    /// <summary>The shopper's e-mail where a gateway would take it, else null: a bad address must not cost the payment.</summary>
    public static string? Email(string? email) =>
        email is { Length: <= 254 } && email.All(c => c is > ' ' and <= '~') && MailAddress.TryCreate(email, out var read) && read.Address == email
            && read.Host.Contains('.', StringComparison.Ordinal) && !email.Any(c => c is '"' or '|' or '&' or '\'' or '<' or '>' or '(' or ')')
            ? email
            : null;

    /// <summary>The shopper's phone number as an optional plus and 8 to 15 digits, else null.</summary>
    public static string? Phone(string? phone)
    {
        var digits = phone is null ? "" : string.Concat(phone.Where(c => c is not (' ' or '-' or '(' or ')' or '.')));
        var plain = digits.StartsWith('+') ? digits[1..] : digits;
        return plain.Length is >= 8 and <= 15 && plain.All(char.IsAsciiDigit) ? digits : null;
    }
}
