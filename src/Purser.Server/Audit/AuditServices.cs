namespace Purser.Server.Audit;

/// <summary>What runs in a server for the audit.</summary>
public static class AuditServices
{
    public static void Add(IServiceCollection services) => services.AddSingleton<AnchorStore>().AddHostedService<DailyAnchors>();
}
