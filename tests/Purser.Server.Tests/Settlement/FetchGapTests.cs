using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Purser.Gateways;
using Purser.Reconciliation;
using Purser.Server.Gateways;
using Purser.Server.Settlement;
using Purser.Server.Tests.Platform;
using Purser.Server.Tests.Situations;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>A server that was down for longer than the days that are always asked for again misses none of those between.</summary>
public sealed class FetchGapTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static readonly DateOnly First = new(2026, 3, 1);

    sealed class Days : IGateway, ISettleByCall
    {
        readonly ScriptedGateway inner = new("days");

        public ConcurrentQueue<DateOnly> Asked { get; } = [];
        public Func<DateOnly, bool> Answers { get; set; } = _ => true;

        /// <summary>The day of which it tells more than can be counted.</summary>
        public DateOnly? Unreadable { get; set; }

        /// <summary>The day of which it has not decided everything: its second row is among the lines later.</summary>
        public DateOnly? Undecided { get; set; }
        public DateOnly? Decided { get; set; }

        /// <summary>The day whose row may be undone for a week.</summary>
        public DateOnly? Undone { get; set; }

        /// <summary>The day of which nothing is decided.</summary>
        public DateOnly? Silent { get; set; }

        public GatewayProfile Profile => inner.Profile;

        public Task<SettlementAnswer> ReadSettlement(SettlementCall call, GatewayLine line, CancellationToken stop)
        {
            Asked.Enqueue(call.Day);
            SettlementLine Row(string name) => Line($"{name}_{call.Day:yyyyMMdd}", null, call.Day == Unreadable ? long.MaxValue : 100, SettlementKind.Adjustment) with { SettledOn = call.Day };
            return Task.FromResult<SettlementAnswer>(!Answers(call.Day) ? new SettlementAnswer.Unknown("away")
                : call.Day == Silent ? new SettlementAnswer.Done([], null) { IsUndecided = true }
                : call.Day == Undecided ? new SettlementAnswer.Done([Row("row")], null) { IsUndecided = true }
                : call.Day == Undone ? new SettlementAnswer.Done([Row("row")], null) { MayChangeUntil = call.Day.AddDays(7) }
                : call.Day == Decided ? new SettlementAnswer.Done([Row("row"), Row("late")], null)
                : new SettlementAnswer.Done([Row("row")], null));
        }

        public Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop) => inner.OpenLink(call, line, stop);

        public Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop) => inner.Inquire(call, line, stop);

        public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => inner.ReadWebhook(message, account);

        public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => inner.ReadReturn(message, account);
    }

    sealed class Calendar(DateOnly today) : TimeProvider
    {
        public DateOnly Today { get; set; } = today;

        public override DateTimeOffset GetUtcNow() => new(Today.ToDateTime(new TimeOnly(12, 0)), TimeSpan.Zero);
    }

    sealed class Told : ILogger<SettlementFetch>
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Error) Lines.Enqueue(formatter(state, exception));
        }
    }

    [Fact]
    public async Task The_days_between_are_asked_for_once_each_as_far_back_as_the_gateway_goes_and_the_rest_is_told()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var services = house.Host.Services;
        var (gateway, calendar, told) = (new Days(), new Calendar(First), new Told());
        var account = new GatewayAccounts.Entry(new GatewayAccount("shop", "days", new Uri("http://127.0.0.1:1"), System.Collections.Immutable.ImmutableDictionary<string, string>.Empty), gateway);
        var store = services.GetRequiredService<SettlementFetchStore>();
        var fetch = new SettlementFetch(store, services.GetRequiredService<SettlementFileStore>(), services.GetRequiredService<SettlementWorker>(), services.GetRequiredService<GatewayAccounts>(),
            services.GetRequiredService<Func<GatewayAccounts.Entry, GatewayLine>>(), new SettlementOptions { FetchDays = 3 }, calendar, told);
        async Task<List<DateOnly>> Asked()
        {
            gateway.Asked.Clear();
            // As if the last time were long ago.
            await house.Ask<long>("with past as (update settlement_fetches set asked_at = asked_at - interval '1 day' returning 1) select count(*) from past");
            await fetch.Account(account, default);
            return [.. gateway.Asked];
        }
        static List<DateOnly> Range(DateOnly from, DateOnly to) => [.. Enumerable.Range(0, to.DayNumber - from.DayNumber + 1).Select(from.AddDays)];

        Task Worked() => Until.True(async () => await house.Ask<long>("select count(*) from settlement_files where state not in (5, 6)") == 0, "all files to be worked off");

        // A new account is not asked for what was before it.
        (await Asked()).ShouldBe(Range(First.AddDays(-3), First));
        // Twenty days down: from the last day with a complete answer on, oldest first.
        calendar.Today = First.AddDays(20);
        (await Asked()).ShouldBe(Range(First.AddDays(-1), First.AddDays(20)));
        (await Asked()).ShouldBe(Range(First.AddDays(19), First.AddDays(20)));
        (await house.Ask<long>($"select count(*) from settlement_files where source = {(int)FileSource.Fetched}")).ShouldBe(24);
        // A day that is not answered is asked for again, however long it stays so.
        gateway.Answers = day => day != First.AddDays(21);
        calendar.Today = First.AddDays(40);
        (await Asked()).ShouldContain(First.AddDays(21));
        (await Asked()).ShouldBe([First.AddDays(21), First.AddDays(39), First.AddDays(40)]);
        // Nor is one complete of which the gateway has not decided everything: what is settled is applied, and what clears later comes once.
        var (cleared, silent) = (First.AddDays(41), First.AddDays(42));
        Task<string> Booked() => house.Ask<string>($"select coalesce(string_agg(row_key || ' ' || account || ' ' || amount, ', ' order by row_key, account, amount), '') from settlement_postings where row_key like '%{cleared:yyyyMMdd}%'");
        (gateway.Undecided, gateway.Silent, calendar.Today) = (cleared, silent, cleared.AddDays(2));
        (await Asked()).ShouldContain(cleared);
        await Until.True(async () => (await Booked()).Length > 0, "what is settled of the day to be booked", 60);
        var settled = await Booked();
        calendar.Today = cleared.AddDays(6);
        (await Asked()).ShouldContain(cleared);
        await Worked();
        (await Booked()).ShouldBe(settled);
        // Once it cannot be asked for any more, what was told of it is not lost.
        (await store.Lost("shop", silent.AddDays(1), default)).ShouldBe([First.AddDays(21)]);
        (await store.Undecided("shop", silent.AddDays(1), default)).ShouldBe([cleared, silent]);
        (gateway.Undecided, gateway.Decided) = (null, cleared);
        (await Asked()).ShouldContain(cleared);
        await Worked();
        (await Booked()).ShouldBe($"{settled.Replace("row_", "late_", StringComparison.Ordinal)}, {settled}");
        (await Asked()).ShouldNotContain(cleared);
        (await house.Ask<long>("select count(*) from settlement_discrepancies")).ShouldBe(0);
        (await store.Undecided("shop", silent.AddDays(1), default)).ShouldBe([silent]);
        told.Lines.ShouldBeEmpty();

        // What may be undone for a week is asked about for a week, and once more after it.
        var undone = First.AddDays(50);
        (gateway.Undone, calendar.Today) = (undone, undone.AddDays(2));
        (await Asked()).ShouldContain(undone);
        calendar.Today = undone.AddDays(7);
        (await Asked()).ShouldContain(undone);
        calendar.Today = undone.AddDays(8);
        (await Asked()).ShouldContain(undone);
        (await Asked()).ShouldNotContain(undone);
        (await store.Undecided("shop", undone.AddDays(1), default)).ShouldBe([silent]);

        // Too long ago: told once, and by the doctor's question until a file covers it.
        var reach = ((ISettleByCall)gateway).ReachesBackDays;
        calendar.Today = First.AddDays(21 + reach + 1);
        (await Asked()).ShouldNotContain(First.AddDays(21));
        await Asked();
        told.Lines.ShouldHaveSingleItem().ShouldBe("shop cannot be asked any more what it settled on 1 day(s) between 2026-03-22 and 2026-03-22: send its files of those days");
        (await store.Lost("shop", calendar.Today.AddDays(-reach), default)).ShouldBe([First.AddDays(21)]);
        await house.Settle(Statement(Line("sent", null, 5, SettlementKind.Adjustment) with { SettledOn = First.AddDays(21) }));
        (await store.Lost("shop", calendar.Today.AddDays(-reach), default)).ShouldBeEmpty();

        // A day whose answer was refused is asked for again, also when it is complete, and stands refused until its answer can be read.
        var refused = new RefusedFileStore(house.Database);
        var bad = calendar.Today;
        await Worked();
        (await refused.Standing(default)).ShouldBeEmpty();
        gateway.Unreadable = bad;
        await house.Ask<long>($"with again as (delete from settlement_fetches where day = '{bad:yyyy-MM-dd}' returning 1) select count(*) from again");
        (await Asked()).ShouldContain(bad);
        await Worked();
        var name = (await refused.Standing(default)).ShouldHaveSingleItem();
        name.ShouldSatisfyAllConditions(f => f.Account.ShouldBe("shop"), f => f.Name.ShouldBe($"shop {bad:yyyy-MM-dd}"), f => f.Refusal.Row.ShouldNotBeNull());
        calendar.Today = bad.AddDays(10);
        for (var again = 0; again < 2; again++)
        {
            (await Asked()).Count(day => day == bad).ShouldBe(1);
            await Worked();
            (await refused.Standing(default)).ShouldHaveSingleItem().Id.ShouldBe(name.Id);
        }
        gateway.Unreadable = null;
        (await Asked()).ShouldContain(bad);
        await Worked();
        (await refused.Standing(default)).ShouldBeEmpty();
        (await Asked()).ShouldNotContain(bad);
    }
    [Fact]
    public async Task The_doctor_says_of_a_day_that_stayed_pending_that_nothing_of_it_is_lost()
    {
        var connection = await postgres.CreateDatabase();
        (string, string)[] account = [("Gateways:pal:Gateway", "paypal"), ("Gateways:pal:client_id", "c"), ("Gateways:pal:client_secret", "s"), ("Gateways:pal:webhook_id", "w"), ("Gateways:pal:BaseUrl", "http://127.0.0.1:1"), ("Gateways:pal:TestMode", "true")];
        await using var database = Server.Platform.Database.Build(connection);
        var store = new SettlementFetchStore(database);
        var day = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).AddDays(-100);
        async Task Answered(DateOnly of, bool complete, string? why)
        {
            await store.Claim("pal", of, TimeSpan.Zero, TimeSpan.FromDays(-1), default);
            await store.End("pal", of, null, complete, why, default);
        }
        await Answered(day, complete: false, SettlementFetchStore.Pending);
        for (var later = 1; later < 12; later++) await Answered(day.AddDays(later), complete: true, null);
        (await DoctorSays.Of(connection, account)).ShouldSatisfyAllConditions(
            d => d.ShouldContain($"Something is pending at pal since {day:yyyy-MM-dd}; it was asked for until {day.AddDays(90):yyyy-MM-dd}, and nothing is lost."), d => d.ShouldNotContain("did not tell what it settled"));
        // An answer that did not come is another matter.
        await Answered(day, complete: false, "The gateway gave no usable answer.");
        (await DoctorSays.Of(connection, account)).ShouldSatisfyAllConditions(d => d.ShouldContain("pal did not tell what it settled on 1 day(s)"), d => d.ShouldNotContain("Something is pending"));
    }
}
