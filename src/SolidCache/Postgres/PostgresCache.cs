using System.Buffers;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;
using Npgsql;
using SolidCache.Lanes;

namespace SolidCache.Postgres;

/// <summary>
/// The entries in PostgreSQL as <see cref="IDistributedCache"/> and <see cref="IBufferDistributedCache"/>, and beyond these many keys at a
/// time. The last writer wins; nothing here depends on tags.
/// </summary>
/// <remarks>
/// <para>Thread-safe. Concurrent calls travel together, so many at once cost little more than one; the synchronous members hold a thread
/// of the caller's for a round trip.</para>
/// <para>Keys have 1 to 1,024 bytes in UTF-8 and may hold any character; values have 0 to <see cref="SolidCacheOptions.MaxValueBytes"/>
/// bytes. What is outside is an <see cref="ArgumentException"/>, whatever <see cref="SolidCacheOptions.OnFailure"/> says.</para>
/// <para>Of several expirations the earliest counts. An entry without any slides by
/// <see cref="SolidCacheOptions.DefaultSlidingExpiration"/>. A sliding entry that was read lives for its window at least, and up to a
/// tenth of it longer, because its end is moved once in a tenth. No entry lives longer than
/// <see cref="SolidCacheOptions.MaxEntryLife"/>. The database's clock decides.</para>
/// <para>When PostgreSQL can't answer, <see cref="SolidCacheOptions.OnFailure"/> decides: a miss (a write is then not stored), or the
/// exception. Cancellation always throws.</para>
/// Source: docs/cache/distributed-cache.md.
/// </remarks>
public sealed class PostgresCache : IBufferDistributedCache
{
    /// <summary>Keys of one call at most: 10,000.</summary>
    public const int MaxKeys = 10_000;

    private const int WritesAtOnce = 256;
    private const long WrittenBytesAtOnce = 4L << 20;

    private readonly PostgresStore _store;
    private readonly PostgresUpkeep _upkeep;
    private readonly SolidCacheOptions _options;
    private readonly TimeProvider _clock;
    private readonly FailureLog _failures;

    internal PostgresCache(PostgresStore store, PostgresUpkeep upkeep, SolidCacheOptions options, TimeProvider clock, ILogger logger) =>
        (_store, _upkeep, _options, _clock, _failures) = (store, upkeep, options, clock, new FailureLog(clock, logger));

    /// <inheritdoc/>
    public byte[]? Get(string key) => GetAsync(key, CancellationToken.None).GetAwaiter().GetResult();

    /// <inheritdoc/>
    public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => ReadAsync(CacheKey.Distributed(key), token);

    /// <summary>Many values at once: the keys travel together.</summary>
    /// <param name="keys">Up to <see cref="MaxKeys"/>; one may come several times.</param>
    /// <param name="token">Ends the wait.</param>
    /// <returns>The values in the order of the keys; null where there is none.</returns>
    /// <exception cref="ArgumentException">Too many keys, or one that no key may be.</exception>
    public Task<byte[]?[]> GetManyAsync(IReadOnlyList<string> keys, CancellationToken token = default)
    {
        var wanted = Keys(keys);
        return Task.WhenAll(Gathering.Together(wanted, key => ReadAsync(key, token)));
    }

    /// <inheritdoc/>
    public bool TryGet(string key, IBufferWriter<byte> destination) => TryGetAsync(key, destination, CancellationToken.None).AsTask().GetAwaiter().GetResult();

    /// <inheritdoc/>
    public async ValueTask<bool> TryGetAsync(string key, IBufferWriter<byte> destination, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (await ReadAsync(CacheKey.Distributed(key), token).ConfigureAwait(false) is not { } value) return false;
        destination.Write(value);
        return true;
    }

    /// <inheritdoc/>
    public void Set(string key, byte[] value, DistributedCacheEntryOptions options)
    {
        ArgumentNullException.ThrowIfNull(value);
        WriteAsync(Entry(CacheKey.Distributed(key), value, options), CancellationToken.None).GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(value);
        var entry = Entry(CacheKey.Distributed(key), value, options);
        // Whoever cancels may use the array for something else while a lane is still sending it.
        return WriteAsync(token.CanBeCanceled ? entry with { Value = (byte[])value.Clone() } : entry, token);
    }

    /// <inheritdoc/>
    public void Set(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options) =>
        SetAsync(key, value, options, CancellationToken.None).AsTask().GetAwaiter().GetResult();

    /// <inheritdoc/>
    public ValueTask SetAsync(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        CheckSize(value.Length, nameof(value));
        return new ValueTask(WriteAsync(Entry(CacheKey.Distributed(key), value.ToArray(), options), token));
    }

    /// <summary>Stores many values at once, all with the same options. They are not stored as one: a failure may leave some.</summary>
    /// <param name="entries">Up to <see cref="MaxKeys"/>. Of several for one key the last counts. Must not change until the call ends.</param>
    /// <param name="options">As for one.</param>
    /// <param name="token">Ends the wait; what is under way may be stored or not.</param>
    /// <exception cref="ArgumentException">Too many, or a key, value or expiration that no entry may have. Nothing is stored then.</exception>
    public Task SetManyAsync(IReadOnlyCollection<KeyValuePair<string, byte[]>> entries, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(entries);
        CheckCount(entries.Count, nameof(entries));
        var last = new Dictionary<CacheKey, EntryWrite>(entries.Count);
        foreach (var (key, value) in entries)
        {
            ArgumentNullException.ThrowIfNull(value, nameof(entries));
            var entry = Entry(CacheKey.Distributed(key), value, options);
            last[entry.Key] = token.CanBeCanceled ? entry with { Value = (byte[])value.Clone() } : entry;
        }

        return WriteAllAsync(last.Values, token);
    }

    /// <inheritdoc/>
    public void Refresh(string key) => RefreshAsync(key, CancellationToken.None).GetAwaiter().GetResult();

    /// <inheritdoc/>
    public Task RefreshAsync(string key, CancellationToken token = default)
    {
        var slid = CacheKey.Distributed(key);
        return TryAsync(() => _store.SlideAsync(slid, token), token);
    }

    /// <inheritdoc/>
    public void Remove(string key) => RemoveAsync(key, CancellationToken.None).GetAwaiter().GetResult();

    /// <inheritdoc/>
    public Task RemoveAsync(string key, CancellationToken token = default)
    {
        var removed = CacheKey.Distributed(key);
        return TryAsync(() => _store.RemoveAsync(removed, token), token);
    }

    /// <summary>Removes many entries at once: the keys travel together.</summary>
    /// <param name="keys">Up to <see cref="MaxKeys"/>.</param>
    /// <param name="token">Ends the wait; what is under way may be removed or not.</param>
    /// <exception cref="ArgumentException">Too many keys, or one that no key may be.</exception>
    public Task RemoveManyAsync(IReadOnlyList<string> keys, CancellationToken token = default)
    {
        var removed = Keys(keys);
        return Task.WhenAll(Gathering.Together(removed, key => TryAsync(() => _store.RemoveAsync(key, token), token)));
    }

    /// <summary>What the table holds now, tagged entries included. Reads up to 1,000 pages or 100,000 rows: not for every request.</summary>
    /// <param name="token">Ends the query.</param>
    /// <exception cref="NpgsqlException">PostgreSQL can't answer.</exception>
    public Task<CacheStatistics> GetStatisticsAsync(CancellationToken token = default) => _upkeep.ReadStatisticsAsync(token);

    /// <summary>Deletes what has expired now rather than at the next interval, whichever node cleans up otherwise. Takes a minute at most.</summary>
    /// <param name="token">Ends it after the batch of up to 10,000 rows that is being deleted.</param>
    /// <returns>How many entries were deleted, and whether the whole table was looked through; if not, call again.</returns>
    /// <exception cref="NpgsqlException">PostgreSQL can't do it now.</exception>
    public Task<(long Deleted, bool IsAll)> CleanUpAsync(CancellationToken token = default) => _upkeep.CleanUpNowAsync(token);

    private async Task<byte[]?> ReadAsync(CacheKey key, CancellationToken ct)
    {
        try
        {
            var value = await _store.ReadAsync(key, ct).ConfigureAwait(false);
            _failures.Succeeded();
            PostgresTelemetry.Read(value is not null);
            return value;
        }
        catch (Exception e) when (IsFailure(e, ct))
        {
            PostgresTelemetry.ReadFailed();
            if (_options.OnFailure == FailureMode.Throw) throw;
            _failures.Failed(e);
            return null;
        }
    }

    private Task WriteAsync(EntryWrite entry, CancellationToken ct) => TryAsync(() => _store.WriteAsync(entry, ct), ct);

    /// <summary>A few at a time: what waits for a lane is bounded, in number and in bytes.</summary>
    private async Task WriteAllAsync(Dictionary<CacheKey, EntryWrite>.ValueCollection entries, CancellationToken ct)
    {
        var few = new List<EntryWrite>(Math.Min(entries.Count, WritesAtOnce));
        var bytes = 0L;
        foreach (var entry in entries)
        {
            if (few.Count == WritesAtOnce || (few.Count > 0 && bytes + entry.Value.Length > WrittenBytesAtOnce))
            {
                await WriteFewAsync(few, ct).ConfigureAwait(false);
                few.Clear();
                bytes = 0;
            }

            few.Add(entry);
            bytes += entry.Value.Length;
        }

        await WriteFewAsync(few, ct).ConfigureAwait(false);
    }

    private Task WriteFewAsync(List<EntryWrite> entries, CancellationToken ct) =>
        Task.WhenAll(Gathering.Together([.. entries], entry => WriteAsync(entry, ct)));

    private async Task TryAsync(Func<Task> write, CancellationToken ct)
    {
        try
        {
            await write().ConfigureAwait(false);
            _failures.Succeeded();
            PostgresTelemetry.Write();
        }
        catch (Exception e) when (IsFailure(e, ct))
        {
            PostgresTelemetry.WriteFailed();
            if (_options.OnFailure == FailureMode.Throw) throw;
            _failures.Failed(e);
        }
    }

    private static bool IsFailure(Exception e, CancellationToken ct) =>
        e is NpgsqlException or LaneFullException or IOException or TimeoutException || (e is OperationCanceledException && !ct.IsCancellationRequested);

    private EntryWrite Entry(CacheKey key, byte[] value, DistributedCacheEntryOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        CheckSize(value.Length, nameof(value));
        if (options.AbsoluteExpiration is { } end && end <= _clock.GetUtcNow())
            throw new ArgumentOutOfRangeException(nameof(options), end, "AbsoluteExpiration has passed already.");
        var lifetime = options.AbsoluteExpirationRelativeToNow;
        var sliding = options.SlidingExpiration;
        if (options.AbsoluteExpiration is null && lifetime is null && sliding is null) sliding = _options.DefaultSlidingExpiration;
        return new EntryWrite(key, value, lifetime, options.AbsoluteExpiration, sliding);
    }

    private void CheckSize(long bytes, string parameter)
    {
        if (bytes > _options.MaxValueBytes)
            throw new ArgumentOutOfRangeException(parameter, bytes, $"A value has at most {_options.MaxValueBytes} bytes (MaxValueBytes).");
    }

    private static CacheKey[] Keys(IReadOnlyList<string> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        CheckCount(keys.Count, nameof(keys));
        return [.. keys.Select(CacheKey.Distributed)];
    }

    private static void CheckCount(int count, string parameter)
    {
        if (count > MaxKeys) throw new ArgumentOutOfRangeException(parameter, count, $"One call takes at most {MaxKeys} keys.");
    }
}
