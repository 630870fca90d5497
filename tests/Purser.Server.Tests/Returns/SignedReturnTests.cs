using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
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

namespace Purser.Server.Tests.Returns;

/// <summary>A browser that comes back with the gateway's own signature over "paid" proves nothing: the gateway is asked, and its answer counts.</summary>
public sealed class SignedReturnTests(SandboxHouse house) : IClassFixture<SandboxHouse>
{
    [Fact]
    public async Task A_return_rightly_signed_as_paid_leaves_an_order_unpaid_until_the_gateway_says_so_itself()
    {
        var world = house.World("razorpay");
        // The return is the only way on which anything can be heard.
        world.Webhooks.Register(null, null);
        using var api = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(house.Server.Url) };
        var (key, _) = await house.Server.Services.GetRequiredService<ApiKeys>().Create("returns", KeyKind.Secret);
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var order = await Read(await api.PostAsJsonAsync("/v1/orders", new { currency = "INR", amount = 49900, description = "A book" }));
        var id = order.GetProperty("id").GetString()!;
        var payment = await Read(await api.PostAsJsonAsync($"/v1/orders/{id}/payments", new { gateway = "razorpay" }));
        payment.GetProperty("status").GetString().ShouldBe("pending");

        var link = world.Dialect.LinkByReference(payment.GetProperty("reference").GetString()!)!;
        var address = $"/gateways/razorpay/return?payment={payment.GetProperty("id").GetString()}&token={order.GetProperty("token").GetString()}";
        var signed = $"{address}&{SignedAsPaid(link, "pay_NeverHappened1", world.Dialect.Credentials["key_secret"])}";
        var account = house.Server.Services.GetRequiredService<GatewayAccounts>().Find("razorpay")!;
        account.Gateway.ReadReturn(new RawMessage("GET", "/", signed[signed.IndexOf('?')..], new Dictionary<string, string>(), default, TimeProvider.System.GetUtcNow()), account.Account)
            .ShouldBeOfType<NewsReading.Genuine>();
        (await Return(api, signed)).ShouldStartWith($"/pay/{payment.GetProperty("id").GetString()}");

        await Until.True(async () => (await Answers(id)).Any(a => a.Contains("\"created\"")), "the gateway to be asked and to say that the link is open");
        var after = await Read(await api.GetAsync($"/v1/orders/{id}"));
        (Status(after), Status(after.GetProperty("payments")[0])).ShouldBe(("awaiting_payment", "pending"));

        // The same way, when it is true.
        var paid = Shopper.Act(world, link, "paid", null);
        await Return(api, new Uri(paid.Return!.Url).PathAndQuery);
        await Until.True(async () => Status(await Read(await api.GetAsync($"/v1/orders/{id}"))) == "paid", "the gateway's own answer to be believed");
    }

    static string Status(JsonElement element) => element.GetProperty("status").GetString()!;

    static string SignedAsPaid(Link link, string money, string secret)
    {
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{link.Id}|{link.Reference}|paid|{money}")));
        return $"razorpay_payment_id={money}&razorpay_payment_link_id={link.Id}&razorpay_payment_link_reference_id={link.Reference}" +
            $"&razorpay_payment_link_status=paid&razorpay_signature={signature}";
    }

    static async Task<string> Return(HttpClient browser, string address)
    {
        using var answer = await browser.GetAsync(new Uri(address, UriKind.Relative));
        answer.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        return answer.Headers.Location!.ToString();
    }

    static async Task<JsonElement> Read(HttpResponseMessage answer)
    {
        using (answer)
        {
            answer.IsSuccessStatusCode.ShouldBeTrue(await answer.Content.ReadAsStringAsync());
            return await answer.Content.ReadFromJsonAsync<JsonElement>();
        }
    }

    /// <summary>What the gateway answered when it was asked about the order's payment.</summary>
    async Task<List<string>> Answers(string order)
    {
        OrderId.TryParse(order, out var id).ShouldBeTrue();
        await using var ask = house.Server.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select answer from gateway_calls where order_id = $1 and call = 'inquire'");
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id.Value });
        await using var rows = await ask.ExecuteReaderAsync();
        var answers = new List<string>();
        while (await rows.ReadAsync()) answers.Add(rows.GetString(0));
        return answers;
    }
}
