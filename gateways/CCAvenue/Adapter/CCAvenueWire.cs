using System.Globalization;
using System.Text.Json;

namespace Purser.Gateways.CCAvenue;

/// <summary>The text inside a return or a webhook: <c>key=value</c> joined with <c>&amp;</c>, and nothing is escaped.</summary>
public static class CCAvenueText
{
    /// <summary>Null when a key comes twice or a character is none of a text: what a changed ciphertext decrypts to looks like that.</summary>
    public static Dictionary<string, string>? Read(string text)
    {
        if (text.Any(char.IsControl)) return null;
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in text.Split('&'))
        {
            // What follows an & in a shopper's own words has no key.
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && !fields.TryAdd(pair[..equals], pair[(equals + 1)..])) return null;
        }
        return fields;
    }

    /// <summary>A value that cannot be taken for the end of itself.</summary>
    public static string Plain(string text, int most, string also) =>
        Wire.Line(string.Concat(text.Where(c => char.IsAsciiLetterOrDigit(c) || c == ' ' || also.Contains(c, StringComparison.Ordinal))), most);
}

/// <summary>Their JSON, read by name and leniently: numbers come as text and text as numbers, a list of one as that one, and an object may be wrapped
/// in another. What is there is read exactly all the same.</summary>
public sealed class CCAvenueNode(JsonElement json)
{
    static readonly JsonDocumentOptions Once = new() { AllowDuplicateProperties = false, MaxDepth = 32 };

    static readonly TimeSpan India = new(5, 30, 0);

    /// <summary>Null for what is no object.</summary>
    public static CCAvenueNode? Parse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, Once);
            return document.RootElement.ValueKind == JsonValueKind.Object ? new CCAvenueNode(document.RootElement.Clone()).Unwrapped : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Older versions put everything into one member, whose name ends so.</summary>
    CCAvenueNode Unwrapped => json.EnumerateObject().ToList() is [{ Value.ValueKind: JsonValueKind.Object } only]
        && only.Name.EndsWith("_Result", StringComparison.OrdinalIgnoreCase) ? new(only.Value) : this;

    /// <summary>The text or number of the first of these names that has something in it.</summary>
    public string? Text(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (!json.TryGetProperty(name, out var value)) continue;
            var text = value.ValueKind switch { JsonValueKind.String => value.GetString()!.Trim(), JsonValueKind.Number => value.GetRawText(), _ => "" };
            if (text.Length > 0 && text != "null") return text;
        }
        return null;
    }

    /// <summary>An error's code; none when it says that there is none.</summary>
    public string? ErrorCode => Text("error_code") is { } code && code != "0" ? code : null;

    public Money? Money(Currency currency, params ReadOnlySpan<string> names) =>
        Text(names) is { } text && Purser.Money.TryParseMajor(text, currency, out var money) ? money : null;

    public DateTimeOffset? Time(params ReadOnlySpan<string> names) => CCAvenueNode.Time(Text(names));

    public static DateTimeOffset? Time(string? text) =>
        DateTime.TryParseExact(text, (string[])["yyyy-MM-dd HH:mm:ss.FFFFFFF", "yyyy-MM-dd HH:mm:ss", "dd/MM/yyyy HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? new DateTimeOffset(time, India) : null;

    /// <summary>A list below these names, one within the other, each spelt in one of several ways. Null when there is none; empty when it is.</summary>
    public IReadOnlyList<CCAvenueNode>? List(params ReadOnlySpan<string[]> path)
    {
        var at = json;
        foreach (var names in path)
        {
            if (at.ValueKind == JsonValueKind.Array) break;
            var found = false;
            foreach (var name in names)
                if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty(name, out var inner))
                {
                    (at, found) = (inner, true);
                    break;
                }
            if (!found) return null;
        }
        return at.ValueKind switch
        {
            JsonValueKind.Array when at.EnumerateArray().All(i => i.ValueKind == JsonValueKind.Object) => [.. at.EnumerateArray().Select(i => new CCAvenueNode(i))],
            JsonValueKind.Object => [new(at)],
            JsonValueKind.Null => [],
            JsonValueKind.String when at.GetString() is "" => [],
            _ => null,
        };
    }
}
