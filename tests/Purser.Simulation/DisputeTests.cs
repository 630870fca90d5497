using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;

namespace Purser.Simulation;

/// <summary>Disputes happen in the worlds in every way in which they can: what the rules say of them is said of something.</summary>
public sealed class DisputeTests
{
    const int Worlds = 6;
    const int Orders = 160;

    [Fact]
    public void Disputes_are_opened_won_and_lost_by_news_by_questions_and_by_rows_of_statements_and_the_books_agree()
    {
        var (told, states, rows) = (new HashSet<(EventType, EvidenceSource?)>(), new HashSet<DisputeState>(), new HashSet<SettlementKind>());
        var (looked, lived, several, back) = (0L, 0, 0, 0);
        for (var seed = 1UL; lived < Worlds; seed++)
        {
            var world = new World(seed, [.. Enumerable.Range(0, Orders)]);
            // The one whose answers to questions tell of disputes.
            if (!world.Gateways.Any(g => g.Account == "ccavenue")) continue;
            lived++;
            world.Run();
            world.Auditor.Violations.ShouldBeEmpty($"world {seed}");
            foreach (var e in world.Database.Orders.Values.SelectMany(o => o.Events).Where(e => e.Type is EventType.DisputeOpened or EventType.DisputeClosed)) told.Add((e.Type, e.Source));
            states.UnionWith(world.Gateways.SelectMany(g => g.Disputes).Select(d => d.State));
            rows.UnionWith(world.Desks.SelectMany(d => d.Delivered).Select(d => d.Said.Kind));
            several += world.Gateways.SelectMany(g => g.Disputes).GroupBy(d => d.Link).Count(d => d.Count() > 1);
            back += world.Gateways.SelectMany(g => g.Disputes).Count(d => d.CameBack);
            looked += world.Auditor.Checks.GetValueOrDefault("I4 disputes are known");
        }
        told.ShouldBe([(EventType.DisputeOpened, EvidenceSource.Webhook), (EventType.DisputeOpened, EvidenceSource.Settlement), (EventType.DisputeOpened, EvidenceSource.Inquiry),
            (EventType.DisputeClosed, EvidenceSource.Webhook), (EventType.DisputeClosed, EvidenceSource.Settlement)], ignoreOrder: true);
        states.ShouldBe([DisputeState.Open, DisputeState.Won, DisputeState.Lost], ignoreOrder: true);
        foreach (var kind in (SettlementKind[])[SettlementKind.Dispute, SettlementKind.DisputeReturned, SettlementKind.Adjustment, SettlementKind.RefundReturned]) rows.ShouldContain(kind);
        looked.ShouldBeGreaterThan(20);
        several.ShouldBeGreaterThan(0);
        back.ShouldBeGreaterThan(0);
    }
}
