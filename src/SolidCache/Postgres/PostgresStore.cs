using SolidCache.Lanes;

namespace SolidCache.Postgres;

/// <summary>The entries table, through the lanes. Throws what the server answers; what that means for a caller is decided above.</summary>
internal sealed class PostgresStore(LaneSet lanes, string schema, TimeSpan longestLife, bool isBounded) : ICacheStore
{
    // A large value is read in two steps, and may be written over in between.
    private const int Attempts = 3;

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
        for (var attempt = 1; ; attempt++)
        {
            if (await _read.ExecuteAsync(key, ct).ConfigureAwait(false) is not { } entry) return null;
            if (attempt == 1 && entry.Slides) Slide(key, entry.CreatedAt);
            else if (attempt == 1 && isBounded && !entry.IsTouched) Touch(key.Hash);
            var value = entry.Value ?? await _readLarge.ExecuteAsync(new LargeEntry(key.Hash, entry.CreatedAt), ct).ConfigureAwait(false);
            if (value is not null || attempt == Attempts) return value;
        }
    }

    /// <summary>The entry and the versions of its tags, compared or not: see <see cref="TaggedRead"/>.</summary>
    public async Task<TaggedRead> ReadTaggedAsync(TaggedKey key, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            var read = await _readTagged.ExecuteAsync(key, ct).ConfigureAwait(false);
            if (read.Entry is not { } entry) return read;
            if (attempt == 1 && isBounded && !entry.IsTouched) Touch(key.Key.Hash);
            if (entry.Value is not null) return read;
            var value = await _readLarge.ExecuteAsync(new LargeEntry(key.Key.Hash, entry.CreatedAt), ct).ConfigureAwait(false);
            if (value is not null || attempt == Attempts) return read with { Entry = value is null ? null : entry with { Value = value } };
        }
    }

    public Task WriteAsync(EntryWrite write, CancellationToken ct) => _write.ExecuteAsync(write, ct);

    public Task RemoveAsync(CacheKey key, CancellationToken ct) => _remove.ExecuteAsync(key, ct);

    public Task SlideAsync(CacheKey key, CancellationToken ct) => _slide.ExecuteAsync(new EntrySlide(key, null), ct);

    private void Slide(CacheKey key, DateTime createdAt) => Leave(() => _slide.ExecuteAsync(new EntrySlide(key, createdAt), CancellationToken.None));

    private void Touch(long hash) => Leave(() => _touch.ExecuteAsync(hash, CancellationToken.None));

    /// <summary>A note about an entry's use. Nobody waits for it; one that gets lost costs a little precision.</summary>
    private static void Leave(Func<Task> note)
    {
        try
        {
            _ = note().ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }
        catch (Exception e) when (e is LaneFullException or ObjectDisposedException)
        {
            // The server has better things to do, or the process ends.
        }
    }
}
