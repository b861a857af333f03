using AuthService.Database;
using AuthService.Jobs;
using Npgsql;

namespace AuthService.Features.Webhooks;

/// <summary>
/// Makes jobs of changes: one for each change and each webhook that wants it, in one transaction with the step of the position in the feed. No change is passed over and none
/// is taken twice, whatever the order of commits, since it goes by what a snapshot sees (docs/decisions/0021). Runs on every node that runs jobs; one at a time has the row. A
/// backlog is worked off in steps, so that none takes longer than a statement may, and whoever makes a webhook waits for one of them at most.
/// </summary>
internal sealed partial class DispatchChanges(NpgsqlDataSource db, JobOptions options, TimeProvider clock, ILogger<DispatchChanges> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private static readonly SqlFile Enter = SqlFile.Beside<DispatchChanges>("enter");
    private static readonly SqlFile TakePosition = SqlFile.Beside<DispatchChanges>("take_position");
    private static readonly SqlFile Dispatch = SqlFile.Beside<DispatchChanges>("dispatch");

    /// <summary>Changes of a step. For each there are as many jobs as webhooks that want it: a hundred at most. Default 1,000.</summary>
    public int ChangesPerStep { get; init; } = 1_000;

    /// <summary>For whoever makes or switches on a webhook: if it is the only one, the feed is read from here on. Holds the position to the end of the transaction.</summary>
    /// <returns>A number for a new webhook.</returns>
    public static async Task<long> EnterAsync(NpgsqlTransaction transaction, CancellationToken ct)
    {
        await using var enter = Enter.On(transaction);
        return (long)(await enter.ExecuteScalarAsync(ct))!;
    }

    /// <summary>What has been committed up to now, in as many steps as that takes.</summary>
    /// <returns>How many jobs that came to. 0 also where another node is at it.</returns>
    public async Task<long> ExecuteOnceAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        var (jobs, isIncomplete) = (0L, false);
        while (await StepAsync(connection, ct) is { } step)
        {
            jobs += step.Jobs;
            isIncomplete |= step.IsIncomplete;
            if (!step.HasMore) break;
        }

        if (isIncomplete) LogIncomplete();
        return jobs;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Enabled) return;
        var isFailing = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ExecuteOnceAsync(stoppingToken);
                isFailing = false;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                if (!isFailing) LogFailed(e);
                isFailing = true;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(Interval, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>Null: nothing is new, or another node is at it.</returns>
    private async Task<Step?> StepAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var take = TakePosition.On(transaction))
        {
            if (await take.ExecuteScalarAsync(ct) is null) return null;
        }

        Step step;
        await using (var dispatch = Dispatch.On(transaction).With(options.MaxTries).With(ChangesPerStep))
        await using (var row = await dispatch.ExecuteReaderAsync(ct))
        {
            await row.ReadAsync(ct);
            step = new Step(row.GetInt64(0), row.GetBoolean(1), row.GetBoolean(2));
        }

        await transaction.CommitAsync(ct);
        return step;
    }

    private readonly record struct Step(long Jobs, bool IsIncomplete, bool HasMore);

    [LoggerMessage(Level = LogLevel.Error, Message = "Changes can't be made deliveries of; tried again every second")]
    private partial void LogFailed(Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "Webhooks may not have been told of everything: changes were deleted for their age before a node that runs jobs had read them, or the database is a copy")]
    private partial void LogIncomplete();
}
