using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.BillDesk.Tests;

/// <summary>The adapter against the simulator where accounts differ: the other scheme, other carriers, and what the document leaves open.</summary>
public sealed class BillDeskSandboxTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    static readonly BillDeskGateway Billdesk = new();
    static readonly Money Amount = new(49900, Currency.Find("INR"));

    readonly GatewayLines lines = new();
    Gateway gateway = null!;
    GatewayAccount account = null!;
    PaymentId payment;

    public async Task InitializeAsync()
    {
        var keys = new Purser.Sandbox.BillDesk.BillDeskDialect().Credentials;
        gateway = await world.Fresh("billdesk", keys["signing_key"]);
        account = new("main", "billdesk", world.Sandbox.Url("billdesk"), keys.ToImmutableDictionary()) { TestMode = true };
        payment = new PaymentId(new Ids(TimeProvider.System, new Random(7)).NextOrder(), 1);
    }

    public Task DisposeAsync()
    {
        lines.Dispose();
        gateway.Dispose();
        return Task.CompletedTask;
    }

    [Theory]
    [InlineData("hmac", "")]
    [InlineData("hmac", "jose")]
    [InlineData("symmetric", "")]
    [InlineData("symmetric", "jose")]
    public async Task In_both_schemes_an_order_is_paid_told_returned_from_and_refunded(string scheme, string webhook)
    {
        await world.Put("/control/billdesk/settings", new { scheme, webhook, surcharge = "10.00", @return = webhook == "jose" ? "get" : "post" });
        account = account with { Settings = account.Settings.SetItem("scheme", scheme) };
        await Open();
        var (_, acted) = await gateway.Shopper(payment.Reference, "paid");
        var money = (await Inquire()).ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();
        money.Amount.ShouldBe(Amount);

        var heard = (await world.Hear(1))[0];
        var told = Billdesk.ReadWebhook(new RawMessage("POST", "/", "", heard.Headers, heard.Body, default), account).ShouldBeOfType<NewsReading.Genuine>();
        (told.Payment, told.ProvesAmount, told.Facts.OfType<Evidence.Succeeded>().Single().Amount).ShouldBe((payment, true, Amount));
        Billdesk.ReadReturn(Returned(acted), account).ShouldBeOfType<NewsReading.Genuine>().Payment.ShouldBe(payment);

        var refund = new RefundCall(account, new RefundId(payment.Order, 1), payment, payment.Reference, money.MoneyReference, Amount, new Money(9900, Amount.Currency), null, "Order 42", Now);
        (await Billdesk.Refund(refund, Line(), default)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>();
        (await Billdesk.InquireRefund(refund, Line(), default)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>();
        (await gateway.Book()).Select(m => m!["amount"]!.GetValue<long>()).ShouldBe([49900, 9900]);
    }

    [Fact]
    public async Task A_client_of_the_other_scheme_is_told_so_and_nothing_is_made()
    {
        account = account with { Settings = account.Settings.SetItem("scheme", "symmetric") };
        (await Ask()).ShouldBeOfType<GatewayAnswer.Rejected>();
        gateway.Inside.Dialect.LinkByReference(payment.Reference).ShouldBeNull();
    }

    [Fact]
    public async Task An_address_that_is_not_listed_gets_no_answer_that_says_anything()
    {
        await world.Put("/control/billdesk/settings", new { whitelist = "refuse" });
        (await Ask()).ShouldBeOfType<GatewayAnswer.Unknown>();
        (await Billdesk.Inquire(new InquireCall(account, payment, null, Amount, Now), Line(), default)).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Fact]
    public async Task Where_the_page_stays_after_a_decline_late_money_is_still_told()
    {
        await world.Put("/control/billdesk/settings", new { retry = "page" });
        await Open();
        await gateway.Shopper(payment.Reference, "declined");
        (await Inquire()).ShouldHaveSingleItem().ShouldBeOfType<Evidence.Failed>();
        await gateway.Shopper(payment.Reference, "paid");
        (await Inquire()).ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();
    }

    [Fact]
    public async Task Who_closes_the_page_comes_back_without_a_token_and_is_asked_about()
    {
        await Open();
        var (_, acted) = await gateway.Shopper(payment.Reference, "cancelled");
        var news = Billdesk.ReadReturn(Returned(acted), account).ShouldBeOfType<NewsReading.Genuine>();
        (news.Payment, news.EventType, news.ProvesAmount).ShouldBe((payment, "return_without_token", false));
        (await Inquire()).ShouldHaveSingleItem().ShouldBeOfType<Evidence.Absent>();
    }

    [Theory]
    [InlineData("pending", typeof(RefundEvidence.Succeeded))]
    [InlineData("fail", typeof(RefundEvidence.Failed))]
    public async Task A_refund_that_is_not_done_at_once_is_accepted_and_ends_later(string refunds, Type end)
    {
        await world.Put("/control/billdesk/settings", new { refunds });
        await Open();
        await gateway.Shopper(payment.Reference, "paid");
        var money = (await Inquire()).OfType<Evidence.Succeeded>().Single();
        var refund = new RefundCall(account, new RefundId(payment.Order, 1), payment, payment.Reference, money.MoneyReference, Amount, Amount, null, "Order 42", Now);
        (await Billdesk.Refund(refund, Line(), default)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Accepted>();
        RefundEvidence fact = new RefundEvidence.Accepted();
        await World.Until(async () => (fact = (await Billdesk.InquireRefund(refund, Line(), default)).ShouldBeOfType<RefundAnswer.Done>().Fact) is not RefundEvidence.Accepted);
        fact.ShouldBeOfType(end);
    }

    static DateTimeOffset Now => DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());

    GatewayLine Line() => lines.Open(account, Billdesk.Profile);

    Task<GatewayAnswer> Ask() => Billdesk.OpenLink(
        new LinkCall(account, payment, Amount, "Order 42", new Customer("Asha Rao", null, null), null, "https://pay.test/r?token=a.b", Now.AddHours(1), Now), Line(), default);

    async Task Open()
    {
        var form = (await Ask()).ShouldBeOfType<GatewayAnswer.Done>().Facts.OfType<Evidence.LinkOpened>().Single().Link.ShouldBeOfType<PaymentLink.Form>();
        using var http = new HttpClient();
        using var fields = new FormUrlEncodedContent(form.Fields);
        using var page = await http.PostAsync(new Uri(form.Url), fields);
        (await page.Content.ReadAsStringAsync()).ShouldContain("INR 499.00");
    }

    async Task<IReadOnlyList<Evidence>> Inquire() =>
        (await Billdesk.Inquire(new InquireCall(account, payment, payment.Reference, Amount, Now), Line(), default)).ShouldBeOfType<GatewayAnswer.Done>().Facts;

    static RawMessage Returned(JsonNode acted)
    {
        var url = new Uri(acted["return_url"]!.ToString());
        var form = acted["return_form"] as JsonObject;
        return new RawMessage(form is null ? "GET" : "POST", url.AbsolutePath, url.Query,
            form is null ? ImmutableDictionary<string, string>.Empty : ImmutableDictionary<string, string>.Empty.Add("Content-Type", "application/x-www-form-urlencoded"),
            form is null ? default : Wire.Form(form.Select(f => KeyValuePair.Create(f.Key, f.Value!.ToString()))), default);
    }
}
