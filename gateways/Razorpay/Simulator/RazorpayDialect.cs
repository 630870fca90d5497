using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Razorpay;

/// <summary>Razorpay's API v1 in test mode, from its documents: payment links, orders and payments. Refunds, settlements, what shoppers do
/// and what is told about it stand in the other parts.</summary>
public sealed partial class RazorpayDialect : IGatewayDialect
{
    const string KeyId = "rzp_test_sandbox", KeySecret = "rzp_secret_sandbox_0123456789", AccountId = "acc_Sandbox0000001";

    static readonly byte[] Authorization = Encoding.UTF8.GetBytes($"{KeyId}:{KeySecret}");

    GatewayWorld world = null!;
    RazorpayVault vault = new();

    public string Name => "razorpay";

    public int DefaultPort => 7411;

    public IReadOnlyDictionary<string, string> Credentials { get; } =
        new Dictionary<string, string> { ["key_id"] = KeyId, ["key_secret"] = KeySecret };

    public string WebhookSecret => "rzp_webhook_secret_sandbox";

    public IReadOnlySet<string> AmountFields { get; } =
        new HashSet<string> { "amount", "amount_paid", "amount_due", "base_amount", "debit", "credit" };

    public IReadOnlySet<string> IdentityFields { get; } =
        new HashSet<string> { "id", "reference_id", "order_id", "plink_id", "payment_id", "receipt", "notes", "description" };

    public void Open(GatewayWorld world)
    {
        this.world = world;
        vault = new();
    }

    public string CallName(Call call) => (call.Method, Parts(call)) switch
    {
        ("POST", ["v1", "payment_links"] or ["v1", "orders"]) => "create_link",
        ("POST", ["v1", "payment_links", _, "cancel"]) => "cancel",
        ("POST", ["v1", "payments", _, "refund"]) => "refund",
        ("GET", ["v1", "payments", _, "refunds", ..] or ["v1", "refunds", _]) => "inquire_refund",
        ("GET", ["v1", "settlements", ..]) => "settlement",
        ("GET", _) => "inquire",
        _ => "other",
    };

    public async Task<Reply> Answer(Call call)
    {
        if (!Authorized(call)) return RazorpayDialectRules.Bad("Authentication failed", status: 401);
        Reply reply;
        if ((call.Method, Parts(call)) is ("POST", ["v1", "payments", var paid, "refund"]))
        {
            reply = await RefundOnce(paid, call);
        }
        else
        {
            await call.Work();
            reply = Execute(call);
        }

        return call.Instead ?? reply;
    }

    Reply Execute(Call call) =>
        (call.Method, Parts(call)) switch
        {
            ("POST", ["v1", "payment_links"]) => CreateLink(call),
            ("GET", ["v1", "payment_links"]) => FindLinks(call),
            ("GET", ["v1", "payment_links", var id]) => OfLink(id, link => link.Json(inWebhook: false)),
            ("POST", ["v1", "payment_links", var id, "cancel"]) => Cancel(id),
            ("PATCH", ["v1", "payment_links", var id]) => ChangeLink(id, call),
            ("POST", ["v1", "payment_links", var id, "notify_by", "sms" or "email"]) => Notify(id),
            ("POST", ["v1", "orders"]) => CreateOrder(call),
            ("GET", ["v1", "orders"]) => FindOrders(call),
            ("GET", ["v1", "orders", var id]) => OfOrder(id, order => order.Json()),
            ("GET", ["v1", "orders", var id, "payments"]) => OfOrder(id, o => Collection(o.Payments.Select(p => p.Json()))),
            ("GET", ["v1", "payments", var id]) => OfPayment(id, payment => payment.Json()),
            ("PATCH", ["v1", "orders", var id]) => ChangeOrder(id, call),
            ("POST", ["v1", "payments", var id, "capture"]) => CaptureByHand(id, call),
            ("GET", ["v1", "payments", var id, "refunds", var refund]) => ReadRefund(refund, of: id),
            ("GET", ["v1", "payments", var id, "refunds"]) => ListRefunds(id, call),
            ("GET", ["v1", "refunds", var id]) => ReadRefund(id, of: null),
            ("PATCH", ["v1", "refunds", var id]) => ChangeRefund(id, call),
            ("GET", ["v1", "settlements", "recon", "combined"]) => ReadRecon(call),
            ("GET", ["v1", "settlements"]) => ListSettlements(call),
            ("GET", ["v1", "settlements", var id]) => ReadSettlement(id),
            _ => RazorpayDialectRules.Bad("The requested URL was not found on the server.", status: 404),
        };

    public Reply Trouble(int status) => RazorpayDialectRules.Bad(status == 429
        ? "Request was throttled. Please try again later." : "We are facing some trouble completing your request at the moment. Please try again shortly.", status: status);

    public IEnumerable<Link> Links() => vault.LinkOrder;

    /// <summary>Our own reference is the link's reference_id.</summary>
    public Link? LinkByReference(string reference) => vault.LinksByReference.GetValueOrDefault(reference);

    public Link? LinkByPage(string path) =>
        path.StartsWith("/rzp/", StringComparison.Ordinal) ? vault.LinksByPage.GetValueOrDefault(path[5..]) : null;

    static string[] Parts(Call call) => call.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);

    static bool Authorized(Call call)
    {
        if (call.Header("Authorization") is not { } header
            || !header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)) return false;
        var given = new byte[header.Length];
        return Convert.TryFromBase64String(header[6..].Trim(), given, out var length)
            && given.AsSpan(0, length).SequenceEqual(Authorization);
    }

    Reply CreateLink(Call call)
    {
        if (RazorpayDialectRules.Read(call.Body, out var asked) is { } unreadable) return unreadable;
        var now = world.NowSeconds;
        if (RazorpayDialectRules.WrongLink(asked, now) is { } wrong) return wrong;
        var reference = (string?)asked["reference_id"];
        if (reference is "") asked["reference_id"] = reference = null;
        var end = (long?)asked["expire_by"] ?? 0;
        var notes = asked["notes"] as JsonObject ?? [];
        var order = new RazorpayOrder(world.NextId("order_", 14), (long)asked["amount"]!,
            (string?)asked["currency"] ?? "INR", null, notes, now);
        var page = world.NextId("", 7);
        var link = new RazorpayLink(world.NextId("plink_", 14), order, asked, now)
        {
            ShortUrl = new Uri(world.Address, "/rzp/" + page).ToString(),
            Description = (string?)asked["description"] ?? "",
            ExpiresAt = end == 0 ? null : DateTimeOffset.FromUnixTimeSeconds(end),
        };
        if (reference is not null && !vault.LinksByReference.TryAdd(reference, link))
            return RazorpayDialectRules.Bad($"payment link with given reference_id ({reference}) already attempted/exists", "reference_id");
        vault.Orders[order.Id] = order;
        vault.LinksByPage[page] = link;
        vault.Links[link.Id] = link;
        vault.Keep(link);
        world.Deadlines.Add(link);
        return new(200, link.Json(inWebhook: false));
    }

    Reply FindLinks(Call call)
    {
        IEnumerable<RazorpayLink> found;
        if (call.Asked("reference_id") is { } reference)
            found = vault.LinksByReference.TryGetValue(reference, out var link) ? [link] : [];
        else if (call.Asked("payment_id") is { } payment)
            found = vault.Payments.GetValueOrDefault(payment)?.Order.Link is { } paid ? [paid] : [];
        else
        {
            if (RazorpayDialectRules.WrongPage(call, out var skip, out var count) is { } wrong) return wrong;
            found = vault.LinkOrder.Reverse().Skip(skip).Take(count);
        }

        return new(200, new JsonObject { ["payment_links"] = new JsonArray([.. found.Select(Shown)]) });

        static JsonNode Shown(RazorpayLink link)
        {
            lock (link.Order.Gate) return link.Json(inWebhook: false);
        }
    }

    Reply Cancel(string id)
    {
        if (!vault.Links.TryGetValue(id, out var link)) return Unknown(id);
        JsonObject answer;
        lock (link.Order.Gate)
        {
            if (link.State != "created")
                return RazorpayDialectRules.Bad($"Payment link cannot be cancelled as it is in {link.State} state");
            link.State = "cancelled";
            link.CancelledAt = link.UpdatedAt = world.NowSeconds;
            answer = link.Json(inWebhook: false);
        }

        Tell("payment_link.cancelled", link, null);
        return new(200, answer);
    }

    Reply CreateOrder(Call call)
    {
        if (RazorpayDialectRules.Read(call.Body, out var asked) is { } unreadable) return unreadable;
        if (RazorpayDialectRules.WrongOrder(asked) is { } wrong) return wrong;
        var receipt = (string?)asked["receipt"];
        var order = new RazorpayOrder(world.NextId("order_", 14), (long)asked["amount"]!, (string)asked["currency"]!,
            receipt, asked["notes"] as JsonObject ?? [], world.NowSeconds);
        // Accounts differ in whether a receipt may be used twice, so it is a setting here.
        var strict = world.Settings.GetValueOrDefault("duplicate_receipts") == "reject";
        if (receipt is not null)
        {
            var same = vault.OrdersByReceipt.GetOrAdd(receipt, _ => new());
            lock (same)
            {
                if (strict && same.Count > 0) return RazorpayDialectRules.Bad("order receipt should be unique", "receipt");
                same.Add(order);
            }
        }

        vault.Orders[order.Id] = order;
        return new(200, order.Json());
    }

    Reply FindOrders(Call call)
    {
        var found = new List<RazorpayOrder>();
        if (call.Asked("receipt") is { } receipt && vault.OrdersByReceipt.TryGetValue(receipt, out var same))
            lock (same) found.AddRange(same);
        return new(200, Collection(found.Select(order =>
        {
            lock (order.Gate) return order.Json();
        })));
    }

    Reply OfLink(string id, Func<RazorpayLink, JsonNode> read)
    {
        if (!vault.Links.TryGetValue(id, out var link)) return Unknown(id);
        lock (link.Order.Gate) return new(200, read(link));
    }

    Reply OfOrder(string id, Func<RazorpayOrder, JsonNode> read)
    {
        if (!vault.Orders.TryGetValue(id, out var order)) return Unknown(id);
        lock (order.Gate) return new(200, read(order));
    }

    Reply OfPayment(string id, Func<RazorpayPayment, JsonNode> read)
    {
        if (!vault.Payments.TryGetValue(id, out var payment)) return Unknown(id);
        lock (payment.Order.Gate) return new(200, read(payment));
    }

    static Reply Unknown(string id) => RazorpayDialectRules.Bad($"{id} is not a valid id");

    static JsonObject Collection(IEnumerable<JsonObject> items)
    {
        var list = new JsonArray([.. items]);
        return new() { ["entity"] = "collection", ["count"] = list.Count, ["items"] = list };
    }
}
