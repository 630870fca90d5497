using System.Collections.Immutable;
using System.Text;
using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Gateways.Tests.Contract;

/// <summary>What every gateway keeps, whatever it speaks, against a network that refuses, breaks off, babbles and echoes. The part of the contract
/// that needs no simulator.</summary>
public abstract class NetworkContract<TGateway> where TGateway : IGateway, new()
{
    static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    protected static readonly TGateway Gateway = new();
    static readonly PaymentId Payment = PaymentId.TryParseReference("0001jd8xk3m4np1", out var id) ? id : throw new InvalidOperationException();

    static readonly GatewayAccount Account = new("main", Gateway.Profile.Name, new Uri("https://api.gateway.test"),
        Gateway.Profile.Settings.ToImmutableDictionary(s => s.Name, s => s.Example ?? $"canary-{s.Name}-0123456789abcdef"))
    {
        TestMode = true,
    };

    /// <summary>All that it can be asked over the network.</summary>
    public static TheoryData<string> Calls =>
    [
        .. Gateway.Profile.LinkIsForm ? Array.Empty<string>() : ["open"],
        "inquire", "inquire by their name",
        .. Gateway is ICancelLinks ? new[] { "cancel", "cancel by their name" } : [],
        .. Gateway is IRefundMoney ? new[] { "refund", "inquire_refund", "inquire_refund by their name" } : [],
    ];

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_refused_connection_is_not_sent(string call) =>
        (await Make(call, new ScriptedNetwork((_, _) => throw new HttpRequestException(HttpRequestError.ConnectionError), readsContent: false)))
            .ShouldBeOfType<GatewayAnswer.NotSent>();

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_broken_connection_is_unknown(string call) =>
        (await Make(call, new ScriptedNetwork((_, _) => throw new HttpRequestException(HttpRequestError.ResponseEnded)))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Theory]
    [MemberData(nameof(Calls))]
    public void Silence_is_unknown_and_ends_before_a_calls_time_is_over(string call)
    {
        var time = new ManualTime();
        GatewayAnswer? answer = null;
        var took = OneThread.Run(time, TimeSpan.FromMinutes(2), async () => answer = await Make(call, new ScriptedNetwork(async (_, stop) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stop);
            throw new InvalidOperationException();
        }), time));
        answer.ShouldBeOfType<GatewayAnswer.Unknown>();
        took.ShouldBeLessThan(new OrderRules { Accounts = ImmutableDictionary<string, GatewayTerms>.Empty }.CallTimeout);
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Whatever_is_not_an_answer_is_unknown(string call)
    {
        foreach (var status in (int[])[200, 201, 202, 204, 302, 400, 401, 403, 404, 408, 409, 418, 429, 500, 502, 503, 504])
            foreach (var body in Garbage)
                (await Make(call, new ScriptedNetwork(_ => Answer(status, body)))).ShouldBeOfType<GatewayAnswer.Unknown>(
                    $"HTTP {status} {Encoding.UTF8.GetString(body[..Math.Min(60, body.Length)])}");
    }

    [Fact]
    public async Task A_form_asks_the_gateway_nothing_and_is_always_the_same()
    {
        if (!Gateway.Profile.LinkIsForm) return;
        var network = new ScriptedNetwork(_ => Answer(503, []));
        var facts = (await Open(network)).ShouldBeOfType<GatewayAnswer.Done>().Facts;
        var opened = facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>();
        network.Sent.ShouldBeEmpty();
        opened.Amount.ShouldBe(Amount);
        // It can be paid as soon as it is handed out, so it is watched for like any other link.
        opened.GatewayReference.ShouldNotBeNull();
        (await Open(network)).ShouldBe(new GatewayAnswer.Done(facts), Compare);
        foreach (var hostile in Hostile)
        {
            var one = await Open(network, Link with { Customer = new Customer(hostile, hostile, hostile), Description = hostile.Length > 200 ? hostile[..200] : hostile });
            var form = one.ShouldBeOfType<GatewayAnswer.Done>().Facts.OfType<Evidence.LinkOpened>().Single().Link.ShouldBeOfType<PaymentLink.Form>();
            form.Fields.Keys.ShouldBeSubsetOf(opened.Link.ShouldBeOfType<PaymentLink.Form>().Fields.Keys);
            foreach (var value in form.Fields.Values) value.ShouldNotContain("\n");
        }

        Task<GatewayAnswer> Open(ScriptedNetwork network, LinkCall? call = null) =>
            Gateway.OpenLink(call ?? Link, new GatewayLines(network, new ManualTime()).Open(Account, Gateway.Profile), default);
    }

    static readonly IEqualityComparer<GatewayAnswer> Compare = EqualityComparer<GatewayAnswer>.Create(
        (one, other) => one is GatewayAnswer.Done a && other is GatewayAnswer.Done b && a.Facts.SequenceEqual(b.Facts));

    [Fact]
    public async Task The_same_refund_is_asked_for_with_the_same_bytes()
    {
        if (Gateway is not IRefundMoney) return;
        var network = new ScriptedNetwork(_ => Answer(503, []));
        await Make("refund", network);
        await Make("refund", network);
        var (first, again) = (network.Sent[0], network.Sent[network.Sent.Count / 2]);
        (again.Method, again.Path, again.Body).ShouldBe((first.Method, first.Path, first.Body));
        again.Headers.ShouldBe(first.Headers);
    }

    [Fact]
    public async Task The_same_payment_is_asked_for_with_the_same_bytes()
    {
        if (Gateway.Profile.LinkIsForm) return;
        var network = new ScriptedNetwork(_ => Answer(503, []));
        await Make("open", network);
        await Make("open", network);
        var first = network.Sent[0];
        var again = network.Sent[network.Sent.Count / 2];
        (again.Method, again.Path, again.Body).ShouldBe((first.Method, first.Path, first.Body));
        again.Headers.ShouldBe(first.Headers);
        Readable(first.Body).ShouldContain(Payment.Reference);
    }

    [Fact]
    public async Task Whatever_the_shopper_is_called_the_link_is_asked_for_with_the_same_amount()
    {
        if (Gateway.Profile.LinkIsForm) return;
        var plain = new ScriptedNetwork(_ => Answer(503, []));
        await Make("open", plain);
        foreach (var hostile in Hostile)
        {
            var network = new ScriptedNetwork(_ => Answer(503, []));
            await Make("open", network, call: Link with
            {
                Customer = new Customer(hostile, hostile, hostile),
                Description = hostile.Length > 200 ? hostile[..200] : hostile,
            });
            network.Sent.Count.ShouldBe(1);
            // Whatever is not free text stands where it stood.
            foreach (var fixedPart in FixedParts) Readable(network.Sent[0].Body).ShouldContain(fixedPart);
            network.Sent[0].Headers.Keys.ShouldBe(plain.Sent[0].Headers.Keys, ignoreOrder: true);
            network.Sent[0].Body.ShouldNotContain("\n");
        }
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task No_secret_and_no_shopper_is_in_what_is_recorded(string call)
    {
        foreach (var status in (int[])[200, 400, 500])
        {
            // A gateway that says back all it was told.
            var network = new ScriptedNetwork(sent => Answer(
                status, Encoding.UTF8.GetBytes($"{string.Join('\n', sent.Headers.Select(h => $"{h.Key}: {h.Value}"))}\n\n{sent.Body}")));
            using var lines = new GatewayLines(new Greeting(network, Greet), new ManualTime());
            var line = lines.Open(Account, Gateway.Profile);
            await Make(call, line, Link);

            line.Exchanges.Count.ShouldBeGreaterThanOrEqualTo(network.Sent.Count);
            foreach (var exchange in line.Exchanges)
            {
                var kept = exchange.ToString();
                foreach (var setting in Gateway.Profile.Settings.Where(s => s.Secret)) kept.ShouldNotContain(Account.Setting(setting.Name));
                foreach (var digits in (string[])["90000", "00001"]) kept.ShouldNotContain(digits);
                Personal.In(kept).ShouldBeEmpty(kept);
                exchange.SentAt.ShouldBe(new ManualTime().GetUtcNow());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_conversation_is_short(string call)
    {
        var network = new ScriptedNetwork(_ => Answer(200, "{}"u8.ToArray()));
        await Make(call, network);
        network.Sent.Count.ShouldBeInRange(1, 5);
    }

    [Fact]
    public void Nothing_that_a_stranger_sends_is_genuine_or_throws()
    {
        var chance = new Random(1);
        var headers = (string?[])[null, "", "t=1,v1=00", "sha256=00", new string('a', 64), new string('0', 64), "\u0000\uFFFF", new string('=', 5000)];
        foreach (var header in headers)
            foreach (var body in Garbage.Append(Noise(chance)))
            {
                var named = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
                // Every name a gateway may use for its signature.
                if (header is not null)
                    foreach (var name in (string[])["X-Signature", $"{Gateway.Profile.Name}-Signature", $"X-{Gateway.Profile.Name}-Signature"]) named[name] = header;
                var message = new RawMessage("POST", "/", "", named, body, Noon);
                Gateway.ReadWebhook(message, Account).ShouldBeOfType<NewsReading.Forged>();
                Gateway.ReadWebhook(message, Account with { Settings = ImmutableDictionary<string, string>.Empty }).ShouldBeOfType<NewsReading.Forged>();
            }
    }

    [Fact]
    public void No_return_of_a_browser_proves_anything()
    {
        foreach (var query in (string[])["", "?", "?a=b&a=c", "?status=success&amount=1", "?%", "?=&&&=", "?" + new string('x', 100_000), $"?payment={Payment.Reference}&x=%00", "?q=%ff%fe"])
        {
            var message = new RawMessage("GET", "/", query, ImmutableDictionary<string, string>.Empty, Encoding.UTF8.GetBytes(query), Noon);
            if (Gateway.ReadReturn(message, Account) is NewsReading.Genuine news) (news.Facts.Count, news.ProvesAmount).ShouldBe((0, false));
        }
    }

    [Fact]
    public void Its_terms_make_sense()
    {
        var profile = Gateway.Profile;
        profile.ShortestLink.ShouldBeGreaterThanOrEqualTo(TimeSpan.Zero);
        profile.LongestLink.ShouldBeGreaterThan(profile.ShortestLink);
        profile.VisibilityDelay.ShouldBeGreaterThan(TimeSpan.Zero);
        foreach (var offer in profile.Offers)
        {
            if (!PaymentMethods.Common.Contains(offer.Method)) offer.Title.ShouldNotBeNullOrWhiteSpace(offer.Method);
            offer.Method.ShouldMatch("^[a-z][a-z_]*$");
            if (profile.Currencies.Count > 0) offer.Currencies.ShouldBeSubsetOf(profile.Currencies);
        }
        foreach (var code in profile.Currencies) Currency.TryFind(code, out _).ShouldBeTrue(code);
        profile.Settings.ShouldContain(s => s.Secret);
        foreach (var currency in Currency.All.Where(c => !profile.Currencies.Contains(c.Code) && profile.Currencies.Count > 0))
            profile.RefusesAmount(new Money(100_000, currency)).ShouldNotBeNull(currency.Code);
        foreach (var code in profile.Currencies) profile.RefusesAmount(new Money(100_000, Currency.Find(code))).ShouldBeNull(code);
    }

    protected static Money Amount => new(19990, Currency.Find(Gateway.Profile.Currencies.Contains("INR") ? "INR" : Gateway.Profile.Currencies.Order().First()));

    protected static LinkCall Link => new(
        Account, Payment, Amount, "Order 42", new Customer("Asha Rao", "asha@example.test", "+919000000001"), null, "https://pay.test/r", Noon.AddHours(1), Noon);

    /// <summary>What must be in a request for a link: our reference, and the amount as this gateway writes it.</summary>
    protected virtual string[] FixedParts => [Payment.Reference, "19990"];

    /// <summary>The request's body for a person's eyes; a gateway whose requests are encrypted or wrapped opens them here.</summary>
    protected virtual string Readable(string body) => body;

    /// <summary>What a gateway is asked for before anything else (an access token) is answered here, so that the tests see what comes after it. What
    /// becomes of a call whose greeting fails is the gateway's own test.</summary>
    protected virtual HttpResponseMessage? Greet(HttpRequestMessage request) => null;

    sealed class Greeting(HttpMessageHandler rest, Func<HttpRequestMessage, HttpResponseMessage?> greet) : DelegatingHandler(rest)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            greet(request) is { } answer ? Task.FromResult(answer) : base.SendAsync(request, cancellationToken);
    }

    Task<GatewayAnswer> Make(string name, ScriptedNetwork network, TimeProvider? time = null, LinkCall? call = null) =>
        Make(name, new GatewayLines(new Greeting(network, Greet), time ?? new ManualTime()).Open(Account, Gateway.Profile), call ?? Link);

    static Task<GatewayAnswer> Make(string name, GatewayLine line, LinkCall call)
    {
        var inquiry = new InquireCall(Account, Payment, name.EndsWith("name", StringComparison.Ordinal) ? "their_name_1" : null, Amount, Noon);
        return name.Split(' ')[0] switch
        {
            "open" => Gateway.OpenLink(call, line, default),
            "inquire" => Gateway.Inquire(inquiry, line, default),
            "cancel" => ((ICancelLinks)Gateway).CancelLink(inquiry, line, default),
            "refund" => AsGatewayAnswer(((IRefundMoney)Gateway).Refund(Refund(name), line, default)),
            "inquire_refund" => AsGatewayAnswer(((IRefundMoney)Gateway).InquireRefund(Refund(name), line, default)),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such call."),
        };
    }

    static RefundCall Refund(string name) => new(
        Account, new RefundId(Payment.Order, 1), Payment, "their_link_1", "their_money_1", Amount, Amount,
        name.EndsWith("name", StringComparison.Ordinal) ? "their_refund_1" : null, "Order 42", Noon);

    /// <summary>The laws of the wire are the same for payments and refunds.</summary>
    static async Task<GatewayAnswer> AsGatewayAnswer(Task<RefundAnswer> asked) => await asked switch
    {
        RefundAnswer.NotSent n => new GatewayAnswer.NotSent(n.Reason),
        RefundAnswer.Unknown u => new GatewayAnswer.Unknown(u.Reason),
        RefundAnswer.Rejected r => new GatewayAnswer.Rejected(r.Reason),
        _ => new GatewayAnswer.Done(),
    };

    static HttpResponseMessage Answer(int status, byte[] body) => new((System.Net.HttpStatusCode)status) { Content = new ByteArrayContent(body) };

    static readonly byte[][] Garbage = [
        [], "{"u8.ToArray(), "null"u8.ToArray(), "[]"u8.ToArray(), "0"u8.ToArray(), "\"paid\""u8.ToArray(), "{}"u8.ToArray(), "{\"status\":\"paid\"}"u8.ToArray(),
        "<html><body>502 Bad Gateway</body></html>"u8.ToArray(), "status=success&amount=100"u8.ToArray(), [0xef, 0xbb, 0xbf, (byte)'{', (byte)'}'],
        [0xff, 0xfe, 0, 1, 2], [0x1f, 0x8b, 8, 0], Encoding.UTF8.GetBytes(new string('[', 5000)), Encoding.Unicode.GetBytes("{\"status\":\"paid\"}"),
    ];

    static byte[] Noise(Random chance)
    {
        var bytes = new byte[200];
        chance.NextBytes(bytes);
        return bytes;
    }

    protected static readonly string[] Hostile = [
        "", " ", "a|b|c|", "a&amount=1&currency=jpy", "\"},{\"amount\":1,\"x\":\"", "O'Brien <script>alert(1)</script>", "नमस्ते 🙏 Ünïcödé", "\ud800 broken \udc00", "line\r\nX-Injected: yes\0",
        "%7B%22amount%22%3A1%7D", new('x', 500), string.Concat(Enumerable.Repeat("🙏", 250)), "a@b.c|d", "+0000000000000000000000", "=HYPERLINK(\"x\")",
    ];
}
