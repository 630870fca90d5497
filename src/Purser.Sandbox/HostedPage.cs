using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Sandbox;

/// <summary>The page on which a shopper pays, plain and quick. Everything that came from outside is escaped.</summary>
sealed class HostedPage(GatewayWorld world)
{
    internal static readonly (string Outcome, string Label, string Meaning)[] Choices =
    [
        ("declined", "Decline", "The bank says no. You can try again."),
        ("paid_pending", "Pay, confirmed later", "The bank takes the money after a while."),
        ("pending_then_failed", "Pay, refused later", "The bank says no after a while."),
        ("paid_late", "Pay late", "It seems lost; the money is taken in the end."),
        ("paid_twice", "Pay twice", "The money is taken two times."),
        ("wrong_amount", "Pay too little", "One minor unit less than asked for is taken."),
        (Shopper.LeftAtCheck, "Leave at the bank's check", "You are asked who you are, and go back. You can pay again."),
    ];

    const string Style =
        """
        *{box-sizing:border-box}body{margin:0;font:17px/1.5 system-ui,sans-serif;background:#f2f3f7;color:#16181d}
        main{max-width:26rem;margin:0 auto;padding:0 1rem 1rem}.note{background:#5b2a86;color:#fff;text-align:center;padding:.4rem;
        font-weight:600;letter-spacing:.08em}section{background:#fff;border-radius:12px;padding:1rem 1.1rem;margin-top:.8rem}
        h1{font-size:1.1rem;margin:0}h2{font-size:1rem;margin:0}p{margin:.3rem 0;overflow-wrap:anywhere}
        .sum{font-size:2rem;font-weight:700;line-height:1.2;margin:0}.small{color:#4d5360;font-size:.9rem;overflow-wrap:anywhere}
        button,a.b{display:block;width:100%;padding:.7rem;margin:.5rem 0 0;font:inherit;text-align:center;border-radius:8px;
        border:1px solid #767d8c;background:#fff;color:#16181d;text-decoration:none;cursor:pointer}
        button.way{padding:.35rem .8rem;text-align:left;line-height:1.35}.way b{display:block;font-weight:600}.way .small{font-size:.85rem}
        button.main{background:#14532d;border-color:#14532d;color:#fff;font-weight:600}
        button:focus-visible,a:focus-visible{outline:3px solid #1d4ed8;outline-offset:2px}[role=status]{font-weight:600}
        """;

    const string Submit = "document.forms[0].submit()";

    static readonly string SubmitHash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Submit)));

    public async Task Serve(HttpContext context, Link link)
    {
        var gateway = world.Dialect;
        if (HttpMethods.IsPost(context.Request.Method))
        {
            var form = await context.Request.ReadFormAsync(context.RequestAborted);
            var outcome = form["outcome"].ToString();
            if (!Shopper.OutcomesOf(gateway).Contains(outcome))
            {
                await Write(context, 400, link, "There is no such choice.");
                return;
            }

            var result = Shopper.Act(world, link, outcome, null);
            if (result.Return is { } back)
            {
                await gateway.BeforeReturn(link);
                await SendBack(context, back);
                return;
            }

            await Write(context, 200, link, Words(result.Outcome));
            return;
        }

        gateway.Visit(link);
        await Write(context, 200, link, null);
    }

    static string Words(string outcome) => outcome switch
    {
        "declined" => "The bank declined. You can try again.",
        "refused" => "This link can no longer be paid.",
        "paid_pending" or "pending_then_failed" => "The bank has not answered yet. You can close this page.",
        "paid_late" => "The payment seems to have failed. The bank may still say otherwise.",
        "abandoned" or "cancelled" => "Nothing was paid.",
        Shopper.LeftAtCheck => "You left your bank's check. You can pay again.",
        "expired" => "The time of this link is over.",
        _ => "It is paid. You can close this page.",
    };

    async Task Write(HttpContext context, int status, Link link, string? message)
    {
        string state;
        bool payable;
        lock (link.Gate) (state, payable) = (link.Status, link.Payable);
        var page = new StringBuilder(4096);
        page.Append(Head("Sandbox payment"))
            .Append("<div class=\"note\" role=\"note\">SANDBOX &middot; no real money</div><main><section><h1>")
            .Append(Safe(Title(world.Dialect))).Append("</h1><p class=\"sum\">").Append(Safe(Amounts.Text(link.Amount, link.Currency))).Append("</p><p>")
            .Append(Safe(link.Description)).Append("</p><p class=\"small\">Reference ").Append(Safe(link.Reference ?? "none")).Append(" &middot; ")
            .Append(Safe(state)).Append("</p>");
        if (message is not null) page.Append("<p role=\"status\">").Append(Safe(message)).Append("</p>");
        page.Append("</section><section>");
        if (payable) Choose(page, context.Request.Path.Value ?? "/", Amounts.Text(link.Amount, link.Currency));
        else page.Append("<p>This link can no longer be paid.</p>");
        // With a try made or the link over, there is nothing to cancel by leaving.
        WayBack(page, link, context.Request.Path.Value ?? "/", payable, message is null && payable ? "Cancel and go back" : "Back to the shop");
        page.Append("</section></main></body></html>");
        await WriteHtml(context, status, page.ToString());
    }

    /// <summary>As the gateway gives up, where it does; else to the page that the link names.</summary>
    void WayBack(StringBuilder page, Link link, string path, bool payable, string label)
    {
        switch (world.Dialect.CancelReturn(link))
        {
            case { Form: not null } when payable:
                page.Append("<form method=\"post\" action=\"").Append(Safe(path)).Append("\"><button name=\"outcome\" value=\"cancelled\">").Append(label).Append("</button></form>");
                break;
            case { Form: not null } away:
                Post(page, away, $"<button>{label}</button>");
                break;
            case { Url: var url }:
                Visit(page, url, label);
                break;
            case null when world.Dialect.ShopOf(link) is { } url:
                Visit(page, url, "Back to the shop");
                break;
        }
    }

    static void Visit(StringBuilder page, string url, string label) =>
        page.Append("<a class=\"b\" href=\"").Append(Safe(url)).Append("\">").Append(label).Append("</a>");

    static void Post(StringBuilder page, BrowserReturn back, string button)
    {
        page.Append("<form method=\"post\" action=\"").Append(Safe(back.Url)).Append("\">");
        foreach (var (name, value) in back.Form!)
            page.Append("<input type=\"hidden\" name=\"").Append(Safe(name)).Append("\" value=\"").Append(Safe(value)).Append("\">");
        page.Append(button).Append("</form>");
    }

    /// <summary>For a link that is not known: the sandbox was started anew, most often.</summary>
    internal static string Lost(IGatewayDialect gateway) => new StringBuilder(Head("Sandbox payment"))
        .Append("<div class=\"note\" role=\"note\">SANDBOX &middot; no real money</div><main><section><h1>").Append(Safe(Title(gateway)))
        .Append("</h1><p>This sandbox knows no such link. It forgets its links when it stops, so one of an earlier start leads nowhere.</p>")
        .Append("<p>Go back to the shop and start the payment again.</p></section></main></body></html>").ToString();

    static string Head(string title) =>
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">" +
        $"<title>{title}</title><style>{Style}</style></head><body>";

    /// <summary>A gateway that returns by POST has the browser send a form; the button is for a browser without script.</summary>
    static async Task SendBack(HttpContext context, BrowserReturn back)
    {
        if (back.Form is null)
        {
            context.Response.StatusCode = 303;
            context.Response.Headers.Location = back.Url;
            return;
        }
        var page = new StringBuilder(2048).Append(Head("Going back")).Append("<main><section><h1>Going back to the shop</h1>");
        Post(page, back, "<button class=\"main\">Continue</button>");
        page.Append("</section></main><script>").Append(Submit).Append("</script></body></html>");
        await WriteHtml(context, 200, page.ToString());
    }

    void Choose(StringBuilder page, string path, string sum)
    {
        page.Append("<h2>What shall happen?</h2><form method=\"post\" action=\"").Append(Safe(path))
            .Append("\"><button name=\"outcome\" value=\"paid\" class=\"main\">Pay ").Append(Safe(sum)).Append("</button>");
        foreach (var (outcome, label, meaning) in Choices.Where(c => Shopper.OutcomesOf(world.Dialect).Contains(c.Outcome)))
            page.Append("<button class=\"way\" name=\"outcome\" value=\"").Append(outcome).Append("\"><b>").Append(label)
                .Append("</b><span class=\"small\">").Append(meaning).Append("</span></button>");
        page.Append("</form>");
    }

    static string Title(IGatewayDialect gateway) => $"{gateway.Title} sandbox";

    internal static async Task WriteHtml(HttpContext context, int status, string page)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.ContentSecurityPolicy = $"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{SubmitHash}'";
        await context.Response.WriteAsync(page, context.RequestAborted);
    }

    internal static string Safe(string text) => WebUtility.HtmlEncode(text);
}
