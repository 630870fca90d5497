using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using Purser.Server.Engine;
using Purser.Server.Platform;

namespace Purser.Server.Api;

/// <summary>The header that makes a POST safe to send again: from the merchant's backend with whichever secret key, from one publishable key, or one
/// order's token, the same key and content gives the same answer, and other content is refused.</summary>
public static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";
    public const string ReplayedHeader = "Idempotency-Replayed";
    public const int Longest = 255;

    /// <summary>A publishable key is every visitor's, so an Idempotency-Key under it is all that tells the first caller from the others: 22 letters
    /// are 128 bits drawn by chance. Shorter ones, and ones of a few letters repeated, could be guessed, and the first order with them.</summary>
    public const int ShortestSecret = 22;
    const int FewestLetters = 8;

    /// <summary>Callers that have no API key share this number; their keys begin with the order that their token is for.</summary>
    const int NoApiKey = 0;

    /// <summary>All secret keys share this number: a refund that is asked for again after its key was replaced must not go back twice.</summary>
    const int SecretKeys = -1;

    /// <param name="content">Everything that was asked for; with method and path, what the same again means.</param>
    public static RequestKey? Of(HttpContext http, string content)
    {
        if (http.Request.Headers[Header].FirstOrDefault() is not { Length: > 0 } key) return null;
        var caller = ApiCaller.Of(http);
        var fingerprint = SHA256.HashData(Encoding.UTF8.GetBytes($"{http.Request.Method} {http.Request.Path}\n{content}"));
        if (caller.IsMerchant && caller.Token is null) return new RequestKey(SecretKeys, key, fingerprint);
        return caller.Key is { } mine
            ? new RequestKey(mine.Id, caller.Token is { } of ? $"{of.Letters}:{key}" : key, fingerprint)
            : new RequestKey(NoApiKey, $"{caller.Token!.Value.Letters}:{key}", fingerprint);
    }

    /// <summary>Null when the header may be as it is.</summary>
    public static FieldFault? Fault(ApiCaller caller, StringValues values) => values switch
    {
        { Count: 0 } when !MustBeSecret(caller) => null,
        { Count: 0 } => new FieldFault(Header, "A publishable key must send this header.", Draw),
        { Count: not 1 } => new FieldFault(Header, "The header is sent more than once.", "Send it once."),
        [{ Length: >= 1 and <= Longest } key] when key.All(c => c is > ' ' and <= '~') => MustBeSecret(caller) && MayBeGuessed(key)
            ? new FieldFault(Header, $"With a publishable key the header must be such that nobody guesses it: {ShortestSecret} characters or more, drawn by chance.", Draw)
            : null,
        _ => new FieldFault(Header, "The header is empty, too long, or holds characters other than printable ASCII.", $"Send 1 to {Longest} letters, digits or signs without spaces, such as a UUID."),
    };

    const string Draw = "Draw one for each order, as crypto.randomUUID() does, keep it in the page, and send it again when you repeat the request.";

    static bool MustBeSecret(ApiCaller caller) => caller is { IsMerchant: false, Token: null };

    static bool MayBeGuessed(string key) => key.Length < ShortestSecret || key.Distinct().Count() < FewestLetters;
}
