using Microsoft.Extensions.Logging;
using SolidCache.Freshness;
using SolidCache.Memory;
using SolidCache.Postgres;
using SolidCache.Redis;
using SolidCache.Serialization;

namespace SolidCache.Loading;

/// <summary>One load, from the look into Redis and PostgreSQL to the keeping of what the loader made. Read top to bottom.</summary>
internal sealed partial class EntryLoader(
    ICacheStore store, RedisTier? redis, MemoryStore memory, FreshnessState state, TagVersions versions, ClusterLease cluster,
    SolidCacheOptions options, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(50);

    private int _storeFailures;

    public async Task<LoadResult<T>> RunAsync<TState, T>(
        EntryRequest request, EntrySerializer<T> serializer, TState with, Func<TState, LoadContext, CancellationToken, ValueTask<T>> load, CancellationToken ct)
    {
        using var activity = CacheTelemetry.Activities.StartActivity("solid_cache.load");
        activity?.SetTag("solid_cache.group", request.Group.Name);   // never the key: it names somebody
        // Before anything is read: what is learnt from now on makes it old.
        var began = state.Lease;
        if (redis is not null && request.ReadsRedis && await PromoteAsync(request, serializer, redis, ct).ConfigureAwait(false) is { } shared) return From("redis", shared);
        var read = request.ReadsPostgres || request.WritesPostgres ? await ReadAsync(request, ct).ConfigureAwait(false) : null;
        if (request.ReadsPostgres && await PromoteAsync(request, serializer, began, read, ct).ConfigureAwait(false) is { } stored) return From("postgres", stored);
        if (!request.Loads) return new LoadResult<T>(default!, [], 0, null, isFound: false);
        if (!request.Group.OneLoaderPerCluster || !request.ReadsPostgres || !request.WritesPostgres || read is null)
            return await LoadAsync(request, serializer, began, read, with, load, ct).ConfigureAwait(false);
        return await LoadAloneAsync(request, serializer, with, load, ct).ConfigureAwait(false);

        LoadResult<T> From(string tier, LoadResult<T> found)
        {
            activity?.SetTag("solid_cache.tier", tier);
            return found;
        }
    }

    /// <summary>Puts a value where the request wants it.</summary>
    /// <param name="began">The lease at which its load began.</param>
    /// <returns>False: it could not be kept in PostgreSQL.</returns>
    public async Task<bool> KeepAsync<T>(
        EntryRequest request, EntrySerializer<T> serializer, T value, byte[] payload, FreshnessMark mark, Lease began, Lives lives, bool hasExactStamps, CancellationToken ct)
    {
        // What is outdated already would only take the place of something newer.
        if (lives.Entry <= TimeSpan.Zero || state.IsOutdated(mark)) return false;
        var bytes = EntrySerializer.LengthOf(payload);
        if (bytes > options.MaxValueBytes)
        {
            LogTooLarge(request.Group.Name, bytes, options.MaxValueBytes);
            return false;
        }

        var isStored = true;
        if (request.WritesPostgres && hasExactStamps && mark.Era is { } era)
        {
            isStored = await TryAsync(() => store.WriteAsync(
                new EntryWrite(request.Stored, payload, lives.Entry, Epoch: era.Epoch, TagHashes: mark.TagHashes, Stamps: mark.Stamps), ct), ct).ConfigureAwait(false);
        }

        if (request.WritesRedis) redis?.Write(request, value, payload, mark, began, lives.Entry);
        if (request.WritesMemory && lives.Local > TimeSpan.Zero) Remember(request, serializer, value, payload, mark, lives.Local);
        return isStored;
    }

    /// <summary>The lives of an entry as the loader, the caller and the group say, in this order, shortened a little at random.</summary>
    public Lives LivesOf(EntryRequest request, LoadContext? context, bool isNothing)
    {
        var entry = context?.Expiration ?? (isNothing ? request.Group.NegativeExpiration : null) ?? request.Expiration ?? request.Group.Expiration;
        // Also so that "for ever" is a time one can count with.
        if (entry > options.MaxEntryLife) entry = options.MaxEntryLife;
        var local = context?.LocalExpiration ?? request.LocalExpiration ?? request.Group.LocalExpiration ?? entry;
        if (local > entry) local = entry;
        if (request.Group.Jitter <= 0) return new Lives(entry, local);
        var part = 1 - (request.Group.Jitter * System.Security.Cryptography.RandomNumberGenerator.GetInt32(1000) / 1000);
        return new Lives(entry * part, local * part);
    }

    private async Task<TaggedRead?> ReadAsync(EntryRequest request, CancellationToken ct)
    {
        TaggedRead? read = null;
        var startedAt = clock.GetTimestamp();
        await TryAsync(async () => read = await store.ReadTaggedAsync(new TaggedKey(request.Stored, request.TagHashes), ct).ConfigureAwait(false), ct).ConfigureAwait(false);
        if (read is not null) CacheTelemetry.PostgresRead(clock.GetElapsedTime(startedAt));
        return read;
    }

    /// <summary>What Redis has, if this node may serve it: judged by its own stamps, which it keeps.</summary>
    private async ValueTask<LoadResult<T>?> PromoteAsync<T>(EntryRequest request, EntrySerializer<T> serializer, RedisTier from, CancellationToken ct)
    {
        if (await from.ReadAsync(request, serializer, ct).ConfigureAwait(false) is not { } hit) return null;
        var life = request.LocalExpiration ?? request.Group.LocalExpiration ?? hit.Left;
        if (request.WritesMemory) Remember(request, serializer, hit.Value, hit.Payload, hit.Mark, life < hit.Left ? life : hit.Left);
        return new LoadResult<T>(hit.Value, hit.Payload, request.Group.SchemaVersion, hit.Mark, isFound: true);
    }

    /// <summary>What PostgreSQL has, if it is current: compared in the snapshot it was read in.</summary>
    private async Task<LoadResult<T>?> PromoteAsync<T>(EntryRequest request, EntrySerializer<T> serializer, Lease began, TaggedRead? read, CancellationToken ct)
    {
        if (read?.Entry is not { Value: { } payload } entry)
        {
            CacheTelemetry.PostgresMiss();
            return null;
        }

        if (!await AreCurrentAsync(request, read, entry, ct).ConfigureAwait(false))
        {
            CacheTelemetry.PostgresRefused();
            return null;
        }

        if (!serializer.TryRead(payload, request.Group.SchemaVersion, out var value))
        {
            CacheTelemetry.PostgresMiss();
            return null;
        }

        CacheTelemetry.PostgresHit();
        var mark = new FreshnessMark(began.Era, entry.TagHashes, entry.Stamps, state.OldestServed(began));
        var life = request.LocalExpiration ?? request.Group.LocalExpiration ?? entry.Left;
        if (request.WritesMemory) Remember(request, serializer, value, payload, mark, life < entry.Left ? life : entry.Left);
        if (request.WritesRedis) redis?.Write(request, value, payload, mark, began, entry.Left);
        return new LoadResult<T>(value, payload, request.Group.SchemaVersion, mark, isFound: true);
    }

    private async ValueTask<bool> AreCurrentAsync(EntryRequest request, TaggedRead read, TaggedEntry entry, CancellationToken ct)
    {
        if (options.Freshness.IsOff(Mechanisms.Stamp)) return true;
        List<long>? others = null;
        for (var i = 0; i < entry.TagHashes.Length; i++)
        {
            if (!request.TagHashes.Contains(entry.TagHashes[i])) (others ??= []).Add(entry.TagHashes[i]);
            else if (entry.Stamps[i] != read.VersionOf(entry.TagHashes[i])) return false;
        }

        if (others is null) return true;
        // Tags the loader chose, which the question could not name. Asked after the entry was read: equal then is equal now.
        var now = await TryReadVersionsAsync([.. others], ct).ConfigureAwait(false);
        if (now is null) return false;
        for (var i = 0; i < entry.TagHashes.Length; i++)
        {
            if (others.Contains(entry.TagHashes[i]) && entry.Stamps[i] != (now.Rows.TryGetValue(entry.TagHashes[i], out var row) ? row.Version : 0)) return false;
        }

        return true;
    }

    /// <summary>One loader for all nodes: whoever is not elected waits for what the elected one stores.</summary>
    private async Task<LoadResult<T>> LoadAloneAsync<TState, T>(
        EntryRequest request, EntrySerializer<T> serializer, TState with, Func<TState, LoadContext, CancellationToken, ValueTask<T>> load, CancellationToken ct)
    {
        var owner = Guid.CreateVersion7();
        for (var pause = FirstLook; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var isElected = true;
            var isKnown = await TryAsync(async () => isElected = await cluster.TryEnterAsync(request.Stored, owner, ct).ConfigureAwait(false), ct).ConfigureAwait(false);
            try
            {
                // Also when elected: the one before may have stored it since this one looked.
                var began = state.Lease;
                var read = await ReadAsync(request, ct).ConfigureAwait(false);
                if (await PromoteAsync(request, serializer, began, read, ct).ConfigureAwait(false) is { } stored) return stored;
                if (isElected || read is null) return await LoadAsync(request, serializer, began, read, with, load, ct).ConfigureAwait(false);
            }
            finally
            {
                if (isElected && isKnown) await cluster.LeaveAsync(request.Stored, owner).ConfigureAwait(false);
            }

            await Task.Delay(pause, clock, ct).ConfigureAwait(false);
        }
    }

    private async Task<LoadResult<T>> LoadAsync<TState, T>(
        EntryRequest request, EntrySerializer<T> serializer, Lease began, TaggedRead? read,
        TState with, Func<TState, LoadContext, CancellationToken, ValueTask<T>> load, CancellationToken ct)
    {
        var stamps = Array.ConvertAll(request.TagHashes, tag => read?.VersionOf(tag) ?? state.Known.VersionOf(tag));
        var context = new LoadContext();
        var startedAt = clock.GetTimestamp();
        var value = await load(with, context, ct).ConfigureAwait(false);
        CacheTelemetry.Loaded(clock.GetElapsedTime(startedAt));

        // An object that all may hold, in memory alone, is never written as bytes.
        var isBytes = request.WritesPostgres || (redis is not null && request.WritesRedis && request.Group.Readable is null) || !(serializer.IsImmutable || request.Group.SharesObjects);
        var payload = isBytes ? serializer.Write(value, request.Group.SchemaVersion) : EntrySerializer.NotWritten;
        var lives = LivesOf(request, context, value is null);
        var mark = await MarkAsync(request, context, began, stamps, ct).ConfigureAwait(false);
        var isKept = !context.DoNotStore && mark is not null
            && await KeepAsync(request, serializer, value, payload, mark, began, lives, hasExactStamps: read is not null, ct).ConfigureAwait(false);
        CacheTelemetry.Kept(isKept);
        return new LoadResult<T>(value, payload, request.Group.SchemaVersion, mark, isFound: true);
    }

    /// <returns>Null: what the value was made from can't be said, so it is not kept.</returns>
    private async ValueTask<FreshnessMark?> MarkAsync(EntryRequest request, LoadContext context, Lease began, long[] stamps, CancellationToken ct)
    {
        var servedUntil = state.OldestServed(began);
        if (clock.GetElapsedTime(began.AsOf) > options.Freshness.Margin) return null;
        if (context.Tags.Count == 0) return new FreshnessMark(began.Era, request.TagHashes, stamps, servedUntil);

        var tags = new List<long>(request.TagHashes);
        var versionsOf = new List<long>(stamps);
        var unknown = context.Tags.Where(t => t.Value is null).Select(t => TagHash.Of(t.Key)).Where(t => !tags.Contains(t)).ToArray();
        foreach (var (tag, version) in context.Tags)
        {
            if (version is not { } known || tags.Contains(TagHash.Of(tag))) continue;
            tags.Add(TagHash.Of(tag));
            versionsOf.Add(known);
        }

        if (unknown.Length > 0)
        {
            if (await TryReadVersionsAsync(unknown, ct).ConfigureAwait(false) is not { } now) return null;
            foreach (var tag in unknown)
            {
                var isBumped = now.Rows.TryGetValue(tag, out var row);
                // Bumped after the load began, for all this node can tell: the data may be from before.
                if (isBumped && !began.Snapshot.Sees(row.Xid)) return null;
                tags.Add(tag);
                versionsOf.Add(isBumped ? row.Version : 0);
            }
        }

        return new FreshnessMark(began.Era, [.. tags], [.. versionsOf], servedUntil);
    }

    private void Remember<T>(EntryRequest request, EntrySerializer<T> serializer, T value, byte[] payload, FreshnessMark mark, TimeSpan life)
    {
        var now = clock.GetTimestamp();
        var expiresAt = Math.Min(now + state.Ticks(life), mark.ServedUntil);
        if (!state.MayServe(mark, now)) return;
        var isShared = serializer.IsImmutable || request.Group.SharesObjects;
        var keptUntil = request.Group.SoftTimeout is null ? expiresAt : expiresAt + state.Ticks(request.Group.ExpiredFor);
        var refreshAt = request.Group.EagerRefreshAt is { } part ? now + (long)((expiresAt - now) * part) : long.MaxValue;
        memory.Set(new CachedEntry(
            request.Key, payload.Length, mark, isShared ? value : null, isShared ? null : payload, request.Group.SchemaVersion, now, expiresAt, keptUntil, refreshAt));
    }

    private async Task<ReadVersions?> TryReadVersionsAsync(long[] tags, CancellationToken ct)
    {
        ReadVersions? read = null;
        await TryAsync(async () => read = await versions.ReadAsync(tags, ct).ConfigureAwait(false), ct).ConfigureAwait(false);
        return read;
    }

    private async ValueTask<bool> TryAsync(Func<Task> action, CancellationToken ct)
    {
        try
        {
            await action().ConfigureAwait(false);
            if (Interlocked.Exchange(ref _storeFailures, 0) > 0) LogStoreBack();
            return true;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            StoreFailed(e);
            if (options.OnFailure == FailureMode.Throw) throw;
            return false;
        }
    }

    private void StoreFailed(Exception e)
    {
        CacheTelemetry.PostgresFailed();
        if (Interlocked.Increment(ref _storeFailures) == 1) LogStoreFailed(e);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The PostgreSQL tier failed; the cache goes on without it, and says so when it is back.")]
    private partial void LogStoreFailed(Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "The PostgreSQL tier answers again.")]
    private partial void LogStoreBack();

    [LoggerMessage(Level = LogLevel.Warning, Message = "A value of group {Group} has {Bytes} bytes and is not kept: {Limit} is the limit.")]
    private partial void LogTooLarge(string group, int bytes, int limit);
}

/// <summary>How long an entry lives at most, and how long in this node's memory.</summary>
internal readonly record struct Lives(TimeSpan Entry, TimeSpan Local);
