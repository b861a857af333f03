using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Roles;

/// <summary>One page of roles, by name.</summary>
internal sealed class ListRoles(NpgsqlDataSource db)
{
    private static readonly SqlFile List = SqlFile.Beside<ListRoles>("list_roles");

    public async Task<Outcome<Page<RoleInfo>>> ExecuteAsync(string? search, OffsetPaging paging, CancellationToken ct)
    {
        if (!paging.IsValid) return Paging.NotValid;
        await using var command = List.On(db).With(LikePattern.Anywhere(search)).With(paging.Take).With(paging.Skip);
        await using var row = await command.ExecuteReaderAsync(ct);
        var roles = new List<RoleInfo>();
        long total = 0;
        while (await row.ReadAsync(ct))
        {
            total = row.GetInt64(0);
            if (!row.IsDBNull(1)) roles.Add(GetRole.Read(row, 1).Role);
        }

        return new Page<RoleInfo>(roles, total, TotalIsEstimate: false, NextCursor: null);
    }
}
