using System.Net;
using AuthService.Throttling;

namespace UnitTests.Throttling;

public class ClientNetworkTests
{
    // Count IPv6 addresses one by one, and whoever has a /64 has 2⁶⁴ budgets.
    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7", true)]
    [InlineData("203.0.113.7", "203.0.113.8", false)]
    [InlineData("203.0.113.7", "::ffff:203.0.113.7", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("fe80::1%3", "fe80::2", true)]
    [InlineData("0.0.0.1", "::1", false)]
    public void Clients_are_IPv4_addresses_and_IPv6_networks(string one, string other, bool isSame) =>
        Assert.Equal(isSame, ClientNetwork.Of(IPAddress.Parse(one)) == ClientNetwork.Of(IPAddress.Parse(other)));

    [Theory]
    [InlineData("203.0.113.7", "throttle:{logins:203.0.113.7}")]
    [InlineData("::ffff:203.0.113.7", "throttle:{logins:203.0.113.7}")]
    [InlineData("2001:db8:1:2:3:4:5:6", "throttle:{logins:2001:db8:1:2::/64}")]
    [InlineData(null, "throttle:{logins:none}")]
    public void A_person_can_read_them_in_Redis(string? ip, string key) =>
        Assert.Equal(key, new CounterKey(CounterKind.LogIns, ClientNetwork.Of(ip is null ? null : IPAddress.Parse(ip))).ToString());
}
