using System.CommandLine;
using Purser.Server.Platform;

namespace Purser.Server.CommandLine;

/// <summary>`purser secrets`: makes a key, and encrypts settings for the configuration file.</summary>
static class SecretsCommand
{
    public static Command Make(Func<Func<Task<int>>, Task<int>> guard)
    {
        var key = new Command("key", $"Makes a key; put it into {SecretSettings.KeyVariable} and nowhere else.");
        key.SetAction((_, _) => guard(() =>
        {
            Console.WriteLine(SecretSettings.NewKey());
            return Task.FromResult(0);
        }));
        var path = new Argument<string>("setting") { Description = "Its path in the configuration: Gateways:shop-cards:key_secret." };
        var encrypt = new Command("encrypt", "Reads a secret from standard input and prints what to write into the file instead.") { path };
        encrypt.SetAction((words, _) => guard(async () =>
        {
            var with = Environment.GetEnvironmentVariable(SecretSettings.KeyVariable)
                ?? throw new StartFailureException($"Set {SecretSettings.KeyVariable} first; make a key with './purser secrets key'.");
            if (!Console.IsInputRedirected) await Console.Error.WriteAsync("Secret: ");
            var secret = await Console.In.ReadLineAsync();
            if (string.IsNullOrEmpty(secret)) throw new StartFailureException("Nothing came on standard input.");
            Console.WriteLine(SecretSettings.Encrypt(with, words.GetRequiredValue(path), secret));
            return 0;
        }));
        return new Command("secrets", "Encrypts secrets of the configuration file.") { key, encrypt };
    }
}
