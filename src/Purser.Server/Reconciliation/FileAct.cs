using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Engine;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>Does what follows from a file's lines: evidence to the orders they are about, postings for rows without an order, and questions for what a
/// person must decide. A batch that is done twice does nothing the second time: the engine knows the row, and a row posts once for ever. A row that cannot be
/// applied harms only itself: it is set aside for a person, and the others go on.</summary>
sealed partial class FileAct(IActStore store, ISettlementLineStore lines, OrderEngine engine, SettlementOptions options, SettlementHook hook, TimeProvider time, ILogger log)
{
    /// <summary>How long a gateway's answer about an order that it says is paid is waited for. Its answer is better evidence than its file; without it the
    /// file counts.</summary>
    static readonly TimeSpan InquiryPatience = TimeSpan.FromSeconds(3);

    /// <summary>Money that is not ours yet, whatever its payment is otherwise.</summary>
    const string Unconfirmed = "accept: the gateway's file says that this was paid, and the gateway itself did not confirm it";

    /// <summary>Under a name of ours it would be money of its own beside the real one, which would then seem to have come twice.</summary>
    public const string Nameless = "wait: the row has no name for its money, and it closes itself when the gateway tells of it; if it stays, ask the gateway, and close";

    const string WhichRefund = "wait: one or several refunds of this amount are under way, and it closes itself when the gateway has said which of them went back, or none";

    const string WhichReturned = "several refunds of this amount went back: find which of them came back at the gateway, pay it out anew, and close";

    const string WhichDispute = "it does not say which of the payment's disputes it is of: once the gateway has told which were won or lost, accept applies it once; closed, its money is booked to fees";

    const string Whose = "find whose money it is: accept it as income, a refund or a dispute; given back at the gateway, close: it is booked to fees, where its return clears it";

    const string MaybeOurs = "wait: a refund under way may be this one, and it closes itself when the gateway has said so or not; if it stays, find who gave the money back, and close";

    const int LinesAtOnce = 1000;

    /// <param name="paidOut">Its rows are parts of payouts.</param>
    /// <param name="advanced">Is told how far it is, after each batch.</param>
    public async Task Run(SettlementFile file, bool paidOut, Func<int, Task> advanced, CancellationToken stop)
    {
        var after = file.RowsActed;
        while (await lines.List(file.Id, null, after, LinesAtOnce, stop) is { Count: > 0 } batch)
        {
            hook.At(SettlementHook.BeforeActing);
            var (now, aside) = await Payments(file, batch, stop);
            Pair(batch, now);
            var asked = await store.Asked(file, [.. batch.Where(l => l.Class == SettlementClass.Repeated && RowBooks.IsCountable(l.Line)).Select(l => l.Line.RowKey)], stop);
            using var door = new SemaphoreSlim(options.Acting);
            var acting = batch.Where(line => !aside.ContainsKey(line.Number)).Select(async line =>
            {
                await door.WaitAsync(stop);
                try
                {
                    if (line.Class == SettlementClass.Repeated && asked.TryGetValue(line.Line.RowKey, out var question)) await Complete(file, line, question, stop);
                    return await Carefully(file, line, now.GetValueOrDefault(line.Number), paidOut, stop);
                }
                finally
                {
                    door.Release();
                }
            }).ToList();
            await Write(file, [.. await Task.WhenAll(acting), .. aside.Values], stop);
            after = batch[^1].Number;
            await advanced(after);
        }
    }

    /// <summary>What follows from a row beside what the engine was told.</summary>
    readonly record struct Followed(StoredLine Line, IReadOnlyList<RowPosting> Postings, IReadOnlyList<OpenedRow> Opened);

    /// <summary>Trouble of a row makes it a question; trouble of the place stops the file, which goes on from here later.</summary>
    async Task<Followed> Carefully(SettlementFile file, StoredLine line, PaymentNow? now, bool paidOut, CancellationToken stop)
    {
        try
        {
            return await Follow(file, line, now, paidOut, stop);
        }
        catch (Exception trouble) when (!PassingTrouble.Is(trouble, stop))
        {
            LogAside(log, line.Number, file.IdText, trouble);
            return Aside(file, line, trouble);
        }
    }

    async Task<Followed> Follow(SettlementFile file, StoredLine line, PaymentNow? now, bool paidOut, CancellationToken stop)
    {
        // Before anything is told or booked, so that nothing of such a row is.
        if (line.Class != SettlementClass.Repeated && !RowBooks.IsCountable(line.Line)) throw new OverflowException("its amounts are more than can be counted");
        return await Act(file, line, now, paidOut, stop);
    }

    const int LongestWhy = 300;

    static Followed Aside(SettlementFile file, StoredLine line, Exception trouble)
    {
        var why = Words.Fit(trouble.Message.ReplaceLineEndings(" ").Trim().TrimEnd('.'))!;
        return Asking(file, line, SettlementClass.NotApplied,
            $"it could not be applied: {(why.Length <= LongestWhy ? why : why[..LongestWhy])}; when the cause is mended, accept applies it once; closed, its money is booked to fees");
    }

    /// <summary>The payments of the lines; and the lines for which they cannot even be looked up, set aside.</summary>
    async Task<(Dictionary<int, PaymentNow> Now, Dictionary<int, Followed> Aside)> Payments(SettlementFile file, IReadOnlyList<StoredLine> batch, CancellationToken stop)
    {
        var (now, aside) = (new Dictionary<int, PaymentNow>(), new Dictionary<int, Followed>());
        try
        {
            return (await store.Payments(batch, stop), aside);
        }
        catch (Exception trouble) when (!PassingTrouble.Is(trouble, stop))
        {
            foreach (var line in batch)
                try
                {
                    foreach (var (number, known) in await store.Payments([line], stop)) now[number] = known;
                }
                catch (Exception one) when (!PassingTrouble.Is(one, stop))
                {
                    LogAside(log, line.Number, line.Line.RowKey, one);
                    aside[line.Number] = Aside(file, line, one);
                }
            return (now, aside);
        }
    }

    /// <summary>All in one commit; when one row's postings are refused, each in its own.</summary>
    async Task Write(SettlementFile file, IReadOnlyList<Followed> rows, CancellationToken stop)
    {
        try
        {
            await store.Write(file, [.. rows.SelectMany(r => r.Postings)], [.. rows.SelectMany(r => r.Opened)], stop);
        }
        catch (Exception trouble) when (!PassingTrouble.Is(trouble, stop))
        {
            foreach (var row in rows)
                try
                {
                    await store.Write(file, row.Postings, row.Opened, stop);
                }
                catch (Exception one) when (!PassingTrouble.Is(one, stop))
                {
                    LogAside(log, row.Line.Number, file.IdText, one);
                    await store.Write(file, [], Aside(file, row.Line, one).Opened, stop);
                }
        }
    }

    /// <summary>Applies a row that was set aside. What was done of it before is not done again.</summary>
    /// <returns>Why it still cannot be; null when it is applied.</returns>
    public async Task<string?> Retry(SettlementFile file, StoredLine line, CancellationToken stop)
    {
        try
        {
            var now = await store.Payments([line], stop);
            Pair([line], now);
            var followed = await Follow(file, line, now.GetValueOrDefault(line.Number), file.PaidOut is true, stop);
            if (RowBooks.IsRepetition(line.Class)) await store.Write(file, followed.Postings, followed.Opened, stop);
            else await store.Rewrite(file, line.Line.RowKey, followed.Postings, followed.Opened, stop);
            return followed.Opened.FirstOrDefault(o => o.Class == SettlementClass.NotApplied)?.Proposal;
        }
        catch (Exception trouble) when (!PassingTrouble.Is(trouble, stop))
        {
            LogAside(log, line.Number, file.IdText, trouble);
            return trouble.Message;
        }
    }

    /// <summary>Applies a row whose money is known by now as if it had been when the file came.</summary>
    /// <returns>What the row itself has in the books then; null when the order does not take it.</returns>
    public async Task<IReadOnlyList<RowPosting>?> Again(SettlementFile file, StoredLine line, CancellationToken stop)
    {
        if (!RowBooks.IsCountable(line.Line)) return null;
        line = line with { Class = Matching.Presumed(line.Line.Kind) };
        var known = await store.Payments([line], stop);
        Pair([line], known);
        if (known.GetValueOrDefault(line.Number) is not { } now) return null;
        var paidOut = file.PaidOut is true;
        var taken = line.Line.Kind switch
        {
            SettlementKind.Payment => Known(line, now) is { } money && await Tell(line, stop, Row(file, line, money, paidOut)) is null,
            SettlementKind.Refund => await Refunded(file, line, now, paidOut, stop) is null,
            // By its name alone: the one that it was may have failed since, and another that is like it would be taken for it.
            SettlementKind.RefundReturned => line.Line is not { Refund: null, RefundReference: null } && await Refunded(file, line, now with { Refund = line.Line.Refund?.Number ?? 0 }, paidOut, stop) is null,
            SettlementKind.Dispute or SettlementKind.DisputeReturned => await Tell(line, stop, Disputed(file, line)) is null,
            _ => false,
        };
        return taken ? RowBooks.Applied(file, line) : null;
    }

    /// <summary>A row that a person is asked about is here again, and names what it did not name before: it is applied as if it had at first. Where a person is to be asked about that,
    /// too, the question is from then on what it would have been at first; if it cannot be applied otherwise, it waits as before.</summary>
    async Task Complete(SettlementFile file, StoredLine line, AskedRow asked, CancellationToken stop)
    {
        try
        {
            if (await NamedRow.Of(lines, asked.File, asked.Number, asked.Named, stop) is not { } before || NamedRow.Together(before, line) is not { } together) return;
            var whole = together with { Number = line.Number, Row = line.Row };
            var known = await store.Payments([whole], stop);
            Pair([whole], known);
            if (known.GetValueOrDefault(whole.Number) is not { } now || now.Account != file.Account) return;
            // What it says of money is counted as it was the first time.
            var counted = file with { PaidOut = asked.PaidOut };
            var why = whole.Line.Kind == SettlementKind.Payment ? await Settle(counted, whole, now, asked.PaidOut, stop) : await Again(counted, whole, stop) is null ? "" : null;
            if (why is null)
                await store.Confirm(asked.Id, LaterEvidence.Resolution, $"line {line.Number} of {file.IdText} has the row again, and says what it is about; the row is applied to that.",
                    RowBooks.Applied(counted, before with { Class = Matching.Presumed(before.Line.Kind) }), stop);
            // One later line is kept beside the first, and must say by itself all that is known.
            else if (why is Unconfirmed or Nameless && (await NamedRow.Of(lines, asked.File, asked.Number, (file.Id, line.Number), stop))?.Line == whole.Line)
                await store.Name(asked, file, new OpenedRow(line.Line.RowKey, SettlementClass.TheirsPaid, line.Number, whole.Line.Amount, Reason(why, whole)), stop);
        }
        catch (Exception trouble) when (!PassingTrouble.Is(trouble, stop))
        {
            LogAside(log, line.Number, file.IdText, trouble);
        }
    }

    /// <summary>Gives each row about a refund one of its own, for two of the same amount have two rows.</summary>
    static void Pair(IReadOnlyList<StoredLine> batch, Dictionary<int, PaymentNow> now)
    {
        var taken = new Dictionary<PaymentId, HashSet<int>>();
        foreach (var line in batch)
        {
            if (line is not { Class: SettlementClass.Refund, Payment: { } payment, Line: { Refund: null } said } || now.GetValueOrDefault(line.Number) is not { } known) continue;
            if (!taken.TryGetValue(payment, out var numbers)) taken.Add(payment, numbers = []);
            var refund = SaidRefund.Of(said, known.Money, known.MoneyAt);
            var picked = said.Kind == SettlementKind.RefundReturned ? RefundRows.Returned(known.Refunds, refund) : RefundRows.Pick(known.Refunds, refund, numbers);
            if (said.Kind == SettlementKind.Refund && picked != RefundRows.Doubtful) numbers.Add(picked);
            now[line.Number] = known with { Refund = picked };
        }
    }

    async Task<Followed> Act(SettlementFile file, StoredLine line, PaymentNow? now, bool paidOut, CancellationToken stop)
    {
        switch (line.Class)
        {
            case SettlementClass.BothPaid or SettlementClass.Fee or SettlementClass.Amount or SettlementClass.Currency when now is not null:
                return await Settle(file, line, now, paidOut, stop) is { } why ? Asking(file, line, why is Unconfirmed or Nameless ? SettlementClass.TheirsPaid : line.Class, Reason(why, line)) : Nothing(line);
            case SettlementClass.TheirsPaid when now is not null:
                return await Claim(file, line, now, paidOut, stop) is { } unsure ? Asking(file, line, line.Class, Reason(unsure, line)) : Nothing(line);
            // A first try of the same link may have failed, under a name of its own.
            case SettlementClass.OursPaid when now is { Money: [var first, ..] } && (Known(line, now) ?? (line.Line.MoneyReference is null ? first : null)) is { } money:
                await Tell(line, stop, Learned(file, line, new Evidence.Unsettled(money, $"{file.Name}, row {line.Row}, says that it failed.")));
                return Nothing(line);
            // Of money under another name than ours it says nothing; whether they are one, the gateway knows.
            case SettlementClass.OursPaid when now is not null && line.Payment is { } paid:
                await Tell(line, stop, new OrderCommand.Look(paid.Number, Heard: true));
                return Nothing(line);
            case SettlementClass.BothUnpaid when now is { Status: PaymentStatus.Starting or PaymentStatus.Pending or PaymentStatus.Processing or PaymentStatus.Unresolved }:
                await Tell(line, stop, new OrderCommand.CancelPayment(line.Payment!.Value.Number));
                await Tell(line, stop, new OrderCommand.Look(line.Payment.Value.Number, Heard: true));
                return Nothing(line);
            case SettlementClass.Refund or SettlementClass.RefundUnasked or SettlementClass.RefundMissing when now is not null:
                return await Refunded(file, line, now, paidOut, stop) is { } unknown ? Asking(file, line, line.Class, unknown) : Applied(file, line);
            case SettlementClass.Dispute when now is not null:
                return await Tell(line, stop, Disputed(file, line)) switch
                {
                    null => Applied(file, line),
                    Refusal.DisputeUnclear => Asking(file, line, SettlementClass.NotApplied, WhichDispute),
                    var refused => Asking(file, line, line.Class, Doubt(refused)!),
                };
            case SettlementClass.Adjustment or SettlementClass.Payout:
                return Applied(file, line);
            case SettlementClass.UnknownOrder when line.Line.Kind != SettlementKind.FailedPayment:
                return Asking(file, line, line.Class, Whose);
            case SettlementClass.DuplicateLine:
                return Asking(file, line, line.Class, "ask the gateway why the row stands there more than once; the first is applied, accept books this one, too, close does not");
            case SettlementClass.Changed:
                return await Corrected(file, line, stop);
            case SettlementClass.BothUnpaid or SettlementClass.OursPaid or SettlementClass.Repeated or SettlementClass.UnknownOrder:
                return Nothing(line);
            // What was known when it was matched is not known any more.
            default:
                return Asking(file, line, SettlementClass.UnknownOrder, Whose);
        }
    }

    /// <summary>The first version stays with its order; what this one says otherwise waits in suspense.</summary>
    async Task<Followed> Corrected(SettlementFile file, StoredLine line, CancellationToken stop)
    {
        var first = await FirstRow.Of(lines, line, stop);
        var moved = first is not null && IsOfOther(first, line);
        if (moved)
            foreach (var one in (StoredLine[])[first!, line])
                if (one.Payment is { } payment && (await store.Payments([one], stop)).GetValueOrDefault(one.Number)?.Account == file.Account) await Tell(one, stop, new OrderCommand.Look(payment.Number, Heard: true));
        return new(line, first is null ? [] : RowBooks.Repeats(file, line, first.Line, null), [new OpenedRow(line.Line.RowKey, line.Class, line.Number, line.Line.Amount,
            $"compare it with line {line.Was?.Number} of {SettlementFile.IdOf(line.Was?.File ?? 0)}; the first version was applied, and the difference waits: accept books what the row says now, close books the difference to fees"
            + (moved ? $"; it was {About(first!)}, and is {About(line)} now: the gateway is asked what is so, for neither answer takes a payment's money to another" : ""))]);
    }

    /// <summary>Another payment's, or money where there was none.</summary>
    static bool IsOfOther(StoredLine first, StoredLine now) => (now.Payment is { } payment && payment != first.Payment)
        || (now.Line.MoneyReference is { } money && first.Line.MoneyReference is { } before && money != before)
        || (first.Line.Kind == SettlementKind.FailedPayment) != (now.Line.Kind == SettlementKind.FailedPayment);

    static string About(StoredLine line) => $"{EventNames.Snake(line.Line.Kind.ToString()).Replace('_', ' ')} of {line.Payment?.ToString() ?? "no payment of ours"}{(line.Line.MoneyReference is { } money ? $" ({money})" : "")}";

    static Evidence Disputed(SettlementFile file, StoredLine line) => Learned(file, line, line.Line.Kind == SettlementKind.Dispute
        ? new Evidence.DisputeOpened(line.Line.Note, RowBooks.Positive(line.Line.Amount), line.Line.RowKey)
        : new Evidence.DisputeClosed(line.Line.Note, RowBooks.Positive(line.Line.Amount), Won: true, line.Line.RowKey));

    static Followed Nothing(StoredLine line) => new(line, [], []);

    static Followed Applied(SettlementFile file, StoredLine line) => new(line, RowBooks.Applied(file, line), []);

    /// <summary>What a person is asked about is booked all the same: it waits in suspense.</summary>
    static Followed Asking(SettlementFile file, StoredLine line, SettlementClass question, string proposal) =>
        new(line, RowBooks.Waiting(file, line), [line.Class == SettlementClass.DuplicateLine
            ? new OpenedRow(RowName.Further(line.Line.RowKey, file.IdText, line.Number), question, line.Number, line.Line.Amount, proposal) { AgainOf = line.Line.RowKey }
            : new OpenedRow(line.Line.RowKey, question, line.Number, line.Line.Amount, proposal)]);

    string Reason(string why, StoredLine line) => why is Unconfirmed && options.TheirsPaid != "ask" ? why + options.Confirm.Because(line.Line.Amount.Currency, SettlementOptions.ConfirmAbove) : why;

    /// <returns>What a person must do, if anything.</returns>
    async Task<string?> Settle(SettlementFile file, StoredLine line, PaymentNow now, bool paidOut, CancellationToken stop)
    {
        // What was known a moment ago may have been denied since.
        if (Known(line, now) is { } money && await Tell(line, stop, Row(file, line, money, paidOut)) is var why and not Refusal.NothingCaptured) return Doubt(why);
        // Money of this payment under a name that nobody told us: the gateway is asked before the file alone is believed.
        return await Claim(file, line, now, paidOut, stop);
    }

    /// <returns>What a person must do, if anything.</returns>
    async Task<string?> Claim(SettlementFile file, StoredLine line, PaymentNow now, bool paidOut, CancellationToken stop)
    {
        var payment = line.Payment!.Value;
        using var watching = engine.Watch.Begin(payment.Order);
        await Tell(line, stop, new OrderCommand.Look(payment.Number, Heard: true));
        var seen = await watching.Until(o => MoneyOf(o, line) is not null, InquiryPatience, stop);
        if (seen is not null && MoneyOf(seen, line) is { } money) return Doubt(await Tell(line, stop, Row(file, line, money, paidOut)));
        if (line.Line.MoneyReference is not { } named) return Nameless;
        if (options.TheirsPaid == "ask" || options.Confirm.IsExceeded(line.Line.Amount) || options.Confirm.IsExceeded(line.Line.Net)) return Unconfirmed;
        return Doubt(await Tell(line, stop, Learned(file, line, new Evidence.Succeeded(named, line.Line.Amount, line.Line.Method)), Row(file, line, named, paidOut)));
    }

    /// <summary>The name of the money that a row is about: its own, or that of the payment's only money if it is as much.</summary>
    /// <returns>Null while no such money is known.</returns>
    static string? MoneyOf(Order order, StoredLine line) => order.Payment(line.Payment!.Value.Number) is not { } p ? null
        : line.Line.MoneyReference is { } named ? p.Captures.FirstOrDefault(c => c.MoneyReference == named)?.MoneyReference
        : p.Captures is [var only] && only.Amount == line.Line.Amount ? only.MoneyReference : null;

    /// <returns>What a person must do, if anything.</returns>
    async Task<string?> Refunded(SettlementFile file, StoredLine line, PaymentNow now, bool paidOut, CancellationToken stop)
    {
        var payment = line.Payment?.Number ?? 0;
        var order = line.Payment?.Order ?? line.Line.Refund!.Value.Order;
        var guessed = line.Line.Refund is null && now.Refund > 0;
        if (line.Line.Refund is null && now.Refund == RefundRows.Doubtful)
            return line.Line.Kind != SettlementKind.RefundReturned ? WhichRefund : line.Line.RefundReference is not null && await Told(0) is null ? null : WhichReturned;
        var ours = line.Line.Refund?.Number ?? now.Refund;
        var why = await Told(ours);
        // The one that it was taken for got a row meanwhile, and several are left.
        if (why is Refusal.RefundUnknown && guessed && line.Line.Kind == SettlementKind.Refund) return WhichRefund;
        // A name that looks like one of ours and is none: then it is a refund that the gateway made of itself.
        if (why is Refusal.RefundUnknown && ours != 0 && payment > 0) (ours, why) = (0, await Told(0));
        return why is Refusal.RefundUnknown && ours == 0 && line.Line.Kind == SettlementKind.Refund ? MaybeOurs : Doubt(why);

        Task<Refusal?> Told(int number)
        {
            RefundEvidence Fact(RefundEvidence fact) => (fact with { RefundReference = line.Line.RefundReference ?? (number == 0 ? line.Line.RowKey : null), MoneyReference = line.Line.MoneyReference })
                .Learned(number, payment, EvidenceSource.Settlement, file.ReceivedAt, RawKey(file, line));
            return Submit(order, line.Line.Kind == SettlementKind.RefundReturned
                ? [Fact(new RefundEvidence.Failed("The gateway's statement says that it came back.", Said(line.Line with { Amount = RowBooks.Positive(line.Line.Amount) })))]
                : [Fact(new RefundEvidence.Settled(Said(line.Line), paidOut) { Guessed = guessed && number > 0, HappenedAt = SaidRefund.Of(line.Line, now.Money, now.MoneyAt).At })], stop);
        }
    }

    /// <summary>A fact that an order does not take is not dropped in silence.</summary>
    static string? Doubt(Refusal? why) => why is { } refusal
        ? $"compare the row's references with the order, which does not know them ({EventNames.Snake(refusal.ToString())}), find whose money it is; accept books what went back to refunds and what was disputed to disputes, write_off and close book to fees"
        : null;

    /// <summary>The name of the money, if we know the money.</summary>
    static string? Known(StoredLine line, PaymentNow now) => line.Line.MoneyReference is { } named
        ? Array.Find(now.Money, m => m == named)
        : now.Money is [var only] ? only : null;

    static Evidence Row(SettlementFile file, StoredLine line, string money, bool paidOut) => Learned(file, line, new Evidence.Settled(money, Said(line.Line), paidOut));

    public static Settled Said(SettlementLine line) => new(line.RowKey, line.Amount, line.Net, line.Fee, line.Tax, line.SettledOn, line.PayoutReference);

    /// <summary>True when the file came in at the latest; so the same file says the same, however often it is acted on.</summary>
    static Evidence Learned(SettlementFile file, StoredLine line, Evidence fact) =>
        (fact with { GatewayTime = line.Line.HappenedAt }).Learned(line.Payment!.Value.Number, EvidenceSource.Settlement, file.ReceivedAt, RawKey(file, line));

    static string RawKey(SettlementFile file, StoredLine line) => $"{file.IdText}:{line.Number}";

    Task<Refusal?> Tell(StoredLine line, CancellationToken stop, params IReadOnlyList<OrderInput> inputs) => Submit(line.Payment!.Value.Order, inputs, stop);

    /// <returns>Why the order refused it, if it did.</returns>
    async Task<Refusal?> Submit(OrderId order, IReadOnlyList<OrderInput> inputs, CancellationToken stop) =>
        await engine.SubmitInTurn(new EngineInput(order, inputs), time, stop) switch
        {
            EngineReply.Busy busy => throw new EngineBusyException(busy.Why),
            EngineReply.Done { Reply: Reply.Refused refused } => refused.Why,
            _ => null,
        };

    [LoggerMessage(96, LogLevel.Error, "Line {Line} of {File} cannot be applied and is set aside for a person; the others go on")]
    static partial void LogAside(ILogger log, int line, string file, Exception trouble);
}
