using Purser.Invoices;
using Purser.Server.Mail;
using Purser.Server.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Invoices;

/// <summary>Who sells, under which tax, from the section <c>Purser:Invoices</c>. Without a seller there are no invoices.</summary>
public sealed record InvoiceOptions
{
    public const string Section = PurserOptions.Section + ":Invoices";

    /// <summary>Sixteen characters are allowed in India: a prefix, a year of four, a number of six, and two hyphens.</summary>
    const int LongestPrefix = 4;
    const int LongestText = 300;

    /// <summary>No invoices are written any more, by any node; what waits is given up. A node that merely lacks the settings ends nothing.</summary>
    public bool Ended { get; init; }
    /// <summary>The seller's registered name.</summary>
    public string? Seller { get; init; }
    /// <summary>The whole address on one line.</summary>
    public string? Address { get; init; }
    /// <summary>ISO 3166-1 alpha-2.</summary>
    public string Country { get; init; } = PlaceOfSupply.India;
    /// <summary>ISO 3166-2 without the country: <c>KA</c>. GST needs it.</summary>
    public string? State { get; init; }
    /// <summary>GSTIN, VAT number and the like.</summary>
    public string? TaxId { get; init; }
    /// <summary><c>gst</c>, <c>vat</c> or <c>none</c>.</summary>
    public string Tax { get; init; } = "none";
    /// <summary>What the country calls its value added tax, where it is one: <c>VAT</c>, <c>MwSt.</c>, <c>GST</c>.</summary>
    public string TaxName { get; init; } = "VAT";
    /// <summary>The tax in the price of what states none, in percent: <c>18</c>.</summary>
    public string? TaxRate { get; init; }
    /// <summary>HSN or SAC of what states none.</summary>
    public string? Hsn { get; init; }
    /// <summary>What numbers of invoices begin with.</summary>
    public string Prefix { get; init; } = "INV";
    /// <summary>What numbers of credit notes begin with.</summary>
    public string CreditPrefix { get; init; } = "CRN";
    /// <summary>The month in which numbers begin anew; 4 under GST and 1 elsewhere when left out.</summary>
    public int? YearStartsIn { get; init; }
    /// <summary>The zone of the dates on invoices, by its IANA name; that of mails when left out.</summary>
    public string? TimeZone { get; init; }
    /// <summary>A line at the end of each page: bank, registration, thanks.</summary>
    public string? Footer { get; init; }

    public bool IsConfigured => !Ended && Seller is { Length: > 0 };

    public IndianState? SellerState => IndianState.Find(State);

    public TaxRate UsualRate => Purser.Invoices.TaxRate.TryParse(TaxRate, out var rate) ? rate : default;

    public int FirstMonth => YearStartsIn ?? (Tax == "gst" ? 4 : 1);

    public static InvoiceOptions Of(IConfiguration configuration) => configuration.GetSection(Section).Get<InvoiceOptions>() ?? new InvoiceOptions();

    /// <summary>Faults of the settings, each with its name and remedy.</summary>
    public static IEnumerable<string> Faults(IConfiguration configuration)
    {
        var section = configuration.GetSection(Section);
        var known = typeof(InvoiceOptions).GetProperties().Where(p => p.CanWrite).Select(p => p.Name).ToArray();
        foreach (var child in section.GetChildren())
            if (!known.Contains(child.Key, StringComparer.OrdinalIgnoreCase)) yield return $"{Section}:{child.Key} is no setting; leave it out, or use one of {string.Join(", ", known)}.";
        if (section["YearStartsIn"] is { } month && (!int.TryParse(month, out var first) || first is < 1 or > 12))
        {
            yield return $"{Section}:YearStartsIn is '{month}'; set it to a month from 1 to 12, or leave it out.";
            yield break;
        }
        foreach (var fault in Of(configuration).Faults(section.GetChildren().Any())) yield return fault;
    }

    IEnumerable<string> Faults(bool any)
    {
        if (!any || Ended) yield break;
        if (!IsConfigured)
        {
            yield return $"{Section}:Seller is missing; set it to the seller's registered name, or leave all of {Section} out to have no invoices.";
            yield break;
        }
        foreach (var (name, text) in new[] { ("Seller", Seller), ("Address", Address), ("TaxId", TaxId), ("TaxName", TaxName), ("Footer", Footer) })
            if (text is { } shown && (shown.Length > LongestText || shown.Any(char.IsControl))) yield return $"{Section}:{name} is longer than {LongestText} characters or holds a control character; write it on one line.";
        if (Address is not { Length: > 0 }) yield return $"{Section}:Address is missing; set it to the seller's address on one line.";
        if (Country.Length != 2 || !Country.All(char.IsAsciiLetterUpper)) yield return $"{Section}:Country is '{Country}'; set it to two letters of ISO 3166-1, such as IN.";
        if (Tax is not ("gst" or "vat" or "none")) yield return $"{Section}:Tax is '{Tax}'; set it to gst for India's, to vat for one tax under a name of its own, or to none.";
        if (TaxRate is { } rate && !Purser.Invoices.TaxRate.TryParse(rate, out _)) yield return $"{Section}:TaxRate is '{rate}'; set it to a rate in percent with up to two decimals, such as 18.";
        if (Tax is "gst" or "vat" && TaxRate is null) yield return $"{Section}:TaxRate is missing; set it to the usual rate in percent, such as 18, for products and lines that state none.";
        if (Hsn is { } hsn && !TaxFields.IsHsn(hsn)) yield return $"{Section}:Hsn is '{hsn}'; set it to 4 to 8 digits, or leave it out.";
        foreach (var fault in Numbers().Concat(Gst())) yield return fault;
        if (TimeZone is { } zone && !TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _)) yield return $"{Section}:TimeZone is '{zone}'; set it to a name such as Asia/Kolkata, or leave it out.";
    }

    IEnumerable<string> Numbers()
    {
        foreach (var (name, prefix) in new[] { ("Prefix", Prefix), ("CreditPrefix", CreditPrefix) })
            if (prefix.Length is 0 or > LongestPrefix || !prefix.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c)))
                yield return $"{Section}:{name} is '{prefix}'; set it to 1 to {LongestPrefix} capital letters or digits.";
        if (Prefix == CreditPrefix) yield return $"{Section}:CreditPrefix is {Section}:Prefix; credit notes have a series of their own, so set another.";
    }

    IEnumerable<string> Gst()
    {
        if (Tax != "gst") yield break;
        if (Country != PlaceOfSupply.India) yield return $"{Section}:Country is '{Country}' and {Section}:Tax is gst, which is India's; set Tax to vat and TaxName to the tax's name.";
        if (SellerState is not { } state) yield return $"{Section}:State is '{State}'; set it to the seller's state by its letters, such as KA for Karnataka.";
        else if (TaxId is { } number && Gstin.StateOf(number) is { } registered && registered != state)
            yield return $"{Section}:TaxId is registered in {registered.Name}, and {Section}:State is {state.Name}; correct one of them.";
        if (TaxId is not { } gstin || !Gstin.IsWellFormed(gstin)) yield return $"{Section}:TaxId is '{TaxId}'; set it to the seller's GSTIN of 15 characters as it stands on the certificate.";
    }
}
