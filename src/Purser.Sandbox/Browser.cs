namespace Purser.Sandbox;

/// <summary>A browser without a person: goes to a gateway's link, or posts its form, as a shopper's would.</summary>
static class Browser
{
    static readonly HttpClient Http = new(new SocketsHttpHandler { AllowAutoRedirect = true, UseProxy = false, MaxAutomaticRedirections = 5 })
    {
        Timeout = TimeSpan.FromSeconds(20),
    };

    /// <summary>Null when the page came; else why not.</summary>
    public static async Task<string?> Visit(
        GatewayWorld world, string? url, IReadOnlyDictionary<string, string>? fields, CancellationToken stop)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address)) return "link.url must be absolute.";
        // The sandbox visits itself and nobody else.
        if (address.Authority != world.Address.Authority) return $"link.url must be at {world.Address.Authority}.";
        try
        {
            using var form = fields is null ? null : new FormUrlEncodedContent(fields);
            using var answer = form is null ? await Http.GetAsync(address, stop) : await Http.PostAsync(address, form, stop);
            return answer.IsSuccessStatusCode ? null : $"The link was answered {(int)answer.StatusCode}.";
        }
        catch (HttpRequestException away)
        {
            return $"The link could not be visited: {away.Message}";
        }
    }
}
