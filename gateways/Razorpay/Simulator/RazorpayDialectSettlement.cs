using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Razorpay;

// What Razorpay states that it settled. Its test mode never settles, so these rows are made up: a movement is settled on the day it happened, by the
// Indian calendar, each day in one settlement. The setting settlement_adjustment (in paise) charges each day something that belongs to no payment.
public sealed partial class RazorpayDialect
{
    const int MostReconRows = 1000;

    static readonly TimeSpan TheirZone = new(5, 30, 0);

    static readonly string[] ReconColumns =
    [
        "entity_id", "type", "debit", "credit", "amount", "currency", "fee", "tax", "on_hold", "settled", "created_at", "settled_at", "settlement_id",
        "posted_at", "credit_type", "description", "notes", "payment_id", "settlement_utr", "order_id", "order_receipt", "method", "card_network",
        "card_issuer", "card_type", "dispute_id",
    ];

    static readonly string[] ReconAmounts = ["debit", "credit", "amount", "fee", "tax"];

    Reply ReadRecon(Call call)
    {
        if (!Whole("year", 4, out var year) || year < 2000) return RazorpayDialectRules.Bad("The year is invalid", "year");
        if (!Whole("month", 2, out var month) || month is < 1 or > 12) return RazorpayDialectRules.Bad("The month is invalid", "month");
        var day = 0;
        if (call.Asked("day") is not null && (!Whole("day", 2, out day) || day < 1 || day > DateTime.DaysInMonth(year, month)))
            return RazorpayDialectRules.Bad("The day is invalid", "day");
        if (RazorpayDialectRules.WrongPage(call, out var skip, out var count, MostReconRows) is { } wrong) return wrong;
        var rows = ReconRows(d => d.Year == year && d.Month == month && (day == 0 || d.Day == day));
        return new(200, Collection(rows.Skip(skip).Take(count)));

        bool Whole(string name, int digits, out int number)
        {
            number = 0;
            return call.Asked(name) is { } text && text.Length == digits && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
        }
    }

    Reply ListSettlements(Call call) => RazorpayDialectRules.WrongPage(call, out var skip, out var count)
        ?? new(200, Collection(SettlementDays().Reverse().Skip(skip).Take(count).Select(SettlementJson)));

    Reply ReadSettlement(string id) =>
        SettlementDays().Where(d => vault.SettlementId(d, world) == id).Select(d => new Reply(200, SettlementJson(d))).FirstOrDefault() ?? Unknown(id);

    /// <summary>The dashboard's export: the same columns, in whole units and with written dates.</summary>
    public SettlementReport? Settlement(IReadOnlyCollection<MoneyMovement> movements)
    {
        var csv = new StringBuilder().AppendJoin(',', ReconColumns).Append('\n');
        foreach (var row in ReconRows(_ => true)) csv.AppendJoin(',', ReconColumns.Select(c => Cell(row, c))).Append('\n');
        return new("settlement-recon.csv", "text/csv; charset=utf-8", Encoding.UTF8.GetBytes(csv.ToString()));
    }

    static string Cell(JsonObject row, string column) => row[column] switch
    {
        null => "",
        var units when ReconAmounts.Contains(column) => Amounts.Major((long)units, (string)row["currency"]!).ToString(CultureInfo.InvariantCulture),
        var at when column is "created_at" or "settled_at" =>
            DateTimeOffset.FromUnixTimeSeconds((long)at).ToOffset(TheirZone).ToString("dd/MM/yyyy HH:mm:ss", CultureInfo.InvariantCulture),
        JsonObject notes => Quoted(notes.ToJsonString(Wire.Compact)),
        var text => Quoted(text.ToString()),
    };

    static string Quoted(string text) => text.AsSpan().ContainsAny(',', '"', '\n') ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;

    static DateOnly Day(long seconds) => DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeSeconds(seconds).ToOffset(TheirZone).DateTime);

    IEnumerable<DateOnly> SettlementDays() => vault.Settled.Select(s => Day(s.At)).Distinct();

    List<JsonObject> ReconRows(Predicate<DateOnly> wanted)
    {
        var rows = new List<JsonObject>();
        foreach (var ofDay in vault.Settled.GroupBy(s => Day(s.At)).Where(g => wanted(g.Key)))
        {
            rows.AddRange(ofDay.Select(s => ReconRow(s, ofDay.Key)));
            if (long.TryParse(world.Settings.GetValueOrDefault("settlement_adjustment"), out var charge)) rows.Add(AdjustmentRow(ofDay.Key, charge, ofDay.Last().At));
        }

        return rows;
    }

    JsonObject ReconRow(RazorpaySettled settled, DateOnly day)
    {
        var (payment, refund) = (settled.Payment, settled.Refund);
        lock (payment.Order.Gate)
        {
            var (fee, tax) = refund is null ? payment.FeeAndTax : (0, 0);
            var row = NewRow(refund?.Id ?? payment.Id, refund is null ? "payment" : "refund", refund?.Amount ?? 0, refund is null ? payment.Amount - fee : 0,
                refund?.Amount ?? payment.Amount, payment.Order.Currency, refund?.CreatedAt ?? payment.CreatedAt, settled.At, day);
            row["fee"] = fee;
            row["tax"] = tax;
            row["credit_type"] = "default";
            row["description"] = refund is null ? payment.Json()["description"]?.DeepClone() : null;
            // Text for payments, an object for refunds, null for both when there are none.
            row["notes"] = refund is null
                ? payment.Order.Notes.Count == 0 ? null : payment.Order.Notes.ToJsonString(Wire.Compact)
                : refund.Notes.Count == 0 ? null : refund.Notes.DeepClone();
            row["payment_id"] = refund is null ? null : payment.Id;
            row["settlement_utr"] = Utr(day);
            row["order_id"] = payment.Order.Id;
            row["order_receipt"] = payment.Order.Link?.Reference ?? payment.Order.Receipt;
            row["method"] = "upi";
            return row;
        }
    }

    JsonObject AdjustmentRow(DateOnly day, long charge, long at)
    {
        var row = NewRow(vault.SettlementId(day, world).Replace("setl_", "adj_", StringComparison.Ordinal), "adjustment", charge, 0, charge, "INR", at, at, day);
        row["description"] = "sandbox adjustment";
        row.Remove("credit_type");
        return row;
    }

    JsonObject NewRow(string id, string type, long debit, long credit, long amount, string currency, long createdAt, long settledAt, DateOnly day)
    {
        var row = new JsonObject();
        foreach (var column in ReconColumns) row[column] = null;
        (row["entity_id"], row["type"], row["debit"], row["credit"], row["amount"], row["currency"]) = (id, type, debit, credit, amount, currency);
        (row["fee"], row["tax"], row["on_hold"], row["settled"]) = (0L, 0L, false, true);
        (row["created_at"], row["settled_at"], row["settlement_id"]) = (createdAt, settledAt, vault.SettlementId(day, world));
        return row;
    }

    JsonObject SettlementJson(DateOnly day)
    {
        var rows = ReconRows(d => d == day);
        return new()
        {
            ["id"] = vault.SettlementId(day, world),
            ["entity"] = "settlement",
            ["amount"] = rows.Sum(r => (long)r["credit"]! - (long)r["debit"]!),
            ["status"] = "processed",
            ["fees"] = rows.Sum(r => (long)r["fee"]!),
            ["tax"] = rows.Sum(r => (long)r["tax"]!),
            ["utr"] = Utr(day),
            ["created_at"] = (long)rows[^1]["settled_at"]!,
        };
    }

    static string Utr(DateOnly day) => $"SBX{day.ToString("yyyyMMdd", CultureInfo.InvariantCulture)}UTR1";
}

/// <summary>Money that came, or went back, and was settled then.</summary>
sealed record RazorpaySettled(RazorpayPayment Payment, RazorpayRefund? Refund, long At);
