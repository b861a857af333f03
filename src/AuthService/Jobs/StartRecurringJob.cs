using System.Text.Json.Serialization;
using Quartz;

namespace AuthService.Jobs;

/// <summary>Starts a recurring job besides its turns. A job itself, so that it can be asked for anywhere: also on a node that runs none.</summary>
internal sealed class StartRecurringJob(ISchedulerFactory schedulers) : IJob
{
    public const string KindName = "start_recurring_job";

    public string Kind => KindName;

    /// <summary>One that waits is enough for all who ask.</summary>
    public static NewJob Of(string name) => NewJob.Of(KindName, new StartArguments(name), StartJson.Default.StartArguments) with { UniqueKey = $"{KindName}:{name}" };

    public async Task<string?> RunAsync(JobRun run, CancellationToken ct)
    {
        var name = run.Read(StartJson.Default.StartArguments).Name;
        var (scheduler, key) = (await schedulers.GetScheduler(ct), RunRecurringJob.KeyOf(name));
        if (!await scheduler.Exists(key, ct)) throw new JobFailedException("no recurring job has this name") { IsFinal = true };
        await scheduler.TriggerJob(key, null, ct);
        return name;
    }
}

internal sealed record StartArguments(string Name);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StartArguments))]
internal sealed partial class StartJson : JsonSerializerContext;
