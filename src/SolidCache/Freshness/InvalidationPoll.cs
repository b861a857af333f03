using System.Data;
using Microsoft.Extensions.Logging;
using Npgsql;
using SolidCache.Memory;

namespace SolidCache.Freshness;

/// <summary>
/// Keeps this node's knowledge and its lease: asks the primary again and again what became invalid, and may answer from memory for
/// a lease after the beginning of each question that was answered. All else that brings news is allowed to fail; this is not.
/// </summary>
/// <remarks>Source: docs/cache/freshness.md, "Learning of invalidations".</remarks>
internal sealed partial class InvalidationPoll(
    NpgsqlDataSource db, string schema, FreshnessOptions options, FreshnessState state, MemoryStore memory, TimeProvider clock, ILogger logger) : IDisposable
{
    // Rows of the log that were read again because of an open transaction elsewhere: above this, ask less often.
    private const int ManyRows = 1000;
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(1);

    private readonly string _poll = SqlFile.Beside<InvalidationPoll>("poll").In(schema);
    private readonly string _beginEpoch = SqlFile.Beside<InvalidationPoll>("begin_epoch").In(schema);
    private readonly string _register = SqlFile.Beside<InvalidationPoll>("register").In(schema);
    private readonly string _readPruned = SqlFile.Beside<InvalidationPoll>("read_pruned").In(schema);
    private readonly string _heartbeat = SqlFile.Beside<InvalidationPoll>("heartbeat").In(schema);
    private readonly string _deregister = SqlFile.Beside<InvalidationPoll>("deregister").In(schema);
    private readonly string _removeNodes = SqlFile.Beside<InvalidationPoll>("remove_nodes").In(schema);
    private readonly SemaphoreSlim _wake = new(0, 1);

    private NpgsqlConnection? _connection;
    private Answer? _last;
    private long _heartbeatAt;
    private long _beganAt;
    private bool _hasLease;
    private TimeSpan _interval = Shortest(options.PollInterval, options.Lease / 4);

    /// <summary>This process among the nodes; random, so that a restart is another node.</summary>
    public Guid NodeId { get; } = Guid.CreateVersion7();

    /// <summary>The longest lease of any node, as last heard.</summary>
    public TimeSpan LongestLease { get; private set; } = options.Lease;

    /// <summary>When a poll last succeeded, as a timestamp; 0: never.</summary>
    public long PolledAt => state.Lease.AsOf;

    /// <summary>Polls that brought something, for tests and meters.</summary>
    public long RowsRead { get; private set; }

    /// <summary>Ask now: somebody has changed something. Any number of calls before the next poll are one.</summary>
    public void Wake()
    {
        if (_wake.CurrentCount > 0) return;
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // Somebody else did.
        }
    }

    /// <summary>Polls until it is told to stop; then stops answering and deregisters.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        var failures = 0;
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await PollAsync(ct).ConfigureAwait(false);
                _hasLease = true;
                if (failures > 0) LogRecovered(failures);
                failures = 0;
                await PauseAsync(_interval, ct).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                if (failures++ == 0) LogFailed(e, options.Lease);
                CacheTelemetry.PollFailed();
                if (_hasLease && !state.IsLeaseHeld)
                {
                    _hasLease = false;
                    CacheTelemetry.LeaseLost();
                }

                await DropConnectionAsync().ConfigureAwait(false);
                await PauseAsync(Shortest(_interval * (1 << Math.Min(failures, 5)), TimeSpan.FromSeconds(1)), ct).ConfigureAwait(false);
            }
        }

        await StopAsync().ConfigureAwait(false);
    }

    /// <summary>One round: what became visible is applied, and the lease begins anew.</summary>
    public async Task PollAsync(CancellationToken ct)
    {
        var answer = await AskAsync(_last?.Snapshot ?? PgSnapshot.Nothing, ct).ConfigureAwait(false);
        if (MustBegin(answer)) answer = await BeginAsync(ct).ConfigureAwait(false);
        else if (!answer.IsRegistered) answer = await RegisterAgainAsync(ct).ConfigureAwait(false);

        Apply(answer);
        if (answer.TagHashes.Count > 0 || clock.GetElapsedTime(_heartbeatAt) > (options.LeaseByHeartbeat ? _interval : options.Lease / 2))
            await HeartbeatAsync(answer, ct).ConfigureAwait(false);
        else if (options.LeaseByHeartbeat)
            return;   // the lease goes on from the last heartbeat, not from this question

        state.Lease = LeaseFrom(answer);
    }

    public void Dispose() => _wake.Dispose();

    /// <summary>Whether what this node knows can't be carried on.</summary>
    private bool MustBegin(Answer answer)
    {
        if (_last is null || state.Known.IsFull) return true;
        // An older snapshot is one of a copy of the database that was put in its place whole.
        if (answer.Epoch is null || answer.Epoch != _last.Epoch || answer.Snapshot.IsBefore(_last.Snapshot)) return !options.IsOff(Mechanisms.Epoch);
        if (options.IsOff(Mechanisms.Pruning)) return false;
        var moved = answer.DatabaseTime - _last.DatabaseTime;
        // Between two moments of this node's own clock that are certain: the sending of one question and the receipt of the other's answer.
        var least = clock.GetElapsedTime(_last.ReceivedAt, answer.SentAt) - ClockTolerance;
        var most = clock.GetElapsedTime(_last.SentAt, answer.ReceivedAt) + ClockTolerance;
        // Less a margin: a poll's snapshot and its time are not of one instant, nor are those of the snapshots that pruning goes by.
        return moved >= options.Retention - options.Margin || moved < least || moved > most;
    }

    /// <summary>As on first start: nothing known, nothing kept; registered before the snapshot; then the whole log.</summary>
    private async Task<Answer> BeginAsync(CancellationToken ct)
    {
        _beganAt = clock.GetTimestamp();
        state.Lease = Lease.None;
        memory.Clear();
        state.Known.Clear();
        _last = null;
        await ExecuteAsync(_beginEpoch, ct).ConfigureAwait(false);
        var epoch = await RegisterAsync(PgSnapshot.Nothing, ct).ConfigureAwait(false);
        var answer = await AskAsync(PgSnapshot.Nothing, ct).ConfigureAwait(false);
        if (epoch is null || answer.Epoch != epoch) throw new InvalidOperationException("The database began anew meanwhile.");
        if (!answer.IsRegistered) throw new InvalidOperationException("The node was away for so long that its registration went.");
        state.Horizon.Begin(await ScalarAsync(_readPruned, ct).ConfigureAwait(false) as ulong? ?? 0, answer.SentAt);
        LogBegan(epoch);
        return answer;
    }

    /// <summary>What was learnt is still exact; only nobody waits for this node any more. So: register first, ask then.</summary>
    private async Task<Answer> RegisterAgainAsync(CancellationToken ct)
    {
        await RegisterAsync(_last!.Snapshot, ct).ConfigureAwait(false);
        var answer = await AskAsync(_last.Snapshot, ct).ConfigureAwait(false);
        if (!answer.IsRegistered || MustBegin(answer)) throw new InvalidOperationException("The node could not register.");
        return answer;
    }

    private async Task<Guid?> RegisterAsync(PgSnapshot applied, CancellationToken ct)
    {
        if (options.IsOff(Mechanisms.Registration)) return (await AskAsync(PgSnapshot.Nothing, ct).ConfigureAwait(false)).Epoch;
        var epoch = (Guid?)await ScalarAsync(_register, ct, NodeId, options.Lease, applied.Text).ConfigureAwait(false);
        _heartbeatAt = clock.GetTimestamp();
        return epoch;
    }

    private void Apply(Answer answer)
    {
        if (!options.IsOff(Mechanisms.Stamp))
        {
            for (var i = 0; i < answer.TagHashes.Count; i++) state.Known.Learn(answer.TagHashes[i], answer.Versions[i]);
        }

        state.Horizon.Add(answer.Snapshot, answer.SentAt, options.Retention);
        state.NodeCount = answer.NodeCount;
        RowsRead += answer.TagHashes.Count;
        var slow = answer.LogRowsRead > ManyRows ? 2 : 1;
        _interval = Shortest(options.PollInterval * slow, options.Lease / 4);
        LongestLease = answer.LongestLease is { } longest && longest > options.Lease ? longest : options.Lease;
        CacheTelemetry.Polled(answer.TagHashes.Count, answer.LogRowsRead - answer.TagHashes.Count);
        _last = answer;
        if (answer.TagHashes.Count > 0) state.TellNews();
    }

    private async Task HeartbeatAsync(Answer answer, CancellationToken ct)
    {
        var sentAt = clock.GetTimestamp();
        if (options.IsOff(Mechanisms.Registration)) return;
        var mode = options.LeaseByHeartbeat ? "on" : "off";
        var found = await ScalarAsync(_heartbeat, ct, NodeId, answer.Snapshot.Text, answer.Epoch ?? Guid.Empty, mode).ConfigureAwait(false);
        if (found is null && !options.IsOff(Mechanisms.Epoch)) throw new InvalidOperationException("The node's registration is gone.");
        _heartbeatAt = sentAt;
        // By the time of a question whose time was found right, and not soon after beginning anew: that may have been because the server's clock
        // was set forward, and nodes that have not noticed yet look long dead then.
        if (clock.GetElapsedTime(_beganAt) > (LongestLease * 2) + ClockTolerance) await ScalarAsync(_removeNodes, ct, answer.DatabaseTime).ConfigureAwait(false);
    }

    private Lease LeaseFrom(Answer answer)
    {
        var era = state.Lease.Era is { } current && (current.Epoch == answer.Epoch || options.IsOff(Mechanisms.Epoch)) ? current : new Era(answer.Epoch!.Value);
        if (options.IsOff(Mechanisms.Lease)) return new Lease(era, answer.Snapshot, answer.SentAt, long.MaxValue, long.MaxValue, answer.DatabaseTime);
        return new Lease(era, answer.Snapshot, answer.SentAt, answer.SentAt + state.Ticks(options.Lease), answer.SentAtUtc + options.Lease.Ticks, answer.DatabaseTime);
    }

    private async Task<Answer> AskAsync(PgSnapshot since, CancellationToken ct)
    {
        var connection = await ConnectAsync(ct).ConfigureAwait(false);
        var command = Command(_poll, connection, NodeId, since.Text);
        await using var _ = command.ConfigureAwait(false);
        await command.PrepareAsync(ct).ConfigureAwait(false);
        var (sentAt, sentAtUtc) = (clock.GetTimestamp(), clock.GetUtcNow().UtcTicks);
        using var timing = SlowStatements.Time(command);
        var row = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        await using var __ = row.ConfigureAwait(false);
        Answer? answer = null;
        while (await row.ReadAsync(ct).ConfigureAwait(false))
        {
            if (row.GetBoolean(2)) throw new InvalidOperationException("The server is a standby: the cache needs the primary.");
            answer ??= new Answer(
                PgSnapshot.Parse(row.GetString(0)), row.GetDateTime(1), row.IsDBNull(3) ? null : row.GetGuid(3),
                row.GetBoolean(4) || options.IsOff(Mechanisms.Registration),
                row.IsDBNull(5) ? null : row.GetTimeSpan(5), row.GetInt64(6), (int)row.GetInt64(7), sentAt, sentAtUtc);
            if (row.IsDBNull(8)) continue;
            answer.TagHashes.Add(row.GetFieldValue<long[]>(8));
            answer.Versions.Add(row.GetFieldValue<long[]>(9));
        }

        return answer! with { ReceivedAt = clock.GetTimestamp() };
    }

    private async Task StopAsync()
    {
        // First no answer, then no registration: in between, changes wait for a node that is silent.
        state.Lease = state.Lease.Ended;
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), clock);
            if (_last is not null) await ScalarAsync(_deregister, limit.Token, NodeId).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            LogNotDeregistered(e, options.Lease);
        }

        await DropConnectionAsync().ConfigureAwait(false);
    }

    private async Task PauseAsync(TimeSpan interval, CancellationToken ct)
    {
        try
        {
            // Someone who changes a lot wakes all the time: not more than one poll in two milliseconds.
            await Task.Delay(ShortestPause, clock, ct).ConfigureAwait(false);
            await _wake.WaitAsync(interval - ShortestPause, ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // The loop sees it.
        }
    }

    private async Task ExecuteAsync(string sql, CancellationToken ct) => await ScalarAsync(sql, ct).ConfigureAwait(false);

    private async Task<object?> ScalarAsync(string sql, CancellationToken ct, params object[] values)
    {
        var connection = await ConnectAsync(ct).ConfigureAwait(false);
        var command = Command(sql, connection, values);
        await using var _ = command.ConfigureAwait(false);
        using var timing = SlowStatements.Time(command);
        await command.PrepareAsync(ct).ConfigureAwait(false);
        return await command.ExecuteScalarAsync(ct).ConfigureAwait(false);
    }

    private static NpgsqlCommand Command(string sql, NpgsqlConnection connection, params object[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }

    private async ValueTask<NpgsqlConnection> ConnectAsync(CancellationToken ct)
    {
        if (_connection is { FullState: ConnectionState.Open } open) return open;
        await DropConnectionAsync().ConfigureAwait(false);
        return _connection = await db.OpenConnectionAsync(ct).ConfigureAwait(false);
    }

    private async ValueTask DropConnectionAsync()
    {
        if (_connection is not { } connection) return;
        _connection = null;
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private static TimeSpan Shortest(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private sealed record Answer(
        PgSnapshot Snapshot, DateTime DatabaseTime, Guid? Epoch, bool IsRegistered, TimeSpan? LongestLease, long LogRowsRead, int NodeCount, long SentAt, long SentAtUtc)
    {
        public List<long[]> TagHashes { get; } = [];
        public List<long[]> Versions { get; } = [];
        public long ReceivedAt { get; init; }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The poll for invalidations failed. The node answers from memory until its lease of {Lease} ends, and goes on trying.")]
    private partial void LogFailed(Exception exception, TimeSpan lease);

    [LoggerMessage(Level = LogLevel.Information, Message = "The poll for invalidations succeeds again after {Failures} failures.")]
    private partial void LogRecovered(int failures);

    [LoggerMessage(Level = LogLevel.Information, Message = "The node begins with empty memory in epoch {Epoch}.")]
    private partial void LogBegan(Guid? epoch);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The node could not deregister. Changes elsewhere wait for up to {Lease} until it is forgotten.")]
    private partial void LogNotDeregistered(Exception exception, TimeSpan lease);
}
