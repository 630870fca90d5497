namespace Purser;

/// <summary>What a row of a gateway's statement says about one sum of money. Kept once, with that money.</summary>
/// <param name="RowKey">The gateway's own name for the row; the same row again is no news.</param>
/// <param name="Amount">What the shopper paid or got back, without sign.</param>
/// <param name="Net">What the row adds to our balance at the gateway, with sign, in the currency in which it settles.</param>
/// <param name="Fee">What the gateway keeps, without the tax on it; null when the row does not say.</param>
/// <param name="On">The day of the payout, by the gateway's calendar.</param>
public sealed record Settled(string RowKey, Money Amount, Money Net, Money? Fee = null, Money? Tax = null, DateOnly? On = null, string? PayoutReference = null);

/// <summary>What the contract with the gateway says that will come of captured money; written down when it is captured.</summary>
/// <param name="Fee">Null when the account's contract states no rate for it.</param>
/// <param name="DueOn">By when a statement should have it; null when the contract does not say.</param>
public sealed record Expected(Money? Fee, Money? Tax, DateOnly? DueOn);
