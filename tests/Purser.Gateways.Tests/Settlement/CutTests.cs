using System.Text;

namespace Purser.Gateways.Tests.Settlement;

/// <summary>A small file cut at every byte: noticed, or in the list of what cannot be.</summary>
public sealed class CutTests
{
    const string Plain = "id,kind,amount,day,order\np1,payment,\"1,499.00\",2026-01-02,Zoë\np2,refund,-100.00,2026-01-03,\np3,payment,7.00,2026-01-04,\"o \"\"3\"\"\"\n";

    public static TheoryData<string> Encodings => ["utf-8", "utf-8 with mark", "utf-16le with mark", "utf-16be with mark", "utf-16le", "utf-16be", "windows-1252"];

    /// <summary>Where a cut leaves a shorter file that is whole by every sign: between rows (the header counts as one), and where a quote or half a line
    /// break already says that the last cell is over.</summary>
    [Theory]
    [MemberData(nameof(Encodings))]
    public void Only_a_cut_between_rows_or_behind_a_closing_quote_is_not_noticed(string encoding)
    {
        foreach (var end in (string[])["\n", "\r\n", "\r"])
        {
            var text = Plain.Replace("\n", end, StringComparison.Ordinal);
            List<int> letters = [];
            for (var i = 0; i < text.Length; i++)
                // Behind each line break, and in the midst of a CRLF.
                if (text[i] is '\r' or '\n') letters.Add(i + 1);
            var last = text.TrimEnd('\r', '\n').Length;
            // Behind the quote that closes the last cell; and behind the first of each two quotes in it, which looks the same.
            letters.AddRange([last, last - 2, last - 5]);
            letters.Remove(text.Length);
            Unnoticed(ReadingTests.Written(text, encoding), Statement.Sheet).ShouldBe(letters.Select(l => ReadingTests.Written(text[..l], encoding).Length).Distinct().Order().ToList(), $"{encoding} {end.Length}");
        }
    }

    [Fact]
    public void A_trailer_that_counts_makes_every_cut_noticed()
    {
        var whole = Encoding.UTF8.GetBytes(Plain + "END,3,\"1,406.00\",,\n");
        Statement.Rows(whole, Statement.WithTrailer).Count(r => r.Line is not null).ShouldBe(3);
        // Only the empty cells and the line break behind the totals are missing then.
        var totals = whole.AsSpan().LastIndexOf("\",,"u8) + 1;
        Unnoticed(whole, Statement.WithTrailer).ShouldBe(Enumerable.Range(totals, whole.Length - totals));
    }

    [Theory]
    [InlineData("p2,refund,-100.00,2026-01-03,\n", "", "counts 3 rows, and there are 2")]
    [InlineData("-100.00", "-100.01", "says 1406.00 INR, and the rows add up to 1405.99 INR")]
    [InlineData("END,3", "END,4", "counts 4 rows, and there are 3")]
    [InlineData("END,3,\"1,406.00\",,\n", "END,3,x,,\n", "column 'amount'")]
    [InlineData("END,3,\"1,406.00\",,\n", "END,3,\"1,406.00\",,\np4,payment,1.00,,\n", "behind the end")]
    public void Totals_that_do_not_add_up_stop_the_file_with_their_row(string there, string instead, string why)
    {
        var text = Plain + "END,3,\"1,406.00\",,\n";
        text.ShouldContain(there);
        var refused = Statement.Refused(text.Replace(there, instead, StringComparison.Ordinal), Statement.WithTrailer);
        refused.Message.ShouldContain(why);
        refused.Number.ShouldNotBeNull();
    }

    [Fact]
    public void A_row_that_cannot_be_read_is_told_by_itself_and_not_as_a_wrong_total() =>
        Statement.Rows((Plain + "END,3,\"1,406.00\",,\n").Replace("-100.00", "x", StringComparison.Ordinal), Statement.WithTrailer).Count(r => r.Fault is not null).ShouldBe(1);

    public static TheoryData<string> Packed => ["gzip", "zip", "workbook", "workbook in a zip"];

    [Theory]
    [MemberData(nameof(Packed))]
    public void A_packed_file_is_noticed_wherever_it_is_cut(string form)
    {
        var plain = Encoding.UTF8.GetBytes(Plain);
        var workbook = Statement.Workbook(Statement.Split(Plain));
        Unnoticed(form switch
        {
            "gzip" => Statement.Gzip(plain),
            "zip" => Statement.Zip(("report.csv", plain)),
            "workbook" => workbook,
            _ => Statement.Zip(("report.xlsx", workbook)),
        }, Statement.Sheet).ShouldBeEmpty();
    }

    [Fact]
    public void A_gateway_that_is_known_to_end_without_a_line_break_is_believed()
    {
        const string open = "id,kind,amount,order\np1,payment,1.00,o1";
        Statement.Refused(open).Message.ShouldContain("without a line break");
        Statement.Rows(open, Statement.Sheet with { EndsOpen = true }).Single().Line!.MoneyReference.ShouldBe("o1");
        Statement.Refused(open[..^3], Statement.Sheet with { EndsOpen = true }).Message.ShouldContain("3 cells where the header has 4");
    }

    /// <summary>The cuts after which the file is read as if it were whole, with every row that it shows readable.</summary>
    static List<int> Unnoticed(byte[] whole, SettlementSheet sheet)
    {
        Statement.Rows(whole, sheet).ShouldAllBe(r => r.Fault == null);
        List<int> unnoticed = [];
        for (var cut = 0; cut < whole.Length; cut++)
            try
            {
                if (Statement.Rows(whole[..cut], sheet).All(r => r.Fault is null)) unnoticed.Add(cut);
            }
            catch (SettlementReader.NotAStatementException)
            {
            }
        return unnoticed;
    }
}
