using Purser.Orders;
using Purser.Payments;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Live;
using Purser.Server.Platform;
using Purser.Server.Returns;

namespace Purser.Server.Checkout;

/// <summary>One way to pay: a method, for which routing finds the gateway, or a gateway whose own page decides.</summary>
/// <param name="Value">What the form sends.</param>
/// <param name="Account">The gateway account; null when routing finds it.</param>
/// <param name="Title">The method; of a gateway whose own page decides, the gateway.</param>
public sealed record Way(string Value, string? Method, string? Account, string Title)
{
    const string Page = "page:";

    /// <summary>So many are shown at once; more than these and one are behind a fold.</summary>
    public const int Shown = 4;

    /// <summary>All that can work for the order, the commonest first. A wallet that has a name stands before those that have none.</summary>
    public static IReadOnlyList<Way> For(Order order, GatewayAccounts accounts, Func<string, string> title)
    {
        var table = accounts.Routing;
        var ways = new List<Way>();
        var offers = table.Accounts.SelectMany(a => a.Offers).GroupBy(o => o.Method)
            .OrderBy(o => PaymentMethods.Common.IndexOf(o.Key) is >= 0 and var place ? place : PaymentMethods.Common.IndexOf(PaymentMethods.Wallet) - 0.5);
        foreach (var offer in offers)
        {
            if (!table.Accounts.Any(a => a.WhyNot(order.Amount, order.Customer.Country, offer.Key) is null)) continue;
            ways.Add(new Way(offer.Key, offer.Key, null, offer.Select(o => o.Title).FirstOrDefault(t => t is not null) ?? Texts.Method(offer.Key)));
        }
        foreach (var account in table.Accounts.Where(a => a.Offers.IsEmpty && a.WhyNot(order.Amount, order.Customer.Country, null) is null))
            ways.Add(new Way(Page + account.Name, null, account.Name, title(account.Name)));
        return ways;
    }
}

/// <summary>/checkout/{order}: what is bought, how to pay, and the one button that starts a payment.</summary>
public static class CheckoutEndpoints
{
    /// <summary>How long a press on Pay waits for the gateway's link before the waiting page takes over.</summary>
    static readonly TimeSpan LinkPatience = TimeSpan.FromSeconds(4);

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton(s => CheckoutOptions.From(s.GetRequiredService<IConfiguration>(), s.GetRequiredService<PurserOptions>()));
        services.AddSingleton(p => new ShopperLinks(p.GetRequiredService<ShopperTokens>()));
        services.AddSingleton<CheckoutStore>();
        services.AddSingleton<Pages>();
        services.AddSingleton<ShopperDoor>();
        services.AddSingleton<LookUps>();
        services.AddSingleton<DemoOrder>();
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ExcludeFromDescription();
        pages.MapGet("/checkout/{id}", (string id, HttpContext http, ShopperDoor door, Pages show) =>
            door.Open(http, id, http.Request.Query["token"], found => Show(http, door, show, found)));
        pages.MapPost("/checkout/{id}", Pay);
        PaymentPages.Map(pages);
        StatusPages.Map(pages);
        StartPages.Map(pages);
        OwnFiles.Map(pages);
    }

    /// <summary>A page for addresses that no slice knows. Not a route, for a route that takes everything would hide the wrong methods of others.
    /// The API and the gateways have answers of their own.</summary>
    public static void Use(WebApplication app) => app.Use(async (http, next) =>
    {
        await next(http);
        if (http.Response is { HasStarted: false, StatusCode: StatusCodes.Status404NotFound } && http.GetEndpoint() is null
            && !http.Request.Path.StartsWithSegments("/v1", StringComparison.Ordinal)
            && !http.Request.Path.StartsWithSegments("/gateways", StringComparison.Ordinal))
            await (await http.RequestServices.GetRequiredService<ShopperDoor>().NotFound(http)).ExecuteAsync(http);
    });

    static Task<IResult> Show(HttpContext http, ShopperDoor door, Pages pages, ShopperOrder found, string? complaint = null)
    {
        var order = found.Order;
        // With a payment begun or the order over, there is something better to show than a choice.
        var last = order.PayingPayment ?? order.Payments.LastOrDefault();
        if (order.HasEnded || order.ClosingAt is not null || last is { IsPaying: true })
            return Task.FromResult(Results.Redirect(last is null ? door.LinksOf(http).Status(order) : door.LinksOf(http).Payment(order, order.PaidBy ?? last.Number)));

        return pages.Show<CheckoutPage>(http, new()
        {
            [nameof(CheckoutPage.Options)] = door.Options,
            [nameof(CheckoutPage.Found)] = found,
            [nameof(CheckoutPage.Links)] = door.LinksOf(http),
            [nameof(CheckoutPage.Ways)] = Way.For(order, door.Accounts, door.Title),
            [nameof(CheckoutPage.Situation)] = Situation.Of(order, null, found.Now, door.Title, door.PostsAnew),
            [nameof(CheckoutPage.TestMode)] = door.Accounts.For(order.Amount, order.Customer.Country).Any(e => e.Account.TestMode),
            [nameof(CheckoutPage.CanCancel)] = order.OpenPayment is { } open && PaymentPages.CanCancel(door, open),
            [nameof(CheckoutPage.Complaint)] = complaint,
        }, complaint is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
    }

    static async Task<IResult> Pay(string id, HttpContext http, ShopperDoor door, Pages pages, OrderEngine engine, LiveHub live)
    {
        if (await SmallForm.Read(http) is not { } form) return await door.NotFound(http);
        return await door.Open(http, id, form["token"], async found =>
        {
            var order = found.Order;
            var way = Way.For(order, door.Accounts, door.Title).FirstOrDefault(w => w.Value == form["way"]);
            // A payment that is open already needs no choice: it is gone on with.
            if (way is null && order.OpenPayment is null && !order.HasEnded) return await Show(http, door, pages, found, Texts.ChooseOne);
            // A method is routed; a gateway's own page was chosen by name.
            var command = new OrderCommand.StartPayment(way is { Method: null } ? way.Account : null, way?.Method);
            var reply = await engine.Submit(order.Id, command, http.RequestAborted);
            switch (reply)
            {
                case EngineReply.Done { Reply: Reply.Made { Payment: { } number } made }:
                    await WaitForLink(live, made.Order, http.RequestAborted);
                    return Go(door.LinksOf(http).HandOver(order, number));
                case EngineReply.Done { Reply: Reply.Refused { Why: Refusal.GatewayUnsuitable } }:
                    return await Show(http, door, pages, found, Texts.NoWay);
                case EngineReply.Done { Reply: Reply.Same { Payment: { } number } same }:
                    // The page of the payment that is there, told as such when it is not what was chosen.
                    var there = same.Order.Payment(number)!;
                    return Go(there.IsOpen && (way is null || way.Method == there.Method)
                        ? door.LinksOf(http).HandOver(order, number)
                        : door.LinksOf(http).Payment(order, number));
                case EngineReply.Done { Reply: Reply.Refused { Why: Refusal.TooManyPayments } }:
                    return await door.Notice(http, 409, Texts.TooManyTries, Texts.TooManyTriesWords);
                case EngineReply.Done:
                    // Paid, expired or cancelled meanwhile: the status page says which.
                    return Go(order.Payments.Length > 0 ? door.LinksOf(http).Payment(order, order.PaidBy ?? order.Payments.Length) : door.LinksOf(http).Status(order));
                default:
                    http.Response.Headers.RetryAfter = "2";
                    return await door.Notice(http, 503, Texts.NotNow, Texts.NotNowWords, back: door.LinksOf(http).Checkout(order), backText: Texts.BackToCheckout);
            }
        });
    }

    static async Task WaitForLink(LiveHub live, Order order, CancellationToken stop) =>
        await live.WaitForChange(order.Id, order.Sequence, LinkPatience, stop);

    /// <summary>See other: the browser asks for it with GET, and going back never posts again.</summary>
    public static IResult Go(string address) => new SeeOther(address);

    sealed class SeeOther(string address) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
            httpContext.Response.Headers.Location = address;
            httpContext.Response.Headers.CacheControl = "no-store";
            return Task.CompletedTask;
        }
    }
}

/// <summary>The forms of our pages have a few short fields; nothing larger is read.</summary>
static class SmallForm
{
    const int MostBytes = 4096;

    public static async Task<IFormCollection?> Read(HttpContext http)
    {
        if (http.Request.ContentLength is null or > MostBytes || !http.Request.HasFormContentType) return null;
        try
        {
            return await http.Request.ReadFormAsync(http.RequestAborted);
        }
        catch (Exception e) when (e is InvalidDataException or BadHttpRequestException or IOException)
        {
            return null;
        }
    }
}
