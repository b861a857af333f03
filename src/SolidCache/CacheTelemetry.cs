using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace SolidCache;

/// <summary>Names and units of everything the library reports: meter and activity source <c>SolidCache</c>.</summary>
internal static class CacheTelemetry
{
    public static readonly ActivitySource Activities = new("SolidCache");

    private static readonly Meter Meter = new("SolidCache");
    private static readonly EventCounter[] Hits = ByTier("solid_cache.hits", "{request}", "Answers from a tier.");
    private static readonly EventCounter[] Misses = ByTier("solid_cache.misses", "{request}", "Requests a tier could not answer.");
    private static readonly EventCounter[] Refused = ByTier("solid_cache.refused", "{entry}", "Entries found that may not be served any more.");
    private static readonly EventCounter[] Failures = ByTier("solid_cache.failures", "{request}", "Requests a tier failed to answer.");
    private static readonly EventCounter Loads = EventCounter.Create(Meter, "solid_cache.loads", "{load}", "Runs of a loader.");
    private static readonly EventCounter Joins = EventCounter.Create(Meter, "solid_cache.joins", "{request}", "Requests that waited for another's load.");
    private static readonly EventCounter NotStored = EventCounter.Create(Meter, "solid_cache.not_stored", "{value}", "Loaded values that could not be kept.");
    private static readonly EventCounter Invalidated = EventCounter.Create(Meter, "solid_cache.invalidations", "{tag}", "Tags bumped by this process.");
    private static readonly Histogram<double> LoadTime = Meter.CreateHistogram<double>("solid_cache.load_time", "s", "Duration of loaders.");
    private static readonly Histogram<double> ReadTime = Meter.CreateHistogram<double>("solid_cache.read_time", "s", "Duration of reads from a tier that is not memory.");
    private static readonly Histogram<double> BarrierTime = Meter.CreateHistogram<double>("solid_cache.barrier_time", "s", "Waits until no node answers from before a change.");
    private static readonly EventCounter PollRows = EventCounter.Create(Meter, "solid_cache.poll.rows", "{row}", "Log rows that brought news.");
    private static readonly EventCounter PollRowsAgain = EventCounter.Create(Meter, "solid_cache.poll.rows_again", "{row}", "Log rows read again because of an open transaction.");
    private static readonly EventCounter LeasesLost = EventCounter.Create(Meter, "solid_cache.lease.lost", "{lease}", "Times this process had to stop answering from memory because it could not ask what became invalid.");
    private static readonly EventCounter PollFailures = EventCounter.Create(Meter, "solid_cache.poll.failures", "{poll}", "Polls that failed.");

    private static readonly EventCounter Expired = EventCounter.CreateBy(Meter, "solid_cache.expired", "{entry}", "Entries found whose life had ended.", "tier", "redis")[0];
    private static readonly EventCounter Forged = EventCounter.Create(Meter, "solid_cache.forged", "{entry}", "Entries and messages in Redis that this installation did not write, or not there.");
    private static readonly EventCounter Skipped = EventCounter.Create(Meter, "solid_cache.redis.skipped", "{request}", "Requests that did not ask Redis because it is away or its breaker is open.");
    private static readonly Histogram<int> RedisBytes = Meter.CreateHistogram<int>("solid_cache.redis.entry_size", "By", "Entries read from Redis.");

    private const int Memory = 0, Redis = 1, Postgres = 2;   // places in the arrays above
    private static readonly KeyValuePair<string, object?> RedisTier = new("tier", "redis");
    private static readonly KeyValuePair<string, object?> PostgresTier = new("tier", "postgres");

    public static void MemoryHit() => Hits[Memory].Add();
    public static void MemoryMiss() => Misses[Memory].Add();
    public static void PostgresHit() => Hits[Postgres].Add();
    public static void PostgresMiss() => Misses[Postgres].Add();
    public static void PostgresRefused() => Refused[Postgres].Add();
    public static void RedisMiss() => Misses[Redis].Add();
    public static void RedisRefused() => Refused[Redis].Add();
    public static void RedisExpired() => Expired.Add();
    public static void RedisFailed() => Failures[Redis].Add();
    public static void RedisSkipped() => Skipped.Add();
    public static void RedisForged() => Forged.Add();
    public static void MemoryRefused() => Refused[Memory].Add();
    public static void PostgresFailed() => Failures[Postgres].Add();
    public static void Joined() => Joins.Add();
    public static void Kept(bool isStored) => NotStored.Add(isStored ? 0 : 1);
    public static void Bumped(int tags) => Invalidated.Add(tags);
    public static void PollFailed() => PollFailures.Add();
    public static void LeaseLost() => LeasesLost.Add();
    public static void RedisRead(TimeSpan time) => ReadTime.Record(time.TotalSeconds, RedisTier);
    public static void PostgresRead(TimeSpan time) => ReadTime.Record(time.TotalSeconds, PostgresTier);

    public static void RedisHit(int bytes)
    {
        Hits[Redis].Add();
        RedisBytes.Record(bytes);
    }

    public static void Loaded(TimeSpan time)
    {
        Loads.Add();
        LoadTime.Record(time.TotalSeconds);
    }

    public static void Barrier(TimeSpan time) => BarrierTime.Record(time.TotalSeconds);

    public static void Polled(long rows, long rowsAgain)
    {
        PollRows.Add(rows);
        PollRowsAgain.Add(Math.Max(0, rowsAgain));
    }

    private static EventCounter[] ByTier(string name, string unit, string description) => EventCounter.CreateBy(Meter, name, unit, description, "tier", "memory", "redis", "postgres");
}
