using Npgsql;
using Purser.Gateways;
using Purser.Orders;
using Purser.Server.Api;
using Purser.Server.Checkout;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Live;
using Purser.Server.Platform;
using Purser.Server.Webhooks;

namespace Purser.Server.Returns;

/// <summary>GET or POST /gateways/{account}/return: the shopper's browser is back. Whatever it says proves nothing, even signed; but the token in
/// our own address shows that it was sent from here, so we ask the gateway now, wait a moment for the answer, and show what we know.</summary>
public static partial class ReturnEndpoints
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapMethods("/gateways/{account}/return", ["GET", "POST"], Handle).DisableAntiforgery();

    static async Task<IResult> Handle(
        string account, HttpContext http, OrderEngine engine, GatewayAccounts accounts, ShopperTokens tokens, ShopperDoor door, RateLimits limits, LiveHub live, TimeProvider time,
        ILoggerFactory logs, CancellationToken stop)
    {
        try
        {
            return await Back(account, http, engine, accounts, tokens, limits, live, time, logs, stop);
        }
        catch (Exception fault) when (ShopperDoor.IsOfStore(fault))
        {
            return await door.Fault(http, fault);
        }
    }

    static async Task<IResult> Back(
        string account, HttpContext http, OrderEngine engine, GatewayAccounts accounts, ShopperTokens tokens, RateLimits limits, LiveHub live, TimeProvider time,
        ILoggerFactory logs, CancellationToken stop)
    {
        var (named, token) = InAddress(http.Request);
        if (accounts.Find(account) is not { } entry || !PaymentId.TryParse(named, out var payment)) return SeeOther("/status");
        if (tokens.Check(payment.Order, token) != TokenCheck.Valid) return SeeOther("/status");
        var page = SeeOther($"/pay/{payment}?token={token}");
        // Whoever reloads this address all the time sees what we know, and costs neither the gateway nor us a question.
        if (limits.Exceeds(new ApiCaller(null, payment.Order), http.Connection.RemoteIpAddress) is not null) return page;

        if (Brings(http.Request) && await WebhookEndpoints.ReadRaw(http, time) is { } message && entry.Gateway.ReadReturn(message, entry.Account) is NewsReading.Forged forged)
            LogForged(logs.CreateLogger(typeof(ReturnEndpoints).FullName!), account, payment, forged.Why);

        var reply = await engine.Submit(payment.Order, new OrderCommand.Look(payment.Number, Back: true), stop);
        if (reply is EngineReply.Done { Reply: Reply.Made or Reply.Same } done && Waits(done.Reply, payment.Number) is { } sequence)
            await Wait(live, payment.Order, sequence, stop);
        return page;
    }

    /// <summary>The shopper's way back is stored; that the database went away while we wait for what comes of it costs only the waiting.</summary>
    static async Task Wait(LiveHub live, OrderId order, int sequence, CancellationToken stop)
    {
        try
        {
            await live.WaitForChange(order, sequence, Patience, stop);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
        }
    }

    /// <summary>Something that a gateway said. Who leaves its page by a plain link brings nothing but our own address, and forges nothing.</summary>
    static bool Brings(HttpRequest request) =>
        !HttpMethods.IsGet(request.Method) || request.Query.Any(field => field.Key is not ("payment" or "token") && !string.IsNullOrEmpty(field.Value));

    /// <summary>Ours stand in the address even when the gateway posts a form. Gateways repeat or append parameters; ours are the first of their name, or the
    /// first of all where they stand without their names (<see cref="Wire.WithBareQuery"/>).</summary>
    static (string? Payment, string? Token) InAddress(HttpRequest request) =>
        request.QueryString.Value?.TrimStart('?').Split('&')[0].Split('.') is [var payment, var token] && !payment.Contains('=', StringComparison.Ordinal)
            ? (payment, token)
            : (request.Query["payment"].FirstOrDefault(), request.Query["token"].FirstOrDefault());

    /// <summary>The sequence to wait beyond, while the payment's end is open.</summary>
    static int? Waits(Reply? reply, int payment)
    {
        var order = reply switch { Reply.Made made => made.Order, Reply.Same same => same.Order, _ => null };
        return order?.Payment(payment) is { IsOpen: true } ? order.Sequence : null;
    }

    static SeeOtherResult SeeOther(string path) => new SeeOtherResult(path);

    sealed class SeeOtherResult(string path) : IResult
    {
        public Task ExecuteAsync(HttpContext http)
        {
            // 303 makes a POSTed return a GET, so that reloading the page posts nothing.
            http.Response.StatusCode = StatusCodes.Status303SeeOther;
            http.Response.Headers.Location = path;
            http.Response.Headers.CacheControl = "no-store";
            return Task.CompletedTask;
        }
    }

    [LoggerMessage(50, LogLevel.Warning, "The return to {Account} for {Payment} does not carry the gateway's signature: {Why}")]
    static partial void LogForged(ILogger log, string account, PaymentId payment, string why);
}
