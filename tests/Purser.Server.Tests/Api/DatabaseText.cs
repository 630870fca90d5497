using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Purser.Server.Tests.Api;

static class DatabaseText
{
    /// <summary>The connection string that the server was started with.</summary>
    public static string GetConnectionString(this IServiceProvider services) => services.GetRequiredService<IConfiguration>().GetConnectionString("Purser")!;
}
