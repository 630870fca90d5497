using Purser.Routing;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Orders;
using Purser.Server.Platform;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>What does not agree, and what persons decide about it.</summary>
static class DiscrepancyEndpoints
{
    const int LongestPerson = 100;
    internal const int LongestReason = 500;

    public static void Add(IServiceCollection services) => services.AddSingleton<DiscrepancyStore>().AddSingleton<ResolutionStore>().AddSingleton<ActStore>()
        .AddSingleton<IActStore>(all => all.GetRequiredService<ActStore>()).AddSingleton<Resolutions>();

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/discrepancies", List).Is(DiscrepancyDocs.List);
        routes.MapGet("/v1/discrepancies/{id}", Read).Is(DiscrepancyDocs.Read);
        routes.MapPost("/v1/discrepancies/{id}/resolution", Resolve).Is(DiscrepancyDocs.Resolve);
        routes.MapDelete("/v1/discrepancies/{id}/resolution", Reopen).Is(DiscrepancyDocs.Reopen);
    }

    static async Task<IResult> List(HttpContext http, DiscrepancyStore store, GatewayAccounts accounts, SettlementOptions options, TimeProvider time, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        bool? open = query.OneOf("open", "true", "false") is { } word ? word == "true" : null;
        var (account, cursor, limit) = (query.Text("gateway", 40), query.Cursor("cursor", 4), query.Limit());
        if (cursor is [var ticks, var kind, _, var number] && (long.Parse(ticks) > DateTime.MaxValue.Ticks || long.Parse(kind) > 1 || long.Parse(number) > int.MaxValue))
            query.Fault("cursor", "'cursor' is no cursor of ours.", "Send the cursor of the answer before this one, unchanged, or leave it out to begin.");
        if (query.Problem() is { } problem) return problem;
        var found = await store.List(open, account,
            cursor is [var at, var source, var first, var second] ? (new DateTimeOffset(long.Parse(at), TimeSpan.Zero), int.Parse(source), long.Parse(first), int.Parse(second)) : null,
            limit, stop);
        var page = found.Take(limit).ToList();
        var suggestions = await store.Suggest(page, Latest(accounts), stop);
        var extra = await store.Extra(page, stop);
        return ApiJson.Answer(new DiscrepancyList([.. page.Select(d => DiscrepancyView.From(d, options, time.GetUtcNow(), Of(suggestions, d), extra.GetValueOrDefault(d.Id.Row)))], found.Count > limit ? Cursor(page[^1]) : null));
    }

    static string Cursor(StoredDiscrepancy d) =>
        QueryFields.CursorOf(d.OpenedAt.UtcTicks, d.Id.Order is null ? 1 : 0, d.Id.Order?.Value ?? d.Id.Row, d.Id.Sequence);

    static async Task<IResult> Read(string id, DiscrepancyStore store, GatewayAccounts accounts, SettlementOptions options, TimeProvider time, CancellationToken stop) =>
        DiscrepancyId.TryParse(id, out var parsed) && await store.Find(parsed, stop) is { } found
            ? ApiJson.Answer(DiscrepancyView.From(found, options, time.GetUtcNow(), Of(await store.Suggest([found], Latest(accounts), stop), found), await Extra(store, found, stop)))
            : Unknown();

    static async Task<IReadOnlyList<KeyValuePair<string, string>>?> Extra(DiscrepancyStore store, StoredDiscrepancy d, CancellationToken stop) =>
        (await store.Extra([d], stop)).GetValueOrDefault(d.Id.Row);

    static List<PaymentId> Of(ILookup<long, PaymentId> suggestions, StoredDiscrepancy d) => d.Id.Order is null ? [.. suggestions[d.Id.Row]] : [];

    /// <summary>In days of the calendar: working days, and the weekends between them.</summary>
    static Dictionary<string, int> Latest(GatewayAccounts accounts) =>
        accounts.InOrder.ToDictionary(a => a.Account.Name, a => a.Route.SettlesAfterDays is { } days ? (days * 7 / 5) + 3 : RouteAccount.UsuallySettlesAfterDays);

    static async Task<IResult> Resolve(string id, HttpContext http, DiscrepancyStore store, Resolutions resolutions, SettlementOptions options, TimeProvider time, CancellationToken stop)
    {
        var (fields, unreadable) = await JsonBody.Read(http);
        if (fields is null) return unreadable!;
        var (action, by, reason) = (fields.OneOf("action", "accept", "refund", "write_off", "close", "note"), Who(fields, http), fields.Text("reason", LongestReason, required: true));
        var shown = (Amount: fields.Whole("amount", long.MinValue, long.MaxValue, "the discrepancy's amount in minor units, as it was shown"), Settlement: fields.Text("settlement", 40));
        if (!fields.Has("action")) fields.Fault("action", "'action' is missing.", "Send accept, refund, write_off, close or note.");
        fields.RefuseUnknown();
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        if (!DiscrepancyId.TryParse(id, out var parsed) || await store.Find(parsed, stop) is not { } found) return Unknown();
        // The key is kept with what was done, or behind it: none is taken for given which was not.
        var key = IdempotencyKey.Of(http, shown is (null, null) ? $"{action}\n{by}\n{reason}" : $"{shown}\n{action}\n{by}\n{reason}");
        if (key is not null && await store.UseOf(key, stop) is { } used) return await Again(used);
        // What changes after this the store notices: it does nothing to a discrepancy that is no longer as it was just found.
        if (Changed(found, shown.Amount, shown.Settlement) is { } changed) return changed;
        var outcome = await resolutions.Resolve(found, action!, Acts(http, by!), reason!, key, stop);
        if (outcome.Used is { } meanwhile) return await Again(meanwhile);
        if (outcome.Problem is { } problem) return problem;
        if (key is not null) await store.Keep(key, parsed, stop);
        found = (await store.Find(parsed, stop))!;
        return await Answer(!outcome.Waits, replayed: false);

        async Task<IResult> Again(StoredKey used)
        {
            if (!used.Fingerprint.AsSpan().SequenceEqual(key!.Fingerprint)) return Refusals.KeyConflict(http, used.Resource);
            found = (await store.Find(parsed, stop))!;
            return await Answer(action == "note" || found.ResolvedAt is not null, replayed: true);
        }

        async Task<IResult> Answer(bool done, bool replayed) =>
            ApiJson.Answer(DiscrepancyView.From(found, options, time.GetUtcNow(), extra: await Extra(store, found, stop)), done ? StatusCodes.Status200OK : StatusCodes.Status202Accepted, replayed: replayed);
    }

    static async Task<IResult> Reopen(string id, HttpContext http, DiscrepancyStore store, Resolutions resolutions, SettlementOptions options, TimeProvider time, CancellationToken stop)
    {
        var (fields, unreadable) = await JsonBody.Read(http);
        if (fields is null) return unreadable!;
        var (by, reason) = (Who(fields, http), fields.Text("reason", LongestReason, required: true));
        fields.RefuseUnknown();
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        if (!DiscrepancyId.TryParse(id, out var parsed) || await store.Find(parsed, stop) is not { } found) return Unknown();
        if ((await resolutions.Reopen(found, Acts(http, by!), reason!, stop)).Problem is { } problem) return problem;
        found = (await store.Find(parsed, stop))!;
        return ApiJson.Answer(DiscrepancyView.From(found, options, time.GetUtcNow(), extra: await Extra(store, found, stop)));
    }

    /// <summary>Whose key it is decides who acts; with a program's, whoever it says.</summary>
    internal static string? Who(JsonFields fields, HttpContext http)
    {
        var person = ApiCaller.Of(http).Key!.Person;
        var by = fields.Text("by", LongestPerson, required: person is null);
        if (person is not null && by is not null && !Resolutions.SamePerson(person, by))
            fields.Fault("by", $"'by' says {by}, and this key is {person}'s.",
                $"Leave 'by' out, or send {person}. Whoever else decides sends it with a key of their own: 'purser keys create --name NAME --person NAME' makes one.");
        if ((person ?? by) is { } who && Resolutions.SamePerson("purser", who)) fields.Fault("by", "'purser' is the program, and not a person.", "Send the name of whoever decides.");
        return person ?? by;
    }

    internal static Actor Acts(HttpContext http, string by) => new(by, ApiCaller.Of(http).Key!.Id);

    /// <summary>For whoever decided by a screen that shows what is no longer so. Null when it is, or nothing was said of it.</summary>
    static Problem? Changed(StoredDiscrepancy now, long? amount, string? settlement)
    {
        var file = now.Shown is { } shown ? SettlementFile.IdOf(shown.File) : null;
        return amount is not null && amount != now.Amount.MinorUnits ? Says("amount", $"{amount}", $"{now.Amount.MinorUnits} (minor units of {now.Amount.Currency.Code})")
            : settlement is not null && settlement != file ? Says("settlement", settlement, file ?? "none")
            : null;

        Problem Says(string field, string said, string present) => new(ProblemTypes.DiscrepancyChanged, $"'{field}' says {said}, and the discrepancy's is {present} now; nothing was done.")
        {
            Field = field,
            Remedy = $"Read the discrepancy again, decide by what it says now, and send '{field}' as it stands there.",
            Resource = now.Id.ToString(),
        };
    }

    static Problem Unknown() => new(ProblemTypes.DiscrepancyUnknown) { Field = "id" };
}
