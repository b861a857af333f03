using System.Collections.Concurrent;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Roles;

/// <summary>One page of roles and how many there are, in one statement.</summary>
internal sealed class ListRoles(NpgsqlDataSource db, Cursors cursors)
{
    private static readonly SqlFile List = SqlFile.Beside<ListRoles>("list_roles");

    /// <summary>Each is unique and has an index.</summary>
    private static readonly Dictionary<string, ListOrder> Sorts = new(StringComparer.Ordinal)
    {
        ["name"] = new("r.name", "text"),
        ["id"] = new("r.id", "bigint"),
    };

    private static readonly ConcurrentDictionary<(Reading, bool IsSearch), SqlFile> Statements = new();

    /// <param name="search">Part of the name, taken literally, without regard to case.</param>
    /// <param name="sort">One of <c>name id</c>, with <c>-</c> before it for descending.</param>
    public async Task<Outcome<Page<RoleInfo>>> ExecuteAsync(string? search, string? sort, Paging paging, CancellationToken ct)
    {
        if (ListPart.Of(cursors, paging, sort ?? "name", Sorts.Keys, $"roles\n{search}").Failed(out var problem, out var part)) return problem;
        var pattern = LikePattern.Anywhere(search);
        await using var command = Statements.GetOrAdd((part.Reading, pattern is not null), static s => StatementOf(s.Item1, s.IsSearch)).On(db)
            .With(part.Key).With(part.Limit).With(part.Offset).With(paging.RowsForTotal).With(pattern);
        return (await part.PageAsync(command, static row => GetRole.Read(row, 4).Role, ct))!;
    }

    internal static SqlFile StatementOf(Reading reading, bool isSearch)
    {
        var sort = Sorts[reading.Sort];
        var file = List.Fill("key", sort.Key).Fill("direction", reading.Direction).Fill("place", reading.PlaceIn(sort));
        return isSearch ? file : file.Fill("match", "true");
    }
}
