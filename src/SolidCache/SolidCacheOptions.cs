using System.ComponentModel.DataAnnotations;

namespace SolidCache;

/// <summary>How a process caches. Checked when the cache is first made; the first value out of range is named.</summary>
public sealed class SolidCacheOptions
{
    /// <summary>The primary server, in Npgsql's form. Required. The cache opens connections of its own: the lanes and six more at most.</summary>
    [Required(AllowEmptyStrings = false)]
    public string ConnectionString { get; set; } = "";

    /// <summary>
    /// The schema that holds the cache's tables: letters, digits, <c>_</c> and <c>-</c>, 1 to 63 bytes; default <c>solid_cache</c>.
    /// Processes that share it share everything.
    /// </summary>
    [Required, RegularExpression(@"[\p{L}\p{Nd}_\-]{1,63}")]
    public string Schema { get; set; } = "solid_cache";

    /// <summary>
    /// Whether the first start makes the schema; default true. False: run <see cref="SolidCacheSchema.Script"/> with your own
    /// migrations.
    /// </summary>
    public bool InstallSchema { get; set; } = true;

    /// <summary>Connections that carry batches. 1 to 16; default half the cores, at least 2 and at most 8.</summary>
    [Range(1, 16)]
    public int Lanes { get; set; } = Math.Clamp(Environment.ProcessorCount / 2, 2, 8);

    /// <summary>What the memory tier may hold. 1 MiB to 64 GiB; default 64 MiB.</summary>
    [Range(1L << 20, 64L << 30)]
    public long MemoryMaxBytes { get; set; } = 64L << 20;

    /// <summary>
    /// What the entries in PostgreSQL may weigh, each its value, its key and 128 bytes; the least used make room, every 10 s. 1 MiB and up;
    /// default null: no bound.
    /// </summary>
    [Range(1L << 20, long.MaxValue)]
    public long? MaxBytes { get; set; }

    /// <summary>Largest value, in bytes as serialized. 1 KiB to 64 MiB; default 8 MiB.</summary>
    [Range(1 << 10, 64 << 20)]
    public int MaxValueBytes { get; set; } = 8 << 20;

    /// <summary>No entry in PostgreSQL lives for longer, however often it slides. 1 h to 366 d; default 30 d.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "366.00:00:00")]
    public TimeSpan MaxEntryLife { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How long an entry of <c>IDistributedCache</c> that was stored without any expiration lives after it was last used. 1 s to 366 d;
    /// default 20 min, as in Microsoft's database caches.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "366.00:00:00")]
    public TimeSpan DefaultSlidingExpiration { get; set; } = TimeSpan.FromMinutes(20);

    /// <summary>What a read or write of an entry does when PostgreSQL can't answer; default <see cref="FailureMode.Miss"/>.</summary>
    public FailureMode OnFailure { get; set; }

    /// <summary>Expired rows are deleted this often, by one node. 1 s to 1 d; default 1 h. Zero: never; call <c>cleanup_expired_cache()</c> yourself.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan CleanupInterval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How nodes learn what became invalid.</summary>
    public FreshnessOptions Freshness { get; } = new();

    /// <summary>The tier between memory and PostgreSQL; default none.</summary>
    public RedisOptions Redis { get; } = new();

    /// <summary>The rules of entries that no group claims.</summary>
    public CacheGroup DefaultGroup { get; } = new("default", "");

    /// <summary>Faults to be injected, for tests of applications; default none.</summary>
    public ChaosOptions Chaos { get; } = new();

    /// <summary>JSON for values without a serializer of their own; default web conventions. Give it a source-generated resolver.</summary>
    public System.Text.Json.JsonSerializerOptions Json { get; set; } = System.Text.Json.JsonSerializerOptions.Web;

    internal List<CacheGroup> Groups { get; } = [];

    /// <summary>Declares a group: entries with rules of their own, told by how their keys begin.</summary>
    /// <param name="name">1 to 63 characters, unique; part of the tag <c>all:name</c>, which every entry of the group carries.</param>
    /// <param name="keyPrefix">Not empty. Of several groups that fit a key the longest prefix wins.</param>
    /// <param name="configure">Sets the rules.</param>
    /// <exception cref="ArgumentException">Name or prefix are empty, too long, or taken.</exception>
    public SolidCacheOptions AddGroup(string name, string keyPrefix, Action<CacheGroup>? configure = null)
    {
        if (name is not { Length: >= 1 and <= 63 }) throw new ArgumentException("A group's name has 1 to 63 characters.", nameof(name));
        CacheKey.Check(keyPrefix, nameof(keyPrefix));
        if (name == DefaultGroup.Name || Groups.Exists(g => g.Name == name || g.KeyPrefix == keyPrefix))
            throw new ArgumentException($"There is a group of the name '{name}' or for the prefix '{keyPrefix}' already.", nameof(name));
        var group = new CacheGroup(name, keyPrefix);
        configure?.Invoke(group);
        Groups.Add(group);
        return this;
    }
}

/// <summary>What a cache does when its server can't answer.</summary>
public enum FailureMode
{
    /// <summary>A read is a miss, a write is not stored; both are counted and logged. An invalidation always throws.</summary>
    Miss,

    /// <summary>The driver's exception reaches the caller.</summary>
    Throw,
}

/// <summary>How nodes learn what became invalid: docs/cache/freshness.md.</summary>
public sealed class FreshnessOptions
{
    /// <summary>
    /// How long a node answers from memory without PostgreSQL, and how long an invalidation may wait for a node that died. 200 ms to
    /// 60 s; default 2 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.200", "00:01:00")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How often a node asks what became invalid; never less than four times in a lease. 5 ms to 10 s; default 100 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.005", "00:00:10")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How long invalidations are kept. Entries in memory live for this long less <see cref="Margin"/> at most; loads that take longer
    /// than the margin are not stored. 5 s to 1 d; default 20 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:05", "1.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromMinutes(20);

    /// <summary>
    /// Whether a node's lease rests on a heartbeat committed with <c>synchronous_commit=on</c> rather than on a read; default false. With
    /// synchronous replication this fences a deposed primary. Costs a durable commit per node every quarter of a lease.
    /// </summary>
    public bool LeaseByHeartbeat { get; set; }

    /// <summary>Key under which revisions become tokens that clients carry, 32 bytes or more, the same on every node. Default null: no tokens.</summary>
    public byte[]? TokenKey { get; set; }

    /// <summary>Longer than the lease and the longest load together: a tenth of the retention, at least twice the lease.</summary>
    internal TimeSpan Margin => TimeSpan.FromTicks(Math.Max(Retention.Ticks / 10, Lease.Ticks * 2));

    /// <summary>Parts of the protocol that are switched off. Only tests do so: each must then find a stale answer.</summary>
    internal Freshness.Mechanisms Disabled { get; set; }

    internal bool IsOff(Freshness.Mechanisms mechanism) => (Disabled & mechanism) != Freshness.Mechanisms.None;
}

/// <summary>Redis as a tier between memory and PostgreSQL, and as the quickest way to tell other nodes of changes: docs/cache/redis.md.</summary>
public sealed class RedisOptions
{
    /// <summary>
    /// Where it is: <c>host:port[,password=…,ssl=true]</c>, <c>redis://…</c>, <c>rediss://…</c>, <c>sentinel://…</c> or <c>cluster://…</c>. Default null: there is none.
    /// A server that is away does not keep the host from starting.
    /// </summary>
    public string? ConnectionString { get; set; }

    /// <summary>
    /// Key under which entries and messages carry a MAC, 32 bytes or more, the same on every node. Required with <see cref="ConnectionString"/>:
    /// whoever can write to Redis could make up any value otherwise.
    /// </summary>
    public byte[]? Key { get; set; }

    /// <summary>Put before every key, for a server that others use as well. At most 128 characters; default none.</summary>
    [StringLength(128)]
    public string KeyPrefix { get; set; } = "";
}

/// <summary>The rules of entries whose keys begin alike.</summary>
public sealed class CacheGroup
{
    internal CacheGroup(string name, string keyPrefix) =>
        (Name, KeyPrefix, TagHash) = (name, keyPrefix, SolidCache.TagHash.Of(Loading.ReservedTags.OfGroup(name)));

    internal long TagHash { get; }

    /// <summary>Part of the tag <c>all:name</c>.</summary>
    public string Name { get; }

    /// <summary>How the keys begin.</summary>
    public string KeyPrefix { get; }

    /// <summary>Life of an entry where neither caller nor loader says. Over 0; default 5 min.</summary>
    public TimeSpan Expiration { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Life of an entry in memory; default null: that of the entry. Never more than the retention less its margin.</summary>
    public TimeSpan? LocalExpiration { get; set; }

    /// <summary>Life of an entry whose loader found nothing (null); default null: that of any other. Zero: not stored.</summary>
    public TimeSpan? NegativeExpiration { get; set; }

    /// <summary>Lives are shortened at random by up to this part, so that what was stored together doesn't expire together. 0 to 0.5; default 0.1.</summary>
    public double Jitter { get; set; } = 0.1;

    /// <summary>A hit after this part of its life in memory makes the node load anew, while it goes on answering. 0.1 to 0.99; default null: never.</summary>
    public double? EagerRefreshAt { get; set; }

    /// <summary>
    /// A load that takes longer answers with the expired value, if one is at hand, and goes on. Default null: callers wait. Never for what
    /// was invalidated, only for what grew old; leave it off for anything that grants.
    /// </summary>
    public TimeSpan? SoftTimeout { get; set; }

    /// <summary>How long an expired value is kept for <see cref="SoftTimeout"/>. Default 1 min.</summary>
    public TimeSpan ExpiredFor { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether entries are kept in memory; default true.</summary>
    public bool InMemory { get; set; } = true;

    /// <summary>Whether entries are kept in Redis, where one is configured; default true.</summary>
    public bool InRedis { get; set; } = true;

    /// <summary>Whether entries are kept in PostgreSQL; default true.</summary>
    public bool InPostgres { get; set; } = true;

    /// <summary>Whether one node loads a key while the others wait for what it stores. Needs <see cref="InPostgres"/>; default false.</summary>
    public bool OneLoaderPerCluster { get; set; }

    /// <summary>Whether each part of a key up to a <c>:</c> is a tag, so that <c>RemoveByPrefixAsync</c> takes one step. Default false.</summary>
    public bool HasPrefixTags { get; set; }

    /// <summary>Says that nobody changes the objects of this group, so that memory hands out one object instead of copies. Default false: only for types known not to change.</summary>
    public bool SharesObjects { get; set; }

    /// <summary>Entries in Redis are JSON objects that people can read. Needs <see cref="SharesObjects"/>.</summary>
    /// <typeparam name="T">The type of all values of the group.</typeparam>
    /// <param name="form">How a value is written there.</param>
    public void ReadableInRedis<T>(Redis.IReadableEntry<T> form) => Readable = form;

    internal object? Readable { get; private set; }

    /// <summary>Raise it when the shape of the values changes: entries of another version are misses. Default 0.</summary>
    public ushort SchemaVersion { get; set; }
}

/// <summary>Faults for tests of applications: what would happen if a tier failed or was slow now and then.</summary>
public sealed class ChaosOptions
{
    /// <summary>The memory tier: a failure is a miss.</summary>
    public TierChaos Memory { get; } = new();

    /// <summary>The Redis tier, where one is configured.</summary>
    public TierChaos Redis { get; } = new();

    /// <summary>The PostgreSQL tier.</summary>
    public TierChaos Postgres { get; } = new();
}

/// <summary>How often and how long a tier misbehaves.</summary>
public sealed class TierChaos
{
    /// <summary>Part of the calls that fail. 0 to 1; default 0.</summary>
    [Range(0.0, 1.0)]
    public double FailureProbability { get; set; }

    /// <summary>What every call takes longer. 0 s to 1 min; default 0. The memory tier doesn't wait.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan Delay { get; set; }

    internal bool IsActive => FailureProbability > 0 || Delay > TimeSpan.Zero;

    internal bool Fails() =>
        FailureProbability > 0 && System.Security.Cryptography.RandomNumberGenerator.GetInt32(1_000_000) < FailureProbability * 1_000_000;
}
