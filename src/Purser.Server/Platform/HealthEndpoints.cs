namespace Purser.Server.Platform;

/// <summary>What rings when an order's time has come.</summary>
public interface IAlarmClock
{
    TimeSpan SinceLastSweep { get; }
}

/// <summary>GET /healthz: the process answers. GET /readyz: it can work, which means that the database answers and alarms are heard.</summary>
public static class HealthEndpoints
{
    static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(30);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz", () => Results.Text("ok"));
        routes.MapGet("/readyz", async (Database database, IAlarmClock alarms, CancellationToken stop) =>
            !await database.IsReady(stop) ? NotReady("The database does not answer.")
            : alarms.SinceLastSweep > LongestSilence ? NotReady($"No alarm was looked at for {alarms.SinceLastSweep.TotalSeconds:0} seconds.")
            : Results.Text("ready"));
    }

    static IResult NotReady(string why) => Results.Text(why, statusCode: StatusCodes.Status503ServiceUnavailable);
}
