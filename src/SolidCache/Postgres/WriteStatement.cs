using Npgsql;
using NpgsqlTypes;
using SolidCache.Lanes;

namespace SolidCache.Postgres;

/// <summary>Stores entries; of several for one key the last.</summary>
internal sealed class WriteStatement(string schema, TimeSpan longestLife) : BatchedStatement<EntryWrite, bool>
{
    public override string Name => "write";
    public override string Sql { get; } = SqlFile.Beside<PostgresStore>("write").In(schema);
    public override int MaxBatch => 64;
    public override bool IsRepeatable => true;
    public override long Weigh(EntryWrite request) => request.Value.Length;
    public override long? Affinity(EntryWrite request) => request.Key.Hash;

    public override NpgsqlParameter[] CreateParameters() =>
    [
        new NpgsqlParameter<long[]>(), new NpgsqlParameter<string[]>(), new NpgsqlParameter<byte[][]>(), new NpgsqlParameter<double?[]>(),
        new NpgsqlParameter<DateTime?[]> { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz }, new NpgsqlParameter<double?[]>(),
        new NpgsqlParameter<Guid?[]>(), new NpgsqlParameter<int[]>(), new NpgsqlParameter<long[]>(), new NpgsqlParameter<long[]>(),
        new NpgsqlParameter<double>(),
    ];

    public override void Bind(Batch<EntryWrite, bool> batch, NpgsqlParameter[] parameters)
    {
        var last = new Dictionary<long, EntryWrite>(batch.Requests.Count);
        foreach (var write in batch.Requests) last[write.Key.Hash] = write;
        var writes = last.Values.ToArray();
        Array.Sort(writes, static (a, b) => a.Key.Hash.CompareTo(b.Key.Hash));

        var tagEnds = new int[writes.Length];
        var tags = new List<long>();
        var stamps = new List<long>();
        for (var i = 0; i < writes.Length; i++)
        {
            tags.AddRange(writes[i].TagHashes ?? []);
            stamps.AddRange(writes[i].Stamps ?? []);
            tagEnds[i] = tags.Count;
        }

        Set(0, Array.ConvertAll(writes, w => w.Key.Hash));
        Set(1, Array.ConvertAll(writes, w => w.Key.Text));
        Set(2, Array.ConvertAll(writes, w => w.Value));
        Set(3, Array.ConvertAll(writes, w => w.Lifetime?.TotalSeconds));
        Set(4, Array.ConvertAll(writes, w => w.Expiration?.UtcDateTime));
        Set(5, Array.ConvertAll(writes, w => w.Sliding?.TotalSeconds));
        Set(6, Array.ConvertAll(writes, w => w.Epoch));
        Set(7, tagEnds);
        Set<long[]>(8, [.. tags]);
        Set<long[]>(9, [.. stamps]);
        Set(10, longestLife.TotalSeconds);

        void Set<T>(int i, T value) => ((NpgsqlParameter<T>)parameters[i]).TypedValue = value;
    }

    public override void Read(NpgsqlDataReader row, Batch<EntryWrite, bool> batch)
    {
        // Returns none.
    }

    public override bool WithoutRow(int index, Batch<EntryWrite, bool> batch) => true;
}

/// <summary>Removes entries.</summary>
internal sealed class RemoveStatement(string schema) : BatchedStatement<CacheKey, bool>
{
    public override string Name => "remove";
    public override string Sql { get; } = SqlFile.Beside<PostgresStore>("remove").In(schema);
    public override bool IsRepeatable => true;
    public override long? Affinity(CacheKey request) => request.Hash;
    public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<long[]>(), new NpgsqlParameter<string[]>()];

    public override void Bind(Batch<CacheKey, bool> batch, NpgsqlParameter[] parameters)
    {
        ((NpgsqlParameter<long[]>)parameters[0]).TypedValue = [.. batch.Requests.Select(k => k.Hash)];
        ((NpgsqlParameter<string[]>)parameters[1]).TypedValue = [.. batch.Requests.Select(k => k.Text)];
    }

    public override void Read(NpgsqlDataReader row, Batch<CacheKey, bool> batch)
    {
        // Returns none.
    }

    public override bool WithoutRow(int index, Batch<CacheKey, bool> batch) => true;
}

/// <summary>Moves the end of sliding entries.</summary>
internal sealed class SlideStatement(string schema) : BatchedStatement<EntrySlide, bool>
{
    public override string Name => "slide";
    public override string Sql { get; } = SqlFile.Beside<PostgresStore>("slide").In(schema);
    public override bool IsRepeatable => true;
    public override long? Affinity(EntrySlide request) => request.Key.Hash;

    public override NpgsqlParameter[] CreateParameters() =>
        [new NpgsqlParameter<long[]>(), new NpgsqlParameter<string[]>(), new NpgsqlParameter<DateTime?[]> { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz }];

    public override void Bind(Batch<EntrySlide, bool> batch, NpgsqlParameter[] parameters)
    {
        ((NpgsqlParameter<long[]>)parameters[0]).TypedValue = [.. batch.Requests.Select(s => s.Key.Hash)];
        ((NpgsqlParameter<string[]>)parameters[1]).TypedValue = [.. batch.Requests.Select(s => s.Key.Text)];
        ((NpgsqlParameter<DateTime?[]>)parameters[2]).TypedValue = [.. batch.Requests.Select(s => s.CreatedAt)];
    }

    public override void Read(NpgsqlDataReader row, Batch<EntrySlide, bool> batch)
    {
        // Returns none.
    }

    public override bool WithoutRow(int index, Batch<EntrySlide, bool> batch) => true;
}

/// <summary>Marks entries as used.</summary>
internal sealed class TouchStatement(string schema) : BatchedStatement<long, bool>
{
    public override string Name => "touch";
    public override string Sql { get; } = SqlFile.Beside<PostgresStore>("touch").In(schema);
    public override int MaxQueued => 1024;
    public override bool IsRepeatable => true;
    public override long? Affinity(long request) => request;
    public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<long[]>()];

    public override void Bind(Batch<long, bool> batch, NpgsqlParameter[] parameters) =>
        ((NpgsqlParameter<long[]>)parameters[0]).TypedValue = [.. batch.Requests];

    public override void Read(NpgsqlDataReader row, Batch<long, bool> batch)
    {
        // Returns none.
    }

    public override bool WithoutRow(int index, Batch<long, bool> batch) => true;
}
