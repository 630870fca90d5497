using System.Runtime.CompilerServices;

namespace Purser.Client;

/// <summary>Purser's API for a merchant's backend. One instance serves all threads; it keeps nothing but the <see cref="HttpClient"/>, which is yours.
/// <para>Every call may throw <see cref="PurserProblemException"/>, when Purser says what is wrong, and <see cref="PurserUnreachableException"/>, when no answer came at any attempt;
/// both say whether it <see cref="PurserException.MayHaveHappened"/>.
/// What the network loses, and answers of 408, 429, 502, 503 and 504, are tried again within the call; each POST carries one Idempotency-Key at all attempts, so nothing
/// happens twice.</para></summary>
public sealed class PurserClient
{
    /// <summary>How long one question for a change waits at the server, which allows 30 seconds; proxies allow less than a minute.</summary>
    const int WaitSeconds = 25;

    /// <summary>Between two questions for a change, when the server had no room to let the first one wait.</summary>
    static readonly TimeSpan Unhurried = TimeSpan.FromSeconds(1);

    readonly PurserLine line;

    /// <summary>A client over an <see cref="HttpClient"/> of yours, such as one of an IHttpClientFactory.</summary>
    /// <param name="http">Its time-out, if shorter than half a minute, cuts off the questions of <see cref="Watch"/>.</param>
    /// <param name="options">Where Purser is, and the secret key.</param>
    /// <exception cref="ArgumentException">The address or the key is missing.</exception>
    public PurserClient(HttpClient http, PurserClientOptions options)
    {
        line = new PurserLine(http, options);
        (Orders, Payments, Refunds, Products) = (new(line), new(line), new(line), new(line));
        (Events, WebhookEndpoints, Deliveries) = (new(line), new(line), new(line));
        (Invoices, CreditNotes) = (new(line, "v1/invoices"), new(line, "v1/credit_notes"));
    }

    /// <summary>Orders: what shoppers owe for.</summary>
    public PurserOrders Orders { get; }

    /// <summary>Payments: tries to pay an order.</summary>
    public PurserPayments Payments { get; }

    /// <summary>Refunds: captured money that goes back.</summary>
    public PurserRefunds Refunds { get; }

    /// <summary>Products: what Purser prices.</summary>
    public PurserProducts Products { get; }

    /// <summary>Everything that happened, in the order of time.</summary>
    public PurserEvents Events { get; }

    /// <summary>The addresses that events are sent to.</summary>
    public PurserWebhookEndpoints WebhookEndpoints { get; }

    /// <summary>What was told to those addresses, and what they answered.</summary>
    public PurserDeliveries Deliveries { get; }

    /// <summary>Invoices: one for each order that is paid, where a seller is configured.</summary>
    public PurserInvoices Invoices { get; }

    /// <summary>Credit notes: one for each refund that went back.</summary>
    public PurserInvoices CreditNotes { get; }

    /// <summary>The gateway accounts, in the order of preference.</summary>
    public async Task<IReadOnlyList<GatewayAccount>> Gateways(CancellationToken stop = default) =>
        (await line.Get("v1/gateways", PurserJson.Default.GatewayPage, stop)).Gateways;

    /// <summary>What stands on each account of the books.</summary>
    /// <param name="at">As it stood before this time; now when left out.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<Balances> Balances(DateTimeOffset? at = null, CancellationToken stop = default) =>
        line.Get(Addresses.Query("v1/balances", ("at", Addresses.Time(at))), PurserJson.Default.Balances, stop);

    /// <summary>How an order stands, at once and after each change, until you stop. What happens while the network or the server is away comes when they are back:
    /// no event is missed, none comes twice. Only where the server's database was restored from a backup the order begins anew, and says so (<see cref="OrderChange.Rewound"/>).</summary>
    /// <param name="order">The order's id.</param>
    /// <param name="after">The <see cref="OrderChange.Sequence"/> that you saw last; 0 begins with how it stands.</param>
    /// <param name="stop">Ends it with an <see cref="OperationCanceledException"/>; so does leaving the loop, without one.</param>
    /// <exception cref="PurserProblemException">The order or the key is not known. That the server is busy or away is waited out.</exception>
    public async IAsyncEnumerable<OrderChange> Watch(string order, int after = 0, [EnumeratorCancellation] CancellationToken stop = default)
    {
        var path = $"v1/orders/{Addresses.Id(order)}/live";
        var (wait, failures) = (0, 0);
        while (true)
        {
            var asked = line.Time.GetTimestamp();
            PurserException? failure = null;
            OrderChange? change = null;
            try
            {
                change = await line.Once(HttpMethod.Get, Addresses.Query(path, ("after", $"{after}"), ("wait", $"{wait}")), null, null, PurserJson.Default.OrderChange, stop);
            }
            catch (PurserException e) when (line.MayPass(e))
            {
                failure = e;
            }
            if (failure is not null)
            {
                await line.Pause(++failures, failure, stop);
                continue;
            }
            failures = 0;
            if (change!.Sequence > after || change.Rewound)
            {
                after = change.Sequence;
                yield return change;
            }
            else if (wait > 0 && line.Time.GetElapsedTime(asked) < Unhurried) await Task.Delay(Unhurried, line.Time, stop);
            wait = WaitSeconds;
        }
    }
}
