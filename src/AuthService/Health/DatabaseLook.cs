using AuthService.Database;
using Npgsql;

namespace AuthService.Health;

/// <summary>Whether the primary answers, and whether its schema is one this binary can work on.</summary>
internal sealed class DatabaseLook
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan KeptFor = TimeSpan.FromMilliseconds(500);
    private static readonly SqlFile ReadVersion = SqlFile.Beside<DatabaseLook>("read_version");

    private readonly NpgsqlDataSource _db;
    private readonly JointLook<(bool, bool)> _look;

    public DatabaseLook(NpgsqlDataSource db, TimeProvider clock) => (_db, _look) = (db, new JointLook<(bool, bool)>(LookAsync, KeptFor, clock));

    /// <returns>Current: nothing is left to migrate. A newer schema is current as well: during an upgrade the nodes of the version before go on.</returns>
    public Task<(bool Answers, bool IsCurrent)> LatestAsync(CancellationToken ct) => _look.LatestAsync(ct);

    private async Task<(bool, bool)> LookAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            await using var command = ReadVersion.On(_db);
            var version = (int)(await command.ExecuteScalarAsync(limit.Token))!;
            return (true, version >= Migration.Embedded[^1].Version);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            return (true, false);   // nobody has migrated yet
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException or ObjectDisposedException)
        {
            return (false, false);
        }
    }
}
