using AuthService.Caching;
using AuthService.Database;
using AuthService.Database.PrivateServer;
using AuthService.Jobs;
using AuthService.Tokens;
using Npgsql;
using SolidCache;

namespace AuthService.Installation;

/// <summary>
/// What every verb of the command line stands on: the database, an external one or the private one of this data folder, and the
/// master key. Disposing it closes the pool and stops a private server that was started here.
/// </summary>
internal sealed class OpenInstallation : IAsyncDisposable
{
    private static readonly SqlFile FindKeys = SqlFile.Beside<OpenInstallation>("find_keys");

    private readonly IConfiguration _configuration;
    private readonly PrivatePostgres? _server;

    private OpenInstallation(IConfiguration configuration, DatabaseOptions options, PrivatePostgres? server, string connectionString, NpgsqlDataSource db)
    {
        (_configuration, Options, _server, ConnectionString, Db) = (configuration, options, server, connectionString, db);
    }

    /// <summary>With the password, if one was given: for parts that open connections of their own.</summary>
    public string ConnectionString { get; }

    public NpgsqlDataSource Db { get; }
    public DatabaseOptions Options { get; }

    /// <param name="asOwner">True: this process serves, so a private server must be its own. False: a verb that may also use the
    /// private server of a service that is running.</param>
    /// <exception cref="SettingsException">The configuration is wrong.</exception>
    public static async Task<OpenInstallation> OpenAsync(IConfiguration configuration, bool asOwner, ILoggerFactory loggers, CancellationToken ct)
    {
        var options = Settings.Bind<DatabaseOptions>(configuration, "Database");
        PrivatePostgres? server = null;
        var connectionString = configuration.GetConnectionString("Primary");
        if (string.IsNullOrWhiteSpace(connectionString))
        {
            var logger = loggers.CreateLogger<PrivatePostgres>();
            server = asOwner
                ? await PrivatePostgres.StartAsync(options.DataFolder, logger, ct)
                : await PrivatePostgres.OpenAsync(options.DataFolder, logger, ct);
            connectionString = server.ConnectionString;
        }

        try
        {
            return new OpenInstallation(configuration, options, server, connectionString, DataSources.Create(connectionString, options, loggers));
        }
        catch (ArgumentException e)
        {
            if (server is not null) await server.DisposeAsync();
            throw new SettingsException($"ConnectionStrings:Primary can't be used: {e.Message}");
        }
    }

    /// <summary>The master key, from configuration or file. The file is made here only if the database holds nothing made under
    /// another key. Needs the schema.</summary>
    public async Task<MasterKey> ReadMasterKeyAsync(TokenOptions tokens, CancellationToken ct)
    {
        if (tokens.MasterKey is { Length: > 0 } text) return MasterKey.Parse(text, "Tokens:MasterKey");
        var path = tokens.MasterKeyFile ?? Path.Combine(Options.DataFolder, "master.key");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        await using var command = FindKeys.On(Db);
        return MasterKey.ReadFile(path, mayCreate: !(bool)(await command.ExecuteScalarAsync(ct))!);
    }

    /// <summary>The cache's schema, then ours, which may use it.</summary>
    /// <returns>Our migrations that were applied, in order.</returns>
    /// <exception cref="MigrationException">The database does not fit this binary, or a file failed.</exception>
    public async Task<IReadOnlyList<Migration>> BringUpToDateAsync(ILoggerFactory loggers, CancellationToken ct)
    {
        await SolidCacheSchema.InstallAsync(Db, token: ct);
        return await new Migrator(Db, loggers.CreateLogger<Migrator>()).ApplyAsync(ct);
    }

    /// <exception cref="SettingsException">The schema is not this binary's.</exception>
    public async Task RequireSchemaAsync(ILoggerFactory loggers, CancellationToken ct)
    {
        var pending = await new Migrator(Db, loggers.CreateLogger<Migrator>()).PlanAsync(ct);
        if (pending.Count > 0) throw new SettingsException("The database's schema is not up to date. Run: authservice migrate");
    }

    public TokenOptions BindTokens() => Settings.Bind<TokenOptions>(_configuration, "Tokens");

    public JobOptions BindJobs() => Settings.Bind<JobOptions>(_configuration, "Jobs");

    /// <summary>A cache of this process, for verbs that change what running nodes have cached. Needs the schema.</summary>
    public Task<RunningCache> StartCacheAsync(CancellationToken ct) => RunningCache.StartAsync(ConnectionString, ct);

    /// <summary>The same, with Redis where one is configured.</summary>
    public async Task<RunningCache> StartCacheWithRedisAsync(CancellationToken ct) =>
        await RunningCache.StartAsync(ConnectionString, ct, (_configuration, await ReadMasterKeyAsync(BindTokens(), ct)));

    public async ValueTask DisposeAsync()
    {
        await Db.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
    }
}
