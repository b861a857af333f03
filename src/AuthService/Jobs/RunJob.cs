using System.Globalization;
using AuthService.Database;
using Npgsql;
using Quartz;

namespace AuthService.Jobs;

/// <summary>Runs one try of one job, and notes how it ended. Quartz calls it, on as many threads as <see cref="JobOptions.MaxRunning"/> says.</summary>
internal sealed partial class RunJob(NpgsqlDataSource db, IEnumerable<IJob> kinds, JobTries tries, JobOptions options, TimeProvider clock, ILogger<RunJob> logger) : Quartz.IJob
{
    public static readonly JobKey Key = new("run", "jobs");

    private static readonly SqlFile Begin = SqlFile.Beside<RunJob>("begin");

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        var name = context.Trigger.Key.Name;
        var tried = new JobTry(Guid.Parse(name.AsSpan(0, 36)), int.Parse(name.AsSpan(37), CultureInfo.InvariantCulture), 0);
        if (await BeginAsync(tried, context.Scheduler.SchedulerInstanceId, cancellationToken) is not { } begun) return;
        tried = tried with { Left = begun.TriesLeft };
        // What is noted from here on is noted also while the node stops.
        if (kinds.FirstOrDefault(k => k.Kind == begun.Kind) is not { } kind) await tries.FailAsync(tried, "this version has no job of this kind", isFinal: false, null, CancellationToken.None);
        else await RunAsync(kind, tried, begun.Arguments, cancellationToken);
    }

    private async Task RunAsync(IJob kind, JobTry tried, string arguments, CancellationToken stopping)
    {
        using var limit = new CancellationTokenSource(options.TimeLimit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stopping);
        try
        {
            var result = await HardStop.RunAsync(ct => kind.RunAsync(new JobRun(tried.Id, tried.Number, arguments), ct), either.Token);
            await tries.SucceedAsync(tried, kind.Kind, result, CancellationToken.None);
        }
        catch (Exception) when (stopping.IsCancellationRequested && !limit.IsCancellationRequested)
        {
            await tries.GiveBackAsync(tried, kind.Kind, CancellationToken.None);
        }
        catch (Exception e) when (limit.IsCancellationRequested)
        {
            if (e is DoesNotStopException) LogDoesNotStop(kind.Kind, tried.Id);
            await FailAsync(tried, string.Create(CultureInfo.InvariantCulture, $"stopped at its limit of {options.TimeLimit.TotalSeconds:0.###} s"));
        }
        catch (JobFailedException e)
        {
            await tries.FailAsync(tried, e.Message, e.IsFinal, e.RetryAfter, CancellationToken.None);
        }
        catch (Exception e)
        {
            LogUnexpected(e, kind.Kind, tried.Id);
            // Its text may have anything in it; the log has it.
            await FailAsync(tried, $"failed with {e.GetType().Name}; the log says more");
        }

        Task FailAsync(JobTry of, string reason) => tries.FailAsync(of, reason, isFinal: false, null, CancellationToken.None);
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

    [LoggerMessage(Level = LogLevel.Error, Message = "Job {Kind} {Id} does not stop at its limit. It is given up, and goes on by itself until this node is restarted")]
    private partial void LogDoesNotStop(string kind, Guid id);
}
