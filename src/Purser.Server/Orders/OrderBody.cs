using System.Collections.Immutable;
using System.ComponentModel;
using System.Text.Json.Serialization;
using Purser.Server.Invoices;
using Purser.Server.Mail;
using Purser.Server.Platform;

namespace Purser.Server.Orders;

/// <summary>What a merchant states of an order.</summary>
public sealed record OrderBody(
    [property: Description("Your own name for the order, unique for ever: the same again gives the same order. Secret keys only.")] string? Reference = null,
    [property: Description("ISO 4217. May be left out when every line names a product.")] string? Currency = null,
    [property: Description("What is sold, 1 to 500 lines. A secret key may leave them out and state amount and description.")] IReadOnlyList<LineBody>? Lines = null,
    [property: Description("The total in minor units; with lines it must be their sum.")] long? Amount = null,
    [property: Description("One line for the gateway's page; made of the lines when left out.")] string? Description = null,
    CustomerBody? Customer = null,
    [property: Description("Your own name for the shopper. Secret keys only.")] string? UserId = null,
    [property: Description("Up to 50 names with texts, kept for you. Secret keys only.")] IReadOnlyDictionary<string, string>? Metadata = null,
    [property: Description("Where our pages send the shopper in the end; within Purser:ReturnUrls.")] string? ReturnUrl = null,
    [property: Description("60 to 7776000 (90 days); 1800 unless the installation says otherwise.")] int? ExpiresInSeconds = null,
    [property: Description("Secret keys only.")] PolicyBody? Policy = null,
    [property: Description("en or hi: the language of mails to the shopper; the installation's when left out."),
     JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Locale = null)
{
    public const int MostLines = 500;
    public const long MostMinorUnits = 999_999_999_999;
    public const int MostQuantity = 1_000_000;
    public const int LongestDescription = 200;
    internal const int LongestName = 200;
    internal const int LongestEmail = 254;
    const int LongestUrl = 2000;
    const int MostPairs = 50;
    const int LongestPairName = 40;
    const int LongestPairText = 500;
    internal const string Minor = "the amount in minor units (49900 for 499.00 INR, 500 for 500 JPY, 1250 for 1.250 KWD)";

    /// <summary>Reads the fields, whatever they mean together.</summary>
    /// <param name="seller">Whose country is meant where the customer names none.</param>
    public static OrderBody Read(JsonFields fields, InvoiceOptions seller)
    {
        var body = new OrderBody(
            fields.Text("reference", 100), fields.Text("currency", 20), fields.Objects("lines", MostLines)?.Select(LineBody.Read).ToList(),
            fields.Whole("amount", 1, MostMinorUnits, Minor), fields.Text("description", LongestDescription), CustomerBody.Read(fields, seller),
            fields.Text("user_id", 100), fields.Pairs("metadata", MostPairs, LongestPairName, LongestPairText) is { Count: > 0 } pairs ? pairs : null,
            fields.Text("return_url", LongestUrl), (int?)fields.Whole("expires_in_seconds", 60, 7_776_000, "a number of seconds"), PolicyBody.Read(fields), fields.OneOf("locale", MailWords.Locales));
        fields.RefuseUnknown();
        return body;
    }
}

public sealed record LineBody(
    [property: Description("A product's id; then name and price are ours.")] string? Product = null,
    string? Name = null, long? Quantity = null, [property: Description("In minor units, tax included. Secret keys only.")] long? UnitAmount = null,
    [property: Description(TaxFields.HsnMeaning), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Hsn = null,
    [property: Description(TaxFields.RateMeaning), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? TaxRate = null)
{
    public static LineBody Read(JsonFields fields)
    {
        var line = new LineBody(fields.Text("product", 100), fields.Text("name", OrderBody.LongestName),
            fields.Whole("quantity", 1, OrderBody.MostQuantity, "how many", required: true), fields.Whole("unit_amount", 1, OrderBody.MostMinorUnits, OrderBody.Minor),
            TaxFields.Hsn(fields), TaxFields.Rate(fields));
        fields.RefuseUnknown();
        return line;
    }
}

public sealed record CustomerBody(
    string? Name = null, string? Email = null, string? Phone = null,
    [property: Description("ISO 3166-1 alpha-2, such as IN. Some ways to pay are offered in some countries only."),
     JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Country = null,
    [property: Description("For the invoice: the whole address on one line."), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Address = null,
    [property: Description("For the invoice: the state's letters of ISO 3166-2, such as KA for Karnataka. Within India it decides which taxes the price holds."),
     JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? State = null,
    [property: Description("For the invoice: GSTIN, VAT number and the like."), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? TaxId = null)
{
    const int LongestAddress = 300;
    const int LongestTaxId = 20;

    public static CustomerBody? Read(JsonFields order, InvoiceOptions seller)
    {
        if (order.Object("customer") is not { } fields) return null;
        var customer = new CustomerBody(fields.Text("name", 100), fields.Text("email", OrderBody.LongestEmail), fields.Text("phone", 25),
            fields.Text("country", 2)?.ToUpperInvariant(), fields.Text("address", LongestAddress), fields.Text("state", 3)?.ToUpperInvariant(),
            fields.Text("tax_id", LongestTaxId)?.ToUpperInvariant());
        fields.RefuseUnknown();
        CheckBilling(customer, fields, seller);
        if (customer.Country is { } country && (country.Length != 2 || !country.All(char.IsAsciiLetterUpper)))
            fields.Fault("country", "'customer.country' is no country code.", "Send two letters of ISO 3166-1, such as IN, or leave it out.");
        if (customer.Email is { } email && !LooksLikeEmail(email))
            fields.Fault("email", "'customer.email' is no e-mail address.", "Send one address such as asha@example.com, or leave it out.");
        if (customer.Phone is { } phone && (phone.Count(char.IsAsciiDigit) is < 5 or > 15 || phone.Any(c => !char.IsAsciiDigit(c) && c is not ('+' or ' ' or '-' or '(' or ')'))))
            fields.Fault("phone", "'customer.phone' is no telephone number.", "Send it with its country, such as +919876543210, or leave it out.");
        return customer;
    }

    /// <summary>An invoice is never written anew, so a slip that would put another tax on it for ever is refused here.</summary>
    static void CheckBilling(CustomerBody customer, JsonFields fields, InvoiceOptions seller)
    {
        foreach (var (field, detail, remedy) in BuyerRules.Faults(customer.Country, customer.State, customer.TaxId, seller)) fields.Fault(field, detail, remedy);
    }

    static bool LooksLikeEmail(string text)
    {
        var at = text.IndexOf('@', StringComparison.Ordinal);
        return at > 0 && at == text.LastIndexOf('@') && at < text.Length - 1 && !text.Any(c => char.IsWhiteSpace(c) || c is '<' or '>' or ',' or ';' or '"');
    }
}

public sealed record PolicyBody(
    [property: Description("refund, accept or ask.")] string? LatePayment = null, [property: Description("refund or ask.")] string? DuplicatePayment = null,
    [property: Description("refuse or allow.")] string? SecondLink = null, [property: Description("cancel or ask.")] string? FailedPayment = null)
{
    public static PolicyBody? Read(JsonFields order)
    {
        if (order.Object("policy") is not { } fields) return null;
        var policy = new PolicyBody(fields.OneOf("late_payment", "refund", "accept", "ask"), fields.OneOf("duplicate_payment", "refund", "ask"),
            fields.OneOf("second_link", "refuse", "allow"), fields.OneOf("failed_payment", "cancel", "ask"));
        fields.RefuseUnknown();
        return policy;
    }
}
