using System.Buffers.Binary;
using Npgsql;
using Purser.Reconciliation;
using Purser.Server.Engine;
using Purser.Server.Reconciliation;
using Purser.Server.Tests.Engine;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>A small file is compared with all that was applied before by reading the groups of its own keys.</summary>
public sealed class EarlierKeysTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const int Earlier = 3_000;

    static SettlementLine Says(int n, long amount) => Line($"k{n}", null, amount, SettlementKind.Adjustment);

    [Fact]
    public async Task A_small_file_finds_its_rows_in_a_long_one_however_their_keys_are_kept()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        await house.Settle(Statement(Enumerable.Range(0, Earlier).Select(n => Says(n, 10))));
        (await house.Ask<long>("select count(distinct \"group\") from settlement_key_groups where file = 1")).ShouldBe(64);
        async Task Compare(int from, int file)
        {
            var small = await house.Settle(Statement(Enumerable.Range(0, 12).Select(n => n < 5 ? Says(from + (n * 7), 10) : n < 9 ? Says(from + (n * 7), 11) : Says(Earlier + from + n, 10))));
            SettlementHouse.Classes(small).ShouldBe(new Dictionary<string, int> { ["repeated"] = 5, ["changed"] = 4, ["adjustment"] = 3 }, ignoreOrder: true);
            var was = (await house.Get($"/v1/settlements/stl_{file}/lines?class=changed")).Body.GetProperty("lines")[0].GetProperty("was");
            (was.GetProperty("settlement").GetString(), was.GetProperty("line").GetInt32()).ShouldBe(("stl_1", from + 35 + 1));
        }
        await Compare(0, 2);

        // As an older program kept them.
        var pieces = new byte[Earlier * 16];
        await using (var groups = house.Database.CreateCommand("with gone as (delete from settlement_key_groups where file = 1 returning keys) select keys from gone"))
        await using (var rows = await groups.ExecuteReaderAsync())
            while (await rows.ReadAsync())
                foreach (var key in rows.GetFieldValue<byte[]>(0).Chunk(20)) key.AsSpan(0, 16).CopyTo(pieces.AsSpan((BinaryPrimitives.ReadInt32LittleEndian(key.AsSpan(16)) - 1) * 16));
        await using (var keep = house.Database.CreateCommand("with piece as (insert into settlement_keys values (1, 1, $1)) update settlement_files set key_bits = null where id = 1"))
        {
            keep.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = pieces });
            await keep.ExecuteNonQueryAsync();
        }
        await Compare(1000, 3);
    }

    [Fact]
    public async Task It_reads_no_table_as_a_whole()
    {
        await using var world = await EngineWorld.Create(await postgres.CreateDatabase());
        await using var connection = await world.Database.OpenConnectionAsync();
        const int groups = 4096, lines = groups * 32;
        await Do($"""
            insert into settlement_files (account, sha256, name, source, bytes, received_at, dry_run, state, rows_stored, key_bits) values ('cards', 'x', 'x', 0, 1, now(), false, 5, {lines}, 12);
            insert into settlement_key_groups select 1, n, decode(repeat(md5(n::text), 20), 'hex') from generate_series(0, {groups - 1}) n;
            """);
        await Do("begin");
        await Do(KeyLookup.Plan);
        await Do($"prepare few (text, bigint, bigint[], int) as {MatchStore.KeysOfFew}");
        var plan = new List<string>();
        await using (var explain = new NpgsqlCommand($"explain (analyze, buffers) execute few ('cards', 2, array[{string.Join(',', Enumerable.Range(1, 100).Select(n => (long)RowHash.Key($"k{n}")))}]::bigint[], 800)", connection))
        await using (var rows = await explain.ExecuteReaderAsync())
            while (await rows.ReadAsync()) plan.Add(rows.GetString(0));
        var text = string.Join('\n', plan);
        plan.ShouldNotContain(line => line.Contains("Seq Scan on settlement_key", StringComparison.Ordinal), text);
        plan.ShouldContain(line => line.Contains("Index", StringComparison.Ordinal) && line.Contains("settlement_key_groups_pkey", StringComparison.Ordinal) && line.Contains("loops=100)", StringComparison.Ordinal), text);

        async Task Do(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }
    }
}
