namespace Purser;

/// <summary>What a row of a gateway's statement says about one sum of money. Kept once, with that money.</summary>
/// <param name="RowKey">The gateway's own name for the row; the same row again is no news.</param>
/// <param name="Amount">What the shopper paid or got back, without sign.</param>
/// <param name="Net">What the row adds to our balance at the gateway, with sign, in the currency in which it settles.</param>
/// <param name="Fee">What the gateway keeps, without the tax on it; null when the row does not say.</param>
/// <param name="On">The day of the payout, by the gateway's calendar.</param>
public sealed record Settled(string RowKey, Money Amount, Money Net, Money? Fee = null, Money? Tax = null, DateOnly? On = null, string? PayoutReference = null)
{
    /// <summary>Gateways round fee and tax each their own way.</summary>
    const long Tolerance = 2;

    /// <summary>Of money that came: it pays out no more than that, and what it keeps is what it names, if it names it. A row in two currencies is not judged.</summary>
    public bool AddsUp => Net.Currency != Amount.Currency
        || (Net.MinorUnits <= Amount.MinorUnits
            && (Fee is not { } fee || Int128.Abs((Int128)Amount.MinorUnits - fee.MinorUnits - (Tax?.MinorUnits ?? 0) - Net.MinorUnits) <= Tolerance));
}

/// <summary>What the contract with the gateway says that will come of captured money; written down when it is captured.</summary>
/// <param name="Fee">Null when the account's contract states no rate for it.</param>
/// <param name="DueOn">By when a statement should have it; null when the contract does not say.</param>
public sealed record Expected(Money? Fee, Money? Tax, DateOnly? DueOn)
{
    /// <summary>Gateways round fee and tax each their own way: so many minor units more of each are no disagreement.</summary>
    const long Tolerance = 1;

    /// <summary>Whether the gateway kept more than that. Fee and tax count together, for statements differ in what they call which.</summary>
    /// <param name="tax">What the statement states as tax.</param>
    public bool IsExceeded(Money amount, Money net, Money? tax)
    {
        if (Fee is not { } fee || net.Currency != fee.Currency || amount.Currency != fee.Currency) return false;
        var contract = (Int128)fee.MinorUnits + (Tax?.MinorUnits ?? 0);
        // Where the contract's tax is not known, a stated tax is left out on both sides.
        var kept = (Int128)amount.MinorUnits - net.MinorUnits - (Tax is null ? tax?.MinorUnits ?? 0 : 0);
        return kept > contract + (Tolerance * 2);
    }
}
