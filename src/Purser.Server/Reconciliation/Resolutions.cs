using Purser.Orders;
using Purser.Reconciliation;
using Purser.Server.Engine;
using Purser.Server.Orders;
using Purser.Server.Platform;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>What persons decide about discrepancies: one person, or two different ones above the policy's second limit; recorded, and taken back as long as
/// no money moved.</summary>
sealed class Resolutions(DiscrepancyStore store, ActStore acts, SettlementFileStore files, SettlementLineStore lines, OrderEngine engine, SettlementOptions options)
{
    /// <summary>What came of it: a problem, or nothing more to say; and whether a second person is still needed.</summary>
    public sealed record Outcome(Problem? Problem, bool Waits = false);

    static readonly Outcome Done = new((Problem?)null);

    public async Task<Outcome> Resolve(StoredDiscrepancy d, string action, string by, string reason, CancellationToken stop)
    {
        var policy = await acts.PolicyVersion(options, stop);
        if (action == "note")
        {
            await store.Record(by, action, d.Id, reason, d.Amount, policy, stop);
            return Done;
        }
        if (d.ResolvedAt is not null)
            return d.Resolution == action ? Done : new Outcome(Conflict(d, $"It was resolved before, with '{d.Resolution}'."));
        if (Unsuitable(d, action) is { } why) return new Outcome(new Problem(ProblemTypes.AnswerUnsuitable, why) { Field = "action", Resource = d.Id.ToString() });

        if (DiscrepancyView.Persons(d, options) == 2)
        {
            if (d.FirstPerson is null || d.Resolution != action)
            {
                if (!await store.Propose(d.Id, action, by, reason, stop)) return new Outcome(Conflict(d, "Somebody else resolved it just now."));
                await store.Record(by, $"propose_{action}", d.Id, reason, d.Amount, policy, stop);
                return new Outcome(null, Waits: true);
            }
            if (SamePerson(d.FirstPerson, by))
                return new Outcome(new Problem(ProblemTypes.AnswerUnsuitable, $"{by} has decided already; above the policy's limit a second person must.")
                {
                    Field = "by",
                    Remedy = "Let somebody else send the same action.",
                    Resource = d.Id.ToString(),
                });
            if (!await store.Agree(d.Id, by, stop)) return new Outcome(Conflict(d, "Somebody else resolved it just now."));
        }
        else if (!await store.Propose(d.Id, action, by, reason, stop)) return new Outcome(Conflict(d, "Somebody else resolved it just now."));

        if ((d.Id.Order is null ? await Row(d, action, reason, stop) : await Order(d, action, by, reason, stop)) is { } failed)
        {
            if (d.Id.Order is not null) await store.ForgetProposal(d.Id, stop);
            else await store.Disagree(d.Id, by, stop);
            return new Outcome(failed);
        }
        await store.Record(by, action, d.Id, reason, d.Amount, policy, stop);
        return Done;
    }

    public async Task<Outcome> Reopen(StoredDiscrepancy d, string by, string reason, CancellationToken stop)
    {
        if (d.ResolvedAt is null)
        {
            // What the first of two persons wanted is taken back as easily.
            if (d.Id.Order is not null) await store.ForgetProposal(d.Id, stop);
            return Done;
        }
        if (d.Id.Order is { } order)
        {
            var reply = await engine.Submit(order, new OrderCommand.Reopen(d.Payment!.Value.Number, d.Kind!.Value, d.MoneyReference, by, reason), stop);
            if (Refused(d, reply) is { } refused) return new Outcome(refused);
            await store.ForgetProposal(d.Id, stop);
        }
        else
        {
            if (d.Final) return new Outcome(new Problem(ProblemTypes.AnswerFinal) { Resource = d.Id.ToString() });
            if (!await store.Reopen(d, Sides(d, d.Resolution!, await store.LastInSuspense(d, stop)), stop)) return new Outcome(Conflict(d, "Somebody else did so just now."));
        }
        await store.Record(by, "reopen", d.Id, reason, d.Amount, await acts.PolicyVersion(options, stop), stop);
        return Done;
    }

    static string? Unsuitable(StoredDiscrepancy d, string action) => (d.Class, action) switch
    {
        (null, "write_off") => "An order's discrepancy is answered with accept, refund or close.",
        (null, _) or (_, "close") => null,
        (SettlementClass.TheirsPaid, "accept" or "refund") => null,
        (SettlementClass.UnknownOrder, "accept" or "write_off") => null,
        _ => $"'{action}' cannot be done about a row that is {SettlementView.Word(d.Class!.Value)}.",
    };

    async Task<Problem?> Row(StoredDiscrepancy d, string action, string reason, CancellationToken stop)
    {
        var final = false;
        if (d.Class == SettlementClass.TheirsPaid && action is "accept" or "refund")
        {
            if (await Believe(d, action == "refund", reason, stop) is { } problem) return problem;
            final = true;
        }
        return await store.Close(d, final, Sides(d, action, await store.InSuspense(d, stop)), stop) ? null : Conflict(d, "Somebody else resolved it just now.");
    }

    /// <summary>A person says that the statement is right: then it is evidence like any other.</summary>
    async Task<Problem?> Believe(StoredDiscrepancy d, bool refund, string reason, CancellationToken stop)
    {
        if (await lines.List(d.File!.Value, null, d.Line!.Value - 1, 1, stop) is not [{ Payment: { } payment } line])
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
        var rawKey = $"{SettlementFile.IdOf(d.File.Value)}:{line.Number}";
        List<OrderInput> inputs =
        [
            .. line.Line.MoneyReference is null ? [] : (OrderInput[])[new Evidence.Succeeded(money, line.Line.Amount, line.Line.Method).Learned(payment.Number, EvidenceSource.Operator, d.OpenedAt, rawKey)],
            new Evidence.Settled(money, FileAct.Said(line.Line), paidOut).Learned(payment.Number, EvidenceSource.Operator, d.OpenedAt, rawKey),
        ];
        if (refund) inputs.Add(new OrderCommand.Refund(payment.Number, null, reason, money));
        return Refused(d, await engine.Submit(new EngineInput(payment.Order, inputs), stop));
    }

    async Task<Problem?> Order(StoredDiscrepancy d, string action, string by, string reason, CancellationToken stop)
    {
        var answer = action switch { "refund" => AnswerAction.Refund, "accept" => AnswerAction.Accept, _ => AnswerAction.Close };
        return Refused(d, await engine.Submit(d.Id.Order!.Value, new OrderCommand.Answer(d.Payment!.Value.Number, d.Kind!.Value, d.MoneyReference, answer, by, reason), stop));
    }

    static Problem? Refused(StoredDiscrepancy d, EngineReply reply) => reply switch
    {
        EngineReply.Done { Reply: Reply.Refused no } => Refusals.Problem(no.Why, d.Id.ToString()),
        EngineReply.Busy busy => Refusals.Busy(busy),
        _ => null,
    };

    /// <summary>Out of suspense, or back into it: accepted it is income, written off it is a cost or a gain of dealing with the gateway.</summary>
    /// <param name="suspense">What is to be moved the other way.</param>
    static IReadOnlyList<(string, Money)> Sides(StoredDiscrepancy d, string action, Money? suspense) =>
        d.Class != SettlementClass.UnknownOrder || action is not ("accept" or "write_off") || suspense is not { MinorUnits: not 0 } amount
            ? []
            : [("suspense", -amount), (action == "accept" ? "sales" : "fees", amount)];

    static bool SamePerson(string one, string other) => string.Equals(one.Trim(), other.Trim(), StringComparison.OrdinalIgnoreCase);

    static Problem Conflict(StoredDiscrepancy d, string why) => new(ProblemTypes.AnswerUnsuitable, why)
    {
        Resource = d.Id.ToString(),
        Remedy = "Read it again; DELETE its resolution first to decide otherwise.",
    };
}
