using System.Text;

namespace Purser.Gateways.PhonePe;

/// <summary>Asks with an access token, which is had for the client's id and secret and kept while it lives. One that is refused before its time is
/// forgotten, and another is had, once.</summary>
static class PhonePeSession
{
    /// <summary>Their checklist wants a new token three to five minutes before the old one ends.</summary>
    const long MarginSeconds = 300;

    /// <summary>Believed at most, whatever they say.</summary>
    const long LongestSeconds = 24 * 3600;

    const int LongestToken = 8192;

    const int LongestReason = 300;

    /// <summary>What came of a request.</summary>
    /// <param name="Reply">Not sent when there was no token: then nothing that matters left us.</param>
    /// <param name="Refused">Why they know no such client, in their words.</param>
    public readonly record struct Asked(LineReply Reply, string? Refused = null);

    public static async Task<Asked> Ask(
        GatewayLine line, GatewayAccount account, HttpMethod method, string path, ReadOnlyMemory<byte> body, CancellationToken stop)
    {
        var asked = await AskOnce(line, account, method, path, body, stop);
        if (asked.Reply is not LineReply.Answered { Status: 401 }) return asked;
        line.Forget(NameOf(account));
        return await AskOnce(line, account, method, path, body, stop);
    }

    /// <summary>Their error's word and sentence; null for anything that is not their error.</summary>
    public static string? Error(LineReply.Answered answer, GatewayLine line) =>
        Wire.TryRead<ErrorWire>(answer.Body.Span, out var error) && error.Word is { Length: > 0 } word
            ? line.Redact(Wire.Line(error.Message is null ? word : $"{word}: {error.Message}", LongestReason))
            : null;

    static async Task<Asked> AskOnce(
        GatewayLine line, GatewayAccount account, HttpMethod method, string path, ReadOnlyMemory<byte> body, CancellationToken stop)
    {
        var token = line.Recall(NameOf(account));
        if (token is null)
        {
            var had = await Token(line, account, stop);
            if (had.Token is null) return new(new LineReply.NotSent(had.Why), had.Refused ? had.Why : null);
            token = had.Token;
        }
        var get = method == HttpMethod.Get;
        return new(await line.Send(new(method, $"{PhonePeHosts.Api(account)}{path}", [new("Authorization", $"O-Bearer {token}")], body,
            get ? null : "application/json", MovesNothing: get), stop));
    }

    readonly record struct Had(string? Token, string Why = "", bool Refused = false);

    static async Task<Had> Token(GatewayLine line, GatewayAccount account, CancellationToken stop)
    {
        var form = Wire.Form([
            new("client_id", account.Setting(PhonePeGateway.ClientId)), new("client_version", account.Setting(PhonePeGateway.ClientVersion)),
            new("client_secret", account.Setting(PhonePeGateway.ClientSecret)), new("grant_type", "client_credentials"),
        ]);
        var reply = await line.Send(new(HttpMethod.Post, $"{PhonePeHosts.Tokens(account)}v1/oauth/token", [], form, "application/x-www-form-urlencoded"), stop);
        switch (reply)
        {
            case LineReply.Answered { Status: 200 } a when Wire.TryRead<TokenWire>(a.Body.Span, out var told) && told.AccessToken is { Length: > 0 and <= LongestToken } token
                    && !token.AsSpan().ContainsAnyExceptInRange('!', '~'):
                line.Remember(NameOf(account), token, Lifetime(told));
                return new(token);
            case LineReply.Answered { Status: 400 or 401 or 403 } a when Error(a, line) is { } error: return new(null, error, Refused: true);
            case LineReply.Answered a: return new(null, $"no access token: HTTP {a.Status}");
            case LineReply.NotSent n: return new(null, n.Reason);
            case LineReply.Lost l: return new(null, $"no access token: {l.Reason}");
            default: throw new InvalidOperationException("No such reply.");
        }
    }

    /// <summary>By their own clock, for ours may differ; a token of unknown life is used once.</summary>
    static TimeSpan Lifetime(TokenWire token)
    {
        var seconds = Math.Clamp(token.ExpiresIn ?? (token.ExpiresAt - token.IssuedAt) ?? 0, 0, LongestSeconds);
        return TimeSpan.FromSeconds(seconds - Math.Min(MarginSeconds, seconds / 2));
    }

    /// <summary>A token belongs to the credentials that it was had for; other ones of the same account have another.</summary>
    static string NameOf(GatewayAccount account) => "token " + HexSignature.NameOf(Encoding.UTF8.GetBytes(string.Join('\n',
        account.BaseUrl, account.Setting(PhonePeGateway.ClientId), account.Setting(PhonePeGateway.ClientVersion), account.Setting(PhonePeGateway.ClientSecret))));
}

/// <summary>Tokens and orders live under two addresses of one host in production, and under one in their sandbox.</summary>
static class PhonePeHosts
{
    public static readonly Uri Live = new("https://api.phonepe.com/apis");

    public static readonly Uri Test = new("https://api-preprod.phonepe.com/apis/pg-sandbox");

    public static string Api(GatewayAccount account) => IsLive(account) ? "pg/" : "";

    public static string Tokens(GatewayAccount account) => IsLive(account) ? "identity-manager/" : "";

    static bool IsLive(GatewayAccount account) => account.BaseUrl == Live;
}
