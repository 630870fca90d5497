using Microsoft.Extensions.DependencyInjection;
using Purser.Reconciliation;
using Purser.Server.Settlement;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

public sealed class FolderAndFetchTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_dropped_file_is_taken_once_it_rests_and_moves_aside_and_links_and_unfinished_files_stay()
    {
        var folder = Directory.CreateTempSubdirectory("purser-drop-").FullName;
        try
        {
            var mine = Directory.CreateDirectory(Path.Combine(folder, "shop")).FullName;
            var secret = Path.Combine(folder, "secret.csv");
            await File.WriteAllBytesAsync(secret, Statement(Line("secret", null, 1, SettlementKind.Adjustment)));
            File.CreateSymbolicLink(Path.Combine(mine, "link.csv"), secret);
            await File.WriteAllBytesAsync(Path.Combine(mine, "half.csv.part"), Statement(Line("half", null, 1, SettlementKind.Adjustment)));
            await File.WriteAllBytesAsync(Path.Combine(mine, "a b;$(rm -rf).csv"), Statement(Line("k", null, 10, SettlementKind.Adjustment)));
            await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Purser:Settlement:Folder", folder));
            await Until.True(async () => await house.Ask<long>("select count(*) from settlement_files where state = 5") == 1, "the dropped file to be done");
            File.Exists(Path.Combine(mine, "done", "a b;$(rm -rf).csv")).ShouldBeTrue();
            Directory.EnumerateFiles(mine).Select(Path.GetFileName).ShouldBe(["half.csv.part", "link.csv"], ignoreOrder: true);
            (await house.Ask<string>("select name from settlement_files")).ShouldBe("a b;$(rm -rf).csv");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Goes on only when it is told to.</summary>
    sealed class StepClock : TimeProvider
    {
        long at;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Read(ref at);

        public void Step() => Interlocked.Add(ref at, TimeSpan.FromSeconds(6).Ticks);
    }

    /// <summary>Looks until nothing waits any more.</summary>
    static async Task Looks(SettlementFolder drop, string folder, StepClock clock, int times = 4)
    {
        for (var n = 0; n < times; n++)
        {
            await drop.Look(folder, default);
            clock.Step();
        }
    }

    static async Task<List<byte[]>> Shas(SettlementHouse house)
    {
        var shas = new List<byte[]>();
        await using var ask = house.Database.CreateCommand("select sha256 from settlement_files order by id");
        await using var rows = await ask.ExecuteReaderAsync();
        while (await rows.ReadAsync()) shas.Add(rows.GetFieldValue<byte[]>(0));
        return shas;
    }

    static void Known(List<byte[]> shas, byte[] content) => shas.ShouldContain(sha => sha.SequenceEqual(System.Security.Cryptography.SHA256.HashData(content)));

    static byte[] Row(string key) => Statement(Line(key, null, 5, SettlementKind.Adjustment));

    /// <summary>All files in an account's folder and below are these.</summary>
    static void Left(string mine, params string[] files) => Directory.EnumerateFiles(mine, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(mine, f)).ShouldBe(files, ignoreOrder: true);

    /// <summary>Holds a file that is taken in before its commit.</summary>
    static async Task Held(SettlementHouse house, Func<Task> take, Func<Task> meanwhile)
    {
        Task taking;
        await using (var connection = await house.Database.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using (var hold = new Npgsql.NpgsqlCommand("lock table settlement_files in share mode", connection)) await hold.ExecuteNonQueryAsync();
            taking = take();
            await Until.True(() => house.Ask<bool>("select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%insert into settlement_files%')"), "the file to wait for its commit", 60);
            await meanwhile();
            await transaction.RollbackAsync();
        }
        await taking;
    }

    [Fact]
    public async Task What_comes_under_the_name_of_a_dropped_file_while_that_is_read_is_taken_too()
    {
        var folder = Directory.CreateTempSubdirectory("purser-drop-").FullName;
        try
        {
            await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
            var (clock, mine) = (new StepClock(), Directory.CreateDirectory(Path.Combine(folder, "shop")).FullName);
            var drop = ActivatorUtilities.CreateInstance<SettlementFolder>(house.Host.Services, clock);
            var path = Path.Combine(mine, "settlement.csv");
            await File.WriteAllBytesAsync(path, Row("first"));
            await drop.Look(folder, default);
            clock.Step();
            await Held(house, () => drop.Look(folder, default), async () =>
            {
                await File.WriteAllBytesAsync(Path.Combine(folder, "next"), Row("second"));
                File.Move(Path.Combine(folder, "next"), path, overwrite: true);
            });
            await Looks(drop, folder, clock);
            var shas = await Shas(house);
            shas.Count.ShouldBe(2);
            Known(shas, Row("first"));
            Known(shas, Row("second"));
            Left(mine, "done/settlement.csv", "done/2-settlement.csv");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_dropped_file_whose_writer_stood_still_and_goes_on_while_it_is_read_or_once_it_was_taken_is_taken_whole()
    {
        var folder = Directory.CreateTempSubdirectory("purser-drop-").FullName;
        try
        {
            await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
            var (clock, mine) = (new StepClock(), Directory.CreateDirectory(Path.Combine(folder, "shop")).FullName);
            var drop = ActivatorUtilities.CreateInstance<SettlementFolder>(house.Host.Services, clock);
            using var writer = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("/bin/sh", ["-c", "exec cat >> \"$0\"", Path.Combine(mine, "slow.csv")]) { RedirectStandardInput = true })!;
            var written = new List<byte>();
            async Task Write(byte[] more)
            {
                written.AddRange(more);
                await writer.StandardInput.BaseStream.WriteAsync(more);
                await writer.StandardInput.BaseStream.FlushAsync();
                await Until.True(() => new DirectoryInfo(mine).EnumerateFiles("slow.csv", SearchOption.AllDirectories).Any(f => f.Length == written.Count), "it to be written", 60);
            }
            static byte[] More(string key) => Row(key)[Header.Length..];
            try
            {
                await Write(Row("slow1"));
                await drop.Look(folder, default);
                clock.Step();
                await Held(house, () => drop.Look(folder, default), () => Write(More("slow2")));
                // Known to be written to, nothing of it is kept, and so nothing applied.
                (await Shas(house)).ShouldBeEmpty();
                (await house.Ask<long>("select count(*) from settlement_file_parts")).ShouldBe(0);
                await Looks(drop, folder, clock);
                Known(await Shas(house), [.. written]);
                File.Exists(Path.Combine(mine, "done", "slow.csv")).ShouldBeTrue();
                await Write(More("slow3"));
                await Looks(drop, folder, clock);
                Known(await Shas(house), [.. written]);
            }
            finally
            {
                writer.StandardInput.Close();
                await writer.WaitForExitAsync();
            }
            await Until.True(async () => await house.Ask<long>("select count(distinct row_key) from settlement_postings") == 3, "each row to be booked", 60);
            Left(mine, "done/slow.csv");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Of_two_nodes_that_see_a_folder_one_takes_a_file_and_what_a_dead_one_was_taking_is_taken_up()
    {
        var folder = Directory.CreateTempSubdirectory("purser-drop-").FullName;
        try
        {
            await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
            var mine = Directory.CreateDirectory(Path.Combine(folder, "shop")).FullName;
            var contents = Enumerable.Range(0, 6).Select(n => Statement(Line($"row{n}", null, n + 1, SettlementKind.Adjustment))).ToArray();
            Directory.CreateDirectory(Path.Combine(mine, SettlementFolder.Taking));
            for (var n = 0; n < contents.Length; n++) await File.WriteAllBytesAsync(Path.Combine(mine, n < 2 ? SettlementFolder.Taking : "", $"{n}.csv"), contents[n]);
            var clock = new StepClock();
            var nodes = Enumerable.Range(0, 2).Select(_ => ActivatorUtilities.CreateInstance<SettlementFolder>(house.Host.Services, clock)).ToArray();
            foreach (var node in nodes) await node.Look(folder, default);
            clock.Step();
            // While the one is taking them the other takes none.
            await Held(house, () => nodes[0].Look(folder, default), () => nodes[1].Look(folder, default));
            await Looks(nodes[1], folder, clock);
            (await house.Ask<string>("select string_agg(name, ' ' order by name) from settlement_files")).ShouldBe("0.csv 1.csv 2.csv 3.csv 4.csv 5.csv");
            Left(mine, [.. Enumerable.Range(0, 6).Select(n => $"done/{n}.csv")]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Of_two_nodes_one_asks_for_a_day_and_a_complete_day_is_not_asked_for_again()
    {
        await using var database = Server.Platform.Database.Build(await postgres.CreateDatabase());
        var (one, two) = (new SettlementFetchStore(database), new SettlementFetchStore(database));
        var day = new DateOnly(2026, 3, 1);
        var claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => (n % 2 == 0 ? one : two).Claim("shop", day, TimeSpan.FromMinutes(1), TimeSpan.Zero, default)));
        claims.Count(c => c).ShouldBe(1);
        await one.End("shop", day, null, complete: false, "no answer", default);
        (await two.Claim("shop", day, TimeSpan.FromMinutes(1), TimeSpan.FromHours(1), default)).ShouldBeFalse("it was asked for a moment ago");
        (await two.Claim("shop", day, TimeSpan.FromMinutes(1), TimeSpan.Zero, default)).ShouldBeTrue();
        await two.End("shop", day, 1, complete: true, null, default);
        (await one.Claim("shop", day, TimeSpan.FromMinutes(1), TimeSpan.Zero, default)).ShouldBeFalse();
    }

    [Fact]
    public void Lines_that_an_API_told_are_the_same_lines_when_they_are_read_back()
    {
        var inr = Currency.Find("INR");
        var line = new SettlementLine("=a,\"b\"\nc", SettlementKind.Refund, new Money(5, inr), new Money(-6, inr))
        {
            Payment = new PaymentId(new OrderId(77), 2),
            Refund = new RefundId(new OrderId(77), 1),
            MoneyReference = "m",
            RefundReference = "r",
            Fee = new Money(1, inr),
            Method = "upi",
            HappenedAt = new DateTimeOffset(2026, 3, 1, 10, 0, 0, TimeSpan.Zero),
            SettledOn = new DateOnly(2026, 3, 2),
            PayoutReference = "u",
            Note = "n",
        };
        var bytes = CanonicalSheet.Write([line, line with { RowKey = "x", Fee = null, Note = null }]);
        var account = new Purser.Gateways.GatewayAccount("shop", "statements", new Uri("http://127.0.0.1:1"), System.Collections.Immutable.ImmutableDictionary<string, string>.Empty);
        var read = Purser.Gateways.SettlementReader.Read(new MemoryStream(bytes), CanonicalSheet.Sheet, account).ToList();
        read.Select(r => r.Fault).ShouldAllBe(f => f == null);
        read.Select(r => r.Line).ShouldBe([line, line with { RowKey = "x", Fee = null, Note = null }]);
    }
}
