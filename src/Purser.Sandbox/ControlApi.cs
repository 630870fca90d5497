using System.Globalization;
using System.Text.Json;
using Purser.Sandbox.Inspector;

namespace Purser.Sandbox;

/// <summary>How tests and people direct the sandbox: where webhooks go, which faults strike, what shoppers do, and what truly happened.</summary>
sealed class ControlApi(Sandbox sandbox)
{
    /// <summary>The newest are listed; a load makes more than anybody can read.</summary>
    const int MostEvents = 2000;

    sealed record EndpointBody(string? Url, IReadOnlyList<string>? Secrets, IReadOnlyList<string>? Events);

    sealed record PaymentBody(string? Reference, string? LinkId, string? Outcome, int? DelayMs, LinkBody? Link);

    /// <summary>A payment link as a shop has it; the browser visits it before it acts.</summary>
    sealed record LinkBody(string? Kind, string? Url, IReadOnlyDictionary<string, string>? Fields);

    sealed record SendBody(string? EventId, string? Reference, string? Type, int? Times);

    sealed record PresetBody(string? Preset);

    public async Task Serve(HttpContext context)
    {
        var path = (context.Request.Path.Value ?? "/").Split('/', StringSplitOptions.RemoveEmptyEntries);
        var method = context.Request.Method;
        try
        {
            switch (method, path)
            {
                case ("GET", ["control"]):
                    await Answer(context, 200, Overview());
                    return;
                case ("POST", ["control", "reset"]):
                    sandbox.Reset();
                    await Answer(context, 200, new { reset = true });
                    return;
                case ("POST", ["control", var one, "reset"]) when sandbox.World(one) is { } world:
                    world.Reset();
                    await Answer(context, 200, new { reset = true });
                    return;
                case (_, ["control", var name, "faults", .. var rest]) when sandbox.World(name) is { } world:
                    await Faults(context, world, method, rest);
                    return;
                case ("GET", ["control", var name, "requests", .. var rest]) when sandbox.World(name) is { } world:
                    await Requests(context, world, rest);
                    return;
                case (_, ["control", var name, .. var rest]) when sandbox.World(name) is { } world:
                    await Of(context, world, method, string.Join('/', rest));
                    return;
                default:
                    await Wrong(context, 404, "Nothing is here.");
                    return;
            }
        }
        catch (JsonException unreadable)
        {
            await Wrong(context, 400, unreadable.Message);
        }
    }

    async Task Of(HttpContext context, GatewayWorld world, string method, string what)
    {
        switch (method, what)
        {
            case ("PUT", "webhook_endpoint"):
                var endpoint = await Body<EndpointBody>(context);
                if (endpoint.Url is not null && !WebhookEndpoint.CanBe(endpoint.Url))
                {
                    await Wrong(context, 400, "url must be absolute, such as http://127.0.0.1:8080/webhook, or null for none.");
                }
                else
                {
                    var url = endpoint.Url is null ? null : new Uri(endpoint.Url);
                    world.Webhooks.Register(url, endpoint.Secrets, endpoint.Events);
                    await Answer(context, 200, View(world.Webhooks.Endpoint));
                }

                return;
            case ("GET", "webhook_endpoint"):
                await Answer(context, 200, View(world.Webhooks.Endpoint));
                return;
            case ("PUT", "settings"):
                world.Set(await Body<Dictionary<string, string>>(context));
                await Answer(context, 200, world.Settings);
                return;
            case ("GET", "settings"):
                await Answer(context, 200, new { set = world.Settings, looked_for = world.SettingsLookedFor });
                return;
            case ("GET", "book/totals"):
                await Answer(context, 200, world.Book.Totals);
                return;
            case ("GET", "book"):
                await Answer(context, 200, Matching(context, world.Book.Movements, m => m.Reference));
                return;
            case ("GET", "links"):
                await Answer(context, 200, FoundLinks(context, world).Select(View));
                return;
            case ("GET", "webhooks"):
                await Answer(context, 200, FoundEvents((string?)context.Request.Query["reference"], world).TakeLast(MostEvents).Select(Event));
                return;
            case ("POST", "webhooks/send"):
                var send = await Body<SendBody>(context);
                var eventId = send.EventId ?? FoundEvents(send.Reference ?? "", world).LastOrDefault(e => send.Type is null || e.Type == send.Type)?.Id ?? "";
                if (send.Times is < 1 or > 1000) await Wrong(context, 400, "times is from 1 to 1000.");
                else if (world.Webhooks.SendAgain(eventId, send.Times ?? 1)) await Answer(context, 202, new { event_id = eventId, sent = send.Times ?? 1 });
                else await Wrong(context, 404, "There is no such event, or no address to send it to.");
                return;
            case ("GET", "settlement"):
                if (world.Dialect.Settlement(world.Book.Movements) is not { } report)
                {
                    await Wrong(context, 404, $"{world.Dialect.Name} states its settlements over its API only, or not at all.");
                    return;
                }

                context.Response.ContentType = report.ContentType;
                context.Response.Headers.ContentDisposition = $"attachment; filename=\"{report.FileName}\"";
                await context.Response.Body.WriteAsync(report.Content, context.RequestAborted);
                return;
            case ("POST", "payments"):
                await Pay(context, world, await Body<PaymentBody>(context));
                return;
            default:
                await Wrong(context, 404, "Nothing is here.");
                return;
        }
    }

    static async Task Faults(HttpContext context, GatewayWorld world, string method, string[] rest)
    {
        var plan = world.Faults;
        FaultRefusal? refused = null;
        switch (method, rest)
        {
            case ("GET", []):
                await Answer(context, 200, plan.Standing);
                return;
            case ("DELETE", []):
                plan.Clear();
                break;
            case ("DELETE", [var number]) when long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var which) && plan.Remove(which):
                break;
            case ("PUT", []):
                refused = plan.Set(await Body<List<FaultRule>>(context));
                break;
            case ("POST", []):
                refused = plan.Add(await Body<FaultRule>(context));
                break;
            case ("POST", ["preset"]):
                var asked = await Body<PresetBody>(context);
                refused = FaultPresets.Find(asked.Preset) is { } preset ? plan.Set(preset.Rules)
                    : new("preset", $"preset '{asked.Preset}' is none of {string.Join(", ", FaultPresets.All.Select(p => p.Name))}");
                break;
            default:
                await Wrong(context, 404, "Nothing is here.");
                return;
        }
        if (refused is null) await Answer(context, 200, plan.Rules);
        else await Answer(context, 400, new { error = refused.Why, field = refused.Field });
    }

    static async Task Requests(HttpContext context, GatewayWorld world, string[] rest)
    {
        string? text = rest is [var one] ? one : context.Request.Query["since"];
        if (rest.Length > 1 || !long.TryParse(text ?? "0", NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            await Wrong(context, 400, "since is the number of a request; those after it are told.");
        else if (rest.Length == 0)
            await Answer(context, 200, new { last = world.Calls.Last, requests = world.Calls.Since(number).Select(c => CallView.Of(c, world.Dialect)) });
        else if (world.Calls.Find(number) is { } call)
            await Answer(context, 200, CallView.Of(call, world.Dialect));
        else
            await Wrong(context, 404, $"Request {number} is not kept; the newest {CallLog.CallsKept} are.");
    }

    static async Task Pay(HttpContext context, GatewayWorld world, PaymentBody body)
    {
        if (body.Outcome is null || !Shopper.Outcomes.Contains(body.Outcome))
        {
            await Wrong(context, 400, $"outcome is one of {string.Join(", ", Shopper.Outcomes)}.");
            return;
        }

        if (body.DelayMs is < 0)
        {
            await Wrong(context, 400, "delay_ms is not negative.");
            return;
        }

        if (body.Link is { } visited && await Browser.Visit(world, visited.Url, visited.Fields, context.RequestAborted) is { } why)
        {
            await Wrong(context, 400, why);
            return;
        }

        var found = body.LinkId is { } id ? world.Dialect.Links().FirstOrDefault(l => l.Id == id) : world.Dialect.LinkByReference(body.Reference ?? "");
        if (found is not { } link)
        {
            await Wrong(context, 404, body.LinkId is null ? $"No link has the reference '{body.Reference}'." : $"There is no link '{body.LinkId}'.");
            return;
        }

        TimeSpan? delay = body.DelayMs is { } ms ? TimeSpan.FromMilliseconds(ms) : null;
        var result = Shopper.Act(world, link, body.Outcome, delay);
        await Answer(context, result.Outcome == "refused" ? 409 : 200, new
        {
            outcome = result.Outcome,
            return_url = result.Return?.Url,
            return_form = result.Return?.Form?.ToDictionary(f => f.Key, f => f.Value),
            money_ids = result.MoneyIds,
        });
    }

    object Overview() => new
    {
        outcomes = Shopper.Outcomes,
        faults = new { calls = FaultPlan.Calls, of_calls = FaultPlan.CallFaults, of_webhooks = FaultPlan.WebhookFaults, variants = FaultPlan.Variants },
        presets = FaultPresets.All,
        gateways = sandbox.Worlds.Select(w => new
        {
            name = w.Dialect.Name,
            url = w.Address.ToString().TrimEnd('/'),
            credentials = w.Dialect.Credentials,
            webhook_secret = w.Dialect.WebhookSecret,
            webhook_endpoint = w.Webhooks.Endpoint.Url?.ToString(),
        }),
        speed = sandbox.Speed,
    };

    static IEnumerable<T> Matching<T>(HttpContext context, IEnumerable<T> all, Func<T, string?> reference)
    {
        string? asked = context.Request.Query["reference"];
        return asked is null ? all : all.Where(item => reference(item) == asked);
    }

    /// <summary>The one link of a reference is found without looking through the others.</summary>
    static IEnumerable<Link> FoundLinks(HttpContext context, GatewayWorld world)
    {
        string? asked = context.Request.Query["reference"];
        if (asked is null) return world.Dialect.Links();
        return world.Dialect.LinkByReference(asked) is { } link ? [link] : [];
    }

    static IEnumerable<WebhookEvent> FoundEvents(string? reference, GatewayWorld world)
    {
        if (reference is null) return world.Webhooks.Events;
        var link = world.Dialect.LinkByReference(reference);
        return world.Webhooks.Events.Where(e => link is not null && e.LinkId == link.Id);
    }

    static object View(WebhookEndpoint endpoint) =>
        new { url = endpoint.Url?.ToString(), secrets = endpoint.Secrets, events = endpoint.Wanted, disabled = endpoint.Disabled };

    internal static object View(Link link)
    {
        lock (link.Gate)
            return new
            {
                id = link.Id,
                reference = link.Reference,
                amount = link.Amount,
                currency = link.Currency,
                status = link.Status,
                url = link.Url,
                money_ids = link.MoneyIds.ToArray(),
                created_at = link.CreatedAt,
                expires_at = link.ExpiresAt,
            };
    }

    static object Event(WebhookEvent news) => new
    {
        event_id = news.Id,
        type = news.Type,
        link_id = news.LinkId,
        at = news.At,
        fault = news.Fault,
        not_sent = news.NotSent,
        payload = news.Payload,
        attempts = news.Attempts,
    };

    static async Task<T> Body<T>(HttpContext context) =>
        await JsonSerializer.DeserializeAsync<T>(context.Request.Body, FaultRule.Json, context.RequestAborted)
        ?? throw new JsonException("A body is needed.");

    static Task Wrong(HttpContext context, int status, string why) => Answer(context, status, new { error = why });

    static async Task Answer(HttpContext context, int status, object body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        await JsonSerializer.SerializeAsync(context.Response.Body, body, FaultRule.Json, context.RequestAborted);
    }
}
