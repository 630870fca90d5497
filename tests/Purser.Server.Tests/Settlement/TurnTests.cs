using Microsoft.Extensions.DependencyInjection;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Server.Audit;
using Purser.Server.Gateways;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;
using Purser.Server.Tests.Platform;
using Purser.Server.Tests.Situations;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>An earlier file is one that was applied earlier, whatever its id.</summary>
public sealed class TurnTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static SettlementLine Row(string key, PaymentId payment) => Line(key, payment, money: $"m_{payment.Reference}");

    static Task<long> Count(SettlementHouse house, PaymentId payment, EventType type) =>
        house.Ask<long>($"select count(*) from events where order_id = {payment.Order.Value} and type = {(int)type}");

    [Fact]
    public async Task A_refused_file_that_is_read_again_after_its_re_issue_applies_what_is_new_and_shows_what_differs()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (one, two) = (await house.Paid(), await house.Paid());
        SettlementLine Says(string key, long amount) => Line(key, null, amount, SettlementKind.Adjustment);
        var first = Statement(Row("a", one), Row("b", two), Says("k", 10), Says("l", 10), Line("p", null, 5, SettlementKind.Payout));
        house.Gateway.Unread = "Payout";
        (await house.Settle(first)).Text("state").ShouldBe("refused");
        var issued = await house.Settle(Statement(Row("a", one), Says("k", 11)));
        (await house.Settle(Statement(Says("k", 12)))).Text("state").ShouldBe("done");
        house.Gateway.Unread = null;

        var again = await house.Settle(first);
        SettlementHouse.Classes(again).ShouldBe(new Dictionary<string, int> { ["repeated"] = 1, ["changed"] = 1, ["both_paid"] = 1, ["adjustment"] = 1, ["payout"] = 1 }, ignoreOrder: true);
        var line = (await house.Get($"/v1/settlements/{again.Text("id")}/lines?class=changed")).Body.GetProperty("lines").EnumerateArray().ShouldHaveSingleItem();
        line.GetProperty("row_key").GetString().ShouldBe("k");
        (await house.Ask<long>("select sum(abs(amount))::bigint from settlement_postings where row_key = 'k'")).ShouldBe(4 * 11);
        (await Count(house, one, EventType.SettlementMatched), await Count(house, two, EventType.SettlementMatched)).ShouldBe((1, 1));
        // It says another thing than what was asked about before, although its id is smaller.
        (await house.Ask<string>("select amount || ' of ' || file from settlement_discrepancies where row_key = 'k'")).ShouldBe($"10 of {again.Text("id")[4..]}");
        issued.Text("id").ShouldNotBe(again.Text("id"));
    }

    [Fact]
    public async Task A_file_that_is_read_again_waits_for_the_one_that_is_being_applied()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var files = house.Host.Services.GetRequiredService<SettlementFileStore>();
        async Task<SettlementFile> Take(string bytes) => (await files.TakeIn("shop", "x.csv", FileSource.Upload, new MemoryStream(System.Text.Encoding.UTF8.GetBytes(bytes)), dryRun: false, 1000, default)).File;
        // The house's own worker refuses what it cannot read.
        var refused = await house.Ended((await Take("one")).IdText);
        refused.Text("state").ShouldBe("refused");
        var other = await Take("other");
        await house.Ended(other.IdText);
        await house.Ask<long>($"with busy as (update settlement_files set state = 4, turn = 100, leased_by = 'w', leased_until = now() + interval '1 hour' where id = {other.Id} returning 1) select count(*) from busy");

        // It came in long ago. It gets on from the moment that it is sent again, and while it waits for its turn it does not hang.
        var stalled = new StalledFileStore(house.Database);
        Task<long> Age(string which) => house.Ask<long>($"with old as (update settlement_files set received_at = now() - interval '1 day', advanced_at = now() - interval '31 minutes' where {which} returning 1) select count(*) from old");
        await Age($"id = {refused.Text("id")[4..]}");
        await Take("one");
        (await house.Ask<bool>($"select advanced_at > now() - interval '30 minutes' from settlement_files where id = {refused.Text("id")[4..]}")).ShouldBeTrue();
        await Age($"id = {refused.Text("id")[4..]}");
        (await stalled.List(10, default)).ShouldBeEmpty();
        // Behind one that hangs it hangs, too.
        await Age($"id = {other.Id}");
        (await stalled.List(10, default)).Select(f => f.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)).ShouldBe([$"{other.Id}", refused.Text("id")[4..]]);
        (await files.Claim("another", ["shop"], default)).ShouldBeNull();
        (await house.Ask<bool>($"select state = 0 and turn is null and leased_by is null from settlement_files where id = {refused.Text("id")[4..]}")).ShouldBeTrue();
        await house.Ask<long>($"with done as (update settlement_files set state = 5 where id = {other.Id} returning 1) select count(*) from done");
        (await house.Ended(refused.Text("id"))).Text("state").ShouldBe("refused");
    }

    /// <summary>Nothing that waits by it ever ends.</summary>
    sealed class StillClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    [Fact]
    public async Task A_worker_that_stood_still_until_another_had_ended_its_file_writes_nothing_more()
    {
        using var end = new ManualResetEventSlim();
        using var busy = new ManualResetEventSlim();
        // The house's own worker is held by a file of another account.
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), new SettlementHook(_ =>
        {
            busy.Set();
            end.Wait();
        }));
        try
        {
            var (services, files) = (house.Host.Services, house.Host.Services.GetRequiredService<SettlementFileStore>());
            Task Take(string account, byte[] bytes) => files.TakeIn(account, "x.csv", FileSource.Upload, new MemoryStream(bytes), dryRun: false, 10_000, default);
            Task Expire() => house.Ask<long>("with past as (update settlement_files set leased_until = now() - interval '1 minute' where account = 'shop' returning 1) select count(*) from past");
            Task<string> Kept() => house.Ask<string>("""
                select (select string_agg(concat_ws(' ', file, number, class, was_file), ', ' order by file, number) from settlement_lines) || '; '
                    || (select string_agg(concat_ws(' ', row_key, line, amount), ', ' order by row_key, line) from settlement_postings) || '; '
                    || (select count(*) from settlement_discrepancies) || (select string_agg(concat_ws(' ', file, "group", encode(keys, 'hex')), ', ' order by file, "group") from settlement_key_groups)
                """);
            await Take("other", Statement(Line("other", null, 1, SettlementKind.Adjustment)));
            busy.Wait(TimeSpan.FromMinutes(2)).ShouldBeTrue();
            var pending = await house.Pending();
            await Take("shop", Statement(Row("a", pending), Line("x", null, 5, SettlementKind.Adjustment)));

            using var reached = new ManualResetEventSlim();
            using var on = new ManualResetEventSlim();
            var slow = ActivatorUtilities.CreateInstance<SettlementWorker>(services, new StillClock(), new SettlementHook(at =>
            {
                if (at != SettlementHook.BeforeClasses) return;
                reached.Set();
                on.Wait();
            }));
            var standing = Task.Run(() => slow.One(default));
            try
            {
                reached.Wait(TimeSpan.FromMinutes(2)).ShouldBeTrue("it was about to say that we know of no payment");
                await house.Tell(pending, "captured", 49900, $"m_{pending.Reference}");
                await Expire();
                (await ActivatorUtilities.CreateInstance<SettlementWorker>(services, SettlementHook.None).One(default)).ShouldBeTrue();
                (await house.Ask<short>("select state from settlement_files where account = 'shop'")).ShouldBe((short)FileState.Done);
                var before = await Kept();
                on.Set();
                (await standing).ShouldBeTrue();
                (await Kept()).ShouldBe(before);
            }
            finally
            {
                on.Set();
                await standing;
            }
            (await AuditCommand.Run(house.Database, null, null, 3, null, default)).Differences.ShouldBeEmpty();
            await house.Sound();

            // Whatever it is that the one writes who lost the file.
            await Take("shop", Statement(Line("y", null, 7, SettlementKind.Adjustment)));
            var lost = (await files.Claim("slow", ["shop"], default))!;
            await Expire();
            var held = (await files.Claim("quick", ["shop"], default))!;
            held.Id.ShouldBe(lost.Id);
            var (matches, acts) = (services.GetRequiredService<IMatchStore>(), services.GetRequiredService<IActStore>());
            RowPosting[] sides = [new("y", 1, "fees", new Money(7, Currency.Find("INR"))), new("y", 2, "suspense", new Money(-7, Currency.Find("INR")))];
            foreach (var write in (Func<SettlementFile, Task>[])
                [f => matches.Presume(f, default), f => matches.Store(f, [new Reclassed(1, SettlementClass.Repeated)], default), f => Task.Run(() => matches.KeepKeys(f, 3, [], begin: true, default)),
                    f => acts.Write(f, sides, [], default)])
            {
                await Should.ThrowAsync<LeaseLostException>(() => write(lost));
                (await house.Ask<bool>($"select key_bits is null and not exists (select from settlement_postings where file = {lost.Id}) from settlement_files where id = {lost.Id}")).ShouldBeTrue();
            }
            await matches.KeepKeys(held, 3, [], begin: true, default);
            await acts.Write(held, sides, [], default);
            (await house.Ask<bool>($"select key_bits = 3 and exists (select from settlement_postings where file = {held.Id}) from settlement_files where id = {held.Id}")).ShouldBeTrue();
        }
        finally
        {
            end.Set();
        }
    }

    [Fact]
    public async Task A_file_is_left_to_a_node_that_knows_its_account_and_none_that_is_being_applied_is_refused()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var files = house.Host.Services.GetRequiredService<SettlementFileStore>();
        var file = (await files.TakeIn("elsewhere", "x.csv", FileSource.Upload, new MemoryStream("one"u8.ToArray()), dryRun: false, 1000, default)).File;
        (await files.Claim("here", ["shop", "other"], default)).ShouldBeNull();
        (await files.Claim("there", ["elsewhere"], default))!.Id.ShouldBe(file.Id);
        await house.Ask<long>($"with acting as (update settlement_files set state = 4 where id = {file.Id} returning 1) select count(*) from acting");
        await files.Refuse(file.Id, "there", new FileRefusal("There is no such account.", null, null), default);
        (await house.Ask<bool>($"select state = 4 and refusal is null and leased_by = 'there' from settlement_files where id = {file.Id}")).ShouldBeTrue();
    }

    [Fact]
    public async Task A_file_that_is_applied_in_part_is_told_of_while_its_account_is_gone_and_ends_whatever_gateway_the_account_has_then()
    {
        var connection = await postgres.CreateDatabase();
        await using var house = await SettlementHouse.Open(connection);
        await house.Settle(Statement(Line("x", null, 100, SettlementKind.Adjustment) with { Net = new Money(-100, Currency.Find("INR")) }, Line("y", null, 100, SettlementKind.Adjustment)));
        (await DoctorSays.Of(connection)).ShouldNotContain("do not get on");
        await house.Ask<long>("with gone as (update settlement_files set account = 'plain', state = 4, rows_acted = 1, done_at = null, advanced_at = now() - interval '31 minutes' returning 1) select count(*) from gone");
        (await DoctorSays.Of(connection)).ShouldContain("1 file(s) of plain do not get on");
        (await DoctorSays.Of(connection)).ShouldContain("stl_1, applied to row 1 of 2. There is no gateway account 'plain' any more");

        using var settings = new Microsoft.Extensions.Configuration.ConfigurationManager();
        settings["Gateways:plain:Gateway"] = "scripted";
        var (accounts, faults) = GatewayAccounts.Read(settings, [new ScriptedGateway("scripted")]);
        faults.ShouldBeEmpty();
        var worker = ActivatorUtilities.CreateInstance<SettlementWorker>(house.Host.Services, accounts);
        (await worker.One(default)).ShouldBeTrue();
        (await house.Ask<short>("select state from settlement_files")).ShouldBe((short)FileState.Done);
        (await worker.One(default)).ShouldBeFalse();
        (await DoctorSays.Of(connection)).ShouldNotContain("do not get on");
    }
}
