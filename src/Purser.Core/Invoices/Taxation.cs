using System.Collections.Immutable;

namespace Purser.Invoices;

/// <summary>One of the taxes that a price holds.</summary>
public enum Tax
{
    /// <summary>Value added tax, under whatever name the country gives it.</summary>
    Vat,
    /// <summary>India's central tax, half of the rate, within one state.</summary>
    Cgst,
    /// <summary>The state's half.</summary>
    Sgst,
    /// <summary>The half of a union territory that has no legislature.</summary>
    Utgst,
    /// <summary>India's integrated tax, the whole rate, between states and beyond the border.</summary>
    Igst,
}

/// <summary>Something sold, at a price that holds its tax.</summary>
/// <param name="Code">HSN or SAC.</param>
public sealed record PricedLine(string Name, long Quantity, long UnitAmount, string? Code, TaxRate Rate);

/// <summary>A line with its tax taken apart, in minor units: <paramref name="Net"/> and <paramref name="Taxes"/> add up to <see cref="Total"/>, which is what was paid.</summary>
/// <param name="Taxes">As many as the statement names, in its order.</param>
public sealed record TaxedLine(string Name, long Quantity, long UnitAmount, string? Code, TaxRate Rate, long Net, ImmutableArray<long> Taxes)
{
    public long Total => checked(Net + Taxes.Sum());

    /// <summary>Net and taxes, as one list.</summary>
    internal ImmutableArray<long> Parts => [Net, .. Taxes];

    internal TaxedLine With(ImmutableArray<long> parts) => this with { Net = parts[0], Taxes = parts[1..] };
}

/// <summary>The money of an invoice, or of a credit note: the same lines, with what of each goes back.</summary>
/// <param name="Taxes">Which taxes every line has; none where none is owed.</param>
public sealed record TaxStatement(Currency Currency, ImmutableArray<Tax> Taxes, ImmutableArray<TaxedLine> Lines)
{
    public long Net => Lines.Sum(l => l.Net);

    public long Total => Lines.Sum(l => l.Total);

    public ImmutableArray<long> TaxTotals => [.. Taxes.Select((_, i) => Lines.Sum(l => l.Taxes[i]))];

    /// <summary>Net and taxes of all lines of one rate, the lowest rate first.</summary>
    public IEnumerable<(TaxRate Rate, long Net, ImmutableArray<long> Taxes)> ByRate =>
        Lines.Where(l => l.Total > 0).GroupBy(l => l.Rate).OrderBy(g => g.Key.BasisPoints)
            .Select(g => (g.Key, g.Sum(l => l.Net), (ImmutableArray<long>)[.. Taxes.Select((_, i) => g.Sum(l => l.Taxes[i]))]));
}

/// <summary>Takes tax out of prices that hold it, and gives it back in proportion. Pure and exact: no minor unit appears or is lost.</summary>
public static class Taxation
{
    /// <summary>The version of these rules, kept with every invoice that was made by them.</summary>
    public const int Version = 1;

    /// <summary>Each line's tax is rounded to the nearest minor unit, a half upwards; the two halves of a rate are equal to the minor unit, and what is left is the net.</summary>
    public static TaxStatement Of(Currency currency, ImmutableArray<Tax> taxes, IEnumerable<PricedLine> lines) => new(currency, taxes,
    [
        .. lines.Select(l =>
        {
            var total = checked(l.Quantity * l.UnitAmount);
            ImmutableArray<long> parts = taxes.Length == 0 ? [] : [.. Enumerable.Repeat(Within(total, l.Rate, taxes.Length), taxes.Length)];
            return new TaxedLine(l.Name, l.Quantity, l.UnitAmount, l.Code, taxes.Length == 0 ? default : l.Rate, total - parts.Sum(), parts);
        }),
    ]);

    /// <summary>What of an amount, which is at most what the statement still has, goes back of each line and each tax: in proportion to what is left of them. The last one takes
    /// exactly what is left, so that credit notes of the whole amount add up to the invoice.</summary>
    public static TaxStatement Credit(TaxStatement left, long amount)
    {
        var shares = Shares.Of(amount, [.. left.Lines.Select(l => l.Total)]);
        return left with { Lines = [.. left.Lines.Zip(shares, (line, share) => line.With(Parts(line, share)))] };
    }

    /// <summary>What is left of an invoice after a credit note.</summary>
    public static TaxStatement Without(TaxStatement invoice, TaxStatement credit) => invoice with
    {
        Lines = [.. invoice.Lines.Zip(credit.Lines, (line, gone) => line.With([.. line.Parts.Zip(gone.Parts, (a, b) => a - b)]))],
    };

    /// <summary>The tax of one component within an amount: amount times rate, over one hundred percent and the rate, over the number of components.</summary>
    static long Within(long total, TaxRate rate, int components)
    {
        Int128 dividend = (Int128)total * rate.BasisPoints;
        Int128 divisor = (Int128)components * (TaxRate.Most + rate.BasisPoints);
        return (long)((2 * dividend + divisor) / (2 * divisor));
    }

    static ImmutableArray<long> Parts(TaxedLine line, long share)
    {
        if (line.Taxes is [var one, var other] && one == other && share > 0)
        {
            // Two equal halves stay equal, where that leaves a net that the line still has.
            var half = (long)(((Int128)share * one * 2 + line.Total) / ((Int128)line.Total * 2));
            if (share - 2 * half is >= 0 and var net && net <= line.Net) return [net, half, half];
        }
        return Shares.Of(share, line.Parts);
    }
}

/// <summary>Splitting an amount by the largest remainder.</summary>
public static class Shares
{
    /// <summary>Shares in proportion to the weights. They add up to the amount, and none is more than its weight.</summary>
    /// <param name="amount">From zero to the sum of the weights.</param>
    /// <param name="weights">None is negative.</param>
    public static ImmutableArray<long> Of(long amount, ImmutableArray<long> weights)
    {
        var whole = weights.Aggregate((Int128)0, (sum, w) => w >= 0 ? sum + w : throw new ArgumentOutOfRangeException(nameof(weights), "A weight is negative."));
        if (amount < 0 || amount > whole) throw new ArgumentOutOfRangeException(nameof(amount), $"{amount} is not between 0 and {whole}.");
        if (amount == 0) return [.. weights.Select(_ => 0L)];
        var shares = weights.Select(w => (long)(amount * (Int128)w / whole)).ToArray();
        var rest = amount - shares.Sum();
        foreach (var i in Enumerable.Range(0, weights.Length).OrderByDescending(i => amount * (Int128)weights[i] % whole).Take((int)rest)) shares[i]++;
        return [.. shares];
    }
}
