namespace Purser.Gateways.Tests.Line;

public sealed class BreakerAndBulkheadTests
{
    readonly ManualTime time = new();
    int status = 503;

    [Fact]
    public async Task A_failing_gateway_is_left_alone_for_a_while_and_then_tried_with_one_call()
    {
        var network = Network();
        using var lines = new GatewayLines(network, time);
        for (var i = 0; i < 10; i++) (await Send(lines)).ShouldBeOfType<LineReply.Answered>();

        (await Send(lines)).ShouldBe(new LineReply.NotSent("breaker open"));
        network.Sent.Count.ShouldBe(10);

        time.Advance(TimeSpan.FromSeconds(15));
        status = 200;
        (await Send(lines)).ShouldBeOfType<LineReply.Answered>();
        (await Send(lines)).ShouldBeOfType<LineReply.Answered>();
        network.Sent.Count.ShouldBe(12);
    }

    [Fact]
    public async Task Refused_connections_open_the_breaker_too()
    {
        using var lines = new GatewayLines(new ScriptedNetwork((_, _) => throw new UnreachableNetwork()), time);
        for (var i = 0; i < 10; i++) await Send(lines);
        (await Send(lines)).ShouldBe(new LineReply.NotSent("breaker open"));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(400)]
    [InlineData(404)]
    [InlineData(429)]
    public async Task A_definite_answer_never_opens_it(int definite)
    {
        status = definite;
        using var lines = new GatewayLines(Network(), time);
        for (var i = 0; i < 30; i++) (await Send(lines)).ShouldBeOfType<LineReply.Answered>().Status.ShouldBe(definite);
    }

    [Theory]
    [InlineData("5", 5)]
    [InlineData("3600", 30)]
    [InlineData("Thu, 01 Jan 2026 00:00:10 GMT", 10)]
    public async Task A_gateway_that_wants_no_requests_gets_none_for_as_long(string retryAfter, int seconds)
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer("{}", status, ("Retry-After", retryAfter)));
        using var lines = new GatewayLines(network, time);
        status = 429;
        (await Send(lines)).ShouldBeOfType<LineReply.Answered>();
        status = 200;
        (await Send(lines, "other")).ShouldBeOfType<LineReply.Answered>();
        time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
        (await Send(lines)).ShouldBe(new LineReply.NotSent("they asked us to wait"));
        time.Advance(TimeSpan.FromMilliseconds(1));
        (await Send(lines)).ShouldBeOfType<LineReply.Answered>();
        network.Sent.Count.ShouldBe(3);
    }

    [Fact]
    public async Task Another_account_is_not_touched_by_an_open_breaker()
    {
        using var lines = new GatewayLines(Network(), time);
        for (var i = 0; i < 11; i++) await Send(lines);
        (await Send(lines, "other")).ShouldBeOfType<LineReply.Answered>();
    }

    [Fact]
    public async Task Our_own_impatience_does_not_count_against_the_gateway()
    {
        using var lines = new GatewayLines(new ScriptedNetwork(async (_, stop) =>
        {
            await Task.Delay(Timeout.Infinite, stop);
            throw new InvalidOperationException();
        }), time);
        for (var i = 0; i < 20; i++)
        {
            using var stop = new CancellationTokenSource();
            var call = TestAccount.Open(lines).Send(TestAccount.Post(), stop.Token);
            await stop.CancelAsync();
            (await call).ShouldBe(new LineReply.Lost("stopped"));
        }
    }

    [Fact]
    public async Task A_slow_gateway_holds_only_its_own_share()
    {
        var gate = new TaskCompletionSource();
        using var lines = new GatewayLines(
            new ScriptedNetwork(async (_, _) =>
            {
                await gate.Task;
                return ScriptedNetwork.Answer("{}");
            }), time, new GatewayLimits { Concurrent = 3 });
        var held = Enumerable.Range(0, 3).Select(_ => Send(lines)).ToList();

        (await Send(lines)).ShouldBe(new LineReply.NotSent("bulkhead full"));
        var other = Send(lines, "other");
        gate.SetResult();
        (await other).ShouldBeOfType<LineReply.Answered>();
        foreach (var call in held) (await call).ShouldBeOfType<LineReply.Answered>();
        (await Send(lines)).ShouldBeOfType<LineReply.Answered>();
    }

    /// <summary>A simulation runs everything on one thread and one clock; the line must not leave either.</summary>
    [Fact]
    public void The_line_stays_on_the_thread_and_the_clock_that_it_is_given()
    {
        var thread = Environment.CurrentManagedThreadId;
        using var lines = new GatewayLines(new ScriptedNetwork(async (sent, stop) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(sent.Path.Contains("slow", StringComparison.Ordinal) ? 60 : 2), time, stop);
            Environment.CurrentManagedThreadId.ShouldBe(thread);
            return ScriptedNetwork.Answer("{}");
        }), time);
        var quick = TestAccount.Open(lines);
        var slow = TestAccount.Open(lines);

        OneThread.Run(time, TimeSpan.FromSeconds(20), async () =>
        {
            await Task.WhenAll(quick.Send(TestAccount.Post(), default), slow.Send(TestAccount.Post() with { Path = "slow" }, default));
            Environment.CurrentManagedThreadId.ShouldBe(thread);
        });

        quick.Exchanges.Single().ShouldBe(quick.Exchanges.Single() with { Outcome = "200", Took = TimeSpan.FromSeconds(2) });
        slow.Exchanges.Single().ShouldBe(slow.Exchanges.Single() with { Outcome = "lost: no answer in time", Took = TimeSpan.FromSeconds(14) });
    }

    ScriptedNetwork Network() => new(_ => ScriptedNetwork.Answer("{}", status));

    static Task<LineReply> Send(GatewayLines lines, string account = "main") =>
        TestAccount.Open(lines, name: account).Send(TestAccount.Post(), default);

    sealed class UnreachableNetwork() : HttpRequestException(HttpRequestError.ConnectionError);
}
