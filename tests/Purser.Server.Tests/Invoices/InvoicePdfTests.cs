using System.Collections.Immutable;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Purser.Invoices;
using Purser.Server.Invoices;
using Purser.Server.Invoices.Pdf;
using Purser.Server.Platform;
using Purser.Server.Tests.Deliveries;

namespace Purser.Server.Tests.Invoices;

/// <summary>What is drawn, read out of the file's own streams.</summary>
public sealed partial class InvoicePdfTests
{
    const string Link = "https://pay.example.com/status/ord_01jd8xk3m4n7p?token=AAeH3nGx0dZb1yXk8p2s5TqVw9M";
    static readonly Typesetter Typesetter = new(Shaper.OfThisMachine);

    static StoredInvoice Invoice(string currency = "INR", string locale = "en", string buyer = "Asha Rao", ImmutableArray<Tax>? taxes = null, params PricedLine[] lines)
    {
        OrderId.TryParse("ord_01jd8xk3m4n7p", out var order).ShouldBeTrue();
        var at = new DateTimeOffset(2026, 11, 22, 20, 0, 0, TimeSpan.Zero);
        var statement = Taxation.Of(Currency.Find(currency), taxes ?? [Tax.Igst], lines.Length > 0 ? lines : [new PricedLine("Darjeeling", 1, 12_345_600, "0902", new TaxRate(500))]);
        return new StoredInvoice("INV-2627-000017", "INV-2627", 17, InvoiceKind.Invoice, order, 1, null, new Money(statement.Total, statement.Currency), at, null,
            new InvoiceDocument(1, locale, "Asia/Kolkata", new SellerPart("Leaf & Kettle", "12 Church Street", "IN", "29", "29AAAAA0000A1ZY"), new BuyerPart(buyer, null, "IN", "MH", null), null,
                at.UtcDateTime, null, [.. statement.Taxes.Select(t => t.ToString().ToLowerInvariant())], "VAT", "27", InvoiceDocument.Parts(statement), null, "https://pay.example.com"));
    }

    static byte[] Draw(StoredInvoice invoice, Typesetter? with = null) => InvoicePdf.Draw(invoice, Link, with ?? Typesetter);

    /// <summary>The text, as a reader's program would copy it: by the fonts' own maps, and by what stands beside joined letters.</summary>
    static string Text(byte[] pdf, bool byMapsAlone = false) => string.Concat(Placed(pdf, byMapsAlone).Select(p => p.Text + "\n"));

    /// <summary>Each piece of text and where it stands, from the lower left corner.</summary>
    static List<(string Text, double X, double Y, double Width)> Placed(byte[] pdf, bool byMapsAlone = false)
    {
        var file = Encoding.Latin1.GetString(pdf);
        var streams = Objects().Matches(file).ToDictionary(m => int.Parse(m.Groups[1].Value), m => m.Groups[2].Value);
        string Unpacked(string body)
        {
            var start = body.IndexOf("stream\n", StringComparison.Ordinal) + 7;
            using var zip = new ZLibStream(new MemoryStream(Encoding.Latin1.GetBytes(body[start..body.LastIndexOf("\nendstream", StringComparison.Ordinal)])), CompressionMode.Decompress);
            using var reader = new StreamReader(zip, Encoding.Latin1);
            return reader.ReadToEnd();
        }
        string Unicode(string digits) => Encoding.BigEndianUnicode.GetString(Convert.FromHexString(digits));
        var fonts = FontNames().Matches(file).DistinctBy(m => m.Groups[1].Value).ToDictionary(m => m.Groups[1].Value, m => streams[int.Parse(m.Groups[2].Value)]);
        var maps = fonts.ToDictionary(f => f.Key, f => Letters().Matches(Unpacked(streams[int.Parse(Map().Match(f.Value).Groups[1].Value)]))
            .DistinctBy(l => l.Groups[1].Value).ToDictionary(l => l.Groups[1].Value, l => Unicode(l.Groups[2].Value)));
        var placed = new List<(string, double, double, double)>();
        var contents = streams.Values.Where(s => s.StartsWith("<</Filter", StringComparison.Ordinal)).Select(Unpacked).Where(s => s.Contains(" Tf ", StringComparison.Ordinal));
        foreach (var shown in contents.SelectMany(c => Shown().Matches(c)))
        {
            double Figure(string group) => double.Parse(shown.Groups[group].Value, CultureInfo.InvariantCulture);
            var font = shown.Groups["font"].Value;
            var text = shown.Groups["said"].Success && !byMapsAlone
                ? Unicode(shown.Groups["said"].Value)
                : string.Concat(Glyphs().Matches(shown.Groups["glyphs"].Value).Select(g => maps[font][g.Groups[1].Value]));
            placed.Add((text, Figure("x"), Figure("y"), Typesetter.Set(text, fonts[font].Contains("Bold", StringComparison.Ordinal)).Width(Figure("size"))));
        }
        return placed;
    }

    [GeneratedRegex(@"(?<=\n)(\d+) 0 obj\n(.*?)\nendobj", RegexOptions.Singleline)]
    private static partial Regex Objects();

    [GeneratedRegex(@"/F(\d+) (\d+) 0 R")]
    private static partial Regex FontNames();

    [GeneratedRegex(@"/ToUnicode (\d+) 0 R")]
    private static partial Regex Map();

    [GeneratedRegex(@"<([0-9A-F]{4})> <([0-9A-F]*)>")]
    private static partial Regex Letters();

    [GeneratedRegex(@"(/ActualText <FEFF(?<said>[0-9A-F]*)>>> BDC\n)?BT [^\n]*?/F(?<font>\d+) (?<size>\S+) Tf (?<x>\S+) (?<y>\S+) Td (?<glyphs>[^\n]*?)ET\n")]
    private static partial Regex Shown();

    [GeneratedRegex(@"<([0-9A-F]{4})>")]
    private static partial Regex Glyphs();

    static int Pages(byte[] pdf) => int.Parse(Regex.Match(Encoding.Latin1.GetString(pdf), @"/Count (\d+)").Groups[1].Value);

    [Theory]
    [InlineData("en", "Not valid: the payment did not go through. Credit note CRN-2627-000003 takes all of it back.")]
    [InlineData("hi", "CRN-2627-000003")]
    public void An_invoice_that_a_cancelled_order_takes_back_says_so(string locale, string words)
    {
        Text(Draw(Invoice(locale: locale) with { CreditedBy = "CRN-2627-000003" })).ShouldContain(words);
        Text(Draw(Invoice(locale: locale))).ShouldNotContain("CRN-");
    }

    [Theory]
    [InlineData("US", null, "MN", "MN")]
    [InlineData("US", "IN", "MN", "Manipur (14), IN")]
    [InlineData("IN", null, "MN", "Manipur (14)")]
    [InlineData("IN", "US", "MN", "MN, US")]
    public void A_state_is_read_as_one_of_the_buyers_country_or_of_the_sellers_where_it_names_none(string seller, string? buyer, string state, string printed)
    {
        var invoice = Invoice(taxes: []);
        invoice = invoice with { Document = invoice.Document with { Seller = invoice.Document.Seller with { Country = seller, State = "MN" }, Buyer = invoice.Document.Buyer with { Country = buyer, State = state } } };
        Text(Draw(invoice)).Split('\n').ShouldContain(printed);
    }

    [Fact]
    public void Drawn_again_on_another_day_it_is_the_same_file_with_a_token_whose_time_began_when_it_was_issued()
    {
        var (invoice, clock) = (Invoice(), new PushedClock());
        var tokens = new ShopperTokens(() => new byte[32], clock, ShopperTokens.DefaultLife);
        var pdf = new InvoicePdf(tokens);
        var first = pdf.Draw(invoice);
        clock.Push(TimeSpan.FromDays(2));
        pdf.Draw(invoice).ShouldBe(first);
        // The code is all that the link changes, so the same bytes have the same code.
        InvoicePdf.Draw(invoice, $"https://pay.example.com/status/{invoice.Order}?token={tokens.For(invoice.Order, invoice.IssuedAt)}", Typesetter).ShouldBe(first);
        Draw(invoice).ShouldNotBe(first);
    }

    [Fact]
    public void The_same_document_is_the_same_file_byte_for_byte()
    {
        string Hash(string buyer, Typesetter typesetter) => Convert.ToHexString(SHA256.HashData(Draw(Invoice(locale: "hi", buyer: buyer), typesetter)));
        Hash("Asha Rao", new Typesetter(Shaper.OfThisMachine)).ShouldBe(Hash("Asha Rao", Typesetter));
        Hash("Asha Raj", Typesetter).ShouldNotBe(Hash("Asha Rao", Typesetter));
    }

    [Fact]
    public void Amounts_are_written_as_the_reader_writes_them_and_with_their_currencys_decimals()
    {
        Text(Draw(Invoice())).ShouldSatisfyAllConditions(
            t => t.ShouldContain("₹1,23,456.00 INR"), t => t.ShouldContain("IGST 5 % on 1,17,577.14"), t => t.ShouldContain("5,878.86"), t => t.ShouldContain("HSN/SAC 0902"),
            t => t.ShouldContain("Maharashtra (27)"), t => t.ShouldContain("23 November 2026", Case.Sensitive, "the day in the seller's zone"), t => t.ShouldContain("Tax invoice"));
        Text(Draw(Invoice("JPY", taxes: [Tax.Vat], lines: new PricedLine("Sencha", 3, 41_152, null, new TaxRate(800))))).ShouldSatisfyAllConditions(
            t => t.ShouldContain("¥123,456 JPY"), t => t.ShouldContain("VAT 8 % on 114,311"));
        Text(Draw(Invoice("KWD", taxes: [], lines: new PricedLine("Chai", 1, 1_250_500, null, default)))).ShouldSatisfyAllConditions(
            t => t.ShouldContain("1,250.500 KWD"), t => t.ShouldNotContain("Taxable"), t => t.ShouldNotContain("Tax invoice"));
    }

    [Fact]
    public void Hindi_is_set_by_HarfBuzz_and_can_be_copied()
    {
        Shaper.OfThisMachine.ShouldNotBeNull($"apt-get install {Shaper.Package}");
        Text(Draw(Invoice(locale: "hi", buyer: "श्रीमती आशा क्षत्रिय"))).ShouldSatisfyAllConditions(
            t => t.ShouldContain("बीजक"), t => t.ShouldContain("श्रीमती"), t => t.ShouldContain("क्षत्रिय"), t => t.ShouldContain("महाराष्ट्र"), t => t.ShouldContain("कुल"));
        // Many readers copy and search by the maps alone: glyphs that are joined of letters stand for each of them once, and in their order.
        const string Name = "श्रीमती आशा क्षत्रिय निर्मित र्कि";
        var hindi = Draw(Invoice(locale: "hi", buyer: Name));
        var mapped = Text(hindi, byMapsAlone: true);
        mapped.ShouldBe(Text(hindi));
        foreach (var word in Name.Split(' ')) mapped.ShouldContain(word);
        // क, virama and ष are one sign; the vowel i stands before the letter that it is spoken after.
        var (joined, apart) = (Typesetter.Set("क्ष").Runs[0].Glyphs, new Typesetter(null).Set("क्ष").Runs[0].Glyphs);
        (joined.Length, apart.Length).ShouldBe((1, 3));
        var (shaped, plain) = (Typesetter.Set("कि").Runs[0].Glyphs, new Typesetter(null).Set("कि").Runs[0].Glyphs);
        shaped[^1].Glyph.ShouldBe(plain[0].Glyph);
    }

    [Fact]
    public void Without_HarfBuzz_a_Hindi_invoice_is_written_in_English() =>
        Text(Draw(Invoice(locale: "hi"), new Typesetter(null))).ShouldSatisfyAllConditions(t => t.ShouldContain("Tax invoice"), t => t.ShouldNotContain("बीजक"));

    [Fact]
    public void Text_of_strangers_stays_text_and_has_an_end()
    {
        var pdf = Draw(Invoice(buyer: "Eve\u202E)>> endobj\u0007 (\u2066" + new string('W', 10_000), lines: new PricedLine("/JS (x) Tj\nET Q \\u0000</b>", 1, 100, null, default)));
        Pages(pdf).ShouldBe(1);
        var text = Text(pdf);
        text.ShouldContain("Eve )>> endobj");
        text.ShouldContain("…");
        text.ShouldContain("/JS (x) Tj ET Q");
        text.Any(c => c is '\u202E' or '\u2066' or '\u0007').ShouldBeFalse();
        text.Count(c => c == 'W').ShouldBeLessThan(200);
        Encoding.Latin1.GetString(pdf).ShouldNotContain("/JS");
        Typesetter.Printable("a\uD800b\u200Fc").ShouldBe("a\uFFFDbc");
    }

    [Fact]
    public void Forty_lines_go_on_on_a_second_page_and_none_is_lost()
    {
        var pdf = Draw(Invoice(lines: [.. Enumerable.Range(1, 40).Select(i => new PricedLine($"Sencha no. {i} of forty", i, 1_000 + i, "0902", new TaxRate(i % 2 == 0 ? 500 : 1_800)))]));
        Pages(pdf).ShouldBe(2);
        var text = Text(pdf);
        for (var i = 1; i <= 40; i++) text.ShouldContain($"Sencha no. {i} of forty");
        text.ShouldContain("Page 2 of 2");
    }

    [Theory]
    [InlineData(60, 4, "vat"), InlineData(60, 6, "cgst", "sgst"), InlineData(44, 3, "vat"), InlineData(45, 4, "vat")]
    public void However_many_rates_there_are_each_is_summed_up_and_the_total_is_on_the_page(int rates, int pages, params string[] taxes)
    {
        var pdf = Draw(Invoice(taxes: [.. taxes.Select(t => Enum.Parse<Tax>(t, ignoreCase: true))],
            lines: [.. Enumerable.Range(1, rates).Select(i => new PricedLine($"Sencha no. {i}", 1, 100_000 + i, "0902", new TaxRate(i * 20)))]));
        Pages(pdf).ShouldBe(pages);
        var placed = Placed(pdf);
        placed.ShouldAllBe(p => p.X >= 40 && p.X + p.Width <= PdfPage.Width - 40 && p.Y > 25 && p.Y < PdfPage.Height - 25);
        placed.Count(p => p.Text.Contains(" % on ", StringComparison.Ordinal)).ShouldBe(rates * taxes.Length);
        var paid = string.Create(CultureInfo.InvariantCulture, $"₹{(100_000L * rates + rates * (rates + 1L) / 2) / 100m:N2} INR");
        var total = placed.FindIndex(p => p.Text == paid);
        total.ShouldBeGreaterThan(placed.FindLastIndex(p => p.Text.Contains(" % on ", StringComparison.Ordinal)), "beneath the sums");
        placed.ShouldContain(p => p.Text.Contains($"Page {pages} of {pages}", StringComparison.Ordinal));
    }

    [Fact]
    public void Lines_break_at_spaces_and_within_words_only_where_one_is_too_long()
    {
        string Joined(SetLine line) => string.Concat(line.Runs.Select(r => r.Text));
        Typesetter.Wrap("Darjeeling first flush of the year", 9, 80, 5).Select(Joined).ShouldBe(["Darjeeling first", "flush of the year"]);
        Typesetter.Wrap("Darjeeling first flush of the year", 9, 80, 1).Select(Joined).ShouldHaveSingleItem().ShouldBe("Darjeeling first fl…");
        var broken = Typesetter.Wrap(new string('W', 30), 9, 80, 9);
        broken.Count.ShouldBeGreaterThan(2);
        string.Concat(broken.Select(Joined)).ShouldBe(new string('W', 30));
        foreach (var line in broken) line.Width(9).ShouldBeLessThanOrEqualTo(80);
        Typesetter.Wrap("W", 900, 1, 3).Count.ShouldBe(1);
        // A letter with its marks is never cut apart.
        foreach (var line in Typesetter.Wrap(string.Concat(Enumerable.Repeat("क्षि", 40)), 9, 60, 30)) (Joined(line).Length % 4).ShouldBe(0);
    }

    [Fact]
    public void A_file_names_every_object_where_it_is()
    {
        var pdf = Draw(Invoice(locale: "hi"));
        var file = Encoding.Latin1.GetString(pdf);
        var table = int.Parse(Regex.Match(file, @"startxref\n(\d+)").Groups[1].Value);
        file[table..].ShouldStartWith("xref\n");
        var places = Regex.Matches(file[table..], @"(\d{10}) 00000 n");
        for (var i = 0; i < places.Count; i++) file[int.Parse(places[i].Groups[1].Value)..].ShouldStartWith($"{i + 1} 0 obj\n");
        pdf.Length.ShouldBeLessThan(80_000, "fonts are embedded in part");
    }

    [Theory]
    [InlineData("INR", 999_999_999_999, "₹9,99,99,99,999.99"), InlineData("KWD", 999_999_999_999, "99,99,99,999.999"), InlineData("JPY", 1, "¥1")]
    public void No_two_texts_run_into_each_other_and_none_leaves_the_page(string currency, long amount, string total)
    {
        var pdf = Draw(Invoice(currency, "hi", string.Join(' ', Enumerable.Repeat("श्रीमती Asha", 30)), [Tax.Cgst, Tax.Sgst],
            new PricedLine(string.Join(' ', Enumerable.Repeat("Palace महल", 20)), 1, amount, "9954", new TaxRate(25)), new PricedLine("Tea", 1_000_000, 1, "0902", new TaxRate(2_800))) with
        {
            Total = new Money(amount, Currency.Find(currency)),
        });
        var placed = Placed(pdf);
        placed.ShouldContain(p => p.Text.Contains(total, StringComparison.Ordinal));
        placed.ShouldAllBe(p => p.X >= 40 && p.X + p.Width <= PdfPage.Width - 40 && p.Y > 25 && p.Y < PdfPage.Height - 25);
        foreach (var line in placed.GroupBy(p => p.Y))
            foreach (var (left, right) in line.OrderBy(p => p.X).Zip(line.OrderBy(p => p.X).Skip(1)))
                right.X.ShouldBeGreaterThan(left.X + left.Width - 0.1, $"'{left.Text}' and '{right.Text}'");
    }
}
