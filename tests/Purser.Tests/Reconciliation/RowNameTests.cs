using FsCheck;
using FsCheck.Fluent;
using Purser.Reconciliation;

namespace Purser.Tests.Reconciliation;

/// <summary>Keys of gateways, which may be any text, beside names of ours that are made from them.</summary>
public sealed class RowNameTests
{
    static readonly string[] Pieces = ["K", " ", "(", "((", ")", "(changed)", " (changed)", "(again)", " (again)", "(again stl_3 line 2)", " (again stl_3 line 2)", "\n", "#2"];

    static string[] Names(string key) => [RowName.Of(key, SettlementClass.Changed), RowName.Of(key, SettlementClass.DuplicateLine), RowName.Further(key, "stl_3", 2)];

    [Fact]
    public void No_key_of_a_gateways_is_ever_a_name_of_ours_and_no_two_become_one()
    {
        var keys = Gen.Elements(Pieces).ArrayOf().Select(string.Concat).ToArbitrary();
        Check.One(Chance.Stories(2000), Prop.ForAll(keys, keys, (one, other) =>
            (one == other) == (RowName.Kept(one) == RowName.Kept(other)) && !Names(RowName.Kept(one)).Contains(RowName.Kept(other))));
    }

    [Theory]
    [InlineData("K (changed)", "K ((changed)")]
    [InlineData("K ((changed)", "K (((changed)")]
    [InlineData("K (again)", "K ((again)")]
    [InlineData("K (again stl_3 line 2)", "K ((again stl_3 line 2)")]
    [InlineData("(changed)", "((changed)")]
    [InlineData("K (changed) 2", "K (changed) 2")]
    [InlineData("pay_1", "pay_1")]
    public void A_key_that_ends_as_a_name_of_ours_has_one_bracket_more(string key, string kept) => RowName.Kept(key).ShouldBe(kept);
}
