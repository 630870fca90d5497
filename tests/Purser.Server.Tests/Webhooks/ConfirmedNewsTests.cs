using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Gateways;
using Purser.Server.Gateways;
using Purser.Server.Webhooks;

namespace Purser.Server.Tests.Webhooks;

/// <summary>A gateway that can be asked about a webhook is asked when its account wants it, or when the file that the check needs cannot be had.</summary>
public sealed class ConfirmedNewsTests
{
    static readonly byte[] Body = [.. "{ \"a\" : 1.0,\t\"b\":\"\\u00e9"u8, 0xc3, 0xa9, .. "\"}\n"u8];

    [Theory]
    // Nobody is asked while the file is at hand.
    [InlineData(true, false, false, NewsIntake.Outcome.Stored, 0)]
    [InlineData(false, false, true, NewsIntake.Outcome.Stored, 1)]
    [InlineData(false, false, false, NewsIntake.Outcome.Forged, 1)]
    [InlineData(false, false, null, NewsIntake.Outcome.Unchecked, 1)]
    [InlineData(true, true, true, NewsIntake.Outcome.Stored, 1)]
    [InlineData(true, true, false, NewsIntake.Outcome.Forged, 1)]
    [InlineData(true, true, null, NewsIntake.Outcome.Unchecked, 1)]
    public async Task Their_yes_is_taken_their_no_is_forged_and_silence_is_to_be_sent_again(bool fileThere, bool always, bool? says, NewsIntake.Outcome outcome, int asked)
    {
        var gateway = new Asked(always, _ => Task.FromResult(says));
        using var files = new PublishedFiles(TimeProvider.System, new Files(fileThere));
        // No engine: what is taken shows itself by reaching it.
        var intake = Intake(gateway, files);
        if (outcome == NewsIntake.Outcome.Stored) await Should.ThrowAsync<NullReferenceException>(() => intake.Take("main", Message, default));
        else (await intake.Take("main", Message, default)).Outcome.ShouldBe(outcome);
        gateway.Heard.Count.ShouldBe(asked);
        gateway.Heard.ShouldAllBe(m => m.Body.ToArray().SequenceEqual(Body));
        gateway.Read.LastOrDefault()?.Confirmed.ShouldBe(asked > 0 ? says : null);
    }

    [Fact]
    public async Task Few_are_asked_about_at_a_time_and_the_rest_are_to_be_sent_again()
    {
        var answer = new TaskCompletionSource<bool?>();
        var gateway = new Asked(always: true, _ => answer.Task);
        using var files = new PublishedFiles(TimeProvider.System, new Files(true));
        var intake = Intake(gateway, files);
        var waiting = Enumerable.Range(0, NewsIntake.MostQuestions).Select(_ => intake.Take("main", Message, default)).ToList();
        (await intake.Take("main", Message, default)).Outcome.ShouldBe(NewsIntake.Outcome.Unchecked);
        gateway.Heard.Count.ShouldBe(NewsIntake.MostQuestions);
        answer.SetResult(false);
        (await Task.WhenAll(waiting)).ShouldAllBe(t => t.Outcome == NewsIntake.Outcome.Forged);
        // Their places are free again.
        (await intake.Take("main", Message, default)).Outcome.ShouldBe(NewsIntake.Outcome.Forged);
    }

    static NewsIntake Intake(IGateway gateway, PublishedFiles files)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Gateways:main:Gateway", "asked"), new("Gateways:main:Secret", "s3cret")]).Build();
        var (accounts, faults) = GatewayAccounts.Read(configuration, [gateway]);
        faults.ShouldBeEmpty();
        return new NewsIntake(null!, null!, accounts, files, _ => null!, NullLogger<NewsIntake>.Instance);
    }

    static RawMessage Message => new("POST", "/", "", ImmutableDictionary<string, string>.Empty, Body, DateTimeOffset.UnixEpoch);

    sealed class Files(bool there) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(there ? HttpStatusCode.OK : HttpStatusCode.NotFound) { Content = new ByteArrayContent([1]) });
    }

    /// <summary>A gateway that believes what has its file or was confirmed.</summary>
    sealed class Asked(bool always, Func<RawMessage, Task<bool?>> says) : IGateway, INeedPublished, IConfirmNews
    {
        public List<RawMessage> Heard { get; } = [];

        public List<RawMessage> Read { get; } = [];

        public GatewayProfile Profile { get; } = new()
        {
            Name = "asked",
            Title = "Asked",
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

        public bool AsksAlways(GatewayAccount account) => always;

        public Task<bool?> Confirm(RawMessage message, GatewayAccount account, GatewayLine line, CancellationToken stop)
        {
            Heard.Add(message);
            return says(message);
        }

        public Uri? Published(RawMessage message, GatewayAccount account) => new(account.BaseUrl, "/certs/1");

        public NewsReading ReadWebhook(RawMessage message, GatewayAccount account)
        {
            Read.Add(message);
            return message.Confirmed ?? message.Published is not null ? new NewsReading.Genuine("e", "t", null, [], ProvesAmount: false) : new NewsReading.Forged("no");
        }

        public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => new NewsReading.Forged("no");

        public Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop) => throw new NotSupportedException();

        public Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop) => throw new NotSupportedException();
    }
}
