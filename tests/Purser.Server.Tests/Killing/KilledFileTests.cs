using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Purser.Orders;
using Purser.Server.Doctor;
using Purser.Server.Engine;
using Purser.Server.Keys;
using Purser.Server.Settlement;
using Purser.Server.Tests.Engine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Killing;

/// <summary>kill -9 in the middle of a settlement file, with real processes and real PostgreSQL: while its rows are stored, and while they are acted on. What
/// the dead process left is taken up by the next, and every row counts once.</summary>
public sealed class KilledFileTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const int Paid = 1_500;
    const int Strangers = 20_000;
    const int Rows = Paid + Strangers;

    [Fact]
    public async Task Killed_while_rows_are_stored_and_while_they_are_acted_on_every_row_counts_once()
    {
        await using var world = await EngineWorld.Create(await postgres.CreateDatabase());
        await Task.WhenAll(Enumerable.Range(0, Paid).Select(async n =>
        {
            var order = await world.WithLink();
            (await world.Engine.Submit(EngineWorld.Paid(order, $"e{n}", money: $"trans_{n}"), default)).ShouldBeOfType<EngineReply.Done>();
        }));
        var (key, _) = await new ApiKeys(new ApiKeyStore(world.Database), TimeProvider.System).Create("test", KeyKind.Secret);
        var settings = new Dictionary<string, string?>
        {
            ["ConnectionStrings:Purser"] = world.ConnectionString,
            ["Gateways:cards:Gateway"] = "ippopay",
            ["Gateways:cards:public_key"] = "pk_test_1",
            ["Gateways:cards:secret_key"] = "sk_test_1",
            ["Gateways:cards:TestMode"] = "true",
            ["Purser:Settlement:LinesAtOnce"] = "200",
        };
        var server = await ServerProcess.Start(settings);
        try
        {
            using var api = new HttpClient { BaseAddress = server.Url };
            api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
            using var file = new ByteArrayContent(File());
            using var sent = await api.PostAsync("/v1/settlements?gateway=cards", file);
            sent.IsSuccessStatusCode.ShouldBeTrue(await sent.Content.ReadAsStringAsync());
            SettlementFile.TryParseId((await sent.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString(), out var id).ShouldBeTrue();

            async Task<(FileState State, int Stored, int Acted)> Now()
            {
                await using var ask = world.Database.CreateCommand($"select state, rows_stored, rows_acted from settlement_files where id = {id}");
                await using var row = await ask.ExecuteReaderAsync();
                (await row.ReadAsync()).ShouldBeTrue();
                return ((FileState)row.GetInt16(0), row.GetInt32(1), row.GetInt32(2));
            }

            async Task KillWithin(Func<(FileState State, int Stored, int Acted), bool> reached, string what)
            {
                await Until.True(async () => reached(await Now()), what);
                await server.Kill();
                // Nobody waits here until the dead process's lease has run out.
                (await world.Ask<long>($"with over as (update settlement_files set leased_until = clock_timestamp() where id = {id} returning 1) select count(*) from over")).ShouldBe(1);
            }

            await KillWithin(now => now.Stored > 0, "some rows to be stored");
            var within = await Now();
            (within.State, within.Stored is > 0 and < Rows).ShouldBe((FileState.Reading, true), $"killed at {within}");
            (await world.Ask<long>($"select count(*) from settlement_lines where file = {id}")).ShouldBe(within.Stored);

            server = await ServerProcess.Start(settings);
            await KillWithin(now => now.Acted > 0, "some rows to be acted on");
            within = await Now();
            (within.State, within.Acted is > 0 and < Rows).ShouldBe((FileState.Acting, true), $"killed at {within}");

            server = await ServerProcess.Start(settings);
            await Until.True(async () => (await Now()).State == FileState.Done, "the file to be done");
            (await Now()).ShouldBe((FileState.Done, Rows, Rows));
        }
        finally
        {
            await server.DisposeAsync();
        }

        (await world.Ask<long>("select count(*) from settlement_lines")).ShouldBe(Rows);
        (await world.Ask<long>("select count(distinct row_key) from settlement_lines")).ShouldBe(Rows);
        (await world.Ask<long>($"select count(*) from events where type = {(int)EventType.SettlementMatched}")).ShouldBe(Paid);
        (await world.Ask<long>("select count(*) from captures where settled_on is not null")).ShouldBe(Paid);
        (await world.Ask<long>("select count(*) from settlement_discrepancies")).ShouldBe(Strangers);
        // What strangers' rows say is in suspense once, and all rows' net in the bank once.
        (await world.Ask<decimal>("select sum(amount) from ledger where account = 'suspense'")).ShouldBe(-Strangers * 100_00m);
        (await world.Ask<decimal>("select sum(amount) from ledger where account = 'bank'")).ShouldBe((Strangers * 100_00m) + (Paid * 499_00m));
        (await new InvariantStore(world.Database).Check(default)).Where(f => f.Count > 0).ShouldBeEmpty();
    }

    /// <summary>Rows of ours between rows of nobody's.</summary>
    static byte[] File()
    {
        var text = new StringBuilder("settlement_id,settlement_date,type,trans_id,amount,commission,commission_tax,settled_amount\n");
        for (var n = 0; n < Strangers; n++)
        {
            text.Append(CultureInfo.InvariantCulture, $"settl_1,2026-03-02,payment,stranger_{n},100.00,0.00,0.00,100.00\n");
            if (n % (Strangers / Paid) == 0 && n / (Strangers / Paid) < Paid)
                text.Append(CultureInfo.InvariantCulture, $"settl_1,2026-03-02,payment,trans_{n / (Strangers / Paid)},499.00,0.00,0.00,499.00\n");
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
