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
    private static readonly SqlFile Find = SqlFile.Beside<ListUsers>("search_users");

    /// <summary>What is sorted by has an index, or (log-in) says in the docs that it has none.</summary>
    private static readonly Dictionary<string, (string Key, string Type)> Sorts = new(StringComparer.Ordinal)
    {
        ["id"] = ("u.id", "bigint"),
        ["email"] = ("lower(u.email)", "text"),
        ["username"] = ("lower(u.username)", "text"),
        ["created_at"] = ("u.created_at", "timestamptz"),
        ["last_login_at"] = ("coalesce(u.last_login_at, '-infinity')", "timestamptz"),
    };

    // Each filled as it is first asked for: what a statement says, and not a parameter, is what its plan goes by.
    private static readonly ConcurrentDictionary<Shape, SqlFile> Statements = new();

    public async Task<Outcome<Page<UserSummary>>> ExecuteAsync(UserFilter filter, Paging paging, CancellationToken ct)
    {
        if (!paging.IsValid) return Paging.NotValid;
        var sort = filter.Sort ?? "id";
        var isDescending = sort.StartsWith('-');
        if (!Sorts.ContainsKey(isDescending ? sort[1..] : sort)) return UsersProblems.SortNotKnown;
        var scope = $"users\n{sort}\n{filter.IsActive}\n{filter.Search}";
        string? placeKey = null;
        long placeId = 0;
        var goesBack = false;
        if (paging.Cursor is { } cursor && !cursors.TryRead(cursor, scope, out placeKey, out placeId))
        {
            goesBack = cursors.TryRead(cursor, Backwards(scope), out placeKey, out placeId);
            if (!goesBack) return Paging.CursorNotValid;
        }

        var match = string.IsNullOrEmpty(filter.Search) ? Match.All : new StringInfo(filter.Search).LengthInTextElements < ShortestPart ? Match.Beginning : Match.Part;
        var shape = new Shape(isDescending ? sort[1..] : sort, isDescending != goesBack, filter.IsActive, match, placeKey is not null);
        var (users, total, isEstimate, hasMore) = await reads.RunAsync(db => ReadAsync(db, shape, filter, paging, placeKey, placeId, ct));
        if (goesBack) users.Reverse();
        var hasNext = goesBack || hasMore;
        var hasPrevious = goesBack ? hasMore : placeKey is not null || paging.Skip > 0;
        return new Page<UserSummary>(
            users.ConvertAll(u => u.User), total, isEstimate,
            hasNext && users.Count > 0 ? cursors.Make(scope, users[^1].Key, users[^1].User.Id) : null,
            hasPrevious && users.Count > 0 ? cursors.Make(Backwards(scope), users[0].Key, users[0].User.Id) : null);
    }

    private static async Task<(List<(UserSummary User, string Key)> Users, long? Total, bool IsEstimate, bool HasMore)> ReadAsync(
        NpgsqlDataSource db, Shape shape, UserFilter filter, Paging paging, string? placeKey, long placeId, CancellationToken ct)
    {
        await using var command = Statements.GetOrAdd(shape, static s => StatementOf(s)).On(db)
            .With(placeKey).With(placeId).With(paging.Take + 1).With(paging.Skip).With(paging.WantsTotal);
        if (shape.Match != Match.All) command.With(shape.Match == Match.Part ? LikePattern.Anywhere(filter.Search) : filter.Search!.ToLowerInvariant()).With(paging.WantsExactTotal);
        await using var row = await command.ExecuteReaderAsync(ct);

        var users = new List<(UserSummary User, string Key)>(paging.Take);
        long? total = null;
        var (isEstimate, hasMore) = (false, false);
        while (await row.ReadAsync(ct))
        {
            total = row.IsDBNull(0) ? null : row.GetInt64(0);
            isEstimate = row.GetBoolean(1);
            if (row.IsDBNull(2)) break;
            hasMore = users.Count == paging.Take;   // one more than asked for
            if (!hasMore) users.Add((Read(row), row.GetString(11)));
        }

        return (users, total, isEstimate, hasMore);
    }

    /// <summary>Of cursors to a page before: another list, as far as cursors go.</summary>
    private static string Backwards(string scope) => "back " + scope;

    private static UserSummary Read(NpgsqlDataReader row) => new()
    {
        Id = row.GetInt64(2),
        Email = row.GetString(3),
        Username = row.GetString(4),
        DisplayName = row.IsDBNull(5) ? null : row.GetString(5),
        IsActive = row.GetBoolean(6),
        EmailVerified = row.GetBoolean(7),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(8),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>(9),
        LastLoginAt = row.IsDBNull(10) ? null : row.GetFieldValue<DateTimeOffset>(10),
    };

    private static SqlFile StatementOf(Shape shape)
    {
        var (key, type) = Sorts[shape.Sort];
        var (after, direction) = shape.IsDescending ? ("<", "DESC") : (">", "ASC");
        var file = (shape.Match == Match.All ? List : Find).Fill("key", key).Fill("direction", direction)
            .Fill("filter", shape.IsActive switch { null => "true", true => "u.is_active", false => "NOT u.is_active" })
            .Fill("counted", shape.IsActive switch { null => "living", true => "active", false => "living - active" })
            .Fill("place", shape.HasPlace ? $"({key}, u.id) {after} ($1::text::{type}, $2)" : "true");
        if (shape.Match == Match.All) return file;
        file = file.Fill("found_place", shape.HasPlace ? $"(u.sort_value, u.id) {after} ($1::text::{type}, $2)" : "true");
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
    private readonly record struct Shape(string Sort, bool IsDescending, bool? IsActive, Match Match, bool HasPlace);
}
