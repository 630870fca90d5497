using System.CommandLine;
using System.CommandLine.Help;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.Connections;
using Purser.Sandbox;

var controlPort = new Option<int>("--control-port") { DefaultValueFactory = _ => 7400, Description = "Port of the control API." };
var dynamicPorts = new Option<bool>("--dynamic-ports") { Description = "Let the system choose the gateways' ports." };
var speed = new Option<double>("--speed") { DefaultValueFactory = _ => 1, Description = "How fast retries and delays pass." };
var seed = new Option<int?>("--seed") { Description = "Makes the gateways' ids repeatable." };
// As a person calls it, through the script.
var sandboxCommand = new Command("sandbox", "Gateways that move no real money.") { controlPort, dynamicPorts, speed, seed };
var root = new Command("./purser") { sandboxCommand, new HelpOption() };
sandboxCommand.SetAction(async (asked, _) =>
{
    if (asked.GetValue(speed) <= 0)
    {
        await Console.Error.WriteLineAsync("--speed must be more than 0.");
        return 2;
    }

    using var stop = new CancellationTokenSource();
    void End(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stop.Cancel();
    }

    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
    Sandbox sandbox;
    try
    {
        sandbox = await Sandbox.Start(new()
        {
            ControlPort = asked.GetValue(controlPort),
            DynamicPorts = asked.GetValue(dynamicPorts),
            Speed = asked.GetValue(speed),
            Seed = asked.GetValue(seed),
        });
    }
    catch (IOException taken)
    {
        await Console.Error.WriteLineAsync($"The sandbox cannot listen: {taken.Message}");
        if (taken.InnerException is AddressInUseException)
            await Console.Error.WriteLineAsync(
                "Most likely a sandbox runs already: ./purser up has one of its own, with its control page at http://127.0.0.1:7400. " +
                "Use that one, or start this one on free ports: ./purser sandbox --control-port 0 --dynamic-ports");
        return 1;
    }

    await using (sandbox)
    {
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            control = Address(sandbox.ControlUrl),
            gateways = sandbox.Worlds.ToDictionary(w => w.Dialect.Name, w => Address(w.Address)),
        }));
        await sandbox.WaitForShutdown(stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    return 0;

    static string Address(Uri url) => url.ToString().TrimEnd('/');
});
return await root.Parse(["sandbox", .. args], configuration: null).InvokeAsync(new() { ProcessTerminationTimeout = null });
