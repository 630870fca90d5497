using System.Buffers.Binary;
using System.Security.Cryptography;
using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Simulation;

/// <summary>A settlement file with its lease and its lines.</summary>
sealed class StoredFile(SettlementFile row, byte[] bytes)
{
    public SettlementFile Row { get; set; } = row;
    public byte[] Content => bytes;
    public string? LeasedBy { get; set; }
    public DateTimeOffset? LeasedUntil { get; set; }
    /// <summary>It is being applied.</summary>
    public bool Begun { get; set; }
    public List<FileLine> Lines { get; } = [];
}

sealed class FileLine(ReadLine read)
{
    public ReadLine Read => read;
    public SettlementLine Said => read.Line;
    public SettlementClass Class { get; set; } = Matching.Presumed(read.Line.Kind);
    public (long File, int Number)? Was { get; set; }
}

/// <summary>What a person is asked about a row.</summary>
sealed class RowQuestion(long id, string account, long file, OpenedRow row)
{
    public long Id => id;
    public string Account => account;
    public long File => file;
    public OpenedRow Row { get; set; } = row;
    public string? Resolution { get; set; }
    /// <summary>The line of a later file that named what the row did not.</summary>
    public (long File, int Number)? Named { get; set; }
}

/// <summary>The tables of settlement files, with what their statements do to them. What follows from a line is decided elsewhere, by the product.</summary>
sealed class Statements(World world)
{
    readonly List<string> policies = [];

    public List<StoredFile> Files { get; } = [];
    public Dictionary<(string Account, string RowKey), List<RowPosting>> Postings { get; } = [];
    public Dictionary<(string Account, string RowKey, SettlementClass Class), RowQuestion> Discrepancies { get; } = [];
    /// <summary>A question that is asked anew has another id.</summary>
    long lastQuestion;

    /// <summary>Who looks for answered questions just now.</summary>
    public Life? Turn { get; set; }

    /// <summary>A person is asked about the row.</summary>
    public bool IsAsked(string account, string rowKey, SettlementClass what) => Discrepancies.TryGetValue((account, rowKey, what), out var question) && question.Resolution is null;

    /// <summary>A person is asked whose the row's money is, or how it is to be booked.</summary>
    public bool Waits(string account, string rowKey) =>
        Enum.GetValues<SettlementClass>().Any(c => c is not (SettlementClass.DuplicateLine or SettlementClass.Changed) && IsAsked(account, rowKey, c));

    /// <summary>The row stands in the books by itself.</summary>
    public bool IsPosted(string account, string rowKey) => Postings.TryGetValue((account, rowKey), out var sides)
        && sides.GroupBy(s => (s.LedgerAccount, s.Amount.Currency)).Any(g => g.Sum(s => s.Amount.MinorUnits) != 0);

    /// <summary>What the latest row of other content adds more than the first of its name, of those that are asked about and change anything in the books.</summary>
    public IEnumerable<(SettlementFile File, Money More)> Corrected()
    {
        foreach (var question in Discrepancies.Values.Where(d => d.Row.Class == SettlementClass.Changed && d.Resolution is null))
        {
            var now = this[question.File].Lines[question.Row.Number - 1];
            var first = now;
            while (first is { Class: SettlementClass.Changed, Was: { } was }) first = this[was.File].Lines[was.Number - 1];
            foreach (var (line, sign) in ((FileLine, int)[])[(now, 1), (first, -1)])
                if (line.Said.Kind != SettlementKind.FailedPayment && (line.Said.Kind != SettlementKind.Payout || this[question.File].Row.PaidOut is not true))
                    yield return (this[question.File].Row, sign > 0 ? line.Said.Net : -line.Said.Net);
        }
    }

    DateTimeOffset Now => world.Time.GetUtcNow();

    public StoredFile this[long file] => Files[(int)file - 1];

    static bool IsOver(StoredFile file) => file.Row.State is FileState.Done or FileState.Refused;

    /// <summary>When somebody could take a file next; null when none is left.</summary>
    public DateTimeOffset? NextAt => Files.Exists(f => !IsOver(f)) ? Files.Where(f => !IsOver(f)).Min(f => f.LeasedUntil ?? Now) : null;

    public TakenIn TakeIn(string account, string name, byte[] bytes, FileSource source)
    {
        var sha = SHA256.HashData(bytes);
        if (world.Bug.TakesFilesAgain || Files.Find(f => f.Row.Account == account && f.Row.Sha256.AsSpan().SequenceEqual(sha)) is not { } before)
        {
            var row = new SettlementFile(Files.Count + 1, account, sha, name, source, bytes.Length, Now, false, FileState.Stored, 0, 0, 0, 0, [], null, null, null, null, null, null);
            Files.Add(new StoredFile(row, bytes));
            return new TakenIn(row, Before: false);
        }
        if (before.Row.State != FileState.Refused) return new TakenIn(before.Row, Before: true);
        before.Row = before.Row with { State = FileState.Stored, Refusal = null, Tries = 0 };
        return new TakenIn(before.Row, Before: false);
    }

    public SettlementFile? Claim(string worker)
    {
        var free = Files.Where(f => !IsOver(f) && !(f.LeasedUntil >= Now)
            && !Files.Exists(other => other.Row.Account == f.Row.Account && other != f && !IsOver(other) && (!other.Begun, other.Row.Id).CompareTo((!f.Begun, f.Row.Id)) < 0)).MinBy(f => f.Row.Tries);
        if (free is null) return null;
        free.Begun = true;
        Lease(free, worker);
        return (free.Row = free.Row with { Tries = free.Row.Tries + 1 }) with { Worker = worker };
    }

    void Lease(StoredFile file, string worker) => (file.LeasedBy, file.LeasedUntil) = (worker, Now + SettlementFileStore.Lease);

    public void Renew(long file, string worker) => Lease(Held(file, worker), worker);

    StoredFile Held(long file, string worker) => this[file].LeasedBy == worker ? this[file] : throw new LeaseLostException(file);

    /// <summary>What is written for a file is written by who has it.</summary>
    public void Hold(SettlementFile file) => Held(file.Id, file.Worker ?? "");

    public void Release(long file, string worker)
    {
        if (this[file].LeasedBy == worker) (this[file].LeasedBy, this[file].LeasedUntil) = (null, null);
    }

    public void Advance(SettlementFile to, string worker)
    {
        var file = Held(to.Id, worker);
        var before = file.Row;
        file.Row = before with
        {
            State = to.State,
            RowsRead = to.RowsRead,
            RowsActed = to.RowsActed,
            Classes = to.Classes,
            CoversFrom = to.CoversFrom,
            CoversTo = to.CoversTo,
            Policy = to.Policy,
            PaidOut = to.PaidOut,
            DoneAt = to.State == FileState.Done ? Now : before.DoneAt,
            Tries = before.State == to.State && before.RowsActed == to.RowsActed ? before.Tries : 0,
        };
        world.StatementAuditor.Moved(file, before);
    }

    public void Refuse(long id, string worker, FileRefusal why)
    {
        var file = this[id];
        if (file.LeasedBy != worker) return;
        var before = file.Row;
        if (world.Bug.KeepsWhatCouldBeRead)
        {
            Presume(id);
            file.Row = before with { State = FileState.Matched, RowsRead = file.Lines.Count, Classes = Totals(file) };
            (file.LeasedBy, file.LeasedUntil) = (null, null);
            return;
        }
        file.Row = before with { State = FileState.Refused, Refusal = why, RowsStored = 0, DoneAt = Now };
        file.Begun = false;
        file.Lines.Clear();
        (file.LeasedBy, file.LeasedUntil) = (null, null);
        world.StatementAuditor.Moved(file, before);
    }

    static List<ClassTotal> Totals(StoredFile file) => [.. file.Lines.GroupBy(l => (l.Class, Amount: l.Said.Amount.Currency.Code, Net: l.Said.Net.Currency.Code))
        .Select(g => new ClassTotal(g.Key.Class, g.Key.Amount, g.Key.Net, g.Count(), g.Sum(l => l.Said.Amount.MinorUnits), g.Sum(l => l.Said.Net.MinorUnits)))];

    public void Store(long id, string worker, IReadOnlyList<ReadLine> batch)
    {
        var file = Held(id, worker);
        if (file.Row.RowsStored != batch[0].Number - 1 || file.Row.State != FileState.Reading) throw new LeaseLostException(id);
        file.Lines.AddRange(batch.Select(read => new FileLine(read)));
        file.Row = file.Row with { RowsStored = batch[^1].Number, Tries = 0 };
        Lease(file, worker);
    }

    public List<StoredLine> List(long id, SettlementClass? only, int after, int limit)
    {
        var file = this[id];
        return [.. file.Lines.Where(l => l.Read.Number > after && (only is null || l.Class == only)).Take(limit)
            .Select(l => new StoredLine(l.Read.Number, l.Read.Row, world.Bug.TakesEveryRow ? Matching.Presumed(l.Said.Kind) : l.Class, l.Said, About(file.Row.Account, l.Said), l.Was))];
    }

    PaymentId? About(string account, SettlementLine line)
    {
        if (line.Payment is not null || line.Refund is not null) return line.Payment;
        return line.MoneyReference is { } money ? world.Database.FindMoney(account, money) : null;
    }

    public void Presume(SettlementFile file)
    {
        Hold(file);
        Presume(file.Id);
    }

    void Presume(long file)
    {
        foreach (var line in this[file].Lines) (line.Class, line.Was) = (Matching.Presumed(line.Said.Kind), null);
    }

    public List<(SettlementKind, ClassTotal)> Store(SettlementFile file, IReadOnlyList<Reclassed> lines)
    {
        Hold(file);
        var id = file.Id;
        foreach (var (line, to) in lines.Select(l => (this[id].Lines[l.Number - 1], l)))
            (line.Class, line.Was) = (world.Bug.CallsUnpaidWhatIsUnpaidHere && to.Class == SettlementClass.TheirsPaid ? SettlementClass.BothUnpaid : to.Class, to.WasFile == 0 ? null : (to.WasFile, to.WasNumber));
        return [.. lines.Select(l => this[id].Lines[l.Number - 1])
            .GroupBy(l => (l.Said.Kind, l.Class, Amount: l.Said.Amount.Currency.Code, Net: l.Said.Net.Currency.Code))
            .Select(g => (g.Key.Kind, new ClassTotal(g.Key.Class, g.Key.Amount, g.Key.Net, g.Count(), g.Sum(l => l.Said.Amount.MinorUnits), g.Sum(l => l.Said.Net.MinorUnits))))];
    }

    public List<(long File, long Turn, int First, byte[] Keys)> EarlierKeys(SettlementFile file)
    {
        var pieces = new List<(long, long, int, byte[])>();
        foreach (var earlier in Files.Where(f => f.Row.Account == file.Account && f.Row.Id != file.Id
            && f.Row.State is FileState.Matched or FileState.Acting or FileState.Done && f.Lines.Count > 0))
        {
            var keys = new byte[earlier.Lines.Count * 16];
            for (var i = 0; i < earlier.Lines.Count; i++)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(keys.AsSpan(i * 16), earlier.Lines[i].Read.Key);
                BinaryPrimitives.WriteUInt64LittleEndian(keys.AsSpan((i * 16) + 8), earlier.Lines[i].Read.Content);
            }
            pieces.Add((earlier.Row.Id, earlier.Row.Id, 1, keys));
        }
        return pieces;
    }

    public Dictionary<int, bool> SameKeys(long file, IReadOnlyList<Reclassed> pairs) => pairs
        .Select(p => (p.Number, One: this[file].Lines[p.Number - 1].Said, Other: this[p.WasFile].Lines[p.WasNumber - 1].Said, MayBe: p.Class != SettlementClass.DuplicateLine || p.WasFile == file || MayBe(file, p)))
        .Where(p => p.One.RowKey == p.Other.RowKey).ToDictionary(p => p.Number, p => p.MayBe && Agree(p.One, p.Other));

    /// <summary>A further row of a key is that of an earlier file only within a day of it, and where somebody was asked about that one.</summary>
    bool MayBe(long file, Reclassed pair)
    {
        var (one, other) = (this[file].Lines[pair.Number - 1].Said, this[pair.WasFile].Lines[pair.WasNumber - 1]);
        return !((one.HappenedAt - other.Said.HappenedAt)?.Duration() >= TimeSpan.FromDays(1))
            && (other.Class == SettlementClass.Repeated || Discrepancies.Keys.Any(d => d.RowKey == RowName.Further(other.Said.RowKey, SettlementFile.IdOf(pair.WasFile), pair.WasNumber)));
    }

    static bool Agree(SettlementLine one, SettlementLine other)
    {
        static bool Either<T>(T? a, T? b) => a is null || b is null || a.Equals(b);
        return one.Kind == other.Kind && one.Amount == other.Amount && one.Net == other.Net && ((Either(one.Fee, other.Fee) && Either(one.Tax, other.Tax)) || IsFeeWithTax(one, other) || IsFeeWithTax(other, one))
            && Either(one.Payment, other.Payment) && Either(one.Refund, other.Refund) && Either(one.MoneyReference, other.MoneyReference)
            && Either(one.RefundReference, other.RefundReference) && Either(one.PayoutReference, other.PayoutReference)
            && Either(one.SettledOn, other.SettledOn);
        static bool IsFeeWithTax(SettlementLine whole, SettlementLine parts) => whole is { Fee: { } all, Tax: null } && parts is { Fee: { } fee, Tax: { } tax } && all == fee + tax;
    }

    public Dictionary<int, (long File, int Number)?> FailedFirst(string account, IReadOnlyList<(int Number, (long File, int Number) First, (long File, int Number) Last)> changed)
    {
        SettlementLine Said((long File, int Number) at) => this[at.File].Lines[at.Number - 1].Said;
        return changed.Where(c => Said(c.First).Kind == SettlementKind.FailedPayment && !Discrepancies.Values.Any(d => d.Account == account && d.Row.AgainOf == Said(c.First).RowKey)).ToDictionary(c => c.Number, c =>
            Discrepancies.TryGetValue((account, Said(c.First).RowKey, SettlementClass.Changed), out var asked) ? (asked.File, asked.Row.Number)
            : Said(c.Last).Kind == SettlementKind.FailedPayment ? null : ((long, int)?)c.Last);
    }

    public void StreamPayments(string account, long from, long to, Action<OursRow> take)
    {
        foreach (var (id, order) in world.Database.Orders.Where(o => o.Key.Value >= from && o.Key.Value <= to))
            foreach (var p in order.Row.Payments.Where(p => p.Account == account))
                take(new OursRow(id.Value, p.Amount.MinorUnits, p.Number, (byte)p.Status, CurrencyCode.Of(p.Amount.Currency.Code)));
    }

    public List<LineBesideOurs> LookUp(SettlementFile file, int[] numbers)
    {
        var found = new List<LineBesideOurs>();
        foreach (var line in numbers.Select(n => this[file.Id].Lines[n - 1]))
        {
            var said = line.Said;
            var captured = said is { Payment: null, Refund: null, MoneyReference: { } money } ? world.Database.FindMoney(file.Account, money) : null;
            var order = (said.Payment?.Order ?? said.Refund?.Order ?? captured?.Order) is { } id ? world.Database.Orders.GetValueOrDefault(id)?.Row : null;
            var refund = said.Refund is { } named ? order?.Refund(named.Number) : null;
            var p = (said.Payment?.Number ?? refund?.Payment ?? captured?.Number) is { } number ? order?.Payment(number) : null;
            found.Add(new LineBesideOurs(
                line.Read.Number, said.Kind, said.Amount, said.Net, said.Tax, said.Method, p is null ? null : new PaymentId(order!.Id, p.Number), p?.Account,
                p is null ? null : new Ours(p.Status, p.Amount),
                RefundKnown: refund is not null || (said.Refund is null && p is not null && Alike(order!, p.Number, said.Amount).Any()),
                RefundEnded: refund?.Status == RefundStatus.Succeeded));
        }
        return found;
    }

    static IEnumerable<Refund> Alike(Order order, int payment, Money amount) =>
        order.Refunds.Where(r => r.Payment == payment && r.Amount.MinorUnits == amount.MinorUnits && r.Status != RefundStatus.Failed);

    public int PolicyVersion(SettlementOptions options)
    {
        var content = $"{options.TheirsPaid} {options.Confirm} {options.TwoPersons}";
        if (!policies.Contains(content)) policies.Add(content);
        return policies.IndexOf(content) + 1;
    }

    /// <summary>The line that evidence names, of a file that is acted on.</summary>
    public bool Has(string account, string rawKey)
    {
        var at = rawKey.Split(':');
        return SettlementFile.TryParseId(at[0], out var id) && this[id].Row is { State: FileState.Acting } row && row.Account == account && this[id].Lines.Exists(l => $"{l.Read.Number}" == at[1]);
    }

    /// <summary>What the line says that evidence names.</summary>
    public SettlementLine? Said(string rawKey) => rawKey.Split(':') is [var file, var number] && SettlementFile.TryParseId(file, out var id) ? this[id].Lines.Find(l => $"{l.Read.Number}" == number)?.Said : null;

    public Dictionary<int, PaymentNow> Payments(IReadOnlyList<StoredLine> lines)
    {
        var found = new Dictionary<int, PaymentNow>();
        foreach (var line in lines)
        {
            if ((line.Payment?.Order ?? line.Line.Refund?.Order) is not { } id || world.Database.Orders.GetValueOrDefault(id)?.Row is not { } order) continue;
            var refund = line.Line.Refund is { } named ? order.Refund(named.Number) : null;
            if ((line.Payment?.Number ?? refund?.Payment) is not { } number || order.Payment(number) is not { } p) continue;
            var isNameless = line.Line is { Refund: null, Kind: SettlementKind.Refund or SettlementKind.RefundReturned };
            found[line.Number] = new PaymentNow(p.Status, [.. p.Captures.Select(c => c.MoneyReference)], refund?.Number ?? 0,
                isNameless ? [.. order.Refunds.Where(r => r.Payment == number).Select(OursRefund.Of)] : [], p.Captures.Max(c => (DateTimeOffset?)c.At), p.Account);
        }
        return found;
    }

    public void Write(SettlementFile file, IReadOnlyList<RowPosting> postings, IReadOnlyList<OpenedRow> opened)
    {
        if (file.Worker is not null) Hold(file);
        foreach (var sides in world.Bug.PostsNoRows ? [] : postings.GroupBy(p => p.RowKey).Where(g => !Postings.ContainsKey((file.Account, g.Key))))
            Postings.Add((file.Account, sides.Key), [.. sides.DistinctBy(s => s.Line)]);
        foreach (var row in opened.Where(o => o.Class == SettlementClass.Changed && Discrepancies.TryGetValue((file.Account, o.RowKey, o.Class), out var asked) && asked.File != file.Id))
        {
            // Asked anew: what this one says otherwise takes the place of what the one before it did.
            Discrepancies.Remove((file.Account, row.RowKey, row.Class));
            Postings[(file.Account, RowName.Of(row.RowKey, row.Class))] = [.. postings.Where(p => p.RowKey == RowName.Of(row.RowKey, row.Class))];
        }
        foreach (var row in opened) Discrepancies.TryAdd((file.Account, row.RowKey, row.Class), new RowQuestion(++lastQuestion, file.Account, file.Id, row));
    }

    public Dictionary<string, AskedRow> Asked(string account, IReadOnlyList<string> rowKeys) => Discrepancies.Values
        .Where(d => d.Resolution is null && d.Account == account && d.Row.AgainOf is null && d.Row.Class != SettlementClass.NotApplied && ActStore.AnsweredByMoney.Contains(d.Row.Class) && rowKeys.Contains(d.Row.RowKey)
            && !Discrepancies.Values.Any(o => o.Account == account && o.Row.AgainOf == d.Row.RowKey))
        .DistinctBy(d => d.Row.RowKey).ToDictionary(d => d.Row.RowKey, d => new AskedRow(d.Id, d.File, d.Row.Number, this[d.File].Row.PaidOut is true, d.Named));

    /// <summary>Its number stays that of the line that it was asked about first.</summary>
    public void Name(long id, long file, OpenedRow now)
    {
        var (key, question) = Discrepancies.Single(d => d.Value.Id == id);
        if (question.Resolution is not null) return;
        Discrepancies.Remove(key);
        (question.Row, question.Named) = (now with { Number = question.Row.Number }, (file, now.Number));
        Discrepancies.Add((key.Account, key.RowKey, now.Class), question);
    }

    public List<long> Unanswered(long after, int most) =>
        [.. Discrepancies.Values.Where(d => d.Resolution is null && d.Id > after && d.Row.Class != SettlementClass.NotApplied && ActStore.AnsweredByMoney.Contains(d.Row.Class)).Select(d => d.Id).Order().Take(most)];

    public List<AnsweredRow> Answered(IReadOnlyList<long> questions)
    {
        var found = new List<AnsweredRow>();
        foreach (var question in Discrepancies.Values.Where(d => d.Resolution is null && questions.Contains(d.Id)).OrderBy(d => d.Id))
        {
            var said = Line(question);
            if (PaymentOf(question, said) is { } known && (said.Kind != SettlementKind.Payment || IsTold(known, said)))
                found.Add(new AnsweredRow(question.Id, question.File, question.Row.Number, known, null, said is { Kind: SettlementKind.Payment, MoneyReference: null }) { Named = question.Named });
        }
        return found;
    }

    PaymentId? PaymentOf(RowQuestion question, SettlementLine said) => said.MoneyReference is { } money ? world.Database.FindMoney(question.Account, money)
        : said is { Kind: SettlementKind.Payment, Payment: { } named } && world.Database.Orders.GetValueOrDefault(named.Order)?.Row.Payment(named.Number) is { Captures: [var only] }
            && only.Amount == said.Amount && (only.Settled is null || only.Settled.RowKey == said.RowKey) ? named
        : said.Kind is SettlementKind.Refund or SettlementKind.RefundReturned ? said.Payment : null;

    /// <summary>The gateway itself told of the row's money.</summary>
    bool IsTold(PaymentId payment, SettlementLine said) => world.Database.Orders[payment.Order] is var order && order.Events.Exists(e => e.Payment == payment.Number
        && ActStore.TellsOfMoney.Contains(e.Type) && e.Source is { } source && ActStore.GatewaysOwn.Contains(source) && (said.MoneyReference is not { } money || e.MoneyReference == money));

    public SettlementLine Line(RowQuestion question)
    {
        var first = this[question.File].Lines[question.Row.Number - 1].Said;
        return question.Named is { } later ? NamedRow.Together(first, this[later.File].Lines[later.Number - 1].Said) ?? first : first;
    }

    /// <summary>The gateway itself told of the money that the row is about, so that nobody needs to be asked any more.</summary>
    public bool IsKnown(RowQuestion question) => Line(question) is { Kind: SettlementKind.Payment } said
        && PaymentOf(question, said) is { } payment && IsTold(payment, said);

    public bool Confirm(long id, string resolution, IReadOnlyList<RowPosting> stands)
    {
        var question = Discrepancies.Values.Single(d => d.Id == id);
        if (question.Resolution is not null) return false;
        question.Resolution = resolution;
        if (Postings.TryGetValue((question.Account, question.Row.RowKey), out var sides))
            sides.AddRange([.. sides.GroupBy(s => (s.LedgerAccount, s.Amount.Currency)).Select((g, n) => new RowPosting(
                question.Row.RowKey, sides.Count + n + 1, g.Key.LedgerAccount, new Money(-g.Sum(s => s.Amount.MinorUnits), g.Key.Currency)))]);
        else if (stands.Count > 0) Postings.Add((question.Account, question.Row.RowKey), sides = []);
        foreach (var side in stands) sides!.Add(side with { Line = sides.Count + 1 });
        return true;
    }

    public List<(PaymentId, string, string, DateOnly)> Overdue(string? account, DateOnly from, DateOnly before, IReadOnlyCollection<string> unstated, (string Account, string Money)? after, int most) =>
        [.. world.Database.Orders.Values.SelectMany(o => o.Row.Payments.SelectMany(p => p.Captures.Select(c => (Id: new PaymentId(o.Row.Id, p.Number), c.MoneyReference, p.Account, Capture: c))))
            .Where(c => c.Capture is { Settled: null, Expected.DueOn: { } due } && !c.Capture.IsDoubted(DiscrepancyKind.NotSettled) && due >= from && due < before && (account is null || c.Account == account)
                && (!unstated.Contains(c.Account) || HasStatement(c.Account))
                && (after is not { } last || Compare((c.Account, c.MoneyReference), last) > 0))
            .OrderBy(c => c.Account, StringComparer.Ordinal).ThenBy(c => c.MoneyReference, StringComparer.Ordinal).Take(most)
            .Select(c => (c.Id, c.MoneyReference, c.Account, c.Capture.Expected!.DueOn!.Value))];

    public bool HasStatement(string account) => Files.Exists(f => f.Row.Account == account && f.Row.State == FileState.Done);

    /// <summary>The last day that a file of the account covers.</summary>
    public DateOnly? CoveredTo(string account) => Files.Where(f => f.Row.Account == account && f.Row.State == FileState.Done)
        .Max(f => f.Row.CoversTo is { } to && DateOnly.FromDateTime(f.Row.ReceivedAt.UtcDateTime) is var received && received < to ? received : f.Row.CoversTo);

    public List<UnsettledRefund> UnsettledRefunds(string? account, DateOnly before, RefundId? after, int most)
    {
        var covered = world.Gateways.ToDictionary(g => g.Account, g => CoveredTo(g.Account));
        return [.. world.Database.Orders.Values.SelectMany(o => o.Row.Refunds.Select(r => (Id: new RefundId(o.Row.Id, r.Number), Refund: r, o.Row.Payment(r.Payment)!.Account)))
            .Where(r => r.Refund is { Status: RefundStatus.Succeeded, Settled: null, NotSettled: false, DoneAt: { } done } && DateOnly.FromDateTime(done.UtcDateTime) < before
                && covered[r.Account] is { } day && DateOnly.FromDateTime(done.UtcDateTime) <= day && (account is null || r.Account == account)
                && (after is not { } last || (r.Id.Order.Value, r.Id.Number).CompareTo((last.Order.Value, last.Number)) > 0))
            .OrderBy(r => r.Id.Order.Value).ThenBy(r => r.Id.Number).Take(most)
            .Select(r => new UnsettledRefund(r.Id, r.Account, r.Refund.Amount, r.Refund.DoneAt!.Value, covered[r.Account]!.Value))];
    }

    static int Compare((string, string) one, (string, string) other) =>
        string.CompareOrdinal(one.Item1, other.Item1) is not 0 and var by ? by : string.CompareOrdinal(one.Item2, other.Item2);
}
