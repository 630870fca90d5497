using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Gateways;
using Purser.Sandbox;
using Purser.Server.Gateways;
using Purser.Server.Keys;
using Purser.Server.Tests.Browser;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Situations;

/// <summary>A gateway's answer that nobody can read, over the wire: the payment is unresolved, and what was said is kept as it was said.</summary>
public sealed class GarbageTests(SandboxHouse house) : IClassFixture<SandboxHouse>
{
    [Theory]
    [InlineData("razorpay", "truncated")]
    [InlineData("razorpay", "html")]
    [InlineData("stripe", "truncated")]
    [InlineData("stripe", "array")]
    public Task A_gateways_garbage_leaves_the_payment_unresolved_and_its_bytes_are_kept(string gateway, string variant) => Kept(gateway, variant, "unresolved");

    /// <summary>Their shoppers have names in every charset; where nothing of that is read, the link is one all the same.</summary>
    [Theory]
    [InlineData("razorpay")]
    [InlineData("stripe")]
    public Task An_answer_with_bytes_that_are_no_UTF8_where_nothing_is_read_is_understood_and_its_bytes_are_kept(string gateway) => Kept(gateway, "not_utf8", "pending");

    async Task Kept(string gateway, string variant, string status)
    {
        var world = house.World(gateway);
        world.Faults.Set([new("create_link", "malformed", Variant: variant), new("inquire", "error_500", Times: null)]).ShouldBeNull();
        using var api = new HttpClient { BaseAddress = new Uri(house.Server.Url) };
        var (key, _) = await house.Server.Services.GetRequiredService<ApiKeys>().Create("garbage", KeyKind.Secret);
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var order = await Made(await api.PostAsJsonAsync("/v1/orders", new { currency = "INR", amount = 49900, description = "A book" }));
        var id = order.GetProperty("id").GetString()!;
        var since = world.Calls.Last;
        var payment = await Made(await api.PostAsJsonAsync($"/v1/orders/{id}/payments", new { gateway }));
        world.Faults.Clear();

        payment.GetProperty("status").GetString().ShouldBe(status);
        var reference = payment.GetProperty("reference").GetString()!;
        var said = world.Calls.Since(since).Single(c => c.Fault == "malformed");
        var (request, answer, outcome) = await Exchange(id);
        outcome.ShouldBe("200");
        var entry = house.Server.Services.GetRequiredService<GatewayAccounts>().Find(gateway)!;
        var bytes = said.Answer!.Body;
        System.Text.Unicode.Utf8.IsValid(bytes).ShouldBe(variant != "not_utf8");
        // One letter for each byte says what they were; a sign for "no letter" in their place would not.
        var legible = variant == "not_utf8" ? "[not UTF-8, read as Latin-1] " + Encoding.Latin1.GetString(bytes) : Encoding.UTF8.GetString(bytes);
        answer.ShouldBe(Redaction.For(entry.Account, entry.Gateway.Profile).Cut(legible));
        answer.Length.ShouldBeGreaterThan(20);
        request.ShouldContain(reference);
        foreach (var (_, secret) in world.Dialect.Credentials.Where(c => SandboxHouse.Adapters[gateway].Profile.Settings.Any(s => s.Secret && s.Name == c.Key)))
            request.ShouldNotContain(secret);
    }

    static async Task<JsonElement> Made(HttpResponseMessage answer)
    {
        using (answer)
        {
            answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
            return await answer.Content.ReadFromJsonAsync<JsonElement>();
        }
    }

    /// <summary>What was asked when the link was, and what was answered.</summary>
    async Task<(string Request, string Answer, string Outcome)> Exchange(string order)
    {
        OrderId.TryParse(order, out var id).ShouldBeTrue();
        await using var ask = house.Server.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
            "select request, answer, outcome from gateway_calls where order_id = $1 and call = 'open_link' order by id limit 1");
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id.Value });
        await using var rows = await ask.ExecuteReaderAsync();
        (await rows.ReadAsync()).ShouldBeTrue();
        return (rows.GetString(0), rows.GetString(1), rows.GetString(2));
    }
}
