using Microsoft.Extensions.Logging;
using Npgsql;
using Purser.Orders;
using Purser.Server.Engine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Engine;

/// <summary>A lane's connection that ends in the middle of a batch or between two: the batch is done or sent back, and the lane goes on with another.</summary>
public sealed class BrokenConnectionTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const string EndsIdleTransactions = ";Options=-c idle_in_transaction_session_timeout=1000ms";
    const string NoticesAtOnce = ";Keepalive=1";

    [Fact]
    public async Task A_transaction_that_was_idle_too_long_is_done_again_on_another_connection()
    {
        var connection = await postgres.CreateDatabase();
        await using var database = Server.Platform.Database.Build(connection + EndsIdleTransactions);
        var store = new StoreBetween(new OrderStore(database));
        store.AroundCommit = async commit =>
        {
            store.AroundCommit = again => again();
            await Until.True(async () => await Sessions(connection, idleInTransaction: true) == 0, "its end");
            return await commit();
        };
        await using var world = await EngineWorld.Create(connection, new EngineOptions { Lanes = 1 }, store);

        await world.Placed("cart-1");
        await world.Placed("cart-2");
        // More only where a slow machine leaves a transaction idle, too.
        store.Commits.ShouldBeGreaterThanOrEqualTo(3);
        (await world.Ask<long>("select count(*) from orders")).ShouldBe(2);
        (await world.Ask<long>("select count(*) from events")).ShouldBe(2);
    }

    [Fact]
    public async Task A_batch_that_is_left_half_way_on_a_connection_that_ended_does_not_stop_the_next()
    {
        var connection = await postgres.CreateDatabase();
        await using var database = Server.Platform.Database.Build(connection);
        await using var session = new OrderStore(database).OpenSession();
        await session.Load([], default);
        await EndSessions(connection);

        (await session.Load([], default)).Orders.ShouldBeEmpty();
        await EndSessions(connection);
        await session.Rollback();
        (await session.Load([], default)).Orders.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_that_a_keep_alive_finds_broken_is_let_go(bool inTheMiddle)
    {
        var connection = await postgres.CreateDatabase();
        var broken = new BrokenConnections();
        await using var database = Server.Platform.Database.Build(connection + NoticesAtOnce, broken);
        await using var session = new OrderStore(database).OpenSession();
        await session.Load([], default);
        if (!inTheMiddle) await session.Rollback();
        await EndSessions(connection);
        await Until.True(() => broken.Count > 0, "the keep-alive to find it");

        if (inTheMiddle) await Should.ThrowAsync<CommitUnknownException>(() => session.Commit(new BatchChanges(), default));
        (await session.Load([], default)).Orders.ShouldBeEmpty();
        await session.Rollback();
        (await session.Load([], default)).Orders.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("FATAL", "25P03", true)]
    [InlineData("PANIC", "58030", true)]
    [InlineData("ERROR", "58030", false)]
    [InlineData("ERROR", "23514", false)]
    public void What_ends_the_session_is_no_refusal_of_the_batch(string severity, string state, bool away) =>
        StoreFault.IsAway(new PostgresException("gone", severity, severity, state)).ShouldBe(away);

    static async Task<long> Sessions(string connection, bool idleInTransaction)
    {
        await using var looking = await Beside(connection);
        await using var count = new NpgsqlCommand(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and (not $1 or state = 'idle in transaction')", looking);
        count.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = idleInTransaction });
        return (long)(await count.ExecuteScalarAsync())!;
    }

    static async Task EndSessions(string connection)
    {
        await using (var ending = await Beside(connection))
        {
            await using var end = new NpgsqlCommand(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()", ending);
            ((long)(await end.ExecuteScalarAsync())!).ShouldBeGreaterThan(0);
        }
        await Until.True(async () => await Sessions(connection, idleInTransaction: false) == 0, "the sessions to end");
    }

    static async Task<NpgsqlConnection> Beside(string connection)
    {
        var beside = new NpgsqlConnection(connection + ";Pooling=false");
        await beside.OpenAsync();
        return beside;
    }

    /// <summary>Counts what Npgsql says of connections that it gives up.</summary>
    sealed class BrokenConnections : ILoggerFactory, ILogger
    {
        int count;

        public int Count => Volatile.Read(ref count);

        public ILogger CreateLogger(string categoryName) => this;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Name == "BreakingConnection") Interlocked.Increment(ref count);
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void AddProvider(ILoggerProvider provider) { }

        public void Dispose() { }
    }
}
