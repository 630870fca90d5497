using System.Globalization;
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

    /// <summary>As the gateway spells itself; its folder's name where that is the same.</summary>
    string Title => GetType().Namespace!.Split('.')[^1];

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

    /// <summary>create_link, inquire, cancel, refund, inquire_refund, settlement, or other.</summary>
    string CallName(Call call);

    Task<Reply> Answer(Call call);

    /// <summary>What the body of a call says, for the inspector; a dialect with the key decrypts it. Null when the body says it plainly.</summary>
    string? PlainWords(Call call) => Inspector.PlainWords.Of(call);

    /// <summary>How the gateway words a 429 or a 5xx.</summary>
    Reply Trouble(int status) => new(status, new JsonObject { ["error"] = new JsonObject { ["message"] = "Something went wrong" } });

    /// <summary>What happened as it goes over the wire: written, and signed with the secrets of the endpoint, today's first.</summary>
    WebhookMessage Webhook(JsonObject payload, string eventId, IReadOnlyList<string> secrets);

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

    /// <summary>Whether the wire tells of a shopper who is at their bank's check, or went away from it.</summary>
    bool ShowsBankCheck => false;

    /// <summary>One try gets as far as the bank's check of who pays, and the shopper goes away from that: no money moves, and the page stays.</summary>
    /// <param name="delay">When the gateway gives the try up, if it does; null as it usually would.</param>
    string? LeaveAtCheck(Link link, TimeSpan? delay) => null;

    IReadOnlyList<string>? CaptureTwice(Link link);

    void Expire(Link link);

    /// <summary>The shopper gives up on the page, where the gateway takes note of it.</summary>
    void GiveUp(Link link)
    {
    }

    /// <summary>Where the browser goes after this money moved or began to move, or after a try was declined and the page does not stay (without
    /// money); null when the page stays.</summary>
    BrowserReturn? Return(Link link, string? moneyId);

    /// <summary>Where the browser goes when the shopper gives up; null when the page has no way back.</summary>
    BrowserReturn? CancelReturn(Link link);

    /// <summary>The merchant's page that the link names, for a shopper whose page has no way back of its own; null when it names none.</summary>
    string? ShopOf(Link link) => null;

    /// <summary>What the gateway would state that it settled, of the movements in its book: a file as its dashboard gives it. Null when it has none.</summary>
    SettlementReport? Settlement(IReadOnlyCollection<MoneyMovement> movements) => null;

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

    /// <summary>Whoever follows the link anew comes to a page that takes money, also where the page of the last time has gone away.</summary>
    public virtual bool PayableAgain => Payable;

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

/// <summary>An answer. What it says stands in <see cref="Body"/>, where faults can change it; how it is written is the dialect's matter.</summary>
public sealed record Reply(int Status, JsonNode? Body)
{
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    public string ContentType { get; init; } = "application/json; charset=utf-8";

    /// <summary>How the body becomes bytes: encrypted, signed, as a form or as a page. Null: as JSON.</summary>
    public Func<JsonNode?, byte[]>? Written { get; init; }

    public byte[] Bytes => Written?.Invoke(Body) ?? (Body is null ? [] : Encoding.UTF8.GetBytes(Body.ToJsonString(Wire.Compact)));

    /// <summary>Bytes that no fault about amounts or names changes: a page, a picture, a file.</summary>
    public static Reply Raw(int status, string contentType, byte[] bytes) => new(status, null) { ContentType = contentType, Written = _ => bytes };

    /// <summary>Sends the browser elsewhere.</summary>
    public static Reply Redirect(string url) => new(303, null) { Headers = [new("Location", url)] };

    /// <summary>False when the request was refused before anything was attempted.</summary>
    public bool Executed { get; init; } = true;
}

/// <summary>A webhook as it goes over the wire.</summary>
public sealed record WebhookMessage(byte[] Body, string ContentType, IReadOnlyDictionary<string, string> Headers);

/// <summary>Where the browser goes back to: by a plain visit, or by posting a form.</summary>
public sealed record BrowserReturn(string Url, IReadOnlyList<KeyValuePair<string, string>>? Form = null);

/// <summary>A statement as the gateway's dashboard gives it.</summary>
public sealed record SettlementReport(string FileName, string ContentType, byte[] Content);

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

    /// <summary>A copy in which one unit of the last digit is missing from every amount: of 49900, "499.00" or 499.00 alike.</summary>
    public static JsonNode WithWrongAmounts(JsonNode body, IReadOnlySet<string> amountFields) =>
        Changed(body, (name, value) => amountFields.Contains(name) ? Less(value) : null);

    static JsonValue? Less(JsonValue value)
    {
        if (value.TryGetValue(out long units)) return units > 1 ? JsonValue.Create(units - 1) : null;
        var isText = value.TryGetValue(out string? text);
        if (!decimal.TryParse(isText ? text : value.ToJsonString(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)) return null;
        // A decimal keeps the digits it was written with, so the difference is one of the last.
        var less = amount - new decimal(1, 0, 0, false, amount.Scale);
        return less <= 0 ? null : isText ? JsonValue.Create(less.ToString(CultureInfo.InvariantCulture)) : JsonValue.Create(less);
    }

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
