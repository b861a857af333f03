using System.ComponentModel.DataAnnotations;

namespace AuthService.Client;

/// <summary>A job: work that is done apart from the request that asked for it. Item of <c>GET /admin/jobs</c>.</summary>
public sealed record JobInfo
{
    /// <summary>UUIDv7.</summary>
    public required Guid Id { get; init; }

    /// <summary>What is done, such as <c>send_email</c>.</summary>
    public required string Kind { get; init; }

    /// <summary><c>waiting</c> for its time or a free node, <c>scheduled</c>: a node has it, <c>succeeded</c>, or <c>dead</c>: no further try unless somebody queues it again.</summary>
    public required string State { get; init; }

    /// <summary>While it has not ended no other job with the same key is taken; null: it has none.</summary>
    public string? UniqueKey { get; init; }

    /// <summary>When it was asked for.</summary>
    public required DateTimeOffset EnqueuedAt { get; init; }

    /// <summary>Not before then.</summary>
    public required DateTimeOffset RunAt { get; init; }

    /// <summary>When the try under way, or the one that succeeded, began; null: none.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it succeeded or went to the dead letters; null: it has not ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The node of that try.</summary>
    public string? Node { get; init; }

    /// <summary>What it said of its success.</summary>
    public string? Result { get; init; }

    /// <summary>The tries that came to nothing, the oldest first, at most the last 50.</summary>
    public required IReadOnlyList<FailedTry> FailedTries { get; init; }
}

/// <summary>A try of a job that came to nothing.</summary>
/// <param name="Try">1 and up.</param>
/// <param name="At">When it began.</param>
/// <param name="TookMs">How long it took, in milliseconds; null: it is not known.</param>
/// <param name="Node">Where; null: nowhere, it was lost before it began.</param>
/// <param name="Error">Why, without addresses and secrets.</param>
public sealed record FailedTry(int Try, DateTimeOffset? At, long? TookMs, string? Node, string Error);

/// <summary>Work that comes again and again. Item of <c>GET /admin/jobs/recurring</c>.</summary>
public sealed record RecurringJobInfo
{
    /// <summary>Such as <c>purge_sessions</c>.</summary>
    public required string Name { get; init; }

    /// <summary>From the beginning of a run to that of the next, in seconds; null: this version has no such job.</summary>
    public double? IntervalSeconds { get; init; }

    /// <summary>When the next run is due; null: no node has scheduled it.</summary>
    public DateTimeOffset? NextAt { get; init; }

    /// <summary>Of the run under way, or of the last one; null: none yet.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>Null: it is under way, or there was none yet.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Where it ran.</summary>
    public string? Node { get; init; }

    /// <summary>How far it is, or was when it said so last.</summary>
    public string? Progress { get; init; }

    /// <summary>Whether the last run that ended succeeded; null: none has.</summary>
    public bool? Succeeded { get; init; }

    /// <summary>What the last run that ended came to, or why it failed.</summary>
    public string? Result { get; init; }

    /// <summary>Runs that ended, on any node.</summary>
    public required long Runs { get; init; }

    /// <summary>Of these, those that failed.</summary>
    public required long Failures { get; init; }
}

/// <summary>All of them. Answer of <c>GET /admin/jobs/recurring</c>.</summary>
/// <param name="Items">By name.</param>
public sealed record RecurringJobs(IReadOnlyList<RecurringJobInfo> Items);

/// <summary>What to do. Body of <c>POST /admin/jobs</c>; exactly one member is set.</summary>
public sealed record JobRequest
{
    /// <summary>The dead letter to queue again, with as many tries as a new job.</summary>
    public Guid? Requeue { get; init; }

    /// <summary>Queues all dead letters of a kind again, <c>*</c>: of every kind; at most 10,000, the oldest first.</summary>
    [StringLength(64, MinimumLength = 1, ErrorMessage = FieldCodes.Length)]
    public string? RequeueKind { get; init; }

    /// <summary>The dead letter to delete: nobody wants it done any more.</summary>
    public Guid? Discard { get; init; }

    /// <summary>The recurring job to run now besides its turns.</summary>
    [StringLength(64, MinimumLength = 1, ErrorMessage = FieldCodes.Length)]
    public string? Run { get; init; }
}

/// <summary>Answer of <c>POST /admin/jobs</c>.</summary>
/// <param name="Jobs">How many jobs it was done to. Dead letters whose unique key another job has are left.</param>
public sealed record JobResult(long Jobs);
