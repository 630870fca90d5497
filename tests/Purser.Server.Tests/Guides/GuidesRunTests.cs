using System.Text;
using System.Text.RegularExpressions;
using Npgsql;
using Purser.Gateways;
using Purser.Server.Audit;
using Purser.Server.Mail;
using Purser.Server.Platform;
using Purser.Server.Tests.Invoices;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Guides;

/// <summary>Every block of the guides is run, or read by somebody who knows its words.</summary>
public sealed class GuidesRunTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const string OwnName = "purser_of_the_guide";
    const string Readme = "README";

    /// <summary>Of the README, what starts and ends `up` itself, and all tests: a newcomer's tests do that, and these are some of those.</summary>
    static bool IsOfUp(GuideBlock block) => block.Text.Contains("./purser up", StringComparison.Ordinal) || block.Text.StartsWith("home=", StringComparison.Ordinal);

    public static TheoryData<string> Guides => ["integrate", "webhooks", "reconciliation", "accounts-and-routing", "several-machines", "security", "books", "invoices", "mail", "refunds", "signatures", Readme];

    static IEnumerable<string> Pages => Directory.EnumerateFiles(Path.Combine(GuidePage.Root, "docs"), "*.md").Append(Path.Combine(GuidePage.Root, "README.md"));

    [Theory]
    [MemberData(nameof(Guides))]
    public async Task What_a_guide_tells_the_reader_to_do_works(string guide)
    {
        var page = GuidePage.Read(guide == Readme ? "README.md" : $"docs/{guide}.md");
        await using var town = await GuideTown.Open(await postgres.CreateDatabase(), guide == "invoices" ? InvoiceHouse.Seller : []);
        switch (guide)
        {
            case Readme:
                town.Replace("KEY=sk_...", "KEY=$KEY");
                break;
            case "reconciliation":
                foreach (var outcome in (string[])["paid", "paid", "wrong_amount"]) await town.Pay("razorpay", outcome);
                break;
            case "refunds":
                (town.Words["ORDER"], town.Words["OTHER"], town.Words["GATEWAY"]) = (await town.Pay("razorpay", "paid"), await town.Pay("razorpay", "paid"), "razorpay");
                break;
            case "books":
                await town.Pay("razorpay", "paid");
                // Of today, made tomorrow.
                town.Replace("5c1f...", (await new AnchorStore(town.Database).MakeNext(TimeProvider.System.GetUtcNow().AddDays(2), default))!.Text);
                break;
            case "signatures":
                // The message as Stripe would send it now, to an account that has its secret.
                const string ItsSecret = "whsec_of_cards";
                (town.Settings["Gateways:cards:Gateway"], town.Settings["Gateways:cards:secret_key"], town.Settings["Gateways:cards:webhook_secret"]) = ("stripe", "sk_live_1", ItsSecret);
                town.Replace("whsec_...", ItsSecret);
                var message = page.Blocks.Single(b => b.Kind == "http").Text;
                var (at, body) = (TimeProvider.System.GetUtcNow().ToUnixTimeSeconds(), message.Split("\n\n", 2)[1].TrimEnd('\n'));
                var signature = HexSignature.HmacSha256(ItsSecret, Encoding.UTF8.GetBytes($"{at}.{body}"));
                await File.WriteAllTextAsync(Path.Combine(town.Folder, "webhook.http"), Regex.Replace(message, "t=[0-9]+,v1=[0-9a-f]+", $"t={at},v1={signature}").TrimEnd('\n'));
                break;
            case "invoices":
                // An order from before there was a seller, whose invoice would be wrong.
                await Do(town, "update webhook_endpoints set status = 1 where id = 'invoices'");
                town.Words["ORDER"] = await town.Pay("razorpay", "paid");
                await Do(town, "update orders set billing = '{\"state\": \"CA\"}'");
                break;
            case "mail":
                // A mail that no server took, given up.
                await new MailStore(town.Database).Keep(true, null, TimeProvider.System.GetUtcNow(), default);
                await town.Pay("razorpay", "paid");
                await Do(town, "update deliveries set state = 2, ended_at = now()");
                break;
        }
        // An installation that has sold before: its feed begins with more than one page of others' events.
        if (guide == "integrate")
            for (var i = 0; i < 201; i++) await town.Place();
        await Holds(guide, page, town.Database);
        page.Blocks.ShouldNotBeEmpty();
        if (page.Blocks.Where(b => b.Kind == "sh" && !(guide == Readme && IsOfUp(b))).ToList() is { Count: > 0 } commands) (await town.Run(commands)).ShouldSatisfyAllConditions([.. Told.Where(t => t.Guide == guide).Select(t => (Action<string>)(said => said.ShouldContain(t.Words)))]);
    }

    static async Task Do(GuideTown town, string sql)
    {
        await using var command = town.Database.CreateCommand(sql);
        (await command.ExecuteNonQueryAsync()).ShouldBe(1);
    }

    /// <summary>What a guide says that the reader will see.</summary>
    static readonly (string Guide, string Words)[] Told =
    [
        ("refunds", "\"status\":\"unresolved\""), ("refunds", "\"status\":\"succeeded\""), ("books", "receivable:razorpay"), ("books", "The latest anchor is that of"), ("mail", "\"locale\":\"hi\""),
        ("invoices", "\"tax_rate\":\"5\""), ("invoices", "\"place_of_supply\":\"US\""), ("signatures", "right"), (Readme, "\"checkout_url\":\""), (Readme, "right"),
    ];

    [Fact]
    public async Task Going_live_goes_as_the_guide_says()
    {
        var page = GuidePage.Read("docs/going-live.md");
        await using var town = await GuideTown.Open(await postgres.CreateDatabase());
        await Holds("going-live", page, town.Database);
        // The reader's own server is another than the one of `up`; its gateway is the sandbox's.
        await using var machine = await GuideMachine.Start();
        var to = new NpgsqlConnectionStringBuilder(machine.Connection);
        var conf = page.Blocks.Where(b => b.Kind == "conf").ToArray();
        var archive = string.Join('\n', conf[0].Text.Split('\n').Where(l => l.StartsWith("wal_level", StringComparison.Ordinal) || l.StartsWith("archive_", StringComparison.Ordinal)));
        await machine.Set(town.Placed(archive));
        town.Words["POSTMASTER"] = machine.ProcessFile;
        town.Replace("http://127.0.0.1:7300", $"http://127.0.0.1:{GuideTown.FreePort()}");
        town.Replace("Host=/var/run/postgresql;", $"Host={to.Host};Port={to.Port};");
        town.Replace("Username=purser", $"Username={to.Username};Password={to.Password}");
        // The private PostgreSQL has an account and a database of the guide's name already.
        foreach (var word in (string[])["createuser ", "--owner=", "--role=", "template0 ", "Database=", "--dbname=", ".dump "]) town.Replace(word + "purser", word + OwnName);
        var (key, world) = (SecretSettings.NewKey(), town.World("stripe"));
        var settings = page.Blocks.Single(b => b.Kind == "json").Text
            .Replace("\"secret_key\": \"enc:v1:...\"", $"\"secret_key\": \"{SecretSettings.Encrypt(key, "Gateways:cards:secret_key", world.Dialect.Credentials["secret_key"])}\"", StringComparison.Ordinal)
            .Replace("\"webhook_secret\": \"enc:v1:...\"", $"\"webhook_secret\": \"{SecretSettings.Encrypt(key, "Gateways:cards:webhook_secret", world.Dialect.WebhookSecret)}\"", StringComparison.Ordinal);
        settings.ShouldNotContain("enc:v1:...");
        await File.WriteAllTextAsync(Path.Combine(town.Folder, "etc/purser/purser.json"), settings);
        await File.WriteAllTextAsync(Path.Combine(town.Folder, "etc/purser/environment"),
            town.Placed(page.Blocks.Single(b => b.Kind == "env").Text.Replace("PURSER_SECRETS_KEY=...", $"PURSER_SECRETS_KEY={key}", StringComparison.Ordinal)));
        town.Settings.Clear();
        town.Settings["ConnectionStrings:Purser"] = to.ConnectionString;
        town.Settings["Gateways:cards:BaseUrl"] = world.Address.ToString();
        town.Settings["Gateways:cards:TestMode"] = "true";
        var said = await town.Run(page.Blocks.Where(b => b.Kind == "sh"));
        said.ShouldContain("Nothing is wrong.");

        // Six nights later, and the next one: the last seven backups stay.
        var (backups, nightly) = (town.Placed("/var/backups/purser/base"), page.Blocks.Single(b => b.Text.Contains("purser-backup", StringComparison.Ordinal)));
        var first = Directory.GetDirectories(backups).ShouldHaveSingleItem();
        for (var night = 1; night <= 6; night++)
        {
            Directory.CreateDirectory(Path.Combine(backups, $"20200101-00000{night}"));
            File.Copy(Path.Combine(first, "backup_label"), Path.Combine(backups, $"20200101-00000{night}", "backup_label"));
        }
        await town.Run([nightly]);
        Directory.GetDirectories(backups).Select(Path.GetFileName).Order().ShouldSatisfyAllConditions(b => b.Count().ShouldBe(7), b => b.First().ShouldBe("20200101-000002"), b => b.ShouldContain(Path.GetFileName(first)));

        // What is done after the last backup is there again, up to the moment that is named.
        await machine.Ask<int>("create table kept (what text); insert into kept values ('before') returning 1");
        var moment = await machine.Ask<string>("select clock_timestamp()::text");
        await machine.Ask<int>("insert into kept values ('after') returning 1");
        var log = await machine.Ask<string>("select pg_walfile_name(pg_switch_wal())");
        await Until.True(() => File.Exists(Path.Combine(town.Placed("/var/backups/purser/wal"), log)), "the log to be in the archive");
        (await machine.Ask<long>("select failed_count from pg_stat_archiver")).ShouldBe(0);
        await using var restored = await machine.Restored(Directory.GetDirectories(backups).Order().Last(), town.Placed($"{archive}\n{conf[1].Text.Replace("2026-03-01 10:00:00+00", moment, StringComparison.Ordinal)}"));
        await Until.True(async () => await restored.Ask<bool>("select pg_get_wal_replay_pause_state() = 'paused'"), "the pause at the moment");
        (await restored.Ask<string>("select string_agg(what, ', ') from kept")).ShouldBe("before");
    }

    /// <summary>Commands are run; everything else is read here, and what nobody can read is refused.</summary>
    static async Task Holds(string guide, GuidePage page, NpgsqlDataSource database)
    {
        page.LooseCommands.ShouldBeEmpty(guide);
        foreach (var block in page.Blocks)
        {
            IEnumerable<string> wrong = block.Kind switch
            {
                "sh" => [],
                "json" => GuideWords.Json(block.Text),
                "env" => GuideWords.Environment(block.Text),
                "ini" => GuideWords.Service(block.Text),
                "conf" => await GuideWords.Postgres(block.Text, database),
                "caddy" => GuideWords.Caddy(block.Text),
                "nginx" => GuideWords.Nginx(block.Text),
                // The two receivers are run by another test.
                "js" or "csharp" when guide == "webhooks" => [],
                // The message that the commands look at.
                "http" when guide == "signatures" => [],
                _ => [$"nobody knows how to run a block of the kind '{block.Kind}'"],
            };
            wrong.ShouldBeEmpty($"{guide}, line {block.Line}");
        }
    }

    [Theory]
    [InlineData("```python\nprint(1)\n```\n", "the kind 'python'")]
    [InlineData("```\n./purser serve\n```\n", "the kind ''")]
    [InlineData("```js\n1\n```\n", "the kind 'js'")]
    [InlineData("```json\n{\"Purser\": {\"PublicUrls\": \"x\"}}\n```\n", ":Purser:PublicUrls")]
    [InlineData("```json\n{\"Risk\": {\"Ages\": {\"never_heard\": \"1\"}}}\n```\n", ":Risk:Ages:never_heard")]
    [InlineData("```env\nPURSER_SECRET_KEYS=x\nPurser__PublicLink=x\n```\n", "Purser__PublicLink")]
    [InlineData("```ini\nExecStart=/usr/bin/dotnet /opt/purser/nowhere.dll serve\n```\n", "ExecStart")]
    [InlineData("```conf\nfsynch = on\n```\n", "fsynch")]
    [InlineData("```caddy\npay.example.com {\n\treverse_proxies x\n\thealth_uri /readyz\n}\n```\n", "reverse_proxies x")]
    [InlineData("```nginx\nserver {\n  location / {\n    proxy_pass http://x\n    proxy_read_timeout 75s;\n  }\n}\n```\n", "proxy_pass http://x")]
    [InlineData("```nginx\nserver {\n  location / {\n    proxy_set_header Host $host;\n    proxy_read_timeout 20s;\n  }\n}\n```\n", "X-Forwarded-For")]
    [InlineData("text\n\n    curl -s http://127.0.0.1:7300/\n", "curl -s")]
    public async Task A_block_that_would_mislead_is_refused(string text, string because)
    {
        await using var database = NpgsqlDataSource.Create(await postgres.CreateDatabase());
        (await Record.ExceptionAsync(() => Holds("planted", new GuidePage(text), database))).ShouldBeOfType<ShouldAssertException>().Message.ShouldContain(because);
    }

    [Fact]
    public void What_pages_name_exists()
    {
        var help = File.ReadAllText(Path.Combine(GuidePage.Root, "purser"));
        var document = File.ReadAllText(Path.Combine(GuidePage.Root, "docs/openapi.json"));
        foreach (var path in Pages)
        {
            var (page, name) = (GuidePage.Read(path), Path.GetFileName(path));
            GuideWords.UnknownSettings(page.Text).ShouldBeEmpty(name);
            foreach (var link in page.Links.Select(l => l.Split('#')[0]).Where(l => l.Length > 0))
                Path.Exists(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, link))).ShouldBeTrue($"{name} links to {link}");
            foreach (Match verb in Regex.Matches(page.Text, @"\./purser ([a-z-]+)"))
                help.Contains($"\n  {verb.Groups[1].Value} ", StringComparison.Ordinal).ShouldBeTrue($"{name} names ./purser {verb.Groups[1].Value}");
            foreach (Match address in Regex.Matches(page.Text, @"`(?:GET|POST|PUT|PATCH|DELETE) (/v1/[a-z_/{}]+)"))
                document.ShouldContain($"\"{address.Groups[1].Value.TrimEnd('/')}\"", Case.Sensitive, $"{name} names {address.Value}");
        }
    }
}
