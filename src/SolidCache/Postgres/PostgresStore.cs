using SolidCache.Lanes;

namespace SolidCache.Postgres;

/// <summary>The entries table, through the lanes. Throws what the server answers; what that means for a caller is decided above.</summary>
internal sealed class PostgresStore(LaneSet lanes, string schema, TimeSpan longestLife, bool isBounded) : ICacheStore
{
    private readonly BatchedCall<CacheKey, StoredEntry?> _read = lanes.Add(new ReadStatement(schema));
    private readonly BatchedCall<TaggedKey, TaggedRead> _readTagged = lanes.Add(new TaggedReadStatement(schema));
    private readonly BatchedCall<LargeEntry, byte[]?> _readLarge = lanes.Add(new LargeReadStatement(schema));
    private readonly BatchedCall<EntryWrite, bool> _write = lanes.Add(new WriteStatement(schema, longestLife));
    private readonly BatchedCall<CacheKey, bool> _remove = lanes.Add(new RemoveStatement(schema));
    private readonly BatchedCall<EntrySlide, bool> _slide = lanes.Add(new SlideStatement(schema));
    private readonly BatchedCall<long, bool> _touch = lanes.Add(new TouchStatement(schema));

    /// <summary>The live value, or null. Keeps a sliding entry alive.</summary>
    public async Task<byte[]?> ReadAsync(CacheKey key, CancellationToken ct)
    {
        if (await _read.ExecuteAsync(key, ct).ConfigureAwait(false) is not { } entry) return null;
        if (entry.Slides) Leave(() => _slide.ExecuteAsync(new EntrySlide(key, entry.CreatedAt), CancellationToken.None));
        else if (isBounded && !entry.IsTouched) Leave(() => _touch.ExecuteAsync(key.Hash, CancellationToken.None));
        return entry.Value ?? await _readLarge.ExecuteAsync(new LargeEntry(key.Hash, entry.CreatedAt), ct).ConfigureAwait(false);
    }

    /// <summary>The entry and the versions of its tags, compared or not: see <see cref="TaggedRead"/>.</summary>
    public async Task<TaggedRead> ReadTaggedAsync(TaggedKey key, CancellationToken ct)
    {
        var read = await _readTagged.ExecuteAsync(key, ct).ConfigureAwait(false);
        if (read.Entry is not { } entry) return read;
        if (isBounded && !entry.IsTouched) Leave(() => _touch.ExecuteAsync(key.Key.Hash, CancellationToken.None));
        if (entry.Value is not null) return read;
        var value = await _readLarge.ExecuteAsync(new LargeEntry(key.Key.Hash, entry.CreatedAt), ct).ConfigureAwait(false);
        return read with { Entry = value is null ? null : entry with { Value = value } };
    }

    public Task WriteAsync(EntryWrite write, CancellationToken ct) => _write.ExecuteAsync(write, ct);

    public Task RemoveAsync(CacheKey key, CancellationToken ct) => _remove.ExecuteAsync(key, ct);

    public Task SlideAsync(CacheKey key, CancellationToken ct) => _slide.ExecuteAsync(new EntrySlide(key, null), ct);

    /// <summary>A note about an entry's use. Nobody waits for it; one that gets lost costs a little precision.</summary>
    private static void Leave(Func<Task> note)
    {
        try
        {
            _ = note().ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }
        catch (LaneFullException)
        {
            // The server has better things to do.
        }
    }
}
