using System.Diagnostics;
using System.Globalization;

namespace Purser.Bench;

/// <summary>What the machine says of its processes. Linux only, where /proc is.</summary>
static class Machine
{
    const int TicksPerSecond = 100;

    /// <summary>Processor time of all of PostgreSQL, the ended children included.</summary>
    public static TimeSpan OfTree(int root)
    {
        long ticks = 0;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var id) || Stat(id) is not { } stat) continue;
            // Fields after the name: 1 is the parent, 11 to 14 own and ended children's user and system ticks.
            if (id == root) ticks += stat[11] + stat[12] + stat[13] + stat[14];
            else if (stat[1] == root) ticks += stat[11] + stat[12];
        }
        return TimeSpan.FromSeconds((double)ticks / TicksPerSecond);
    }

    public static TimeSpan Of(Process process) => Stat(process.Id) is { } stat ? TimeSpan.FromSeconds((double)(stat[11] + stat[12]) / TicksPerSecond) : default;

    public static double ResidentMegabytes(Process process)
    {
        process.Refresh();
        return process.WorkingSet64 / 1024.0 / 1024.0;
    }

    /// <summary>Busy and all ticks of the machine, to tell what others took meanwhile.</summary>
    public static (long Busy, long All) Ticks()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(f => long.Parse(f, CultureInfo.InvariantCulture)).ToArray();
        return (fields.Sum() - fields[3] - fields[4], fields.Sum());
    }

    /// <summary>How many files this session may have open at most.</summary>
    public static int MostFiles() =>
        File.ReadLines("/proc/self/limits").First(l => l.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[4] is var hard
        && int.TryParse(hard, out var files) ? files : int.MaxValue;

    static long[]? Stat(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            // The name stands in parentheses and may hold spaces.
            return [.. text[(text.LastIndexOf(')') + 2)..].Split(' ').Select(f => long.TryParse(f, out var n) ? n : 0)];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
