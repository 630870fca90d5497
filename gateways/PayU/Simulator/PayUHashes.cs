using System.Security.Cryptography;
using System.Text;

namespace Purser.Sandbox.PayU;

/// <summary>PayU's signatures: plain SHA-512 over texts joined by pipes, with the salt at one end. Lower-case hex.</summary>
public static class PayUHashes
{
    /// <summary>Of a form for the hosted page. Five fields stand empty between udf5 and the salt; the text of a split follows the salt.</summary>
    public static string Request(IReadOnlyDictionary<string, string> form, string salt)
    {
        string[] signed = ["key", "txnid", "amount", "productinfo", "firstname", "email", "udf1", "udf2", "udf3", "udf4", "udf5"];
        var text = string.Join('|', signed.Select(name => Of(form, name))) + "||||||" + salt;
        return Hex(form.TryGetValue("splitRequest", out var split) ? $"{text}|{split}" : text);
    }

    /// <summary>Of a return or a payment's webhook: the same texts backwards, after the salt and the status. A surcharge that is posted stands before all.</summary>
    public static string Reverse(IReadOnlyDictionary<string, string> form, string salt)
    {
        string[] signed = ["udf5", "udf4", "udf3", "udf2", "udf1", "email", "firstname", "productinfo", "amount", "txnid", "key"];
        var text = $"{salt}|{Of(form, "status")}||||||{string.Join('|', signed.Select(name => Of(form, name)))}";
        return Hex(form.TryGetValue("additionalCharges", out var charges) ? $"{charges}|{text}" : text);
    }

    /// <summary>Of a call to the server API; only the first variable is signed.</summary>
    public static string Command(string key, string command, string var1, string salt) => Hex($"{key}|{command}|{var1}|{salt}");

    /// <summary>Of a call to the settlement range API. They call it an HMAC, and it is none.</summary>
    public static string Range(string body, string date, string salt) => Hex($"{body}|{date}|{salt}");

    static string Of(IReadOnlyDictionary<string, string> form, string name) => form.GetValueOrDefault(name, "");

    static string Hex(string text) => Convert.ToHexStringLower(SHA512.HashData(Encoding.UTF8.GetBytes(text)));
}
