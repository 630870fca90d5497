namespace Purser.Server.Api;

/// <summary>Limits of the API, from the section <c>Purser:Api</c>.</summary>
public sealed record ApiOptions
{
    public const string Section = "Purser:Api";

    /// <summary>Requests a second of one secret key, on average, and how many may come at once.</summary>
    public int SecretPerSecond { get; init; } = 5000;
    public int SecretBurst { get; init; } = 10_000;

    /// <summary>The same for a publishable key, for each address that uses it.</summary>
    public int PublishablePerSecond { get; init; } = 50;
    public int PublishableBurst { get; init; } = 200;

    /// <summary>The same for the token of one order.</summary>
    public int TokenPerSecond { get; init; } = 10;
    public int TokenBurst { get; init; } = 60;

    /// <summary>The same for what comes from one address without a valid key.</summary>
    public int StrangerPerSecond { get; init; } = 10;
    public int StrangerBurst { get; init; } = 100;

    /// <summary>Faults of the settings, each with its name and remedy.</summary>
    public IEnumerable<string> Faults() => new (string Name, int Value)[]
    {
        (nameof(SecretPerSecond), SecretPerSecond), (nameof(SecretBurst), SecretBurst), (nameof(PublishablePerSecond), PublishablePerSecond),
        (nameof(PublishableBurst), PublishableBurst), (nameof(TokenPerSecond), TokenPerSecond), (nameof(TokenBurst), TokenBurst),
        (nameof(StrangerPerSecond), StrangerPerSecond), (nameof(StrangerBurst), StrangerBurst),
    }.Where(setting => setting.Value is < 1 or > 1_000_000).Select(setting => $"{Section}:{setting.Name} is {setting.Value}; set it between 1 and 1000000.");
}
