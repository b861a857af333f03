using AuthService.Audit;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using AuthService.Jobs;
using Npgsql;

namespace AuthService.Features.JobAdministration;

/// <summary>What operators do to jobs: queue dead letters again, give one up, run a recurring one now.</summary>
internal sealed class ChangeJobs(NpgsqlDataSource db, JobQueue queue, JobOptions options, IEnumerable<IRecurringJob> recurring)
{
    private const int MostAtOnce = 10_000;
    private const string EveryKind = "*";

    private static readonly SqlFile RequeueOne = SqlFile.Beside<ChangeJobs>("requeue_one");
    private static readonly SqlFile RequeueKind = SqlFile.Beside<ChangeJobs>("requeue_kind");
    private static readonly SqlFile Discard = SqlFile.Beside<ChangeJobs>("discard");

    public Task<Outcome<JobResult>> ExecuteAsync(JobRequest request, Caller caller, CancellationToken ct) => request switch
    {
        { Requeue: { } id, RequeueKind: null, Discard: null, Run: null } => InTransactionAsync(caller, $"requeue {id}", transaction => RequeueAsync(transaction, id, ct), ct),
        { Requeue: null, RequeueKind: { } kind, Discard: null, Run: null } => InTransactionAsync(caller, $"requeue {kind}", transaction => RequeueAllAsync(transaction, kind, ct), ct),
        { Requeue: null, RequeueKind: null, Discard: { } id, Run: null } => InTransactionAsync(caller, $"discard {id}", transaction => DiscardAsync(transaction, id, ct), ct),
        { Requeue: null, RequeueKind: null, Discard: null, Run: { } name } => InTransactionAsync(caller, $"run {name}", transaction => RunAsync(transaction, name, ct), ct),
        _ => Task.FromResult<Outcome<JobResult>>(JobAdministrationProblems.ExactlyOne),
    };

    private async Task<Outcome<JobResult>> RequeueAsync(NpgsqlTransaction transaction, Guid id, CancellationToken ct)
    {
        await using var command = RequeueOne.On(transaction).With(id).With(options.MaxTries);
        try
        {
            return await command.ExecuteNonQueryAsync(ct) == 1 ? new JobResult(1) : JobAdministrationProblems.NotDead;
        }
        catch (PostgresException e) when (e.ConstraintName == "jobs_unique_key")
        {
            return JobAdministrationProblems.KeyTaken;
        }
    }

    private async Task<Outcome<JobResult>> RequeueAllAsync(NpgsqlTransaction transaction, string kind, CancellationToken ct)
    {
        await using var command = RequeueKind.On(transaction).With(kind == EveryKind ? null : kind).With(options.MaxTries).With(MostAtOnce);
        return new JobResult(await command.ExecuteNonQueryAsync(ct));
    }

    private static async Task<Outcome<JobResult>> DiscardAsync(NpgsqlTransaction transaction, Guid id, CancellationToken ct)
    {
        await using var command = Discard.On(transaction).With(id);
        return await command.ExecuteNonQueryAsync(ct) == 1 ? new JobResult(1) : JobAdministrationProblems.NotDead;
    }

    private async Task<Outcome<JobResult>> RunAsync(NpgsqlTransaction transaction, string name, CancellationToken ct)
    {
        if (recurring.All(job => job.Name != name)) return JobAdministrationProblems.RecurringNotFound;
        return new JobResult(await queue.EnqueueAsync(transaction, StartRecurringJob.Of(name), ct) is null ? 0 : 1);
    }

    private async Task<Outcome<JobResult>> InTransactionAsync(Caller caller, string what, Func<NpgsqlTransaction, Task<Outcome<JobResult>>> change, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var outcome = await change(transaction);
        if (outcome.Failed(out _, out _)) return outcome;
        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.AuthzAdmin, caller) with { TargetType = "jobs", Reason = what }, ct);
        await transaction.CommitAsync(ct);
        return outcome;
    }
}
