using Purser.Invoices;

namespace Purser.Server.Invoices;

/// <summary>What an invoice must be able to say of its buyer.</summary>
public static class BuyerRules
{
    /// <summary>What is wrong with a buyer, in words that hold nothing of the buyer's: they may be written to a log.</summary>
    /// <param name="country">Null: the seller's is meant.</param>
    /// <param name="state">Letters of ISO 3166-2 without the country, or GST's two digits.</param>
    /// <returns>The field of <c>customer</c>, what is wrong, and what to send instead.</returns>
    public static IEnumerable<(string Field, string Detail, string Remedy)> Faults(string? country, string? state, string? taxId, InvoiceOptions seller)
    {
        var india = (country ?? (seller.IsConfigured ? seller.Country : null)) == PlaceOfSupply.India;
        var underGst = india && seller is { IsConfigured: true, Tax: "gst" };
        var gstin = country == PlaceOfSupply.India || underGst;
        if (state is not null && (india ? IndianState.Find(state) is null : !state.All(char.IsAsciiLetterOrDigit)))
            yield return ("state", $"'customer.state' is no state{(india ? " of India" : "")}.", "Send its letters of ISO 3166-2, such as KA for Karnataka, or leave it out; with 'customer.country' where it is a state of another country than the seller's.");
        if (taxId is not null && (gstin ? !Gstin.IsWellFormed(taxId) : !taxId.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or ' ' or '.' or '/')))
            yield return ("tax_id", gstin ? "'customer.tax_id' is no GSTIN: its form or its last character is not right." : "'customer.tax_id' is no tax number.",
                "Send it as it stands on the buyer's certificate, such as 27AAPFU0939F1ZV, or leave it out; with 'customer.country' where it is a number of another country than the seller's.");
        if (underGst && IndianState.Find(state) is { } said && Gstin.StateOf(taxId) is { } registered && said != registered)
            yield return ("state", "'customer.state' is another state than the one in which 'customer.tax_id' is registered.", "Correct one of them, or leave the state out: the number says it.");
    }
}
