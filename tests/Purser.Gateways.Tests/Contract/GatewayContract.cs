using System.Collections.Concurrent;
using System.Collections.Immutable;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Gateways.Tests.Contract;

/// <summary>What every gateway keeps, also against its simulator, which was written from the same documents by other hands: what the adapter
/// says must be what truly happened to the money. A new gateway inherits it in one line.</summary>
public abstract partial class GatewayContract<TGateway> : NetworkContract<TGateway>, IAsyncLifetime where TGateway : IGateway, new()
{
    static readonly GatewayLimits Patient = new() { BreakerThroughput = 1000, LongestQuiet = TimeSpan.Zero };
    /// <summary>Shorter than the sandbox's silence, so that a fault takes two seconds and not fourteen. Only while it is silent: on a busy machine an
    /// honest answer may take as long.</summary>
    static readonly GatewayLimits Impatient = Patient with { WholeCall = TimeSpan.FromSeconds(2) };

    /// <summary>False for a gateway whose inquiry knows one payment for each link: a second one is told by its webhooks only.</summary>
    protected virtual bool InquiryTellsAllMoney => true;

    /// <summary>What an inquiry tells after an outcome, as the names of its facts in order; null when this gateway's page has no such outcome. What
    /// differs from the usual is written in the gateway's own test, with its reason.</summary>
    protected virtual string? Told(string outcome) => outcome switch
    {
        "paid" or "declined_then_paid" or "wrong_amount" => "Succeeded",
        "paid_twice" => "Succeeded Succeeded",
        "declined" => "Declined LinkOpened",
        "abandoned" => "LinkOpened",
        "expired" => "LinkExpired",
        "paid_pending" or "pending_then_failed" or "paid_late" => "",
        _ => null,
    };

    /// <summary>False for a gateway that tells of a try whose bank has not answered no more than of one that the shopper left: on an open link it is neither.</summary>
    protected virtual bool TellsOfSlowBanks => true;

    /// <summary>False for a gateway that can be asked by its own name for a link only: then a link whose answer was lost was handed to nobody, is absent
    /// when it is asked about, and is there again when it is asked for again.</summary>
    protected virtual bool KnownByOurReference => true;

    /// <summary>True for a gateway that hands out a link with the answer that made it, and never again: who asks a second time learns at most that it
    /// exists.</summary>
    protected virtual bool LinkIsToldOnce => false;

    /// <summary>False for a gateway that does not say back what it will ask of the shopper when it gives a link.</summary>
    protected virtual bool AnswerNamesAmount => true;

    /// <summary>Where the browser comes back to, as this gateway takes an address of ours.</summary>
    protected virtual string ReturnUrl => "https://pay.test/r?payment=pay_0001jd8xk3m4n_1&token=a.b";

    readonly GatewayLines patient = new(limits: Patient);
    readonly GatewayLines impatient = new(limits: Impatient);
    readonly ConcurrentDictionary<PaymentId, string> names = new();
    readonly List<GatewayLine> opened = [];
    SandboxWorld? sandbox;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        patient.Dispose();
        impatient.Dispose();
        if (sandbox is null) return;
        await sandbox.DisposeAsync();
        // Whatever a test did, nothing of this may be kept.
        foreach (var kept in opened.SelectMany(l => l.Exchanges).Select(e => e.ToString()))
        {
            foreach (var secret in Gateway.Profile.Settings.Where(s => s.Secret).Select(s => sandbox.Account.OptionalSetting(s.Name)).OfType<string>()) kept.ShouldNotContain(secret);
            kept.ShouldNotContain("919000000001");
            Personal.In(kept).ShouldBeEmpty(kept);
        }
    }

    [Fact]
    public async Task A_link_is_opened_over_the_amount_that_was_asked()
    {
        var call = await Start();
        var fact = Opened(await Open(call));
        fact.Amount.ShouldBe(Amount);
        var link = (await sandbox!.Links(call.Payment)).ShouldHaveSingleItem();
        (link.Id, link.Amount, link.Currency.ToUpperInvariant()).ShouldBe((fact.GatewayReference!, Amount.MinorUnits, Amount.Currency.Code));
    }

    [Fact]
    public async Task A_link_can_be_asked_for_with_each_method_that_is_offered()
    {
        var call = await Start();
        var number = 1;
        foreach (var offer in Gateway.Profile.Offers)
        {
            var code = offer.Currencies.Count == 0 || offer.Currencies.Contains(Amount.Currency.Code) ? Amount.Currency.Code : offer.Currencies.Order().First();
            var one = call with
            {
                Payment = new PaymentId(call.Payment.Order, number++),
                Method = offer.Method,
                Amount = new Money(Amount.MinorUnits, Currency.Find(code)),
            };
            Opened(await Open(one)).Amount.ShouldBe(one.Amount, offer.Method);
            (await sandbox!.Links(one.Payment)).ShouldHaveSingleItem();
        }
    }

    [Fact]
    public async Task A_form_that_was_changed_on_its_way_asks_for_the_same_money_or_for_none()
    {
        if (!Gateway.Profile.LinkIsForm) return;
        var call = await Start();
        var form = (PaymentLink.Form)Opened(await Gateway.OpenLink(call, Line(call.Account), default)).Link!;
        foreach (var (field, value) in form.Fields)
            foreach (var changed in (string[])["", value + "1", "1" + value, value.Length > 0 ? value[..^1] : "x"])
            {
                await sandbox!.Follow(form with { Fields = form.Fields.SetItem(field, changed) });
                foreach (var link in await sandbox.Links(call.Payment)) link.Amount.ShouldBe(Amount.MinorUnits, $"{field} = {changed}");
            }
    }

    [Fact]
    public async Task The_same_payment_asked_for_many_times_is_one_link()
    {
        if (!Gateway.Profile.RepeatsSafely) return;
        var call = await Start();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Open(call)));
        answers.ShouldAllBe(a => a is GatewayAnswer.Done || a is GatewayAnswer.Unknown);
        var last = await Open(call);
        if (LinkIsToldOnce && last is not GatewayAnswer.Done) last.ShouldBeOfType<GatewayAnswer.Unknown>();
        else answers = [.. answers, last];
        var names = answers.OfType<GatewayAnswer.Done>().Select(d => Opened(d).GatewayReference).Distinct();
        names.ShouldHaveSingleItem();
        (await sandbox!.Links(call.Payment)).Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("refuse")]
    [InlineData("error_500")]
    [InlineData("error_500_after")]
    [InlineData("error_429")]
    [InlineData("timeout_before")]
    [InlineData("timeout_after")]
    [InlineData("malformed")]
    [InlineData("malformed_html")]
    [InlineData("empty")]
    public async Task A_link_whose_answer_was_lost_is_found_or_known_to_be_absent_and_never_two(string fault)
    {
        var call = await Start();
        await sandbox!.Fault("create_link", fault);
        var answer = await Open(call);
        // A form is in the browser's hands: what fails there is not heard of.
        if (!Gateway.Profile.LinkIsForm && answer is not GatewayAnswer.NotSent) answer.ShouldBeOfType<GatewayAnswer.Unknown>();

        // What was lost is lost; from here on a slow machine is only slow.
        await sandbox.ClearFaults();
        var exists = (await sandbox.Links(call.Payment)).Count > 0;
        if (answer is GatewayAnswer.NotSent) exists.ShouldBeFalse();
        var facts = Facts(await Inquire(call));
        if (exists && KnownByOurReference) facts.Select(f => f.GetType().Name).ShouldBe(Told("abandoned")!.Split(' '));
        else facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Absent>();

        // Asked again under the same key, it is the same one; a gateway that repeats a stored failure for ever is read instead.
        if (await Open(call) is GatewayAnswer.Done done) done.Facts.ShouldContain(f => f is Evidence.LinkOpened);
        (await sandbox.Links(call.Payment)).Count.ShouldBeLessThanOrEqualTo(1);
    }

    [Fact]
    public async Task A_link_over_another_amount_is_seen_for_what_it_is()
    {
        if (Gateway.Profile.LinkIsForm || !AnswerNamesAmount) return;
        var call = await Start();
        await sandbox!.Fault("create_link", "wrong_amount");
        Opened(await Open(call)).Amount.ShouldNotBe(Amount);
    }

    [Theory]
    [InlineData("paid")]
    [InlineData("declined_then_paid")]
    [InlineData("paid_twice")]
    [InlineData("wrong_amount")]
    [InlineData("declined")]
    [InlineData("abandoned")]
    [InlineData("left_at_check")]
    [InlineData("expired")]
    public async Task An_inquiry_tells_what_happened_to_the_money(string outcome)
    {
        var call = await Start();
        var name = Opened(await Open(call)).GatewayReference;
        var expected = Told(outcome);
        // Before the gateway gives the try up.
        if (outcome == "left_at_check") sandbox!.StandStill();
        (await sandbox!.Act(call.Payment, outcome)).Outcome.ShouldBe(expected is null ? "refused" : outcome);
        if (expected is null) return;

        foreach (var reference in (string?[])[null, name])
        {
            var told = Facts(await Inquire(call, reference));
            var hidden = InquiryTellsAllMoney ? 0 : Math.Max(0, (await Booked(call)).Count - 1);
            Money(told).Count.ShouldBe((await Booked(call)).Count - hidden);
            Money(told).ShouldBeSubsetOf(await Booked(call));
            told.Where(f => outcome != "wrong_amount" || f is Evidence.Succeeded).Select(f => f.GetType().Name).ShouldBe(expected.Split(' ')[hidden..]);
            told.Where(f => f is not Evidence.Absent).ShouldAllBe(f => f.GatewayReference == name);
        }
    }

    [Theory]
    [InlineData("paid_pending", true)]
    [InlineData("pending_then_failed", false)]
    [InlineData("paid_late", true)]
    public async Task Money_under_way_is_processing_until_it_is_known(string outcome, bool paid)
    {
        var call = await Start();
        Opened(await Open(call));
        sandbox!.StandStill();
        (await sandbox.Act(call.Payment, outcome)).Outcome.ShouldBe(Told(outcome) is null ? "refused" : outcome);
        if (Told(outcome) is null) return;
        if (outcome != "paid_late") Facts(await Inquire(call)).Any(f => f is Evidence.Processing).ShouldBe(TellsOfSlowBanks);

        sandbox.Resume();
        var since = TimeProvider.System.GetTimestamp();
        IReadOnlyList<Evidence> told;
        do
        {
            await Task.Delay(50);
            told = Facts(await Inquire(call));
        }
        while (!Known() && TimeProvider.System.GetElapsedTime(since) < SandboxWorld.Patience);
        Money(told).Count.ShouldBe(paid ? 1 : 0);
        Money(told).ShouldBe(await Booked(call));
        if (!paid) told.ShouldContain(f => f is Evidence.Failed || f is Evidence.Declined);

        bool Known() => paid ? Money(told).Count > 0 : told.Any(f => f is Evidence.Failed or Evidence.Declined) && !told.Any(f => f is Evidence.Processing);
    }

    [Theory]
    [InlineData("refuse")]
    [InlineData("error_500")]
    [InlineData("error_429")]
    [InlineData("timeout_before")]
    [InlineData("malformed")]
    [InlineData("malformed_html")]
    [InlineData("empty")]
    public async Task An_inquiry_that_fails_says_nothing(string fault)
    {
        var call = await Start();
        var name = Opened(await Open(call)).GatewayReference;
        await sandbox!.Act(call.Payment, "paid");
        await sandbox.Fault("inquire", fault, times: 0);
        foreach (var reference in (string?[])[null, name])
        {
            var answer = await Inquire(call, reference);
            if (answer is not GatewayAnswer.NotSent) answer.ShouldBeOfType<GatewayAnswer.Unknown>();
        }
        await sandbox.ClearFaults();
        Money(Facts(await Inquire(call))).ShouldBe(await Booked(call));
    }

    [Fact]
    public async Task A_closed_link_takes_no_money()
    {
        if (Gateway is not ICancelLinks) return;
        var call = await Start();
        var name = Opened(await Open(call)).GatewayReference;
        Facts(await Cancel(call, name)).ShouldContain(f => f is Evidence.LinkCancelled);
        Facts(await Inquire(call)).ShouldHaveSingleItem().ShouldBeAssignableTo<Evidence>().ShouldSatisfyAllConditions(
            f => (f is Evidence.LinkCancelled or Evidence.LinkExpired).ShouldBeTrue(f.ToString()));
        (await sandbox!.Act(call.Payment, "paid")).Outcome.ShouldBe("refused");
        // Closed is closed, however often it is asked.
        Facts(await Cancel(call, null)).ShouldNotContain(f => f is Evidence.LinkOpened);
        (await sandbox.Book(call.Payment)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Closing_a_paid_link_answers_with_the_money()
    {
        if (Gateway is not ICancelLinks) return;
        var call = await Start();
        var name = Opened(await Open(call)).GatewayReference;
        await sandbox!.Act(call.Payment, "paid");
        foreach (var reference in (string?[])[name, null]) Money(Facts(await Cancel(call, reference))).ShouldBe(await Booked(call));
    }

    [Theory]
    [InlineData("error_500")]
    [InlineData("error_500_after")]
    [InlineData("timeout_before")]
    [InlineData("timeout_after")]
    [InlineData("malformed")]
    [InlineData("empty")]
    public async Task A_cancellation_whose_answer_was_lost_is_unknown_and_can_be_repeated(string fault)
    {
        if (Gateway is not ICancelLinks) return;
        var call = await Start();
        var name = Opened(await Open(call)).GatewayReference;
        await sandbox!.Fault("cancel", fault);
        (await Cancel(call, name)).ShouldBeOfType<GatewayAnswer.Unknown>();
        await sandbox.ClearFaults();
        Facts(await Cancel(call, name)).ShouldContain(f => f is Evidence.LinkCancelled || f is Evidence.LinkExpired);
    }

    [Fact]
    public async Task Amounts_of_every_kind_of_currency_come_back_as_they_went()
    {
        var call = await Start();
        var number = 1;
        var taken = new HashSet<string>();
        foreach (var currency in Currency.All)
            foreach (var minorUnits in (long[])[1_000, 1_001, 19_990, 12_345, 99_999_990])
            {
                var amount = new Money(minorUnits, currency);
                if (Gateway.Profile.RefusesAmount(amount) is not null) continue;
                var one = call with { Payment = new PaymentId(call.Payment.Order, number++), Amount = amount };
                var answer = await Open(one);
                // Their own limits may refuse it; what they take they must take as it was meant.
                if (answer is GatewayAnswer.Rejected) continue;
                Opened(answer).Amount.ShouldBe(amount);
                await sandbox!.Act(one.Payment, "paid");
                Money(Facts(await Inquire(one, Opened(answer).GatewayReference))).ShouldHaveSingleItem().Amount.ShouldBe(amount);
                taken.Add(currency.Code);
            }
        // What the profile offers is truly taken, and not refused each time.
        if (Gateway.Profile.Currencies.Count > 0) taken.ShouldBe(Gateway.Profile.Currencies, ignoreOrder: true);
        else taken.Count.ShouldBeGreaterThan(3);
    }

    [Fact]
    public async Task Whatever_the_shopper_is_called_the_link_is_opened()
    {
        var call = await Start();
        var number = 1;
        foreach (var hostile in Hostile)
        {
            var one = call with
            {
                Payment = new PaymentId(call.Payment.Order, number++),
                Customer = new Customer(hostile, hostile, hostile),
                Description = hostile.Length > 200 ? hostile[..200] : hostile,
            };
            Opened(await Open(one)).Amount.ShouldBe(Amount);
        }
    }

    [Fact]
    public async Task With_the_wrong_credentials_a_link_is_refused_and_an_inquiry_says_nothing()
    {
        var call = await Start();
        Opened(await Open(call));
        var settings = sandbox!.Account.Settings;
        var locked = call with
        {
            Account = sandbox.Account with
            {
                Settings = settings.SetItems(Gateway.Profile.Settings.Where(s => s.Secret && settings.ContainsKey(s.Name)).Select(s => KeyValuePair.Create(s.Name, Stranger(s.Name, settings[s.Name])))),
            },
        };
        var second = locked with { Payment = new PaymentId(call.Payment.Order, 2) };
        if (Gateway.Profile.LinkIsForm) await Open(second);
        else (await Open(second)).ShouldBeOfType<GatewayAnswer.Rejected>();
        (await sandbox.Links(second.Payment)).ShouldBeEmpty();
        (await Inquire(locked)).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    async Task<LinkCall> Start()
    {
        sandbox = await SandboxWorld.Start(Gateway.Profile.Name);
        new GatewayCatalog().Problems(sandbox.Account).ShouldBeEmpty();
        var now = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
        return Link with { Account = sandbox.Account, ExpiresAt = now.AddHours(1), StartedAt = now, ReturnUrl = ReturnUrl };
    }

    /// <summary>A secret of the right form that is not this account's.</summary>
    protected virtual string Stranger(string setting, string value) => value + "x";

    /// <summary>The link as a shopper has it: a form is posted, for before that the gateway knows nothing of it.</summary>
    async Task<GatewayAnswer> Open(LinkCall call)
    {
        var answer = await Gateway.OpenLink(call, Line(call.Account), default);
        if (answer is not GatewayAnswer.Done done || done.Facts.OfType<Evidence.LinkOpened>().FirstOrDefault() is not { } opened) return answer;
        if (opened.GatewayReference is { } name) names[call.Payment] = name;
        if (opened.Link is PaymentLink.Form form) await sandbox!.Follow(form);
        return answer;
    }

    Task<GatewayAnswer> Inquire(LinkCall call, string? reference = null) =>
        Gateway.Inquire(Inquiry(call, KnownByOurReference ? reference : reference ?? names.GetValueOrDefault(call.Payment)), Line(call.Account), default);

    Task<GatewayAnswer> Cancel(LinkCall call, string? reference) => ((ICancelLinks)Gateway).CancelLink(Inquiry(call, reference), Line(call.Account), default);

    static InquireCall Inquiry(LinkCall call, string? reference) => new(call.Account, call.Payment, reference, call.Amount, call.StartedAt, call.StartedAt, MayComplete: true);

    GatewayLine Line(GatewayAccount account)
    {
        var line = (sandbox!.IsSilent ? impatient : patient).Open(account, Gateway.Profile);
        lock (opened) opened.Add(line);
        return line;
    }

    static Evidence.LinkOpened Opened(GatewayAnswer answer) => Facts(answer).OfType<Evidence.LinkOpened>().ShouldHaveSingleItem();

    static IReadOnlyList<Evidence> Facts(GatewayAnswer answer) => answer.ShouldBeOfType<GatewayAnswer.Done>(answer.ToString()).Facts;

    static List<(string Name, Money Amount)> Money(IReadOnlyList<Evidence> facts) =>
        [.. facts.OfType<Evidence.Succeeded>().Select(s => (s.MoneyReference, s.Amount))];

    async Task<List<(string Name, Money Amount)>> Booked(LinkCall call) =>
        [.. (await sandbox!.Book(call.Payment)).Where(m => m.Kind == "captured")
            .Select(m => (m.MoneyId, new Money(m.Amount, Currency.Find(m.Currency.ToUpperInvariant()))))];
}
