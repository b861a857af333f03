using System.Collections.Concurrent;
using System.Globalization;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using Microsoft.AspNetCore.Mvc;
using Npgsql;

namespace AuthService.Features.AuditEvents;

/// <summary>Which events. All that are given must fit. Bound with <c>[AsParameters]</c>.</summary>
internal sealed record AuditFilter
{
    /// <summary>Such as <c>authz_change</c>.</summary>
    public string? Type { get; init; }

    /// <summary>Number of the account that did it.</summary>
    [FromQuery(Name = "actor_id")] public long? ActorId { get; init; }

    /// <summary>Such as <c>user</c>.</summary>
    [FromQuery(Name = "target_type")] public string? TargetType { get; init; }

    /// <summary>Together with <see cref="TargetType"/>.</summary>
    [FromQuery(Name = "target_id")] public string? TargetId { get; init; }

    /// <summary><c>success</c> or <c>failure</c>.</summary>
    public string? Outcome { get; init; }

    /// <summary>As an answer's <c>X-Request-ID</c> said.</summary>
    [FromQuery(Name = "request_id")] public string? RequestId { get; init; }

    /// <summary>No event before this instant.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>No event at this instant or later.</summary>
    public DateTimeOffset? To { get; init; }
}

/// <summary>One page of the audit trail and how many events there are, in one statement.</summary>
internal sealed class ListAuditEvents(ReplicaReads reads, Cursors cursors)
{
    private static readonly SqlFile List = SqlFile.Beside<ListAuditEvents>("list_events");

    private static readonly Dictionary<string, ListOrder> Sorts = new(StringComparer.Ordinal) { ["ts"] = new("e.ts", "timestamptz", "e.id", "uuid") };

    /// <summary>What the driver sends as the infinities.</summary>
    private static readonly (DateTime From, DateTime To) Always = (DateTime.SpecifyKind(DateTime.MinValue, DateTimeKind.Utc), DateTime.SpecifyKind(DateTime.MaxValue, DateTimeKind.Utc));

    // Each filled as it is first asked for: which index serves a page is for the statement to say, and not for its parameters.
    private static readonly ConcurrentDictionary<Shape, SqlFile> Statements = new();

    /// <summary>The statements a page may come to, for who wants to see their plans: newest first, further on, and by each filter that has an index.</summary>
    public static IEnumerable<(string Shape, SqlFile File)> Shapes =>
        from shape in new (string Name, Shape Shape)[]
        {
            ("newest", new(Newest, default)), ("from a place", new(Newest with { Way = Way.After }, default)), ("back from a place", new(new Reading("ts", false, Way.Before), default)),
            ("of a type", new(Newest, new(Type: true, false, false, false, false))), ("of an actor", new(Newest, new(false, Actor: true, false, false, false))),
            ("of a target", new(Newest, new(false, false, Target: true, false, false))), ("of a request", new(Newest, new(false, false, false, Request: true, false))),
            ("in a time", new(Newest, new(false, false, false, false, Time: true))),
        }
        select (shape.Name, StatementOf(shape.Shape));

    private static Reading Newest => new("ts", true, null);

    /// <param name="sort"><c>-ts</c> (default), newest first, or <c>ts</c>.</param>
    public async Task<Outcome<Page<AuditEventInfo>>> ExecuteAsync(AuditFilter filter, string? sort, Paging paging, CancellationToken ct)
    {
        if (filter is { TargetId: not null, TargetType: null }) return AuditEventsProblems.TargetTypeMissing;
        var scope = string.Join('\n', "audit-events", filter.Type, filter.ActorId?.ToString(CultureInfo.InvariantCulture), filter.TargetType, filter.TargetId, filter.Outcome, filter.RequestId,
            filter.From?.UtcTicks.ToString(CultureInfo.InvariantCulture), filter.To?.UtcTicks.ToString(CultureInfo.InvariantCulture));
        if (ListPart.Of(cursors, paging, sort ?? "-ts", Sorts.Keys, scope).Failed(out var problem, out var part)) return problem;
        var filters = new Filters(filter.Type is not null, filter.ActorId is not null, filter.TargetId is not null, filter.RequestId is not null, filter.From is not null || filter.To is not null);
        var statement = Statements.GetOrAdd(new Shape(part.Reading, filters), static s => StatementOf(s));
        return (await reads.RunAsync(async db =>
        {
            await using var command = statement.On(db).With(part.Key).With(part.Tie).With(part.Limit).With(part.Offset).With(paging.RowsForTotal)
                .With(filter.From?.UtcDateTime ?? Always.From).With(filter.To?.UtcDateTime ?? Always.To)
                .With(filter.Outcome).With(filter.TargetType).With(filter.Type).With(filter.ActorId).With(filter.TargetId).With(filter.RequestId);
            return await part.PageAsync(command, Read, ct);
        }))!;
    }

    private static SqlFile StatementOf(Shape shape)
    {
        var (sort, filters) = (Sorts[shape.Reading.Sort], shape.Filters);
        List<string> conditions = [];
        if (filters.Type) conditions.Add("e.type = $10");
        if (filters.Actor) conditions.Add("e.actor_id = $11");
        if (filters.Target) conditions.Add("e.target_id = $12 AND e.target_type = $9");
        if (filters.Request) conditions.Add("e.request_id = $13");
        return List.Fill("direction", shape.Reading.Direction).Fill("place", shape.Reading.PlaceIn(sort))
            .Fill("filter", conditions.Count == 0 ? "true" : string.Join(" AND ", conditions))
            .Fill("is_whole", filters == default ? "$9::text IS NULL" : "false");
    }

    private static AuditEventInfo Read(NpgsqlDataReader row) => new()
    {
        Id = row.GetGuid(4),
        Ts = row.GetFieldValue<DateTimeOffset>(5),
        Type = row.GetString(6),
        ActorType = row.GetString(7),
        ActorId = row.IsDBNull(8) ? null : row.GetInt64(8),
        SessionId = row.IsDBNull(9) ? null : row.GetGuid(9),
        TargetType = Text(row, 10),
        TargetId = Text(row, 11),
        Outcome = row.GetString(12),
        Reason = Text(row, 13),
        Changed = row.IsDBNull(14) ? null : row.GetFieldValue<string[]>(14),
        Ip = Text(row, 15),
        UserAgent = Text(row, 16),
        RequestId = Text(row, 17),
        TraceId = Text(row, 18),
        Seal = row.IsDBNull(19) ? null : row.GetInt64(19),
    };

    private static string? Text(NpgsqlDataReader row, int ordinal) => row.IsDBNull(ordinal) ? null : row.GetString(ordinal);

    /// <summary>What makes one statement different from another.</summary>
    private readonly record struct Shape(Reading Reading, Filters Filters);

    /// <summary>Which of the filters that have an index are given, and whether a time is.</summary>
    private readonly record struct Filters(bool Type, bool Actor, bool Target, bool Request, bool Time);
}
