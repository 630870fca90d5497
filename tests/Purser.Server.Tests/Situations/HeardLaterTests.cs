using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Purser.Gateways;
using Purser.Orders;
using Purser.Server.Engine;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;
using Purser.Server.Webhooks;

namespace Purser.Server.Tests.Situations;

/// <summary>What a gateway tells before we can make sense of it, and what it only hints at: neither is done with when it has been answered 200.</summary>
public sealed class HeardLaterTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_dispute_that_comes_before_its_money_counts_when_the_money_is_known()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        var (order, reference) = await Pending(house);
        await house.Tell("d1", "disputed", "names no payment", money: "m_9");
        (await Verdict(house, "d1")).ShouldBe("quarantined");
        await house.Tell("e1", "captured", reference, money: "m_9");
        (await house.Get($"/v1/orders/{order}")).Text("fulfilment").ShouldBe("waiting");

        await ReadAgain(house);
        (await house.Get($"/v1/orders/{order}")).Text("fulfilment").ShouldBe("held");
        (await house.Post($"/v1/orders/{order}/refunds", "{}")).Status.ShouldBe(HttpStatusCode.Conflict);
        (await Verdict(house, "d1")).ShouldBe("applied");
        await ReadAgain(house, SecondReading.Delays[^1]);
        (await house.Get($"/v1/orders/{order}/events")).Body.GetProperty("events").EnumerateArray().Count(e => e.GetProperty("type").GetString() == "dispute.opened").ShouldBe(1);
    }

    [Fact]
    public async Task News_that_were_kept_aside_and_come_once_more_find_their_place_and_then_are_duplicates()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        var (order, reference) = await Pending(house);
        await house.Tell("d1", "disputed", "names no payment", money: "m_9");
        await house.Tell("d1", "disputed", "names no payment", money: "m_9");
        await house.Tell("e1", "captured", reference, money: "m_9");
        for (var i = 0; i < 2; i++) await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => house.Tell("d1", "disputed", "names no payment", money: "m_9")));
        (await house.Get($"/v1/orders/{order}")).Text("fulfilment").ShouldBe("held");
        (await house.Get($"/v1/orders/{order}/events")).Body.GetProperty("events").EnumerateArray().Count(e => e.GetProperty("type").GetString() == "dispute.opened").ShouldBe(1);
        (await house.Count("select count(*) from gateway_news")).ShouldBe(2);
    }

    [Fact]
    public async Task What_is_never_understood_is_read_again_some_times_and_stays_for_a_person()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        await house.Tell("lost", "captured", "names no payment");
        for (var i = 0; i <= SecondReading.Delays.Count; i++) await ReadAgain(house, SecondReading.Delays[^1]);
        (await house.Count("select readings::bigint from gateway_news")).ShouldBe(SecondReading.Delays.Count);
        (await Verdict(house, "lost")).ShouldBe("quarantined");
    }

    [Fact]
    public async Task A_hint_of_a_second_capture_is_asked_about_until_the_gateway_answers()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        var (order, reference) = await Pending(house);
        await house.Tell("e1", "captured", reference);
        var asked = 0;
        house.First.AnswerToInquiry = _ =>
        {
            Interlocked.Increment(ref asked);
            return new GatewayAnswer.Unknown("Service unavailable.");
        };
        await house.Tell("h1", "hinted", reference);
        await Until.True(() => Volatile.Read(ref asked) > 0, "the first question");

        house.First.AnswerToInquiry = call => new GatewayAnswer.Done(
            new Evidence.Succeeded("m_1", call.Amount, "card"), new Evidence.Succeeded("m_2", call.Amount, "card"));
        // A minute later.
        await house.Count("with p as (update payments set look_at = clock_timestamp() where look_at is not null returning 1), o as (update orders set wake_at = clock_timestamp() where wake_at is not null returning 1) select count(*) from p, o");
        await Until.True(async () => await house.Count("select count(*) from captures where money_reference = 'm_2'") == 1, "the second capture to be known");
        (await house.Count("select count(*) from payments where heard_at is not null")).ShouldBe(0);
        (await house.Get($"/v1/orders/{order}")).Text("status").ShouldBe("paid");
    }

    static async Task<(string Order, string Reference)> Pending(ApiHouse house)
    {
        var order = (await house.Order()).Text("id");
        return (order, (await house.Post($"/v1/orders/{order}/payments", "{}")).Text("reference"));
    }

    static async Task<string> Verdict(ApiHouse house, string id) => (await house.Get($"/v1/gateway_news/first/{id}")).Text("verdict");

    /// <summary>After the first wait, or another one.</summary>
    static async Task ReadAgain(ApiHouse house, TimeSpan? after = null)
    {
        await house.Count($"with aged as (update gateway_news set received_at = received_at - interval '{(after ?? SecondReading.Delays[0]).TotalSeconds} seconds' returning 1) select count(*) from aged");
        await house.Host.Services.GetRequiredService<SecondReading>().ReadDue(default);
    }
}
