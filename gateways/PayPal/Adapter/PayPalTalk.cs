using System.Security.Cryptography;
using System.Text;

namespace Purser.Gateways.PayPal;

/// <summary>One conversation: every request of it carries an access token, which is had first and kept for later conversations.</summary>
sealed class PayPalTalk(GatewayAccount account, GatewayLine line)
{
    const int LongestToken = 4096;
    const int LongestReason = 300;

    /// <summary>So long before its end a token is not used any more.</summary>
    static readonly TimeSpan Early = TimeSpan.FromMinutes(5);
    static readonly TimeSpan LongestLife = TimeSpan.FromHours(12);

    readonly string client = account.Setting(PayPalGateway.ClientId);
    readonly string secret = account.Setting(PayPalGateway.ClientSecret);
    string? token;
    bool fresh;

    /// <summary>True once any of the conversation's own requests may have reached them.</summary>
    public bool Begun { get; private set; }

    /// <summary>What came of a request: their answer, or why there is none.</summary>
    /// <param name="Definite">They refused our credentials: nothing was looked at.</param>
    public readonly record struct Said(LineReply.Answered? Answer, string? NotSent, string? Lost, bool Definite = false);

    /// <param name="body">Null for a question.</param>
    /// <param name="key">Under which they do a thing once.</param>
    public async Task<Said> Ask(HttpMethod method, string path, byte[]? body, string? key, CancellationToken stop)
    {
        if (await HaveToken(stop) is { } without) return without;
        var said = await Send(method, path, body, key, stop);
        // A token that we remembered may have lost its worth; one that was had just now has not.
        if (said.Answer is not { Status: 401 } || fresh) return said;
        line.Forget(Name);
        token = null;
        return await HaveToken(stop) ?? await Send(method, path, body, key, stop);
    }

    async Task<Said> Send(HttpMethod method, string path, byte[]? body, string? key, CancellationToken stop)
    {
        var headers = new List<KeyValuePair<string, string>> { new("Authorization", $"Bearer {token}") };
        if (body is not null) headers.Add(new("Prefer", "return=representation"));
        if (key is not null) headers.Add(new("PayPal-Request-Id", key));
        var asksOnly = body is null;
        var reply = await line.Send(new LineRequest(method, path, headers, body, asksOnly ? null : "application/json", MovesNothing: asksOnly), stop);
        var before = Begun;
        Begun |= reply is not LineReply.NotSent;
        return reply switch
        {
            LineReply.NotSent n => before ? new(null, null, n.Reason) : new(null, n.Reason, null),
            LineReply.Lost l => new(null, null, l.Reason),
            LineReply.Answered a => new(a, null, null),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    /// <summary>Null when there is a token.</summary>
    async Task<Said?> HaveToken(CancellationToken stop)
    {
        if ((token ??= line.Recall(Name)) is not null) return null;
        var headers = new[] { KeyValuePair.Create("Authorization", $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{client}:{secret}"))}") };
        var request = new LineRequest(HttpMethod.Post, "v1/oauth2/token", headers, "grant_type=client_credentials"u8.ToArray(), "application/x-www-form-urlencoded", MovesNothing: false);
        switch (await line.Send(request, stop))
        {
            case LineReply.NotSent n:
                return Begun ? new(null, null, n.Reason) : new(null, n.Reason, null);
            case LineReply.Lost l:
                return new(null, null, l.Reason);
            case LineReply.Answered { Status: 200 } a when Wire.TryRead<TokenWire>(a.Body.Span, out var had) && had is { AccessToken: { Length: > 0 and <= LongestToken } fit }
                && "Bearer".Equals(had.TokenType, StringComparison.OrdinalIgnoreCase) && fit.All(c => c is > ' ' and <= '~'):
                (token, fresh) = (fit, true);
                if (had.ExpiresIn is > 0 and var seconds && seconds <= LongestLife.TotalSeconds) line.Remember(Name, fit, TimeSpan.FromSeconds(seconds) - Early);
                return null;
            case LineReply.Answered { Status: 400 or 401 } a when Wire.TryRead<TokenErrorWire>(a.Body.Span, out var wrong) && wrong.Error is { } word:
                return new(null, null, line.Redact(Wire.Line($"{word}: {wrong.ErrorDescription}", LongestReason)), Definite: !Begun);
            case LineReply.Answered a:
                return new(null, null, $"No access token: HTTP {a.Status}");
            default:
                throw new InvalidOperationException("No such reply.");
        }
    }

    /// <summary>Of the credentials too, so that a token never outlives those that it was had with.</summary>
    string Name => field ??= $"paypal {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{account.BaseUrl} {client}:{secret}")))}";

    /// <summary>A refusal in their own shape; null for anything else.</summary>
    public static ErrorWire? Refusal(LineReply.Answered answer) =>
        answer.Status is >= 400 and < 500 && Wire.TryRead<ErrorWire>(answer.Body.Span, out var error) && error.Name is { Length: > 0 } ? error : null;

    public string Reason(ErrorWire error) => line.Redact(Wire.Line($"{error.Word}: {(error.Details is [{ Description: { } why }, ..] ? why : error.Message)}", LongestReason));
}
