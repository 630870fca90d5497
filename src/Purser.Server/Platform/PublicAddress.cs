using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Purser.Server.Platform;

/// <summary>Where the world reaches us: as configured, else where we listen.</summary>
public sealed class PublicAddress(PurserOptions options, IServer server)
{
    string? listening;

    /// <summary>Without a slash at the end.</summary>
    public string Url => options.PublicUrl is { Length: > 0 } configured
        ? configured.TrimEnd('/')
        : listening ??= server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault()?.TrimEnd('/')
            ?? throw new InvalidOperationException("Purser:PublicUrl is not set, and the server does not listen yet.");
}
