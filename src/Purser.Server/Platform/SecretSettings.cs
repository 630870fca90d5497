using System.Security.Cryptography;
using System.Text;

namespace Purser.Server.Platform;

/// <summary>Secrets in configuration files, encrypted: a value <c>enc:v1:...</c> is opened with the key in <c>PURSER_SECRETS_KEY</c>. AES-256-GCM; the
/// setting's path is bound to its value, so that a value copied to another setting does not open there.</summary>
public static class SecretSettings
{
    public const string KeyVariable = "PURSER_SECRETS_KEY";
    const string Mark = "enc:v1:";
    const int KeyBytes = 32;
    const int NonceBytes = 12;
    const int TagBytes = 16;

    public static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes));

    /// <param name="path">As in configuration: <c>Gateways:shop-cards:key_secret</c>; compared without case.</param>
    /// <exception cref="StartFailureException">The key is not one.</exception>
    public static string Encrypt(string key, string path, string secret)
    {
        using var cipher = new AesGcm(Key(key), TagBytes);
        var plain = Encoding.UTF8.GetBytes(secret);
        var whole = new byte[NonceBytes + plain.Length + TagBytes];
        RandomNumberGenerator.Fill(whole.AsSpan(0, NonceBytes));
        cipher.Encrypt(whole.AsSpan(0, NonceBytes), plain, whole.AsSpan(NonceBytes, plain.Length), whole.AsSpan(NonceBytes + plain.Length), Bound(path));
        return Mark + Convert.ToBase64String(whole);
    }

    /// <summary>Opens every encrypted value of the configuration, above where it stands.</summary>
    /// <exception cref="StartFailureException">Values cannot be opened; every such setting is named, and what to do.</exception>
    public static void Open(IConfigurationManager configuration)
    {
        // A key that is none would be noticed when the first webhook is to be signed, and that is too late.
        if (configuration[KeyVariable] is { } given) _ = Key(given);
        var opened = new Dictionary<string, string?>();
        var faults = new List<string>();
        foreach (var (path, value) in configuration.AsEnumerable().OrderBy(s => s.Key, StringComparer.OrdinalIgnoreCase))
            if (value?.StartsWith(Mark, StringComparison.Ordinal) != true) continue;
            else if (configuration[KeyVariable] is not { } key) faults.Add($"{path} is encrypted; set {KeyVariable} to the key it was encrypted with.");
            else if (Decrypt(key, path, value) is { } secret) opened[path] = secret;
            else faults.Add($"{path} cannot be opened: it was encrypted with another key, for another setting, or was changed. Encrypt it again with './purser secrets encrypt {path}'.");
        if (faults.Count > 0) throw new StartFailureException(string.Join(Environment.NewLine, faults));
        if (opened.Count > 0) configuration.AddInMemoryCollection(opened);
    }

    /// <returns>Null when it was encrypted with another key, for another path, or was changed.</returns>
    public static string? Decrypt(string key, string path, string value)
    {
        var cut = Key(key);
        try
        {
            var whole = Convert.FromBase64String(value[Mark.Length..]);
            if (whole.Length < NonceBytes + TagBytes) return null;
            using var cipher = new AesGcm(cut, TagBytes);
            var plain = new byte[whole.Length - NonceBytes - TagBytes];
            cipher.Decrypt(whole.AsSpan(0, NonceBytes), whole.AsSpan(NonceBytes, plain.Length), whole.AsSpan(NonceBytes + plain.Length), plain, Bound(path));
            return Encoding.UTF8.GetString(plain);
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return null;
        }
    }

    static byte[] Key(string text)
    {
        var bytes = new byte[KeyBytes + 1];
        return Convert.TryFromBase64String(text, bytes, out var length) && length == KeyBytes
            ? bytes[..KeyBytes]
            : throw new StartFailureException($"{KeyVariable} is not a key of 32 bytes in base 64; make one with './purser secrets key'.");
    }

    static byte[] Bound(string path) => Encoding.UTF8.GetBytes(path.ToLowerInvariant());
}
