using System.Diagnostics;
using System.Diagnostics.Metrics;
using Purser.Orders;

namespace Purser.Server.Engine;

/// <summary>What the engine tells of itself: spans a batch and a call, counts of what happened.</summary>
static class EngineTelemetry
{
    public static readonly ActivitySource Spans = new("Purser.Engine");
    static readonly Meter Meter = new("Purser.Engine");

    public static readonly Histogram<int> BatchSize = Meter.CreateHistogram<int>("purser.engine.batch_size", "inputs", "Inputs that share a commit.");
    public static readonly Histogram<double> BatchSeconds = Meter.CreateHistogram<double>("purser.engine.batch_duration", "s", "From load to commit.");
    public static readonly Counter<long> Refused = Meter.CreateCounter<long>("purser.engine.busy", description: "Inputs sent back with 503.");
    public static readonly Counter<long> Retried = Meter.CreateCounter<long>("purser.engine.retries", description: "Batches tried again.");
    public static readonly Histogram<double> CallSeconds = Meter.CreateHistogram<double>("purser.gateway.call_duration", "s", "Calls to gateways, by account, call and answer.");
    static readonly Counter<long> Events = Meter.CreateCounter<long>("purser.events", description: "Order events, by type.");

    public static void Count(IEnumerable<OrderEvent> events)
    {
        foreach (var e in events) Events.Add(1, new KeyValuePair<string, object?>("type", e.Type.Name()));
    }
}
