using Purser.Orders;
using Purser.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Simulation;

/// <summary>Paid with us or not, and captured by their statements or not: each payment is one of four. How many are which is counted once from our own
/// records, and once from what gateways truly took and what their statements told.</summary>
sealed class Scenarios(World world)
{
    public const string Rule = "I23 the four scenarios add up";

    static readonly string[] Names = ["both unpaid", "theirs paid alone", "ours paid alone", "both paid"];

    readonly HashSet<PaymentId> held = [];

    /// <summary>Payments by scenario.</summary>
    public long[] Counts { get; } = new long[4];

    public static string Name(int scenario) => Names[scenario];

    /// <summary>The gateway holds money of the payment that we must know of.</summary>
    public void Holds(PaymentId payment) => held.Add(payment);

    public void Judge(WorldGateway gateway)
    {
        var (stated, told) = (Stated(gateway.Account), Told(gateway));
        var (ours, theirs) = (new int[4], new int[4]);
        var payments = 0;
        (StoredOrder Order, PaymentId Payment)? first = null;
        foreach (var stored in world.Database.Orders.Values)
            foreach (var p in stored.Row.Payments.Where(p => p.Account == gateway.Account))
            {
                var id = new PaymentId(stored.Row.Id, p.Number);
                var (known, truly) = (Scenario(!p.Captures.IsEmpty, stated.Contains(id)), Scenario(held.Contains(id), told.Contains(id)));
                if (known != truly) first ??= (stored, id);
                ours[known]++;
                theirs[truly]++;
                payments++;
                Counts[known]++;
            }
        world.Auditor.Count(Rule);
        if (first is not null || ours.Sum() != payments || !ours.AsSpan().SequenceEqual(theirs))
            world.Auditor.Broken(Rule, first?.Order.Index ?? -1, $"of {payments} payments at {gateway.Account} {Say(ours)} by our record, {Say(theirs)} by theirs; the first that differs is {first?.Payment}");
    }

    static int Scenario(bool ours, bool theirs) => (ours ? 2 : 0) + (theirs ? 1 : 0);

    static string Say(int[] counts) => string.Join(", ", counts.Select((n, scenario) => $"{n} {Names[scenario]}"));

    /// <summary>Payments that the classes of our statements' lines call captured by the gateway.</summary>
    HashSet<PaymentId> Stated(string account) =>
    [
        .. world.Database.Statements.Files.Where(f => f.Row.Account == account && f.Row.State == FileState.Done).SelectMany(f => f.Lines)
            .Where(l => l.Said.Kind == SettlementKind.Payment && l.Class is SettlementClass.BothPaid or SettlementClass.TheirsPaid or SettlementClass.Fee or SettlementClass.Amount
                or SettlementClass.Currency or SettlementClass.UnknownOrder)
            .Select(l => l.Said.Payment ?? (l.Said.MoneyReference is { } money ? world.Database.FindMoney(account, money) : null)).OfType<PaymentId>(),
    ];

    /// <summary>Payments on whose links the money is that rows of its statements are about.</summary>
    HashSet<PaymentId> Told(WorldGateway gateway)
    {
        var money = world.Desks.Single(d => d.Gateway == gateway).Delivered.Where(d => d.Said.Kind == SettlementKind.Payment).Select(d => d.Said.MoneyReference!).ToHashSet(StringComparer.Ordinal);
        return [.. gateway.Links.Where(l => l.Tries.Exists(t => money.Contains(t.Id))).Select(l => l.Payment)];
    }
}
