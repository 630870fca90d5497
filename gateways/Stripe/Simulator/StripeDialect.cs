using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Stripe;

/// <summary>Stripe's API in test mode, from its documents: Checkout Sessions, PaymentIntents, charges, events. Refunds, the
/// balance, reports, what shoppers do and what is told about it stand in the other parts.</summary>
public sealed partial class StripeDialect : IGatewayDialect
{
    const string SecretKey = "sk_test_sandbox", DefaultVersion = "2026-07-29.dahlia";
    const int LongestKey = 255, UsualLife = 24 * 3600, MostListed = 100, UsuallyListed = 10;

    static readonly HashSet<string> ListFields =
        ["created", "status", "payment_intent", "limit", "starting_after", "ending_before", "expand", "customer"];

    GatewayWorld world = null!;
    StripeVault vault = new(TimeProvider.System);

    public string Name => "stripe";

    public int DefaultPort => 7412;

    public IReadOnlyDictionary<string, string> Credentials { get; } =
        new Dictionary<string, string> { ["secret_key"] = SecretKey };

    public string WebhookSecret => "whsec_sandbox_0123456789abcdef";

    public IReadOnlySet<string> AmountFields { get; } = new HashSet<string>
        { "amount", "amount_total", "amount_subtotal", "amount_received", "amount_captured", "net" };

    public IReadOnlySet<string> IdentityFields { get; } = new HashSet<string>
        { "id", "client_reference_id", "payment_intent", "latest_charge", "metadata", "description" };

    public void Open(GatewayWorld world)
    {
        this.world = world;
        vault = new(world.Clock);
    }

    /// <summary>Nothing comes later of what was forgotten meanwhile.</summary>
    void Later(TimeSpan delay, Action act)
    {
        var known = vault;
        world.Later(delay, () =>
        {
            if (vault == known) act();
        });
    }

    public string CallName(Call call) => (call.Method, Parts(call)) switch
    {
        ("POST", ["v1", "checkout", "sessions"]) => "create_link",
        ("POST", ["v1", "checkout", "sessions", _, "expire"] or ["v1", "payment_intents", _, "cancel"]) => "cancel",
        ("POST", ["v1", "refunds"]) => "refund",
        ("GET", ["v1", "refunds", ..]) => "inquire_refund",
        ("GET", ["v1", "balance_transactions" or "payouts" or "reporting" or "files", ..]) => "settlement",
        ("GET", _) => "inquire",
        _ => "other",
    };

    public async Task<Reply> Answer(Call call)
    {
        var requestId = world.NextId("req_", 14);
        var reply = await Guarded(call, requestId);
        var headers = new List<KeyValuePair<string, string>>(reply.Headers)
        {
            new("Request-Id", requestId),
            new("Stripe-Version", call.Header("Stripe-Version") ?? DefaultVersion),
        };
        if (call.Method == "POST" && call.Header("Idempotency-Key") is { } key) headers.Add(new("Idempotency-Key", key));
        return reply with { Headers = headers };
    }

    public Reply Trouble(int status) => status == 429
        ? StripeDialectRules.Bad("Request rate limit exceeded.", code: "rate_limit", status: 429) with
        {
            Headers = [new("Stripe-Rate-Limited-Reason", "global-rate"), new("Stripe-Should-Retry", "true")],
        }
        : StripeDialectRules.Bad("An unknown error occurred.", status: status, type: "api_error") with
        {
            Headers = [new("Request-Id", world.NextId("req_", 14))],
        };

    public IEnumerable<Link> Links()
    {
        lock (vault.OrderGate) return [.. vault.SessionOrder];
    }

    /// <summary>Our own reference is the newest session's client_reference_id.</summary>
    public Link? LinkByReference(string reference) => vault.SessionsByReference.GetValueOrDefault(reference);

    public Link? LinkByPage(string path) =>
        path.StartsWith("/c/pay/", StringComparison.Ordinal) ? vault.Sessions.GetValueOrDefault(path[7..]) : null;

    static string[] Parts(Call call) => call.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);

    async Task<Reply> Guarded(Call call, string requestId)
    {
        if (KeyOf(call) is not { } given)
            return StripeDialectRules.Bad("You did not provide an API key. You need to provide your API key in the Authorization header, "
                + "using Bearer auth.", status: 401);
        if (!Wire.SameText(given, SecretKey))
            return StripeDialectRules.Bad("Invalid API Key provided: " + (given.Length > 8 ? given[..8] + "****" : "****"), status: 401);
        if (call.Method != "POST")
        {
            await call.Work();
            return Answered(call);
        }

        if (call.Header("Idempotency-Key") is not { } key)
        {
            await call.Work();
            return Answered(call);
        }

        if (key.Length is 0 or > LongestKey)
            return StripeDialectRules.Bad($"Idempotency keys have from 1 to {LongestKey} characters.");
        return await vault.Idempotency.Once(key, call, requestId, async () =>
        {
            await call.Work();
            return Answered(call);
        });
    }

    /// <summary>The answer, or the error that is told and remembered in its place though the call was executed.</summary>
    Reply Answered(Call call)
    {
        var reply = Execute(call);
        return call.Instead is { } instead && reply.Executed ? instead with { Executed = true } : reply;
    }

    static string? KeyOf(Call call)
    {
        if (call.Header("Authorization") is not { } header) return null;
        if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)) return header[7..].Trim();
        if (!header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)) return null;
        var bytes = new byte[header.Length];
        return Convert.TryFromBase64String(header[6..].Trim(), bytes, out var length)
            ? Encoding.UTF8.GetString(bytes, 0, length).Split(':')[0] : null;
    }

    Reply Execute(Call call)
    {
        var asked = call.Method == "GET" ? StripeDialectForm.Parse(call.Query, out var wrong)
            : StripeDialectForm.Parse(call.BodyText, out wrong);
        if (asked is null) return StripeDialectRules.Bad($"Invalid parameter name: {wrong}", wrong);
        return (call.Method, Parts(call)) switch
        {
            ("POST", ["v1", "checkout", "sessions"]) => CreateSession(asked),
            ("GET", ["v1", "checkout", "sessions"]) => ListSessions(asked),
            ("GET", ["v1", "checkout", "sessions", var id]) => ReadSession(id, asked),
            ("POST", ["v1", "checkout", "sessions", var id, "expire"]) => ExpireSession(id, asked),
            ("POST", ["v1", "checkout", "sessions", var id]) => ChangeSession(id, asked),
            ("GET", ["v1", "checkout", "sessions", var id, "line_items"]) => ReadLines(id),
            ("GET", ["v1", "payment_intents", var id]) => ReadIntent(id, asked),
            ("POST", ["v1", "payment_intents", var id, "capture"]) => CaptureByHand(id, asked),
            ("POST", ["v1", "payment_intents", var id, "cancel"]) => CancelIntent(id, asked),
            ("GET", ["v1", "balance_transactions"]) => ListBalance(asked),
            ("GET", ["v1", "balance_transactions", var id]) => ReadBalance(id),
            ("GET", ["v1", "payouts"]) => ListPayouts(asked),
            ("GET", ["v1", "payouts", var id]) => ReadPayout(id),
            ("POST", ["v1", "reporting", "report_runs"]) => RunReport(asked),
            ("GET", ["v1", "reporting", "report_runs", var id]) => ReadRun(id),
            ("GET", ["v1", "reporting", "report_types", var id]) => ReadReportType(id),
            ("GET", ["v1", "files", var id, "contents"]) => ReadFile(id),
            ("GET", ["v1", "charges", var id]) => ReadCharge(id, asked),
            ("POST", ["v1", "refunds"]) => Refund(asked),
            ("GET", ["v1", "refunds"]) => ListRefunds(asked),
            ("GET", ["v1", "refunds", var id]) => ReadRefund(id),
            ("POST", ["v1", "refunds", var id, "cancel"]) => CancelRefund(id),
            ("GET", ["v1", "events"]) => ListEvents(asked),
            ("GET", ["v1", "events", var id]) => world.Webhooks.Find(id) is { } news
                ? new(200, news.Payload.DeepClone()) : StripeDialectRules.Missing("event", id),
            _ => StripeDialectRules.Bad($"Unrecognized request URL ({call.Method}: {call.Path}).", status: 404),
        };
    }

    Reply CreateSession(JsonObject asked)
    {
        if (StripeExpansion.Read(asked["expand"], false, out var expand) is { } unexpandable) return unexpandable;
        var now = world.NowSeconds;
        if (StripeDialectRules.WrongSession(asked, now) is { } wrong) return wrong;
        var (amount, currency) = StripeDialectRules.Total(asked);
        var id = world.NextId("cs_test_", 58);
        var firstLine = ((JsonObject)asked["line_items"]!).First().Value;
        var session = new StripeSession(id, asked, amount, currency, now)
        {
            // The real fragment is long, and the page needs it; the length is part of the trap.
            PageUrl = new Uri(world.Address, $"/c/pay/{id}").ToString() + "#" + world.NextId("fid", 220),
            ExpiresAt = DateTimeOffset.FromUnixTimeSeconds(StripeDialectRules.Number(asked["expires_at"]) ?? now + UsualLife),
            Description = (string?)firstLine?["price_data"]?["product_data"]?["name"] ?? "",
        };
        vault.Keep(session);

        world.Deadlines.Add(session);
        return new(200, session.Json(expand));
    }

    Reply ReadSession(string id, JsonObject asked)
    {
        if (StripeExpansion.Read(asked["expand"], false, out var expand) is { } wrong) return wrong;
        if (!vault.Sessions.TryGetValue(id, out var session)) return StripeDialectRules.Missing("checkout.session", id);
        lock (session.Gate) return new(200, session.Json(expand));
    }

    Reply ListSessions(JsonObject asked)
    {
        if (StripeDialectRules.Strange(asked, ListFields, "") is { } strange) return strange;
        if (StripeExpansion.Read(asked["expand"], true, out var expand) is { } wrong) return wrong;
        var limit = StripeDialectRules.Number(asked["limit"]) ?? UsuallyListed;
        if (limit is < 1 or > MostListed) return StripeDialectRules.Bad("This value must be from 1 to 100.", "limit");
        var window = StripeWindow.Read(asked["created"]);
        var now = world.NowSeconds;
        var status = (string?)asked["status"];
        if ((string?)asked["payment_intent"] is { } intentId)
        {
            List<StripeSession> only = vault.Intents.TryGetValue(intentId, out var intent) ? [intent.Session] : [];
            return Page(only, false, expand, "/v1/checkout/sessions");
        }

        var found = new List<StripeSession>();
        var more = false;
        lock (vault.OrderGate)
        {
            var from = vault.SessionOrder.Count - 1;
            // A time window that ends long ago begins far below the newest, so its end is looked for by halves.
            if (window.Most < now) from = vault.LastUntil(window.Most + 1);
            if ((string?)asked["starting_after"] is { } after)
            {
                if (!vault.Sessions.TryGetValue(after, out var last)) return StripeDialectRules.Missing("checkout.session", after);
                from = Math.Min(from, (int)(last.Position - vault.Forgotten) - 1);
            }

            // Newest first; sessions are kept in the order of their creation, so the walk ends where the window begins.
            for (var i = from; i >= 0; i--)
            {
                var session = vault.SessionOrder[i];
                var created = session.CreatedAt.ToUnixTimeSeconds();
                if (created < window.Least - 1) break;
                if (created < window.Least || created > window.Most || (status is not null && session.State != status)) continue;
                if (found.Count == limit)
                {
                    more = true;
                    break;
                }

                found.Add(session);
            }
        }

        return Page(found, more, expand, "/v1/checkout/sessions");

        static Reply Page(List<StripeSession> sessions, bool more, StripeExpansion expand, string url)
        {
            var shown = new List<JsonObject>();
            foreach (var session in sessions)
                lock (session.Gate)
                    shown.Add(session.Json(expand));
            return List(shown, more, url);
        }
    }

    Reply ExpireSession(string id, JsonObject asked)
    {
        if (StripeExpansion.Read(asked["expand"], false, out var expand) is { } wrong) return wrong;
        if (!vault.Sessions.TryGetValue(id, out var session)) return StripeDialectRules.Missing("checkout.session", id);
        if (!TryExpire(session))
        {
            string state;
            lock (session.Gate) state = session.State;
            var why = $"Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of {state}.";
            return StripeDialectRules.Bad(why) with { Executed = true };
        }

        lock (session.Gate) return new(200, session.Json(expand));
    }

    Reply ReadIntent(string id, JsonObject asked)
    {
        if (StripeExpansion.Read(asked["expand"], false, out var expand) is { } wrong) return wrong;
        if (!vault.Intents.TryGetValue(id, out var intent)) return StripeDialectRules.Missing("payment_intent", id);
        lock (intent.Session.Gate) return new(200, intent.Json(expand));
    }

    Reply ReadCharge(string id, JsonObject asked)
    {
        if (StripeExpansion.Read(asked["expand"], false, out var expand) is { } wrong) return wrong;
        if (!vault.Charges.TryGetValue(id, out var charge)) return StripeDialectRules.Missing("charge", id);
        lock (charge.Intent.Session.Gate) return new(200, charge.Json(expand));
    }

    Reply ListEvents(JsonObject asked)
    {
        var limit = StripeDialectRules.Number(asked["limit"]) ?? UsuallyListed;
        if (limit is < 1 or > MostListed) return StripeDialectRules.Bad("This value must be from 1 to 100.", "limit");
        var window = StripeWindow.Read(asked["created"]);
        var type = (string?)asked["type"];
        var undelivered = (string?)asked["delivery_success"] == "false";
        var found = world.Webhooks.Events.Reverse()
            .Where(e => (type is null || e.Type == type)
                && e.At.ToUnixTimeSeconds() >= window.Least && e.At.ToUnixTimeSeconds() <= window.Most
                && (!undelivered || !e.Attempts.Any(a => a.Status is >= 200 and < 300)));
        if ((string?)asked["starting_after"] is { } after) found = found.SkipWhile(e => e.Id != after).Skip(1);
        var page = found.Take((int)limit + 1).ToArray();
        return List(page.Take((int)limit).Select(e => (JsonObject)e.Payload.DeepClone()), page.Length > limit, "/v1/events");
    }

    static Reply List(IEnumerable<JsonObject> items, bool more, string url)
    {
        var body = new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. items]),
            ["has_more"] = more,
            ["url"] = url,
        };
        return new(200, body);
    }
}

/// <summary>A range of creation times in Unix seconds, both ends included.</summary>
readonly record struct StripeWindow(long Least, long Most)
{
    public static StripeWindow Read(JsonNode? created) => created switch
    {
        JsonObject range => new(
            Math.Max(StripeDialectRules.Number(range["gte"]) ?? 0, (StripeDialectRules.Number(range["gt"]) + 1) ?? 0),
            Math.Min(StripeDialectRules.Number(range["lte"]) ?? long.MaxValue,
                (StripeDialectRules.Number(range["lt"]) - 1) ?? long.MaxValue)),
        { } exact when StripeDialectRules.Number(exact) is { } at => new(at, at),
        _ => new(0, long.MaxValue),
    };
}
