using FsCheck;
using FsCheck.Fluent;
using Purser.Orders;

namespace Purser.Tests.Orders;

/// <summary>Steps of stories that nobody would write: any command, any evidence about any payment, any jump of the clock, in any order. What a
/// gateway says here need not be true; the laws hold all the same.</summary>
static class AnyWalk
{
    static readonly string[] Accounts = ["careful", "forgetful", "stubborn", "removed"];

    public static Gen<OrderPolicy> Policy { get; } =
        Gen.Elements(Enum.GetValues<LatePolicy>()).SelectMany(_ => Gen.Elements(Enum.GetValues<DuplicatePolicy>()), (late, twice) => (late, twice))
            .SelectMany(_ => Gen.Elements(true, false), (p, two) => new OrderPolicy(p.late, p.twice, two));

    static Gen<Money> Amounts { get; } = Gen.Frequency(
        (6, Gen.Constant(Given.Rupees(499))), (2, Gen.Elements(Given.Rupees(100), Given.Rupees(600))),
        (1, Gen.Constant(new Money(49900, Currency.Find("USD")))));

    static Gen<string> Monies { get; } = Gen.Elements("money_1", "money_2", "money_3");

    /// <summary>Every kind of evidence, with its variants.</summary>
    public static Gen<Evidence> AnyEvidence { get; } = Gen.OneOf(
        Gen.Elements<Money?>(null, Given.Rupees(499), Given.Rupees(1)).SelectMany(_ => Gen.Elements("link_1", null), (amount, name) => Tell.Opened(amount, name)),
        Gen.Choose(1, 4).Select(Tell.Refused), Gen.Choose(1, 4).Select(Tell.NotSent), Gen.Choose(1, 4).Select(Tell.Lost),
        Gen.Elements(Tell.Declined, Tell.Failed, Tell.Closed, Tell.RanOut, Tell.Absent, Tell.Absent, Tell.Processing(), Tell.Processing("paid_ish")),
        Monies.SelectMany(_ => Amounts, (money, amount) => Tell.Succeeded(money, amount)), Monies.SelectMany(_ => Amounts, (money, amount) => Tell.Succeeded(money, amount)),
        Monies.SelectMany(_ => Amounts, (money, amount) => Tell.Reversed(money, amount)),
        Amounts.Select(amount => Tell.DisputeOpened(amount)),
        Gen.Elements(true, false).SelectMany(_ => Amounts, (won, amount) => Tell.DisputeClosed(won, amount)));

    public static Gen<Func<Scenario, Scenario>> Step { get; } = Gen.Frequency<Func<Scenario, Scenario>>(
        (4, Gen.Elements(Accounts).Select<string, Func<Scenario, Scenario>>(account => s => s.Pays(account))),
        (1, Gen.Choose(1, 4).Select<int, Func<Scenario, Scenario>>(n => s => s.When(new OrderCommand.CancelPayment(n)))),
        (1, Gen.Constant<Func<Scenario, Scenario>>(s => s.When(new OrderCommand.Fulfil()))),
        (2, Gen.Choose(1, 4).Select<int, Func<Scenario, Scenario>>(n => s => s.When(new OrderCommand.Look(n)))),
        (6, Gen.Constant<Func<Scenario, Scenario>>(s => s.Tick())),
        (6, Gen.Constant<Func<Scenario, Scenario>>(s => s.Order.WakeAt is { } wake && wake > s.Now ? s.Later(wake - s.Now).Tick() : s.Tick())),
        (4, Gen.Frequency((8, Gen.Choose(0, 40_000)), (3, Gen.Choose(0, 4_000_000)), (1, Gen.Choose(-60_000, 0)), (1, Gen.Choose(0, 400_000_000)))
            .Select<int, Func<Scenario, Scenario>>(ms => s => s.Later(TimeSpan.FromMilliseconds(ms)))),
        (14, AnyEvidence.SelectMany(_ => Gen.Choose(1, 3), (e, n) => (e, n))
            .SelectMany(_ => Gen.Elements(EvidenceSource.Inquiry, EvidenceSource.Webhook), (t, source) => (t.e, t.n, source))
            .SelectMany(_ => Gen.Elements(0, 0, 0, -1, -20), (t, age) => (t.e, t.n, t.source, age))
            .Select<(Evidence e, int n, EvidenceSource source, int age), Func<Scenario, Scenario>>(t => s =>
                s.Hears(t.e with { At = s.Now.AddSeconds(t.age) }, t.n, t.source))));

    /// <summary>Rare, for it ends most stories.</summary>
    public static Gen<Func<Scenario, Scenario>> StepOrEnd { get; } = Gen.Frequency(
        (30, Step), (1, Gen.Constant<Func<Scenario, Scenario>>(s => s.When(new OrderCommand.Cancel()))));

    public static Arbitrary<(OrderPolicy Policy, Func<Scenario, Scenario>[] Steps)> Walks { get; } =
        Policy.SelectMany(_ => Gen.Choose(1, 60).SelectMany(StepOrEnd.ArrayOf), (policy, steps) => (policy, steps)).ToArbitrary();
}
