using AuthService.Throttling;

namespace UnitTests.Throttling;

public class RateLimitTests
{
    // draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4: lists of strings with integer parameters.
    [Fact]
    public void Headers_are_structured_fields()
    {
        var limit = new RateLimit("logins", CounterKind.LogIns, new WindowRule(600, TimeSpan.FromMinutes(1)));
        Assert.Equal("\"logins\";q=600;w=60", limit.Policy);
        Assert.Equal("\"logins\";r=600", limit.State(Of(0)));
        Assert.Equal("\"logins\";r=599;t=13", limit.State(Of(1)));
        Assert.Equal("\"logins\";r=0;t=13", limit.State(Of(600)));

        static Tally Of(int count) => new(IsOver: false, count, TimeSpan.FromSeconds(12.1), IsFirstOver: false, new WindowRule(600, TimeSpan.FromMinutes(1)), IsLocal: false);
    }
}
