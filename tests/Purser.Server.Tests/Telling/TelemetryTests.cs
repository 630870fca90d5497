using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Telling;

public sealed class TelemetryTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Spans_and_metrics_reach_the_collector_that_the_configuration_names_before_the_server_is_gone()
    {
        await using var collector = await OtlpReceiver.Open();
        string order;
        await using (var house = await ApiHouse.Open(await postgres.CreateDatabase(), [.. collector.Settings]))
        {
            order = (await house.Order()).Text("id");
            var payment = await house.Post($"/v1/orders/{order}/payments", """{"gateway": "first"}""");
            await house.Tell("evt_told", "captured", payment.Text("reference"));
        }

        var told = collector.Everything;
        told.ShouldContain(m => Is(m, "/v1/traces", "purser-heard") && m.Contains("gateway.open_link") && m.Contains(order));
        told.ShouldContain(m => Is(m, "/v1/traces", "purser-heard") && m.Contains("engine.batch"));
        told.ShouldContain(m => Is(m, "/v1/metrics", "purser-heard") && m.Contains("purser.webhooks.received"));
    }

    static bool Is(string message, string path, string service) => message.StartsWith(path, StringComparison.Ordinal) && message.Contains(service);
}
