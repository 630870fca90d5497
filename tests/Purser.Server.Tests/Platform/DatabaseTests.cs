using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

public sealed class DatabaseTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_server_of_the_operator_is_used_as_it_is()
    {
        await using var database = await Open(("ConnectionStrings:Purser", await postgres.CreateDatabase()));

        database.Embedded.ShouldBeNull();
        (await database.IsReady()).ShouldBeTrue();
        (await Ask(database.Source, "select current_setting('application_name')")).ShouldBe("purser");
    }

    [Fact]
    public async Task Without_a_server_of_the_operator_a_private_one_starts_and_ends_with_Purser()
    {
        var folder = TestFolders.Make("database");
        var database = await Open(("Purser:Postgres:Directory", folder));
        await using (var beside = await Database.Open(Settings(("Purser:Postgres:Directory", folder)), NullLoggerFactory.Instance, DatabaseUse.Beside))
        {
            beside.Embedded.ShouldBeNull();
            (await beside.IsReady()).ShouldBeTrue();
        }
        (await database.IsReady()).ShouldBeTrue();

        await database.DisposeAsync();

        EmbeddedPostgres.Running(new() { Directory = folder }).ShouldBeNull();
    }

    [Fact]
    public async Task A_statement_that_only_the_driver_takes_for_prepared_fails_once_and_not_for_ever()
    {
        await using var database = await Open(("ConnectionStrings:Purser", await postgres.CreateDatabase() + ";Maximum Pool Size=1"));
        for (var i = 0; i < 3; i++) await Forty();
        await using (var forget = database.Source.CreateCommand("deallocate all")) await forget.ExecuteNonQueryAsync();
        (await Should.ThrowAsync<PostgresException>(Forty)).SqlState.ShouldBe(PostgresErrorCodes.InvalidSqlStatementName);
        (await Forty()).ShouldBe(40);

        async Task<object?> Forty()
        {
            await using var command = database.Source.CreateCommand("select 40");
            return await command.ExecuteScalarAsync();
        }
    }

    [Fact]
    public async Task A_prepared_statement_whose_table_was_changed_fails_once_and_not_for_ever()
    {
        await using var database = await Open(("ConnectionStrings:Purser", await postgres.CreateEmptyDatabase() + ";Maximum Pool Size=1"));
        await Ask(database.Source, "create table changed (value int)");
        for (var i = 0; i < 3; i++) await Ask(database.Source, "select value from changed");
        await Ask(database.Source, "alter table changed alter value type bigint");
        (await Should.ThrowAsync<PostgresException>(() => Ask(database.Source, "select value from changed"))).SqlState.ShouldBe(PostgresErrorCodes.FeatureNotSupported);
        for (var i = 0; i < 3; i++) (await Ask(database.Source, "select value from changed")).ShouldBeNull();
    }

    [Fact]
    public async Task The_kinds_of_values_that_Purser_stores_come_back_as_they_went()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase());
        var moment = new DateTimeOffset(2026, 2, 28, 23, 59, 59, 123, TimeSpan.Zero);
        await using var command = source.CreateCommand("""
            select n, t, b, m, j::jsonb, o
            from unnest($1::bigint[], $2::text[], $3::bytea[], $4::timestamptz[], $5::text[], $6::int[]) as row (n, t, b, m, j, o)
            """);
        command.Parameters.Add(new() { Value = new[] { long.MaxValue } });
        command.Parameters.Add(new() { Value = new[] { "₹ नमस्ते" } });
        command.Parameters.Add(new() { Value = new[] { new byte[] { 0, 255 } } });
        command.Parameters.Add(new() { Value = new[] { moment } });
        command.Parameters.Add(new() { Value = new[] { """{"a": [1, "x"]}""" } });
        command.Parameters.Add(new() { Value = new int?[] { null } });

        await using var rows = await command.ExecuteReaderAsync();

        (await rows.ReadAsync()).ShouldBeTrue();
        rows.GetInt64(0).ShouldBe(long.MaxValue);
        rows.GetString(1).ShouldBe("₹ नमस्ते");
        rows.GetFieldValue<byte[]>(2).ShouldBe(new byte[] { 0, 255 });
        rows.GetFieldValue<DateTimeOffset>(3).ShouldBe(moment);
        rows.GetString(4).ShouldBe("""{"a": [1, "x"]}""");
        (await rows.IsDBNullAsync(5)).ShouldBeTrue();
    }

    [Fact]
    public async Task Repeated_statements_are_prepared()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase());
        await using var connection = await source.OpenConnectionAsync();
        for (var time = 0; time < 3; time++) await Ask(connection, "select 40 + 2");

        (await Ask(connection, "select count(*) from pg_prepared_statements where statement = 'select 40 + 2'")).ShouldBe(1L);
    }

    [Fact]
    public async Task The_connection_string_has_the_last_word()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase() + ";Application Name=mine;Maximum Pool Size=3");
        var said = new NpgsqlConnectionStringBuilder(source.ConnectionString);

        said.ApplicationName.ShouldBe("mine");
        said.MaxPoolSize.ShouldBe(3);
        said.MaxAutoPrepare.ShouldBe(100);
        said.NoResetOnClose.ShouldBeTrue();
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_named_with_its_setting_and_without_the_password()
    {
        var refused = await Should.ThrowAsync<StartFailureException>(
            () => Open(("ConnectionStrings:Purser", "Host=127.0.0.1;Port=1;Username=purser;Password=hunter2;Database=purser")));

        refused.Message.ShouldContain("ConnectionStrings:Purser");
        refused.Message.ShouldContain("127.0.0.1:1");
        refused.ToString().ShouldNotContain("hunter2");
    }

    [Fact]
    public async Task What_is_no_connection_string_is_refused_without_repeating_it()
    {
        var refused = await Should.ThrowAsync<StartFailureException>(() => Open(("ConnectionStrings:Purser", "postgres://me:hunter2@db/purser")));

        refused.Message.ShouldContain("ConnectionStrings:Purser");
        refused.ToString().ShouldNotContain("hunter2");
    }

    [Theory]
    [InlineData("14.9", "UTF8", "too old")]
    [InlineData("15.0", "SQL_ASCII", "encoding SQL_ASCII")]
    [InlineData("15.0", "UTF8", null)]
    [InlineData("18.4", null, null)]
    public void An_old_server_or_a_narrow_encoding_is_refused(string version, string? encoding, string? why)
    {
        var unfit = Database.Unfit(Version.Parse(version), encoding);

        if (why is null) unfit.ShouldBeNull();
        else unfit.ShouldNotBeNull().ShouldContain(why);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_not_ready_and_the_question_does_not_hang()
    {
        // It takes connections into its backlog and never says a word.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var port = ((IPEndPoint)silent.LocalEndpoint).Port;
        await using var source = Database.Build($"Host=127.0.0.1;Port={port};Username=purser;Password=x;Database=purser;Timeout=600");

        (await Database.Answers(source, TimeSpan.FromMilliseconds(200)).WaitAsync(TimeSpan.FromSeconds(60))).ShouldBeFalse();
    }

    [Fact]
    public async Task It_is_ready_again_after_its_PostgreSQL_was_away()
    {
        await using var embedded = await EmbeddedPostgres.Start(TestFolders.Options(TestFolders.Make("away")), NullLogger.Instance);
        await using var source = Database.Build(embedded.ConnectionString);
        (await Database.Answers(source, Database.ProbePatience)).ShouldBeTrue();

        using (var found = System.Diagnostics.Process.GetProcessById(Postmaster.Living(Path.Combine(embedded.Directory, "data"))!.Value)) found.Kill();
        await Until.True(async () => !await Database.Answers(source, Database.ProbePatience), "the absence is seen");

        await Until.True(() => Database.Answers(source, Database.ProbePatience), "it is ready again");
    }

    static Task<Database> Open(params (string Key, string Value)[] settings) => Database.Open(Settings(settings), NullLoggerFactory.Instance);

    static IConfigurationRoot Settings(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).Build();

    static async Task<object?> Ask(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    static async Task<object?> Ask(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
