using System.Text.Json;

namespace Purser.Client;

/// <summary>The addresses that events are sent to.</summary>
public sealed class PurserWebhookEndpoints
{
    readonly PurserLine line;

    internal PurserWebhookEndpoints(PurserLine line) => this.line = line;

    /// <summary>Has events sent to an address. The answer has the <see cref="WebhookEndpoint.Secret"/>: keep it, it is not shown again.</summary>
    /// <param name="endpoint">Where to, and what.</param>
    /// <param name="stop">Gives the call up; the endpoint may be made all the same.</param>
    /// <exception cref="PurserProblemException"><c>invalid_fields</c>: the address is not public or not https. <c>too_many_webhook_endpoints</c>: sixteen are the most.</exception>
    public async Task<WebhookEndpoint> Create(NewWebhookEndpoint endpoint, CancellationToken stop = default)
    {
        var made = await line.Post("v1/webhook_endpoints", JsonSerializer.SerializeToUtf8Bytes(endpoint, PurserJson.Default.NewWebhookEndpoint), PurserLine.NewKey(),
            PurserJson.Default.WebhookEndpoint, stop);
        // The answer that had the secret was lost. Nobody knows that secret, so it may end at once.
        return made.Secret is null ? await Rotate(made.Id, TimeSpan.Zero, stop) : made;
    }

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

    /// <summary>Ends an endpoint. What waited for it is not sent.</summary>
    /// <param name="id">The endpoint's id.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<WebhookEndpoint> Delete(string id, CancellationToken stop = default) =>
        line.Send(HttpMethod.Delete, Path(id), null, null, PurserJson.Default.WebhookEndpoint, stop);

    /// <summary>Puts a new secret in force; the answer has it. For the overlap messages carry the signatures of both.</summary>
    /// <param name="id">The endpoint's id.</param>
    /// <param name="overlap">0 to 168 whole hours; 24 when left out. Zero ends the old secret at once.</param>
    /// <param name="stop">Gives the call up; the secret may be replaced all the same.</param>
    public Task<WebhookEndpoint> Rotate(string id, TimeSpan? overlap = null, CancellationToken stop = default) =>
        line.Post(Path(id) + "/rotation", JsonSerializer.SerializeToUtf8Bytes(new RotationBody(overlap is { } time ? (int)time.TotalHours : null), PurserJson.Default.RotationBody),
            PurserLine.NewKey(), PurserJson.Default.WebhookEndpoint, stop);

    /// <summary>Sends a signed test message now, once, and says what the receiver answered.</summary>
    /// <param name="id">The endpoint's id.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<WebhookTest> Test(string id, CancellationToken stop = default) =>
        line.Post(Path(id) + "/test", null, PurserLine.NewKey(), PurserJson.Default.WebhookTest, stop);

    /// <summary>Sends what could not be delivered again, with the same ids. Gives how many messages.</summary>
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
