using System.CommandLine;
using Purser.Server.Keys;
using Purser.Server.Platform;
using Spectre.Console;

namespace Purser.Server.CommandLine;

/// <summary>`purser keys`: creates, lists and revokes API keys, beside a running server or without one.</summary>
static class KeysCommand
{
    public static Command Make(Func<IConfiguration> configuration, Func<Func<Task<int>>, Task<int>> guard)
    {
        var name = new Option<string>("--name") { Description = "What the key is for: shop-backend.", Required = true };
        var kind = new Option<KeyKind>("--kind") { Description = "secret: for your backend; publishable: for a browser, known products only.", DefaultValueFactory = _ => KeyKind.Secret };
        var origin = new Option<string[]>("--origin") { Description = "A page that may use a publishable key: https://shop.example.", DefaultValueFactory = _ => [] };
        var person = new Option<string?>("--person") { Description = "Whose secret key it is, and nobody else's: what is decided with it, they decided." };
        var create = new Command("create", "Makes a key and shows it, once.") { name, kind, origin, person };
        create.SetAction((words, stop) => guard(() => With(configuration(), keys =>
            Create(keys, words.GetRequiredValue(name), words.GetValue(kind), words.GetValue(origin) ?? [], words.GetValue(person), stop), stop, DatabaseUse.BesideOrNew)));

        var list = new Command("list", "Lists the keys, without the keys themselves.");
        list.SetAction((_, stop) => guard(() => With(configuration(), keys => List(keys, stop), stop)));

        var id = new Argument<int>("id") { Description = "The key's number in the list." };
        var revoke = new Command("revoke", "Ends a key; servers stop taking it within seconds.") { id };
        revoke.SetAction((words, stop) => guard(() => With(configuration(), keys => Revoke(keys, words.GetRequiredValue(id), stop), stop)));

        return new Command("keys", "API keys: create, list, revoke.") { create, list, revoke };
    }

    static async Task<int> With(IConfiguration configuration, Func<ApiKeys, Task<int>> work, CancellationToken stop, DatabaseUse use = DatabaseUse.Beside)
    {
        using var quiet = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.None));
        await using var database = await Database.Open(configuration, quiet, use, stop);
        if (database.Embedded is { IsNew: true } made)
            await Console.Error.WriteLineAsync($"There was no installation of Purser in {made.Directory}, where the account '{Environment.UserName}' looks: a new and empty one was made. A server of another account, or with " +
                $"another {EmbeddedPostgresOptions.DirectorySetting} or {EmbeddedPostgresOptions.ConnectionSetting}, knows nothing of this key.");
        await Migrations.Apply(database.Source, quiet.CreateLogger<Database>(), stop);
        return await work(new ApiKeys(new ApiKeyStore(database.Source), TimeProvider.System));
    }

    static async Task<int> Create(ApiKeys keys, string name, KeyKind kind, string[] origins, string? person, CancellationToken stop)
    {
        try
        {
            var (key, listed) = await keys.Create(name, kind, origins, person, stop);
            AnsiConsole.MarkupLineInterpolated($"Key {listed.Id}, '{listed.Name}'{(listed.Person is { } whose ? $", of {whose}" : "")}. It is shown this once; only its hash is kept:");
            Console.WriteLine(key);
            return 0;
        }
        catch (ArgumentException wrong)
        {
            throw new StartFailureException(wrong.Message.Split(" (Parameter", 2)[0]);
        }
    }

    static async Task<int> List(ApiKeys keys, CancellationToken stop)
    {
        Write(AnsiConsole.Console, await keys.List(stop));
        return 0;
    }

    /// <summary>A line each on a terminal of 80 letters: a key begins with its kind, and the day is enough.</summary>
    internal static void Write(IAnsiConsole console, IReadOnlyList<ApiKey> keys)
    {
        var table = new Table().Border(TableBorder.None);
        foreach (var title in (string[])["id", "begins", "made", "revoked", "name", "person or origins"]) table.AddColumn(new TableColumn(title).NoWrap());
        foreach (var key in keys)
            table.AddRow($"{key.Id}", key.Hint + "...", $"{key.CreatedAt:yyyy-MM-dd}", key.RevokedAt is { } at ? $"{at:yyyy-MM-dd}" : "", Markup.Escape(key.Name),
                Markup.Escape(key.Person ?? string.Join(", ", key.Origins)));
        console.Write(table);
    }

    static async Task<int> Revoke(ApiKeys keys, int id, CancellationToken stop)
    {
        if (!await keys.Revoke(id, stop)) throw new StartFailureException($"There is no key {id} in force; `./purser keys list` shows them.");
        Console.WriteLine($"Key {id} is revoked.");
        return 0;
    }
}
