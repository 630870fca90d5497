using Microsoft.AspNetCore.Http.HttpResults;
using Purser.Client;
using Shop;
using Shop.Pages;

var builder = WebApplication.CreateBuilder(args);
var settings = builder.Configuration.GetRequiredSection("Purser");
var purserAddress = settings.GetValue<Uri>("Address")!;
builder.Services.AddRazorComponents();
builder.Services.AddPurser(options => (options.Address, options.SecretKey) = (purserAddress, settings["SecretKey"]!));
builder.Services.AddSingleton(new PurserWebhooks(settings["WebhookSecret"]!));
builder.Services.AddSingleton(new Parcels(builder.Configuration["Parcels"] ?? Path.Combine(builder.Environment.ContentRootPath, "leaf-and-kettle.parcels")));
var app = builder.Build();

app.Use(async (http, next) =>
{
    // A page of somebody else's must not fill this cart. Browsers say where a request comes from; the webhook, which comes from none, has neither header.
    var (site, origin) = (http.Request.Headers["Sec-Fetch-Site"].ToString(), http.Request.Headers.Origin.ToString());
    var foreign = site.Length > 0 ? site is not ("same-origin" or "none") : origin.Length > 0 && !origin.EndsWith($"://{http.Request.Host}", StringComparison.OrdinalIgnoreCase);
    // Nothing from elsewhere, no script within a page; the one form that leads away leads to the checkout.
    http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
        $"frame-ancestors 'none'; form-action 'self' {purserAddress.GetLeftPart(UriPartial.Authority)}";
    http.Response.Headers.XContentTypeOptions = "nosniff";
    if (foreign && HttpMethods.IsPost(http.Request.Method)) http.Response.StatusCode = StatusCodes.Status403Forbidden;
    else await next();
});
app.UseStatusCodePages(answer => answer.HttpContext.Response.StatusCode == 404
    ? new RazorComponentResult<NothingPage> { StatusCode = 404 }.ExecuteAsync(answer.HttpContext) : Task.CompletedTask);
app.UseStaticFiles();
app.MapGet("/", (HttpRequest request) => new RazorComponentResult<CataloguePage>(new { Cart = Cart.Of(request) }));
app.MapGet("/cart", (HttpRequest request) => new RazorComponentResult<CartPage>(new { Cart = Cart.Of(request) }));
app.MapPost("/cart", async (HttpRequest request, HttpResponse response) =>
{
    var form = await request.ReadFormAsync();
    if (Catalogue.Find(form["tea"]) is not { } tea) return Results.NotFound();
    var cart = Cart.Of(request);
    cart.With(tea, int.TryParse(form["quantity"], out var quantity) ? quantity : cart.Quantity(tea) + 1).Keep(response);
    return Results.Redirect("/cart");
});

// Places the order and sends the shopper to Purser's checkout. Pressed twice, or again after "back", it is the same reference, so the same order.
app.MapPost("/checkout", async (HttpRequest request, HttpResponse response, PurserClient purser, ILogger<Program> log) =>
{
    var form = await request.ReadFormAsync();
    var (cart, name, email) = (Cart.Of(request), form["name"].ToString().Trim(), form["email"].ToString().Trim());
    if (cart.IsEmpty) return Results.Redirect("/");
    try
    {
        var order = await Place(purser, request, cart, name, email);
        if (order.Shopper.MayOrderAgain)
        {
            (cart = cart.Renewed()).Keep(response);
            order = await Place(purser, request, cart, name, email);
        }
        return Results.Redirect(order.Shopper.MayPay ? order.CheckoutUrl : $"/return/{order.Reference}");
    }
    catch (PurserException e)
    {
        // What the shopper typed they can correct; the rest is ours to mend, and the call is safe to make again.
        var (fault, status) = e is PurserProblemException { Field: { } field } no && field.StartsWith("customer.") ? ($"Please look at the {field[(field.IndexOf('.') + 1)..]} again.", 422)
            : ("The checkout is not to be had just now. Nothing was paid; please try again.", 503);
        if (status == 503) log.LogError(e, "The order was not placed.");
        return new RazorComponentResult<CartPage>(new { Cart = cart, Name = name, Email = email, Fault = fault }) { StatusCode = status };
    }
});

// Where the checkout sends the shopper in the end. What their browser says proves nothing: the order is asked for.
app.MapGet("/return/{reference}", async (string reference, HttpRequest request, HttpResponse response, PurserClient purser) =>
{
    if (await Find(purser, reference) is not { } order) return Results.NotFound();
    if (order.PaidBy is not null && reference.StartsWith(Cart.Prefix + Cart.Of(request).Number, StringComparison.Ordinal)) Cart.Empty.Keep(response);
    return Results.Redirect($"/orders/{reference}");
});

app.MapGet("/orders/{reference}", async (string reference, PurserClient purser) =>
    await Find(purser, reference) is { } order ? (IResult)new RazorComponentResult<OrderPage>(new { Order = order }) : Results.NotFound());

// A line for each change of the order, for the page's script. The stream ends with the browser's connection or with the shop.
app.MapGet("/orders/{reference}/live", async (string reference, PurserClient purser, IHostApplicationLifetime shop) => await Find(purser, reference) is { } order
    ? Results.ServerSentEvents(purser.Watch(order.Id, stop: shop.ApplicationStopping).Select(change => $"{change.Sequence}")) : Results.NotFound());

// Purser tells of what happened here, at least once. An answer other than 2xx lets the message come again.
app.MapPost("/purser/webhook", async (HttpRequest request, PurserWebhooks webhooks, PurserClient purser, Parcels parcels, ILogger<Program> log) =>
{
    using var body = new MemoryStream();
    await request.Body.CopyToAsync(body);
    if (!webhooks.TryRead(body.ToArray(), name => request.Headers[name], out var news, out var why))
    {
        log.LogWarning("A webhook was refused: {Why}", why);
        return Results.Unauthorized();
    }
    if (news.Type == EventTypes.DiscrepancyOpened) log.LogWarning("Look at order {Order}: {Why}", news.Data.Order?.Id, news.Data.Reason ?? news.Type);
    // Whatever is told, the order as it stands now decides: not if its money went back meanwhile, or is in doubt; then later news release it.
    if (news.Data.Order is { } told && await purser.Orders.Get(told.Id) is { Fulfilment: Fulfilment.Waiting or Fulfilment.Done } order && Cart.Ours.IsMatch(order.Reference ?? ""))
    {
        // Said again it is the same, so it may come before the note that the order was packed; the parcel may not.
        await purser.Orders.Fulfil(order.Id);
        if (parcels.Add(order.Id)) log.LogInformation("Order {Order} is packed: {Lines}", order.Id, string.Join(", ", order.Lines.Select(l => $"{l.Quantity} x {l.Name}")));
    }
    return Results.Ok();
});

app.Run();

static async Task<Order?> Find(PurserClient purser, string reference) => Cart.Ours.IsMatch(reference) ? await purser.Orders.Find(reference) : null;
static Task<Order> Place(PurserClient purser, HttpRequest request, Cart cart, string name, string email)
{
    var reference = cart.Reference(name, email);
    return purser.Orders.Place(new NewOrder
    {
        Reference = reference,
        Lines = [.. cart.Lines.Select(l => new NewOrderLine(l.Tea.Name, l.Quantity, l.Tea.Price) { Hsn = l.Tea.Hsn, TaxRate = l.Tea.TaxRate })],
        Customer = new Customer { Name = name, Email = email, Country = "IN" },
        ReturnUrl = $"{request.Scheme}://{request.Host}/return/{reference}",
    });
}
