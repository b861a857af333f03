using AuthService.Throttling;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging.Abstractions;
using SolidCache.Redis.Resp;

namespace UnitTests.Throttling;

/// <summary>What is allowed in all, whatever becomes of Redis. In its place stand counters that all nodes share and that fail when they are told to.</summary>
public class CountersTests
{
    private static readonly LookRule Looks = new(Free: 5, StopAfter: 100, TimeSpan.FromMinutes(15), TimeSpan.FromDays(1));
    private static readonly WindowRule Window = new(10, TimeSpan.FromMinutes(1));
    private static readonly CounterKey Account = new(CounterKind.Account, 1);
    private static readonly CounterKey Ip = new(CounterKind.LogIns, 1);

    // Let a node that has lost Redis count by the whole limit instead of its share, or not count at all, and this fails.
    [Fact]
    public void Redis_may_come_and_go_the_sum_stays_bounded()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(
            Gen.Two(Gen.Choose(0, 3)).ListOf(200).ToArbitrary(), Gen.Choose(1, 8).ToArbitrary(), (steps, nodeCount) => SumIsBoundedAsync([.. steps], nodeCount).GetAwaiter().GetResult()));
    }

    private static async Task SumIsBoundedAsync((int What, int Where)[] steps, int nodeCount)
    {
        var clock = new ManualClock();
        var redis = new FailingCounters(clock);
        var nodes = Enumerable.Range(0, nodeCount).Select(_ => NewNode(redis, nodeCount, clock)).ToArray();
        var (looked, counted) = (0, 0);
        foreach (var (what, where) in steps)
        {
            var node = nodes[where % nodeCount];
            switch (what)
            {
                case 0: redis.IsAway = !redis.IsAway; break;
                case 1: clock.Advance(TimeSpan.FromMilliseconds(1)); break;   // the pause after a failure never ends: waits do not either
                case 2:
                    var look = await node.BeginLookAsync(Account, Looks);
                    if (look.Verdict != Verdict.May) break;
                    looked++;
                    await node.EndLookAsync(Account, look, LookEnd.Failed);
                    break;
                default:
                    if (!(await node.CountAsync(Ip, Window)).IsOver) counted++;
                    break;
            }
        }

        Assert.True(looked <= Looks.Free + Math.Max(Looks.Free, nodeCount), $"{looked} looks");
        Assert.True(counted <= Window.Limit + Math.Max(Window.Limit, nodeCount), $"{counted} counted");
    }

    // What failed here keeps counting when Redis is back and knows nothing of it. Without the look at the node's own counter this is a sixth look.
    [Fact]
    public async Task A_node_that_refuses_goes_on_refusing_when_Redis_is_back()
    {
        var clock = new ManualClock();
        var redis = new FailingCounters(clock) { IsAway = true };
        var node = NewNode(redis, 1, clock);
        for (var i = 0; i < 12; i++)
        {
            var look = await node.BeginLookAsync(Account, Looks);
            if (look.Verdict == Verdict.May) await node.EndLookAsync(Account, look, LookEnd.Failed);
            else clock.Advance(TimeSpan.FromSeconds(20));
        }

        redis.IsAway = false;
        var last = await node.BeginLookAsync(Account, Looks);
        Assert.Equal(Verdict.May, last.Verdict);   // 20 s were enough: the node's own wait begins with it
        await node.EndLookAsync(Account, last, LookEnd.Failed);
        redis.IsAway = true;
        clock.Advance(TimeSpan.FromSeconds(60));
        var local = await node.BeginLookAsync(Account, Looks);
        Assert.True(local.IsLocal);
        await node.EndLookAsync(Account, local, LookEnd.Failed);
        redis.IsAway = false;
        clock.Advance(TimeSpan.FromSeconds(2));   // more than Redis is left alone for
        Assert.Equal((Verdict.Refused, true), (await node.BeginLookAsync(Account, Looks) is var refused ? refused.Verdict : default, refused.IsLocal));
    }

    [Fact]
    public async Task What_Redis_has_closed_is_not_asked_again()
    {
        var clock = new ManualClock();
        var redis = new FailingCounters(clock);
        var node = NewNode(redis, 1, clock);
        for (var i = 0; i < 11; i++) await node.CountAsync(Ip, Window);
        var asked = redis.Calls;
        Assert.True((await node.CountAsync(Ip, Window)).IsOver);
        Assert.True(node.Peek(Ip, Window).IsOver);
        Assert.Equal(asked, redis.Calls);
        clock.Advance(Window.Window);
        Assert.False(node.Peek(Ip, Window).IsOver);
        Assert.False((await node.CountAsync(Ip, Window)).IsOver);
    }

    // One that hangs costs one caller in a second its time-out, not each.
    [Fact]
    public async Task A_Redis_that_fails_is_left_alone_for_a_second()
    {
        var clock = new ManualClock();
        var redis = new FailingCounters(clock) { IsAway = true };
        var node = NewNode(redis, 1, clock);
        for (var i = 0; i < 5; i++) await node.CountAsync(Ip, Window);
        Assert.Equal(1, redis.Calls);
        clock.Advance(TimeSpan.FromSeconds(1));
        redis.IsAway = false;
        Assert.False((await node.CountAsync(Ip, Window)).IsLocal);
    }

    private static Counters NewNode(ICounters redis, int nodes, TimeProvider clock) =>
        new(new LocalCounters(new ThrottlingOptions { LocalCounters = 1024 }, clock), redis, () => nodes, clock, NullLogger<Counters>.Instance);

    private sealed class FailingCounters(TimeProvider clock) : ICounters
    {
        private readonly LocalCounters _counters = new(new ThrottlingOptions { LocalCounters = 1024 }, clock);

        public bool IsAway { get; set; }
        public int Calls { get; private set; }

        public async ValueTask<Look> BeginLookAsync(CounterKey key, LookRule rule) => await Here().BeginLookAsync(key, rule) with { IsLocal = false };
        public ValueTask EndLookAsync(CounterKey key, Look look, LookEnd end) => Here().EndLookAsync(key, look, end);
        public async ValueTask<Tally> CountAsync(CounterKey key, WindowRule rule) => await Here().CountAsync(key, rule) with { IsLocal = false };
        public ValueTask UncountAsync(CounterKey key, Tally counted) => Here().UncountAsync(key, counted);

        private LocalCounters Here()
        {
            Calls++;
            return IsAway ? throw new RedisUnavailableException("away") : _counters;
        }
    }
}
