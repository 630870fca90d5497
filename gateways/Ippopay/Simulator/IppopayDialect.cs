using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Ippopay;

/// <summary>IppoPay's orders from its one page of documents: create, read, transaction, refund, preview. What shoppers do and what becomes of money
/// stands in the other parts. It sends no webhooks, for none are documented; <c>notify_url</c> is taken and never called. Settings where
/// the documents leave something open: <c>payment_url</c> (shown), <c>order_ids</c> (strange: with an @ in them), <c>transaction</c> (latest),
/// <c>no_transaction</c> (empty), <c>errors</c> (200), <c>words</c> (capitalised), <c>second_refund</c> (refuse), <c>refunds</c> (fail).</summary>
public sealed partial class IppopayDialect : IGatewayDialect
{
    const string PublicKey = "pk_test_sandbox0001", SecretKey = "sk_test_sandbox0002secret";
    const string MerchantName = "Sandbox Store", MerchantId = "SANDBOXM";
    const string PagePath = "/order/";

    GatewayWorld world = null!;
    IppopayVault vault = new();

    public string Name => "ippopay";

    public string Title => "IppoPay";

    public int DefaultPort => 7418;

    public IReadOnlyDictionary<string, string> Credentials { get; } =
        new Dictionary<string, string> { ["public_key"] = PublicKey, ["secret_key"] = SecretKey };

    /// <summary>None is documented.</summary>
    public string WebhookSecret => "";

    public IReadOnlyList<TimeSpan> RetryDelays { get; } = [];

    public TimeSpan WebhookPatience => TimeSpan.FromSeconds(10);

    public IReadOnlySet<string> AmountFields { get; } = new HashSet<string> { "amount", "paid", "settled" };

    public IReadOnlySet<string> IdentityFields { get; } = new HashSet<string> { "order_id", "trans_id", "notes", "settlement_id" };

    public void Open(GatewayWorld world)
    {
        this.world = world;
        vault = new();
    }

    /// <summary>What became of a refund stands in the transaction and nowhere else: whoever reads that after a refund asks about both.</summary>
    public string CallName(Call call) => (call.Method, Parts(call)) switch
    {
        ("POST", ["order", "create"]) => "create_link",
        ("POST", ["order", "refund", _]) => "refund",
        ("GET", ["order", var id, "transaction"]) when vault.Orders.GetValueOrDefault(id) is { AskedToRefund: true } => "inquire_refund",
        ("GET", ["order", _] or ["order", _, "transaction"] or ["api", "v1", "pg", "open", "order", "preview", _]) => "inquire",
        _ => "other",
    };

    public async Task<Reply> Answer(Call call)
    {
        await call.Work();
        var reply = Execute(call);
        // Whether a no comes with a status of its own is not documented.
        if (reply.Status is >= 400 and < 500 && reply.Status != 401 && world.Settings.GetValueOrDefault("errors") == "200") reply = reply with { Status = 200 };
        return call.Instead ?? reply;
    }

    Reply Execute(Call call)
    {
        var parts = Parts(call);
        // The preview is for the browser, which knows the public key only.
        if (call.Method == "GET" && parts is ["api", "v1", "pg", "open", "order", "preview", var shown])
            return call.Asked("public_key") == PublicKey ? OfOrder(shown, order => IppopayRules.Yes("Order preview", "order", order.Preview())) : IppopayRules.Unauthorized;
        if (!Authorized(call)) return IppopayRules.Unauthorized;
        return (call.Method, parts) switch
        {
            ("POST", ["order", "create"]) => CreateOrder(call),
            ("POST", ["order", "refund", var id]) => Refund(id, call),
            ("POST", ["order", var id, "process"]) => Process(id, call),
            ("GET", ["order", var id]) => OfOrder(id, order => IppopayRules.Yes("Order details", "order", Json(order))),
            ("GET", ["order", var id, "transaction"]) => OfOrder(id, Transaction),
            _ => IppopayRules.No("Not found", 404),
        };
    }

    public Reply Trouble(int status) => new(status, IppopayRules.No(status == 429 ? "Too many requests" : "Something went wrong").Body);

    /// <summary>Nothing is ever told, so this is not asked in earnest.</summary>
    public WebhookMessage Webhook(JsonObject payload, string eventId, IReadOnlyList<string> secrets) =>
        new(Encoding.UTF8.GetBytes(payload.ToJsonString(Wire.Compact)), "application/json", new Dictionary<string, string>());

    public IEnumerable<Link> Links() => vault.InOrder;

    /// <summary>They know no merchant's reference. Here the last part of the notes is taken for one, and since each call makes an order of its own, it
    /// names the order that was made or visited last.</summary>
    public Link? LinkByReference(string reference) => vault.ByReference.GetValueOrDefault(reference);

    public Link? LinkByPage(string path) =>
        path.StartsWith(PagePath, StringComparison.Ordinal) ? vault.Orders.GetValueOrDefault(path[PagePath.Length..]) : null;

    /// <summary>Live and test carry the API below other paths; a merchant may count these to the address.</summary>
    static string[] Parts(Call call)
    {
        var parts = call.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return parts switch
        {
            ["v1", .. var rest] => rest,
            ["apitest", "v1", "pg", .. var rest] => rest,
            _ => parts,
        };
    }

    static bool Authorized(Call call) =>
        call.Header("Authorization") is { } header && Wire.SameText(header, BasicAuthorization(PublicKey, SecretKey));

    /// <summary>The public key is the user and the secret key the password.</summary>
    public static string BasicAuthorization(string publicKey, string secretKey) =>
        "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{publicKey}:{secretKey}"));

    Reply CreateOrder(Call call)
    {
        if (IppopayRules.Read(call.Body, out var asked) is { } unreadable) return unreadable;
        if (IppopayRules.WrongOrder(asked, out var paise) is { } wrong) return wrong;
        var id = world.NextId(world.Settings.GetValueOrDefault("order_ids") == "strange" ? "order_@" : "order_", 12);
        var order = new IppopayOrder(id, asked, paise, vault.NextNumber(), world.Now)
        {
            Page = new Uri(world.Address, $"{PagePath}{Uri.EscapeDataString(id)}?public_key={PublicKey}&redirect=true").AbsoluteUri,
            Description = (string?)asked["notes"] ?? "",
        };
        vault.Keep(order);
        lock (order.Gate) return IppopayRules.Yes("Order created", "order", Json(order));
    }

    Reply Process(string id, Call call)
    {
        if (IppopayRules.Read(call.Body, out var asked) is { } unreadable) return unreadable;
        if (IppopayRules.Text(asked["pay_mode_id"]) != "upi-intent") return IppopayRules.No("pay_mode_id must be upi-intent");
        return OfOrder(id, order =>
        {
            if (!order.Payable) return IppopayRules.No("The order is paid already");
            var intent = $"upi://pay?pa=sandbox@test&pn={Uri.EscapeDataString(MerchantName)}&tr={Uri.EscapeDataString(order.Id)}&am={IppopayRules.Rupees(order.Amount)}&cu=INR";
            return IppopayRules.Yes("Payment initiated", "pay_process", new JsonObject
            {
                ["action"] = "intent",
                ["redirect_data"] = new JsonObject { ["data"] = new JsonObject { ["upi_intent"] = intent } },
            });
        });
    }

    /// <summary>Of several tries the one that paid, else the latest. Which one they tell is not documented; a setting has always the latest.</summary>
    Reply Transaction(IppopayOrder order)
    {
        var told = world.Settings.GetValueOrDefault("transaction") == "latest" ? order.Tries.LastOrDefault() : order.Paid ?? order.Tries.LastOrDefault();
        if (told is not null) return IppopayRules.Yes("Transaction details", "transaction", told.Json(MerchantJson(), world.Now, Word));
        return world.Settings.GetValueOrDefault("no_transaction") == "empty"
            ? new(200, new JsonObject { ["success"] = true, ["message"] = "Transaction details", ["data"] = new JsonObject() })
            : new(200, IppopayRules.No("Transaction not found").Body);
    }

    Reply OfOrder(string id, Func<IppopayOrder, Reply> read)
    {
        if (!vault.Orders.TryGetValue(id, out var order)) return IppopayRules.No("Order not found", 404);
        lock (order.Gate) return read(order);
    }

    JsonObject Json(IppopayOrder order)
    {
        var json = order.Json(MerchantJson(), Word);
        if (world.Settings.GetValueOrDefault("payment_url") == "shown") json["payment_url"] = order.Page;
        return json;
    }

    static JsonObject MerchantJson() => new() { ["name"] = MerchantName, ["id"] = MerchantId };

    /// <summary>Some of their programs write Success where others write success.</summary>
    string Word(string word) => world.Settings.GetValueOrDefault("words") == "capitalised" ? char.ToUpperInvariant(word[0]) + word[1..] : word;
}
