using System.Globalization;
using System.Net;

namespace Purser.Server.Deliveries;

/// <summary>How receivers are told, from the section <c>Deliveries</c>.</summary>
public sealed record DeliveryOptions
{
    public const string Section = "Deliveries";

    /// <summary>Receivers may be at http addresses and on this machine, and secrets may be kept without a key of their own. For development only.</summary>
    public bool Development { get; init; }

    /// <summary>Networks that are not public, or hold an address of this machine, and may be reached all the same, separated by commas: <c>10.1.0.0/16, fd00::/8</c>.</summary>
    public string? AllowedNetworks { get; init; }

    /// <summary>Ports that receivers may name, separated by commas: behind a public address may be our own machine's other doors. In development every port may be named.</summary>
    public string Ports { get; init; } = "443";

    /// <summary>Messages under way to one receiver from one node. A dead receiver holds so many and no more.</summary>
    public int PerReceiver { get; init; } = 8;

    /// <summary>For a whole exchange, from the look-up of the name to the answer.</summary>
    public TimeSpan TimeOut { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A receiver that only fails is paused after this.</summary>
    public TimeSpan PauseAfter { get; init; } = TimeSpan.FromDays(5);

    public TimeSpan KeepAttempts { get; init; } = TimeSpan.FromDays(30);

    /// <summary>The entries of <see cref="AllowedNetworks"/>; null where an entry is none.</summary>
    public IEnumerable<(string Text, IPNetwork? Network)> Networks =>
        from text in AllowedNetworks?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? []
        select (text, IPNetwork.TryParse(text, out var network) ? network : (IPNetwork?)null);

    /// <summary>The entries of <see cref="Ports"/>; null where an entry is none.</summary>
    public IEnumerable<(string Text, int? Port)> PortList =>
        from text in Ports.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        select (text, int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536 ? port : (int?)null);

    /// <summary>Faults of the settings, each with its name and remedy.</summary>
    public IEnumerable<string> Faults()
    {
        foreach (var (text, network) in Networks)
            if (network is null) yield return $"{Section}:AllowedNetworks has '{text}'; each entry is a network such as 10.1.0.0/16.";
        foreach (var (text, port) in PortList)
            if (port is null) yield return $"{Section}:Ports has '{text}'; each entry is a port such as 8443.";
        if (!PortList.Any()) yield return $"{Section}:Ports is empty; set it to 443, or leave it out.";
        if (PerReceiver is < 1 or > 100) yield return $"{Section}:PerReceiver is {PerReceiver}; set it between 1 and 100.";
        if (TimeOut < TimeSpan.FromMilliseconds(100) || TimeOut > TimeSpan.FromMinutes(1)) yield return $"{Section}:TimeOut is {TimeOut}; set it between 00:00:00.1 and 00:01:00.";
        if (PauseAfter < TimeSpan.FromHours(1)) yield return $"{Section}:PauseAfter is {PauseAfter}; set it to 01:00:00 or more.";
        if (KeepAttempts < TimeSpan.FromDays(1)) yield return $"{Section}:KeepAttempts is {KeepAttempts}; set it to 1.00:00:00 or more.";
    }
}
