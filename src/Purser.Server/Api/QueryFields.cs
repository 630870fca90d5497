using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Purser.Server.Platform;

namespace Purser.Server.Api;

/// <summary>Reads a query's parameters and notes what is wrong with them; unknown ones are faults, for a filter that is misspelt and ignored
/// answers another question than was asked.</summary>
public sealed class QueryFields(IQueryCollection query)
{
    public const int DefaultLimit = 50;
    public const int MostLimit = 200;

    readonly HashSet<string> asked = new(StringComparer.Ordinal) { "token" };
    readonly List<FieldFault> faults = [];

    public string? Text(string name, int longest = 255)
    {
        asked.Add(name);
        if (!query.TryGetValue(name, out var values) || values.Count == 0) return null;
        if (values is [{ Length: > 0 } text] && text.Length <= longest && !text.Any(char.IsControl)) return text;
        faults.Add(new FieldFault(name, $"'{name}' is empty, too long, or sent twice.", $"Send it once, with 1 to {longest} characters, or leave it out."));
        return null;
    }

    public string? OneOf(string name, params ReadOnlySpan<string> words)
    {
        if (Text(name) is not { } text) return null;
        foreach (var word in words)
            if (word == text) return word;
        Fault(name, $"'{name}' is '{text}'.", $"Send one of {string.Join(", ", words.ToArray())}.");
        return null;
    }

    public int? Whole(string name, int least, int most)
    {
        if (Text(name) is not { } text) return null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
        Fault(name, $"'{name}' is '{text}'.", $"Send a whole number between {least} and {most}.");
        return null;
    }

    public int Limit() => Whole("limit", 1, MostLimit) ?? DefaultLimit;

    public DateTimeOffset? Time(string name)
    {
        if (Text(name) is not { } text) return null;
        if (IsoTime.TryParse(text, out var time)) return time;
        Fault(name, $"'{name}' is '{text}'.", IsoTime.Remedy);
        return null;
    }

    /// <summary>A cursor of ours, back in its parts.</summary>
    public string[]? Cursor(string name, int parts)
    {
        if (Text(name) is not { } text) return null;
        var bytes = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        if (Base64Url.DecodeFromChars(text, bytes, out _, out var length) == OperationStatus.Done
            && Encoding.UTF8.GetString(bytes, 0, length).Split(' ') is var found && found.Length == parts
            && found.All(part => long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
            return found;
        Fault(name, $"'{name}' is no cursor of ours.", "Send the cursor of the answer before this one, unchanged, or leave it out to begin.");
        return null;
    }

    /// <summary>Opaque to the caller, so that what it is made of may change.</summary>
    public static string CursorOf(params IEnumerable<long> parts) =>
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Join(' ', parts.Select(p => p.ToString(CultureInfo.InvariantCulture)))));

    public void Fault(string name, string detail, string remedy) => faults.Add(new FieldFault(name, detail, remedy));

    /// <summary>Null when all is well. Call it when every known parameter was read.</summary>
    public Problem? Problem()
    {
        foreach (var name in query.Keys)
            if (!asked.Contains(name))
                faults.Add(new FieldFault(name, $"'{name}' is not a parameter of this request.", $"Leave it out; the parameters are {string.Join(", ", asked.Where(a => a != "token"))}."));
        return faults.Count == 0 ? null : Platform.Problem.Of(ProblemTypes.InvalidQuery, faults);
    }
}
