using Quartz;

namespace AuthService.Jobs;

/// <summary>Starts Quartz on this node, tells it what recurs, and hands it jobs. Stopped, it lets what runs end, and gives back what has not ended when the host's limit is over.</summary>
internal sealed class JobScheduler(ISchedulerFactory factory, HandOverJobs handOver, IEnumerable<IRecurringJob> recurring, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan FirstRun = TimeSpan.FromMinutes(1);
    private IScheduler? _scheduler;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        _scheduler = await factory.GetScheduler(cancellationToken);
        foreach (var job in recurring) await ScheduleAsync(_scheduler, job, cancellationToken);
        await _scheduler.Start(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => handOver.RunAsync(_scheduler!, stoppingToken);

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
}
