using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Purser.Sandbox.Pages;

namespace Purser.Sandbox;

/// <summary>Where the sandbox listens and how fast its time runs.</summary>
public sealed record SandboxOptions
{
    /// <summary>0 lets the system choose.</summary>
    public int ControlPort { get; init; } = 7400;

    /// <summary>Lets the system choose the ports of the gateways instead of their usual ones.</summary>
    public bool DynamicPorts { get; init; }

    /// <summary>How many times as fast as ours the time between retries and before late outcomes passes.</summary>
    public double Speed { get; init; } = 1;

    public int? Seed { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Takes what gateways have to tell instead of their mail rooms.</summary>
    public Action<IGatewayDialect, GatewayNotice>? Courier { get; init; }
}

/// <summary>What a gateway has to tell, not yet written in its own way.</summary>
public sealed record GatewayNotice(string EventId, string Type, string? LinkId, System.Text.Json.Nodes.JsonObject Payload);

/// <summary>The outside world: every gateway as an HTTP server of its own on loopback, and a control port to direct them.</summary>
public sealed class Sandbox : IAsyncDisposable
{
    readonly WebApplication app;
    readonly Dictionary<string, GatewayWorld> worlds;
    readonly SandboxOptions options;

    Sandbox(WebApplication app, Dictionary<string, GatewayWorld> worlds, SandboxOptions options) =>
        (this.app, this.worlds, this.options) = (app, worlds, options);

    public Uri ControlUrl { get; private set; } = new("http://127.0.0.1:0");

    public double Speed => options.Speed;

    public IReadOnlyCollection<GatewayWorld> Worlds => worlds.Values;

    /// <summary>The base address of a gateway, without a path.</summary>
    public Uri Url(string gateway) => World(gateway)?.Address
        ?? throw new ArgumentException($"There is no gateway '{gateway}' here.", nameof(gateway));

    /// <summary>Everything about one gateway: book, faults, webhooks. Null when there is no such gateway.</summary>
    public GatewayWorld? World(string gateway) => worlds.GetValueOrDefault(gateway);

    public static async Task<Sandbox> Start(SandboxOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Speed);
        var dialects = typeof(Sandbox).Assembly.GetTypes()
            .Where(t => t is { IsAbstract: false, IsInterface: false } && t.IsAssignableTo(typeof(IGatewayDialect)))
            .Select(t => (IGatewayDialect)Activator.CreateInstance(t)!)
            .OrderBy(d => d.DefaultPort).ToArray();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, options.ControlPort);
            foreach (var dialect in dialects)
                kestrel.Listen(IPAddress.Loopback, options.DynamicPorts ? 0 : dialect.DefaultPort);
        });
        var app = builder.Build();
        var worlds = dialects.ToDictionary(d => d.Name, d => new GatewayWorld(d, options));
        var sandbox = new Sandbox(app, worlds, options);
        app.Run(sandbox.Dispatch);
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await sandbox.DisposeAsync();
            throw;
        }

        // Kestrel reports its addresses in the order in which they were asked for.
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Select(a => new Uri(a)).ToArray();
        sandbox.ControlUrl = addresses[0];
        for (var i = 0; i < dialects.Length; i++) worlds[dialects[i].Name].Address = addresses[i + 1];
        sandbox.doors = worlds.Values.ToDictionary(w => w.Address.Port, w => (w, new FaultyDoor(w), new HostedPage(w)));
        return sandbox;
    }

    /// <summary>As on the first day, at the same addresses.</summary>
    public void Reset()
    {
        foreach (var world in worlds.Values) world.Reset();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var world in worlds.Values) world.Dispose();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await app.StopAsync(patience.Token);
        await app.DisposeAsync();
    }

    internal Task WaitForShutdown(CancellationToken stop) => Task.Delay(Timeout.InfiniteTimeSpan, options.Clock, stop);

    IReadOnlyDictionary<int, (GatewayWorld World, FaultyDoor Api, HostedPage Page)> doors =
        new Dictionary<int, (GatewayWorld, FaultyDoor, HostedPage)>();

    async Task Dispatch(HttpContext context)
    {
        try
        {
            // A browser asks for it by itself; among the requests of an integration it would only be in the way.
            if (context.Request.Path == "/favicon.ico")
            {
                context.Response.StatusCode = StatusCodes.Status204NoContent;
            }
            else if (doors.TryGetValue(context.Connection.LocalPort, out var door))
            {
                // Some gateways have pages and API below the same path of two hosts; only a program brings credentials.
                if (context.Request.Headers.Authorization.Count == 0 && door.World.Dialect.LinkByPage(context.Request.Path.Value ?? "/") is { } link)
                    await door.Page.Serve(context, link);
                else
                    await door.Api.Serve(context);
            }
            else
            {
                await Control(context);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller hung up; there is nobody to answer.
        }
    }

    async Task Control(HttpContext context)
    {
        if (LoopbackOnly.WhyNot(context.Request) is { } stranger)
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            await context.Response.WriteAsJsonAsync(new { error = stranger }, context.RequestAborted);
        }
        else if (context.Request.Path.StartsWithSegments("/control", StringComparison.Ordinal))
        {
            await new ControlApi(this).Serve(context);
        }
        else
        {
            await new ControlPages(this, app.Services).Serve(context);
        }
    }
}
