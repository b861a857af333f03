using System.Net;
using AuthService.Http;
using Microsoft.Extensions.Primitives;

namespace UnitTests.Http;

// T72.
public class TrustedProxiesTests
{
    // Read the header from its beginning, and the client writes its own address; read it whoever has connected, and anybody does.
    [Theory]
    [InlineData("none", "10.0.0.1", "203.0.113.7", "10.0.0.1")]                                // nobody is trusted
    [InlineData("10.0.0.0/8", "192.0.2.1", "203.0.113.7", "192.0.2.1")]                        // nor is this one
    [InlineData("10.0.0.0/8", "10.0.0.1", "203.0.113.7", "203.0.113.7")]
    [InlineData("10.0.0.0/8", "10.0.0.1", "198.51.100.9, 203.0.113.7", "203.0.113.7")]         // the first is what the client says of itself
    [InlineData("10.0.0.0/8", "10.0.0.1", "198.51.100.9, 203.0.113.7, 10.0.0.2", "203.0.113.7")]
    [InlineData("10.0.0.0/8", "10.0.0.1", "10.9.9.9, 203.0.113.7", "203.0.113.7")]             // also if it says it is a proxy
    [InlineData("10.0.0.0/8", "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3")]                    // all are ours
    [InlineData("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1")]
    [InlineData("10.0.0.0/8", "10.0.0.1", "203.0.113.7, nonsense", "10.0.0.1")]                // as near as we get
    [InlineData("10.0.0.0/8", "10.0.0.1", "203.0.113.7, 10.0.0.2, unknown, 10.0.0.3", "10.0.0.3")]
    [InlineData("10.0.0.0/8", "10.0.0.1", "7", "10.0.0.1")]                                    // 0.0.0.7, to a parser that is too kind
    [InlineData("10.0.0.0/8", "10.0.0.1", "203.0.113.7:4711", "203.0.113.7")]
    [InlineData("10.0.0.0/8", "::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7")]
    [InlineData("10.0.0.0/8", "10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7")]
    [InlineData("10.0.0.0/8, fd00::/8", "fd00::1", "[2001:db8::5]:443, fd00::2", "2001:db8::5")]
    [InlineData("::1", "::1", "2001:db8::5", "2001:db8::5")]
    public void The_client_is_the_last_whom_a_proxy_of_ours_has_seen(string trusted, string peer, string header, string client) =>
        Assert.Equal(IPAddress.Parse(client), Of(trusted).ClientOf(IPAddress.Parse(peer), header.Length == 0 ? StringValues.Empty : header));

    [Fact]
    public void Several_headers_are_one_list()
    {
        var proxies = Of("10.0.0.0/8");
        Assert.Equal(IPAddress.Parse("203.0.113.7"), proxies.ClientOf(IPAddress.Parse("10.0.0.1"), new StringValues(["198.51.100.9", "203.0.113.7, 10.0.0.3", "10.0.0.2"])));
        Assert.Null(proxies.ClientOf(peer: null, "203.0.113.7"));   // a Unix socket
    }

    [Fact]
    public void A_header_of_any_length_is_read_no_further_than_any_chain_goes()
    {
        var header = "203.0.113.7," + string.Join(',', Enumerable.Repeat("10.0.0.9", 100));
        Assert.Equal(IPAddress.Parse("10.0.0.9"), Of("10.0.0.0/8").ClientOf(IPAddress.Parse("10.0.0.1"), header));
    }

    [Theory]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.1/8")]
    [InlineData("localhost")]
    [InlineData("10.0.0.0/8; ::1")]
    public void What_is_no_network_is_refused(string text) => Assert.False(TrustedProxies.TryParse(text, out _));

    private static TrustedProxies Of(string text)
    {
        Assert.True(TrustedProxies.TryParse(text, out var proxies));
        return proxies;
    }
}
