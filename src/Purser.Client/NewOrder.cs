using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>An order to place. With the same <see cref="Reference"/> and content it is the same order, however often and from wherever it is placed.</summary>
public sealed record NewOrder
{
    /// <summary>Your own name for the order, such as the cart's number; unique for ever. At most 100 characters.</summary>
    public required string Reference { get; init; }

    /// <summary>What is sold, 1 to 500 lines of one currency. May be empty when <see cref="Amount"/> and <see cref="Description"/> say it all.</summary>
    public IReadOnlyList<NewOrderLine> Lines { get; init; } = [];

    /// <summary>The total. May be left out when there are lines; with lines that state prices it must be their sum.</summary>
    public Money? Amount { get; init; }

    /// <summary>One line for the gateway's page; made of the lines when left out.</summary>
    public string? Description { get; init; }

    /// <summary>Who pays.</summary>
    public Customer? Customer { get; init; }

    /// <summary>Your own name for the shopper.</summary>
    public string? UserId { get; init; }

    /// <summary>Up to 50 names with texts, kept for you.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>Where Purser's pages send the shopper in the end; within the addresses that the installation allows.</summary>
    public string? ReturnUrl { get; init; }

    /// <summary>How long the order may be paid: 60 seconds to 90 days, sent in whole seconds; half an hour unless the installation says otherwise.</summary>
    public TimeSpan? ExpiresIn { get; init; }

    /// <summary>What to do with late and second money; the installation's habit when left out.</summary>
    public OrderPolicy? Policy { get; init; }

    /// <summary>The language of mails and invoices to the shopper, <c>en</c> or <c>hi</c>; the installation's when left out.</summary>
    public string? Locale { get; init; }

    internal OrderBody Body()
    {
        var stated = Lines.Select(l => l.UnitAmount).Append(Amount).OfType<Money>().Select(m => m.Currency).Distinct(StringComparer.Ordinal).ToList();
        if (stated.Count > 1) throw new ArgumentException($"An order has one currency, and this one has {string.Join(", ", stated)}.");
        return new OrderBody(Reference, stated.FirstOrDefault(), Lines.Count == 0 ? null : [.. Lines.Select(l => new LineBody(l.Product, l.Name, l.Quantity, l.UnitAmount?.MinorUnits, l.Hsn, l.TaxRate))],
            Amount?.MinorUnits, Description, Customer, UserId, Metadata, ReturnUrl, ExpiresIn is { } time ? (long)time.TotalSeconds : null, Policy, Locale);
    }
}

/// <summary>One line of an order to place: a product of Purser's list, or a name and a price of yours.</summary>
public sealed record NewOrderLine
{
    /// <summary>A name and a price of yours.</summary>
    /// <param name="name">As the shopper reads it.</param>
    /// <param name="quantity">1 or more.</param>
    /// <param name="unitAmount">The price of one.</param>
    public NewOrderLine(string name, int quantity, Money unitAmount) => (Name, Quantity, UnitAmount) = (name, quantity, unitAmount);

    NewOrderLine(string product, int quantity) => (Product, Quantity) = (product, quantity);

    /// <summary>So many of a product; name and price are Purser's.</summary>
    public static NewOrderLine OfProduct(string product, int quantity = 1) => new(product, quantity);

    /// <summary>The product's id, or null.</summary>
    public string? Product { get; }

    /// <summary>The line's name, or null for a product's own.</summary>
    public string? Name { get; }

    /// <summary>How many.</summary>
    public int Quantity { get; }

    /// <summary>The price of one, tax included, or null for a product's own.</summary>
    public Money? UnitAmount { get; }

    /// <summary>For the invoice: the HSN or SAC code, 4 to 8 digits. Of a product it is the product's own.</summary>
    public string? Hsn { get; init; }

    /// <summary>For the invoice: the tax that the price holds, in percent with up to two decimals, such as <c>18</c>. Of a product it is the product's own.</summary>
    public string? TaxRate { get; init; }
}

/// <summary>Who pays.</summary>
public sealed record Customer
{
    /// <summary>The name.</summary>
    public string? Name { get; init; }

    /// <summary>The address that mail about the order goes to.</summary>
    public string? Email { get; init; }

    /// <summary>The telephone number, with the country's, such as <c>+919876543210</c>.</summary>
    public string? Phone { get; init; }

    /// <summary>ISO 3166-1 alpha-2, such as IN. Some ways to pay are offered in some countries only.</summary>
    public string? Country { get; init; }

    /// <summary>For the invoice: the whole address on one line.</summary>
    public string? Address { get; init; }

    /// <summary>For the invoice: the state's letters of ISO 3166-2, such as KA for Karnataka. Within India it decides which taxes the price holds.</summary>
    public string? State { get; init; }

    /// <summary>For the invoice: GSTIN, VAT number and the like.</summary>
    public string? TaxId { get; init; }
}

/// <summary>What to do with money that nobody waits for.</summary>
public sealed record OrderPolicy
{
    /// <summary>Money after the order's end.</summary>
    public LatePolicy? LatePayment { get; init; }

    /// <summary>A second success.</summary>
    public DuplicatePolicy? DuplicatePayment { get; init; }

    /// <summary>Money that a gateway told of and denies afterwards, when no statement has it.</summary>
    public FailedPolicy? FailedPayment { get; init; }

    /// <summary><c>refuse</c> or <c>allow</c>: whether a second link may be open beside the first.</summary>
    public string? SecondLink { get; init; }
}

sealed record OrderBody(
    string Reference, string? Currency, IReadOnlyList<LineBody>? Lines, long? Amount, string? Description, Customer? Customer, string? UserId,
    IReadOnlyDictionary<string, string>? Metadata, string? ReturnUrl, long? ExpiresInSeconds, OrderPolicy? Policy, string? Locale);

sealed record LineBody(string? Product, string? Name, int Quantity, long? UnitAmount, string? Hsn, string? TaxRate);

sealed record PaymentBody(string? Gateway, string? Method);

sealed record RefundBody(long? Amount, string? Payment, string? Note);

sealed record InvoiceBody(Customer Customer);

sealed record ProductBody(string? Id, string Name, long UnitAmount, string Currency, string? Description, bool? Active, string? Hsn, string? TaxRate);

sealed record RotationBody(int? OverlapHours);

sealed record RedeliveryBody(string Since, string? Until, string? Status);

sealed record ProblemBody(
    string? Type, string? Title, string? Detail, string? Field, string? Remedy, string? Resource, string? TraceId, IReadOnlyList<FieldFault>? Errors);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OrderBody))]
[JsonSerializable(typeof(PaymentBody))]
[JsonSerializable(typeof(RefundBody))]
[JsonSerializable(typeof(InvoiceBody))]
[JsonSerializable(typeof(ProductBody))]
[JsonSerializable(typeof(ProductChange))]
[JsonSerializable(typeof(NewWebhookEndpoint))]
[JsonSerializable(typeof(WebhookEndpointChange))]
[JsonSerializable(typeof(RotationBody))]
[JsonSerializable(typeof(RedeliveryBody))]
[JsonSerializable(typeof(ProblemBody))]
[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(OrderPage))]
[JsonSerializable(typeof(Explanation))]
[JsonSerializable(typeof(OrderChange))]
[JsonSerializable(typeof(Payment))]
[JsonSerializable(typeof(Refund))]
[JsonSerializable(typeof(Product))]
[JsonSerializable(typeof(ProductPage))]
[JsonSerializable(typeof(GatewayPage))]
[JsonSerializable(typeof(Balances))]
[JsonSerializable(typeof(EventPage))]
[JsonSerializable(typeof(OrderEventPage))]
[JsonSerializable(typeof(WebhookEndpoint))]
[JsonSerializable(typeof(WebhookEndpointPage))]
[JsonSerializable(typeof(WebhookTest))]
[JsonSerializable(typeof(Redelivery))]
[JsonSerializable(typeof(Delivery))]
[JsonSerializable(typeof(DeliveryPage))]
[JsonSerializable(typeof(Invoice))]
[JsonSerializable(typeof(InvoicePage))]
[JsonSerializable(typeof(PurserEvent))]
sealed partial class PurserJson : JsonSerializerContext;
