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

    static readonly JsonDocumentOptions Strict = new() { MaxDepth = MostDepth, AllowDuplicateProperties = false };

    /// <param name="optional">No body at all counts as an empty object.</param>
    public static async Task<(JsonFields? Fields, Problem? Problem)> Read(HttpContext http, bool optional = false)
    {
        var request = http.Request;
        var (bytes, tooLarge) = await ReadBytes(http);
        if (tooLarge) return (null, new Problem(ProblemTypes.BodyTooLarge, $"The body has more than {MostBytes / 1024} kB.") { Field = "body" });
        if (bytes.Length == 0 && optional) return (new JsonFields(Empty), null);
        if (!request.HasJsonContentType()) return (null, new Problem(ProblemTypes.WrongMediaType) { Field = "Content-Type" });
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
            return (null, new Problem(ProblemTypes.MalformedJson, "The name of a field holds half a character (an escaped half of a surrogate pair). Send well-formed Unicode."));
        }
        catch (JsonException wrong)
        {
            return (null, new Problem(ProblemTypes.MalformedJson, wrong.LineNumber is { } line
                ? $"The body breaks off being JSON at line {line + 1}, byte {wrong.BytePositionInLine + 1}: {Plain(wrong.Message)}"
                : Plain(wrong.Message)));
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
