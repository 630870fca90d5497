using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Primitives;

namespace Purser.Sandbox.Stripe;

/// <summary>Stripe's bracketed forms, a[b][0][c]=x, as a tree. Leaves are text; lists are objects named 0, 1, 2, as they are sent.</summary>
static class StripeDialectForm
{
    const int DeepestNesting = 12;

    /// <summary>The tree, or null and the parameter that makes no sense.</summary>
    public static JsonObject? Parse(string body, out string? wrong)
    {
        var pairs = body.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair =>
        {
            var at = pair.IndexOf('=', StringComparison.Ordinal);
            return at < 0 ? (WebUtility.UrlDecode(pair), "")
                : (WebUtility.UrlDecode(pair[..at]), WebUtility.UrlDecode(pair[(at + 1)..]));
        });
        return Tree(pairs, out wrong);
    }

    public static JsonObject? Parse(IReadOnlyDictionary<string, StringValues> query, out string? wrong) =>
        Tree(query.SelectMany(q => q.Value.Select(v => (q.Key, v ?? ""))), out wrong);

    /// <summary>The texts below a list: numbered and unnumbered items alike.</summary>
    public static IEnumerable<string> Texts(JsonNode? list) => list switch
    {
        JsonObject items => items.Select(i => i.Value).OfType<JsonValue>().Select(v => (string)v!),
        JsonValue one => [(string)one!],
        _ => [],
    };

    static JsonObject? Tree(IEnumerable<(string Name, string Value)> pairs, out string? wrong)
    {
        var root = new JsonObject();
        foreach (var (name, value) in pairs)
        {
            wrong = name;
            if (Keys(name) is not { } keys) return null;
            var node = root;
            foreach (var key in keys[..^1])
            {
                var child = key.Length == 0 ? null : node[key];
                if (child is JsonValue) return null;
                if (child is null) node[Named(node, key)] = child = new JsonObject();
                node = (JsonObject)child;
            }

            if (keys[^1].Length > 0 && node[keys[^1]] is JsonObject) return null;
            node[Named(node, keys[^1])] = value;
        }

        wrong = null;
        return root;
    }

    static string Named(JsonObject parent, string key) => key.Length > 0 ? key : $"{parent.Count}";

    static string[]? Keys(string name)
    {
        var open = name.IndexOf('[', StringComparison.Ordinal);
        if (open < 0) return name.Length == 0 ? null : [name];
        if (open == 0 || !name.EndsWith(']')) return null;
        var inner = name[(open + 1)..^1].Split("][");
        return inner.Length >= DeepestNesting || inner.Any(k => k.Contains('[', StringComparison.Ordinal)
            || k.Contains(']', StringComparison.Ordinal)) ? null : [name[..open], .. inner];
    }
}
