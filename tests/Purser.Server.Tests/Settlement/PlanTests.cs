using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Reconciliation;
using Purser.Server.Risk;
using Purser.Server.Settlement;
using Purser.Server.Tests.Engine;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>PostgreSQL plans by what it was told of its tables when it last looked. Here it looked when they had a handful of rows, and looks no more: as with a
/// large file, whose rows came a second ago.</summary>
public sealed class PlanTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const int Lines = 4_000;
    const int Apart = 977;

    /// <summary>What grows with the business or with a file.</summary>
    static readonly string[] Large =
        ["orders", "payments", "captures", "refunds", "settlement_lines", "settlement_postings", "settlement_discrepancies", "order_resolutions", "discrepancies"];

    /// <summary>A row is looked up a few times on its way; a table that is read as a whole again and again makes that many hundreds.</summary>
    const int LookUpsPerLine = 6;

    [Fact]
    public async Task Matching_and_acting_look_rows_up_and_read_no_table_as_a_whole_whatever_the_planner_knows()
    {
        var connection = await postgres.CreateDatabase();
        var (paid, refunded) = await Begin(connection);

        var before = await Reads(connection);
        await using (var world = await EngineWorld.Create(connection))
        {
            await Settle(world, [.. Enumerable.Range(1, Lines / 4).Select(n => Line($"row_{n * 4}", Payment(paid, n * 4)))]);
            await Settle(world, [.. Enumerable.Range(1, Lines).Select(n => (n % 8) switch
            {
                // Of an earlier file: as it was, and with another amount.
                0 => Line($"row_{n}", Payment(paid, n)),
                4 => Line($"row_{n}", Payment(paid, n), 49901),
                1 => Line($"row_{n}", Payment(refunded, n), 10000, SettlementKind.Refund),
                2 => Line($"row_{n}", null, money: Money(paid, n)),
                3 => Line($"row_{n}", null, money: $"nobody_{n}"),
                5 => Line($"row_{n}", null, 700, SettlementKind.Adjustment),
                _ => Line($"row_{n}", Payment(paid, n)) with { SettledOn = new DateOnly(2026, 3, 2 + (n % 2)) },
            })]);
        }

        var read = await Reads(connection);
        Few(before, read, LookUpsPerLine * Lines);

        await using var after = await EngineWorld.Create(connection);
        (await after.Ask<long>("select count(distinct class) from settlement_lines where file = 3")).ShouldBe(6);
        (await after.Ask<long>("select count(*) from settlement_discrepancies")).ShouldBe(10 + (Lines / 8 * 2));
        // The file covers the day, and does not have all that was due on it.
        (await after.Ask<long>("select count(*) from discrepancies")).ShouldBe(Lines / 8 * 3);
    }

    [Fact]
    public async Task A_dry_run_reads_a_file_a_few_times_and_not_once_for_each_payment_that_is_due()
    {
        var connection = await postgres.CreateDatabase();
        var (paid, refunded) = await Begin(connection);
        var before = await Reads(connection);
        await using (var world = await EngineWorld.Create(connection))
            await Settle(world, [.. Enumerable.Range(1, Lines).Select(n => n % 2 == 0 ? Line($"row_{n}", Payment(paid, n), money: Money(paid, n)) with { SettledOn = new DateOnly(2026, 3, 2 + (n % 3)) }
                : Line($"row_{n}", Payment(refunded, n), 10000, SettlementKind.Refund) with { SettledOn = new DateOnly(2026, 3, 2 + (n % 3)) })], dryRun: true);
        Few(before, await Reads(connection), LookUpsPerLine * Lines);
        await using var after = await EngineWorld.Create(connection);
        (await after.Ask<string>("select preview from settlement_files where id = 2"))!.ShouldContain($"\"count\":{Lines / 2}");
    }

    [Fact]
    public async Task Pages_of_questions_money_at_risk_and_refunds_without_a_row_read_what_they_show_and_not_all_that_ever_was()
    {
        var connection = await postgres.CreateDatabase();
        var (paid, _) = await Begin(connection);
        await using (var world = await EngineWorld.Create(connection))
        {
            await Old(world, paid, Lines);
            await Do(world, "update orders set fulfilled_at = now(), wake_at = null where paid_by is not null");
            await Do(world, "update refunds set settled = '{}' where number = 1 and order_id <> (select min(order_id) from refunds)");
            // What was there before the changes is no longer in the indexes.
            foreach (var table in new[] { "orders", "refunds" }) await Do(world, $"vacuum analyze {table}");
        }
        var before = await Reads(connection);
        await using (var world = await EngineWorld.Create(connection))
        {
            var questions = new DiscrepancyStore(world.Database);
            foreach (var open in new bool?[] { true, false, null })
                foreach (var account in new[] { null, "cards" })
                {
                    var first = await questions.List(open, account, null, 5, default);
                    if (account is null && open is not true) first.Count(d => d.Id.Order is not null).ShouldBe(3);
                    if (first.Count == 6) (await questions.List(open, account, (first[4].OpenedAt, first[4].Id.Order is null ? 1 : 0, first[4].Id.Order?.Value ?? first[4].Id.Row, first[4].Id.Sequence), 5, default))[0].Id.ShouldBe(first[5].Id);
                }
            (await questions.List(true, "nobody's", null, 5, default)).ShouldBeEmpty();
            await new RiskStore(world.Database, new RiskOptions()).Read(default);
            // A server that compiles dear statements would compile these.
            await using var compiles = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connection) { Options = "-c jit=on" });
            await using var ask = KeyLookup.Of(compiles, new NpgsqlBatchCommand("select current_setting('jit')"));
            await using (var row = await ask.Rows(default)) (await row.ReadAsync() ? row.GetString(0) : null).ShouldBe("off");
            (await new ActStore(world.Database).UnsettledRefunds(null, DateOnly.MaxValue, null, 10, default)).Count.ShouldBeLessThan(2);
        }
        Few(before, await Reads(connection), Lines / 2);
    }

    [Fact]
    public async Task Of_what_persons_answered_each_look_takes_its_part_in_turn_and_none_is_passed_over()
    {
        await using var world = await EngineWorld.Create(await postgres.CreateDatabase());
        var paid = await Paid(world);
        await Settle(world, [Line("first", null, 500, SettlementKind.Adjustment)]);
        await Old(world, paid, 10_700);
        // The last of them is about money that is known.
        await Do(world, $"""
            insert into settlement_lines select (jsonb_populate_record(l, jsonb_build_object('number', 2, 'row_key', 'old_10700', 'kind', 0, 'class', 7, 'amount', 49900, 'net', 49900, 'money_reference', '{Money(paid, 0)}'))).*
                from settlement_lines l where number = 1
            """);
        var later = new LaterEvidence(new ActStore(world.Database), new SettlementFileStore(world.Database), new SettlementLineStore(world.Database), world.Engine, new SettlementOptions(), SettlementHook.None,
            TimeProvider.System, NullLogger<LaterEvidence>.Instance);
        (await later.Sweep(default), await later.Sweep(default)).ShouldBe((0, 1));
        await Do(world, "update settlement_discrepancies set final = (row_key <> 'old_10700')");
        (await later.Sweep(default)).ShouldBe(1);
    }

    /// <summary>Questions that are answered, and no longer open; the oldest first one of an order and one of a row, in turn.</summary>
    static Task Old(EngineWorld world, OrderId paid, int count) => Do(world, $"""
        insert into discrepancies (order_id, sequence, payment, kind, amount, currency, opened_at, resolved_at, resolution)
            select {paid.Value} + n * {Apart}, 90, 1, 2, 1, 'INR', '2020-01-01'::timestamptz + n * interval '1 minute', now(), 'accept' from generate_series(1, {count}) n;
        insert into settlement_discrepancies (account, row_key, class, file, number, amount, currency, proposal, opened_at, resolution, reason, by_first, resolved_at)
            select 'cards', 'old_' || n, 7, 1, case when n = {count} then 2 else 1 end, 1, 'INR', 'x', '2020-01-01'::timestamptz + n * interval '1 minute', 'close', 'x', 'Asha', now() from generate_series(1, {count}) n;
        """);

    static void Few(Dictionary<string, (long Scans, long Rows, long Entries)> before, Dictionary<string, (long Scans, long Rows, long Entries)> after, long most)
    {
        before.Keys.ShouldBe(Large, ignoreOrder: true);
        before.Where(t => after[t.Key].Scans > t.Value.Scans).Select(t => $"{t.Key}: {after[t.Key].Scans - t.Value.Scans} times, {after[t.Key].Rows - t.Value.Rows} rows").ShouldBeEmpty();
        before.Where(t => after[t.Key].Entries - t.Value.Entries > most).Select(t => $"{t.Key}: {after[t.Key].Entries - t.Value.Entries} entries").ShouldBeEmpty();
    }

    /// <summary>A few orders and rows, at which PostgreSQL looks; then many more.</summary>
    static async Task<(OrderId Paid, OrderId Refunded)> Begin(string connection)
    {
        await using var world = await EngineWorld.Create(connection);
        foreach (var table in Large) await Do(world, $"alter table {table} set (autovacuum_enabled = off)");
        var (paid, refunded) = (await Paid(world), await Paid(world));
        await world.Do(refunded, new OrderCommand.Refund(1, Inr(10000), null));
        await world.Do(refunded, new RefundEvidence.Succeeded(Inr(10000)).Learned(1, 1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, null));
        await Settle(world, [.. Enumerable.Range(0, 20).Select(n => Line($"first_{n}", null, 500 + n, n % 2 == 0 ? SettlementKind.Adjustment : SettlementKind.Payment, $"first_{n}"))]);
        await Do(world, "analyze");
        await Copy(world, paid, Lines);
        await Copy(world, refunded, Lines);
        // What the file covers and does not have is missed when it is done.
        await Do(world, $"update captures set due_on = '2026-03-02' where order_id between {Payment(paid, 1).Order.Value} and {Payment(paid, Lines).Order.Value}");
        return (paid, refunded);
    }

    static Money Inr(long units) => new(units, Currency.Find("INR"));

    static PaymentId Payment(OrderId pattern, int n) => new(new OrderId(pattern.Value + (n * Apart)), 1);

    static string Money(OrderId pattern, int n) => $"m_{pattern.Letters}_{n}";

    static async Task<OrderId> Paid(EngineWorld world)
    {
        var id = await world.WithLink();
        await world.Do(id, new Evidence.Succeeded($"m_{id.Letters}_0", Inr(49900), "card").Learned(1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "k2"));
        return id;
    }

    /// <summary>More orders like this one.</summary>
    static Task Copy(EngineWorld world, OrderId pattern, int count) => Do(world, $"""
        insert into orders select (jsonb_populate_record(o, jsonb_build_object('id', o.id + n * {Apart}))).* from orders o, generate_series(1, {count}) n where id = {pattern.Value};
        insert into payments select (jsonb_populate_record(p, jsonb_build_object('order_id', p.order_id + n * {Apart}, 'gateway_reference', p.gateway_reference || n,
            'captures', replace(p.captures, '{Money(pattern, 0)}', '{Money(pattern, 0)[..^1]}' || n)))).* from payments p, generate_series(1, {count}) n where order_id = {pattern.Value};
        insert into refunds select (jsonb_populate_record(r, jsonb_build_object('order_id', r.order_id + n * {Apart}, 'money_reference', replace(r.money_reference, '{Money(pattern, 0)}', '{Money(pattern, 0)[..^1]}' || n)))).*
            from refunds r, generate_series(1, {count}) n where order_id = {pattern.Value};
        insert into captures select (jsonb_populate_record(c, jsonb_build_object('order_id', c.order_id + n * {Apart}, 'money_reference', replace(c.money_reference, '{Money(pattern, 0)}', '{Money(pattern, 0)[..^1]}' || n)))).*
            from captures c, generate_series(1, {count}) n where order_id = {pattern.Value};
        """);

    static async Task Settle(EngineWorld world, IReadOnlyList<SettlementLine> lines, bool dryRun = false)
    {
        var (accounts, faults) = GatewayAccounts.Read(
            new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Gateways:cards:Gateway"] = "statements" }).Build(), [new StatementGateway("statements")]);
        faults.ShouldBeEmpty();
        var (files, acts, options) = (new SettlementFileStore(world.Database), new ActStore(world.Database), new SettlementOptions());
        var file = (await files.TakeIn("cards", "statement.csv", FileSource.Upload, new MemoryStream(Statement(lines)), dryRun, long.MaxValue, default)).File;
        var overdue = new Overdue(acts, world.Engine, accounts, options, TimeProvider.System, NullLogger<Overdue>.Instance);
        var worker = new SettlementWorker(files, new SettlementLineStore(world.Database), new MatchStore(world.Database), acts, world.Engine, accounts, options, SettlementHook.None, overdue,
            TimeProvider.System, NullLogger<SettlementWorker>.Instance);
        (await worker.One(default)).ShouldBeTrue();
        (await files.Find(file.Id, default))!.State.ShouldBe(dryRun ? FileState.Matched : FileState.Done);
    }

    /// <summary>How often tables were read as a whole so far, and how many entries of their indexes. A session tells when it ends.</summary>
    static async Task<Dictionary<string, (long Scans, long Rows, long Entries)>> Reads(string connection)
    {
        await using var alone = new NpgsqlConnection(connection + ";Pooling=false");
        await alone.OpenAsync();
        await Until.True(async () =>
        {
            await using var others = new NpgsqlCommand("select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()", alone);
            return await others.ExecuteScalarAsync() is 0L;
        }, "all other sessions to have ended");
        await using var ask = new NpgsqlCommand("""
            select t.relname, t.seq_scan, t.seq_tup_read, (select sum(i.idx_tup_read) from pg_stat_user_indexes i where i.relid = t.relid)::bigint
            from pg_stat_user_tables t where t.relname = any ($1)
            """, alone);
        ask.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = Large });
        var found = new Dictionary<string, (long, long, long)>();
        await using var rows = await ask.ExecuteReaderAsync();
        while (await rows.ReadAsync()) found.Add(rows.GetString(0), (rows.GetInt64(1), rows.GetInt64(2), rows.GetInt64(3)));
        return found;
    }

    static async Task Do(EngineWorld world, string sql)
    {
        await using var command = world.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
