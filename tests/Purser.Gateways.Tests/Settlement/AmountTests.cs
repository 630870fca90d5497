using System.Globalization;

namespace Purser.Gateways.Tests.Settlement;

public sealed class AmountTests
{
    [Theory]
    [InlineData("499", "INR", 49900)]
    [InlineData("499.5", "INR", 49950)]
    [InlineData("499.0000", "INR", 49900)]
    [InlineData("+499.00", "INR", 49900)]
    [InlineData("-499.00", "INR", -49900)]
    [InlineData("(499.00)", "INR", -49900)]
    [InlineData("1,234.56", "INR", 123456)]
    [InlineData("1,23,456.00", "INR", 12345600)]
    [InlineData("12,34,56,789.01", "INR", 12345678901)]
    [InlineData("(1,23,456.00)", "INR", -12345600)]
    [InlineData("1,234", "INR", 123400)]
    [InlineData("1.234,56", "EUR", 123456)]
    [InlineData("1.234.567,89", "EUR", 123456789)]
    [InlineData("1.234.567", "EUR", 123456700)]
    [InlineData("499,00", "EUR", 49900)]
    [InlineData("0.500", "INR", 50)]
    [InlineData("1234.500", "INR", 123450)]
    [InlineData("1.234", "KWD", 1234)]
    [InlineData("1,234", "JPY", 1234)]
    [InlineData("1,234.567", "KWD", 1234567)]
    [InlineData("0", "INR", 0)]
    [InlineData("9999999999999.99", "INR", 999999999999999)]
    public void An_amount_that_can_mean_one_thing_is_read(string text, string currency, long units) => Read(text, currency).Units.ShouldBe(units);

    [Theory]
    [InlineData("1.234", "INR", "decimals or between thousands")]
    [InlineData("1.230", "INR", "decimals or between thousands")]
    [InlineData("1.234", "JPY", "decimals or between thousands")]
    [InlineData("1,234", "KWD", "decimals or between thousands")]
    [InlineData("1234.567", "INR", "more decimals")]
    [InlineData("0.001", "INR", "more decimals")]
    [InlineData("1.5", "JPY", "more decimals")]
    [InlineData("1,23,45.00", "INR", "no thousands")]
    [InlineData("1,2345.00", "INR", "no thousands")]
    [InlineData("12345,678.00", "INR", "no thousands")]
    [InlineData("0,123.00", "INR", "no thousands")]
    [InlineData(",123", "INR", "no thousands")]
    [InlineData("1.23,456", "EUR", "no thousands")]
    [InlineData("1.234,5", "EUR", "no thousands")]
    [InlineData("1,5", "EUR", "no thousands")]
    [InlineData("1.2.3", "INR", "several points")]
    [InlineData("1.", "INR", "no amount")]
    [InlineData(".50", "INR", "no amount")]
    [InlineData("1.2E+17", "INR", "scientific")]
    [InlineData("499.00 CR", "INR", "by a sign")]
    [InlineData("DR 499.00", "INR", "by a sign")]
    [InlineData("₹499.00", "INR", "a number alone")]
    [InlineData("INR 499.00", "INR", "a number alone")]
    [InlineData("(-499.00)", "INR", "no amount")]
    [InlineData("--499.00", "INR", "no amount")]
    [InlineData("499.00-", "INR", "no amount")]
    [InlineData("1 234.56", "INR", "no amount")]
    [InlineData("٤٩٩", "INR", "no amount")]
    [InlineData("99999999999999999.99", "INR", "greater")]
    [InlineData("()", "INR", "no amount")]
    public void An_amount_that_could_be_two_or_is_none_is_refused_with_its_row_and_column(string text, string currency, string why)
    {
        var row = Read(text, currency);
        (row.Units, row.Column, row.Number).ShouldBe((null, "amount", 2));
        row.Fault!.ShouldContain(why);
    }

    /// <summary>What could be two amounts is refused here too.</summary>
    [Theory]
    [InlineData("9.9849", "INR", 998L)]
    [InlineData("9.9850", "INR", 999L)]
    [InlineData("(9.9850)", "INR", -999L)]
    [InlineData("1,23,456.78499", "INR", 12345678L)]
    [InlineData("1234.567", "INR", 123457L)]
    [InlineData("0.5", "JPY", 1L)]
    [InlineData("499,00", "INR", 49900L)]
    [InlineData("9.985", "INR", null)]
    [InlineData("1,2345.00", "INR", null)]
    public void Where_the_gateway_counts_finer_what_is_beyond_the_decimals_is_rounded_a_half_away_from_nothing(string text, string currency, long? units) =>
        Read(text, currency, (row, c) => row.MajorRoundedOrNone("amount", c)!.Value).Units.ShouldBe(units);

    [Fact]
    public void Every_amount_reads_back_as_it_was_written_in_thousands_and_in_lakhs()
    {
        var some = new Random(1);
        for (var i = 0; i < 2000; i++)
        {
            var units = some.NextInt64(-9_999_999_999, 9_999_999_999) >> some.Next(0, 30);
            var plain = (units / 100m).ToString("0.00", CultureInfo.InvariantCulture);
            Read(plain, "INR").Units.ShouldBe(units);
            Read((units / 100m).ToString("#,##0.00", CultureInfo.InvariantCulture), "INR").Units.ShouldBe(units);
            Read((units / 100m).ToString("#,##0.00", new CultureInfo("") { NumberFormat = { NumberGroupSizes = [3, 2] } }), "INR").Units.ShouldBe(units);
            Read((units / 100m).ToString("#,##0.00", new CultureInfo("") { NumberFormat = { NumberGroupSeparator = ".", NumberDecimalSeparator = "," } }), "EUR").Units.ShouldBe(units);
        }
    }

    static (long? Units, string? Fault, string? Column, int Number) Read(string text, string currency, Func<SettlementRow, Currency, Money>? how = null)
    {
        how ??= (row, c) => row.Major("amount", c);
        var sheet = Statement.Sheet with { Read = (row, _) => new(row.Text("id"), default, default, how(row, Currency.Find(currency))) };
        var row = Statement.Rows($"id,kind,amount\np1,payment,\"{text}\"\n", sheet).Single();
        return (row.Line?.Net.MinorUnits, row.Fault, row.Column, row.Number);
    }
}
