using System.Collections.Concurrent;
using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Purser.Server.Tests.Platform;

namespace Purser.Client.Tests;

/// <summary>Every sample of the client's README, as it stands there, run against the real server. What stands between "README" and "End" is compared with it.</summary>
public sealed partial class ReadmeTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    public static string Root { get; } = FindRoot();

    [Fact]
    public void The_samples_of_the_readme_are_the_ones_that_run()
    {
        var shown = Blocks().Matches(File.ReadAllText(Path.Combine(Root, "src", "Purser.Client", "README.md"))).Select(m => m.Groups[1].Value);
        var run = Samples().Matches(File.ReadAllText(Path.Combine(Root, "tests", "Purser.Server.Tests", "Client", "ReadmeTests.cs")))
            .Select(m => string.Join('\n', m.Groups[1].Value.Split('\n').Select(l => l.Length > 8 ? l[8..] : "")));
        shown.ShouldBe(run);
        shown.Count().ShouldBe(12);
    }

    [Fact]
    public async Task The_samples_do_what_the_readme_says()
    {
        await using var house = await ClientHouse.Open(await postgres.CreateDatabase(), Server.Tests.Invoices.InvoiceHouse.Seller);
        await using var app = Build(house.Address, house.Api.Secret);
        app.Urls.Add("http://127.0.0.1:0");
        await app.StartAsync();
        var purser = app.Services.GetRequiredService<PurserClient>();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));

        (await Place(purser)).ShouldStartWith($"{house.Address}checkout/ord_");
        var order = (await purser.Orders.Find("cart-1001"))!;
        (await Pay(purser, order)).ShouldStartWith($"{house.Address}pay/pay_");
        var secret = await Register(purser, app.Urls.First());

        // The receiver is a second application, for its secret is known only now.
        var shipped = new ConcurrentDictionary<string, bool>();
        await using var receiver = Build(house.Address, house.Api.Secret);
        Receive(receiver, secret!, shipped);
        receiver.Urls.Add("http://127.0.0.1:0");
        await receiver.StartAsync();
        var endpoint = (await purser.WebhookEndpoints.List()).Single();
        await purser.WebhookEndpoints.Change(endpoint.Id, new WebhookEndpointChange { Url = $"{receiver.Urls.First()}/purser" });

        var watching = Watch(purser, order.Id, patience.Token);
        await house.Api.Tell("e1", "captured", (await purser.Orders.Get(order.Id)).Payments[0].Reference);
        await watching;
        await Until.True(async () => (await purser.Orders.Get(order.Id)).FulfilledAt is not null, "the receiver to fulfil it");
        // It is fulfilled before the receiver writes that down.
        await Until.True(() => !shipped.IsEmpty, "the receiver to know");
        shipped.Keys.ShouldBe([order.Id]);
        using (var forged = await new HttpClient().PostAsync($"{receiver.Urls.First()}/purser", new StringContent("{}"), patience.Token)) ((int)forged.StatusCode).ShouldBe(401);

        var second = await house.Paid("cart-1002");
        var following = Follow(purser, null, patience.Token);
        await Until.True(async () => (await purser.Orders.Get(second.Id)).FulfilledAt is not null, "the feed's reader to fulfil it");
        await patience.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => following);

        // While the receiver hears nothing, the order waits to be packed.
        await purser.WebhookEndpoints.Change(endpoint.Id, new WebhookEndpointChange { Status = "paused" });
        await house.Paid("cart-1003");
        (await Pack(purser)).ShouldBe(["cart-1003"]);
        await purser.WebhookEndpoints.Change(endpoint.Id, new WebhookEndpointChange { Status = "active" });
        var folder = Directory.CreateTempSubdirectory("purser-readme-");
        await Until.True(async () => await house.Api.Count("select count(*) from invoices") == 3, "three invoices");
        await Keep(purser, order.CreatedAt, folder.FullName);
        folder.GetFiles("INV-*.pdf").Length.ShouldBe(3);
        folder.Delete(recursive: true);
        // Of an endpoint that is no more, and the newest of all.
        var gone = await purser.WebhookEndpoints.Create(new NewWebhookEndpoint { Url = $"{receiver.Urls.First()}/gone" });
        await house.Paid("cart-1004");
        await purser.WebhookEndpoints.Delete(gone.Id);
        await Until.True(async () => await house.Api.Count("select count(*) from deliveries where state = 0 and leased_until is not null") == 0, "none to be under way");
        await using (var giveUp = house.Api.Database.CreateCommand("update deliveries set state = 2")) (await giveUp.ExecuteNonQueryAsync()).ShouldBeGreaterThan(2);
        await SendAgain(purser, endpoint.Id);
        await Until.True(async () => await purser.Deliveries.List(new DeliveryFilter { WebhookEndpoint = endpoint.Id, Status = DeliveryStatus.Dead }).CountAsync() == 0, "what was given up to be taken");
        (await purser.Deliveries.List(new DeliveryFilter { Status = DeliveryStatus.Abandoned }).ToListAsync()).ShouldAllBe(d => d.WebhookEndpoint == gone.Id && d.Status == DeliveryStatus.Abandoned);
        (await purser.Deliveries.List(new DeliveryFilter { Status = DeliveryStatus.Abandoned }).CountAsync()).ShouldBeGreaterThan(0);

        (await GiveBack(purser, order.Id)).ShouldNotBe(RefundStatus.Unknown);
        await CancelInVain(purser, order.Id);
    }

    [Fact]
    public async Task A_paid_order_whose_fulfilment_fails_once_is_fulfilled_when_the_message_comes_again()
    {
        await using var house = await ClientHouse.Open(await postgres.CreateDatabase());
        var (shipped, wire) = (new ConcurrentDictionary<string, bool>(), new FailingOnce("/fulfilment"));
        await using var receiver = await Receiver(house, shipped, wire);
        var order = await house.Paid("cart-1001");
        await Until.True(() => wire.Failed, "the fulfilment to fail");
        shipped.ShouldBeEmpty();
        await Until.True(async () => (await house.Purser.Orders.Get(order.Id)).FulfilledAt is not null, "the message to come again");
        await Until.True(() => shipped.ContainsKey(order.Id), "the goods to be packed");
    }

    [Fact]
    public async Task A_paid_order_that_is_held_is_fulfilled_when_it_is_released_by_the_receiver_and_by_the_feeds_reader()
    {
        await using var house = await ClientHouse.Open(await postgres.CreateDatabase());
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var shipped = new ConcurrentDictionary<string, bool>();
        await using (var receiver = await Receiver(house, shipped))
        {
            var endpoint = (await house.Purser.WebhookEndpoints.List()).Single();
            await house.Purser.WebhookEndpoints.Change(endpoint.Id, new WebhookEndpointChange { Status = "paused" });
            var order = await house.Paid("cart-1001");
            await house.Dispute(order);
            await house.Purser.WebhookEndpoints.Change(endpoint.Id, new WebhookEndpointChange { Status = "active" });
            await Until.True(async () => await house.Purser.Deliveries.List(new DeliveryFilter { Status = DeliveryStatus.Delivered }).CountAsync() == 1, "the message to be taken");
            (await house.Purser.Orders.Get(order.Id)).Fulfilment.ShouldBe(Fulfilment.Held);
            shipped.ShouldBeEmpty();
            await house.Dispute(order, won: true);
            await Until.True(async () => (await house.Purser.Orders.Get(order.Id)).Fulfilment == Fulfilment.Done, "the receiver to fulfil it");
            await Until.True(() => shipped.ContainsKey(order.Id), "the goods to be packed");
            await house.Purser.WebhookEndpoints.Delete(endpoint.Id);
        }

        var second = await house.Paid("cart-1002");
        await house.Dispute(second);
        var following = Follow(house.Purser, null, patience.Token);
        var third = await house.Paid("cart-1003");
        await Until.True(async () => (await house.Purser.Orders.Get(third.Id)).Fulfilment == Fulfilment.Done, "the reader to come to the third");
        (await house.Purser.Orders.Get(second.Id)).Fulfilment.ShouldBe(Fulfilment.Held);
        await house.Dispute(second, won: true);
        await Until.True(async () => (await house.Purser.Orders.Get(second.Id)).Fulfilment == Fulfilment.Done, "the reader to fulfil the second");
        await patience.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => following);
    }

    /// <summary>The receiver of the README, for a secret that the server gives.</summary>
    static async Task<WebApplication> Receiver(ClientHouse house, ConcurrentDictionary<string, bool> shipped, DelegatingHandler? wire = null)
    {
        // It listens when its secret is known, and where it does only then.
        var secret = await Register(house.Purser, "http://127.0.0.1:9");
        var receiver = Build(house.Address, house.Api.Secret, wire);
        Receive(receiver, secret!, shipped);
        receiver.Urls.Add("http://127.0.0.1:0");
        await receiver.StartAsync();
        var made = (await house.Purser.WebhookEndpoints.List()).Single();
        await house.Purser.WebhookEndpoints.Change(made.Id, new WebhookEndpointChange { Url = $"{receiver.Urls.First()}/purser" });
        return receiver;
    }

    /// <summary>The first request to this path meets a fault of the server.</summary>
    sealed class FailingOnce(string path) : DelegatingHandler
    {
        int failed;

        public bool Failed => Volatile.Read(ref failed) > 0;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            request.RequestUri!.AbsolutePath.EndsWith(path, StringComparison.Ordinal) && Interlocked.Exchange(ref failed, 1) == 0
                ? Task.FromResult(new HttpResponseMessage(HttpStatusCode.InternalServerError)) : base.SendAsync(request, cancellationToken);
    }

    static WebApplication Build(Uri address, string key, DelegatingHandler? wire = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration["Purser:Address"] = address.ToString();
        builder.Configuration["Purser:SecretKey"] = key;
        // README
        builder.Services.AddPurser(purser =>
        {
            purser.Address = new Uri(builder.Configuration["Purser:Address"]!);     // such as https://pay.example.com
            purser.SecretKey = builder.Configuration["Purser:SecretKey"]!;          // sk_..., from the backend's secrets
        });
        // End
        if (wire is not null) builder.Services.AddHttpClient(PurserServices.HttpClientName).AddHttpMessageHandler(() => wire);
        return builder.Build();
    }

    static async Task<string> Place(PurserClient purser)
    {
        // README
        var order = await purser.Orders.Place(new NewOrder
        {
            Reference = "cart-1001",
            Lines = [new NewOrderLine("A book", 1, new Money(499_00, "INR"))],
            Customer = new Customer { Name = "Asha Rao", Email = "asha@example.test" },
        });
        return order.CheckoutUrl;
        // End
    }

    static async Task<string> Pay(PurserClient purser, Order order)
    {
        // README
        var accounts = await purser.Gateways(); // The gateway accounts of your configuration.
        var payment = await purser.Payments.Start(order.Id, accounts[0].Name);
        return payment.PageUrl;
        // End
    }

    static async Task<string?> Register(PurserClient purser, string shop)
    {
        // README
        var endpoint = await purser.WebhookEndpoints.Create(new NewWebhookEndpoint
        {
            Url = $"{shop}/purser",
            EventTypes = [EventTypes.OrderPaid, EventTypes.DiscrepancyResolved, EventTypes.DisputeClosed],
        });
        return endpoint.Secret;
        // End
    }

    static void Receive(WebApplication app, string secret, ConcurrentDictionary<string, bool> shipped)
    {
        // README
        var webhooks = new PurserWebhooks(secret);
        app.MapPost("/purser", async (HttpRequest request, PurserClient purser) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            if (!webhooks.TryRead(body.ToArray(), name => request.Headers[name], out var news, out _)) return Results.Unauthorized();
            // Whatever is told, the order as it stands now decides: not if its money went back meanwhile, or is in doubt; then later news release it.
            if (news.Data.Order is { } told && await purser.Orders.Get(told.Id) is { Fulfilment: Fulfilment.Waiting or Fulfilment.Done } order)
            {
                await purser.Orders.Fulfil(order.Id); // First, and said again it is the same: if it fails, the message comes again.
                shipped.TryAdd(order.Id, true);       // In your database: insert it under its id, and pack the goods if it is new.
            }
            return Results.Ok();
        });
        // End
    }

    static async Task Follow(PurserClient purser, string? kept, CancellationToken stop)
    {
        // README
        await foreach (var page in purser.Events.Follow(after: kept, stop: stop))
        {
            foreach (var e in page.Events.Where(e => e.Type is EventTypes.OrderPaid or EventTypes.DiscrepancyResolved or EventTypes.DisputeClosed))
                if ((await purser.Orders.Get(e.Data.Order!.Id, stop)).Fulfilment is Fulfilment.Waiting or Fulfilment.Done)
                    await purser.Orders.Fulfil(e.Data.Order.Id, stop: stop); // Then pack it if it is new, as above.
            kept = page.Next; // Keep it in the same commit as what you did, and begin there the next time.
        }
        // End
    }

    static async Task<IReadOnlyList<string>> Pack(PurserClient purser)
    {
        List<string> packed = [];
        // README
        await foreach (var order in purser.Orders.List(new OrderFilter { Fulfilment = Fulfilment.Waiting })) packed.Add(order.Reference!);
        // End
        return packed;
    }

    static async Task Watch(PurserClient purser, string orderId, CancellationToken stop)
    {
        // README
        await foreach (var change in purser.Watch(orderId, stop: stop))
        {
            Console.WriteLine($"{change.Sequence}: {change.Status}");
            if (change.Status != OrderStatus.AwaitingPayment) break;
        }
        // End
    }

    static async Task<RefundStatus> GiveBack(PurserClient purser, string orderId)
    {
        // README
        var refund = await purser.Refunds.Request(orderId, new NewRefund { Reference = "return-77", AmountMinorUnits = 100_00, Note = "One cup was broken" });
        return refund.Status;
        // End
    }

    static async Task Keep(PurserClient purser, DateTimeOffset since, string folder)
    {
        // README
        await foreach (var invoice in purser.Invoices.List(new InvoiceFilter { IssuedAfter = since }))
        {
            await using var pdf = await purser.Invoices.Pdf(invoice.Number);
            await using var file = File.Create(Path.Combine(folder, $"{invoice.Number}.pdf"));
            await pdf.CopyToAsync(file);
        }
        // End
    }

    static async Task SendAgain(PurserClient purser, string endpointId)
    {
        // README
        await foreach (var dead in purser.Deliveries.List(new DeliveryFilter { WebhookEndpoint = endpointId, Status = DeliveryStatus.Dead }))
        {
            foreach (var attempt in (await purser.Deliveries.Get(dead.Id)).Log!) Console.WriteLine($"{attempt.SentAt}: {attempt.Trouble ?? attempt.Answer}");
            await purser.Deliveries.Redeliver(dead.Id);
        }
        // End
    }

    static async Task CancelInVain(PurserClient purser, string orderId)
    {
        // README
        try
        {
            await purser.Orders.Cancel(orderId);
        }
        catch (PurserProblemException no) when (no.Problem == "order_paid")
        {
            Console.WriteLine($"{no.Detail} {no.Remedy}");
        }
        catch (PurserException lost) when (lost.MayHaveHappened)
        {
            // Nobody knows whether it happened. The same call again is safe; give it lost.Key, where it takes a key.
        }
        // End
    }

    static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Purser.slnx"))) folder = folder.Parent!;
        return folder.FullName;
    }

    [GeneratedRegex("```csharp\n(.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Blocks();

    [GeneratedRegex(@"// README\n(.*?)\n +// End", RegexOptions.Singleline)]
    private static partial Regex Samples();
}
