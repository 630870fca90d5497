using Purser.Gateways;
using Purser.Server.Gateways;

namespace Purser.Server.Settlement;

/// <summary>Looks into a folder for files that somebody dropped: <c>folder/account/file</c>. A file that was taken in moves to <c>done</c>, one that
/// cannot be, to <c>refused</c>, both beside it. A file is left alone until it has not changed for a while; links are never followed.</summary>
sealed partial class SettlementFolder(
    SettlementFileStore files, RefusedFileStore refused, SettlementWorker worker, GatewayAccounts accounts, SettlementOptions options, TimeProvider time,
    ILogger<SettlementFolder> log)
{
    static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    /// <summary>Whoever writes a file for longer than this without a byte renames it into its place instead, as copying programs do.</summary>
    static readonly TimeSpan Unchanged = TimeSpan.FromSeconds(5);

    /// <summary>Names under which programs write what they rename when it is whole.</summary>
    static readonly string[] Unfinished = [".part", ".partial", ".tmp", ".crdownload", ".filepart", ".swp"];

    /// <summary>Where files are put that cannot be kept: beside those that wait.</summary>
    public const string Refused = "refused";

    readonly Dictionary<string, (long Length, DateTime Written, long Since)> seen = [];

    public async Task Run(CancellationToken stop)
    {
        if (options.Folder is not { Length: > 0 } folder) return;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Look(folder, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception trouble) when (trouble is not OutOfMemoryException)
            {
                LogTrouble(log, folder, trouble);
            }
            await Task.Delay(Every, time, stop).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>One look at all accounts' folders.</summary>
    public async Task Look(string folder, CancellationToken stop)
    {
        foreach (var entry in accounts.InOrder)
        {
            // Account names have letters, digits and dashes only, so this stays within the folder.
            var mine = new DirectoryInfo(Path.Combine(folder, entry.Account.Name));
            if (!mine.Exists || IsLink(mine) || entry.Gateway is not ISettleByFile) continue;
            foreach (var file in mine.EnumerateFiles())
                if (!IsLink(file) && !file.Name.StartsWith('.') && !Array.Exists(Unfinished, end => file.Name.EndsWith(end, StringComparison.OrdinalIgnoreCase)) && Rests(file))
                    await Take(entry.Account.Name, mine.FullName, file, stop);
        }
    }

    static bool IsLink(FileSystemInfo one) => one.LinkTarget is not null || one.Attributes.HasFlag(FileAttributes.ReparsePoint);

    bool Rests(FileInfo file)
    {
        var now = time.GetTimestamp();
        if (!seen.TryGetValue(file.FullName, out var before) || before.Length != file.Length || before.Written != file.LastWriteTimeUtc)
        {
            seen[file.FullName] = (file.Length, file.LastWriteTimeUtc, now);
            return false;
        }
        return time.GetElapsedTime(before.Since, now) >= Unchanged;
    }

    async Task Take(string account, string folder, FileInfo file, CancellationToken stop)
    {
        string? why = null;
        try
        {
            await using var bytes = new FileStream(file.FullName, FileMode.Open, FileAccess.Read, FileShare.None);
            if (bytes.Length == 0) why = "It is empty.";
            else await files.TakeIn(account, SettlementEndpoints.Name(file.Name), FileSource.Folder, bytes, dryRun: false, options.MostBytes, stop);
        }
        catch (FileTooLargeException large)
        {
            why = large.Message;
        }
        catch (Exception held) when (held is IOException or UnauthorizedAccessException)
        {
            // A scanner has it, perhaps, or it may not be read; it is looked at again, and keeps no other back.
            LogHeld(log, account, held.Message);
            return;
        }
        seen.Remove(file.FullName);
        var to = why is null ? "done" : Refused;
        var place = Directory.CreateDirectory(Path.Combine(folder, to));
        if (IsLink(place)) throw new InvalidOperationException($"{place.FullName} is a link; files are not moved through it.");
        var target = Path.Combine(place.FullName, file.Name);
        for (var n = 2; File.Exists(target); n++) target = Path.Combine(place.FullName, $"{n}-{file.Name}");
        File.Move(file.FullName, target);
        LogTaken(log, account, to);
        // Who dies here has told nobody but the doctor, who looks into the folder.
        if (why is not null) await refused.NotKept(account, SettlementEndpoints.Name(file.Name), why, stop);
        worker.Wake();
    }

    [LoggerMessage(80, LogLevel.Information, "A dropped file of {Account} moved to {Place}")]
    static partial void LogTaken(ILogger log, string account, string place);

    [LoggerMessage(81, LogLevel.Warning, "A dropped file of {Account} cannot be opened yet: {Why}")]
    static partial void LogHeld(ILogger log, string account, string why);

    [LoggerMessage(82, LogLevel.Error, "The folder {Folder} cannot be looked into")]
    static partial void LogTrouble(ILogger log, string folder, Exception trouble);
}
