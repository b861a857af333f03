using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace AuthService.Http;

/// <summary>
/// Whose word is taken for where a request comes from. <c>X-Forwarded-For</c> is read from its end, where the proxy next to us has written, and only as far
/// as those who wrote are proxies of ours: what a client puts into it stands before that and counts for nothing.
/// </summary>
internal sealed class TrustedProxies
{
    // Beyond any real chain of proxies.
    private const int MostHops = 32;

    private readonly IPNetwork[] _networks;

    private TrustedProxies(IPNetwork[] networks) => _networks = networks;

    /// <param name="text">Addresses and networks (<c>10.0.0.0/8</c>, <c>::1</c>) separated by commas; <c>none</c> or empty: nobody.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out TrustedProxies? proxies)
    {
        proxies = null;
        var parts = text.Trim() is "none" ? [] : text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var networks = new IPNetwork[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!TryParseNetwork(parts[i], out networks[i])) return false;
        }

        proxies = new TrustedProxies(networks);
        return true;
    }

    // 10.0.0.1/8 is refused: whether one proxy was meant or sixteen million is not for us to guess.
    private static bool TryParseNetwork(string text, out IPNetwork network)
    {
        if (IPAddress.TryParse(text, out var single))
        {
            network = new IPNetwork(single, single.GetAddressBytes().Length * 8);
            return true;
        }

        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return IPNetwork.TryParse(text, out network) && IPAddress.TryParse(text.AsSpan(0, slash), out var first) && first.Equals(network.BaseAddress);
    }

    /// <summary>Where a request comes from.</summary>
    /// <param name="peer">The other end of the connection.</param>
    /// <param name="forwardedFor">The headers as they came, the last of them nearest to us.</param>
    public IPAddress? ClientOf(IPAddress? peer, Microsoft.Extensions.Primitives.StringValues forwardedFor)
    {
        var client = Plain(peer);
        if (!Trusts(client)) return client;
        var hops = 0;
        for (var line = forwardedFor.Count - 1; line >= 0; line--)
        {
            var entries = (forwardedFor[line] ?? "").Split(',', StringSplitOptions.TrimEntries);
            for (var i = entries.Length - 1; i >= 0; i--)
            {
                // What can't be read was written by a proxy of ours all the same: the last one known is as near as we get.
                if (++hops > MostHops || !TryParseAddress(entries[i], out var address)) return client;
                client = address;
                if (!Trusts(client)) return client;
            }
        }

        return client;
    }

    public bool Trusts([NotNullWhen(true)] IPAddress? address)
    {
        if (Plain(address) is not { } plain) return false;
        foreach (var network in _networks)
        {
            if (network.Contains(plain)) return true;
        }

        return false;
    }

    /// <summary>An address, with or without a port: some proxies write one.</summary>
    private static bool TryParseAddress(string text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        // "1.2" and "0x7f.1" are addresses to the parser; nobody who is asked where a request comes from writes them.
        if (text.Length == 0 || (!text.Contains(':', StringComparison.Ordinal) && text.AsSpan().Count('.') != 3)) return false;
        if (!IPEndPoint.TryParse(text, out var endPoint)) return false;
        address = Plain(endPoint.Address);
        return true;
    }

    /// <summary>Also without the zone: it names an interface of this machine.</summary>
    [return: NotNullIfNotNull(nameof(address))]
    private static IPAddress? Plain(IPAddress? address) => address switch
    {
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4(),
        { AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6, ScopeId: not 0 } => new IPAddress(address.GetAddressBytes()),
        _ => address,
    };
}

/// <summary>Puts the client in the place of the proxy, for everything that comes after.</summary>
internal sealed partial class ClientBehindProxy(RequestDelegate next, TrustedProxies proxies, ILogger<ClientBehindProxy> logger)
{
    private int _hasWarned;

    public Task InvokeAsync(HttpContext context)
    {
        var forwardedFor = context.Request.Headers["X-Forwarded-For"];
        if (forwardedFor.Count > 0)
        {
            var peer = context.Connection.RemoteIpAddress;
            context.Connection.RemoteIpAddress = proxies.ClientOf(peer, forwardedFor);
            if (!proxies.Trusts(peer) && Interlocked.Exchange(ref _hasWarned, 1) == 0) LogNotTrusted(peer);
        }

        return next(context);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Requests from {Peer} carry X-Forwarded-For, which is not believed. If that is a proxy of yours, name it in Http:TrustedProxies: until then all its clients are one, and limited as one.")]
    private partial void LogNotTrusted(IPAddress? peer);
}
