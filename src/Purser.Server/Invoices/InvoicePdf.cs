using System.Collections.Immutable;
using Purser.Invoices;
using Purser.Server.Checkout;
using Purser.Server.Invoices.Pdf;
using Purser.Server.Mail;
using Purser.Server.Platform;
using QRCoder;

namespace Purser.Server.Invoices;

/// <summary>Draws a stored document, and nothing that is not stored: asked again it is the same file, byte for byte, until it is voided or credited whole.</summary>
public sealed class InvoicePdf(ShopperTokens tokens)
{
    readonly Typesetter typesetter = new(Shaper.OfThisMachine);

    /// <summary>The printed token's time begins when the invoice was issued, so it is always the same one.</summary>
    public byte[] Draw(StoredInvoice invoice) =>
        Draw(invoice, $"{invoice.Document.PagesAt}/status/{invoice.Order}?token={tokens.For(invoice.Order, invoice.IssuedAt)}", typesetter);

    /// <param name="link">Where the printed code leads.</param>
    public static byte[] Draw(StoredInvoice invoice, string link, Typesetter typesetter)
    {
        // Hindi without joined letters cannot be read; English can.
        var words = InvoiceWords.For(typesetter.ShapesDevanagari ? invoice.Document.Locale : "en");
        var file = new PdfFile($"{TitleOf(invoice, words).Title} {invoice.Number}", invoice.Document.Seller.Name, words.Locale, invoice.IssuedAt);
        new Sheet(file, invoice, words, link, typesetter).Draw();
        return file.ToBytes();
    }

    static (string Title, string? Beneath) TitleOf(StoredInvoice invoice, InvoiceWords words) =>
        invoice.Kind == InvoiceKind.CreditNote ? (words.CreditNote, words.CreditNoteBeneath)
        : invoice.Document.Taxes.Count > 0 ? (words.TaxInvoice, words.TaxInvoiceBeneath)
        : (words.Invoice, words.InvoiceBeneath);

    /// <summary>One document on its pages, from top to bottom.</summary>
    sealed class Sheet(PdfFile file, StoredInvoice invoice, InvoiceWords words, string link, Typesetter typesetter)
    {
        const double Left = 42, Right = PdfPage.Width - 42, Top = 48, Bottom = PdfPage.Height - 52;
        const double Small = 7.5, Normal = 9, Big = 10.5, WidestFigure = 66, NameLine = 11.5, RateGap = 5, SumLine = 15;
        static readonly Ink Dark = new(0x1c, 0x24, 0x30), Soft = new(0x5b, 0x64, 0x70), Faint = new(0xe2, 0xde, 0xd5), Pale = new(0xf4, 0xf2, 0xec), Blue = new(0x1f, 0x3a, 0x5f), Red = new(0x9a, 0x2a, 0x1a);

        readonly InvoiceDocument document = invoice.Document;
        readonly TaxStatement statement = invoice.Document.Statement(invoice.Total.Currency);
        readonly bool isCredit = invoice.Kind == InvoiceKind.CreditNote;
        readonly bool indian = MailWords.For(words.Locale).GroupsAsInIndia;
        readonly ReaderFormat format = new(MailWords.For(words.Locale), TimeZoneInfo.FindSystemTimeZoneById(invoice.Document.TimeZone));
        readonly List<PdfPage> pages = [];
        PdfPage page = null!;
        double y;

        public void Draw()
        {
            NewPage();
            Head();
            Parties();
            Lines();
            Totals();
            for (var i = 0; i < pages.Count; i++) Foot(pages[i], i + 1);
        }

        void NewPage()
        {
            page = file.AddPage();
            pages.Add(page);
            page.Fill(0, 0, PdfPage.Width, 6, Blue);
            y = Top;
        }

        void Head()
        {
            var (title, beneath) = TitleOf(invoice, words);
            page.TextToTheLeftOf(typesetter.Set(title, bold: true), Right, Top + 18, 22, Blue);
            if (beneath is not null) page.TextToTheLeftOf(typesetter.Set(beneath), Right, Top + 33, Normal, Soft);
            page.TextToTheLeftOf(typesetter.Set(invoice.Number, bold: true), Right, Top + 49, Big, Dark);
            y += 12;
            Paragraph(document.Seller.Name, Left, 300, 14, Dark, 2, bold: true);
            Paragraph(document.Seller.Address, Left, 280, Normal, Soft, 3);
            if (document.Seller.TaxId is { } number) Paragraph($"{TaxNumberName(document.Seller.Country)} {number}", Left, 280, Normal, Soft, 1);
            y = Math.Max(y, Top + 58);
            if (invoice.VoidedAt is { } voided) Warn((invoice.Refund is null ? words.PaidAfterAll : words.Voided)(format.Day(voided)));
            else if (invoice.CreditedBy is { } note) Warn(words.CreditedWhole(note));
        }

        /// <summary>It does not count, and why.</summary>
        void Warn(string text)
        {
            page.Fill(Left, y - 4, Right - Left, 22, Pale);
            page.Fill(Left, y - 4, 3, 22, Red);
            page.Text(typesetter.Set(text, bold: true), Left + 12, y + 10, Normal, Red);
            y += 28;
        }

        void Parties()
        {
            y += 6;
            page.Fill(Left, y, Right - Left, 0.75, Faint);
            y += 18;
            var (start, middle) = (y, Left + 270);
            if (document.Buyer is not { Name: null, Address: null, TaxId: null })
            {
                page.Text(typesetter.Set(words.BilledTo), Left, y, Small, Soft);
                y += 14;
            }
            if (document.Buyer.Name is { } name) Paragraph(name, Left, 250, Big, Dark, 3, bold: true);
            if (document.Buyer.Address is { } address) Paragraph(address, Left, 250, Normal, Dark, 4);
            if (Region(document.Buyer.Country, document.Buyer.State) is { Length: > 0 } region) Paragraph(region, Left, 250, Normal, Dark, 1);
            if (document.Buyer.TaxId is { } number) Paragraph($"{TaxNumberName(document.Buyer.Country)} {number}", Left, 250, Normal, Dark, 1);
            var end = y;
            y = start;
            foreach (var (label, value) in Facts())
            {
                page.Text(typesetter.Set(label), middle, y, Normal, Soft);
                foreach (var line in typesetter.Wrap(value, Normal, Right - middle - 92, 2))
                {
                    page.Text(line, middle + 92, y, Normal, Dark);
                    y += 13.5;
                }
            }
            y = Math.Max(y, end) + 8;
        }

        IEnumerable<(string Label, string Value)> Facts()
        {
            yield return (words.Date, format.Day(invoice.IssuedAt));
            if (document.Credit is { } credit)
            {
                yield return (words.ForInvoice, $"{credit.Invoice}, {format.Day(credit.InvoicedAt)}");
                if (credit.Refund is { } refund) yield return (words.Refund, refund);
                yield return (credit.Refund is null ? words.CancelledOn : words.RefundedOn, format.Day(credit.RefundedAt));
            }
            yield return (words.Order, invoice.Order.ToString());
            if (document.Reference is { } reference) yield return (words.Reference, reference);
            yield return (words.Payment, new PaymentId(invoice.Order, invoice.Payment).ToString());
            if (!isCredit) yield return (words.PaidOn, format.Day(document.PaidAt));
            if (statement.Taxes.Any(t => t is not Tax.Vat)) yield return (words.PlaceOfSupply, IndianState.Find(document.PlaceOfSupply) is { } state ? words.State(state) : $"{document.PlaceOfSupply} ({words.OutsideIndia})");
        }

        void Lines()
        {
            // Small enough that the largest figure stays in its column, and the largest tax leaves room for its rate.
            var widestRate = statement.Lines.Max(l => typesetter.Set($"{l.Rate} %").Width(Small));
            var widestTax = typesetter.Set(Number(statement.Lines.Max(l => l.Taxes.Sum()))).Width(Normal);
            var widest = typesetter.Set(Number(statement.Lines.Max(l => Math.Max(l.Total, l.UnitAmount)))).Width(Normal);
            var figures = Normal * Math.Min(1, Math.Min(WidestFigure / widest, (TaxEnds - NetEnds - widestRate - 2 * RateGap) / widestTax));
            var rateEnds = TaxEnds - widestTax * figures / Normal - RateGap;
            ColumnHeads();
            var shown = statement.Lines.Select((line, i) => (line, Number: i + 1)).Where(l => !isCredit || l.line.Total > 0);
            foreach (var (line, number) in shown)
            {
                var name = typesetter.Wrap(line.Name, Normal, NameWidth, 3);
                var beneath = line.Code is { } code ? $"HSN/SAC {code}" : null;
                var height = name.Count * NameLine + (beneath is null ? 0 : 9.5) + 6.5;
                if (y + height > Bottom)
                {
                    NewPage();
                    y += 6;
                    ColumnHeads();
                }
                var at = y + 12.5;
                page.TextToTheLeftOf(typesetter.Set($"{number}"), Left + 16, at, Small, Soft);
                for (var i = 0; i < name.Count; i++) page.Text(name[i], Left + 24, at + NameLine * i, Normal, Dark);
                if (beneath is not null) page.Text(typesetter.Set(beneath), Left + 24, at + NameLine * name.Count - 1.5, Small, Soft);
                foreach (var (column, value) in Cells(line)) page.TextToTheLeftOf(typesetter.Set(value), column, at, figures, Dark);
                if (HasTaxes) page.TextToTheLeftOf(typesetter.Set($"{line.Rate} %"), rateEnds, at, Small, Soft);
                y += height;
                page.Fill(Left, y, Right - Left, 0.5, Faint);
            }
        }

        bool HasTaxes => statement.Taxes.Length > 0;
        static double AmountEnds => Right - 6;
        static double TaxEnds => AmountEnds - 74;
        static double NetEnds => TaxEnds - 78;
        double PriceEnds => HasTaxes ? NetEnds - 72 : TaxEnds;
        double QuantityEnds => PriceEnds - 70;
        double NameWidth => (isCredit ? HasTaxes ? NetEnds - 70 : TaxEnds : QuantityEnds - 36) - Left - 24;


        void ColumnHeads()
        {
            page.Fill(Left, y, Right - Left, 21, Pale);
            void Head(string text, double right) => page.TextToTheLeftOf(typesetter.Set(text, bold: true), right, y + 14, Small, Soft);
            page.Text(typesetter.Set(words.Description, bold: true), Left + 24, y + 14, Small, Soft);
            if (!isCredit)
            {
                Head(words.Quantity, QuantityEnds);
                Head(words.UnitPrice, PriceEnds);
            }
            if (HasTaxes)
            {
                Head(words.Net, NetEnds);
                Head(words.Tax, TaxEnds);
            }
            Head(words.Amount(invoice.Total.Currency.Code), AmountEnds);
            y += 21;
        }

        IEnumerable<(double Right, string Value)> Cells(TaxedLine line)
        {
            if (!isCredit)
            {
                yield return (QuantityEnds, $"{line.Quantity}");
                yield return (PriceEnds, Number(line.UnitAmount));
            }
            if (HasTaxes)
            {
                yield return (NetEnds, Number(line.Net));
                yield return (TaxEnds, Number(line.Taxes.Sum()));
            }
            yield return (AmountEnds, Number(line.Total));
        }

        void Totals()
        {
            var sums = HasTaxes ? Sums().ToList() : [];
            // Code and total are on one page with the sums where those fit on one; of more the code stands beside the first.
            var height = Math.Max(sums.Count * SumLine + 60, 118);
            if (y + (height > Bottom - Top - 6 ? 118 : height) > Bottom)
            {
                NewPage();
                y += 6;
            }
            y += 12;
            var start = y;
            Code();
            y = start + 10;
            foreach (var (label, value) in sums)
            {
                if (y > Bottom)
                {
                    NewPage();
                    y += 12;
                }
                page.TextToTheLeftOf(typesetter.Set(label), AmountEnds - 92, y, Normal, Soft);
                page.TextToTheLeftOf(typesetter.Set(value), AmountEnds, y, Normal, Dark);
                y += SumLine;
            }
            y += sums.Count > 0 ? 2 : -6;
            if (y + 48 > Bottom + 12)
            {
                NewPage();
                y += 6;
            }
            page.Fill(Right - 260, y, 260, 30, Pale);
            page.Text(typesetter.Set(!isCredit ? words.TotalPaid : invoice.Refund is null ? words.TotalCancelled : words.TotalBack, bold: true), Right - 250, y + 19.5, Big, Dark);
            page.TextToTheLeftOf(typesetter.Set(MoneyText.Of(invoice.Total, indian), bold: true), AmountEnds, y + 19.5, 12, Blue);
            if (HasTaxes && !isCredit) page.TextToTheLeftOf(typesetter.Set(words.PricesHoldTax), AmountEnds, y + 43, Small, Soft);
        }

        IEnumerable<(string Label, string Value)> Sums()
        {
            yield return (words.NetTotal, Number(statement.Net));
            foreach (var (rate, net, taxes) in statement.ByRate)
                for (var i = 0; i < taxes.Length; i++)
                    yield return (words.TaxOn($"{NameOf(statement.Taxes[i])} {(statement.Taxes.Length == 2 ? rate.Half() : rate.ToString())} %", Number(net)), Number(taxes[i]));
        }

        string NameOf(Tax tax) => tax == Tax.Vat ? document.TaxName : tax.ToString().ToUpperInvariant();

        /// <summary>The link as squares. Dark ones that touch in a row are one rectangle.</summary>
        void Code()
        {
            const double Side = 84;
            using var code = QRCodeGenerator.GenerateQrCode(link, QRCodeGenerator.ECCLevel.M);
            var rows = code.ModuleMatrix;
            var unit = Side / rows.Count;
            var areas = new List<(double, double, double, double)>();
            for (var row = 0; row < rows.Count; row++)
                for (var from = 0; from < rows.Count; from++)
                {
                    var to = from;
                    while (to < rows.Count && rows[row][to]) to++;
                    if (to > from) areas.Add((Left - 4 * unit + from * unit, y - 4 * unit + row * unit, (to - from) * unit, unit));
                    from = to;
                }
            page.Fill(areas, Dark);
            page.Text(typesetter.Set(words.Status), Left, y + Side - 4 * unit + 2, Small, Soft);
        }

        void Foot(PdfPage on, int number)
        {
            on.Fill(Left, Bottom + 12, Right - Left, 0.75, Faint);
            var at = Bottom + 25;
            if (document.Footer is { } footer)
                foreach (var line in typesetter.Wrap(footer, Small, Right - Left - 150, 2))
                {
                    on.Text(line, Left, at, Small, Soft);
                    at += 10;
                }
            on.TextToTheLeftOf(typesetter.Set($"{invoice.Number} · {words.Page(number, pages.Count)}"), Right, Bottom + 25, Small, Soft);
        }

        void Paragraph(string text, double x, double width, double size, Ink ink, int most, bool bold = false)
        {
            foreach (var line in typesetter.Wrap(text, size, width, most, bold))
            {
                page.Text(line, x, y, size, ink);
                y += size * 1.45;
            }
        }

        string Number(long minorUnits) => MoneyText.Number(new Money(minorUnits, invoice.Total.Currency), indian);

        // Where the buyer names no country, the seller's is meant.
        bool IsIndia(string? country) => (country ?? document.Seller.Country) == PlaceOfSupply.India;

        string TaxNumberName(string? country) => statement.Taxes.Any(t => t is not Tax.Vat) && IsIndia(country) ? "GSTIN" : words.TaxNumber(statement.Taxes.Length > 0 && statement.Taxes[0] == Tax.Vat ? document.TaxName : words.Tax);

        string Region(string? country, string? state) =>
            string.Join(", ", new[] { IsIndia(country) && IndianState.Find(state) is { } known ? words.State(known) : state, country }.Where(p => p is { Length: > 0 }));
    }
}
