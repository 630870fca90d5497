using System.IO.Compression;
using System.Text;

namespace Purser.Gateways.Tests.Settlement;

/// <summary>Zip, gzip and workbooks: read as what is in them, or refused by name and measure.</summary>
public sealed class PackedTests
{
    static readonly byte[] Plain = Encoding.UTF8.GetBytes("id,kind,amount,day,order\np1,payment,499.00,2026-01-02,o1\np2,refund,-100.00,2026-01-03,\n");
    static readonly string[][] Cells = [["id", "kind", "amount", "day", "order"], ["p1", "payment", "499.00", "2026-01-02", "o1"], ["p2", "refund", "-100.00", "2026-01-03", ""]];

    public static TheoryData<string> Forms => ["gzip", "zip", "zip with a folder and what a Mac adds", "workbook", "workbook in a zip", "old Windows-1252 in a zip"];

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_packed_statement_is_read_as_what_is_in_it(string form)
    {
        var file = form switch
        {
            "gzip" => Statement.Gzip(Plain),
            "zip" => Statement.Zip(("report.csv", Plain)),
            "zip with a folder and what a Mac adds" => Statement.Zip(("reports/", []), ("reports/report.csv", Plain), ("__MACOSX/._report.csv", [1]), (".DS_Store", [1])),
            "workbook" => Statement.Workbook(Cells),
            "workbook in a zip" => Statement.Zip(("report.xlsx", Statement.Workbook(Cells))),
            _ => Statement.Zip(("../../etc/passwd", Encoding.Latin1.GetBytes(Encoding.UTF8.GetString(Plain)))),
        };
        foreach (var stream in (Stream[])[new MemoryStream(file), new Trickle(file)])
            SettlementReader.Read(stream, Statement.Sheet, Statement.Account).Select(r => (r.Number, r.Fault, r.Line!.RowKey, r.Line.Net.MinorUnits, r.Line.MoneyReference)).ShouldBe(
                [(2, null, "p1", 49900, "o1"), (3, null, "p2", -10000, null)]);
    }

    [Fact]
    public void Several_statements_in_one_zip_are_refused_by_name()
    {
        var refused = Statement.Refused(Statement.Zip(("one.csv", Plain), ("two.csv", Plain)));
        refused.Message.ShouldBe("The zip file has 2 files ('one.csv', 'two.csv'). Hand them in one by one.");
        Statement.Refused(Statement.Zip()).Message.ShouldContain("empty");
    }

    [Fact]
    public void What_is_packed_twice_is_refused()
    {
        Statement.Refused(Statement.Zip(("inner.zip", Statement.Zip(("report.csv", Plain))))).Message.ShouldContain("another zip");
        Statement.Refused(Statement.Zip(("report.csv.gz", Statement.Gzip(Plain)))).Message.ShouldContain("packed itself");
        Statement.Refused(Statement.Gzip(Statement.Zip(("report.csv", Plain)))).Message.ShouldContain("does not hold a text");
    }

    [Fact]
    public void An_encrypted_entry_is_refused_by_name()
    {
        var zip = Statement.Zip(("secret.csv", Plain));
        // The flag of encryption, where the entry begins and in the list at the end.
        zip[6] |= 1;
        zip[zip.AsSpan().LastIndexOf("PK\x01\x02"u8) + 8] |= 1;
        Statement.Refused(zip).Message.ShouldStartWith("'secret.csv' in the zip file is encrypted.");
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("gzip")]
    [InlineData("workbook")]
    public void A_file_that_grows_without_measure_is_stopped_while_it_grows(string form)
    {
        var bomb = new byte[24 << 20];
        Plain.CopyTo(bomb, 0);
        bomb.AsSpan(Plain.Length).Fill((byte)'\n');
        var file = form switch
        {
            "zip" => Statement.Zip(("bomb.csv", bomb)),
            "gzip" => Statement.Gzip(bomb),
            _ => Statement.Workbook([], sheet: $"<worksheet><sheetData><row>{Statement.Inline("id")}{Statement.Inline("kind")}{Statement.Inline("amount")}</row>{new string(' ', 24 << 20)}</sheetData></worksheet>"),
        };
        Statement.Refused(file).Message.ShouldContain("grows by more than 250 times");
        Statement.Refused(file, limits: new SettlementLimits { MostRatio = 100_000, MostUnpackedBytes = 10 << 20 }).Message.ShouldContain("more than 10485760 bytes");
    }

    [Fact]
    public void A_wrong_sum_is_noticed_in_a_zip_and_in_gzip()
    {
        var zip = Statement.Zip(("report.csv", Plain));
        zip[zip.AsSpan().LastIndexOf("PK\x01\x02"u8) + 16] ^= 1;
        Statement.Refused(zip).Message.ShouldContain("length and the sum");
        var gzip = Statement.Gzip(Plain);
        gzip[^5] ^= 1;
        Statement.Refused(gzip).Message.ShouldContain("cut or damaged");
    }

    [Theory]
    [InlineData(new byte[] { 0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0 }, "Save it as .xlsx or CSV, without a password")]
    [InlineData(new byte[] { 0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c, 0 }, "Unpack it")]
    public void What_cannot_be_opened_is_refused_with_what_to_do(byte[] file, string remedy) => Statement.Refused(file).Message.ShouldContain(remedy);

    /// <summary>As a network gives it: a byte at a time, and no going back.</summary>
    sealed class Trickle(byte[] file) : Stream
    {
        int at;
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override int Read(byte[] buffer, int offset, int count)
        {
            if (at == file.Length || count == 0) return 0;
            buffer[offset] = file[at++];
            return 1;
        }
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
