using FsCheck;
using FsCheck.Fluent;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Tests.Orders;

/// <summary>Evidence in any order, any number of times, ends the same. What "the same" means stands in docs/decisions/0001-confluence.md.</summary>
public sealed class ConfluenceTests
{
    [Fact]
    public void Every_permutation_of_up_to_six_pieces_of_evidence_ends_the_same() => Prop.ForAll(LegalWorld.Worlds, world =>
    {
        var evidence = world.Evidence.Take(6).ToArray();
        var expected = End(world, evidence);
        foreach (var order in Permutations(evidence))
        {
            var end = End(world, order);
            if (end != expected) Assert.Fail($"{expected}\nby {Show(evidence)}\n\n{end}\nby {Show(order)}");
        }
    }).Check(Chance.Stories(40));

    [Fact]
    public void Any_shuffle_and_repetition_of_any_evidence_ends_the_same() => Prop.ForAll(LegalWorld.Worlds, ArbMap.Default.ArbFor<int>(), (world, seed) =>
    {
        var chance = new Random(seed);
        var expected = End(world, world.Evidence);
        for (var i = 0; i < 10; i++)
        {
            var again = world.Evidence.Concat(world.Evidence.Where(_ => chance.Next(2) == 0)).Concat(world.Evidence.Where(_ => chance.Next(4) == 0)).ToArray();
            chance.Shuffle(again);
            var end = End(world, again);
            if (end != expected) Assert.Fail($"{expected}\nby {Show(world.Evidence)}\n\n{end}\nby {Show(again)}");
        }
    }).Check(Chance.Stories(200));

    [Fact]
    public void The_worlds_are_worth_permuting()
    {
        var ends = new HashSet<string>();
        var pieces = 0;
        Prop.ForAll(LegalWorld.Worlds, world =>
        {
            pieces = Math.Max(pieces, world.Evidence.Count);
            foreach (var payment in world.Story().Order.Payments) ends.Add($"before {payment.Status}");
            var end = Play(world, world.Evidence);
            ends.Add($"order {end.Order.Status}");
            foreach (var payment in end.Order.Payments)
            {
                ends.Add($"payment {payment.Status}");
                if (payment.HasMoneyUnderWay) ends.Add("money under way after the end");
            }
            foreach (var refund in end.Order.Refunds) ends.Add($"refund {refund.Reason}");
            foreach (var question in end.Order.Questions) ends.Add($"question {question.Kind}");
        }).Check(Chance.Stories(800));
        pieces.ShouldBeGreaterThan(6);
        string[] wanted =
        [
            "order AwaitingPayment", "order Paid", "order Expired", "order Cancelled", "payment Starting", "payment Pending", "payment Processing",
            "payment Unresolved", "payment Held", "payment Succeeded", "payment Failed", "payment Cancelled", "payment Expired", "refund Duplicate",
            "refund Late", "question AmountMismatch", "question Duplicate", "question Late", "question Reversed", "question LinkMismatch", "money under way after the end",
        ];
        wanted.Except(ends).ShouldBeEmpty();
    }

    /// <summary>The comparison must be able to fail: these two differ by one piece.</summary>
    [Fact]
    public void Worlds_that_differ_end_differently()
    {
        var one = Fingerprint(Given.Order().HasLink().Hears(Tell.Succeeded()));
        Fingerprint(Given.Order().HasLink()).ShouldNotBe(one);
        Fingerprint(Given.Order().HasLink().Hears(Tell.Succeeded()).Hears(Tell.Succeeded("money_2"))).ShouldNotBe(one);
        Fingerprint(Given.Order().HasLink().Hears(Tell.Succeeded()).Hears(Tell.Reversed())).ShouldNotBe(one);
        Fingerprint(Given.Order().HasLink().Hears(Tell.Succeeded())).ShouldBe(one);
    }

    static string End(LegalWorld world, IEnumerable<Evidence> evidence) => Fingerprint(Play(world, evidence));

    static Scenario Play(LegalWorld world, IEnumerable<Evidence> evidence)
    {
        var story = world.Story();
        story.Lawful = false;
        var before = story.Calls.Count;
        foreach (var piece in evidence) story.When(piece);
        // News that makes us ask for the link again is whole only with the answer, which is the truth once more.
        foreach (var again in story.Calls.Skip(before).OfType<GatewayCall.OpenLink>().ToList())
            story.Hears(world.Truths[again.Payment - 1] == "created" ? Tell.Opened() : Tell.Refused(again.Ask), again.Payment, EvidenceSource.Reply);
        return story;
    }

    /// <summary>The equivalence of the decision page: which of several equal successes is the accepted one is left out, and so are the
    /// events, whose number depends on what was known when.</summary>
    static string Fingerprint(Scenario story)
    {
        var order = story.Order;
        var payments = order.Payments.Select(p =>
            $"{p.Number} {p.Status} {string.Join("+", p.Captures.Select(c => $"{c.MoneyReference}={c.Amount}").Order(StringComparer.Ordinal))} {p.Dispute}{(p.HasMoneyUnderWay ? " money under way" : "")}");
        // Money that pays nothing goes back or is asked about; of which it is, a dispute or a reversal that was told before decides.
        var taken = order.Payments.Any(p => p.Dispute != DisputeState.None || !p.Reversals.IsEmpty);
        bool IsPlace(Question q) => taken && q.Kind is (DiscrepancyKind.Late or DiscrepancyKind.Duplicate);
        var places = order.Refunds.Select(r => $"{r.Reason} {r.Amount}").Concat(order.Questions.Where(IsPlace).Select(q => $"{q.Kind} {q.Amount}"));
        var questions = order.Questions.Where(q => q.MoneyReference is not null && !IsPlace(q)).GroupBy(q => q.Kind)
            .Select(g => $"{g.Key}: {string.Join("+", g.Select(q => q.Amount.ToString()).Order(StringComparer.Ordinal))}").Order(StringComparer.Ordinal);
        return $"""
            order {order.Status}{(order.Late ? " late" : "")}, accepted payments: {(order.PaidBy is null ? 0 : 1)}
            payments: {string.Join("; ", payments)}
            refunds: {string.Join("+", places.Order(StringComparer.Ordinal))}
            questions: {string.Join("; ", questions)}
            books: {string.Join("; ", Laws.Balances(story.Postings))}
            """;
    }

    static IEnumerable<Evidence[]> Permutations(Evidence[] items)
    {
        if (items.Length <= 1)
        {
            yield return items;
            yield break;
        }
        for (var i = 0; i < items.Length; i++)
            foreach (var rest in Permutations([.. items[..i], .. items[(i + 1)..]]))
                yield return [items[i], .. rest];
    }

    static string Show(IEnumerable<Evidence> evidence) => string.Join("\n   ", evidence);
}
