using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Features.Sessions;
using AuthService.Http;
using AuthService.Passwords;
using Microsoft.Extensions.Options;
using Npgsql;
using SolidCache;
using SolidCache.Lanes;
using SolidCache.Postgres;
using SolidCache.Redis;
using SolidCache.Redis.Resp;

namespace AuthService.Features.Status;

/// <summary>What <see cref="WatchNode"/> looks at.</summary>
internal sealed record WatchedParts(
    NpgsqlDataSource Db, ReplicaReads Reads, PoolGauges Gauges, TieredCache Cache, PostgresCache Entries, IServiceProvider Services, PasswordHashing Hashing, PasswordOptions Passwords, IMeterFactory Meters);

/// <summary>
/// How this node is, once a second, for everybody who watches; and nothing at all while nobody does: only then are requests and the cache's answers counted here.
/// </summary>
internal sealed partial class WatchNode : IDisposable
{
    public const string ContentType = "text/event-stream";
    public const int MaxWatchers = 20;

    private const int RoutesShown = 10;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SameLook = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan SizeEvery = TimeSpan.FromSeconds(10);   // the one figure that asks the database
    private static readonly TimeSpan LongestQuestion = TimeSpan.FromSeconds(2);
    private static readonly string Version = typeof(WatchNode).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";
    private static readonly string[] Tiers = ["memory", "redis", "postgres"];

    private readonly WatchedParts _parts;
    private readonly LiveSessions _sessions;
    private readonly Rights _rights;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _lease;
    private readonly CancellationToken _stopping;
    private readonly DateTimeOffset _startedAt;
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _look = new(1);
    private readonly long[] _hits = new long[Tiers.Length], _misses = new long[Tiers.Length];
    private MeterListener? _listener;
    private RouteLatencies _latencies;
    private int _watchers;
    private (NodeStatus Status, long At)? _last;
    private (SolidCacheFigures? Size, long At)? _size;
    private (TimeSpan Used, long At) _cpu;

    public WatchNode(WatchedParts parts, LiveSessions sessions, Rights rights, IOptions<SolidCacheOptions> cache, IHostApplicationLifetime life, TimeProvider clock)
    {
        (_parts, _sessions, _rights, _clock, _lease, _stopping) = (parts, sessions, rights, clock, cache.Value.Freshness.Lease, life.ApplicationStopping);
        _latencies = new RouteLatencies(clock);
        _startedAt = clock.GetUtcNow();
        _cpu = (Environment.CpuUsage.TotalTime, clock.GetTimestamp());
    }

    public int Watchers => _watchers;

    /// <summary>A place among those who watch, until it is disposed.</summary>
    public Outcome<IDisposable> Enter()
    {
        lock (_lock)
        {
            if (_watchers == MaxWatchers) return StatusProblems.TooManyWatchers;
            if (++_watchers == 1) Listen();
        }

        return new Seat(this);
    }

    /// <summary>Until the client leaves, may not watch any more, or the node stops.</summary>
    public async Task WriteAsync(IDisposable seat, Caller caller, Stream output, CancellationToken ct)
    {
        using var _ = seat;
        using var until = CancellationTokenSource.CreateLinkedTokenSource(ct, _stopping);
        try
        {
            await output.WriteAsync("retry: 2000\n"u8.ToArray(), until.Token);
            while (await MayWatchAsync(caller, until.Token))
            {
                var data = JsonSerializer.SerializeToUtf8Bytes(await LookAsync(until.Token), StatusJson.Default.NodeStatus);
                await output.WriteAsync((byte[])[.. "event: status\ndata: "u8, .. data, .. "\n\n"u8], until.Token);
                await output.FlushAsync(until.Token);
                await Task.Delay(Interval, _clock, until.Token);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            // Another node may be watched.
        }
    }

    public void Dispose()
    {
        _listener?.Dispose();
        _look.Dispose();
    }

    /// <summary>Whoever comes within a second of another sees the same.</summary>
    private async Task<NodeStatus> LookAsync(CancellationToken ct)
    {
        await _look.WaitAsync(ct);
        try
        {
            if (_last is not { } last || _clock.GetElapsedTime(last.At) >= SameLook) _last = last = (await ReadAsync(ct), _clock.GetTimestamp());
            return last.Status;
        }
        finally
        {
            _look.Release();
        }
    }

    private async Task<NodeStatus> ReadAsync(CancellationToken ct)
    {
        if (_size is not { } size || _clock.GetElapsedTime(size.At) >= SizeEvery) _size = size = (await ReadSizeAsync(ct), _clock.GetTimestamp());
        var (cache, now) = (_parts.Cache, _clock.GetUtcNow());
        var (rightsHits, rightsMisses) = RightsTelemetry.Counts;
        return new NodeStatus
        {
            At = now,
            Node = new NodeFacts(Environment.MachineName, Version, _startedAt, (now - _startedAt).TotalSeconds, Cpu(), Environment.ProcessorCount, Environment.WorkingSet, GC.GetTotalMemory(forceFullCollection: false)),
            Requests = _latencies.All(),
            Tiers = [new TierFigures("rights", rightsHits, rightsMisses), .. Tiers.Select((name, i) => new TierFigures(name, Interlocked.Read(ref _hits[i]), Interlocked.Read(ref _misses[i])))],
            Freshness = new FreshnessFigures(cache.Lag?.TotalMilliseconds, cache.HasLease, _lease.TotalMilliseconds, cache.NodeCount),
            Pools = [PoolOf(DataSources.Primary, _parts.Db, "healthy"), .. _parts.Reads.Replica is { } replica ? [PoolOf(DataSources.Replica, replica, _parts.Reads.Status)] : Array.Empty<PoolFigures>()],
            Hashing = new HashingFigures(_parts.Hashing.HashCount, _parts.Hashing.Waiting, _parts.Hashing.Refused, _parts.Hashing.Threads, _parts.Passwords.QueueLength),
            Redis = Redis(),
            SolidCache = size.Size,
            Routes = [.. _latencies.Slowest(RoutesShown).Select(r => r with { Route = Constraint().Replace(r.Route, "{${name}}").TrimEnd('/') })],
        };
    }

    private async Task<SolidCacheFigures?> ReadSizeAsync(CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(LongestQuestion);
        try
        {
            var held = await _parts.Entries.GetStatisticsAsync(limit.Token);
            return new SolidCacheFigures(held.TotalEntries, held.ExpiredEntries, held.TotalSizeBytes, held.TableBytes, held.IsExact);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return null;   // the rest is worth seeing just then
        }
    }

    private double Cpu()
    {
        var (used, at) = (Environment.CpuUsage.TotalTime, _clock.GetTimestamp());
        var elapsed = _clock.GetElapsedTime(_cpu.At, at);
        var share = elapsed > TimeSpan.Zero ? (used - _cpu.Used) / elapsed / Environment.ProcessorCount : 0;
        _cpu = (used, at);
        return Math.Clamp(share, 0, 1);
    }

    private PoolFigures PoolOf(string name, NpgsqlDataSource source, string status)
    {
        var gauge = _parts.Gauges.Of(name);
        return new PoolFigures(name, status, gauge.Size, gauge.Free, gauge.Waiting, new NpgsqlConnectionStringBuilder(source.ConnectionString).MaxPoolSize);
    }

    private RedisFigures Redis()
    {
        var state = _parts.Cache.RedisState switch { RedisState.NotConfigured => "disabled", RedisState.InUse => "healthy", _ => "unhealthy" };
        return _parts.Services.GetService<RedisClient>()?.Statistics is { } held
            ? new RedisFigures(state, held.Server, held.Commands, held.Depth, held.TimeOuts, held.Reconnects)
            : new RedisFigures(state, null, 0, 0, 0, 0);
    }

    private async Task<bool> MayWatchAsync(Caller caller, CancellationToken ct)
    {
        try
        {
            return await _sessions.FindAsync(caller.SignedInSessionId, ct) is not null && (await _rights.OfAsync(caller.SignedInUserId, ct)).Allow(OwnPermissions.SystemAdmin);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or LaneFullException)
        {
            return false;   // nobody can tell now
        }
    }

    private void Listen()
    {
        _latencies = new RouteLatencies(_clock);
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                // Meters of the framework belong to a host, of which a process may have several.
                if (instrument.Name == "http.server.request.duration" && ReferenceEquals(instrument.Meter.Scope, _parts.Meters)) listener.EnableMeasurementEvents(instrument);
                if (instrument.Meter.Name == "SolidCache" && instrument.Name is "solid_cache.hits" or "solid_cache.misses") listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>(Answered);
        listener.SetMeasurementEventCallback<long>(Looked);
        listener.Start();
        _listener = listener;
    }

    private void Answered(Instrument instrument, double seconds, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        var (method, route, status) = ("", "none", 0);
        foreach (var (key, tag) in tags)
        {
            switch (key)
            {
                case "http.request.method": method = tag as string ?? ""; break;
                case "http.route": route = tag as string ?? "none"; break;
                case "http.response.status_code": status = tag is int code ? code : 0; break;
            }
        }

        if (route.EndsWith("/stream", StringComparison.Ordinal) || route.EndsWith("/events", StringComparison.Ordinal)) return;   // as long as somebody listened
        _latencies.Add(method, route, status, seconds * 1000);
    }

    private void Looked(Instrument instrument, long count, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        foreach (var (key, tag) in tags)
        {
            if (key != "tier" || Array.IndexOf(Tiers, tag as string) is not (>= 0 and var tier)) continue;
            Interlocked.Add(ref (instrument.Name == "solid_cache.hits" ? _hits : _misses)[tier], count);
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            if (--_watchers > 0) return;
            _listener?.Dispose();
            _listener = null;
        }
    }

    [GeneratedRegex(@"\{(?<name>[^}:?]+)[^}]*\}", RegexOptions.NonBacktracking)]
    private static partial Regex Constraint();

    private sealed class Seat(WatchNode node) : IDisposable
    {
        private int _isLeft;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isLeft, 1) == 0) node.Leave();
        }
    }
}
