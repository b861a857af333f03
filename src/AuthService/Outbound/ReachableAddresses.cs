using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace AuthService.Outbound;

/// <summary>
/// Which addresses may be connected to: what IANA has given out as globally reachable, and what the operator allows. A list of what is refused would be
/// one entry short the day a new range is set aside; for IPv6 it is therefore the one block that is in use, less what is special in it.
/// </summary>
internal sealed class ReachableAddresses
{
    private static readonly IPNetwork[] NotPublicV4 = Networks(
        "0.0.0.0/8",         // "this host": Linux connects to itself
        "10.0.0.0/8",
        "100.64.0.0/10",     // carriers' own; metadata of Alibaba Cloud is in it
        "127.0.0.0/8",
        "168.63.129.16/32",  // Azure's platform, at a public address
        "169.254.0.0/16",    // link-local; metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",      // protocols; metadata of Oracle Cloud
        "192.0.2.0/24",      // documentation
        "192.88.99.0/24",    // 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",     // benchmarks
        "198.51.100.0/24",   // documentation
        "203.0.113.0/24",    // documentation
        "224.0.0.0/4",       // multicast
        "240.0.0.0/4");      // reserved, broadcast

    private static readonly IPNetwork GlobalV6 = IPNetwork.Parse("2000::/3");

    private static readonly IPNetwork[] NotPublicV6 = Networks(
        "2001::/23",         // protocols: Teredo, benchmarks, ORCHID
        "2001:db8::/32",     // documentation
        "2002::/16",         // 6to4: an IPv4 address in disguise
        "3fff::/20");        // documentation

    /// <summary>An IPv4 address behind a translator; what a network without IPv4 answers for every name. Judged by the address in it.</summary>
    private static readonly IPNetwork TranslatedV4 = IPNetwork.Parse("64:ff9b::/96");

    private readonly IPNetwork[] _allowed;

    private ReachableAddresses(IPNetwork[] allowed) => _allowed = allowed;

    /// <summary>Whether the operator has named any.</summary>
    public bool AllowsAny => _allowed.Length > 0;

    /// <param name="text">Addresses and networks, separated by commas; "none" or nothing: only public ones.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out ReachableAddresses? reachable)
    {
        reachable = null;
        var parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (parts is ["none"]) parts = [];
        var networks = new IPNetwork[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (IPAddress.TryParse(parts[i], out var one)) networks[i] = new IPNetwork(one, one.GetAddressBytes().Length * 8);
            // 10.0.0.1/8 is refused: whether one address was meant or sixteen million is not for us to guess.
            else if (!IPNetwork.TryParse(parts[i], out networks[i]) || !parts[i].StartsWith(networks[i].BaseAddress + "/", StringComparison.OrdinalIgnoreCase)) return false;
        }

        reachable = new ReachableAddresses(networks);
        return true;
    }

    public bool MayReach(IPAddress address) => IsAllowed(address) || IsPublic(address);

    /// <summary>Named by the operator; also reachable without TLS.</summary>
    // An IPv4 address as one of IPv6 is in networks of IPv4, says IPNetwork; nobody honest names such a one.
    public bool IsAllowed(IPAddress address) => !address.IsIPv4MappedToIPv6 && Array.Exists(_allowed, n => n.Contains(address));

    public static bool IsPublic(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetwork) return !Array.Exists(NotPublicV4, n => n.Contains(address));
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || address.IsIPv4MappedToIPv6 || address.ScopeId != 0) return false;
        if (TranslatedV4.Contains(address)) return IsPublic(new IPAddress(address.GetAddressBytes().AsSpan(12)));
        return GlobalV6.Contains(address) && !Array.Exists(NotPublicV6, n => n.Contains(address));
    }

    private static IPNetwork[] Networks(params string[] networks) => Array.ConvertAll(networks, IPNetwork.Parse);
}
