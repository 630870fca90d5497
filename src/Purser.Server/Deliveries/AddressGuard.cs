using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Purser.Server.Deliveries;

/// <summary>Which addresses a webhook may go to. A merchant types the address, and behind it may be a machine that trusts us: so whatever is not
/// public is refused, in every way an address can be written, and so are this machine's own addresses, public or not.</summary>
/// <param name="own">This machine's own addresses, asked for at each use: they change while we run. Its interfaces' when left out.</param>
public sealed class AddressGuard(DeliveryOptions options, Func<IEnumerable<IPAddress>>? own = null)
{
    /// <summary>All that is not for the public in IPv4, by IANA's registry of special purposes; multicast; and the one public address under which
    /// a cloud's own host answers its machines.</summary>
    static readonly IPNetwork[] NotPublic =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
        }.Select(n => IPNetwork.Parse(n)),
    ];

    /// <summary>IPv6 is public in this part only; with it fall loopback, link-local, private, translated (NAT64) and multicast addresses.</summary>
    static readonly IPNetwork Unicast = IPNetwork.Parse("2000::/3");

    /// <summary>Within it: Teredo and other protocols' own, documentation, and 6to4, which carries an IPv4 address.</summary>
    static readonly IPNetwork[] NotPublicSix = [IPNetwork.Parse("2001::/23"), IPNetwork.Parse("2001:db8::/32"), IPNetwork.Parse("2002::/16"), IPNetwork.Parse("3fff::/20")];

    readonly IPNetwork[] allowed = [.. options.Networks.Select(n => n.Network!.Value)];
    readonly Func<IEnumerable<IPAddress>> own = own ?? OfInterfaces;
    readonly int[] ports = [.. options.PortList.Select(p => p.Port!.Value)];

    public bool Allows(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (options.Development && IPAddress.IsLoopback(plain)) return true;
        if (allowed.Any(n => n.Contains(plain))) return true;
        return IsPublic(plain) && (options.Development || !IsOwn(plain));
    }

    static bool IsPublic(IPAddress plain) => plain.AddressFamily == AddressFamily.InterNetwork
        ? !NotPublic.Any(n => n.Contains(plain))
        : Unicast.Contains(plain) && !NotPublicSix.Any(n => n.Contains(plain));

    bool IsOwn(IPAddress plain) => own().Any(o => (o.IsIPv4MappedToIPv6 ? o.MapToIPv4() : o).Equals(plain));

    /// <summary>None where the system does not tell them, as in a unit that may not use netlink: what is not public is refused there, too.</summary>
    internal static IEnumerable<IPAddress> OfInterfaces()
    {
        try
        {
            return [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address)];
        }
        catch (NetworkInformationException)
        {
            return [];
        }
    }

    public bool AllowsPort(Uri receiver) => options.Development || ports.Contains(receiver.Port);

    /// <summary>What is wrong with a receiver's address as it is written; null when nothing is.</summary>
    public string? Fault(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Host.Length == 0) return "is no absolute URL";
        if (uri.Scheme != Uri.UriSchemeHttps && !(options.Development && uri.Scheme == Uri.UriSchemeHttp)) return "does not begin with https://";
        if (uri.UserInfo.Length > 0) return "holds a user name or a password";
        if (!AllowsPort(uri)) return $"names another port than {string.Join(" or ", ports)}: {DeliveryOptions.Section}:Ports allows more";
        if (uri.Fragment.Length > 0) return "holds a fragment";
        if (HostOf(uri) is not { } host) return "names a host that no name server can know";
        return IPAddress.TryParse(host, out var literal) && !Allows(literal) ? "is not a public address, or is this machine's own" : null;
    }

    /// <summary>Null where the name cannot be written as name servers know it: a part of it is longer than they allow.</summary>
    static string? HostOf(Uri uri)
    {
        try
        {
            return uri.HostNameType is UriHostNameType.Basic or UriHostNameType.Unknown ? null : uri.IdnHost;
        }
        catch (UriFormatException)
        {
            return null;
        }
    }
}
