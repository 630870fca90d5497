using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using Purser.Invoices;

namespace Purser.Tests.Invoices;

public sealed class TaxationTests
{
    static readonly Currency Rupees = Currency.Find("INR");
    static readonly ImmutableArray<Tax>[] Schemes = [[], [Tax.Vat], [Tax.Igst], [Tax.Cgst, Tax.Sgst]];

    static readonly Gen<TaxStatement> Statements =
        from taxes in Gen.Elements(Schemes)
        from lines in (from quantity in Gen.Choose(1, 9)
                       from price in Gen.Frequency((3, Gen.Choose(1, 12)), (2, Gen.Choose(1, 10_000_000)), (1, Gen.Elements(999_999_999)))
                       from rate in Gen.Elements(0, 25, 300, 500, 1_200, 1_800, 1_999, 2_800, 10_000)
                       select new PricedLine("x", quantity, price, null, new TaxRate(rate))).NonEmptyListOf()
        select Taxation.Of(Rupees, taxes, lines);

    [Fact]
    public void Net_and_taxes_of_every_line_add_up_to_its_price_and_both_halves_are_equal() => Prop.ForAll(Statements.ToArbitrary(), statement =>
    {
        foreach (var line in statement.Lines)
        {
            (line.Net + line.Taxes.Sum()).ShouldBe(line.Quantity * line.UnitAmount);
            line.Net.ShouldBeGreaterThanOrEqualTo(0);
            line.Taxes.ShouldAllBe(t => t >= 0);
            line.Taxes.Distinct().Count().ShouldBeLessThanOrEqualTo(1);
            // Never more than half a minor unit away from what the rate says, for each component.
            foreach (var tax in line.Taxes)
                Math.Abs((decimal)line.Total * line.Rate.BasisPoints / (line.Taxes.Length * (TaxRate.Most + line.Rate.BasisPoints)) - tax).ShouldBeLessThanOrEqualTo(0.5m);
        }
        statement.Total.ShouldBe(statement.Net + statement.TaxTotals.Sum());
        statement.ByRate.Sum(r => r.Net + r.Taxes.Sum()).ShouldBe(statement.Total);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Credit_notes_of_any_parts_never_exceed_the_invoice_and_add_up_to_it_exactly_when_all_went_back() => Prop.ForAll(
        (from statement in Statements from cuts in Gen.Choose(0, 100).ListOf() select (statement, cuts)).ToArbitrary(), one =>
        {
            var (invoice, left, gone) = (one.statement, one.statement, 0L);
            foreach (var cut in one.cuts.Append(100))
            {
                var amount = left.Total * cut / 100;
                var credit = Taxation.Credit(left, amount);
                credit.Total.ShouldBe(amount);
                foreach (var (part, whole) in credit.Lines.Zip(left.Lines))
                {
                    part.Net.ShouldBeInRange(0, whole.Net);
                    foreach (var (tax, of) in part.Taxes.Zip(whole.Taxes)) tax.ShouldBeInRange(0, of);
                }
                left = Taxation.Without(left, credit);
                gone += amount;
            }
            gone.ShouldBe(invoice.Total);
            left.Lines.ShouldAllBe(l => l.Net == 0 && l.Taxes.All(t => t == 0));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Shares_add_up_and_none_exceeds_its_weight() => Prop.ForAll(
        (from weights in Gen.Choose(0, 1_000_000).Select(w => (long)w).NonEmptyListOf() from part in Gen.Choose(0, 1_000_000) select (weights, part)).ToArbitrary(), one =>
        {
            ImmutableArray<long> weights = [.. one.weights];
            var amount = weights.Sum() * one.part / 1_000_000;
            var shares = Shares.Of(amount, weights);
            shares.Sum().ShouldBe(amount);
            shares.Zip(weights).ShouldAllBe(p => p.First >= 0 && p.First <= p.Second);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Eighteen_percent_within_118_rupees_is_eighteen_split_in_two_within_the_state()
    {
        var within = Taxation.Of(Rupees, [Tax.Cgst, Tax.Sgst], [new("Tea", 1, 11_800, "0902", new TaxRate(1_800))]);
        (within.Net, within.TaxTotals[0], within.TaxTotals[1]).ShouldBe((10_000, 900, 900));
        var between = Taxation.Of(Rupees, [Tax.Igst], [new("Tea", 1, 11_800, "0902", new TaxRate(1_800))]);
        (between.Net, between.TaxTotals[0]).ShouldBe((10_000, 1_800));
    }

    [Fact]
    public void An_odd_part_goes_back_with_equal_halves()
    {
        var invoice = Taxation.Of(Rupees, [Tax.Cgst, Tax.Sgst], [new("Tea", 1, 11_800, "0902", new TaxRate(1_800))]);
        var credit = Taxation.Credit(invoice, 3_333);
        credit.Lines[0].Taxes.ShouldBe([254, 254]);
        credit.Net.ShouldBe(2_825);
    }

    [Fact]
    public void Yen_have_no_decimals_and_dinars_three_and_nothing_is_lost()
    {
        var yen = Taxation.Of(Currency.Find("JPY"), [Tax.Vat], [new("Cha", 1, 1_000, null, new TaxRate(1_000)), new("Wagashi", 1, 500, null, new TaxRate(800))]);
        yen.TaxTotals[0].ShouldBe(91 + 37);
        yen.Net.ShouldBe(1_500 - 128);
        Taxation.Of(Currency.Find("KWD"), [Tax.Vat], [new("Chai", 1, 1_250, null, new TaxRate(500))]).TaxTotals[0].ShouldBe(60);
    }

    [Theory]
    [InlineData("18", 1_800, "18", "9"), InlineData("12.5", 1_250, "12.5", "6.25"), InlineData("0.25", 25, "0.25", "0.125"), InlineData("0", 0, "0", "0"), InlineData("100", 10_000, "100", "50")]
    public void Rates_are_written_in_percent(string text, int basisPoints, string whole, string half)
    {
        TaxRate.TryParse(text, out var rate).ShouldBeTrue();
        (rate.BasisPoints, rate.ToString(), rate.Half()).ShouldBe((basisPoints, whole, half));
    }

    [Theory]
    [InlineData(""), InlineData("18%"), InlineData("-1"), InlineData("100.01"), InlineData("1.234"), InlineData("."), InlineData("5."), InlineData(".5"), InlineData("1e1"), InlineData("१८"), InlineData("0000018")]
    public void What_is_no_rate_is_refused(string text) => TaxRate.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void The_place_of_supply_decides_which_taxes_are_owed()
    {
        IndianState State(string letters) => IndianState.Find(letters)!;
        var karnataka = State("KA");
        ImmutableArray<Tax> For(IndianState seller, string? country, string? state) => PlaceOfSupply.Taxes(seller, PlaceOfSupply.Of(seller, country, IndianState.Find(state)));
        For(karnataka, "IN", "KA").ShouldBe([Tax.Cgst, Tax.Sgst]);
        For(karnataka, null, "29").ShouldBe([Tax.Cgst, Tax.Sgst]);
        For(karnataka, "IN", null).ShouldBe([Tax.Cgst, Tax.Sgst]);
        For(karnataka, null, null).ShouldBe([Tax.Cgst, Tax.Sgst]);
        For(karnataka, "IN", "MH").ShouldBe([Tax.Igst]);
        For(karnataka, "AE", null).ShouldBe([Tax.Igst]);
        For(State("CH"), "IN", "CH").ShouldBe([Tax.Cgst, Tax.Utgst]);
        IndianState.Find("OR").ShouldBe(State("OD"));
        IndianState.All.Select(s => s.Code).Distinct().Count().ShouldBe(36);
    }

    [Theory]
    [InlineData("27AAPFU0939F1ZV", true), InlineData("29AAAAA0000A1ZY", true), InlineData("27AAPFU0939F1ZW", false), InlineData("99AAPFU0939F1ZV", false), InlineData("27AAPFU0939F1Z", false)]
    public void A_GSTIN_has_a_state_and_a_check_character(string text, bool right) => Gstin.IsWellFormed(text).ShouldBe(right);

    [Theory]
    [InlineData("2026-03-31", 4, "2526"), InlineData("2026-04-01", 4, "2627"), InlineData("2099-12-31", 4, "9900"), InlineData("2026-12-31", 1, "2026"), InlineData("2026-01-01", 1, "2026")]
    public void A_year_of_numbers_begins_when_the_seller_says(string day, int firstMonth, string year) => FiscalYear.Of(DateOnly.Parse(day), firstMonth).ShouldBe(year);
}
