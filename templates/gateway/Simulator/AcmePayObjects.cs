using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.AcmePay;

/// <summary>A link as AcmePay keeps it. Everything that changes is read and written under its gate.</summary>
sealed class AcmePayLink(string id, JsonObject asked, byte[] askedWith, DateTimeOffset createdAt)
    : Link(id, (string)asked["reference"]!, (long)asked["amount"]!, (string)asked["currency"]!, createdAt)
{
    public required string Page { get; init; }

    /// <summary>The request's bytes, to tell a repetition from another request.</summary>
    public byte[] AskedWith => askedWith;

    public string State { get; set; } = "open";

    public List<AcmePayTry> Tries { get; } = [];

    public string Back => (string)asked["return_url"]!;

    public string Method => (string?)asked["method"] ?? "card";

    public override string Status => State;

    public override string? Url => Page;

    public override bool Payable => State == "open";

    /// <summary>False when it had ended before.</summary>
    public bool End(string state)
    {
        lock (Gate)
        {
            if (!Payable) return false;
            State = state;
            return true;
        }
    }

    public JsonObject Json()
    {
        lock (Gate)
            return new()
            {
                ["id"] = Id,
                ["reference"] = Reference,
                ["status"] = State,
                ["amount"] = Amount,
                ["currency"] = Currency,
                ["url"] = Page,
                ["created_at"] = CreatedAt.ToUnixTimeSeconds(),
                ["payments"] = new JsonArray([.. Tries.Select(t => t.Json())]),
            };
    }
}

/// <summary>One try of a shopper: processing, captured or declined.</summary>
sealed class AcmePayTry(string id, AcmePayLink link, long amount, long createdAt)
{
    /// <summary>Two percent.</summary>
    const decimal FeeRate = 0.02m;

    public string Id => id;

    public AcmePayLink Link => link;

    public long Amount => amount;

    public long Fee => (long)Math.Round(amount * FeeRate);

    public string Status { get; set; } = "processing";

    public string? Reason { get; set; }

    public List<AcmePayRefund> Refunds { get; } = [];

    public JsonObject Json()
    {
        lock (link.Gate)
        {
            var json = new JsonObject
            {
                ["id"] = id,
                ["status"] = Status,
                ["amount"] = amount,
                ["currency"] = link.Currency,
                ["method"] = link.Method,
                ["created_at"] = createdAt,
            };
            if (Status == "captured") json["fee"] = Fee;
            if (Reason is not null) json["reason"] = Reason;
            return json;
        }
    }
}

/// <summary>Money on its way back.</summary>
sealed class AcmePayRefund(string id, string reference, AcmePayTry paid, long amount, byte[] askedWith, long createdAt)
{
    public string Id => id;

    public string Reference => reference;

    public AcmePayTry Paid => paid;

    public long Amount => amount;

    public byte[] AskedWith => askedWith;

    public string Status { get; set; } = "pending";

    public DateTimeOffset? EndedAt { get; set; }

    public JsonObject Json()
    {
        lock (paid.Link.Gate)
        {
            var json = new JsonObject
            {
                ["id"] = id,
                ["reference"] = reference,
                ["payment"] = paid.Id,
                ["status"] = Status,
                ["amount"] = amount,
                ["currency"] = paid.Link.Currency,
                ["created_at"] = createdAt,
            };
            if (Status == "failed") json["reason"] = "account_closed";
            return json;
        }
    }
}

/// <summary>All that this AcmePay knows, by every name it is asked for.</summary>
sealed class AcmePayVault
{
    /// <summary>A load that goes on for ever must not fill the memory: beyond this the oldest links are forgotten.</summary>
    const int LinksKept = 250_000;

    /// <summary>Held while something gets a name, so that of two who ask under one reference at once the second finds the first.</summary>
    public Lock Gate { get; } = new();

    public ConcurrentDictionary<string, AcmePayLink> LinksById { get; } = new();

    public ConcurrentDictionary<string, AcmePayLink> LinksByReference { get; } = new();

    public ConcurrentDictionary<string, AcmePayTry> Tries { get; } = new();

    public ConcurrentDictionary<string, AcmePayRefund> Refunds { get; } = new();

    public ConcurrentQueue<AcmePayLink> InOrder { get; } = new();

    public void Keep(AcmePayLink link)
    {
        LinksById[link.Id] = link;
        LinksByReference[link.Reference!] = link;
        InOrder.Enqueue(link);
        if (LinksById.Count <= LinksKept || !InOrder.TryDequeue(out var oldest)) return;
        LinksById.TryRemove(oldest.Id, out _);
        LinksByReference.TryRemove(oldest.Reference!, out _);
        lock (oldest.Gate)
            foreach (var one in oldest.Tries)
            {
                Tries.TryRemove(one.Id, out _);
                foreach (var refund in one.Refunds) Refunds.TryRemove(refund.Reference, out _);
            }
    }
}
