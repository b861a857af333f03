using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using AuthService.Database;
using Npgsql;

namespace AuthService.Audit;

/// <summary>
/// Puts each event into the chain of seals (<see cref="AuditSeals"/>), a fraction of a second after it was written; one node at a time, by a lease. The lease only spares
/// the others the work: that a chain never forks is in <c>append_seals</c>, which moves its end from where this sealer knows it, in one statement with the seals.
/// </summary>
/// <remarks>
/// In the order of (xid, id), and only of transactions below every one that is under way. So a transaction that writes for minutes, anywhere in the cluster, keeps younger
/// events waiting for their seals, and nothing else.
/// </remarks>
internal sealed partial class SealEvents(NpgsqlDataSource db, AuditSeals seals, TimeProvider clock, ILogger<SealEvents> logger) : BackgroundService
{
    public const int BatchSize = 2_000;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HeadLogged = TimeSpan.FromHours(1);

    private static readonly SqlFile TakeLease = SqlFile.Beside<SealEvents>("take_lease");
    private static readonly SqlFile ReleaseLease = SqlFile.Beside<SealEvents>("release_lease");
    private static readonly SqlFile FindUnsealed = SqlFile.Beside<SealEvents>("find_unsealed");
    private static readonly SqlFile AppendSeals = SqlFile.Beside<SealEvents>("append_seals");

    private static readonly Meter Meter = new("AuthService.Audit");
    private static readonly Counter<long> Sealed = Meter.CreateCounter<long>("authservice.audit.events_sealed", "{event}", "Events that this node has put into the chain of seals.");
    private static readonly Histogram<double> Delay = Meter.CreateHistogram<double>("authservice.audit.seal_delay", "s", "From an event to its seal, of the oldest event of each batch.");

    private readonly Guid _owner = new(RandomNumberGenerator.GetBytes(16));
    private Chain? _chain;   // null: somebody else seals, or nobody knows
    private long _leasedAt;
    private long? _headLoggedAt;
    private long _newest;

    /// <summary>One batch, if this node may.</summary>
    /// <returns>How many events were looked at: <see cref="BatchSize"/> if there may be more.</returns>
    public async Task<int> ExecuteOnceAsync(CancellationToken ct)
    {
        if (_chain is null || clock.GetElapsedTime(_leasedAt) >= Renewal) _chain = await TakeLeaseAsync(_chain, ct);
        if (_chain is not { } chain) return 0;
        var batch = await FindAsync(chain, ct);
        if (batch.Count == 0 && !chain.IsElsewhere) return 0;
        _chain = await AppendAsync(chain, batch, ct);
        return batch.Count;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                var pause = Interval;
                try
                {
                    if (await ExecuteOnceAsync(stoppingToken) == BatchSize) pause = TimeSpan.Zero;
                    else if (_chain is null) pause = Renewal;
                    LogHeadNowAndThen();
                }
                catch (Exception e) when (e is NpgsqlException or TimeoutException)
                {
                    LogFailed(e);
                    _chain = null;
                    pause = PauseAfterFailure;
                }

                if (pause > TimeSpan.Zero) await Task.Delay(pause, clock, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Below.
        }
    }

    /// <summary>What the trail has written until now, sys_shutdown among it, is sealed by the next node; this one only gives the lease back.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await using var release = ReleaseLease.On(db).With(_owner);
            await release.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException or ObjectDisposedException)
        {
            // It runs out by itself.
        }
    }

    private async Task<Chain?> TakeLeaseAsync(Chain? before, CancellationToken ct)
    {
        var at = clock.GetTimestamp();
        await using var command = TakeLease.On(db).With(_owner).With(Lease);
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct)) return null;
        _leasedAt = at;
        var (number, hash, isElsewhere) = (row.GetInt64(0), row.GetFieldValue<byte[]>(1), row.GetBoolean(5));
        if (isElsewhere && before is { IsElsewhere: true }) return before;   // on its way
        if (!MayGoOn(number, hash, row.GetFieldValue<byte[]>(2))) return null;
        var stored = new EventPlace(row.GetString(3), row.GetGuid(4));
        return new Chain(number, hash, isElsewhere ? new EventPlace(row.GetString(6), Guid.Empty) : stored, stored, isElsewhere);
    }

    /// <summary>An end that nobody with the key has made is not gone on from: a MAC for the next one would make it good.</summary>
    private bool MayGoOn(long number, byte[] hash, byte[] mac)
    {
        if (number > 0 && !CryptographicOperations.FixedTimeEquals(mac, seals.MacOfHead(number, hash)))
        {
            LogForgedHead(number);
            return false;
        }

        if (number < _newest) LogWentBack(_newest, number);
        _newest = number;
        return true;
    }

    private async Task<List<(StoredEvent Event, bool IsSealed, DateTimeOffset SealedAt)>> FindAsync(Chain chain, CancellationToken ct)
    {
        var found = new List<(StoredEvent, bool, DateTimeOffset)>();
        await using var command = FindUnsealed.On(db).With(chain.Place.Xid).With(chain.Place.Id).With(BatchSize).With(chain.IsElsewhere);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct)) found.Add((AuditSeals.Read(row, 2), row.GetBoolean(0), row.GetFieldValue<DateTimeOffset>(1)));
        return found;
    }

    private async Task<Chain?> AppendAsync(Chain chain, List<(StoredEvent Event, bool IsSealed, DateTimeOffset SealedAt)> batch, CancellationToken ct)
    {
        var (number, hash) = (chain.Number, chain.Hash);
        var links = new List<(StoredEvent Event, byte[] Digest, byte[] Hash)>(batch.Count);
        foreach (var (stored, isSealed, sealedAt) in batch)
        {
            if (isSealed) continue;
            var digest = AuditSeals.DigestOf(stored);
            hash = seals.Link(hash, ++number, stored.Id, stored.Ts, sealedAt, digest);
            links.Add((stored, digest, hash));
        }

        var place = batch.Count == 0 ? chain.Place : new EventPlace(batch[^1].Event.Xid, batch[^1].Event.Id);
        // All that another cluster wrote is through: from here on the places are this one's, from its beginning.
        var isArriving = chain.IsElsewhere && batch.Count < BatchSize;
        var stays = chain.IsElsewhere && !isArriving;
        var storedPlace = isArriving ? EventPlace.Beginning : stays ? chain.StoredPlace : place;
        var mac = number == 0 ? [] : seals.MacOfHead(number, hash);
        await using var command = AppendSeals.On(db).With(chain.Number).With(chain.Hash)
            .With(links.ConvertAll(l => l.Event.Id).ToArray()).With(links.ConvertAll(l => l.Event.Ts.UtcDateTime).ToArray())
            .With(batch.Count == 0 ? DateTime.UnixEpoch : batch[0].SealedAt.UtcDateTime)
            .With(links.ConvertAll(l => l.Digest).ToArray()).With(links.ConvertAll(l => l.Hash).ToArray())
            .With(hash).With(mac).With(storedPlace.Xid).With(storedPlace.Id).With(!stays);
        if (await command.ExecuteScalarAsync(ct) is not 1L)
        {
            LogOvertaken();
            return null;
        }

        _newest = number;
        Sealed.Add(links.Count);
        if (links.Count > 0) Delay.Record(Math.Max(0, (batch[0].SealedAt - links.Min(l => l.Event.Ts)).TotalSeconds));
        return new Chain(number, hash, isArriving ? EventPlace.Beginning : place, storedPlace, stays);
    }

    /// <summary>What stands in a log elsewhere can be held against the database: <c>authservice audit verify --expect</c>.</summary>
    private void LogHeadNowAndThen()
    {
        if (_chain is not { Number: > 0 } chain || (_headLoggedAt is { } at && clock.GetElapsedTime(at) < HeadLogged)) return;
        _headLoggedAt = clock.GetTimestamp();
        var hash = Convert.ToHexStringLower(chain.Hash);
        LogHead(chain.Number, hash);
    }

    /// <param name="Place">After which the next events are.</param>
    /// <param name="StoredPlace">What the row says: where <paramref name="IsElsewhere"/>, still the other cluster's.</param>
    /// <param name="IsElsewhere">The database is a restored dump whose events are of another cluster's transactions.</param>
    private sealed record Chain(long Number, byte[] Hash, EventPlace Place, EventPlace StoredPlace, bool IsElsewhere);

    private readonly record struct EventPlace(string Xid, Guid Id)
    {
        public static EventPlace Beginning => new("0", Guid.Empty);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Audit events can't be sealed now; it is tried again")]
    private partial void LogFailed(Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Another node has sealed audit events meanwhile")]
    private partial void LogOvertaken();

    [LoggerMessage(EventName = "audit_chain_forged", Level = LogLevel.Critical, Message = "The audit trail's end, {Number}, was not made under this master key: nothing more is sealed. See docs/audit.md")]
    private partial void LogForgedHead(long number);

    [LoggerMessage(EventName = "audit_chain_cut", Level = LogLevel.Critical, Message = "The audit trail was sealed up to {Before}, and is only up to {Now} now: a backup was restored, or somebody cut it off")]
    private partial void LogWentBack(long before, long now);

    [LoggerMessage(EventName = "audit_head", Level = LogLevel.Information, Message = "The audit trail is sealed up to {Number}:{Hash}")]
    private partial void LogHead(long number, string hash);
}
