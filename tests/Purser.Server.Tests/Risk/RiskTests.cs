using Microsoft.Extensions.Configuration;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Platform;
using Purser.Server.Risk;
using Purser.Server.Tests.Doctor;
using Purser.Server.Tests.Engine;
using Purser.Server.Tests.Platform;
using Spectre.Console;

namespace Purser.Server.Tests.Risk;

public sealed class RiskTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Every_kind_of_money_at_risk_is_told_with_its_amount_and_age()
    {
        await using var world = await InvariantTests.Healthy(await postgres.CreateDatabase());
        var lost = await world.Placed();
        await world.Do(lost, new OrderCommand.StartPayment("cards", null));
        await world.Do(lost, new Evidence.AnswerLost(1, "no answer").Learned(1, EvidenceSource.Reply, DateTimeOffset.UnixEpoch, "k"));
        await world.Engine.Submit(EngineWorld.Paid(world.NewId(), "evt_stray"), default);

        await world.Ask<object>("""
            with stray as (insert into settlement_discrepancies (account, row_key, class, file, number, amount, currency, proposal, opened_at)
              values ('cards', 'r1', 8, 1, 1, 700, 'INR', 'find the order', now()) returning 1) select count(*) from stray
            """);

        var (now, lines) = await new RiskStore(world.Database, new RiskOptions()).Read(default);

        lines.Select(l => (l.Kind, l.Account, l.Currency, l.Count, l.Amount)).ShouldBe(
        [
            (RiskKinds.Unresolved, "cards", "INR", 1, 49900), (RiskKinds.Late, "cards", "INR", 1, 49900), (RiskKinds.Duplicate, "wallets", "INR", 2, 2 * 49900),
            (RiskKinds.Unmatched, "cards", null, 1, null), (RiskKinds.Unmatched, "cards", "INR", 1, 700), (RiskKinds.Questioned, "cards", "INR", 1, 49800),
            (RiskKinds.Unfulfilled, "cards", "INR", 5, 5 * 49900),
        ]);
        lines.ShouldAllBe(l => l.Oldest <= now && l.Oldest > now.AddMinutes(-5));
        RiskView.Of(now, lines, new RiskOptions()).TooOld.ShouldBe(0);
        RiskView.Of(now.AddDays(2), lines, new RiskOptions()).TooOld.ShouldBe(6);
        RiskView.Of(now.AddDays(2), lines, new RiskOptions { Ages = new Dictionary<string, TimeSpan> { [RiskKinds.Late] = TimeSpan.FromDays(7) } })
            .Risks.Where(r => !r.TooOld).Select(r => r.Kind).ShouldBe([RiskKinds.Late, RiskKinds.Unfulfilled]);

        using var screen = new StringWriter();
        RiskCommand.Write(RiskView.Of(now.AddDays(2), lines, new RiskOptions()), AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(screen) }));
        screen.ToString().ShouldContain("998.00 INR");
        screen.ToString().ShouldContain("2 d 0 h");
        screen.ToString().ShouldContain("6 line(s) are older than they may be");
    }

    [Theory]
    [InlineData("Risk:Age", "-1:00:00", "Risk:Age")]
    [InlineData("Risk:Age", "soon", "Risk:Age")]
    [InlineData("Risk:Ages:late", "x", "Risk:Ages:late")]
    [InlineData("Risk:Ages:never", "1:00:00", "Risk:Ages:never")]
    public void An_age_that_is_wrong_is_named(string setting, string value, string named) =>
        Should.Throw<StartFailureException>(() => RiskOptions.From(Configuration(setting, value))).Message.ShouldContain(named);

    [Fact]
    public void An_age_is_read_for_all_kinds_and_for_one()
    {
        RiskOptions.From(Configuration("Risk:Age", "12:00:00")).Of(RiskKinds.Unfulfilled).ShouldBe(TimeSpan.FromDays(3));
        RiskOptions.From(Configuration("Risk:Ages:unfulfilled", "never")).Asks(RiskKinds.Unfulfilled).ShouldBeFalse();
        RiskOptions.From(Configuration("Risk:Age", "12:00:00")).Asks(RiskKinds.Unfulfilled).ShouldBeTrue();
        RiskOptions.From(Configuration("Risk:Age", "12:00:00")).Of(RiskKinds.Late).ShouldBe(TimeSpan.FromHours(12));
        RiskOptions.From(Configuration("Risk:Ages:late", "3.00:00:00")).Of(RiskKinds.Late).ShouldBe(TimeSpan.FromDays(3));
        RiskOptions.From(Configuration("Risk:Ages:late", "3.00:00:00")).Of(RiskKinds.Duplicate).ShouldBe(TimeSpan.FromDays(1));
    }

    static IConfiguration Configuration(string name, string value) =>
        new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create<string, string?>(name, value)]).Build();
}
