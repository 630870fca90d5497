using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;

namespace Purser.Tests.Orders;

/// <summary>Rows about refunds that do not carry our reference.</summary>
public sealed class RefundRowsTests
{
    static readonly OursRefund[] Two = [Ours(1, null, null, true), Ours(2, "theirs_2", null, true)];

    static OursRefund Ours(int number, string? reference, string? row, bool went) =>
        new(number, Given.Rupees(100), went ? RefundStatus.Succeeded : RefundStatus.Unresolved, Given.Start) { Reference = reference, RowKey = row };

    static int Pick(IReadOnlyList<OursRefund> refunds, string row, string? reference, params int[] taken) => RefundRows.Pick(refunds, Said(row, reference), taken.ToHashSet());

    static int Returned(IReadOnlyList<OursRefund> refunds, string? reference) => RefundRows.Returned(refunds, Said("row_back", reference));

    static SaidRefund Said(string row, string? reference) => new(row, reference, Given.Rupees(100));

    [Fact]
    public void Two_refunds_of_the_same_amount_have_a_row_each()
    {
        Pick(Two, "row_a", null).ShouldBe(1);
        Pick(Two, "row_b", null, 1).ShouldBe(2);
    }

    [Fact]
    public void A_row_that_is_acted_on_again_is_about_the_refund_that_it_settled() =>
        Pick([Ours(1, null, null, true), Ours(2, null, "row_a", true)], "row_a", "theirs").ShouldBe(2);

    [Fact]
    public void The_gateways_name_for_the_refund_counts_more_than_its_place() => Pick(Two, "row_a", "theirs_2").ShouldBe(2);

    [Fact]
    public void A_refund_that_the_gateway_calls_otherwise_is_never_the_one()
    {
        Pick([Ours(1, "theirs_1", null, true)], "row_a", "theirs_9").ShouldBe(0);
        Pick([Ours(1, "theirs_1", null, true), Ours(2, null, null, true)], "row_a", "theirs_9").ShouldBe(2);
    }

    [Fact]
    public void One_row_too_many_is_about_the_first() =>
        Pick([Ours(1, null, "row_a", true), Ours(2, null, "row_b", true)], "row_c", null).ShouldBe(1);

    [Fact]
    public void A_refund_that_went_back_has_the_row_before_one_that_is_under_way() =>
        Pick([Ours(1, null, null, false), Ours(2, null, null, true)], "row_a", null).ShouldBe(2);

    [Fact]
    public void A_refund_that_the_gateway_knows_has_the_row_before_one_that_may_never_have_left() =>
        Pick([Ours(1, null, null, false), Ours(2, "theirs_2", null, false)], "row_a", null).ShouldBe(2);

    [Fact]
    public void Of_several_under_way_none_is_guessed_and_an_only_one_is_it()
    {
        Pick([Ours(1, null, null, false), Ours(2, null, null, false)], "row_a", null).ShouldBe(RefundRows.Doubtful);
        Pick([Ours(1, "theirs_1", null, false), Ours(2, "theirs_2", null, false)], "row_a", null).ShouldBe(RefundRows.Doubtful);
        Pick([Ours(1, null, null, false), Ours(2, null, null, false)], "row_a", null, 1).ShouldBe(2);
        Pick([Ours(1, null, "row_b", true), Ours(2, null, null, false)], "row_a", null).ShouldBe(2);
    }

    [Fact]
    public void A_name_that_nobody_knows_may_be_of_another_than_the_nameless_one_under_way()
    {
        Pick([Ours(1, null, null, false)], "row_a", "theirs_9").ShouldBe(RefundRows.Doubtful);
        Pick([Ours(1, null, null, false), Ours(2, null, null, true)], "row_a", "theirs_9").ShouldBe(2);
        // When the gateway has told its name, or that it went, there is no doubt.
        Pick([Ours(1, "theirs_1", null, false)], "row_a", "theirs_9").ShouldBe(0);
        Pick([Ours(1, null, null, true)], "row_a", "theirs_9").ShouldBe(1);
    }

    [Fact]
    public void A_row_without_a_refund_is_about_none() => Pick([], "row_a", null).ShouldBe(0);

    [Fact]
    public void Of_several_that_went_back_none_is_guessed_to_have_returned()
    {
        Returned([Ours(1, null, "row_a", true), Ours(2, null, null, true)], null).ShouldBe(RefundRows.Doubtful);
        Returned(Two, "theirs_2").ShouldBe(2);
        Returned(Two, "theirs_1").ShouldBe(1);
        Returned([Ours(1, "theirs_1", "row_a", true), Ours(2, null, null, false)], null).ShouldBe(1);
        Returned([Ours(1, null, null, false)], null).ShouldBe(0);
    }

    [Fact]
    public void The_refund_of_the_rows_name_is_the_one_whatever_became_of_it_and_whatever_its_amount()
    {
        var lost = Ours(2, null, null, false);
        var denied = Ours(1, "theirs_1", null, true) with { Status = RefundStatus.Failed };
        Pick([denied, lost], "row_a", "theirs_1").ShouldBe(1);
        Pick([Ours(1, "theirs_1", null, true) with { Amount = Given.Rupees(101) }, lost], "row_a", "theirs_1").ShouldBe(1);
        var went = Ours(2, null, null, true);
        Returned([denied, went], "theirs_1").ShouldBe(1);
        Returned([Ours(1, "theirs_1", null, true) with { Amount = Given.Rupees(101) }, went], "theirs_1").ShouldBe(1);
        // Without a name it is none of those.
        Pick([denied, lost], "row_a", null).ShouldBe(2);
    }

    [Fact]
    public void A_refund_of_as_many_units_of_another_currency_is_not_alike()
    {
        var dollars = Ours(1, null, null, true) with { Amount = new Money(100_00, Currency.Find("USD")) };
        Pick([dollars], "row_a", null).ShouldBe(0);
        Returned([dollars], null).ShouldBe(0);
    }

    [Fact]
    public void A_refund_that_was_asked_for_long_after_the_row_happened_is_not_the_one()
    {
        var said = Said("row_a", "theirs_9") with { At = Given.Start };
        var later = Ours(1, null, null, true) with { RequestedAt = Given.Start + TimeSpan.FromDays(2) };
        RefundRows.Pick([later], said, new HashSet<int>()).ShouldBe(0);
        RefundRows.Returned([later], said).ShouldBe(0);
        // A date without a time, and clocks that differ.
        RefundRows.Pick([later with { RequestedAt = Given.Start + TimeSpan.FromHours(24.5) }], said, new HashSet<int>()).ShouldBe(1);
        RefundRows.Pick([later], said with { At = null }, new HashSet<int>()).ShouldBe(1);
    }

    [Fact]
    public void A_row_that_states_the_time_of_the_sale_speaks_against_no_refund()
    {
        var line = new SettlementLine("row_a", SettlementKind.Refund, Given.Rupees(100), Given.Rupees(-100)) { HappenedAt = Given.Start };
        SaidRefund.Of(line, [], Given.Start + TimeSpan.FromMinutes(1)).At.ShouldBeNull();
        SaidRefund.Of(line, [], null).At.ShouldBeNull();
        SaidRefund.Of(line, [], Given.Start - TimeSpan.FromDays(3)).At.ShouldBe(Given.Start);
    }

    [Fact]
    public void A_row_that_is_acted_on_again_finds_the_refund_that_it_settled_or_gave_back_although_that_failed()
    {
        var failed = Ours(1, null, "row_a", true) with { Status = RefundStatus.Failed, ReturnedRow = "row_back" };
        Pick([failed, Ours(2, null, null, true)], "row_a", null).ShouldBe(1);
        Returned([failed], null).ShouldBe(1);
        Returned([failed, Ours(2, null, "row_b", true)], null).ShouldBe(1);
    }

    [Fact]
    public void A_row_is_about_a_refund_of_the_money_that_it_names()
    {
        var said = Said("row_a", null) with { Money = "m1" };
        OursRefund[] both = [Ours(1, null, null, true) with { Money = "m2" }, Ours(2, null, null, true) with { Money = "m1" }];
        RefundRows.Pick([both[0]], said, new HashSet<int>()).ShouldBe(0);
        RefundRows.Returned([both[0]], said).ShouldBe(0);
        RefundRows.Pick(both, said, new HashSet<int>()).ShouldBe(2);
        RefundRows.Returned(both, said).ShouldBe(2);
        // Neither is guessed when both are under way and the row names no money, or what is none of the payment's.
        OursRefund[] open = [Ours(1, null, null, false) with { Money = "m2" }, Ours(2, null, null, false) with { Money = "m1" }];
        RefundRows.Pick(open, said, new HashSet<int>()).ShouldBe(2);
        RefundRows.Pick(open, said with { Money = null }, new HashSet<int>()).ShouldBe(RefundRows.Doubtful);
        var line = new SettlementLine("row_a", SettlementKind.Refund, Given.Rupees(100), Given.Rupees(-100)) { MoneyReference = "m1" };
        SaidRefund.Of(line, ["m2", "m1"], null).Money.ShouldBe("m1");
        SaidRefund.Of(line, ["m2"], null).Money.ShouldBeNull();
    }

    [Fact]
    public void A_refund_that_never_left_has_no_row()
    {
        var unheard = Ours(1, null, null, false) with { NeverLeft = true };
        Pick([unheard], "row_a", null).ShouldBe(0);
        Pick([unheard], "row_a", "theirs_9").ShouldBe(0);
        Pick([unheard, Ours(2, null, null, false)], "row_a", null).ShouldBe(2);
    }

    static Scenario Paid() => Given.Order().HasLink().Hears(Tell.Succeeded());

    static RefundEvidence.Settled Went(string row, string? name) =>
        new RefundEvidence.Settled(new Settled(row, Given.Rupees(100), Given.Rupees(-100)), PaidOut: false) { RefundReference = name, Guessed = true };

    [Fact]
    public void A_row_that_was_taken_for_another_when_its_refund_had_no_name_yet_is_given_to_that_one()
    {
        var story = Paid().Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)) { RefundReference = "theirs_1" }).Hears(new RefundEvidence.Failed("closed"), source: EvidenceSource.Inquiry);
        story.Refunds(100).Hears(new RefundEvidence.AnswerLost(1, "time-out")).Hears(Went("row_a", "theirs_1"), refund: 2, source: EvidenceSource.Settlement);
        story.Told("settlement.matched").Backs("100.00 INR failed", "100.00 INR unresolved").Check(s => s.Order.Refunds.Select(r => r.Settled?.RowKey).ShouldBe(["row_a", null]));
        // One that has another name by now is not settled by it.
        story.Hears(new RefundEvidence.Accepted() { RefundReference = "theirs_2" }).Hears(Went("row_b", "theirs_9"), refund: 2, source: EvidenceSource.Settlement).Refused(Refusal.RefundUnknown);
        story.Backs("100.00 INR failed", "100.00 INR sent");
    }
}
