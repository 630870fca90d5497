using System.Collections.Immutable;
using Purser.Reconciliation;

namespace Purser.Gateways.PhonePe;

/// <summary>A statement of settled money. What columns their dashboard's file has is not published; these are of our choosing, and a file of theirs is
/// to be brought into them.</summary>
static class PhonePeSettlement
{
    static readonly TimeSpan India = new(5, 30, 0);

    public static readonly SettlementSheet Sheet = new(
        ImmutableArray.Create("row_type", "merchant_order_id", "transaction_id", "refund_id", "amount", "fee", "gst", "net", "utr", "settlement_id"), Read);

    static SettlementLine? Read(SettlementRow row, GatewayAccount account)
    {
        // A foot of words alone; a row with an amount and without a type would be lost.
        if (row.Cell("row_type") is null && row.Cell("amount") is null && row.Cell("net") is null) return null;
        var type = row.Text("row_type");
        var (kind, key) = type.ToUpperInvariant() switch
        {
            "PAYMENT" => (SettlementKind.Payment, $"payment:{row.Text("transaction_id")}"),
            "REFUND" => (SettlementKind.Refund, $"refund:{row.Text("refund_id")}"),
            // It has no name of its own.
            "ADJUSTMENT" => (SettlementKind.Adjustment, $"adjustment:{row.Text("settlement_id")}:{row.Text("transaction_date")}:{row.Text("net")}"),
            _ => throw new SettlementRowException("row_type", $"'{type}' is no kind of row that is known"),
        };
        var amount = row.Major("amount", PhonePeMapping.Rupee);
        return new SettlementLine(key, kind, amount.MinorUnits < 0 ? -amount : amount, row.Major("net", PhonePeMapping.Rupee))
        {
            Payment = PaymentId.TryParseReference(row.Cell("merchant_order_id"), out var ours) ? ours : null,
            // A refund's transaction is its own, and not that of the money that it gives back.
            MoneyReference = kind == SettlementKind.Payment ? row.Cell("transaction_id") : null,
            RefundReference = row.Cell("refund_id"),
            Fee = row.MajorOrNone("fee", PhonePeMapping.Rupee),
            Tax = row.MajorOrNone("gst", PhonePeMapping.Rupee),
            HappenedAt = row.Cell("transaction_date") is null ? null : row.Time("transaction_date", India, "yyyy-MM-dd'T'HH:mm:sszzz"),
            SettledOn = row.Cell("settlement_date") is null ? null : row.Day("settlement_date", "yyyy-MM-dd"),
            PayoutReference = row.Cell("utr"),
        };
    }
}
