using AuthService.Database.PrivateServer;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>A PostgreSQL of one test, to be stopped and killed. Commits survive the death of its processes, though not that of the machine.</summary>
internal sealed class OwnServer : IAsyncDisposable
{
    private readonly TestFolder _folder;
    private readonly PrivatePostgres _postgres;

    private OwnServer(TestFolder folder, PrivatePostgres postgres) => (_folder, _postgres) = (folder, postgres);

    public string ConnectionString => _postgres.ConnectionString;

    public string Cluster => _postgres.ClusterFolder;

    public string Folder => _folder.Path;

    public static async Task<OwnServer> StartAsync(CancellationToken ct, params (string Name, string Value)[] settings)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal) { ["fsync"] = "off", ["shared_buffers"] = "32MB", ["max_connections"] = "100" };
        foreach (var (name, value) in settings) all[name] = value;
        var folder = new TestFolder(onDisk: all["fsync"] == "on");
        return new OwnServer(folder, await PrivatePostgres.StartAsync(folder.Path, new PrivatePostgresParameters { Settings = all }, NullLogger.Instance, ct));
    }

    /// <summary><c>kill -9</c> of one backend: the server ends all others and recovers from its log, as after a crash. Returns when it takes connections again.</summary>
    public async Task CrashAsync(int pick, CancellationToken ct)
    {
        await using var db = NpgsqlDataSource.Create(ConnectionString + ";Pooling=false;Timeout=2");
        await using var watch = await db.OpenConnectionAsync(ct);
        var backends = new List<int>();
        await using (var find = new NpgsqlCommand("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid", watch))
        await using (var row = await find.ExecuteReaderAsync(ct))
        {
            while (await row.ReadAsync(ct)) backends.Add(row.GetInt32(0));
        }

        if (backends.Count == 0) return;
        await Signals.SendAsync(backends[pick % backends.Count], "KILL");
        await Eventually.TrueAsync(async () => !await TryAsync(() => ExecuteAsync(watch, ct)), TimeSpan.FromSeconds(30));
        await Eventually.TrueAsync(() => TryAsync(async () =>
        {
            await using var connection = await db.OpenConnectionAsync(ct);
        }), TimeSpan.FromSeconds(30));
    }

    /// <summary>Every process of the server stands still, or goes on.</summary>
    public async Task SignalAllAsync(string signal)
    {
        foreach (var process in Postmaster.Orphans(Cluster))
        {
            try
            {
                await Signals.SendAsync(process, signal);
            }
            catch (Xunit.Sdk.EqualException)
            {
                // It has ended meanwhile.
            }
        }
    }

    /// <returns>False: the server did not take it.</returns>
    public static async Task<bool> TryAsync(Func<Task> action)
    {
        try
        {
            await action();
            return true;
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException or TimeoutException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _postgres.DisposeAsync();
        await _folder.DisposeAsync();
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT 1", connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
