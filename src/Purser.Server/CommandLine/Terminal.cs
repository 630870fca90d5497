using Spectre.Console;

namespace Purser.Server.CommandLine;

/// <summary>How output looks when no person reads it.</summary>
static class Terminal
{
    /// <summary>Wide enough for a row of any table; what reads a pipe takes a line as it comes.</summary>
    const int NoEdge = 1000;

    /// <summary>A file or a program: no colours, and no line is broken at an edge that is not there.</summary>
    public static void IsNone(IAnsiConsole console)
    {
        console.Profile.Capabilities.Ansi = false;
        console.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
        console.Profile.Width = NoEdge;
    }
}
