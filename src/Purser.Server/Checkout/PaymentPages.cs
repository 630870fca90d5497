using System.Globalization;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Engine;
using Purser.Server.Live;

namespace Purser.Server.Checkout;

/// <summary>/pay/{payment}: how a payment stands; /pay/{payment}/go: on to the gateway's page. Opening either pays nothing, however often and by whom;
/// that a form was handed out is written down.</summary>
static class PaymentPages
{
    static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(4);
    static readonly TimeSpan AskPatience = TimeSpan.FromSeconds(3);

    /// <summary>Nobody pays on a gateway's page faster than this.</summary>
    static readonly TimeSpan FirstVisit = TimeSpan.FromSeconds(15);

    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/pay/{id}", (string id, HttpContext http, ShopperDoor door, Pages show) =>
            door.OpenPayment(http, id, http.Request.Query["token"], (found, number) => StatusPages.Show(http, door, show, found, number, part: false)));
        pages.MapGet("/pay/{id}/part", (string id, HttpContext http, ShopperDoor door, Pages show) =>
            door.OpenPayment(http, id, http.Request.Query["token"], (found, number) => StatusPages.Show(http, door, show, found, number, part: true)));
        pages.MapGet("/pay/{id}/go", (string id, HttpContext http, ShopperDoor door, Pages show, OrderEngine engine, LiveHub live) =>
            door.OpenPayment(http, id, http.Request.Query["token"], async (found, number) =>
            {
                if (PostsAnew(door, found, number)) return await HandOut(http, door, show, engine, live, found, number);
                if (!MayHavePosted(found, number)) return await HandOver(http, door, show, found, number);
                // A form can be posted again, and paid again. So the gateway is asked first; then this same page decides by what is known.
                await engine.Submit(found.Order.Id, new OrderCommand.Look(number), http.RequestAborted);
                await live.WaitForChange(found.Order.Id, found.Order.Sequence, AskPatience, http.RequestAborted);
                return await door.OpenPayment(http, id, http.Request.Query["token"], (now, again) => HandOver(http, door, show, now, again));
            }));
        pages.MapPost("/pay/{id}/cancel", Cancel);
    }

    public static bool CanCancel(ShopperDoor door, Payment payment) =>
        payment is { Status: PaymentStatus.Pending, CancelAsked: false } && door.Accounts.Terms.TryGetValue(payment.Account, out var terms) && terms.CanCancel;

    /// <summary>The shopper had the form before, long enough ago to have paid with it, and nobody has asked since.</summary>
    static bool MayHavePosted(ShopperOrder found, int number) =>
        found.Order.Payment(number) is { Status: PaymentStatus.Pending, Link: PaymentLink.Form, LinkOpenedAt: { } opened } payment
        && found.Now - opened > FirstVisit && !(found.Now - payment.LookedAt < FirstVisit);

    static bool PostsAnew(ShopperDoor door, ShopperOrder found, int number) => found.Order.Payment(number) is { Link: PaymentLink.Form } payment && door.PostsAnew(payment.Account);

    static async Task<IResult> HandOut(HttpContext http, ShopperDoor door, Pages pages, OrderEngine engine, LiveHub live, ShopperOrder found, int number)
    {
        var (id, stop) = (found.Order.Id, http.RequestAborted);
        return await FormHandOver.Ask(engine, id, number, found.Now, after => live.WaitForChange(id, after, AskPatience, stop), stop) switch
        {
            EngineReply.Done { Reply: Reply.Made made } => await HandOver(http, door, pages, found with { Order = made.Order }, number),
            EngineReply.Done => CheckoutEndpoints.Go(door.LinksOf(http).Payment(found.Order, number)),
            _ => await door.Away(http),
        };
    }

    static async Task<IResult> HandOver(HttpContext http, ShopperDoor door, Pages pages, ShopperOrder found, int number)
    {
        var order = found.Order;
        var payment = order.Payment(number)!;
        var payable = order is { HasEnded: false, ClosingAt: null, PayingPayment: null } && found.Now < order.ExpiresAt && !payment.CancelAsked;
        if (!payable || payment.Status is not (PaymentStatus.Starting or PaymentStatus.Pending or PaymentStatus.Unresolved)
            || (payment.Status != PaymentStatus.Starting && payment.Link is null))
            return CheckoutEndpoints.Go(door.LinksOf(http).Payment(order, number));

        var (address, fields) = payment.Link switch
        {
            PaymentLink.Redirect link => (link.Url, null),
            PaymentLink.Form form => (form.Url, form.Fields),
            _ => (null, null),
        };
        // What a gateway hands us goes into the shopper's address bar: nothing but the web.
        if (address is not null && !(Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http"))
            return CheckoutEndpoints.Go(door.LinksOf(http).Payment(order, number));
        // Not as a redirect: browsers hold the checkout's form to its own policy along the whole way, and the gateway is not on it. A refresh
        // at once is a new step, leaves no page behind to fall back on, and needs no script.
        if (address is not null && fields is null) http.Response.Headers["Refresh"] = $"0; url={Ascii(address)}";
        return await pages.Show<HandOverPage>(http, new()
        {
            [nameof(HandOverPage.Options)] = door.Options,
            [nameof(HandOverPage.Order)] = order,
            [nameof(HandOverPage.Payment)] = payment,
            [nameof(HandOverPage.Gateway)] = door.Title(payment.Account),
            [nameof(HandOverPage.Links)] = door.LinksOf(http),
            [nameof(HandOverPage.Address)] = address,
            [nameof(HandOverPage.Fields)] = fields,
        }, formTarget: fields is null ? "" : FormTarget(address!));
    }

    /// <summary>Gateways that take a form send the browser on to a host of theirs that nobody tells us, and browsers hold that to the policy too; so
    /// with https, any host. The form's own target is ours to set in any case.</summary>
    static string FormTarget(string address)
    {
        var uri = new Uri(address);
        return uri.Scheme == Uri.UriSchemeHttps ? "https:" : uri.GetLeftPart(UriPartial.Authority);
    }

    static string Ascii(string address) => address.All(c => c is > ' ' and < (char)127) ? address : new Uri(address).AbsoluteUri;

    /// <summary>The shopper wants another way: the link is closed at the gateway first, so that nothing can be paid twice.</summary>
    static async Task<IResult> Cancel(string id, HttpContext http, ShopperDoor door, OrderEngine engine, LiveHub live)
    {
        if (await SmallForm.Read(http) is not { } form) return await door.NotFound(http);
        return await door.OpenPayment(http, id, form["token"], async (found, number) =>
        {
            var order = found.Order;
            var payment = order.Payment(number)!;
            if (!CanCancel(door, payment))
                return CheckoutEndpoints.Go(payment.IsOpen || order.HasEnded ? door.LinksOf(http).Payment(order, number) : door.LinksOf(http).Checkout(order));
            if (await engine.Submit(order.Id, new OrderCommand.CancelPayment(number), http.RequestAborted) is EngineReply.Busy) return await door.Away(http);
            var closed = await live.WaitForChange(order.Id, order.Sequence, ClosePatience, http.RequestAborted);
            return CheckoutEndpoints.Go(closed ? door.LinksOf(http).Checkout(order) : door.LinksOf(http).Payment(order, number));
        });
    }
}
