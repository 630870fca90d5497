using System.Net;
using Npgsql;
using Purser.Orders;
using Purser.Server.Deliveries;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Deliveries;

/// <summary>What waits behind an event that was not taken, at a receiver that wants an order's events in order: it waits no longer than it must.</summary>
public sealed class OrderedTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);
    static readonly DateTimeOffset Now = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    static readonly DateTimeOffset NextTry = Now.AddHours(10);
    static readonly DeliveryAnswer Heard = new(Now, TimeSpan.Zero, 200, null, null, null, ""), Refused = new(Now, TimeSpan.Zero, 500, "no", null, null, "");

    NpgsqlDataSource database = null!;
    DeliveryStore store = null!;

    public async Task InitializeAsync()
    {
        database = Server.Platform.Database.Build(await postgres.CreateDatabase());
        store = new DeliveryStore(database);
    }

    public async Task DisposeAsync() => await database.DisposeAsync();

    [Fact]
    public async Task A_receiver_that_wants_no_order_any_more_is_told_at_once_of_what_waited_behind_others()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        var (endpoint, order) = await FirstIsRefusedTwice(house);
        var head = await Due(house, order);
        var changed = await house.Api.Send(HttpMethod.Patch, $"/v1/webhook_endpoints/{endpoint}", """{"ordered": false}""", house.Api.Secret);
        changed.Status.ShouldBe(HttpStatusCode.OK);
        await house.NoneLeft("sequence > 1 and state <> 1", "all but the first");
        (await house.Deliveries("sequence = 1 and state = 0 and failures = 2")).ShouldBe(1);
        (await Due(house, order)).ShouldBe(head, "the first keeps its time");
    }

    [Fact]
    public async Task When_the_first_is_sent_again_and_taken_the_others_follow_at_once_and_in_order()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        var (_, order) = await FirstIsRefusedTwice(house);
        house.Receiver.Does = null;
        (await house.Api.Post($"/v1/deliveries/dlv_{order[4..]}_1_1/redelivery", null)).Status.ShouldBe(HttpStatusCode.Accepted);
        await house.NoneLeft("state <> 1", "all of it");
        var told = house.Receiver.At("/hook").Select(h => h.Sequence).ToList();
        told.ShouldBe([1, 1, .. Enumerable.Range(1, told.Count - 2)]);
    }

    /// <summary>A paid order, of which nothing is told for minutes.</summary>
    static async Task<(string Endpoint, string Order)> FirstIsRefusedTwice(DeliveryHouse house)
    {
        house.Receiver.Does = (http, h) =>
        {
            http.Response.StatusCode = h.Sequence == 1 ? 500 : 200;
            return Task.CompletedTask;
        };
        var endpoint = (await house.Endpoint(more: ", \"ordered\": true")).Text("id");
        var order = await house.Paid("late");
        await house.NoneLeft("sequence = 1 and failures < 1", "a refusal");
        house.Clock.Push(TimeSpan.FromSeconds(7));
        await house.NoneLeft("sequence = 1 and failures < 2", "another refusal");
        await house.NoneLeft("sequence > 1 and due_at < (select h.due_at from deliveries h where h.sequence = 1)", "the others to be put off");
        (await house.Deliveries("sequence > 1 and state = 0 and attempts = 0")).ShouldBeGreaterThan(3);
        return (endpoint, order);
    }

    static async Task<DateTimeOffset> Due(DeliveryHouse house, string order) =>
        (await house.Api.Get($"/v1/deliveries/dlv_{order[4..]}_1_1")).Body.GetProperty("next_attempt_at").GetDateTimeOffset();

    [Fact]
    public async Task When_the_first_is_given_up_the_others_are_due()
    {
        await TwoEvents(followerDue: NextTry);
        var head = await TakeHead(Now);
        await store.Failed(head, Refused, null, Now, TimeSpan.FromDays(5), default);
        (await FollowerDue()).ShouldBe(Now);
    }

    [Fact]
    public async Task What_was_heard_is_written_together_and_one_that_cannot_be_written_keeps_no_other_from_it()
    {
        await TwoEvents(followerDue: NextTry);
        await Do("update webhook_endpoints set ordered = false, failing_since = $1");
        var first = await TakeHead(Now);
        var heard = new HeardDeliveries(store, TimeProvider.System);
        LeasedDelivery Of(int sequence) => first with { Id = first.Id with { Sequence = sequence } };
        Task[] writing;
        await using (var other = await database.OpenConnectionAsync())
        await using (await other.BeginTransactionAsync())
        {
            await using (var hold = new NpgsqlCommand("select from webhook_endpoints for update", other)) await hold.ExecuteNonQueryAsync();
            // The first is being written, and the others share what is written next.
            writing = [heard.Add(Of(7), Heard), heard.Add(Of(8), Heard with { Signature = null! }), heard.Add(Of(1), Heard), heard.Add(Of(2), Heard)];
        }
        await writing[0];
        await Should.ThrowAsync<PostgresException>(() => writing[1]);
        await Task.WhenAll(writing[2], writing[3]);
        (await Count("state = 1 and outcome = '200' and ended_at is not null and leased_until is null")).ShouldBe(2);
        (await Count("exists (select from webhook_endpoints where failing_since is not null)")).ShouldBe(0);
        (await Count("state = 1 and exists (select from delivery_attempts a where a.sequence = deliveries.sequence and a.status = 200)")).ShouldBe(2);
    }

    [Fact]
    public async Task A_node_whose_lease_is_over_puts_off_nothing_behind_what_another_has_told()
    {
        await TwoEvents(followerDue: Now);
        var late = await TakeHead(Now);
        var later = Now + Lease + TimeSpan.FromSeconds(1);
        await store.Succeeded([(await TakeHead(later), Heard)], later, default);
        await store.Failed(late, Refused, NextTry, later, TimeSpan.FromDays(5), default);
        (await FollowerDue()).ShouldBe(Now);
    }

    [Fact]
    public async Task What_fails_after_order_ceased_to_matter_puts_off_nothing()
    {
        await TwoEvents(followerDue: Now);
        var head = await TakeHead(Now);
        await new ReceiverStore(database).Change("we_1", new ReceiverChange(null, null, null, false, null), Now, default);
        await store.Failed(head, Refused, NextTry, Now, TimeSpan.FromDays(5), default);
        (await FollowerDue()).ShouldBe(Now);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task What_is_being_sent_for_the_last_time_when_its_endpoint_goes_on_begins_anew(bool goesOn, bool isFinal)
    {
        await TwoEvents(followerDue: Now);
        await Do("insert into webhook_endpoints (id, url, kind, ordered, created_at, updated_at) values ('mail_operators', 'mail', 2, false, $1, $1)");
        await Do("update deliveries set failures = 7 where sequence = 1");
        var head = await TakeHead(Now);
        if (goesOn) await new ReceiverStore(database).Change("we_1", new ReceiverChange(null, null, null, null, ReceiverStatus.Active), Now, default);
        var (paused, isGivenUp) = await store.Failed(head, Refused with { IsFinal = isFinal }, null, Now, TimeSpan.FromDays(5), default);
        var livesOn = goesOn && !isFinal;
        (paused, isGivenUp).ShouldBe((null, !livesOn));
        (await Count(livesOn ? "sequence = 1 and state = 0 and failures = 1 and leased_until is null and due_at between $1::timestamptz + interval '5 s' and $1::timestamptz + interval '6 s'"
            : "sequence = 1 and state = 2 and ended_at = $1")).ShouldBe(1);
        // What waits behind it waits as long; and of what lives on operators need not hear.
        (await Count("sequence = 2 and state = 0 and due_at = (select h.due_at from deliveries h where h.sequence = 1)")).ShouldBe(1);
        (await Count("sequence = 1 and exists (select from operator_notices where kind = 2)")).ShouldBe(livesOn ? 0 : 1);
    }

    [Fact]
    public async Task While_an_endpoint_is_being_changed_nothing_is_put_off_there()
    {
        await TwoEvents(followerDue: Now);
        await Do("update deliveries set due_at = $2 where sequence = 1");
        await using (var connection = await database.OpenConnectionAsync())
        await using (var change = await connection.BeginTransactionAsync())
        {
            await using var unordered = new NpgsqlCommand("update webhook_endpoints set ordered = false", connection);
            await unordered.ExecuteNonQueryAsync();
            (await Take(Now)).ShouldSatisfyAllConditions(t => t.Deliveries.ShouldBeEmpty(), t => t.HasPostponed.ShouldBeFalse());
            await change.RollbackAsync();
        }
        (await Take(Now)).HasPostponed.ShouldBeTrue();
        (await FollowerDue()).ShouldBe(NextTry);
    }

    async Task TwoEvents(DateTimeOffset followerDue)
    {
        await Do("insert into webhook_endpoints (id, url, ordered, created_at, updated_at) values ('we_1', 'https://shop.example/hook', true, $1, $1)");
        await Do("insert into deliveries (order_id, sequence, receiver, at, due_at) values (7, 1, 1, $1, $1)");
        await Do($"insert into deliveries (order_id, sequence, receiver, at, due_at) values (7, 2, 1, $1, ${(followerDue == Now ? 1 : 2)})");
        await Do("insert into events (order_id, sequence, type, at, data) select order_id, sequence, 1, $1, '' from deliveries");
    }

    Task<Taken> Take(DateTimeOffset now) => store.Take(now, Lease, new Dictionary<int, int>(), 8, [ReceiverKind.Endpoint], default);

    async Task<LeasedDelivery> TakeHead(DateTimeOffset now)
    {
        var head = (await Take(now)).Deliveries.ShouldHaveSingleItem();
        head.Id.ShouldBe(new DeliveryId(new OrderId(7), 1, 1));
        return head;
    }

    async Task<DateTimeOffset> FollowerDue()
    {
        await using var ask = database.CreateCommand("select due_at from deliveries where sequence = 2");
        return new DateTimeOffset((DateTime)(await ask.ExecuteScalarAsync())!);
    }

    async Task<long> Count(string of)
    {
        await using var ask = database.CreateCommand(Timed($"select count(*) from deliveries where {of}"));
        return (long)(await ask.ExecuteScalarAsync())!;
    }

    async Task Do(string sql)
    {
        await using var command = database.CreateCommand(Timed(sql));
        await command.ExecuteNonQueryAsync();
    }

    static string Timed(string sql) => sql.Replace("$1", $"'{Now:O}'", StringComparison.Ordinal).Replace("$2", $"'{NextTry:O}'", StringComparison.Ordinal);
}
