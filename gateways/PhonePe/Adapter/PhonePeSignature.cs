using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Gateways.PhonePe;

/// <summary>What a webhook is known by: the SHA-256 of the user name and password that were given with its address. The same on every delivery, and
/// not about the body at all.</summary>
static class PhonePeSignature
{
    public const string Header = "Authorization";

    const string Scheme = "SHA256 ";

    /// <summary>Why it does not hold, or null when it does.</summary>
    public static string? Refuses(RawMessage message, GatewayAccount account)
    {
        if (message.Header(Header) is not { Length: > 0 } header) return "no authorization";
        if (account.OptionalSetting(PhonePeGateway.WebhookUsername) is not { } user) return "no user name is configured";
        var given = Encoding.UTF8.GetBytes(Given(header));
        var right = false;
        foreach (var password in account.SeveralSettings(PhonePeGateway.WebhookPassword))
            right |= CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Expected(user, password)), given);
        return right ? null : "wrong authorization";
    }

    public static SignatureTrace Show(RawMessage message, GatewayAccount account)
    {
        var steps = ImmutableArray.CreateBuilder<SignatureStep>();
        if (message.Header(Header) is not { Length: > 0 } header)
            return new([new("The Authorization header", "none", "Every webhook has one.")], null, null, Right: false);
        var passwords = account.SeveralSettings(PhonePeGateway.WebhookPassword);
        // Somebody may have put the password itself there.
        var given = passwords.Aggregate(Given(header), (text, password) => text.Replace(password, Redaction.Mark, StringComparison.OrdinalIgnoreCase));
        steps.Add(new("The Authorization header", given, "Without the word SHA256, which need not be there, and in small letters."));
        if (account.OptionalSetting(PhonePeGateway.WebhookUsername) is not { } user || passwords.Count == 0)
            return new([.. steps, new("User name and password", "not configured", "Nothing can be expected.")], given, null, Right: false);
        var right = Refuses(message, account) is null;
        // Of several passwords the one that fits is shown, else the newest.
        var password = passwords.FirstOrDefault(p => Expected(user, p) == given) ?? passwords[0];
        steps.Add(new("User name, a colon, password", $"{user}:{Redaction.Mark} ({password.Length} characters)", "As UTF-8."));
        steps.Add(new("SHA-256 in hex", Expected(user, password), "The body is not part of it: whoever saw one delivery can forge another."));
        return new(steps.ToImmutable(), given, Expected(user, password), right);
    }

    static string Given(string header) =>
        (header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..] : header).Trim().ToLowerInvariant();

    static string Expected(string user, string password) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{user}:{password}")));
}
