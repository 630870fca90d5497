using Purser.Server.Audit;
using Purser.Server.Deliveries;
using Purser.Server.Events;
using Purser.Server.Explanation;
using Purser.Server.Invoices;
using Purser.Server.Keys;
using Purser.Server.Ledger;
using Purser.Server.Live;
using Purser.Server.Orders;
using Purser.Server.Payments;
using Purser.Server.Products;
using Purser.Server.Reconciliation;
using Purser.Server.Refunds;
using Purser.Server.Risk;
using Purser.Server.Settlement;

namespace Purser.Server.Api;

/// <summary>The API put together: its door, its slices, its description.</summary>
public static class ApiEndpoints
{
    public static ApiOptions Options(IConfiguration configuration) => configuration.GetSection(ApiOptions.Section).Get<ApiOptions>() ?? new ApiOptions();

    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(Options(configuration)).AddSingleton<RateLimits>().AddSingleton<ApiDoor>();
        services.AddSingleton<ApiKeyStore>().AddSingleton<ApiKeys>();
        OrderEndpoints.Add(services);
        PaymentEndpoints.Add(services);
        RefundEndpoints.Add(services);
        ProductEndpoints.Add(services);
        EventEndpoints.Add(services);
        ExplanationEndpoints.Add(services);
        LiveEndpoints.Add(services);
        SettlementEndpoints.Add(services, configuration);
        LedgerEndpoints.Add(services);
        RiskEndpoints.Add(services, configuration);
        AuditServices.Add(services);
        DiscrepancyEndpoints.Add(services);
        DeliveryEndpoints.Add(services, configuration);
        InvoiceEndpoints.Add(services, configuration);
    }

    /// <summary>Before anything that answers under <c>/v1</c>.</summary>
    public static void Map(WebApplication app)
    {
        ApiDoor.Use(app);
        OrderEndpoints.Map(app);
        PaymentEndpoints.Map(app);
        RefundEndpoints.Map(app);
        ProductEndpoints.Map(app);
        EventEndpoints.Map(app);
        ExplanationEndpoints.Map(app);
        LiveEndpoints.Map(app);
        SettlementEndpoints.Map(app);
        LedgerEndpoints.Map(app);
        RiskEndpoints.Map(app);
        DiscrepancyEndpoints.Map(app);
        ReceiverEndpoints.Map(app);
        DeliveryEndpoints.Map(app);
        InvoiceEndpoints.Map(app);
        ReferenceEndpoints.Map(app);
    }
}
