using System.Net;
using Npgsql;
using Purser.Server.Api;
using Purser.Server.Deliveries;
using Purser.Server.Engine;
using Purser.Server.Platform;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Deliveries;

/// <summary>A period has any number of deliveries; they are sent again some at a time.</summary>
public sealed class PeriodTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    const int Meant = 6007;
    static readonly DateTimeOffset Since = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero), Now = new(2026, 3, 9, 0, 0, 0, TimeSpan.Zero);
    static readonly RequestKey Key = new(-1, "period", [1, 2, 3]);

    ApiHouse house = null!;
    NpgsqlDataSource database = null!;
    int receiver;

    public async Task InitializeAsync()
    {
        var connection = await postgres.CreateDatabase();
        house = await DeliveryHouse.Node(connection, new PushedClock());
        database = Database.Build(connection);
        // Nothing is sent meanwhile: the endpoint is paused.
        var endpoint = (await house.Post("/v1/webhook_endpoints", """{"url": "http://127.0.0.1:9/purser"}""")).Text("id");
        await Do($"update webhook_endpoints set status = 1 where id = '{endpoint}'");
        receiver = (int)await house.Count($"select number::bigint from webhook_endpoints where id = '{endpoint}'");
        // Many of the same instant; every third was delivered; a minute before and after, and of other receivers, some that are not meant.
        await Do($"""
            insert into deliveries (order_id, sequence, receiver, at, state, due_at, attempts, failures, ended_at, outcome)
            select 1000 + g / 3, 1 + g % 3, {receiver}, timestamptz '{Since:O}' + (g / 500) * interval '1 minute', case when g % 3 = 0 then 1 else 2 end, timestamptz '{Since:O}', 8, 8, timestamptz '{Since:O}', '500'
            from generate_series(0, {Meant - 1}) g
            union all select 1000 + g / 3, 1 + g % 3, 0, timestamptz '{Since:O}', 1, timestamptz '{Since:O}', 8, 8, timestamptz '{Since:O}', '500' from generate_series(0, {Meant - 1}) g
            union all select 500 + g, 1, {receiver}, timestamptz '{Since:O}' - interval '1 minute', 2, timestamptz '{Since:O}', 8, 8, timestamptz '{Since:O}', '500' from generate_series(1, 5) g
            union all select 9000 + g, 1, {receiver}, timestamptz '{Now:O}', 2, timestamptz '{Since:O}', 8, 8, timestamptz '{Since:O}', '500' from generate_series(1, 5) g
            union all select 1000 + g, 1, {receiver + 1}, timestamptz '{Since:O}', 2, timestamptz '{Since:O}', 8, 8, timestamptz '{Since:O}', '500' from generate_series(1, 5) g
            """);
    }

    public async Task DisposeAsync()
    {
        await database.DisposeAsync();
        await house.DisposeAsync();
    }

    async Task Do(string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    RedeliveryStore Store(int atOnce) => new(database) { AtOnce = atOnce };

    RedeliveryWish Wish(params DeliveryState[] states) => new(receiver, states, Since, null);

    Task<long> Waiting(DateTimeOffset due) => house.Count($"select count(*) from deliveries where state = 0 and failures = 0 and ended_at is null and due_at = timestamptz '{due:O}'");

    [Theory]
    [InlineData(DeliveryState.Dead)]
    [InlineData(DeliveryState.Delivered)]
    [InlineData(DeliveryState.Delivered, DeliveryState.Dead)]
    public async Task Thousands_are_sent_again_a_few_at_a_time_each_once_and_no_other(params DeliveryState[] states)
    {
        var meant = await house.Count($"select count(*) from deliveries where receiver = {receiver} and order_id between 1000 and 8999 and state in ({string.Join(", ", states.Select(s => (int)s))})");
        var others = await house.Count("select count(*) from deliveries") - meant;
        (await Store(71).Again(Wish(states), Now, null, default)).ShouldBe((meant, null));
        (await Waiting(Now)).ShouldBe(meant);
        (await house.Count("select count(*) from deliveries where state <> 0")).ShouldBe(others);
    }

    [Theory]
    [InlineData(DeliveryState.Dead)]
    [InlineData(DeliveryState.Delivered, DeliveryState.Dead)]
    public async Task What_broke_off_goes_on_where_it_was_under_the_same_key(params DeliveryState[] states)
    {
        var meant = await house.Count($"select count(*) from deliveries where receiver = {receiver} and order_id between 1000 and 8999 and state in ({string.Join(", ", states.Select(s => (int)s))})");
        await Do("""
            create function break_off() returns trigger language plpgsql as $$ begin raise exception 'killed'; end $$;
            create trigger break_off before update on deliveries for each row when (old.order_id = 2001) execute function break_off()
            """);
        await Should.ThrowAsync<PostgresException>(() => Store(70).Again(Wish(states), Now, Key, default));
        var before = await Waiting(Now);
        before.ShouldBeInRange(1, meant - 1);
        await Do("drop trigger break_off on deliveries");
        // What was sent again meanwhile is delivered, and not meant once more.
        await Do("update deliveries set state = 1 where state = 0");
        (await Store(70).Again(Wish(states), Now.AddHours(1), Key, default)).ShouldBe((meant, null));
        (await Waiting(Now)).ShouldBe(meant - before);

        (await Store(70).Again(Wish(states), Now.AddHours(2), Key, default)).Before!.Resource.ShouldBe($"{meant}");
        (await Store(70).Again(Wish(states), Now.AddHours(2), Key with { Fingerprint = [9] }, default)).Before!.Fingerprint.ShouldBe(Key.Fingerprint);
        (await Waiting(Now.AddHours(2))).ShouldBe(0);
    }

    [Theory]
    [InlineData(true, DeliveryState.Dead)]
    [InlineData(true, DeliveryState.Delivered, DeliveryState.Dead)]
    [InlineData(false, DeliveryState.Delivered)]
    public async Task What_waits_for_a_later_attempt_is_due_now_and_counted_once_though_the_request_breaks_off(bool isMeant, params DeliveryState[] states)
    {
        // Put off for hours; and of other periods and receivers, under way, and due as it is, some that are not meant.
        await Do($"""
            delete from deliveries where receiver = {receiver} and order_id % 100 <> 1;
            insert into deliveries (order_id, sequence, receiver, at, state, due_at, attempts, failures, leased_until)
            select 20000 + g, 1, {receiver}, timestamptz '{Since:O}', 0, timestamptz '{Now:O}' + interval '9 hours', 5, 5, null::timestamptz from generate_series(1, 301) g
            union all select 30001, 1, {receiver}, timestamptz '{Since:O}' - interval '1 minute', 0, timestamptz '{Now:O}' + interval '9 hours', 5, 5, null
            union all select 30002, 1, {receiver + 1}, timestamptz '{Since:O}', 0, timestamptz '{Now:O}' + interval '9 hours', 5, 5, null
            union all select 30003, 1, {receiver}, timestamptz '{Since:O}', 0, timestamptz '{Now:O}' + interval '9 hours', 5, 5, timestamptz '{Now:O}' + interval '1 minute'
            union all select 30004, 1, {receiver}, timestamptz '{Since:O}', 0, timestamptz '{Now:O}' - interval '1 minute', 5, 5, null
            """);
        var ended = await house.Count($"select count(*) from deliveries where receiver = {receiver} and order_id between 1000 and 8999 and state in ({string.Join(", ", states.Select(s => (int)s))})");
        var meant = ended + (isMeant ? 301 : 0);
        if (isMeant)
        {
            await Do("""
                create function break_off() returns trigger language plpgsql as $$ begin raise exception 'killed'; end $$;
                create trigger break_off before update on deliveries for each row when (old.order_id = 20200) execute function break_off()
                """);
            await Should.ThrowAsync<PostgresException>(() => Store(70).Again(Wish(states), Now, Key, default));
            (await Waiting(Now)).ShouldBeInRange(ended + 1, meant - 1);
            await Do("drop trigger break_off on deliveries");
            // One of the first fails meanwhile, and waits as every one that fails.
            await Do($"update deliveries set due_at = timestamptz '{Now:O}' + interval '5 seconds', failures = 1 where order_id = 20001");
        }
        (await Store(70).Again(Wish(states), Now, Key, default)).ShouldBe((meant, null));
        (await Waiting(Now)).ShouldBe(meant - (isMeant ? 1 : 0));
        (await house.Count("select count(*) from deliveries where order_id >= 30000 and failures = 5")).ShouldBe(4);
    }

    [Fact]
    public async Task Several_who_repeat_the_request_at_once_share_the_work_and_are_told_the_same()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Store(150).Again(Wish(DeliveryState.Delivered, DeliveryState.Dead), Now, Key, default))));
        answers.Select(a => a.Before?.Resource ?? $"{a.Count}").Distinct().ShouldHaveSingleItem().ShouldBe($"{Meant}");
        (await Waiting(Now)).ShouldBe(Meant);
    }

    [Fact]
    public async Task Over_the_API_it_is_one_answer_and_the_same_again()
    {
        var id = (await house.Get("/v1/webhook_endpoints")).Body.GetProperty("webhook_endpoints")[0].GetProperty("id").GetString();
        var ask = () => house.Post($"/v1/webhook_endpoints/{id}/redelivery", $$"""{"since": "{{Since:O}}", "until": "{{Now:O}}", "status": "any"}""", house.Secret, (IdempotencyKey.Header, "all"));
        var first = await ask();
        (first.Status, first.Body.GetProperty("deliveries").GetInt64(), first.Headers.Contains(IdempotencyKey.ReplayedHeader)).ShouldBe((HttpStatusCode.Accepted, Meant, false));
        var again = await ask();
        (again.Status, again.Body.GetProperty("deliveries").GetInt64(), again.Headers.Contains(IdempotencyKey.ReplayedHeader)).ShouldBe((HttpStatusCode.Accepted, Meant, true));
    }
}
