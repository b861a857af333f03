using System.Collections.Concurrent;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Sessions;

/// <summary>One page of an account's live sessions and how many there are, in one statement.</summary>
internal sealed class ListSessions(NpgsqlDataSource db, Cursors cursors)
{
    private static readonly SqlFile List = SqlFile.Beside<ListSessions>("list_sessions");

    /// <summary>Sorted among the sessions of one account, which are few; no index has to serve them.</summary>
    private static readonly Dictionary<string, ListOrder> Sorts = new(StringComparer.Ordinal)
    {
        ["created_at"] = new("s.created_at", "timestamptz", "s.id", "uuid"),
        ["refreshed_at"] = new("s.rotated_at", "timestamptz", "s.id", "uuid"),
    };

    private static readonly ConcurrentDictionary<Reading, SqlFile> Statements = new();

    /// <param name="missing">What to answer where there is no such account.</param>
    /// <param name="sort">One of <c>created_at refreshed_at</c>, with <c>-</c> before it for descending.</param>
    public async Task<Outcome<Page<SessionInfo>>> ExecuteAsync(Caller caller, long userId, Problem missing, string? sort, Paging paging, CancellationToken ct)
    {
        if (ListPart.Of(cursors, paging, sort ?? "-created_at", Sorts.Keys, $"sessions\n{userId}").Failed(out var problem, out var part)) return problem;
        await using var command = Statements.GetOrAdd(part.Reading, static r => StatementOf(r)).On(db)
            .With(part.Key).With(part.Tie).With(part.Limit).With(part.Offset).With(paging.WantsTotal).With(userId);
        return await part.PageAsync(command, row => Read(row, caller), ct) is { } page ? page : missing;
    }

    private static SqlFile StatementOf(Reading reading)
    {
        var sort = Sorts[reading.Sort];
        return List.Fill("key", sort.Key).Fill("direction", reading.Direction).Fill("place", reading.PlaceIn(sort));
    }

    private static SessionInfo Read(NpgsqlDataReader row, Caller caller) => new()
    {
        Id = row.GetGuid(4),
        IsCurrent = row.GetGuid(4) == caller.SessionId,
        CreatedAt = row.GetFieldValue<DateTimeOffset>(5),
        RefreshedAt = row.GetFieldValue<DateTimeOffset>(6),
        IdleExpiresAt = row.GetFieldValue<DateTimeOffset>(7),
        AbsoluteExpiresAt = row.GetFieldValue<DateTimeOffset>(8),
        Ip = row.IsDBNull(9) ? null : row.GetString(9),
        UserAgent = row.IsDBNull(10) ? null : row.GetString(10),
    };
}
