using System.Globalization;
using System.Text;

namespace Purser.Client;

/// <summary>Paths and queries of the API.</summary>
static class Addresses
{
    /// <summary>An id within a path. Empty ones, and ones of dots alone, would name something else.</summary>
    public static string Id(string id)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        if (id.Trim('.').Length == 0) throw new ArgumentException($"'{id}' is no id.", nameof(id));
        return Uri.EscapeDataString(id);
    }

    /// <summary>Parameters without a value are left out.</summary>
    public static string Query(string path, params ReadOnlySpan<(string Name, string? Value)> parameters)
    {
        var text = new StringBuilder(path);
        var mark = '?';
        foreach (var (name, value) in parameters)
        {
            if (value is null) continue;
            text.Append(mark).Append(name).Append('=').Append(Uri.EscapeDataString(value));
            mark = '&';
        }
        return text.ToString();
    }

    /// <summary>In the API's form, whatever calendar and signs the caller's culture writes.</summary>
    public static string? Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);
}
