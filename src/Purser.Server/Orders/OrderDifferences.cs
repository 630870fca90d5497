using System.Collections.Immutable;
using Purser.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Orders;

/// <summary>In which fields a stated order differs from the stored one.</summary>
static class OrderDifferences
{
    public static IReadOnlyList<FieldFault> Of(OrderBody body, OrderTerms terms, StoredOrder stored)
    {
        var faults = new List<FieldFault>();
        var (order, content) = stored;
        void Compare(string field, object? stated, object? first)
        {
            if (!Equals(stated, first))
                faults.Add(new FieldFault(field, $"'{field}' is {Show(stated)}; the first order has {Show(first)}.", "Send what the first order has, or begin a new one."));
        }
        // An error is logged in many places: whose order it was is not said in it.
        void ComparePersonal(string field, object? stated, object? first)
        {
            if (!Equals(stated, first)) faults.Add(new FieldFault(field, $"'{field}' differs from the first order's.", "Send what the first order has, or begin a new one."));
        }
        Compare("reference", body.Reference, order.Reference);
        Compare("currency", terms.Amount.Currency.Code, order.Amount.Currency.Code);
        // The price of a product is not stated and may have changed since; what was ordered is the same all the same.
        var byProduct = terms.Lines.Length == content.Lines.Length && terms.Lines.All(l => l.Product is not null);
        if (!byProduct) Compare("amount", terms.Amount.MinorUnits, order.Amount.MinorUnits);
        CompareLines(faults, terms.Lines, content.Lines);
        if (body.Description is not null || !byProduct) Compare("description", terms.Description, order.Description);
        ComparePersonal("customer.name", terms.Customer.Name, order.Customer.Name);
        ComparePersonal("customer.email", terms.Customer.Email, order.Customer.Email);
        ComparePersonal("customer.phone", terms.Customer.Phone, order.Customer.Phone);
        ComparePersonal("customer.country", terms.Customer.Country, order.Customer.Country);
        ComparePersonal("customer.address", terms.Billing?.Address, content.Billing?.Address);
        ComparePersonal("customer.state", terms.Billing?.State, content.Billing?.State);
        ComparePersonal("customer.tax_id", terms.Billing?.TaxId, content.Billing?.TaxId);
        Compare("user_id", body.UserId, content.UserId);
        ComparePairs(faults, body.Metadata, content.Metadata);
        Compare("return_url", body.ReturnUrl, content.ReturnUrl);
        Compare("locale", body.Locale, content.Locale);
        Compare("expires_in_seconds", (long)terms.Lives.TotalSeconds, (long)Math.Round((order.ExpiresAt - order.CreatedAt).TotalSeconds));
        Compare("policy.late_payment", Word(terms.Policy.Late), Word(order.Policy.Late));
        Compare("policy.duplicate_payment", Word(terms.Policy.Duplicate), Word(order.Policy.Duplicate));
        Compare("policy.failed_payment", Word(terms.Policy.Failed), Word(order.Policy.Failed));
        Compare("policy.second_link", terms.Policy.AllowsSecondLink ? "allow" : "refuse", order.Policy.AllowsSecondLink ? "allow" : "refuse");
        return faults;
    }

    static void CompareLines(List<FieldFault> faults, ImmutableArray<OrderLine> stated, ImmutableArray<OrderLine> first)
    {
        if (stated.Length != first.Length)
        {
            faults.Add(new FieldFault("lines", $"There are {stated.Length} lines; the first order has {first.Length}.", "Send what the first order has, or begin a new one."));
            return;
        }
        for (var i = 0; i < stated.Length; i++)
        {
            var (one, other) = (stated[i], first[i]);
            var same = one.Product is not null ? one.Product == other.Product && one.Quantity == other.Quantity : one == other;
            if (!same)
                faults.Add(new FieldFault($"lines[{i}]", $"'lines[{i}]' is {Show(one)}; the first order has {Show(other)}.", "Send what the first order has, or begin a new one."));
        }
    }

    static void ComparePairs(List<FieldFault> faults, IReadOnlyDictionary<string, string>? stated, ImmutableSortedDictionary<string, string> first)
    {
        stated ??= ImmutableSortedDictionary<string, string>.Empty;
        foreach (var name in stated.Keys.Union(first.Keys).Order(StringComparer.Ordinal))
            if (!(stated.TryGetValue(name, out var one) && first.TryGetValue(name, out var other) && one == other))
                faults.Add(new FieldFault($"metadata.{name}", $"'metadata.{name}' differs from the first order's.", "Send what the first order has, or begin a new one."));
    }

    static string Word(Enum value) => EventNames.Snake(value.ToString());

    static string Show(object? value) => value switch
    {
        null => "absent",
        OrderLine { Product: { } product } line => $"{line.Quantity} of the product '{product}'",
        OrderLine line => $"{line.Quantity} of '{line.Name}' at {line.UnitAmount}",
        string text => $"'{text}'",
        _ => value.ToString()!,
    };
}
