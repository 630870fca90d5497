using Purser.Server.Platform;

namespace Purser.Server.Deliveries;

/// <summary>The secrets of receivers at rest: encrypted as those of the configuration are, each bound to its endpoint and number, so that a row copied
/// to another endpoint does not open there.</summary>
public sealed class ReceiverSecrets(IConfiguration configuration, InstallationStore installation, DeliveryOptions options)
{
    const string DevelopmentKey = "webhook_secrets";
    const int KeyBytes = 32;

    // Asked for once: for development the key lies in the database itself, which guards nothing and needs no setting.
    readonly Lazy<string?> key = new(() => configuration[SecretSettings.KeyVariable]
        ?? (options.Development ? Convert.ToBase64String(installation.Key(DevelopmentKey, KeyBytes)) : null), LazyThreadSafetyMode.PublicationOnly);

    /// <summary>Whether there is a key to keep secrets with.</summary>
    public bool CanKeep => key.Value is not null;

    public string Seal(string endpoint, int number, string secret) =>
        SecretSettings.Encrypt(key.Value ?? throw new InvalidOperationException("There is no key."), Path(endpoint, number), secret);

    /// <returns>Null when this key does not open it.</returns>
    public string? Open(string endpoint, int number, string kept) => key.Value is { } with ? SecretSettings.Decrypt(with, Path(endpoint, number), kept) : null;

    static string Path(string endpoint, int number) => $"webhook_endpoints:{endpoint}:{number}";
}
