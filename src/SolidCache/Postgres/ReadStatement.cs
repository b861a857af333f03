using Npgsql;
using SolidCache.Lanes;

namespace SolidCache.Postgres;

/// <summary>Entries of <c>IDistributedCache</c>, by key.</summary>
internal sealed class ReadStatement(string schema) : BatchedStatement<CacheKey, StoredEntry?>
{
    public override string Name => "read";
    public override string Sql { get; } = SqlFile.Beside<PostgresStore>("read").In(schema);
    public override bool IsRepeatable => true;
    public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<long[]>()];

    public override void Bind(Batch<CacheKey, StoredEntry?> batch, NpgsqlParameter[] parameters)
    {
        var keys = new KeyIndex(batch.Requests.Count);
        for (var i = 0; i < batch.Requests.Count; i++) keys.Add(batch.Requests[i].Hash, i);
        batch.State = keys;
        ((NpgsqlParameter<long[]>)parameters[0]).TypedValue = keys.Hashes;
    }

    public override void Read(NpgsqlDataReader row, Batch<CacheKey, StoredEntry?> batch)
    {
        var keys = (KeyIndex)batch.State!;
        var key = row.GetString(1);
        StoredEntry? entry = null;
        for (var i = keys.Find(row.GetInt64(0)); i >= 0; i = keys.Before(i))
        {
            if (batch.Requests[i].Text != key) continue;
            // To each a value of its own: what a caller does to its bytes is its own affair.
            batch.SetResult(i, entry = entry is null
                ? new StoredEntry(row.IsDBNull(2) ? null : row.GetFieldValue<byte[]>(2), row.GetInt32(3), row.GetInt16(4) == 1, row.GetBoolean(5), row.GetDateTime(6))
                : entry with { Value = (byte[]?)entry.Value?.Clone() });
        }
    }

    public override StoredEntry? WithoutRow(int index, Batch<CacheKey, StoredEntry?> batch) => null;
}

/// <summary>Entries with tags, and the versions their stamps are compared with.</summary>
internal sealed class TaggedReadStatement(string schema) : BatchedStatement<TaggedKey, TaggedRead>
{
    public override string Name => "read_tagged";
    public override string Sql { get; } = SqlFile.Beside<PostgresStore>("read_tagged").In(schema);
    public override bool IsRepeatable => true;
    public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<long[]>(), new NpgsqlParameter<long[]>()];

    public override void Bind(Batch<TaggedKey, TaggedRead> batch, NpgsqlParameter[] parameters)
    {
        var found = new Found(batch.Requests.Count);
        var tags = new HashSet<long>(batch.Requests.Count * 4);
        for (var i = 0; i < batch.Requests.Count; i++)
        {
            found.Keys.Add(batch.Requests[i].Key.Hash, i);
            foreach (var tag in batch.Requests[i].Tags) tags.Add(tag);
        }

        batch.State = found;
        ((NpgsqlParameter<long[]>)parameters[0]).TypedValue = found.Keys.Hashes;
        ((NpgsqlParameter<long[]>)parameters[1]).TypedValue = [.. tags];
    }

    public override void Read(NpgsqlDataReader row, Batch<TaggedKey, TaggedRead> batch)
    {
        var found = (Found)batch.State!;
        if (!row.IsDBNull(9))
        {
            found.Versions[row.GetInt64(0)] = row.GetInt64(9);
            return;
        }

        var key = row.GetString(1);
        TaggedRead? read = null;
        for (var i = found.Keys.Find(row.GetInt64(0)); i >= 0; i = found.Keys.Before(i))
        {
            if (batch.Requests[i].Key.Text == key) batch.SetResult(i, read ??= new TaggedRead(ReadEntry(row), found.Versions));
        }
    }

    public override TaggedRead WithoutRow(int index, Batch<TaggedKey, TaggedRead> batch) => new(null, ((Found)batch.State!).Versions);

    private static TaggedEntry? ReadEntry(NpgsqlDataReader row) => row.IsDBNull(7) ? null : new TaggedEntry(
        row.IsDBNull(2) ? null : row.GetFieldValue<byte[]>(2), row.GetInt32(3), row.GetInt16(4) == 1,
        TimeSpan.FromSeconds(row.GetDouble(5)), row.GetDateTime(6), row.GetFieldValue<long[]>(7), row.GetFieldValue<long[]>(8));

    private sealed class Found(int requests)
    {
        public readonly KeyIndex Keys = new(requests);
        public readonly Dictionary<long, long> Versions = [];
    }
}

/// <summary>The value of one large entry: alone, so that nobody waits for its transfer but who asked.</summary>
internal sealed class LargeReadStatement(string schema) : BatchedStatement<LargeEntry, byte[]?>
{
    public override string Name => "read_large";
    public override string Sql { get; } = SqlFile.Beside<PostgresStore>("read_large").In(schema);
    public override int MaxBatch => 1;
    public override bool IsRepeatable => true;
    public override long? Affinity(LargeEntry request) => request.Hash;
    public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<long>(), new NpgsqlParameter<DateTime>()];

    public override void Bind(Batch<LargeEntry, byte[]?> batch, NpgsqlParameter[] parameters)
    {
        ((NpgsqlParameter<long>)parameters[0]).TypedValue = batch.Requests[0].Hash;
        ((NpgsqlParameter<DateTime>)parameters[1]).TypedValue = batch.Requests[0].CreatedAt;
    }

    public override void Read(NpgsqlDataReader row, Batch<LargeEntry, byte[]?> batch) => batch.SetResult(0, row.GetFieldValue<byte[]>(0));

    public override byte[]? WithoutRow(int index, Batch<LargeEntry, byte[]?> batch) => null;
}
