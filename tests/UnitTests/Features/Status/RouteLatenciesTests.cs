using AuthService.Features.Status;

namespace UnitTests.Features.Status;

public class RouteLatenciesTests
{
    private readonly ManualClock _clock = new();

    // Round down in Part.Percentile instead of up, or take steps of an octave, and this fails.
    [Fact]
    public void Percentiles_are_right_to_a_fifth_and_never_above_the_longest()
    {
        var latencies = new RouteLatencies(_clock);
        for (var i = 1; i <= 1_000; i++) latencies.Add("GET", "/a", 200, i * 0.37);
        var route = Assert.Single(latencies.Slowest(10));
        Assert.InRange(route.P50Ms, 185, 185 * 1.2);
        Assert.InRange(route.P99Ms, 366.3, 370);
        Assert.Equal(370, route.MaxMs, 0.001);
        Assert.Equal((1_000L, 0L), (route.Count, route.Failed));
    }

    [Fact]
    public void The_slowest_come_first_and_failures_are_counted()
    {
        var latencies = new RouteLatencies(_clock);
        latencies.Add("GET", "/quick", 200, 1);
        latencies.Add("GET", "/slow", 503, 900);
        latencies.Add("POST", "/slow", 404, 90);
        Assert.Equal(["GET /slow", "POST /slow"], latencies.Slowest(2).Select(r => r.Route));
        Assert.Equal((3L, 1L), (latencies.All().Total, latencies.All().Failed));
    }

    // Sum parts of every age, and what was slow an hour ago stays the slowest.
    [Fact]
    public void What_is_older_than_a_minute_is_forgotten()
    {
        var latencies = new RouteLatencies(_clock);
        latencies.Add("GET", "/a", 200, 500);
        _clock.Advance(TimeSpan.FromSeconds(45));
        latencies.Add("GET", "/b", 200, 5);
        Assert.Equal(2, latencies.Slowest(10).Count);
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("GET /b", Assert.Single(latencies.Slowest(10)).Route);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Empty(latencies.Slowest(10));
        Assert.Null(latencies.All().P99Ms);
        Assert.Equal(2, latencies.All().Total);
    }

    // Whatever comes in, no more routes than that are kept.
    [Fact]
    public void There_is_a_limit_to_the_routes()
    {
        var latencies = new RouteLatencies(_clock);
        for (var i = 0; i < 1_000; i++) latencies.Add("GET", "/" + i, 200, 1);
        Assert.Equal(300, latencies.Slowest(int.MaxValue).Count);
        Assert.Equal(1_000, latencies.All().Total);
    }
}
