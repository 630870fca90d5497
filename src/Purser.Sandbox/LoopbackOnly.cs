using System.Net;

namespace Purser.Sandbox;

/// <summary>Who may speak to the control port. It listens on loopback, but a browser on this machine carries any page's wishes there:
/// a page elsewhere must neither press its buttons nor, by a name that it makes point here, read what it says.</summary>
static class LoopbackOnly
{
    /// <summary>Null when the request is let in; else why not.</summary>
    public static string? WhyNot(HttpRequest request)
    {
        if (!IsLoopback(request.Host.Host))
            return $"The control port answers to localhost and 127.0.0.1 only, and not to '{request.Host.Host}'.";
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) return null;
        // A program sends neither header. A browser sends Origin with whatever changes something, and "null" when it hides where from.
        var origin = request.Headers.Origin.ToString();
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        return (origin.Length > 0 && origin != $"http://{request.Host}") || (site.Length > 0 && site is not ("same-origin" or "none"))
            ? "Another site's page may change nothing here. Open the control page itself." : null;
    }

    static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
