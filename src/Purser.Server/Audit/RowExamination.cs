using Npgsql;
using Purser.Reconciliation;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Audit;

/// <summary>Recomputes what statements' rows posted by themselves, from the rows themselves and from what persons and later evidence made of their
/// questions, and names the first posting that differs.</summary>
public sealed class RowExamination(NpgsqlDataSource database)
{
    readonly RowAuditStore rows = new(database);
    readonly SettlementFileStore files = new(database);
    readonly SettlementLineStore lines = new(database);
    readonly Dictionary<long, SettlementFile?> known = [];

    /// <summary>How many postings were looked at.</summary>
    public long Postings { get; private set; }

    /// <param name="except">Rows that are known to differ, as they are named.</param>
    public async Task<IReadOnlyList<Difference>> Run(IReadOnlySet<string> except, int most, CancellationToken stop)
    {
        var found = new List<Difference>();
        await foreach (var row in rows.Posted(stop))
        {
            if (found.Count >= most) return found;
            if (await Look(row, stop) is { } differs && !except.Contains(differs.Row)) found.Add(differs);
        }
        if (found.Count < most) found.AddRange(await rows.Unasked(most - found.Count, stop));
        await foreach (var row in rows.Repeated(stop))
        {
            if (found.Count >= most) return found;
            if (await Look(row, stop) is { } differs && !except.Contains(differs.Row)) found.Add(differs);
        }
        await foreach (var row in rows.Silent(stop))
        {
            if (found.Count >= most) return found;
            if (await Expected(row, stop) is [var first, ..])
                found.Add(Differs(row, $"its postings are not there, the first of which is {first.Amount} on {first.LedgerAccount}."));
        }
        return found;
    }

    async Task<Difference?> Look(KeptRow row, CancellationToken stop)
    {
        Postings += row.Postings.Count;
        if (row.Line is not { } line) return row.Postings is [var stray, ..] ? Differs(row, $"{stray.Amount} on {stray.LedgerAccount}, and {SettlementFile.IdOf(row.File)} has no such row.") : null;
        if (row.Postings is [var early, ..] && await File(row.File, stop) is { State: not (FileState.Acting or FileState.Done), IdText: var id })
            return Differs(row, $"{early.Amount} on {early.LedgerAccount}, and {id} is not applied.");
        var right = await Expected(row, stop);
        if (row.Question is null)
        {
            for (var i = 0; i < right.Count; i++)
            {
                if (row.Postings.Find(p => p.Line == right[i].Line) is not { } posted) return Differs(row, $"line {right[i].Line} is not there: {right[i].Amount} on {right[i].LedgerAccount}.");
                if (posted != right[i]) return Differs(row, $"line {posted.Line} has {posted.Amount} on {posted.LedgerAccount}, and line {line.Number} of {SettlementFile.IdOf(row.File)} makes {right[i].Amount} on {right[i].LedgerAccount}.");
            }
            return row.Postings.Find(p => p.Line > right.Count) is { } later ? Differs(row, $"line {later.Line} has {later.Amount} on {later.LedgerAccount}, which nothing accounts for.") : null;
        }
        // Answers come and go; what is left of them is what the last one means.
        var stands = Sum(row.Postings);
        foreach (var ((account, currency), amount) in Sum(right))
            if (stands.GetValueOrDefault((account, currency)) != amount) return Off(account, currency, amount);
            else stands.Remove((account, currency));
        foreach (var ((account, currency), amount) in stands)
            if (amount != 0) return Off(account, currency, 0);
        return null;

        Difference Off(string account, Currency currency, Int128 right) => Differs(row,
            $"{Text(stands.GetValueOrDefault((account, currency)), currency)} are on {account}, and line {line.Number} of {SettlementFile.IdOf(row.File)} with its question, {(row.Answer is { } answer ? $"resolved with {answer}" : "which is open")}, makes {Text(right, currency)}.");
    }

    static Dictionary<(string Account, Currency Currency), Int128> Sum(IEnumerable<RowPosting> postings) =>
        postings.GroupBy(p => (p.LedgerAccount, p.Amount.Currency)).ToDictionary(g => g.Key, g => g.Aggregate((Int128)0, (sum, p) => sum + p.Amount.MinorUnits));

    static string Text(Int128 units, Currency currency) => units < long.MinValue || units > long.MaxValue ? $"{units} of {currency.Code}'s minor unit" : new Money((long)units, currency).ToString();

    async Task<IReadOnlyList<RowPosting>> Expected(KeptRow row, CancellationToken stop)
    {
        if (await File(row.File, stop) is not { } file || row.Line is not { } line || file.Account != row.Account) return [];
        if (row.Question is SettlementClass.DuplicateLine) return RowBooks.Repeats(file, line, null, row.Answer);
        if (row.Question is SettlementClass.Changed) return await FirstRow.Of(lines, line, stop) is { } first ? RowBooks.Repeats(file, line, first.Line, row.Answer) : [];
        return row.Question is { } question ? RowBooks.Stands(file, line, question, row.Answer, row.Final) : RowBooks.Applied(file, line);
    }

    async Task<SettlementFile?> File(long id, CancellationToken stop)
    {
        if (!known.TryGetValue(id, out var file)) known.Add(id, file = await files.Find(id, stop));
        return file;
    }

    static Difference Differs(KeptRow row, string what) => new("settlement_postings", $"{row.Account}/{row.Key}", what);
}
