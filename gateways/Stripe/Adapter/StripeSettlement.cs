using System.Globalization;
using System.Text.Json;
using Purser.Reconciliation;

namespace Purser.Gateways.Stripe;

/// <summary>What they settled: over the API the balance transactions of each payout that arrives on a day, in the smallest unit; by file the rows of
/// their reports on activity and on payouts, in major units. Both name a row by its balance transaction.</summary>
static class StripeSettlement
{
    const int PageSize = 100;
    const int LongestNote = 200;
    const string Times = "yyyy-MM-dd HH:mm:ss";

    const string PaymentColumn = $"payment_metadata[{StripeMapping.ReferenceKey}]", RefundColumn = $"refund_metadata[{StripeMapping.RefundKey}]";

    public static SettlementSheet Sheet { get; } = new(["balance_transaction_id", "currency", "gross", "fee", "net", "reporting_category"], ReadRow);

    /// <summary>A page is a payout, or a part of one: its name, a stroke, and the last row that was read.</summary>
    public static async Task<SettlementAnswer> Read(SettlementCall call, GatewayLine line, CancellationToken stop)
    {
        var (named, after) = call.Page?.Split('/') is [var first, .. var rest] ? (first, rest is [var last] ? last : null) : (null, null);
        var midnight = new DateTimeOffset(call.Day, TimeOnly.MinValue, TimeSpan.Zero).ToUnixTimeSeconds();
        var path = string.Create(CultureInfo.InvariantCulture, $"v1/payouts?arrival_date%5Bgte%5D={midnight}&arrival_date%5Blt%5D={midnight + 86_400}&limit={PageSize}");
        var (list, why) = await Get<PayoutsWire>(path, call.Account, line, stop);
        if (list is null) return new SettlementAnswer.Unknown(why);
        if (list is not { Data: { } payouts, HasMore: false } || payouts.Any(p => p?.Id is null)) return new SettlementAnswer.Unknown("The payouts of the day cannot be read whole.");

        var ordered = payouts.OrderBy(p => p.Id, StringComparer.Ordinal).ToList();
        var at = named is null ? 0 : ordered.FindIndex(p => p.Id == named);
        if (at < 0) return new SettlementAnswer.Unknown("There is no such page.");
        if (ordered.Count == 0) return new SettlementAnswer.Done([], null);
        var payout = ordered[at];
        var next = at + 1 < ordered.Count ? ordered[at + 1].Id : null;
        // Only what they paid out by themselves says which money it was.
        if (payout.Automatic == false)
            return Alone(payout, call.Day) is { } alone ? new SettlementAnswer.Done(alone, next) { IsUndecided = IsUndecided(payout), MayChangeUntil = payout.Status == "paid" ? call.Day.AddDays(FailsWithinDays) : null } : new SettlementAnswer.Unknown("A payout cannot be read.");
        if (payout.ReconciliationStatus != "completed") return new SettlementAnswer.Unknown($"The payout {payout.Id} is not itemised yet.");

        path = $"v1/balance_transactions?payout={Uri.EscapeDataString(payout.Id!)}&limit={PageSize}&expand%5B%5D=data.source";
        if (after is not null) path += $"&starting_after={Uri.EscapeDataString(after)}";
        var (page, reason) = await Get<BalancesWire>(path, call.Account, line, stop);
        if (page is null) return new SettlementAnswer.Unknown(reason);
        if (page is not { Data: { } rows, HasMore: { } more } || (more && rows.Count == 0)) return new SettlementAnswer.Unknown("The list cannot be read.");
        var lines = new List<SettlementLine>();
        foreach (var row in rows)
            if (row is not null && Line(row, payout.Id!, call.Day) is { } read) lines.Add(read);
            else return new SettlementAnswer.Unknown("A row cannot be read.");
        return new SettlementAnswer.Done(lines, more ? $"{payout.Id}/{rows[^1].Id}" : next);
    }

    static async Task<(T? Value, string Why)> Get<T>(string path, GatewayAccount account, GatewayLine line, CancellationToken stop) where T : class =>
        await line.Send(StripeGateway.Request(account, HttpMethod.Get, path), stop) switch
        {
            LineReply.NotSent n => (null, n.Reason),
            LineReply.Lost l => (null, l.Reason),
            LineReply.Answered { Status: 200 } a => Wire.TryRead<T>(a.Body.Span, out var read) ? (read, "") : (null, "The answer cannot be read."),
            LineReply.Answered a => (null, StripeGateway.Error(a) is { } error ? StripeGateway.Reason(line, error) : $"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };

    /// <summary>The way out; and of one that did not arrive the way back, which brings the whole of it into the balance again. Where there is none, nothing had left.</summary>
    static IReadOnlyList<SettlementLine>? Alone(PayoutWire payout, DateOnly day)
    {
        if (!StripeMapping.TrySigned(payout.Amount, payout.Currency, out var amount)) return null;
        var wayOut = Row(payout.BalanceTransaction ?? payout.Id!, -amount.Value);
        return !HasFailed(payout) ? [wayOut] : payout.FailureBalanceTransaction is { } back ? [wayOut, Row(back, amount.Value)] : [];

        SettlementLine Row(string key, Money net) => new(key, SettlementKind.Payout, Plain(amount.Value), net)
        {
            HappenedAt = key == payout.FailureBalanceTransaction ? null : Wire.Time(payout.Created),
            SettledOn = day,
            PayoutReference = payout.Id,
        };
    }

    /// <summary>A payout that was called paid can fail "within some days", when the bank sends it back; how many is our guess.</summary>
    const int FailsWithinDays = 7;

    static bool HasFailed(PayoutWire payout) => payout.Status is "failed" or "canceled";

    /// <summary>It may still fail; or it did, and its way back is not booked yet.</summary>
    static bool IsUndecided(PayoutWire payout) => payout.Status is "pending" or "in_transit" || (HasFailed(payout) && payout is { BalanceTransaction: not null, FailureBalanceTransaction: null });

    /// <summary>Amount and fee are in the currency that is paid out, which is not the shopper's where it was exchanged.</summary>
    static SettlementLine? Line(BalanceWire row, string payout, DateOnly day)
    {
        if (row is not { Id: { Length: > 0 } id, ReportingCategory: { } category } || !StripeMapping.TrySigned(row.Amount, row.Currency, out var gross)
            || !StripeMapping.TrySigned(row.Net, row.Currency, out var net) || !StripeMapping.TrySigned(row.Fee, row.Currency, out var fee)
            || !StripeMapping.TrySigned((row.FeeDetails ?? []).Where(f => f.Type is "tax" or "withheld_tax").Sum(f => f.Amount ?? 0), row.Currency, out var tax)) return null;
        var source = row.Source.ValueKind == JsonValueKind.Object && Wire.TryRead<SourceWire>(row.Source, out var read) ? read : null;
        return Line(id, category, gross.Value, net.Value, fee.Value, tax.Value, source?.Metadata?.GetValueOrDefault(StripeMapping.ReferenceKey),
            source?.Metadata?.GetValueOrDefault(StripeMapping.RefundKey), source?.PaymentIntent,
            source?.Id ?? (row.Source.ValueKind == JsonValueKind.String ? row.Source.GetString() : null), row.Description) with
        {
            Method = StripeMapping.Method(source?.PaymentMethodDetails),
            HappenedAt = Wire.Time(row.Created),
            SettledOn = day,
            PayoutReference = payout,
        };
    }

    static SettlementLine? ReadRow(SettlementRow row, GatewayAccount account)
    {
        // A foot of words alone; a row with an amount and without a name would be lost.
        if (row.Cell("balance_transaction_id") is null && row.Cell("gross") is null && row.Cell("net") is null) return null;
        var (id, currency) = (row.Text("balance_transaction_id"), row.Currency("currency"));
        return Line(
            id, row.Text("reporting_category"), row.Major("gross", currency), row.Major("net", currency), row.Major("fee", currency), Money.Zero(currency),
            row.Cell(PaymentColumn), row.Cell(RefundColumn), row.Cell("payment_intent_id"), row.Cell("source_id"), row.Cell("description")) with
        {
            Method = row.Cell("payment_method_type"),
            // The columns without _utc are in a zone that the file does not name.
            HappenedAt = row.Cell("created_utc") is null ? null : row.Time("created_utc", TimeSpan.Zero, Times),
            SettledOn = row.Cell("automatic_payout_effective_at_utc") is null ? null
                : DateOnly.FromDateTime(row.Time("automatic_payout_effective_at_utc", TimeSpan.Zero, Times).DateTime),
            PayoutReference = row.Cell("automatic_payout_id"),
        };
    }

    static SettlementLine Line(
        string id, string category, Money gross, Money net, Money fee, Money tax, string? payment, string? refund, string? intent, string? source, string? description)
    {
        var kind = StripeMapping.Kind(category);
        return new SettlementLine(id, kind, Plain(gross), net)
        {
            Payment = PaymentId.TryParseReference(payment, out var ours) ? ours : null,
            Refund = RefundId.TryParseReference(refund, out var refunded) ? refunded : null,
            MoneyReference = intent,
            RefundReference = kind is SettlementKind.Refund or SettlementKind.RefundReturned ? source : null,
            // One that was given back shows in the net alone.
            Fee = (fee - tax).MinorUnits > 0 ? fee - tax : null,
            Tax = tax.MinorUnits > 0 ? tax : null,
            Note = kind == SettlementKind.Adjustment ? Wire.Line($"{category} {description}", LongestNote) : null,
        };
    }

    static Money Plain(Money money) => money.MinorUnits < 0 ? -money : money;
}
