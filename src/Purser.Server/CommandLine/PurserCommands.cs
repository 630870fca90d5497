using System.CommandLine;
using System.CommandLine.Help;
using Purser.Server.Audit;
using Purser.Server.Doctor;
using Purser.Server.Gateways;
using Purser.Server.Ledger;
using Purser.Server.Platform;
using Purser.Server.Risk;
using Spectre.Console;

namespace Purser.Server.CommandLine;

/// <summary>The verbs of the server's program. Settings come from purser.json, the environment and <c>--Name:Key=value</c>.</summary>
public static class PurserCommands
{
    public static async Task<int> Run(string[] args)
    {
        // System.CommandLine would refuse settings it does not know; they belong to the configuration.
        var settings = args.Where(a => a.StartsWith("--", StringComparison.Ordinal) && a.Contains('=', StringComparison.Ordinal) && a.Contains(':', StringComparison.Ordinal)
            || a.StartsWith("--urls=", StringComparison.Ordinal)).ToArray();
        var words = args.Except(settings).ToArray();

        if (Console.IsOutputRedirected) Terminal.IsNone(AnsiConsole.Console);
        // As a person calls it: the script is the one way in. A root command would be called by its file.
        var root = new Command("./purser", "Purser, the payment service between your shop and its gateways.") { new HelpOption(), new VersionOption() };
        var serve = new Command("serve", "Runs the server until it is told to stop.");
        serve.SetAction((_, stop) => Guard(() => Serve(settings, stop)));
        var doctor = new Command("doctor", "Says what is wrong: configuration, database, migrations, clock, gateways, invariants.");
        doctor.SetAction((_, stop) => Guard(() => DoctorCommand.Run(Configuration(settings), TimeProvider.System, stop)));
        var up = new Command("up", "Starts PostgreSQL, Purser and the sandbox gateways for development; Ctrl-C stops all of it.");
        var freePorts = new Option<bool>("--free-ports") { Description = "Any free ports, for a second one beside; it needs a database of its own, too: ./purser up --free-ports --Purser:Postgres:Name=second." };
        up.Options.Add(freePorts);
        up.SetAction((asked, stop) => Guard(() => UpCommand.Run(settings, asked.GetValue(freePorts), stop)));
        var demo = new Command("demo", "Plays every outcome and misfortune at every sandbox gateway, and compares the books.");
        var json = new Option<bool>("--json") { Description = "One JSON document instead of tables." };
        demo.Options.Add(json);
        demo.SetAction((asked, stop) => Guard(() => DemoCommand.Run(settings, asked.GetValue(json), stop)));
        root.Subcommands.Add(up);
        root.Subcommands.Add(demo);
        root.Subcommands.Add(serve);
        root.Subcommands.Add(doctor);
        root.Subcommands.Add(ReconcileCommand.Make(() => Configuration(settings), Guard));
        root.Subcommands.Add(SecretsCommand.Make(Guard));
        root.Subcommands.Add(SignatureCommand.Make(() => Configuration(settings), Guard));
        root.Subcommands.Add(KeysCommand.Make(() => Configuration(settings), Guard));
        root.Subcommands.Add(InvoicesCommand.Make(() => Configuration(settings), Guard));
        root.Subcommands.Add(LedgerCommand.Make(() => Configuration(settings), Guard));
        root.Subcommands.Add(RiskCommand.Make(() => Configuration(settings), Guard));
        root.Subcommands.Add(AuditCommand.Make(() => Configuration(settings), Guard));
        root.SetAction((_, stop) => Guard(() => Serve(settings, stop)));
        // What is told to stop takes the time that it needs, and takes what it started along: two seconds, the usual, are too few.
        return await root.Parse(words).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(5) });
    }

    public static IConfigurationManager Configuration(string[] settings)
    {
        var configuration = new ConfigurationManager();
        configuration.SetBasePath(AppContext.BaseDirectory).AddJsonFile("appsettings.json", optional: true).AddEnvironmentVariables().AddCommandLine(settings);
        ConfigurationFile.Add(configuration);
        return configuration;
    }

    static async Task<int> Serve(string[] settings, CancellationToken stop)
    {
        await using var host = await ServerHost.Start(settings, stop: stop);
        Console.WriteLine($"Purser listens on {host.Url}");
        if (await MoneyOfOthers(host, stop) is { } warning) Console.WriteLine(warning);
        await host.WaitForShutdown();
        return 0;
    }

    /// <summary>`up` and `serve` share a database unless told otherwise, and a live service should not go on with a sandbox's books.</summary>
    internal static async Task<string?> MoneyOfOthers(ServerHost host, CancellationToken stop)
    {
        var accounts = host.Services.GetRequiredService<GatewayAccounts>();
        var others = (await new AccountStore(host.Services.GetRequiredService<Database>().Source).WithMoney(stop)).Where(name => accounts.Find(name) is null).ToList();
        return others.Count == 0 ? null
            : $"Look: this database holds money of gateway accounts that are not configured now ({string.Join(", ", others)}). If it is the sandbox's, begin with an empty database: see \"Going live\" in README.md.";
    }

    /// <summary>A start that fails says why in a sentence, not in a stack.</summary>
    static async Task<int> Guard(Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (StartFailureException why)
        {
            await Console.Error.WriteLineAsync(why.Message);
            return 2;
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
    }
}
