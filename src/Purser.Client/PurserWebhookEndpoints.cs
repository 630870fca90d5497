using System.Text.Json;

namespace Purser.Client;

/// <summary>The addresses that events are sent to.</summary>
public sealed class PurserWebhookEndpoints
{
    /// <summary>Four secrets are in force at the most; with these there is room for the one that the receiver knows.</summary>
    const int MostTurns = 3;

    readonly PurserLine line;

    internal PurserWebhookEndpoints(PurserLine line) => this.line = line;

    /// <summary>Has events sent to an address. The answer has the <see cref="WebhookEndpoint.Secret"/>: keep it, it is not shown again. Of <c>v1a</c> it has the <see cref="WebhookEndpoint.PublicKey"/>.</summary>
    /// <param name="endpoint">Where to, and what.</param>
    /// <param name="key">An Idempotency-Key of your own. When left out each call has its own, and makes another endpoint.</param>
    /// <param name="stop">Gives the call up; the endpoint may be made all the same.</param>
    /// <exception cref="PurserProblemException"><c>invalid_fields</c>: the address is not public or not https. <c>too_many_webhook_endpoints</c>: sixteen are the most.</exception>
    public async Task<WebhookEndpoint> Create(NewWebhookEndpoint endpoint, string? key = null, CancellationToken stop = default)
    {
        var asked = key ?? PurserLine.NewKey();
        var made = await line.Post("v1/webhook_endpoints", JsonSerializer.SerializeToUtf8Bytes(endpoint, PurserJson.Default.NewWebhookEndpoint), asked, PurserJson.Default.WebhookEndpoint, stop);
        if (IsWhole(made)) return made;
        try
        {
            // The answer that had the secret was lost. Nobody knows that secret, so it may end at once, unless this is a later call under the same key.
            return await Rotate(made.Id, key is null ? TimeSpan.Zero : null, stop);
        }
        catch (PurserException e)
        {
            (e.Key, e.Earlier) = (asked, true);
            throw;
        }
    }

    /// <summary>Of what is asked for again the answer has no secret, which was shown when it was made; a public key is shown always.</summary>
    static bool IsWhole(WebhookEndpoint shown) => shown.Secret is not null || shown.PublicKey is not null;

    /// <summary>All endpoints, without secrets.</summary>
    /// <param name="stop">Gives the call up.</param>
    public async Task<IReadOnlyList<WebhookEndpoint>> List(CancellationToken stop = default) =>
        (await line.Get("v1/webhook_endpoints", PurserJson.Default.WebhookEndpointPage, stop)).Endpoints;

    /// <summary>One endpoint, without its secret.</summary>
    /// <param name="id">The endpoint's id.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<WebhookEndpoint> Get(string id, CancellationToken stop = default) => line.Get(Path(id), PurserJson.Default.WebhookEndpoint, stop);

    /// <summary>Changes, pauses or resumes an endpoint. While it is paused its events wait.</summary>
    /// <param name="id">The endpoint's id.</param>
    /// <param name="change">What becomes different.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<WebhookEndpoint> Change(string id, WebhookEndpointChange change, CancellationToken stop = default) =>
        line.Send(HttpMethod.Patch, Path(id), JsonSerializer.SerializeToUtf8Bytes(change, PurserJson.Default.WebhookEndpointChange), null, PurserJson.Default.WebhookEndpoint, stop);

    /// <summary>Ends an endpoint. What waited for it is not sent. One that was ended before stays so; that there never was one of that id is an error.</summary>
    /// <param name="id">The endpoint's id.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task Delete(string id, CancellationToken stop = default) =>
        line.Send(HttpMethod.Delete, Path(id), null, null, PurserJson.Default.WebhookEndpoint, stop);

    /// <summary>Puts a new secret in force; the answer has it. For the overlap messages carry the signatures of both.</summary>
    /// <param name="id">The endpoint's id.</param>
    /// <param name="overlap">0 to 168 hours, rounded up to whole ones; 24 when left out. Zero ends the old secret at once.</param>
    /// <param name="stop">Gives the call up; the secret may be replaced all the same.</param>
    /// <exception cref="PurserUnreachableException">Also when the answer was lost so often that asking once more would end a secret that your receiver may know.</exception>
    public async Task<WebhookEndpoint> Rotate(string id, TimeSpan? overlap = null, CancellationToken stop = default)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new RotationBody(overlap is { } time ? (int)Math.Ceiling(time.TotalHours) : null), PurserJson.Default.RotationBody);
        for (var turn = 0; turn < MostTurns; turn++)
        {
            // A secret whose answer was lost is known to nobody, so another is made. The overlap keeps the one before them all.
            var turned = await line.Post(Path(id) + "/rotation", body, PurserLine.NewKey(), PurserJson.Default.WebhookEndpoint, stop);
            if (IsWhole(turned)) return turned;
        }
        throw new PurserUnreachableException($"POST {Path(id)}/rotation: the secret was replaced, and the answers that had the new one were lost {MostTurns} times.", null);
    }

    /// <summary>Sends a signed test message now, once, and says what the receiver answered.</summary>
    /// <param name="id">The endpoint's id.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<WebhookTest> Test(string id, CancellationToken stop = default) =>
        line.Post(Path(id) + "/test", null, PurserLine.NewKey(), PurserJson.Default.WebhookTest, stop);

    /// <summary>Sends what was given up, and what waits for a later attempt, again at once, with the same ids. Gives how many messages.</summary>
    /// <param name="id">The endpoint's id.</param>
    /// <param name="since">The time of the first events.</param>
    /// <param name="until">The end, which is not part of it; now when left out.</param>
    /// <param name="deliveredToo">Whether what was taken is sent again, too.</param>
    /// <param name="stop">Gives the call up.</param>
    public async Task<int> Redeliver(string id, DateTimeOffset since, DateTimeOffset? until = null, bool deliveredToo = false, CancellationToken stop = default)
    {
        var body = new RedeliveryBody(Addresses.Time(since)!, Addresses.Time(until), deliveredToo ? "any" : null);
        return (await line.Post(Path(id) + "/redelivery", JsonSerializer.SerializeToUtf8Bytes(body, PurserJson.Default.RedeliveryBody), PurserLine.NewKey(),
            PurserJson.Default.Redelivery, stop)).Deliveries;
    }

    static string Path(string id) => $"v1/webhook_endpoints/{Addresses.Id(id)}";
}
