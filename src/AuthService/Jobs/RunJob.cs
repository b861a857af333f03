using System.Globalization;
using AuthService.Database;
using Npgsql;
using Quartz;

namespace AuthService.Jobs;

/// <summary>Runs one try of one job, and notes how it ended. Quartz calls it, on as many threads as <see cref="JobOptions.MaxRunning"/> says.</summary>
internal sealed partial class RunJob(NpgsqlDataSource db, IEnumerable<IJob> kinds, JobTries tries, JobOptions options, TimeProvider clock, ILogger<RunJob> logger) : Quartz.IJob
{
    public static readonly JobKey Key = new("run", "jobs");

    private static readonly TimeSpan NoteInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan NotePatience = TimeSpan.FromSeconds(30);

    private static readonly SqlFile Begin = SqlFile.Beside<RunJob>("begin");

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        var name = context.Trigger.Key.Name;
        var tried = new JobTry(Guid.Parse(name.AsSpan(0, 36)), int.Parse(name.AsSpan(37), CultureInfo.InvariantCulture), 0);
        if (await BeginAsync(tried, context.Scheduler.SchedulerInstanceId, cancellationToken) is not { } begun) return;
        tried = tried with { Left = begun.TriesLeft };
        await NoteAsync(tried, begun.Kind, await WorkAsync(tried, begun, cancellationToken), cancellationToken);
    }

    /// <returns>What is to be noted of it.</returns>
    private async Task<Func<Task>> WorkAsync(JobTry tried, Begun begun, CancellationToken stopping)
    {
        if (kinds.FirstOrDefault(k => k.Kind == begun.Kind) is not { } kind) return Failed("this version has no job of this kind");
        using var limit = new CancellationTokenSource(options.TimeLimit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stopping);
        try
        {
            var result = await HardStop.RunAsync(ct => kind.RunAsync(new JobRun(tried.Id, tried.Number, begun.Arguments), ct), either.Token);
            return () => tries.SucceedAsync(tried, kind.Kind, result, CancellationToken.None);
        }
        catch (Exception) when (stopping.IsCancellationRequested && !limit.IsCancellationRequested)
        {
            return () => tries.GiveBackAsync(tried, kind.Kind, CancellationToken.None);
        }
        catch (Exception e) when (limit.IsCancellationRequested)
        {
            if (e is DoesNotStopException) LogDoesNotStop(kind.Kind, tried.Id);
            return Failed(string.Create(CultureInfo.InvariantCulture, $"stopped at its limit of {options.TimeLimit.TotalSeconds:0.###} s"));
        }
        catch (JobFailedException e)
        {
            return Failed(e.Message, e.IsFinal, e.RetryAfter);
        }
        catch (Exception e)
        {
            LogUnexpected(e, kind.Kind, tried.Id);
            // Its text may have anything in it; the log has it.
            return Failed($"failed with {e.GetType().Name}; the log says more");
        }

        Func<Task> Failed(string reason, bool isFinal = false, TimeSpan? retryAfter = null) => () => tries.FailAsync(tried, reason, isFinal, retryAfter, CancellationToken.None);
    }

    /// <summary>Also while the node stops; and with some patience, for what is not noted runs again, however well it went.</summary>
    private async Task NoteAsync(JobTry tried, string kind, Func<Task> note, CancellationToken stopping)
    {
        var (began, isTold) = (clock.GetTimestamp(), false);
        while (true)
        {
            try
            {
                await note();
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                if (!isTold) LogNotNoted(e, kind, tried.Id, tried.Number);
                isTold = true;
                // By the clock: an attempt may take as long as a connection or a statement may.
                if (clock.GetElapsedTime(began) >= NotePatience || stopping.IsCancellationRequested) return;
            }

            await Task.Delay(NoteInterval, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<Begun?> BeginAsync(JobTry tried, string node, CancellationToken ct)
    {
        await using var command = Begin.On(db).With(tried.Id).With(tried.Number).With(node);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? new Begun(row.GetString(0), row.GetString(1), row.GetInt32(2)) : null;
    }

    private sealed record Begun(string Kind, string Arguments, int TriesLeft);

    [LoggerMessage(Level = LogLevel.Error, Message = "Job {Kind} {Id} failed")]
    private partial void LogUnexpected(Exception exception, string kind, Guid id);

    [LoggerMessage(Level = LogLevel.Error, Message = "How try {Try} of job {Kind} {Id} ended can't be noted. That is tried for half a minute; then the try is taken for lost, and the job runs again")]
    private partial void LogNotNoted(Exception exception, string kind, Guid id, int @try);

    [LoggerMessage(Level = LogLevel.Error, Message = "Job {Kind} {Id} does not stop at its limit. It is given up, and goes on by itself until this node is restarted")]
    private partial void LogDoesNotStop(string kind, Guid id);
}
