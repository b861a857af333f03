using System.Diagnostics.Metrics;
using System.Globalization;
using AuthService.Database;
using Npgsql;
using Quartz;

namespace AuthService.Jobs;

/// <summary>Runs what is due again. Quartz sees to it that one node at a time does.</summary>
[DisallowConcurrentExecution]
internal sealed partial class RunRecurringJob(NpgsqlDataSource db, IEnumerable<IRecurringJob> jobs, JobOptions options, TimeProvider clock, ILogger<RunRecurringJob> logger) : Quartz.IJob
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    private static readonly SqlFile Begin = SqlFile.Beside<RunRecurringJob>("begin");
    private static readonly SqlFile TellProgress = SqlFile.Beside<RunRecurringJob>("tell_progress");
    private static readonly SqlFile Finish = SqlFile.Beside<RunRecurringJob>("finish");

    private static readonly Meter Meter = new("AuthService.Jobs");
    private static readonly Counter<long> Runs = Meter.CreateCounter<long>("authservice.jobs.recurring_runs", "{run}", "Runs of recurring jobs that ended on this node, by name and outcome: succeeded, failed.");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>("authservice.jobs.recurring_duration", "s", "How long runs of recurring jobs took, by name.");

    public static JobKey KeyOf(string name) => new(name, "recurring");

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        var name = context.JobDetail.Key.Name;
        if (jobs.FirstOrDefault(j => j.Name == name) is not { } job) return;   // of another version
        await using (var begin = Begin.On(db).With(name).With(context.Scheduler.SchedulerInstanceId)) await begin.ExecuteNonQueryAsync(cancellationToken);
        var began = clock.GetTimestamp();
        var (succeeded, result) = await RunAsync(job, cancellationToken);
        Runs.Add(1, new KeyValuePair<string, object?>("name", name), new KeyValuePair<string, object?>("outcome", succeeded ? "succeeded" : "failed"));
        Duration.Record(clock.GetElapsedTime(began).TotalSeconds, new KeyValuePair<string, object?>("name", name));
        await using var finish = Finish.On(db).With(name).With(succeeded).With(result);
        await finish.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private async Task<(bool Succeeded, string Result)> RunAsync(IRecurringJob job, CancellationToken stopping)
    {
        using var limit = new CancellationTokenSource(options.TimeLimit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stopping);
        using var progress = new Progress();
        var telling = TellAsync(job.Name, progress, either.Token);
        try
        {
            var result = await HardStop.RunAsync(ct => job.RunAsync(progress, ct), either.Token);
            LogDone(job.Name, result);
            return (true, result);
        }
        catch (Exception) when (either.IsCancellationRequested)
        {
            LogStopped(job.Name);
            return (false, stopping.IsCancellationRequested ? "broken off: its node stopped" : string.Create(CultureInfo.InvariantCulture, $"stopped at its limit of {options.TimeLimit.TotalSeconds:0.###} s"));
        }
        catch (Exception e)
        {
            LogFailed(e, job.Name);
            return (false, $"failed with {e.GetType().Name}; the log says more");
        }
        finally
        {
            progress.End();
            await telling;
        }
    }

    /// <summary>The last word of each second: a job may say more than the database should hear.</summary>
    private async Task TellAsync(string name, Progress progress, CancellationToken ct)
    {
        while (await progress.NextAsync(ct) is { } line)
        {
            try
            {
                await using var command = TellProgress.On(db).With(name).With(line);
                await command.ExecuteNonQueryAsync(CancellationToken.None);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                LogProgressLost(e, name);
            }

            await Task.Delay(ProgressInterval, clock, progress.Ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private sealed class Progress : IProgress<string>, IDisposable
    {
        private readonly SemaphoreSlim _told = new(0);
        private readonly CancellationTokenSource _ended = new();
        private string? _line;

        public CancellationToken Ended => _ended.Token;

        public void Report(string value)
        {
            if (Interlocked.Exchange(ref _line, value) is null) _told.Release();
        }

        public void End() => _ended.Cancel();

        public void Dispose()
        {
            _told.Dispose();
            _ended.Dispose();
        }

        /// <returns>Null: there will be none.</returns>
        public async Task<string?> NextAsync(CancellationToken ct)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, Ended);
            await _told.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return Interlocked.Exchange(ref _line, null);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Recurring job {Name}: {Result}")]
    private partial void LogDone(string name, string result);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Recurring job {Name} was stopped before it had ended")]
    private partial void LogStopped(string name);

    [LoggerMessage(Level = LogLevel.Error, Message = "Recurring job {Name} failed. It comes again at its next turn")]
    private partial void LogFailed(Exception exception, string name);

    [LoggerMessage(Level = LogLevel.Debug, Message = "How far recurring job {Name} is could not be noted")]
    private partial void LogProgressLost(Exception exception, string name);
}
