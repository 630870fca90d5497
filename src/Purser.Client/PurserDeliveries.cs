using System.Runtime.CompilerServices;

namespace Purser.Client;

/// <summary>What was told to whom, and having it told again.</summary>
public sealed class PurserDeliveries
{
    readonly PurserLine line;

    internal PurserDeliveries(PurserLine line) => this.line = line;

    /// <summary>Deliveries, those of the newest orders first, without bodies and attempts; pages are fetched as you go.</summary>
    /// <param name="filter">Which ones; all when left out.</param>
    /// <param name="stop">Gives the listing up.</param>
    public async IAsyncEnumerable<Delivery> List(DeliveryFilter? filter = null, [EnumeratorCancellation] CancellationToken stop = default)
    {
        string? cursor = null;
        do
        {
            var page = await line.Get(Addresses.Query("v1/deliveries", ("webhook_endpoint", filter?.WebhookEndpoint),
                ("status", filter?.Status is { } status ? WordConverter<DeliveryStatus>.Word(status) : null), ("order", filter?.Order), ("cursor", cursor)),
                PurserJson.Default.DeliveryPage, stop);
            foreach (var delivery in page.Deliveries) yield return delivery;
            cursor = page.Next;
        }
        while (cursor is not null);
    }

    /// <summary>One delivery, with what was sent and what was answered.</summary>
    /// <param name="id">The delivery's id.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<Delivery> Get(string id, CancellationToken stop = default) => line.Get($"v1/deliveries/{Addresses.Id(id)}", PurserJson.Default.Delivery, stop);

    /// <summary>Sends a message again, under the same id, whether it was taken or given up. One that is under way is left alone.</summary>
    /// <param name="id">The delivery's id.</param>
    /// <param name="key">An Idempotency-Key of your own. When left out each call has its own, and sends once more.</param>
    /// <param name="stop">Gives the call up; the message may be sent all the same.</param>
    /// <exception cref="PurserProblemException"><c>webhook_endpoint_deleted</c>: there is nobody to send it to. <c>delivery_under_way</c>: it is being sent this moment.</exception>
    public Task<Delivery> Redeliver(string id, string? key = null, CancellationToken stop = default) =>
        line.Post($"v1/deliveries/{Addresses.Id(id)}/redelivery", null, key ?? PurserLine.NewKey(), PurserJson.Default.Delivery, stop);
}
