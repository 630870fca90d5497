using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Purser.Server.Deliveries;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Deliveries;

public sealed class DeliveryTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static Task Refuse(HttpContext http, int status = 503)
    {
        http.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    [Fact]
    public async Task What_happened_while_the_receiver_was_down_for_a_day_is_told_when_it_is_back()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        house.Clock.StandStill();
        house.Receiver.Does = (http, _) => Refuse(http);
        await house.Endpoint();
        await house.Paid("down");
        for (var failures = 1; failures <= DeliverySchedule.Waits.Count; failures++)
        {
            await house.NoneLeft($"failures < {failures}", $"{failures} tries of each");
            (await house.Deliveries("due_at <= now()")).ShouldBe(0);
            if (failures == DeliverySchedule.Waits.Count) house.Receiver.Does = null;
            house.Clock.Push(DeliverySchedule.Waits[failures - 1] * 1.21);
        }
        await house.NoneLeft("state <> 1", "all to be delivered");
        var events = (await house.Api.Get("/v1/events")).Body.GetProperty("events").EnumerateArray().Select(e => e.GetRawText()).ToList();
        events.Count.ShouldBeGreaterThanOrEqualTo(5);
        var heard = house.Receiver.At("/hook");
        heard.Count.ShouldBe(events.Count * 8);
        heard.TakeLast(events.Count).Select(h => h.Body).Order().ShouldBe(events.Order(), "each event once, as the API tells it");
        heard.GroupBy(h => h.Id).ShouldAllBe(tries => tries.Count() == 8 && tries.Select(t => t.Body).Distinct().Count() == 1);
    }

    [Fact]
    public async Task A_dead_receiver_delays_no_other()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase(), ("Deliveries:PerReceiver", "2"), ("Deliveries:TimeOut", "00:01:00"));
        var end = new TaskCompletionSource();
        house.Receiver.Does = (_, h) => h.Path == "/dead" ? end.Task : Task.CompletedTask;
        await house.Endpoint("/dead", ", \"event_types\": [\"order.created\"]");
        await house.Endpoint("/live", ", \"event_types\": [\"order.created\"]");
        for (var i = 0; i < 12; i++) await house.Api.Order();
        await Until.True(() => house.Receiver.At("/live").Count == 12, "all to be told");
        await Until.True(() => house.Receiver.At("/dead").Count == 2, "the dead one's places to be taken");
        (await house.Deliveries("receiver = 1 and attempts > 0 and state = 0")).ShouldBe(2);
        end.SetResult();
        await house.NoneLeft("state <> 1", "the dead one to be told when it is back");
    }

    [Fact]
    public async Task What_was_taken_ahead_for_a_receiver_that_then_fails_is_anybodys_again_and_no_try_of_it_is_lost()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase(), ("Deliveries:PerReceiver", "2"), ("Deliveries:TimeOut", "00:01:00"));
        house.Clock.StandStill();
        await house.Endpoint(more: ", \"event_types\": [\"order.created\"]");
        for (var i = 0; i < 20; i++) await house.Api.Order();
        await house.NoneLeft("state <> 1", "all to be told");

        var (held, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        var asked = 0;
        house.Receiver.Does = async (http, _) =>
        {
            var first = Interlocked.Increment(ref asked) <= 2;
            await (first ? held : end).Task;
            await Refuse(http);
        };
        for (var i = 0; i < 12; i++) await house.Api.Order();
        await Until.True(async () => await house.Deliveries("state = 0 and leased_until is not null") > 2, "more to be taken than have a place");
        held.SetResult();
        await Until.True(async () => await house.Deliveries("failures = 1") == 2 && await house.Deliveries("state = 0 and leased_until is not null") == 2, "as many to be taken as have a place");
        end.SetResult();
        await house.NoneLeft("state = 0 and failures = 0", "each to be tried once");
        (await house.Deliveries("state = 0")).ShouldBe(12);
        (await house.Deliveries("state = 0 and (attempts <> 1 or failures <> 1 or leased_until is not null)")).ShouldBe(0);
    }

    [Fact]
    public async Task Two_nodes_send_each_message_once()
    {
        var database = await postgres.CreateDatabase();
        await using var house = await DeliveryHouse.Open(database, ("Deliveries:PerReceiver", "1"));
        await using var other = await DeliveryHouse.Node(database, house.Clock, ("Deliveries:PerReceiver", "1"));
        // The first message is held until a second one comes, which only the other node can send.
        var (inside, both) = (0, new TaskCompletionSource());
        house.Receiver.Does = async (_, _) =>
        {
            if (Interlocked.Increment(ref inside) == 2) both.SetResult();
            await both.Task;
        };
        await house.Endpoint();
        foreach (var node in Enumerable.Repeat(new[] { house.Api, other }, 10).SelectMany(n => n)) await node.Order();
        await house.NoneLeft("state <> 1", "all to be delivered");
        var heard = house.Receiver.At("/hook");
        heard.Count.ShouldBe(20);
        heard.Select(h => h.Id).Distinct().Count().ShouldBe(20);
    }

    [Fact]
    public async Task What_a_node_took_and_died_with_is_sent_by_another_when_the_lease_is_over()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        var endpoint = (await house.Endpoint(more: ", \"event_types\": [\"order.created\"]")).Text("id");
        await house.Api.Send(HttpMethod.Patch, $"/v1/webhook_endpoints/{endpoint}", """{"status": "paused"}""", house.Api.Secret);
        await house.Api.Order();
        (await house.Api.Count("with u as (update deliveries set attempts = 1, leased_until = now() + interval '1 minute' returning 1) select count(*) from u")).ShouldBe(1);
        await house.Api.Send(HttpMethod.Patch, $"/v1/webhook_endpoints/{endpoint}", """{"status": "active"}""", house.Api.Secret);
        await house.Api.Order();
        await house.NoneLeft("state = 0 and attempts = 0", "what is free to be sent");
        await Until.True(() => house.Receiver.At("/hook").Count > 0, "the free one");
        house.Receiver.At("/hook").Count.ShouldBe(1);
        house.Clock.Push(TimeSpan.FromMinutes(2));
        await house.NoneLeft("state <> 1", "the other to be sent");
        house.Receiver.At("/hook").Select(h => h.Id).Distinct().Count().ShouldBe(2);
    }

    [Fact]
    public async Task A_receiver_that_asks_for_it_is_told_of_an_order_in_order()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        house.Clock.StandStill();
        var refused = 0;
        house.Receiver.Does = (http, h) => h.Sequence == 1 && Interlocked.Increment(ref refused) == 1 ? Refuse(http, 500) : Task.CompletedTask;
        await house.Endpoint(more: ", \"ordered\": true");
        await house.Paid("ordered");
        await house.NoneLeft("sequence = 1 and failures = 0", "the first to be refused");
        await house.Api.Order();
        await Until.True(() => house.Receiver.At("/hook").Count == 2, "another order's first, which waits for nobody");
        house.Receiver.At("/hook").ShouldAllBe(h => h.Sequence == 1);
        house.Clock.Push(TimeSpan.FromSeconds(7));
        await house.NoneLeft("state <> 1", "all to be delivered");
        var mine = house.Receiver.At("/hook").GroupBy(h => h.Id[..^2]).MaxBy(g => g.Count())!.Select(h => h.Sequence).ToList();
        mine.Count.ShouldBeGreaterThan(4);
        mine.ShouldBe([1, .. Enumerable.Range(1, mine.Count - 1)]);
    }

    [Fact]
    public async Task What_was_given_up_is_seen_and_sent_again_one_by_one_or_by_period()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        house.Clock.StandStill();
        house.Receiver.Does = async (http, _) =>
        {
            http.Response.StatusCode = 500;
            await http.Response.WriteAsync("<b>broken</b>");
        };
        var endpoint = (await house.Endpoint(more: ", \"event_types\": [\"order.created\"]")).Text("id");
        for (var i = 0; i < 3; i++) await house.Api.Order();
        foreach (var wait in DeliverySchedule.Waits.Select((w, i) => (w, i + 1)))
        {
            await house.NoneLeft($"failures < {wait.Item2}", $"{wait.Item2} tries");
            house.Clock.Push(wait.w * 1.21);
        }
        await house.NoneLeft("state <> 2", "all to be given up");

        var dead = (await house.Api.Get($"/v1/deliveries?status=dead&webhook_endpoint={endpoint}&limit=2")).Body;
        dead.GetProperty("deliveries").GetArrayLength().ShouldBe(2);
        var rest = (await house.Api.Get($"/v1/deliveries?status=dead&limit=2&cursor={dead.GetProperty("next").GetString()}")).Body;
        rest.GetProperty("deliveries").GetArrayLength().ShouldBe(1);
        rest.GetProperty("next").ValueKind.ShouldBe(JsonValueKind.Null);
        var id = rest.GetProperty("deliveries")[0].GetProperty("id").GetString();
        var one = await house.Api.Get($"/v1/deliveries/{id}");
        one.Text("outcome").ShouldBe("500");
        one.Body.GetProperty("attempt_log").GetArrayLength().ShouldBe(8);
        one.Body.GetProperty("attempt_log")[7].GetProperty("answer").GetString().ShouldBe("<b>broken</b>");
        one.Body.GetProperty("attempt_log")[7].GetProperty("signature").GetString().ShouldBe(house.Receiver.At("/hook").Last(h => h.Id == one.Text("event")).Signature);
        one.Text("body").ShouldBe(house.Receiver.At("/hook").First(h => h.Id == one.Text("event")).Body);

        house.Receiver.Does = null;
        (await house.Api.Post($"/v1/deliveries/{id}/redelivery", null, null, ("Idempotency-Key", "once"))).Status.ShouldBe(HttpStatusCode.Accepted);
        await Until.True(async () => await house.Deliveries("state = 1") == 1, "the one");
        house.Receiver.At("/hook")[^1].Id.ShouldBe(one.Text("event"));
        (await house.Api.Post($"/v1/deliveries/{id}/redelivery", null, null, ("Idempotency-Key", "once"))).Text("status").ShouldBe("delivered");
        var far = await house.Api.Post($"/v1/webhook_endpoints/{endpoint}/redelivery", """{"since": "2020-01-01T00:00:00Z", "until": "2020-02-01T00:00:00Z"}""");
        far.Body.GetProperty("deliveries").GetInt64().ShouldBe(0);
        foreach (var guessed in new[] { "01/02/2026", "10:00", "2026-03-01T10:00:00", "yesterday" })
        {
            var refused = await house.Api.Post($"/v1/webhook_endpoints/{endpoint}/redelivery", $$"""{"since": "{{guessed}}"}""");
            (refused.Problem, refused.Text("field")).ShouldBe(("invalid_fields", "since"), guessed);
        }
        for (var i = 0; i < 2; i++)
        {
            var again = await house.Api.Post($"/v1/webhook_endpoints/{endpoint}/redelivery", """{"since": "2020-01-01T00:00:00Z", "status": "any"}""", null, ("Idempotency-Key", "all"));
            (again.Status, again.Body.GetProperty("deliveries").GetInt64()).ShouldBe((HttpStatusCode.Accepted, 3));
            await house.NoneLeft("state <> 1", "all of them");
        }
        house.Receiver.At("/hook").Count.ShouldBe(28);
    }

    [Fact]
    public async Task What_is_under_way_is_not_sent_again_now_and_uses_up_no_key()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        var (came, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        house.Receiver.Does = async (_, _) =>
        {
            came.TrySetResult();
            await goOn.Task;
        };
        await house.Endpoint(more: ", \"event_types\": [\"order.created\"]");
        await house.Api.Order();
        await came.Task.WaitAsync(TimeSpan.FromSeconds(60));
        var id = (await house.Api.Get("/v1/deliveries")).Body.GetProperty("deliveries")[0].GetProperty("id").GetString();
        Task<Answered> Again() => house.Api.Post($"/v1/deliveries/{id}/redelivery", null, null, ("Idempotency-Key", "once"));
        for (var i = 0; i < 2; i++)
        {
            var not = await Again();
            (not.Problem, not.Headers.RetryAfter is not null).ShouldBe(("delivery_under_way", true));
        }
        goOn.SetResult();
        await Until.True(async () => await house.Deliveries("state = 1") == 1, "it to be taken");
        for (var i = 0; i < 2; i++)
        {
            (await Again()).Status.ShouldBe(HttpStatusCode.Accepted);
            await Until.True(async () => await house.Deliveries("state = 1 and attempts = 2") == 1, "it to be taken once more, and no further time");
        }
        house.Receiver.At("/hook").Count.ShouldBe(2);
    }

    [Fact]
    public async Task Failures_of_half_an_hour_days_after_a_dead_letter_pause_nothing_until_one_delivery_has_failed_for_good()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        house.Clock.StandStill();
        var refuses = true;
        house.Receiver.Does = (http, _) => refuses ? Refuse(http, 500) : Task.CompletedTask;
        var endpoint = (await house.Endpoint("/hook", ", \"event_types\": [\"order.created\"]")).Text("id");
        await house.Api.Order();
        await house.NoneLeft("failures = 0", "a failure");
        await house.Api.Count($"with u as (update deliveries set failures = {DeliverySchedule.Waits.Count} returning 1) select count(*) from u");
        house.Clock.Push(DeliverySchedule.Waits[0] * 1.21);
        await house.NoneLeft("state <> 2", "it to be given up");

        house.Clock.Push(TimeSpan.FromDays(6));
        await house.Api.Order();
        async Task FailOn(int from, int to)
        {
            for (var failures = from; failures <= to; failures++)
            {
                await house.NoneLeft($"state = 0 and (failures < {failures} or leased_until is not null)", $"{failures} failures of the next");
                (await house.Api.Get($"/v1/webhook_endpoints/{endpoint}")).Text("status").ShouldBe("active");
                house.Clock.Push(DeliverySchedule.Waits[failures - 1] * 1.21);
            }
        }
        await FailOn(1, 5);
        refuses = false;
        await house.NoneLeft("state = 0", "its sixth try");
        (await house.Deliveries("state = 1")).ShouldBe(1);
        (await house.Api.Count("select count(*) from webhook_endpoints where failing_since is null")).ShouldBe(1);

        // What fails to the end of its schedule, where nothing was delivered for so long, does pause.
        refuses = true;
        await house.Api.Order();
        await house.NoneLeft("state = 0 and failures = 0", "a failure");
        await house.Api.Count("with u as (update webhook_endpoints set failing_since = failing_since - interval '6 days' returning 1) select count(*) from u");
        house.Clock.Push(DeliverySchedule.Waits[0] * 1.21);
        await FailOn(2, DeliverySchedule.Waits.Count);
        await Until.True(async () => (await house.Api.Get($"/v1/webhook_endpoints/{endpoint}")).Text("status") == "paused", "the pause");
    }

    [Fact]
    public async Task A_late_answer_of_the_address_before_says_nothing_of_the_new_one()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        house.Clock.StandStill();
        var (asked, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        house.Receiver.Does = async (http, h) =>
        {
            if (h.Path != "/old") return;
            asked.TrySetResult();
            await go.Task;
            await Refuse(http, 410);
        };
        var endpoint = (await house.Endpoint("/old", ", \"event_types\": [\"order.created\"]")).Text("id");
        await house.Api.Order();
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await house.Api.Count("with u as (update webhook_endpoints set failing_since = now() returning 1) select count(*) from u");
        await house.Api.Send(HttpMethod.Patch, $"/v1/webhook_endpoints/{endpoint}", $$"""{"url": "{{house.Receiver.Url}}/new"}""", house.Api.Secret);
        (await house.Api.Count("select count(*) from webhook_endpoints where failing_since is null")).ShouldBe(1, "the new address has not failed yet");
        go.SetResult();
        await house.NoneLeft("failures = 0", "the failure");
        (await house.Api.Get($"/v1/webhook_endpoints/{endpoint}")).Text("status").ShouldBe("active");
        (await house.Api.Count("select count(*) from webhook_endpoints where failing_since is null")).ShouldBe(1);
        house.Clock.Push(DeliverySchedule.Waits[0] * 1.21);
        await house.NoneLeft("state <> 1", "it to be delivered");
        house.Receiver.At("/new").ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_receiver_that_is_gone_is_paused_at_once_and_one_that_fails_for_days_then()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        house.Receiver.Does = (http, h) => Refuse(http, h.Path == "/gone" ? 410 : 500);
        var gone = (await house.Endpoint("/gone", ", \"event_types\": [\"order.created\"]")).Text("id");
        await house.Api.Order();
        await Until.True(async () => (await house.Api.Get($"/v1/webhook_endpoints/{gone}")).Text("status") == "paused", "the pause");
        var failing = (await house.Endpoint("/failing", ", \"event_types\": [\"order.created\"]")).Text("id");
        await house.Api.Order();
        await house.NoneLeft("receiver = 2 and failures = 0", "a failure");
        (await house.Api.Get($"/v1/webhook_endpoints/{failing}")).Text("status").ShouldBe("active");
        house.Clock.Push(TimeSpan.FromDays(5));
        for (var failures = 2; failures < 4; failures++)
        {
            await house.NoneLeft($"receiver = 2 and failures < {failures}", $"{failures} failures");
            house.Clock.Push(DeliverySchedule.Waits[failures - 1] * 1.21);
        }
        await Until.True(async () => (await house.Api.Get($"/v1/webhook_endpoints/{failing}")).Text("status") == "paused", "the pause");
        (await house.Api.Get($"/v1/webhook_endpoints/{failing}")).Text("paused_because").ShouldContain("5 days");

        house.Receiver.Does = null;
        await house.Api.Order();
        (await house.Deliveries("state = 0")).ShouldBe(5);
        await house.Api.Send(HttpMethod.Patch, $"/v1/webhook_endpoints/{failing}", """{"status": "active"}""", house.Api.Secret);
        await house.NoneLeft("receiver = 2 and state <> 1", "what waited, and what was put off for hours, to be sent without further waiting");
        (await house.Deliveries("receiver = 1 and state = 0")).ShouldBe(3);
    }

    [Fact]
    public async Task Without_endpoints_nothing_is_kept_and_each_hears_its_own_types()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        await house.Paid("nobody");
        (await house.Deliveries("true")).ShouldBe(0);
        await house.Endpoint("/paid", ", \"event_types\": [\"order.paid\"]");
        await house.Endpoint("/all");
        await house.Paid("two");
        await house.NoneLeft("state <> 1", "all to be delivered");
        JsonElement.Parse(house.Receiver.At("/paid").ShouldHaveSingleItem().Body).GetProperty("type").GetString().ShouldBe("order.paid");
        house.Receiver.At("/all").Count.ShouldBeGreaterThanOrEqualTo(5);
    }

    [Fact]
    public async Task Old_attempts_are_forgotten_and_what_was_delivered_is_not()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        await house.Endpoint(more: ", \"event_types\": [\"order.created\"]");
        foreach (var days in new[] { 31, 29 })
        {
            await house.Api.Order();
            await house.NoneLeft("state <> 1", "it to be delivered");
            await house.Api.Count($"with u as (update delivery_attempts set sent_at = now() - interval '{days} days' where sent_at > now() - interval '1 day' returning 1) select count(*) from u");
        }
        house.Clock.Push(TimeSpan.FromMinutes(61));
        await Until.True(async () => await house.Api.Count("select count(*) from delivery_attempts") == 1, "the older one to go");
        (await house.Deliveries("state = 1")).ShouldBe(2);
    }

    [Fact]
    public async Task What_was_written_for_an_endpoint_as_it_was_deleted_is_given_up_visibly()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        house.Receiver.Does = (http, _) => Refuse(http, 500);
        var endpoint = (await house.Endpoint()).Text("id");
        await house.Api.Order();
        await house.NoneLeft("failures = 0", "a failure");
        (await house.Api.Send(HttpMethod.Delete, $"/v1/webhook_endpoints/{endpoint}", null, house.Api.Secret)).Text("status").ShouldBe("deleted");
        (await house.Deliveries("state = 2 and outcome like '%deleted%'")).ShouldBe(1);
        // As a commit leaves it that had begun before.
        await house.Api.Count("with u as (update deliveries set state = 0, ended_at = null returning 1) select count(*) from u");
        house.Clock.Push(TimeSpan.FromMinutes(61));
        await house.NoneLeft("state <> 2", "it to be given up");
    }
}
