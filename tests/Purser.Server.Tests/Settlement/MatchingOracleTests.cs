using Npgsql;
using Purser.Gateways;
using Purser.Reconciliation;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>The hash in memory against set-based SQL over the same lines and payments, in random cases.</summary>
public sealed class MatchingOracleTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const int Payments = 60;
    const int Lines = 150;

    // Which class each line has, said once more in SQL: no hash, no parts, no filter.
    const string Oracle = """
        with theirs as (
            select l.*, f.account, row_number() over (partition by l.row_key order by l.number) as nth from settlement_lines l join settlement_files f on f.id = l.file where l.file = $1),
        before as (
            select distinct on (t.number) t.number, w.kind, (w.kind, w.amount, w.currency, w.net, w.net_currency) = (t.kind, t.amount, t.currency, t.net, t.net_currency)
                and coalesce(w.fee = t.fee, true) and coalesce(w.tax = t.tax, true) and coalesce((w.order_id, w.payment) = (t.order_id, t.payment), true)
                and coalesce(w.money_reference = t.money_reference, true) and coalesce(w.settled_on = t.settled_on, true) as same
            from theirs t join settlement_lines w on w.row_key = t.row_key and w.file < t.file order by t.number, w.file desc, w.number)
        select t.number, case
            when t.nth > 1 then 8
            when b.same then 15
            when b.number is not null and b.kind <> 1 then 16
            when t.kind = 6 then 13 when t.kind = 7 then 14
            when p.order_id is null or p.account <> t.account then 7
            when t.kind = 0 then case when p.status not in (4, 5) then 2 when p.currency <> t.currency then 5 when p.amount <> t.amount then 4 else 0 end
            when t.kind = 1 then case when p.status in (4, 5) then 3 else 1 end
            when t.kind = 4 then 12
            when t.kind = 2 then case when exists (select 1 from refunds r where r.order_id = p.order_id and r.payment = p.number and r.amount = t.amount) then 9 else 10 end
            end
        from theirs t left join before b on b.number = t.number
        left join captures c on t.payment is null and c.account = t.account and c.money_reference = t.money_reference
        left join payments p on p.order_id = coalesce(t.order_id, c.order_id) and p.number = coalesce(t.payment, c.payment)
        """;

    [Fact]
    public void Numbers_of_lines_are_kept_once_and_read_in_their_order()
    {
        var (chance, lines, oracle) = (new Random(1), new LineSet(), new SortedSet<int>());
        foreach (var number in Enumerable.Range(0, 3000).Select(_ => chance.Next(100_000)).Append(0).Append(63).Append(64))
        {
            lines.Add(number);
            oracle.Add(number);
        }
        lines.ShouldBe(oracle);
        lines.Count.ShouldBe(oracle.Count);
    }

    [Theory]
    [InlineData(1, 1_000, 20_000)]
    [InlineData(2, 1_000, 0)]
    [InlineData(3, 1L << 30, 0)]
    [InlineData(4, 1L << 30, 20_000)]
    [InlineData(5, 1L << 30, 0)]
    [InlineData(6, 1L << 28, 0)]
    public async Task The_hash_finds_what_SQL_finds(int seed, long pretendedBytes, int fewLines)
    {
        await using var database = Server.Platform.Database.Build(await postgres.CreateDatabase());
        var chance = new Random(seed);
        await Make(database, chance);
        var first = Enumerable.Range(0, Lines).Select(n => Random(chance, $"a{chance.Next(Lines)}")).ToList();
        // The second file repeats some rows as they were and some with another amount.
        var second = Enumerable.Range(0, Lines).Select(n => chance.Next(3) switch
        {
            0 => first[chance.Next(Lines)],
            1 => first[chance.Next(Lines)] is var old ? old with { Amount = new Money(old.Amount.MinorUnits + 7, old.Amount.Currency) } : null!,
            _ => Random(chance, $"b{chance.Next(Lines)}"),
        }).ToList();
        foreach (var lines in new[] { first, second })
        {
            var (file, classes) = await Match(database, lines, pretendedBytes, fewLines);
            var expected = await Numbers(database, Oracle, file);
            var found = await Numbers(database, "select number, class::int from settlement_lines where file = $1", file);
            found.Count.ShouldBe(Lines);
            foreach (var (number, should) in expected) ((SettlementClass)found[number]).ShouldBe((SettlementClass)should, $"line {number}: {lines[number - 1]}");
            // The counts that were moved in memory are those of the rows, and add up to the file.
            classes.GroupBy(c => c.Class).ToDictionary(g => g.Key, g => g.Sum(c => c.Count))
                .ShouldBe(found.Values.GroupBy(c => (SettlementClass)c).ToDictionary(g => g.Key, g => g.Count()), ignoreOrder: true);
            classes.Sum(c => c.Amount).ShouldBe(lines.Sum(l => l.Amount.MinorUnits));
            classes.Sum(c => c.Net).ShouldBe(lines.Sum(l => l.Net.MinorUnits));
        }
    }

    static PaymentId Payment(int n) => new(new OrderId(5_000_000 + (n / 2)), (n % 2) + 1);

    static SettlementLine Random(Random chance, string key)
    {
        var n = chance.Next(Payments + 5);
        var kind = chance.Next(10) switch { < 6 => SettlementKind.Payment, 6 => SettlementKind.FailedPayment, 7 => SettlementKind.Refund, 8 => SettlementKind.Dispute, _ => SettlementKind.Adjustment };
        var byTheirs = chance.Next(4) == 0;
        return Line(key, byTheirs ? null : Payment(n), chance.Next(2) == 0 ? 100 : 200, kind, byTheirs ? $"m{n}" : null, chance.Next(8) == 0 ? "JPY" : "INR");
    }

    static async Task Make(NpgsqlDataSource database, Random chance)
    {
        for (var n = 0; n < Payments; n++)
        {
            var (id, account, amount) = (Payment(n), chance.Next(9) == 0 ? "other" : "shop", chance.Next(3) == 0 ? 200 : 100);
            await using var make = database.CreateCommand($"""
                insert into payments (order_id, number, account, status, amount, currency, return_url, started_at, link_expires_at, asked_at, asks, refused_asks, cancel_asked, contradicted,
                    dispute, look_at)
                values ({id.Order.Value}, {id.Number}, '{account}', {(chance.Next(2) == 0 ? 5 : chance.Next(9))}, {amount}, '{(chance.Next(9) == 0 ? "JPY" : "INR")}', '', now(), now(), now(), 1, 0,
                    false, false, 0, now());
                insert into captures (account, money_reference, order_id, payment) values ('{account}', 'm{n}', {id.Order.Value}, {id.Number});
                """ + (chance.Next(2) == 0 ? $"""
                insert into refunds (order_id, number, payment, money_reference, amount, currency, reason, status, requested_at)
                values ({id.Order.Value}, {id.Number}, {id.Number}, 'm{n}', 100, 'INR', 0, 3, now());
                """ : ""));
            await make.ExecuteNonQueryAsync();
        }
    }

    [Fact]
    public async Task A_match_that_fails_ends_after_what_it_does_beside_and_tells_what_failed_first()
    {
        await using var database = Server.Platform.Database.Build(await postgres.CreateDatabase());
        // One row so often that some are compared before all parts are through.
        var row = Line("x", null, 100, SettlementKind.Adjustment);
        using var broken = new CancellationTokenSource();
        var (ended, isKept) = (new TaskCompletionSource(), false);
        async Task Beside(Func<Task> keep)
        {
            await broken.CancelAsync();
            // As slow as keys are kept where the disk is; a match that has not waited is over by then.
            await Task.WhenAny(ended.Task, Task.Delay(TimeSpan.FromMilliseconds(300)));
            isKept = true;
            throw new IOException("The keys cannot be kept.");
        }
        var match = Match(database, [.. Enumerable.Repeat(row, 6_000)], 1_000, 20_000, Beside, broken.Token);
        var wasKept = match.ContinueWith(_ =>
        {
            var before = isKept;
            ended.SetResult();
            return before;
        }, default, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        (await Should.ThrowAsync<Exception>(match)).ShouldBeAssignableTo<OperationCanceledException>();
        (await wasKept).ShouldBeTrue();
    }

    static async Task<(long File, IReadOnlyList<ClassTotal> Classes)> Match(
        NpgsqlDataSource database, List<SettlementLine> lines, long pretendedBytes, int fewLines, Func<Func<Task>, Task>? beside = null, CancellationToken stop = default)
    {
        var gateway = new StatementGateway("statements");
        var account = new GatewayAccount("shop", "statements", new Uri("http://127.0.0.1:1"), System.Collections.Immutable.ImmutableDictionary<string, string>.Empty);
        var files = new SettlementFileStore(database);
        var file = (await files.TakeIn("shop", "f", FileSource.Upload, new MemoryStream(Statement(lines)), dryRun: false, 1 << 20, default)).File;
        var taken = (await files.Claim("w", ["shop"], default))!;
        taken.Id.ShouldBe(file.Id);
        file = taken with { State = FileState.Reading };
        await files.Advance(file, "w", default);
        using var pass = await new StatementReading(new SettlementLineStore(database), 40, SettlementHook.None).Read(
            file with { Bytes = pretendedBytes }, files.Open(file), gateway.Sheet, account, (_, _, _, _) => false, "w", store: true, default);
        var (classes, _) = await new FileMatch(new MatchStore(database), SettlementHook.None) { FewLines = fewLines, Beside = beside ?? Task.Run }.Run(file, pass, (_, _, _, _) => false, again: false, stop);
        await files.Advance(file with { State = FileState.Done }, "w", default);
        return (file.Id, classes);
    }

    static async Task<Dictionary<int, int>> Numbers(NpgsqlDataSource database, string sql, long file)
    {
        await using var ask = database.CreateCommand(sql);
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        var found = new Dictionary<int, int>();
        await using var rows = await ask.ExecuteReaderAsync();
        while (await rows.ReadAsync()) found.Add(rows.GetInt32(0), rows.GetInt32(1));
        return found;
    }
}
