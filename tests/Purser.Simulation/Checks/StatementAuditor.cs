using System.Runtime.CompilerServices;
using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Settlement;

namespace Purser.Simulation;

/// <summary>Holds what must be so of settlement files: their lines add up, a row counts once, and what follows from a line has followed.</summary>
sealed class StatementAuditor(World world)
{
    readonly HashSet<long> whole = [];
    readonly HashSet<long> cut = [];

    Statements Tables => world.Database.Statements;

    public long TakenAgain { get; private set; }

    public void Taken(TakenIn taken, bool isWhole)
    {
        if (taken.Before) TakenAgain++;
        (isWhole ? whole : cut).Add(taken.File.Id);
    }

    /// <summary>At every step of a file.</summary>
    public void Moved(StoredFile file, SettlementFile before)
    {
        var row = file.Row;
        world.Trace.Mix(Desk.Index, 152, ((long)row.State << 32) ^ (row.RowsActed << 16) ^ row.RowsRead);
        world.Trace.Tell(Desk.Index, $"{row.IdText} of {row.Account}: {before.State} to {row.State}, {row.RowsActed} of {row.RowsRead} acted; {string.Join(", ", row.Classes.Select(c => $"{c.Class} {c.Count}"))} {row.Refusal?.Why}");
        if (row.State is FileState.Matched or FileState.Acting or FileState.Done) AddsUp(file);
        Check("I23 by a policy", row.State is not (FileState.Acting or FileState.Done) || row.Policy is not null, $"{row.IdText} is {row.State} and no policy says why");
        Check("I22 a file goes forward", row.State >= before.State && (row.State != before.State || row.RowsActed >= before.RowsActed), $"{row.IdText} went from {before.State} back to {row.State}");
    }

    void AddsUp(StoredFile file)
    {
        var row = file.Row;
        Check("I21 classes add up", row.Classes.Sum(c => c.Count) == row.RowsRead && row.RowsRead == file.Lines.Count, $"{row.IdText} has {row.RowsRead} rows, {file.Lines.Count} lines and {row.Classes.Sum(c => c.Count)} in its classes");
        foreach (var said in file.Lines.GroupBy(l => (l.Class, Amount: l.Said.Amount.Currency.Code, Net: l.Said.Net.Currency.Code)))
        {
            var total = row.Classes.SingleOrDefault(c => c.Class == said.Key.Class && c.Currency == said.Key.Amount && c.NetCurrency == said.Key.Net);
            Check("I21 classes add up", total is not null && total.Count == said.Count() && total.Amount == said.Sum(l => l.Said.Amount.MinorUnits)
                && total.Net == said.Sum(l => l.Said.Net.MinorUnits), $"{row.IdText}: {said.Key.Class} has {said.Count()} lines, and {total?.Count ?? 0} by its total");
        }
    }

    /// <summary>At rest.</summary>
    public void Judge()
    {
        foreach (var file in Tables.Files)
        {
            var row = file.Row;
            Check("I21 every file ends", row.State is FileState.Done or FileState.Refused, $"{row.IdText} of {row.Account} is {row.State} after {row.Tries} tries");
            Check("I21 a whole file is read", !whole.Contains(row.Id) || row.State == FileState.Done, $"{row.IdText} of {row.Account} is {row.State}: row {row.Refusal?.Row} {row.Refusal?.Column}: {row.Refusal?.Why}");
            Check("I21 a cut file is refused", !cut.Contains(row.Id) || whole.Contains(row.Id) || EndsBetweenRows(file) || row.State == FileState.Refused, $"{row.IdText} of {row.Account} is cut in a row and {row.State}");
            if (row.State == FileState.Refused)
                Check("I21 nothing of a refused file is applied", file.Lines.Count == 0 && !Applied(row.IdText), $"{row.IdText} is refused ({row.Refusal?.Why}), and something of it is applied");
            else foreach (var line in file.Lines) Followed(file, line);
        }
        OnceEach();
        InTheBooks();
        foreach (var stored in world.Database.Orders.Values)
        {
            foreach (var r in stored.Row.Refunds)
            {
                Missed(stored, r);
                foreach (var row in (Settled?[])[r.Settled, r.Returned])
                    if (row is not null) IsOf(stored, r, row.RowKey);
            }
            foreach (var p in stored.Row.Payments)
                foreach (var c in p.Captures)
                    Check("I23 the overdue are found", c is not { Settled: null, Expected.DueOn: { } due } || due >= world.OverdueUntil || c.IsDoubted(DiscrepancyKind.NotSettled) || (world.Accounts.Find(p.Account)!.Route.SettlesAfterDays is null && !world.Stated.Contains(p.Account)), $"{c.Amount} of {stored.Row.Id} was due {c.Expected?.DueOn}, and nobody missed it", stored.Index);
        }
    }

    /// <summary>What went back and was due while files covered the day was missed, if no row has it.</summary>
    void Missed(StoredOrder stored, Refund r)
    {
        var account = stored.Row.Payment(r.Payment)!.Account;
        if (r is not { Status: RefundStatus.Succeeded, Settled: null, DoneAt: { } done }) return;
        var due = world.Accounts.Find(account)!.Route.DueOn(DateOnly.FromDateTime(done.UtcDateTime));
        Check("I23 missing refunds are found", r.NotSettled || due >= world.OverdueUntil || !(due <= world.Covered.GetValueOrDefault(account)),
            $"{r.Amount} went back on {done} and was due {due}, files of {account} covered {world.Covered.GetValueOrDefault(account)}, and nobody missed it", stored.Index);
    }

    /// <summary>The row is about the refund that the gateway made when it was asked for this one, and about none that it made for another or by itself. One without a name is of the same money.</summary>
    void IsOf(StoredOrder stored, Refund r, string rowKey)
    {
        var gateway = world.Gateways.Single(g => g.Account == stored.Row.Payment(r.Payment)!.Account);
        foreach (var said in Tables.Files.Where(f => f.Row.Account == gateway.Account).SelectMany(f => f.Lines).Select(l => l.Said).Where(l => l.RowKey == rowKey))
            if (said.RefundReference is { } name && gateway.AskedAs(name) is { } asked)
                Check(RowOfAnother, asked == new RefundId(stored.Row.Id, r.Number).Reference, $"row {rowKey} of {name}, asked for as '{asked}', is taken for refund {r.Number} of {r.Amount}", stored.Index);
            else if (said is { RefundReference: null, Refund: null, MoneyReference: { } money } && stored.Row.Payment(r.Payment)!.Captures.Any(c => c.MoneyReference == money))
                Check(RowOfAnother, money == r.MoneyReference, $"row {rowKey} of {money} is taken for refund {r.Number} of {r.Amount} of {r.MoneyReference}", stored.Index);
    }

    public const string RowOfAnother = "I22 a row is of its own refund";

    static bool EndsBetweenRows(StoredFile file) => file.Content is [] or [.., (byte)'\n' or (byte)'\r'];

    bool Applied(string file) => world.Database.Orders.Values.Any(o => o.Events.Exists(e => e.RawKey?.StartsWith($"{file}:", StringComparison.Ordinal) == true));

    /// <summary>What the class of a line asks for has been done, or a person is asked.</summary>
    void Followed(StoredFile file, FileLine line)
    {
        var (said, account) = (line.Said, file.Row.Account);
        var payment = said.Payment ?? (said.MoneyReference is { } money ? world.Database.FindMoney(account, money) : null);
        var order = (payment?.Order ?? said.Refund?.Order) is { } id ? world.Database.Orders.GetValueOrDefault(id)?.Row : null;
        var asked = Tables.IsAsked(account, said.RowKey, line.Class) || Tables.IsAsked(account, said.RowKey, SettlementClass.TheirsPaid);
        var done = line.Class switch
        {
            SettlementClass.BothPaid or SettlementClass.Fee or SettlementClass.Amount or SettlementClass.Currency or SettlementClass.TheirsPaid =>
                asked || (order?.Payment(payment!.Value.Number) is { } p && p.Captures.Any(c => c.Settled?.RowKey == said.RowKey || c.OtherRows.Any(o => o.RowKey == said.RowKey))),
            SettlementClass.UnknownOrder => asked ? Tables.IsPosted(account, said.RowKey) : order is not null
                && (said.Kind is SettlementKind.Dispute or SettlementKind.DisputeReturned ? Disputed(file.Row, order, payment!.Value.Number, said) : Settles(order, said.RowKey)),
            SettlementClass.DuplicateLine => Tables.IsAsked(account, RowName.Further(said.RowKey, file.Row.IdText, line.Read.Number), line.Class),
            SettlementClass.Changed => asked,
            SettlementClass.Refund or SettlementClass.RefundUnasked or SettlementClass.RefundMissing when said.Kind == SettlementKind.RefundReturned =>
                asked || (order is not null && CameBack(order, said) && Posted(file.Row, said, ("fees", said.Amount - said.Net))),
            SettlementClass.Refund or SettlementClass.RefundUnasked => asked || (order is not null && WentBack(order, said)),
            SettlementClass.RefundMissing => order is not null && order.Refunds.Any(r => r.Status == RefundStatus.Failed && r.Amount == said.Amount && (said.Refund is not { } named || named.Number == r.Number)),
            SettlementClass.Dispute => asked || (order is not null && Disputed(file.Row, order, payment!.Value.Number, said)),
            SettlementClass.Adjustment => Posted(file.Row, said, ("fees", -said.Net)),
            SettlementClass.Payout => file.Row.PaidOut is true || Posted(file.Row, said, ("bank", -said.Net)),
            // Of money under another name than ours a failed try says nothing.
            SettlementClass.OursPaid => order?.Payment(payment!.Value.Number) is { } p && (said.MoneyReference is { } other && !p.Captures.Any(c => c.MoneyReference == other) || p.Captures.IsEmpty || p.Captures.Any(c => c.Settled is not null || c.IsDoubted(DiscrepancyKind.NotSettled))),
            SettlementClass.BothUnpaid => said.Kind == SettlementKind.FailedPayment && !asked && !Tables.Postings.ContainsKey((account, said.RowKey))
                && order?.Payment(payment!.Value.Number) is { } p && WasUnpaid(order, p, file.Row.ReceivedAt),
            SettlementClass.Repeated => Tables.Files.Exists(f => f != file && f.Row.Account == account && f.Lines.Exists(l => l.Said.RowKey == said.RowKey)),
            _ => throw new InvalidOperationException($"No rule for {line.Class}."),
        };
        Check("I23 what a line asks for is done", done, $"{file.Row.IdText}:{line.Read.Number} ({line.Class}, {said.RowKey}, {said.Amount}, payment {payment}) has had no effect", order is null ? -1 : world.Database.IndexOf(order.Id));
    }

    /// <summary>No money of the payment was known when the row came; what came of another try afterwards the row did not speak of.</summary>
    bool WasUnpaid(Order order, Payment p, DateTimeOffset then) => !p.Denied.IsEmpty || !world.Database.Orders[order.Id].Events.Exists(e => e.Payment == p.Number && e.At < then
        && e.Type is EventType.PaymentSucceeded or EventType.PaymentLate or EventType.PaymentDuplicate or EventType.PaymentAmountMismatch);

    /// <summary>The row is that of a refund, or of money that went beside ours; where it has another amount, a person is asked.</summary>
    static bool WentBack(Order order, SettlementLine said) => order.Refunds.Any(r => r.Settled?.RowKey == said.RowKey && (r.Amount == said.Amount || r.SettledOtherwise))
        || order.Payments.Any(p => p.OutsideRefunds.Any(o => o.RowKey == said.RowKey && o.Amount == said.Amount));

    /// <summary>The refund of the row failed, and has it; where it has another amount, a person is asked.</summary>
    static bool CameBack(Order order, SettlementLine said)
    {
        bool IsRow(Settled? row) => row?.RowKey == said.RowKey && row.Amount == said.Amount;
        return order.Payments.Any(p => p.OutsideRefunds.Any(o => o.CameBack && o.RefundReference == said.RefundReference && IsRow(o.Returned)))
            || order.Refunds.Any(r => r.Status == RefundStatus.Failed && IsRow(r.Returned) && (r.Amount == said.Amount || r.Amount.Currency != said.Amount.Currency || r.SettledOtherwise));
    }

    /// <summary>The order knows the dispute and its amount, and the rest of the row stands in the books.</summary>
    bool Disputed(SettlementFile file, Order order, int payment, SettlementLine said)
    {
        var back = said.Kind == SettlementKind.DisputeReturned;
        var moved = back ? said.Amount : -said.Amount;
        return order.Payment(payment)!.Disputes.Any(d => back ? d.ReturnedRow == said.RowKey && d.Returned == said.Amount : d.TakenRow == said.RowKey && d.Taken == said.Amount)
            && Posted(file, said, ("fees", moved - said.Net));
    }

    /// <summary>The row's sides in the books are these, what it adds to what the gateway owes, and where it is paid out, the bank's.</summary>
    bool Posted(SettlementFile file, SettlementLine said, (string Account, Money Amount) against)
    {
        var bank = file.PaidOut is true ? said.Net : Money.Zero(said.Net.Currency);
        var stand = Tables.Postings.GetValueOrDefault((file.Account, said.RowKey), [])
            .GroupBy(s => s.LedgerAccount switch { "fee_tax" => "fees", var ledger => ledger }).ToDictionary(g => g.Key, g => g.Sum(s => s.Amount.MinorUnits));
        var wanted = new Dictionary<string, long> { [against.Account] = against.Amount.MinorUnits };
        wanted["bank"] = wanted.GetValueOrDefault("bank") + bank.MinorUnits;
        wanted[$"receivable:{file.Account}"] = -against.Amount.MinorUnits - bank.MinorUnits;
        return wanted.Keys.Union(stand.Keys).All(ledger => wanted.GetValueOrDefault(ledger) == stand.GetValueOrDefault(ledger));
    }

    static bool Settles(Order order, string rowKey) => order.Refunds.Any(r => r.Settled?.RowKey == rowKey)
        || order.Payments.Any(p => p.Captures.Any(c => c.Settled?.RowKey == rowKey) || p.OutsideRefunds.Any(o => o.RowKey == rowKey));

    /// <summary>All that statements say was paid out is in the bank, whatever is asked about it; and what is asked about waits in suspense.</summary>
    void InTheBooks()
    {
        var (stated, booked) = (new Dictionary<Currency, long>(), new Dictionary<Currency, long>());
        foreach (var file in Tables.Files.Where(f => f.Row.State == FileState.Done))
            foreach (var line in file.Lines)
            {
                var said = line.Said;
                if (line.Class is SettlementClass.DuplicateLine or SettlementClass.Repeated or SettlementClass.Changed || said.Kind == SettlementKind.FailedPayment) continue;
                if (file.Row.PaidOut is true ? said.Kind != SettlementKind.Payout : said.Kind == SettlementKind.Payout)
                    stated[said.Net.Currency] = stated.GetValueOrDefault(said.Net.Currency) + (file.Row.PaidOut is true ? said.Net.MinorUnits : -said.Net.MinorUnits);
                if (!Tables.Waits(file.Row.Account, said.RowKey)) continue;
                var waits = Tables.Postings.GetValueOrDefault((file.Row.Account, said.RowKey), []).Where(s => s.LedgerAccount == "suspense").Sum(s => s.Amount.MinorUnits);
                Check("I22 what is asked about waits in suspense", waits == -(said.Net.MinorUnits + (said.Fee?.MinorUnits ?? 0) + (said.Tax?.MinorUnits ?? 0)),
                    $"row {said.RowKey} of {file.Row.Account} ({said.Net}) has {waits} in suspense");
            }
        foreach (var (file, more) in Tables.Corrected())
            if (file.PaidOut is true) stated[more.Currency] = stated.GetValueOrDefault(more.Currency) + more.MinorUnits;
        foreach (var (account, amount) in world.Database.Orders.Values.SelectMany(o => o.Postings).Select(p => (p.Account, p.Amount)).Concat(Tables.Postings.Values.SelectMany(p => p).Select(p => (p.LedgerAccount, p.Amount))))
            if (account == "bank") booked[amount.Currency] = booked.GetValueOrDefault(amount.Currency) + amount.MinorUnits;
        foreach (var currency in stated.Keys.Union(booked.Keys))
            Check("I22 the bank has what statements say", stated.GetValueOrDefault(currency) == booked.GetValueOrDefault(currency),
                $"{new Money(booked.GetValueOrDefault(currency), currency)} are in the bank, and statements say {new Money(stated.GetValueOrDefault(currency), currency)}");
    }

    /// <summary>However often a row came, it settled one thing and was posted once.</summary>
    void OnceEach()
    {
        var (settled, disputed) = (new HashSet<(string, string)>(), new HashSet<(string, string)>());
        void Once(string account, string? rowKey, int order)
        {
            if (rowKey is not null) Check("I22 a row counts once", settled.Add((account, rowKey)), $"row {rowKey} of {account} settles two things", order);
        }
        foreach (var stored in world.Database.Orders.Values)
        {
            foreach (var p in stored.Row.Payments)
            {
                foreach (var c in p.Captures) Once(p.Account, c.Settled?.RowKey, stored.Index);
                foreach (var o in p.OutsideRefunds) Once(p.Account, o.RowKey, stored.Index);
                foreach (var row in p.Disputes.SelectMany(d => (string?[])[d.TakenRow, d.ReturnedRow]).OfType<string>())
                    Check("I22 a row counts once", disputed.Add((p.Account, row)), $"row {row} of {p.Account} is of two disputes", stored.Index);
            }
            foreach (var r in stored.Row.Refunds) Once(stored.Row.Payment(r.Payment)!.Account, r.Settled?.RowKey, stored.Index);
            foreach (var row in stored.Events.Where(e => e.Type == EventType.SettlementMatched).GroupBy(e => (e.Account, e.Settled!.RowKey, e.MoneyReference, e.Refund, e.Reason)))
                Check("I22 a row counts once", row.Count() == 1, $"row {row.Key.RowKey} of {row.Key.Account} is booked {row.Count()} times", stored.Index);
        }
        foreach (var ((account, rowKey), sides) in Tables.Postings)
        {
            if (Tables.IsPosted(account, rowKey)) Once(account, rowKey, -1);
            Check("I22 a row counts once", sides.DistinctBy(s => s.Line).Count() == sides.Count, $"row {rowKey} of {account} is posted twice");
            Check("I12 postings balance", sides.GroupBy(s => s.Amount.Currency).All(g => g.Sum(s => s.Amount.MinorUnits) == 0), $"row {rowKey} of {account} does not balance");
        }
    }

    void Check(string rule, bool holds, [InterpolatedStringHandlerArgument("holds")] ref Auditor.Why why, int order = -1)
    {
        world.Auditor.Count(rule);
        if (!holds) world.Auditor.Broken(rule, order, why.Read());
    }
}
