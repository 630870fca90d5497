using System.Text;
using static Purser.Sandbox.HostedPage;

namespace Purser.Sandbox;

/// <summary>What a person sees at the control address: the gateways with their newest links, money and faults.</summary>
static class IndexPage
{
    const int RowsShown = 50;

    public static Task Write(HttpContext context, Sandbox sandbox)
    {
        var page = new StringBuilder(16_384);
        page.Append("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" ")
            .Append("content=\"width=device-width,initial-scale=1\"><title>Sandbox</title><style>body{font:16px/1.5 system-ui,")
            .Append("sans-serif;margin:1rem;color:#16181d}table{border-collapse:collapse;display:block;overflow-x:auto}")
            .Append("td,th{text-align:left;padding:.2rem .8rem .2rem 0;white-space:nowrap}</style></head><body><main>")
            .Append("<h1>Sandbox</h1><p>Gateways that move no real money. Time runs ").Append(sandbox.Speed)
            .Append(" times as fast for retries and delays.</p>");
        foreach (var world in sandbox.Worlds) Gateway(page, world);
        return WriteHtml(context, 200, page.Append("</main></body></html>").ToString());
    }

    static void Gateway(StringBuilder page, GatewayWorld world)
    {
        page.Append("<h2>").Append(Safe(world.Dialect.Name)).Append("</h2><p>").Append(Safe(world.Address.ToString()))
            .Append(" &middot; webhooks go to ").Append(Safe(world.Webhooks.Endpoint.Url?.ToString() ?? "nobody yet"))
            .Append("</p><h3>Links</h3>");
        Table(page, ["Reference", "Amount", "Status", "Page"], world.Dialect.Links().TakeLast(RowsShown).Reverse().Select(l =>
        {
            lock (l.Gate)
            {
                var open = l.Url is { } url ? $"<a href=\"{Safe(url)}\">{Safe(l.Id)}</a>" : Safe(l.Id);
                return new[] { Safe(l.Reference ?? ""), Safe(Sum(l.Amount, l.Currency)), Safe(l.Status), open };
            }
        }));
        page.Append("<h3>Book</h3>");
        Table(page, ["Reference", "Kind", "Amount", "Money"], world.Book.Movements.TakeLast(RowsShown).Reverse().Select(m =>
            new[] { Safe(m.Reference ?? ""), m.Kind, Safe(Sum(m.Amount, m.Currency)), Safe(m.MoneyId) }));
        page.Append("<h3>Faults</h3>");
        Table(page, ["Call", "Fault", "Times", "Struck"], world.Faults.Rules.Zip(world.Faults.Struck, (r, struck) =>
            new[] { Safe(r.Call), Safe(r.Fault), r.Times == 0 ? "always" : $"{r.Times}", $"{struck}" }));
    }

    static void Table(StringBuilder page, string[] heads, IEnumerable<string[]> rows)
    {
        page.Append("<table><thead><tr>");
        foreach (var head in heads) page.Append("<th scope=\"col\">").Append(head).Append("</th>");
        page.Append("</tr></thead><tbody>");
        foreach (var row in rows)
        {
            page.Append("<tr>");
            foreach (var cell in row) page.Append("<td>").Append(cell).Append("</td>");
            page.Append("</tr>");
        }

        page.Append("</tbody></table>");
    }
}
