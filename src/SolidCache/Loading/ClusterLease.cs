using Npgsql;
using SolidCache.Lanes;

namespace SolidCache.Loading;

/// <summary>Elects one loader of a key among all nodes. Only spares work: losing it costs a second load, never a wrong answer.</summary>
internal sealed class ClusterLease(LaneSet lanes, string schema)
{
    /// <summary>A loader that takes longer gets company.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromSeconds(10);

    private readonly BatchedCall<Claim, bool> _enter = lanes.Add(new EnterStatement(schema));
    private readonly BatchedCall<Claim, bool> _leave = lanes.Add(new LeaveStatement(schema));

    public Task<bool> TryEnterAsync(CacheKey key, Guid owner, CancellationToken ct) => _enter.ExecuteAsync(new Claim(key, owner), ct);

    /// <summary>Gives the key to whoever waits. A failure leaves it to time.</summary>
    public async Task LeaveAsync(CacheKey key, Guid owner)
    {
        try
        {
            await _leave.ExecuteAsync(new Claim(key, owner), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It lapses.
        }
    }

    private readonly record struct Claim(CacheKey Key, Guid Owner)
    {
        public string Name => "load:" + Key.Text;
    }

    private sealed class EnterStatement(string schema) : BatchedStatement<Claim, bool>
    {
        public override string Name => "lease_enter";
        public override string Sql { get; } = SqlFile.Beside<ClusterLease>("enter").In(schema);
        public override long? Affinity(Claim request) => request.Key.Hash;
        public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<string[]>(), new NpgsqlParameter<Guid[]>(), new NpgsqlParameter<double>()];

        public override void Bind(Batch<Claim, bool> batch, NpgsqlParameter[] parameters)
        {
            ((NpgsqlParameter<string[]>)parameters[0]).TypedValue = [.. batch.Requests.Select(c => c.Name)];
            ((NpgsqlParameter<Guid[]>)parameters[1]).TypedValue = [.. batch.Requests.Select(c => c.Owner)];
            ((NpgsqlParameter<double>)parameters[2]).TypedValue = Length.TotalSeconds;
        }

        public override void Read(NpgsqlDataReader row, Batch<Claim, bool> batch)
        {
            var owner = row.GetGuid(0);
            for (var i = 0; i < batch.Requests.Count; i++) if (batch.Requests[i].Owner == owner) batch.SetResult(i, true);
        }

        public override bool WithoutRow(int index, Batch<Claim, bool> batch) => false;
    }

    private sealed class LeaveStatement(string schema) : BatchedStatement<Claim, bool>
    {
        public override string Name => "lease_leave";
        public override string Sql { get; } = SqlFile.Beside<ClusterLease>("leave").In(schema);
        public override bool IsRepeatable => true;
        public override long? Affinity(Claim request) => request.Key.Hash;
        public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<Guid[]>(), new NpgsqlParameter<string[]>()];

        public override void Bind(Batch<Claim, bool> batch, NpgsqlParameter[] parameters)
        {
            ((NpgsqlParameter<Guid[]>)parameters[0]).TypedValue = [.. batch.Requests.Select(c => c.Owner)];
            ((NpgsqlParameter<string[]>)parameters[1]).TypedValue = [.. batch.Requests.Select(c => c.Name)];
        }

        public override void Read(NpgsqlDataReader row, Batch<Claim, bool> batch)
        {
            // Returns none.
        }

        public override bool WithoutRow(int index, Batch<Claim, bool> batch) => true;
    }
}
