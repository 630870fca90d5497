namespace Purser.Ledger;

/// <summary>One side of a balanced entry: the account and a signed amount; positive is debit. The sides of one event sum to zero.</summary>
public sealed record Posting(OrderId Order, int Sequence, int Line, string Account, Money Amount);
