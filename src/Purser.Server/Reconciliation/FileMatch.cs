using System.Buffers.Binary;
using System.Collections;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>Finds each line's class: first which rows came before, then what our records say. Their side lies in a hash in memory, a part at a time;
/// ours streams past it. Memory does not grow with the file.</summary>
sealed class FileMatch(IMatchStore store, SettlementHook hook)
{
    /// <summary>Fewer lines than these are looked up one by one; for more all our payments of that time are streamed.</summary>
    public int FewLines { get; init; } = UsuallyFewLines;

    public const int UsuallyFewLines = 20_000;

    /// <summary>How keys are kept that does not wait for the rest of it.</summary>
    public Func<Func<Task>, Task> Beside { get; init; } = Task.Run;

    const int LookedUpAtOnce = 5_000;
    const int StoredAtOnce = 20_000;

    /// <param name="again">A match of it was broken off, and may have stored some classes.</param>
    /// <returns>Lines and money by class; they add up to the file. And what it lacks of an earlier file that it issues again.</returns>
    public async Task<(IReadOnlyList<ClassTotal> Classes, LackedRows? Lacks)> Run(SettlementFile file, StatementPass pass, FeeTooHigh feeTooHigh, bool again, CancellationToken stop)
    {
        if (again) await store.Presume(file, stop);
        var work = new Work(store, hook, file, pass, feeTooHigh, FewLines, Beside, stop);
        try
        {
            await work.CameBefore();
        }
        finally
        {
            await work.EndKeeping();
        }
        await work.BesideOurs();
        return (await work.Finish(), await store.Lacked(file, work.Had, stop));
    }

    sealed class Work(
        IMatchStore store, SettlementHook hook, SettlementFile file, StatementPass pass, FeeTooHigh feeTooHigh, int fewLines,
        Func<Func<Task>, Task> beside, CancellationToken stop)
    {
        readonly RowTable table = new();
        readonly BitArray settled = new(pass.Lines + 1);
        readonly List<Reclassed> waiting = [];
        readonly Dictionary<(SettlementClass, string, string), ClassTotal> totals =
            pass.Totals.ToDictionary(t => (t.Class, t.Currency, t.NetCurrency));
        Task keeping = Task.CompletedTask;
        int foreign;

        /// <summary>By earlier file, how many of its rows this one has.</summary>
        public Dictionary<long, int> Had { get; } = [];

        /// <summary>Rows that an earlier file has, and rows that this file has twice.</summary>
        public async Task CameBefore()
        {
            using var earlier = new Spill<EarlierRow>(pass.Parts);
            var turns = new Dictionary<long, long>();
            await foreach (var (from, turn, first, keys) in store.EarlierKeys(file, Few(), stop))
            {
                turns[from] = turn;
                // Numbered by their place in a piece, or each by itself in a group.
                for (var (i, bytes) = (0, first > 0 ? 16 : KeyGroups.BytesOfAKey); i < keys.Length / bytes; i++)
                {
                    var one = keys.AsSpan(i * bytes);
                    var key = BinaryPrimitives.ReadUInt64LittleEndian(one);
                    if (pass.Seen.MayHave(key))
                        earlier.Add(pass.PartOf(key), new EarlierRow(key, BinaryPrimitives.ReadUInt64LittleEndian(one[8..]), from, first > 0 ? first + i : BinaryPrimitives.ReadInt32LittleEndian(one[16..])));
                }
            }

            var bits = KeyGroups.Bits(pass.Lines, pass.Parts);
            var doubtful = new List<Doubtful>();
            KeyRow[] rows = [];
            for (var part = 0; part < pass.Parts; part++)
            {
                var count = Load(pass.Keys, part, ref rows);
                await keeping;
                var (groups, begin) = (KeyGroups.Of(rows.AsSpan(0, count), part, pass.Parts, bits), part == 0);
                keeping = beside(() => store.KeepKeys(file, bits, groups, begin, stop));
                table.Clear(count);
                var repeated = new Dictionary<int, (EarlierRow First, EarlierRow Last)>();
                var changed = new Dictionary<int, (EarlierRow First, EarlierRow Last)>();
                var further = new Dictionary<int, FurtherRows>();
                var loaded = rows;
                for (var i = 0; i < count; i++)
                    if (table.Add(i, rows[i].Key, (one, other) => loaded[one].Key == loaded[other].Key) is >= 0 and var twin)
                    {
                        if (!further.TryGetValue(twin, out var ofKey)) further.Add(twin, ofKey = new FurtherRows());
                        ofKey.Rows.Add(i);
                    }
                foreach (var chunk in earlier.Read(part))
                    foreach (var before in chunk)
                    {
                        var found = table.Find(before.Key, i => loaded[i].Key == before.Key);
                        if (found < 0) continue;
                        Had[before.File] = Had.GetValueOrDefault(before.File) + 1;
                        if (further.TryGetValue(found, out var ofKey)) ofKey.Saw(before);
                        var versions = rows[found].Content == before.Content ? repeated : changed;
                        versions[found] = !versions.TryGetValue(found, out var others) ? (before, before)
                            : (IsEarlier(before, others.First) ? before : others.First, IsLater(before, others.Last) ? before : others.Last);
                    }
                foreach (var (first, ofKey) in further)
                {
                    var (counts, earlierRows) = ((file.Id, rows[first].Number), ofKey.IssuedBefore(i => loaded[i].Content, turns));
                    foreach (var (n, i) in ofKey.Rows.Index())
                        doubtful.Add(new Doubtful(rows[i].Number, SettlementClass.DuplicateLine, counts, earlierRows is null ? counts : Place(earlierRows[n + 1])));
                }
                for (var i = 0; i < count; i++)
                {
                    var differs = changed.TryGetValue(i, out var versions);
                    // What it says the last version says, too; one that says again what was corrected since takes the correction back.
                    var isKnown = repeated.TryGetValue(i, out var same);
                    if (isKnown && !(differs && IsLater(versions.Last, same.Last))) await Change(new Reclassed(rows[i].Number, SettlementClass.Repeated));
                    // The first of all versions was applied, so a change is a difference from that; whether there is one, the last says.
                    else if (differs)
                        doubtful.Add(new Doubtful(rows[i].Number, SettlementClass.Changed, Place(isKnown && IsEarlier(same.First, versions.First) ? same.First : versions.First), Place(versions.Last)));
                }
                if (doubtful.Count >= LookedUpAtOnce) await Compare(doubtful);
            }
            await keeping;
            await Compare(doubtful);

            static (long, int) Place(EarlierRow row) => (row.File, row.Number);
            // Of a file that has a row twice, the first counts.
            bool IsLater(EarlierRow one, EarlierRow other) => one.File == other.File ? one.Number < other.Number : turns[one.File] > turns[other.File];
            bool IsEarlier(EarlierRow one, EarlierRow other) => one.File == other.File ? one.Number < other.Number : turns[one.File] < turns[other.File];
        }

        /// <summary>Nothing of a match that failed goes on beside the one that begins it anew. What failed before is told, and not what this may.</summary>
        public async Task EndKeeping() => await keeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

        /// <summary>Rows of this file that have the key of an earlier one of it, in their order, and the rows of that key in earlier files.</summary>
        sealed class FurtherRows
        {
            readonly Dictionary<long, List<EarlierRow>> files = [];

            public List<int> Rows { get; } = [];

            public void Saw(EarlierRow before)
            {
                if (!files.TryGetValue(before.File, out var rows)) files.Add(before.File, rows = []);
                rows.Add(before);
            }

            /// <summary>The rows of the file that this one issues again, as far as its key tells: it has as many of it. One that says the same word for word goes before others, and then the latest.</summary>
            public List<EarlierRow>? IssuedBefore(Func<int, ulong> content, Dictionary<long, long> turns)
            {
                foreach (var rows in files.Values) rows.Sort((one, other) => one.Number.CompareTo(other.Number));
                return files.Values.Where(rows => rows.Count == Rows.Count + 1)
                    .MaxBy(rows => (Rows.Index().All(r => content(r.Item) == rows[r.Index + 1].Content), turns[rows[0].File]));
            }
        }

        /// <param name="First">The row that counts as the first of its name.</param>
        /// <param name="Last">The one that it must not contradict; of a further row of a key the one that it may be, or the first.</param>
        readonly record struct Doubtful(int Number, SettlementClass Class, (long File, int Number) First, (long File, int Number) Last);

        /// <summary>The file's keys, when they are few.</summary>
        long[]? Few()
        {
            if (pass.Lines > fewLines) return null;
            var keys = new List<long>(pass.Lines);
            for (var part = 0; part < pass.Parts; part++)
                foreach (var chunk in pass.Keys.Read(part))
                    foreach (var row in chunk) keys.Add((long)row.Key);
            return [.. keys];
        }

        /// <summary>64 bits may be equal by chance: before a row is set aside for its key, the keys themselves are compared.</summary>
        async Task Compare(List<Doubtful> doubtful)
        {
            var (further, changed) = (new List<Doubtful>(), new List<Doubtful>());
            foreach (var some in doubtful.Chunk(LookedUpAtOnce))
            {
                var same = await store.SameKeys(file.Id, [.. some.Select(d => new Reclassed(d.Number, d.Class, d.Last.File, d.Last.Number))], stop);
                foreach (var one in some)
                {
                    var (known, isEarlier) = (same.TryGetValue(one.Number, out var agree), one.Last.File != file.Id);
                    if (agree && isEarlier) await Change(new Reclassed(one.Number, SettlementClass.Repeated));
                    else if (isEarlier && one.Class == SettlementClass.DuplicateLine) further.Add(one with { Last = one.First });
                    else if (known && one.Class == SettlementClass.Changed) changed.Add(one);
                    else if (known) await Change(new Reclassed(one.Number, one.Class, one.First.File, one.First.Number));
                }
            }
            doubtful.Clear();
            foreach (var some in changed.Chunk(LookedUpAtOnce))
            {
                var failed = await store.FailedFirst(file.Account, [.. some.Select(d => (d.Number, d.First, d.Last))], stop);
                foreach (var one in some)
                    if (!failed.TryGetValue(one.Number, out var applied)) await Change(new Reclassed(one.Number, one.Class, one.First.File, one.First.Number));
                    else if (applied is { } at) await Change(new Reclassed(one.Number, one.Class, at.File, at.Number));
            }
            if (further.Count > 0) await Compare(further);
        }

        public async Task BesideOurs()
        {
            var alone = new LineSet();
            if (pass.WithOurs > fewLines) await Stream(alone);
            else
                for (var part = 0; part < pass.Parts; part++)
                    foreach (var chunk in pass.Money.Read(part))
                        foreach (var row in chunk) alone.Add(row.Number);
            foreach (var numbers in alone.Concat(pass.Others).Where(n => !settled[n]).Chunk(LookedUpAtOnce))
            {
                var answered = await store.LookUp(file, numbers, stop);
                foreach (var line in answered) await Decide(line);
            }
        }

        async Task Decide(LineBesideOurs line)
        {
            var ours = line.Ours;
            // What another account took is no payment of this one, whatever its name.
            if (line.Account is { } account && account != file.Account)
            {
                ours = null;
                foreign++;
            }
            var found = line.Kind is SettlementKind.Refund or SettlementKind.RefundReturned && ours is not null
                ? Matching.OfRefund(line.Kind, line.RefundKnown, line.RefundEnded)
                : Matching.Of(new Theirs(line.Kind, line.Amount, feeTooHigh(line.Amount, line.Net, line.Tax, line.Method)), ours);
            if (found != Matching.Presumed(line.Kind)) await Change(new Reclassed(line.Number, found));
        }

        /// <param name="alone">Is told the lines that no payment of that time is about.</param>
        async Task Stream(LineSet alone)
        {
            using var ours = new Spill<OursRow>(pass.Parts);
            await store.StreamPayments(file.Account, pass.LowestOrder, pass.HighestOrder,
                row => ours.Add(pass.PartOf(RowHash.Payment(row.Order, row.Payment)), row), stop);
            MoneyRow[] theirs = [];
            for (var part = 0; part < pass.Parts; part++)
            {
                var count = Load(pass.Money, part, ref theirs);
                table.Clear(count);
                var loaded = theirs;
                Func<int, int, bool> same = (one, other) => loaded[one].Order == loaded[other].Order && loaded[one].Payment == loaded[other].Payment;
                for (var i = 0; i < count; i++) table.Add(i, RowHash.Payment(loaded[i].Order, loaded[i].Payment), same);
                var met = new BitArray(count);
                OursRow row = default;
                Func<int, bool> isRow = i => loaded[i].Order == row.Order && loaded[i].Payment == row.Payment;
                foreach (var chunk in ours.Read(part))
                    for (var at = 0; at < chunk.Count; at++)
                    {
                        row = chunk[at];
                        for (var i = table.Find(RowHash.Payment(row.Order, row.Payment), isRow); i >= 0; i = table.Next(i))
                        {
                            met[i] = true;
                            // Nearly all agree: what is plainly so is not put into words first.
                            if (row.Status == (byte)PaymentStatus.Succeeded && loaded[i] is { Kind: (byte)SettlementKind.Payment, FeeTooHigh: false }
                                && row.Amount == loaded[i].Amount && row.Currency == loaded[i].Currency) continue;
                            var their = new Theirs((SettlementKind)loaded[i].Kind, new Money(loaded[i].Amount, CurrencyCode.Back(loaded[i].Currency)), loaded[i].FeeTooHigh);
                            var found = Matching.Of(their, new Ours((PaymentStatus)row.Status, new Money(row.Amount, CurrencyCode.Back(row.Currency))));
                            if (found != Matching.Presumed(their.Kind) && !settled[loaded[i].Number]) await Change(new Reclassed(loaded[i].Number, found));
                        }
                    }
                for (var i = 0; i < count; i++)
                    if (!met[i]) alone.Add(loaded[i].Number);
            }
        }

        static int Load<T>(Spill<T> spill, int part, ref T[] rows) where T : unmanaged
        {
            var count = checked((int)spill.Count(part));
            if (rows.Length < count) rows = new T[count];
            var at = 0;
            foreach (var chunk in spill.Read(part))
            {
                chunk.AsSpan().CopyTo(rows.AsSpan(at));
                at += chunk.Count;
            }
            return count;
        }

        async Task Change(Reclassed line)
        {
            settled[line.Number] = true;
            waiting.Add(line);
            if (waiting.Count >= StoredAtOnce) await Flush();
        }

        async Task Flush()
        {
            if (waiting.Count == 0) return;
            hook.At(SettlementHook.BeforeClasses);
            foreach (var (kind, moved) in await store.Store(file, waiting, stop))
            {
                Move(Matching.Presumed(kind), moved, -1);
                Move(moved.Class, moved, 1);
            }
            waiting.Clear();
            hook.At(SettlementHook.BetweenClasses);
        }

        void Move(SettlementClass to, ClassTotal moved, int sign)
        {
            var key = (to, moved.Currency, moved.NetCurrency);
            var before = totals.GetValueOrDefault(key) ?? new ClassTotal(to, moved.Currency, moved.NetCurrency, 0, 0, 0);
            totals[key] = before with { Count = before.Count + (sign * moved.Count), Amount = before.Amount + (sign * moved.Amount), Net = before.Net + (sign * moved.Net) };
        }

        public async Task<IReadOnlyList<ClassTotal>> Finish()
        {
            await Flush();
            // One payment of another account is a slip of somebody's; when most are, it is another account's file.
            if (foreign > 0 && foreign * 2 > pass.WithOurs + pass.Others.Count)
                throw new StatementRefusedException(new FileRefusal($"{foreign} of its lines are about payments of another gateway account than {file.Account}: this is another account's file.", null, null));
            return [.. totals.Values.Where(t => t.Count > 0).OrderBy(t => t.Class).ThenBy(t => t.Currency, StringComparer.Ordinal)];
        }
    }
}
