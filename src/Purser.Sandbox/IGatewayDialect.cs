using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Primitives;

namespace Purser.Sandbox;

/// <summary>One gateway's way of speaking: its calls, its words, its signatures, and what its shoppers can do.
/// Found by type; a dialect needs a constructor without arguments and keeps its state from <see cref="Open"/> on.</summary>
public interface IGatewayDialect
{
    string Name { get; }

    int DefaultPort { get; }

    /// <summary>The fixed credentials of this sandbox, as the gateway's dashboard would show them.</summary>
    IReadOnlyDictionary<string, string> Credentials { get; }

    string WebhookSecret { get; }

    /// <summary>When a webhook that was not taken is sent again, each counted from the failed try before it.</summary>
    IReadOnlyList<TimeSpan> RetryDelays { get; }

    /// <summary>How long the gateway waits for the answer to a webhook.</summary>
    TimeSpan WebhookPatience { get; }

    /// <summary>A webhook that is tried again is signed with the secret of the day it happened, and not of today.</summary>
    bool RetriesKeepTheirSecret => false;

    /// <summary>An endpoint that did not take an event through all its tries gets no more of them.</summary>
    bool GivesUpOnEndpoints => false;

    /// <summary>Names of JSON fields that hold money; the faults about wrong amounts change these.</summary>
    IReadOnlySet<string> AmountFields { get; }

    /// <summary>Names of JSON fields that say what a document is about; the faults about strangers change these.</summary>
    IReadOnlySet<string> IdentityFields { get; }

    void Open(GatewayWorld world);

    /// <summary>create_link, inquire, cancel, refund, or other.</summary>
    string CallName(Call call);

    Task<Reply> Answer(Call call);

    /// <summary>How the gateway words a 429 or a 5xx.</summary>
    Reply Trouble(int status) => new(status, new JsonObject { ["error"] = new JsonObject { ["message"] = "Something went wrong" } });

    byte[] WebhookBody(JsonObject payload);

    IReadOnlyDictionary<string, string> SignWebhook(byte[] body, string eventId, IReadOnlyList<string> secrets);

    IEnumerable<Link> Links();

    Link? LinkByReference(string reference);

    Link? LinkByPage(string path);

    /// <summary>The shopper sees the page of the link.</summary>
    void Visit(Link link);

    /// <summary>One try is declined; the page stays. Null when the link cannot be paid; so for all of these.</summary>
    string? Decline(Link link);

    string? Capture(Link link, long amount);

    /// <summary>A try whose outcome the bank does not tell yet.</summary>
    string? Begin(Link link);

    /// <summary>A try that looks lost, or takes very long, and is captured in the end whatever became of the link.</summary>
    string? BeginLate(Link link);

    void Finish(Link link, string moneyId, bool captured);

    IReadOnlyList<string>? CaptureTwice(Link link);

    void Expire(Link link);

    /// <summary>Where the browser goes after this money moved or began to move; null when the page stays.</summary>
    string? ReturnUrl(Link link, string? moneyId);

    string? CancelUrl(Link link);

    /// <summary>What the page waits for before the browser goes on, and no longer than the gateway does.</summary>
    Task BeforeReturn(Link link) => Task.CompletedTask;
}

/// <summary>What a shopper can be sent to. Its members are read and written under <see cref="Gate"/>.</summary>
public abstract class Link(string id, string? reference, long amount, string currency, DateTimeOffset createdAt)
{
    public Lock Gate { get; } = new();

    public string Id { get; } = id;

    public string? Reference { get; protected set; } = reference;

    public long Amount { get; } = amount;

    public string Currency { get; } = currency;

    public DateTimeOffset CreatedAt { get; } = createdAt;

    public string Description { get; init; } = "";

    public abstract string Status { get; }

    public abstract string? Url { get; }

    public abstract bool Payable { get; }

    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>Captured money of this link, oldest first.</summary>
    public List<string> MoneyIds { get; } = [];
}

/// <summary>One HTTP request to a gateway, its body read whole.</summary>
public sealed record Call(string Method, string Path, IReadOnlyDictionary<string, StringValues> Query,
    IReadOnlyDictionary<string, StringValues> Headers, byte[] Body)
{
    /// <summary>How long the gateway is to be busy with this call; a dialect awaits it while it works.</summary>
    public Func<Task> Work { get; init; } = () => Task.CompletedTask;

    /// <summary>The call takes its effect, and this is its answer; a dialect that remembers answers remembers this one.</summary>
    public Reply? Instead { get; init; }

    public string? Header(string name) => Headers.TryGetValue(name, out var value) ? (string?)value : null;

    public string? Asked(string name) => Query.TryGetValue(name, out var value) ? (string?)value : null;

    public string BodyText => Encoding.UTF8.GetString(Body);
}

public sealed record Reply(int Status, JsonNode? Body)
{
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>False when the request was refused before anything was attempted.</summary>
    public bool Executed { get; init; } = true;
}

/// <summary>Bytes and digests as the dialects share them.</summary>
public static class Wire
{
    public static readonly JsonSerializerOptions Compact =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static readonly JsonSerializerOptions Indented = new(Compact) { WriteIndented = true, NewLine = "\n" };

    public static string HmacHex(string secret, ReadOnlySpan<byte> message)
    {
        Span<byte> digest = stackalloc byte[32];
        HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), message, digest);
        return Convert.ToHexStringLower(digest);
    }

    public static bool SameText(string a, string b) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(a), Encoding.UTF8.GetBytes(b));

    /// <summary>A copy in which one minor unit is missing from every amount.</summary>
    public static JsonNode WithWrongAmounts(JsonNode body, IReadOnlySet<string> amountFields) =>
        Changed(body, (name, value) => amountFields.Contains(name) && value.TryGetValue(out long amount) && amount > 1
            ? JsonValue.Create(amount - 1) : null);

    /// <summary>A copy that speaks about somebody else. A named field that holds an object is changed with all in it.</summary>
    public static JsonNode AboutAStranger(JsonNode body, IReadOnlySet<string> identityFields) =>
        Changed(body, (name, value) => identityFields.Contains(name) && value.TryGetValue(out string? text)
            && text.Length > 4 ? JsonValue.Create(text[..^4] + Shifted(text[^4..])) : null, identityFields.Contains);

    static string Shifted(string text)
    {
        var letters = text.ToCharArray();
        for (var i = 0; i < letters.Length; i++)
            letters[i] = letters[i] is 'Z' or 'z' or '9' ? '0' : (char)(letters[i] + 1);
        return new(letters);
    }

    static JsonNode Changed(JsonNode body, Func<string, JsonValue, JsonNode?> change, Predicate<string>? spreads = null)
    {
        var copy = body.DeepClone();
        Walk(copy, null);
        return copy;

        // A name that spreads is given to everything below it.
        void Walk(JsonNode? node, string? inherited)
        {
            if (node is JsonArray list)
                foreach (var item in list) Walk(item, inherited);
            if (node is not JsonObject fields) return;
            foreach (var (name, value) in fields.ToArray())
                if (value is JsonValue plain && change(inherited ?? name, plain) is { } other) fields[name] = other;
                else Walk(value, inherited ?? (spreads?.Invoke(name) == true ? name : null));
        }
    }
}
