using AuthService.Database.PrivateServer;
using Npgsql;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>A primary, a streaming standby that it waits for, and one address that leads to whichever is the primary.</summary>
internal sealed class StandbyServer : IAsyncDisposable
{
    private readonly OwnServer _primary;
    private readonly TestFolder _folder;
    private readonly ServerAccount _account;
    private readonly ServerBinaries _binaries;

    private StandbyServer(OwnServer primary, TestFolder folder, ServerAccount account, ServerBinaries binaries) =>
        (_primary, _folder, _account, _binaries) = (primary, folder, account, binaries);

    /// <summary>Of the address that moves.</summary>
    public string ConnectionString => new NpgsqlConnectionStringBuilder(_primary.ConnectionString) { Host = Address }.ConnectionString;

    /// <summary>Of the standby itself, which answers reads.</summary>
    public string OwnConnectionString => new NpgsqlConnectionStringBuilder(_primary.ConnectionString) { Host = Sockets }.ConnectionString;

    private string Address => $"{_folder.Path}/now";

    private string Data => $"{_folder.Path}/standby/data";

    private string Sockets => $"{_folder.Path}/standby";

    public static async Task<StandbyServer> StartAsync(OwnServer primary, CancellationToken ct)
    {
        var folder = new TestFolder();
        var account = await ServerAccount.ForAsync(primary.Cluster, ct);
        var pair = new StandbyServer(primary, folder, account, await ServerBinaries.FindAsync(null, ct));
        try
        {
            await pair.MakeAsync(ct);
            return pair;
        }
        catch
        {
            await pair.DisposeAsync();
            throw;
        }
    }

    /// <summary>The primary dies, the standby takes its place and its address.</summary>
    public async Task FailOverAsync(CancellationToken ct)
    {
        await _primary.SignalAllAsync("KILL");
        await RunAsync(_binaries.PgCtl, "promote", "-D", "data", "-w", "-s");
        Point(Sockets);
        // Nobody else is to be waited for.
        await ExecuteAsync(ConnectionString, "ALTER SYSTEM RESET synchronous_standby_names", ct);
        await ExecuteAsync(ConnectionString, "SELECT pg_reload_conf()", ct);
    }

    /// <summary>The primary waits for it no longer: it may lag, and be away.</summary>
    public async Task LetLagAsync(CancellationToken ct)
    {
        await ExecuteAsync(_primary.ConnectionString, "ALTER SYSTEM RESET synchronous_standby_names", ct);
        await ExecuteAsync(_primary.ConnectionString, "SELECT pg_reload_conf()", ct);
    }

    /// <summary>At once, with all its connections.</summary>
    public Task StopAsync() => RunAsync(_binaries.PgCtl, "stop", "-D", "data", "-m", "immediate", "-w", "-s");

    public Task StartAgainAsync() => RunAsync(_binaries.PgCtl, "start", "-D", "data", "-l", "log", "-w", "-s");

    public async ValueTask DisposeAsync()
    {
        if (File.Exists($"{Data}/postmaster.pid")) await StopAsync();
        await _folder.DisposeAsync();
    }

    private async Task MakeAsync(CancellationToken ct)
    {
        Directory.CreateDirectory(Sockets, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await _account.TakeOwnershipAsync(Sockets, ct);
        var primary = new NpgsqlConnectionStringBuilder(_primary.ConnectionString);
        await RunAsync(
            Path.Combine(Path.GetDirectoryName(_binaries.InitDb)!, "pg_basebackup"), "-D", "data", "-R", "-X", "stream", "-c", "fast", "--no-sync",
            "-d", $"host={primary.Host} port=5432 user={primary.Username} password={primary.Password}");
        await File.AppendAllTextAsync($"{Data}/postgresql.auto.conf", $"unix_socket_directories = '{Sockets}'\nfsync = off\nlogging_collector = off\nlisten_addresses = ''\n", ct);
        // The settings the primary includes lie beside its data folder.
        File.Copy(Path.Combine(Path.GetDirectoryName(_primary.Cluster)!, "postgres.conf"), $"{Sockets}/postgres.conf");
        await StartAgainAsync();
        await ExecuteAsync(_primary.ConnectionString, "ALTER SYSTEM SET synchronous_standby_names = '*'", ct);
        await ExecuteAsync(_primary.ConnectionString, "SELECT pg_reload_conf()", ct);
        Point(primary.Host!);
    }

    private void Point(string sockets)
    {
        File.Delete(Address);
        File.CreateSymbolicLink(Address, sockets);
    }

    private async Task RunAsync(string file, params string[] arguments)
    {
        var ran = await _account.RunAsync(file, arguments, Sockets, CancellationToken.None);
        Assert.True(ran.Succeeded, ran.Said);
    }

    private static async Task ExecuteAsync(string connectionString, string sql, CancellationToken ct)
    {
        await using var db = NpgsqlDataSource.Create(connectionString + ";Pooling=false");
        await using var command = db.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(ct);
    }
}
