using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Inspector;

/// <summary>What an encoded body says, for a person's eyes: forms field by field, JSON indented, Base64 and signed tokens opened.
/// What is encrypted stays so; only a dialect has the key.</summary>
public static class PlainWords
{
    /// <summary>JSON within a form within JSON is as deep as any gateway goes.</summary>
    const int Deepest = 4;

    /// <summary>Null when the body already says it plainly, or nobody can tell.</summary>
    public static string? Of(Call call)
    {
        var text = call.BodyText;
        if (text.Length == 0) return null;
        var isForm = call.Header("Content-Type")?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) == true;
        var words = isForm ? Form(text) : Opened(text.Trim(), 0);
        return words == text ? null : words;
    }

    static string Form(string text)
    {
        var words = new StringBuilder();
        foreach (var field in text.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = field.Split('=', 2);
            var value = Decoded(parts.Length > 1 ? parts[1] : "");
            words.Append(Decoded(parts[0])).Append(" = ").Append(Opened(value, 1) is { } inside && inside != value ? $"\n{inside}" : value).Append('\n');
        }
        return words.ToString().TrimEnd('\n');
    }

    static string Decoded(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));

    /// <summary>Null when the text is no envelope.</summary>
    static string? Opened(string text, int depth)
    {
        if (depth > Deepest || text.Length < 2) return null;
        if (text[0] is '{' or '[') return Json(text, depth);
        if (text.Split('.') is [var head, var body, _] && Base64(head) is { } header && header.StartsWith('{'))
            return $"{Opened(header, depth + 1)}\n.\n{(Base64(body) is { } inside ? Opened(inside, depth + 1) ?? inside : "(not readable)")}";
        // Five parts: the middle ones are encrypted, and only the header can be read.
        if (text.Split('.') is [var sealedHead, _, _, _, _] && Base64(sealedHead) is { } about && about.StartsWith('{'))
            return $"{Opened(about, depth + 1)}\n.\n(encrypted)";
        return text.Length >= 16 && Base64(text) is { } plain && plain[0] is '{' or '[' ? Opened(Base64(text)!, depth + 1) : null;
    }

    static string? Json(string text, int depth)
    {
        JsonNode? node;
        try
        {
            node = JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
        var words = new StringBuilder(node!.ToJsonString(Wire.Indented));
        foreach (var (name, value) in node as JsonObject ?? [])
            if (value is JsonValue one && one.TryGetValue(out string? said) && Opened(said, depth + 1) is { } inside)
                words.Append('\n').Append(name).Append(" =\n").Append(inside);
        return words.ToString();
    }

    static string? Base64(string text)
    {
        var bytes = new byte[text.Length];
        int length;
        if (text.AsSpan().ContainsAny('+', '/') || text.EndsWith('='))
        {
            if (!Convert.TryFromBase64String(text, bytes, out length)) return null;
        }
        else if (!Base64Url.IsValid(text) || !Base64Url.TryDecodeFromChars(text, bytes, out length))
        {
            return null;
        }
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes, 0, length) is { Length: > 0 } plain ? plain : null;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
