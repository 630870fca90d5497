using System.Collections.Immutable;

namespace Purser.Gateways.Tests.Line;

/// <summary>A gateway account of no gateway in particular.</summary>
static class TestAccount
{
    public const string Secret = "s3cr3t/of+the=account";

    public static GatewayProfile Profile { get; } = new()
    {
        Name = "some",
        Title = "Some",
        BaseUrl = new Uri("https://gateway.test"),
        Currencies = [],
        Offers = [],
        Webhooks = WebhookTrust.Proof,
        Settings = [new("secret", Secret: true, "A secret."), new("open", Secret: false, "Not one.", Required: false)],
        VisibilityDelay = TimeSpan.Zero,
        ShortestLink = TimeSpan.Zero,
        LongestLink = TimeSpan.FromDays(1),
        RepeatsSafely = true,
    };

    public static GatewayAccount At(Uri address, string name = "main") =>
        new(name, Profile.Name, address, ImmutableDictionary<string, string>.Empty.Add("secret", Secret).Add("open", "visible"));

    public static GatewayLine Open(GatewayLines lines, Uri? address = null, string name = "main") =>
        lines.Open(At(address ?? new Uri("http://gateway.test"), name), Profile);

    public static LineRequest Post(string body = "{\"amount\":1}") =>
        new(HttpMethod.Post, "v1/things", [new("Authorization", "Bearer " + Secret)], System.Text.Encoding.UTF8.GetBytes(body), "application/json");

    public static LineRequest Get => new(HttpMethod.Get, "v1/things", [], default, null, MovesNothing: true);
}
