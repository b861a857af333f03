using System.Collections.Concurrent;
using System.Globalization;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Users;

/// <summary>Which accounts, in which order.</summary>
/// <param name="Search">Part of address or user name, taken literally, without regard to case; of one or two characters their beginning.</param>
/// <param name="Sort">One of <c>id email username created_at last_login_at</c>, with <c>-</c> before it for descending.</param>
internal sealed record UserFilter(string? Search, bool? IsActive, string? Sort);

/// <summary>One page of accounts and how many there are, in one statement.</summary>
internal sealed class ListUsers(ReplicaReads reads, Cursors cursors)
{
    private const int ShortestPart = 3;   // what an index of trigrams can find

    private static readonly SqlFile List = SqlFile.Beside<ListUsers>("list_users");
    private static readonly SqlFile Find = SqlFile.Beside<ListUsers>("search_users") with { IsPlannedForItsValues = true };

    /// <summary>What is sorted by has an index, or (log-in) says in the docs that it has none.</summary>
    private static readonly Dictionary<string, ListOrder> Sorts = new(StringComparer.Ordinal)
    {
        ["id"] = new("u.id", "bigint", "u.id"),
        ["email"] = new("lower(u.email)", "text", "u.id"),
        ["username"] = new("lower(u.username)", "text", "u.id"),
        ["created_at"] = new("u.created_at", "timestamptz", "u.id"),
        ["last_login_at"] = new("coalesce(u.last_login_at, '-infinity')", "timestamptz", "u.id"),
    };

    // Each filled as it is first asked for: what a statement says, and not a parameter, is what its plan goes by.
    private static readonly ConcurrentDictionary<Shape, SqlFile> Statements = new();

    /// <summary>The statements a list may come to, for who wants to see their plans. Each order is there first, later and backwards; both filters once for each way to search.</summary>
    public static IEnumerable<(string Name, string Shape, string Sort, bool IsBeginning, SqlFile File)> Shapes =>
        from match in Enum.GetValues<Match>()
        from shape in Sorts.Keys.SelectMany(sort => new Reading[] { new(sort, false, null), new(sort, false, Way.After), new(sort, true, Way.Before) }).Select(r => new Shape(r, null, match))
            .Concat([new(new Reading("id", false, null), true, match), new(new Reading("id", false, null), false, match)])
        let name = match == Match.All ? "Users/ListUsers.list_users" : "Users/ListUsers.search_users"
        let active = shape.IsActive switch { null => "", true => " active", false => " inactive" }
        let reading = shape.Reading
        select (name, $"{match.ToString().ToLowerInvariant()} by {(reading.IsDescending ? "-" : "")}{reading.Sort}{active}{(reading.Way is null ? "" : " from a place")}", reading.Sort, match == Match.Beginning, StatementOf(shape));

    public async Task<Outcome<Page<UserSummary>>> ExecuteAsync(UserFilter filter, Paging paging, CancellationToken ct)
    {
        if (ListPart.Of(cursors, paging, filter.Sort ?? "id", Sorts.Keys, $"users\n{filter.IsActive}\n{filter.Search}").Failed(out var problem, out var part)) return problem;
        var match = string.IsNullOrEmpty(filter.Search) ? Match.All : new StringInfo(filter.Search).LengthInTextElements < ShortestPart ? Match.Beginning : Match.Part;
        var statement = Statements.GetOrAdd(new Shape(part.Reading, filter.IsActive, match), static s => StatementOf(s));
        return (await reads.RunAsync(async db =>
        {
            await using var command = statement.On(db).With(part.Key).With(part.Tie).With(part.Limit).With(part.Offset).With(paging.WantsTotal);
            if (match != Match.All) command.With(match == Match.Part ? LikePattern.Anywhere(filter.Search) : filter.Search!.ToLowerInvariant()).With(paging.WantsExactTotal);
            return await part.PageAsync(command, Read, ct);
        }))!;
    }

    private static UserSummary Read(NpgsqlDataReader row) => new()
    {
        Id = row.GetInt64(4),
        Email = row.GetString(5),
        Username = row.GetString(6),
        DisplayName = row.IsDBNull(7) ? null : row.GetString(7),
        IsActive = row.GetBoolean(8),
        EmailVerified = row.GetBoolean(9),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(10),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>(11),
        LastLoginAt = row.IsDBNull(12) ? null : row.GetFieldValue<DateTimeOffset>(12),
    };

    private static SqlFile StatementOf(Shape shape)
    {
        var sort = Sorts[shape.Reading.Sort];
        var file = (shape.Match == Match.All ? List : Find).Fill("key", sort.Key).Fill("direction", shape.Reading.Direction)
            .Fill("filter", shape.IsActive switch { null => "true", true => "u.is_active", false => "NOT u.is_active" })
            .Fill("counted", shape.IsActive switch { null => "living", true => "active", false => "living - active" })
            .Fill("place", shape.Reading.PlaceIn(sort));
        if (shape.Match == Match.All) return file;
        file = file.Fill("found_place", shape.Reading.PlaceIn(sort with { Key = "u.sort_value" }));
        return shape.Match == Match.Part ? file : file.Fill("match",
            // A range, which an index has even where the text is not known yet. U+10FFFF: no text goes on with more.
            "(lower(u.email) ~>=~ $6 AND lower(u.email) ~<~ ($6 || chr(1114111))) OR (lower(u.username) ~>=~ $6 AND lower(u.username) ~<~ ($6 || chr(1114111)))");
    }

    private enum Match
    {
        All,
        Beginning,
        Part,
    }

    /// <summary>What makes one statement different from another.</summary>
    private readonly record struct Shape(Reading Reading, bool? IsActive, Match Match);
}
