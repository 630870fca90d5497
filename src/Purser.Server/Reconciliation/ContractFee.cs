using Purser.Server.Gateways;

namespace Purser.Server.Reconciliation;

/// <summary>What a gateway may keep by the account's contract.</summary>
static class ContractFee
{
    /// <summary>Gateways round each their own way; one minor unit is no disagreement.</summary>
    const long Tolerance = 1;

    public static bool Exceeded(GatewayAccounts.Entry entry, Money amount, Money? fee, string? method)
    {
        if (fee is not { } kept || kept.Currency != amount.Currency || entry.Fees.IsEmpty) return false;
        foreach (var rate in entry.Fees)
            if (rate.Covers(amount.Currency, method)) return kept.MinorUnits > rate.Of(amount).MinorUnits + Tolerance;
        return false;
    }
}
