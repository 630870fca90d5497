using System.Threading.Channels;
using Npgsql;
using Purser.Server.Invoices;
using Purser.Server.Mail;

namespace Purser.Server.Deliveries;

/// <summary>Sends what is due. Each receiver has places of its own, so a dead one keeps nobody else waiting; a lease keeps nodes from sending the
/// same at once, and when a node dies another goes on.</summary>
sealed partial class DeliverySender(
    DeliveryStore store, ReceiverStore receivers, WebhookLine line, MailSender mail, InvoiceIssuer invoices, ReceiverSecrets secrets, DeliveryOptions options, TimeProvider time, ILogger<DeliverySender> log)
{
    static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <summary>Signals may come by the thousand; it is not looked more often than this when nothing was found.</summary>
    static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(20);
    /// <summary>Who answers sooner is given deliveries ahead.</summary>
    static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(1);
    static readonly TimeSpan LeaseBeyondTimeOut = TimeSpan.FromSeconds(30);
    static readonly TimeSpan ForgetEvery = TimeSpan.FromHours(1);
    static readonly TimeSpan FarewellPatience = TimeSpan.FromSeconds(5);

    readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    readonly Lock door = new();
    readonly ReceiverKind[] kinds =
    [
        ReceiverKind.Endpoint, .. mail.IsConfigured ? (ReceiverKind[])[ReceiverKind.Shoppers] : [], .. mail.ReachesOperators ? (ReceiverKind[])[ReceiverKind.Operators] : [],
        .. invoices.IsConfigured ? (ReceiverKind[])[ReceiverKind.Invoices] : [],
    ];
    readonly HeardDeliveries heard = new(store, time);
    readonly Dictionary<int, Places> places = [];
    readonly HashSet<Task> underWay = [];
    readonly List<LeasedDelivery> givenBack = [];
    // Ended when half of what was taken last has been sent.
    TaskCompletionSource half = new();
    int untilHalf;
    volatile bool hasChanged;
    volatile bool anybodyListens;
    volatile bool hasDeleted;
    DateTimeOffset forgotAt;

    /// <summary>Something may be due. Where nobody is to be told it costs nothing.</summary>
    public void Wake()
    {
        if (anybodyListens) wake.Writer.TryWrite(true);
    }

    /// <summary>An endpoint was made or changed here: what waits for a place is read anew.</summary>
    public void LookAgain()
    {
        hasChanged = true;
        wake.Writer.TryWrite(true);
    }

    /// <summary>An endpoint was deleted here.</summary>
    public void Delete()
    {
        hasDeleted = true;
        LookAgain();
    }

    /// <summary>Some of what waits for endpoints that were deleted, for mail and books that were ended; the next of it next time, so that what can be sent is sent meanwhile.</summary>
    async Task GiveUp(CancellationToken stop)
    {
        hasDeleted = false;
        foreach (var deleted in await receivers.Deleted(stop))
            if (await receivers.GiveUp(deleted, time.GetUtcNow(), stop) == ReceiverStore.Step.Most) hasDeleted = true;
    }

    public async Task Run(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var lookAgain = false;
            try
            {
                lookAgain = await Take(stop);
                if (time.GetUtcNow() - forgotAt > ForgetEvery && await store.Forget(time.GetUtcNow() - options.KeepAttempts, stop) == 0)
                {
                    hasDeleted = true;
                    forgotAt = time.GetUtcNow();
                }
                if (hasDeleted) await GiveUp(stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
            catch (NpgsqlException away)
            {
                LogAway(log, away.Message);
            }
            catch (Exception bug) when (bug is not OutOfMemoryException)
            {
                // A sender that ends tells nobody anything any more.
                LogFailed(log, bug);
            }
            if (lookAgain)
            {
                // One by one as places become free costs more than the sending.
                await Task.WhenAny(half.Task, Task.Delay(Breath, time, stop));
                continue;
            }
            await Task.Delay(Breath, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            using var patience = new CancellationTokenSource(Every, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, patience.Token);
            await wake.Reader.WaitToReadAsync(either.Token).AsTask().ContinueWith(_ => { }, TaskScheduler.Default);
            wake.Reader.TryRead(out _);
        }
        Task[] rest;
        lock (door) rest = [.. underWay];
        try
        {
            await GiveBack(all: true, CancellationToken.None);
        }
        catch (NpgsqlException away)
        {
            LogAway(log, away.Message);
        }
        // What does not end by then is sent again when its lease is over.
        await Task.WhenAny(Task.WhenAll(rest), Task.Delay(FarewellPatience, time, CancellationToken.None));
    }

    /// <returns>Whether there may be more.</returns>
    async Task<bool> Take(CancellationToken stop)
    {
        await GiveBack(hasChanged, stop);
        Dictionary<int, int> busy;
        // As the store counts: of so many that each receiver may have.
        lock (door) busy = places.ToDictionary(p => p.Key, p => options.PerReceiver - p.Value.Free);
        var timeOut = options.TimeOut > mail.TimeOut ? options.TimeOut : mail.TimeOut;
        var now = time.GetUtcNow();
        var taken = await store.Take(now, timeOut + LeaseBeyondTimeOut, busy, options.PerReceiver, kinds, stop);
        anybodyListens = taken.Secrets.Count > 0 || kinds.Length > 1;
        var keys = taken.Deliveries.Select(d => d.Id.Receiver).Distinct().ToDictionary(receiver => receiver, receiver =>
            (IReadOnlyList<string>)[.. taken.Secrets[receiver].Select(s => secrets.Open(s.Endpoint, s.Number, s.Sealed)).OfType<string>().Where(WebhookSignature.CanSign)]);
        lock (door)
        {
            (half, untilHalf) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), (taken.Deliveries.Count + 1) / 2);
            foreach (var one in taken.Deliveries)
            {
                if (!places.TryGetValue(one.Id.Receiver, out var its)) places.Add(one.Id.Receiver, its = new Places(options.PerReceiver));
                its.Add(new Leased(one, keys[one.Id.Receiver], now + (LeaseBeyondTimeOut / 2)));
            }
            foreach (var receiver in keys.Keys) Fill(receiver);
        }
        return taken.Deliveries.Count > 0 || taken.HasPostponed;
    }

    /// <summary>Has sent what waits for a place of the receiver, as far as there are places.</summary>
    void Fill(int receiver)
    {
        while (places[receiver].Next() is { } next)
        {
            var sending = Task.Run(() => Send(next), CancellationToken.None);
            underWay.Add(sending);
            _ = sending.ContinueWith(done => Leave(receiver, done), TaskScheduler.Default);
        }
    }

    void Leave(int receiver, Task<bool> done)
    {
        lock (door)
        {
            underWay.Remove(done);
            var its = places[receiver];
            var wasTakenAtOnce = done.IsCompletedSuccessfully && done.Result;
            its.Leave(wasTakenAtOnce);
            if (!wasTakenAtOnce) givenBack.AddRange(its.GiveBack());
            Fill(receiver);
            if (--untilHalf <= 0) half.TrySetResult();
        }
        Wake();
    }

    /// <summary>What was leased ahead for a receiver that failed, or was changed, is anybody's again.</summary>
    async Task GiveBack(bool all, CancellationToken stop)
    {
        List<LeasedDelivery> back;
        lock (door)
        {
            if (all)
            {
                hasChanged = false;
                foreach (var its in places.Values) givenBack.AddRange(its.GiveBack());
            }
            back = [.. givenBack];
            givenBack.Clear();
        }
        if (back.Count > 0) await store.GiveBack(back, stop);
    }

    /// <returns>Whether the receiver took it, and at once.</returns>
    async Task<bool> Send(Leased leased)
    {
        var one = leased.Delivery;
        try
        {
            if (time.GetUtcNow() > leased.SendBefore)
            {
                await store.GiveBack([one], CancellationToken.None);
                return false;
            }
            var answer = await Say(one, leased.Keys);
            if (answer.IsDelivered)
            {
                await heard.Add(one, answer);
                return one.Kind == ReceiverKind.Endpoint && answer.Took < AtOnce;
            }
            if (answer.PutOffUntil is { } until)
            {
                await store.PutOff(one, until, CancellationToken.None);
                return false;
            }
            var now = time.GetUtcNow();
            var next = answer.IsFinal ? null : now + DeliverySchedule.After(one.Failures + 1, answer.RetryAfter);
            var (paused, isGivenUp) = await store.Failed(one, answer, next, now, options.PauseAfter, CancellationToken.None);
            if (paused is not null) LogPaused(log, paused, answer.Outcome);
            else if (isGivenUp) LogDead(log, one.Id, answer.Outcome);
        }
        catch (NpgsqlException away)
        {
            LogAway(log, away.Message);
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            LogFailed(log, bug);
        }
        return false;
    }

    /// <summary>What we cannot say for a fault of ours counts as a failure, and ends as a dead letter that somebody sees.</summary>
    async Task<DeliveryAnswer> Say(LeasedDelivery one, IReadOnlyList<string> keys)
    {
        try
        {
            return one.Kind == ReceiverKind.Invoices ? await invoices.Send(one, CancellationToken.None)
                : one.Kind != ReceiverKind.Endpoint ? await mail.Send(one, CancellationToken.None)
                : keys.Count > 0 ? await line.Send(one.Url, one.MessageId, one.Body(), keys, CancellationToken.None)
                // Nothing unsigned leaves: a receiver could not tell it from a forgery.
                : Unsaid("The endpoint's secret cannot be opened with this PURSER_SECRETS_KEY: rotate it. Or it is for v1a, and this node has no OpenSSL 3: install it.");
        }
        catch (Exception bug) when (bug is not (NpgsqlException or OutOfMemoryException))
        {
            LogFailed(log, bug);
            return Unsaid($"A fault of ours, {bug.GetType().Name}: the server's log has it.");
        }

        DeliveryAnswer Unsaid(string trouble) => new(time.GetUtcNow(), TimeSpan.Zero, null, trouble, null, null, "");
    }

    [LoggerMessage(80, LogLevel.Warning, "Deliveries cannot reach the database: {Why}")]
    static partial void LogAway(ILogger log, string why);

    [LoggerMessage(81, LogLevel.Error, "A delivery failed for a reason of ours")]
    static partial void LogFailed(ILogger log, Exception bug);

    [LoggerMessage(82, LogLevel.Warning, "Webhook endpoint {Endpoint} is paused after days of failure; the last answer: {Outcome}")]
    static partial void LogPaused(ILogger log, string endpoint, string outcome);

    [LoggerMessage(83, LogLevel.Warning, "Delivery {Delivery} is given up; the last answer: {Outcome}")]
    static partial void LogDead(ILogger log, DeliveryId delivery, string outcome);
}
