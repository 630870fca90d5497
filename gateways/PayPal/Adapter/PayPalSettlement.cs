using System.Globalization;
using Purser.Reconciliation;
using Purser.Refunds;

namespace Purser.Gateways.PayPal;

/// <summary>What moved in the PayPal balance: the daily settlement report, and the search over the API. Both name a movement by the same id and classify
/// it by the same codes. Money settles into the balance; its way to the bank is a row of its own without a link to payments.</summary>
static class PayPalSettlement
{
    const string Type = "CH";
    const int PageSize = 500;
    const string DateFormat = "yyyy/MM/dd HH:mm:ss zzz";

    /// <summary>The line of column names begins with a mark of its own, and so does every row: that is how rows about money are told from footers.</summary>
    public static SettlementSheet Sheet { get; } = new(
        [Type, "Transaction ID", "Transaction Event Code", "Gross Transaction Amount", "Gross Transaction Currency", "Fee Amount"], ReadRow)
    {
        Frame = ReadFrame,
        HasTrailer = true,
    };

    /// <summary>A section's footers are held against its rows. Those of the report go over all its files, and what the file's own counts is not clear
    /// from their documents: that it is there shows that the file is whole.</summary>
    static SettlementFrame? ReadFrame(SettlementRow row) => row.Cell(Type) switch
    {
        "SF" => new SettlementFrame("SF", Net: FooterNet(row)),
        "SC" => new SettlementFrame("SC", Rows: long.TryParse(row.At(2), NumberStyles.None, CultureInfo.InvariantCulture, out var rows)
            ? rows : throw new SettlementRowException("SC", "is no number of rows"), Closes: true),
        "FF" => new SettlementFrame("FF", Last: true),
        "RH" or "FH" or "SH" or "CH" or "RF" or "RC" => new SettlementFrame(row.Cell(Type)!),
        _ => null,
    };

    /// <summary>Footers have no names: currency, gross credits and debits, fee credits and debits.</summary>
    static Money FooterNet(SettlementRow row)
    {
        if (!Currency.TryFind(row.At(2), out var currency)) throw new SettlementRowException("SF", "names no currency");
        return Sum(3) - Sum(4) + Sum(5) - Sum(6);

        Money Sum(int place) => TryHundredths(row.At(place), currency, out var sum) ? sum : throw new SettlementRowException("SF", $"has no sum in place {place}");
    }

    static SettlementLine? ReadRow(SettlementRow row, GatewayAccount account)
    {
        if (row.Text(Type) != "SB") throw new SettlementRowException(Type, "is no mark of a row that is known");
        var id = row.Text("Transaction ID");
        var currency = row.Currency("Gross Transaction Currency");
        var gross = Hundredths(row, "Gross Transaction Amount", currency);
        // Older files have two blanks in one of the names.
        if (!Sign(row.AnyOf("Transaction Debit or Credit", "Transaction  Debit or Credit"), out var sign))
            throw new SettlementRowException("Transaction Debit or Credit", "is neither CR nor DR");
        var fee = Money.Zero(currency);
        if (row.Cell("Fee Amount") is { } text && text.AsSpan().ContainsAnyExcept('0'))
        {
            if (row.Currency("Fee Currency") != currency) throw new SettlementRowException("Fee Currency", "is not the currency of the amount");
            if (!Sign(row.Cell("Fee Debit or Credit"), out var feeSign)) throw new SettlementRowException("Fee Debit or Credit", "is neither CR nor DR");
            fee = new Money(feeSign * Hundredths(row, "Fee Amount", currency).MinorUnits, currency);
        }
        var column = row.Cell("Transaction Completion Date") is null ? "Transaction Initiation Date" : "Transaction Completion Date";
        return Line(
            id, row.Text("Transaction Event Code"), new Money(sign * gross.MinorUnits, currency), fee, row.Cell("Custom Field"), row.Cell("Invoice ID"),
            row.Cell("PayPal Reference ID Type") == "TXN" ? row.Cell("PayPal Reference ID") : null, row.Time(column, TimeSpan.Zero, DateFormat));
    }

    /// <summary>Whole numbers, times a hundred in every currency, also where there are no hundredths.</summary>
    static Money Hundredths(SettlementRow row, string column, Currency currency) =>
        TryHundredths(row.Text(column), currency, out var money)
            ? money
            : throw new SettlementRowException(column, $"'{row.Text(column)}' is no amount of {currency.Code} times a hundred");

    static bool TryHundredths(string? text, Currency currency, out Money money)
    {
        money = default;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var units) && Money.TryFromMajor(units / 100m, currency, out money);
    }

    static bool Sign(string? word, out int sign)
    {
        sign = word switch { "CR" => 1, "DR" => -1, _ => 0 };
        return sign != 0;
    }

    public static async Task<SettlementAnswer> Read(SettlementCall call, GatewayLine line, CancellationToken stop)
    {
        var day = call.Day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        if (!int.TryParse(call.Page ?? "1", NumberStyles.None, CultureInfo.InvariantCulture, out var page) || page < 1) return new SettlementAnswer.Unknown("There is no such page.");
        // No more fields than these: the others are about shoppers.
        var path = $"v1/reporting/transactions?start_date={day}T00:00:00Z&end_date={day}T23:59:59Z&fields=transaction_info&page_size={PageSize}&page={page}";
        var said = await new PayPalTalk(call.Account, line).Ask(HttpMethod.Get, path, null, null, stop);
        if (said.Answer is not { } answer) return new SettlementAnswer.Unknown(said.NotSent ?? said.Lost!);
        if (answer.Status != 200) return new SettlementAnswer.Unknown(PayPalTalk.Refusal(answer) is { Word: { } word } ? $"HTTP {answer.Status} {Wire.Line(word, 60)}" : $"HTTP {answer.Status}");
        if (!Wire.TryRead<TransactionsWire>(answer.Body.Span, out var list) || list is not { TransactionDetails: { } rows, TotalPages: { } pages } || (list.Page ?? page) != page)
            return new SettlementAnswer.Unknown("The answer is no list of transactions.");
        var lines = new List<SettlementLine>();
        var undecided = false;
        foreach (var row in rows)
        {
            if (row?.TransactionInfo is not { TransactionId: { Length: > 0 } id, TransactionEventCode: { } code } info || !PayPalMapping.TryMoney(info.TransactionAmount, out var amount))
                return new SettlementAnswer.Unknown("A transaction cannot be read.");
            var fee = Money.Zero(amount.Value.Currency);
            if (info.FeeAmount is not null)
            {
                if (!PayPalMapping.TryMoney(info.FeeAmount, out var told) || told.Value.Currency != amount.Value.Currency) return new SettlementAnswer.Unknown("A fee cannot be read.");
                fee = told.Value;
            }
            // Denied and pending ones have moved nothing; a pending one may yet, and is then told of under this day.
            undecided |= info.TransactionStatus == "P";
            if (info.TransactionStatus is "D" or "P") continue;
            var at = PayPalMapping.Time(info.TransactionInitiationDate);
            if (at is null && info.TransactionInitiationDate is { Length: > 0 }) return new SettlementAnswer.Unknown("A transaction's time cannot be read.");
            lines.Add(Line(
                id, code, amount.Value, fee, info.CustomField, info.InvoiceId, info.PaypalReferenceIdType == "TXN" ? info.PaypalReferenceId : null,
                at));
        }
        return new SettlementAnswer.Done(lines, page < pages ? (page + 1).ToString(CultureInfo.InvariantCulture) : null) { IsUndecided = undecided };
    }

    /// <param name="gross">With its sign, as is the fee: what is kept is less than nothing.</param>
    /// <param name="about">The transaction that this one is about.</param>
    static SettlementLine Line(string id, string code, Money gross, Money fee, string? custom, string? invoice, string? about, DateTimeOffset? at)
    {
        var kind = Kind(code, gross);
        var ours = custom ?? invoice;
        return new SettlementLine(id, kind, gross.MinorUnits < 0 ? -gross : gross, gross + fee)
        {
            Payment = PaymentId.TryParseReference(ours, out var payment) ? payment : null,
            Refund = RefundId.TryParseReference(ours, out var refund) ? refund : null,
            MoneyReference = kind == SettlementKind.Payment ? id : about,
            RefundReference = kind == SettlementKind.Refund ? id : null,
            Fee = fee.MinorUnits < 0 ? -fee : null,
            HappenedAt = at,
            // Into the balance, which is at once; the calendar is the statement's own.
            SettledOn = at is { } time ? DateOnly.FromDateTime(time.UtcDateTime) : null,
            PayoutReference = kind == SettlementKind.Payout ? id : null,
            Note = kind == SettlementKind.Adjustment ? code : null,
        };
    }

    /// <summary>A code that we do not know moved money all the same.</summary>
    static SettlementKind Kind(string code, Money gross) => code switch
    {
        "T1107" => SettlementKind.Refund,
        "T1106" or "T1110" or "T1201" => SettlementKind.Dispute,
        "T1111" or "T1202" => SettlementKind.DisputeReturned,
        _ when code.StartsWith("T00", StringComparison.Ordinal) && gross.MinorUnits > 0 => SettlementKind.Payment,
        _ when code.StartsWith("T04", StringComparison.Ordinal) => SettlementKind.Payout,
        _ => SettlementKind.Adjustment,
    };
}
