using System.Collections.Immutable;
using System.Text.Json;

namespace Purser.Server.Platform;

/// <summary>Reads one JSON object field by field and notes everything that is wrong with it, by path, in words that say what to write
/// instead. What was not asked for is unknown, and unknown fields are faults: a misspelt field must not be ignored.</summary>
public sealed class JsonFields
{
    readonly JsonElement element;
    readonly string path;
    readonly List<FieldFault> faults;
    readonly HashSet<string> asked = new(StringComparer.Ordinal);

    public JsonFields(JsonElement element) : this(element, "", []) { }

    JsonFields(JsonElement element, string path, List<FieldFault> faults) => (this.element, this.path, this.faults) = (element, path, faults);

    public IReadOnlyList<FieldFault> Faults => faults;

    public string Path(string name) => path.Length == 0 ? name : $"{path}.{name}";

    public void Fault(string name, string detail, string remedy) => faults.Add(new FieldFault(Path(name), detail, remedy));

    /// <summary>Present and not null.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>One line of text, without spaces around it and without control characters.</summary>
    public string? Text(string name, int longest, bool required = false)
    {
        if (Take(name, required, "text in quotes") is not { } value) return null;
        if (value.ValueKind != JsonValueKind.String) return Wrong<string>(name, "text in quotes", value);
        string text;
        try
        {
            text = value.GetString()!.Trim();
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair is JSON, but no text.
            Fault(name, $"'{Path(name)}' holds half a character.", "Send well-formed Unicode.");
            return null;
        }
        if (text.Length == 0) Fault(name, $"'{Path(name)}' is empty.", "Leave the field out, or fill it.");
        else if (text.Length > longest) Fault(name, $"'{Path(name)}' has {text.Length} characters.", $"Send at most {longest}.");
        else if (text.Any(char.IsControl)) Fault(name, $"'{Path(name)}' holds a control character.", "Send one line of plain text.");
        else return text;
        return null;
    }

    /// <summary>A whole number within limits.</summary>
    public long? Whole(string name, long least, long most, string unit, bool required = false)
    {
        if (Take(name, required, "a whole number") is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Number) return Wrong<long?>(name, "a whole number without quotes", value);
        if (!value.TryGetInt64(out var number))
        {
            var text = value.GetRawText();
            if (text.Any(c => c is '.' or 'e' or 'E'))
                Fault(name, $"'{Path(name)}' is {Short(text)}, which is not a whole number.", $"Send {unit}, as digits without a point or an exponent.");
            else Fault(name, $"'{Path(name)}' is {Short(text)}, which is too large.", $"Send {unit}, between {least} and {most}.");
            return null;
        }
        if (number >= least && number <= most) return number;
        Fault(name, $"'{Path(name)}' is {number}.", $"Send {unit}, between {least} and {most}.");
        return null;
    }

    public bool? Flag(string name)
    {
        if (Take(name, false, "") is not { } value) return null;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : Wrong<bool?>(name, "true or false", value);
    }

    public string? OneOf(string name, params ReadOnlySpan<string> words)
    {
        if (Text(name, 100) is not { } text) return null;
        foreach (var word in words)
            if (word == text) return word;
        Fault(name, $"'{Path(name)}' is '{text}'.", $"Send one of {string.Join(", ", words.ToArray())}.");
        return null;
    }

    public JsonFields? Object(string name)
    {
        if (Take(name, false, "") is not { } value) return null;
        return value.ValueKind == JsonValueKind.Object ? new JsonFields(value, Path(name), faults) : Wrong<JsonFields>(name, "an object", value);
    }

    /// <summary>The objects of a list; null when there is none or it cannot be used.</summary>
    public List<JsonFields>? Objects(string name, int most)
    {
        if (Take(name, false, "") is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Array) return Wrong<List<JsonFields>>(name, "a list of objects", value);
        var count = value.GetArrayLength();
        if (count == 0)
        {
            Fault(name, $"'{Path(name)}' is empty.", "Send at least one.");
            return null;
        }
        if (count > most)
        {
            Fault(name, $"'{Path(name)}' has {count} entries.", $"Send at most {most}.");
            return null;
        }
        var objects = new List<JsonFields>(count);
        foreach (var one in value.EnumerateArray())
        {
            var entry = $"{Path(name)}[{objects.Count}]";
            if (one.ValueKind != JsonValueKind.Object)
            {
                faults.Add(new FieldFault(entry, $"'{entry}' is {Kind(one)}.", "Send an object."));
                return null;
            }
            objects.Add(new JsonFields(one, entry, faults));
        }
        return objects;
    }

    /// <summary>The texts of a list; null when there is none or it cannot be used.</summary>
    public List<string>? Texts(string name, int most)
    {
        if (Take(name, false, "") is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(one => one.ValueKind != JsonValueKind.String))
            return Wrong<List<string>>(name, "a list of texts in quotes", value);
        if (value.GetArrayLength() > most)
        {
            Fault(name, $"'{Path(name)}' has {value.GetArrayLength()} entries.", $"Send at most {most}.");
            return null;
        }
        try
        {
            return [.. value.EnumerateArray().Select(one => one.GetString()!)];
        }
        catch (InvalidOperationException)
        {
            Fault(name, $"'{Path(name)}' holds half a character.", "Send well-formed Unicode.");
            return null;
        }
    }

    /// <summary>Names with short texts, chosen by the caller.</summary>
    public ImmutableSortedDictionary<string, string> Pairs(string name, int most, int longestName, int longestText)
    {
        var pairs = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        if (Object(name) is not { } inner) return pairs.ToImmutable();
        foreach (var pair in inner.element.EnumerateObject())
        {
            var label = Label(pair);
            if (label is null || label.Length is 0 || label.Length > longestName || label.Any(char.IsControl))
                Fault(name, $"A name in '{Path(name)}' is empty, too long or not text.", $"Use names of 1 to {longestName} characters.");
            else if (inner.Text(label, longestText, required: true) is { } text) pairs[label] = text;
        }
        if (pairs.Count > most) Fault(name, $"'{Path(name)}' has {pairs.Count} entries.", $"Send at most {most}.");
        return pairs.ToImmutable();
    }

    /// <summary>Whatever nobody asked for is a fault. Call it when all known fields were read.</summary>
    public void RefuseUnknown()
    {
        foreach (var one in element.EnumerateObject())
        {
            var name = Label(one) ?? "?";
            if (asked.Contains(name)) continue;
            var near = asked.FirstOrDefault(known => string.Equals(known.Replace("_", "", StringComparison.Ordinal),
                name.Replace("_", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase));
            var shown = Short(name);
            faults.Add(new FieldFault(Path(shown), $"'{Path(shown)}' is not a field of this request.",
                near is null ? $"Leave it out; the fields are {string.Join(", ", asked)}." : $"Write it '{near}'."));
        }
    }

    static string? Label(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    JsonElement? Take(string name, bool required, string what)
    {
        var value = Find(name);
        if (value is null && required) Fault(name, $"'{Path(name)}' is missing.", $"Send {what}.");
        return value;
    }

    JsonElement? Find(string name)
    {
        asked.Add(name);
        return element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    T? Wrong<T>(string name, string wanted, JsonElement value)
    {
        Fault(name, $"'{Path(name)}' is {Kind(value)}.", $"Send {wanted}.");
        return default;
    }

    static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => "text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        JsonValueKind.Array => "a list",
        JsonValueKind.Object => "an object",
        _ => "null",
    };

    internal static string Short(string text) => text.Length <= 40 ? text : text[..40] + "...";
}
