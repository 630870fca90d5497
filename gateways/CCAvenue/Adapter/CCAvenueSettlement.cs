using System.Collections.Immutable;
using System.Globalization;
using Purser.Reconciliation;

namespace Purser.Gateways.CCAvenue;

/// <summary>What they paid out: rows of a payout over the API, and the table of the dashboard's file.</summary>
static class CCAvenueSettlement
{
    static readonly TimeSpan India = new(5, 30, 0);

    // Only these three of the file's columns are known; the others are looked for under the names that their API and their reports have.
    public static readonly SettlementSheet Sheet = new(ImmutableArray.Create("Transaction Type", "Order ID", "Amount"), Read);

    /// <summary>One row, whichever way it came. The sign of a refund's amounts is not published: the direction follows from what the row is.</summary>
    public sealed record Row(string Type, string? Order, string? Reference, Money Amount, Money? Fee, Money? Tax, Money? Payable)
    {
        public string? Method { get; init; }
        public string? BankReference { get; init; }
        public DateTimeOffset? At { get; init; }
        public DateOnly? SettledOn { get; init; }
        public string? Payout { get; init; }
    }

    /// <summary>Null for a kind of row that is not known.</summary>
    public static SettlementLine? Line(Row row)
    {
        SettlementKind? kind = row.Type.ToUpperInvariant() switch
        {
            "SHIPPED" => SettlementKind.Payment,
            "REFUNDED" or "REFUND" => SettlementKind.Refund,
            "CHARGEBACK" => SettlementKind.Dispute,
            // They gave it back by themselves: for us a refund that nobody asked for.
            "CANCELLED" or "AUTO-CANCELLED" or "ASUC" => SettlementKind.Refund,
            "MISC" or "MSGCHRG" => SettlementKind.Adjustment,
            _ => null,
        };
        if (kind is not { } known) return null;
        var none = Money.Zero(row.Amount.Currency);
        var (fee, tax) = (Magnitude(row.Fee), Magnitude(row.Tax));
        var payable = row.Payable ?? row.Amount - (fee ?? none) - (tax ?? none);
        var net = known switch
        {
            SettlementKind.Payment => payable,
            // What an adjustment is for, its sign tells; a charge for messages is one whatever its sign.
            SettlementKind.Adjustment => row.Type.Equals("MSGCHRG", StringComparison.OrdinalIgnoreCase) ? -Magnitude(payable)!.Value : payable,
            _ => -Magnitude(payable)!.Value,
        };
        return new SettlementLine(Key(row), known, Magnitude(row.Amount)!.Value, net)
        {
            Payment = PaymentId.TryParseReference(row.Order, out var ours) ? ours : null,
            MoneyReference = row.Reference,
            Fee = fee,
            Tax = tax,
            Method = row.Method,
            HappenedAt = row.At,
            SettledOn = row.SettledOn,
            PayoutReference = row.Payout,
            Note = row.Type,
        };
    }

    /// <summary>Rows have no name of their own. Money is captured once; the rest is told apart by all that the row says of it.</summary>
    static string Key(Row row) => row.Type.Equals("Shipped", StringComparison.OrdinalIgnoreCase) && row.Reference is not null
        ? $"Shipped:{row.Reference}"
        : $"{row.Type}:{row.Reference ?? row.Order}:{row.At?.ToString("yyyyMMddHHmmssfff", CultureInfo.InvariantCulture)}:{row.BankReference}:{row.Amount.ToMajorUnits()}";

    static Money? Magnitude(Money? money) => money is { MinorUnits: < 0 } less ? -less : money;

    /// <summary>A row of a payout over the API; null when it cannot be read.</summary>
    public static SettlementLine? Line(CCAvenueNode row, DateOnly day, string? payout)
    {
        if (row.Text("txn_type") is not { } type || !Currency.TryFind(row.Text("currency")?.ToUpperInvariant(), out var currency)) return null;
        if (row.Money(currency, "amount") is not { } amount || row.Money(currency, "amt_payable") is not { } payable) return null;
        return Line(new Row(type, row.Text("order_no"), row.Text("ccavenue_ref_no"), amount, row.Money(currency, "fees"), row.Money(currency, "tax"), payable)
        {
            Method = CCAvenueMapping.Method(row.Text("order_option_type")),
            BankReference = row.Text("bank_ref_no"),
            At = row.Time("date_time"),
            SettledOn = day,
            Payout = payout,
        });
    }

    /// <summary>The transfer itself; null when it cannot be read.</summary>
    public static SettlementLine? Transfer(CCAvenueNode payout, DateOnly day)
    {
        if (payout.Text("pay_Id", "pay_id") is not { } id || !Currency.TryFind(payout.Text("settlement_currency")?.ToUpperInvariant(), out var currency)) return null;
        if (payout.Money(currency, "pay_amount") is not { } amount) return null;
        return new SettlementLine($"payout:{id}", SettlementKind.Payout, Magnitude(amount)!.Value, -amount)
        {
            SettledOn = day,
            PayoutReference = payout.Text("utr_no") ?? id,
        };
    }

    static SettlementLine? Read(SettlementRow row, GatewayAccount account)
    {
        if (row.Cell("Transaction Type") is not { } type) return null;
        var currency = row.Cell("Currency") is null ? CCAvenueMapping.Rupee : row.Currency("Currency");
        var read = new Row(type, row.Cell("Order ID"), row.AnyOf("CCAvenue Reference No", "CCAvenue Ref No", "CCAvenue Reference#", "Reference No", "ccavenue_ref_no"),
            row.Major("Amount", currency), OneOf("Fees", "Fee"), OneOf("Tax", "Taxes"), OneOf("Amount Payable", "Amt Payable", "Net Amount"))
        {
            Method = CCAvenueMapping.Method(row.AnyOf("Payment Option", "Payment Mode", "Order Option Type")),
            BankReference = row.AnyOf("Bank Reference No", "Bank Ref No"),
            At = row.AnyOf("Date Time", "Transaction Date", "Order Date") is { } at
                ? CCAvenueNode.Time(at) ?? throw new SettlementRowException("Date Time", $"'{at}' is no time") : null,
            SettledOn = row.Cell("Settlement Date") is null ? null : row.Day("Settlement Date", "yyyy-MM-dd", "dd-MM-yyyy", "dd/MM/yyyy"),
            Payout = row.AnyOf("UTR No", "UTR", "Pay Id"),
        };
        return Line(read) ?? throw new SettlementRowException("Transaction Type", $"'{type}' is no kind of row that is known");

        Money? OneOf(params ReadOnlySpan<string> columns)
        {
            foreach (var column in columns)
                if (row.MajorOrNone(column, currency) is { } money) return money;
            return null;
        }
    }

    public static DateOnly Day(DateTimeOffset at) => DateOnly.FromDateTime(at.ToOffset(India).DateTime);

    public static string Written(DateOnly day) => day.ToString("dd-MM-yyyy", CultureInfo.InvariantCulture);
}
