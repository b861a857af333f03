using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Users;

/// <summary>Which accounts, in which order.</summary>
/// <param name="Search">Part of address or user name, taken literally, without regard to case.</param>
/// <param name="Sort">One of <c>id email username created_at last_login_at</c>, with <c>-</c> before it for descending.</param>
internal sealed record UserFilter(string? Search, bool? IsActive, string? Sort);

/// <summary>One page of accounts and how many there are, in one statement.</summary>
internal sealed class ListUsers(NpgsqlDataSource db, Cursors cursors)
{
    private const int CountedAtMost = 10_000;

    /// <summary>Every order there is. What is sorted by has an index, or (log-in) says in the docs that it has none.</summary>
    private static readonly Dictionary<string, SqlFile> Statements = Orders(
        ("id", "u.id", "bigint"), ("email", "lower(u.email)", "text"), ("username", "lower(u.username)", "text"),
        ("created_at", "u.created_at", "timestamptz"), ("last_login_at", "coalesce(u.last_login_at, '-infinity')", "timestamptz"));

    public async Task<Outcome<Page<UserSummary>>> ExecuteAsync(UserFilter filter, Paging paging, CancellationToken ct)
    {
        if (!paging.IsValid) return Paging.NotValid;
        var sort = filter.Sort ?? "id";
        if (!Statements.TryGetValue(sort, out var statement)) return UsersProblems.SortNotKnown;
        var scope = $"users\n{sort}\n{filter.IsActive}\n{filter.Search}";
        string? afterKey = null;
        long afterId = 0;
        if (paging.Cursor is { } cursor && !cursors.TryRead(cursor, scope, out afterKey, out afterId)) return Paging.CursorNotValid;

        await using var command = statement.On(db)
            .With(filter.IsActive).With(LikePattern.Anywhere(filter.Search)).With(afterKey).With(afterId).With(paging.Take + 1).With(paging.Skip);
        await using var row = await command.ExecuteReaderAsync(ct);

        var users = new List<UserSummary>(paging.Take);
        long total = 0;
        string? lastKey = null, next = null;
        while (await row.ReadAsync(ct))
        {
            total = row.GetInt64(0);
            if (row.IsDBNull(1)) break;
            if (users.Count == paging.Take) { next = cursors.Make(scope, lastKey!, users[^1].Id); break; }   // one more than asked for: there is a next page
            users.Add(Read(row));
            lastKey = row.GetString(10);
        }

        return new Page<UserSummary>(users, Math.Min(total, CountedAtMost), TotalIsEstimate: total > CountedAtMost, next);
    }

    private static UserSummary Read(NpgsqlDataReader row) => new()
    {
        Id = row.GetInt64(1),
        Email = row.GetString(2),
        Username = row.GetString(3),
        DisplayName = row.IsDBNull(4) ? null : row.GetString(4),
        IsActive = row.GetBoolean(5),
        EmailVerified = row.GetBoolean(6),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(7),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>(8),
        LastLoginAt = row.IsDBNull(9) ? null : row.GetFieldValue<DateTimeOffset>(9),
    };

    private static Dictionary<string, SqlFile> Orders(params (string Name, string Key, string Type)[] sorts)
    {
        var file = SqlFile.Beside<ListUsers>("list_users");
        var statements = new Dictionary<string, SqlFile>(StringComparer.Ordinal);
        foreach (var (name, key, type) in sorts)
        {
            var sorted = file.Fill("key", key).Fill("type", type);
            statements[name] = sorted.Fill("after", ">").Fill("direction", "ASC");
            statements["-" + name] = sorted.Fill("after", "<").Fill("direction", "DESC");
        }

        return statements;
    }
}
