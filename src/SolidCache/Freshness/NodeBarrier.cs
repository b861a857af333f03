using Npgsql;
using SolidCache.Lanes;

namespace SolidCache.Freshness;

/// <summary>
/// What an answer of success means: every node has applied the change, or can't answer from memory any more. Waiters share their
/// look at the nodes.
/// </summary>
internal sealed class NodeBarrier(LaneSet lanes, string schema, FreshnessOptions options, FreshnessState state, InvalidationPoll poll, IInvalidationChannel[] channels, TimeProvider clock)
{
    // Clocks run at different speeds, and an answer may be on its way when a lease ends.
    private static readonly TimeSpan Margin = TimeSpan.FromMilliseconds(100);
    // As long as FreshnessOptions.Lease can be.
    private static readonly TimeSpan LongestPossibleLease = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(20);

    private readonly BatchedCall<bool, IReadOnlyList<Node>> _nodes = lanes.Add(new ReadNodesStatement(schema));

    /// <summary>Applies the change on this node and wakes the others, without waiting for them.</summary>
    public void Announce(Revision revision)
    {
        if (revision.IsEmpty) return;
        if (!options.IsOff(Mechanisms.Stamp)) state.Learn(revision);
        Publish(revision);
    }

    /// <summary>Waits at most for the longest lease of a registered node, or that any may have while nobody can tell. Call it when the commit has been answered.</summary>
    /// <exception cref="OperationCanceledException">Nothing can be said about the other nodes; the change is committed all the same.</exception>
    public async ValueTask WaitAsync(Revision revision, CancellationToken ct)
    {
        if (revision.IsEmpty) return;
        using var activity = CacheTelemetry.Activities.StartActivity("solid_cache.barrier");
        var began = clock.GetTimestamp();
        var learntIn = options.IsOff(Mechanisms.Stamp) ? state.Lease.Era : state.Learn(revision);
        if (options.IsOff(Mechanisms.Barrier)) return;
        Publish(revision);
        var longest = poll.LongestLease;
        // Until the table of nodes has been seen once since the commit, one may be in it that registered after this node's last poll.
        var hasLooked = false;
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                var nodes = await _nodes.ExecuteAsync(true, ct).ConfigureAwait(false);
                foreach (var node in nodes) if (node.Lease > longest) longest = node.Lease;
                hasLooked = true;
                // Without this node's own row the table is not to be trusted: a stand-by may have been promoted that had not heard of the nodes.
                var isWhole = options.IsOff(Mechanisms.Registration) || nodes.Any(node => node.Id == poll.NodeId);
                if (isWhole && nodes.All(node => HasApplied(node, revision, learntIn, longest))) break;
            }
            catch (Exception) when (!ct.IsCancellationRequested)
            {
                // Without the server nobody keeps a lease: time does what the nodes can't say.
            }

            if (clock.GetElapsedTime(began) >= (hasLooked ? longest : LongestPossibleLease) + Margin) break;
            await Task.Delay(pause, clock, ct).ConfigureAwait(false);
        }

        CacheTelemetry.Barrier(clock.GetElapsedTime(began));
    }

    /// <summary>By the quickest channel that works: two of them would have every node ask twice. What gets lost on it costs a poll's interval.</summary>
    private void Publish(Revision revision)
    {
        foreach (var channel in channels) if (channel.Publish(revision)) return;
    }

    private bool HasApplied(Node node, Revision revision, Era? learntIn, TimeSpan longest)
    {
        // In a young incarnation there may be nodes that still trust the one before, and whose registration got lost.
        if (node.Epoch != revision.Epoch || node.EpochAge is not { } age || age < longest + Margin) return false;
        // This one needs no row to say so, unless it has begun anew in between: then it may have asked before the commit.
        if (node.Id == poll.NodeId && learntIn is not null && ReferenceEquals(state.Lease.Era, learntIn)) return true;
        return Array.TrueForAll(revision.Xids, node.Applied.Sees);
    }

    private sealed record Node(Guid Id, TimeSpan Lease, Guid Epoch, PgSnapshot Applied, TimeSpan? EpochAge);

    private sealed class ReadNodesStatement(string schema) : BatchedStatement<bool, IReadOnlyList<Node>>
    {
        public override string Name => "read_nodes";
        public override string Sql { get; } = SqlFile.Beside<NodeBarrier>("read_nodes").In(schema);
        public override int MaxBatch => 1024;
        public override bool IsRepeatable => true;
        public override long? Affinity(bool request) => 1;
        public override NpgsqlParameter[] CreateParameters() => [];
        public override void Bind(Batch<bool, IReadOnlyList<Node>> batch, NpgsqlParameter[] parameters) => batch.State = new List<Node>();

        public override void Read(NpgsqlDataReader row, Batch<bool, IReadOnlyList<Node>> batch) => ((List<Node>)batch.State!).Add(new Node(
            row.GetGuid(0), row.GetTimeSpan(1), row.GetGuid(2), PgSnapshot.Parse(row.GetString(3)), row.IsDBNull(4) ? null : row.GetTimeSpan(4)));

        public override IReadOnlyList<Node> WithoutRow(int index, Batch<bool, IReadOnlyList<Node>> batch) => (List<Node>)batch.State!;
    }
}
