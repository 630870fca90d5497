using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Purser.Orders;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Deliveries;

/// <summary>The merchant's webhook endpoints: who is told of events, and with which secret it is signed.</summary>
public static class ReceiverEndpoints
{
    public const int LongestUrl = 2048;
    const int LongestDescription = 200;
    const int MostOverlapHours = 168;
    const int UsualOverlapHours = 24;
    const string UrlRemedy = "Send an https URL of another machine's public address, without user name and fragment.";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/webhook_endpoints", Create).Is(DeliveryDocs.Create);
        routes.MapGet("/v1/webhook_endpoints", List).Is(DeliveryDocs.ListReceivers);
        routes.MapGet("/v1/webhook_endpoints/{id}", Read).Is(DeliveryDocs.ReadReceiver);
        routes.MapPatch("/v1/webhook_endpoints/{id}", Change).Is(DeliveryDocs.Change);
        routes.MapDelete("/v1/webhook_endpoints/{id}", Delete).Is(DeliveryDocs.Delete);
        routes.MapPost("/v1/webhook_endpoints/{id}/rotation", Rotate).Is(DeliveryDocs.Rotate);
        routes.MapPost("/v1/webhook_endpoints/{id}/test", Test).Is(DeliveryDocs.Test);
        routes.MapPost("/v1/webhook_endpoints/{id}/redelivery", RedeliverPeriod).Is(DeliveryDocs.RedeliverPeriod);
    }

    static async Task<IResult> Create(
        HttpContext http, ReceiverStore store, ReceiverSecrets secrets, AddressGuard guard, WebhookLine line, DeliverySender sender, TimeProvider time, CancellationToken stop)
    {
        var (fields, unreadable) = await JsonBody.Read(http);
        if (fields is null) return unreadable!;
        var body = new ReceiverBody(fields.Text("url", LongestUrl, required: true), fields.Text("description", LongestDescription),
            fields.Texts("event_types", Enum.GetValues<EventType>().Length), fields.Flag("ordered"),
            fields.OneOf("signature", WebhookSignature.Shared, WebhookSignature.Asymmetric));
        var types = Types(fields, body.EventTypes);
        fields.RefuseUnknown();
        if (WebhookSignature.Fault(body.Signature == WebhookSignature.Asymmetric, Ed25519.OfThisMachine) is { } unsigned) fields.Fault(unsigned.Field, unsigned.Detail, unsigned.Remedy);
        var key = IdempotencyKey.Of(http, JsonSerializer.Serialize(body, ApiJson.Default.ReceiverBody));
        var isRight = fields.Faults.Count == 0;
        await CheckUrl(fields, body.Url, guard, line, stop);
        // What its host's name leads to may be another address since: what was done under this key was done.
        if (isRight && fields.Faults.Count > 0 && key is not null && await store.FindKey(key, stop) is { } done && done.Fingerprint.AsSpan().SequenceEqual(key.Fingerprint))
            return await Replay(done);
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        if (!secrets.CanKeep) return new Problem(ProblemTypes.SecretsKeyMissing);

        var id = "we_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        var (secret, shown) = WebhookSignature.NewKey(body.Signature == WebhookSignature.Asymmetric);
        switch (await store.Make(id, body.Url!, body.Description, types ?? [], body.Ordered ?? false, secrets.Seal(id, 1, secret), shown, time.GetUtcNow(), key, stop))
        {
            case ReceiverMade.Now { Receiver: var made }:
                sender.LookAgain();
                return ApiJson.Answer(ReceiverView.From(made, secret), StatusCodes.Status201Created, $"/v1/webhook_endpoints/{id}");
            case ReceiverMade.TooMany:
                return new Problem(ProblemTypes.TooManyWebhookEndpoints, $"There are {ReceiverStore.Most} webhook endpoints, which is the most there can be.");
            case ReceiverMade.KeyUsed { Key: var used } when used.Fingerprint.AsSpan().SequenceEqual(key!.Fingerprint):
                return await Replay(used);
            case ReceiverMade.KeyUsed { Key: var used }:
                return Refusals.KeyConflict(http, used.Resource);
            default:
                throw new InvalidOperationException("No rule for what became of the endpoint.");
        }

        async Task<IResult> Replay(StoredKey used) => await store.Find(used.Resource, stop) is { } first ? ApiJson.Answer(ReceiverView.From(first), replayed: true) : Unknown();
    }

    static async Task CheckUrl(JsonFields fields, string? url, AddressGuard guard, WebhookLine line, CancellationToken stop)
    {
        if (url is null) return;
        if (guard.Fault(url) is { } fault) fields.Fault("url", $"'url' {fault}.", UrlRemedy);
        else if (!await line.MayReach(url, stop)) fields.Fault("url", "'url' leads to an address that is not public, or is this machine's own.", UrlRemedy);
    }

    /// <summary>Null when nothing was sent, or something that cannot be used.</summary>
    static List<EventType>? Types(JsonFields fields, IReadOnlyList<string>? names)
    {
        if (names is null) return null;
        var types = new List<EventType>();
        foreach (var name in names)
            if (!EventNames.TryParse(name, out var type))
                fields.Fault("event_types", $"'{(name.Length <= 40 ? name : name[..40] + "...")}' is no type of event.",
                    $"Send some of {string.Join(", ", Enum.GetValues<EventType>().Select(t => t.Name()))}.");
            else if (!types.Contains(type)) types.Add(type);
        return types;
    }

    static async Task<IResult> List(HttpContext http, ReceiverStore store, CancellationToken stop)
    {
        if (new QueryFields(http.Request.Query).Problem() is { } problem) return problem;
        return ApiJson.Answer(new ReceiverList([.. (await store.List(stop)).Select(r => ReceiverView.From(r))]));
    }

    static async Task<IResult> Read(string id, ReceiverStore store, CancellationToken stop) =>
        await store.Find(id, stop) is { } receiver ? ApiJson.Answer(ReceiverView.From(receiver)) : Unknown();

    static async Task<IResult> Change(
        string id, HttpContext http, ReceiverStore store, AddressGuard guard, WebhookLine line, DeliverySender sender, TimeProvider time, CancellationToken stop)
    {
        var (fields, unreadable) = await JsonBody.Read(http);
        if (fields is null) return unreadable!;
        var body = new ReceiverChangeBody(fields.Text("url", LongestUrl), fields.Text("description", LongestDescription),
            fields.Texts("event_types", Enum.GetValues<EventType>().Length), fields.Flag("ordered"), fields.OneOf("status", "active", "paused"));
        var types = Types(fields, body.EventTypes);
        fields.RefuseUnknown();
        await CheckUrl(fields, body.Url, guard, line, stop);
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        ReceiverStatus? status = body.Status switch { "active" => ReceiverStatus.Active, "paused" => ReceiverStatus.Paused, _ => null };
        if (await store.Change(id, new ReceiverChange(body.Url, body.Description, types, body.Ordered, status), time.GetUtcNow(), stop) is not { } changed) return Unknown();
        sender.LookAgain();
        return ApiJson.Answer(ReceiverView.From(changed));
    }

    static async Task<IResult> Delete(string id, ReceiverStore store, DeliverySender sender, TimeProvider time, CancellationToken stop)
    {
        if (await store.Delete(id, time.GetUtcNow(), stop) is not { } deleted) return Unknown();
        sender.Delete();
        return ApiJson.Answer(ReceiverView.From(deleted));
    }

    static async Task<IResult> Rotate(string id, HttpContext http, ReceiverStore store, ReceiverSecrets secrets, TimeProvider time, CancellationToken stop)
    {
        var (fields, unreadable) = await JsonBody.Read(http, optional: true);
        if (fields is null) return unreadable!;
        var overlap = fields.Whole("overlap_hours", 0, MostOverlapHours, "whole hours") ?? UsualOverlapHours;
        fields.RefuseUnknown();
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        if (!secrets.CanKeep) return new Problem(ProblemTypes.SecretsKeyMissing);
        // How an endpoint signs is settled when it is made, so the answer is still right when the key is.
        if (await store.Find(id, stop) is { } found && WebhookSignature.Fault(found.PublicKey is not null, Ed25519.OfThisMachine) is { } unsigned)
            return Problem.Of(ProblemTypes.InvalidFields, [unsigned]);
        string? secret = null;
        var now = time.GetUtcNow();
        var key = IdempotencyKey.Of(http, $"{overlap}");
        return await store.Rotate(id, Renewed, now, now.AddHours(overlap), key, stop) switch
        {
            ReceiverMade.Now { Receiver: var fresh } => ApiJson.Answer(ReceiverView.From(fresh, secret)),
            ReceiverMade.KeyUsed { Key: var used } when used.Fingerprint.AsSpan().SequenceEqual(key!.Fingerprint) =>
                await store.Find(id, stop) is { } rotated ? ApiJson.Answer(ReceiverView.From(rotated), replayed: true) : Unknown(),
            ReceiverMade.KeyUsed { Key: var used } => Refusals.KeyConflict(http, used.Resource),
            _ => Unknown(),
        };

        (string Sealed, string? PublicKey) Renewed(Receiver receiver, int number)
        {
            (secret, var shown) = WebhookSignature.NewKey(receiver.PublicKey is not null);
            return (secrets.Seal(id, number, secret), shown);
        }
    }

    /// <summary>Sent at once and once, and answered with what the receiver said.</summary>
    static async Task<IResult> Test(string id, HttpContext http, ReceiverStore store, ReceiverSecrets secrets, WebhookLine line, TimeProvider time, CancellationToken stop)
    {
        var (fields, unreadable) = await JsonBody.Read(http, optional: true);
        if (fields is null) return unreadable!;
        fields.RefuseUnknown();
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        if (await store.Find(id, stop) is not { } receiver) return Unknown();
        List<string> keys = [.. (await store.Secrets(receiver, time.GetUtcNow(), stop)).Select(s => secrets.Open(s.Endpoint, s.Number, s.Sealed)).OfType<string>().Where(WebhookSignature.CanSign)];
        if (keys.Count == 0) return new Problem(ProblemTypes.SecretsKeyMissing, "The endpoint's secret cannot be opened with the key that the server has, or is for v1a and this node has no OpenSSL 3.") { Resource = id };
        // Asked for again under the same key it is the same message, and a receiver that knows its id does nothing twice.
        var key = IdempotencyKey.Of(http, "");
        if (key is not null && await store.Claim(key, id, stop) is { } used && !used.Fingerprint.AsSpan().SequenceEqual(key.Fingerprint)) return Refusals.KeyConflict(http, used.Resource);
        var message = "test_" + Convert.ToHexStringLower(key?.Name() ?? RandomNumberGenerator.GetBytes(8));
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new Events.EventView(message, "webhook_endpoint.test", time.GetUtcNow().UtcDateTime, 0, JsonElement.Parse("{}")), ApiJson.Plain.EventView);
        var answer = await line.Send(receiver.Url, message, body, keys, stop);
        return ApiJson.Answer(new TestView(answer.IsDelivered, message, answer.Status, answer.Trouble, answer.Text, (int)answer.Took.TotalMilliseconds));
    }

    static async Task<IResult> RedeliverPeriod(
        string id, HttpContext http, ReceiverStore store, RedeliveryStore deliveries, DeliverySender sender, TimeProvider time, CancellationToken stop)
    {
        var (fields, unreadable) = await JsonBody.Read(http);
        if (fields is null) return unreadable!;
        var (since, until, status) = (Time(fields, "since", required: true), Time(fields, "until", required: false), fields.OneOf("status", "dead", "delivered", "any"));
        fields.RefuseUnknown();
        if (since >= until) fields.Fault("until", "'until' is not after 'since'.", "Send a later time, or leave it out.");
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        if (await store.Find(id, stop, mail: true) is not { } receiver) return Unknown();
        DeliveryState[] states = status switch
        {
            "delivered" => [DeliveryState.Delivered],
            "any" => [DeliveryState.Delivered, DeliveryState.Dead],
            _ => [DeliveryState.Dead],
        };
        var now = time.GetUtcNow();
        var key = IdempotencyKey.Of(http, $"{since:O} {until:O} {status}");
        switch (await deliveries.Again(new RedeliveryWish(receiver.Number, states, since!.Value, until), now, key, stop))
        {
            case (var count, null):
                sender.LookAgain();
                return ApiJson.Answer(new RedeliveryView(count), StatusCodes.Status202Accepted);
            case (_, { } used) when used.Fingerprint.AsSpan().SequenceEqual(key!.Fingerprint) && long.TryParse(used.Resource, CultureInfo.InvariantCulture, out var before):
                return ApiJson.Answer(new RedeliveryView(before), StatusCodes.Status202Accepted, replayed: true);
            case (_, { } used):
                return Refusals.KeyConflict(http, used.Resource);
        }
    }

    static DateTimeOffset? Time(JsonFields fields, string name, bool required)
    {
        if (fields.Text(name, 40, required) is not { } text) return null;
        if (IsoTime.TryParse(text, out var time)) return time;
        fields.Fault(name, $"'{name}' is '{text}'.", IsoTime.Remedy);
        return null;
    }

    static Problem Unknown() => new(ProblemTypes.WebhookEndpointUnknown) { Field = "id" };
}
