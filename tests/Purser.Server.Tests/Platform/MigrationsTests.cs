using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

public sealed class MigrationsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static readonly Migration Shelf = new(1, "shelf", "create table shelf (id bigint primary key);\ninsert into shelf values (1);");
    static readonly Migration Label = new(2, "label", "alter table shelf add label text; -- a semicolon; in a comment\nupdate shelf set label = 'a;b';");
    static readonly Migration Index = new(3, "index", $"""
        {Migration.NoTransactionMark}
        drop index concurrently if exists shelf_label;
        create index concurrently shelf_label
          on shelf (label);
        """);

    [Fact]
    public async Task Steps_are_applied_in_order_and_only_once()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase());

        (await Apply(source, Index, Shelf, Label)).ShouldBe(["shelf", "label", "index"]);
        (await Apply(source, Shelf, Label, Index)).ShouldBeEmpty();

        (await Ask(source, "select label from shelf")).ShouldBe("a;b");
        (await Ask(source, "select string_agg(number || name, ' ' order by number) from schema_migrations")).ShouldBe("1shelf 2label 3index");
        (await Ask(source, "select indisvalid from pg_index where indexrelid = 'shelf_label'::regclass")).ShouldBe(true);
    }

    [Fact]
    public async Task A_step_that_fails_leaves_nothing_of_itself_and_names_its_file()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase());
        var broken = new Migration(2, "broken", "alter table shelf add label text;\nselect 1 / 0;");

        var failure = await Should.ThrowAsync<StartFailureException>(() => Apply(source, Shelf, broken));

        failure.Message.ShouldContain("db/0002_broken.sql");
        failure.Message.ShouldContain("division by zero");
        (await Pending(source, Shelf, Label)).ShouldBe(["label"]);
        (await Apply(source, Shelf, Label)).ShouldBe(["label"]);
    }

    [Fact]
    public async Task A_node_that_dies_in_the_middle_is_mended_by_the_next_start()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase());
        await using var observer = Database.Build(source.ConnectionString + ";Application Name=observer;Password=" + await Password());
        var slow = new Migration(2, "slow", "alter table shelf add label text; /* killed here */ select pg_sleep(60);");

        var dying = Apply(source, Shelf, slow);
        await Until.True(
            async () => await Ask(observer, """
                select count(pg_terminate_backend(pid)) from pg_stat_activity
                where datname = current_database() and query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and state = 'active'
                """) is > 0L,
            "the step is running");
        await Should.ThrowAsync<Exception>(() => dying);

        (await Apply(observer, Shelf, Label)).ShouldBe(["label"]);
    }

    [Fact]
    public async Task Two_nodes_that_start_at_once_apply_each_step_once()
    {
        var database = await postgres.CreateEmptyDatabase();
        await using var one = Database.Build(database);
        await using var two = Database.Build(database);
        await using var three = Database.Build(database);

        var applied = await Task.WhenAll(Apply(one, Shelf, Label, Index), Apply(two, Shelf, Label, Index), Apply(three, Shelf, Label, Index));

        applied.SelectMany(names => names).ShouldBe(["shelf", "label", "index"], ignoreOrder: true);
        (await Ask(one, "select count(*) from shelf")).ShouldBe(1L);
        (await Ask(one, "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())")).ShouldBe(0L);
    }

    [Fact]
    public async Task An_applied_step_whose_text_changed_is_refused_by_name()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase());
        await Apply(source, Shelf);

        var failure = await Should.ThrowAsync<StartFailureException>(() => Apply(source, Shelf with { Sql = "create table shelf (id int);" }));

        failure.Message.ShouldContain("db/0001_shelf.sql");
        failure.Message.ShouldContain("next number");
    }

    [Fact]
    public async Task Line_ends_of_another_system_are_not_a_change()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase());
        await Apply(source, Shelf, Label, Index);

        (await Apply(source, Windows(Shelf), Windows(Label), Windows(Index))).ShouldBeEmpty();

        static Migration Windows(Migration step) => new(step.Number, step.Name, step.Sql.ReplaceLineEndings("\r\n"));
    }

    [Fact]
    public async Task A_database_newer_than_the_program_is_tolerated()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase());
        await Apply(source, Shelf, Label);

        (await Apply(source, Shelf)).ShouldBeEmpty();
        (await Migrations.Pending(source, [Shelf])).Unknown.ShouldBe(["0002_label"]);
    }

    [Fact]
    public async Task A_step_with_a_number_below_an_applied_one_is_refused()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase());
        await Apply(source, Shelf, Index with { Sql = "select 1" });

        var failure = await Should.ThrowAsync<StartFailureException>(() => Apply(source, Shelf, Label, Index with { Sql = "select 1" }));

        failure.Message.ShouldContain("db/0002_label.sql");
    }

    [Fact]
    public async Task Two_files_with_one_number_are_refused()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase());

        var failure = await Should.ThrowAsync<StartFailureException>(() => Apply(source, Shelf, new Migration(1, "twin", "select 1")));

        failure.Message.ShouldContain("db/0001_shelf.sql and db/0001_twin.sql");
    }

    [Fact]
    public async Task A_step_gives_way_to_a_long_reader_and_is_applied_when_it_is_gone()
    {
        var database = await postgres.CreateEmptyDatabase();
        await using var source = Database.Build(database);
        await Apply(source, Shelf);
        await using var reader = new NpgsqlConnection(database);
        await reader.OpenAsync();
        var reading = await reader.BeginTransactionAsync();
        await new NpgsqlCommand("select * from shelf", reader).ExecuteNonQueryAsync();
        var words = new ListLogger();

        var applying = Migrations.Apply(source, [Shelf, Label], words);
        await Until.True(() => words.Any("gave way"), "the step gives way");

        // While the step has given way nobody waits behind it.
        (await Ask(source, "select count(*) from shelf")).ShouldBe(1L);
        await reading.RollbackAsync();
        (await applying).Single().Name.ShouldBe("label");
    }

    [Fact]
    public void The_files_of_db_are_numbered_without_a_gap()
    {
        Migration.Embedded.ShouldNotBeEmpty();
        Migration.Embedded.Select(step => step.Number).ShouldBe(Enumerable.Range(1, Migration.Embedded.Length));
    }

    static async Task<string> Password() =>
        new NpgsqlConnectionStringBuilder((await PostgresFixture.Server()).ConnectionString).Password!;

    static async Task<IEnumerable<string>> Apply(NpgsqlDataSource source, params Migration[] steps) =>
        (await Migrations.Apply(source, steps, NullLogger.Instance)).Select(step => step.Name);

    static async Task<IEnumerable<string>> Pending(NpgsqlDataSource source, params Migration[] steps) =>
        (await Migrations.Pending(source, steps)).Pending.Select(step => step.Name);

    static async Task<object?> Ask(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }
}

/// <summary>Keeps what was logged.</summary>
sealed class ListLogger : Microsoft.Extensions.Logging.ILogger
{
    readonly List<string> lines = [];

    public bool Any(string words)
    {
        lock (lines) return lines.Exists(line => line.Contains(words, StringComparison.Ordinal));
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(Microsoft.Extensions.Logging.LogLevel logLevel) => true;

    public void Log<TState>(
        Microsoft.Extensions.Logging.LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state,
        Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (lines) lines.Add(formatter(state, exception));
    }
}
