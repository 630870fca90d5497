using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Purser.Server.Checkout;

/// <summary>The few files that pages need, from within the program. Their address holds their hash, so browsers keep them for ever.</summary>
static class OwnFiles
{
    const string Prefix = "wwwroot/";

    static readonly FrozenDictionary<string, (byte[] Bytes, string Hash)> Files = Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).ToFrozenDictionary(n => n[Prefix.Length..], Read, StringComparer.Ordinal);

    public static string Url(string name) => $"/assets/{name}?v={Files[name].Hash}";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/assets/{name}", File).ExcludeFromDescription();
        // Browsers ask for it wherever a document names no icon: for a JSON answer opened in a tab, say.
        routes.MapGet("/favicon.ico", (HttpContext http) => File("purser.svg", http)).ExcludeFromDescription();
    }

    static IResult File(string name, HttpContext http)
    {
        if (!Files.TryGetValue(name, out var file)) return Results.NotFound();
        if (http.Request.Path.StartsWithSegments("/assets", StringComparison.Ordinal)) http.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return Results.Bytes(file.Bytes, Path.GetExtension(name) switch
        {
            ".css" => "text/css; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            ".svg" => "image/svg+xml",
            _ => "application/octet-stream",
        }, entityTag: new EntityTagHeaderValue($"\"{file.Hash}\""));
    }

    static (byte[], string) Read(string resource)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!;
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        var bytes = copy.ToArray();
        return (bytes, Convert.ToHexStringLower(SHA256.HashData(bytes))[..12]);
    }
}
