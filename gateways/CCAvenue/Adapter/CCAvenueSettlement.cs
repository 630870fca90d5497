using System.Collections.Immutable;
using System.Globalization;
using Purser.Reconciliation;

namespace Purser.Gateways.CCAvenue;

/// <summary>What they paid out: rows of a payout over the API, and the table of the dashboard's file.</summary>
static class CCAvenueSettlement
{
    static readonly TimeSpan India = new(5, 30, 0);

    static readonly string[] Times = ["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss.FFFFFFF", "dd/MM/yyyy HH:mm:ss"];

    // Only these three of the file's columns are known; the others are looked for under the names that their API and their reports have.
    public static readonly SettlementSheet Sheet = new(ImmutableArray.Create("Transaction Type", "Order ID", "Amount"), Read);

    /// <summary>One row, whichever way it came. The sign of a refund's amounts is not published: the direction follows from what the row is.</summary>
    public sealed record Row(string Type, string? Order, string? Reference, Money Amount, Money? Fee, Money? Tax, Money? Payable)
    {
        public string? Method { get; init; }
        public DateTimeOffset? At { get; init; }
        public DateOnly? SettledOn { get; init; }
        public string? Payout { get; init; }
    }

    /// <summary>Null for a kind of row that is not known, and for one that nothing tells from others.</summary>
    public static SettlementLine? Line(Row row)
    {
        if (Kind(row.Type) is not { } known || Key(row, known) is not { } key) return null;
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
        return new SettlementLine(key, known, Magnitude(row.Amount)!.Value, net)
        {
            Payment = PaymentId.TryParseReference(row.Order, out var ours) ? ours : null,
            MoneyReference = row.Reference,
            Fee = fee,
            Tax = tax,
            Method = row.Method,
            HappenedAt = row.At,
            SettledOn = row.SettledOn,
            PayoutReference = row.Payout,
            Note = known is SettlementKind.Dispute ? null : row.Type,
        };
    }

    static SettlementKind? Kind(string type) => type.ToUpperInvariant() switch
    {
        "SHIPPED" => SettlementKind.Payment,
        "REFUNDED" or "REFUND" => SettlementKind.Refund,
        "CHARGEBACK" => SettlementKind.Dispute,
        // They gave it back by themselves: for us a refund that nobody asked for.
        "CANCELLED" or "AUTO-CANCELLED" or "ASUC" => SettlementKind.Refund,
        "MISC" or "MSGCHRG" => SettlementKind.Adjustment,
        _ => null,
    };

    /// <summary>Rows have no name of their own, and the call and the file must find the same one for a row. A sale is its money, which is captured once; any
    /// other row is told apart by what both of them say of it: its order, its time (the file may leave out parts of a second) and its amount.</summary>
    /// <returns>Null without a time: then two rows of one order and amount would be one.</returns>
    static string? Key(Row row, SettlementKind kind)
    {
        if (kind == SettlementKind.Payment && row.Reference is { } money) return $"Shipped:{money}";
        if (row.At is null && kind != SettlementKind.Payment) return null;
        var amount = row.Type.Equals("MISC", StringComparison.OrdinalIgnoreCase) ? row.Amount : Magnitude(row.Amount)!.Value;
        return $"{row.Type.ToUpperInvariant()}:{row.Order}:{row.At?.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture)}:{amount.ToMajorUnits()}";
    }

    static Money? Magnitude(Money? money) => money is { MinorUnits: < 0 } less ? -less : money;

    /// <summary>A row of a payout over the API; null when it cannot be read.</summary>
    public static SettlementLine? Line(CCAvenueNode row, DateOnly day, string? payout)
    {
        if (row.Text("txn_type") is not { } type || !Currency.TryFind(row.Text("currency")?.ToUpperInvariant(), out var currency)) return null;
        if (row.Money(currency, "amount") is not { } amount || row.Money(currency, "amt_payable") is not { } payable) return null;
        var (fees, tax, at) = (row.Money(currency, "fees"), row.Money(currency, "tax"), row.Time("date_time"));
        // What is there and cannot be read is not what was left out.
        if (fees is null != row.Text("fees") is null || tax is null != row.Text("tax") is null || at is null != row.Text("date_time") is null) return null;
        return Line(new Row(type, row.Text("order_no"), row.Text("ccavenue_ref_no"), amount, fees, tax, payable)
        {
            Method = CCAvenueMapping.Method(row.Text("order_option_type")),
            At = at,
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
        // A foot of words alone; a row with an amount and without a type would be lost.
        if (row.Cell("Transaction Type") is null && row.Cell("Amount") is null && row.AnyOf("Amount Payable", "Amt Payable", "Net Amount") is null) return null;
        var type = row.Text("Transaction Type");
        if (Kind(type) is null) throw new SettlementRowException("Transaction Type", $"'{Wire.Line(type, 40)}' is no kind of row that is known");
        var currency = row.Cell("Currency") is null ? CCAvenueMapping.Rupee : row.Currency("Currency");
        var read = new Row(type, row.Cell("Order ID"), row.AnyOf("CCAvenue Reference No", "CCAvenue Ref No", "CCAvenue Reference#", "Reference No", "ccavenue_ref_no"),
            row.Major("Amount", currency), OneOf("Fees", "Fee"), OneOf("Tax", "Taxes"), OneOf("Amount Payable", "Amt Payable", "Net Amount"))
        {
            Method = CCAvenueMapping.Method(row.AnyOf("Payment Option", "Payment Mode", "Order Option Type")),
            At = At("Date Time") ?? At("Transaction Date"),
            SettledOn = row.Cell("Settlement Date") is null ? null : row.Day("Settlement Date", "yyyy-MM-dd", "dd-MM-yyyy", "dd/MM/yyyy"),
            Payout = row.AnyOf("UTR No", "UTR", "Pay Id"),
        };
        return Line(read)
            ?? throw new SettlementRowException("Date Time", $"is empty, and nothing else tells a {type} from another of its order and amount; get the file with the time of each row");

        DateTimeOffset? At(string column) => row.Cell(column) is null ? null : row.Time(column, India, Times);

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
