using System.Text.Json;

namespace Purser.Server.Platform;

/// <summary>One field that is wrong: where it stands, what is wrong with it, and what to write instead.</summary>
/// <param name="Field">As in the request: <c>lines[0].quantity</c>.</param>
public sealed record FieldFault(string Field, string Detail, string Remedy);

/// <summary>An answer that says why not: <c>application/problem+json</c> after RFC 9457, with the field at fault and what to do.</summary>
public sealed class Problem(ProblemType type, string? detail = null) : IResult
{
    public const string MediaType = "application/problem+json";

    public ProblemType Type => type;
    public string Detail => detail ?? type.Meaning;

    /// <summary>The field, query parameter or header at fault; the type's own unless this case knows better.</summary>
    public string? Field { get; init; } = type.Field;

    /// <summary>What to do; the type's own advice unless this case knows better.</summary>
    public string? Remedy { get; init; }

    /// <summary>All fields at fault, when there is more to say than of one.</summary>
    public IReadOnlyList<FieldFault> Errors
    {
        get => field.Count == 0 && type.Field is not null ? [new(Field!, Detail, Remedy ?? type.Remedy)] : field;
        init;
    } = [];

    /// <summary>The order or payment that stands in the way.</summary>
    public string? Resource { get; init; }

    public TimeSpan? RetryAfter { get; init; }

    /// <summary>By which an operator finds the failure in the logs.</summary>
    public string? TraceId { get; init; }

    /// <summary>The fields of a request that are wrong; the first one stands for all.</summary>
    public static Problem Of(ProblemType type, IReadOnlyList<FieldFault> faults) => new(type, faults.Count == 1
        ? faults[0].Detail
        : $"{faults.Count} fields are wrong; the first: {faults[0].Detail}")
    {
        Field = faults[0].Field,
        Remedy = faults[0].Remedy,
        Errors = faults,
    };

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = type.Status;
        response.ContentType = MediaType;
        response.Headers.CacheControl = "no-store";
        if (RetryAfter is { } after) response.Headers.RetryAfter = ((int)Math.Max(1, Math.Ceiling(after.TotalSeconds))).ToString();
        if (type.Status == StatusCodes.Status401Unauthorized) response.Headers.WWWAuthenticate = "Bearer";
        await using (var json = new Utf8JsonWriter(response.BodyWriter)) Write(json);
        await response.BodyWriter.FlushAsync(httpContext.RequestAborted);
    }

    void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", type.Path);
        json.WriteString("title", type.Title);
        json.WriteNumber("status", type.Status);
        json.WriteString("detail", Detail);
        if (Field is not null) json.WriteString("field", Field);
        json.WriteString("remedy", Remedy ?? type.Remedy);
        if (Resource is not null) json.WriteString("resource", Resource);
        if (TraceId is not null) json.WriteString("trace_id", TraceId);
        json.WriteStartArray("errors");
        foreach (var fault in Errors)
        {
            json.WriteStartObject();
            json.WriteString("field", fault.Field);
            json.WriteString("detail", fault.Detail);
            json.WriteString("remedy", fault.Remedy);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
