using FsCheck;
using FsCheck.Fluent;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Tests.Orders;

/// <summary>Steps of stories that nobody would write: any command, any evidence about any payment, any jump of the clock, in any order. What a
/// gateway says here need not be true; the laws hold all the same.</summary>
static class AnyWalk
{
    static readonly string[] Accounts = ["careful", "forgetful", "stubborn", "removed"];

    public static Gen<OrderPolicy> Policy { get; } =
        Gen.Elements(Enum.GetValues<LatePolicy>()).SelectMany(_ => Gen.Elements(Enum.GetValues<DuplicatePolicy>()), (late, twice) => (late, twice))
            .SelectMany(_ => Gen.Elements(true, false), (p, two) => new OrderPolicy(p.late, p.twice, two))
            .SelectMany(_ => Gen.Elements(Enum.GetValues<FailedPolicy>()), (p, failed) => p with { Failed = failed });

    static Gen<Money> Amounts { get; } = Gen.Frequency(
        (6, Gen.Constant(Given.Rupees(499))), (2, Gen.Elements(Given.Rupees(100), Given.Rupees(600))),
        (1, Gen.Constant(new Money(49900, Currency.Find("USD")))));

    static Gen<string> Disputes { get; } = Gen.Elements("dispute_1", "dispute_2");

    static Gen<string> Monies { get; } = Gen.Elements("money_1", "money_2", "money_3");

    /// <summary>Every kind of evidence, with its variants.</summary>
    public static Gen<Evidence> AnyEvidence { get; } = Gen.OneOf(
        Gen.Elements<Money?>(null, Given.Rupees(499), Given.Rupees(1)).SelectMany(_ => Gen.Elements("link_1", null), (amount, name) => Tell.Opened(amount, name)),
        Gen.Choose(1, 4).Select(Tell.Refused), Gen.Choose(1, 4).Select(Tell.NotSent), Gen.Choose(1, 4).Select(Tell.Lost),
        Gen.Elements(Tell.Declined, Tell.MixedUp, Tell.Failed, Tell.Closed, Tell.RanOut, Tell.RanOut, Tell.Absent, Tell.Absent, Tell.Processing(), Tell.Processing("paid_ish")),
        Monies.SelectMany(_ => Amounts, (money, amount) => Tell.Succeeded(money, amount)), Monies.SelectMany(_ => Amounts, (money, amount) => Tell.Succeeded(money, amount)),
        Monies.SelectMany(_ => Amounts, (money, amount) => Tell.Reversed(money, amount)),
        Amounts.SelectMany(_ => Disputes, (amount, name) => Tell.DisputeOpened(amount, name)),
        Gen.Elements(true, false).SelectMany(_ => Amounts, (won, amount) => (won, amount)).SelectMany(_ => Disputes, (t, name) => Tell.DisputeClosed(t.won, t.amount, name)));

    static Gen<Settled> Rows { get; } = Gen.Elements("row_1", "row_2").SelectMany(_ => Amounts, (key, amount) => (key, amount))
        .SelectMany(_ => Gen.Elements(0L, 500L, 4000L), (t, fee) => new Settled(t.key, t.amount, new Money(t.amount.MinorUnits - fee, t.amount.Currency),
            fee == 0 ? null : new Money(fee, t.amount.Currency)));

    /// <summary>Every kind of evidence about a refund, with its variants.</summary>
    public static Gen<RefundEvidence> AnyRefundEvidence { get; } = Gen.OneOf(
        Gen.Elements<RefundEvidence>(new RefundEvidence.Accepted(), new RefundEvidence.Absent(), new RefundEvidence.Failed("closed account"), new RefundEvidence.Rejected("too old")),
        Gen.Choose(1, 4).Select<int, RefundEvidence>(n => new RefundEvidence.NotSent(n, "refused")), Gen.Choose(1, 4).Select<int, RefundEvidence>(n => new RefundEvidence.AnswerLost(n, "time-out")),
        Gen.Elements(Given.Rupees(499), Given.Rupees(499), Given.Rupees(200), Given.Rupees(100)).Select<Money, RefundEvidence>(m => new RefundEvidence.Succeeded(m)),
        Rows.SelectMany(_ => Gen.Choose(0, 3), (row, n) => (RefundEvidence)new RefundEvidence.Settled(row with { Net = -row.Net }, PaidOut: n % 2 == 0) { Guessed = n > 1 }),
        Rows.Select(row => (RefundEvidence)new RefundEvidence.Failed("came back", row with { RowKey = $"{row.RowKey}_back" })));

    static Gen<Evidence> AnyStatement { get; } = Gen.OneOf(
        Monies.SelectMany(_ => Rows, (money, row) => (money, row)).SelectMany(_ => Gen.Elements(true, false), (t, paid) => (Evidence)new Evidence.Settled(t.money, t.row, paid)),
        Monies.Select<string, Evidence>(money => new Evidence.Unsettled(money, "not in the file")),
        Gen.Elements("row_3", "row_4").SelectMany(_ => Amounts, (row, amount) => (row, amount)).SelectMany(_ => Gen.Elements("dispute_1", "dispute_2", null), (t, name) => Tell.Taken(t.row, t.amount, name)),
        Gen.Elements("row_5", "row_6").SelectMany(_ => Amounts, (row, amount) => (row, amount)).SelectMany(_ => Gen.Elements("dispute_1", "dispute_2", null), (t, name) => Tell.BroughtBack(t.row, t.amount, name)));

    static Gen<Act> Answer { get; } = Gen.Choose(0, 3).SelectMany(_ => Gen.Elements(Enum.GetValues<AnswerAction>()), (n, action) => new Act($"answer question {n}: {action}",
        s => s.Order.Questions.Skip(n).FirstOrDefault() is { } q ? s.When(new OrderCommand.Answer(q.Payment, q.Kind, q.MoneyReference, action, "Asha", "seen")) : s));

    static Gen<Act> Reopen { get; } = Gen.Constant(new Act("open an answered question again", s =>
        s.Order.Payments.SelectMany(p => p.Answers.Select(a => (p.Number, a))).LastOrDefault() is { a: { } a } last
            ? s.When(new OrderCommand.Reopen(last.Number, a.Kind, a.MoneyReference, "Asha", "too early")) : s));

    static Gen<Act> Step { get; } = Gen.Frequency(
        (4, Gen.Elements<long?>(null, 100, 200, 499).SelectMany(_ => Gen.Elements<int?>(null, 1, 2), (rupees, n) => new Act($"refund {rupees} of {n}", s => s.Refunds(rupees, n)))),
        (1, Gen.Choose(1, 2).Select(n => new Act($"look at refund {n}", s => s.When(new OrderCommand.LookRefund(n))))),
        (3, Answer), (1, Reopen),
        (7, AnyRefundEvidence.SelectMany(_ => Gen.Choose(0, 3), (e, n) => (e, n)).SelectMany(_ => Gen.Elements("rfnd_1", "rfnd_2", null), (t, name) => new Act(
            $"refund {t.n} {name}: {t.e}", s => s.Hears(t.e with { RefundReference = name }, t.n, payment: t.n == 0 ? 1 : 0)))),
        (8, AnyStatement.SelectMany(_ => Gen.Choose(1, 2), (e, n) => new Act($"statement on {n}: {e}", s => s.Hears(e, n, EvidenceSource.Settlement)))),
        (4, Gen.Elements(Accounts).Select(account => new Act($"pay at {account}", s => s.Pays(account)))),
        (1, Gen.Choose(1, 4).Select(n => new Act($"cancel payment {n}", s => s.When(new OrderCommand.CancelPayment(n))))),
        (1, Gen.Constant(new Act("fulfil", s => s.When(new OrderCommand.Fulfil())))),
        (1, Gen.Choose(1, 4).Select(n => new Act($"hand out {n}", s => s.When(new OrderCommand.HandOut(n))))),
        (1, Gen.Choose(1, 4).Select(n => new Act($"back from {n}", s => s.When(new OrderCommand.Look(n, Back: true))))),
        (2, Gen.Choose(1, 4).Select(n => new Act($"look at {n}", s => s.When(new OrderCommand.Look(n))))),
        (6, Gen.Constant(new Act("tick", s => s.Tick()))),
        (6, Gen.Constant(new Act("wait for the alarm", s => s.Order.WakeAt is { } wake && wake > s.Now ? s.Later(wake - s.Now).Tick() : s.Tick()))),
        (4, Gen.Frequency((8, Gen.Choose(0, 40_000)), (3, Gen.Choose(0, 4_000_000)), (1, Gen.Choose(-60_000, 0)), (1, Gen.Choose(0, 400_000_000)))
            .Select(ms => new Act($"wait {ms} ms", s => s.Later(TimeSpan.FromMilliseconds(ms))))),
        (3, Gen.Choose(1, 2).Select(n => new Act($"asked, payment {n} failed", s => s.Hears(Tell.Failed, n, EvidenceSource.Inquiry)))),
        (1, Gen.Constant(new Act("nobody has the money that paid", s => s.Order.PaidBy is { } n && s.Order.Payment(n)!.Captures.First(c => c.Standing == Standing.Accepted) is var money
            ? s.Hears(new Evidence.Unsettled(money.MoneyReference, "not in the file"), n, EvidenceSource.Settlement).Hears(Tell.Failed, n, EvidenceSource.Inquiry).Hears(Tell.Failed, n, EvidenceSource.Inquiry)
            : s))),
        (1, Gen.Constant(new Act("two rows have the money that paid", s => s.Order.PaidBy is { } n && s.Order.Payment(n)!.Captures.First(c => c.Standing == Standing.Accepted) is var money
            ? Enumerable.Range(7, 2).Aggregate(s, (story, row) => story.Hears(new Evidence.Settled(money.MoneyReference, new Settled($"row_{row}", money.Amount, money.Amount, null), true), n, EvidenceSource.Settlement))
            : s))),
        (22, AnyEvidence.SelectMany(_ => Gen.Choose(1, 3), (e, n) => (e, n))
            .SelectMany(_ => Gen.Elements(EvidenceSource.Inquiry, EvidenceSource.Webhook), (t, source) => (t.e, t.n, source))
            .SelectMany(_ => Gen.Elements(0, 0, 0, -1, -20), (t, age) => new Act(
                $"payment {t.n} by {t.source}, {-age} s old: {t.e.GetType().Name} {t.e.ToString()!.Split("RawKey = ")[^1]}", s => s.Hears(t.e with { At = s.Now.AddSeconds(age) }, t.n, t.source)))));

    public static Arbitrary<Walk> Walks { get; } = Policy
        .SelectMany(_ => Gen.Choose(1, 60).SelectMany(n => StepOrEnd.ArrayOf(n)), (policy, steps) => new Walk(policy, steps)).ToArbitrary();

    static Gen<Act> AboutMoney { get; } = Gen.Frequency(
        (6, Gen.Elements("money_1", "money_1", "money_2").SelectMany(_ => Amounts, (money, amount) => (money, amount)).SelectMany(_ => Gen.Elements(EvidenceSource.Inquiry, EvidenceSource.Webhook), (t, source) =>
            new Act($"{source}: {t.money} of {t.amount}", s => s.Hears(Tell.Succeeded(t.money, t.amount), 1, source)))),
        (6, Gen.Elements("money_1", "money_1", "money_2").SelectMany(_ => Rows, (money, row) => (money, row)).SelectMany(_ => Gen.Elements(true, false), (t, paid) =>
            new Act($"{t.row}: {t.money}, paid out {paid}", s => s.Hears(new Evidence.Settled(t.money, t.row, paid), 1, EvidenceSource.Settlement)))),
        (6, AnyRefundEvidence.SelectMany(_ => Gen.Choose(0, 2), (e, n) => (e, n)).SelectMany(_ => Gen.Elements("rfnd_1", "rfnd_2", null), (t, name) => new Act(
            $"refund {t.n} {name}: {t.e}", s => s.Hears(t.e with { RefundReference = name }, t.n, payment: t.n == 0 ? 1 : 0, source: t.e is RefundEvidence.Settled or RefundEvidence.Failed { Row: not null } ? EvidenceSource.Settlement : null)))),
        (3, Gen.Elements<long?>(null, null, 100, 200).Select(rupees => new Act($"refund {rupees} of 1", s => s.Refunds(rupees, 1)))),
        (1, Gen.Elements("money_1", "money_2").SelectMany(_ => Amounts, (money, amount) => new Act($"{money} is gone", s => s.Hears(Tell.Reversed(money, amount), 1)))),
        (5, Answer), (2, Reopen), (1, Gen.Constant(new Act("tick", s => s.Tick()))),
        (1, Gen.Constant(new Act("wait for the alarm", s => s.Order.WakeAt is { } wake && wake > s.Now ? s.Later(wake - s.Now).Tick() : s.Tick()))));

    /// <summary>Stories about the money of one payment, in which statements, refunds and persons meet more often than in <see cref="Walks"/>.</summary>
    public static Arbitrary<Walk> MoneyWalks { get; } = Policy
        .SelectMany(_ => Gen.Choose(3, 25).SelectMany(n => AboutMoney.ArrayOf(n)), (policy, steps) => new Walk(policy, [new Act("pay at careful", s => s.HasLink()), .. steps])).ToArbitrary();

    /// <summary>Rare, for it ends most stories.</summary>
    static Gen<Act> StepOrEnd => Gen.Frequency((30, Step), (1, Gen.Constant(new Act("cancel order", s => s.When(new OrderCommand.Cancel())))));
}

/// <summary>One step of a story, with a name for the report of a failure.</summary>
sealed record Act(string Name, Func<Scenario, Scenario> Do)
{
    public override string ToString() => Name;
}

sealed record Walk(OrderPolicy Policy, IReadOnlyList<Act> Steps)
{
    public Scenario Told()
    {
        var story = Given.Order(Policy, Given.Contracted);
        foreach (var step in Steps) step.Do(story);
        return story;
    }

    public override string ToString() => $"{Policy}\n  {string.Join("\n  ", Steps)}";
}
