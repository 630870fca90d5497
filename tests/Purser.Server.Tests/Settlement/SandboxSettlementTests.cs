using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Gateways;
using Purser.Server.CommandLine;
using Purser.Server.Gateways;
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
            await Until.True(async () => (await api.GetFromJsonAsync<JsonElement>($"/v1/orders/{heard}")).GetProperty("status").GetString() == "paid", $"{gateway}'s money to be known");
            using var file = await control.GetAsync(new Uri($"/control/{gateway}/settlement", UriKind.Relative));
            if (!file.IsSuccessStatusCode) continue;
            using var sent = await api.PostAsync($"/v1/settlements?gateway={gateway}", new ByteArrayContent(await file.Content.ReadAsByteArrayAsync()));
            var id = (await sent.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString();
            JsonElement now = default;
            await Until.True(async () => (now = await api.GetFromJsonAsync<JsonElement>($"/v1/settlements/{id}")).GetProperty("state").GetString() is "done" or "refused", $"{gateway}'s file");
            now.GetProperty("state").GetString().ShouldBe("done", $"{gateway}: {now}");
            now.GetProperty("classes").EnumerateArray().Where(c => c.GetProperty("class").GetString() is "unknown_order" or "theirs_paid").ShouldBeEmpty($"{gateway}: {now}");
            await using var ask = house.Server.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
                $"select count(*) from events where order_id = {order.Value} and type = {(int)Purser.Orders.EventType.SettlementMatched}");
            ((long)(await ask.ExecuteScalarAsync())!).ShouldBe(1, $"{gateway}: {now}");
            // What its row keeps is what it names, and what it pays out is no more than came.
            await using var doubts = house.Server.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand($"select string_agg(kind::text, ' ') from discrepancies where order_id = {order.Value}");
            (await doubts.ExecuteScalarAsync()).ShouldBe(DBNull.Value, gateway);
            settled++;
        }
        settled.ShouldBe(SandboxHouse.Playable.Count);
    }

    /// <summary>One order is paid before the file and one after it; the API then tells of both, or of the transfers alone.</summary>
    [Fact]
    public async Task What_an_API_tells_is_fetched_settles_what_is_new_and_repeats_what_the_file_had()
    {
        using var control = new HttpClient { BaseAddress = house.Sandbox.ControlUrl };
        using var api = new HttpClient { BaseAddress = new Uri(house.Server.Url) };
        var (key, _) = await house.Server.Services.GetRequiredService<ApiKeys>().Create("fetching", KeyKind.Secret);
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var accounts = house.Server.Services.GetRequiredService<GatewayAccounts>();
        var asked = SandboxHouse.Playable.Where(g => SandboxHouse.Adapters[g] is ISettleByCall).ToList();
        asked.Count.ShouldBeGreaterThanOrEqualTo(3);
        foreach (var gateway in asked)
        {
            await Known(api, await Pay(api, control, gateway, 2), gateway);
            var file = await control.GetByteArrayAsync(new Uri($"/control/{gateway}/settlement", UriKind.Relative));
            using var sent = await api.PostAsync($"/v1/settlements?gateway={gateway}", new ByteArrayContent(file));
            var first = await Done(api, (await sent.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!, gateway);
            var later = await Pay(api, control, gateway, 3);
            await Known(api, later, gateway);

            var told = new Dictionary<string, int>();
            var today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
            for (var day = -1; day <= 2; day++)
                if (await house.Server.Services.GetRequiredService<SettlementFetch>().Day(accounts.Find(gateway)!, today.AddDays(day), default) is { } kept)
                    foreach (var (name, lines) in SettlementHouse.Classes(await Done(api, SettlementFile.IdOf(kept), gateway))) told[name] = told.GetValueOrDefault(name) + lines;
            told.ShouldNotBeEmpty(gateway);
            // Its statement over the API is of transfers alone.
            if (gateway == "billdesk") told.Keys.ShouldBe(["payout"]);
            if (gateway == "billdesk") continue;
            told.Remove("payout");
            told.ShouldBe(new Dictionary<string, int> { ["repeated"] = first.GetProperty("lines").GetInt32(), ["both_paid"] = 1 }, ignoreOrder: true, gateway);
        }
    }

    static async Task<JsonElement> Done(HttpClient api, string id, string gateway)
    {
        JsonElement now = default;
        await Until.True(async () => (now = await api.GetFromJsonAsync<JsonElement>($"/v1/settlements/{id}")).GetProperty("state").GetString() is "done" or "refused", $"{gateway}'s statement");
        now.GetProperty("state").GetString().ShouldBe("done", $"{gateway}: {now}");
        return now;
    }

    /// <summary>Some gateways send no webhook unless they are asked to; the alarm asks them.</summary>
    async Task Known(HttpClient api, string id, string gateway)
    {
        OrderId.TryParse(id, out var order).ShouldBeTrue();
        await house.RingAlarm(order);
        await Until.True(async () => (await api.GetFromJsonAsync<JsonElement>($"/v1/orders/{id}")).GetProperty("status").GetString() == "paid", $"{gateway}'s money to be known");
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
        using var paid = await control.PostAsJsonAsync($"/control/{gateway}/payments", new { reference = id.Reference, outcome = "paid", link = await ShopperBrowser.Follow(api, payment.GetProperty("link"), default) });
        paid.IsSuccessStatusCode.ShouldBeTrue(await paid.Content.ReadAsStringAsync());
        return order;
    }
}
