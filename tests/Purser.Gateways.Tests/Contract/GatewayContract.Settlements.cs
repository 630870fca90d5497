using System.Text;
using Purser.Gateways.Tests.Settlement;
using Purser.Orders;
using Purser.Reconciliation;

namespace Purser.Gateways.Tests.Contract;

// What the gateway states that it settled, against what truly moved.
public abstract partial class GatewayContract<TGateway>
{
    [Fact]
    public async Task A_settlement_file_states_the_money_that_moved() => await States(async account =>
    {
        if (Gateway is not ISettleByFile byFile) return null;
        return await Statement(byFile, account);
    });

    async Task<List<SettlementLine>> Statement(ISettleByFile byFile, GatewayAccount account)
    {
        var file = (await sandbox!.Settlement()).ShouldNotBeNull("The simulator gives no settlement file.");
        var rows = SettlementReader.Read(new MemoryStream(file), byFile.Sheet, account).ToList();
        rows.ShouldAllBe(r => r.Fault == null);
        return [.. rows.Select(r => r.Line).OfType<SettlementLine>()];
    }

    /// <summary>False for a gateway whose API tells only what was paid out: then that must be what the rows of its file add up to.</summary>
    protected virtual bool SettlementCallTellsRows => true;

    [Fact]
    public async Task A_settlement_asked_for_states_the_money_that_moved() => await States(async account =>
    {
        if (Gateway is not ISettleByCall byCall) return null;
        var lines = await Asked(byCall, account);
        if (SettlementCallTellsRows) return lines;
        lines.ShouldAllBe(l => l.Kind == SettlementKind.Payout);
        lines.Select(l => l.RowKey).ShouldBeUnique();
        var rows = await Statement((ISettleByFile)Gateway, account);
        lines.Sum(l => l.Net.MinorUnits).ShouldBe(-rows.Sum(r => r.Net.MinorUnits));
        return rows;
    });

    [Fact]
    public async Task A_settlement_asked_for_in_vain_says_nothing()
    {
        if (Gateway is not ISettleByCall byCall) return;
        var call = await Start();
        var today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
        foreach (var fault in (string[])["error_500", "error_429", "malformed", "malformed_html", "empty"])
        {
            await sandbox!.Fault("settlement", fault, times: 0);
            (await byCall.ReadSettlement(new SettlementCall(call.Account, today, null), Line(call.Account), default)).ShouldBeOfType<SettlementAnswer.Unknown>(fault);
        }
    }

    [Fact]
    public async Task A_settlement_file_says_the_same_in_every_encoding_packed_and_as_a_workbook() => await States(async account =>
    {
        if (Gateway is not ISettleByFile byFile) return null;
        var file = (await sandbox!.Settlement()).ShouldNotBeNull();
        var (text, lines) = (Encoding.UTF8.GetString(file).TrimStart('\ufeff'), Lines(file));
        foreach (string encoding in ReadingTests.Encodings) Lines(ReadingTests.Written(text, encoding)).ShouldBe(lines, encoding);
        foreach (var end in (string[])["\n", "\r\n", "\r"]) Lines(Encoding.UTF8.GetBytes(text.Replace("\r\n", "\n").Replace("\n", end))).ShouldBe(lines);
        Lines(Settlement.Statement.Gzip(file)).ShouldBe(lines);
        Lines(Settlement.Statement.Zip(("report.csv", file))).ShouldBe(lines);
        var cells = Settlement.Statement.Split(text);
        Lines(Settlement.Statement.Workbook(cells)).ShouldBe(lines);
        foreach (var separator in (string[])[",", ";", "\t", "|"])
            Lines(Encoding.UTF8.GetBytes(string.Concat(cells.Select(r => string.Join(separator, r.Select(c => $"\"{c.Replace("\"", "\"\"")}\"")) + "\n")))).ShouldBe(lines, separator);
        return null;

        List<SettlementLine> Lines(byte[] written)
        {
            var rows = SettlementReader.Read(new MemoryStream(written), byFile.Sheet, account).ToList();
            rows.ShouldAllBe(r => r.Fault == null);
            return [.. rows.Select(r => r.Line).OfType<SettlementLine>()];
        }
    });

    [Fact]
    public async Task A_settlement_file_that_is_cut_anywhere_is_refused_or_has_fewer_rows_and_never_other_ones() => await States(async account =>
    {
        if (Gateway is not ISettleByFile byFile) return null;
        var file = (await sandbox!.Settlement()).ShouldNotBeNull();
        var lines = await Statement(byFile, account);
        var unnoticed = 0;
        for (var cut = 0; cut < file.Length; cut++)
            try
            {
                var rows = SettlementReader.Read(new MemoryStream(file, 0, cut), byFile.Sheet, account).ToList();
                rows.Where(r => r.Line is not null).Select(r => r.Line!).ShouldBe(lines.Take(rows.Count(r => r.Line is not null)), $"cut at {cut}");
                if (rows.All(r => r.Fault is null)) unnoticed++;
                if (byFile.Sheet.HasTrailer) rows.Count(r => r.Line is not null).ShouldBe(lines.Count);
            }
            catch (SettlementReader.NotAStatementException)
            {
            }
        // At most behind each row with and without the second half of its line break, and behind the quote before it.
        unnoticed.ShouldBeLessThanOrEqualTo(3 * (lines.Count + 1));
        return null;
    });

    [Fact]
    public async Task A_settlement_file_of_which_a_cell_is_empty_is_refused_or_says_as_many_rows_and_never_leaves_one_out() => await States(async account =>
    {
        if (Gateway is not ISettleByFile byFile) return null;
        var cells = Settlement.Statement.Split(Encoding.UTF8.GetString((await sandbox!.Settlement()).ShouldNotBeNull()).TrimStart('\ufeff'));
        var told = Told().ShouldNotBeNull();
        foreach (var row in cells)
            for (var column = 0; column < row.Length; column++)
            {
                var (whole, there) = (row[column], row[column].Length > 0);
                row[column] = "";
                if (there && Told() is { } left) left.ShouldBe(told, $"without '{whole}' in column {column + 1} of {string.Join(" | ", row)}");
                row[column] = whole;
            }
        return null;

        int? Told()
        {
            try
            {
                var rows = SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(string.Concat(cells.Select(r => string.Join(',', r.Select(c => $"\"{c.Replace("\"", "\"\"")}\"")) + "\n")))), byFile.Sheet, account).ToList();
                return rows.Exists(r => r.Fault is not null) ? null : rows.Count(r => r.Line is not null);
            }
            catch (SettlementReader.NotAStatementException)
            {
                return null;
            }
        }
    });

    /// <summary>False for a gateway whose simulator never transfers money to the bank: then the gateway's own test shows a row about a transfer.</summary>
    protected virtual bool SimulatorPaysOut => true;

    [Fact]
    public async Task A_transfer_to_the_bank_has_rows_of_its_own_or_is_named_in_every_row() => await States(async account =>
    {
        var lines = Gateway is ISettleByFile byFile ? await Statement(byFile, account) : [];
        if (Gateway is ISettleByCall byCall) lines.AddRange(await Asked(byCall, account));
        if (!Gateway.Profile.StatesPayouts)
        {
            lines.ShouldNotBeEmpty();
            lines.ShouldAllBe(l => l.Kind != SettlementKind.Payout && l.PayoutReference != null);
        }
        else if (SimulatorPaysOut) lines.ShouldContain(l => l.Kind == SettlementKind.Payout);
        return null;
    });

    async Task<List<SettlementLine>> Asked(ISettleByCall byCall, GatewayAccount account)
    {
        var lines = new List<SettlementLine>();
        var today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
        // Their calendar may be a day away from ours, on either side.
        foreach (var day in (DateOnly[])[today.AddDays(-1), today, today.AddDays(1)])
            for (string? page = null; ;)
            {
                var done = (await byCall.ReadSettlement(new SettlementCall(account, day, page), Line(account), default)).ShouldBeOfType<SettlementAnswer.Done>();
                lines.AddRange(done.Lines);
                if ((page = done.Next) is null) break;
            }
        return lines;
    }

    async Task States(Func<GatewayAccount, Task<List<SettlementLine>?>> read)
    {
        var first = await Start();
        var calls = Enumerable.Range(1, 4).Select(n => first with
        {
            Payment = new PaymentId(first.Payment.Order, n),
            Amount = new Money(Amount.MinorUnits + (n * 100), Amount.Currency),
        }).ToList();
        var names = new Dictionary<string, LinkCall>();
        foreach (var call in calls)
        {
            var opened = Opened(await Open(call));
            await sandbox!.Act(call.Payment, call == calls[^1] ? "abandoned" : "paid");
            if (call == calls[^1]) continue;
            var money = Facts(await Inquire(call, opened.GatewayReference)).OfType<Evidence.Succeeded>().ShouldHaveSingleItem();
            names.Add(money.MoneyReference, call);
            if (call != calls[0] || Gateway is not IRefundMoney) continue;
            var refund = new RefundCall(call.Account, new RefundId(call.Payment.Order, 1), call.Payment, opened.GatewayReference, money.MoneyReference, money.Amount,
                new Money(5_000, Amount.Currency), null, "Order 42", call.StartedAt);
            (await Refund(refund)).ShouldBeOfType<RefundAnswer.Done>();
            await Ended(refund);
        }

        if (await read(first.Account) is not { } lines) return;
        lines.Select(l => l.RowKey).ShouldBeUnique();
        var payments = lines.Where(l => l.Kind == SettlementKind.Payment).ToList();
        payments.Count.ShouldBe(names.Count);
        foreach (var line in payments)
        {
            // Found by our reference or by theirs; both agree where both are there.
            var call = line.Payment is { } ours ? calls.Single(c => c.Payment == ours) : names[line.MoneyReference.ShouldNotBeNull()];
            if (line.MoneyReference is { } name) names[name].ShouldBe(call);
            line.Amount.ShouldBe(call.Amount);
            line.Net.ShouldBe(line.Amount - (line.Fee ?? new Money(0, line.Amount.Currency)) - (line.Tax ?? new Money(0, line.Amount.Currency)));
        }
        var movements = new List<SandboxWorld.Movement>();
        foreach (var call in calls) movements.AddRange(await sandbox!.Book(call.Payment));
        Sum(payments).ShouldBe(movements.Where(m => m.Kind == "captured").Sum(m => m.Amount));
        Sum(lines.Where(l => l.Kind == SettlementKind.Refund)).ShouldBe(movements.Where(m => m.Kind == "refunded").Sum(m => m.Amount));
        lines.Where(l => l.Kind == SettlementKind.Refund).ShouldAllBe(l => l.Net.MinorUnits <= -l.Amount.MinorUnits);
        // Issued again it has the same rows.
        (await read(first.Account))!.ShouldBe(lines);

        static long Sum(IEnumerable<SettlementLine> some) => some.Sum(l => l.Amount.MinorUnits);
    }
}
