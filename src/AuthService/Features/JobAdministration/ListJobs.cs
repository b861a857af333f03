using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.JobAdministration;

/// <summary>One page of jobs and how many there are, in one statement.</summary>
internal sealed class ListJobs(NpgsqlDataSource db, Cursors cursors)
{
    private static readonly SqlFile List = SqlFile.Beside<ListJobs>("list_jobs");

    // Ids are UUIDv7: in the order of their making.
    private static readonly Dictionary<string, ListOrder> Sorts = new(StringComparer.Ordinal) { ["enqueued_at"] = new("j.id", "uuid") };
    private static readonly string[] States = ["waiting", "scheduled", "succeeded", "dead"];

    // A state stands in the text: there are indexes for those that few jobs are in.
    private static readonly ConcurrentDictionary<(Reading Reading, string? State), SqlFile> Statements = new();

    /// <param name="state">Null: any.</param>
    /// <param name="kind">Null: any.</param>
    /// <param name="sort"><c>-enqueued_at</c> (default), newest first, or <c>enqueued_at</c>.</param>
    public async Task<Outcome<Page<JobInfo>>> ExecuteAsync(string? state, string? kind, string? sort, Paging paging, CancellationToken ct)
    {
        if (state is not null && !States.Contains(state, StringComparer.Ordinal)) return JobAdministrationProblems.StateNotKnown;
        if (ListPart.Of(cursors, paging, sort ?? "-enqueued_at", Sorts.Keys, $"jobs\n{state}\n{kind}").Failed(out var problem, out var part)) return problem;
        await using var command = Statements.GetOrAdd((part.Reading, state), static s => StatementOf(s.Reading, s.State)).On(db)
            .With(part.Key).With(part.Tie).With(part.Limit).With(part.Offset).With(paging.RowsForTotal).With(kind);
        return (await part.PageAsync(command, Read, ct))!;
    }

    private static SqlFile StatementOf(Reading reading, string? state) => List.Fill("direction", reading.Direction)
        .Fill("place", reading.PlaceIn(Sorts[reading.Sort])).Fill("state", state is null ? "true" : $"j.state = '{state}'");

    private static JobInfo Read(NpgsqlDataReader row) => new()
    {
        Id = row.GetGuid(4),
        Kind = row.GetString(5),
        State = row.GetString(6),
        UniqueKey = row.IsDBNull(7) ? null : row.GetString(7),
        EnqueuedAt = row.GetFieldValue<DateTimeOffset>(8),
        RunAt = row.GetFieldValue<DateTimeOffset>(9),
        StartedAt = Time(row, 10),
        EndedAt = Time(row, 11),
        Node = row.IsDBNull(12) ? null : row.GetString(12),
        Result = row.IsDBNull(13) ? null : row.GetString(13),
        FailedTries = JsonSerializer.Deserialize(row.GetString(14), FailedTriesJson.Default.IReadOnlyListFailedTry)!,
    };

    internal static DateTimeOffset? Time(NpgsqlDataReader row, int ordinal) => row.IsDBNull(ordinal) ? null : row.GetFieldValue<DateTimeOffset>(ordinal);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<FailedTry>))]
internal sealed partial class FailedTriesJson : JsonSerializerContext;
