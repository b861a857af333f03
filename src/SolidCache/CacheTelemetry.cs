using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace SolidCache;

/// <summary>Names and units of everything the library reports: meter and activity source <c>SolidCache</c>.</summary>
internal static class CacheTelemetry
{
    public static readonly ActivitySource Activities = new("SolidCache");

    private static readonly Meter Meter = new("SolidCache");
    private static readonly Counter<long> Hits = Meter.CreateCounter<long>("solid_cache.hits", "{request}", "Answers from a tier.");
    private static readonly Counter<long> Misses = Meter.CreateCounter<long>("solid_cache.misses", "{request}", "Requests a tier could not answer.");
    private static readonly Counter<long> Refused = Meter.CreateCounter<long>("solid_cache.refused", "{entry}", "Entries found that may not be served any more.");
    private static readonly Counter<long> Failures = Meter.CreateCounter<long>("solid_cache.failures", "{request}", "Requests a tier failed to answer.");
    private static readonly Counter<long> Loads = Meter.CreateCounter<long>("solid_cache.loads", "{load}", "Runs of a loader.");
    private static readonly Counter<long> Joins = Meter.CreateCounter<long>("solid_cache.joins", "{request}", "Requests that waited for another's load.");
    private static readonly Counter<long> NotStored = Meter.CreateCounter<long>("solid_cache.not_stored", "{value}", "Loaded values that could not be kept.");
    private static readonly Counter<long> Invalidated = Meter.CreateCounter<long>("solid_cache.invalidations", "{tag}", "Tags bumped by this process.");
    private static readonly Histogram<double> LoadTime = Meter.CreateHistogram<double>("solid_cache.load_time", "s", "Duration of loaders.");
    private static readonly Histogram<double> BarrierTime = Meter.CreateHistogram<double>("solid_cache.barrier_time", "s", "Waits until no node answers from before a change.");
    private static readonly Counter<long> PollRows = Meter.CreateCounter<long>("solid_cache.poll.rows", "{row}", "Log rows that brought news.");
    private static readonly Counter<long> PollRowsAgain = Meter.CreateCounter<long>("solid_cache.poll.rows_again", "{row}", "Log rows read again because of an open transaction.");
    private static readonly Counter<long> LeasesLost = Meter.CreateCounter<long>("solid_cache.lease.lost", "{lease}", "Times this process had to stop answering from memory because it could not ask what became invalid.");
    private static readonly Counter<long> PollFailures = Meter.CreateCounter<long>("solid_cache.poll.failures", "{poll}", "Polls that failed.");

    private static readonly Counter<long> Expired = Meter.CreateCounter<long>("solid_cache.expired", "{entry}", "Entries found whose life had ended.");
    private static readonly Counter<long> Forged = Meter.CreateCounter<long>("solid_cache.forged", "{entry}", "Entries and messages in Redis that this installation did not write, or not there.");
    private static readonly Counter<long> Skipped = Meter.CreateCounter<long>("solid_cache.redis.skipped", "{request}", "Requests that did not ask Redis because it is away or its breaker is open.");
    private static readonly Histogram<int> RedisBytes = Meter.CreateHistogram<int>("solid_cache.redis.entry_size", "By", "Entries read from Redis.");

    private static readonly KeyValuePair<string, object?> MemoryTier = new("tier", "memory");
    private static readonly KeyValuePair<string, object?> RedisTier = new("tier", "redis");
    private static readonly KeyValuePair<string, object?> PostgresTier = new("tier", "postgres");

    public static void MemoryHit() => Hits.Add(1, MemoryTier);
    public static void MemoryMiss() => Misses.Add(1, MemoryTier);
    public static void PostgresHit() => Hits.Add(1, PostgresTier);
    public static void PostgresMiss() => Misses.Add(1, PostgresTier);
    public static void PostgresRefused() => Refused.Add(1, PostgresTier);
    public static void RedisMiss() => Misses.Add(1, RedisTier);
    public static void RedisRefused() => Refused.Add(1, RedisTier);
    public static void RedisExpired() => Expired.Add(1, RedisTier);
    public static void RedisFailed() => Failures.Add(1, RedisTier);
    public static void RedisSkipped() => Skipped.Add(1);
    public static void RedisForged() => Forged.Add(1);
    public static void MemoryRefused() => Refused.Add(1, MemoryTier);
    public static void PostgresFailed() => Failures.Add(1, PostgresTier);
    public static void Joined() => Joins.Add(1);
    public static void Kept(bool isStored) => NotStored.Add(isStored ? 0 : 1);
    public static void Bumped(int tags) => Invalidated.Add(tags);
    public static void PollFailed() => PollFailures.Add(1);
    public static void LeaseLost() => LeasesLost.Add(1);

    public static void RedisHit(int bytes)
    {
        Hits.Add(1, RedisTier);
        RedisBytes.Record(bytes);
    }

    public static void Loaded(TimeSpan time)
    {
        Loads.Add(1);
        LoadTime.Record(time.TotalSeconds);
    }

    public static void Barrier(TimeSpan time) => BarrierTime.Record(time.TotalSeconds);

    public static void Polled(long rows, long rowsAgain)
    {
        if (rows > 0) PollRows.Add(rows);
        if (rowsAgain > 0) PollRowsAgain.Add(rowsAgain);
    }
}
