using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using AuthService.Database;
using Npgsql;

namespace AuthService.Jobs;

/// <summary>A job to be done.</summary>
/// <param name="Kind">Of the <see cref="IJob"/> that does it.</param>
/// <param name="Arguments">JSON, at most some kilobytes. Stored as it is: no secret belongs in it.</param>
internal sealed record NewJob(string Kind, string Arguments)
{
    /// <summary>At most 200 characters. As long as a job with this key has not ended, another one with it is not taken.</summary>
    public string? UniqueKey { get; init; }

    /// <summary>Not before then, by the database's clock; null: now.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>Not before this time from now; counts where <see cref="At"/> is null.</summary>
    public TimeSpan After { get; init; }

    public static NewJob Of<T>(string kind, T arguments, JsonTypeInfo<T> type) => new(kind, JsonSerializer.Serialize(arguments, type));
}

/// <summary>
/// Takes jobs in, in the caller's transaction: no job without its commit, no commit without its job. One statement, which waits for nobody but an unfinished
/// transaction with the same <see cref="NewJob.UniqueKey"/>. A node that runs jobs begins within about a second of the commit.
/// </summary>
internal sealed class JobQueue(JobOptions options)
{
    private static readonly SqlFile InsertJob = SqlFile.Beside<JobQueue>("insert_job");

    /// <returns>Its id; null: one with its <see cref="NewJob.UniqueKey"/> has not ended yet.</returns>
    public Task<Guid?> EnqueueAsync(NpgsqlTransaction transaction, NewJob job, CancellationToken ct) => EnqueueAsync(InsertJob.On(transaction), job, ct);

    /// <summary>In a transaction of its own.</summary>
    /// <inheritdoc cref="EnqueueAsync(NpgsqlTransaction, NewJob, CancellationToken)"/>
    public Task<Guid?> EnqueueAsync(NpgsqlDataSource db, NewJob job, CancellationToken ct) => EnqueueAsync(InsertJob.On(db), job, ct);

    private async Task<Guid?> EnqueueAsync(Statement insert, NewJob job, CancellationToken ct)
    {
        await using (insert)
        {
            insert.With(Guid.CreateVersion7()).With(job.Kind).With(job.Arguments).With(job.UniqueKey).With(job.At).With(job.After).With(options.MaxTries);
            return (Guid?)await insert.ExecuteScalarAsync(ct);
        }
    }
}
