using AuthService.Database;
using Npgsql;
using Quartz;

namespace AuthService.Jobs;

/// <summary>
/// Hands jobs over to Quartz as they come due, each in one transaction with the mark that says so: no job is handed over twice, none is forgotten. And finds those
/// that Quartz has lost with a node, which then count as failed tries: a job that takes its node down with it does not do so for ever.
/// </summary>
internal sealed partial class HandOverJobs(NpgsqlDataSource db, JobTries tries, JobFigures figures, TimeProvider clock, ILogger<HandOverJobs> logger)
{
    private const int BatchSize = 100;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);

    /// <summary>Between the end Quartz notes and the end we note, a job is nowhere. Both take milliseconds; an hour-long pause makes a job run twice and none lost.</summary>
    private static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(30);

    private static readonly SqlFile TakeDue = SqlFile.Beside<HandOverJobs>("take_due");
    private static readonly SqlFile FindLost = SqlFile.Beside<HandOverJobs>("find_lost");
    private static readonly SqlFile ReadFigures = SqlFile.Beside<HandOverJobs>("read_figures");

    public async Task RunAsync(IScheduler scheduler, CancellationToken stopping)
    {
        var lookedAt = default(long?);
        var isFailing = false;
        while (!stopping.IsCancellationRequested)
        {
            var more = false;
            try
            {
                more = await HandOverAsync(scheduler, stopping) == BatchSize;
                if (lookedAt is not { } last || clock.GetElapsedTime(last) >= LookInterval)
                {
                    await TakeBackLostAsync(stopping);
                    await ReadFiguresAsync(stopping);
                    lookedAt = clock.GetTimestamp();
                }

                isFailing = false;
            }
            catch (Exception e) when (e is NpgsqlException or SchedulerException or TimeoutException or InvalidOperationException && !stopping.IsCancellationRequested)
            {
                if (!isFailing) LogFailing(e);   // once, however long the database is away
                isFailing = true;
            }
            catch (OperationCanceledException)
            {
                return;
            }

            if (!more) await Task.Delay(Interval, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Quartz does not get over a start without its tables.</summary>
    /// <exception cref="NpgsqlException">They are not there, or the database is not.</exception>
    public async Task RequireTablesAsync(CancellationToken ct)
    {
        await using var command = FindLost.On(db).With(LostAfter).With(0);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <returns>How many.</returns>
    private async Task<int> HandOverAsync(IScheduler scheduler, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var due = await TakeDueAsync(transaction, ct);
        if (due.Count == 0) return 0;

        // Quartz learns of the commit when this ends.
        using (scheduler.EnlistTransaction(transaction))
        {
            var run = JobBuilder.Create<RunJob>().WithIdentity(RunJob.Key).StoreDurably().Build();
            var triggers = due.ConvertAll(d => TriggerBuilder.Create(clock).ForJob(RunJob.Key).WithIdentity(d.Name, RunJob.Key.Group).StartNow().Build());
            await scheduler.ScheduleJob(run, triggers, ScheduleJobOptions.Replacing, ct);
            await transaction.CommitAsync(ct);
        }

        return due.Count;
    }

    private static async Task<List<JobTry>> TakeDueAsync(NpgsqlTransaction transaction, CancellationToken ct)
    {
        var due = new List<JobTry>();
        await using var command = TakeDue.On(transaction).With(BatchSize);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct)) due.Add(new JobTry(row.GetGuid(0), row.GetInt32(1), 0));
        return due;
    }

    private async Task TakeBackLostAsync(CancellationToken ct)
    {
        var lost = new List<(JobTry Try, bool HasBegun)>();
        await using (var command = FindLost.On(db).With(LostAfter).With(BatchSize))
        await using (var row = await command.ExecuteReaderAsync(ct))
        {
            while (await row.ReadAsync(ct)) lost.Add((new JobTry(row.GetGuid(0), row.GetInt32(1), row.GetInt32(3)), row.GetBoolean(2)));
        }

        foreach (var (tried, hasBegun) in lost)
        {
            LogLost(tried.Id, tried.Number);
            // At once: that a node is gone says nothing of when it is wise to try again.
            if (hasBegun) await tries.FailAsync(tried, "its node was lost", isFinal: false, TimeSpan.Zero, ct);
            else await tries.GiveBackAsync(tried, "unknown", ct);
        }
    }

    private async Task ReadFiguresAsync(CancellationToken ct)
    {
        await using var command = ReadFigures.On(db);
        await using var row = await command.ExecuteReaderAsync(ct);
        if (await row.ReadAsync(ct)) figures.Tell(new JobFigures.Figures(row.GetInt64(0), row.GetDouble(1), row.GetInt64(2)));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Try {Try} of job {Id} was lost with its node")]
    private partial void LogLost(Guid id, int @try);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Jobs can't be handed over. They wait until they can")]
    private partial void LogFailing(Exception exception);
}
