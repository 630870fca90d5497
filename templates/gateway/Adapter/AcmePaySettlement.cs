using Purser.Reconciliation;

namespace Purser.Gateways.AcmePay;

/// <summary>The statement of a day, as their dashboard gives it. The file itself is read elsewhere; here one row is given a meaning.</summary>
static class AcmePaySettlement
{
    /// <summary>DECIDE by which columns a file is known to be theirs: those without which a row cannot be read.</summary>
    public static SettlementSheet Sheet { get; } = new(["entry", "kind", "currency", "amount", "fee", "net"], Read);

    static SettlementLine? Read(SettlementRow row, GatewayAccount account)
    {
        // A foot of words alone. TRAP: a row with an amount and without a kind (a merged cell) would be lost.
        if (row.Cell("kind") is null && row.Cell("amount") is null && row.Cell("net") is null) return null;
        var word = row.Text("kind");
        var kind = word switch
        {
            "payment" => SettlementKind.Payment,
            "refund" => SettlementKind.Refund,
            "payout" => SettlementKind.Payout,
            // A kind that we do not know is a fault with its line and column, and not a row that is silently left out.
            _ => throw new SettlementRowException("kind", $"'{word}' is not known"),
        };
        // TRAP: the API counts minor units, this file says 499.00.
        var currency = row.Currency("currency");
        var amount = row.Major("amount", currency);
        // TRAP: the key must be the same when the statement is issued again, else everything in it is booked twice.
        return new SettlementLine(row.Text("entry"), kind, amount.MinorUnits < 0 ? -amount : amount, row.Major("net", currency))
        {
            Payment = kind == SettlementKind.Payment && PaymentId.TryParseReference(row.Cell("reference"), out var payment) ? payment : null,
            Refund = kind == SettlementKind.Refund && RefundId.TryParseReference(row.Cell("reference"), out var refund) ? refund : null,
            MoneyReference = row.Cell("payment"),
            RefundReference = row.Cell("refund"),
            Fee = row.MajorOrNone("fee", currency),
            SettledOn = row.Cell("paid_out_on") is null ? null : row.Day("paid_out_on", "yyyy-MM-dd"),
            PayoutReference = row.Cell("payout"),
        };
    }
}
