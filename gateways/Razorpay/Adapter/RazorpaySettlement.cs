using System.Globalization;
using System.Text.Json;
using Purser.Reconciliation;

namespace Purser.Gateways.Razorpay;

/// <summary>What they settled: the combined report of a day over the API, in minor units and seconds, and the dashboard's export of the same columns,
/// in rupees and written dates.</summary>
static class RazorpaySettlement
{
    /// <summary>Their greatest.</summary>
    const int PageSize = 1000;

    static readonly TimeSpan Ist = new(5, 30, 0);
    static readonly Currency Rupee = Currency.Find("INR");
    static readonly string[] Times = ["dd/MM/yyyy HH:mm:ss", "dd/MM/yyyy HH:mm", "dd/MM/yyyy", "yyyy-MM-dd HH:mm:ss"];

    public static SettlementSheet Sheet { get; } = new(["entity_id", "type", "debit", "credit", "amount", "currency"], ReadRow);

    public static async Task<SettlementAnswer> Read(SettlementCall call, GatewayLine line, CancellationToken stop)
    {
        if (!int.TryParse(call.Page ?? "0", NumberStyles.None, CultureInfo.InvariantCulture, out var skip)) return new SettlementAnswer.Unknown("There is no such page.");
        var day = call.Day.ToString("'year='yyyy'&month='MM'&day='dd", CultureInfo.InvariantCulture);
        return await line.Send(RazorpayGateway.Request(call.Account, HttpMethod.Get, $"v1/settlements/recon/combined?{day}&count={PageSize}&skip={skip}"), stop) switch
        {
            LineReply.NotSent n => new SettlementAnswer.Unknown(n.Reason),
            LineReply.Lost l => new SettlementAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a when Wire.TryRead<ReconWire>(a.Body.Span, out var list) && list.Items is { } rows => Read(rows, skip),
            LineReply.Answered a => new SettlementAnswer.Unknown(RazorpayGateway.Error(a) is { } error ? RazorpayGateway.Reason(line, error) : $"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    static SettlementAnswer Read(IReadOnlyList<ReconRowWire> rows, int skip)
    {
        var lines = new List<SettlementLine>();
        foreach (var row in rows)
        {
            if (row is not { EntityId: { Length: > 0 } id, Type: { Length: > 0 } type, Debit: { } debit, Credit: { } credit, Amount: { } amount }
                || !Currency.TryFind(row.Currency, out var currency)) return new SettlementAnswer.Unknown("A row cannot be read.");
            // What is held back or not settled yet comes again on the day when it is.
            if (row.Settled == false) continue;
            lines.Add(Line(
                id, type, currency, debit, credit, amount, row.Fee ?? 0, row.Tax ?? 0, row.PaymentId, row.OrderReceipt, Notes(row.Notes), row.DisputeId) with
            {
                Method = row.Method,
                HappenedAt = Wire.Time(row.CreatedAt),
                SettledOn = Wire.Time(row.SettledAt) is { } at ? DateOnly.FromDateTime(at.ToOffset(Ist).DateTime) : null,
                PayoutReference = Payout(type, row.SettlementUtr, row.SettlementId),
            });
        }
        return new SettlementAnswer.Done(lines, rows.Count == PageSize ? (skip + PageSize).ToString(CultureInfo.InvariantCulture) : null);
    }

    static SettlementLine? ReadRow(SettlementRow row, GatewayAccount account)
    {
        if (row.Cell("settled") is { } settled && (settled == "0" || settled.Equals("false", StringComparison.OrdinalIgnoreCase))) return null;
        // A foot of words alone; a row with an amount and without a name would be lost.
        if (row.Cell("entity_id") is null && row.Cell("amount") is null && row.Cell("debit") is null && row.Cell("credit") is null) return null;
        var (id, type, currency) = (row.Text("entity_id"), row.Text("type"), row.Currency("currency"));
        var (debit, credit) = (Rupees(row, "debit", currency), Rupees(row, "credit", currency));
        // The side that it does not move may be left empty, and not both.
        if (debit is null && credit is null) throw new SettlementRowException("credit", "is empty, and so is debit");
        var amount = Rupees(row, "amount", currency) ?? throw new SettlementRowException("amount", "is empty");
        return Line(
            id, type, currency, debit ?? 0, credit ?? 0, amount, Rupees(row, "fee", currency) ?? 0, Rupees(row, "tax", currency) ?? 0, row.Cell("payment_id"), row.AnyOf("order_receipt", "receipt"),
            Notes(row.Cell("notes")), row.Cell("dispute_id")) with
        {
            Method = row.Cell("method"),
            HappenedAt = row.Cell("created_at") is null ? null : row.Time("created_at", Ist, Times),
            SettledOn = row.Cell("settled_at") is null ? null : DateOnly.FromDateTime(row.Time("settled_at", Ist, Times).DateTime),
            PayoutReference = Payout(type, row.Cell("settlement_utr"), row.Cell("settlement_id")),
        };
    }

    /// <summary>The transfer's number. It may come later than the row, which would then seem to say something else; on adjustments it never comes, and the settlement is named.</summary>
    static string? Payout(string type, string? utr, string? settlement) => utr ?? (type == "adjustment" ? settlement : null);

    /// <summary>Only what is written with its decimals: whole numbers may be paise as the API counts them, a hundred times as much. Nothing is nothing
    /// in both. Null for an empty cell.</summary>
    static long? Rupees(SettlementRow row, string column, Currency currency)
    {
        if (row.MajorOrNone(column, currency) is not { } money) return null;
        var text = row.Text(column);
        if (money.MinorUnits != 0 && currency.Exponent > 0 && text.IndexOf('.', StringComparison.Ordinal) != text.TrimEnd(')').Length - currency.Exponent - 1)
            throw new SettlementRowException(column, $"'{text}' is not written with {currency.Exponent} decimals");
        return money.MinorUnits;
    }

    static SettlementLine Line(
        string id, string type, Currency currency, long debit, long credit, long amount, long fee, long tax, string? parent, string? receipt, JsonElement notes, string? dispute)
    {
        var kind = type switch
        {
            "payment" => SettlementKind.Payment,
            "refund" when credit > debit => SettlementKind.RefundReturned,
            "refund" => SettlementKind.Refund,
            "adjustment" when dispute is not null && credit > debit => SettlementKind.DisputeReturned,
            "adjustment" when dispute is not null => SettlementKind.Dispute,
            // A transfer, and any word that we do not know: it moved money all the same.
            _ => SettlementKind.Adjustment,
        };
        // The fee includes its tax. They pay out in rupees: a row whose sums do not hold in its own currency has been exchanged.
        var exchanged = currency != Rupee && credit - debit != (kind == SettlementKind.Payment ? amount - fee : credit > debit ? amount - fee : -amount - fee);
        var paidIn = exchanged ? Rupee : currency;
        var payment = PaymentId.TryParseReference(receipt, out var byReceipt) ? byReceipt
            : PaymentId.TryParseReference(RazorpayMapping.Reference(notes), out var byNote) ? byNote : (PaymentId?)null;
        return new SettlementLine(kind == SettlementKind.RefundReturned ? $"{id}:returned" : id, kind, new Money(amount, currency), new Money(credit - debit, paidIn))
        {
            Payment = payment,
            Refund = RefundId.TryParseReference(RazorpayMapping.Reference(notes, RazorpayMapping.RefundNote), out var refund) ? refund : null,
            MoneyReference = kind == SettlementKind.Payment ? id : parent,
            RefundReference = kind is SettlementKind.Refund or SettlementKind.RefundReturned ? id : null,
            Fee = fee == 0 ? null : new Money(fee - tax, paidIn),
            Tax = tax == 0 ? null : new Money(tax, paidIn),
            Note = kind == SettlementKind.Adjustment ? type : dispute,
        };
    }

    /// <summary>An object, the text of one, an empty array or nothing.</summary>
    static JsonElement Notes(JsonElement notes) => notes.ValueKind == JsonValueKind.String ? Notes(notes.GetString()) : notes;

    static JsonElement Notes(string? text)
    {
        if (text is null) return default;
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            return default;
        }
    }
}
