using System.Globalization;
using System.Text;

namespace Purser.Gateways.Tests.Settlement;

/// <summary>Workbooks as spreadsheets write them. The cells here are made by hand from the format's description.</summary>
public sealed class WorkbookTests
{
    const string Formats = """
        <numFmts count="4"><numFmt numFmtId="164" formatCode="[$₹-4009]\ #,##0.00;[Red]\-#,##0.00"/><numFmt numFmtId="165" formatCode="dd/mm/yyyy\ hh:mm"/><numFmt numFmtId="166" formatCode="0000000000"/><numFmt numFmtId="167" formatCode="0.00&quot; dyhs&quot;"/></numFmts>
        <cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
        <cellXfs><xf numFmtId="0"/><xf numFmtId="2"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="167"/></cellXfs>
        """;

    static readonly string[] Header = ["id", "kind", "amount", "day", "order"];
    static readonly string[] HeaderCells = [.. Header.Select(Statement.Inline)];

    [Fact]
    public void Shared_texts_numbers_and_dates_are_handed_out_as_a_person_sees_them()
    {
        string[] shared = ["id", "kind", "amount", "day", "order", "payment", "p1", " Zoë & <co> "];
        string Shared(int i) => $"<c t=\"s\"><v>{i}</v></c>";
        var file = Statement.Workbook(
            [["", "", ""], [Shared(0), Shared(1), Shared(2), Shared(3), Shared(4)], [Shared(6), Shared(5), Statement.Number("499", 1), Statement.Number("46024", 2), Shared(7)], ["", "", "", "", Statement.Number("1")]],
            shared, Formats);
        var row = Statement.Rows(file).First();
        (row.Number, row.Line!.RowKey, row.Line.Net.MinorUnits, row.Line.SettledOn, row.Line.MoneyReference).ShouldBe((3, "p1", 49900, new DateOnly(2026, 1, 2), "Zoë & <co>"));
    }

    [Theory]
    [InlineData("499", 0, "499")]
    [InlineData("499", 1, "499.00")]
    [InlineData("1250.5", 4, "1250.50")]
    [InlineData("22.510000000000002", 1, "22.51")]
    [InlineData("-0.30000000000000004", 1, "-0.30")]
    [InlineData("499.5", 7, "499.50")]
    [InlineData("403990000000001", 0, "403990000000001")]
    [InlineData("4.03990000000001E+14", 0, "403990000000001")]
    [InlineData("42", 6, "0000000042")]
    [InlineData("46024", 2, "2026-01-02")]
    [InlineData("46024.5", 3, "2026-01-02 12:00:00")]
    [InlineData("46024.418182870366", 5, "2026-01-02 10:02:11")]
    public void A_number_is_written_by_its_format(string value, int style, string text) => Text(value, style).ShouldBe((text, null));

    [Theory]
    [InlineData("4.0399000000000001E+17", 0, "15 digits")]
    [InlineData("403990000000000001", 0, "15 digits")]
    [InlineData("1234567890123456", 6, "15 digits")]
    [InlineData("12", 2, "is none")]
    [InlineData("0.5", 3, "is none")]
    public void A_number_that_a_spreadsheet_has_rounded_is_refused_with_row_and_column(string value, int style, string why)
    {
        var (text, fault) = Text(value, style);
        text.ShouldBeNull();
        fault.ShouldStartWith("order: ");
        fault.ShouldContain(why);
    }

    [Fact]
    public void Days_may_be_counted_from_1904() => Statement.Rows(
        Statement.Workbook([HeaderCells, [Statement.Inline("p1"), Statement.Inline("payment"), Statement.Inline("1.00"), Statement.Number("44562", 2)]], null, Formats, book: "<workbookPr date1904=\"1\"/>"))
        .Single().Line!.SettledOn.ShouldBe(new DateOnly(2026, 1, 2));

    [Fact]
    public void A_formulas_result_a_rich_text_and_an_error_are_what_they_are()
    {
        var rows = Statement.Rows(Statement.Workbook(
            [HeaderCells,
            [Statement.Inline("p1"), "<c t=\"str\"><f>A1&amp;\"x\"</f><v>payment</v></c>", Statement.Number("1", 1), "", "<c t=\"inlineStr\"><is><r><t>or</t></r><r><t>der</t></r><rPh sb=\"0\" eb=\"1\"><t>spoken</t></rPh></is></c>"],
            [Statement.Inline("p2"), Statement.Inline("payment"), Statement.Inline("1.00"), "", "<c t=\"e\"><v>#N/A</v></c>"]], null, Formats));
        (rows[0].Line!.Kind, rows[0].Line!.MoneyReference).ShouldBe((Reconciliation.SettlementKind.Payment, "order"));
        (rows[1].Column, rows[1].Number).ShouldBe(("order", 3));
        rows[1].Fault!.ShouldContain("#N/A");
    }

    [Fact]
    public void A_date_that_has_no_zone_is_taken_at_the_gateways_offset_and_refused_where_its_times_have_zones()
    {
        foreach (var (format, at) in new (string, DateTimeOffset?)[] { ("dd/MM/yyyy", new DateTimeOffset(2026, 1, 2, 12, 0, 0, TimeSpan.FromHours(5.5))), ("yyyy-MM-ddTHH:mm:sszzz", null) })
        {
            var sheet = Statement.Sheet with { Read = (row, _) => new(row.Text("id"), default, default, default) { HappenedAt = row.Time("day", TimeSpan.FromHours(5.5), format) } };
            var row = Statement.Rows(Statement.Workbook([HeaderCells, [Statement.Inline("p1"), Statement.Inline("payment"), Statement.Inline("1.00"), Statement.Number("46024.5", 3)]], null, Formats), sheet).Single();
            (row.Line?.HappenedAt, row.Column).ShouldBe((at, at is null ? "day" : null));
        }
    }

    [Fact]
    public void Two_sheets_with_the_columns_of_a_statement_are_refused_by_name() =>
        Statement.Refused(Statement.Workbook([HeaderCells], null, sheets: "<sheet name=\"Copy\" sheetId=\"2\" r:id=\"rId4\"/>")).Message.ShouldStartWith("Several sheets have the columns of a statement: 'Report', 'Copy'.");

    [Fact]
    public void A_workbook_without_the_columns_names_the_missing_one()
    {
        var refused = Statement.Refused(Statement.Workbook([["title"], ["id", "kind", "amounts"]]));
        (refused.Number, refused.Column).ShouldBe((2, "amount"));
    }

    [Theory]
    [InlineData("<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><worksheet><sheetData><row><c t=\"str\"><v>&b;</v></c></row></sheetData></worksheet>")]
    [InlineData("<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><worksheet/>")]
    [InlineData("<worksheet><sheetData><row><c t=\"s\"><v>99</v></c></row></sheetData></worksheet>")]
    [InlineData("<worksheet><sheetData><row r=\"1\"><c r=\"A1\"><v>x</v></c></row></sheetData></worksheet>")]
    [InlineData("<worksheet><sheetData>")]
    public void A_workbook_that_no_spreadsheet_made_is_refused(string sheet) => Statement.Refused(Statement.Workbook([], sheet: sheet)).Message.ShouldContain("cut or damaged");

    [Fact]
    public void Cells_out_of_order_are_refused() => Statement.Refused(
        Statement.Workbook([], sheet: "<worksheet><sheetData><row r=\"7\"><c r=\"B7\"><v>1</v></c><c r=\"A7\"><v>2</v></c></row></sheetData></worksheet>")).Message.ShouldStartWith("Row 7 ");

    [Fact]
    public void More_shared_text_than_is_kept_in_memory_is_refused_with_what_to_do() => Statement.Refused(
        Statement.Workbook([HeaderCells], Enumerable.Range(0, 200).Select(i => $"text {i}").ToArray()), limits: new SettlementLimits { MostSharedLetters = 1000 }).Message.ShouldContain("Get the statement as CSV");

    [Fact]
    public void Colours_beyond_the_table_and_empty_rows_are_nothing()
    {
        var cells = new StringBuilder("<worksheet><cols/><sheetData>");
        cells.Append(CultureInfo.InvariantCulture, $"<row r=\"1\">{string.Concat(HeaderCells)}</row><row r=\"2\"/><row r=\"5\">{Statement.Inline("p1")}{Statement.Inline("payment")}{Statement.Inline("1.00")}<c r=\"XFD5\" s=\"1\"/></row>");
        cells.Append("<row r=\"6\"><c r=\"A6\" s=\"1\"/></row></sheetData><mergeCells/></worksheet>");
        Statement.Rows(Statement.Workbook([], sheet: cells.ToString())).Select(r => (r.Number, r.Line!.RowKey)).ShouldBe([(5, "p1")]);
    }

    static (string? Text, string? Fault) Text(string value, int style)
    {
        var row = Statement.Rows(Statement.Workbook([HeaderCells, [Statement.Inline("p1"), Statement.Inline("payment"), Statement.Inline("1.00"), "", Statement.Number(value, style)]], null, Formats)).Single();
        (row.Number, row.Column).ShouldBe((2, row.Fault is null ? null : "order"));
        return (row.Line?.MoneyReference, row.Fault);
    }
}
