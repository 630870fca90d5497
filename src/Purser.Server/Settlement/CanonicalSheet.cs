using System.Globalization;
using System.Text;
using Purser.Gateways;
using Purser.Reconciliation;

namespace Purser.Server.Settlement;

/// <summary>Lines that a gateway's API told, written as a file of our own, so that they take the same road as any file: the same lines give the same
/// bytes. Amounts are in minor units, times in UTC.</summary>
public static class CanonicalSheet
{
    const string Day = "yyyy-MM-dd", Time = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";

    static readonly string[] Columns =
    [
        "purser_row_key", "purser_kind", "amount", "currency", "net", "net_currency", "fee", "tax", "payment", "refund", "money_reference",
        "refund_reference", "method", "happened_at", "settled_on", "payout_reference", "note",
    ];

    public static SettlementSheet Sheet { get; } = new([.. Columns], Read);

    public static byte[] Write(IEnumerable<SettlementLine> lines)
    {
        using var bytes = new MemoryStream();
        Append(bytes, lines);
        return bytes.ToArray();
    }

    /// <summary>Writes lines behind those that are there; with the header before the first.</summary>
    public static void Append(Stream to, IEnumerable<SettlementLine> lines)
    {
        var text = new StringBuilder();
        if (to.Length == 0) text.AppendJoin(',', Columns).Append('\n');
        foreach (var l in lines)
            text.AppendJoin(',', new[]
            {
                l.RowKey, l.Kind.ToString(), Units(l.Amount), l.Amount.Currency.Code, Units(l.Net), l.Net.Currency.Code, Units(l.Fee), Units(l.Tax),
                l.Payment?.Reference, l.Refund?.Reference, l.MoneyReference, l.RefundReference, l.Method,
                l.HappenedAt?.UtcDateTime.ToString(Time, CultureInfo.InvariantCulture), l.SettledOn?.ToString(Day, CultureInfo.InvariantCulture), l.PayoutReference, l.Note,
            }.Select(Quoted)).Append('\n');
        to.Write(Encoding.UTF8.GetBytes(text.ToString()));
    }

    static SettlementLine? Read(SettlementRow row, GatewayAccount account)
    {
        var (currency, net) = (row.Currency("currency"), row.Currency("net_currency"));
        if (!Enum.TryParse<SettlementKind>(row.Text("purser_kind"), out var kind)) throw new SettlementRowException("purser_kind", $"'{row.Text("purser_kind")}' is no kind");
        return new SettlementLine(row.Text("purser_row_key"), kind, row.Minor("amount", currency), row.Minor("net", net))
        {
            Fee = row.Cell("fee") is null ? null : row.Minor("fee", net),
            Tax = row.Cell("tax") is null ? null : row.Minor("tax", net),
            Payment = PaymentId.TryParseReference(row.Cell("payment"), out var payment) ? payment : null,
            Refund = RefundId.TryParseReference(row.Cell("refund"), out var refund) ? refund : null,
            MoneyReference = row.Cell("money_reference"),
            RefundReference = row.Cell("refund_reference"),
            Method = row.Cell("method"),
            HappenedAt = row.Cell("happened_at") is null ? null : row.Time("happened_at", TimeSpan.Zero, Time),
            SettledOn = row.Cell("settled_on") is null ? null : row.Day("settled_on", Day),
            PayoutReference = row.Cell("payout_reference"),
            Note = row.Cell("note"),
        };
    }

    static string? Units(Money? money) => money?.MinorUnits.ToString(CultureInfo.InvariantCulture);

    static string Quoted(string? text) => text is null ? "" : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
