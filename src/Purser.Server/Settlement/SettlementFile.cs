using System.Globalization;
using System.Text.Json.Serialization;
using Purser.Reconciliation;
using Purser.Server.Reconciliation;

namespace Purser.Server.Settlement;

/// <summary>How far a settlement file is. Each step is committed, and after a crash the file goes on from there.</summary>
public enum FileState
{
    /// <summary>Its bytes are kept; nothing of it was read.</summary>
    Stored,
    /// <summary>It is being read into lines, of which some are stored.</summary>
    Reading,
    /// <summary>All of it was read; nothing of it was applied.</summary>
    Read,
    /// <summary>Each line has its class; nothing of it was applied.</summary>
    Matched,
    Acting,
    Done,
    /// <summary>It cannot be read whole, so nothing of it is applied.</summary>
    Refused,
}

public enum FileSource { Upload, Command, Folder, Fetched }

/// <summary>Lines of one class and pair of currencies, and what they add up to in minor units.</summary>
public sealed record ClassTotal(SettlementClass Class, string Currency, string NetCurrency, int Count, long Amount, long Net);

/// <param name="Row">In the file, from 1; null when it is about the whole.</param>
public sealed record FileRefusal(string Why, int? Row, string? Column)
{
    /// <summary>The first and the last day of the rows before the fault; null where there are none.</summary>
    public (DateOnly From, DateOnly To)? Covers { get; init; }

    /// <summary>When a person said that nothing more is needed.</summary>
    public DateTimeOffset? DismissedAt { get; init; }
}

/// <summary>A file as it is in the database.</summary>
public sealed record SettlementFile(
    long Id, string Account, byte[] Sha256, string Name, FileSource Source, long Bytes, DateTimeOffset ReceivedAt, bool DryRun, FileState State,
    int RowsRead, int RowsStored, int RowsActed, int Tries, IReadOnlyList<ClassTotal> Classes, DateOnly? CoversFrom, DateOnly? CoversTo, int? Policy,
    FileRefusal? Refusal, DateTimeOffset? DoneAt, bool? PaidOut)
{
    /// <summary>Who took it to work on it, and so has its lease; null where nobody took it, as when a person decides about one of its rows.</summary>
    public string? Worker { get; init; }

    /// <summary>Of a dry run that is matched.</summary>
    public DryRunPreview? Preview { get; init; }

    /// <summary>What it lacks of an earlier file that it issues again; found when it is matched.</summary>
    public LackedRows? Lacks { get; init; }

    public const string Prefix = "stl_";

    public string IdText => IdOf(Id);

    /// <summary>A dry run ends when it is matched.</summary>
    public bool HasEnded => State is FileState.Done or FileState.Refused || (DryRun && State == FileState.Matched);

    public static string IdOf(long id) => Prefix + id.ToString(CultureInfo.InvariantCulture);

    public static bool TryParseId(string? text, out long id)
    {
        id = 0;
        return text is not null && text.StartsWith(Prefix, StringComparison.Ordinal)
            && long.TryParse(text.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out id);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<ClassTotal>)), JsonSerializable(typeof(Dictionary<string, string>)), JsonSerializable(typeof(DryRunPreview)), JsonSerializable(typeof(LackedRows))]
sealed partial class SettlementJson : JsonSerializerContext;
