using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Purser.Server.Platform;

/// <summary>Traces and metrics over OTLP, when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> says where to; what is not sent yet goes when it is disposed. Ours by name (Purser.*), the framework's and the
/// driver's beside them. Names and counts only: the sources carry ids, never personal data.</summary>
public sealed class Telemetry : IDisposable
{
    readonly TracerProvider? traces;
    readonly MeterProvider? metrics;

    public Telemetry(IConfiguration configuration)
    {
        if (string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"])) return;
        var resource = ResourceBuilder.CreateDefault().AddService(configuration["OTEL_SERVICE_NAME"] ?? "purser");
        // The exporter reads its settings from the environment alone, unless it is handed ours.
        void Configure(IServiceCollection services) => services.AddSingleton(configuration);
        // Query strings hold shoppers' tokens, so HTTP's own spans, which carry them, are left out; ours carry ids.
        traces = Sdk.CreateTracerProviderBuilder().ConfigureServices(Configure).SetResourceBuilder(resource)
            .AddSource("Purser.*", "Npgsql").AddOtlpExporter().Build();
        metrics = Sdk.CreateMeterProviderBuilder().ConfigureServices(Configure).SetResourceBuilder(resource)
            .AddMeter("Purser.*", "Npgsql", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime")
            .AddOtlpExporter((OtlpExporterOptions _, MetricReaderOptions _) => { }).Build();
    }

    public void Dispose()
    {
        traces?.Dispose();
        metrics?.Dispose();
    }
}
