using SolidCache.Postgres;

namespace SolidCache;

/// <summary>A tier that nodes share, as the cache sees it: PostgreSQL, or something that spoils it on purpose.</summary>
internal interface ICacheStore
{
    /// <summary>The entry, and the present versions of its tags.</summary>
    Task<TaggedRead> ReadTaggedAsync(TaggedKey key, CancellationToken ct);

    Task WriteAsync(EntryWrite write, CancellationToken ct);

    Task RemoveAsync(CacheKey key, CancellationToken ct);
}

/// <summary>What a tier reports when it is told to fail.</summary>
internal sealed class ChaosException() : Exception("This tier was told to fail now and then (SolidCacheOptions.Chaos).");

/// <summary>A tier that fails and dawdles as <see cref="TierChaos"/> says.</summary>
internal sealed class FaultyStore(ICacheStore inner, TierChaos chaos, TimeProvider clock) : ICacheStore
{
    public async Task<TaggedRead> ReadTaggedAsync(TaggedKey key, CancellationToken ct)
    {
        await MisbehaveAsync(ct).ConfigureAwait(false);
        return await inner.ReadTaggedAsync(key, ct).ConfigureAwait(false);
    }

    public async Task WriteAsync(EntryWrite write, CancellationToken ct)
    {
        await MisbehaveAsync(ct).ConfigureAwait(false);
        await inner.WriteAsync(write, ct).ConfigureAwait(false);
    }

    public async Task RemoveAsync(CacheKey key, CancellationToken ct)
    {
        await MisbehaveAsync(ct).ConfigureAwait(false);
        await inner.RemoveAsync(key, ct).ConfigureAwait(false);
    }

    private async ValueTask MisbehaveAsync(CancellationToken ct)
    {
        if (chaos.Delay > TimeSpan.Zero) await Task.Delay(chaos.Delay, clock, ct).ConfigureAwait(false);
        if (chaos.Fails()) throw new ChaosException();
    }
}
