using Microsoft.Extensions.DependencyInjection;

namespace Purser.Client;

/// <summary>Purser in a container of services.</summary>
public static class PurserServices
{
    /// <summary>The name of the client's <see cref="HttpClient"/> at the IHttpClientFactory.</summary>
    public const string HttpClientName = "Purser";

    /// <summary>Adds <see cref="PurserClient"/> over the IHttpClientFactory. Redirects are not followed: they would turn a POST into a GET.</summary>
    /// <param name="services">The container.</param>
    /// <param name="configure">Sets the address and the secret key, when the client is first asked for.</param>
    /// <returns>The factory's builder, for handlers of your own.</returns>
    public static IHttpClientBuilder AddPurser(this IServiceCollection services, Action<PurserClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddHttpClient(HttpClientName)
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(2) })
            .AddTypedClient(http =>
            {
                var options = new PurserClientOptions();
                configure(options);
                return new PurserClient(http, options);
            });
    }
}
