using Purser.Server.Keys;

namespace Purser.Server.CommandLine;

/// <summary>Keys for a server that a command starts for itself.</summary>
public static class DevelopmentKeys
{
    public sealed record Pair(string Secret, string Publishable);

    /// <summary>Those of the last start where they are still in force and made for this address, so that what was copied into a terminal or a shop goes on
    /// working; else new ones.</summary>
    internal static async Task<Pair> Keep(ServerHost host, string name, DevelopmentRecord last, CancellationToken stop)
    {
        var keys = host.Services.GetRequiredService<ApiKeys>();
        return last is { SecretKey: { } secret, PublishableKey: { } publishable } && await keys.Find(secret) is { Kind: KeyKind.Secret }
            && await keys.Find(publishable) is { Kind: KeyKind.Publishable } page && page.Origins.Contains(host.Url)
            ? new Pair(secret, publishable)
            : await Renew(host, name, stop);
    }

    /// <summary>A key is shown once, so new ones are made and those of this name revoked.</summary>
    public static async Task<Pair> Renew(ServerHost host, string name, CancellationToken stop)
    {
        var keys = host.Services.GetRequiredService<ApiKeys>();
        foreach (var old in await keys.List(stop))
            if (old.Name == name && old.RevokedAt is null) await keys.Revoke(old.Id, stop);
        var (secret, _) = await keys.Create(name, KeyKind.Secret, stop: stop);
        var (publishable, _) = await keys.Create(name, KeyKind.Publishable, [host.Url], stop: stop);
        return new Pair(secret, publishable);
    }
}
