using Purser.Server.Invoices;
using Purser.Server.Mail;
using Purser.Server.Platform;
using Spectre.Console;

namespace Purser.Server.CommandLine;

/// <summary>`purser up`: PostgreSQL, Purser, the sandbox and the sample shop for a developer; Ctrl-C, or TERM, stops all of it.</summary>
static class UpCommand
{
    /// <summary>Who sells in the demo. The number is well-formed, and nobody's.</summary>
    static readonly (string Name, string Value)[] DemoSeller =
    [
        ("Seller", "Leaf & Kettle Private Limited"), ("Address", "12 Church Street, Bengaluru 560001"), ("State", "KA"), ("TaxId", "29AAAAA0000A1ZY"), ("Tax", "gst"), ("TaxRate", "5"),
        ("Hsn", "0902"), ("TimeZone", "Asia/Kolkata"), ("Footer", "A demonstration; nothing was sold."),
    ];

    /// <param name="freePorts">Any that are free, for a second one beside; else ports that a person can remember.</param>
    public static async Task<int> Run(string[] settings, bool freePorts, CancellationToken stop)
    {
        try
        {
            return await Start(settings, freePorts, stop);
        }
        catch (StartFailureException why) when (why.IsTaken)
        {
            throw new StartFailureException($"{why.Message}{Environment.NewLine}To run one beside it, with ports and a database of its own: {Beside(settings, PurserCommands.Configuration(settings))}", why);
        }
    }

    /// <summary>The command that works while another one has the usual ports and the database.</summary>
    internal static string Beside(string[] settings, IConfiguration configuration)
    {
        const string Name = EmbeddedPostgresOptions.NameSetting, Folder = EmbeddedPostgresOptions.DirectorySetting;
        var own = EmbeddedPostgresOptions.From(configuration);
        var kept = settings.Where(s => !s.StartsWith($"--{Name}=", StringComparison.OrdinalIgnoreCase) && !s.StartsWith($"--{Folder}=", StringComparison.OrdinalIgnoreCase)
            && !s.StartsWith("--urls=", StringComparison.OrdinalIgnoreCase)).Select(s => s.Contains(' ', StringComparison.Ordinal) ? $"'{s}'" : s);
        // A server of their own has room for both; a folder, like a name, is one's alone.
        var others = configuration[EmbeddedPostgresOptions.ConnectionSetting] is { Length: > 0 } ? ""
            : own.Directory is { } folder ? $"--{Folder}={Free(n => $"{folder}-{n}", name => own with { Directory = name })}"
            : $"--{Name}={Free(n => $"{own.Name}-{n}", name => own with { Name = name })}";
        return string.Join(' ', ((string[])["./purser up --free-ports", others, .. kept]).Where(w => w.Length > 0));

        static string Free(Func<string, string> called, Func<string, EmbeddedPostgresOptions> options) =>
            Enumerable.Range(2, 100).Select(n => called(n == 2 ? "second" : $"{n}")).First(name => EmbeddedPostgres.Running(options(name)) is null);
    }

    static async Task<int> Start(string[] settings, bool freePorts, CancellationToken stop)
    {
        await using var sandbox = await SandboxProcess.Start(fixedPorts: !freePorts, speed: 60, stop);
        var (configuration, shopUrl) = (PurserCommands.Configuration(settings), freePorts ? ShopProcess.FreeUrl() : ShopProcess.UsualUrl);
        var chosen = sandbox.Accounts();
        chosen["Purser:Demo"] = "true";
        chosen["Deliveries:Development"] = "true";
        chosen["Mail:Mailbox"] = "true";
        foreach (var (name, value) in DemoSeller) chosen[$"{InvoiceOptions.Section}:{name}"] = value;
        chosen["Purser:SandboxUrl"] = sandbox.ControlUrl;
        chosen["Purser:ShopUrl"] = shopUrl;
        chosen["Purser:MerchantName"] = MerchantName(configuration);
        chosen["Purser:ReturnUrls"] = string.Join(',', ((string?[])["http://localhost", "http://127.0.0.1", shopUrl, configuration["Purser:ReturnUrls"]]).Where(u => u is { Length: > 0 }));
        if (freePorts && configuration["urls"] is null) chosen["urls"] = "http://127.0.0.1:0";
        await using var host = await ServerHost.Start(settings, chosen, stop: stop);
        foreach (var gateway in sandbox.Playable) await sandbox.SendWebhooksTo(gateway, $"{host.Url}/gateways/{gateway.Name}/webhook", stop);

        var path = DevelopmentRecord.PathOf(host.Services.GetRequiredService<IConfiguration>());
        var last = DevelopmentRecord.Read(path);
        var keys = await DevelopmentKeys.Keep(host, "up", last, stop);
        var record = new DevelopmentRecord(keys.Secret, keys.Publishable, host.Url, sandbox.ControlUrl);
        record.Write(path);
        var parcels = Path.Combine(Path.GetDirectoryName(path)!, Path.GetFileName(path).Replace(".up.json", ".parcels", StringComparison.Ordinal));
        await using var shop = await ShopProcess.Start(ShopProcess.UsualFolder, shopUrl, host.Url, keys.Secret, parcels, stop);

        var places = new Table().Border(TableBorder.None).HideHeaders().AddColumns("what", "where");
        places.AddRow("Start here", $"{host.Url}/");
        places.AddRow("A shop", $"{shop.Url}/");
        if (host.Services.GetRequiredService<MailOptions>().UsesMailbox) places.AddRow("Mailbox", $"{host.Url}/mailbox");
        places.AddRow("API reference", $"{host.Url}/reference");
        places.AddRow("Sandbox gateways", $"{sandbox.ControlUrl}/");
        foreach (var gateway in sandbox.Gateways) places.AddRow($"  {Markup.Escape(gateway.Name)}", gateway.Url);
        foreach (var half in sandbox.Alone) places.AddRow("", Markup.Escape(half));
        AnsiConsole.Write(new Panel(places).Header("Purser is up. Ctrl-C stops all of it."));
        // Outside of the box, which would break them at the terminal's edge.
        Console.WriteLine($"""

            The keys, secret and publishable, to be copied into another terminal:
            export KEY={keys.Secret}
            export PUBLISHABLE_KEY={keys.Publishable}

            {Since(last, keys)}
            """);
        await host.WaitForShutdown();
        (record with { Url = null, SandboxUrl = null }).Write(path);
        return 0;
    }

    /// <summary>Under which the checkout and the mails of `up` speak: the name that was configured, else the sample shop's.</summary>
    internal static string MerchantName(IConfiguration configuration) => configuration["Purser:MerchantName"] is { Length: > 0 } chosen ? chosen : ShopProcess.Name;

    /// <summary>What a restart keeps, and what it does not.</summary>
    static string Since(DevelopmentRecord last, DevelopmentKeys.Pair keys)
    {
        if (last.SecretKey is null) return "A later start keeps keys and orders. The sandbox forgets its links when it stops.";
        var kept = last.SecretKey == keys.Secret ? "the same as at the last start; orders were kept too" : "new, because the last ones are not in force here";
        return $"These keys are {kept}. The sandbox began anew: links of gateways that it gave before lead nowhere; ask for new ones.";
    }
}
