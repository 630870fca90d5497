using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Stripe;

/// <summary>What shoppers and banks do at Stripe, and the webhooks and returns that tell of it.</summary>
public sealed partial class StripeDialect
{
    /// <summary>Live mode tries for three days with growing pauses, which are not published; these are of our choosing.</summary>
    public IReadOnlyList<TimeSpan> RetryDelays { get; } =
        [.. new[] { 1.0, 5, 30, 60, 120, 240, 480, 720, 1440, 1440 }.Select(TimeSpan.FromMinutes)];

    public TimeSpan WebhookPatience => TimeSpan.FromSeconds(10);

    /// <summary>Pretty-printed with newlines, as they send it: who parses and writes it again breaks the signature.</summary>
    public static byte[] WebhookBody(JsonObject payload) => Encoding.UTF8.GetBytes(payload.ToJsonString(Wire.Indented) + "\n");

    /// <summary>Every try has a new time; every active secret has its own v1; v0 is there to be ignored.</summary>
    public WebhookMessage Webhook(JsonObject payload, string eventId, IReadOnlyList<string> secrets)
    {
        var (body, at) = (WebhookBody(payload), world.NowSeconds);
        var signatures = secrets.Select(secret => $",v1={Signature(secret, at, body)}");
        return new(body, "application/json; charset=utf-8", new Dictionary<string, string>
        {
            ["Stripe-Signature"] = $"t={at}{string.Concat(signatures)},v0={Signature("v0_for_test_mode", at, body)}",
        });
    }

    public static string Signature(string secret, long at, byte[] body) =>
        Wire.HmacHex(secret, [.. Encoding.UTF8.GetBytes($"{at}."), .. body]);

    public void Visit(Link link)
    {
        // Looking at the page changes nothing at Stripe.
    }

    public string? Decline(Link link)
    {
        var session = (StripeSession)link;
        StripeIntent intent;
        StripeCharge charge;
        lock (session.Gate)
        {
            if (!session.Payable) return null;
            intent = session.Intent ??= NewIntent(session, session.Amount);
            charge = NewCharge(intent);
            Refuse(intent, charge);
        }

        Tell("charge.failed", session, () => charge.Json(StripeExpansion.None));
        Tell("payment_intent.payment_failed", session, () => intent.Json(StripeExpansion.None));
        return intent.Id;
    }

    public string? Capture(Link link, long amount)
    {
        var session = (StripeSession)link;
        StripeIntent intent;
        lock (session.Gate)
        {
            if (!session.Payable) return null;
            // Less can be captured than was asked when a discount is switched on at the gateway.
            if (session.Intent is null || session.Intent.Amount != amount) session.Intent = NewIntent(session, amount);
            intent = session.Intent;
            session.AmountTotal = amount;
            Succeed(intent, NewCharge(intent));
            session.State = "complete";
        }

        TellOfMoney(intent);
        TellOfCompletion(session);
        return intent.Id;
    }

    /// <summary>A method whose answer takes its time: the session is complete and unpaid.</summary>
    public string? Begin(Link link)
    {
        var session = (StripeSession)link;
        StripeIntent intent;
        lock (session.Gate)
        {
            if (!session.Payable) return null;
            intent = session.Intent ??= NewIntent(session, session.Amount);
            intent.Status = "processing";
            intent.LastError = null;
            NewCharge(intent);
            session.State = "complete";
        }

        Tell("payment_intent.processing", session, () => intent.Json(StripeExpansion.None));
        TellOfCompletion(session);
        return intent.Id;
    }

    /// <summary>The try seems to fail, and the page stays; the bank takes the money later, whatever has become of the session.</summary>
    public string? BeginLate(Link link)
    {
        if (Decline(link) is not { } id) return null;
        lock (link.Gate) vault.Intents[id].ComesLate = true;
        return id;
    }

    public void Finish(Link link, string moneyId, bool captured)
    {
        if (!vault.Intents.TryGetValue(moneyId, out var intent)) return;
        if (intent.ComesLate) FinishLate(intent);
        else FinishPending(intent, captured);
    }

    /// <summary>A session that has ended stays ended. Where the shopper has paid meanwhile, this is a second payment.</summary>
    void FinishLate(StripeIntent intent)
    {
        var session = intent.Session;
        bool completes;
        lock (session.Gate)
        {
            intent.ComesLate = false;
            if (intent.Status is not ("requires_payment_method" or "requires_action")) intent = NewIntent(session, session.Amount);
            Succeed(intent, NewCharge(intent));
            completes = session.State == "open";
            if (completes) session.State = "complete";
        }

        TellOfMoney(intent);
        if (completes) TellOfCompletion(session);
    }

    void FinishPending(StripeIntent intent, bool captured)
    {
        var session = intent.Session;
        StripeCharge charge;
        lock (session.Gate)
        {
            if (intent.Status != "processing") return;
            charge = intent.Charges[^1];
            if (captured)
            {
                Succeed(intent, charge);
            }
            else
            {
                Refuse(intent, charge);
            }
        }

        if (captured)
        {
            TellOfMoney(intent);
            Tell("checkout.session.async_payment_succeeded", session, () => session.Json(StripeExpansion.None));
            return;
        }

        Tell("charge.failed", session, () => charge.Json(StripeExpansion.None));
        Tell("payment_intent.payment_failed", session, () => intent.Json(StripeExpansion.None));
        Tell("checkout.session.async_payment_failed", session, () => session.Json(StripeExpansion.None));
    }

    public bool ShowsBankCheck => true;

    /// <summary>The intent waits for the shopper as long as the session is open.</summary>
    public string? LeaveAtCheck(Link link, TimeSpan? delay)
    {
        var session = (StripeSession)link;
        StripeIntent intent;
        lock (session.Gate)
        {
            if (!session.Payable) return null;
            intent = session.Intent ??= NewIntent(session, session.Amount);
            intent.Status = "requires_action";
            intent.LastError = null;
        }

        Tell("payment_intent.requires_action", session, () => intent.Json(StripeExpansion.None));
        return intent.Id;
    }

    /// <summary>Two PaymentIntents for one session, as shops have seen; the session knows the first only.</summary>
    public IReadOnlyList<string>? CaptureTwice(Link link)
    {
        if (Capture(link, link.Amount) is not { } first) return null;
        var session = (StripeSession)link;
        StripeIntent second;
        lock (session.Gate)
        {
            second = NewIntent(session, session.Amount);
            Succeed(second, NewCharge(second));
        }

        TellOfMoney(second);
        return [first, second.Id];
    }

    public void Expire(Link link) => TryExpire((StripeSession)link);

    public BrowserReturn? Return(Link link, string? moneyId)
    {
        var session = (StripeSession)link;
        lock (session.Gate)
            return session.State == "complete" ? new(((string)session.Asked["success_url"]!).Replace("{CHECKOUT_SESSION_ID}", session.Id, StringComparison.Ordinal)) : null;
    }

    /// <summary>The page waits up to ten seconds for the answer to the news of its completion.</summary>
    public Task BeforeReturn(Link link) => Task.WhenAny(((StripeSession)link).CompletionTold, Task.Delay(WebhookPatience, world.Clock));

    public BrowserReturn? CancelReturn(Link link) => (string?)((StripeSession)link).Asked["cancel_url"] is { } url ? new(url) : null;

    bool TryExpire(StripeSession session)
    {
        StripeIntent? intent;
        lock (session.Gate)
        {
            if (session.State != "open") return false;
            session.State = "expired";
            // An intent whose bank is still to be heard is left as it is.
            intent = session.Intent is { ComesLate: false } open ? open : null;
            if (intent is not null) (intent.Status, intent.CancellationReason, intent.CanceledAt) = ("canceled", "expired", world.NowSeconds);
        }

        if (intent is not null) Tell("payment_intent.canceled", session, () => intent.Json(StripeExpansion.None));
        Tell("checkout.session.expired", session, () => session.Json(StripeExpansion.None));
        return true;
    }

    /// <summary>The PaymentIntent comes into being when the buyer confirms, not with the session.</summary>
    StripeIntent NewIntent(StripeSession session, long amount)
    {
        var intent = new StripeIntent(world.NextId("pi_", 24), session, amount, world.NowSeconds);
        vault.Intents[intent.Id] = intent;
        session.Intents.Add(intent);
        return intent;
    }

    StripeCharge NewCharge(StripeIntent intent)
    {
        var charge = new StripeCharge(world.NextId("ch_", 24), intent, world.NowSeconds);
        intent.Charges.Add(charge);
        vault.Charges[charge.Id] = charge;
        return charge;
    }

    void Succeed(StripeIntent intent, StripeCharge charge)
    {
        charge.Status = "succeeded";
        intent.LastError = null;
        if (intent.Session.CapturesByHand) intent.Status = "requires_capture";
        else Take(intent, charge, intent.Amount);
    }

    void Take(StripeIntent intent, StripeCharge charge, long amount)
    {
        intent.Status = "succeeded";
        intent.AmountReceived = charge.AmountCaptured = amount;
        charge.Entry = vault.Enter(new(world.NextId("txn_", 24), "charge", amount, charge.Fee, intent.Session.Currency, world.NowSeconds, intent.Session.Description,
            charge.Id, () => charge.Json(StripeExpansion.None)));
        if (intent.Session.Intent == intent) intent.Session.PaymentStatus = "paid";
        intent.Session.MoneyIds.Add(intent.Id);
        world.Book.Captured(intent.Session, intent.Id, amount, intent.Session.Currency, world.Now);
    }

    static void Refuse(StripeIntent intent, StripeCharge charge)
    {
        charge.Status = "failed";
        charge.FailureCode = "card_declined";
        intent.Status = "requires_payment_method";
        intent.LastError = new()
        {
            ["type"] = "card_error",
            ["code"] = "card_declined",
            ["decline_code"] = "insufficient_funds",
            ["message"] = "Your card has insufficient funds.",
            ["charge"] = charge.Id,
        };
    }

    void TellOfMoney(StripeIntent intent)
    {
        Tell("charge.succeeded", intent.Session, () => intent.Charges[^1].Json(StripeExpansion.None));
        Tell(intent.Session.CapturesByHand ? "payment_intent.amount_capturable_updated" : "payment_intent.succeeded",
            intent.Session, () => intent.Json(StripeExpansion.None));
    }

    void TellOfCompletion(StripeSession session) =>
        session.CompletionTold = Tell("checkout.session.completed", session, () => session.Json(StripeExpansion.None));

    Task Tell(string type, StripeSession session, Func<JsonObject> snapshot)
    {
        JsonObject about;
        lock (session.Gate) about = snapshot();
        var id = world.NextId("evt_", 24);
        return world.Webhooks.Post(id, type, session.Id, Event(id, type, about));
    }

    JsonObject Event(string id, string type, JsonObject about) => new()
    {
        ["id"] = id,
        ["object"] = "event",
        ["api_version"] = DefaultVersion,
        ["created"] = world.NowSeconds,
        ["data"] = new JsonObject { ["object"] = about },
        ["livemode"] = false,
        ["pending_webhooks"] = 1,
        ["request"] = new JsonObject { ["id"] = null, ["idempotency_key"] = null },
        ["type"] = type,
    };
}
