using System.Globalization;
using System.Text;
using Purser.Gateways;
using Purser.Reconciliation;
using Purser.Server.Tests.Situations;

namespace Purser.Server.Tests.Settlement;

/// <summary>A scripted gateway that also has statements, in a plain format of its own.</summary>
sealed class StatementGateway(string name) : IGateway, ICancelLinks, ISettleByFile
{
    public ScriptedGateway Inner { get; } = new(name);

    public GatewayProfile Profile => Inner.Profile;

    public const string Header = "row_key,kind,payment,refund,money,amount,currency,fee,tax,net,day,utr\n";

    /// <summary>A kind of row that it cannot read until a setting is mended.</summary>
    public string? Unread { get; set; }

    public SettlementSheet Sheet => new(["row_key", "kind", "amount", "currency"], (row, account) =>
    {
        if (row.Cell("kind") is null) return null;
        if (row.Cell("kind") == Unread) throw new SettlementRowException("kind", "it is not set how such a row is read");
        if (!Enum.TryParse<SettlementKind>(row.Text("kind"), out var kind)) throw new SettlementRowException("kind", $"'{row.Text("kind")}' is no kind");
        var currency = row.Currency("currency");
        var amount = row.Minor("amount", currency);
        return new SettlementLine(row.Text("row_key"), kind, amount, row.Cell("net") is null ? amount : row.Minor("net", currency))
        {
            Payment = PaymentId.TryParseReference(row.Cell("payment"), out var payment) ? payment : null,
            // Ours, or the gateway's own.
            Refund = RefundId.TryParseReference(row.Cell("refund"), out var refund) ? refund : null,
            RefundReference = RefundId.TryParseReference(row.Cell("refund"), out _) ? null : row.Cell("refund"),
            MoneyReference = row.Cell("money"),
            Fee = row.Cell("fee") is null ? null : row.Minor("fee", currency),
            Tax = row.Cell("tax") is null ? null : row.Minor("tax", currency),
            SettledOn = row.Cell("day") is null ? null : row.Day("day", "yyyy-MM-dd"),
            PayoutReference = row.Cell("utr"),
            Note = row.Cell("note"),
            HappenedAt = row.Cell("at") is { } at ? DateTimeOffset.Parse(at, CultureInfo.InvariantCulture) : null,
        };
    });

    /// <summary>A file of the format.</summary>
    public static byte[] Statement(params IEnumerable<SettlementLine> lines)
    {
        var text = new StringBuilder(Header);
        foreach (var l in lines)
            text.AppendJoin(',', l.RowKey, l.Kind, l.Payment?.Reference, l.Refund?.Reference ?? l.RefundReference, l.MoneyReference, l.Amount.MinorUnits, l.Amount.Currency.Code,
                l.Fee?.MinorUnits, l.Tax?.MinorUnits, l.Net.MinorUnits, l.SettledOn?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), l.PayoutReference).Append('\n');
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    public static SettlementLine Line(string key, PaymentId? payment, long amount = 49900, SettlementKind kind = SettlementKind.Payment, string? money = null, string currency = "INR") =>
        new(key, kind, new Money(amount, Currency.Find(currency)), new Money(amount, Currency.Find(currency))) { Payment = payment, MoneyReference = money };

    public Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop) => Inner.OpenLink(call, line, stop);

    public Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop) => Inner.Inquire(call, line, stop);

    public Task<GatewayAnswer> CancelLink(InquireCall call, GatewayLine line, CancellationToken stop) => Inner.CancelLink(call, line, stop);

    /// <summary>What else its webhooks say.</summary>
    public Func<NewsReading, NewsReading> Says { get; set; } = news => news;

    public NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => Says(Inner.ReadWebhook(message, account));

    public NewsReading ReadReturn(RawMessage message, GatewayAccount account) => Inner.ReadReturn(message, account);
}
