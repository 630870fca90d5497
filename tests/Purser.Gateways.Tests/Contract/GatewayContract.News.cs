using System.Collections.Concurrent;
using Purser.Orders;

namespace Purser.Gateways.Tests.Contract;

// Webhooks and returns. A gateway whose webhooks only trigger an inquiry must never be believed, whatever they say.
public abstract partial class GatewayContract<TGateway>
{
    static WebhookTrust Trust => Gateway.Profile.Webhooks;

    [Theory]
    [InlineData("paid")]
    [InlineData("declined_then_paid")]
    [InlineData("paid_twice")]
    [InlineData("paid_pending")]
    [InlineData("wrong_amount")]
    public async Task Webhooks_and_inquiries_name_the_same_money(string outcome)
    {
        if (Trust == WebhookTrust.None || Told(outcome) is null) return;
        var call = await Start();
        Opened(await Open(call));
        await sandbox!.Act(call.Payment, outcome);

        if (Trust == WebhookTrust.Trigger)
        {
            await sandbox.Receive(1);
            sandbox.News.Select(Read).ShouldAllBe(r => r is NewsReading.Genuine);
            sandbox.News.Select(Read).Cast<NewsReading.Genuine>().ShouldAllBe(n => n.Payment == call.Payment && !n.ProvesAmount);
            return;
        }
        List<(string, Money)> told = [];
        await SandboxWorld.Until(() =>
        {
            var readings = sandbox.News.Select(Read).ToList();
            readings.ShouldAllBe(r => r is NewsReading.Genuine);
            var ours = readings.Cast<NewsReading.Genuine>().Where(n => n.ProvesAmount).ToList();
            ours.Where(n => n.Payment is not null).ShouldAllBe(n => n.Payment == call.Payment);
            told = [.. Money([.. ours.SelectMany(n => n.Facts)]).Distinct()];
            return told.Count >= (outcome == "paid_twice" ? 2 : 1);
        }, "webhook about the money");
        told.ShouldBe((await Booked(call)).Distinct(), ignoreOrder: true);
        var inquired = Money(Facts(await Inquire(call)));
        if (InquiryTellsAllMoney) inquired.ShouldBe(told, ignoreOrder: true);
        else inquired.ShouldHaveSingleItem().ShouldBeOneOf([.. told]);
    }

    /// <summary>One try is told once, by whichever tells it first; and another try is another decline.</summary>
    [Fact]
    public async Task Webhooks_and_inquiries_tell_a_declined_try_as_one_and_the_next_as_another()
    {
        if (Trust != WebhookTrust.Proof || Told("declined")?.Split(' ').Contains(nameof(Evidence.Declined)) != true) return;
        var call = await Start();
        Opened(await Open(call));
        List<string> inquired = [], heard = [];
        while (inquired.Count < 2)
        {
            (await sandbox!.Act(call.Payment, "declined")).Outcome.ShouldBe("declined");
            sandbox.Pass(TimeSpan.FromSeconds(5));
            inquired.Add(Try(Facts(await Inquire(call)).OfType<Evidence.Declined>().ShouldHaveSingleItem()));
        }
        await SandboxWorld.Until(() =>
        {
            heard = [.. sandbox!.News.Select(Read).OfType<NewsReading.Genuine>().SelectMany(n => n.Facts).OfType<Evidence.Declined>().Select(Try)];
            return heard.Count >= 2;
        }, "webhooks about both tries");
        inquired.ShouldBeUnique();
        heard.ShouldBe(inquired, ignoreOrder: true);

        static string Try(Evidence.Declined told) => told.TryReference ?? $"{told.GatewayTime:O}";
    }

    [Fact]
    public async Task A_gateway_without_webhooks_sends_none()
    {
        if (Trust != WebhookTrust.None) return;
        var call = await Start();
        Opened(await Open(call));
        await sandbox!.Act(call.Payment, "paid");
        Money(Facts(await Inquire(call))).ShouldBe(await Booked(call));
        sandbox.News.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_repeated_webhook_has_the_same_name_and_a_changed_one_is_not_believed()
    {
        if (Trust == WebhookTrust.None) return;
        var call = await Start();
        Opened(await Open(call));
        await sandbox!.Fault("webhook", "duplicate", times: 0);
        await sandbox.Act(call.Payment, "paid");
        await SandboxWorld.Until(() => Groups().Any(g => g.Count() > 1 && g.All(n => n.Payment == call.Payment)), "repeated webhook about this payment");
        foreach (var group in Groups()) group.Select(n => string.Join(';', n.Facts)).Distinct().ShouldHaveSingleItem();
        // Whatever is sent twice is one event, about one payment that we know.
        foreach (var copies in sandbox.News.GroupBy(m => Convert.ToHexString(m.Body.Span)).Where(g => g.Count() > 1))
        {
            var news = copies.Select(Read).ToList();
            news.ShouldAllBe(n => n is NewsReading.Genuine);
            news.Cast<NewsReading.Genuine>().Select(n => (n.EventId, n.Payment)).Distinct().ShouldHaveSingleItem();
        }

        var message = sandbox.News.First(m => Read(m) is NewsReading.Genuine { Payment: not null } news && (Trust == WebhookTrust.Trigger || news.Facts is [Evidence.Succeeded, ..]));
        if (Trust == WebhookTrust.Trigger)
        {
            Tampering.ShouldNeverProve(Gateway, sandbox.Account, Whole(message));
            return;
        }
        var signed = message.Headers.Keys.Where(k => k.Contains("signature", StringComparison.OrdinalIgnoreCase)).ToArray();
        Tampering.ShouldBeNoticed(Gateway, sandbox.Account, Whole(message), signed);

        List<IGrouping<string, NewsReading.Genuine>> Groups() =>
            [.. sandbox.News.Select(Read).OfType<NewsReading.Genuine>().GroupBy(n => n.EventId)];
    }

    [Fact]
    public async Task A_forged_webhook_is_forged_and_one_under_the_old_secret_needs_that_secret()
    {
        if (Trust == WebhookTrust.None) return;
        var call = await Start();
        Opened(await Open(call));
        await sandbox!.Fault("webhook", "forge", times: 0);
        await sandbox.Act(call.Payment, "paid");
        await SandboxWorld.Until(() => sandbox.News.Select(Read).Any(r => r is NewsReading.Forged), "forged webhook");

        var settings = sandbox.Account.Settings;
        var strangers = sandbox.Account with
        {
            Settings = settings.SetItems(WebhookSecrets.Where(settings.ContainsKey).Select(s => KeyValuePair.Create(s, Stranger(s, settings[s])))),
        };
        foreach (var message in sandbox.News) Gateway.ReadWebhook(Whole(message), strangers).ShouldBeOfType<NewsReading.Forged>();

        foreach (var rolling in Rolling())
            foreach (var message in sandbox.News) Gateway.ReadWebhook(Whole(message), rolling).GetType().ShouldBe(Read(message).GetType());
    }

    /// <summary>A key is replaced while news, returns and answers under the old one are still on their way.</summary>
    [Fact]
    public async Task While_a_key_is_replaced_the_old_one_and_the_new_one_both_count_and_the_first_signs()
    {
        var call = await Start();
        // Each key that checks what comes can be two.
        WebhookSecrets.Select(name => Gateway.Profile.Settings.Single(s => s.Name == name)).ShouldAllBe(s => s.Several);
        (Trust == WebhookTrust.None || WebhookSecrets.Any()).ShouldBeTrue();
        Opened(await Open(call));
        var returned = (await sandbox!.Act(call.Payment, "paid")).Message;
        if (Trust != WebhookTrust.None) await sandbox.Receive(1);
        foreach (var rolling in Rolling())
        {
            new GatewayCatalog().Problems(rolling).ShouldBeEmpty();
            foreach (var message in sandbox.News) Gateway.ReadWebhook(Whole(message), rolling).ShouldBeOfType<NewsReading.Genuine>();
            Gateway.ReadReturn(returned, rolling).ShouldBeOfType<NewsReading.Genuine>().Payment.ShouldBe(call.Payment);
        }

        // The gateway still has only what stands first.
        var ours = call with { Account = Rolling()[0], Payment = new PaymentId(call.Payment.Order, 2) };
        Opened(await Open(ours)).Amount.ShouldBe(Amount);
        Facts(await Inquire(ours)).ShouldNotBeEmpty();
        (await sandbox.Links(ours.Payment)).ShouldHaveSingleItem();
    }

    /// <summary>Read again as it was kept: without what is not kept of it, and after its key was replaced.</summary>
    [Fact]
    public async Task A_genuine_webhook_stays_genuine_when_it_is_read_again_later()
    {
        if (Trust == WebhookTrust.None) return;
        var call = await Start();
        Opened(await Open(call));
        await sandbox!.Act(call.Payment, "paid");
        await sandbox.Receive(1);
        var settings = sandbox.Account.Settings;
        var replaced = sandbox.Account with
        {
            Settings = settings.SetItems(WebhookSecrets.Where(settings.ContainsKey).Select(s => KeyValuePair.Create(s, Stranger(s, settings[s])))),
        };
        foreach (var message in sandbox.News.ToList())
        {
            var kept = message with { Headers = new Dictionary<string, string>(message.KeptHeaders, StringComparer.OrdinalIgnoreCase), WasGenuine = true };
            var first = Read(message).ShouldBeOfType<NewsReading.Genuine>();
            foreach (var account in (GatewayAccount[])[sandbox.Account, .. EncryptsNews ? (GatewayAccount[])[] : [replaced]])
            {
                var again = Gateway.ReadWebhook(kept, account).ShouldBeOfType<NewsReading.Genuine>();
                (again.EventId, again.EventType, again.Payment, again.ProvesAmount).ShouldBe((first.EventId, first.EventType, first.Payment, first.ProvesAmount));
            }
        }
    }

    /// <summary>What comes can be read with the key alone.</summary>
    protected virtual bool EncryptsNews => false;

    /// <summary>The account with a second key behind the right one, and with one before it.</summary>
    List<GatewayAccount> Rolling()
    {
        var settings = sandbox!.Account.Settings;
        var keys = Gateway.Profile.Settings.Where(s => s.Several && settings.ContainsKey(s.Name)).Select(s => (s.Name, Right: settings[s.Name], Other: Stranger(s.Name, settings[s.Name]))).ToList();
        return
        [
            sandbox.Account with { Settings = settings.SetItems(keys.Select(k => KeyValuePair.Create(k.Name, $"{k.Right}, {k.Other}"))) },
            sandbox.Account with { Settings = settings.SetItems(keys.Select(k => KeyValuePair.Create(k.Name, $"{k.Other}, {k.Right}"))) },
        ];
    }

    /// <summary>The settings that a webhook's check depends on.</summary>
    protected virtual IEnumerable<string> WebhookSecrets => Gateway.Profile.Settings.Where(s => s is { Secret: true, Several: true }).Select(s => s.Name);

    [Fact]
    public async Task A_webhook_of_another_amount_says_that_amount_or_is_not_believed()
    {
        if (Trust == WebhookTrust.None) return;
        var call = await Start();
        Opened(await Open(call));
        await sandbox!.Fault("webhook", "wrong_amount", times: 0);
        await sandbox.Act(call.Payment, "paid");
        if (Trust == WebhookTrust.Trigger)
        {
            (await sandbox.Receive(1)).Select(Read).ShouldAllBe(r => r is NewsReading.Forged || r is NewsReading.Unreadable || (r is NewsReading.Genuine && !((NewsReading.Genuine)r).ProvesAmount));
            Money(Facts(await Inquire(call))).ShouldBe(await Booked(call));
            return;
        }
        await SandboxWorld.Until(() => Money([.. sandbox.News.Select(Read).OfType<NewsReading.Genuine>().SelectMany(n => n.Facts)]).Count > 0, "webhook");
        Money([.. sandbox.News.Select(Read).OfType<NewsReading.Genuine>().SelectMany(n => n.Facts)]).ShouldContain(m => m.Amount != Amount);
    }

    [Theory]
    [InlineData("paid")]
    [InlineData("cancelled")]
    public async Task A_return_names_the_payment_and_nothing_more(string outcome)
    {
        var call = await Start();
        Opened(await Open(call));
        var acted = await sandbox!.Act(call.Payment, outcome);
        // Not every page has a way back for who gives up, and one that has may bring nothing but the address.
        if (outcome == "cancelled" && (acted.ReturnUrl is null || acted.ReturnUrl == call.ReturnUrl)) return;
        acted.ReturnUrl!.ShouldStartWith(call.ReturnUrl);
        var news = Gateway.ReadReturn(acted.Message, sandbox.Account);
        if (outcome == "cancelled" && news is NewsReading.Forged) return;
        var genuine = news.ShouldBeOfType<NewsReading.Genuine>();
        (genuine.Payment, genuine.Facts.Count, genuine.ProvesAmount).ShouldBe((call.Payment, 0, false));
    }

    [Fact]
    public async Task Each_signature_can_be_shown_step_by_step_without_its_secret()
    {
        if (Gateway is not IShowSignatures shows) return;
        var call = await Start();
        Opened(await Open(call));
        var acted = await sandbox!.Act(call.Payment, "paid");
        var returned = acted.Message;
        IReadOnlyList<RawMessage> webhooks = Trust == WebhookTrust.None ? [] : await sandbox.Receive(1);
        shows.Signatures.Select(s => s.Name).ShouldBeUnique();
        foreach (var message in webhooks.Select(Whole).Append(returned))
        {
            var traces = shows.Signatures.Select(s => s.Compute(message, sandbox.Account)).ToList();
            // A return may be unsigned; a webhook that is believed, or leads to a question, has a signature that can be shown.
            if (message.Method == "POST" && message != returned) traces.ShouldContain(t => t.Right);
            foreach (var secret in Gateway.Profile.Settings.Where(s => s.Secret).Select(s => sandbox.Account.OptionalSetting(s.Name)).OfType<string>())
                traces.SelectMany(t => t.Steps).ShouldAllBe(s => !s.Value.Contains(secret) && (s.Remark == null || !s.Remark.Contains(secret)));
            if (message == returned) continue;
            var strangers = sandbox.Account with
            {
                Settings = sandbox.Account.Settings.SetItems(WebhookSecrets.Where(sandbox.Account.Settings.ContainsKey).Select(s => KeyValuePair.Create(s, Stranger(s, sandbox.Account.Setting(s))))),
            };
            shows.Signatures.Select(s => s.Compute(message, strangers)).ShouldNotContain(t => t.Right);
        }
    }

    NewsReading Read(RawMessage message) => Gateway.ReadWebhook(Whole(message), sandbox!.Account);

    static readonly ConcurrentDictionary<Uri, ReadOnlyMemory<byte>> Published = new();
    static readonly HttpClient Fetching = new();

    /// <summary>With what the gateway publishes for its check, as the server attaches it.</summary>
    RawMessage Whole(RawMessage message)
    {
        if (Gateway is not INeedPublished needing || needing.Published(message, sandbox!.Account) is not { } address) return message;
        return message with
        {
            Published = Published.GetOrAdd(address, static address =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, address);
                using var answer = Fetching.Send(request);
                answer.EnsureSuccessStatusCode();
                using var bytes = new MemoryStream();
                answer.Content.ReadAsStream().CopyTo(bytes);
                return bytes.ToArray();
            }),
        };
    }
}
