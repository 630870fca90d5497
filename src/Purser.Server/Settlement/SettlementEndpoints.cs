using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using Purser.Gateways;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Orders;
using Purser.Server.Platform;
using Purser.Server.Reconciliation;

namespace Purser.Server.Settlement;

/// <summary>Settlement files: sent, listed, and read line by line.</summary>
static class SettlementEndpoints
{
    const int LongestName = 200;
    const int LongestBoundary = 200;
    const int MostDrained = 16 * 1024 * 1024;
    static readonly TimeSpan DryRunPatience = TimeSpan.FromMinutes(10);

    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(Options(configuration)).AddSingleton(SettlementHook.None);
        services.AddSingleton<SettlementFileStore>().AddSingleton<ISettlementFileStore>(all => all.GetRequiredService<SettlementFileStore>());
        services.AddSingleton<SettlementLineStore>().AddSingleton<ISettlementLineStore>(all => all.GetRequiredService<SettlementLineStore>());
        services.AddSingleton<IMatchStore, MatchStore>().AddSingleton<SettlementWorker>();
        services.AddSingleton<SettlementFolder>().AddSingleton<SettlementFetchStore>().AddSingleton<SettlementFetch>().AddSingleton<RefusedFileStore>().AddSingleton<Overdue>().AddSingleton<LaterEvidence>();
    }

    public static SettlementOptions Options(IConfiguration configuration)
    {
        var section = configuration.GetSection(SettlementOptions.Section);
        var options = section.Get<SettlementOptions>() ?? new SettlementOptions();
        return options with { Confirm = options.Confirm.Read(section.GetSection("ConfirmAbove")), TwoPersons = options.TwoPersons.Read(section.GetSection("TwoPersonsAbove")) };
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/settlements", Send).Is(SettlementDocs.Send);
        routes.MapGet("/v1/settlements", List).Is(SettlementDocs.List);
        routes.MapGet("/v1/settlements/{id}", Read).Is(SettlementDocs.Read);
        routes.MapGet("/v1/settlements/{id}/lines", Lines).Is(SettlementDocs.Lines);
        routes.MapGet("/v1/settlements/{id}/lacking", Lacking).Is(SettlementDocs.Lacking);
        routes.MapPost("/v1/settlements/{id}/dismissal", Dismiss).Is(SettlementDocs.Dismiss);
    }

    static async Task<IResult> Send(
        HttpContext http, SettlementFileStore files, SettlementWorker worker, GatewayAccounts accounts, SettlementOptions options, TimeProvider time, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        var (account, name) = (query.Text("gateway", 40), query.Text("name", LongestName));
        var dryRun = query.OneOf("dry_run", "true", "false") == "true";
        if (account is null && !http.Request.Query.ContainsKey("gateway"))
            query.Fault("gateway", "'gateway' is missing.", "Send the name of the gateway account that the file is of; GET /v1/gateways lists them.");
        else if (account is not null && accounts.Find(account) is not { Gateway: ISettleByFile })
            query.Fault("gateway", $"'{account}' is no gateway account with settlement files.",
                $"Send one of {string.Join(", ", accounts.InOrder.Where(a => a.Gateway is ISettleByFile).Select(a => a.Account.Name))}.");
        if (query.Problem() is { } problem) return problem;

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        if (http.Request.ContentLength > options.MostBytes) return await TooLarge(http, options);
        try
        {
            var (bytes, told) = await Body(http.Request, stop);
            if (bytes is null)
                return new Problem(ProblemTypes.BadRequest, "The form has no file.") { Field = "body", Remedy = "Send one file in the form, or the file alone as the body." };
            var called = Name(name ?? told);
            RequestKey? key = null;
            var (taken, used) = await files.TakeIn(account!, called, FileSource.Upload, bytes, dryRun, options.MostBytes,
                sha => key = IdempotencyKey.Of(http, $"{account} {dryRun} {Convert.ToHexStringLower(sha)} {called}"), stop);
            if (taken is null)
                return used!.Fingerprint.AsSpan().SequenceEqual(key!.Fingerprint) && SettlementFile.TryParseId(used.Resource, out var first) && await files.Find(first, stop) is { } kept
                    ? ApiJson.Answer(SettlementView.From(kept, before: true), replayed: true)
                    : Refusals.KeyConflict(http, used.Resource);
            if (taken.File.Bytes == 0)
            {
                await files.Withdraw(taken.File.Id, stop);
                return new Problem(ProblemTypes.BadRequest, "The file is empty.") { Field = "body", Remedy = "Send the file as the gateway gave it." };
            }
            if (taken.Before) return ApiJson.Answer(SettlementView.From(taken.File, before: true), replayed: true);
            worker.Wake();
            return dryRun
                ? await DryRun(taken.File, files, time, stop)
                : ApiJson.Answer(SettlementView.From(taken.File), StatusCodes.Status201Created, $"/v1/settlements/{taken.File.IdText}");
        }
        catch (FileTooLargeException)
        {
            return await TooLarge(http, options);
        }
    }

    /// <summary>Waits until it is matched, answers what would be done, and leaves nothing behind.</summary>
    static async Task<IResult> DryRun(SettlementFile file, SettlementFileStore files, TimeProvider time, CancellationToken stop)
    {
        try
        {
            var since = time.GetTimestamp();
            while (await files.Find(file.Id, stop) is { } now)
            {
                if (now.HasEnded) return ApiJson.Answer(SettlementView.From(now));
                if (time.GetElapsedTime(since) > DryRunPatience) break;
                await Task.Delay(TimeSpan.FromMilliseconds(50), time, stop);
            }
            return new Problem(ProblemTypes.Busy, "The file could not be matched in time; nothing was kept.") { RetryAfter = TimeSpan.FromMinutes(1) };
        }
        finally
        {
            await files.Forget(file.Id, CancellationToken.None);
        }
    }

    /// <summary>Some of what is too large is still read and thrown away, so that the caller hears why instead of a broken pipe.</summary>
    static async Task<Problem> TooLarge(HttpContext http, SettlementOptions options)
    {
        var drain = new byte[64 * 1024];
        for (var drained = 0L; drained < MostDrained;)
        {
            var read = await http.Request.Body.ReadAsync(drain, http.RequestAborted);
            if (read == 0) break;
            drained += read;
        }
        return new Problem(ProblemTypes.BodyTooLarge, $"The file has more than {options.MostBytes} bytes.")
        {
            Field = "body",
            Remedy = $"Send it in pieces, or raise {SettlementOptions.Section}:MostBytes.",
        };
    }

    /// <summary>The body itself, or the first file of a form.</summary>
    static async Task<(Stream? Bytes, string? Name)> Body(HttpRequest request, CancellationToken stop)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || type.MediaType != "multipart/form-data") return (request.Body, NameIn(request.Headers.ContentDisposition));
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        if (boundary is not { Length: > 0 and <= LongestBoundary }) return (null, null);
        var form = new MultipartReader(boundary, request.Body);
        try
        {
            while (await form.ReadNextSectionAsync(stop) is { } section)
                if (NameIn(section.ContentDisposition) is { } name) return (section.Body, name);
        }
        catch (Exception broken) when (broken is IOException or InvalidDataException)
        {
            return (null, null);
        }
        return (null, null);
    }

    static string? NameIn(string? disposition) =>
        ContentDispositionHeaderValue.TryParse(disposition, out var found) && (found.FileNameStar.Value ?? found.FileName.Value) is { Length: > 0 } name ? name : null;

    /// <summary>Text to show: never opened, and never a path.</summary>
    public static string Name(string? told)
    {
        var name = new string([.. (told ?? "").Trim('"').Split('/', '\\')[^1].Where(c => !char.IsControl(c)).Take(LongestName)]).Trim();
        return name.Length == 0 ? "settlement" : Words.Fit(name)!;
    }

    static async Task<IResult> List(HttpContext http, SettlementFileStore files, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        var (account, state, cursor, limit) =
            (query.Text("gateway", 40), query.OneOf("state", [.. Enum.GetNames<FileState>().Select(EventNames.Snake)]), query.Cursor("cursor", 1), query.Limit());
        if (query.Problem() is { } problem) return problem;
        var found = await files.List(account, state is null ? null : Enum.Parse<FileState>(state, ignoreCase: true), cursor is [var before] ? long.Parse(before) : null, limit, stop);
        var page = found.Take(limit).ToList();
        return ApiJson.Answer(new SettlementList([.. page.Select(f => SettlementView.From(f))], found.Count > limit ? QueryFields.CursorOf(page[^1].Id) : null));
    }

    static async Task<IResult> Read(string id, SettlementFileStore files, CancellationToken stop) =>
        SettlementFile.TryParseId(id, out var number) && await files.Find(number, stop) is { } file ? ApiJson.Answer(SettlementView.From(file)) : Unknown();

    static async Task<IResult> Lines(string id, HttpContext http, SettlementFileStore files, SettlementLineStore lines, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        var (only, after, limit) = (query.OneOf("class", SettlementView.Words), After(query), query.Limit());
        if (query.Problem() is { } problem) return problem;
        if (!SettlementFile.TryParseId(id, out var number) || await files.Find(number, stop) is null) return Unknown();
        return Page(await lines.List(number, only is null ? null : Enum.GetValues<SettlementClass>()[Array.IndexOf(SettlementView.Words, only)], after, limit + 1, stop), limit);
    }

    static async Task<IResult> Lacking(string id, HttpContext http, SettlementFileStore files, SettlementLineStore lines, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        var (after, limit) = (After(query), query.Limit());
        if (query.Problem() is { } problem) return problem;
        return SettlementFile.TryParseId(id, out var number) && await files.Find(number, stop) is { } file ? Page(await lines.Lacked(file, after, limit + 1, stop), limit) : Unknown();
    }

    /// <summary>The line that a page begins behind.</summary>
    static int After(QueryFields query)
    {
        if (query.Cursor("cursor", 1) is not [var text]) return 0;
        if (int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var after)) return after;
        query.Fault("cursor", "'cursor' is no cursor of ours.", "Send the cursor of the answer before this one.");
        return 0;
    }

    static IResult Page(IReadOnlyList<StoredLine> found, int limit)
    {
        var page = found.Take(limit).ToList();
        return ApiJson.Answer(new SettlementLineList([.. page.Select(SettlementLineView.From)], found.Count > limit ? QueryFields.CursorOf(page[^1].Number) : null));
    }

    static async Task<IResult> Dismiss(string id, HttpContext http, SettlementFileStore files, RefusedFileStore refused, CancellationToken stop)
    {
        var (fields, unreadable) = await JsonBody.Read(http);
        if (fields is null) return unreadable!;
        var (by, reason) = (DiscrepancyEndpoints.Who(fields, http), fields.Text("reason", DiscrepancyEndpoints.LongestReason, required: true));
        fields.RefuseUnknown();
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        if (!SettlementFile.TryParseId(id, out var number) || await files.Find(number, stop) is not { DryRun: false }) return Unknown();
        var key = IdempotencyKey.Of(http, $"{by}\n{reason}");
        var (isRefused, used) = await refused.Dismiss(number, DiscrepancyEndpoints.Acts(http, by!), reason!, key, stop);
        if (used is not null && !used.Fingerprint.AsSpan().SequenceEqual(key!.Fingerprint)) return Refusals.KeyConflict(http, used.Resource);
        var now = (await files.Find(number, stop))!;
        return isRefused || used is not null ? ApiJson.Answer(SettlementView.From(now), replayed: used is not null) : new Problem(ProblemTypes.SettlementNotRefused, $"It is {EventNames.Snake(now.State.ToString())}.") { Resource = id };
    }

    static Problem Unknown() => new(ProblemTypes.SettlementUnknown) { Field = "id" };
}
