using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.PayU;

/// <summary>What PayU takes, and how it writes for those who do not ask for JSON.</summary>
static class PayURules
{
    const long LeastPaise = 100;

    static readonly (string Name, int Longest)[] Needed =
    [
        ("key", 60), ("txnid", 25), ("amount", 15), ("productinfo", 100), ("firstname", 60), ("email", 50), ("phone", 10),
        ("surl", 2048), ("furl", 2048), ("hash", 128),
    ];

    static readonly (string Name, int Longest)[] Optional =
    [
        ("lastname", 60), ("address1", 100), ("address2", 100), ("city", 50), ("state", 50), ("country", 50), ("zipcode", 20),
        ("udf1", 255), ("udf2", 255), ("udf3", 255), ("udf4", 255), ("udf5", 255),
    ];

    /// <summary>What is wrong with a form for the hosted page, or null.</summary>
    public static string? WrongForm(Dictionary<string, string> form, string key, string salt)
    {
        foreach (var (name, longest) in Needed)
            if (form.GetValueOrDefault(name) is not { Length: > 0 } value) return $"The mandatory parameter {name} is missing.";
            else if (value.Length > longest) return $"The parameter {name} is longer than {longest} characters.";
        foreach (var (name, longest) in Optional)
            if (form.GetValueOrDefault(name)?.Length > longest) return $"The parameter {name} is longer than {longest} characters.";
        if (form["key"] != key) return "The key is not known.";
        if (!Wire.SameText(form["hash"], PayUHashes.Request(form, salt))) return "The hash parameter is incorrect.";
        if (PayUText.Paise(form["amount"]) is not { } paise) return "The parameter amount is no amount.";
        if (paise < LeastPaise) return "The amount is less than 1.00.";
        if (!form["phone"].All(char.IsAsciiDigit) || form["phone"].Length != 10) return "The parameter phone is not of ten digits.";
        foreach (var name in (string[])["surl", "furl"])
            if (!Uri.TryCreate(form[name], UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https")) return $"The parameter {name} is no address.";
        return null;
    }

    /// <summary>The answer as PHP serialises it.</summary>
    public static string PhpText(JsonNode? node) => node switch
    {
        null => "N;",
        JsonObject fields => $"a:{fields.Count}:{{{string.Concat(fields.Select(f => PhpText(JsonValue.Create(f.Key)) + PhpText(f.Value)))}}}",
        JsonArray items => $"a:{items.Count}:{{{string.Concat(items.Select((item, i) => $"i:{i};" + PhpText(item)))}}}",
        JsonValue value when value.GetValueKind() == JsonValueKind.Number => $"d:{value.ToJsonString()};",
        _ => $"s:{System.Text.Encoding.UTF8.GetByteCount(node.ToString()).ToString(CultureInfo.InvariantCulture)}:\"{node}\";",
    };
}
