using System.Collections.Immutable;

namespace Purser.Gateways.Tests;

public sealed class CatalogTests
{
    readonly GatewayCatalog catalog = new();

    [Fact]
    public void Every_public_gateway_is_found_without_a_list() =>
        catalog.Gateways.Select(g => g.GetType()).ShouldBe(
            typeof(GatewayCatalog).Assembly.GetExportedTypes().Where(t => t.IsClass && t.IsAssignableTo(typeof(IGateway))), ignoreOrder: true);

    [Fact]
    public void Names_are_lower_case_letters_and_digits_and_settings_are_snake_case()
    {
        catalog.Gateways.ShouldNotBeEmpty();
        foreach (var profile in catalog.Gateways.Select(g => g.Profile))
        {
            profile.Name.ShouldMatch("^[a-z0-9]+$");
            foreach (var setting in profile.Settings) setting.Name.ShouldMatch("^[a-z0-9]+(_[a-z0-9]+)*$");
            profile.BaseUrl.Scheme.ShouldBe("https");
        }
    }

    [Fact]
    public void A_gateway_is_spelled_the_same_by_its_adapter_and_its_simulator()
    {
        var spelled = typeof(Purser.Sandbox.IGatewayDialect).Assembly.GetTypes().Where(t => t.IsClass && !t.IsAbstract && t.IsAssignableTo(typeof(Purser.Sandbox.IGatewayDialect)))
            .Select(t => (Purser.Sandbox.IGatewayDialect)Activator.CreateInstance(t)!).ToDictionary(d => d.Name, d => d.Title);
        foreach (var profile in catalog.Gateways.Select(g => g.Profile).Where(p => spelled.ContainsKey(p.Name))) spelled[profile.Name].ShouldBe(profile.Title);
        spelled.Keys.Intersect(catalog.Gateways.Select(g => g.Profile.Name)).Count().ShouldBeGreaterThan(5);
    }

    [Fact]
    public void An_account_without_settings_is_told_each_of_them_by_name()
    {
        foreach (var profile in catalog.Gateways.Select(g => g.Profile))
        {
            var problems = catalog.Problems(new GatewayAccount("main", profile.Name, profile.BaseUrl, ImmutableDictionary<string, string>.Empty));
            foreach (var setting in profile.Settings.Where(s => s.Required)) problems.ShouldContain(p => p.Contains($"'{setting.Name}' is missing"));
        }
    }

    [Fact]
    public void What_is_wrong_with_an_account_is_told_without_its_values()
    {
        var profile = catalog.Gateways.First().Profile;
        var settings = profile.Settings.ToImmutableDictionary(s => s.Name, _ => "sec\nret").Add("misspelt", "x");
        var problems = catalog.Problems(new GatewayAccount("main", profile.Name, new Uri("http://gateway.example"), settings));
        problems.ShouldContain(p => p.Contains("printable ASCII"));
        problems.ShouldContain(p => p.Contains("'misspelt' is unknown"));
        problems.ShouldContain(p => p.Contains("https"));
        problems.ShouldNotContain(p => p.Contains('\n'));
        catalog.Problems(new GatewayAccount("main", "nobody", new Uri("https://gateway.example"), settings)).ShouldHaveSingleItem().ShouldContain("'nobody'");
    }

    [Fact]
    public void A_gateway_that_closes_links_says_so_in_its_terms()
    {
        foreach (var gateway in catalog.Gateways)
        {
            var account = new GatewayAccount("main", gateway.Profile.Name, gateway.Profile.BaseUrl, ImmutableDictionary<string, string>.Empty);
            catalog.Terms(account).CanCancel.ShouldBe(gateway is ICancelLinks);
        }
    }
}
