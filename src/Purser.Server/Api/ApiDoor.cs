using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Routing.Template;
using Purser.Server.Engine;
using Purser.Server.Keys;
using Purser.Server.Platform;

namespace Purser.Server.Api;

/// <summary>What every request to <c>/v1</c> passes: who asks, may they, how often, from which page; and whatever goes wrong inside comes out as
/// a problem that says what to do.</summary>
public sealed partial class ApiDoor(ApiKeys keys, ShopperTokens tokens, RateLimits limits, PublicAddress address, EndpointDataSource routes, ILogger<ApiDoor> log)
{
    /// <summary>Where a shopper's token may stand instead of the address.</summary>
    public const string TokenHeader = "Purser-Token";

    /// <summary>A browser's WebSocket can send no header of ours; its token comes as a sub-protocol behind this.</summary>
    public const string TokenProtocol = "token.";

    const string ExposedHeaders = "Location, Retry-After, Idempotency-Replayed";
    static readonly TimeSpan AwayFor = TimeSpan.FromSeconds(2);

    public static void Use(WebApplication app)
    {
        var door = app.Services.GetRequiredService<ApiDoor>();
        app.Use((http, next) => http.Request.Path.StartsWithSegments("/v1", StringComparison.Ordinal) ? door.Pass(http, next) : next(http));
    }

    async Task Pass(HttpContext http, RequestDelegate next)
    {
        Problem? problem;
        try
        {
            problem = await Enter(http);
            if (problem is null && http.Response.HasStarted) return;
            if (problem is null)
            {
                await next(http);
                problem = Unspoken(http);
            }
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            problem = FromException(http, e);
        }
        if (problem is not null) await problem.ExecuteAsync(http);
    }

    /// <summary>Null when the request may go on, or was answered.</summary>
    async Task<Problem?> Enter(HttpContext http)
    {
        if (http.Request.Headers.Origin.FirstOrDefault() is { Length: > 0 } origin && HttpMethods.IsOptions(http.Request.Method)
            && http.Request.Headers.ContainsKey("Access-Control-Request-Method"))
            return await AnswerPreflight(http, origin);

        if (http.GetEndpoint()?.Metadata.GetMetadata<ApiOperation>() is not { } operation)
            // A page for whatever else is asked for is no answer to a program.
            return Unserved(http);
        await LetOriginRead(http);
        var from = http.Connection.RemoteIpAddress;
        var key = Key(http.Request);
        // Whoever shows a key that is not known here is a stranger until the database has said otherwise, and pays as one before it is asked.
        var asStranger = key is not null && keys.AsksFor(key);
        if (asStranger && limits.Exceeds(null, from) is { } patience) return TooMany(patience);
        var (caller, problem) = await Identify(http, key, operation.Access);
        if (!(asStranger && caller is null) && limits.Exceeds(caller, from) is { } wait) return TooMany(wait);
        if (problem is not null) return problem;
        if (await RefusesOrigin(http, caller!) is { } refused) return refused;
        if (operation.TakesKey && IdempotencyKey.Fault(caller!, http.Request.Headers[IdempotencyKey.Header]) is { } fault)
            return Problem.Of(ProblemTypes.InvalidHeader, [fault]);
        http.Features.Set(caller);
        return null;
    }

    static Problem TooMany(TimeSpan wait) => new(ProblemTypes.TooManyRequests) { RetryAfter = wait };

    async Task<(ApiCaller? Caller, Problem? Problem)> Identify(HttpContext http, string? text, Access access)
    {
        ApiKey? key = null;
        if (text is not null)
        {
            key = await keys.Find(text);
            if (key is null) return (null, new Problem(ProblemTypes.KeyUnknown));
        }
        if (key is { Kind: KeyKind.Secret }) return (new ApiCaller(key, null), null);
        if (access == Access.Secret)
            return (key is null ? null : new ApiCaller(key, null), new Problem(key is null ? ProblemTypes.KeyMissing : ProblemTypes.SecretKeyNeeded));
        if (access == Access.AnyKey) return key is null ? (null, new Problem(ProblemTypes.KeyMissing)) : (new ApiCaller(key, null), null);
        return Shopper(http, key);
    }

    (ApiCaller? Caller, Problem? Problem) Shopper(HttpContext http, ApiKey? key)
    {
        var payment = http.Request.Path.StartsWithSegments("/v1/payments", StringComparison.Ordinal);
        var refund = http.Request.Path.StartsWithSegments("/v1/refunds", StringComparison.Ordinal);
        var id = http.Request.RouteValues["id"] as string;
        OrderId order;
        if (payment)
        {
            if (!PaymentId.TryParse(id, out var parsed)) return (null, Unknown(ProblemTypes.PaymentUnknown));
            order = parsed.Order;
        }
        else if (refund)
        {
            if (!RefundId.TryParse(id, out var parsed)) return (null, Unknown(ProblemTypes.RefundUnknown));
            order = parsed.Order;
        }
        else if (!OrderId.TryParse(id, out order)) return (null, Unknown(ProblemTypes.OrderUnknown));

        var token = http.Request.Headers[TokenHeader].FirstOrDefault() ?? http.Request.Query["token"].FirstOrDefault()
            ?? http.WebSockets.WebSocketRequestedProtocols.FirstOrDefault(p => p.StartsWith(TokenProtocol, StringComparison.Ordinal))?[TokenProtocol.Length..];
        return tokens.Check(order, token) switch
        {
            TokenCheck.Valid => (new ApiCaller(key, order, token), null),
            TokenCheck.Expired => (null, new Problem(ProblemTypes.TokenExpired) { Field = "token" }),
            // Whether the order exists is nobody's business who has no token for it.
            TokenCheck.Foreign => (null, new Problem(payment ? ProblemTypes.PaymentUnknown : refund ? ProblemTypes.RefundUnknown : ProblemTypes.OrderUnknown,
                "There is no such order, or this token is not for it.")
            { Field = "token", Remedy = "Send the token that came with this order." }),
            _ when key is not null => (new ApiCaller(key, null), new Problem(ProblemTypes.SecretKeyNeeded,
                "A publishable key may do this only for an order whose token is sent, too.")
            { Field = "token", Remedy = "Send the 'token' of the order's own answer, as ?token= or in the header Purser-Token." }),
            _ => (null, new Problem(ProblemTypes.KeyMissing)),
        };
    }

    static Problem Unknown(ProblemType type) => new(type) { Field = "id" };

    /// <summary>The key of <c>Authorization: Bearer ...</c>, or the user name of <c>Basic</c>.</summary>
    static string? Key(HttpRequest request)
    {
        if (!AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out var header)) return request.Headers.Authorization.Count > 0 ? "" : null;
        if (header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)) return header.Parameter?.Trim() ?? "";
        if (!header.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase)) return "";
        var bytes = new byte[256];
        if (!Convert.TryFromBase64String(header.Parameter ?? "", bytes, out var length)) return "";
        return Encoding.UTF8.GetString(bytes, 0, length).Split(':')[0];
    }

    async Task<Problem?> AnswerPreflight(HttpContext http, string origin)
    {
        if (!await keys.Allows(origin)) return new Problem(ProblemTypes.OriginRefused, $"No publishable key was made for pages of {Shown(origin)}.") { Field = "Origin" };
        var headers = http.Response.Headers;
        headers.AccessControlAllowOrigin = origin;
        headers.AccessControlAllowMethods = "GET, POST, OPTIONS";
        headers.AccessControlAllowHeaders = $"Authorization, Content-Type, {IdempotencyKey.Header}, {TokenHeader}";
        headers.AccessControlMaxAge = "600";
        headers.Vary = "Origin";
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        await http.Response.StartAsync();
        return null;
    }

    /// <summary>Pages of other origins may use publishable keys made for them, and the tokens of orders; no page may use a secret key, so a browser
    /// is not told that it could.</summary>
    async Task<Problem?> RefusesOrigin(HttpContext http, ApiCaller caller)
    {
        if (http.Request.Headers.Origin.FirstOrDefault() is not { Length: > 0 } origin || IsOwn(origin, http.Request.Host)) return null;
        var allowed = !caller.IsMerchant && (caller.Key is { } key ? key.Origins.Contains(origin, StringComparer.OrdinalIgnoreCase) : await keys.Allows(origin));
        if (allowed) return null;
        http.Response.Headers.Remove("Access-Control-Allow-Origin");
        return caller.IsMerchant ? null : new Problem(ProblemTypes.OriginRefused, $"This key was not made for pages of {Shown(origin)}.") { Field = "Origin" };
    }

    /// <summary>Whatever the answer becomes, also that there were too many or that the key is unknown: a page that its browser does not let read it cannot do
    /// what it says.</summary>
    async Task LetOriginRead(HttpContext http)
    {
        if (http.Request.Headers.Origin.FirstOrDefault() is not { Length: > 0 } origin || IsOwn(origin, http.Request.Host) || !await keys.Allows(origin)) return;
        http.Response.Headers.AccessControlAllowOrigin = origin;
        http.Response.Headers.AccessControlExposeHeaders = ExposedHeaders;
        http.Response.Headers.Vary = "Origin";
    }

    /// <summary>A page of ours: at the configured address, or at whatever name of this host the browser asks now. Browsers send the origin of
    /// our own pages with every WebSocket.</summary>
    bool IsOwn(string origin, HostString asked) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var page)
        && (page.Authority.Equals(asked.Value, StringComparison.OrdinalIgnoreCase)
            || Uri.TryCreate(address.Url, UriKind.Absolute, out var own)
                && Uri.Compare(page, own, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0);

    static string Shown(string origin) => origin.Length <= 100 ? origin : origin[..100];

    /// <summary>Nothing is served at this path, or nothing with this method.</summary>
    Problem Unserved(HttpContext http)
    {
        var methods = routes.Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<ApiOperation>() is not null
                && new TemplateMatcher(new RouteTemplate(e.RoutePattern), []).TryMatch(http.Request.Path, []))
            .SelectMany(e => e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods).Distinct().Order(StringComparer.Ordinal).ToArray();
        if (methods.Length == 0) return new Problem(ProblemTypes.RouteUnknown);
        http.Response.Headers.Allow = string.Join(", ", methods);
        return new Problem(ProblemTypes.MethodNotAllowed);
    }

    /// <summary>What the framework answers with a bare number.</summary>
    static Problem? Unspoken(HttpContext http) => http.Response switch
    {
        { HasStarted: true } => null,
        { StatusCode: 400, ContentLength: null } => new Problem(ProblemTypes.BadRequest),
        { StatusCode: 413, ContentLength: null } => new Problem(ProblemTypes.BodyTooLarge),
        { StatusCode: 415, ContentLength: null } => new Problem(ProblemTypes.WrongMediaType),
        _ => null,
    };

    Problem FromException(HttpContext http, Exception e)
    {
        switch (e)
        {
            case BadHttpRequestException bad:
                return bad.StatusCode switch
                {
                    413 => new Problem(ProblemTypes.BodyTooLarge),
                    408 => new Problem(ProblemTypes.RequestTimedOut),
                    _ => new Problem(ProblemTypes.BadRequest),
                };
            case var away when StoreFault.MayPass(away):
                LogAway(log, http.Request.Method, http.GetEndpoint()?.DisplayName, e.Message);
                return new Problem(ProblemTypes.Busy, "The database is away.") { RetryAfter = AwayFor };
        }
        var trace = Activity.Current?.TraceId.ToString() ?? http.TraceIdentifier;
        LogBug(log, http.Request.Method, http.GetEndpoint()?.DisplayName, trace, e);
        return new Problem(ProblemTypes.InternalError) { TraceId = trace };
    }

    [LoggerMessage(60, LogLevel.Warning, "{Method} {Endpoint} was sent back, for the database is away: {Why}")]
    static partial void LogAway(ILogger log, string method, string? endpoint, string why);

    [LoggerMessage(61, LogLevel.Error, "{Method} {Endpoint} failed, trace {Trace}")]
    static partial void LogBug(ILogger log, string method, string? endpoint, string trace, Exception bug);
}
