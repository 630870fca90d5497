using System.Globalization;
using System.Text.Json;
using Purser.Reconciliation;

namespace Purser.Gateways.PayU;

/// <summary>What they settled: asked for by day, or read from a report with the same columns.</summary>
static class PayUSettlement
{
    const int PageSize = 500;

    static readonly TimeSpan India = new(5, 30, 0);
    static readonly string[] Days = ["yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss"];

    /// <summary>Their database's way to write that there is no date.</summary>
    const string NoDate = "0000-00-00";

    public static SettlementSheet Sheet { get; } = new(["payuid", "txnid", "requestid", "requestaction", "requestamount", "mer_net_amount"], Line);

    public static async Task<SettlementAnswer> Read(SettlementCall call, GatewayLine line, CancellationToken stop)
    {
        var page = int.TryParse(call.Page, NumberStyles.None, CultureInfo.InvariantCulture, out var asked) ? asked : 1;
        string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
        var request = PayUGateway.Request(
            call.Account, "get_settlement_details", call.Day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), [("var2", Number(page)), ("var3", Number(PageSize))]);
        return await line.Send(request, stop) switch
        {
            LineReply.NotSent n => new SettlementAnswer.Unknown(n.Reason),
            LineReply.Lost l => new SettlementAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a => Read(a.Body.Span, call, page, line),
            LineReply.Answered a => new SettlementAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    static SettlementAnswer Read(ReadOnlySpan<byte> answer, SettlementCall call, int page, GatewayLine line)
    {
        if (!Wire.TryRead<Dictionary<string, JsonElement>>(answer, out var wire) || !wire.TryGetValue("status", out var status)) return new SettlementAnswer.Unknown("The answer cannot be read.");
        if (PayUMapping.Word(status) != "1")
            return new SettlementAnswer.Unknown(line.Redact(Wire.Line(wire.TryGetValue("msg", out var words) ? PayUMapping.Word(words) ?? "" : "", 300)));
        // An object by number when there is something, an empty list when there is nothing.
        if (!wire.TryGetValue("Txn_details", out var details)) return new SettlementAnswer.Unknown("The answer has no rows and does not say that there are none.");
        if (details is { ValueKind: JsonValueKind.Array } && details.GetArrayLength() == 0) return new SettlementAnswer.Done([], null);
        if (!Wire.TryRead<Dictionary<string, Dictionary<string, JsonElement>>>(details, out var rows)) return new SettlementAnswer.Unknown("The rows cannot be read.");
        var lines = new List<SettlementLine>();
        foreach (var row in rows.Values)
            try
            {
                if (Line(new Row(row), call.Account) is { } read) lines.Add(read with { SettledOn = call.Day });
            }
            catch (SettlementRowException fault)
            {
                return new SettlementAnswer.Unknown($"A row cannot be read: {line.Redact(fault.Message)}");
            }
        return new SettlementAnswer.Done(lines, rows.Count >= PageSize ? (page + 1).ToString(CultureInfo.InvariantCulture) : null);
    }

    static SettlementLine? Line(SettlementRow row, GatewayAccount account)
    {
        var (action, request) = (row.Text("requestaction"), row.Text("requestid"));
        // Money that was set aside, and such money let go: nothing moved. Whether one of them that says otherwise does, nobody has told.
        if (action is "auth" or "cancel")
            return Amount(row, "mer_net_amount", mandatory: false).MinorUnits == 0 ? null : throw new SettlementRowException("mer_net_amount", $"is not zero in a row of '{action}', which moves nothing");
        var kind = action switch
        {
            "capture" => SettlementKind.Payment,
            "refund" => SettlementKind.Refund,
            "refundreversal" => SettlementKind.RefundReturned,
            "chargeback" => SettlementKind.Dispute,
            "chargebackreversal" => SettlementKind.DisputeReturned,
            _ when action.StartsWith("Adjustment", StringComparison.OrdinalIgnoreCase) => SettlementKind.Adjustment,
            _ => throw new SettlementRowException("requestaction", $"'{action}' is no kind of row"),
        };
        // Only their adjustments leave amounts out.
        var (amount, net) = (Amount(row, "requestamount", kind != SettlementKind.Adjustment), Amount(row, "mer_net_amount", kind != SettlementKind.Adjustment));
        var ofRefund = kind is SettlementKind.Refund or SettlementKind.RefundReturned;
        // The sign of what goes back is not documented; which way it goes says the action.
        if (kind is SettlementKind.Refund or SettlementKind.Dispute && net.MinorUnits > 0) net = -net;
        return new SettlementLine($"{action}:{request}", kind, Plain(amount), net)
        {
            Payment = PaymentId.TryParseReference(row.Cell("txnid"), out var payment) ? payment : null,
            Refund = ofRefund && RefundId.TryParseReference(row.Cell("token"), out var refund) ? refund : null,
            MoneyReference = row.Cell("payuid"),
            RefundReference = ofRefund ? request : null,
            Fee = Plain(Amount(row, "mer_service_fee", mandatory: false)),
            Tax = Plain(Amount(row, "mer_service_tax", mandatory: false)),
            Method = PayUMapping.Method(row.Cell("mode")),
            HappenedAt = IsDated(row, "requestdate") ? row.Time("requestdate", India, "yyyy-MM-dd HH:mm:ss") : null,
            SettledOn = IsDated(row, "settlement_date") ? row.Day("settlement_date", Days) : IsDated(row, "settlementdate") ? row.Day("settlementdate", Days) : null,
            PayoutReference = row.Cell("mer_utr"),
        };
    }

    /// <summary>They count to four or five decimals; what is paid is paid in paise.</summary>
    static Money Amount(SettlementRow row, string column, bool mandatory) => row.MajorRoundedOrNone(column, PayUMapping.Rupee)
        ?? (mandatory ? throw new SettlementRowException(column, "is empty") : Money.Zero(PayUMapping.Rupee));

    static bool IsDated(SettlementRow row, string column) => row.Cell(column) is { } text && !text.StartsWith(NoDate, StringComparison.Ordinal);

    static Money Plain(Money money) => money.MinorUnits < 0 ? -money : money;

    sealed class Row(Dictionary<string, JsonElement> cells) : SettlementRow
    {
        public override string? Cell(string column) => cells.TryGetValue(column, out var value) ? PayUMapping.Word(value) : null;
    }
}
