using System.Net;
using Purser.Server.Checkout;

namespace Purser.Server.Mail;

/// <summary>Mail as a part of the server, and the page of the mailbox: for development, on this machine.</summary>
static class MailEndpoints
{
    const string Part = "text/html; charset=utf-8";

    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        var options = MailOptions.Of(configuration);
        services.AddSingleton(options).AddSingleton<MailStore>().AddSingleton<ShopperLetters>().AddSingleton<OperatorLetters>().AddSingleton<MailSender>().AddSingleton<Mailbox>();
        services.AddSingleton<IMailLine>(p => options.UsesMailbox ? p.GetRequiredService<Mailbox>() : new SmtpLine(options, p.GetRequiredService<TimeProvider>()));
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ExcludeFromDescription();
        pages.MapGet("/mailbox", (HttpContext http, ShopperDoor door, Pages show, Mailbox box, MailOptions options) =>
            MayLook(http, door, options)
                ? show.Show<MailboxPage>(http, new() { [nameof(MailboxPage.Options)] = door.Options, [nameof(MailboxPage.Letters)] = box.Letters })
                : door.NotFound(http));
        pages.MapGet("/mailbox/{number:int}", (int number, HttpContext http, ShopperDoor door, Pages show, Mailbox box, MailOptions options) =>
            MayLook(http, door, options) && box.Letters.FirstOrDefault(l => l.Number == number) is { } found
                ? show.Show<LetterPage>(http, new() { [nameof(LetterPage.Options)] = door.Options, [nameof(LetterPage.Received)] = found }, frames: true)
                : door.NotFound(http));
        pages.MapGet("/mailbox/{number:int}/enclosure", (int number, HttpContext http, ShopperDoor door, Mailbox box, MailOptions options) =>
            MayLook(http, door, options) && box.Letters.FirstOrDefault(l => l.Number == number)?.Letter.Enclosure is { } enclosure
                ? Task.FromResult(Results.File(enclosure.Bytes, "application/pdf"))
                : door.NotFound(http));
        pages.MapGet("/mailbox/{number:int}/html", async (int number, HttpContext http, ShopperDoor door, Mailbox box, MailOptions options) =>
        {
            if (!MayLook(http, door, options) || box.Letters.FirstOrDefault(l => l.Number == number) is not { } found) return await door.NotFound(http);
            var headers = http.Response.Headers;
            // As a mail program would show it: nothing is fetched, nothing runs, and links open elsewhere.
            headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; form-action 'none'; " +
                "sandbox allow-popups allow-popups-to-escape-sandbox";
            headers.CacheControl = "no-store";
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            return Results.Text(found.Letter.Html.Replace("<meta charset=\"utf-8\">", "<meta charset=\"utf-8\"><base target=\"_blank\">", StringComparison.Ordinal), Part);
        });
    }

    /// <summary>Letters hold the links of shoppers. The name that was asked for counts, too, for a page elsewhere may have a name of its own for this machine.</summary>
    static bool MayLook(HttpContext http, ShopperDoor door, MailOptions options) =>
        options.UsesMailbox && door.Options.Demo && http.Connection.RemoteIpAddress is { } from && IPAddress.IsLoopback(from)
        && http.Request.Host.Host is ("localhost" or "127.0.0.1" or "[::1]");
}
