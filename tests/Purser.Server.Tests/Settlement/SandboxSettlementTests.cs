using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Gateways;
using Purser.Server.Keys;
using Purser.Server.Settlement;
using Purser.Server.Tests.Browser;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Settlement;

/// <summary>The four scenarios with the settlement files that the sandbox's gateways themselves give.</summary>
public sealed class SandboxSettlementTests(SandboxHouse house) : IClassFixture<SandboxHouse>
{
    [Fact]
    public async Task Each_gateways_own_file_settles_what_was_paid_and_finds_what_was_not_heard_of()
    {
        using var control = new HttpClient { BaseAddress = house.Sandbox.ControlUrl };
        using var api = new HttpClient { BaseAddress = new Uri(house.Server.Url) };
        var (key, _) = await house.Server.Services.GetRequiredService<ApiKeys>().Create("settling", KeyKind.Secret);
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var settled = 0;
        foreach (var gateway in SandboxHouse.Playable.Where(g => SandboxHouse.Adapters[g] is ISettleByFile))
        {
            var heard = await Pay(api, control, gateway, 1);
            // Some gateways send no webhook unless they are asked to; the alarm asks them.
            OrderId.TryParse(heard, out var order).ShouldBeTrue();
            await house.RingAlarm(order);
            await Until.True(async () => (await api.GetFromJsonAsync<JsonElement>($"/v1/orders/{heard}")).GetProperty("status").GetString() == "paid", $"{gateway}'s money to be known", 60);
            using var file = await control.GetAsync(new Uri($"/control/{gateway}/settlement", UriKind.Relative));
            if (!file.IsSuccessStatusCode) continue;
            using var sent = await api.PostAsync($"/v1/settlements?gateway={gateway}", new ByteArrayContent(await file.Content.ReadAsByteArrayAsync()));
            var id = (await sent.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString();
            JsonElement now = default;
            await Until.True(async () => (now = await api.GetFromJsonAsync<JsonElement>($"/v1/settlements/{id}")).GetProperty("state").GetString() is "done" or "refused", $"{gateway}'s file", 60);
            now.GetProperty("state").GetString().ShouldBe("done", $"{gateway}: {now}");
            now.GetProperty("classes").EnumerateArray().Where(c => c.GetProperty("class").GetString() is "unknown_order" or "theirs_paid").ShouldBeEmpty($"{gateway}: {now}");
            await using var ask = house.Server.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
                $"select count(*) from events where order_id = {order.Value} and type = {(int)Purser.Orders.EventType.SettlementMatched}");
            ((long)(await ask.ExecuteScalarAsync())!).ShouldBe(1, $"{gateway}: {now}");
            settled++;
        }
        settled.ShouldBeGreaterThanOrEqualTo(3);
    }

    static async Task<string> Pay(HttpClient api, HttpClient control, string gateway, int n)
    {
        using var placed = await api.PostAsJsonAsync("/v1/orders", new
        {
            currency = SandboxHouse.CurrencyOf(SandboxHouse.Adapters[gateway].Profile),
            reference = $"settle-{gateway}-{n}",
            lines = new[] { new { name = "A book", quantity = 1, unit_amount = 49900 } },
        });
        var order = (await placed.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
        using var started = await api.PostAsJsonAsync($"/v1/orders/{order}/payments", new { gateway });
        var payment = await started.Content.ReadFromJsonAsync<JsonElement>();
        PaymentId.TryParse(payment.GetProperty("id").GetString(), out var id).ShouldBeTrue(payment.ToString());
        using var paid = await control.PostAsJsonAsync($"/control/{gateway}/payments", new { reference = id.Reference, outcome = "paid", link = payment.GetProperty("link") });
        paid.IsSuccessStatusCode.ShouldBeTrue(await paid.Content.ReadAsStringAsync());
        return order;
    }
}
