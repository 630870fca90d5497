using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Gateways.PayU;

/// <summary>Their hashes: plain SHA-512 over values and the salt with pipes between, so no value may hold a pipe.</summary>
public static class PayUHash
{
    /// <summary>Of the form that starts a payment. Five of our own fields and five reserved ones stand empty between e-mail and salt.</summary>
    public static string Request(string key, string salt, string txnid, string amount, string product, string name, string email) =>
        Of($"{key}|{txnid}|{amount}|{product}|{name}|{email}|||||||||||{salt}");

    /// <summary>Of a question to their server: only the first value is covered.</summary>
    public static string Command(string key, string salt, string command, string var1) => Of($"{key}|{command}|{var1}|{salt}");

    /// <summary>Of a return or a webhook, under the first salt that fits; null when none does.</summary>
    public static bool IsRight(IReadOnlyDictionary<string, string> fields, IEnumerable<string> salts)
    {
        var given = Encoding.UTF8.GetBytes(fields.GetValueOrDefault("hash") ?? "");
        var right = false;
        foreach (var salt in salts) right |= CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Of(Reversed(fields, salt))), given);
        return right;
    }

    /// <summary>What a return's hash is made of. Charges that were added stand in front, and only when they are there.</summary>
    public static string Reversed(IReadOnlyDictionary<string, string> fields, string salt)
    {
        string Field(string name) => fields.GetValueOrDefault(name) ?? "";
        var text = $"{salt}|{Field("status")}||||||{Field("udf5")}|{Field("udf4")}|{Field("udf3")}|{Field("udf2")}|{Field("udf1")}|"
            + $"{Field("email")}|{Field("firstname")}|{Field("productinfo")}|{Field("amount")}|{Field("txnid")}|{Field("key")}";
        return fields.TryGetValue("additionalCharges", out var added) && added.Length > 0 ? $"{added}|{text}" : text;
    }

    public static string Of(string text) => Convert.ToHexStringLower(SHA512.HashData(Encoding.UTF8.GetBytes(text)));

    public static ImmutableArray<SignatureRecipe> Recipes { get; } =
    [
        new("webhook", "The values of the posted form from the last to the first, behind the salt: SHA-512. It covers neither mihpayid nor unmappedstatus.", Shown),
        new("return", "The same hash as a webhook's, over the form that the browser posts.", Shown),
        new("request", "The values of the form that starts a payment, in their order, and the salt behind them: SHA-512.", ShownRequest),
    ];

    static readonly string[] SignedFields = ["key", "txnid", "amount", "productinfo", "firstname", "email", "udf1", "udf2", "udf3", "udf4", "udf5"];

    static SignatureTrace Shown(RawMessage message, GatewayAccount account) => PayUNews.Fields(message) is not { } fields
        ? NoForm()
        : Trace(fields.GetValueOrDefault("hash"), account, salt => Reversed(fields, salt));

    static SignatureTrace ShownRequest(RawMessage message, GatewayAccount account) => PayUNews.Fields(message) is not { } fields
        ? NoForm()
        : Trace(fields.GetValueOrDefault("hash"), account, salt => string.Join('|',
        [
            .. SignedFields.Select(n => fields.GetValueOrDefault(n) ?? ""),
            "", "", "", "", "", salt,
        ]));

    static SignatureTrace Trace(string? given, GatewayAccount account, Func<string, string> text)
    {
        var salts = account.SeveralSettings(PayUGateway.Salt);
        if (salts.Count == 0) return new([new("Take the salt", "there is none")], given, null, Right: false);
        var best = salts.FirstOrDefault(s => Of(text(s)) == given) ?? salts[0];
        var mark = $"{Redaction.Mark} of {best.Length} characters";
        var signed = text(best);
        return new(
        [
            new("Take the salt", mark, salts.Count > 1 ? $"one of {salts.Count}" : null),
            new("Join the values with pipes", signed.Replace(best, mark, StringComparison.Ordinal), $"{signed.Count(c => c == '|')} pipes"),
            new("Hash it with SHA-512, in lower-case hex", Of(signed)),
        ], given, Of(signed), Of(signed) == given);
    }

    static SignatureTrace NoForm() => new([new("Read the form", "the body is no form whose fields come once each")], null, null, Right: false);
}
