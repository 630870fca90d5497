using Purser.Server.Keys;

namespace Purser.Server.CommandLine;

/// <summary>Keys for a server that a command starts for itself. A key is shown once, so each start makes new ones and revokes the last start's.</summary>
public static class DevelopmentKeys
{
    public sealed record Pair(string Secret, string Publishable);

    public static async Task<Pair> Renew(ServerHost host, string name, CancellationToken stop)
    {
        var keys = host.Services.GetRequiredService<ApiKeys>();
        foreach (var old in await keys.List(stop))
            if (old.Name == name && old.RevokedAt is null) await keys.Revoke(old.Id, stop);
        var (secret, _) = await keys.Create(name, KeyKind.Secret, stop: stop);
        var (publishable, _) = await keys.Create(name, KeyKind.Publishable, [host.Url], stop);
        return new Pair(secret, publishable);
    }
}
