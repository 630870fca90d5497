namespace Purser.Server.Platform;

/// <summary>GET /healthz: the process answers. GET /readyz: it can work, which means that the database answers.</summary>
public static class HealthEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz", () => Results.Text("ok"));
        routes.MapGet("/readyz", async (Database database, CancellationToken stop) => await database.IsReady(stop)
            ? Results.Text("ready")
            : Results.Text("The database does not answer.", statusCode: StatusCodes.Status503ServiceUnavailable));
    }
}
