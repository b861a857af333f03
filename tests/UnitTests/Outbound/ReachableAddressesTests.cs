using System.Net;
using System.Numerics;
using AuthService.Outbound;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Outbound;

public class ReachableAddressesTests
{
    /// <summary>First and last address of what is not public, written out by hand from IANA's registries of special-purpose addresses: not by the code's own arithmetic of prefixes.</summary>
    private static readonly (string First, string Last)[] NotPublic =
    [
        ("0.0.0.0", "0.255.255.255"), ("10.0.0.0", "10.255.255.255"), ("100.64.0.0", "100.127.255.255"), ("127.0.0.0", "127.255.255.255"),
        ("168.63.129.16", "168.63.129.16"), ("169.254.0.0", "169.254.255.255"), ("172.16.0.0", "172.31.255.255"), ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"), ("192.88.99.0", "192.88.99.255"), ("192.168.0.0", "192.168.255.255"), ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"), ("203.0.113.0", "203.0.113.255"), ("224.0.0.0", "255.255.255.255"),
        ("::", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff"), ("64:ff9b:0:0:0:1::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"), ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ];

    private static readonly BigInteger Translated = NumberOf(IPAddress.Parse("64:ff9b::"));

    // Take any network out of the lists of ReachableAddresses, or make one wider, and this fails.
    [Fact]
    public void Addresses_are_public_as_the_registries_say() => Prop.ForAll(Addresses(), address => Assert.Equal(IsPublicByTable(address), ReachableAddresses.IsPublic(address)))
        .Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));

    [Fact]
    public void The_edges_of_every_block_are_as_the_registries_say()
    {
        foreach (var (first, last) in NotPublic)
        {
            var (from, to) = (IPAddress.Parse(first), IPAddress.Parse(last));
            foreach (var number in new[] { NumberOf(from) - 1, NumberOf(from), NumberOf(to), NumberOf(to) + 1 })
            {
                if (AddressOf(number, from.GetAddressBytes().Length) is { } address) Assert.True(IsPublicByTable(address) == ReachableAddresses.IsPublic(address), address.ToString());
            }
        }
    }

    // What the table above could have got wrong together with the code.
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("172.31.255.255")]
    [InlineData("192.168.1.1")]
    [InlineData("100.100.100.200")]
    [InlineData("169.254.169.254")]
    [InlineData("169.254.170.2")]
    [InlineData("168.63.129.16")]
    [InlineData("192.0.0.192")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::127.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("::ffff:0:127.0.0.1")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("64:ff9b:1::a00:1")]
    [InlineData("2002:7f00:1::")]
    [InlineData("2002:a9fe:a9fe::1")]
    [InlineData("2001:0:4136:e378:8000:63bf:3fff:fdd2")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%2")]
    [InlineData("fec0::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fc00::1")]
    [InlineData("ff02::1")]
    [InlineData("100::1")]
    [InlineData("2001:db8::1")]
    [InlineData("5f00::1")]
    public void What_is_not_public_is_not_reached(string address) => Assert.False(ReachableAddresses.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("8.8.8.8")]
    [InlineData("1.1.1.1")]
    [InlineData("172.32.0.1")]
    [InlineData("100.128.0.1")]
    [InlineData("223.255.255.255")]
    [InlineData("2606:4700:4700::1111")]
    [InlineData("2001:4860:4860::8888")]
    [InlineData("2a00:1450:4001::1")]
    [InlineData("64:ff9b::808:808")]
    public void What_is_public_is_reached(string address) => Assert.True(ReachableAddresses.IsPublic(IPAddress.Parse(address)));

    [Fact]
    public void What_the_operator_names_is_reached_and_nothing_beside_it()
    {
        Assert.True(ReachableAddresses.TryParse("10.1.0.0/16, 127.0.0.1, fd00:1::/32", out var reachable));
        Assert.True(reachable.AllowsAny);
        Assert.All(["10.1.255.255", "127.0.0.1", "fd00:1::7", "8.8.8.8"], a => Assert.True(reachable.MayReach(IPAddress.Parse(a)), a));
        Assert.All(["10.2.0.0", "127.0.0.2", "fd00:2::7", "::1", "::ffff:10.1.0.1"], a => Assert.False(reachable.MayReach(IPAddress.Parse(a)), a));
        Assert.False(reachable.IsAllowed(IPAddress.Parse("8.8.8.8")));
    }

    [Theory]
    [InlineData("none", true)]
    [InlineData("", true)]
    [InlineData("10.0.0.0/8", true)]
    [InlineData("10.0.0.1/8", false)]
    [InlineData("10.0.0.0/33", false)]
    [InlineData("example.com", false)]
    [InlineData("10.0.0.0/8,none", false)]
    public void Networks_are_read_or_refused(string text, bool isGood) => Assert.Equal(isGood, ReachableAddresses.TryParse(text, out _));

    private static bool IsPublicByTable(IPAddress address)
    {
        var (number, length) = (NumberOf(address), address.GetAddressBytes().Length);
        if (length == 16 && number - Translated is var rest && rest >= 0 && rest <= uint.MaxValue) return IsPublicByTable(AddressOf(rest, 4)!);
        return !NotPublic.Any(block => IPAddress.Parse(block.First) is var first && first.GetAddressBytes().Length == length
            && NumberOf(first) <= number && number <= NumberOf(IPAddress.Parse(block.Last)));
    }

    /// <summary>Of both families; of IPv6 half of those that are given out, and some that hold an IPv4 address.</summary>
    private static Arbitrary<IPAddress> Addresses()
    {
        var octets = Gen.Choose(0, 255).Select(n => (byte)n);
        var v4 = octets.ArrayOf(4);
        var any = octets.ArrayOf(16);
        var given = any.Select(a => (byte[])[(byte)(a[0] & 0x1f | 0x20), .. a[1..]]);
        var holding = Gen.Elements("::", "::ffff:0:0", "64:ff9b::", "64:ff9b:1::").SelectMany(prefix => v4.Select(a => (byte[])[.. IPAddress.Parse(prefix).GetAddressBytes()[..12], .. a]));
        return Gen.OneOf(v4, v4, any, given, given, holding).Select(bytes => new IPAddress(bytes)).ToArbitrary();
    }

    private static BigInteger NumberOf(IPAddress address) => new(address.GetAddressBytes(), isUnsigned: true, isBigEndian: true);

    /// <summary>Null: there is no such address.</summary>
    private static IPAddress? AddressOf(BigInteger number, int length)
    {
        if (number < 0 || number >= BigInteger.One << (8 * length)) return null;
        var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        return new IPAddress([.. new byte[length - bytes.Length], .. bytes]);
    }
}
