using System.Globalization;
using Purser.Reconciliation;
using Purser.Refunds;

namespace Purser.Gateways.CCAvenue;

// What happens to money afterwards: refunds, and what was paid out.
public sealed partial class CCAvenueGateway
{
    /// <summary>Try again; the request itself is right.</summary>
    const string NotNow = "51420";

    const int RowsOfPage = 100;

    public async Task<RefundAnswer> Refund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        var asked = await CCAvenueTalk.Ask(call.Account, "refundOrder", "1.2", CCAvenueTalk.Json(json =>
        {
            json.WriteString("reference_no", call.MoneyReference);
            json.WriteString("refund_amount", call.Amount.ToMajorUnits());
            json.WriteString("refund_ref_no", call.Refund.Reference);
        }), line, stop);
        switch (asked)
        {
            case CCAvenueTalk.Heard.NotSent n: return new RefundAnswer.NotSent(n.Reason);
            case CCAvenueTalk.Heard.Unknown u: return new RefundAnswer.Unknown(u.Reason);
            case CCAvenueTalk.Heard.Told told when told.Json.Text("refund_status") == "0":
                return new RefundAnswer.Done(new RefundEvidence.Accepted { RefundReference = call.Refund.Reference });
            case CCAvenueTalk.Heard.Told: return new RefundAnswer.Unknown("The answer is not about a refund.");
            case CCAvenueTalk.Heard.Refused { Code: NotNow } busy: return new RefundAnswer.Unknown(busy.Reason);
            case CCAvenueTalk.Heard.Refused r when !IsOfCommand(r.Code): return new RefundAnswer.Unknown(r.Reason);
            case CCAvenueTalk.Heard.Refused r: return await Refused(r.Reason, r.Code == "51309");
            case CCAvenueTalk.Heard.Nothing: return await Refused("There is no such order.", taken: false);
            default: throw new InvalidOperationException("Nothing else is heard.");
        }

        // The same request may have been taken before, whatever is said of the second one.
        async Task<RefundAnswer> Refused(string reason, bool taken) => await InquireRefund(call, line, stop) switch
        {
            RefundAnswer.Done { Fact: RefundEvidence.Absent } when !taken => new RefundAnswer.Rejected(reason),
            RefundAnswer.Done { Fact: RefundEvidence.Absent } => new RefundAnswer.Unknown("The refund's name is taken, and the refund is not to be seen yet."),
            RefundAnswer.NotSent n => new RefundAnswer.Unknown(n.Reason),
            var found => found,
        };
    }

    public async Task<RefundAnswer> InquireRefund(RefundCall call, GatewayLine line, CancellationToken stop)
    {
        switch (await AskRefunds(call.Account, call.MoneyReference, line, stop))
        {
            case CCAvenueTalk.Heard.NotSent n: return new RefundAnswer.NotSent(n.Reason);
            case CCAvenueTalk.Heard.Unknown u: return new RefundAnswer.Unknown(u.Reason);
            // Of money that nobody knows nothing went back.
            case CCAvenueTalk.Heard.Nothing: return new RefundAnswer.Done(new RefundEvidence.Absent());
            case CCAvenueTalk.Heard.Refused { Code: "51001" or "51002" or "51003" }: return new RefundAnswer.Done(new RefundEvidence.Absent());
            case CCAvenueTalk.Heard.Refused r: return new RefundAnswer.Unknown(r.Reason);
            case CCAvenueTalk.Heard.Told told:
                if (Refunds(told.Json) is not { } refunds) return new RefundAnswer.Unknown("The answer has no list of refunds.");
                // It does not repeat what was asked; the amount and the refunds' own names are all that shows whose they are.
                if (!(told.Json.Money(call.Captured.Currency, "order_amt")?.MinorUnits >= call.Captured.MinorUnits) || refunds.Any(r => CCAvenueMapping.IsOfAnother(r, call.Payment.Order)))
                    return new RefundAnswer.Unknown("The answer is about another order.");
                var ours = refunds.Where(r => r.Text("refund_mer_ref_no") == call.Refund.Reference).ToList();
                if (ours.Count == 0) return new RefundAnswer.Done(new RefundEvidence.Absent());
                if (told.Json.Text("order_curr", "order_currency") is { } currency && currency != call.Amount.Currency.Code)
                    return new RefundAnswer.Unknown("The refund is in another currency.");
                return ours.Count == 1 && CCAvenueMapping.Refund(ours[0], call.Amount.Currency) is { } fact
                    ? new RefundAnswer.Done(fact)
                    : new RefundAnswer.Unknown($"The refund cannot be read: {line.Redact(Wire.Line(ours[0].Text("refund_status") ?? "", 40))}");
            default: throw new InvalidOperationException("Nothing else is heard.");
        }
    }

    /// <summary>The payouts of the day first; then the rows of each, page by page.</summary>
    public async Task<SettlementAnswer> ReadSettlement(SettlementCall call, GatewayLine line, CancellationToken stop) =>
        call.Page is null ? await ReadPayouts(call, line, stop) : await ReadRows(call, call.Page, line, stop);

    static async Task<SettlementAnswer> ReadPayouts(SettlementCall call, GatewayLine line, CancellationToken stop)
    {
        var asked = await CCAvenueTalk.Ask(call.Account, "payoutSummary", "1.2",
            CCAvenueTalk.Json(json => json.WriteString("settlement_date", CCAvenueSettlement.Written(call.Day))), line, stop);
        if (asked is CCAvenueTalk.Heard.Nothing) return new SettlementAnswer.Done([], null);
        if (asked is not CCAvenueTalk.Heard.Told told) return Unread(asked);
        if (told.Json.List(["payout_summary_list", "pauyout_summary_list"], ["payout_summary_details", "pauyout_summary_details"]) is not { } payouts)
            return new SettlementAnswer.Unknown("The answer has no list of payouts.");
        var transfers = payouts.Select(p => CCAvenueSettlement.Transfer(p, call.Day)).ToList();
        if (transfers.Contains(null)) return new SettlementAnswer.Unknown("A payout cannot be read.");
        var left = payouts.Select(p => new Payout(p.Text("pay_Id", "pay_id")!, p.Text("utr_no")));
        return new SettlementAnswer.Done([.. transfers.Select(t => t!)], Pages.Write([.. left], 1));
    }

    static async Task<SettlementAnswer> ReadRows(SettlementCall call, string page, GatewayLine line, CancellationToken stop)
    {
        if (Pages.Read(page) is not ({ Count: > 0 } payouts, var number)) return new SettlementAnswer.Unknown("There is no such page.");
        var asked = await CCAvenueTalk.Ask(call.Account, "payIdDetails", "1.4", CCAvenueTalk.Json(json =>
        {
            json.WriteString("pay_id", payouts[0].Id);
            json.WriteNumber("page_number", number);
            json.WriteNumber("no_of_records", RowsOfPage);
        }), line, stop);
        if (asked is not CCAvenueTalk.Heard.Told told) return Unread(asked);
        if (told.Json.Text("pay_id", "pay_Id") is { } id && id != payouts[0].Id) return new SettlementAnswer.Unknown("The answer is about another payout.");
        if (told.Json.List(["pay_id_txn_details_list"], ["pay_id_txn_details"]) is not { } rows) return new SettlementAnswer.Unknown("The answer has no rows.");
        if (!int.TryParse(told.Json.Text("page_count"), NumberStyles.None, CultureInfo.InvariantCulture, out var pages))
            return new SettlementAnswer.Unknown("The answer does not say how many pages there are.");
        var lines = rows.Select(r => CCAvenueSettlement.Line(r, call.Day, payouts[0].Transfer ?? payouts[0].Id)).ToList();
        if (lines.Contains(null)) return new SettlementAnswer.Unknown("A row cannot be read.");
        return new SettlementAnswer.Done([.. lines.Select(l => l!)], number < pages ? Pages.Write(payouts, number + 1) : Pages.Write([.. payouts.Skip(1)], 1));
    }

    static SettlementAnswer.Unknown Unread(CCAvenueTalk.Heard heard) => new(heard switch
    {
        CCAvenueTalk.Heard.NotSent n => n.Reason,
        CCAvenueTalk.Heard.Unknown u => u.Reason,
        CCAvenueTalk.Heard.Refused r => r.Reason,
        _ => "There is no such payout.",
    });

    static Task<CCAvenueTalk.Heard> AskRefunds(GatewayAccount account, string money, GatewayLine line, CancellationToken stop) =>
        CCAvenueTalk.Ask(account, "getRefundDetails", "1.1", CCAvenueTalk.Json(json => json.WriteString("reference_no", money)), line, stop);

    static IReadOnlyList<CCAvenueNode>? Refunds(CCAvenueNode json) => json.List(["refund_list"], ["refund_details", "refund_detail"]) ?? json.List(["refund_list"]);

    /// <summary>Codes of the servlet (514.., -1) say nothing about the command, nor about what became of it before.</summary>
    static bool IsOfCommand(string code) => code.Length == 5 && code.StartsWith("51", StringComparison.Ordinal) && code[2] != '4';

    sealed record Payout(string Id, string? Transfer);

    /// <summary>The payouts whose rows are still to be read, and the page of the first.</summary>
    static class Pages
    {
        public static string? Write(IReadOnlyList<Payout> payouts, int page) => payouts.Count == 0 ? null
            : $"{page}#{string.Join(',', payouts.Select(p => $"{Uri.EscapeDataString(p.Id)}:{Uri.EscapeDataString(p.Transfer ?? "")}"))}";

        public static (List<Payout> Payouts, int Page)? Read(string text)
        {
            if (text.Split('#') is not [var number, var rest] || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var page)) return null;
            var payouts = rest.Split(',').Select(p => p.Split(':')).ToList();
            return payouts.TrueForAll(p => p.Length == 2)
                ? ([.. payouts.Select(p => new Payout(Uri.UnescapeDataString(p[0]), Uri.UnescapeDataString(p[1]) is { Length: > 0 } utr ? utr : null))], page)
                : null;
        }
    }
}
