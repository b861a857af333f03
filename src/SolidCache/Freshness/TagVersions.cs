using Npgsql;
using SolidCache.Lanes;

namespace SolidCache.Freshness;

/// <summary>The table of tag versions: bumped through a lane for many callers at once, or within a caller's transaction.</summary>
internal sealed class TagVersions(LaneSet lanes, string schema)
{
    private readonly BatchedCall<Bump, (Revision Revision, bool IsLast)> _bump = lanes.Add(new BumpStatement(schema));
    private readonly BatchedCall<long[], ReadVersions> _read = lanes.Add(new ReadVersionsStatement(schema));
    private readonly string _bumpText = SqlFile.Beside<TagVersions>("bump").In(schema);
    private readonly string _readOwnText = SqlFile.Beside<TagVersions>("read_own").In(schema);

    /// <summary>New versions for the tags, committed durably.</summary>
    public async Task<Revision> BumpAsync(long[] tags, CancellationToken ct) => (await _bump.ExecuteAsync(new Bump(tags, IsForValue: false), ct).ConfigureAwait(false)).Revision;

    /// <summary>
    /// A new version for a key, and whether the value may be stored under it. Callers who come at once share a statement, and so a version; of
    /// those with a value one is the last, and the others' values count as overwritten.
    /// </summary>
    public Task<(Revision Revision, bool IsLast)> BumpForValueAsync(long tag, CancellationToken ct) => _bump.ExecuteAsync(new Bump([tag], IsForValue: true), ct);

    public Task<ReadVersions> ReadAsync(long[] tags, CancellationToken ct) => _read.ExecuteAsync(tags, ct);

    /// <summary>New versions for the tags as part of a transaction, and all else that it has bumped: by triggers, by cascades.</summary>
    public async Task<Revision> BumpAsync(NpgsqlTransaction transaction, long[] tags, CancellationToken ct)
    {
        var connection = transaction.Connection ?? throw new InvalidOperationException("The transaction has ended.");
        var batch = new NpgsqlBatch(connection, transaction);
        await using var _ = batch.ConfigureAwait(false);
        if (tags.Length > 0)
            batch.BatchCommands.Add(new NpgsqlBatchCommand(_bumpText) { Parameters = { new NpgsqlParameter<long[]> { TypedValue = tags } } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(_readOwnText));
        using var timing = SlowStatements.Time(batch);
        await batch.PrepareAsync(ct).ConfigureAwait(false);
        var reader = await batch.ExecuteReaderAsync(ct).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        if (tags.Length > 0) await reader.NextResultAsync(ct).ConfigureAwait(false);
        var versions = new Dictionary<long, long>();
        var (epoch, xid) = (Guid.Empty, 0UL);
        while (await reader.ReadAsync(ct).ConfigureAwait(false))
        {
            var (tagHashes, bumped) = (reader.GetFieldValue<long[]>(0), reader.GetFieldValue<long[]>(1));
            for (var i = 0; i < tagHashes.Length; i++) versions[tagHashes[i]] = bumped[i];
            xid = reader.GetFieldValue<ulong>(2);
            if (!await reader.IsDBNullAsync(3, ct).ConfigureAwait(false)) epoch = reader.GetGuid(3);
        }

        return versions.Count == 0 ? Revision.None : new Revision(epoch, [xid], [.. versions.Keys], [.. versions.Values]);
    }

    private readonly record struct Bump(long[] Tags, bool IsForValue);

    private sealed class BumpStatement(string schema) : BatchedStatement<Bump, (Revision Revision, bool IsLast)>
    {
        public override string Name => "bump";
        public override string Sql { get; } = SqlFile.Beside<TagVersions>("bump").In(schema);
        public override bool IsRepeatable => true;   // a second new version is as good as one
        public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<long[]>()];

        public override void Bind(Batch<Bump, (Revision Revision, bool IsLast)> batch, NpgsqlParameter[] parameters) =>
            ((NpgsqlParameter<long[]>)parameters[0]).TypedValue = [.. batch.Requests.SelectMany(bump => bump.Tags).Distinct()];

        public override void Read(NpgsqlDataReader row, Batch<Bump, (Revision Revision, bool IsLast)> batch)
        {
            var (tagHashes, versions) = (row.GetFieldValue<long[]>(0), row.GetFieldValue<long[]>(1));
            var epoch = row.IsDBNull(3) ? Guid.Empty : row.GetGuid(3);
            ulong[] xid = [row.GetFieldValue<ulong>(2)];
            var set = new HashSet<long>();
            for (var i = batch.Requests.Count - 1; i >= 0; i--)
            {
                var tags = batch.Requests[i].Tags;
                // The server gives them in ascending order.
                var revision = new Revision(epoch, xid, tags, Array.ConvertAll(tags, tag => versions[Array.BinarySearch(tagHashes, tag)]));
                batch.SetResult(i, (revision, batch.Requests[i].IsForValue && set.Add(tags[0])));
            }
        }

        public override (Revision Revision, bool IsLast) WithoutRow(int index, Batch<Bump, (Revision Revision, bool IsLast)> batch) => (Revision.None, false);
    }

    private sealed class ReadVersionsStatement(string schema) : BatchedStatement<long[], ReadVersions>
    {
        public override string Name => "read_versions";
        public override string Sql { get; } = SqlFile.Beside<TagVersions>("read").In(schema);
        public override bool IsRepeatable => true;
        public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<long[]>()];

        public override void Bind(Batch<long[], ReadVersions> batch, NpgsqlParameter[] parameters)
        {
            batch.State = new ReadVersions();
            ((NpgsqlParameter<long[]>)parameters[0]).TypedValue = [.. batch.Requests.SelectMany(tags => tags).Distinct()];
        }

        public override void Read(NpgsqlDataReader row, Batch<long[], ReadVersions> batch) =>
            ((ReadVersions)batch.State!).Rows[row.GetInt64(0)] = (row.GetInt64(1), row.GetFieldValue<ulong>(2));

        public override ReadVersions WithoutRow(int index, Batch<long[], ReadVersions> batch) => (ReadVersions)batch.State!;
    }
}

/// <summary>Versions as read for a batch of callers; others' tags may be among them.</summary>
internal sealed class ReadVersions
{
    public Dictionary<long, (long Version, ulong Xid)> Rows { get; } = [];
}
