using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Permissions;

/// <summary>One page of permissions, by name.</summary>
internal sealed class ListPermissions(NpgsqlDataSource db)
{
    private static readonly SqlFile List = SqlFile.Beside<ListPermissions>("list_permissions");

    public async Task<Outcome<Page<PermissionInfo>>> ExecuteAsync(string? search, OffsetPaging paging, CancellationToken ct)
    {
        if (!paging.IsValid) return Paging.NotValid;
        await using var command = List.On(db).With(LikePattern.Anywhere(search)).With(paging.Take).With(paging.Skip);
        await using var row = await command.ExecuteReaderAsync(ct);
        var permissions = new List<PermissionInfo>();
        long total = 0;
        while (await row.ReadAsync(ct))
        {
            total = row.GetInt64(0);
            if (!row.IsDBNull(1)) permissions.Add(GetPermission.Read(row, 1).Permission);
        }

        return new Page<PermissionInfo>(permissions, total, TotalIsEstimate: false, NextCursor: null);
    }
}
