using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace Purser.Server.Platform;

/// <summary>The body of a request: read whole within a limit, or a problem.</summary>
public static class JsonBody
{
    public const int MostBytes = 256 * 1024;

    /// <summary>What is larger than allowed is still read up to here and thrown away, so that the caller hears why instead of a broken pipe.</summary>
    const int MostDrained = 16 * 1024 * 1024;

    /// <summary>Nothing of ours is nested deeper; what is only costs.</summary>
    const int MostDepth = 8;

    static readonly JsonDocumentOptions Lenient = new() { MaxDepth = MostDepth };
    static readonly JsonDocumentOptions Strict = new() { MaxDepth = MostDepth, AllowDuplicateProperties = false };

    /// <param name="optional">No body at all counts as an empty object.</param>
    public static async Task<(JsonFields? Fields, Problem? Problem)> Read(HttpContext http, bool optional = false)
    {
        var request = http.Request;
        var (bytes, tooLarge) = await ReadBytes(http);
        if (tooLarge) return (null, new Problem(ProblemTypes.BodyTooLarge, $"The body has more than {MostBytes / 1024} kB."));
        if (bytes.Length == 0 && optional) return (new JsonFields(Empty), null);
        if (!request.HasJsonContentType()) return (null, new Problem(ProblemTypes.WrongMediaType));
        if (bytes.Length == 0) return (null, new Problem(ProblemTypes.MalformedJson, "The body is empty."));
        try
        {
            // The document stays as long as the request; its memory is the request's own array.
            var root = JsonDocument.Parse(bytes, Strict).RootElement;
            return root.ValueKind == JsonValueKind.Object
                ? (new JsonFields(root), null)
                : (null, new Problem(ProblemTypes.MalformedJson, "The body is JSON, but not an object."));
        }
        catch (InvalidOperationException)
        {
            return (null, new Problem(ProblemTypes.MalformedJson, "The name of a field holds half a character (an escaped half of a surrogate pair).") { Remedy = "Send well-formed Unicode." });
        }
        catch (JsonException wrong)
        {
            if (RepeatedName(bytes) is { } name) return (null, new Problem(ProblemTypes.MalformedJson, $"'{name}' is given twice in one object.") { Field = name, Remedy = "Send each name once." });
            return (null, new Problem(ProblemTypes.MalformedJson, wrong.LineNumber is { } line
                ? $"The body breaks off being JSON at line {line + 1}, byte {wrong.BytePositionInLine + 1}: {Plain(wrong.Message)}"
                : Plain(wrong.Message)));
        }
    }

    /// <summary>The first name that stands twice in one object, with its path (<c>lines[0].name</c>), of a body that is JSON otherwise; null when it is not,
    /// or has none. The parser refuses it and tells neither.</summary>
    static string? RepeatedName(byte[] body)
    {
        try
        {
            return Repeated(JsonDocument.Parse(body, Lenient).RootElement, "");
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException)
        {
            return null;
        }

        static string? Repeated(JsonElement element, string path)
        {
            if (element.ValueKind == JsonValueKind.Array)
                return element.EnumerateArray().Select((item, place) => Repeated(item, $"{path}[{place}]")).FirstOrDefault(found => found is not null);
            if (element.ValueKind != JsonValueKind.Object) return null;
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (var field in element.EnumerateObject())
            {
                var place = path.Length == 0 ? JsonFields.Short(field.Name) : $"{path}.{JsonFields.Short(field.Name)}";
                if (!names.Add(field.Name)) return place;
                if (Repeated(field.Value, place) is { } inside) return inside;
            }
            return null;
        }
    }

    static JsonElement Empty { get; } = JsonDocument.Parse("{}").RootElement;

    static async Task<(byte[] Bytes, bool TooLarge)> ReadBytes(HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = MostDrained;
        var body = new ArrayBufferWriter<byte>((int)Math.Clamp(http.Request.ContentLength ?? 1024, 16, MostBytes) + 1);
        var total = 0L;
        while (true)
        {
            var read = await http.Request.Body.ReadAsync(body.GetMemory(1024), http.RequestAborted);
            if (read == 0) return (body.WrittenSpan.ToArray(), total > MostBytes);
            total += read;
            if (total <= MostBytes) body.Advance(read);
            else body.ResetWrittenCount();
        }
    }

    // The position is told by ourselves, in words.
    static string Plain(string message) =>
        message.IndexOf(" LineNumber:", StringComparison.Ordinal) is >= 0 and var end ? message[..end] : message;
}
