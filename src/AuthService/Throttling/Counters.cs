using System.Diagnostics.Metrics;
using SolidCache.Redis.Resp;

namespace AuthService.Throttling;

/// <summary>
/// Counts in Redis where there is one, else here by this node's share of each limit. What this node has refused by itself while Redis was away it
/// goes on refusing when Redis is back. So whatever becomes of Redis, and however often, the nodes together allow at most twice the limit, or one more
/// for each node where there are more nodes than that.
/// </summary>
internal sealed partial class Counters(
    LocalCounters local, ICounters? redis, Func<int> nodes, TimeProvider clock, ILogger<Counters> logger) : ICounters
{
    public const string MeterName = "AuthService.Throttling";

    // A Redis that hangs costs one in a second its time-out.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private static readonly Meter Meter = new(MeterName);
    private static readonly Counter<long> Fallbacks = Meter.CreateCounter<long>("authservice.throttling.redis_failures", "{call}", "Counters that Redis did not keep; they were kept by the node.");

    private long _awayUntil;
    private int _isAway;

    /// <summary>What this node counts by itself.</summary>
    public LocalCounters Local => local;

    /// <summary>Over what it divides the limits when it counts alone.</summary>
    public int Nodes => Math.Max(1, nodes());

    private bool IsShared => redis is not null && clock.GetTimestamp() >= Volatile.Read(ref _awayUntil);

    public async ValueTask<Look> BeginLookAsync(CounterKey key, LookRule rule)
    {
        if (!IsShared) return local.BeginLook(key, rule.Among(Nodes));
        if (local.Refuses(key, rule.Among(Nodes))) return new Look(Verdict.Refused, 0, rule, IsLocal: true);
        try
        {
            var look = await redis!.BeginLookAsync(key, rule);
            Returned();
            return look;
        }
        catch (Exception e) when (IsRedis(e))
        {
            Away(e);
            return local.BeginLook(key, rule.Among(Nodes));
        }
    }

    public async ValueTask EndLookAsync(CounterKey key, Look look, LookEnd end)
    {
        if (look.IsLocal || end == LookEnd.Succeeded) local.EndLook(key, look.Rule, end);
        if (look.IsLocal) return;
        try
        {
            await redis!.EndLookAsync(key, look, end);
        }
        catch (Exception e) when (IsRedis(e))
        {
            Away(e);   // it stays counted as a failure there
        }
    }

    public async ValueTask<Tally> CountAsync(CounterKey key, WindowRule rule)
    {
        if (!IsShared) return local.Count(key, rule.Among(Nodes));
        if (local.Peek(key, rule.Among(Nodes)) is { IsOver: true } over) return over;
        try
        {
            var tally = await redis!.CountAsync(key, rule);
            Returned();
            if (tally.IsOver) local.Close(key, tally);
            return tally;
        }
        catch (Exception e) when (IsRedis(e))
        {
            Away(e);
            return local.Count(key, rule.Among(Nodes));
        }
    }

    public async ValueTask UncountAsync(CounterKey key, Tally counted)
    {
        if (counted.IsLocal)
        {
            local.Uncount(key);
            return;
        }

        try
        {
            await redis!.UncountAsync(key, counted);
        }
        catch (Exception e) when (IsRedis(e))
        {
            Away(e);
        }
    }

    /// <summary>What this node knows of a counter without asking anybody: that it is full, at least.</summary>
    public Tally Peek(CounterKey key, WindowRule rule) => local.Peek(key, rule.Among(Nodes));

    // InvalidOperationException: a reply of another shape, as from a server that is not one of ours.
    private static bool IsRedis(Exception e) => e is RedisUnavailableException or RedisException or InvalidOperationException or IndexOutOfRangeException;

    private void Away(Exception e)
    {
        Fallbacks.Add(1);
        Volatile.Write(ref _awayUntil, clock.GetTimestamp() + (long)(Pause.TotalSeconds * clock.TimestampFrequency));
        if (Interlocked.Exchange(ref _isAway, 1) == 0) LogAway(e);
    }

    private void Returned()
    {
        if (Volatile.Read(ref _isAway) != 0 && Interlocked.Exchange(ref _isAway, 0) != 0) LogBack();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis counts no failures just now. This node counts by itself, by its share of the limits.")]
    private partial void LogAway(Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Redis counts failures again.")]
    private partial void LogBack();
}
