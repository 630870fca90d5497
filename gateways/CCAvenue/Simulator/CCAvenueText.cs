using System.Globalization;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.CCAvenue;

/// <summary>Amounts, times and texts as CCAvenue writes them.</summary>
static class CCAvenueText
{
    static readonly TimeSpan India = new(5, 30, 0);

    public static string Rupees(long paise) => (paise * 0.01m).ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>Up to ten digits, and two after the point if there is one; null for anything else and for nothing.</summary>
    public static long? Paise(string? text)
    {
        if (text is null || text.Any(c => !char.IsAsciiDigit(c) && c != '.')) return null;
        var parts = text.Split('.');
        if (parts.Length > 2 || parts[0].Length is < 1 or > 10 || parts is [_, { Length: < 1 or > 2 }]) return null;
        var paise = (long)(decimal.Parse(text, CultureInfo.InvariantCulture) * 100);
        return paise > 0 ? paise : null;
    }

    public static DateOnly Day(DateTimeOffset at) => DateOnly.FromDateTime(at.ToOffset(India).DateTime);

    public static string Date(DateOnly day) => day.ToString("dd-MM-yyyy", CultureInfo.InvariantCulture);

    public static DateOnly? ReadDate(string? text) =>
        DateOnly.TryParseExact(text, "dd-MM-yyyy", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : null;

    /// <summary>As the browser carries it.</summary>
    public static string PageTime(DateTimeOffset at) => at.ToOffset(India).ToString("dd/MM/yyyy HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>As the API says it.</summary>
    public static string Time(DateTimeOffset at) => at.ToOffset(India).ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);

    /// <summary>Pairs joined as they are: whatever stands in a value stands in the text.</summary>
    public static string Joined(IEnumerable<KeyValuePair<string, string>> fields) => string.Join('&', fields.Select(f => $"{f.Key}={f.Value}"));

    /// <summary>Null for a text with control characters, a pair without a name, or a name that comes twice.</summary>
    public static Dictionary<string, string>? Fields(string text)
    {
        if (text.Any(char.IsControl)) return null;
        var fields = new Dictionary<string, string>();
        foreach (var pair in text.Split('&'))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1 || !fields.TryAdd(pair[..equals], pair[(equals + 1)..])) return null;
        }

        return fields;
    }

    /// <summary>A text or a number as text; null when it is missing, empty or of another kind.</summary>
    public static string? Of(JsonObject asked, string name) => asked[name] switch
    {
        JsonValue value when value.TryGetValue(out string? text) => text.Length > 0 ? text : null,
        JsonValue value when value.GetValueKind() == System.Text.Json.JsonValueKind.Number => value.ToJsonString(),
        _ => null,
    };
}
