using System.Globalization;
using System.Reflection;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Purser.Sandbox.Inspector;

namespace Purser.Sandbox.Pages;

/// <summary>The control port as a person sees it: an index, a page per gateway, and what its forms do. Each form does what a call of the
/// control API does, and then shows the page anew.</summary>
sealed class ControlPages(Sandbox sandbox, IServiceProvider services)
{
    const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

    /// <summary>What a form may leave as its good news. The address carries the name only, so nobody can put words on the page.</summary>
    public static readonly IReadOnlyDictionary<string, string> News = new Dictionary<string, string>
    {
        ["rule"] = "The rule stands behind the others.",
        ["removed"] = "The rule is gone.",
        ["cleared"] = "No fault is planned any more.",
        ["preset"] = "The preset is the plan now.",
        ["registered"] = "Webhooks go there from now on.",
        ["again"] = "It is sent again.",
        ["acted"] = "Done, as if the shopper had closed the browser afterwards: a webhook and your inquiry tell of it, no return does.",
        ["settings"] = "The switches are set.",
        ["reset"] = "All is as on the first day; addresses and webhook endpoints stayed.",
    };

    public async Task Serve(HttpContext context)
    {
        var path = (context.Request.Path.Value ?? "/").Split('/', StringSplitOptions.RemoveEmptyEntries);
        switch (context.Request.Method, path)
        {
            case ("GET", []):
                await Show<IndexPage>(context, 200, new() { [nameof(IndexPage.Sandbox)] = sandbox, [nameof(IndexPage.Said)] = Said(context) });
                return;
            case ("GET", ["sandbox.css"]):
                await File(context, "sandbox.css", "text/css; charset=utf-8");
                return;
            case ("GET", ["sandbox.js"]):
                await File(context, "sandbox.js", "text/javascript; charset=utf-8");
                return;
            case ("POST", ["reset"]):
                sandbox.Reset();
                Back(context, "/?said=reset");
                return;
            case ("GET", ["gateways", var name]) when sandbox.World(name) is { } world:
                await Gateway(context, world, null);
                return;
            case ("GET", ["gateways", var name, "requests", var number]) when sandbox.World(name) is { } world
                && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var which) && world.Calls.Find(which) is { } call:
                await Show<RequestPage>(context, 200, new() { [nameof(RequestPage.World)] = world, [nameof(RequestPage.Seen)] = CallView.Of(call, world.Dialect) });
                return;
            case ("GET", ["gateways", var name, "webhooks", var id]) when sandbox.World(name) is { } world && world.Webhooks.Find(id) is { } news:
                await Show<WebhookPage>(context, 200, new() { [nameof(WebhookPage.World)] = world, [nameof(WebhookPage.News)] = news, [nameof(WebhookPage.Said)] = Said(context) });
                return;
            case ("POST", ["gateways", var name, .. var what]) when sandbox.World(name) is { } world && context.Request.HasFormContentType:
                await Press(context, world, string.Join('/', what), await context.Request.ReadFormAsync(context.RequestAborted));
                return;
            default:
                await Show<NothingPage>(context, 404, []);
                return;
        }
    }

    async Task Press(HttpContext context, GatewayWorld world, string what, IFormCollection form)
    {
        var page = $"/gateways/{world.Dialect.Name}";
        FaultRefusal? refused = null;
        switch (what)
        {
            case "faults":
                refused = FormReading.Rule(form, out var rule) ?? world.Faults.Add(rule!);
                if (refused is null) Back(context, $"{page}?said=rule#faults");
                break;
            case "faults/remove":
                if (long.TryParse(form["number"], NumberStyles.None, CultureInfo.InvariantCulture, out var number)) world.Faults.Remove(number);
                Back(context, $"{page}?said=removed#faults");
                break;
            case "faults/clear":
                world.Faults.Clear();
                Back(context, $"{page}?said=cleared#faults");
                break;
            case "faults/preset" when FaultPresets.Find(form["preset"]) is { } preset:
                world.Faults.Set(preset.Rules);
                Back(context, $"{page}?said=preset#faults");
                break;
            case "webhook":
                refused = FormReading.Endpoint(form, world.Webhooks);
                if (refused is null) Back(context, $"{page}?said=registered#connect");
                break;
            case "webhooks/again":
                var sent = world.Webhooks.SendAgain(form["event_id"].ToString(), 1);
                if (sent) Back(context, form["from"] == "event" ? $"{page}/webhooks/{Uri.EscapeDataString(form["event_id"].ToString())}?said=again" : $"{page}?said=again#webhooks");
                else refused = new("url", "It could not be sent again: there is no address to send it to, or the event is forgotten. Register an address below.");
                break;
            case "payments":
                refused = Act(world, form);
                if (refused is null) Back(context, $"{page}?said=acted#links");
                break;
            case "settings":
                refused = FormReading.Settings(form, out var settings);
                if (refused is null)
                {
                    world.Set(settings);
                    Back(context, $"{page}?said=settings#settings");
                }

                break;
            case "reset":
                world.Reset();
                Back(context, $"{page}?said=reset");
                break;
            default:
                await Show<NothingPage>(context, 404, []);
                return;
        }

        if (refused is not null) await Gateway(context, world, new(refused, form.ToDictionary(f => f.Key, f => f.Value.ToString())));
    }

    static FaultRefusal? Act(GatewayWorld world, IFormCollection form)
    {
        var (id, outcome) = (form["link_id"].ToString(), form["outcome"].ToString());
        if (!Shopper.OutcomesOf(world.Dialect).Contains(outcome)) return new("outcome", $"outcome is one of {string.Join(", ", Shopper.OutcomesOf(world.Dialect))}.");
        if (world.Dialect.Links().FirstOrDefault(l => l.Id == id) is not { } link) return new("link_id", $"There is no link '{id}' any more. Load the page again.");
        return Shopper.Act(world, link, outcome, null).Outcome != "refused" ? null
            : new("outcome", $"{link.Id} takes no more money: it is {link.Status}. Open a new link with your integration.");
    }

    Task Gateway(HttpContext context, GatewayWorld world, Refused? refused) => Show<GatewayPage>(context, refused is null ? 200 : 400, new()
    {
        [nameof(GatewayPage.World)] = world,
        [nameof(GatewayPage.Refused)] = refused,
        [nameof(GatewayPage.Said)] = Said(context),
        [nameof(GatewayPage.Passed)] = GatewayPage.Sections.Select(s => (Section: s, Known: int.TryParse(context.Request.Query[s], NumberStyles.None, CultureInfo.InvariantCulture, out var passed), Passed: passed))
            .Where(s => s.Known).ToDictionary(s => s.Section, s => s.Passed),
        [nameof(GatewayPage.Reference)] = context.Request.Query["reference"].ToString().Trim() is { Length: > 0 } asked ? asked : null,
    });

    static string? Said(HttpContext context) => News.GetValueOrDefault(context.Request.Query["said"].ToString());

    static void Back(HttpContext context, string where)
    {
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = where;
    }

    async Task Show<TPage>(HttpContext context, int status, Dictionary<string, object?> parameters)
        where TPage : IComponent
    {
        await using var renderer = new HtmlRenderer(services, services.GetRequiredService<ILoggerFactory>());
        var html = await renderer.Dispatcher.InvokeAsync(async () =>
            (await renderer.RenderComponentAsync<TPage>(ParameterView.FromDictionary(parameters))).ToHtmlString());
        Protect(context, status, "text/html; charset=utf-8");
        await context.Response.WriteAsync(html, context.RequestAborted);
    }

    static async Task File(HttpContext context, string name, string type)
    {
        Protect(context, 200, type);
        await using var file = Assembly.GetExecutingAssembly().GetManifestResourceStream($"pages/{name}")!;
        await file.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    static void Protect(HttpContext context, int status, string type)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = type;
        response.Headers.CacheControl = "no-store";
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        // With "no-referrer" a browser would hide the origin of our own forms, too.
        response.Headers["Referrer-Policy"] = "same-origin";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }
}

/// <summary>A form that was not taken, as it was filled in.</summary>
sealed record Refused(FaultRefusal Why, IReadOnlyDictionary<string, string> Form);
