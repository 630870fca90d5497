using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Purser.Orders;

namespace Purser.Gateways;

/// <summary>The gateways that exist, found by type: whatever public class implements <see cref="IGateway"/>. No list to keep.</summary>
public sealed class GatewayCatalog
{
    readonly SortedDictionary<string, IGateway> byName = new(StringComparer.Ordinal);

    /// <param name="assemblies">Where to look; by default where this is compiled.</param>
    public GatewayCatalog(params IEnumerable<Assembly> assemblies)
    {
        var places = assemblies.ToList();
        if (places.Count == 0) places.Add(typeof(GatewayCatalog).Assembly);
        foreach (var type in places.SelectMany(a => a.GetExportedTypes()))
        {
            if (type.IsAbstract || !type.IsAssignableTo(typeof(IGateway)) || type.GetConstructor(Type.EmptyTypes) is null) continue;
            var gateway = (IGateway)Activator.CreateInstance(type)!;
            if (!byName.TryAdd(gateway.Profile.Name, gateway))
                throw new InvalidOperationException($"Two gateways are called '{gateway.Profile.Name}'.");
        }
    }

    public IReadOnlyCollection<IGateway> Gateways => byName.Values;

    public bool TryFind(string name, [NotNullWhen(true)] out IGateway? gateway) => byName.TryGetValue(name, out gateway);

    /// <summary>The gateway of an account that was checked before; an unknown one is a bug.</summary>
    public IGateway Of(GatewayAccount account) => TryFind(account.Gateway, out var gateway)
        ? gateway
        : throw new InvalidOperationException($"The gateway account '{account.Name}' names an unknown gateway '{account.Gateway}'.");

    public GatewayTerms Terms(GatewayAccount account)
    {
        var gateway = Of(account);
        return gateway.Profile.Terms(gateway is ICancelLinks);
    }

    /// <summary>What is wrong with an account, one sentence each, naming the setting; empty when it can be used. Never repeats a value.</summary>
    public IReadOnlyList<string> Problems(GatewayAccount account)
    {
        if (!TryFind(account.Gateway, out var gateway))
            return [$"There is no gateway '{account.Gateway}'; there are {string.Join(", ", byName.Keys)}."];

        var profile = gateway.Profile;
        var problems = new List<string>();
        foreach (var setting in profile.Settings)
        {
            var values = setting.Several
                ? account.SeveralSettings(setting.Name)
                : account.OptionalSetting(setting.Name) is { } value ? [value] : [];
            if (setting.Required && values.Count == 0) problems.Add($"The setting '{setting.Name}' is missing: {setting.Meaning}");
            // Settings travel in headers, where these would cut a request in two or be refused.
            if (values.Any(v => v.Any(c => c is < ' ' or > '~' && !(setting.Lines && c is '\n' or '\r'))))
                problems.Add($"The setting '{setting.Name}' holds a character that is not printable ASCII.");
        }
        var known = profile.Settings.Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        problems.AddRange(account.Settings.Keys.Where(k => !known.Contains(k)).Order(StringComparer.Ordinal)
            .Select(k => $"The setting '{k}' is unknown; the settings are {string.Join(", ", known)}."));
        if (!GatewayAccount.IsSafe(account.BaseUrl)) problems.Add("The base URL must be https, with nothing but a path; http is only for a gateway on this machine.");
        if (problems.Count == 0 && profile.RefusesAccount(account) is { } refusal) problems.Add(refusal);
        return problems;
    }
}
