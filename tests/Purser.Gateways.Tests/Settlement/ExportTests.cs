using System.Text;

namespace Purser.Gateways.Tests.Settlement;

public sealed class ExportTests
{
    [Theory]
    [InlineData("=HYPERLINK(\"https://evil.test\",\"x\")", "\"'=HYPERLINK(\"\"https://evil.test\"\",\"\"x\"\")\"")]
    [InlineData("@SUM(A1)", "\"'@SUM(A1)\"")]
    [InlineData("+cmd|' /C calc'!A0", "\"'+cmd|' /C calc'!A0\"")]
    [InlineData("-2+3", "\"'-2+3\"")]
    [InlineData("\t=1", "\"'\t=1\"")]
    [InlineData("\r=1", "\"'\r=1\"")]
    [InlineData("  =1+1", "\"'  =1+1\"")]
    [InlineData("＝1+1", "\"'＝1+1\"")]
    [InlineData("-", "\"'-\"")]
    [InlineData("-1.2.3", "\"'-1.2.3\"")]
    [InlineData("-12.50", "-12.50")]
    [InlineData("+919000000001", "+919000000001")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("say \"hi\"", "\"say \"\"hi\"\"\"")]
    [InlineData("two\nlines", "\"two\nlines\"")]
    [InlineData("Order 42", "Order 42")]
    [InlineData(null, "")]
    public void A_cell_that_a_spreadsheet_would_compute_is_written_as_text(string? text, string cell) => SettlementExport.Cell(text).ShouldBe(cell);

    [Fact]
    public void What_is_written_is_read_back_with_hostile_text_behind_an_apostrophe()
    {
        var file = SettlementExport.Row("id", "kind", "amount", "order") + SettlementExport.Row("p1", "payment", "-1.00", "=1+1,\"\n");
        Statement.Rows(Encoding.UTF8.GetBytes(file)).Single().Line!.ShouldSatisfyAllConditions(l => l.MoneyReference.ShouldBe("'=1+1,\""), l => l.Net.MinorUnits.ShouldBe(-100));
    }
}
