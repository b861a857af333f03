using AuthService.Outbound;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Outbound;

public class OutboundUrlTests
{
    private static readonly ReachableAddresses Public = Of("none");
    private static readonly ReachableAddresses Beside = Of("127.0.0.0/8, 10.0.0.0/8, ::1");

    /// <summary>T78: ways to write what stands beside us.</summary>
    public static TheoryData<string> Refused => [.. RefusedUrls.All];

    // Compare the host with Uri.Host no longer as it was written, and the forms of 127.0.0.1 that Uri understands fail.
    [Theory]
    [MemberData(nameof(Refused))]
    public void What_is_not_public_or_not_plainly_written_is_refused(string url) => Assert.False(OutboundUrl.TryParse(url, Public, out _));

    [Theory]
    [InlineData("https://example.com")]
    [InlineData("https://example.com/hooks?a=b%20c")]
    [InlineData("HTTPS://Example.COM:8443/")]
    [InlineData("https://8.8.8.8/")]
    [InlineData("https://[2606:4700:4700::1111]:443/x")]
    [InlineData("https://xn--bcher-kva.example/")]
    [InlineData("https://hooks.example.com/at@sign")]
    public void What_is_public_is_taken(string url) => Assert.True(OutboundUrl.TryParse(url, Public, out _));

    [Theory]
    [InlineData("http://127.0.0.1:8080/", true)]
    [InlineData("https://10.2.3.4/", true)]
    [InlineData("http://[::1]:8080/", true)]
    [InlineData("http://receiver.hooks.svc.cluster.local/", true)]
    [InlineData("http://localhost:8080/", true)]
    [InlineData("http://192.168.0.1/", false)]
    [InlineData("http://0x7f.1/", false)]
    [InlineData("http://user@127.0.0.1/", false)]
    public void Beside_us_is_called_what_the_operator_names(string url, bool isGood) => Assert.Equal(isGood, OutboundUrl.TryParse(url, Beside, out _));

    [Fact]
    public void A_URL_has_at_most_2048_characters()
    {
        const string start = "https://example.com/";
        Assert.True(OutboundUrl.TryParse(start + new string('a', OutboundUrl.MaxLength - start.Length), Public, out _));
        Assert.False(OutboundUrl.TryParse(start + new string('a', OutboundUrl.MaxLength - start.Length + 1), Public, out _));
    }

    // Whatever is taken goes to the host that is written there, as the framework reads it.
    [Fact]
    public void What_is_taken_names_the_host_it_goes_to() => Prop.ForAll(Urls(), text =>
    {
        if (!OutboundUrl.TryParse(text, Public, out var url)) return;
        Assert.Equal("https", url.Scheme);
        Assert.Empty(url.UserInfo);
        Assert.StartsWith("https://" + url.Host, text, StringComparison.OrdinalIgnoreCase);
        if (System.Net.IPAddress.TryParse(url.Host, out var address)) Assert.True(ReachableAddresses.IsPublic(address));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));

    private static Arbitrary<string> Urls()
    {
        var parts = Gen.Elements("127", "0", "1", "8", "0x7f", "0177", "2130706433", "a", "local", "localhost", "example", ".", ".", ".", ":", "443", "@", "/", "?", "[", "]", "::1", "%", "\\", "\u3002", "\u2460", " ", "\t");
        return Gen.Choose(0, 9).SelectMany(n => parts.ArrayOf(n)).Select(p => "https://" + string.Concat(p)).ToArbitrary();
    }

    private static ReachableAddresses Of(string networks) => ReachableAddresses.TryParse(networks, out var reachable) ? reachable : throw new ArgumentException(networks, nameof(networks));
}
