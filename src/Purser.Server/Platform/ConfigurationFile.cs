namespace Purser.Server.Platform;

/// <summary>The one readable file: <c>purser.json</c> in the working folder, or what <c>PURSER_CONFIG</c> names. Under the environment and the command
/// line, so that a deployment can say otherwise.</summary>
public static class ConfigurationFile
{
    public const string Variable = "PURSER_CONFIG";
    const string Usual = "purser.json";

    /// <summary>Adds it below everything else, then opens what is encrypted.</summary>
    /// <exception cref="StartFailureException">The file is named and not there, or not JSON.</exception>
    public static void Add(IConfigurationManager configuration)
    {
        var named = configuration[Variable];
        var path = Path.GetFullPath(named ?? Usual);
        if (File.Exists(path))
        {
            var source = new Microsoft.Extensions.Configuration.Json.JsonConfigurationSource { Path = Path.GetFileName(path), Optional = false };
            source.FileProvider = new Microsoft.Extensions.FileProviders.PhysicalFileProvider(Path.GetDirectoryName(path)!);
            try
            {
                configuration.Sources.Insert(0, source);
            }
            catch (InvalidDataException wrong)
            {
                throw new StartFailureException($"{path}: {wrong.InnerException?.Message ?? wrong.Message}");
            }
        }
        else if (named is not null) throw new StartFailureException($"{Variable} names {path}, which is not there.");
        SecretSettings.Open(configuration);
    }
}
