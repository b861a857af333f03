using System.Globalization;
using AuthService.Throttling;
using FsCheck;
using FsCheck.Fluent;
using IntegrationTests.SolidCache.Redis;
using IntegrationTests.SolidCache.Redis.Resp;
using SolidCache.Redis.Resp;
using RedisCounters = AuthService.Throttling.RedisCounters;   // the client has a record of this name

namespace IntegrationTests.Throttling;

/// <summary>Counters that all nodes share, in a real Redis.</summary>
public class RedisCountersTests(Servers servers) : IClassFixture<Servers>
{
    private const string Anna = "anna1@example.com";
    private static readonly LookRule Looks = new(Free: 3, StopAfter: 8, TimeSpan.FromSeconds(4), TimeSpan.FromHours(1));
    private static readonly WindowRule Window = new(3, TimeSpan.FromSeconds(10));

    private readonly StandingClock _clock = new();

    private CancellationToken Ct => servers.TestTimeout;

    // Whatever happens in whatever order, the scripts decide as LocalCounters does. Change a comparison in one of them and this fails.
    [Fact]
    public async Task The_scripts_keep_the_rules_of_the_node()
    {
        await using var redis = await RedisServer.StartAsync(Ct);
        await using var client = await Clients.ConnectAsync(redis.Address, Ct);
        var run = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(150), Prop.ForAll(
            Gen.Choose(0, 8).ListOf(60).ToArbitrary(), steps => AgreeAsync([.. steps], client, ++run).GetAwaiter().GetResult()));
    }

    private static async Task AgreeAsync(int[] steps, RedisClient client, int run)
    {
        var clock = new StandingClock();
        var (here, there) = (new LocalCounters(new ThrottlingOptions { LocalCounters = 1024 }, clock), new RedisCounters(client, $"run{run}:", clock));
        var (account, ip) = (new CounterKey(CounterKind.Account, 1), new CounterKey(CounterKind.LogIns, 2));
        var (looking, counted) = (new Queue<Look>(), new Stack<Tally>());
        foreach (var step in steps)
        {
            switch (step)
            {
                case 0 or 1:
                    var (mine, shared) = (here.BeginLook(account, Looks), await there.BeginLookAsync(account, Looks));
                    Assert.Equal(mine with { IsLocal = false }, shared);
                    if (mine.Verdict == Verdict.May) looking.Enqueue(shared);
                    break;
                case 2 or 3 or 4 when looking.TryDequeue(out var look):
                    here.EndLook(account, Looks, (LookEnd)(step - 2));
                    await there.EndLookAsync(account, look, (LookEnd)(step - 2));
                    break;
                case 5:
                    var tally = here.Count(ip, Window);
                    Assert.Equal(tally with { IsLocal = false }, await there.CountAsync(ip, Window));
                    if (!tally.IsOver) counted.Push(tally);
                    break;
                case 6 when counted.TryPop(out var last):
                    here.Uncount(ip);
                    await there.UncountAsync(ip, last);
                    break;
                case 7 or 8:
                    clock.Advance(step == 7 ? TimeSpan.FromSeconds(1) : LookRule.LongestLook + TimeSpan.FromMilliseconds(1));
                    break;
            }
        }
    }

    // Count on each node apart, and the second node gives five more.
    [Fact]
    public async Task Nodes_share_one_budget()
    {
        await using var redis = await RedisServer.StartAsync(Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await ThrottledNode.StartAsync(database, _clock, Ct, redis);
        await using var two = await ThrottledNode.StartAsync(database, _clock, Ct, redis, one.MasterKey, ("Throttling:FailuresPerIp", "8"));
        await database.AddUsersAsync("anna", 2, Ct);
        await one.FailAsync(Anna, 3, Ct);
        await two.FailAsync(Anna, 2, Ct);
        foreach (var node in new[] { one, two }) Assert.False(await node.LetsInAsync(Anna, Ct));
        _clock.Advance(TimeSpan.FromSeconds(1));
        foreach (var node in new[] { one, two }) Assert.True(await node.LetsInAsync(Anna, Ct));   // and the success counts on both

        await one.FailAsync("nobody@example.com", 2, Ct);
        Assert.Equal(System.Net.HttpStatusCode.TooManyRequests, await two.LogInAsync("anna2@example.com", "x", Ct).StatusAsync());

        // What stands there names no account, and goes by itself.
        var keys = (await redis.CliAsync(Ct, "KEYS", "throttle:*")).Split('\n');
        Assert.Contains("throttle:{login-failures:127.0.0.1}", keys);
        Assert.All(keys, key => Assert.DoesNotContain('@', key));
        foreach (var key in keys) Assert.InRange(long.Parse(await redis.CliAsync(Ct, "TTL", key), CultureInfo.InvariantCulture), 1, 86_400);
    }

    // Count nothing while it is away, or each node by the whole limit, and this fails. Its 5 of before are lost with it; what the nodes have counted is not.
    [Fact]
    public async Task Without_Redis_each_node_has_its_share_and_the_sum_stays_bounded()
    {
        await using var redis = await RedisServer.StartAsync(Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await ThrottledNode.StartAsync(database, _clock, Ct, redis);
        await using var two = await ThrottledNode.StartAsync(database, _clock, Ct, redis, one.MasterKey);
        var nodes = new[] { one, two };
        foreach (var node in nodes) await Eventually.TrueAsync(() => node.Services.GetRequiredService<Counters>().Nodes == 2, TimeSpan.FromSeconds(20));
        await database.AddUsersAsync("anna", 2, Ct);
        await one.FailAsync(Anna, 4, Ct);
        await redis.KillAsync();

        // The clock stands, so no wait ends: half of five each.
        for (var i = 0; i < 10; i++)
        {
            foreach (var node in nodes) await node.FailAsync(Anna, 1, Ct);
        }

        foreach (var node in nodes) Assert.False(await node.LetsInAsync(Anna, Ct));
        await database.AuditedAsync("authn_login_fail", 4 + 20 + 2, Ct);
        await database.AuditedAsync("authn_login_fail", 4 + 2 + 2, Ct, "reason IS NULL");
        foreach (var node in nodes) Assert.True(await node.LetsInAsync("anna2@example.com", Ct));

        // Back: they count together again.
        await redis.RestartAsync(Ct);
        await Eventually.TrueAsync(async () =>
        {
            _clock.Advance(TimeSpan.FromSeconds(1));   // for so long it is left alone after a failure
            return await one.LetsInAsync("anna2@example.com", Ct) && (await redis.CliAsync(Ct, "KEYS", "throttle:*")).Length > 0;
        }, TimeSpan.FromSeconds(20));
    }

    // Ask Redis before a refresh, and this fails.
    [Fact]
    public async Task A_refresh_that_succeeds_asks_Redis_nothing()
    {
        await using var redis = await RedisServer.StartAsync(Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await ThrottledNode.StartAsync(database, _clock, Ct, redis);
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        var token = anna.Tokens.RefreshToken;
        for (var i = 0; i < 20; i++) token = (await node.RefreshAsync(token, Ct).TokensAsync(Ct)).RefreshToken;
        Assert.DoesNotContain("evalsha", await redis.CliAsync(Ct, "INFO", "commandstats"), StringComparison.Ordinal);
        (await node.RefreshAsync("forged", Ct)).Dispose();
        Assert.Contains("evalsha", await redis.CliAsync(Ct, "INFO", "commandstats"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task In_a_cluster_each_counter_is_asked_for_where_it_lives()
    {
        await using var cluster = await RedisCluster.StartAsync(Ct);
        await using var client = await Clients.ConnectAsync(cluster.ConnectionString, Ct);
        var counters = new RedisCounters(client, "prefix:", _clock);
        for (var id = 0; id < 30; id++)
        {
            var key = new CounterKey(CounterKind.Account, (UInt128)id);
            for (var i = 1; i <= 3; i++) Assert.Equal(i, (await counters.BeginLookAsync(key, Looks)).Failures);
        }
    }
}
