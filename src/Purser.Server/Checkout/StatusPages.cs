using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Threading.RateLimiting;
using Purser.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Checkout;

/// <summary>/status: finds a payment by order number and mail address; /status/{order}: how it stands, without a button that moves anything.</summary>
static class StatusPages
{
    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/status", (HttpContext http, ShopperDoor door, Pages show) => Form(http, door, show));
        pages.MapPost("/status", LookUp);
        pages.MapGet("/status/{id}", (string id, HttpContext http, ShopperDoor door, Pages show) =>
            door.Open(http, id, http.Request.Query["token"], found => Show(http, door, show, found, null, part: false)));
        pages.MapGet("/status/{id}/part", (string id, HttpContext http, ShopperDoor door, Pages show) =>
            door.Open(http, id, http.Request.Query["token"], found => Show(http, door, show, found, null, part: true)));
    }

    /// <param name="payment">Its page; null for the order's own, which only tells.</param>
    /// <param name="part">Only what changes, for the script that keeps an open page up to date.</param>
    public static Task<IResult> Show(HttpContext http, ShopperDoor door, Pages pages, ShopperOrder found, int? payment, bool part)
    {
        var view = new StatusView(door.Options, found, payment, Situation.Of(found.Order, payment, found.Now, door.Title, door.PostsAnew), door.LinksOf(http), door.Title,
            payment is not null && found.Order.OpenPayment is { } open && PaymentPages.CanCancel(door, open),
            found.Order.Payments.Any(p => door.Accounts.Find(p.Account)?.Account.TestMode == true));
        var parameters = new Dictionary<string, object?> { [nameof(StatusPage.View)] = view };
        return part ? pages.Show<StatusPart>(http, parameters) : pages.Show<StatusPage>(http, parameters);
    }

    public static Task<IResult> Form(
        HttpContext http, ShopperDoor door, Pages pages, string? complaint = null, string? order = null, string? email = null, int status = StatusCodes.Status200OK) =>
        pages.Show<LookUpPage>(http, new()
        {
            [nameof(LookUpPage.Options)] = door.Options,
            [nameof(LookUpPage.Complaint)] = complaint,
            [nameof(LookUpPage.Order)] = order,
            [nameof(LookUpPage.Email)] = email,
        }, status);

    static async Task<IResult> LookUp(HttpContext http, ShopperDoor door, Pages pages, LookUps lookUps)
    {
        var form = await SmallForm.Read(http);
        string order = form?["order"].ToString().Trim() ?? "", email = form?["email"].ToString().Trim() ?? "";
        // No order has such a sign; and PostgreSQL takes no zero byte.
        if (HidesSign(order)) return await Form(http, door, pages, Texts.LookUpHidden(Texts.OrderNumber), null, email, StatusCodes.Status400BadRequest);
        if (HidesSign(email)) return await Form(http, door, pages, Texts.LookUpHidden(Texts.LookUpEmail), order, null, StatusCodes.Status400BadRequest);
        if (order.Length == 0 || email.Length == 0) return await Form(http, door, pages, Texts.LookUpIncomplete, order, email, StatusCodes.Status400BadRequest);
        if (!lookUps.MayAsk(http.Connection.RemoteIpAddress))
        {
            http.Response.Headers.RetryAfter = "60";
            return await Form(http, door, pages, Texts.LookUpTooOften, order, email, StatusCodes.Status429TooManyRequests);
        }
        try
        {
            return await lookUps.Find(order, email, http.RequestAborted) is { } found
                ? CheckoutEndpoints.Go($"/status/{found.Id}?token={found.Token}")
                : await Form(http, door, pages, Texts.LookUpNothing, order, email, StatusCodes.Status404NotFound);
        }
        catch (Exception fault) when (ShopperDoor.IsOfStore(fault))
        {
            return await door.Fault(http, fault);
        }
    }

    static bool HidesSign(string field) => field.Any(char.IsControl);
}

/// <summary>Finds an order for a shopper who knows its number and its mail address, seldom enough that nobody can try many.</summary>
sealed class LookUps(CheckoutStore store, ShopperTokens tokens, CheckoutOptions options) : IDisposable
{
    readonly PartitionedRateLimiter<string> limit = PartitionedRateLimiter.Create<string, string>(address =>
        RateLimitPartition.GetSlidingWindowLimiter(address, _ => new SlidingWindowRateLimiterOptions
        {
            PermitLimit = options.LookUpsPerMinute,
            Window = TimeSpan.FromMinutes(1),
            SegmentsPerWindow = 4,
        }));

    public bool MayAsk(IPAddress? address)
    {
        using var lease = limit.AttemptAcquire(Network(address));
        return lease.IsAcquired;
    }

    /// <summary>Whether the order is unknown or the mail address wrong, the way here is the same, and so is its length.</summary>
    public async Task<(OrderId Id, string Token)?> Find(string number, string email, CancellationToken stop)
    {
        OrderId? id = OrderId.TryParse(number.ToLowerInvariant(), out var parsed) ? parsed : null;
        var found = await store.LookUp(id, number, stop);
        var right = CryptographicOperations.FixedTimeEquals(Digest(found?.Email ?? ""), Digest(email));
        return right && found is { Email.Length: > 0 } order ? (order.Id, tokens.Now(order.Id)) : null;
    }

    public void Dispose() => limit.Dispose();

    static byte[] Digest(string email) => SHA256.HashData(Encoding.UTF8.GetBytes(email.Trim().ToLowerInvariant()));

    /// <summary>A household has one IPv4 address or one /64 of IPv6.</summary>
    static string Network(IPAddress? address)
    {
        if (address is null) return "";
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        var bytes = address.GetAddressBytes();
        return Convert.ToHexString(bytes.Length == 16 ? bytes.AsSpan(0, 8) : bytes);
    }
}
