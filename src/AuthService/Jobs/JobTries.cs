using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using AuthService.Database;
using Npgsql;

namespace AuthService.Jobs;

/// <summary>A try that was handed over.</summary>
/// <param name="Left">Tries there may be after it.</param>
internal readonly record struct JobTry(Guid Id, int Number, int Left)
{
    /// <summary>In Quartz; no other try has it.</summary>
    public string Name => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Id}/{Number}");
}

/// <summary>How tries end. Each statement touches the try it is told of and no other: a node that was taken for dead and comes back changes nothing.</summary>
internal sealed partial class JobTries(NpgsqlDataSource db, JobOptions options, ILogger<JobTries> logger)
{
    private const int Factor = 3;
    private const int JitterPercent = 20;
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromDays(1);

    private static readonly SqlFile SucceedFile = SqlFile.Beside<JobTries>("succeed");
    private static readonly SqlFile FailFile = SqlFile.Beside<JobTries>("fail");
    private static readonly SqlFile GiveBackFile = SqlFile.Beside<JobTries>("give_back");

    private static readonly Meter Meter = new("AuthService.Jobs");
    private static readonly Counter<long> Ended = Meter.CreateCounter<long>("authservice.jobs.tries", "{try}", "Tries of jobs that ended, by kind and outcome: succeeded, failed, dead, given_back.");

    public async Task SucceedAsync(JobTry tried, string kind, string? result, CancellationToken ct)
    {
        await using var command = SucceedFile.On(db).With(tried.Id).With(tried.Number).With(result);
        await command.ExecuteNonQueryAsync(ct);
        Count(kind, "succeeded");
    }

    /// <param name="reason">In <c>GET /admin/jobs</c>: no address, no secret.</param>
    public async Task FailAsync(JobTry tried, string reason, bool isFinal, TimeSpan? retryAfter, CancellationToken ct)
    {
        TimeSpan? wait = isFinal ? null : WaitAfter(options.MaxTries - tried.Left, retryAfter);
        await using var command = FailFile.On(db).With(tried.Id).With(tried.Number).With(reason).With(wait);
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct)) return;
        var (kind, isDead) = (row.GetString(0), row.GetBoolean(1));
        Count(kind, isDead ? "dead" : "failed");
        if (isDead) LogDead(kind, tried.Id, tried.Number, reason);
        else LogFailed(kind, tried.Id, tried.Number, reason, wait!.Value.TotalSeconds);
    }

    public async Task GiveBackAsync(JobTry tried, string kind, CancellationToken ct)
    {
        await using var command = GiveBackFile.On(db).With(tried.Id).With(tried.Number);
        await command.ExecuteNonQueryAsync(ct);
        Count(kind, "given_back");
    }

    /// <param name="failures">So far, 1 and more.</param>
    internal TimeSpan WaitAfter(int failures, TimeSpan? retryAfter)
    {
        var longest = options.MaxRetryDelay.TotalMilliseconds;
        var wait = Math.Min(longest, options.FirstRetryDelay.TotalMilliseconds * Math.Pow(Factor, Math.Clamp(failures, 1, 50) - 1));
        var moved = wait * (100 + RandomNumberGenerator.GetInt32(-JitterPercent, JitterPercent + 1)) / 100;
        if (retryAfter is { } asked) moved = Math.Max(moved, Math.Min(asked.TotalMilliseconds, LongestRetryAfter.TotalMilliseconds));
        return TimeSpan.FromMilliseconds(moved);
    }

    private static void Count(string kind, string outcome) => Ended.Add(1, new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("outcome", outcome));

    [LoggerMessage(Level = LogLevel.Warning, Message = "Job {Kind} {Id} failed in try {Try}: {Reason}. It is tried again in {Seconds:F0} s")]
    private partial void LogFailed(string kind, Guid id, int @try, string reason, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "Job {Kind} {Id} is a dead letter after try {Try}: {Reason}. It waits in GET /admin/jobs?state=dead for somebody to queue it again")]
    private partial void LogDead(string kind, Guid id, int @try, string reason);
}
