using System.Runtime.CompilerServices;
using Npgsql;
using SolidCache.Memory;
using SolidCache.Redis;

namespace SolidCache;

/// <summary>Finds the keys that begin with a text, in this node's memory, in the table and in Redis.</summary>
internal sealed class KeySweep(NpgsqlDataSource db, string schema, MemoryStore memory, RedisTier? redis)
{
    private readonly string _findKeys = SqlFile.Beside<KeySweep>("find_keys").In(schema);

    public async IAsyncEnumerable<string[]> FindAsync(string prefix, int slice, [EnumeratorCancellation] CancellationToken ct)
    {
        foreach (var keys in memory.Snapshot().Select(e => e.Key).Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Chunk(slice)) yield return keys;
        var stored = CacheKey.Escaped(prefix);
        var after = "";
        while (true)
        {
            var keys = await ReadAsync(stored, after, slice, ct).ConfigureAwait(false);
            if (keys.Count == 0) yield break;
            yield return [.. keys.Select(CacheKey.Unescaped)];
            after = keys[^1];
        }
    }

    /// <summary>Those in Redis; throws where it can't say, and what it holds will be there when it is back.</summary>
    public async IAsyncEnumerable<string[]> FindInRedisAsync(string prefix, int slice, [EnumeratorCancellation] CancellationToken ct)
    {
        if (redis is null) yield break;
        var keys = new List<string>(slice);
        await foreach (var key in redis.FindKeysAsync(prefix, ct).ConfigureAwait(false))
        {
            keys.Add(key);
            if (keys.Count < slice) continue;
            yield return [.. keys];
            keys.Clear();
        }

        if (keys.Count > 0) yield return [.. keys];
    }

    private async Task<List<string>> ReadAsync(string prefix, string after, int slice, CancellationToken ct)
    {
        var connection = await db.OpenConnectionAsync(ct).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        var command = new NpgsqlCommand(_findKeys, connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = prefix }, new NpgsqlParameter<string> { TypedValue = after }, new NpgsqlParameter<int> { TypedValue = slice } },
        };
        await using var __ = command.ConfigureAwait(false);
        using var timing = SlowStatements.Time(command);
        var row = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        await using var ___ = row.ConfigureAwait(false);
        var keys = new List<string>();
        while (await row.ReadAsync(ct).ConfigureAwait(false)) keys.Add(row.GetString(0));
        return keys;
    }
}
