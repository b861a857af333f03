using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace AuthService.Outbound;

/// <summary>
/// Which URLs may be called. Says at once, and to the person who wrote it, what the connection would be refused for later (<see cref="OutboundDialer"/>); it is not what
/// protects us, since what a name stands for is known only when it is looked up. Strict about the form, because parsers that disagree about an address are how such checks are got around.
/// </summary>
internal static class OutboundUrl
{
    public const int MaxLength = 2_048;

    private static readonly SearchValues<char> HostCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");
    private static readonly string[] LocalNames = ["localhost", "local", "internal"];

    /// <param name="text">Absolute, https; http where <paramref name="reachable"/> allows any network, at 1 to 2,048 characters. No user, no fragment; hosts in ASCII, IPv4 as four decimal numbers.</param>
    public static bool TryParse(string text, ReachableAddresses reachable, [NotNullWhen(true)] out Uri? url)
    {
        url = null;
        if (text.Length is 0 or > MaxLength || text.AsSpan().ContainsAnyExceptInRange('!', '~') || text.AsSpan().ContainsAny('\\', '#')) return false;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var parsed)) return false;
        if (parsed.Scheme != Uri.UriSchemeHttps && (parsed.Scheme != Uri.UriSchemeHttp || !reachable.AllowsAny)) return false;
        if (!text.StartsWith(parsed.Scheme + "://", StringComparison.OrdinalIgnoreCase)) return false;

        var authority = text.AsSpan(parsed.Scheme.Length + 3);
        if (authority.IndexOfAny('/', '?') is >= 0 and var end) authority = authority[..end];
        if (!IsGoodHost(authority, parsed, reachable)) return false;
        url = parsed;
        return true;
    }

    /// <param name="authority">As written: what <see cref="Uri"/> has made of it no longer shows <c>0x7f.1</c>.</param>
    private static bool IsGoodHost(ReadOnlySpan<char> authority, Uri parsed, ReachableAddresses reachable)
    {
        if (authority.StartsWith("["))
        {
            var close = authority.IndexOf(']');
            if (close < 0 || !IsPort(authority[(close + 1)..]) || authority[..close].Contains('%')) return false;
            return IPAddress.TryParse(authority[1..close], out var v6) && reachable.MayReach(v6);
        }

        var colon = authority.IndexOf(':');
        var host = colon < 0 ? authority : authority[..colon];
        if (colon >= 0 && !IsPort(authority[colon..])) return false;
        if (host.IsEmpty || host.ContainsAnyExcept(HostCharacters) || host[^1] == '.' || host[0] == '.') return false;

        var last = host[(host.LastIndexOf('.') + 1)..];
        if (char.IsAsciiDigit(last[0]))
        {
            // A name whose last part is a number is an address in one of its many forms, of which one is ours: the one it has when it is written out again.
            return parsed.HostNameType == UriHostNameType.IPv4 && host.SequenceEqual(parsed.Host)
                && IPAddress.TryParse(parsed.Host, out var v4) && reachable.MayReach(v4);
        }

        if (parsed.HostNameType != UriHostNameType.Dns) return false;
        foreach (var local in LocalNames)
        {
            if (last.Equals(local, StringComparison.OrdinalIgnoreCase) && !reachable.AllowsAny) return false;
        }

        return true;
    }

    private static bool IsPort(ReadOnlySpan<char> text) =>
        text.IsEmpty || text[0] == ':' && text.Length is > 1 and <= 6 && !text[1..].ContainsAnyExceptInRange('0', '9') && text[1] != '0';
}
