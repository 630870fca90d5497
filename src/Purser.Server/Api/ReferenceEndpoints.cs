using System.Collections.Frozen;
using System.Net;
using System.Reflection;
using Purser.Server.Platform;

namespace Purser.Server.Api;

/// <summary>/openapi.json, the page that reads it and tries requests (/reference), and what each problem means (/problems/...). Files of the
/// program itself; nothing is fetched from elsewhere.</summary>
public static class ReferenceEndpoints
{
    const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    static readonly FrozenDictionary<string, ProblemType> Types = ProblemTypes.All.ToFrozenDictionary(t => t.Name, StringComparer.Ordinal);

    public static void Map(IEndpointRouteBuilder routes)
    {
        MapFile(routes, "/openapi.json", "openapi.json", "application/json; charset=utf-8");
        MapFile(routes, "/reference", "reference.html", "text/html; charset=utf-8");
        MapFile(routes, "/reference/reference.js", "reference.js", "text/javascript; charset=utf-8");
        MapFile(routes, "/reference/reference.css", "reference.css", "text/css; charset=utf-8");
        routes.MapGet("/problems", (HttpContext http) => ShowAll(http));
        routes.MapGet("/problems/{name}", (string name, HttpContext http) => Types.TryGetValue(name, out var type)
            ? Show(http, type)
            : new Problem(ProblemTypes.RouteUnknown, $"There is no problem called '{name}'.") { Remedy = "See /problems for all of them." });
    }

    static void MapFile(IEndpointRouteBuilder routes, string path, string name, string mediaType)
    {
        var bytes = new Lazy<byte[]>(() => Read(name));
        routes.MapGet(path, (HttpContext http) =>
        {
            Protect(http);
            return Results.Bytes(bytes.Value, mediaType);
        });
    }

    static byte[] Read(string name)
    {
        using var file = Assembly.GetExecutingAssembly().GetManifestResourceStream($"reference/{name}")
            ?? throw new InvalidOperationException($"The file '{name}' was not built in.");
        using var copy = new MemoryStream();
        file.CopyTo(copy);
        return copy.ToArray();
    }

    static void Protect(HttpContext http)
    {
        http.Response.Headers.ContentSecurityPolicy = Policy;
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers["Referrer-Policy"] = "no-referrer";
    }

    static IResult Show(HttpContext http, ProblemType type)
    {
        Protect(http);
        if (!WantsPage(http))
            return Results.Text(RowText(type), "application/json; charset=utf-8");
        return Page(type.Title, $"<h1>{Text(type.Title)}</h1><p><code>{type.Path}</code>, HTTP {type.Status}</p><p>{Text(type.Meaning)}</p><p><strong>What to do:</strong> {Text(type.Remedy)}</p><p><a href=\"/problems\">All problems</a> · <a href=\"/reference\">Reference</a></p>");
    }

    static IResult ShowAll(HttpContext http)
    {
        Protect(http);
        if (!WantsPage(http)) return Results.Text($"[{string.Join(",", ProblemTypes.All.Select(RowText))}]", "application/json; charset=utf-8");
        var rows = string.Concat(ProblemTypes.All.Select(t => $"<tr><td>{t.Status}</td><td><a href=\"{t.Path}\">{t.Name}</a></td><td>{Text(t.Title)}</td></tr>"));
        return Page("Problems", $"<h1>Problems</h1><table><thead><tr><th>Status</th><th>Name</th><th>Title</th></tr></thead><tbody>{rows}</tbody></table>");
    }

    static bool WantsPage(HttpContext http) => http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    static string RowText(ProblemType t) => Engine.RowJson.Text(json =>
    {
        json.WriteStartObject();
        json.WriteString("type", t.Path);
        json.WriteNumber("status", t.Status);
        json.WriteString("title", t.Title);
        json.WriteString("meaning", t.Meaning);
        json.WriteString("remedy", t.Remedy);
        json.WriteEndObject();
    });

    static IResult Page(string title, string body) => Results.Text(
        $"<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{Text(title)} · Purser</title>" +
        $"<link rel=\"icon\" href=\"/favicon.ico\" type=\"image/svg+xml\"><link rel=\"stylesheet\" href=\"/reference/reference.css\"></head><body><main class=\"page\">{body}</main></body></html>", "text/html; charset=utf-8");

    static string Text(string text) => WebUtility.HtmlEncode(text);
}
