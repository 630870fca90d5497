using System.Diagnostics.Metrics;
using Purser.Gateways;
using Purser.Orders;
using Purser.Server.Engine;
using Purser.Server.Gateways;

namespace Purser.Server.Webhooks;

/// <summary>Takes a gateway's message in: checks, translates, and hands it to the engine, which stores and applies it in one commit. Only then
/// is it answered. Decides nothing and knows no HTTP.</summary>
public sealed partial class NewsIntake(
    OrderEngine engine, IOrderStore orders, GatewayAccounts accounts, PublishedFiles published, Func<GatewayAccounts.Entry, GatewayLine> lines, ILogger<NewsIntake> log)
{
    /// <summary>Questions about webhooks under way at once. Strangers cause them, and they travel on the account's own wire; whatever comes beyond is to
    /// be sent again.</summary>
    public const int MostQuestions = 4;

    static readonly Meter Meter = new("Purser.Webhooks");
    static readonly Counter<long> Received = Meter.CreateCounter<long>("purser.webhooks.received", description: "Webhooks by account and verdict.");

    int questions;

    public enum Outcome
    {
        Stored,
        UnknownAccount,
        Forged,
        Busy,
        /// <summary>What it must be checked with cannot be had now: neither believed nor refused, and to be sent again.</summary>
        Unchecked,
    }

    /// <param name="cameAt">Of a message that was kept aside and is read again: when it came.</param>
    public async Task<(Outcome Outcome, EngineReply? Reply)> Take(string account, RawMessage message, CancellationToken stop, DateTimeOffset? cameAt = null)
    {
        if (accounts.Find(account) is not { } entry) return (Outcome.UnknownAccount, null);
        if (await WithProof(entry, message, stop) is not { } whole)
        {
            Count(account, "unchecked");
            return (Outcome.Unchecked, null);
        }
        message = whole;
        var reading = entry.Gateway.ReadWebhook(message, entry.Account);
        switch (reading)
        {
            case NewsReading.Forged forged:
                LogForged(log, account, forged.Why);
                Count(account, "forged");
                return (Outcome.Forged, null);
            case NewsReading.Unreadable unreadable:
                return await Store(new EngineInput(null, [],
                    Raw(entry.Account, message, unreadable.EventId, "unreadable", null) with { QuarantineReason = unreadable.Why }), stop);
            case NewsReading.Genuine genuine:
                try
                {
                    var read = Read(entry.Account, message, await Placed(entry.Account.Name, genuine, stop));
                    return await Store(read with { News = read.News! with { CameAt = cameAt } }, stop);
                }
                catch (StoreAwayException away)
                {
                    return (Outcome.Busy, new EngineReply.Busy(TimeSpan.FromSeconds(2), away.Message));
                }
            default:
                throw new InvalidOperationException($"No rule for {reading.GetType().Name}.");
        }
    }

    /// <summary>With what its check needs beyond the message itself; null when that cannot be had now.</summary>
    async Task<RawMessage?> WithProof(GatewayAccounts.Entry entry, RawMessage message, CancellationToken stop)
    {
        if (message.WasGenuine) return message;
        var confirming = entry.Gateway as IConfirmNews;
        if (confirming is null || !confirming.AsksAlways(entry.Account))
        {
            if (entry.Gateway is not INeedPublished needing || needing.Published(message, entry.Account) is not { } address) return message;
            if (await published.Read(address, stop) is { } file) return message with { Published = file };
            LogUnfetched(log, entry.Account.Name, address);
            if (confirming is null) return null;
        }
        if (await Ask(confirming, entry, message, stop) is { } theirs) return message with { Confirmed = theirs };
        LogUnconfirmed(log, entry.Account.Name);
        return null;
    }

    async Task<bool?> Ask(IConfirmNews confirming, GatewayAccounts.Entry entry, RawMessage message, CancellationToken stop)
    {
        try
        {
            return Interlocked.Increment(ref questions) > MostQuestions ? null : await confirming.Confirm(message, entry.Account, lines(entry), stop);
        }
        finally
        {
            Interlocked.Decrement(ref questions);
        }
    }

    /// <summary>News that do not carry our reference may name money, or a refund, that we know.</summary>
    async Task<NewsReading.Genuine> Placed(string account, NewsReading.Genuine news, CancellationToken stop)
    {
        if (news.Payment is not null || news is { Facts.Count: 0, RefundFacts.Count: 0 }) return news;
        if (news.MoneyReference is { } money && await orders.FindMoney(account, money, stop) is { } payment) return news with { Payment = payment };
        foreach (var (ours, fact) in news.RefundFacts)
            if (ours is null && fact.RefundReference is { } named && await orders.FindRefund(account, named, stop) is { } refund)
                return news with { RefundFacts = [.. news.RefundFacts.Select(n => n.Fact.RefundReference == named ? n with { Ours = refund } : n)] };
        return news;
    }

    static EngineInput Read(GatewayAccount account, RawMessage message, NewsReading.Genuine news)
    {
        var order = news.Payment?.Order ?? news.RefundFacts.Select(n => n.Ours?.Order).FirstOrDefault(o => o is not null);
        var raw = Raw(account, message, news.EventId, news.EventType, news.Payment?.Number);
        if (order is null)
            // About none of our orders: nothing to decide. When it tells of money, a person must see it.
            return new EngineInput(null, [], raw with { ConcernsNoOrder = news is { Facts.Count: 0, RefundFacts.Count: 0 } });
        // About two orders at once: what could be wrong with it, a person must see. What is true of it, the questions to the gateway find.
        if (news.RefundFacts.Any(n => n.Ours is { } refund && refund.Order != order))
            return new EngineInput(order, [], raw with { QuarantineReason = "It tells of two orders at once." });
        var inputs = new List<OrderInput>();
        if (!news.ProvesAmount)
        {
            if (news.Payment is { } heard) inputs.Add(new OrderCommand.Look(heard.Number, Heard: true));
            foreach (var (ours, _) in news.RefundFacts)
                if (ours is { } refund) inputs.Add(new OrderCommand.LookRefund(refund.Number));
        }
        else
        {
            foreach (var fact in news.Facts) inputs.Add(fact.Learned(news.Payment!.Value.Number, EvidenceSource.Webhook, message.ReceivedAt, news.EventId));
            foreach (var (ours, fact) in news.RefundFacts)
                inputs.Add((fact with { MoneyReference = fact.MoneyReference ?? news.MoneyReference }).Learned(ours?.Number ?? 0, news.Payment?.Number ?? 0, EvidenceSource.Webhook, message.ReceivedAt, news.EventId));
        }
        return new EngineInput(order, inputs, raw);
    }

    static GatewayNews Raw(GatewayAccount account, RawMessage message, string eventId, string eventType, int? payment) =>
        new(account.Name, Words.Fit(eventId)!, Words.Fit(eventType)!, payment, RowJson.Text(json =>
        {
            json.WriteStartObject();
            foreach (var (name, value) in message.KeptHeaders) json.WriteString(name, value);
            json.WriteEndObject();
        }), message.Body);

    async Task<(Outcome, EngineReply?)> Store(EngineInput input, CancellationToken stop)
    {
        var reply = await engine.Submit(input, stop);
        var verdict = reply switch
        {
            EngineReply.Done { News: { } v } => EventNames.Snake(v.ToString()),
            EngineReply.DuplicateNews => "duplicate",
            EngineReply.Busy => "busy",
            _ => throw new InvalidOperationException($"News were answered with {reply.GetType().Name}."),
        };
        Count(input.News!.Account, verdict);
        LogTaken(log, input.News.EventType, input.News.EventId, input.News.Account, input.Order, verdict);
        return (reply is EngineReply.Busy ? Outcome.Busy : Outcome.Stored, reply);
    }

    static void Count(string account, string verdict) =>
        Received.Add(1, new KeyValuePair<string, object?>("account", account), new KeyValuePair<string, object?>("verdict", verdict));

    [LoggerMessage(40, LogLevel.Warning, "A webhook for {Account} is not the gateway's: {Why}")]
    static partial void LogForged(ILogger log, string account, string why);

    [LoggerMessage(41, LogLevel.Debug, "{EventType} {EventId} of {Account} about {Order}: {Verdict}")]
    static partial void LogTaken(ILogger log, string eventType, string eventId, string account, OrderId? order, string verdict);

    [LoggerMessage(42, LogLevel.Warning, "What a webhook for {Account} is checked with could not be read at {Address}")]
    static partial void LogUnfetched(ILogger log, string account, Uri address);

    [LoggerMessage(43, LogLevel.Warning, "The gateway of {Account} did not say whether a webhook is its own; it is to be sent again")]
    static partial void LogUnconfirmed(ILogger log, string account);
}
