using System.Collections.Immutable;
using Purser.Orders;
using Purser.Refunds;

namespace Purser.Gateways.Tests.Contract;

// News overtake each other. What an order comes to must not depend on which came first.
public abstract partial class GatewayContract<TGateway>
{
    /// <summary>False for a gateway that tells of refunds without a signature: such news are refused.</summary>
    protected virtual bool SignsRefundNews => true;

    /// <summary>All is heard at one time, so that nothing can go by that.</summary>
    static readonly DateTimeOffset Heard = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>A decline and a success where the page allows both, else a success alone, then money that goes back; all told in another order.</summary>
    [Fact]
    public async Task News_that_come_in_another_order_come_to_the_same_end()
    {
        if (Trust == WebhookTrust.None) return;
        var call = await Start();
        var opened = Opened(await Open(call));
        await sandbox!.Faults(("webhook", "reorder"));
        await sandbox.Act(call.Payment, Told("declined_then_paid") is null ? "paid" : "declined_then_paid");
        var inquired = Facts(await Inquire(call, opened.GatewayReference));
        var money = inquired.OfType<Evidence.Succeeded>().ShouldHaveSingleItem();
        var refund = new RefundCall(
            call.Account, new RefundId(call.Payment.Order, 1), call.Payment, opened.GatewayReference, money.MoneyReference, money.Amount,
            new Money(money.Amount.MinorUnits / 2, money.Amount.Currency), null, "Order 42", call.StartedAt);
        RefundEvidence? returned = null;
        if (Gateway is IRefundMoney)
        {
            await Refund(refund);
            returned = (await Ended(refund)).ShouldBeOfType<RefundEvidence.Succeeded>();
        }
        sandbox.Resume();
        var sent = await AllSent();
        // The fault truly struck, wherever there is more than one piece of news.
        if (sent.Count > 1) sent.SequenceEqual(sent.Order()).ShouldBeFalse();

        var came = sandbox.News.Select(Read).ToList();
        if (!SignsRefundNews) came.RemoveAll(n => n is NewsReading.Forged);
        came.ShouldNotBeEmpty();
        came.ShouldAllBe(n => n is NewsReading.Genuine);
        var news = came.Cast<NewsReading.Genuine>().ToList();
        news.ShouldAllBe(n => n.Payment == null || n.Payment == call.Payment);

        // The link's own answer first or last, with nothing but news of the payment.
        var paid = Ends(linkLast => End(call, opened, linkLast, null, news.Select(n => Inputs(n, inquired, null))), news.Count);
        paid.ShouldHaveSingleItem().ShouldContain("payments Succeeded;");
        if (returned is null) return;
        // We knew of the money by asking and sent some back, before any news came.
        var back = Ends(_ => End(call, opened, false, (money, refund), news.Select(n => Inputs(n, inquired, returned))), news.Count);
        // Where nobody tells of refunds, asking does.
        back.ShouldHaveSingleItem().ShouldContain($"refunds {refund.Amount} {(news.Any(n => n.RefundFacts.Count > 0) ? RefundStatus.Succeeded : RefundStatus.Requested)};");

        List<string> Ends(Func<bool, Func<IEnumerable<int>, string>> end, int count) =>
        [
            .. Orders(count).SelectMany(order => new[] { end(false)(order), end(true)(order) }).Distinct(),
        ];
    }

    /// <summary>As they came, backwards, and with each of them first and last.</summary>
    static IEnumerable<IReadOnlyList<int>> Orders(int count)
    {
        var all = Enumerable.Range(0, count).ToList();
        yield return all;
        yield return [.. all.Reverse<int>()];
        foreach (var one in all)
        {
            yield return [one, .. all.Where(i => i != one)];
            yield return [.. all.Where(i => i != one), one];
        }
    }

    /// <summary>What a piece of news is to an order: its facts where they are proven, else the answers to the questions that it leads to.</summary>
    static ImmutableArray<OrderInput> Inputs(NewsReading.Genuine news, IReadOnlyList<Evidence> inquired, RefundEvidence? returned)
    {
        if (!news.ProvesAmount)
            return
            [
                .. inquired.Select(f => f.Learned(1, EvidenceSource.Inquiry, Heard, null)),
                .. returned is null || news.RefundFacts.Count == 0 ? Array.Empty<OrderInput>() : [returned.Learned(1, 1, EvidenceSource.Inquiry, Heard, null)],
            ];
        return
        [
            .. news.Facts.Select(f => f.Learned(1, EvidenceSource.Webhook, Heard, news.EventId)),
            .. returned is null ? [] : news.RefundFacts.Select(n => n.Fact.Learned(n.Ours?.Number ?? 0, 1, EvidenceSource.Webhook, Heard, news.EventId)),
        ];
    }

    /// <summary>Decides on an order that hears the news in this order, and says what became of it.</summary>
    static Func<IEnumerable<int>, string> End(
        LinkCall call, Evidence.LinkOpened opened, bool linkLast, (Evidence.Succeeded Money, RefundCall Call)? refund, IEnumerable<ImmutableArray<OrderInput>> news)
    {
        var inputs = news.ToList();
        var rules = new OrderRules { Accounts = new Dictionary<string, GatewayTerms> { [call.Account.Name] = Gateway.Profile.Terms(Gateway is ICancelLinks) } };
        return heard =>
        {
            Order? order = null;
            Take(new OrderCommand.Create(
                call.Payment.Order, null, call.Amount, call.Description, call.Customer, new OrderPolicy(), TimeSpan.FromHours(1),
                new OrderContent([], ImmutableSortedDictionary<string, string>.Empty, null, null, [])));
            Take(new OrderCommand.StartPayment(call.Account.Name, null));
            if (!linkLast) Take(opened.Learned(1, EvidenceSource.Reply, Heard, null));
            if (refund is var (money, asked))
            {
                Take(money.Learned(1, EvidenceSource.Inquiry, Heard, null));
                Take(new OrderCommand.Refund(1, asked.Amount, null));
            }
            foreach (var i in heard)
                foreach (var input in inputs[i])
                    Take(input);
            if (linkLast) Take(opened.Learned(1, EvidenceSource.Reply, Heard, null));
            return $"{order!.Status}; payments {string.Join(", ", order.Payments.Select(p => p.Status))}; refunds {string.Join(", ", order.Refunds.Select(r => $"{r.Amount} {r.Status}"))}; "
                + $"questions {string.Join(", ", order.Questions.Select(q => q.Kind).Order())}";

            void Take(OrderInput input) => order = OrderMachine.Decide(order, input, Heard, rules).After;
        };
    }

    /// <summary>Once each event was sent that is to be sent.</summary>
    async Task<IReadOnlyList<DateTimeOffset>> AllSent()
    {
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var sent = await sandbox!.Sent();
            if (sent.Count > 0 && sent.All(s => s is not null)) return [.. sent.Select(s => s!.Value)];
            if (TimeProvider.System.GetElapsedTime(since) > SandboxWorld.Patience) throw new TimeoutException("Not every webhook was sent.");
            await Task.Delay(20);
        }
    }
}
