using Purser.Server.Mail;

namespace Purser.Server.Checkout;

/// <summary>/: for a demo, one click to an order; else the look-up.</summary>
static class StartPages
{
    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/", async Task<IResult> (HttpContext http, ShopperDoor door, Pages show, CheckoutStore store, MailOptions mail) =>
        {
            if (!door.Options.Demo) return await StatusPages.Form(http, door, show);
            try
            {
                return await show.Show<StartPage>(http, new()
                {
                    [nameof(StartPage.Options)] = door.Options,
                    [nameof(StartPage.Mailbox)] = mail.UsesMailbox,
                    [nameof(StartPage.Links)] = door.Links,
                    [nameof(StartPage.Recent)] = await store.DemoOrders(http.RequestAborted),
                    [nameof(StartPage.Gateways)] = door.Accounts.InOrder.Select(e => door.Title(e.Account.Name)).ToList(),
                });
            }
            catch (Exception fault) when (ShopperDoor.IsOfStore(fault))
            {
                return await door.Fault(http, fault);
            }
        });
        pages.MapPost("/demo/order", async (HttpContext http, ShopperDoor door, DemoOrder demo) =>
            !door.Options.Demo ? await door.NotFound(http)
            : await demo.Place(http.RequestAborted) is { } order ? CheckoutEndpoints.Go(door.Links.Checkout(order))
            : await door.Away(http));
    }
}
