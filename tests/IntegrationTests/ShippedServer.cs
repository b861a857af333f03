using AuthService.Database;
using AuthService.Database.PrivateServer;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SolidCache;

namespace IntegrationTests;

/// <summary>A server that is started with the files of <c>deploy/postgres</c> as they are, and writes to disk as in production.</summary>
internal sealed class ShippedServer : IAsyncDisposable
{
    private readonly TestFolder _folder;
    private readonly PrivatePostgres _postgres;
    private readonly NpgsqlDataSource _admin;

    private ShippedServer(TestFolder folder, PrivatePostgres postgres)
    {
        (_folder, _postgres) = (folder, postgres);
        _admin = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Database = "postgres", MaxPoolSize = 2 });
    }

    public string ConnectionString => _postgres.ConnectionString;

    /// <summary>A text of <c>deploy/postgres</c>.</summary>
    public static string Read(string file)
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AuthService.slnx"))) folder = Path.GetDirectoryName(folder)!;
        return File.ReadAllText(Path.Combine(folder, "deploy", "postgres", file));
    }

    public static async Task<ShippedServer> StartAsync(CancellationToken ct)
    {
        var folder = new TestFolder();
        // A copy: whoever the server runs as gets to it.
        var both = Path.Combine(folder.Path, "shipped.conf");
        await File.WriteAllTextAsync(both, Read("authservice.conf") + Read("replica.conf"), ct);
        File.SetUnixFileMode(both, File.GetUnixFileMode(both) | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        var settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["include"] = both };
        return new ShippedServer(folder, await PrivatePostgres.StartAsync(folder.Path, new PrivatePostgresParameters { Settings = settings }, NullLogger.Instance, ct));
    }

    /// <summary>A migrated one.</summary>
    public async Task<TestDatabase> CreateDatabaseAsync(CancellationToken ct)
    {
        var database = new TestDatabase(_admin, new NpgsqlConnectionStringBuilder(ConnectionString).Database!, ConnectionString);
        await SolidCacheSchema.InstallAsync(database.DataSource, token: ct);
        await new Migrator(database.DataSource, NullLogger<Migrator>.Instance).ApplyAsync(ct);
        return database;
    }

    public async ValueTask DisposeAsync()
    {
        await _admin.DisposeAsync();
        await _postgres.DisposeAsync();
        await _folder.DisposeAsync();
    }
}
