using System.Diagnostics.Metrics;
using AuthService.Http;
using Npgsql;
using SolidCache;
using SolidCache.Freshness;

namespace AuthService.Caching;

/// <summary>
/// Runs what changes something that is cached: in one transaction, again after a deadlock, and back only when no node answers from before it.
/// What became invalid is told by the transaction itself: triggers and statements bump the tags.
/// </summary>
internal sealed class Changes(NpgsqlDataSource db, TieredCache cache)
{
    // Bumps of several tags lock rows in the order of the statements that cause them: two such changes can meet in opposite order.
    private const int MaxAttempts = 5;

    private static readonly Meter Meter = new("AuthService");
    private static readonly Counter<long> Invalidations = Meter.CreateCounter<long>(
        "permissions_cache_invalidations", description: "Changes made by this node that made cached rights, sessions or profiles invalid.");
    private static readonly KeyValuePair<string, object?> Memory = new("tier", "memory");

    /// <param name="caller">Learns the revision; may have asked not to wait.</param>
    /// <param name="tags">What the change makes invalid. Looked at where it changes nothing: then somebody else has made the change, and may have
    /// died between its commit and its wait, so this call waits in its place.</param>
    /// <param name="change">Runs in the transaction, perhaps more than once. A problem rolls back.</param>
    /// <param name="committed">Runs after the commit and before the wait: for what is written through into the cache.</param>
    public async Task<Outcome<T>> RunAsync<T>(
        Caller caller, string[] tags, Func<NpgsqlTransaction, Task<Outcome<T>>> change, CancellationToken ct, Func<T, Revision, ValueTask>? committed = null) where T : notnull
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var (outcome, revision) = await CommitAsync(change, ct);
                if (committed is not null && !outcome.Failed(out _, out var value)) await committed(value, revision);
                // Nothing bumped: nothing was there to change, or it is gone already (404).
                if (revision.IsEmpty && MayBeDone(outcome)) revision = await cache.CurrentRevisionAsync(tags, ct);
                await AnswerAsync(caller, revision, ct);
                return outcome;
            }
            catch (PostgresException e) when (attempt < MaxAttempts && e.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure)
            {
                // The other one goes first.
            }
        }
    }

    /// <inheritdoc cref="RunAsync{T}"/>
    /// <returns>The problem the change met; null: it is done.</returns>
    public async Task<Problem?> RunAsync(Caller caller, string[] tags, Func<NpgsqlTransaction, Task<Problem?>> change, CancellationToken ct)
    {
        var outcome = await RunAsync<Done>(caller, tags, async transaction => await change(transaction) is { } problem ? problem : default(Done), ct);
        return outcome.Failed(out var met, out _) ? met : null;
    }

    /// <summary>Waits until no node answers from before the last change of these tags, which this process has committed by other means.</summary>
    public async Task WaitForAsync(Caller caller, string[] tags, CancellationToken ct) => await AnswerAsync(caller, await cache.CurrentRevisionAsync(tags, ct), ct);

    private async Task<(Outcome<T> Outcome, Revision Revision)> CommitAsync<T>(Func<NpgsqlTransaction, Task<Outcome<T>>> change, CancellationToken ct) where T : notnull
    {
        // Given back before the wait for the other nodes.
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var outcome = await change(transaction);
        if (outcome.Failed(out _, out _)) return (outcome, Revision.None);
        var revision = await cache.InvalidateAsync(transaction, [], ct);
        await transaction.CommitAsync(ct);
        return (outcome, revision);
    }

    private async Task AnswerAsync(Caller caller, Revision revision, CancellationToken ct)
    {
        if (revision.IsEmpty) return;
        Invalidations.Add(1, Memory);
        if (caller.Receipt.TakesRevision) caller.Receipt.SetRevision(cache.TokenOf(revision));
        if (caller.Receipt.MayAnswerEarly)
        {
            cache.Announce(revision);
            caller.Receipt.AnswerEarly();
            return;
        }

        await cache.BarrierAsync(revision, ct);
    }

    private static bool MayBeDone<T>(Outcome<T> outcome) where T : notnull => !outcome.Failed(out var problem, out _) || problem.Status == StatusCodes.Status404NotFound;

    private readonly record struct Done;
}
