using Npgsql;
using SolidCache.Freshness;
using SolidCache.Memory;
using SolidCache.Postgres;
using SolidCache.Redis;
using SolidCache.Redis.Resp;

namespace SolidCache;

/// <summary>What one tier has under a key, and whether it would be served.</summary>
/// <param name="Tier"><c>memory</c>, <c>redis</c> or <c>postgres</c>.</param>
/// <param name="State"><c>good</c>; <c>absent</c>; <c>expired</c>; <c>outdated</c> (made invalid since, or too old to be judged); <c>forged</c>; <c>unreadable</c>; <c>away</c>
/// (the tier can't say).</param>
/// <param name="Age">Since its load began, or since it was stored, whichever the tier knows; null: there is none.</param>
/// <param name="Left">What is left of its life; null: there is none.</param>
/// <param name="Tags">What it goes by.</param>
/// <param name="Text">The entry as it stands there, where that is text.</param>
public sealed record TierReport(string Tier, string State, TimeSpan? Age, TimeSpan? Left, IReadOnlyList<TagReport> Tags, string? Text);

/// <summary>A tag of an entry.</summary>
/// <param name="Hash">The first 16 hexadecimal digits of the SHA-256 of its name.</param>
/// <param name="Stamp">Its version when the entry was loaded.</param>
/// <param name="Version">Its version now; 0: never made invalid, or long ago.</param>
public sealed record TagReport(string Hash, long Stamp, long Version);

/// <summary>Looks at one entry in every tier, for people. Loads, keeps and counts nothing.</summary>
internal sealed class EntryInspection(MemoryStore memory, FreshnessState state, TagVersions versions, ICacheStore store, RedisTier? redis, TimeProvider clock)
{
    public async Task<IReadOnlyList<TierReport>> RunAsync(string key, CancellationToken ct)
    {
        CacheKey.Check(key, nameof(key));
        var reports = new List<TierReport> { await OfMemoryAsync(key, ct).ConfigureAwait(false) };
        if (redis is not null) reports.Add(await OfRedisAsync(redis, key, ct).ConfigureAwait(false));
        reports.Add(await OfPostgresAsync(key, ct).ConfigureAwait(false));
        return reports;
    }

    private async Task<TierReport> OfMemoryAsync(string key, CancellationToken ct)
    {
        if (!memory.TryGet(key, out var found) || found is not CachedEntry entry) return Absent("memory");
        var now = clock.GetTimestamp();
        var verdict = now >= entry.ExpiresAt ? "expired" : state.MayServe(entry.Mark, now) ? "good" : "outdated";
        return new TierReport(
            "memory", verdict, clock.GetElapsedTime(entry.KeptSince, now), clock.GetElapsedTime(now, entry.ExpiresAt), await TagsAsync(entry.Mark.TagHashes, entry.Mark.Stamps, ct).ConfigureAwait(false), null);
    }

    private async Task<TierReport> OfRedisAsync(RedisTier tier, string key, CancellationToken ct)
    {
        byte[]? bytes;
        try
        {
            bytes = await tier.GetRawAsync(key, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RedisException or RedisUnavailableException)
        {
            return new TierReport("redis", "away", null, null, [], null);
        }

        if (bytes is null) return Absent("redis");
        var text = bytes[0] == '{' ? System.Text.Encoding.UTF8.GetString(bytes) : null;
        var verdict = tier.ReadFacts(key, bytes, out var facts);
        if (facts is null) return new TierReport("redis", verdict == Verdict.Forged ? "forged" : "unreadable", null, null, [], text);
        var now = state.DatabaseTime(state.Lease);
        var mark = state.MarkOf(facts.Epoch, facts.Xmin, facts.TagHashes, facts.Stamps);
        var judged = facts.ExpiresAt <= now ? "expired" : mark is not null && state.MayServe(mark, clock.GetTimestamp()) ? "good" : "outdated";
        return new TierReport("redis", judged, now - facts.AsOf, facts.ExpiresAt - now, await TagsAsync(facts.TagHashes, facts.Stamps, ct).ConfigureAwait(false), text);
    }

    private async Task<TierReport> OfPostgresAsync(string key, CancellationToken ct)
    {
        try
        {
            if ((await store.ReadTaggedAsync(new TaggedKey(CacheKey.Hybrid(key), []), ct).ConfigureAwait(false)).Entry is not { } entry) return Absent("postgres");
            var tags = await TagsAsync(entry.TagHashes, entry.Stamps, ct).ConfigureAwait(false);
            var verdict = tags.All(tag => tag.Stamp == tag.Version) ? "good" : "outdated";
            return new TierReport("postgres", verdict, state.DatabaseTime(state.Lease) - entry.CreatedAt, entry.Left, tags, null);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            return new TierReport("postgres", "away", null, null, [], null);
        }
    }

    private async Task<IReadOnlyList<TagReport>> TagsAsync(long[] hashes, long[] stamps, CancellationToken ct)
    {
        Dictionary<long, (long Version, ulong Xid)> rows = [];
        try
        {
            rows = (await versions.ReadAsync(hashes, ct).ConfigureAwait(false)).Rows;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            // Then it is told without.
        }

        return [.. hashes.Select((hash, i) => new TagReport(
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{hash:x16}"), stamps[i], rows.TryGetValue(hash, out var row) ? row.Version : 0))];
    }

    private static TierReport Absent(string tier) => new(tier, "absent", null, null, [], null);
}
