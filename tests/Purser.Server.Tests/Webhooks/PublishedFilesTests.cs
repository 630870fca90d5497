using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Gateways;
using Purser.Server.Gateways;
using Purser.Server.Webhooks;

namespace Purser.Server.Tests.Webhooks;

/// <summary>What gateways publish for the check of their webhooks is fetched seldom, within limits, and a webhook waits for it.</summary>
public sealed class PublishedFilesTests
{
    static readonly Uri Address = new("https://gateway.test/certs/1");

    readonly Clock time = new();

    [Fact]
    public async Task It_is_fetched_once_and_again_after_a_day()
    {
        var network = new Network(_ => Answer("one"u8.ToArray()));
        using var files = new PublishedFiles(time, network);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => files.Read(Address, default)));
        (await files.Read(Address, default))!.Value.ToArray().ShouldBe("one"u8.ToArray());
        network.Asked.ShouldBe(1);
        time.Advance(PublishedFiles.KeptFor);
        await files.Read(Address, default);
        network.Asked.ShouldBe(2);
    }

    [Theory]
    [InlineData(301, 10)]
    [InlineData(404, 10)]
    [InlineData(500, 10)]
    [InlineData(200, 0)]
    [InlineData(200, PublishedFiles.MostBytes + 1)]
    public async Task What_is_no_whole_answer_is_nothing_and_is_not_kept(int status, int length)
    {
        var network = new Network(_ => Answer(new byte[length], status));
        using var files = new PublishedFiles(time, network);
        (await files.Read(Address, default)).ShouldBeNull();
        (await files.Read(Address, default)).ShouldBeNull();
        network.Asked.ShouldBe(2);
    }

    [Fact]
    public async Task The_longest_answer_is_taken_whole()
    {
        using var files = new PublishedFiles(time, new Network(_ => Answer(new byte[PublishedFiles.MostBytes])));
        (await files.Read(Address, default))!.Value.Length.ShouldBe(PublishedFiles.MostBytes);
    }

    [Fact]
    public async Task Silence_ends_after_five_seconds()
    {
        time.Hurries = true;
        using var files = new PublishedFiles(time, new Network(_ => null));
        (await files.Read(Address, default)).ShouldBeNull();
        time.Longest.ShouldBe(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Few_are_fetched_at_a_time_and_few_are_kept()
    {
        var silent = new Network(_ => null);
        using (var files = new PublishedFiles(time, silent))
        {
            var waiting = Enumerable.Range(0, 20).Select(i => files.Read(new Uri($"https://gateway.test/certs/{i}"), default)).ToList();
            (await Task.WhenAll(waiting.Skip(PublishedFiles.MostAtOnce))).ShouldAllBe(f => f == null);
            silent.Asked.ShouldBeLessThanOrEqualTo(PublishedFiles.MostAtOnce);
        }

        var network = new Network(_ => Answer("x"u8.ToArray()));
        using (var files = new PublishedFiles(time, network))
        {
            for (var i = 0; i <= PublishedFiles.MostKept; i++)
            {
                await files.Read(new Uri($"https://gateway.test/certs/{i}"), default);
                time.Advance(TimeSpan.FromSeconds(1));
            }
            await files.Read(new Uri($"https://gateway.test/certs/{PublishedFiles.MostKept}"), default);
            network.Asked.ShouldBe(PublishedFiles.MostKept + 1);
            // The oldest had to go.
            await files.Read(new Uri("https://gateway.test/certs/0"), default);
            network.Asked.ShouldBe(PublishedFiles.MostKept + 2);
        }
    }

    [Fact]
    public async Task A_webhook_that_cannot_be_checked_now_is_neither_taken_nor_called_forged()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Gateways:main:Gateway", "needy"), new("Gateways:main:Secret", "s3cret")]).Build();
        var (accounts, faults) = GatewayAccounts.Read(configuration, [new Needy()]);
        faults.ShouldBeEmpty();
        using var away = new PublishedFiles(time, new Network(_ => throw new HttpRequestException("away")));
        // No engine: whatever would be stored would throw.
        var intake = new NewsIntake(null!, null!, accounts, away, Nobody, NullLogger<NewsIntake>.Instance);
        (await intake.Take("main", Message("/certs/1"), default)).Outcome.ShouldBe(NewsIntake.Outcome.Unchecked);
        // One that names nothing to fetch is read as it is.
        (await intake.Take("main", Message(""), default)).Outcome.ShouldBe(NewsIntake.Outcome.Forged);

        using var there = new PublishedFiles(time, new Network(_ => Answer("key"u8.ToArray())));
        var second = new NewsIntake(null!, null!, accounts, there, Nobody, NullLogger<NewsIntake>.Instance);
        (await second.Take("main", Message("/certs/1"), default)).Outcome.ShouldBe(NewsIntake.Outcome.Forged);
    }

    static GatewayLine Nobody(GatewayAccounts.Entry entry) => throw new InvalidOperationException("Nobody is asked.");

    RawMessage Message(string path) => new("POST", "/", "", new Dictionary<string, string> { ["Cert"] = path }, default, time.GetUtcNow());

    static HttpResponseMessage Answer(byte[] body, int status = 200) => new((HttpStatusCode)status) { Content = new ByteArrayContent(body) };

    /// <summary>Stands still unless it is moved; what waits for it waits for ever, or when it hurries a thousandth.</summary>
    sealed class Clock : TimeProvider
    {
        DateTimeOffset now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

        public TimeSpan Longest { get; private set; }
        public bool Hurries { get; set; }

        public void Advance(TimeSpan by) => now += by;

        public override DateTimeOffset GetUtcNow() => now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime > Longest) Longest = dueTime;
            return base.CreateTimer(callback, state, Hurries ? dueTime / 1000 : Timeout.InfiniteTimeSpan, period);
        }
    }

    /// <summary>Null never comes.</summary>
    sealed class Network(Func<HttpRequestMessage, HttpResponseMessage?> answer) : HttpMessageHandler
    {
        int asked;

        public int Asked => asked;

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref asked);
            if (answer(request) is { } said) return said;
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            throw new InvalidOperationException();
        }
    }

    /// <summary>A gateway that believes nothing, and wants to see its key first.</summary>
    sealed class Needy : IGateway, INeedPublished
    {
        public GatewayProfile Profile { get; } = new()
        {
            Name = "needy",
            Title = "Needy",
            BaseUrl = new Uri("https://gateway.test"),
            Currencies = [],
            Offers = [],
            Settings = ImmutableArray.Create(new GatewaySetting("secret", true, "A secret.")),
            VisibilityDelay = TimeSpan.FromMinutes(1),
            ShortestLink = TimeSpan.Zero,
            LongestLink = TimeSpan.FromHours(1),
            RepeatsSafely = true,
            Webhooks = WebhookTrust.Trigger,
        };

        public Uri? Published(RawMessage message, GatewayAccount account) => message.Header("Cert") is { Length: > 0 } path ? new Uri(account.BaseUrl, path) : null;

        public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => new NewsReading.Forged("nothing is believed");

        public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => new NewsReading.Forged("nothing is believed");

        public Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop) => throw new NotSupportedException();

        public Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop) => throw new NotSupportedException();
    }
}
