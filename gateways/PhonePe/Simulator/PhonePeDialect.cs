using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.PhonePe;

/// <summary>PhonePe's Standard Checkout V2 from its documents: tokens, orders, refunds, settlements. What shoppers do and what is told about it
/// stands in the other parts. Settings where the documents leave something open: <c>duplicate_order</c> (bad_request, conflict),
/// <c>duplicate_refund</c> (refuse, replay), <c>default_expiry_seconds</c>, <c>token_seconds</c>, <c>late_money</c> (completes, reversed),
/// <c>refunds</c> (complete, fail).</summary>
public sealed partial class PhonePeDialect : IGatewayDialect
{
    const string ClientId = "SANDBOXMERCHANT_2611", ClientVersion = "1", ClientSecret = "phonepe-client-secret-sandbox-0123";
    const string WebhookUser = "sandbox_user", WebhookPassword = "SandboxPass2026";

    const int DefaultExpirySeconds = 1200, DefaultTokenSeconds = 3600;

    GatewayWorld world = null!;
    PhonePeVault vault = new();

    public string Name => "phonepe";

    public int DefaultPort => 7416;

    public IReadOnlyDictionary<string, string> Credentials { get; } = new Dictionary<string, string>
    {
        ["client_id"] = ClientId,
        ["client_secret"] = ClientSecret,
        ["client_version"] = ClientVersion,
        ["webhook_username"] = WebhookUser,
        ["webhook_password"] = WebhookPassword,
    };

    /// <summary>None: a user name and a password, which stand among the credentials, take its place.</summary>
    public string WebhookSecret => "";

    public IReadOnlySet<string> AmountFields { get; } = new HashSet<string> { "amount", "payableAmount" };

    public IReadOnlySet<string> IdentityFields { get; } = new HashSet<string>
    {
        "merchantOrderId", "orderId", "transactionId", "merchantRefundId", "originalMerchantOrderId", "refundId", "metaInfo", "redirectUrl", "settlementId",
    };

    public void Open(GatewayWorld world)
    {
        this.world = world;
        vault = new();
    }

    public string CallName(Call call) => (call.Method, Parts(call)) switch
    {
        ("POST", ["checkout", "v2", "pay"] or ["checkout", "v2", "sdk", "order"]) => "create_link",
        ("GET", ["checkout", "v2", "order" or "transaction", _, "status"]) => "inquire",
        ("POST", ["payments", "v2", "refund"]) => "refund",
        ("GET", ["payments", "v2", "refund", _, "status"]) => "inquire_refund",
        ("GET", ["settlements", "v1", _, "status"]) => "settlement",
        _ => "other",
    };

    public async Task<Reply> Answer(Call call)
    {
        await call.Work();
        var reply = Execute(call);
        return call.Instead ?? reply;
    }

    Reply Execute(Call call)
    {
        var parts = Parts(call);
        if (call.Method == "POST" && parts is ["v1", "oauth", "token"]) return GiveToken(call);
        if (!Authorized(call)) return new(401, new JsonObject { ["errorCode"] = "PR004", ["message"] = "Unauthorized" });
        return (call.Method, parts) switch
        {
            ("POST", ["checkout", "v2", "pay"]) => CreateOrder(call, inApp: false),
            ("POST", ["checkout", "v2", "sdk", "order"]) => CreateOrder(call, inApp: true),
            ("GET", ["checkout", "v2", "order", var id, "status"]) => ReadOrder(id, call),
            ("GET", ["checkout", "v2", "transaction", var id, "status"]) => ReadTry(id),
            ("POST", ["payments", "v2", "refund"]) => Refund(call),
            ("GET", ["payments", "v2", "refund", var id, "status"]) => ReadRefund(id),
            ("GET", ["settlements", "v1", var id, "status"]) => ReadSettlement(id),
            _ => PhonePeDialectRules.No(404, "NOT_FOUND", "There is no such path."),
        };
    }

    /// <summary>Under load their 503 is not even JSON.</summary>
    public Reply Trouble(int status) => status switch
    {
        503 => Reply.Raw(503, "text/html", "<html><body>Service Unavailable</body></html>"u8.ToArray()),
        429 => PhonePeDialectRules.No(429, "TOO_MANY_REQUESTS", "Too many requests, please try again later."),
        _ => PhonePeDialectRules.No(status, "INTERNAL_SERVER_ERROR", "Something went wrong."),
    };

    public IEnumerable<Link> Links() => vault.InOrder;

    public Link? LinkByReference(string reference) => vault.Orders.GetValueOrDefault(reference);

    public Link? LinkByPage(string path) =>
        path.StartsWith(PagePath, StringComparison.Ordinal) ? vault.OrdersByPage.GetValueOrDefault(path[PagePath.Length..]) : null;

    const string PagePath = "/transact/";

    /// <summary>Their hosts carry the API below /apis/ and a name; the sandbox answers with and without it.</summary>
    static string[] Parts(Call call)
    {
        var parts = call.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return parts is ["apis", "pg-sandbox" or "pg" or "identity-manager", .. var rest] ? rest : parts;
    }

    Reply GiveToken(Call call)
    {
        var form = PhonePeDialectRules.Form(call);
        if (form is null) return PhonePeDialectRules.No(415, "UNSUPPORTED_MEDIA_TYPE", "A token is asked for with a form.");
        if (form.GetValueOrDefault("grant_type") != "client_credentials") return PhonePeDialectRules.No(400, "BAD_REQUEST", "grant_type must be client_credentials.");
        if (form.GetValueOrDefault("client_id") != ClientId || form.GetValueOrDefault("client_version") != ClientVersion
            || !Wire.SameText(form.GetValueOrDefault("client_secret") ?? "", ClientSecret))
            return PhonePeDialectRules.BadClient(world.NextId("", 12));
        var (now, life) = (world.NowSeconds, Number("token_seconds", DefaultTokenSeconds));
        return new(200, new JsonObject
        {
            ["access_token"] = Token(now + life, world.NextId("", 24)),
            ["encrypted_access_token"] = world.NextId("enc", 40),
            ["expires_in"] = life,
            ["issued_at"] = now,
            ["expires_at"] = now + life,
            ["session_expires_at"] = now + life,
            ["token_type"] = "O-Bearer",
            ["refresh_token"] = null,
        });
    }

    /// <summary>A token says itself until when it counts, so that none has to be kept.</summary>
    static string Token(long end, string chance) => $"{end}.{chance}.{Wire.HmacHex(ClientSecret, Encoding.UTF8.GetBytes($"{end}.{chance}"))}";

    bool Authorized(Call call)
    {
        const string scheme = "O-Bearer ";
        if (call.Header("Authorization") is not { } header || !header.StartsWith(scheme, StringComparison.Ordinal)) return false;
        var token = header[scheme.Length..];
        return token.Split('.') is [var end, var chance, _] && long.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && Wire.SameText(Token(seconds, chance), token) && world.NowSeconds < seconds;
    }

    long Number(string setting, long usual) =>
        long.TryParse(world.Settings.GetValueOrDefault(setting), NumberStyles.None, CultureInfo.InvariantCulture, out var set) ? set : usual;

    Reply CreateOrder(Call call, bool inApp)
    {
        if (PhonePeDialectRules.Read(call.Body, out var asked) is { } unreadable) return unreadable;
        if (PhonePeDialectRules.WrongOrder(asked, inApp) is { } wrong) return wrong;
        var life = (long?)asked["expireAfter"] ?? Number("default_expiry_seconds", DefaultExpirySeconds);
        // They count in milliseconds.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(world.Now.ToUnixTimeMilliseconds());
        var order = new PhonePeOrder(NextName("OMO"), asked, ClientId.Split('_')[0], now)
        {
            Page = world.NextId("", 32),
            Description = (string?)asked["paymentFlow"]!["message"] ?? "",
            ExpiresAt = now.AddSeconds(life),
        };
        if (!vault.Orders.TryAdd(order.Reference!, order))
            return world.Settings.GetValueOrDefault("duplicate_order") == "conflict"
                ? PhonePeDialectRules.No(409, "INVALID_TRANSACTION_ID", "An order with this merchantOrderId exists.")
                : PhonePeDialectRules.No(400, "BAD_REQUEST", "Please check the inputs you have provided. [message = Entity already exists]");
        order.PageUrl = new Uri(world.Address, PagePath + order.Page).ToString();
        vault.OrdersByPage[order.Page] = order;
        vault.Keep(order);
        world.Deadlines.Add(order);
        var answer = new JsonObject
        {
            ["orderId"] = order.Id,
            ["state"] = "PENDING",
            ["expireAt"] = order.ExpiresAt.Value.ToUnixTimeMilliseconds(),
        };
        answer[inApp ? "token" : "redirectUrl"] = inApp ? order.Page : order.PageUrl;
        return new(200, answer);
    }

    Reply ReadOrder(string reference, Call call)
    {
        if (!vault.Orders.TryGetValue(reference, out var order)) return PhonePeDialectRules.No(404, "ORDER_NOT_FOUND", "No entry found for this merchantOrderId.");
        lock (order.Gate) return new(200, order.StatusJson(all: call.Asked("details") == "true", context: call.Asked("errorContext") == "true"));
    }

    Reply ReadTry(string id)
    {
        if (!vault.Tries.TryGetValue(id, out var one)) return PhonePeDialectRules.No(404, "TRANSACTION_NOT_FOUND", "No entry found for this transactionId.");
        lock (one.Order.Gate)
        {
            var status = one.Order.StatusJson(all: false, context: false);
            status["paymentDetails"] = new JsonArray(one.Json());
            return new(200, status);
        }
    }

    /// <summary>Their names begin with letters and the time in India.</summary>
    string NextName(string prefix) =>
        $"{prefix}{PhonePeOrder.InIndia(world.Now):yyMMddHHmmss}{vault.NextNumber() % 10_000_000:d7}";

    /// <summary>What stands in the Authorization header of a webhook; the body has no part in it.</summary>
    public static string WebhookHeader(string userAndPassword) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(userAndPassword)));
}
