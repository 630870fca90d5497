using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Purser.Reconciliation;

namespace Purser.Gateways.Paytm;

/// <summary>What they settled: asked for by day, or read from a file with the same columns.</summary>
static class PaytmSettlement
{
    /// <summary>Their greatest.</summary>
    const int PageSize = 20;

    static readonly string[] Days = ["yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss.F", "dd-MM-yyyy", "dd/MM/yyyy"];

    public static SettlementSheet Sheet { get; } = new(["txnType", "txnId", "orderId", "txnAmount", "settleAmount", "utr"], Line);

    public static async Task<SettlementAnswer> Read(SettlementCall call, GatewayLine line, CancellationToken stop)
    {
        var page = int.TryParse(call.Page, NumberStyles.None, CultureInfo.InvariantCulture, out var asked) ? asked : 1;
        var request = new LineRequest(
            HttpMethod.Post, "merchant-settlement-service/settlement/list", [], Encoding.UTF8.GetBytes(Question(call, page)), "application/json", MovesNothing: false);
        return await line.Send(request, stop) switch
        {
            LineReply.NotSent n => new SettlementAnswer.Unknown(n.Reason),
            LineReply.Lost l => new SettlementAnswer.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a => Read(a.Body.Span, page, call.Account, line),
            LineReply.Answered a => new SettlementAnswer.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    /// <summary>Who has written clients of this disagrees on what its checksum covers, so the account says.</summary>
    static string Question(SettlementCall call, int page)
    {
        var (account, day) = (call.Account, call.Day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        var key = PaytmGateway.Keys(account)[0];
        var fields = new Dictionary<string, string>
        {
            ["MID"] = account.Setting(PaytmGateway.Mid),
            ["pageNum"] = page.ToString(CultureInfo.InvariantCulture),
            ["pageSize"] = PageSize.ToString(CultureInfo.InvariantCulture),
            ["utrProcessedEndTime"] = day,
            ["utrProcessedStartTime"] = day,
        };
        var text = PaytmMapping.Text([.. fields.Select(f => (f.Key, f.Value))]);
        var signed = account.OptionalSetting(PaytmGateway.SettlementChecksum) == "text" ? Encoding.UTF8.GetBytes(text) : PaytmChecksum.Joined(fields);
        return $"{text[..^1]},\"checksumHash\":\"{PaytmChecksum.Sign(signed, key)}\"}}";
    }

    static SettlementAnswer Read(ReadOnlySpan<byte> answer, int page, GatewayAccount account, GatewayLine line)
    {
        if (!Wire.TryRead<Dictionary<string, JsonElement>>(answer, out var fields)) return new SettlementAnswer.Unknown("The answer cannot be read.");
        // Another of their versions wraps all of it, and writes its names in capitals.
        if (Find(fields, "settlementListResponse") is { ValueKind: JsonValueKind.Object } wrapped && !Wire.TryRead(wrapped, out fields))
            return new SettlementAnswer.Unknown("The answer cannot be read.");
        var status = Word(Find(fields, "status"));
        if (status == "RECORD_NOT_FOUND") return new SettlementAnswer.Done([], null);
        if ((Find(fields, "settlementDetailList") ?? Find(fields, "settlementTransactionList")) is not { ValueKind: JsonValueKind.Array } rows || status is not (null or "SUCCESS"))
            return new SettlementAnswer.Unknown(line.Redact(Wire.Line($"{status} {Word(Find(fields, "resultCode"))} {Word(Find(fields, "errorMessage"))}", 300)));

        var lines = new List<SettlementLine>();
        foreach (var row in rows.EnumerateArray())
        {
            if (!Wire.TryRead<Dictionary<string, JsonElement>>(row, out var cells)) return new SettlementAnswer.Unknown("A row cannot be read.");
            try
            {
                if (Line(new Row(cells), account) is { } read) lines.Add(read);
            }
            catch (SettlementRowException fault)
            {
                return new SettlementAnswer.Unknown($"A row cannot be read: {line.Redact(fault.Message)}");
            }
        }
        var more = int.TryParse(Word(Find(fields, "paginatorTotalPage")), NumberStyles.None, CultureInfo.InvariantCulture, out var pages)
            ? page < pages
            : rows.GetArrayLength() == PageSize;
        return new SettlementAnswer.Done(lines, more ? (page + 1).ToString(CultureInfo.InvariantCulture) : null);
    }

    /// <summary>Rows have no name of their own. What is told of one is what it is known by, in one form however the API and a file write it: two refunds of one payment in the same
    /// second, of the same amount, would be one.</summary>
    static SettlementLine? Line(SettlementRow row, GatewayAccount account)
    {
        if (row.Cell("mid") is { } mid && account.OptionalSetting(PaytmGateway.Mid) is { } ours && mid != ours) throw new SettlementRowException("mid", "is another merchant's");
        var (type, id) = (row.Text("txnType").ToUpperInvariant(), row.Text("txnId"));
        var amount = row.Major("txnAmount", PaytmMapping.Rupee);
        var kind = type switch
        {
            "ACQUIRING" or "SALE" => SettlementKind.Payment,
            "REFUND" => SettlementKind.Refund,
            "CHARGEBACK" => SettlementKind.Dispute,
            "REPAYMENT" => SettlementKind.Adjustment,
            _ => throw new SettlementRowException("txnType", $"'{type}' is no kind of row"),
        };
        DateTimeOffset? at = row.Cell("txnDate") is null ? null : row.Time("txnDate", PaytmMapping.India, PaytmMapping.TimeFormats);
        return new SettlementLine(
            $"{(kind == SettlementKind.Payment ? "ACQUIRING" : type)}:{id}:{row.AnyOf("refId", "mercUnqRefVal")}:{Text(at)}:{Plain(amount).ToMajorUnits()}:{row.Cell("utr")?.ToUpperInvariant()}",
            kind, Plain(amount), row.Major("settleAmount", PaytmMapping.Rupee))
        {
            Payment = PaymentId.TryParseReference(row.Cell("orderId"), out var payment) ? payment : null,
            Refund = kind == SettlementKind.Refund && RefundId.TryParseReference(row.AnyOf("refId", "mercUnqRefVal"), out var refund) ? refund : null,
            MoneyReference = id,
            Fee = row.MajorOrNone("commission", PaytmMapping.Rupee) is { } fee ? Plain(fee) : null,
            Tax = row.MajorOrNone("gst", PaytmMapping.Rupee) is { } tax ? Plain(tax) : null,
            Method = PaytmMapping.Method(row.Cell("paymentMode")),
            HappenedAt = at,
            SettledOn = Day(row, "payoutDate") ?? Day(row, "utrProcessedTime"),
            PayoutReference = row.Cell("utr"),
        };
    }

    /// <summary>To the second, as the API writes it; files may have tenths.</summary>
    static string? Text(DateTimeOffset? at) => at?.ToOffset(PaytmMapping.India).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    static Money Plain(Money money) => money.MinorUnits < 0 ? -money : money;

    static DateOnly? Day(SettlementRow row, string column) => row.Cell(column) is null ? null : row.Day(column, Days);

    static JsonElement? Find(Dictionary<string, JsonElement>? fields, string name)
    {
        foreach (var (key, value) in fields ?? [])
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase)) return value;
        return null;
    }

    static string? Word(JsonElement? value) => value switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
        _ => null,
    };

    /// <summary>A row of JSON, read as a row of a file.</summary>
    sealed class Row(Dictionary<string, JsonElement> cells) : SettlementRow
    {
        public override string? Cell(string column) => Word(Find(cells, column))?.Trim() is { Length: > 0 } text ? text : null;
    }
}
