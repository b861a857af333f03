using AuthService.Database;
using Npgsql;
using NpgsqlTypes;

namespace AuthService.Seeding;

/// <summary>How much to seed.</summary>
/// <param name="PasswordHash">Of the one password all seeded accounts share.</param>
internal sealed record SeedSize(int Users, int Roles, int Permissions, string PasswordHash);

/// <summary>
/// Fills a database for demonstrations and load: accounts <c>u{n}@example.com</c> with two roles each, roles with eight
/// permissions each. One transaction, by binary COPY; run again it adds to what is there. While there are few accounts the indexes are dropped before and made
/// anew after, and until the end nobody else reads accounts.
/// </summary>
internal sealed class SeedDemonstration(NpgsqlDataSource db, TimeProvider clock)
{
    private const int RolesPerUser = 2;
    private const int ProgressEvery = 4_096;
    private const int FewAccounts = 1_000;

    // A year of registrations, so that lists by date have something to sort.
    private static readonly TimeSpan RegistrationSpan = TimeSpan.FromDays(365);

    private static readonly SqlFile IsAlmostEmpty = SqlFile.Beside<SeedDemonstration>("is_almost_empty");
    private static readonly SqlFile LockOutReaders = SqlFile.Beside<SeedDemonstration>("lock_out_readers");
    private static readonly SqlFile DropIndexes = SqlFile.Beside<SeedDemonstration>("drop_indexes");
    private static readonly SqlFile RebuildIndexes = SqlFile.Beside<SeedDemonstration>("rebuild_indexes");
    private static readonly SqlFile LockUsers = SqlFile.Beside<SeedDemonstration>("lock_users");
    private static readonly SqlFile FindLast = SqlFile.Beside<SeedDemonstration>("find_last");
    private static readonly SqlFile ReserveIds = SqlFile.Beside<SeedDemonstration>("reserve_ids");
    private static readonly SqlFile InsertPermissions = SqlFile.Beside<SeedDemonstration>("insert_permissions");
    private static readonly SqlFile InsertRoles = SqlFile.Beside<SeedDemonstration>("insert_roles");
    private static readonly SqlFile InsertRolePermissions = SqlFile.Beside<SeedDemonstration>("insert_role_permissions");
    private static readonly SqlFile ListRoles = SqlFile.Beside<SeedDemonstration>("list_roles");
    private static readonly SqlFile CopyUsers = SqlFile.Beside<SeedDemonstration>("copy_users");
    private static readonly SqlFile CopyUserRoles = SqlFile.Beside<SeedDemonstration>("copy_user_roles");
    private static readonly SqlFile LiftLimits = SqlFile.Beside<SeedDemonstration>("lift_limits");
    private static readonly SqlFile DropChecks = SqlFile.Beside<SeedDemonstration>("drop_checks");
    private static readonly SqlFile AddChecks = SqlFile.Beside<SeedDemonstration>("add_checks");
    private static readonly SqlFile Analyze = SqlFile.Beside<SeedDemonstration>("analyze");

    /// <param name="progress">Rows written so far; there are <c>3 × Users</c> of them.</param>
    /// <returns>Number in the name of the first account made.</returns>
    public async Task<long> ExecuteAsync(SeedSize size, Action<long> progress, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        // In a transaction of its own, for what it reads stays locked in a weak way. If accounts come between it and the lock, this takes longer, and that is all.
        var rebuilds = size.Users > 0 && await IsAlmostEmptyAsync(connection, ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ExecuteAsync(LiftLimits.On(transaction), ct);
        await ExecuteAsync((rebuilds ? LockOutReaders : LockUsers).On(transaction), ct);
        await ExecuteAsync(InsertPermissions.On(transaction).With(size.Permissions), ct);
        await ExecuteAsync(InsertRoles.On(transaction).With(size.Roles), ct);
        await ExecuteAsync(InsertRolePermissions.On(transaction).With(size.Roles).With(size.Permissions), ct);
        var roles = await RolesAsync(transaction, size.Roles, ct);
        var firstNumber = await ScalarAsync(FindLast.On(transaction), ct) + 1;
        if (size.Users > 0)
        {
            if (rebuilds) await ExecuteAsync(DropIndexes.On(transaction), ct);
            var firstId = await ScalarAsync(ReserveIds.On(transaction).With((long)size.Users), ct);
            await CopyUsersAsync(connection, size, firstId, firstNumber, progress, ct);
            await ExecuteAsync(DropChecks.On(transaction), ct);
            await CopyUserRolesAsync(connection, size, firstId, firstNumber, roles, progress, ct);
            if (rebuilds) await ExecuteAsync(RebuildIndexes.On(transaction), ct);
            await ExecuteAsync(AddChecks.On(transaction), ct);
        }

        await ExecuteAsync(Analyze.On(transaction), ct);
        await transaction.CommitAsync(ct);
        return firstNumber;
    }

    private static async Task<bool> IsAlmostEmptyAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = IsAlmostEmpty.On(connection).With(FewAccounts);
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    private async Task CopyUsersAsync(NpgsqlConnection connection, SeedSize size, long firstId, long firstNumber, Action<long> progress, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        await using var copy = await BeginAsync(connection, CopyUsers, ct);
        for (var i = 0; i < size.Users; i++)
        {
            var name = $"u{firstNumber + i}";
            await copy.StartRowAsync(ct);
            await copy.WriteAsync(firstId + i, NpgsqlDbType.Bigint, ct);
            await copy.WriteAsync(name + "@example.com", NpgsqlDbType.Text, ct);
            await copy.WriteAsync(name, NpgsqlDbType.Text, ct);
            await copy.WriteAsync($"User {firstNumber + i}", NpgsqlDbType.Text, ct);
            await copy.WriteAsync(size.PasswordHash, NpgsqlDbType.Text, ct);
            await copy.WriteAsync(true, NpgsqlDbType.Boolean, ct);
            await copy.WriteAsync(now - RegistrationSpan + RegistrationSpan * ((double)i / size.Users), NpgsqlDbType.TimestampTz, ct);
            if (i % ProgressEvery == 0) progress(i);
        }

        await copy.CompleteAsync(ct);
    }

    private static async Task CopyUserRolesAsync(
        NpgsqlConnection connection, SeedSize size, long firstId, long firstNumber, List<long> roles, Action<long> progress, CancellationToken ct)
    {
        if (roles.Count == 0) return;
        await using var copy = await BeginAsync(connection, CopyUserRoles, ct);
        for (var i = 0; i < size.Users; i++)
        {
            var n = firstNumber + i;
            for (var k = 0; k < Math.Min(RolesPerUser, roles.Count); k++)
            {
                // Neighbours in the list would be one apart: half the list apart, two can't be the same.
                var role = roles[(int)((n + (long)k * (roles.Count / 2 + roles.Count % 2)) % roles.Count)];
                await copy.StartRowAsync(ct);
                await copy.WriteAsync(firstId + i, NpgsqlDbType.Bigint, ct);
                await copy.WriteAsync(role, NpgsqlDbType.Bigint, ct);
            }

            if (i % ProgressEvery == 0) progress(size.Users + (long)i * RolesPerUser);
        }

        await copy.CompleteAsync(ct);
    }

    private static async Task<NpgsqlBinaryImporter> BeginAsync(NpgsqlConnection connection, SqlFile copy, CancellationToken ct)
    {
        var importer = await connection.BeginBinaryImportAsync(copy.Text, ct);
        importer.Timeout = Timeout.InfiniteTimeSpan;
        return importer;
    }

    private static async Task<List<long>> RolesAsync(NpgsqlTransaction transaction, int count, CancellationToken ct)
    {
        await using var command = ListRoles.On(transaction).With(count);
        await using var row = await command.ExecuteReaderAsync(ct);
        var roles = new List<long>(count);
        while (await row.ReadAsync(ct)) roles.Add(row.GetInt64(0));
        return roles;
    }

    private static async Task<long> ScalarAsync(Statement command, CancellationToken ct)
    {
        await using (command) return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    private static async Task ExecuteAsync(Statement command, CancellationToken ct)
    {
        await using (command)
        {
            command.TimeoutSeconds = 0;
            await command.ExecuteNonQueryAsync(ct);
        }
    }
}
