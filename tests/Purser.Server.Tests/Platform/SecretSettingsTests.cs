using Microsoft.Extensions.Configuration;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

public sealed class SecretSettingsTests
{
    const string Path = "Gateways:shop:key_secret";
    static readonly string Key = SecretSettings.NewKey();

    static ConfigurationManager With(string? key, params (string Path, string Value)[] settings)
    {
        var configuration = new ConfigurationManager();
        configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Path, (string?)s.Value)).Append(new(SecretSettings.KeyVariable, key)));
        return configuration;
    }

    [Fact]
    public void What_was_encrypted_is_opened_under_its_own_setting_and_plain_values_stay()
    {
        var one = SecretSettings.Encrypt(Key, Path, "s3cret");
        var again = SecretSettings.Encrypt(Key, Path, "s3cret");
        one.ShouldNotBe(again);
        one.ShouldNotContain("s3cret");
        var configuration = With(Key, (Path, one), ("Gateways:shop:key_id", "plain"));
        SecretSettings.Open(configuration);
        (configuration[Path], configuration["gateways:SHOP:key_secret"], configuration["Gateways:shop:key_id"]).ShouldBe(("s3cret", "s3cret", "plain"));
    }

    [Fact]
    public void What_cannot_be_opened_names_its_setting_and_the_remedy()
    {
        var value = SecretSettings.Encrypt(Key, Path, "s3cret");
        foreach (var (configuration, says) in new[]
        {
            (With(null, (Path, value)), SecretSettings.KeyVariable), (With("short", (Path, value)), "secrets key"), (With(SecretSettings.NewKey(), (Path, value)), "another key"),
            (With(Key, ("Gateways:other:key_secret", value)), "another setting"), (With(Key, (Path, value[..^8] + "AAAAAAA=")), "was changed"), (With(Key, (Path, "enc:v1:!")), "was changed"),
        })
            Should.Throw<StartFailureException>(() => SecretSettings.Open(configuration)).Message.ShouldContain(says);
    }

    [Fact]
    public void A_key_that_is_none_is_refused_before_anything_is_to_be_opened_with_it() =>
        Should.Throw<StartFailureException>(() => SecretSettings.Open(With("short"))).Message.ShouldContain("secrets key");

    [Fact]
    public void Every_value_that_cannot_be_opened_is_named_at_once()
    {
        var foreign = SecretSettings.Encrypt(SecretSettings.NewKey(), Path, "s3cret");
        foreach (var key in new[] { Key, null })
        {
            var said = Should.Throw<StartFailureException>(() => SecretSettings.Open(With(key, (Path, foreign), ("Gateways:other:salt", foreign), ("Gateways:shop:key_id", "plain")))).Message;
            said.Split(Environment.NewLine).Select(line => line.Split(' ')[0]).ShouldBe(["Gateways:other:salt", Path]);
        }
    }

    [Fact]
    public void The_file_stands_below_everything_else_and_a_named_one_must_be_there()
    {
        var file = System.IO.Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, """{"Gateways": {"shop": {"Gateway": "some", "key_secret": "of the file", "key_id": "of the file"}}}""");
            var configuration = With(null, ("Gateways:shop:key_id", "of the environment"), (ConfigurationFile.Variable, file));
            ConfigurationFile.Add(configuration);
            (configuration["Gateways:shop:key_secret"], configuration["Gateways:shop:key_id"]).ShouldBe(("of the file", "of the environment"));
            Should.Throw<StartFailureException>(() => ConfigurationFile.Add(With(null, (ConfigurationFile.Variable, file + ".nowhere")))).Message.ShouldContain("nowhere");
            File.WriteAllText(file, "{ not JSON");
            Should.Throw<StartFailureException>(() => ConfigurationFile.Add(With(null, (ConfigurationFile.Variable, file)))).Message.ShouldContain(file);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
