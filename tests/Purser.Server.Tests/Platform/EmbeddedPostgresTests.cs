using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

public sealed class EmbeddedPostgresTests : IAsyncLifetime
{
    // Making a data directory takes seconds, so most tests start from a copy of this one.
    static readonly Lazy<Task<string>> Prepared = new(Prepare);

    readonly string folder = TestFolders.Make("embedded");
    EmbeddedPostgres? postgres;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (postgres is not null) await postgres.DisposeAsync();
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task It_is_durable_private_and_gone_when_it_is_stopped()
    {
        await Start();

        (await Ask("show fsync")).ShouldBe("on");
        (await Ask("show synchronous_commit")).ShouldBe("on");
        (await Ask("show full_page_writes")).ShouldBe("on");
        (await Ask("show data_checksums")).ShouldBe("on");
        (await Ask("show password_encryption")).ShouldBe("scram-sha-256");
        (await Ask("show server_encoding")).ShouldBe("UTF8");
        (await Ask("show listen_addresses")).ShouldBe("");
        (await Ask("select datcollate from pg_database where datname = current_database()")).ShouldBe("C");
        (await Ask("select count(*) from pg_hba_file_rules where auth_method <> 'scram-sha-256'")).ShouldBe(0L);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(Path.Combine(folder, "password")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
            File.GetUnixFileMode(folder).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        postgres!.Health.ShouldBe(PostgresHealth.Running);
        EmbeddedPostgres.Running(Options()).ShouldBe(postgres.ConnectionString);

        await postgres.DisposeAsync();

        Living().ShouldBeNull();
        EmbeddedPostgres.Running(Options()).ShouldBeNull();
        postgres.Health.ShouldBe(PostgresHealth.Stopped);
    }

    [Fact]
    public async Task A_wrong_password_is_refused_and_it_is_another_for_each_installation()
    {
        await StartPrepared();
        var wrong = new NpgsqlConnectionStringBuilder(postgres!.ConnectionString) { Password = "purser" }.ConnectionString;

        var refused = await Should.ThrowAsync<PostgresException>(() => Ask("select 1", wrong));

        refused.SqlState.ShouldBe(PostgresErrorCodes.InvalidPassword);
        new NpgsqlConnectionStringBuilder((await PostgresFixture.Server()).ConnectionString).Password
            .ShouldNotBe(new NpgsqlConnectionStringBuilder(postgres.ConnectionString).Password);
    }

    [Fact]
    public async Task Killed_PostgreSQL_comes_back_at_the_same_place_with_all_that_was_committed()
    {
        await StartPrepared();
        await Ask("create table kept (id int)");
        for (var kill = 1; kill <= 3; kill++)
        {
            await Ask($"insert into kept values ({kill})");
            Kill(Living()!.Value);
            await Until.True(() => postgres!.Restarts == kill, "PostgreSQL is started again");
            postgres!.Health.ShouldBe(PostgresHealth.Running);
            (await Ask("select count(*) from kept")).ShouldBe((long)kill);
        }
    }

    [Fact]
    public async Task It_keeps_trying_until_what_stops_it_is_gone()
    {
        await StartPrepared();
        var custom = Path.Combine(folder, "custom.conf");
        await File.WriteAllTextAsync(custom, "shared_buffers = plenty");
        Kill(Living()!.Value);
        await Until.True(() => postgres!.Health == PostgresHealth.Restarting, "the death is noticed");

        File.Delete(custom);

        await Until.True(() => postgres!.Restarts == 1, "PostgreSQL is started again");
        (await Ask("select 1")).ShouldBe(1);
    }

    /// <summary>Rights that are taken away bind whoever is not root; a folder where a file belongs is refused to everybody in the same way.</summary>
    [Fact]
    public async Task It_keeps_trying_while_its_own_files_may_not_be_read()
    {
        var log = new ListLogger();
        await StartPrepared(log: log);
        var pid = CloseThePidFile();
        await Until.True(() => log.Any("does not start again"), "it says why PostgreSQL is away");

        Directory.Delete(pid);

        await Until.True(() => postgres!.Restarts == 1, "PostgreSQL is started again");
        (await Ask("select 1")).ShouldBe(1);
    }

    [Fact]
    public async Task It_is_started_again_though_its_own_log_cannot_be_read()
    {
        await StartPrepared();
        File.CreateSymbolicLink(Path.Combine(folder, "log/postgresql-9999-12-31_000000.log"), Path.Combine(folder, "nowhere"));

        Kill(Living()!.Value);

        await Until.True(() => postgres!.Restarts == 1, "PostgreSQL is started again");
        (await Ask("select 1")).ShouldBe(1);
    }

    [Fact]
    public async Task Told_to_stop_while_PostgreSQL_does_not_start_it_lets_go_of_the_folder()
    {
        var log = new ListLogger();
        await StartPrepared(log: log);
        var pid = CloseThePidFile();
        await Until.True(() => log.Any("does not start again"), "a try has failed");

        await postgres!.DisposeAsync();

        postgres.Health.ShouldBe(PostgresHealth.Stopped);
        Directory.Delete(pid);
        await StartPrepared();
        (await Ask("select 1")).ShouldBe(1);
    }

    [Fact]
    public void Whoever_may_not_look_whether_PostgreSQL_runs_is_told_as_which_account_to_act()
    {
        var pid = Directory.CreateDirectory(Path.Combine(folder, "data/postmaster.pid")).FullName;

        var refused = Should.Throw<StartFailureException>(() => EmbeddedPostgres.Running(Options()));

        refused.Message.ShouldContain(pid);
        refused.Message.ShouldContain($"The account '{Environment.UserName}'");
        refused.Message.ShouldContain("Purser:Postgres:Directory");
    }

    [Fact]
    public async Task When_Purser_is_killed_PostgreSQL_shuts_down_cleanly_by_itself()
    {
        await CopyPrepared();
        using var holder = await Holder.Start(folder);
        await Ask("create table kept (id int)", holder.ConnectionString);

        await holder.Kill(withGuard: false);

        await Until.True(() => Living() is null, "PostgreSQL shuts down");
        await Until.True(() => Logged("database system is shut down"), "it says so");
        await StartPrepared();
        postgres!.ConnectionString.ShouldBe(holder.ConnectionString);
        (await Ask("select count(*) from kept")).ShouldBe(0L);
    }

    [Fact]
    public async Task An_orphan_is_shut_down_before_another_is_started_on_its_data()
    {
        await CopyPrepared();
        using var holder = await Holder.Start(folder);
        await Ask("create table kept (id int)", holder.ConnectionString);
        await holder.Kill(withGuard: true);
        var orphan = Living().ShouldNotBeNull();

        await StartPrepared();

        Living().ShouldNotBeNull().ShouldNotBe(orphan);
        Logged("database system is shut down").ShouldBeTrue();
        (await Ask("select count(*) from kept")).ShouldBe(0L);
        Logged("database system was not properly shut down").ShouldBeFalse();
    }

    [Fact]
    public async Task A_second_Purser_on_the_same_folder_is_refused_and_the_first_is_not_disturbed()
    {
        await StartPrepared();
        var first = Living();

        var refused = await Should.ThrowAsync<StartFailureException>(() => EmbeddedPostgres.Start(Options(), NullLogger.Instance));

        refused.Message.ShouldContain($"process {Environment.ProcessId}");
        refused.Message.ShouldContain("Purser:Postgres:Name");
        Living().ShouldBe(first);
        (await Ask("select 1")).ShouldBe(1);
    }

    [Fact]
    public async Task Files_of_a_dead_one_whose_number_belongs_to_another_program_by_now_do_not_stop_the_start()
    {
        await StartPrepared();
        var socket = new NpgsqlConnectionStringBuilder(postgres!.ConnectionString).Host!;
        await postgres.DisposeAsync();
        // PostgreSQL heeds the processes of its own account.
        using var other = (await PostgresAccount.Choose(Options().User, default)).Start("sleep", ["100000"]);
        try
        {
            var text = $"{other.Id}\n{folder}/data\n1\n5432\n{socket}\n\n";
            await File.WriteAllTextAsync(Path.Combine(folder, "data/postmaster.pid"), text + "    0 0\nready   \n");
            await File.WriteAllTextAsync(Path.Combine(socket, ".s.PGSQL.5432.lock"), text);

            await StartPrepared();

            (await Ask("select 1")).ShouldBe(1);
        }
        finally
        {
            other.Kill();
        }
    }

    [Fact]
    public async Task What_a_killed_first_start_left_is_replaced()
    {
        Directory.CreateDirectory(Path.Combine(folder, "data.new/base"));
        await File.WriteAllTextAsync(Path.Combine(folder, "data.new/PG_VERSION"), "15\n");

        await Start();

        (await Ask("select 1")).ShouldBe(1);
    }

    [Fact]
    public async Task A_folder_too_deep_for_a_socket_gets_its_socket_elsewhere()
    {
        var deep = Path.Combine(folder, string.Join('/', Enumerable.Repeat("a-rather-long-name", 6)));

        await Start(Options() with { Directory = deep });

        var socket = new NpgsqlConnectionStringBuilder(postgres!.ConnectionString).Host!;
        socket.ShouldStartWith("/");
        socket.ShouldNotStartWith(folder);
        (await Ask("select 1")).ShouldBe(1);
        await postgres.DisposeAsync();
        Directory.Delete(socket);
    }

    [Fact]
    public async Task Without_sockets_it_listens_on_a_free_loopback_port_and_keeps_it()
    {
        await StartPrepared(Options() with { Sockets = false });
        var place = postgres!.ConnectionString;
        new NpgsqlConnectionStringBuilder(place).Host.ShouldBe("127.0.0.1");
        await postgres.DisposeAsync();

        await StartPrepared(Options() with { Sockets = false });

        postgres.ConnectionString.ShouldBe(place);
        (await Ask("select 1")).ShouldBe(1);
    }

    [Fact]
    public async Task A_port_can_be_opened_beside_the_socket_and_one_in_use_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var refused = await Should.ThrowAsync<StartFailureException>(() => StartPrepared(Options() with { Port = port }));
        refused.Message.ShouldContain("Purser:Postgres:Port");
        taken.Stop();
        await StartPrepared(Options() with { Port = port });

        var overTcp = new NpgsqlConnectionStringBuilder(postgres!.ConnectionString) { Host = "127.0.0.1" }.ConnectionString;
        (await Ask("select 1", overTcp)).ShouldBe(1);
    }

    [Fact]
    public async Task It_runs_for_an_ordinary_account_too()
    {
        // The account cannot reach a checkout in a closed folder, so it gets a copy of the programs.
        var programs = TestFolders.Make("programs");
        Directory.CreateDirectory(programs);
        foreach (var file in Directory.EnumerateFiles(AppContext.BaseDirectory))
            File.Copy(file, Path.Combine(programs, Path.GetFileName(file)));
        Directory.CreateDirectory(folder);
        var ordinary = Environment.IsPrivilegedProcess ? "nobody" : null;
        if (ordinary is not null) await Process.Start("chown", [ordinary, folder]).WaitForExitAsync();

        using var holder = await Holder.Start(
            Path.Combine(folder, "home"), ordinary, Path.Combine(programs, Path.GetFileName(typeof(Holder).Assembly.Location)));

        (await Ask("select 1", holder.ConnectionString)).ShouldBe(1);
        await holder.Kill(withGuard: false);
        await Until.True(() => Postmaster.Living(Path.Combine(folder, "home/data")) is null, "PostgreSQL shuts down");
    }

    [Theory]
    [InlineData("/dev/null/purser", "Purser:Postgres:Directory")]
    [InlineData("/proc/purser", "Purser:Postgres:Directory")]
    public async Task A_folder_that_cannot_be_used_is_named_with_its_setting(string impossible, string setting)
    {
        var refused = await Should.ThrowAsync<StartFailureException>(() => Start(Options() with { Directory = impossible }));

        refused.Message.ShouldContain(impossible);
        refused.Message.ShouldContain(setting);
    }

    [Fact]
    public async Task A_wrong_setting_in_custom_conf_is_named_and_nothing_is_left_running()
    {
        await StartPrepared();
        await postgres!.DisposeAsync();
        await File.WriteAllTextAsync(Path.Combine(folder, "custom.conf"), "shared_buffers = plenty");

        var refused = await Should.ThrowAsync<StartFailureException>(() => StartPrepared());

        refused.Message.ShouldContain("custom.conf");
        refused.Message.ShouldContain("plenty");
        Living().ShouldBeNull();
    }

    [Fact]
    public async Task Data_of_another_version_of_PostgreSQL_is_left_alone()
    {
        Directory.CreateDirectory(Path.Combine(folder, "data"));
        await File.WriteAllTextAsync(Path.Combine(folder, "data/PG_VERSION"), "14\n");

        var refused = await Should.ThrowAsync<StartFailureException>(() => Start());

        refused.Message.ShouldContain("the data directory was made by version 14");
    }

    [Fact]
    public async Task A_folder_without_the_programs_is_named()
    {
        var refused = await Should.ThrowAsync<StartFailureException>(() => Start(Options() with { Programs = "/usr/share" }));

        refused.Message.ShouldContain("/usr/share does not hold both initdb and postgres");
        refused.Message.ShouldContain("Purser:Postgres:Programs");
    }

    [Theory]
    [InlineData("could not write to file: No space left on device", "full")]
    [InlineData("could not create lock file: Read-only file system", "cannot be written")]
    [InlineData("could not open directory: Permission denied", "Purser:Postgres:User")]
    [InlineData("The data directory was initialized by PostgreSQL version 14", "pg_upgrade")]
    [InlineData("could not map anonymous shared memory: Cannot allocate memory", "shared_buffers")]
    [InlineData("libz.so.1: cannot open shared object file", "install PostgreSQL anew")]
    public void What_PostgreSQL_complains_about_gets_a_remedy(string said, string remedy) =>
        PostgresFailure.Remedy(said, "/folder").ShouldContain(remedy);

    [Fact]
    public void A_small_disk_and_a_small_memory_get_small_settings()
    {
        var small = PostgresSettings.Text(new("/s", 0), "/l", "/c", memoryBytes: 256L << 20, freeDiskBytes: 1L << 30, "pglz");
        var large = PostgresSettings.Text(new("/s", 0), "/l", "/c", memoryBytes: 16L << 30, freeDiskBytes: 1L << 40, "lz4");

        small.ShouldContain("shared_buffers = 32MB\n");
        small.ShouldContain("max_wal_size = 256MB\n");
        small.ShouldContain("min_wal_size = 80MB\n");
        large.ShouldContain("shared_buffers = 256MB\n");
        large.ShouldContain("max_wal_size = 8192MB\n");
        large.ShouldContain("min_wal_size = 2048MB\n");
    }

    static async Task<string> Prepare()
    {
        var prepared = TestFolders.Make("prepared");
        await using (await EmbeddedPostgres.Start(TestFolders.Options(prepared), NullLogger.Instance))
        {
        }
        return prepared;
    }

    async Task StartPrepared(EmbeddedPostgresOptions? options = null, ListLogger? log = null)
    {
        if (!Directory.Exists(folder)) await CopyPrepared();
        await Start(options, log);
    }

    /// <summary>Kills PostgreSQL with its postmaster.pid gone where nobody can read it.</summary>
    string CloseThePidFile()
    {
        var (pid, process) = (Path.Combine(folder, "data/postmaster.pid"), Living()!.Value);
        File.Delete(pid);
        Directory.CreateDirectory(pid);
        Kill(process);
        return pid;
    }

    async Task CopyPrepared() =>
        await Process.Start("cp", ["-a", await Prepared.Value, folder]).WaitForExitAsync();

    EmbeddedPostgresOptions Options() => TestFolders.Options(folder);

    async Task Start(EmbeddedPostgresOptions? options = null, ListLogger? log = null) =>
        postgres = await EmbeddedPostgres.Start(options ?? Options(), log ?? (ILogger)NullLogger.Instance);

    int? Living() => Postmaster.Living(Path.Combine(folder, "data"));

    bool Logged(string words) =>
        Directory.EnumerateFiles(Path.Combine(folder, "log")).Any(file => File.ReadAllText(file).Contains(words, StringComparison.Ordinal));

    Task<object?> Ask(string sql) => Ask(sql, postgres!.ConnectionString);

    static async Task<object?> Ask(string sql, string connectionString)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    static void Kill(int process)
    {
        using var found = Process.GetProcessById(process);
        found.Kill();
    }
}
