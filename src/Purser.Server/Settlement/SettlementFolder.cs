using Microsoft.Win32.SafeHandles;
using Purser.Gateways;
using Purser.Server.Gateways;

namespace Purser.Server.Settlement;

/// <summary>Looks into a folder for files that somebody dropped: <c>folder/account/file</c>. A file is left alone until it has not changed for a while. Then it moves to <c>.taking</c>,
/// where nothing of its name can take its place while it is read; a file that was taken in moves on to <c>done</c>, one that cannot be, to <c>refused</c>, all beside it. What changes
/// meanwhile, or soon after, is taken once more. What a dead node left in <c>.taking</c> any node that sees the folder takes up, one at a time. Links are never followed.</summary>
sealed partial class SettlementFolder(
    SettlementFileStore files, RefusedFileStore refused, SettlementWorker worker, GatewayAccounts accounts, SettlementOptions options, TimeProvider time,
    ILogger<SettlementFolder> log)
{
    static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    /// <summary>Whoever writes a file for longer than this without a byte renames it into its place instead, as copying programs do.</summary>
    static readonly TimeSpan Unchanged = TimeSpan.FromSeconds(5);

    /// <summary>Whoever still had a file open when it was taken may write on, whatever its name is by then: it is watched for so long.</summary>
    static readonly TimeSpan Watched = TimeSpan.FromMinutes(10);

    /// <summary>Names under which programs write what they rename when it is whole.</summary>
    static readonly string[] Unfinished = [".part", ".partial", ".tmp", ".crdownload", ".filepart", ".swp"];

    /// <summary>Where files are put that cannot be kept: beside those that wait.</summary>
    public const string Refused = "refused";

    /// <summary>Where files are while they are read.</summary>
    public const string Taking = ".taking";

    /// <summary>Files that wait until they have not changed for a while, and files that were taken, each by its path.</summary>
    readonly Dictionary<string, (Stand Stand, long Since)> seen = [], settled = [];

    /// <summary>What tells that a file was written to.</summary>
    readonly record struct Stand(long Length, DateTime Written)
    {
        public static Stand Of(FileInfo file) => new(file.Length, file.LastWriteTimeUtc);

        public static Stand Of(SafeFileHandle file) => new(RandomAccess.GetLength(file), File.GetLastWriteTimeUtc(file));
    }

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
        TakeBack();
        foreach (var gone in seen.Keys.Where(path => !File.Exists(path)).ToList()) seen.Remove(gone);
        var resting = new List<(string Account, string Folder, FileInfo File)>();
        foreach (var entry in accounts.InOrder)
        {
            // Account names have letters, digits and dashes only, so this stays within the folder.
            var mine = new DirectoryInfo(Path.Combine(folder, entry.Account.Name));
            if (!mine.Exists || IsLink(mine) || entry.Gateway is not ISettleByFile) continue;
            resting.AddRange(Dropped(mine).Where(Rests).Select(file => (entry.Account.Name, mine.FullName, file)));
        }
        if (resting.Count == 0) return;
        // Who has the turn is alone: what lies in .taking nobody else is reading.
        await using var turn = await files.TakeFolder(stop);
        if (turn is null) return;
        foreach (var (account, mine, file) in resting) await Take(account, mine, file, stop);
    }

    static IEnumerable<FileInfo> Dropped(DirectoryInfo mine)
    {
        var left = new DirectoryInfo(Path.Combine(mine.FullName, Taking));
        if (left.Exists && !IsLink(left))
            foreach (var file in left.EnumerateFiles())
                if (!IsLink(file)) yield return file;
        foreach (var file in mine.EnumerateFiles())
            if (!IsLink(file) && !file.Name.StartsWith('.') && !Array.Exists(Unfinished, end => file.Name.EndsWith(end, StringComparison.OrdinalIgnoreCase)))
                yield return file;
    }

    static bool IsLink(FileSystemInfo one) => one.LinkTarget is not null || one.Attributes.HasFlag(FileAttributes.ReparsePoint);

    bool Rests(FileInfo file)
    {
        var (now, stand) = (time.GetTimestamp(), Stand.Of(file));
        if (!seen.TryGetValue(file.FullName, out var before) || before.Stand != stand)
        {
            seen[file.FullName] = (stand, now);
            return false;
        }
        return time.GetElapsedTime(before.Since, now) >= Unchanged;
    }

    async Task Take(string account, string folder, FileInfo file, CancellationToken stop)
    {
        try
        {
            // Another node had the turn before.
            if (!File.Exists(file.FullName)) return;
            var rested = seen[file.FullName].Stand;
            var path = file.Directory!.Name == Taking ? file.FullName : Move(file, folder, Taking);
            seen.Remove(file.FullName);
            var (changed, why) = await Read(account, path, file.Name, rested, stop);
            if (changed)
            {
                LogChanged(log, account);
                return;
            }
            var to = why is null ? "done" : Refused;
            settled[Move(new FileInfo(path), folder, to)] = (rested, time.GetTimestamp());
            LogTaken(log, account, to);
            // Who dies here has told nobody but the doctor, who looks into the folder.
            if (why is not null) await refused.NotKept(account, SettlementEndpoints.Name(file.Name), why, stop);
            worker.Wake();
        }
        catch (Exception held) when (held is IOException or UnauthorizedAccessException)
        {
            // A scanner has it, perhaps, or it may not be read; it is looked at again, and keeps no other back.
            LogHeld(log, account, held.Message);
        }
    }

    /// <returns>Whether it is not, or no longer, what rested: then it rests anew where it is, and is taken then. Otherwise why it cannot be kept, if it cannot.</returns>
    async Task<(bool Changed, string? Why)> Read(string account, string path, string name, Stand rested, CancellationToken stop)
    {
        string? why = null;
        await using var bytes = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None);
        // Another may have come under its name before it was moved.
        if (Stand.Of(bytes.SafeFileHandle) != rested) return (true, null);
        try
        {
            if (rested.Length == 0) why = "It is empty.";
            else
                // Before anything is kept: half a row must not be applied as if it were all of it.
                await files.TakeIn(account, SettlementEndpoints.Name(name), FileSource.Folder, bytes, dryRun: false, options.MostBytes, stop, last: () =>
                {
                    if (Stand.Of(bytes.SafeFileHandle) != rested) throw new ChangedException();
                });
        }
        catch (FileTooLargeException large)
        {
            why = large.Message;
        }
        catch (ChangedException)
        {
            return (true, null);
        }
        return (Stand.Of(bytes.SafeFileHandle) != rested, why);
    }

    /// <summary>Somebody wrote to the file while it was read.</summary>
    sealed class ChangedException : Exception;

    /// <summary>What was written on after it was taken waits to be taken once more, whole.</summary>
    void TakeBack()
    {
        foreach (var (path, was) in settled)
        {
            var file = new FileInfo(path);
            if (!file.Exists || time.GetElapsedTime(was.Since) >= Watched) settled.Remove(path);
            else if (Stand.Of(file) != was.Stand)
                try
                {
                    var folder = file.Directory!.Parent!;
                    Move(file, folder.FullName, Taking);
                    settled.Remove(path);
                    LogChanged(log, folder.Name);
                }
                catch (Exception held) when (held is IOException or UnauthorizedAccessException)
                {
                    LogHeld(log, file.Directory!.Parent!.Name, held.Message);
                }
        }
    }

    /// <returns>Where it is now.</returns>
    static string Move(FileInfo file, string folder, string to)
    {
        var place = Directory.CreateDirectory(Path.Combine(folder, to));
        if (IsLink(place)) throw new IOException($"{place.FullName} is a link; files are not moved through it.");
        var target = Path.Combine(place.FullName, file.Name);
        for (var n = 2; File.Exists(target); n++) target = Path.Combine(place.FullName, $"{n}-{file.Name}");
        File.Move(file.FullName, target);
        return target;
    }

    [LoggerMessage(80, LogLevel.Information, "A dropped file of {Account} moved to {Place}")]
    static partial void LogTaken(ILogger log, string account, string place);

    [LoggerMessage(81, LogLevel.Warning, "A dropped file of {Account} cannot be opened yet: {Why}")]
    static partial void LogHeld(ILogger log, string account, string why);

    [LoggerMessage(102, LogLevel.Warning, "A dropped file of {Account} changed while it was taken, or after; it is taken once more when it rests")]
    static partial void LogChanged(ILogger log, string account);

    [LoggerMessage(82, LogLevel.Error, "The folder {Folder} cannot be looked into")]
    static partial void LogTrouble(ILogger log, string folder, Exception trouble);
}
