using Purser.Ledger;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Server.Engine;

/// <summary>The decisions of one batch, in memory: inputs in the order of their arrival, each seeing what those before it decided. Nothing
/// here waits or writes.</summary>
sealed class Batch(LoadedBatch loaded, OrderRules rules, Func<Order?, OrderInput, DateTimeOffset, OrderRules, Decision> decide)
{
    readonly Dictionary<OrderId, Order> current = [];
    readonly Dictionary<OrderId, OrderContent> created = [];
    readonly Dictionary<string, OrderId> references = [];
    readonly Dictionary<(int, string), (byte[] Fingerprint, string Resource)> keys = [];
    readonly BatchChanges changes = new();
    readonly Holders holders = new(loaded.Holders);
    readonly List<GatewayCall> calls = [];
    readonly Dictionary<int, EngineReply> replies = [];
    readonly Dictionary<int, Exception> failures = [];

    public IReadOnlyList<GatewayCall> Calls => calls;

    public EngineReply ReplyTo(int item) => replies[item];

    public Exception? Failure(int item) => failures.GetValueOrDefault(item);

    /// <summary>A decision that throws is a bug and is answered as one. News that it concerns are kept all the same, for a person: the gateway
    /// would send them in vain for ever.</summary>
    public void Fail(int item, EngineInput input, Exception bug)
    {
        if (input.News is not { } news) failures[item] = bug;
        else replies[item] = Quarantine(item, news, input.Order, $"Deciding on it failed: {bug.GetType().Name}.");
    }

    /// <param name="mayBeStored">It was sent to the database before, and the answer was lost.</param>
    public void Do(int item, EngineInput input, bool mayBeStored = false) => replies[item] = Decide(item, input, mayBeStored);

    public BatchChanges Changes()
    {
        foreach (var (id, order) in current)
            if (created.TryGetValue(id, out var content)) changes.Created.Add((order, content));
            else if (!ReferenceEquals(order, loaded.Orders[id])) changes.Changed.Add((loaded.Orders[id], order));
        return changes;
    }

    public IEnumerable<(OrderId, IReadOnlyList<OrderEvent>)> EventsByOrder() =>
        changes.Events.GroupBy(e => e.Order).Select(group => (group.Key, (IReadOnlyList<OrderEvent>)[.. group]));

    EngineReply Decide(int item, EngineInput input, bool mayBeStored)
    {
        if (input.Key is { } key && Before(key) is { } stored)
            return stored.Fingerprint.AsSpan().SequenceEqual(key.Fingerprint)
                ? new EngineReply.Replayed(stored.Resource)
                : new EngineReply.KeyConflict(stored.Resource);
        if (input.News is not null && !loaded.FreshNews.Contains(item) && !loaded.Aside.Contains(item)) return new EngineReply.DuplicateNews();
        if (input.Inputs is [OrderCommand.Create create])
            return mayBeStored && Find(create.Id) is { } there ? new EngineReply.Done(new Reply.Made(there)) : Create(input, create);

        if (input.News is { ConcernsNoOrder: true } aside)
        {
            (loaded.Aside.Contains(item) ? changes.Placed : changes.News).Add((aside, null, NewsVerdict.Noted, null));
            return new EngineReply.Done(null, NewsVerdict.Noted);
        }

        var order = input.Order is { } id ? Find(id) : null;
        if (input.News is { } news && (order is null || news.QuarantineReason is not null))
            return Quarantine(item, news, input.Order, news.QuarantineReason ?? (input.Order is null ? "It names no order of ours." : "We have no such order."));
        if (order is null) return new EngineReply.Done(new Reply.Refused(Refusal.OrderUnknown));
        // One installation may hold several accounts at a gateway, a test one among them: what one signs says nothing of another's payments.
        if (input.News is { } signed && Told(order, signed, input.Inputs).FirstOrDefault(p => p.Account != signed.Account) is { } theirs)
            return Quarantine(item, signed, input.Order, $"The payment belongs to the account {theirs.Account}.");

        var (inputs, unbelieved) = Believed(order, input);
        if (unbelieved is not null)
            return input.News is { } mixed ? Quarantine(item, mixed, input.Order, unbelieved) : new EngineReply.Done(new Reply.Refused(Refusal.AnswerUnsuitable, order));

        // All of one input's decisions, or none: a bug in the third must not leave the first two without the third.
        var decided = new List<Decision>();
        Reply? reply = null;
        string? unusable = null;
        var heardAt = input.News?.CameAt ?? loaded.Now;
        foreach (var one in inputs)
        {
            // What a message tells is true from when it arrived here, by the one clock that all nodes share.
            var dated = one switch
            {
                Evidence { Source: EvidenceSource.Webhook } heard => heard with { At = heardAt },
                RefundEvidence { Source: EvidenceSource.Webhook } heard => heard with { At = heardAt },
                _ => one,
            };
            var decision = decide(order, dated, loaded.Now, rules);
            reply = decision.Reply;
            if (input.News is not null && reply is Reply.Refused refused)
            {
                // The rest of the message counts all the same.
                unusable ??= refused.Why switch
                {
                    Refusal.PaymentUnknown => "The order has no such payment.",
                    Refusal.RefundUnknown => "The order has no such refund.",
                    var why => $"Refused: {why}.",
                };
                continue;
            }
            // What a person decides is whole: the facts that the decision rests on are not booked without it.
            if (one is OrderCommand && reply is Reply.Refused { Why: var no } && inputs.Count > 1) return new EngineReply.Done(new Reply.Refused(no, Find(order.Id)));
            order = decision.After;
            decided.Add(decision);
        }

        var before = current.GetValueOrDefault(order.Id) ?? loaded.Orders[order.Id];
        var changed = !Same(order, before);
        if (changed)
        {
            current[order.Id] = order;
            holders.Learn(before, order);
        }
        foreach (var decision in decided) Keep(decision);
        foreach (var call in input.Calls ?? []) changes.Calls.Add((order.Id, call));
        NewsVerdict? verdict = null;
        if (input.News is { } kept)
        {
            verdict = unusable is not null ? NewsVerdict.Quarantined : changed ? NewsVerdict.Applied : NewsVerdict.Noted;
            if (unusable is not null) Quarantine(item, kept, order.Id, unusable);
            else (loaded.Aside.Contains(item) ? changes.Placed : changes.News).Add((kept, order.Id, verdict.Value, null));
        }
        if (input.Key is { } made && reply is Reply.Made or Reply.Same) Remember(made, Resource(order, reply));
        return new EngineReply.Done(reply, verdict);
    }

    /// <summary>The payments that a message speaks of, by themselves or by their refunds.</summary>
    static IEnumerable<Payment> Told(Order order, GatewayNews news, IReadOnlyList<OrderInput> inputs) => inputs.Select(i => i switch
    {
        Evidence fact => fact.Payment,
        RefundEvidence { Refund: > 0 and var number } => order.Refund(number)?.Payment,
        RefundEvidence fact => fact.Payment,
        OrderCommand.LookRefund look => order.Refund(look.Number)?.Payment,
        _ => null,
    }).Append(news.Payment).Distinct().Select(number => number is { } one ? order.Payment(one) : null).OfType<Payment>();

    /// <summary>Of an answer that names what another payment holds nothing is believed, for it is the answer to another question: only that much is told, and a
    /// person is. News, a statement's row and a person's word are not taken at all, and whoever brought them says so.</summary>
    (IReadOnlyList<OrderInput> Inputs, string? Unbelieved) Believed(Order order, EngineInput input)
    {
        foreach (var one in input.Inputs)
            if (one is Evidence fact && holders.WhyNot(order, fact) is { } why)
            {
                if (fact.Source is not (EvidenceSource.Reply or EvidenceSource.Inquiry)) return ([], why);
                var told = new Evidence.MixedUp(why) { Payment = fact.Payment, Source = fact.Source, At = fact.At, RawKey = fact.RawKey };
                return ([.. input.Inputs.Where(i => i is not Evidence), told], null);
            }
        return (input.Inputs, null);
    }

    EngineReply Create(EngineInput input, OrderCommand.Create create)
    {
        if (create.Reference is { } reference && Holder(reference) is { } holder)
        {
            var same = holder.Fingerprint.AsSpan().SequenceEqual(create.Content.Fingerprint.AsSpan());
            if (same && input.Key is { } again) Remember(again, holder.Order.ToString());
            return new EngineReply.ReferenceExists(holder.Order, same);
        }
        if (Find(create.Id) is not null) return new EngineReply.IdTaken();
        var decision = decide(null, create, loaded.Now, rules);
        current[create.Id] = decision.After;
        created[create.Id] = create.Content;
        if (create.Reference is { } named) references[named] = create.Id;
        Keep(decision);
        if (input.Key is { } key) Remember(key, create.Id.ToString());
        return new EngineReply.Done(decision.Reply);
    }

    /// <summary>Kept aside for a person, and read again later; what was aside already stays as it is.</summary>
    EngineReply Quarantine(int item, GatewayNews news, OrderId? order, string reason)
    {
        if (loaded.Aside.Contains(item)) return new EngineReply.DuplicateNews();
        changes.News.Add((news, order, NewsVerdict.Quarantined, reason));
        return new EngineReply.Done(null, NewsVerdict.Quarantined);
    }

    void Keep(Decision decision)
    {
        changes.Events.AddRange(decision.Events);
        changes.Postings.AddRange(decision.Postings);
        calls.AddRange(decision.Calls);
    }

    Order? Find(OrderId id) => current.GetValueOrDefault(id) ?? loaded.Orders.GetValueOrDefault(id);

    (OrderId Order, byte[] Fingerprint)? Holder(string reference)
    {
        if (references.TryGetValue(reference, out var id)) return (id, [.. created[id].Fingerprint]);
        return loaded.References.TryGetValue(reference, out var found) ? found : null;
    }

    (byte[] Fingerprint, string Resource)? Before(RequestKey key)
    {
        if (keys.TryGetValue((key.ApiKeyId, key.Key), out var now)) return now;
        return loaded.Keys.TryGetValue((key.ApiKeyId, key.Key), out var stored) ? (stored.Fingerprint, stored.Resource) : null;
    }

    void Remember(RequestKey key, string resource)
    {
        keys[(key.ApiKeyId, key.Key)] = (key.Fingerprint, resource);
        changes.Keys.Add((key, resource));
    }

    /// <summary>Records compare arrays by reference; two orders are the same when their payments and refunds are.</summary>
    static bool Same(Order one, Order other) =>
        ReferenceEquals(one, other) || one.Sequence == other.Sequence && one with { Payments = other.Payments, Refunds = other.Refunds } == other
        && one.Payments.SequenceEqual(other.Payments) && one.Refunds.SequenceEqual(other.Refunds);

    static string Resource(Order order, Reply reply) => reply switch
    {
        Reply.Made { Refund: { } refund } => new RefundId(order.Id, refund).ToString(),
        Reply.Same { Refund: { } refund } => new RefundId(order.Id, refund).ToString(),
        Reply.Made { Payment: { } number } => new PaymentId(order.Id, number).ToString(),
        Reply.Same { Payment: { } number } => new PaymentId(order.Id, number).ToString(),
        _ => order.Id.ToString(),
    };
}
