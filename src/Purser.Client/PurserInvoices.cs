using System.Runtime.CompilerServices;

namespace Purser.Client;

/// <summary>Reading invoices, or credit notes: <see cref="PurserClient.Invoices"/> and <see cref="PurserClient.CreditNotes"/> are one each. Purser writes them by itself.</summary>
public sealed class PurserInvoices
{
    readonly PurserLine line;
    readonly string path;

    internal PurserInvoices(PurserLine line, string path) => (this.line, this.path) = (line, path);

    /// <summary>The newest first, without what is printed on them; pages are fetched as you go.</summary>
    /// <param name="filter">Which ones; all when left out.</param>
    /// <param name="stop">Gives the listing up.</param>
    public async IAsyncEnumerable<Invoice> List(InvoiceFilter? filter = null, [EnumeratorCancellation] CancellationToken stop = default)
    {
        string? cursor = null;
        do
        {
            var page = await line.Get(Addresses.Query(path, ("order", filter?.Order), ("issued_after", Addresses.Time(filter?.IssuedAfter)),
                ("issued_before", Addresses.Time(filter?.IssuedBefore)), ("cursor", cursor)), PurserJson.Default.InvoicePage, stop);
            foreach (var invoice in page.Invoices ?? page.CreditNotes ?? []) yield return invoice;
            cursor = page.Next;
        }
        while (cursor is not null);
    }

    /// <summary>One, with all that is printed on it.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="stop">Gives the call up.</param>
    /// <exception cref="PurserProblemException"><c>invoice_unknown</c>: none has this number.</exception>
    public Task<Invoice> Get(string number, CancellationToken stop = default) => line.Get($"{path}/{Addresses.Id(number)}", PurserJson.Default.Invoice, stop);

    /// <summary>The PDF, from its beginning; the same bytes each time, until a credit note is voided.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="stop">Gives the call up.</param>
    /// <exception cref="PurserProblemException"><c>invoice_unknown</c>: none has this number.</exception>
    public Task<Stream> Pdf(string number, CancellationToken stop = default) => line.Pdf($"{path}/{Addresses.Id(number)}.pdf", stop);
}
