using AuthService.Database;
using Npgsql;

namespace AuthService.Jobs;

/// <summary>Deletes jobs that ended long enough ago: <see cref="JobOptions.KeepSucceeded"/>, <see cref="JobOptions.KeepDead"/>.</summary>
internal sealed class PurgeJobs(NpgsqlDataSource db, JobOptions options) : HourlyPurge("purge_jobs")
{
    private static readonly SqlFile DeleteEnded = SqlFile.Beside<PurgeJobs>("delete_ended");

    protected override async Task<long> DeleteAsync(int limit, CancellationToken ct)
    {
        await using var command = DeleteEnded.On(db).With(options.KeepSucceeded).With(options.KeepDead).With(limit);
        return await command.ExecuteNonQueryAsync(ct);
    }
}
