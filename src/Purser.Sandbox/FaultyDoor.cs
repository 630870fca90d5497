using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Purser.Sandbox.Inspector;

namespace Purser.Sandbox;

/// <summary>Stands before a gateway's API: reads the call, lets the fault plan have its way, and answers.</summary>
sealed class FaultyDoor(GatewayWorld world)
{
    const int LargestBody = 1 << 20;

    /// <summary>A lost reply is held until the client gives up, but no longer than this.</summary>
    static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(60);

    readonly record struct Told(string Path, Reply Reply);

    // The two newest good answers per call; one of them is about somebody else.
    readonly System.Collections.Concurrent.ConcurrentDictionary<string, Told> newest = new(), older = new();

    public async Task Serve(HttpContext context)
    {
        if (await Read(context) is not { } call) return;
        var name = world.Dialect.CallName(call);
        var words = new Lazy<string>(() => $"{context.Request.Path}{context.Request.QueryString}\n{call.BodyText}\n{world.Dialect.PlainWords(call)}");
        var rule = world.Faults.ForCall(name, part => IsAbout(words.Value, part));
        var received = world.Calls.Received(world.Now, call, context.Request.Path + context.Request.QueryString, name, rule?.Fault);
        try
        {
            await Answer(new(context, world.Calls, received), call, name, rule);
        }
        finally
        {
            received.Ended = true;
        }
    }

    async Task Answer(Exchange context, Call call, string name, FaultRule? rule)
    {
        if (rule is null)
        {
            var plain = Remember(name, call, await world.Dialect.Answer(call));
            // A person who opened a link: a program would ask for no page, and would say who it is.
            if (plain.Status >= 400 && HttpMethods.IsGet(call.Method) && context.Http.Request.Headers.Authorization.Count == 0 && context.Http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase))
                await WriteRaw(context, 404, "text/html; charset=utf-8", HostedPage.Lost(world.Dialect));
            else await Write(context, plain);
            return;
        }

        switch (rule.Fault)
        {
            case "refuse":
                context.Http.Abort();
                break;
            case "error_500":
                await Write(context, world.Dialect.Trouble(rule.Status ?? 500));
                break;
            case "error_500_after":
                var error = world.Dialect.Trouble(rule.Status ?? 500);
                var remembered = await world.Dialect.Answer(rule.Stored ? call with { Instead = error } : call);
                await Write(context, rule.Stored ? remembered : error);
                break;
            case "error_429":
                var wearied = world.Dialect.Trouble(rule.Status ?? 429);
                await Write(context, wearied with { Headers = [.. wearied.Headers, new("Retry-After", $"{(rule.DelayMs + 999) / 1000}")] });
                break;
            case "slow":
                var wait = TimeSpan.FromMilliseconds(rule.DelayMs);
                var slow = call with { Work = () => Task.Delay(wait, world.Clock, world.Closing) };
                await Write(context, Remember(name, call, await world.Dialect.Answer(slow)));
                break;
            case "timeout_before":
                await Silence(context);
                break;
            case "timeout_after":
                await world.Dialect.Answer(call);
                await Silence(context);
                break;
            case "malformed":
                await WriteMalformed(context, rule.Variant ?? "truncated", await world.Dialect.Answer(call));
                break;
            case "malformed_html":
                await WriteMalformed(context, "html", await world.Dialect.Answer(call));
                break;
            case "empty":
                await WriteMalformed(context, "empty", await world.Dialect.Answer(call));
                break;
            case "wrong_amount":
                var honest = await world.Dialect.Answer(call);
                await Write(context, honest.Body is null ? honest
                    : honest with { Body = Wire.WithWrongAmounts(honest.Body, world.Dialect.AmountFields) });
                break;
            case "swap":
                await Write(context, Swapped(name, call, await world.Dialect.Answer(call)));
                break;
        }
    }

    /// <summary>It names the payment, or the gateway's own name of its link or of its money.</summary>
    bool IsAbout(string words, string part) => words.Contains(part, StringComparison.Ordinal)
        || world.Dialect.Links().Where(l => l.Reference?.Contains(part, StringComparison.Ordinal) == true).Any(link =>
        {
            string[] names;
            lock (link.Gate) names = [link.Id, .. link.MoneyIds];
            return names.Any(n => words.Contains(n, StringComparison.Ordinal));
        });

    static async Task<Call?> Read(HttpContext context)
    {
        var request = context.Request;
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize = LargestBody;
        using var body = new MemoryStream();
        try
        {
            if (request.ContentLength is not 0) await request.Body.CopyToAsync(body, context.RequestAborted);
        }
        catch (BadHttpRequestException tooMuch)
        {
            context.Response.StatusCode = tooMuch.StatusCode;
            return null;
        }

        var query = request.Query.ToDictionary(q => q.Key, q => q.Value);
        var headers = new Dictionary<string, StringValues>(request.Headers, StringComparer.OrdinalIgnoreCase);
        return new(request.Method, request.Path.Value ?? "/", query, headers, body.ToArray());
    }

    Reply Remember(string name, Call call, Reply reply)
    {
        if (reply.Status != 200) return reply;
        if (newest.TryGetValue(name, out var before) && before.Path != call.Path) older[name] = before;
        newest[name] = new(call.Path, reply);
        return reply;
    }

    /// <summary>An answer that another call got; while there is none, this one's with strange names in it.</summary>
    Reply Swapped(string name, Call call, Reply own)
    {
        foreach (var told in new[] { newest.GetValueOrDefault(name), older.GetValueOrDefault(name) })
            if (told.Reply is { Body: not null } && !told.Reply.Bytes.AsSpan().SequenceEqual(own.Bytes)) return told.Reply;
        return own.Body is null ? own
            : own with { Body = Wire.AboutAStranger(own.Body, world.Dialect.IdentityFields) };
    }

    async Task Silence(Exchange context)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.Http.RequestAborted, world.Closing);
        await Task.Delay(LongestSilence, world.Clock, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Http.Abort();
    }

    static Task WriteMalformed(Exchange context, string variant, Reply honest)
    {
        const string json = "application/json";
        var text = Encoding.UTF8.GetString(honest.Bytes);
        return variant switch
        {
            "html" => WriteRaw(context, 200, "text/html", "<!DOCTYPE html><html><body><h1>Please wait</h1></body></html>"),
            "wrong_type" => WriteRaw(context, honest.Status, "text/plain", text),
            "empty" => WriteRaw(context, 200, json, ""),
            "duplicate_keys" => WriteRaw(context, honest.Status, json, WithEveryKeyTwice(honest.Body)),
            "array" => WriteRaw(context, honest.Status, json, $"[{text}]"),
            // A text that was meant for another character set.
            "not_utf8" => WriteBytes(context, honest.Status, json, [.. Encoding.UTF8.GetBytes(text[..^1]), .. ",\"note\":\""u8, 0xe9, 0xff, .. "\"}"u8]),
            _ => WriteRaw(context, 200, json, text[..(text.Length / 2)]),
        };
    }

    /// <summary>Each key comes first with a wrong value and then with its own; parsers differ in which one they believe.</summary>
    static string WithEveryKeyTwice(JsonNode? body)
    {
        if (body is not JsonObject { Count: > 0 } fields) return "{}";
        var wrong = fields.Select(f => $"{JsonValue.Create(f.Key).ToJsonString()}:{(f.Value is JsonValue v && v.TryGetValue(out string? _) ? "\"other\"" : "1")}");
        return $"{{{string.Join(',', wrong)},{fields.ToJsonString(Wire.Compact)[1..]}";
    }

    static Task Write(Exchange context, Reply reply) =>
        WriteBytes(context, reply.Status, reply.ContentType, reply.Bytes, reply.Headers, reply.Written is null ? null : reply.Body?.ToJsonString(Wire.Indented));

    static Task WriteRaw(Exchange context, int status, string type, string text) =>
        WriteBytes(context, status, type, Encoding.UTF8.GetBytes(text));

    static async Task WriteBytes(
        Exchange context, int status, string type, byte[] bytes, IReadOnlyList<KeyValuePair<string, string>>? headers = null, string? meaning = null)
    {
        context.Calls.Answered(context.Received, status, type, headers ?? [], bytes, meaning);
        var response = context.Http.Response;
        foreach (var (name, value) in headers ?? []) response.Headers[name] = value;
        response.StatusCode = status;
        response.ContentType = type;
        response.ContentLength = bytes.Length;
        await response.Body.WriteAsync(bytes, context.Http.RequestAborted);
    }

    /// <summary>A call that is being answered, and the log that hears of it.</summary>
    sealed record Exchange(HttpContext Http, CallLog Calls, ReceivedCall Received);
}
