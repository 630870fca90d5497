using System.Text;
using Purser.Gateways;
using Purser.Reconciliation;
using Purser.Server.Gateways;
using Purser.Server.Settlement;

namespace Purser.Simulation;

/// <summary>The people at one gateway who make its statement every night, and those here who fetch it and send it in. What can go wrong between the money
/// and the file goes wrong here: rows that are left out, doubled or wrong, files that are late, cut, sent twice, or never come.</summary>
sealed class Desk(World world, WorldGateway gateway)
{
    /// <summary>Whose faults are those of statements, beside the orders.</summary>
    public const int Index = -2;

    /// <summary>The day ends while shoppers still come, so that money moves on both sides of it, and a statement may be the first to tell of some.</summary>
    static readonly TimeSpan FirstNight = TimeSpan.FromHours(1);

    const int Nights = 7;

    readonly GatewayAccounts.Entry entry = world.Accounts.Find(gateway.Account)!;
    readonly Dictionary<(string, int), (StatementRow True, SettlementLine Said)> delivered = [];
    readonly HashSet<(string, int)> never = [];

    public WorldGateway Gateway => gateway;

    /// <summary>Rows that were sent in, with what they said the first time.</summary>
    public IReadOnlyCollection<(StatementRow True, SettlementLine Said)> Delivered => delivered.Values;

    /// <summary>Amounts that a row lied about, by the row's money.</summary>
    public HashSet<string> Wrong { get; } = new(StringComparer.Ordinal);

    /// <summary>The gateway says of its payouts in its statement, so that a row alone pays nothing out.</summary>
    public bool StatesPayouts => entry.Gateway.Profile.StatesPayouts;

    bool Framed => ((ISettleByFile)entry.Gateway).Sheet.Frame is not null;

    /// <summary>All that it would say now, without a fault.</summary>
    public Statement Whole() => Statement.Of(gateway.Report(), entry);

    public async Task Work()
    {
        await world.Loop.Wait(FirstNight + Chance.Random(Chance.Of(world.Seed, 8, Number)).Between(TimeSpan.Zero, TimeSpan.FromHours(4)));
        for (var night = 0; night < Nights + world.Longer.TotalDays; night++)
        {
            world.Outside.Start(Night, world.Auditor.Threw);
            world.Outside.Start(TellFailed, world.Auditor.Threw);
            await world.Loop.Wait(TimeSpan.FromDays(1));
        }
    }

    int Number => Array.IndexOf(world.Gateways, gateway);

    int FaultIndex => Index - 1 - Number;

    async Task Night()
    {
        var whole = Whole();
        if (whole.Rows.Count == 0) return;
        var faults = new Dictionary<Fault, ulong>();
        for (var draw = 0; draw < 2; draw++)
            if (world.Faults.At(Port.Statement, FaultIndex) is (not Fault.None and var fault, var lot)) faults[fault] = lot;

        if (world.Bug.Provokes != Fault.None) faults.TryAdd(world.Bug.Provokes, Chance.Of(world.Seed, 15, Number));

        // A statement with totals of its own is made whole or not at all.
        var chosen = whole.Rows.Where(r => Framed || (!delivered.ContainsKey(r.Name) && !never.Contains(r.Name))).ToList();
        if (faults.ContainsKey(Fault.Reissued)) chosen = [.. whole.Rows.Where(r => !never.Contains(r.Name))];
        var written = Framed ? [.. chosen.Select(r => (Row: r, r.Text))] : Written(chosen, faults);
        if (written.Count == 0 || faults.ContainsKey(Fault.Dropped)) return;
        foreach (var (row, text) in written) delivered.TryAdd(row.Name, (row, text == row.Text ? row.Said : Statement.Of(whole.Head + text + whole.Foot, entry).Rows[0].Said));

        var bytes = whole.With(written.Select(w => w.Text));
        var name = $"{gateway.Account}-{world.Time.GetUtcNow():yyyyMMdd}.csv";
        if (faults.TryGetValue(Fault.Delayed, out var late)) await world.Loop.Wait(Chance.Random(late).Between(TimeSpan.FromHours(1), TimeSpan.FromHours(50)));
        if (faults.TryGetValue(Fault.Truncated, out var cut))
        {
            var size = Chance.Random(cut);
            var from = Encoding.UTF8.GetByteCount(whole.Head);
            await Deliver(name, bytes[..(from + size.Next(bytes.Length - from))], whole: false);
            await world.Loop.Wait(size.Between(TimeSpan.FromMinutes(1), TimeSpan.FromHours(10)));
        }
        if (faults.TryGetValue(Fault.Duplicated, out var again))
        {
            var size = Chance.Random(again);
            if (size.Next(2) == 0) world.Outside.Start(() => Deliver(name, bytes), world.Auditor.Threw);
            else world.Outside.Start(async () =>
            {
                await world.Loop.Wait(size.Between(TimeSpan.FromMinutes(1), TimeSpan.FromHours(30)));
                await Deliver(name, bytes);
            }, world.Auditor.Threw);
        }
        await Deliver(name, bytes);
    }

    /// <summary>Some gateways tell over an API what came to nothing, too: of the tries that a shopper made and that took no money.</summary>
    async Task TellFailed()
    {
        if (Chance.Of(world.Seed, 17, Number) % 2 == 0) return;
        List<SettlementLine> failed =
        [
            .. gateway.Links.SelectMany(l => l.Tries, (l, t) => (Link: l, Try: t))
                .Where(one => one.Try is { State.Now: TryState.Failed, CapturedAt: null, TakenBack: false, SeemedDeclined: false }
                    && !one.Link.Tries.Exists(t => t.Id == one.Try.Id && t.State.Now != TryState.Failed) && toldFailed.Add(one.Try.Id))
                .Select(one => new SettlementLine($"failed:{one.Try.Id}", SettlementKind.FailedPayment, one.Try.Amount, Money.Zero(one.Try.Amount.Currency))
                {
                    Payment = one.Link.Payment,
                    MoneyReference = one.Try.Id,
                    HappenedAt = one.Try.At,
                }),
        ];
        if (failed.Count > 0) await Deliver($"{gateway.Account}-failed-{world.Time.GetUtcNow():yyyyMMdd}.csv", CanonicalSheet.Write(failed), source: FileSource.Fetched);
    }

    readonly HashSet<string> toldFailed = new(StringComparer.Ordinal);

    /// <summary>The rows of the file as they are written tonight.</summary>
    List<(StatementRow Row, string Text)> Written(List<StatementRow> rows, Dictionary<Fault, ulong> faults)
    {
        foreach (var (fault, lot) in faults)
        {
            var size = Chance.Random(lot);
            if (fault == Fault.RowsLeftOut) rows = [.. rows.Where(_ => size.Next(4) != 0)];
            if (fault == Fault.RowNeverComes && rows.Where(r => !delivered.ContainsKey(r.Name)).ToList() is { Count: > 0 } some)
            {
                var lost = some[size.Next(some.Count)];
                never.Add(lost.Name);
                rows.Remove(lost);
            }
            if (fault == Fault.Shuffled) rows = [.. rows.OrderBy(_ => size.Next())];
        }
        var written = rows.Select(r => (Row: r, r.Text)).ToList();
        if (faults.TryGetValue(Fault.WrongAmount, out var wrong)) Falsify(written, Chance.Random(wrong));
        if (faults.TryGetValue(Fault.RowsTwice, out var twice))
        {
            var size = Chance.Random(twice);
            foreach (var row in written.Where(_ => size.Next(6) == 0).ToList()) written.Insert(size.Next(written.Count + 1), row);
        }
        return written;
    }

    void Falsify(List<(StatementRow Row, string Text)> written, Random size)
    {
        for (var i = 0; i < written.Count; i++)
        {
            var row = written[i].Row;
            if (row.Said.Kind != SettlementKind.Payment || row.Said.Amount.Currency.Code != "INR") continue;
            // Where nobody here knows the money nothing contradicts the row, so that is lied about more often.
            if (size.Next(world.Database.FindMoney(gateway.Account, row.Said.MoneyReference!) is null ? 2 : 5) != 0) continue;
            if (row.WithAmount(row.Said.Amount + new Money(1 + size.Next(400), row.Said.Amount.Currency)) is not { } text) continue;
            written[i] = (row, text);
            Wrong.Add(row.Said.MoneyReference!);
        }
    }

    /// <summary>Whoever sends it in tries until it is taken.</summary>
    async Task Deliver(string name, byte[] bytes, bool whole = true, FileSource source = FileSource.Upload)
    {
        while (true)
        {
            var life = world.AnyNode();
            var heard = await life.Ask(() => life.Edge.SendStatement(gateway.Account, name, bytes, source), TimeSpan.FromSeconds(20));
            if (heard is { Got: true, Value: { } taken })
            {
                world.Trace.Mix(FaultIndex, 151, bytes.Length);
                world.Trace.Tell(Index, $"{name} ({bytes.Length} bytes{(whole ? "" : ", cut")}) is taken in as {taken.File.IdText}{(taken.Before ? ", it came before" : "")}");
                world.StatementAuditor.Taken(taken, whole);
                return;
            }
            await world.Loop.Wait(TimeSpan.FromMinutes(1));
        }
    }
}
