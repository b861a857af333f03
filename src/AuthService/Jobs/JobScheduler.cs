using Npgsql;
using Quartz;

namespace AuthService.Jobs;

/// <summary>Starts Quartz on this node, tells it what recurs, and hands it jobs. Stopped, it lets what runs end, and gives back what has not ended when the host's limit is over.</summary>
internal sealed partial class JobScheduler(ISchedulerFactory factory, HandOverJobs handOver, IEnumerable<IRecurringJob> recurring, TimeProvider clock, ILogger<JobScheduler> logger) : BackgroundService
{
    private static readonly TimeSpan FirstRun = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan StartInterval = TimeSpan.FromSeconds(2);

    private IScheduler? _scheduler;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var isFailing = false; !await TryStartAsync(isFailing, stoppingToken); isFailing = true)
        {
            await Task.Delay(StartInterval, clock, stoppingToken);
        }

        await handOver.RunAsync(_scheduler!, stoppingToken);
    }

    /// <summary>A schema that is not migrated yet, or a database that is away, is no reason for the node not to start: it says itself that it is not ready.</summary>
    private async Task<bool> TryStartAsync(bool isFailing, CancellationToken ct)
    {
        try
        {
            await handOver.RequireTablesAsync(ct);
            var scheduler = await factory.GetScheduler(ct);
            foreach (var job in recurring) await ScheduleAsync(scheduler, job, ct);
            await scheduler.Start(ct);
            _scheduler = scheduler;
            return true;
        }
        catch (Exception e) when (!ct.IsCancellationRequested && e is SchedulerException or NpgsqlException or TimeoutException or InvalidOperationException)
        {
            if (!isFailing) LogNotStarted(e);
            return false;
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (_scheduler is null) return;
        await _scheduler.Standby(CancellationToken.None);
        await using var atTheLimit = cancellationToken.Register(() => _ = InterruptAsync(_scheduler));
        await _scheduler.Shutdown(waitForJobsToComplete: true, CancellationToken.None);
    }

    private async Task InterruptAsync(IScheduler scheduler)
    {
        foreach (var key in recurring.Select(job => RunRecurringJob.KeyOf(job.Name)).Append(RunJob.Key)) await scheduler.Interrupt(key);
    }

    /// <summary>As it is stored, unless the interval is another: a restart moves nothing.</summary>
    private async Task ScheduleAsync(IScheduler scheduler, IRecurringJob job, CancellationToken ct)
    {
        var key = RunRecurringJob.KeyOf(job.Name);
        var triggerKey = new TriggerKey(key.Name, key.Group);
        if (await scheduler.GetTrigger(triggerKey, ct) is ISimpleTrigger stored && stored.RepeatInterval == job.Interval) return;
        var detail = JobBuilder.Create<RunRecurringJob>().WithIdentity(key).StoreDurably().Build();
        var trigger = TriggerBuilder.Create(clock).ForJob(key).WithIdentity(triggerKey).StartAt(clock.GetUtcNow() + FirstRun)
            .WithSchedule(SimpleScheduleBuilder.Create().WithInterval(job.Interval).RepeatForever()).Build();
        await scheduler.ScheduleJob(detail, [trigger], ScheduleJobOptions.Replacing, ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "This node can't run jobs yet. It tries again every two seconds")]
    private partial void LogNotStarted(Exception exception);
}
