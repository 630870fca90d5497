using Purser.Reconciliation;

namespace Purser.Gateways.Ippopay;

/// <summary>The statement. The columns of what their panel exports are not documented: this is the layout of Purser's own to which an export is brought
/// before it is read.</summary>
static class IppopaySettlement
{
    const string Id = "settlement_id", Date = "settlement_date", Type = "type", Transaction = "trans_id", Mode = "pay_mode", Amount = "amount",
        Commission = "commission", CommissionTax = "commission_tax", Settled = "settled_amount", BankReference = "utr";

    public static SettlementSheet Sheet { get; } = new([Id, Date, Type, Transaction, Amount, Commission, CommissionTax, Settled], Read)
    {
        // Two charges of the same sum in one settlement are two.
        Unnamed = line => line.Kind == SettlementKind.Adjustment,
    };

    static SettlementLine? Read(SettlementRow row, GatewayAccount account)
    {
        if (row.Cell(Type) is null && row.Cell(Amount) is null && row.Cell(Settled) is null) return null;
        var (type, amount, net) = (row.Text(Type).ToLowerInvariant(), row.Major(Amount, IppopayMapping.Rupee), row.Major(Settled, IppopayMapping.Rupee));
        var kind = type switch
        {
            "payment" => SettlementKind.Payment,
            "refund" => SettlementKind.Refund,
            "adjustment" => SettlementKind.Adjustment,
            _ => throw new SettlementRowException(Type, $"'{type}' is not known"),
        };
        if (kind == SettlementKind.Payment ? amount.MinorUnits <= 0 : kind == SettlementKind.Refund && amount.MinorUnits > 0)
            throw new SettlementRowException(Amount, $"'{row.Text(Amount)}' has the wrong sign for a {type}");
        var transaction = kind == SettlementKind.Adjustment ? row.Cell(Transaction) : row.Text(Transaction);
        // Rows have no name of their own; what they are about, in which settlement and over how much is the closest to one.
        return new SettlementLine($"{row.Text(Id)}:{type}:{transaction}:{amount.ToMajorUnits()}", kind, amount.MinorUnits < 0 ? -amount : amount, net)
        {
            MoneyReference = transaction,
            Fee = row.MajorOrNone(Commission, IppopayMapping.Rupee),
            Tax = row.MajorOrNone(CommissionTax, IppopayMapping.Rupee),
            Method = IppopayMapping.Method(row.Cell(Mode)),
            SettledOn = row.Day(Date, "yyyy-MM-dd"),
            PayoutReference = row.Cell(BankReference) ?? row.Cell(Id),
        };
    }
}
