using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Stripe;

// Reports as files: asked for, made after a while, fetched with the key. Amounts in major units, times in UTC, every field in quotes.
public sealed partial class StripeDialect
{
    const string Activity = "balance_change_from_activity.itemized.3", Itemised = "payout_reconciliation.itemized.5";

    static readonly TimeSpan ReportTakes = TimeSpan.FromMinutes(2);

    static readonly string[] ActivityColumns =
        ["balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee", "net", "reporting_category", "description"];

    static readonly string[] ItemisedColumns =
    [
        "automatic_payout_id", "automatic_payout_effective_at_utc", .. ActivityColumns[..^1], "source_id", "description", "charge_id", "payment_intent_id", "payment_method_type",
    ];

    static readonly HashSet<string> RunFields = ["report_type", "parameters", "expand"],
        RunParameters = ["interval_start", "interval_end", "currency", "timezone", "columns", "reporting_category", "payout"];

    /// <summary>The report of payouts as the dashboard gives it, with a column for each key of metadata that there is.</summary>
    public SettlementReport? Settlement(IReadOnlyCollection<MoneyMovement> movements)
    {
        var rows = Payouts().SelectMany(p => p.Rows.Select(e => (Payout: p, Entry: e))).ToList();
        string[] keys = [.. rows.SelectMany(r => Metadata(r.Entry).Select(m => m.Key)).Distinct().Order(StringComparer.Ordinal)];
        return new("payout-reconciliation.csv", "text/csv; charset=utf-8", Report([.. ItemisedColumns, .. keys], rows));
    }

    Reply RunReport(JsonObject asked)
    {
        if (StripeDialectRules.Strange(asked, RunFields, "") is { } strange) return strange;
        var type = (string?)asked["report_type"];
        if (type is not (Activity or Itemised)) return StripeDialectRules.Bad($"No such report type: {type}", "report_type", "resource_missing");
        if (asked["parameters"] is not JsonObject parameters) return StripeDialectRules.Bad("Missing required param: parameters.", "parameters", "parameter_missing");
        if (StripeDialectRules.Strange(parameters, RunParameters, "parameters") is { } odd) return odd;
        if (StripeDialectRules.Number(parameters["interval_start"]) is not { } from || StripeDialectRules.Number(parameters["interval_end"]) is not { } until || until <= from)
            return StripeDialectRules.Bad("An interval needs a start and a later end.", "parameters[interval_start]");
        string[] columns = [.. StripeDialectForm.Texts(parameters["columns"])];
        if (columns.Length == 0) columns = type == Activity ? ActivityColumns : ItemisedColumns;
        var run = new StripeReport(world.NextId("frr_", 24), world.NextId("file_", 24), type, parameters, columns, from, until, world.NowSeconds);
        vault.Reports[run.Id] = run;
        Later(ReportTakes, () =>
        {
            run.Content = Report(run);
            TellOfReport(run);
        });
        return new(200, RunJson(run));
    }

    Reply ReadRun(string id) => vault.Reports.TryGetValue(id, out var run) ? new(200, RunJson(run)) : StripeDialectRules.Missing("reporting.report_run", id);

    Reply ReadReportType(string id) => id is not (Activity or Itemised) ? StripeDialectRules.Missing("reporting.report_type", id) : new(200, new JsonObject
    {
        ["id"] = id,
        ["object"] = "reporting.report_type",
        ["data_available_start"] = world.NowSeconds - (365 * 86_400),
        ["data_available_end"] = world.NowSeconds,
        ["default_columns"] = new JsonArray([.. (id == Activity ? ActivityColumns : ItemisedColumns).Select(c => JsonValue.Create(c))]),
    });

    /// <summary>On the host of files, which here is the same.</summary>
    Reply ReadFile(string id) => vault.Reports.Values.FirstOrDefault(r => r.FileId == id && r.Content is not null) is { } run
        ? Reply.Raw(200, "text/csv; charset=utf-8", run.Content!) : StripeDialectRules.Missing("file", id);

    JsonObject RunJson(StripeReport run) => new()
    {
        ["id"] = run.Id,
        ["object"] = "reporting.report_run",
        ["created"] = run.At,
        ["error"] = null,
        ["livemode"] = false,
        ["parameters"] = run.Parameters.DeepClone(),
        ["report_type"] = run.Type,
        ["result"] = run.Content is null ? null : new JsonObject
        {
            ["id"] = run.FileId,
            ["object"] = "file",
            ["purpose"] = "finance_report_run",
            ["size"] = run.Content.Length,
            ["type"] = "csv",
            ["url"] = new Uri(world.Address, $"/v1/files/{run.FileId}/contents").ToString(),
        },
        ["status"] = run.Content is null ? "pending" : "succeeded",
        ["succeeded_at"] = run.Content is null ? null : run.At + (long)ReportTakes.TotalSeconds,
    };

    void TellOfReport(StripeReport run)
    {
        var id = world.NextId("evt_", 24);
        const string type = "reporting.report_run.succeeded";
        _ = world.Webhooks.Post(id, type, null, Event(id, type, RunJson(run)));
    }

    byte[] Report(StripeReport run)
    {
        var (currency, category, payout) = ((string?)run.Parameters["currency"], (string?)run.Parameters["reporting_category"], (string?)run.Parameters["payout"]);
        var rows = Payouts().Where(p => payout is null || p.Id == payout)
            .SelectMany(p => (run.Type == Itemised ? p.Rows : p.Rows.Append(p.Entry)).Select(e => (Payout: p, Entry: e)))
            .Where(r => r.Entry.At >= run.From && r.Entry.At < run.Until && (currency is null || r.Entry.Currency == currency) && (category is null || r.Entry.Category == category));
        return Report(run.Columns, rows);
    }

    byte[] Report(IReadOnlyList<string> columns, IEnumerable<(StripePayout Payout, StripeEntry Entry)> rows)
    {
        var csv = new StringBuilder().AppendJoin(',', columns.Select(Quoted)).Append('\n');
        foreach (var (payout, entry) in rows) csv.AppendJoin(',', columns.Select(c => Quoted(Cell(c, payout, entry)))).Append('\n');
        return Encoding.UTF8.GetBytes(csv.ToString());
    }

    string Cell(string column, StripePayout payout, StripeEntry entry) => column switch
    {
        "automatic_payout_id" => payout.Id,
        "automatic_payout_effective_at_utc" => Utc(payout.ArrivesAt),
        "balance_transaction_id" => entry.Id,
        "created_utc" => Utc(entry.At),
        "available_on_utc" => Utc(payout.ArrivesAt),
        "currency" => entry.Currency,
        "gross" => StripeDialectRules.Major(entry.Amount, entry.Currency),
        "fee" => StripeDialectRules.Major(entry.Fee, entry.Currency),
        "net" => StripeDialectRules.Major(entry.Amount - entry.Fee, entry.Currency),
        "reporting_category" => entry.Category,
        "source_id" => entry.SourceId,
        "description" => entry.Description,
        "charge_id" => ChargeOf(entry)?.Id ?? "",
        "payment_intent_id" => ChargeOf(entry)?.Intent.Id ?? "",
        "payment_method_type" => ChargeOf(entry) is null ? "" : "card",
        _ => Metadata(entry).FirstOrDefault(m => m.Key == column).Value ?? "",
    };

    StripeCharge? ChargeOf(StripeEntry entry) => vault.Charges.GetValueOrDefault(entry.SourceId) ?? vault.Refunds.GetValueOrDefault(entry.SourceId)?.Charge;

    /// <summary>Columns of metadata as they are asked for: of the payment, and of the refund.</summary>
    IEnumerable<(string Key, string Value)> Metadata(StripeEntry entry)
    {
        var ofPayment = ChargeOf(entry)?.Intent.Metadata as JsonObject ?? [];
        var ofRefund = vault.Refunds.TryGetValue(entry.SourceId, out var refund) ? (JsonObject)refund.Json()["metadata"]! : [];
        return ofPayment.Select(m => ($"payment_metadata[{m.Key}]", m.Value!.ToString())).Concat(ofRefund.Select(m => ($"refund_metadata[{m.Key}]", m.Value!.ToString())));
    }

    static string Utc(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds).UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    static string Quoted(string text) => $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}

/// <summary>A report that was asked for; it has content once it is made.</summary>
sealed record StripeReport(string Id, string FileId, string Type, JsonObject Parameters, IReadOnlyList<string> Columns, long From, long Until, long At)
{
    volatile byte[]? content;

    public byte[]? Content
    {
        get => content;
        set => content = value;
    }
}
