using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Purser.Gateways;
using Purser.Sandbox;
using Purser.Server.CommandLine;
using Purser.Server.Doctor;
using Purser.Server.Keys;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;
using Spectre.Console;

namespace Purser.Server.Tests.CommandLine;

/// <summary>What somebody meets who has just started it: commands beside `up`, a second start, help.</summary>
public sealed class NewcomerTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public void The_checkout_of_up_bears_the_name_of_the_shop_unless_another_was_configured()
    {
        UpCommand.MerchantName(Configuration(new Dictionary<string, string?>())).ShouldBe("Leaf & Kettle");
        UpCommand.MerchantName(Configuration(new Dictionary<string, string?> { ["Purser:MerchantName"] = "Asha's Books" })).ShouldBe("Asha's Books");
        File.ReadAllText(Path.Combine(Browser.ShopHouse.Root, "samples/Shop/Pages/Shell.razor")).ShouldContain(">Leaf &amp; Kettle</a>");
    }

    [Fact]
    public async Task Whose_ports_are_taken_is_told_one_command_that_works()
    {
        var settings = new Dictionary<string, string?> { ["Purser:Postgres:Name"] = "main" };
        UpCommand.Beside(["--Purser:Postgres:Name=main", "--Mail:Locale=hi", "--urls=http://127.0.0.1:7300"], Configuration(settings)).ShouldBe("./purser up --free-ports --Purser:Postgres:Name=main-second --Mail:Locale=hi");
        settings["Purser:Postgres:Directory"] = "/data/first";
        UpCommand.Beside([], Configuration(settings)).ShouldBe("./purser up --free-ports --Purser:Postgres:Directory=/data/first-second");
        settings["ConnectionStrings:Purser"] = await postgres.CreateDatabase();
        UpCommand.Beside([], Configuration(settings)).ShouldBe("./purser up --free-ports");

        // Whatever takes it: the server's port is one of three.
        await using var first = await ServerHost.Start([], new Dictionary<string, string?> { ["ConnectionStrings:Purser"] = settings["ConnectionStrings:Purser"], ["urls"] = "http://127.0.0.1:0" });
        var taken = await Should.ThrowAsync<StartFailureException>(() =>
            ServerHost.Start([], new Dictionary<string, string?> { ["ConnectionStrings:Purser"] = settings["ConnectionStrings:Purser"], ["urls"] = first.Url }));
        taken.ShouldSatisfyAllConditions(t => t.IsTaken.ShouldBeTrue(), t => t.Message.ShouldContain(first.Url), t => t.Message.ShouldContain("--urls="));
    }

    [Fact]
    public async Task A_second_start_keeps_the_keys_while_they_are_in_force_for_its_address()
    {
        await using var host = await ServerHost.Start([], new Dictionary<string, string?> { ["ConnectionStrings:Purser"] = await postgres.CreateDatabase(), ["urls"] = "http://127.0.0.1:0" });
        var keys = host.Services.GetRequiredService<ApiKeys>();
        var first = await DevelopmentKeys.Keep(host, "up", new DevelopmentRecord(), default);
        var record = new DevelopmentRecord(first.Secret, first.Publishable, host.Url);
        (await DevelopmentKeys.Keep(host, "up", record, default)).ShouldBe(first);
        (await keys.List()).Count(k => k.RevokedAt is null).ShouldBe(2);

        // For another address the page's key would be refused; and a record of another database names keys that are nobody's here.
        var (elsewhere, _) = await keys.Create("other", KeyKind.Publishable, ["http://127.0.0.1:1"]);
        (await DevelopmentKeys.Keep(host, "other", record with { PublishableKey = elsewhere }, default)).Publishable.ShouldNotBe(elsewhere);
        var unknown = ApiKeys.SecretPrefix + new string('0', 64);
        (await DevelopmentKeys.Keep(host, "up", record with { SecretKey = unknown }, default)).Secret.ShouldNotBe(unknown);
    }

    [Fact]
    public void What_a_start_leaves_is_for_its_owner_only_and_rubbish_is_as_good_as_nothing()
    {
        var path = Path.Combine(TestFolders.Make("record"), "up.json");
        var record = new DevelopmentRecord("sk", "pk", "http://127.0.0.1:1", null);
        record.Write(path);
        DevelopmentRecord.Read(path).ShouldBe(record);
        if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(path, "{ rubbish");
        DevelopmentRecord.Read(path).ShouldBe(new DevelopmentRecord());
        DevelopmentRecord.Read(path + ".nowhere").ShouldBe(new DevelopmentRecord());
    }

    [Fact]
    public async Task The_doctor_sees_the_accounts_of_an_up_that_runs_and_says_what_to_do_without_one()
    {
        await using var sandbox = await Sandbox.Sandbox.Start(new SandboxOptions { ControlPort = 0, DynamicPorts = true });
        var settings = new Dictionary<string, string?> { ["ConnectionStrings:Purser"] = await postgres.CreateDatabase(), ["Purser:Postgres:Name"] = $"test-{Environment.ProcessId}" };
        var path = DevelopmentRecord.PathOf(Configuration(settings));
        try
        {
            var (alone, said) = await Examine(settings);
            alone.ShouldBe(1);
            said.ShouldContain("There is no gateway account; add one under Gateways in purser.json");
            var narrow = (await Examine(settings, width: 100)).Said.Split('\n');
            narrow.ShouldAllBe(l => l.Length <= 100);
            narrow.ShouldContain(l => l.StartsWith("bad  configuration  There is no gateway account;", StringComparison.Ordinal));

            new DevelopmentRecord("sk", "pk", "http://127.0.0.1:7300", sandbox.ControlUrl.ToString()).Write(path);
            var (beside, seen) = await Examine(settings);
            seen.ShouldContain("./purser up runs at http://127.0.0.1:7300");
            foreach (var world in sandbox.Worlds.Where(w => new GatewayCatalog().TryFind(w.Dialect.Name, out _))) seen.ShouldContain($"{world.Dialect.Name} (");
            beside.ShouldBe(0, seen);
        }
        finally
        {
            File.Delete(path);
        }
    }

    internal static ConfigurationManager Configuration(Dictionary<string, string?> settings)
    {
        var configuration = new ConfigurationManager();
        configuration.AddInMemoryCollection(settings);
        return configuration;
    }

    static async Task<(int Code, string Said)> Examine(Dictionary<string, string?> settings, int? width = null)
    {
        using var said = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(said) });
        Terminal.IsNone(console);
        console.Profile.Width = width ?? console.Profile.Width;
        return (await DoctorCommand.Run(Configuration(settings), TimeProvider.System, default, console), said.ToString());
    }

    [Fact]
    public async Task A_link_of_an_earlier_sandbox_says_so_to_a_person_and_answers_a_program_as_the_gateway_does()
    {
        await using var sandbox = await Sandbox.Sandbox.Start(new SandboxOptions { ControlPort = 0, DynamicPorts = true });
        using var http = new HttpClient();
        foreach (var world in sandbox.Worlds)
        {
            using var asked = new HttpRequestMessage(HttpMethod.Get, new Uri(world.Address, "/pay/of-yesterday"));
            asked.Headers.Accept.ParseAdd("text/html,application/xhtml+xml,*/*;q=0.8");
            using var page = await http.SendAsync(asked);
            (page.StatusCode, page.Content.Headers.ContentType!.MediaType).ShouldBe((HttpStatusCode.NotFound, "text/html"), world.Dialect.Name);
            (await page.Content.ReadAsStringAsync()).ShouldContain("Go back to the shop and start the payment again.");
            (await (await http.GetAsync(asked.RequestUri)).Content.ReadAsStringAsync()).ShouldNotContain("Go back to the shop", Case.Insensitive, world.Dialect.Name);
        }
    }

    [Fact]
    public void The_list_of_keys_has_a_line_for_each_on_a_terminal_of_eighty_letters()
    {
        var at = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        using var said = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(said) });
        console.Profile.Width = 80;
        KeysCommand.Write(console, [new ApiKey(12, "shop-backend", KeyKind.Secret, "sk_0123456", [], at, null) { Person = "Asha Rao" }, new ApiKey(13, "up", KeyKind.Publishable, "pk_0123456", ["http://127.0.0.1:7300"], at, at)]);
        var lines = said.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => string.Join(' ', l.Split(' ', StringSplitOptions.RemoveEmptyEntries))).ToArray();
        lines.ShouldBe(["id begins made revoked name person or origins", "12 sk_0123456... 2026-01-02 shop-backend Asha Rao", "13 pk_0123456... 2026-01-02 2026-01-02 up http://127.0.0.1:7300"]);
    }

    [Fact]
    public async Task Help_names_the_command_that_was_typed_and_a_gateway_that_signs_nothing_is_no_typing_error()
    {
        (await Run("keys", "create", "--help")).Said.ShouldContain("./purser keys create [options]");
        var silent = new GatewayCatalog().Gateways.First(g => g is not IShowSignatures).Profile;
        (await Run("signature", silent.Name)).ShouldSatisfyAllConditions(s => s.Code.ShouldBe(2), s => s.Said.ShouldContain($"{silent.Title} signs nothing"));
        (await Run("signature", "strype")).ShouldSatisfyAllConditions(s => s.Code.ShouldBe(2), s => s.Said.ShouldContain("There is no gateway 'strype'"));
        // An account that is there and lacks a setting is not missing.
        (await Run("signature", "stripe", "--account", "nobodys")).Said.ShouldContain("There is no gateway account 'nobodys' of Stripe");
        (await Run("signature", "stripe", "--account", "halves", "--Gateways:halves:Gateway=stripe")).Said.ShouldContain("Gateways:halves:secret_key");
    }

    [Fact]
    public async Task A_file_of_an_account_that_nobody_knows_is_refused_before_it_is_kept()
    {
        var settings = new Dictionary<string, string?>
        {
            ["ConnectionStrings:Purser"] = await postgres.CreateDatabase(),
            ["Purser:Postgres:Name"] = $"test-reconcile-{Environment.ProcessId}",
            ["Gateways:Cards:Gateway"] = "stripe",
        };
        var file = new FileInfo(Path.Combine(Directory.CreateDirectory(TestFolders.Make("nothere")).FullName, "march.csv"));
        await File.WriteAllTextAsync(file.FullName, "a,b\n1,2\n");
        await using var host = await ServerHost.Start([], new Dictionary<string, string?> { ["ConnectionStrings:Purser"] = settings["ConnectionStrings:Purser"], ["urls"] = "http://127.0.0.1:0" });
        await TookMoney(host, "paypal");
        var refused = await Should.ThrowAsync<StartFailureException>(() => ReconcileCommand.Run(Configuration(settings), file, "nothere", dryRun: false, json: true, default));
        refused.Message.ShouldBe("There is no gateway account 'nothere', so the file is not kept. There is cards, paypal.");
        await using var kept = host.Services.GetRequiredService<Database>().Source.CreateCommand("select count(*) from settlement_files");
        (await kept.ExecuteScalarAsync()).ShouldBe(0L);
    }

    [Fact]
    public async Task A_command_beside_a_server_makes_no_installation_of_its_own_and_whoever_makes_a_key_in_a_new_one_is_told()
    {
        var folder = TestFolders.Make("nobodys");
        string[] there = [$"--Purser:Postgres:Directory={folder}", "--ConnectionStrings:Purser="];
        var settings = new Dictionary<string, string?> { ["Purser:Postgres:Directory"] = folder, ["Purser:Postgres:Name"] = $"test-{Path.GetFileName(folder)}" };
        var nowhere = $"There is no installation of Purser in {folder}, where the account '{Environment.UserName}' looks";

        (await Run(["keys", "list", .. there])).ShouldSatisfyAllConditions(s => s.Code.ShouldBe(2), s => s.Said.ShouldContain(nowhere), s => s.Said.ShouldContain("Run this as the account that runs Purser"));
        (await Should.ThrowAsync<StartFailureException>(() => StoredBooks.Read(Configuration(settings), _ => Task.FromResult(0), default))).Message.ShouldContain(nowhere);
        (await Examine(settings)).ShouldSatisfyAllConditions(s => s.Code.ShouldBe(1), s => s.Said.ShouldContain(nowhere));
        Directory.Exists(folder).ShouldBeFalse();

        var made = await Run(["keys", "create", "--name", "shop-backend", .. there]);
        made.ShouldSatisfyAllConditions(s => s.Code.ShouldBe(0), s => s.Said.ShouldContain($"There was no installation of Purser in {folder}"), s => s.Said.ShouldContain(ApiKeys.SecretPrefix));
        // Now there is one, which nobody runs.
        (await Run(["keys", "list", .. there])).ShouldSatisfyAllConditions(s => s.Code.ShouldBe(0), s => s.Said.ShouldContain("shop-backend"));
    }

    [Fact]
    public async Task A_server_says_that_its_database_holds_money_of_accounts_that_it_does_not_have()
    {
        await using var host = await ServerHost.Start([], new Dictionary<string, string?>
        {
            ["ConnectionStrings:Purser"] = await postgres.CreateDatabase(),
            ["urls"] = "http://127.0.0.1:0",
            ["Gateways:cards:Gateway"] = "stripe",
            ["Gateways:cards:TestMode"] = "true",
            ["Gateways:cards:secret_key"] = "sk_test_1",
            ["Gateways:cards:webhook_secret"] = "whsec_1",
        });
        (await PurserCommands.MoneyOfOthers(host, default)).ShouldBeNull();
        await TookMoney(host, "cards");
        (await PurserCommands.MoneyOfOthers(host, default)).ShouldBeNull();
        await TookMoney(host, "razorpay");
        await TookMoney(host, "billdesk");
        (await PurserCommands.MoneyOfOthers(host, default))!.ShouldContain("(billdesk, razorpay)");
    }

    static async Task TookMoney(ServerHost host, string account)
    {
        await using var took = host.Services.GetRequiredService<Database>().Source.CreateCommand(
            $"insert into captures (account, money_reference, order_id, payment) values ('{account}', 'money_1', 1, 1), ('{account}', 'money_2', 1, 1)");
        await took.ExecuteNonQueryAsync();
    }

    static async Task<(int Code, string Said)> Run(params string[] words)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "purser-server.dll"), .. words])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.StandardInput.Close();
        var (said, complained) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await said + await complained);
    }
}
