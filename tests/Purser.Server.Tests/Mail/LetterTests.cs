using AngleSharp.Html.Parser;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Checkout;
using Purser.Server.Mail;
using Purser.Server.Platform;
using Purser.Server.Tests.Checkout;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Mail;

/// <summary>What mails say, as an independent program reads them after a real server took them.</summary>
public sealed partial class LetterTests : IAsyncLifetime
{
    MailServer server = null!;
    PageHouse house = null!;
    DateTimeOffset told = TimeProvider.System.GetUtcNow().AddMinutes(-1);

    public async Task InitializeAsync()
    {
        server = await MailServer.Start();
        house = new PageHouse
        {
            Also = MailDeliveryTests.Settings(server.Port, ("Mail:Operators", "money@shop.example"), ("Mail:TimeZone", "Asia/Kolkata")).ToDictionary(s => s.Name, s => (string?)s.Value),
        };
        await house.InitializeAsync();
    }

    public async Task DisposeAsync()
    {
        await house.DisposeAsync();
        await server.DisposeAsync();
    }

    /// <summary>All that is due, or will be, has been sent.</summary>
    async Task<IReadOnlyList<Mailed>> Sent()
    {
        await Hurry();
        await Until.True(async () => await Count("select count(*) from deliveries where state = 0") == 0, "all mails to leave");
        return await server.All();
    }

    async Task<long> Count(string sql)
    {
        await using var ask = ((NpgsqlDataSource)house.Host.Services.GetService(typeof(NpgsqlDataSource))!).CreateCommand(sql);
        return (long)(await ask.ExecuteScalarAsync())!;
    }

    async Task<Mailed> One(string to = "asha@shop.example") => (await Sent()).Where(m => m.To.Contains(to)).ShouldHaveSingleItem();

    /// <summary>What waits is due now.</summary>
    Task<long> Hurry() => Count("with u as (update deliveries set due_at = now() where state = 0 returning 1) select count(*) from u");

    Task<Order> Back(Order order, RefundEvidence evidence, int refund = 1) =>
        house.Do(order.Id, evidence.Learned(refund, order.Refund(refund)!.Payment, EvidenceSource.Webhook, told = told.AddSeconds(1), null));

    [Theory]
    [InlineData("paid", "Paid. Thank you!", "Please do not pay again. Keep this mail as your proof.")]
    [InlineData("paid_late", "Paid late. Thank you!", "it still counts")]
    [InlineData("declined", "The payment was declined", "You can try again")]
    [InlineData("failed", "The payment did not go through", "You can try again")]
    [InlineData("expired", "The time to pay is over", "Please order again at the shop.")]
    [InlineData("denied", "Your payment did not go through after all", "the money never moved")]
    [InlineData("held", "We received a different amount", "₹299.00 INR arrived, and the order is ₹499.00 INR.")]
    public async Task Each_kind_is_told_once(string situation, string headline, string words)
    {
        var order = await EverySituation.Make(house, situation);
        // The same news again makes no second mail.
        if (situation == "paid") await house.Pay(order);
        if (situation == "declined") await house.Hear(order, new Evidence.Declined("again"));
        var mails = (await Sent()).Where(m => m.To.Contains("asha@shop.example")).ToList();
        // What was no longer so when it was to leave was not sent.
        var mail = mails.Where(m => m.Subject.Contains(headline)).ShouldHaveSingleItem(string.Join('\n', mails.Select(m => m.Subject)));
        mail.Subject.ShouldBe($"Leaf & Kettle: {headline} · order {order.Id}");
        mail.Text.ShouldContain(words);
        Reads(mail).ShouldContain(words);
        mail.Text.ShouldContain(house.Url + house.Links.Status(order));
        if (situation is "declined" or "failed") mail.Html.ShouldContain(System.Net.WebUtility.HtmlEncode(house.Url + house.Links.Checkout(order)));
        mail.Id.ShouldBe($"<evt_{order.Id.Letters}_{mail.Id.Split('_')[2].Split('@')[0]}@shop.example>");
        (mail.From, mail.ToHeader, mail.Type, mail.Attachments).ShouldBe(("\"Tea Shop\" <pay@shop.example>", "asha@shop.example", "multipart/alternative", 0));
        mail.Date.ShouldNotBeNull();
        mail.Headers.ShouldContain("Auto-Submitted: auto-generated");
        if (situation != "held") return;
        var asked = (await server.All()).Where(m => m.To.Contains("money@shop.example")).ShouldHaveSingleItem().Text;
        var id = System.Text.RegularExpressions.Regex.Match(asked, @"Discrepancy: (dis_\S+) \(amount_mismatch\)").Groups[1].Value;
        asked.ShouldSatisfyAllConditions(t => t.ShouldContain("Amount that came: ₹299.00 INR"), t => t.ShouldContain("Amount that was asked for: ₹499.00 INR"), t => t.ShouldContain($"/v1/discrepancies/{id}"));
        (await Count($"select count(*) from discrepancies where order_id = {order.Id.Value} and sequence = {id.Split('_')[2]}")).ShouldBe(1);
    }

    [Fact]
    public async Task Declines_are_told_once_until_a_try_that_was_waited_for_ends()
    {
        var order = await EverySituation.Make(house, "failed");
        await Sent();
        order = await house.Open(order, payment: 2);
        order = await house.Hear(order, new Evidence.Failed("do_not_honour"), 2);
        (await Sent()).Count.ShouldBe(1);
        order = await house.Open(order, payment: 3);
        order = await house.Hear(order, new Evidence.Processing(), 3);
        await house.Hear(order, new Evidence.Failed("do_not_honour"), 3);
        (await Sent()).Count.ShouldBe(2);
        (await server.All()).ShouldAllBe(m => m.Subject.Contains("did not go through"));
    }

    [Fact]
    public async Task A_decline_that_was_overtaken_by_success_and_thanks_for_what_was_taken_back_are_not_told_any_more()
    {
        await server.Be("busy");
        var order = await EverySituation.Make(house, "declined");
        var taken = await house.Pay(await house.Open(await house.Place()));
        await Hurry();
        await Until.True(async () => await Count("select count(*) from deliveries where failures > 0") == 2, "a first try of both");
        await house.Hear(taken, new Evidence.Reversed(taken.Payments[0].Captures[0].MoneyReference, taken.Amount));
        await server.Be("take");
        await house.Pay(order);
        (await Sent()).Count(m => m.Subject.Contains("Paid") && m.Subject.EndsWith(order.Id.ToString(), StringComparison.Ordinal)).ShouldBe(1);
        // The tries that the busy server did not take were the last.
        (await Count($"select count(*) from deliveries where state = 1 and outcome like 'Not sent:%' and order_id in ({order.Id.Value}, {taken.Id.Value})")).ShouldBe(2);
    }

    [Fact]
    public async Task A_decline_leaves_after_two_minutes_and_not_at_all_when_the_next_try_paid()
    {
        var order = await EverySituation.Make(house, "declined");
        (await Count("select count(*) from deliveries where state = 0 and attempts = 0 and due_at = at + interval '2 minutes'")).ShouldBe(1);
        await house.Pay(order);
        (await Sent()).ShouldHaveSingleItem().Subject.ShouldContain("Paid. Thank you!");
        (await Count("select count(*) from deliveries where state = 1 and outcome like 'Not sent:%'")).ShouldBe(1);
    }

    [Fact]
    public async Task Webhooks_of_a_decline_do_not_wait_with_the_mail()
    {
        await using (var hook = ((NpgsqlDataSource)house.Host.Services.GetService(typeof(NpgsqlDataSource))!).CreateCommand(
            "insert into webhook_endpoints (id, url, ordered, status, created_at, updated_at) values ('we_1', 'https://shop.example/hook', false, 1, now(), now())"))
            await hook.ExecuteNonQueryAsync();
        var order = await EverySituation.Make(house, "declined");
        await house.Hear(order, new Evidence.Declined("insufficient_funds"));
        (await Count("select count(*) from deliveries d join webhook_endpoints e on e.number = d.receiver where e.id = 'we_1' and d.due_at = d.at")).ShouldBeGreaterThan(3);
        (await Count("select count(*) from deliveries d join webhook_endpoints e on e.number = d.receiver where e.id = 'we_1' and d.due_at <> d.at")).ShouldBe(0);
    }

    [Fact]
    public async Task Whose_money_is_held_is_not_told_that_nothing_was_paid()
    {
        var order = await house.Pay(await house.OpenShortly(), amount: 29_900);
        order = await house.RunOut(order);
        await Until.True(async () => (order = await house.Do(order.Id, new OrderInput.Tick())).Status == OrderStatus.Expired, "it to expire");
        (await Sent()).Where(m => m.To.Contains("asha@shop.example") && m.Subject.EndsWith($"{order.Id}", StringComparison.Ordinal)).ShouldHaveSingleItem().Subject.ShouldContain("We received a different amount");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_decline_is_told_although_another_gateway_had_refused_the_order_before(bool both)
    {
        var order = await house.Do((await house.Place()).Id, new OrderCommand.StartPayment(null, "card"));
        order = await house.Hear(order, new Evidence.LinkRefused(1, "account suspended"), source: EvidenceSource.Reply);
        // Which of the two is first may depend on how their other calls went.
        order.Payments.Select(p => p.Status).ShouldBe([PaymentStatus.Failed, PaymentStatus.Starting], "it went on by itself");
        (await Sent()).ShouldBeEmpty();
        if (both) await house.Hear(order, new Evidence.LinkRefused(1, "account suspended"), 2, EvidenceSource.Reply);
        else
        {
            order = await house.Hear(order, new Evidence.LinkOpened(new PaymentLink.Redirect(PageHouse.PayPage), order.Amount) { GatewayReference = "cs_2" }, 2);
            await house.Hear(order, new Evidence.Declined("card_declined"), 2);
        }
        (await One()).Subject.ShouldContain(both ? "did not go through" : "The payment was declined");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_decline_that_no_server_took_is_told_by_how_the_next_try_went(bool waitedFor)
    {
        await server.Be("busy");
        var order = await EverySituation.Make(house, "failed");
        await Hurry();
        await Until.True(async () => await Count("select count(*) from deliveries where failures = 1") == 1, "a first try");
        order = await house.Open(order, payment: 2);
        if (waitedFor) order = await house.Hear(order, new Evidence.Processing(), 2);
        await house.Hear(order, new Evidence.Failed("do_not_honour"), 2);
        await Hurry();
        await Until.True(async () => await Count("select count(*) from deliveries where failures = 0 and state = 0") == 0, "the first try of all");
        var before = (await server.All()).Count;
        await server.Be("take");
        (await Sent()).Skip(before).ShouldHaveSingleItem().Subject.ShouldContain("did not go through");
    }

    [Theory]
    [InlineData("late_refund", "Your money came too late; the refund is on the way", "Refund of ₹499.00 INR: on the way.", "Your money was paid back", null)]
    [InlineData("paid_twice", "The order is paid; you paid it twice", "Refund of your second payment, ₹499.00 INR: on the way.", "Your second payment was paid back", "The order stays paid by your first payment.")]
    public async Task Money_that_goes_back_is_told_with_its_progress_and_its_end(string situation, string headline, string progress, string end, string? stays)
    {
        var order = await EverySituation.Make(house, situation);
        (await Sent()).Single(m => m.Subject.Contains(headline)).Text.ShouldContain(progress);
        order = await Back(order, new RefundEvidence.Succeeded(order.Amount, "ARN-74123"));
        var done = (await Sent()).Single(m => m.Subject.Contains(end)).Text;
        done.ShouldContain("Your bank can find it by ARN-74123");
        (stays is null ? !done.Contains("stays paid") : done.Contains(stays)).ShouldBeTrue(done);
        await Back(order, new RefundEvidence.Failed("account closed"));
        var failed = (await Sent()).Where(m => m.Subject.Contains("Your refund did not work yet")).ShouldHaveSingleItem();
        failed.Text.ShouldContain("The shop has been told and has it in hand.");
        var told = (await server.All()).Where(m => m.To.Contains("money@shop.example")).ShouldHaveSingleItem();
        told.Subject.ShouldBe("Purser: Something does not agree: refund failed");
        told.Text.ShouldSatisfyAllConditions(t => t.ShouldContain(order.Id.ToString()), t => t.ShouldContain("₹499.00 INR"), t => t.ShouldContain("/explanation"));
        if (stays is not null) await house.Pay(order, payment: 2, money: "more");
        (await Sent()).Count(m => m.Subject.Contains("you paid it more than once") && m.Text.Contains("Refund of your further payment, ₹499.00 INR: on the way.")).ShouldBe(stays is null ? 0 : 1);
    }

    [Fact]
    public async Task A_part_of_a_refund_that_fails_is_told_although_another_part_was_asked_for_later()
    {
        var order = await house.Pay(await house.Open(await house.Place()));
        foreach (var part in new[] { 20_000, 10_000 }) order = await house.Do(order.Id, new OrderCommand.Refund(null, new Money(part, Currency.Find("INR")), "torn"));
        await Back(order, new RefundEvidence.Failed("account closed"));
        (await Sent()).Where(m => m.Subject.Contains("Your refund did not work yet")).ShouldHaveSingleItem().Text.ShouldContain("Refund of ₹200.00 INR: it did not work yet.");
    }

    [Theory]
    [InlineData("en", null, "Your payment was received and has been paid back to you", "Refund of ₹499.00 INR: paid back. Your bank can find it by ARN-7")]
    [InlineData("hi", null, "आपका भुगतान मिला था और आपको लौटा दिया गया है", "ARN-7")]
    [InlineData("en", 20_000L, "Paid. Thank you!", "Refund of ₹200.00 INR: paid back. Your bank can find it by ARN-7")]
    public async Task A_thank_you_that_no_server_took_in_time_says_what_went_back_meanwhile(string locale, long? part, string headline, string progress)
    {
        await server.Be("busy");
        house.Locale = locale;
        var order = await house.Pay(await house.Open(await house.Place()));
        await Hurry();
        await Until.True(async () => await Count("select count(*) from deliveries where failures = 1") == 1, "a first try");
        order = await house.Do(order.Id, new OrderCommand.Refund(null, part is { } units ? new Money(units, Currency.Find("INR")) : null, "torn"));
        await Back(order, new RefundEvidence.Succeeded(order.Refund(1)!.Amount, "ARN-7"));
        var before = (await server.All()).Count;
        await server.Be("take");
        var told = (await Sent()).Skip(before).Where(m => m.To.Contains("asha@shop.example")).ToList();
        told.Count.ShouldBe(2);
        told.Single(m => m.Subject.Contains(headline)).Text.ShouldContain(progress);
    }

    [Theory]
    [InlineData("en", "A part of your money was paid back", "The rest of your money was paid back", "With that all of it, ₹499.00 INR, has gone back to you.")]
    [InlineData("hi", "आपकी राशि का एक हिस्सा लौटा दिया गया", "आपकी बाकी राशि लौटा दी गई", "इसके साथ पूरी राशि, ₹499.00 INR, आपको लौटा दी गई है।")]
    public async Task The_last_part_of_a_refund_is_the_rest_and_no_part(string locale, string part, string rest, string all)
    {
        house.Locale = locale;
        var order = await house.Pay(await house.Open(await house.Place(reference: "tea-1001")));
        await house.Do(order.Id, new OrderCommand.Refund(null, new Money(20_000, Currency.Find("INR")), "torn"));
        order = await house.Do(order.Id, new OrderCommand.Refund(null, new Money(29_900, Currency.Find("INR")), "torn"));
        // The second went back first; what is told last has all of it.
        order = await Back(order, new RefundEvidence.Succeeded(order.Refund(2)!.Amount, "ARN-2"), refund: 2);
        (await Sent()).Count(m => m.Subject.Contains(part)).ShouldBe(1);
        await Back(order, new RefundEvidence.Succeeded(order.Refund(1)!.Amount, "ARN-1"), refund: 1);
        var told = (await Sent()).Where(m => m.Subject.Contains(rest)).ShouldHaveSingleItem();
        told.Text.ShouldContain(all);
        told.Subject.ShouldEndWith("tea-1001");
        (await server.All()).Count(m => m.Subject.Contains(part)).ShouldBe(1);
        (await server.All()).Where(m => m.To.Contains("asha@shop.example")).ShouldAllBe(m => m.Text.Contains($"{MailWords.For(locale).OrderNumber}: tea-1001"));
    }

    [Fact]
    public async Task What_is_told_of_an_order_after_months_leads_to_its_page_and_so_does_looking_it_up()
    {
        var order = await house.Pay(await house.Open(await house.Place(age: TimeSpan.FromDays(100))));
        order = await house.Do(order.Id, new OrderCommand.Refund(null, null, null));
        await Back(order, new RefundEvidence.Succeeded(order.Amount, "ARN-1"));
        var text = (await Sent()).Single(m => m.Subject.Contains("Your money was paid back")).Text;
        var link = System.Text.RegularExpressions.Regex.Match(text, $@"{house.Url}(/status/\S+)").Groups[1].Value;
        (await house.Get(link)).Status.ShouldBe(System.Net.HttpStatusCode.OK);
        using var found = await house.Post("/status", ("order", order.Id.ToString()), ("email", "asha@shop.example"));
        (await house.Get(found.Headers.Location!.ToString())).Status.ShouldBe(System.Net.HttpStatusCode.OK);
        // A shopper who took long comes back from the gateway, too.
        (await house.Get(new Uri(order.Payments[0].ReturnUrl).PathAndQuery)).Answer.Headers.Location!.ToString().ShouldStartWith("/pay/");
        // A page hands on the token that it was opened with, and no other that lives longer.
        var held = house.Host.Services.GetRequiredService<ShopperTokens>().For(order.Id, TimeProvider.System.GetUtcNow().AddDays(-80));
        var page = (await house.Get($"/pay/{new PaymentId(order.Id, 1)}?token={held}")).Page;
        page.QuerySelector("[data-token]")!.GetAttribute("data-token").ShouldBe(held);
        page.QuerySelector("[data-part]")!.GetAttribute("data-part")!.ShouldEndWith(held);
    }

    [Fact]
    public async Task Operators_hear_of_each_dispute_and_of_the_one_that_was_lost()
    {
        var order = await house.Pay(await house.Open(await house.Place(customer: new Customer("Asha Rao", null, null))));
        var taken = new Money(10_000, Currency.Find("INR"));
        async Task Hear(Evidence evidence) => order = await house.Hear(order, evidence, source: EvidenceSource.Webhook);
        await Hear(new Evidence.DisputeOpened("dp_1", taken));
        var opened = await One("money@shop.example");
        opened.Subject.ShouldBe("Purser: A payment is disputed");
        opened.Text.ShouldSatisfyAllConditions(t => t.ShouldContain("₹100.00 INR"), t => t.ShouldContain("Gateway's name: dp_1"), t => t.ShouldContain("razorpay"), t => t.ShouldContain(order.Id.ToString()),
            t => t.ShouldContain("keep them until the dispute is over"));
        // Told again, it is known.
        await Hear(new Evidence.DisputeOpened("dp_1", taken));
        await Hear(new Evidence.DisputeOpened("dp_2", taken));
        await Hear(new Evidence.DisputeClosed("dp_2", taken, Won: true));
        await Hear(new Evidence.DisputeClosed("dp_1", taken, Won: false));
        var mails = await Sent();
        mails.Count(m => m.Subject == "Purser: A dispute was lost").ShouldBe(1);
        mails.Single(m => m.Subject == "Purser: A dispute was lost").Text.ShouldContain("dp_1");
        mails.Where(m => m.Subject == "Purser: A payment is disputed" && m.Text.Contains("dp_1")).ShouldHaveSingleItem();
        mails.ShouldAllBe(m => m.To.Contains("money@shop.example"));
    }

    [Fact]
    public async Task A_hundred_discrepancies_within_an_hour_bring_twenty_mails_and_one_of_all_the_others()
    {
        for (var i = 0; i < 100; i++)
        {
            var order = await house.Pay(await house.Open(await house.Place(customer: new Customer("Asha Rao", null, null))));
            await house.Hear(order, new Evidence.Unsettled(order.Payments[0].Captures[0].MoneyReference, "It is in no statement."), source: EvidenceSource.Settlement);
        }
        (await Sent()).Count.ShouldBe(20);
        (await Count("select count(*) from deliveries where state = 1 and outcome like 'Not sent by itself:%'")).ShouldBe(80);
        // Told again, they are told as before.
        await Count("with u as (update deliveries set state = 0, due_at = now(), ended_at = null where outcome like 'Not sent by itself:%' returning 1) select count(*) from u");
        (await Sent()).Count.ShouldBe(20);
        // Two, where an hour of the day ended meanwhile.
        var notices = (int)await Count("with u as (update operator_notices set due_at = now() where kind = 5 returning 1) select count(*) from u");
        notices.ShouldBeInRange(1, 2);
        var all = await server.Wait(20 + notices);
        await Until.True(async () => await Count("select count(*) from operator_notices where state = 0") == 0, "the notices to be told");
        all = await server.All();
        all.Count.ShouldBeLessThan(23);
        var gathering = all.Where(m => m.Subject == "Purser: Many things do not agree").ToList();
        gathering.Count.ShouldBe(notices);
        gathering.Sum(m => int.Parse(System.Text.RegularExpressions.Regex.Match(m.Text, @"mail of their own: (\d+)").Groups[1].Value)).ShouldBe(80);
        if (notices == 1) gathering[0].Text.ShouldContain("Their sum: ₹39,920.00 INR");
        gathering[0].Text.ShouldContain("not settled of ord_");
        gathering[0].Text.ShouldContain("/v1/discrepancies?open=true");
    }

    [Fact]
    public async Task Hindi_is_written_in_hindi_with_times_of_the_zone_and_amounts_grouped_as_in_india()
    {
        house.Locale = "hi";
        var order = await house.Place(amount: 1_234_500_00, customer: new Customer("आशा राव", "asha@shop.example"), lines: [new OrderLine("दार्जिलिंग चाय", 5, 246_900_00)]);
        order = await house.Pay(await house.Open(order));
        var mail = await One();
        mail.Subject.ShouldBe($"Leaf & Kettle: भुगतान हो गया। धन्यवाद! · ऑर्डर {order.Id}");
        mail.Text.ShouldContain("प्रिय आशा राव,");
        mail.Text.ShouldContain("5 × दार्जिलिंग चाय: ₹12,34,500.00 INR");
        var paid = order.EndedAt!.Value.ToOffset(new TimeSpan(5, 30, 0));
        mail.Text.ShouldContain($"भुगतान की तारीख: {paid.Day} {MailWords.For("hi").Months[paid.Month - 1]} {paid.Year}, {paid:HH:mm} (UTC+05:30)");
        var page = new HtmlParser().ParseDocument(mail.Html);
        page.DocumentElement.GetAttribute("lang").ShouldBe("hi");
    }

    [Fact]
    public async Task Hostile_names_stay_text_in_both_parts_and_end_no_header()
    {
        const string Hostile = "<img src=x onerror=alert(1)>\u202Ecod.exe\" & 'Co'";
        var order = await house.Place(
            customer: new Customer("Eve\r\nBcc: everybody@else.example", "asha@shop.example"), description: Hostile, lines: [new OrderLine(Hostile, 1, 49_900)]);
        await house.Pay(await house.Open(order));
        var mail = await One();
        mail.To.ShouldBe(["asha@shop.example"]);
        mail.Headers.ShouldNotContain(h => h.StartsWith("Bcc", StringComparison.OrdinalIgnoreCase));
        var page = new HtmlParser().ParseDocument(mail.Html);
        page.QuerySelectorAll("img, script, link, iframe, object, form, [onerror], [src], [background]").ShouldBeEmpty();
        Reads(mail).ShouldContain("<img src=x onerror=alert(1)> cod.exe\" & 'Co'");
        mail.Text.ShouldContain("Dear Eve Bcc: everybody@else.example,");
        mail.Html.ShouldNotContain("\u202E");
        mail.Html.ShouldNotContain("url(");
    }

    [Theory]
    [InlineData("asha@reader.example\r\nBcc: all@else.example")]
    [InlineData("asha@reader.example, all@else.example")]
    [InlineData("no address")]
    public async Task An_address_that_is_none_is_refused_and_nothing_is_sent(string to)
    {
        var line = new SmtpLine(new MailOptions { Host = "127.0.0.1", Port = server.Port, Tls = "none", From = "pay@shop.example" }, TimeProvider.System);
        var answer = await line.Send(new Letter("<one@shop.example>", [to], "Paid", "text", "html"), default);
        (answer.IsDelivered, answer.IsFinal).ShouldBe((false, true));
        (await server.All()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("The server did not take the recipient.")]
    [InlineData("The server did not take recipient 2 of 2.", "first@shop.example")]
    public async Task A_recipient_whose_host_is_not_ascii_is_not_kept_in_the_words_of_a_refusal(string trouble, params string[] others)
    {
        await server.Be("refuse asha@bücher.example 550 5.1.1 <asha@xn--bcher-kva.example> is unknown here");
        var line = new SmtpLine(new MailOptions { Host = "127.0.0.1", Port = server.Port, Tls = "none", From = "pay@shop.example" }, TimeProvider.System);
        var answer = await line.Send(new Letter("<one@shop.example>", [.. others, "asha@bücher.example"], "Paid", "text", "html"), default);
        answer.Trouble.ShouldBe(trouble);
        answer.Text.ShouldNotBeNull().ShouldSatisfyAllConditions(t => t.ShouldContain("(the recipient)"), t => t.ShouldNotContain("cher", Case.Insensitive));
    }

    [Fact]
    public async Task A_subject_cannot_end_its_header()
    {
        var line = new SmtpLine(new MailOptions { Host = "127.0.0.1", Port = server.Port, Tls = "none", From = "pay@shop.example" }, TimeProvider.System);
        (await line.Send(new Letter("<one@shop.example>", ["asha@shop.example"], "Paid\r\nBcc: all@else.example\n\nbody", "text", "html"), default)).IsDelivered.ShouldBeTrue();
        var mail = (await server.All()).ShouldHaveSingleItem();
        mail.Subject.ShouldBe("Paid Bcc: all@else.example body");
        mail.To.ShouldBe(["asha@shop.example"]);
    }

    [Fact]
    public void Every_word_is_in_every_language_and_none_was_forgotten()
    {
        foreach (var locale in MailWords.Locales)
            foreach (var ((name, here), (_, english)) in Said(MailWords.For(locale)).Zip(Said(MailWords.English)))
            {
                here.ShouldNotBeNullOrWhiteSpace($"{locale}: {name}");
                if (locale == "hi") here.ShouldContain(c => c >= '\u0900' && c <= '\u097F', $"{name}: {here}");
                else here.ShouldBe(english);
            }
        static IEnumerable<(string, string)> Said(object words) => words.GetType().GetProperties().Where(p => p.Name != nameof(MailWords.Locale) && !p.GetMethod!.IsStatic)
            .SelectMany(p => p.GetValue(words) switch { string text => [(p.Name, text)], Func<string, string> of => [(p.Name, of("a"))], ExtraWords extra => Said(extra), _ => (IEnumerable<(string, string)>)[] });
    }

    /// <summary>The letters that the HTML part shows, as a browser makes them of it.</summary>
    static string Reads(Mailed mail) => new HtmlParser().ParseDocument(mail.Html).Body!.TextContent;
}
