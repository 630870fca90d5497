using System.Text;
using Purser.Gateways;

namespace Purser.Server.Laboratory;

/// <summary>Reads an HTTP message as people have it at hand: with its first line and headers, or with headers alone, or only the body.</summary>
static class PastedMessage
{
    static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];

    /// <param name="bytes">The bytes as they were sent, where a file has them: what an editor does to line ends and blanks breaks a signature.</param>
    public static RawMessage Read(ReadOnlyMemory<byte> bytes, DateTimeOffset now)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var (method, path, query) = ("POST", "/", "");
        var at = 0;
        var first = Line(bytes.Span, at, out var next);
        if (first.Split(' ') is [var verb, var target, ..] && Methods.Contains(verb))
        {
            method = verb;
            var question = target.IndexOf('?', StringComparison.Ordinal);
            (path, query) = question < 0 ? (target, "") : (target[..question], target[question..]);
            at = next;
            first = Line(bytes.Span, at, out next);
        }
        else if (!LooksLikeHeader(first))
        {
            // A body and nothing else.
            return new RawMessage(method, path, query, headers, bytes, now);
        }
        while (at < bytes.Length && first.Length > 0 && LooksLikeHeader(first))
        {
            var colon = first.IndexOf(':', StringComparison.Ordinal);
            headers[first[..colon].Trim()] = first[(colon + 1)..].Trim();
            at = next;
            first = Line(bytes.Span, at, out next);
        }
        // The empty line between headers and body.
        if (first.Length == 0) at = next;
        return new RawMessage(method, path, query, headers, bytes[Math.Min(at, bytes.Length)..], now);
    }

    static bool LooksLikeHeader(string line)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && line[..colon].All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
    }

    static string Line(ReadOnlySpan<byte> bytes, int from, out int next)
    {
        var rest = bytes[Math.Min(from, bytes.Length)..];
        var end = rest.IndexOf((byte)'\n');
        next = end < 0 ? bytes.Length : from + end + 1;
        return Encoding.Latin1.GetString(end < 0 ? rest : rest[..end]).TrimEnd('\r');
    }
}
