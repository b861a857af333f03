using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SolidCache.Freshness;
using SolidCache.Lanes;
using SolidCache.Loading;
using SolidCache.Memory;
using SolidCache.Postgres;
using SolidCache.Redis;
using SolidCache.Redis.Resp;
using SolidCache.Serialization;

namespace SolidCache;

/// <summary>Everything a process caches with, put together once; and the loops that keep it going while the host runs.</summary>
internal sealed partial class CacheNode : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan LongestWaitAtStart = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly SolidCacheOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly LaneConnections _connections;
    private readonly InvalidationPoll _poll;
    private readonly IInvalidationChannel[] _channels;
    private readonly Pruning _pruning;
    private readonly ExpirySweep _sweep;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Meter _meter = new("SolidCache");
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _loops = Task.CompletedTask;
    private int _isDisposed;

    public CacheNode(SolidCacheOptions options, IServiceProvider? services, TimeProvider clock, ILoggerFactory loggers)
    {
        (_options, _clock, _logger) = (options, clock, loggers.CreateLogger("SolidCache"));
        _connections = new LaneConnections(options.ConnectionString, options.Lanes);
        Lanes = new LaneSet(_connections, options.Lanes, clock, _logger);
        Store = new PostgresStore(Lanes, options.Schema, options.MaxEntryLife, options.MaxBytes is not null);
        Memory = new MemoryStore(options.MemoryMaxBytes);
        _sweep = new ExpirySweep(Memory, clock);
        State = new FreshnessState(options.Freshness, clock);
        _poll = new InvalidationPoll(_connections.Freshness, options.Schema, options.Freshness, State, Memory, clock, _logger);
        if (options.Redis.ConnectionString is { } redis)
        {
            Redis = new RedisClient(RedisSettings.Parse(redis), clock, loggers.CreateLogger("SolidCache.Redis"));
            RedisTier = new RedisTier(Redis, options, State, clock, _logger);
        }

        var wakeUp = new WakeUp(_connections.Freshness, Lanes, options.Schema, clock, _logger);
        _channels = Redis is null ? [wakeUp] : [new RedisChannel(Redis, options.Schema, options.Redis.Key!, options.Freshness, State, clock, _logger), wakeUp];
        Upkeep = new PostgresUpkeep(_connections.Freshness, options.Schema, options, clock, _logger);
        Distributed = new PostgresCache(Store, Upkeep, options, clock, _logger);
        _pruning = new Pruning(_connections.Freshness, options.Schema, options, State, clock, _logger);

        var versions = new TagVersions(Lanes, options.Schema);
        var barrier = new NodeBarrier(Lanes, options.Schema, options.Freshness, State, _poll, _channels, clock);
        ICacheStore store = options.Chaos.Postgres.IsActive ? new FaultyStore(Store, options.Chaos.Postgres, clock) : Store;
        var loader = new EntryLoader(store, RedisTier, Memory, State, versions, new ClusterLease(Lanes, options.Schema), options, clock, _logger);
        Cache = new TieredCache(
            Memory, State, versions, barrier, loader, new EntrySerializers(services, options.Json), store, RedisTier,
            new KeySweep(_connections.Side, options.Schema, Memory, RedisTier), new RevisionTokens(options.Freshness, State, _poll, clock), options, clock);
        RuntimeHelpers.RunClassConstructor(typeof(CacheTelemetry).TypeHandle);   // counters stand at 0 from the start on, not from their first event
        Observe();
        if (RedisTier is { } tier) Observe(tier);
    }

    private void Observe()
    {
        _meter.CreateObservableGauge<double>("solid_cache.poll.age", () => Cache.Lag is { } lag ? [new Measurement<double>(lag.TotalSeconds)] : Array.Empty<Measurement<double>>(), "s", "Age of what this node knows of invalidations.");
        _meter.CreateObservableGauge("solid_cache.lease.held", () => State.IsLeaseHeld ? 1 : 0, description: "Whether this node may answer from memory.");
        _meter.CreateObservableGauge("solid_cache.nodes", () => Cache.NodeCount, "{node}", "Nodes that a change waits for, as this one last heard.");
        _meter.CreateObservableGauge("solid_cache.memory.size", () => Memory.Bytes, "By", "What the entries in this node's memory weigh.");
        _meter.CreateObservableGauge("solid_cache.memory.entries", () => Memory.Count, "{entry}", "Entries in this node's memory.");
    }

    private void Observe(RedisTier tier)
    {
        _meter.CreateObservableGauge("solid_cache.redis.connected", () => tier.Client.IsConnected ? 1 : 0, description: "Whether there is a connection to Redis.");
        _meter.CreateObservableGauge("solid_cache.redis.breaker", () => (int)tier.Breaker.State, description: "0: Redis is asked; 1: it is left alone; 2: one request tries.");
        _meter.CreateObservableGauge("solid_cache.redis.depth", () => tier.Client.Statistics.Depth, "{command}", "Commands that wait for a reply.");
        _meter.CreateObservableCounter("solid_cache.redis.reconnects", () => tier.Client.Statistics.Reconnects, "{connection}", "Connections made after one was lost.");
        _meter.CreateObservableCounter("solid_cache.redis.timeouts", () => tier.Client.Statistics.TimeOuts, "{command}", "Commands that had no reply in time.");
        _meter.CreateObservableCounter("solid_cache.redis.commands", () => tier.Client.Statistics.Commands, "{command}", "Commands sent.");
    }

    public LaneSet Lanes { get; }
    public PostgresStore Store { get; }
    public MemoryStore Memory { get; }
    public RedisClient? Redis { get; }
    public RedisTier? RedisTier { get; }
    public FreshnessState State { get; }
    public TieredCache Cache { get; }
    public PostgresCache Distributed { get; }
    public PostgresUpkeep Upkeep { get; }
    public InvalidationPoll Poll => _poll;
    public Pruning Pruning => _pruning;

    /// <summary>Waits a moment for the server, so that the first requests find the cache ready; without one the host starts all the same.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Redis?.Start();
        _loops = RunAsync();
        try
        {
            await _ready.Task.WaitAsync(LongestWaitAtStart, _clock, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            LogNotReady(LongestWaitAtStart);
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _isDisposed) != 0) return;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _loops.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None).ConfigureAwait(false);
        // A container disposes it as a service and as a hosted service.
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        if (Redis is not null) await Redis.DisposeAsync().ConfigureAwait(false);
        await Lanes.DisposeAsync().ConfigureAwait(false);
        _poll.Dispose();
        Upkeep.Dispose();
        await _connections.DisposeAsync().ConfigureAwait(false);
        _meter.Dispose();
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        var ct = _stopping.Token;
        if (!await PrepareAsync(ct).ConfigureAwait(false)) return;
        await Task.WhenAll(
            _poll.RunAsync(ct),
            Guard(Task.WhenAll(_channels.Select(channel => channel.ListenAsync(_poll.Wake, ct)))),
            Guard(_pruning.RunAsync(ct)),
            Guard(_sweep.RunAsync(ct)),
            Guard(Upkeep.RunAsync(ct))).ConfigureAwait(false);

        static async Task Guard(Task loop) => await loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>The schema, and a first poll. Tried until it works.</summary>
    private async Task<bool> PrepareAsync(CancellationToken ct)
    {
        var pause = TimeSpan.FromMilliseconds(100);
        for (var failures = 0; !ct.IsCancellationRequested; failures++)
        {
            try
            {
                if (_options.InstallSchema) await SchemaInstaller.EnsureAsync(_connections.Freshness, _options.Schema, ct).ConfigureAwait(false);
                await _poll.PollAsync(ct).ConfigureAwait(false);
                _ready.TrySetResult();
                return true;
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                if (failures == 0) LogUnreachable(e);
                await Task.Delay(pause, _clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }

        return false;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The cache can't reach its server yet; it goes on trying, and until then everything is a miss.")]
    private partial void LogUnreachable(Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The cache was not ready after {Wait}. The host starts without it.")]
    private partial void LogNotReady(TimeSpan wait);
}
