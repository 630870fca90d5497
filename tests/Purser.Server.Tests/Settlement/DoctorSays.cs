using Microsoft.Extensions.Configuration;
using Purser.Server.Doctor;
using Spectre.Console;

namespace Purser.Server.Tests.Settlement;

/// <summary>What <c>purser doctor</c> prints about an installation.</summary>
static class DoctorSays
{
    public static async Task<string> Of(string connection, params (string Name, string Value)[] settings)
    {
        using var configuration = new ConfigurationManager();
        configuration.AddInMemoryCollection(settings.Append(("ConnectionStrings:Purser", connection)).Select(s => KeyValuePair.Create(s.Item1, (string?)s.Item2)));
        using var words = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(words) });
        console.Profile.Width = 4000;
        await DoctorCommand.Run(configuration, TimeProvider.System, default, console);
        return words.ToString();
    }
}
