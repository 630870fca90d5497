using System.Globalization;
using System.Text.Json;
using Purser.Reconciliation;
using Purser.Refunds;

namespace Purser.Gateways.BillDesk;

// Two sources: the report has a row for each movement, the API a voucher for each payout, with its totals. They do not overlap.
public sealed partial class BillDeskGateway : ISettleByFile, ISettleByCall
{
    const string GetSettlements = "pasettlements/v1_2/settlements/get";

    static readonly TimeSpan India = new(5, 30, 0);

    /// <summary>Their documents do not give the columns of the report: these are of our choosing, with the headings of the older report where one is
    /// known.</summary>
    public SettlementSheet Sheet { get; } = new(["pv_number", "record_type", "orderid", "gross_amount", "net_amount"], ReadRow);

    public async Task<SettlementAnswer> ReadSettlement(SettlementCall call, GatewayLine line, CancellationToken stop)
    {
        var talk = new BillDeskConversation(call.Account, line);
        var day = call.Day.ToString("yyyyMMdd", CultureInfo.InvariantCulture);
        var reply = await talk.AskAfresh(GetSettlements, json =>
        {
            json.WriteString("from_date", day);
            json.WriteString("to_date", day);
        }, "settled" + day, stop);
        return reply switch
        {
            BillDeskReply.Told told => Vouchers(told.Payload) is { } vouchers && Lines(vouchers, talk.Merchant) is { } lines
                ? new SettlementAnswer.Done(lines, null)
                : new SettlementAnswer.Unknown("A voucher cannot be read, or does not add up."),
            BillDeskReply.NotSent n => new SettlementAnswer.Unknown(n.Reason),
            BillDeskReply.Unknown u => new SettlementAnswer.Unknown(u.Reason),
            BillDeskReply.Refused { Http: 404, Definite: true } => new SettlementAnswer.Done([], null),
            BillDeskReply.Refused no => new SettlementAnswer.Unknown(talk.Reason(no.Error)),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    /// <summary>How several are listed is not documented: a list under one name, a bare list, or one alone.</summary>
    static List<VoucherWire>? Vouchers(byte[] payload)
    {
        try
        {
            using var json = JsonDocument.Parse(payload);
            var list = json.RootElement switch
            {
                { ValueKind: JsonValueKind.Array } bare => bare,
                { ValueKind: JsonValueKind.Object } o when o.TryGetProperty("settlements", out var named) => named,
                var one => one,
            };
            if (list.ValueKind == JsonValueKind.Object) return Wire.TryRead<VoucherWire>(list, out var single) ? [single] : null;
            if (list.ValueKind != JsonValueKind.Array) return null;
            var vouchers = new List<VoucherWire>();
            foreach (var item in list.EnumerateArray())
                if (Wire.TryRead<VoucherWire>(item, out var voucher)) vouchers.Add(voucher);
                else return null;
            return vouchers;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Null when one of them cannot be read, is somebody else's, or does not add up.</summary>
    static List<SettlementLine>? Lines(List<VoucherWire> vouchers, string merchant)
    {
        var lines = new List<SettlementLine>();
        foreach (var v in vouchers)
        {
            if (v.Objectid != "settlement" || v.Mercid != merchant || v.PvNumber is not { Length: > 0 } name || v.Currency != "356") return null;
            if (Signed(v.PayoutAmount) is not { } payout || v.AmountDetails is not { } parts) return null;
            long?[] added = [Signed(parts.Settlement), -Signed(parts.Refund), -Signed(parts.Chargeback), Signed(parts.RefundReversal), Signed(parts.ChargebackReversal),
                Signed(parts.Adjustment), -Signed(v.Charges), -Signed(v.Taxes), Signed(v.OtherAdjustments)];
            if (added.Any(a => a is null) || added.Sum() != payout) return null;
            var dated = DateOnly.TryParseExact(v.SettlementDate, "yyyy-MM-dd", out var day);
            if (!dated && v.SettlementDate is { Length: > 0 }) return null;
            lines.Add(new SettlementLine($"payout-{name}", SettlementKind.Payout, Rupees(Math.Abs(payout)), Rupees(-payout))
            {
                PayoutReference = v.Utr,
                SettledOn = dated ? day : null,
                Note = Wire.Line($"voucher {name} {v.Status}", 200),
            });
        }
        return lines;
    }

    /// <summary>What they leave out is nothing; what cannot be read is null.</summary>
    static long? Signed(string? text) => text is null or "" ? 0 : Money.TryParseMajor(text, BillDeskMapping.Rupee, out var money) ? money.MinorUnits : null;

    static Money Rupees(long paise) => new(paise, BillDeskMapping.Rupee);

    static SettlementLine? ReadRow(SettlementRow row, GatewayAccount account)
    {
        var type = row.Text("record_type").ToUpperInvariant();
        var kind = type switch
        {
            "PAYMENT" => SettlementKind.Payment,
            "REFUND" => SettlementKind.Refund,
            "REFUND_REVERSAL" => SettlementKind.RefundReturned,
            "CHARGEBACK" => SettlementKind.Dispute,
            "CHARGEBACK_REVERSAL" => SettlementKind.DisputeReturned,
            "ADJUSTMENT" => SettlementKind.Adjustment,
            _ => throw new SettlementRowException("record_type", $"'{Wire.Line(type, 40)}' is no kind of row that is known"),
        };
        if (row.Cell("currency") is { } currency && currency is not ("356" or "INR")) throw new SettlementRowException("currency", $"'{Wire.Line(currency, 10)}' is not the rupee");
        var gross = row.Major("gross_amount", BillDeskMapping.Rupee);
        var money = row.AnyOf("transactionid", "PGI Ref. No.");
        // An adjustment has no name of its own; in one voucher its time tells it from others.
        var name = (kind == SettlementKind.Refund || kind == SettlementKind.RefundReturned ? row.Cell("refundid") : money) ?? row.Text("transaction_date");
        return new SettlementLine($"{row.Text("pv_number")}-{type}-{name}", kind, Rupees(Math.Abs(gross.MinorUnits)), row.Major("net_amount", BillDeskMapping.Rupee))
        {
            Payment = PaymentId.TryParseReference(row.Cell("orderid"), out var payment) ? payment : null,
            Refund = RefundId.TryParseReference(row.Cell("merc_refund_ref_no"), out var refund) ? refund : null,
            MoneyReference = money,
            RefundReference = row.Cell("refundid"),
            Fee = row.MajorOrNone("charges", BillDeskMapping.Rupee),
            Tax = row.MajorOrNone("gst", BillDeskMapping.Rupee),
            Method = BillDeskMapping.Method(row.Cell("payment_method_type")),
            HappenedAt = row.Cell("transaction_date") is null ? null : row.Time("transaction_date", India, "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd HH:mm:ss", "dd-MM-yyyy HH:mm:ss"),
            SettledOn = row.Cell("settlement_date") is null ? null : row.Day("settlement_date", "yyyy-MM-dd", "dd-MM-yyyy", "yyyyMMdd"),
            PayoutReference = row.Cell("utr"),
        };
    }
}
