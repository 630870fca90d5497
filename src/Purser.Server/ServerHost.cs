using System.Collections.Immutable;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.HttpOverrides;
using Npgsql;
using Purser.Gateways;
using Purser.Orders;
using Purser.Server.Api;
using Purser.Server.Checkout;
using Purser.Server.Deliveries;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Invoices;
using Purser.Server.Laboratory;
using Purser.Server.Mail;
using Purser.Server.Platform;
using Purser.Server.Reconciliation;
using Purser.Server.Returns;
using Purser.Server.Settlement;
using Purser.Server.Webhooks;

namespace Purser.Server;

/// <summary>The whole service in one object: composed, started, stopped. The program runs one; tests run several.</summary>
public sealed partial class ServerHost : IAsyncDisposable
{
    readonly WebApplication app;
    readonly Database database;
    readonly CancellationTokenSource stopping = new();
    Task sweeping = Task.CompletedTask;
    Task settling = Task.CompletedTask;
    Task delivering = Task.CompletedTask;
    Task tellingOperators = Task.CompletedTask;

    ServerHost(WebApplication app, Database database) => (this.app, this.database) = (app, database);

    public IServiceProvider Services => app.Services;

    /// <summary>Where it listens, without a slash at the end.</summary>
    public string Url => app.Urls.First().TrimEnd('/');

    public OrderEngine Engine => app.Services.GetRequiredService<OrderEngine>();

    /// <summary>Opens the database, brings its schema forward, and serves. Throws <see cref="StartFailureException"/> with the setting at fault.</summary>
    /// <param name="also">Services in place of, or beside, the usual ones; for tests.</param>
    /// <param name="gateways">Instead of all that are compiled in; for measuring without a network.</param>
    /// <param name="settings">Above the environment's and the command line's; for tests and for commands that start a server.</param>
    public static async Task<ServerHost> Start(
        string[] args, IReadOnlyDictionary<string, string?>? settings = null, Action<IServiceCollection>? also = null, IEnumerable<IGateway>? gateways = null,
        CancellationToken stop = default)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            Args = args,
            ContentRootPath = AppContext.BaseDirectory,
            WebRootPath = Path.Combine(AppContext.BaseDirectory, "wwwroot"),
        });
        if (settings is not null) builder.Configuration.AddInMemoryCollection(settings);
        ConfigurationFile.Add(builder.Configuration);
        if (builder.Configuration["urls"] is null && builder.Configuration["Kestrel:Endpoints:Http:Url"] is null)
            builder.WebHost.UseUrls("http://127.0.0.1:7300");
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        if (builder.Configuration["Purser:LogFormat"] == "json") builder.Logging.ClearProviders().AddJsonConsole();
        // The framework's request lines carry query strings, and with them shoppers' tokens.
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddFilter("Npgsql", LogLevel.Warning)
            // Where it listens and how to stop it is said by the program itself, once.
            .AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 1024 * 1024;
            kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.Limits.MaxConcurrentConnections = 20_000;
            kestrel.Limits.MaxConcurrentUpgradedConnections = 15_000;
        });

        var options = builder.Configuration.GetSection(PurserOptions.Section).Get<PurserOptions>() ?? new PurserOptions();
        var (accounts, faults) = GatewayAccounts.Read(
            builder.Configuration, gateways ?? new GatewayCatalog(typeof(IGateway).Assembly).Gateways);
        ImmutableArray<string> wrong = [.. options.Faults(), .. ApiEndpoints.Options(builder.Configuration).Faults(), .. SettlementEndpoints.Options(builder.Configuration).Faults(),
            .. DeliveryEndpoints.Options(builder.Configuration).Faults(), .. MailOptions.Faults(builder.Configuration, options), .. InvoiceOptions.Faults(builder.Configuration), .. faults];
        if (wrong.Length > 0) throw new StartFailureException(string.Join(Environment.NewLine, wrong));

        using var early = LoggerFactory.Create(logging => logging.AddSimpleConsole(c => c.SingleLine = true).SetMinimumLevel(LogLevel.Warning));
        var database = await Database.Open(builder.Configuration, early, stop: stop);
        try
        {
            await Migrations.Apply(database.Source, early.CreateLogger<Database>(), stop);
            Compose(builder.Services, builder.Configuration, options, accounts, database);
            also?.Invoke(builder.Services);
            var app = builder.Build();
            Map(app);
            var host = new ServerHost(app, database);
            await host.Begin(stop);
            return host;
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    static void Compose(
        IServiceCollection services, IConfiguration configuration, PurserOptions options, GatewayAccounts accounts, Database database)
    {
        services.AddSingleton(options).AddSingleton(accounts).AddSingleton(database).AddSingleton(database.Source);
        services.AddSingleton(TimeProvider.System);
        // Made by the container, or the container would not dispose of it.
        services.AddSingleton(_ => new Telemetry(configuration));
        services.AddSingleton<PublicAddress>();
        services.AddSingleton(p => new Ids(p.GetRequiredService<TimeProvider>(), new Random(RandomNumberGenerator.GetInt32(int.MaxValue))));
        services.AddSingleton<Func<OrderRules>>(p =>
        {
            var lines = p.GetRequiredService<GatewayLines>();
            var rules = new OrderRules { Accounts = accounts.Terms, Routing = accounts.Routing, ReturnUrl = p.GetRequiredService<ReturnAddresses>().For };
            return () => lines.Health is { Count: > 0 } health ? rules with { Health = health } : rules;
        });
        services.AddSingleton(new EngineOptions { Lanes = options.Lanes });
        services.AddSingleton<IOrderStore, OrderStore>();
        services.AddSingleton(p => new GatewayLines(time: p.GetRequiredService<TimeProvider>()));
        services.AddSingleton<Func<GatewayAccounts.Entry, GatewayLine>>(p => entry => p.GetRequiredService<GatewayLines>().Open(entry.Account, entry.Gateway.Profile));
        services.AddSingleton<Caller>();
        services.AddSingleton<ICallStarter>(p => p.GetRequiredService<Caller>());
        services.AddSingleton<OrderEngine>();
        services.AddSingleton<Sweeper>();
        services.AddSingleton<IAlarmClock>(p => p.GetRequiredService<Sweeper>());
        services.AddSingleton(p => new PublishedFiles(p.GetRequiredService<TimeProvider>()));
        services.AddSingleton<NewsIntake>().AddSingleton<IQuarantineStore, QuarantineStore>().AddSingleton<SecondReading>().AddHostedService(s => s.GetRequiredService<SecondReading>());
        services.AddSingleton<InstallationStore>();
        services.AddSingleton(p => ShopperTokens.Of(p.GetRequiredService<InstallationStore>(), p.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ReturnAddresses>();
        ApiEndpoints.Add(services, configuration);
        CheckoutEndpoints.Add(services);
        MailEndpoints.Add(services, configuration);
    }

    static void Map(WebApplication app)
    {
        UseProxies(app);
        app.UseWebSockets();
        CheckoutEndpoints.Use(app);
        ApiEndpoints.Map(app);
        CheckoutEndpoints.Map(app);
        LaboratoryEndpoints.Map(app);
        MailEndpoints.Map(app);
        ReturnEndpoints.Map(app);
        WebhookEndpoints.Map(app);
        HealthEndpoints.Map(app);
    }

    /// <summary>Limits go by address; behind a proxy that is the one which the proxy names. From anybody else the header is a story.</summary>
    static void UseProxies(WebApplication app)
    {
        // Every hop is checked against the list, so their number needs no limit.
        var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, ForwardLimit = null };
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var (_, network) in app.Services.GetRequiredService<PurserOptions>().ProxyNetworks) forwarded.KnownIPNetworks.Add(network!.Value);
        // An empty list would trust everybody.
        if (forwarded.KnownIPNetworks.Count > 0) app.UseForwardedHeaders(forwarded);
    }

    async Task Begin(CancellationToken stop)
    {
        Services.GetRequiredService<Telemetry>();
        Services.GetRequiredService<Caller>().AnswerTo(Engine);
        var (mail, invoices, now) = (Services.GetRequiredService<MailOptions>(), Services.GetRequiredService<InvoiceOptions>(), Services.GetRequiredService<TimeProvider>().GetUtcNow());
        await Services.GetRequiredService<MailStore>().Keep(Wanted(mail.IsConfigured, mail.Ended), Wanted(mail.IsConfigured && mail.OperatorAddresses.Count > 0, mail.Ended), now, stop);
        await Services.GetRequiredService<InvoiceStore>().Keep(Wanted(invoices.IsConfigured, invoices.Ended), now, stop);
        Services.GetRequiredService<ShopperTokens>().Load();
        Engine.Start();
        try
        {
            await app.StartAsync(stop);
        }
        catch (IOException taken) when (taken.InnerException is AddressInUseException)
        {
            throw new StartFailureException($"Another program holds the port of Purser ({taken.Message.TrimEnd('.')}). Stop that one, or choose another: --urls=http://127.0.0.1:PORT.", taken) { IsTaken = true };
        }
        sweeping = Services.GetRequiredService<Sweeper>().Run(stopping.Token);
        delivering = Services.GetRequiredService<DeliverySender>().Run(stopping.Token);
        tellingOperators = Services.GetRequiredService<MailSender>().TellOperators(stopping.Token);
        settling = Task.WhenAll(
            Services.GetRequiredService<SettlementWorker>().Run(stopping.Token), Services.GetRequiredService<SettlementFolder>().Run(stopping.Token),
            Services.GetRequiredService<SettlementFetch>().Run(stopping.Token), Services.GetRequiredService<Overdue>().Run(stopping.Token),
            Services.GetRequiredService<LaterEvidence>().Run(stopping.Token), Services.GetRequiredService<Resolutions>().Run(stopping.Token));
    }

    /// <summary>Null: this node has no settings for it, and leaves it to those that have.</summary>
    static bool? Wanted(bool configured, bool ended) => configured ? true : ended ? false : null;

    public Task WaitForShutdown() => app.WaitForShutdownAsync();

    /// <summary>First no new requests, then no new alarms, then what was taken is finished, then the database.</summary>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await app.StopAsync(patience.Token);
        await stopping.CancelAsync();
        await sweeping;
        await settling;
        await delivering;
        await tellingOperators;
        await Services.GetRequiredService<Caller>().Idle(TimeSpan.FromSeconds(5));
        await Engine.DisposeAsync();
        await app.DisposeAsync();
        await database.DisposeAsync();
        stopping.Dispose();
    }
}
