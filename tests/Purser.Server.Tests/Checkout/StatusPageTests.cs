using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Checkout;
using Purser.Server.Engine;
using Purser.Server.Orders;

namespace Purser.Server.Tests.Checkout;

public sealed class StatusPageTests(PageHouse house) : IClassFixture<PageHouse>
{
    [Theory]
    [InlineData("ready", "Nothing was charged yet.")]
    [InlineData("starting", "We are asking Razorpay for your payment page.")]
    [InlineData("pending", "you can only pay once on it")]
    [InlineData("declined", "you were not charged for it")]
    [InlineData("processing", "the money is moving")]
    [InlineData("unresolved", "You will not be charged twice.")]
    [InlineData("link_closing", "to close the page")]
    [InlineData("closing", "checking one last time")]
    [InlineData("held", "₹299.00 INR arrived, and the order is ₹499.00 INR. Nothing is lost")]
    [InlineData("paid", "Your payment is complete")]
    [InlineData("paid_late", "it still counts")]
    [InlineData("late_refund", "Refund of ₹499.00 INR: on the way.")]
    [InlineData("late_asked", "The shop has been told")]
    [InlineData("paid_twice", "stays paid. Only this second payment, ₹499.00 INR at Stripe, is not needed, and nothing of it is lost.Refund of your second payment, ₹499.00 INR: on the way.")]
    [InlineData("paid_otherwise", "It was paid by another try.")]
    [InlineData("paid_and_held", "₹1.00 INR arrived")]
    [InlineData("taken_back", "took the money back")]
    [InlineData("failed", "You can try again.")]
    [InlineData("cancelled_try", "Nothing was charged on it.")]
    [InlineData("expired_try", "it counts for this order")]
    [InlineData("expired", "order again at the shop")]
    [InlineData("denied", "the money never moved")]
    [InlineData("cancelled", "The shop cancelled this order.")]
    public async Task Every_situation_has_its_words(string name, string words)
    {
        var order = await EverySituation.Make(house, name);
        var (status, page, _) = await house.Get(EverySituation.Page(house, order));
        status.ShouldBe(HttpStatusCode.OK);
        page.QuerySelector("[data-situation]")!.GetAttribute("data-situation").ShouldBe(name);
        page.QuerySelector("main")!.TextContent.ShouldContain(words);
        page.QuerySelector("main")!.TextContent.ShouldContain("safe to close this page");
        // The order's own page tells the same and moves nothing.
        var (_, own, _) = await house.Get(house.Links.Status(order));
        own.QuerySelector(".safety")!.TextContent.ShouldContain("safe to close this page");
        own.QuerySelectorAll("main form").ShouldBeEmpty();
        own.QuerySelectorAll("main a[href*='/go'], main a[href^='/checkout']").ShouldBeEmpty();
        // And so does the API, for a page of the merchant's; paying is offered there where a page of ours offers it.
        using var said = System.Text.Json.JsonDocument.Parse(await house.Http.GetStringAsync($"/v1/orders/{order.Id}?token={house.Links.TokenOf(order)}"));
        var shopper = said.RootElement.GetProperty("shopper");
        shopper.GetProperty("situation").GetString().ShouldBe(own.QuerySelector("[data-situation]")!.GetAttribute("data-situation"));
        shopper.GetProperty("headline").GetString().ShouldBe(own.QuerySelector("h1")!.TextContent);
        var told = shopper.GetProperty("words").EnumerateArray().Select(w => w.GetString()).ToList();
        told.Where(w => w != Texts.PayNoMore).ShouldBe(own.QuerySelectorAll(".situation > p:not(.amount, .safety)").Select(p => p.TextContent));
        told.Contains(Texts.PayNoMore).ShouldBe(own.QuerySelector(".safety")!.TextContent == Texts.DoNotPayAgain);
        shopper.GetProperty("may_pay").GetBoolean().ShouldBe(name is "ready" or "pending" or "declined" or "failed" or "cancelled_try" or "expired_try");
        shopper.GetProperty("may_order_again").GetBoolean().ShouldBe(name is "expired" or "cancelled" or "denied" or "late_refund");
    }

    [Fact]
    public void The_table_above_covers_every_situation()
    {
        var shown = typeof(StatusPageTests).GetMethod(nameof(Every_situation_has_its_words))!
            .GetCustomAttributes(typeof(InlineDataAttribute), false).Cast<InlineDataAttribute>().Select(a => (string)a.GetData(null!).First()[0]);
        shown.ShouldBe(EverySituation.Names);
    }

    [Fact]
    public async Task Money_that_came_twice_never_reads_as_the_order_s_refund()
    {
        // Twice on one and the same page of a gateway.
        var order = await house.Pay(await EverySituation.Make(house, "paid"), money: "again");
        foreach (var address in new[] { house.Links.Payment(order, 1), house.Links.Status(order) })
        {
            var (_, page, _) = await house.Get(address);
            page.QuerySelector("h1")!.TextContent.ShouldBe(Texts.Paid);
            var words = page.QuerySelectorAll(".situation > p").Select(p => p.TextContent).ToList();
            words.ShouldContain("There was a second payment, too: ₹499.00 INR at Razorpay. The order stays paid by the first; only the second is not needed, and nothing of it is lost.");
            words.ShouldContain("Refund of your second payment, ₹499.00 INR: on the way. It usually takes five to seven working days.");
        }
        // And of three times none is the second.
        order = await house.Pay(order, money: "once_more");
        var often = await Words(house.Links.Status(order));
        often.Count(w => w.StartsWith("There was a further payment, too: ₹499.00 INR at Razorpay. The order stays paid by the first; only the further is not needed", StringComparison.Ordinal)).ShouldBe(2);
        often.Count(w => w.StartsWith("Refund of your further payment, ₹499.00 INR: on the way.", StringComparison.Ordinal)).ShouldBe(2);
        often.ShouldNotContain(w => w.Contains("second"));
        var (_, second, _) = await house.Get(EverySituation.Page(house, await EverySituation.Make(house, "paid_twice")));
        second.QuerySelector("h1")!.TextContent.ShouldBe("The order is paid; you paid it twice");
        second.QuerySelector("[data-tone]")!.GetAttribute("data-tone").ShouldBe("good");
    }

    [Fact]
    public async Task Of_money_that_came_twice_it_is_said_which_went_back()
    {
        var order = await EverySituation.Make(house, "paid_twice");
        order = await Back(order, order.Refunds.ShouldHaveSingleItem());
        (await Words(house.Links.Payment(order, order.Refunds[0].Payment))).ShouldContain(w => w.EndsWith("stays paid. This second payment, ₹499.00 INR at Stripe, was not needed and went back to you.", StringComparison.Ordinal));
        (await Words(house.Links.Status(order))).ShouldContain("There was a second payment, too: ₹499.00 INR at Stripe. It was not needed and went back to you; the order stays paid by the first.");
        // And then the first, too.
        await house.Do(order.Id, new OrderCommand.Refund(order.PaidBy, null, null));
        (await Words(house.Links.Status(order))).ShouldContain("There was a second payment, too: ₹499.00 INR at Stripe. It was not needed and went back to you.");
    }

    [Fact]
    public async Task The_last_of_several_parts_is_all_of_the_money_also_where_one_went_back_at_the_gateway_s_console()
    {
        var order = await EverySituation.Make(house, "paid");
        var money = order.Payments[0].Captures[0];
        await house.Do(order.Id, (new RefundEvidence.Succeeded(order.Amount with { MinorUnits = 19_900 }) { RefundReference = "re_console", MoneyReference = money.MoneyReference })
            .Learned(0, 1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, null));
        foreach (var (part, headline) in new[] { (10_000, Texts.PartRefundDone), (20_000, Texts.RefundDone) })
        {
            order = await house.Do(order.Id, new OrderCommand.Refund(null, order.Amount with { MinorUnits = part }, null));
            order = await Back(order, order.Refunds[^1]);
            (await house.Get(house.Links.Status(order))).Page.QuerySelector("h1")!.TextContent.ShouldBe(headline);
        }
    }

    Task<Order> Back(Order order, Refund refund) =>
        house.Do(order.Id, new RefundEvidence.Succeeded(refund.Amount).Learned(refund.Number, refund.Payment, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch.AddSeconds(refund.Number), null));

    async Task<IEnumerable<string>> Words(string address) => (await house.Get(address)).Page.QuerySelectorAll(".situation > p").Select(p => p.TextContent);

    [Fact]
    public async Task A_part_of_a_refund_that_failed_is_told_although_a_later_part_went_back()
    {
        var order = await EverySituation.Make(house, "paid");
        Task Back(RefundEvidence evidence, int refund) => house.Do(order.Id, evidence.Learned(refund, 1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch.AddSeconds(refund), null));
        foreach (var part in new[] { 10_000, 20_000 }) order = await house.Do(order.Id, new OrderCommand.Refund(null, order.Amount with { MinorUnits = part }, null));
        await Back(new RefundEvidence.Failed("account closed"), 1);
        await Back(new RefundEvidence.Succeeded(order.Refund(2)!.Amount), 2);
        async Task<(string? Tone, IEnumerable<string> Words)> Shown()
        {
            var (_, page, _) = await house.Get(house.Links.Status(order));
            return (page.QuerySelector("[data-tone]")!.GetAttribute("data-tone"), page.QuerySelectorAll(".situation > p").Select(p => p.TextContent));
        }
        var failed = await Shown();
        failed.Words.ShouldContain("Refund of ₹100.00 INR: it did not work yet. The shop has been told and tries another way.");
        failed.Words.ShouldContain(w => w.StartsWith("Refund of ₹200.00 INR: paid back.", StringComparison.Ordinal));
        failed.Tone.ShouldBe("care");
        // Asked for anew, it is told as the one that is on its way.
        await house.Do(order.Id, new OrderCommand.Refund(null, order.Amount with { MinorUnits = 10_000 }, null));
        (await Shown()).ShouldSatisfyAllConditions(s => s.Tone.ShouldBe("calm"), s => s.Words.Count(w => w.StartsWith("Refund of ₹100.00 INR: ", StringComparison.Ordinal)).ShouldBe(1));
    }

    [Fact]
    public async Task The_order_is_called_by_the_shop_s_own_number_on_every_page()
    {
        var order = await house.Place(reference: "tea-1001");
        (await house.Get(house.Links.Checkout(order))).Page.QuerySelector(".bill code")!.TextContent.ShouldBe("tea-1001");
        order = await house.Pay(await house.Open(order));
        foreach (var address in new[] { house.Links.Payment(order, 1), house.Links.Status(order) })
            (await house.Get(address)).Page.QuerySelectorAll(".facts div").Single(d => d.QuerySelector("dt")!.TextContent == Texts.OrderNumber).QuerySelector("dd")!.TextContent.ShouldBe("tea-1001");
        // By that name, too, the look-up finds it.
        (await house.Post("/status", ("order", "tea-1001"), ("email", "asha@shop.example"))).Headers.Location!.ToString().ShouldBe(house.Links.Status(order));
    }

    [Theory]
    [InlineData("processing", true)]
    [InlineData("starting", true)]
    [InlineData("pending", false)]
    [InlineData("unresolved", false)]
    [InlineData("paid", false)]
    [InlineData("failed", false)]
    public async Task Leaving_is_asked_about_only_while_a_payment_is_under_way(string name, bool guarded)
    {
        var (_, page, _) = await house.Get(EverySituation.Page(house, await EverySituation.Make(house, name)));
        (page.QuerySelector("[data-guard]") is not null).ShouldBe(guarded);
    }

    [Theory]
    [InlineData("processing", "5")]
    [InlineData("pending", "15")]
    [InlineData("paid", null)]
    public async Task Without_script_the_page_looks_again_by_itself_while_there_is_something_to_see(string name, string? seconds)
    {
        var (_, page, _) = await house.Get(EverySituation.Page(house, await EverySituation.Make(house, name)));
        page.QuerySelector("noscript meta")?.GetAttribute("content").ShouldBe(seconds);
        if (seconds is null) page.QuerySelector("noscript meta").ShouldBeNull();
    }

    [Fact]
    public async Task Whoever_was_handed_the_link_learns_nothing_about_the_shopper()
    {
        foreach (var name in new[] { "ready", "pending", "paid", "held" })
        {
            var order = await EverySituation.Make(house, name);
            foreach (var address in new[] { EverySituation.Page(house, order), house.Links.Status(order), house.Links.Checkout(order) })
            {
                var html = await house.Http.GetStringAsync(name == "ready" || !address.StartsWith("/checkout", StringComparison.Ordinal) ? address : house.Links.Status(order));
                html.ShouldNotContain("Asha");
                html.ShouldNotContain("asha@");
                html.ShouldNotContain("9900000000");
            }
        }
    }

    [Fact]
    public async Task The_way_back_to_the_shop_is_there_when_the_order_has_one()
    {
        var order = await EverySituation.Make(house, "paid");
        var (_, page, _) = await house.Get(EverySituation.Page(house, order));
        page.QuerySelector("a[href='https://shop.example/thanks']")!.TextContent.ShouldBe("Back to the shop");
        var waiting = await house.Place();
        var (_, checkout, _) = await house.Get(house.Links.Checkout(waiting));
        checkout.QuerySelector("a[href='https://shop.example/thanks']")!.TextContent.ShouldBe("Back to the shop");
        var (_, begun, _) = await house.Get(house.Links.Checkout(await house.Open(waiting)));
        begun.QuerySelector("a[href='https://shop.example/thanks']").ShouldNotBeNull("with a payment begun, too");
        foreach (var nowhere in new[] { null, "javascript:alert(1)" })
        {
            var lost = await house.Place(returnUrl: nowhere);
            foreach (var address in new[] { house.Links.Status(lost), house.Links.Checkout(lost) })
                (await house.Get(address)).Page.QuerySelectorAll("main a[href*=':']").ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task The_part_that_changes_is_to_be_had_alone()
    {
        var order = await EverySituation.Make(house, "pending");
        var (_, page, _) = await house.Get(EverySituation.Page(house, order));
        var place = page.QuerySelector("[data-live]")!;
        place.GetAttribute("data-sequence").ShouldBe(order.Sequence.ToString());
        var part = await house.Http.GetStringAsync(place.GetAttribute("data-part"));
        part.ShouldNotContain("<html");
        part.ShouldContain("data-situation=\"pending\"");
        part.ShouldContain($"data-at=\"{order.Sequence}\"");
    }

    [Fact]
    public async Task Opening_a_page_changes_nothing()
    {
        var order = await EverySituation.Make(house, "pending");
        foreach (var address in new[] { house.Links.Payment(order, 1), house.Links.HandOver(order, 1), house.Links.Status(order), house.Links.Checkout(order) })
            for (var i = 0; i < 3; i++) (await house.Get(address)).Status.ShouldBe(HttpStatusCode.OK);
        (await house.Do(order.Id, new OrderCommand.Look(1))).Payments.Length.ShouldBe(1);
        (await house.Do(order.Id, new OrderCommand.Look(1))).Sequence.ShouldBe(order.Sequence);
    }

    [Fact]
    public async Task A_link_that_is_cut_short_or_anothers_says_what_to_do()
    {
        var order = await EverySituation.Make(house, "pending");
        var other = await house.Place();
        var token = house.Links.Status(other)[(house.Links.Status(other).IndexOf('?', StringComparison.Ordinal) + 7)..];
        foreach (var path in new[] { $"/status/{order.Id}", $"/pay/{new PaymentId(order.Id, 1)}", $"/checkout/{order.Id}", $"/pay/{new PaymentId(order.Id, 1)}/go" })
        {
            var (missing, page, _) = await house.Get(path);
            missing.ShouldBe(HttpStatusCode.Unauthorized);
            page.QuerySelector("h1")!.TextContent.ShouldBe(Texts.TokenMissing);
            var (foreign, _, answer) = await house.Get($"{path}?token={token}");
            foreign.ShouldBe(HttpStatusCode.NotFound);
            var text = await answer.Content.ReadAsStringAsync();
            // Nobody learns from the answer whether the order exists.
            var unknown = path.Replace(order.Id.Letters, "0123456789abc", StringComparison.Ordinal);
            (await (await house.Http.GetAsync($"{unknown}?token={token}")).Content.ReadAsStringAsync()).ShouldBe(text);
        }
        (await house.Get("/status/nonsense?token=x")).Status.ShouldBe(HttpStatusCode.NotFound);
        var (nowhere, dressed, _) = await house.Get("/no/such/page");
        nowhere.ShouldBe(HttpStatusCode.NotFound);
        dressed.QuerySelector("h1")!.TextContent.ShouldBe(Texts.NotFound);
        (await house.Get("/v1/nothing")).Answer.Content.Headers.ContentType?.MediaType.ShouldBe("application/problem+json");
        (await house.Http.DeleteAsync("/status")).StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        (await house.Get(house.Links.Payment(order, 1).Replace("_1?", "_7?", StringComparison.Ordinal))).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    /// <summary>What the API calls an order, what the list finds under that name, and what the shopper is told are three readings of the same rows.</summary>
    [Fact]
    public async Task What_went_back_is_the_same_to_the_API_the_list_and_the_shopper_whatever_happened_before()
    {
        var chance = new Random(20_261_122);
        var seen = new HashSet<string>();
        var orders = new OrderReadStore(house.Host.Services.GetRequiredService<Npgsql.NpgsqlDataSource>());
        for (var story = 0; story < 60; story++)
        {
            var order = await house.Open(await house.Place(userId: "told_three_times", policy: new OrderPolicy(
                chance.Next(2) == 0 ? LatePolicy.Ask : LatePolicy.Accept, chance.Next(2) == 0 ? DuplicatePolicy.Ask : DuplicatePolicy.Refund)));
            for (var step = 0; step < 9; step++) order = await Happen(order, chance);
        }
        string[] statuses = ["awaiting_payment", "paid", "partially_refunded", "refunded", "expired", "cancelled"];
        foreach (var status in statuses)
            foreach (var found in await orders.List(new OrderFilter(status, null, null, null, "told_three_times", null, null, null, 200), default))
            {
                var (order, name) = (found.Order, $"{found.Order.Id}: {string.Join(", ", found.Order.Refunds.Select(r => $"{r.Reason} {r.Status} {r.Amount} of {r.MoneyReference}"))}");
                seen.Add(order.Refunds.Any(r => order.IsOfAcceptedMoney(r) && r.Reason != RefundReason.Merchant) ? status + " of what was wrong once" : order.Refunds.IsEmpty ? status : status + " beside refunds");
                OrderView.StatusOf(order).ShouldBe(status, name);
                if (order.Status != OrderStatus.Paid) continue;
                var shown = Situation.Of(order, null, TimeProvider.System.GetUtcNow(), a => a, _ => false);
                var under = order.Refunds.Any(r => order.IsOfAcceptedMoney(r) && r.IsOpen);
                shown.Headline.ShouldBe(under ? Texts.Refunded : status switch { "refunded" => Texts.RefundDone, "partially_refunded" => Texts.PartRefundDone, _ => order.Late ? Texts.PaidLate : Texts.Paid }, name);
                seen.Add(shown.Headline);
            }
        var listed = 0;
        foreach (var status in statuses.Append(null))
            listed += (status is null ? -1 : 1) * (await orders.List(new OrderFilter(status, null, null, null, "told_three_times", null, null, null, 200), default)).Count;
        listed.ShouldBe(0, "each order has one status");
        foreach (var wanted in new[] { "paid", "paid beside refunds", "partially_refunded beside refunds", "partially_refunded of what was wrong once", "refunded beside refunds", Texts.Refunded, Texts.RefundDone, Texts.PartRefundDone, Texts.PaidLate })
            seen.ShouldContain(wanted);
    }

    /// <summary>One thing that may come next, or nothing.</summary>
    async Task<Order> Happen(Order order, Random chance)
    {
        var at = DateTimeOffset.UnixEpoch.AddSeconds(order.Sequence);
        OrderInput Money(string name, long amount) => new Evidence.Succeeded($"{name}_{order.Id.Letters}", order.Amount with { MinorUnits = amount }).Learned(1, EvidenceSource.Inquiry, at, null);
        var refund = order.Refunds.IsEmpty ? null : order.Refunds[chance.Next(order.Refunds.Length)];
        OrderInput? input = chance.Next(10) switch
        {
            0 or 1 => Money("first", order.Amount.MinorUnits),
            2 => Money("first", 40_000),
            3 => Money("second", order.Amount.MinorUnits),
            4 => new OrderCommand.Refund(1, chance.Next(2) == 0 ? null : order.Amount with { MinorUnits = 10_000 }, null, $"{(chance.Next(3) == 0 ? "second" : "first")}_{order.Id.Letters}"),
            5 => chance.Next(3) == 0 ? new OrderCommand.Cancel() : null,
            6 => order.Questions.FirstOrDefault() is { } asked
                ? new OrderCommand.Answer(asked.Payment, asked.Kind, asked.MoneyReference, asked.Kind == DiscrepancyKind.Late && chance.Next(2) == 0 ? AnswerAction.Accept : AnswerAction.Refund, "asha", "It is so.") : null,
            7 => refund is null ? null : new RefundEvidence.Failed("account closed").Learned(refund.Number, 1, EvidenceSource.Webhook, at, null),
            _ => refund is null ? null : new RefundEvidence.Succeeded(refund.Amount).Learned(refund.Number, 1, EvidenceSource.Webhook, at, null),
        };
        return input is not null && await house.Host.Engine.Submit(order.Id, input, default) is EngineReply.Done { Reply: Reply.Made made } ? made.Order : order;
    }
}
