using Purser.Reconciliation;

namespace Purser.Tests.Orders;

/// <summary>Rows about refunds that do not carry our reference.</summary>
public sealed class RefundRowsTests
{
    static readonly OursRefund[] Two = [new(1, null, null, true), new(2, "theirs_2", null, true)];

    [Fact]
    public void Two_refunds_of_the_same_amount_have_a_row_each()
    {
        RefundRows.Pick(Two, "row_a", null, new HashSet<int>()).ShouldBe(1);
        RefundRows.Pick(Two, "row_b", null, new HashSet<int> { 1 }).ShouldBe(2);
    }

    [Fact]
    public void A_row_that_is_acted_on_again_is_about_the_refund_that_it_settled() =>
        RefundRows.Pick([new(1, null, null, true), new(2, null, "row_a", true)], "row_a", "theirs", new HashSet<int>()).ShouldBe(2);

    [Fact]
    public void The_gateways_name_for_the_refund_counts_more_than_its_place() => RefundRows.Pick(Two, "row_a", "theirs_2", new HashSet<int>()).ShouldBe(2);

    [Fact]
    public void A_refund_that_the_gateway_calls_otherwise_is_never_the_one()
    {
        RefundRows.Pick([new(1, "theirs_1", null, true)], "row_a", "theirs_9", new HashSet<int>()).ShouldBe(0);
        RefundRows.Pick([new(1, "theirs_1", null, true), new(2, null, null, true)], "row_a", "theirs_9", new HashSet<int>()).ShouldBe(2);
    }

    [Fact]
    public void One_row_too_many_is_about_the_first() =>
        RefundRows.Pick([new(1, null, "row_a", true), new(2, null, "row_b", true)], "row_c", null, new HashSet<int>()).ShouldBe(1);

    [Fact]
    public void A_refund_that_went_back_has_the_row_before_one_that_is_under_way() =>
        RefundRows.Pick([new(1, null, null, false), new(2, null, null, true)], "row_a", null, new HashSet<int>()).ShouldBe(2);

    [Fact]
    public void A_refund_that_the_gateway_knows_has_the_row_before_one_that_may_never_have_left() =>
        RefundRows.Pick([new(1, null, null, false), new(2, "theirs_2", null, false)], "row_a", null, new HashSet<int>()).ShouldBe(2);

    [Fact]
    public void Of_several_under_way_none_is_guessed_and_an_only_one_is_it()
    {
        RefundRows.Pick([new(1, null, null, false), new(2, null, null, false)], "row_a", null, new HashSet<int>()).ShouldBe(RefundRows.Doubtful);
        RefundRows.Pick([new(1, "theirs_1", null, false), new(2, "theirs_2", null, false)], "row_a", null, new HashSet<int>()).ShouldBe(RefundRows.Doubtful);
        RefundRows.Pick([new(1, null, null, false), new(2, null, null, false)], "row_a", null, new HashSet<int> { 1 }).ShouldBe(2);
        RefundRows.Pick([new(1, null, "row_b", true), new(2, null, null, false)], "row_a", null, new HashSet<int>()).ShouldBe(2);
    }

    [Fact]
    public void A_row_without_a_refund_is_about_none() => RefundRows.Pick([], "row_a", null, new HashSet<int>()).ShouldBe(0);

    [Fact]
    public void Of_several_that_went_back_none_is_guessed_to_have_returned()
    {
        RefundRows.Returned([new(1, null, "row_a", true), new(2, null, null, true)], null).ShouldBe(RefundRows.Doubtful);
        RefundRows.Returned(Two, "theirs_2").ShouldBe(2);
        RefundRows.Returned(Two, "theirs_1").ShouldBe(1);
        RefundRows.Returned([new(1, "theirs_1", "row_a", true), new(2, null, null, false)], null).ShouldBe(1);
        RefundRows.Returned([new(1, null, null, false)], null).ShouldBe(0);
    }
}
