namespace Purser.Server.CommandLine;

public static class DevelopmentKeys { public sealed record Pair(string Secret, string Publishable); public static Task<Pair> Renew(ServerHost host, string name, CancellationToken stop) => throw new InvalidOperationException(); }
