using AuthService.Database;
using AuthService.Database.PrivateServer;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SolidCache;

namespace IntegrationTests;

/// <summary>
/// The servers of the test run. A test class says <c>IClassFixture&lt;Servers&gt;</c> and takes a <c>Servers</c>; the instances share
/// one PostgreSQL, started by the first that asks and stopped by <see cref="TestRun"/> after the last test.
/// </summary>
/// <remarks>
/// Not a collection fixture: xunit runs the classes of a collection one after another, and these are to run side by side. Each test takes a
/// database of its own, a copy of a migrated template, so none sees another's rows.
/// </remarks>
public sealed class Servers : IAsyncLifetime
{
    private const string Template = "authservice";

    /// <summary>What any test may take from the moment it asks for the token.</summary>
    private static readonly TimeSpan TestLimit = TimeSpan.FromSeconds(60);

    private static readonly Lazy<Task<Running>> Server = new(StartAsync);
    private static int _databases;

    /// <summary>A new token, which fires after 60 s: no test hangs.</summary>
    public CancellationToken TestTimeout => new CancellationTokenSource(TestLimit).Token;

    public async Task InitializeAsync() => await Server.Value;

    public Task DisposeAsync() => Task.CompletedTask;

    /// <summary>A fresh, migrated database. Dispose it: that drops it, with whoever is still connected.</summary>
    public Task<TestDatabase> CreateDatabaseAsync(CancellationToken ct) => CopyAsync(Template, ct);

    /// <summary>A database without any table of ours.</summary>
    public Task<TestDatabase> CreateEmptyDatabaseAsync(CancellationToken ct) => CopyAsync("template1", ct);

    internal static async Task StopAsync()
    {
        if (!Server.IsValueCreated || !Server.Value.IsCompletedSuccessfully) return;
        var running = await Server.Value;
        await running.Admin.DisposeAsync();
        await running.Postgres.DisposeAsync();
        await running.Folder.DisposeAsync();
    }

    private static async Task<Running> StartAsync()
    {
        await TestFolder.SweepAsync();
        var folder = new TestFolder();
        var parameters = new PrivatePostgresParameters
        {
            Settings = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                // Nothing here outlives the run. synchronous_commit stays on: it decides when a commit may be seen as done.
                ["fsync"] = "off",
                ["full_page_writes"] = "off",
                ["max_connections"] = "300",
                ["shared_buffers"] = "128MB",
                // Counts of a statement go when too many others came after it; every test's database has statements of its own.
                ["pg_stat_statements.max"] = "50000",
            },
        };
        var postgres = await PrivatePostgres.StartAsync(folder.Path, parameters, NullLogger.Instance, CancellationToken.None);

        await using (var template = NpgsqlDataSource.Create(postgres.ConnectionString + ";Pooling=false"))
        {
            await SolidCacheSchema.InstallAsync(template);
            await new Migrator(template, NullLogger<Migrator>.Instance).ApplyAsync(CancellationToken.None);
        }

        var admin = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Database = "postgres", MaxPoolSize = 4 });
        // Copying a database fails while anyone is connected to it.
        await using var close = admin.CreateCommand($"ALTER DATABASE {Template} WITH ALLOW_CONNECTIONS false");
        await close.ExecuteNonQueryAsync();
        return new Running(folder, postgres, admin);
    }

    private static async Task<TestDatabase> CopyAsync(string template, CancellationToken ct)
    {
        var running = await Server.Value;
        var name = $"test_{Interlocked.Increment(ref _databases)}";
        await using var create = running.Admin.CreateCommand($"CREATE DATABASE {name} TEMPLATE {template}");
        await create.ExecuteNonQueryAsync(ct);
        return new TestDatabase(running.Admin, name, running.Postgres.ConnectionString);
    }

    private sealed record Running(TestFolder Folder, PrivatePostgres Postgres, NpgsqlDataSource Admin);
}

/// <summary>One test's own database.</summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private readonly NpgsqlDataSource _admin;
    private readonly string _name;

    internal TestDatabase(NpgsqlDataSource admin, string name, string server)
    {
        (_admin, _name) = (admin, name);
        ConnectionString = new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString;
        DataSource = DataSources.Create(ConnectionString, new DatabaseOptions { PoolMinimum = 0 }, loggers: null);
    }

    /// <summary>For a node under test, which makes its own pool of it.</summary>
    public string ConnectionString { get; }

    /// <summary>For the test itself, and for use cases without a node. The pool the service would have, opened as needed.</summary>
    public NpgsqlDataSource DataSource { get; }

    /// <summary>False: ends every connection and lets nobody in. Nothing else of the server is touched.</summary>
    public async Task SetReachableAsync(bool reachable, CancellationToken ct)
    {
        await using var allow = _admin.CreateCommand($"ALTER DATABASE {_name} WITH ALLOW_CONNECTIONS {(reachable ? "true" : "false")}");
        await allow.ExecuteNonQueryAsync(ct);
        if (reachable) return;
        await using var end = _admin.CreateCommand($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_name}'");
        await end.ExecuteNonQueryAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        await using var drop = _admin.CreateCommand($"DROP DATABASE {_name} WITH (FORCE)");
        await drop.ExecuteNonQueryAsync();
    }
}
