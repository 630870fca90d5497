using System.Diagnostics.Metrics;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Engine;
using Purser.Server.Orders;
using Purser.Server.Risk;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Deliveries;
using Purser.Server.Tests.Engine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Orders;

public sealed class FulfilmentTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Paid_is_told_once_whatever_comes_twice_and_wherever()
    {
        var database = await postgres.CreateDatabase();
        await using var house = await DeliveryHouse.Open(database);
        house.Clock.StandStill();
        await using var second = await DeliveryHouse.Node(database, house.Clock);
        // The receiver answers too late once, and hears it again.
        var refused = 0;
        house.Receiver.Does = (http, heard) =>
        {
            if (heard.Body.Contains("\"order.paid\"", StringComparison.Ordinal) && Interlocked.Increment(ref refused) <= 2) http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        };
        await house.Endpoint();
        var order = (await house.Api.Order()).Text("id");
        var reference = (await house.Api.Post($"/v1/orders/{order}/payments", "{}")).Text("reference");

        // The same message and others about the same money, five times each, to both nodes at once; then second money.
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? house.Api : second).Tell($"evt_{i / 4}", "captured", reference)));
        await house.Api.Tell("evt_twice", "captured", reference, money: "m_2");
        await second.Tell("evt_0", "captured", reference);

        // The clock goes on when it is kept when to try again: else that would be reckoned from then on.
        await Until.True(async () => await house.Deliveries("failures = 1") == 1, "the receiver to refuse it");
        house.Clock.Push(TimeSpan.FromSeconds(10));
        await Until.True(async () => await house.Deliveries("failures = 2") == 1, "the receiver to refuse it again");
        house.Clock.Push(TimeSpan.FromMinutes(10));
        await house.NoneLeft("state <> 1", "all to be delivered");

        foreach (var node in (ApiHouse[])[house.Api, second])
        {
            (await Paid(node, "/v1/events?limit=200")).ShouldHaveSingleItem();
            (await Paid(node, $"/v1/orders/{order}/events")).ShouldHaveSingleItem();
        }
        var heard = house.Receiver.At("/hook").Where(h => h.Body.Contains("\"type\":\"order.paid\"", StringComparison.Ordinal)).ToList();
        (heard.Count, heard.Select(h => h.Id).Distinct().Single()).ShouldBe((3, (await Paid(house.Api, "/v1/events?limit=200")).Single()));
    }

    static async Task<List<string>> Paid(ApiHouse node, string path) =>
        [.. (await node.Get(path)).Body.GetProperty("events").EnumerateArray().Where(e => e.GetProperty("type").GetString() == "order.paid").Select(e => e.GetProperty("id").GetString()!)];

    [Fact]
    public async Task Goods_go_out_of_a_paid_order_once_and_of_no_other()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        async Task<string> Placed(string kind, long amount = 49900)
        {
            var id = (await house.Order()).Text("id");
            var payment = await house.Post($"/v1/orders/{id}/payments", "{}");
            if (kind.Length > 0) await house.Tell($"evt_{id}", kind, payment.Text("reference"), amount, $"m_{id}");
            return id;
        }
        var (unpaid, held, cancelled, paid) = (await Placed(""), await Placed("captured", 100), await Placed(""), await Placed("captured"));
        await house.Post($"/v1/orders/{cancelled}/cancellation", null);
        foreach (var order in (string[])[unpaid, held, cancelled])
        {
            (await house.Post($"/v1/orders/{order}/fulfilment", null)).ShouldSatisfyAllConditions(
                a => a.Status.ShouldBe(HttpStatusCode.Conflict), a => a.Problem.ShouldBe("order_not_paid"), a => a.Text("remedy").ShouldContain("order.paid"));
            (await house.Count($"select (select count(*) from events where type = {(int)EventType.OrderFulfilled}) + (select count(*) from orders where fulfilled_at is not null)")).ShouldBe(0);
            (await house.Get($"/v1/orders/{order}")).Body.GetProperty("fulfilment").ValueKind.ShouldBe(JsonValueKind.Null);
        }

        (await house.Get($"/v1/orders/{paid}")).Text("fulfilment").ShouldBe("waiting");
        (await Listed(house, "waiting")).ShouldBe([paid]);
        (await Listed(house, "waiting&paid_before=2020-01-01T00:00:00Z")).ShouldBeEmpty();
        (await Listed(house, "waiting&paid_before=2100-01-01T00:00:00Z")).ShouldBe([paid]);
        // The same by ten callers at once, with and without a key.
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => house.Post($"/v1/orders/{paid}/fulfilment", null, null, i % 2 == 0 ? [("Idempotency-Key", "sent")] : [])));
        answers.ShouldAllBe(a => a.Status == HttpStatusCode.OK && a.Text("fulfilment") == "done");
        answers.Select(a => a.Text("fulfilled_at")).Distinct().ShouldHaveSingleItem();
        (await house.Count($"select count(*) from events where type = {(int)EventType.OrderFulfilled}")).ShouldBe(1);
        (await Listed(house, "waiting")).ShouldBeEmpty();
        (await Listed(house, "done")).ShouldBe([paid]);
        (await house.Get("/v1/orders?fulfilment=lost")).Text("remedy").ShouldContain("waiting, held, done, unpaid");
    }

    static async Task<List<string>> Listed(ApiHouse house, string fulfilment) =>
        [.. (await house.Get($"/v1/orders?fulfilment={fulfilment}")).Body.GetProperty("orders").EnumerateArray().Select(o => o.GetProperty("id").GetString()!)];

    [Fact]
    public async Task The_database_finds_what_the_order_says_of_itself_and_the_view_of_risk_has_it()
    {
        await using var world = await EngineWorld.Create(await postgres.CreateDatabase());
        var named = new Dictionary<string, OrderId>();
        foreach (var sent in (bool[])[false, true])
            foreach (var what in (string[])["paid", "contradicted", "reversed", "second reversed", "disputed", "lost", "won", "not settled", "returned", "returned in part", "taken", "taken in part", "taken and known", "taken and back", "reversed and known", "second taken"])
                named[$"{(sent ? "sent" : "kept")}, {what}"] = await Make(world, what, sent);
        named["not paid"] = await world.WithLink();

        var store = new OrderReadStore(world.Database);
        var orders = new Dictionary<OrderId, Order>();
        foreach (var id in named.Values) orders[id] = (await store.Find(id, default))!.Order;
        foreach (var fulfilment in (Fulfilment[])[Fulfilment.Waiting, Fulfilment.Held, Fulfilment.Done, Fulfilment.Unpaid])
        {
            var found = await store.List(new OrderFilter(null, null, fulfilment.ToString().ToLowerInvariant(), null, null, null, null, null, 100), default);
            var names = named.Where(n => found.Any(f => f.Order.Id == n.Value)).Select(n => n.Key);
            names.ShouldBe(named.Where(n => orders[n.Value].Fulfilment == fulfilment).Select(n => n.Key), fulfilment.ToString());
            names.ShouldNotBeEmpty(fulfilment.ToString());
        }
        named.Where(n => orders[n.Value].Fulfilment == Fulfilment.None).Select(n => n.Key).ShouldBe(["kept, returned", "kept, taken", "kept, taken and known", "kept, reversed and known", "not paid"]);
        named.Where(n => orders[n.Value].Fulfilment == Fulfilment.Unpaid).Select(n => n.Key).ShouldBe(["sent, contradicted", "sent, reversed", "sent, disputed", "sent, lost", "sent, taken"]);

        var (now, lines) = await new RiskStore(world.Database, new RiskOptions()).Read(default);
        // What was lost is over: nobody's answer changes it.
        lines.Single(l => l.Kind == RiskKinds.FulfilledUnpaid).ShouldSatisfyAllConditions(l => l.Count.ShouldBe(4), l => l.Amount.ShouldBe(4 * 49900), l => l.Oldest.ShouldBeLessThanOrEqualTo(now));
        var waiting = orders.Values.Where(o => o.Fulfilment == Fulfilment.Waiting).ToList();
        lines.Single(l => l.Kind == RiskKinds.Unfulfilled).ShouldSatisfyAllConditions(
            l => l.Count.ShouldBe(waiting.Count), l => l.Account.ShouldBe("cards"), l => l.Oldest.ShouldBe(waiting.Min(o => o.EndedAt!.Value)));
        RiskView.Of(now.AddDays(2), lines, new RiskOptions()).Risks.Single(r => r.Kind == RiskKinds.Unfulfilled).TooOld.ShouldBeFalse();
        RiskView.Of(now.AddDays(4), lines, new RiskOptions()).Risks.Single(r => r.Kind == RiskKinds.Unfulfilled).TooOld.ShouldBeTrue();
        var never = new RiskOptions { Ages = new Dictionary<string, TimeSpan> { [RiskKinds.Unfulfilled] = TimeSpan.MaxValue } };
        (await new RiskStore(world.Database, never).Read(default)).Lines.Select(l => l.Kind).ShouldBe(lines.Select(l => l.Kind).Where(k => k != RiskKinds.Unfulfilled));

        using var listener = new MeterListener();
        var measured = new Dictionary<string, long>();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "purser.risk.count") self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, count, tags, _) => measured[$"{tags[0].Value} {tags[1].Value} {tags[2].Value}"] = count);
        listener.Start();
        using var gauges = new RiskGauges(new RiskStore(world.Database, new RiskOptions()), TimeProvider.System, NullLogger<RiskGauges>.Instance);
        await gauges.StartAsync(default);
        await Until.True(() =>
        {
            listener.RecordObservableInstruments();
            return measured.ContainsKey("unfulfilled cards INR");
        }, "the gauge to tell");
        (measured["unfulfilled cards INR"], measured["fulfilled_unpaid cards INR"]).ShouldBe((waiting.Count, 4));
        await gauges.StopAsync(default);
    }

    static async Task<OrderId> Make(EngineWorld world, string what, bool sent)
    {
        var id = await world.WithLink();
        var price = new Money(49900, Currency.Find("INR"));
        var told = 0;
        async Task Do(OrderInput input) => (await world.Do(id, input)).ShouldBeOfType<EngineReply.Done>().Reply.ShouldNotBeOfType<Reply.Refused>(what);
        Task Hear(Evidence evidence, EvidenceSource source = EvidenceSource.Webhook) =>
            Do(evidence.Learned(1, source, DateTimeOffset.UnixEpoch.AddSeconds(++told), $"k_{id.Letters}_{told}"));
        await Hear(new Evidence.Succeeded($"m_{id.Letters}", price, "card"));
        if (sent) await Do(new OrderCommand.Fulfil());
        switch (what)
        {
            case "contradicted":
                await Hear(new Evidence.Failed("no"));
                await Hear(new Evidence.Failed("no"), EvidenceSource.Inquiry);
                break;
            case "reversed": await Hear(new Evidence.Reversed($"m_{id.Letters}", price)); break;
            case "second reversed":
                await Hear(new Evidence.Succeeded($"m2_{id.Letters}", price, "card"));
                await Hear(new Evidence.Reversed($"m2_{id.Letters}", price));
                break;
            case "disputed": await Hear(new Evidence.DisputeOpened("d", price)); break;
            case "lost" or "won":
                await Hear(new Evidence.DisputeOpened("d", price));
                await Hear(new Evidence.DisputeClosed("d", price, what == "won"));
                break;
            case "not settled": await Hear(new Evidence.Unsettled($"m_{id.Letters}", "not in the file"), EvidenceSource.Settlement); break;
            case "reversed and known":
                await Hear(new Evidence.Reversed($"m_{id.Letters}", price));
                await Do(new OrderCommand.Answer(1, DiscrepancyKind.Reversed, $"m_{id.Letters}", AnswerAction.Close, "Asha", "known"));
                break;
            case "taken" or "taken in part" or "taken and known" or "taken and back" or "second taken":
                if (what == "second taken") await Hear(new Evidence.Succeeded($"m2_{id.Letters}", price, "card"));
                var part = what == "taken in part" ? new Money(100, price.Currency) : price;
                await Do((new RefundEvidence.Succeeded(part) { RefundReference = $"r_{id.Letters}", MoneyReference = what == "second taken" ? $"m2_{id.Letters}" : null })
                    .Learned(0, 1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch.AddSeconds(++told), null));
                if (what == "taken and back")
                    await Do(new RefundEvidence.Failed("account closed") { RefundReference = $"r_{id.Letters}" }.Learned(0, 1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch.AddSeconds(++told), null));
                if (what == "taken and known") await Do(new OrderCommand.Answer(1, DiscrepancyKind.RefundUnasked, $"r_{id.Letters}", AnswerAction.Close, "Asha", "known"));
                break;
            case "returned": await Do(new OrderCommand.Refund(null, null, null)); break;
            case "returned in part": await Do(new OrderCommand.Refund(null, new Money(100, price.Currency), null)); break;
        }
        return id;
    }
}
