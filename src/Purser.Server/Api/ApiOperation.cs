using Purser.Server.Platform;

namespace Purser.Server.Api;

/// <summary>What an endpoint is, beside its path: who may use it, and all that the OpenAPI document says of it.</summary>
public sealed record ApiOperation(string Id, string Tag, string Summary, Access Access)
{
    public string? Description { get; init; }

    /// <summary>The record that a body is read into.</summary>
    public Type? Body { get; init; }
    public bool BodyIsOptional { get; init; }
    /// <summary>Examples of a body, by their names.</summary>
    public IReadOnlyList<(string Name, string Json)> Examples { get; init; } = [];
    public IReadOnlyList<ApiParameter> Query { get; init; } = [];
    public IReadOnlyList<ApiAnswer> Answers { get; init; } = [];
    /// <summary>Answers that are not JSON.</summary>
    public IReadOnlyList<ApiText> Texts { get; init; } = [];
    public IReadOnlyList<ProblemType> Problems { get; init; } = [];
    /// <summary>What it means that a WebSocket was opened at this address; null when none can be.</summary>
    public string? Socket { get; init; }
    /// <summary>A POST that takes an Idempotency-Key.</summary>
    public bool TakesKey { get; init; }
}

public sealed record ApiParameter(string Name, string Meaning, string Type = "string", string? Example = null);

public sealed record ApiAnswer(int Status, string Meaning, Type Body, string Example);

public sealed record ApiText(int Status, string Meaning, string MediaType, string Example);

public static class ApiOperations
{
    public static RouteHandlerBuilder Is(this RouteHandlerBuilder route, ApiOperation operation) => route.WithMetadata(operation);
}
