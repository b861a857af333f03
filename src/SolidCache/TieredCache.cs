using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Caching.Hybrid;
using Npgsql;
using SolidCache.Freshness;
using SolidCache.Loading;
using SolidCache.Memory;
using SolidCache.Redis;
using SolidCache.Redis.Resp;
using SolidCache.Serialization;

namespace SolidCache;

/// <summary>
/// A <see cref="HybridCache"/> over memory, Redis where there is one, and PostgreSQL that never serves what was invalidated: when an invalidation has returned,
/// no node that shares the schema answers a later call with an older value.
/// </summary>
/// <remarks>
/// Keys and tags have 1 to 1,024 UTF-8 bytes, an entry at most 64 tags, a value at most
/// <see cref="SolidCacheOptions.MaxValueBytes"/>. Every key is a tag of its entry, and so are <c>all</c> and <c>all:{group}</c>.
/// Whoever asks for a key names the same tags and type: an entry goes by those of the call that made it.
/// Thread-safe. Source: docs/cache/.
/// </remarks>
public sealed class TieredCache : HybridCache
{
    /// <summary>More tags than this become one: their groups', or all.</summary>
    internal const int MaxBumpedTags = 1000;

    private readonly MemoryStore _memory;
    private readonly FreshnessState _state;
    private readonly TagVersions _versions;
    private readonly NodeBarrier _barrier;
    private readonly EntryLoader _loader;
    private readonly EntrySerializers _serializers;
    private readonly ICacheStore _store;
    private readonly RedisTier? _redis;
    private readonly KeySweep _sweep;
    private readonly RevisionTokens _tokens;
    private readonly SolidCacheOptions _options;
    private readonly TimeProvider _clock;
    private readonly CacheGroup[] _groups;
    private readonly LoadGate _gate = new();
    private readonly EntryInspection _inspection;

    internal TieredCache(
        MemoryStore memory, FreshnessState state, TagVersions versions, NodeBarrier barrier, EntryLoader loader, EntrySerializers serializers,
        ICacheStore store, RedisTier? redis, KeySweep sweep, RevisionTokens tokens, SolidCacheOptions options, TimeProvider clock)
    {
        (_memory, _state, _versions, _barrier, _loader) = (memory, state, versions, barrier, loader);
        (_serializers, _store, _redis, _sweep, _tokens, _options, _clock) = (serializers, store, redis, sweep, tokens, options, clock);
        _inspection = new EntryInspection(memory, state, versions, store, redis, clock);
        _groups = [.. options.Groups.OrderByDescending(g => g.KeyPrefix.Length)];
    }

    /// <inheritdoc/>
    public override ValueTask<T> GetOrCreateAsync<TState, T>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory, HybridCacheEntryOptions? options = null,
        IEnumerable<string>? tags = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (MayReadMemory(options) && _memory.TryGet(key, out var found) && TryServe((CachedEntry)found, out T? value) is { } hit)
        {
            if (hit == Hit.Due) Refresh(key, (state, factory), static (s, _, ct) => s.factory(s.state, ct), options, tags);
            return new ValueTask<T>(value!);
        }

        return CreateAsync(key, state, factory, options, tags, cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask<T> GetOrCreateAsync<TState, T>(
        ReadOnlySpan<char> key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory, HybridCacheEntryOptions? options = null,
        IEnumerable<string>? tags = null, CancellationToken cancellationToken = default)
    {
        // A hit makes no string of the key: the entry has one.
        if (MayReadMemory(options) && _memory.TryGet(key, out var found) && TryServe((CachedEntry)found, out T? value) is { } hit)
        {
            if (hit == Hit.Due) Refresh(found.Key, (state, factory), static (s, _, ct) => s.factory(s.state, ct), options, tags);
            return new ValueTask<T>(value!);
        }

        return CreateAsync(key.ToString(), state, factory, options, tags, cancellationToken);
    }

    /// <summary>Like <c>GetOrCreateAsync</c>, with a loader that decides about the entry it makes: its life, its tags, whether it is kept.</summary>
    /// <typeparam name="TState">What the loader needs.</typeparam>
    /// <typeparam name="T">The value.</typeparam>
    /// <param name="key">1 to 1,024 UTF-8 bytes.</param>
    /// <param name="state">Handed to the loader, so that it need not capture anything.</param>
    /// <param name="load">Reads the data, from the primary. Its token fires when nobody waits any more.</param>
    /// <param name="options">Life and tiers; null: as the group says.</param>
    /// <param name="tags">At most 64, each of 1 to 1,024 UTF-8 bytes.</param>
    /// <param name="token">Ends this caller's wait; the load goes on while others wait for it.</param>
    /// <returns>The value: from a tier that has it current, else the loader's.</returns>
    /// <exception cref="ArgumentException">Key, tags or lives are out of their limits.</exception>
    public ValueTask<T> GetOrLoadAsync<TState, T>(
        string key, TState state, Func<TState, LoadContext, CancellationToken, ValueTask<T>> load, HybridCacheEntryOptions? options = null,
        IEnumerable<string>? tags = null, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(load);
        if (MayReadMemory(options) && _memory.TryGet(key, out var found) && TryServe((CachedEntry)found, out T? value) is { } hit)
        {
            if (hit == Hit.Due) Refresh(key, state, load, options, tags);
            return new ValueTask<T>(value!);
        }

        return LoadAsync(new EntryRequest(key, GroupOf(key), options, tags), state, load, token);
    }

    /// <inheritdoc cref="GetOrLoadAsync{TState, T}(string, TState, Func{TState, LoadContext, CancellationToken, ValueTask{T}}, HybridCacheEntryOptions?, IEnumerable{string}?, CancellationToken)"/>
    /// <remarks>A hit makes no string of the key.</remarks>
    public ValueTask<T> GetOrLoadAsync<TState, T>(
        ReadOnlySpan<char> key, TState state, Func<TState, LoadContext, CancellationToken, ValueTask<T>> load, HybridCacheEntryOptions? options = null,
        IEnumerable<string>? tags = null, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(load);
        if (MayReadMemory(options) && _memory.TryGet(key, out var found) && TryServe((CachedEntry)found, out T? value) is { } hit)
        {
            if (hit == Hit.Due) Refresh(found.Key, state, load, options, tags);
            return new ValueTask<T>(value!);
        }

        var text = key.ToString();
        return LoadAsync(new EntryRequest(text, GroupOf(text), options, tags), state, load, token);
    }

    /// <summary>What this node's memory has under a key, if it may be served now. Never waits, never loads.</summary>
    /// <typeparam name="T">The value.</typeparam>
    /// <param name="key">1 to 1,024 UTF-8 bytes.</param>
    /// <param name="value">The value; it may be null although this is a hit.</param>
    public bool TryGetFromMemory<T>(ReadOnlySpan<char> key, [MaybeNull] out T value)
    {
        value = default;
        return _memory.TryGet(key, out var found) && TryServe((CachedEntry)found, _clock.GetTimestamp(), out value);
    }

    /// <summary>How long ago the value that this node's memory has under a key was loaded; null: there is none that may be served.</summary>
    /// <param name="key">1 to 1,024 UTF-8 bytes.</param>
    public TimeSpan? AgeInMemory(ReadOnlySpan<char> key) =>
        _memory.TryGet(key, out var found) && found is CachedEntry entry && _state.MayServe(entry.Mark, _clock.GetTimestamp()) ? _clock.GetElapsedTime(entry.KeptSince) : null;

    /// <summary>The keys in this node's memory that begin with a text, in no order; those of entries that may not be served any more among them.</summary>
    /// <param name="prefix">Empty: all.</param>
    public IEnumerable<string> KeysInMemory(string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        return _memory.Snapshot().Select(e => e.Key).Where(k => k.StartsWith(prefix, StringComparison.Ordinal));
    }

    /// <inheritdoc cref="TryGetFromMemory{T}(ReadOnlySpan{char}, out T)"/>
    /// <param name="key">1 to 1,024 UTF-8 bytes.</param>
    /// <param name="value">The value; it may be null although this is a hit.</param>
    /// <param name="isSettled">
    /// Whether this node has asked what became invalid since the value was loaded. A value that is not settled may be of a newer state than others
    /// in memory; settled ones that are read while <see cref="Generation"/> stands still are all of one state.
    /// </param>
    public bool TryGetFromMemory<T>(ReadOnlySpan<char> key, [MaybeNull] out T value, out bool isSettled)
    {
        (value, isSettled) = (default, false);
        if (!_memory.TryGet(key, out var found)) return false;
        var entry = (CachedEntry)found;
        isSettled = entry.KeptSince < _state.Lease.AsOf;
        return TryServe(entry, _clock.GetTimestamp(), out value);
    }

    /// <summary>A value and another that it is read beside, both of one moment: between the two looks nothing became invalid that this node knows of.</summary>
    /// <inheritdoc cref="TryGetFromMemory{T}(ReadOnlySpan{char}, out T, out bool)"/>
    /// <param name="isSettled">Of the value.</param>
    /// <param name="besideKey">The other's: 1 to 1,024 UTF-8 bytes.</param>
    /// <param name="beside">The other.</param>
    public bool TryGetFromMemory<T, TBeside>(ReadOnlySpan<char> key, [MaybeNull] out T value, out bool isSettled, ReadOnlySpan<char> besideKey, [MaybeNull] out TBeside beside)
    {
        (value, beside, isSettled) = (default, default, false);
        var generation = Generation;
        if (!_memory.TryGet(besideKey, out var other) || !_memory.TryGet(key, out var found)) return false;
        var (entry, otherEntry) = ((CachedEntry)found, (CachedEntry)other);
        isSettled = entry.KeptSince < _state.Lease.AsOf;
        // After both looks: what was found is judged by a lease that is held later than that.
        var now = _clock.GetTimestamp();
        if (now >= entry.ExpiresAt || now >= otherEntry.ExpiresAt) return false;
        if (!_state.MayServe(entry.Mark, otherEntry.Mark, now))
        {
            CacheTelemetry.MemoryRefused();
            return false;
        }

        return TryTake(otherEntry, out beside) && TryTake(entry, out value) && generation == Generation;
    }

    /// <summary>
    /// Stores a value and makes every other one under the key invalid: the caller vouches that it is current. Whoever can't, because
    /// the data may change in between, takes a <see cref="Stamp"/> before reading it (<see cref="CaptureAsync"/>).
    /// </summary>
    /// <exception cref="ArgumentException">Key, tags, lives or the value's size are out of their limits.</exception>
    /// <exception cref="NpgsqlException">PostgreSQL can't be reached, so the other values can't be made invalid. Whatever <see cref="SolidCacheOptions.OnFailure"/> says.</exception>
    /// <inheritdoc/>
    public override async ValueTask SetAsync<T>(
        string key, T value, HybridCacheEntryOptions? options = null, IEnumerable<string>? tags = null, CancellationToken cancellationToken = default)
    {
        var request = new EntryRequest(key, GroupOf(key), options, tags);
        var (serializer, payload) = Serialize(request, value);
        var stamp = await StampAsync(request, cancellationToken).ConfigureAwait(false);
        var (revision, isLast) = await _versions.BumpForValueAsync(request.TagHashes[0], cancellationToken).ConfigureAwait(false);
        CacheTelemetry.Bumped(1);
        if (!_options.Freshness.IsOff(Mechanisms.Stamp)) _state.Learn(revision);
        // Of several values set at the same time under one version only one may be kept: else nodes would disagree until it ends.
        if (isLast) await KeepAsync(request, serializer, value, payload, stamp.With(revision), cancellationToken).ConfigureAwait(false);
        await _barrier.WaitAsync(revision, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stores a value that was read after <paramref name="stamp"/> was captured, unless it has been made invalid since.</summary>
    /// <typeparam name="T">The value.</typeparam>
    /// <param name="key">The key the stamp was captured for.</param>
    /// <param name="value">The value.</param>
    /// <param name="stamp">From <see cref="CaptureAsync"/>; after a change of the data <see cref="Stamp.With"/> its revision.</param>
    /// <param name="options">Life and tiers; null: as the group says.</param>
    /// <param name="tags">Those the stamp was captured for, or fewer.</param>
    /// <param name="token">Ends the wait; the value may be stored or not.</param>
    /// <exception cref="ArgumentException">The stamp was captured for other tags, or something is out of its limits.</exception>
    public async ValueTask SetAsync<T>(
        string key, T value, Stamp stamp, HybridCacheEntryOptions? options = null, IEnumerable<string>? tags = null, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(stamp);
        var request = new EntryRequest(key, GroupOf(key), options, tags);
        if (!Array.TrueForAll(request.TagHashes, stamp.Versions.ContainsKey)) throw new ArgumentException("The stamp was not captured for this key and these tags.", nameof(stamp));
        var (serializer, payload) = Serialize(request, value);
        await KeepAsync(request, serializer, value, payload, stamp, token).ConfigureAwait(false);
    }

    /// <summary>The present versions of an entry's tags. Capture it before reading the data, and give it to <c>SetAsync</c> with the value.</summary>
    /// <param name="key">The key the value will be stored under.</param>
    /// <param name="tags">The tags it will be stored with.</param>
    /// <param name="token">Ends the wait.</param>
    /// <exception cref="NpgsqlException">PostgreSQL can't say.</exception>
    public Task<Stamp> CaptureAsync(string key, IEnumerable<string>? tags = null, CancellationToken token = default) =>
        StampAsync(new EntryRequest(key, GroupOf(key), null, tags), token).AsTask();

    /// <inheritdoc/>
    public override ValueTask RemoveAsync(string key, CancellationToken cancellationToken = default) => RemoveAsync([key], cancellationToken);

    /// <summary>Makes the entries of keys invalid, on every node, whatever loads are under way.</summary>
    /// <inheritdoc/>
    public override async ValueTask RemoveAsync(IEnumerable<string> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var all = keys.ToArray();
        if (all.Length == 0) return;
        foreach (var key in all) CacheKey.Check(key, nameof(keys));
        long[] tags = all.Length <= MaxBumpedTags
            ? [.. all.Select(TagHash.Of).Distinct()]
            : [.. all.Select(key => GroupOf(key).TagHash).Distinct()];
        var revision = await BumpAsync(tags, cancellationToken).ConfigureAwait(false);
        // Nothing below decides anything any more; it makes room.
        foreach (var key in all) _memory.Remove(key);
        if (all.Length <= MaxBumpedTags) await ForgetAsync(all, cancellationToken).ConfigureAwait(false);
        await _barrier.WaitAsync(revision, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override ValueTask RemoveByTagAsync(string tag, CancellationToken cancellationToken = default) => RemoveByTagAsync([tag], cancellationToken);

    /// <summary>
    /// Makes every entry that has one of the tags invalid, on every node, whatever loads are under way. <c>*</c> stands for all
    /// entries. One round trip, whatever the number of entries.
    /// </summary>
    /// <inheritdoc/>
    public override async ValueTask RemoveByTagAsync(IEnumerable<string> tags, CancellationToken cancellationToken = default)
    {
        var hashes = HashesOf(tags);
        if (hashes.Length == 0) return;
        var revision = await BumpAsync(hashes, cancellationToken).ConfigureAwait(false);
        await _barrier.WaitAsync(revision, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Makes every entry whose key begins with <paramref name="prefix"/> invalid. One round trip where the group declares
    /// <see cref="CacheGroup.HasPrefixTags"/> and the prefix ends with <c>:</c>. Otherwise a sweep over memory, Redis and table, which costs a look at every
    /// key and reaches neither what another node keeps in memory alone nor what is just being loaded for the first time.
    /// </summary>
    /// <param name="prefix">1 to 1,024 UTF-8 bytes.</param>
    /// <param name="token">Ends the wait; what was made invalid until then stays so.</param>
    /// <exception cref="NpgsqlException">PostgreSQL can't be reached.</exception>
    public async ValueTask RemoveByPrefixAsync(string prefix, CancellationToken token = default)
    {
        CacheKey.Check(prefix, nameof(prefix));
        if (prefix[^1] == ':' && GroupOf(prefix).HasPrefixTags && !_groups.Any(g => g.KeyPrefix.Length > prefix.Length && g.KeyPrefix.StartsWith(prefix, StringComparison.Ordinal)))
        {
            await _barrier.WaitAsync(await BumpAsync([TagHash.Of(prefix)], token).ConfigureAwait(false), token).ConfigureAwait(false);
            return;
        }

        await foreach (var keys in _sweep.FindAsync(prefix, MaxBumpedTags, token).ConfigureAwait(false)) await RemoveAsync(keys, token).ConfigureAwait(false);
        try
        {
            await foreach (var keys in _sweep.FindInRedisAsync(prefix, MaxBumpedTags, token).ConfigureAwait(false)) await RemoveAsync(keys, token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RedisException or RedisUnavailableException)
        {
            // It will be back with what it holds: then none of the groups' entries may be served.
            var groups = _groups.Where(g => g.KeyPrefix.StartsWith(prefix, StringComparison.Ordinal)).Append(GroupOf(prefix)).Select(g => g.TagHash).Distinct();
            await _barrier.WaitAsync(await BumpAsync([.. groups], token).ConfigureAwait(false), token).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Makes entries invalid as part of a transaction: with its commit, not before, and not without it. Returns what the transaction has
    /// made invalid so far by any way, triggers included. Commit, then wait with <see cref="BarrierAsync"/>. Make it the last statement: of
    /// what the transaction bumps after it this node learns by its next poll, not by the wait.
    /// </summary>
    /// <param name="transaction">Open, on the server that holds the cache's schema.</param>
    /// <param name="tags">Tags or keys; more than 1,000 become <c>all</c>. Empty: only tells what the transaction has bumped.</param>
    /// <param name="token">Cancels; the transaction is then failed.</param>
    /// <exception cref="PostgresException">40P01 and 40001 mean: roll back and try again.</exception>
    public Task<Revision> InvalidateAsync(NpgsqlTransaction transaction, IEnumerable<string> tags, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        var hashes = HashesOf(tags);
        CacheTelemetry.Bumped(hashes.Length);
        return _versions.BumpAsync(transaction, hashes, token);
    }

    /// <summary>
    /// Waits until no node answers from before the change: all have applied it, or the longest lease of a registered node has passed.
    /// Alone: one round trip. Call it after the commit and before you say that it is done.
    /// </summary>
    /// <param name="revision">From <see cref="InvalidateAsync"/> or <see cref="CurrentRevisionAsync"/>.</param>
    /// <param name="token">Ends the wait: then nothing is known of the other nodes, though the change is made.</param>
    public ValueTask BarrierAsync(Revision revision, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(revision);
        return _barrier.WaitAsync(revision, token);
    }

    /// <summary>Applies a committed change on this node and wakes the others, without waiting for them: what <see cref="BarrierAsync"/> does first.</summary>
    /// <param name="revision">From <see cref="InvalidateAsync"/>.</param>
    public void Announce(Revision revision)
    {
        ArgumentNullException.ThrowIfNull(revision);
        _barrier.Announce(revision);
    }

    /// <summary>
    /// The last change of the tags, for a call that found nothing to change: whoever did it may have died between its commit and its
    /// wait, so this call waits in its place.
    /// </summary>
    /// <param name="tags">The tags the call would have made invalid.</param>
    /// <param name="token">Ends the wait.</param>
    /// <exception cref="NpgsqlException">PostgreSQL can't be reached.</exception>
    public async Task<Revision> CurrentRevisionAsync(IEnumerable<string> tags, CancellationToken token = default)
    {
        var hashes = HashesOf(tags);
        if (hashes.Length == 0 || _options.Freshness.IsOff(Mechanisms.NothingChangedWait)) return Revision.None;
        var epoch = _state.Lease.Era?.Epoch ?? Guid.Empty;
        var rows = (await _versions.ReadAsync(hashes, token).ConfigureAwait(false)).Rows;
        long[] known = [.. hashes.Where(rows.ContainsKey)];
        return new Revision(epoch, [.. known.Select(t => rows[t].Xid).Distinct()], known, [.. known.Select(t => rows[t].Version)]);
    }

    /// <summary>
    /// What this node knows of the newest versions of tags: the state its answers are at least as new as. As a token (<see cref="TokenOf"/>)
    /// it makes any other node answer from no older one.
    /// </summary>
    /// <param name="tags">Tags or keys; those never bumped within the retention say nothing and are left out.</param>
    public Revision KnownRevision(params ReadOnlySpan<string> tags)
    {
        var epoch = _state.Lease.Era?.Epoch ?? Guid.Empty;
        var (hashes, versions) = (new List<long>(tags.Length), new List<long>(tags.Length));
        foreach (var tag in tags)
        {
            var hash = TagHash.Of(tag);
            if (_state.Known.VersionOf(hash) is not (> 0 and var version)) continue;
            hashes.Add(hash);
            versions.Add(version);
        }

        return new Revision(epoch, [], [.. hashes], [.. versions]);
    }

    /// <summary>
    /// Asks the server for the present versions of tags, and makes this node answer from no older state: for a question that is not to rest
    /// on the lease. One round trip, shared with whoever asks meanwhile.
    /// </summary>
    /// <param name="tags">Tags or keys. Name <c>all</c> and <c>all:{group}</c> as well, where those count.</param>
    /// <param name="token">Ends the wait.</param>
    /// <exception cref="NpgsqlException">PostgreSQL can't be reached.</exception>
    public async Task ConfirmAsync(IEnumerable<string> tags, CancellationToken token = default)
    {
        var hashes = HashesOf(tags);
        var rows = (await _versions.ReadAsync(hashes, token).ConfigureAwait(false)).Rows;
        long[] known = [.. hashes.Where(rows.ContainsKey)];
        _state.Known.Learn(known, Array.ConvertAll(known, tag => rows[tag].Version));
    }

    /// <summary>Grows whenever this node learns of invalidations. What was read from memory while it stood still is of one state.</summary>
    public long Generation => _state.Known.Generation;

    /// <summary>
    /// Completes when this node has next learnt of invalidations that are committed, its own among them: for what follows the same changes and would else have
    /// to ask again and again. Take it before you ask. It may miss some after a loss of the server: ask now and then all the same.
    /// </summary>
    public Task NextInvalidation => _state.News;

    /// <summary>Whether this node may answer from memory now: it has a lease that has not run out.</summary>
    public bool HasLease => _state.IsLeaseHeld;

    /// <summary>What every tier has under a key, its age, its stamps, and whether this node would serve it. For people: it loads, keeps and counts nothing.</summary>
    /// <param name="key">1 to 1,024 UTF-8 bytes.</param>
    /// <param name="token">Ends the wait.</param>
    /// <returns>Memory, Redis where there is one, PostgreSQL.</returns>
    public Task<IReadOnlyList<TierReport>> InspectAsync(string key, CancellationToken token = default) => _inspection.RunAsync(key, token);

    /// <summary>Whether Redis is there and asked. Sends nothing.</summary>
    public RedisState RedisState => _redis is null ? RedisState.NotConfigured : _redis.IsInUse ? RedisState.InUse : RedisState.Away;

    /// <summary>How many nodes share the database, this one among them, as far as it has heard; those that died not long ago still count. At least 1.</summary>
    public int NodeCount => Math.Max(1, _state.NodeCount);

    /// <summary>How long ago the last successful poll began: the age of what this node knows. Null: it never succeeded.</summary>
    public TimeSpan? Lag => _state.Lease.Era is null ? null : _clock.GetElapsedTime(_state.Lease.AsOf);

    /// <summary>The revision as a text for a client to carry to whichever node it asks next; at most 1 KiB.</summary>
    /// <param name="revision">What the client has changed.</param>
    /// <exception cref="InvalidOperationException"><see cref="FreshnessOptions.TokenKey"/> is not set.</exception>
    public string TokenOf(Revision revision) => _tokens.Write(revision);

    /// <summary>Makes this node answer from state at least as new as a token says.</summary>
    /// <param name="revisionToken">From <see cref="TokenOf"/> of any node.</param>
    /// <param name="token">Ends the wait.</param>
    /// <returns>False: no token of this installation, or of another incarnation of its database.</returns>
    public ValueTask<bool> AcceptAsync(string revisionToken, CancellationToken token = default) => _tokens.AcceptAsync(revisionToken, token);

    /// <summary>Callers that wait for a load now.</summary>
    internal int Waiting => _gate.Waiters;

    private ValueTask<T> CreateAsync<TState, T>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory, HybridCacheEntryOptions? options, IEnumerable<string>? tags, CancellationToken ct)
    {
        // Who only asks what is cached has no factory to give.
        if (factory is null && !IsReadOnly(options)) throw new ArgumentNullException(nameof(factory));
        return LoadAsync(new EntryRequest(key, GroupOf(key), options, tags), (state, factory), static (s, _, token) => s.factory!(s.state, token), ct);
    }

    private static bool IsReadOnly(HybridCacheEntryOptions? options) =>
        options?.Flags is { } flags && (flags & HybridCacheEntryFlags.DisableUnderlyingData) != HybridCacheEntryFlags.None;

    private static bool MayReadMemory(HybridCacheEntryOptions? options) =>
        options?.Flags is not { } flags || (flags & HybridCacheEntryFlags.DisableLocalCacheRead) == HybridCacheEntryFlags.None;

    /// <returns>Null: not to be served. <see cref="Hit.Due"/>: this caller, and no other, is to load it anew.</returns>
    private Hit? TryServe<T>(CachedEntry entry, [MaybeNull] out T value)
    {
        var now = _clock.GetTimestamp();
        if (!TryServe(entry, now, out value)) return null;
        return now >= entry.RefreshAt && entry.TryBeginRefresh() ? Hit.Due : Hit.Fresh;
    }

    private bool TryServe<T>(CachedEntry entry, long now, [MaybeNull] out T value)
    {
        value = default;
        if (now >= entry.ExpiresAt) return false;
        if (_state.MayServe(entry.Mark, now)) return TryTake(entry, out value);
        CacheTelemetry.MemoryRefused();
        return false;
    }

    private bool TryTake<T>(CachedEntry entry, [MaybeNull] out T value)
    {
        value = default;
        if (_options.Chaos.Memory.Fails() || !TryRead(entry, out value)) return false;
        CacheTelemetry.MemoryHit();
        return true;
    }

    private bool TryRead<T>(CachedEntry entry, [MaybeNull] out T value)
    {
        if (entry.Payload is { } payload) return _serializers.For<T>().TryRead(payload, entry.Version, out value!);
        value = default;
        if (entry.Value is T typed) value = typed;
        else if (entry.Value is not null || default(T) is not null) return false;
        return true;
    }

    private async ValueTask<T> LoadAsync<TState, T>(
        EntryRequest request, TState with, Func<TState, LoadContext, CancellationToken, ValueTask<T>> load, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        CacheTelemetry.MemoryMiss();
        var serializer = _serializers.For<T>();
        var isShared = serializer.IsImmutable || request.Group.SharesObjects;
        for (var isNewer = false; ; isNewer = true)
        {
            var underWay = JoinOrBegin(request, serializer, with, load, out var run);
            var began = run is not null;
            if (!began) CacheTelemetry.Joined();
            var result = began && request.Group.SoftTimeout is null
                ? await WaitAsync(underWay, run!, ct).ConfigureAwait(false)
                : await WaitAsync(request, underWay, ct).ConfigureAwait(false);
            if (result is null && TryServeKept(request, evenExpired: true, out T? expired)) return expired!;
            result ??= await WaitAsync(underWay, ct).ConfigureAwait(false);
            // One that began before this question may be older than it: then it is judged like any entry.
            if (began || isNewer || IsServable(result)) return result.Take(serializer, isShared);
            // Another of those who waited may have loaded it anew by now: not each for itself.
            if (request.ReadsMemory && TryServeKept(request, evenExpired: false, out T? kept)) return kept!;
        }
    }

    /// <param name="run">The load's run, where it is the caller's; null: the caller joins another's.</param>
    private Load<T> JoinOrBegin<TState, T>(
        EntryRequest request, EntrySerializer<T> serializer, TState with, Func<TState, LoadContext, CancellationToken, ValueTask<T>> load,
        out Task<LoadResult<T>?>? run, bool isBehind = false)
    {
        var underWay = _gate.JoinOrBegin<T>(request.Key, request.Flags, out var began);
        // Whoever doesn't wait for the load to the end must not run its beginning either: a loader may compute for long before it waits.
        run = !began ? null : isBehind || request.Group.SoftTimeout is not null ? Task.Run(RunAsync) : RunAsync();
        return underWay;

        Task<LoadResult<T>?> RunAsync() => _gate.RunAsync(request.Key, request.Flags, underWay, self => _loader.RunAsync(request, serializer, with, load, self.Token));
    }

    private bool IsServable<T>(LoadResult<T> result)
    {
        return result.IsFound && result.Mark is { } mark && _state.MayServe(mark, _clock.GetTimestamp());
    }

    private static Task<LoadResult<T>> WaitAsync<T>(Load<T> load, CancellationToken ct) => WaitAsync(load, run: null, ct);

    private static async Task<LoadResult<T>> WaitAsync<T>(Load<T> load, Task<LoadResult<T>?>? run, CancellationToken ct)
    {
        try
        {
            return (run is null ? null : await run.WaitAsync(ct).ConfigureAwait(false)) ?? await load.Result.WaitAsync(ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            load.Leave();
            throw;
        }
    }

    /// <returns>Null: it takes longer than the group has its callers wait.</returns>
    private async ValueTask<LoadResult<T>?> WaitAsync<T>(EntryRequest request, Load<T> load, CancellationToken ct)
    {
        if (request.Group.SoftTimeout is not { } limit || !request.ReadsMemory) return await WaitAsync(load, ct).ConfigureAwait(false);
        try
        {
            return await load.Result.WaitAsync(limit, _clock, ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            load.Leave();
            throw;
        }
        catch (TimeoutException)
        {
            // The limit, the loader's own failure, or both at once. In the first case the load goes on with this caller counted among
            // those who wait, so that it ends for those who come next.
            return load.Result.IsCompleted ? await load.Result.ConfigureAwait(false) : null;
        }
    }

    /// <summary>What memory has and is not known to be wrong, though it may have grown old.</summary>
    private bool TryServeKept<T>(EntryRequest request, bool evenExpired, [MaybeNull] out T value)
    {
        value = default;
        var now = _clock.GetTimestamp();
        return _memory.TryGet(request.Key, out var found) && found is CachedEntry entry && now < (evenExpired ? entry.KeptUntil : entry.ExpiresAt)
            && _state.MayServe(entry.Mark, now) && TryRead(entry, out value);
    }

    private void Refresh<TState, T>(
        string key, TState with, Func<TState, LoadContext, CancellationToken, ValueTask<T>> load, HybridCacheEntryOptions? options, IEnumerable<string>? tags)
    {
        var flags = (options?.Flags ?? HybridCacheEntryFlags.None) | HybridCacheEntryFlags.DisableDistributedCacheRead;
        var renewed = new HybridCacheEntryOptions { Expiration = options?.Expiration, LocalCacheExpiration = options?.LocalCacheExpiration, Flags = flags };
        JoinOrBegin(new EntryRequest(key, GroupOf(key), renewed, tags), _serializers.For<T>(), with, load, out _, isBehind: true);
    }

    private async ValueTask<Stamp> StampAsync(EntryRequest request, CancellationToken ct)
    {
        var began = _state.Lease;
        var rows = (await _versions.ReadAsync(request.TagHashes, ct).ConfigureAwait(false)).Rows;
        return new Stamp(began, request.TagHashes.ToDictionary(tag => tag, tag => rows.TryGetValue(tag, out var row) ? row.Version : 0));
    }

    private (EntrySerializer<T> Serializer, byte[] Payload) Serialize<T>(EntryRequest request, T value)
    {
        var serializer = _serializers.For<T>();
        var payload = serializer.Write(value, request.Group.SchemaVersion);
        var bytes = EntrySerializer.LengthOf(payload);
        if (bytes > _options.MaxValueBytes)
            throw new ArgumentException($"The value has {bytes} bytes as serialized; MaxValueBytes, {_options.MaxValueBytes}, is the limit.", nameof(value));
        return (serializer, payload);
    }

    private async ValueTask KeepAsync<T>(EntryRequest request, EntrySerializer<T> serializer, T value, byte[] payload, Stamp stamp, CancellationToken ct)
    {
        if (_clock.GetElapsedTime(stamp.Began.AsOf) > _options.Freshness.Margin) return;
        var stamps = Array.ConvertAll(request.TagHashes, tag => stamp.Versions[tag]);
        var mark = new FreshnessMark(stamp.Began.Era, request.TagHashes, stamps, _state.OldestServed(stamp.Began));
        var lives = _loader.LivesOf(request, null, value is null);
        await _loader.KeepAsync(request, serializer, value, payload, mark, stamp.Began, lives, hasExactStamps: true, ct).ConfigureAwait(false);
    }

    private Task<Revision> BumpAsync(long[] tags, CancellationToken ct)
    {
        CacheTelemetry.Bumped(tags.Length);
        return _versions.BumpAsync(tags, ct);
    }

    private async Task ForgetAsync(string[] keys, CancellationToken ct)
    {
        _redis?.Remove(keys);
        try
        {
            await Task.WhenAll(Lanes.Gathering.Together(keys, key => _store.RemoveAsync(CacheKey.Hybrid(key), ct))).ConfigureAwait(false);
        }
        catch (Exception) when (!ct.IsCancellationRequested)
        {
            CacheTelemetry.PostgresFailed();   // the rows are refused, and go when their time comes
        }
    }

    private static long[] HashesOf(IEnumerable<string> tags)
    {
        ArgumentNullException.ThrowIfNull(tags);
        var hashes = new HashSet<long>();
        foreach (var tag in tags)
        {
            CacheKey.Check(tag, nameof(tags));
            hashes.Add(tag == "*" ? ReservedTags.All : TagHash.Of(tag));
        }

        return hashes.Count > MaxBumpedTags ? [ReservedTags.All] : [.. hashes];
    }

    private CacheGroup GroupOf(string key)
    {
        foreach (var group in _groups) if (key.StartsWith(group.KeyPrefix, StringComparison.Ordinal)) return group;
        return _options.DefaultGroup;
    }

    private enum Hit
    {
        Fresh,
        Due,
    }
}
