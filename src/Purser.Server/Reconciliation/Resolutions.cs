using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Server.Engine;
using Purser.Server.Orders;
using Purser.Server.Platform;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>Who acts: a person's name, and the API key that proves no more than that its holder acts.</summary>
public readonly record struct Actor(string Name, int Key);

/// <summary>What persons decide about discrepancies: one person, or two different ones above the policy's second limit, with a key each; and taken back as
/// long as no money moved. A decision is kept with its person, reason and policy before it is done, or in the same commit. Who dies in between leaves it to
/// <see cref="Resume"/>, and whatever is done twice is done once: the order knows its answer, a row posts once.</summary>
sealed partial class Resolutions(
    DiscrepancyStore discrepancies, ResolutionStore store, ActStore acts, SettlementFileStore files, SettlementLineStore lines, OrderEngine engine, SettlementOptions options,
    SettlementHook hook, TimeProvider time, ILogger<Resolutions> log)
{
    /// <summary>What came of it: a problem, or nothing more to say; and whether a second person is still needed.</summary>
    /// <param name="Used">What the request's key was used for before; then nothing came of it.</param>
    public sealed record Outcome(Problem? Problem, bool Waits = false, StoredKey? Used = null);

    static readonly Outcome Done = new((Problem?)null);
    static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    /// <summary>Whoever decided is busy doing it for so long at the most.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    const int AtOnce = 500;

    /// <param name="key">Kept in the commit of what is done, where that is one commit. Where an order is told, the decision itself is what a repetition
    /// finds: it is finished, not made again.</param>
    public async Task<Outcome> Resolve(StoredDiscrepancy d, string action, Actor by, string reason, RequestKey? key, CancellationToken stop)
    {
        var decision = new Decision(action, by.Name, reason, await acts.PolicyVersion(options, stop), by.Key);
        if (action == "note")
            return await Told(d, await store.Note(d, decision, key, stop), Done, stop);
        if (d.ResolvedAt is not null)
            return d.Resolution == action ? Done : new Outcome(Conflict(d, $"It was resolved before, with '{d.Resolution}'."));
        if (d.IsUnderWay) return d.Resolution == action && Decided(d, by.Name) ? await Finish(d, stop) : new Outcome(Overtaken(d));
        if (Unsuitable(d, action) is { } why) return new Outcome(new Problem(ProblemTypes.AnswerUnsuitable, why) { Field = "action", Resource = d.Id.ToString() });

        var second = DiscrepancyView.Persons(d, options) == 2;
        // A proposal of which no key is known, from before keys counted, is nobody's: it is made anew. So is one whose answer would move other money by now, which the first person never saw.
        if (second && (d.FirstPerson is null || d.FirstKey is null || d.Resolution != action || d.IsOutdated))
            return await Told(d, await store.Propose(d, decision, key, stop), new Outcome(null, Waits: true), stop);
        if (second && (d.FirstKey == by.Key || SamePerson(d.FirstPerson!, by.Name)))
            return new Outcome(new Problem(ProblemTypes.AnswerUnsuitable, (SamePerson(d.FirstPerson!, by.Name) ? $"{by.Name} has decided already" : $"{d.FirstPerson} has decided with this very API key already") +
                $"; above the policy's limit{options.TwoPersons.Because(d.Amount.Currency, SettlementOptions.TwoPersonsAbove)} a second person must, with another key.")
            {
                Field = "by",
                Remedy = "Let somebody else send the same action with a key of their own: 'purser keys create --name NAME --person NAME' makes one.",
                Resource = d.Id.ToString(),
            });
        if (!TellsAnOrder(d, action))
            return await Told(d, await store.Close(d, decision, second, key, await Books(d, action, false, stop), stop), Done, stop);
        if (!(await store.Decide(d, decision, second, stop)).Done || await discrepancies.Find(d.Id, stop) is not { IsUnderWay: true } decided) return await Overtaken(d.Id, stop);
        return await Finish(decided, stop);
    }

    async Task<Outcome> Told(StoredDiscrepancy d, Kept kept, Outcome done, CancellationToken stop)
    {
        if (kept.Used is { } used) return new Outcome(null, Used: used);
        if (!kept.Done) return await Overtaken(d.Id, stop);
        hook.At(SettlementHook.Acted);
        return done;
    }

    public async Task<Outcome> Reopen(StoredDiscrepancy d, Actor by, string reason, CancellationToken stop)
    {
        if (d.IsUnderWay) return new Outcome(Overtaken(d));
        var undo = new Decision(ResolutionStore.Undoing, by.Name, reason, await acts.PolicyVersion(options, stop), by.Key);
        // What the first of two persons wanted is taken back as easily.
        if (d.ResolvedAt is null) return d.FirstPerson is null || (await store.Withdraw(d, undo, stop)).Done ? Done : await Overtaken(d.Id, stop);
        if (d.Id.Order is null)
            return d.Final ? new Outcome(new Problem(ProblemTypes.AnswerFinal) { Resource = d.Id.ToString() })
                : await store.Reopen(d, undo, await Books(d, null, false, stop), stop) ? Done : await Overtaken(d.Id, stop);
        if (d.Undo is null && !(await store.Undo(d, undo, stop)).Done) return await Overtaken(d.Id, stop);
        return await discrepancies.Find(d.Id, stop) is { Undo: not null } undone ? await TakeBack(undone, again: false, stop) : await Overtaken(d.Id, stop);
    }

    public async Task Run(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Resume(Patience, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception trouble) when (trouble is not OutOfMemoryException)
            {
                LogTrouble(log, trouble);
            }
            await Task.Delay(Every, time, stop).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>Finishes what was decided longer ago than this, and whose doer died.</summary>
    /// <returns>How many were finished, done or refused.</returns>
    public async Task<int> Resume(TimeSpan since, CancellationToken stop)
    {
        var count = 0;
        foreach (var id in await store.Unfinished(since, AtOnce, stop))
        {
            if (await discrepancies.Find(id, stop) is not { } d) continue;
            Outcome outcome;
            try
            {
                outcome = d.Undo is not null ? await TakeBack(d, again: true, stop) : d.IsUnderWay ? await Finish(d, stop) : Done;
            }
            catch (Exception trouble) when (!PassingTrouble.Is(trouble, stop))
            {
                LogCannot(log, id.ToString(), trouble);
                continue;
            }
            if (outcome.Problem?.Type == ProblemTypes.Busy) continue;
            count++;
            LogFinished(log, id.ToString(), d.Undo is null ? d.Resolution ?? "" : ResolutionStore.Undoing, d.Undo?.By ?? d.Persons, outcome.Problem?.Type.Name ?? "done");
        }
        return count;
    }

    /// <summary>Does what was decided, or finds that it is done.</summary>
    async Task<Outcome> Finish(StoredDiscrepancy d, CancellationToken stop)
    {
        hook.At(SettlementHook.Decided);
        Problem? problem;
        try
        {
            problem = d.Id.Order is null ? await Row(d, stop) : await Order(d, stop);
        }
        catch (Exception trouble) when (!PassingTrouble.Is(trouble, stop))
        {
            LogCannot(log, d.Id.ToString(), trouble);
            problem = new Problem(ProblemTypes.AnswerUnsuitable, "It cannot be done, for a reason of ours; the server's log says which.") { Resource = d.Id.ToString() };
        }
        if (problem?.Type == ProblemTypes.Busy) return new Outcome(problem);
        hook.At(SettlementHook.Acted);
        // A row that could be applied has posted what it means.
        if (problem is null) await store.Done(d, d.Class == SettlementClass.NotApplied ? null : await Books(d, d.Resolution, true, stop), stop);
        else await store.Refused(d, problem.Detail, stop);
        return new Outcome(problem);
    }

    /// <param name="again">It may have been done before.</param>
    async Task<Outcome> TakeBack(StoredDiscrepancy d, bool again, CancellationToken stop)
    {
        hook.At(SettlementHook.Decided);
        if (again && await store.IsAskedAnew(d, stop))
        {
            await store.Undone(d, null, stop);
            return Done;
        }
        var reply = await engine.Submit(d.Id.Order!.Value, new OrderCommand.Reopen(d.Payment!.Value.Number, d.Kind!.Value, d.MoneyReference, d.Undo!.Value.By, d.Undo.Value.Reason), stop);
        var refused = Refused(d, reply);
        if (refused?.Type == ProblemTypes.Busy) return new Outcome(refused);
        hook.At(SettlementHook.Acted);
        // The answer is gone, and with it perhaps the question: that was the first time.
        if (again && refused?.Type == ProblemTypes.AnswerFinal && d.Resolution is "close" or "write_off") refused = null;
        await store.Undone(d, refused?.Detail, stop);
        return new Outcome(refused);
    }

    static string? Unsuitable(StoredDiscrepancy d, string action) => (d.Class, action) switch
    {
        // What a statement says too much or too little of money is written off by closing it.
        (null, "write_off") when d.Kind is DiscrepancyKind.SettledOtherwise or DiscrepancyKind.SettledTwice => null,
        (null, "write_off") => "An order's discrepancy is answered with accept, refund or close.",
        (null, _) or (_, "close") => null,
        (SettlementClass.TheirsPaid, "accept" or "refund") => null,
        (SettlementClass.UnknownOrder or SettlementClass.NotApplied, "accept") => null,
        (SettlementClass.Refund or SettlementClass.RefundUnasked or SettlementClass.RefundMissing or SettlementClass.Dispute, "accept") => null,
        (SettlementClass.DuplicateLine or SettlementClass.Changed, "accept") => null,
        (not (SettlementClass.DuplicateLine or SettlementClass.Changed), "write_off") => null,
        _ => $"'{action}' cannot be done about a row that is {SettlementView.Word(d.Class!.Value)}.",
    };

    /// <summary>Such a decision is done through the engine; every other one closes a row's question and posts, in one commit.</summary>
    static bool TellsAnOrder(StoredDiscrepancy d, string action) =>
        d.Id.Order is not null || (d.Class == SettlementClass.TheirsPaid && action is "accept" or "refund") || (d.Class == SettlementClass.NotApplied && action == "accept");

    async Task<Problem?> Row(StoredDiscrepancy d, CancellationToken stop)
    {
        if (d.Class != SettlementClass.NotApplied) return await Believe(d, d.Resolution == "refund", d.Reason!, stop);
        if (await files.Find(d.File!.Value, stop) is not { } file || await lines.List(file.Id, null, d.Line!.Value - 1, 1, stop) is not [var line])
            return new Problem(ProblemTypes.AnswerUnsuitable, "The row is not there any more.") { Resource = d.Id.ToString() };
        var money = line.Line.Kind == SettlementKind.Payment ? (await acts.Payments([line], stop)).GetValueOrDefault(line.Number)?.Money : null;
        if (money is not null && !(line.Line.MoneyReference is { } named ? money.Contains(named) : money is [_]) && await Otherwise(d, line, stop) is { } last) return Overruled(d, last);
        return await new FileAct(acts, lines, engine, options, hook, time, log).Retry(file, line, stop) is { } why
            ? new Problem(ProblemTypes.AnswerUnsuitable, $"It still cannot be applied: {why}") { Resource = d.Id.ToString() }
            : null;
    }

    /// <summary>A person says that the statement is right: then it is evidence like any other.</summary>
    async Task<Problem?> Believe(StoredDiscrepancy d, bool refund, string reason, CancellationToken stop)
    {
        if (await NamedRow.Of(lines, d.File!.Value, d.Line!.Value, d.Named, stop) is not { Payment: { } payment } line)
            return new Problem(ProblemTypes.AnswerUnsuitable, "The row's payment is not known.") { Resource = d.Id.ToString() };
        var paidOut = await files.Find(d.File.Value, stop) is { PaidOut: true };
        // A row without a name for its money cannot say which money came; told of by the gateway, there is one.
        var known = (await acts.Payments([line], stop)).GetValueOrDefault(line.Number);
        if ((line.Line.MoneyReference ?? (known?.Money is [var only] ? only : null)) is not { } money)
            return new Problem(ProblemTypes.AnswerUnsuitable, "The row has no name for its money, and the gateway has told of none yet.")
            {
                Resource = d.Id.ToString(),
                Remedy = "Wait until the gateway tells of it: then the question closes by itself. Or ask the gateway, and close.",
            };
        // Once the money is known, the row adds what was settled of it, whatever a later version says of that.
        var last = await Otherwise(d, line, stop);
        if (last is not null && known?.Money.Contains(money) is not true) return Overruled(d, last);
        var rawKey = $"{SettlementFile.IdOf(d.File.Value)}:{line.Number}";
        List<OrderInput> inputs =
        [
            .. line.Line.MoneyReference is null || last is not null ? [] : (OrderInput[])[new Evidence.Succeeded(money, line.Line.Amount, line.Line.Method).Learned(payment.Number, EvidenceSource.Operator, d.OpenedAt, rawKey)],
            new Evidence.Settled(money, FileAct.Said(line.Line), paidOut).Learned(payment.Number, EvidenceSource.Operator, d.OpenedAt, rawKey),
        ];
        // Asked for once: when the first time's end was lost, and that refund failed meanwhile, a person is asked about it elsewhere.
        if (refund && !await store.WasRefunded(payment, money, d.DecidedAt!.Value, stop)) inputs.Add(new OrderCommand.Refund(payment.Number, null, reason, money));
        return Refused(d, await engine.Submit(new EngineInput(payment.Order, inputs), stop));
    }

    /// <summary>The last version of a question's row, where it says otherwise what came and for whom: money is not believed of a statement that has taken it back.</summary>
    async Task<StoredLine?> Otherwise(StoredDiscrepancy d, StoredLine asked, CancellationToken stop)
    {
        if (await discrepancies.Corrected(d, stop) is not { } at || await lines.List(at.File, null, at.Number - 1, 1, stop) is not [var last] || last.Number != at.Number) return null;
        return (last.Line.Kind, last.Line.Amount) != (asked.Line.Kind, asked.Line.Amount) || (last.Payment is { } payment && payment != asked.Payment)
            || (last.Line.MoneyReference is { } money && asked.Line.MoneyReference is not null && money != asked.Line.MoneyReference) ? last : null;
    }

    static Problem Overruled(StoredDiscrepancy d, StoredLine last) => new(ProblemTypes.DiscrepancyChanged,
        $"A later statement has the row again and says {last.Line.Amount}{(last.Line.Kind == SettlementKind.Payment ? "" : $", {EventNames.Snake(last.Line.Kind.ToString())}")}{(last.Payment is { } payment ? $", of {payment}" : "")}; nothing was done.")
    {
        Remedy = "When the gateway itself tells of the money, the row is applied to its order, also after an answer. Until then close this, and answer the question about the changed row.",
        Resource = d.Id.ToString(),
    };

    async Task<Problem?> Order(StoredDiscrepancy d, CancellationToken stop)
    {
        // Answered, or gone: what is asked by now was not what they decided.
        if (d.ResolvedAt is not null) return await Gone(d, stop);
        var answer = d.Resolution switch { "refund" => AnswerAction.Refund, "accept" => AnswerAction.Accept, _ => AnswerAction.Close };
        var reply = await engine.Submit(d.Id.Order!.Value, new OrderCommand.Answer(d.Payment!.Value.Number, d.Kind!.Value, d.MoneyReference, answer, d.Persons, d.Reason!, d.Seen is { } seen ? [.. seen] : null), stop);
        if (reply is EngineReply.Done { Reply: Reply.Refused { Why: Refusal.QuestionUnknown } })
            return await Gone(d, stop);
        return Refused(d, reply);
    }

    /// <summary>The question is gone: by this very answer, whose end was lost, or by something else.</summary>
    async Task<Problem?> Gone(StoredDiscrepancy d, CancellationToken stop) => await store.WasAnsweredBy(d, d.Persons, stop) ? null
        : new Problem(ProblemTypes.AnswerOvertaken, "It was resolved by something else a moment ago.") { Resource = d.Id.ToString() };

    static Problem? Refused(StoredDiscrepancy d, EngineReply reply) => reply switch
    {
        EngineReply.Done { Reply: Reply.Refused no } => Refusals.Problem(no.Why, d.Id.ToString()),
        EngineReply.Busy busy => Refusals.Busy(busy),
        _ => null,
    };

    /// <summary>What of the row stands in the books with this answer, or with none; null where they are left as they are.</summary>
    async Task<IReadOnlyList<RowPosting>?> Books(StoredDiscrepancy d, string? answer, bool final, CancellationToken stop)
    {
        if (d.Class is not { } question || await files.Find(d.File!.Value, stop) is not { } file || await lines.List(file.Id, null, d.Line!.Value - 1, 1, stop) is not [var line]) return null;
        if (question == SettlementClass.DuplicateLine) return RowBooks.Repeats(file, line, null, answer);
        if (question == SettlementClass.Changed) return await FirstRow.Of(lines, line, stop) is { } first ? RowBooks.Repeats(file, line, first.Line, answer) : null;
        return RowBooks.IsRepetition(line.Class) ? null : RowBooks.Stands(file, line, question, answer, final);
    }

    static bool Decided(StoredDiscrepancy d, string by) => SamePerson(d.FirstPerson!, by) || (d.SecondPerson is { } other && SamePerson(other, by));

    public static bool SamePerson(string one, string other) => string.Equals(one.Trim(), other.Trim(), StringComparison.OrdinalIgnoreCase);

    static Problem Conflict(StoredDiscrepancy d, string why) => new(ProblemTypes.AnswerUnsuitable, why)
    {
        Resource = d.Id.ToString(),
        Remedy = "Read it again; DELETE its resolution first to decide otherwise.",
    };

    /// <summary>For whoever acted on what is no longer so: what it is now.</summary>
    async Task<Outcome> Overtaken(DiscrepancyId id, CancellationToken stop) => new(Overtaken((await discrepancies.Find(id, stop))!));

    static Problem Overtaken(StoredDiscrepancy now) => new(ProblemTypes.AnswerOvertaken,
        now.ResolvedAt is not null ? $"{(now.Persons.Length == 0 ? "Something else" : now.Persons)} resolved it with '{now.Resolution}' a moment ago."
        : now.Undo is { } undo ? $"{undo.By} takes it back at this moment."
        : now.IsUnderWay ? $"{now.Persons} decided '{now.Resolution}' a moment ago, and it is being done."
        : now.FirstPerson is { } first ? $"{first} proposed '{now.Resolution}' a moment ago; a second person must send the same."
        : "Somebody took an answer back a moment ago, and it is open.")
    { Resource = now.Id.ToString() };

    [LoggerMessage(98, LogLevel.Information, "{Discrepancy}: '{Action}' of {Persons} was decided and left unfinished; it is finished now: {Outcome}")]
    static partial void LogFinished(ILogger log, string discrepancy, string action, string persons, string outcome);

    [LoggerMessage(99, LogLevel.Error, "What was decided about {Discrepancy} cannot be done")]
    static partial void LogCannot(ILogger log, string discrepancy, Exception trouble);

    [LoggerMessage(100, LogLevel.Error, "What was decided and is not done could not be looked for")]
    static partial void LogTrouble(ILogger log, Exception trouble);
}
