using System.Collections.Immutable;
using System.CommandLine;
using Purser.Gateways;
using Purser.Server.Gateways;
using Purser.Server.Laboratory;
using Purser.Server.Platform;
using Spectre.Console;

namespace Purser.Server.CommandLine;

/// <summary>`purser signature`: the signature laboratory at the command line.</summary>
static class SignatureCommand
{
    public static Command Make(Func<IConfiguration> configuration, Func<Func<Task<int>>, Task<int>> guard)
    {
        var gateway = new Argument<string>("gateway") { Description = "The gateway's name." };
        var file = new Option<FileInfo?>("--file") { Description = "The message as it was sent: first line, headers, an empty line, the body. Standard input when left out." };
        var recipe = new Option<string?>("--kind") { Description = "Which kind of message it is; every kind is tried when left out." };
        var account = new Option<string?>("--account") { Description = "Takes the settings of this configured gateway account." };
        var setting = new Option<string[]>("--setting") { Description = "A setting of the account, name=value; once for each.", DefaultValueFactory = _ => [] };
        var command = new Command("signature", "Shows each step of a gateway's signature over a message, and where it differs.") { gateway, file, recipe, account, setting };
        command.SetAction((words, stop) => guard(async () =>
        {
            var all = new GatewayCatalog(typeof(IGateway).Assembly).Gateways;
            var known = SignatureLaboratory.Gateways(all);
            var name = words.GetRequiredValue(gateway);
            if (!known.TryGetValue(name, out var shows))
                throw new StartFailureException(all.FirstOrDefault(g => g.Profile.Name == name) is { } silent
                    ? $"{silent.Profile.Title} signs nothing, so there is nothing to compute: what it says is believed only when it is asked. Those that sign are {string.Join(", ", known.Keys)}."
                    : $"There is no gateway '{name}'; those that sign are {string.Join(", ", known.Keys)}.");
            var kind = words.GetValue(recipe);
            if (kind is not null && shows.Signatures.All(s => s.Name != kind))
                throw new StartFailureException($"--kind '{kind}' is none of {string.Join(", ", shows.Signatures.Select(s => s.Name))}.");
            var subject = Account(configuration(), all.Single(g => g.Profile.Name == name), words.GetValue(account), words.GetValue(setting) ?? []);
            var message = PastedMessage.Read(await Bytes(words.GetValue(file), stop), TimeProvider.System.GetUtcNow());
            var findings = SignatureLaboratory.Compute(shows, kind, message, subject);
            Print(kind is null && findings[0].Trace.Right ? [findings[0]] : findings);
            return findings.Any(f => f.Trace.Right) ? 0 : 1;
        }));
        return command;
    }

    static GatewayAccount Account(IConfiguration configuration, IGateway gateway, string? named, string[] stated)
    {
        var account = new GatewayAccount("laboratory", gateway.Profile.Name, gateway.Profile.BaseUrl, ImmutableDictionary<string, string>.Empty);
        if (named is not null)
        {
            var (accounts, faults) = GatewayAccounts.Read(configuration, [gateway]);
            account = accounts.Find(named)?.Account
                ?? throw new StartFailureException(faults.FirstOrDefault(f => f.StartsWith($"Gateways:{named}:", StringComparison.Ordinal))
                    ?? $"There is no gateway account '{named}' of {gateway.Profile.Title} in the configuration.");
        }
        foreach (var one in stated)
        {
            var equals = one.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1 || gateway.Profile.Settings.All(s => s.Name != one[..equals]))
                throw new StartFailureException($"--setting '{(equals < 1 ? one : one[..equals])}' is none of {string.Join(", ", gateway.Profile.Settings.Select(s => s.Name))}; write name=value.");
            account = account with { Settings = account.Settings.SetItem(one[..equals], one[(equals + 1)..]) };
        }
        return account;
    }

    static async Task<ReadOnlyMemory<byte>> Bytes(FileInfo? file, CancellationToken stop)
    {
        if (file is { Exists: false }) throw new StartFailureException($"There is no file {file.FullName}.");
        using var all = new MemoryStream();
        await using var source = file is null ? Console.OpenStandardInput() : file.OpenRead();
        await source.CopyToAsync(all, stop);
        return all.ToArray();
    }

    static void Print(IReadOnlyList<Finding> findings)
    {
        foreach (var finding in findings)
        {
            AnsiConsole.MarkupLineInterpolated($"[bold]{finding.Recipe.Name}[/]: {finding.Recipe.Meaning}");
            var steps = new Table().AddColumns("step", "value");
            foreach (var step in finding.Trace.Steps)
                steps.AddRow(Markup.Escape(step.Remark is null ? step.Title : $"{step.Title} ({step.Remark})"), Markup.Escape(step.Value));
            AnsiConsole.Write(steps);
            AnsiConsole.MarkupLineInterpolated($"given    {finding.Trace.Given ?? "-"}");
            AnsiConsole.MarkupLineInterpolated($"expected {finding.Trace.Expected ?? "-"}");
            if (finding.Trace.Right) AnsiConsole.MarkupLine("[green]right[/]");
            else AnsiConsole.MarkupLineInterpolated($"[red]wrong[/] {finding.Difference ?? "See the last step."}");
            AnsiConsole.WriteLine();
        }
    }
}
