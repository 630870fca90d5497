using System.Text;

namespace Purser.Gateways.Tests.Settlement;

/// <summary>Texts in every encoding and form: read right, or refused with row and column.</summary>
public sealed class ReadingTests
{
    const string Plain = "id,kind,amount,day,order\r\np1,payment,499.00,2026-01-02,Zoë\r\np2,refund,-100.00,2026-01-03,\r\n";

    public static TheoryData<string> Encodings => ["utf-8", "utf-8 with mark", "utf-16le with mark", "utf-16be with mark", "utf-16le", "utf-16be", "windows-1252"];

    [Theory]
    [MemberData(nameof(Encodings))]
    public void The_same_statement_is_read_in_every_encoding(string encoding)
    {
        var rows = Statement.Rows(Written(Plain, encoding));
        rows.Select(r => (r.Number, r.Fault, r.Line!.RowKey, r.Line.Net.MinorUnits)).ShouldBe([(2, null, "p1", 49900), (3, null, "p2", -10000)]);
        rows[0].Line!.MoneyReference.ShouldBe("Zoë");
    }

    public static byte[] Written(string text, string encoding) => encoding switch
    {
        "utf-8" => Encoding.UTF8.GetBytes(text),
        "utf-8 with mark" => [0xef, 0xbb, 0xbf, .. Encoding.UTF8.GetBytes(text)],
        "utf-16le with mark" => [0xff, 0xfe, .. Encoding.Unicode.GetBytes(text)],
        "utf-16be with mark" => [0xfe, 0xff, .. Encoding.BigEndianUnicode.GetBytes(text)],
        "utf-16le" => Encoding.Unicode.GetBytes(text),
        "utf-16be" => Encoding.BigEndianUnicode.GetBytes(text),
        "windows-1252" => Encoding.Latin1.GetBytes(text),
        _ => throw new ArgumentOutOfRangeException(nameof(encoding)),
    };

    [Fact]
    public void Windows_1252_has_letters_that_Latin_1_has_not()
    {
        byte[] euro = [.. "id,kind,amount,order\np1,payment,1.00,"u8, 0x80, 0x99, (byte)'\n'];
        Statement.Rows(euro).Single().Line!.MoneyReference.ShouldBe("€™");
        Statement.Refused([.. "id,kind,amount,order\np1,payment,1.00,"u8, 0x81, (byte)'\n']).Message.ShouldContain("81");
    }

    [Fact]
    public void A_file_that_is_UTF_8_and_then_is_not_is_damaged() =>
        Statement.Refused([.. Encoding.UTF8.GetBytes(Plain), 0xff, (byte)'\n']).Message.ShouldContain("neither UTF-8 nor Windows-1252");

    [Fact]
    public void A_letter_on_the_border_of_two_buffers_stays_whole()
    {
        var text = new StringBuilder(Statement.Header + "\n");
        for (var i = 0; i < 30_000; i++) text.Append($"p{i},payment,1.00,2026-01-02,{(i % 7 == 0 ? "ä€😀" : "x")}{i}\n");
        foreach (var encoding in (string[])["utf-8", "utf-16be"])
            Statement.Rows(Written(text.ToString(), encoding)).Select((r, i) => r.Line!.MoneyReference == $"{(i % 7 == 0 ? "ä€😀" : "x")}{i}" && r.Number == i + 2).ShouldAllBe(right => right);
    }

    [Theory]
    [InlineData(",", "\n")]
    [InlineData(";", "\r\n")]
    [InlineData("\t", "\r")]
    [InlineData("|", "\n")]
    public void Each_separator_and_each_end_of_a_line_is_read(string separator, string end)
    {
        var text = string.Join(end, "Statement of the day", "", $"id{separator}kind{separator}amount{separator}order", $"p1{separator}payment{separator}\"1,250.50\"{separator}\" a{separator}b \"", $" p2 {separator}refund{separator}-1.00{separator}", "");
        var rows = Statement.Rows(text);
        rows.Select(r => (r.Number, r.Line!.RowKey, r.Line.Net.MinorUnits, r.Line.MoneyReference)).ShouldBe([(4, "p1", 125050, $"a{separator}b".Trim()), (5, "p2", -100, null)]);
    }

    [Fact]
    public void Quotes_and_line_breaks_within_a_cell_belong_to_it_and_the_numbers_of_rows_go_on()
    {
        var rows = Statement.Rows("id,kind,amount,order\np1,payment,1.00,\"a \"\"b\"\"\r\nc\nd\"\np2,payment,x,\np3,payment,2.00,5\" pipe\n");
        rows[0].Line!.MoneyReference.ShouldBe("a \"b\"\r\nc\nd");
        rows.Select(r => r.Number).ShouldBe([2, 5, 6]);
        (rows[1].Column, rows[2].Line!.MoneyReference).ShouldBe(("amount", "5\" pipe"));
    }

    [Fact]
    public void Text_behind_a_closed_quote_and_a_zero_byte_are_told_with_their_row()
    {
        var rows = Statement.Rows("id,kind,amount,order\np1,payment,\"1.00\"9,a\np2,pay\0ment,1.00,\np3,payment,1.00,\n");
        rows[0].Fault!.ShouldContain("closing quote of cell 3");
        rows[1].Fault!.ShouldContain("zero byte");
        (rows[0].Line, rows[1].Line, rows[2].Line!.RowKey).ShouldBe((null, null, "p3"));
    }

    [Fact]
    public void A_row_with_too_few_or_too_many_cells_is_told_and_spoils_no_other()
    {
        var rows = Statement.Rows("id,kind,amount,order\np1,payment,1.00\np2,payment,1,250.00,x\np3,payment,1.00,o,,\n");
        rows.Select(r => r.Fault).ShouldBe(["The row has 3 cells where the header has 4.", "The row has 5 cells where the header has 4.", null]);
    }

    [Fact]
    public void Columns_may_stand_in_any_order_and_case_with_blanks_and_what_is_not_known_is_kept()
    {
        var rows = Statement.Rows("  AMOUNT ,\"Weird\n  Name\",Kind, ID,,order\n1.00,=1+1,payment,p1,unnamed,o\n2.00,,payment,p2,,\n");
        (rows[0].Line!.RowKey, rows[0].Line!.MoneyReference).ShouldBe(("p1", "o"));
        rows[0].Extra.ShouldBe([new("Weird Name", "=1+1"), new("column 5", "unnamed")]);
        rows[1].Extra.ShouldBeEmpty();
    }

    [Fact]
    public void What_is_kept_of_strange_columns_has_a_limit()
    {
        var strange = Enumerable.Range(0, 20).Select(i => $"s{i}").ToArray();
        var row = Statement.Rows($"id,kind,amount,{string.Join(',', strange)}\np1,payment,1.00,{string.Join(',', strange.Select(_ => new string('y', 3000)))}\n").Single();
        row.Extra[0].Value.ShouldBe(new string('y', 2000) + "…");
        row.Extra.Sum(e => e.Value.Length).ShouldBeInRange(8000, 8010);
    }

    [Fact]
    public void A_missing_column_stops_the_file_and_the_nearest_name_is_told()
    {
        var refused = Statement.Refused("title\nid,kind,amonut\np1,payment,1.00\n");
        (refused.Number, refused.Column).ShouldBe((2, "amount"));
        refused.Message.ShouldBe("Row 2, column 'amount' is missing from the header; the nearest name is 'amonut'.");
        Statement.Refused("foo,bar\n1,2\n").Message.ShouldContain("None of the first 50 rows has the columns id, kind, amount");
    }

    [Fact]
    public void A_column_that_stands_twice_stops_the_file()
    {
        var refused = Statement.Refused("id,kind,amount,Order,order\np1,payment,1.00,a,b\n");
        (refused.Number, refused.Column).ShouldBe((1, "order"));
        refused.Message.ShouldContain("column 4 and column 5");
    }

    [Theory]
    [InlineData("2.026E+16", true)]
    [InlineData("1E+17", true)]
    [InlineData("1,2E+17", true)]
    [InlineData("2E17A", false)]
    [InlineData("ORDER+1", false)]
    [InlineData("0001E+", false)]
    public void A_reference_in_scientific_notation_is_refused_and_not_guessed(string reference, bool refused)
    {
        var row = Statement.Rows($"id,kind,amount,order\np1,payment,1.00,\"{reference}\"\n").Single();
        if (refused) (row.Line, row.Column, row.Number).ShouldBe((null, "order", 2));
        else row.Line!.MoneyReference.ShouldBe(reference);
    }

    [Theory]
    [InlineData("<html><table><tr><td>id</td></tr></table></html>\n", "web page")]
    [InlineData("%PDF-1.7\n", "PDF")]
    [InlineData("a\0b\0\0\0c", "not text")]
    public void What_is_no_statement_at_all_is_named(string file, string named) => Statement.Refused(file).Message.ShouldContain(named);

    [Fact]
    public void A_quote_that_is_never_closed_does_not_eat_the_memory() =>
        Statement.Refused($"id,kind,amount,order\np1,payment,1.00,\"{string.Concat(Enumerable.Repeat("a,b,c\n", 400_000))}").Message.ShouldStartWith("Row 2 ");

    [Fact]
    public void A_time_without_a_zone_is_taken_at_the_gateways_offset_also_beside_formats_that_have_one()
    {
        var india = TimeSpan.FromHours(5.5);
        var sheet = Statement.Sheet with
        {
            Read = (row, _) => new Reconciliation.SettlementLine(row.Text("id"), Reconciliation.SettlementKind.Payment, default, default)
            {
                HappenedAt = row.Time("amount", india, "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd HH:mm:ss", "d MMM yyyy"),
            },
        };
        var rows = Statement.Rows("id,kind,amount\n1,,2026-01-01 10:02:11\n2,,2026-01-01T10:02:11+0200\n3,,1 Feb 2026\n4,,2026-02-30 10:02:11\n", sheet);
        rows.Select(r => r.Line?.HappenedAt).ShouldBe([
            new DateTimeOffset(2026, 1, 1, 10, 2, 11, india), new DateTimeOffset(2026, 1, 1, 10, 2, 11, TimeSpan.FromHours(2)), new DateTimeOffset(2026, 2, 1, 0, 0, 0, india), null]);
        rows[3].Fault!.ShouldContain("is no time");
    }
}
