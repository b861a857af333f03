using AuthService.Database.PrivateServer;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Bench;

/// <summary>An installation to measure: a private PostgreSQL as the service ships it, fsync included, in a folder that goes away, with demonstration data.</summary>
internal sealed class Target : IAsyncDisposable
{
    public const string Password = "a seeded password for load";

    private static readonly string Program = Path.Combine("artifacts", "authservice", "authservice");

    private readonly string _folder;
    private readonly PrivatePostgres _server;
    private bool _hasServed;

    private Target(string folder, PrivatePostgres server)
    {
        (_folder, _server) = (folder, server);
        Db = NpgsqlDataSource.Create(server.ConnectionString);
        AppDomain.CurrentDomain.ProcessExit += Leave;
    }

    public NpgsqlDataSource Db { get; }
    public string ConnectionString => _server.ConnectionString;
    public string MasterKeyFile => InFolder("master.key");

    public static async Task<Target> CreateAsync(int users, int roles = 50)
    {
        var folder = Directory.CreateTempSubdirectory("authservice-bench-").FullName;
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute | UnixFileMode.GroupExecute);
        var target = new Target(folder, await PrivatePostgres.StartAsync(folder, NullLogger.Instance, CancellationToken.None));
        try
        {
            await target.SeedAsync(users, roles);
            return target;
        }
        catch
        {
            await target.DisposeAsync();
            throw;
        }
    }

    /// <summary>One more node of the service on the database that is up, as it ships.</summary>
    /// <param name="settings">By their names in the environment: <c>PermissionCache__Enabled</c>.</param>
    public async Task<ServerProcess> StartAsync(params (string Name, string Value)[] settings)
    {
        var node = await StartOnAsync(ConnectionString, settings);
        _hasServed = true;
        return node;
    }

    /// <summary>Sees to it that there are keys to mint sessions with: a node's first start makes them.</summary>
    public async Task MakeKeysAsync()
    {
        if (!_hasServed) await (await StartAsync()).DisposeAsync();
    }

    /// <summary>The same on another database of the same server.</summary>
    public Task<ServerProcess> StartOnAsync(string connectionString, params (string Name, string Value)[] settings)
    {
        var environment = EnvironmentFor(connectionString);
        foreach (var (name, value) in settings) environment[name] = value;
        return ServerProcess.StartAsync(new ServerProgram(Program, address => ["serve", "--urls", address.ToString()], "/health/ready", environment));
    }

    /// <summary>Until a node has sealed every audit event that is there.</summary>
    public async Task UntilSealedAsync()
    {
        while (await ReadAsync<bool>("SELECT EXISTS (SELECT FROM audit_events e WHERE (e.xid, e.id) > (SELECT c.xid, c.event_id FROM audit_chain c))"))
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
    }

    /// <summary>A verb of the command line; it must succeed.</summary>
    public async Task RunAsync(params string[] arguments)
    {
        await using var run = Start(arguments);
        if (await run.EndAsync() is not 0) throw new InvalidOperationException($"{arguments[0]} failed. {run.LastWords}");
    }

    /// <summary>A verb of the command line, under way.</summary>
    public ChildProcess Start(params string[] arguments) => ChildProcess.Start(Program, arguments, EnvironmentFor(ConnectionString));

    /// <summary>Makes an empty database beside the service's.</summary>
    /// <returns>How to connect to it.</returns>
    public async Task<string> CreateDatabaseAsync(string name)
    {
        await ExecuteAsync($"CREATE DATABASE {name}");
        return new NpgsqlConnectionStringBuilder(ConnectionString) { Database = name }.ConnectionString;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Db.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ReadAsync<T>(string sql)
    {
        await using var command = Db.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public string InFolder(string name) => Path.Combine(_folder, name);

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= Leave;
        await Db.DisposeAsync();
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>When the bench is told to stop half-way.</summary>
    private void Leave(object? sender, EventArgs e) => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private async Task SeedAsync(int users, int roles)
    {
        string[] arguments = ["seed", "--users", Figures.Text($"{users}"), "--roles", Figures.Text($"{roles}"), "--password", Password];
        await RunAsync(arguments);
    }

    private Dictionary<string, string> EnvironmentFor(string connectionString) => new(StringComparer.Ordinal)
    {
        ["ConnectionStrings__Primary"] = connectionString,
        ["Tokens__MasterKeyFile"] = MasterKeyFile,
        ["Logging__LogLevel__Default"] = "Warning",
        ["Http__DrainTime"] = "00:00:00",   // no balancer has to turn away from a node here
        // One address stands for all clients of the world here. The counting itself stays as it ships.
        ["Throttling__LogInsPerIp"] = "1000000",
        ["Throttling__FailuresPerIp"] = "1000000",
        ["Throttling__RefreshFailuresPerIp"] = "1000000",
        ["Throttling__RefreshesPerSession"] = "1000000",
        ["Throttling__RegistrationsPerIp"] = "1000000",
        ["Throttling__MailRequestsPerIp"] = "1000000",
    };
}
