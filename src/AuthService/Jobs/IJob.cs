using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace AuthService.Jobs;

/// <summary>
/// One kind of work that is done apart from the request that asked for it, perhaps on another node. It runs at least once: a node may die after the work and before that
/// is noted, so what a second run would harm needs <see cref="JobRun.Id"/> as its idempotency key.
/// </summary>
internal interface IJob
{
    /// <summary>Stands in the table and in metrics: lower case with underscores, and the same for as long as a job of this kind may be stored.</summary>
    string Kind { get; }

    /// <param name="ct">Ends at <see cref="JobOptions.TimeLimit"/> and when the node stops; in the second case the job is given back and counts no try.</param>
    /// <returns>A line for <c>GET /admin/jobs</c>, without addresses and secrets; null: nothing to say.</returns>
    /// <exception cref="JobFailedException">It failed in a way that is known. Any other exception: tried again later, and logged as an error.</exception>
    Task<string?> RunAsync(JobRun run, CancellationToken ct);
}

/// <summary>One try of one job.</summary>
/// <param name="Id">UUIDv7; the same in every try.</param>
/// <param name="Try">1, 2, …</param>
/// <param name="Arguments">The JSON it was enqueued with.</param>
internal sealed record JobRun(Guid Id, int Try, string Arguments)
{
    /// <exception cref="JobFailedException">They are not what this version knows: no further try would change that.</exception>
    public T Read<T>(JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(Arguments, type) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new JobFailedException("its arguments can't be read") { IsFinal = true };
        }
    }
}

/// <summary>A try came to nothing, for a reason that is no bug of ours.</summary>
/// <param name="reason">For operators, in <c>GET /admin/jobs</c> and the log: no address, no secret.</param>
internal sealed class JobFailedException(string reason, Exception? cause = null) : Exception(reason, cause)
{
    /// <summary>No further try would do better: the job goes to the dead letters at once.</summary>
    public bool IsFinal { get; init; }

    /// <summary>The other side has said when to come again; null: it has not. Waits of a day and more are cut to a day.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
