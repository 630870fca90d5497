using System.Text;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;

namespace Purser.Server.Checkout;

/// <summary>Renders a component to a whole page of static HTML and says what the browser may do with it: nothing from elsewhere, no
/// script or style but our own files, no frame around it, no copy kept, no search engine, and no address told to strangers.</summary>
public sealed class Pages(IServiceProvider services, ILoggerFactory loggers)
{
    /// <summary>The answer of one page.</summary>
    /// <param name="formTarget">Where a form of this page may lead besides this server.</param>
    /// <param name="frames">It shows a page of this server within itself.</param>
    public async Task<IResult> Show<TPage>(
        HttpContext http, Dictionary<string, object?> parameters, int status = StatusCodes.Status200OK, string formTarget = "", bool frames = false)
        where TPage : IComponent
    {
        // A renderer works for one page at a time, so each page has its own; it costs microseconds.
        await using var renderer = new HtmlRenderer(services, loggers);
        var html = await renderer.Dispatcher.InvokeAsync(async () =>
            (await renderer.RenderComponentAsync<TPage>(ParameterView.FromDictionary(parameters))).ToHtmlString());
        Protect(http, formTarget, frames);
        return TypedResults.Content(html, "text/html; charset=utf-8", Encoding.UTF8, status);
    }

    static void Protect(HttpContext http, string formTarget, bool frames)
    {
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; " +
            $"form-action 'self'{(formTarget.Length > 0 ? " " + formTarget : "")}{(frames ? "; frame-src 'self'" : "")}";
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        // The origin alone: some gateways check which shop a shopper comes from, and the address holds a token.
        headers["Referrer-Policy"] = "strict-origin";
        headers["X-Robots-Tag"] = "noindex, nofollow";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=()";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
    }
}
