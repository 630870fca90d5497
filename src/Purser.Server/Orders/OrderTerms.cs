using System.Collections.Immutable;
using Purser.Gateways;
using Purser.Orders;
using Purser.Server.Platform;
using Purser.Server.Products;

namespace Purser.Server.Orders;

/// <summary>A stated order with all that follows from it: prices, sum, description, policy, time.</summary>
public sealed record OrderTerms(
    Money Amount, string Description, ImmutableArray<OrderLine> Lines, Customer Customer, OrderPolicy Policy, TimeSpan Lives, Billing? Billing);

/// <summary>Works out an order's terms and notes what cannot be. A backend may state prices; a browser only names our products.</summary>
public sealed class OrderPricing(PurserOptions options, ProductStore products)
{
    /// <summary>What only the merchant's backend may state.</summary>
    public static void RefuseUntrusted(OrderBody body, JsonFields fields)
    {
        const string Backend = "Leave it out, or place the order from your backend with a secret key.";
        void Refuse(object? stated, string name, string why)
        {
            if (stated is not null) fields.Fault(name, $"A publishable key may not state '{name}': {why}", Backend);
        }
        // Whoever could name orders from a browser could have a cheap one taken for a dear one.
        Refuse(body.Reference, "reference", "it names an order for ever. An Idempotency-Key makes the request safe to send again.");
        Refuse(body.Amount, "amount", "amounts never come from a browser.");
        Refuse(body.UserId, "user_id", "it would be believed.");
        Refuse(body.Metadata, "metadata", "it would be believed.");
        Refuse(body.Policy, "policy", "it decides about money.");
        for (var i = 0; i < body.Lines?.Count; i++)
            if (body.Lines[i] is { Hsn: not null } or { TaxRate: not null })
                fields.Fault($"lines[{i}].{(body.Lines[i].Hsn is null ? "tax_rate" : "hsn")}", "A publishable key may not state what tax a price holds: it is the product's.", Backend);
            else if (body.Lines[i].Product is null || body.Lines[i].UnitAmount is not null)
                fields.Fault($"lines[{i}].{(body.Lines[i].UnitAmount is null ? "product" : "unit_amount")}",
                    "A publishable key may only name products; their prices are ours.", "Send 'product' and 'quantity' alone.");
        if (body.Lines is null && !fields.Faults.Any(f => f.Field.StartsWith("lines", StringComparison.Ordinal)))
            fields.Fault("lines", "'lines' is missing.", "Send at least one line with 'product' and 'quantity'.");
    }

    /// <summary>Null when there are faults.</summary>
    public async Task<OrderTerms?> Price(OrderBody body, JsonFields fields, CancellationToken stop)
    {
        var lines = body.Lines ?? [];
        var named = lines.Select(l => l.Product).OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
        var known = named.Length == 0 ? [] : (await products.Find(named, stop)).ToDictionary(p => p.Id, StringComparer.Ordinal);

        var currency = CurrencyOf(body, fields, known);
        CheckReturnUrl(body, fields);
        var priced = ImmutableArray.CreateBuilder<OrderLine>(lines.Count);
        Int128 sum = 0;
        for (var i = 0; i < lines.Count; i++)
        {
            if (PriceLine(lines[i], $"lines[{i}]", fields, known, currency) is not { } line) continue;
            priced.Add(line);
            sum += (Int128)line.Quantity * line.UnitAmount;
        }
        CheckAmount(body, fields, sum);
        if (fields.Faults.Count > 0 || currency is not { } money) return null;
        return new OrderTerms(
            new Money(lines.Count > 0 ? (long)sum : body.Amount!.Value, money), body.Description ?? Describe(priced.ToImmutable()), priced.ToImmutable(),
            new Customer(body.Customer?.Name, body.Customer?.Email, body.Customer?.Phone, body.Customer?.Country), Policy(body.Policy),
            body.ExpiresInSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : options.OrderLife,
            body.Customer is { Address: null, State: null, TaxId: null } or null ? null : new Billing(body.Customer.Address, body.Customer.State, body.Customer.TaxId));
    }

    Currency? CurrencyOf(OrderBody body, JsonFields fields, Dictionary<string, Product> known)
    {
        if (body.Currency is { } code)
        {
            if (Currency.TryFind(code, out var stated)) return stated;
            fields.Fault("currency", $"'{code}' is no currency.", Currency.TryFind(code.ToUpperInvariant(), out var meant)
                ? $"Write it '{meant}'."
                : "Send the three capital letters of ISO 4217, such as INR, USD or JPY.");
            return null;
        }
        // Our products have their currency; a price that somebody states has not.
        if (body.Lines is { } lines && lines.All(l => l.Product is not null))
            return known.Values.Select(p => (Currency?)p.Price.Currency).FirstOrDefault();
        fields.Fault("currency", "'currency' is missing.", "Send the three capital letters of ISO 4217, such as INR, USD or JPY.");
        return null;
    }

    static OrderLine? PriceLine(
        LineBody line, string path, JsonFields fields, Dictionary<string, Product> known, Currency? currency)
    {
        if (line.Product is not { } id)
        {
            if (line.Name is null) fields.Fault($"{path}.name", $"'{path}' has neither 'product' nor 'name'.", "Send the id of a product, or a name with its unit_amount.");
            if (line.UnitAmount is null) fields.Fault($"{path}.unit_amount", $"'{path}.unit_amount' is missing.", "Send the price of one in minor units.");
            return line is { Name: { } name, UnitAmount: { } price, Quantity: { } count } ? new OrderLine(name, count, price, null, line.Hsn, TaxFields.Parsed(line.TaxRate)) : null;
        }
        if (line is not { Name: null, UnitAmount: null, Hsn: null, TaxRate: null })
        {
            fields.Fault($"{path}.{(line.UnitAmount is not null ? "unit_amount" : line.Name is not null ? "name" : line.Hsn is not null ? "hsn" : "tax_rate")}", $"'{path}' names a product and also states what it is or costs.",
                "Send 'product' and 'quantity' alone; name, price and tax are the product's.");
            return null;
        }
        if (!known.TryGetValue(id, out var product) || !product.Active)
        {
            fields.Fault($"{path}.product", known.ContainsKey(id) ? $"The product '{id}' is not sold any more." : $"There is no product '{id}'.",
                "Send the id of an active product; GET /v1/products lists them.");
            return null;
        }
        if (currency is { } wanted && product.Price.Currency != wanted)
        {
            fields.Fault($"{path}.product", $"The product '{id}' is sold in {product.Price.Currency}, the order is in {wanted}.", "Order products of one currency together.");
            return null;
        }
        return new OrderLine(product.Name, line.Quantity!.Value, product.Price.MinorUnits, id, product.Hsn, product.TaxRate);
    }

    static void CheckAmount(OrderBody body, JsonFields fields, Int128 sum)
    {
        if (fields.Faults.Count > 0) return;
        if (body.Lines is null)
        {
            if (body.Amount is null) fields.Fault("lines", "Neither 'lines' nor 'amount' is there.", "Send what is sold, or an amount with a description.");
            else if (body.Description is null) fields.Fault("description", "'description' is missing.", "Say in one line what the amount is for, or send lines.");
        }
        else if (sum > OrderBody.MostMinorUnits) fields.Fault("lines", $"The lines add up to {sum}.", $"An order is at most {OrderBody.MostMinorUnits} minor units; split it.");
        else if (body.Amount is { } stated && stated != sum) fields.Fault("amount", $"'amount' is {stated}, and the lines add up to {sum}.", "Correct one of them, or leave 'amount' out.");
    }

    void CheckReturnUrl(OrderBody body, JsonFields fields)
    {
        if (body.ReturnUrl is not { } url) return;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0)
            fields.Fault("return_url", "'return_url' is no address of a page.", "Send an absolute URL such as https://shop.example/thanks.");
        else if (!options.AllowedReturns.Any(allowed => Within(uri, new Uri(allowed))))
            fields.Fault("return_url", "'return_url' is not among the allowed addresses.",
                options.AllowedReturns.Count == 0
                    ? "No address is allowed yet; the operator sets Purser:ReturnUrls."
                    : $"Send one with the scheme, host and port of an allowed one, and within its path ({string.Join(", ", options.AllowedReturns.Take(5))}), or have yours added to Purser:ReturnUrls.");
    }

    /// <summary>Same scheme, host and port, and the path within the allowed one: compared in parts, for as text https://shop.example also
    /// begins https://shop.example.evil. A loopback address that is allowed without a port is allowed with any (as RFC 8252, 7.3): who develops a shop has it on some port.</summary>
    static bool Within(Uri url, Uri allowed)
    {
        var samePort = url.Port == allowed.Port || (allowed.IsLoopback && allowed.IsDefaultPort);
        if (url.Scheme != allowed.Scheme || !url.Host.Equals(allowed.Host, StringComparison.OrdinalIgnoreCase) || !samePort) return false;
        var path = allowed.AbsolutePath;
        return url.AbsolutePath == path || url.AbsolutePath.StartsWith(path.EndsWith('/') ? path : path + "/", StringComparison.Ordinal);
    }

    static string Describe(ImmutableArray<OrderLine> lines)
    {
        var more = lines.Length == 1 ? "" : $" and {lines.Length - 1} more";
        return Wire.Line(lines[0].Name, OrderBody.LongestDescription - more.Length) + more;
    }

    OrderPolicy Policy(PolicyBody? stated) => new(
        Enum.Parse<LatePolicy>(stated?.LatePayment ?? options.LatePayment, ignoreCase: true),
        Enum.Parse<DuplicatePolicy>(stated?.DuplicatePayment ?? options.DuplicatePayment, ignoreCase: true), stated?.SecondLink == "allow",
        Enum.Parse<FailedPolicy>(stated?.FailedPayment ?? options.FailedPayment, ignoreCase: true));
}
