using System.ComponentModel;
using System.Text;
using Purser.Server.Api;

namespace Purser.Server.Ledger;

public sealed record BalanceView(
    [property: Description("receivable:<gateway account>, bank, sales, refunds, fees, fee_tax, disputes, suspense or exchange.")] string Account, string Currency,
    [property: Description("Debits less credits, in minor units.")] long Amount, long Debits, long Credits);

public sealed record BalanceList([property: Description("As they stood before this time.")] DateTime At, IReadOnlyList<BalanceView> Balances);

public sealed record StatementLine(
    DateTime At, [property: Description("The event that made the entry, or gateway account and row of the statement that did.")] string Entry,
    [property: Description("The event's type, or settlement.row.")] string Type, string? Order,
    [property: Description("In minor units; debits are positive.")] long Amount, [property: Description("What stood on the account after it.")] long Balance);

public sealed record StatementView(
    string Account, string Currency, DateTime? From, DateTime? To, [property: Description("What stood on the account before the period.")] long Opening,
    [property: Description("What stood on it at the period's end: the opening and all lines of all pages.")] long Closing, IReadOnlyList<StatementLine> Lines,
    [property: Description("Send it as ?cursor= for the next page; null at the end.")] string? Next);

/// <summary>The books: balances, statements, and the whole ledger for other programs.</summary>
public static class LedgerEndpoints
{
    const int LongestAccount = 100;

    public static void Add(IServiceCollection services) => services.AddSingleton<LedgerStore>();

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/balances", Balances).Is(LedgerDocs.Balances);
        routes.MapGet("/v1/statements", Statements).Is(LedgerDocs.Statements);
        routes.MapGet("/v1/ledger", Export).Is(LedgerDocs.Export);
    }

    static async Task<IResult> Balances(HttpContext http, LedgerStore store, TimeProvider time, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        var at = query.Time("at");
        if (query.Problem() is { } problem) return problem;
        var balances = await store.Balances(at, stop);
        return ApiJson.Answer(new BalanceList((at ?? time.GetUtcNow()).UtcDateTime, [.. balances.Select(b => new BalanceView(
            b.Account, b.Amount.Currency.Code, b.Amount.MinorUnits, b.Debits.MinorUnits, b.Credits.MinorUnits))]));
    }

    static async Task<IResult> Statements(HttpContext http, LedgerStore store, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        var (account, code, cursor, limit) = (Account(query), query.Text("currency"), query.Cursor("cursor", 4), query.Limit());
        var (from, to) = Period(query);
        Currency currency = default;
        if (!Currency.TryFind(code, out currency))
            query.Fault("currency", code is null ? "'currency' is missing." : $"'{code}' is no currency.", "Send the three capital letters of ISO 4217, such as INR, USD or JPY.");
        (DateTimeOffset, long, int, int)? after = null;
        if (cursor is [var ticks, var place, var sequence, var line])
        {
            if (long.Parse(ticks) > DateTime.MaxValue.Ticks || !int.TryParse(sequence, out var number) || !int.TryParse(line, out var side))
                query.Fault("cursor", "'cursor' is no cursor of ours.", "Send the cursor of the answer before this one, unchanged, or leave it out to begin.");
            else after = (new DateTimeOffset(long.Parse(ticks), TimeSpan.Zero), long.Parse(place), number, side);
        }
        if (query.Problem() is { } problem) return problem;

        var found = await store.Statement(account!, currency, from, to, after, limit, stop);
        var (balance, lines) = (found.Before, new List<StatementLine>());
        foreach (var row in found.Rows.Take(limit))
            lines.Add(new StatementLine(row.At.UtcDateTime, row.Entry, row.Type, row.Order?.ToString(), row.Amount.MinorUnits, balance += row.Amount.MinorUnits));
        return ApiJson.Answer(new StatementView(account!, currency.Code, from?.UtcDateTime, to?.UtcDateTime, found.Opening, found.Closing, lines,
            found.Rows.Count > limit && found.Rows[limit - 1] is var last ? QueryFields.CursorOf(last.At.UtcTicks, last.Place, last.Sequence, last.Line) : null));
    }

    static async Task<IResult> Export(HttpContext http, LedgerStore store, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        var format = query.OneOf("format", LedgerExport.Csv, LedgerExport.Hledger);
        if (query.Text("format") is null) query.Fault("format", "'format' is missing.", "Send csv or hledger.");
        var (from, to) = Period(query);
        if (query.Problem() is { } problem) return problem;
        var response = http.Response;
        response.ContentType = format == LedgerExport.Csv ? "text/csv; charset=utf-8" : "text/plain; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.ContentDisposition = $"attachment; filename=\"ledger.{(format == LedgerExport.Csv ? "csv" : "journal")}\"";
        await using var text = new StreamWriter(response.Body, new UTF8Encoding(false), leaveOpen: true);
        await LedgerExport.Write(format!, store.All(from, to, stop), text, stop);
        return Results.Empty;
    }

    static (DateTimeOffset? From, DateTimeOffset? To) Period(QueryFields query)
    {
        var (from, to) = (query.Time("from"), query.Time("to"));
        if (from > to) query.Fault("from", "'from' is later than 'to'.", "Send the period's beginning as 'from' and its end as 'to'.");
        return (from, to);
    }

    static string? Account(QueryFields query)
    {
        var account = query.Text("account", LongestAccount);
        // A name that is misspelt would have an empty statement, which is an answer that can be believed.
        if (account is null || !LedgerExport.Accounts.Contains(account.Split(':')[0]))
            query.Fault("account", account is null ? "'account' is missing." : $"The books have no account '{account}'.",
                "Send an account of GET /v1/balances, such as sales or receivable:shop-cards.");
        return account;
    }
}
