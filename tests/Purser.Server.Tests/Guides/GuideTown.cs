using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Sandbox;
using Purser.Server.Keys;
using Purser.Server.Platform;
using Purser.Server.Tests.Browser;
using Purser.Server.Tests.Deliveries;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Guides;

/// <summary>What a reader of the guides has: `./purser up` with its key and its sandbox, a shell, PostgreSQL's programs; and a receiver at 5005. Addresses and
/// folders of the guides are put in place of by the test's own.</summary>
sealed class GuideTown : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    readonly Dictionary<string, string> replaced = [];
    readonly Sandbox.Sandbox sandbox;
    readonly ServerHost host;
    readonly TestReceiver receiver;
    readonly HttpClient merchant;

    GuideTown(Sandbox.Sandbox sandbox, ServerHost host, TestReceiver receiver, HttpClient merchant, string folder, Dictionary<string, string?> settings) =>
        (this.sandbox, this.host, this.receiver, this.merchant, Folder, Settings) = (sandbox, host, receiver, merchant, folder, settings);

    public string Folder { get; }

    /// <summary>The server's settings, which are the shell's too.</summary>
    public Dictionary<string, string?> Settings { get; }

    public NpgsqlDataSource Database => host.Services.GetRequiredService<Database>().Source;

    public GatewayWorld World(string gateway) => sandbox.World(gateway)!;

    public static async Task<GuideTown> Open(string connection, params (string Name, string Value)[] more)
    {
        var sandbox = await Sandbox.Sandbox.Start(new SandboxOptions { ControlPort = 0, DynamicPorts = true, Speed = 60 });
        var settings = new Dictionary<string, string?>
        {
            ["ConnectionStrings:Purser"] = connection,
            ["Deliveries:Development"] = "true",
            ["Purser:Settlement:FetchDays"] = "0",
        };
        foreach (var (name, value) in more) settings[name] = value;
        foreach (var gateway in SandboxHouse.Playable)
        {
            var (account, world) = ($"Gateways:{gateway}", sandbox.World(gateway)!);
            settings[$"{account}:BaseUrl"] = world.Address.ToString();
            settings[$"{account}:TestMode"] = "true";
            if (SandboxHouse.Adapters[gateway].Profile.Settings.Any(s => s.Name == "webhook_secret")) settings[$"{account}:webhook_secret"] = world.Dialect.WebhookSecret;
            foreach (var (name, value) in world.Dialect.Credentials) settings[$"{account}:{name}"] = value;
        }
        var host = await ServerHost.Start([], settings.Append(KeyValuePair.Create<string, string?>("urls", "http://127.0.0.1:0")).ToDictionary());
        foreach (var gateway in SandboxHouse.Playable) sandbox.World(gateway)!.Webhooks.Register(new Uri($"{host.Url}/gateways/{gateway}/webhook"), null);
        var keys = host.Services.GetRequiredService<ApiKeys>();
        await keys.Create("an earlier one", KeyKind.Secret);
        var (key, _) = await keys.Create("guide", KeyKind.Secret);
        var merchant = new HttpClient { BaseAddress = new Uri(host.Url) };
        merchant.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var folder = Directory.CreateTempSubdirectory("purser-guide-").FullName;
        var town = new GuideTown(sandbox, host, await TestReceiver.Open(), merchant, folder, settings);
        await File.WriteAllTextAsync(Path.Combine(folder, "purser"), Script);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path.Combine(folder, "purser"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        town.Replace("http://127.0.0.1:7300", host.Url);
        town.Replace("http://127.0.0.1:7400", sandbox.ControlUrl.ToString().TrimEnd('/'));
        town.Replace("http://127.0.0.1:7301", $"http://127.0.0.1:{FreePort()}");
        town.Replace("http://127.0.0.1:5005", town.receiver.Url);
        town.Replace("/opt/purser", folder);
        foreach (var part in (string[])["/etc/purser", "/var/backups", "/usr/local/bin"])
            town.Replace(part, Directory.CreateDirectory(Path.Combine(folder, part[1..])).FullName);
        // PostgreSQL runs under another account than root, and writes below.
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        return town;
    }

    public void Replace(string text, string by) => replaced[text] = by;

    public string Placed(string text) => replaced.Aggregate(text, (t, r) => t.Replace(r.Key, r.Value, StringComparison.Ordinal));

    /// <summary>What the reader has set in the shell.</summary>
    public Dictionary<string, string> Words { get; } = [];

    public Task<JsonElement> Place() => Post("/v1/orders", new { currency = "INR", customer = new { email = "asha@shop.example" }, lines = new[] { new { name = "Tea", quantity = 1, unit_amount = 49900 } } });

    /// <summary>An order that a shopper did this with, at this gateway.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> Pay(string gateway, string outcome)
    {
        var order = await Place();
        var payment = await Post($"/v1/orders/{order.GetProperty("id").GetString()}/payments", new { gateway });
        using var control = new HttpClient { BaseAddress = sandbox.ControlUrl };
        using var paid = await control.PostAsJsonAsync($"/control/{gateway}/payments", new { reference = payment.GetProperty("reference").GetString(), outcome });
        paid.EnsureSuccessStatusCode();
        await Until.True(async () => (await merchant.GetFromJsonAsync<JsonElement>($"/v1/payments/{payment.GetProperty("id").GetString()}")).GetProperty("status").GetString() is "succeeded" or "held", "the money");
        return order.GetProperty("id").GetString()!;
    }

    async Task<JsonElement> Post(string path, object body)
    {
        using var answer = await merchant.PostAsJsonAsync(path, body);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>Runs a guide's commands in one shell, which stops at the first that fails, as a reader would.</summary>
    public async Task<string> Run(IEnumerable<GuideBlock> blocks)
    {
        var script = Prelude + string.Concat(blocks.Select(b => $"echo '--- line {b.Line}'\n{b.Text}\n"));
        var start = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", Placed(script)]) { WorkingDirectory = Folder, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var (name, value) in Settings) start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        foreach (var (name, value) in PostgresTools.Environment(Settings["ConnectionStrings:Purser"]!)) start.Environment[name] = value;
        start.Environment["KEY"] = merchant.DefaultRequestHeaders.Authorization!.Parameter;
        foreach (var (name, value) in Words) start.Environment[name] = value;
        start.Environment["SERVER"] = Path.Combine(AppContext.BaseDirectory, "purser-server.dll");
        start.Environment["CHECKOUT"] = GuidePage.Root;
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        start.Environment.Remove("PURSER_UPDATE");
        using var bash = Process.Start(start)!;
        bash.StandardInput.Close();
        var (said, complained) = (bash.StandardOutput.ReadToEndAsync(), bash.StandardError.ReadToEndAsync());
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await bash.WaitForExitAsync(patience.Token);
        }
        finally
        {
            if (!bash.HasExited) bash.Kill(entireProcessTree: true);
        }
        bash.ExitCode.ShouldBe(0, $"{await said}\n{await complained}");
        return await said;
    }

    // A request that is refused is a command that fails. What needs root or a service's warden is done here by its like.
    const string Prelude = """
        curl() { command curl --fail-with-body "$@"; }
        hledger() { command "${PURSER_HLEDGER:-hledger}" "$@"; }
        sudo() { if [ "$1" = -u ]; then shift 2; fi; "$@"; }
        install() { [ "$1 $2 $4 $6" = "-d -o -g -m" ] && command install -d -m 777 "${@:8}"; }
        service=
        stop_service() { if [ -n "$service" ]; then kill -TERM "$service"; wait "$service" || true; fi; }
        trap stop_service EXIT
        systemctl() {
          case "$*" in
            daemon-reload) ;;
            "restart postgresql")
              was=$(head -n 1 "$POSTMASTER")
              kill -INT "$was"
              until [ "$(head -n 1 "$POSTMASTER" 2> /dev/null)" != "$was" ] && command psql --command="" > /dev/null 2>&1; do sleep 0.2; done ;;
            "enable --now purser" | "restart purser")
              stop_service
              (cd /etc/purser; exec dotnet "$SERVER" serve --urls=http://127.0.0.1:7300) > service.log 2>&1 &
              service=$!
              until command curl -sf http://127.0.0.1:7300/readyz > /dev/null; do kill -0 "$service" || { cat service.log >&2; return 1; }; sleep 0.2; done ;;
            *) return 1 ;;
          esac
        }

        """;

    // As the one script of the checkout, without building; what takes minutes is only looked up.
    const string Script = """
        #!/usr/bin/env bash
        "$CHECKOUT/purser" help | grep -q "^  $1 " || { echo "there is no verb $1" >&2; exit 2; }
        case $1 in
          bench | demo | new-gateway | sandbox | simulate | test | up) ;;
          *) exec dotnet "$SERVER" "$@" ;;
        esac
        """;

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        merchant.Dispose();
        await host.DisposeAsync();
        await receiver.DisposeAsync();
        await sandbox.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
