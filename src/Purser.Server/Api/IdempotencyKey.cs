using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using Purser.Server.Engine;
using Purser.Server.Platform;

namespace Purser.Server.Api;

/// <summary>The header that makes a POST safe to send again: within one API key, or one order's token, the same key and content gives the same
/// answer, and other content is refused.</summary>
public static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";
    public const string ReplayedHeader = "Idempotency-Replayed";
    public const int Longest = 255;

    /// <summary>Callers that have no API key share this number; their keys begin with the order that their token is for.</summary>
    const int NoApiKey = 0;

    /// <param name="content">Everything that was asked for; with method and path, what the same again means.</param>
    public static RequestKey? Of(HttpContext http, string content)
    {
        if (http.Request.Headers[Header].FirstOrDefault() is not { Length: > 0 } key) return null;
        var caller = ApiCaller.Of(http);
        var fingerprint = SHA256.HashData(Encoding.UTF8.GetBytes($"{http.Request.Method} {http.Request.Path}\n{content}"));
        return caller.Key is { } mine
            ? new RequestKey(mine.Id, caller.Token is { } of ? $"{of.Letters}:{key}" : key, fingerprint)
            : new RequestKey(NoApiKey, $"{caller.Token!.Value.Letters}:{key}", fingerprint);
    }

    public static FieldFault? Fault(StringValues values) => values switch
    {
        { Count: not 1 } => new FieldFault(Header, "The header is sent more than once.", "Send it once."),
        [{ Length: >= 1 and <= Longest } key] when key.All(c => c is > ' ' and <= '~') => null,
        _ => new FieldFault(Header, "The header is empty, too long, or holds characters other than printable ASCII.", $"Send 1 to {Longest} letters, digits or signs without spaces, such as a UUID."),
    };
}
