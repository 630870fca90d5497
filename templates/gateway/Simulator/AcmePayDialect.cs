using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.AcmePay;

/// <summary>AcmePay's API as a stranger writes it from their documents: nothing here is taken from the adapter. A class with a constructor without
/// arguments is found by type. What shoppers do, and what is told about it, stands in the other part.</summary>
public sealed partial class AcmePayDialect : IGatewayDialect
{
    const string KeyId = "test_acmepay_sandbox", KeySecret = "acmepay_key_secret_sandbox";
    const string PagePath = "/pay/";

    /// <summary>Until a refund is back with the shopper, in the gateway's own time.</summary>
    static readonly TimeSpan UntilReturned = TimeSpan.FromMinutes(2);

    GatewayWorld world = null!;
    AcmePayVault vault = new();

    public string Name => "acmepay";

    /// <summary>Each gateway has a port of its own.</summary>
    public int DefaultPort => 7420;

    /// <summary>By the names of the adapter's settings: `./purser up` makes an account of them.</summary>
    public IReadOnlyDictionary<string, string> Credentials { get; } =
        new Dictionary<string, string> { ["key_id"] = KeyId, ["key_secret"] = KeySecret };

    public string WebhookSecret => "acmepay_webhook_secret_sandbox";

    /// <summary>The fields that the faults about wrong amounts and strangers change.</summary>
    public IReadOnlySet<string> AmountFields { get; } = new HashSet<string> { "amount" };

    public IReadOnlySet<string> IdentityFields { get; } = new HashSet<string> { "id", "reference", "payment" };

    /// <summary>Also called to begin anew.</summary>
    public void Open(GatewayWorld world)
    {
        this.world = world;
        vault = new();
    }

    public string CallName(Call call) => (call.Method, Parts(call)) switch
    {
        ("POST", ["v1", "links"]) => "create_link",
        ("GET", ["v1", "links"]) => "inquire",
        ("POST", ["v1", "links", _, "cancel"]) => "cancel",
        ("POST", ["v1", "refunds"]) => "refund",
        ("GET", ["v1", "refunds"]) => "inquire_refund",
        _ => "other",
    };

    public async Task<Reply> Answer(Call call)
    {
        await call.Work();
        if (!Authorized(call)) return AcmePayRules.No(401, "unauthorized", "The signature is wrong.");
        var reply = (call.Method, Parts(call)) switch
        {
            ("POST", ["v1", "links"]) => CreateLink(call),
            ("GET", ["v1", "links"]) => List("links", call.Asked("reference") is { } reference && vault.LinksByReference.TryGetValue(reference, out var link) ? link.Json() : null),
            ("POST", ["v1", "links", var id, "cancel"]) => Cancel(id),
            ("POST", ["v1", "refunds"]) => Refund(call),
            ("GET", ["v1", "refunds"]) => List("refunds", call.Asked("reference") is { } reference && vault.Refunds.TryGetValue(reference, out var refund) ? refund.Json() : null),
            _ => AcmePayRules.No(404, "not_found", "There is nothing at this address."),
        };
        return call.Instead ?? reply;
    }

    public Reply Trouble(int status) => AcmePayRules.No(status, status == 429 ? "too_many_requests" : "server_error", "Please try again later.");

    public IEnumerable<Link> Links() => vault.InOrder;

    public Link? LinkByReference(string reference) => vault.LinksByReference.GetValueOrDefault(reference);

    public Link? LinkByPage(string path) =>
        path.StartsWith(PagePath, StringComparison.Ordinal) ? vault.LinksById.GetValueOrDefault("lnk_" + path[PagePath.Length..]) : null;

    static string[] Parts(Call call) => call.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>What they sign: method, path with query, body.</summary>
    public static string SignRequest(string secret, string method, string target, byte[] body) =>
        Wire.HmacHex(secret, [.. Encoding.UTF8.GetBytes($"{method}\n{target}\n"), .. body]);

    static bool Authorized(Call call)
    {
        var target = call.Query.Count == 0 ? call.Path : $"{call.Path}?{string.Join('&', call.Query.Select(q => $"{q.Key}={q.Value}"))}";
        return call.Header("Authorization") is { } given && Wire.SameText(given, $"AcmePay {KeyId}:{SignRequest(KeySecret, call.Method, target, call.Body)}");
    }

    /// <summary>One link for one reference: the same bytes again get the same link, others are refused.</summary>
    Reply CreateLink(Call call)
    {
        if ((AcmePayRules.Read(call.Body, out var asked) ?? AcmePayRules.WrongLink(asked, world.NowSeconds)) is { } wrong) return wrong;
        var reference = (string)asked["reference"]!;
        AcmePayLink link;
        lock (vault.Gate)
        {
            if (vault.LinksByReference.TryGetValue(reference, out var before))
                return before.AskedWith.AsSpan().SequenceEqual(call.Body) ? new(200, before.Json()) : AcmePayRules.Taken(reference);
            var name = world.NextId("", 12);
            link = new("lnk_" + name, asked, call.Body, world.Now)
            {
                Page = new Uri(world.Address, PagePath + name).AbsoluteUri,
                Description = (string)asked["description"]!,
                ExpiresAt = DateTimeOffset.FromUnixTimeSeconds((long)asked["expires_at"]!),
            };
            vault.Keep(link);
        }

        world.Deadlines.Add(link);
        return new(201, link.Json());
    }

    Reply Cancel(string id)
    {
        if (!vault.LinksById.TryGetValue(id, out var link)) return AcmePayRules.No(404, "not_found", "There is no such link.");
        if (link.End("cancelled")) Tell("link.cancelled", link, []);
        return new(200, link.Json());
    }

    Reply Refund(Call call)
    {
        if ((AcmePayRules.Read(call.Body, out var asked) ?? AcmePayRules.WrongRefund(asked)) is { } wrong) return wrong;
        var (reference, amount) = ((string)asked["reference"]!, (long)asked["amount"]!);
        AcmePayRefund refund;
        lock (vault.Gate)
        {
            if (vault.Refunds.TryGetValue(reference, out var before))
                return before.AskedWith.AsSpan().SequenceEqual(call.Body) ? new(200, before.Json()) : AcmePayRules.Taken(reference);
            if (!vault.Tries.TryGetValue((string)asked["payment"]!, out var paid)) return AcmePayRules.No(404, "not_found", "There is no such payment.");
            lock (paid.Link.Gate)
            {
                if (paid.Status != "captured") return AcmePayRules.No(422, "not_captured", "The payment took no money.");
                if (amount > paid.Amount - paid.Refunds.Where(r => r.Status != "failed").Sum(r => r.Amount)) return AcmePayRules.No(422, "too_much", "That much is not left.");
                refund = new(world.NextId("ref_", 12), reference, paid, amount, call.Body, world.NowSeconds);
                paid.Refunds.Add(refund);
            }
            vault.Refunds[reference] = refund;
        }

        world.Later(UntilReturned, () => EndRefund(refund));
        return new(201, refund.Json());
    }

    void EndRefund(AcmePayRefund refund)
    {
        // Whoever set the sandbox back to its first day hears nothing of the days before.
        if (vault.Refunds.GetValueOrDefault(refund.Reference) != refund) return;
        var link = refund.Paid.Link;
        lock (link.Gate)
        {
            // A refund can come back from a closed bank account; a switch rehearses that.
            refund.Status = world.Settings.GetValueOrDefault("refunds") == "fail" ? "failed" : "succeeded";
            if (refund.Status == "succeeded") world.Book.Refunded(link, refund.Paid.Id, refund.Amount, link.Currency, world.Now);
            refund.EndedAt = world.Now;
        }

        Tell($"refund.{refund.Status}", link, new JsonObject { ["refund"] = refund.Json() });
    }

    static Reply List(string name, JsonObject? found) => new(200, new JsonObject { [name] = found is null ? new JsonArray() : new JsonArray(found) });
}
