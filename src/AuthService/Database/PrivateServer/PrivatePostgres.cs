using System.Diagnostics;
using Npgsql;

namespace AuthService.Database.PrivateServer;

/// <summary>
/// The PostgreSQL the service brings along when it is given no connection string: a cluster in the data folder, reachable only over a
/// unix socket in a private folder, with a random password, started and stopped with its owner.
/// </summary>
/// <remarks>
/// <para>
/// <b>Owner and guest.</b> A data folder has one owner at a time: who holds the lock on <c>lock</c> in it. The owner starts the server and
/// stops it when disposed. A guest found the lock taken and merely uses the server the owner runs.
/// </para>
/// <para>
/// <b>When things end badly.</b> <c>kill -9</c> of the owner frees the lock and leaves the server running; the next owner takes it over,
/// connections of guests unharmed. Is the server dead as well, the next owner starts it and PostgreSQL recovers. A start that was killed
/// while it made the cluster is made again.
/// </para>
/// <para>
/// <b>Root.</b> The server then runs as the account <c>postgres</c>, which owns the cluster. When that account can't get to the data folder
/// (a checkout under /root), the cluster is put under /var/lib/authservice and the data folder gets a link to it.
/// </para>
/// </remarks>
internal sealed partial class PrivatePostgres : IAsyncDisposable
{
    private const string DatabaseName = "authservice";

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    private static readonly SqlFile CreateDatabase = SqlFile.Beside<PrivatePostgres>("create_database");
    private static readonly SqlFile CreateExtensions = SqlFile.Beside<PrivatePostgres>("create_extensions");

    private readonly Ownership? _owned;
    private readonly ILogger _logger;

    private PrivatePostgres(ClusterHome home, Ownership? owned, ILogger logger)
    {
        ConnectionString = Cluster.ConnectionString(home, DatabaseName);
        ClusterFolder = home.Cluster;
        (_owned, _logger) = (owned, logger);
    }

    /// <summary>Of the database <c>authservice</c>, as the cluster's superuser. Holds the password: never log it.</summary>
    public string ConnectionString { get; }

    /// <summary>PostgreSQL's own folder, absolute, without links.</summary>
    public string ClusterFolder { get; }

    /// <summary>Whether disposing this stops the server.</summary>
    public bool IsOwner => _owned is not null;

    /// <summary>Becomes the owner of the data folder and returns when the server is ready and its database exists.</summary>
    /// <param name="dataFolder">Made where it lacks. Relative paths count from the current directory.</param>
    /// <param name="parameters">What differs from the service's own use.</param>
    /// <param name="logger">Gets one line for what was started, taken over, made or put elsewhere.</param>
    /// <param name="ct">Ends the start; a server it had begun to start is stopped again.</param>
    /// <exception cref="PrivatePostgresException">The folder has an owner already (the message names folder and process), no fitting
    /// PostgreSQL is installed, or it doesn't start.</exception>
    public static async Task<PrivatePostgres> StartAsync(
        string dataFolder, PrivatePostgresParameters parameters, ILogger logger, CancellationToken ct)
    {
        var folder = Prepare(dataFolder);
        return await OwnAsync(folder, await LockAsync(folder, ct), parameters, logger, ct);
    }

    /// <inheritdoc cref="StartAsync(string, PrivatePostgresParameters, ILogger, CancellationToken)"/>
    public static Task<PrivatePostgres> StartAsync(string dataFolder, ILogger logger, CancellationToken ct) =>
        StartAsync(dataFolder, new PrivatePostgresParameters(), logger, ct);

    /// <summary>
    /// For short commands: the owner's server as a guest when the data folder has an owner, waiting for it where it is still starting;
    /// else like <see cref="StartAsync(string, ILogger, CancellationToken)"/>.
    /// </summary>
    public static async Task<PrivatePostgres> OpenAsync(
        string dataFolder, PrivatePostgresParameters parameters, ILogger logger, CancellationToken ct)
    {
        var folder = Prepare(dataFolder);
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed < parameters.StartLimit)
        {
            if (DataFolderLock.TryTake(folder) is { } held) return await OwnAsync(folder, held, parameters, logger, ct);

            var home = ClusterHome.Of(folder);
            if (Directory.Exists(home.Cluster) && await Cluster.ProbeAsync(home, DatabaseName, ct) is ServerState.Ready)
                return new PrivatePostgres(home, owned: null, logger);
            await Task.Delay(PollInterval, TimeProvider.System, ct);
        }

        throw new PrivatePostgresException(
            $"The data folder {folder} is in use by process {await DataFolderLock.HolderAsync(folder, ct)}, but its PostgreSQL is not ready.");
    }

    /// <inheritdoc cref="OpenAsync(string, PrivatePostgresParameters, ILogger, CancellationToken)"/>
    public static Task<PrivatePostgres> OpenAsync(string dataFolder, ILogger logger, CancellationToken ct) =>
        OpenAsync(dataFolder, new PrivatePostgresParameters(), logger, ct);

    /// <summary>
    /// Stops a server whose owner was killed. Does nothing when none runs, or when the folder has an owner.
    /// </summary>
    /// <returns>False when the folder has an owner.</returns>
    public static async Task<bool> StopOrphanAsync(string dataFolder, ILogger logger, CancellationToken ct)
    {
        using var held = DataFolderLock.TryTake(dataFolder);
        if (held is null) return false;
        var home = ClusterHome.Of(dataFolder);
        if (!Directory.Exists(home.Cluster) || Postmaster.Find(home.Cluster) is null)
        {
            Cluster.RemoveSocketFolder(home);
            return true;
        }

        var account = await ServerAccount.ForAsync(home.Cluster, ct);
        await new Cluster(home, account, await ServerBinaries.FindAsync(home.ReadMajor(), ct), new(), logger).StopAsync();
        return true;
    }

    /// <summary>The owner stops the server, in fast mode, and gives the folder free. A guest leaves everything as it is.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_owned is not { } owned) return;
        try
        {
            await owned.Cluster.StopAsync();
        }
        catch (PrivatePostgresException e)
        {
            LogNotStopped(e.Message);   // the next owner takes it over
        }
        finally
        {
            owned.Release();
        }
    }

    private static async Task<PrivatePostgres> OwnAsync(
        string folder, DataFolderLock held, PrivatePostgresParameters parameters, ILogger logger, CancellationToken ct)
    {
        var watch = Stopwatch.StartNew();
        List<DataFolderLock> locks = [held];
        Cluster? cluster = null;
        try
        {
            var (home, account) = await LocateAsync(folder, parameters, logger, ct);
            // The data folder's copy would hold a link to the same cluster; its own lock can't know.
            if (home.IsElsewhere) locks.Add(await LockAsync(home.Folder, ct));

            cluster = new Cluster(home, account, await ServerBinaries.FindAsync(home.ReadMajor(), ct), parameters, logger);
            await cluster.RunAsync(ct);
            await PrepareDatabaseAsync(home, logger, ct);
            LogReady(logger, home.Cluster, home.SocketFolder, watch.ElapsedMilliseconds);
            return new PrivatePostgres(home, new Ownership(cluster, locks), logger);
        }
        catch
        {
            if (cluster is not null) await StopQuietlyAsync(cluster);
            locks.ForEach(taken => taken.Dispose());
            throw;
        }
    }

    private static async Task<(ClusterHome, ServerAccount)> LocateAsync(
        string folder, PrivatePostgresParameters parameters, ILogger logger, CancellationToken ct)
    {
        var home = ClusterHome.Of(folder);
        if (home.IsElsewhere && !Directory.Exists(home.Folder))
            throw new PrivatePostgresException(
                $"{folder} says that its cluster is in {home.Folder}, which does not exist. Restore that folder, or delete the link to start anew.");

        var account = await ServerAccount.ForAsync(home.Cluster, ct);
        if (await account.ReachesAsync(home.Folder, ct)) return (home, account);

        if (home.IsElsewhere || Directory.Exists(home.Cluster))
            throw new PrivatePostgresException(
                $"PostgreSQL runs as user id {account.UserId}, which can't get to its cluster in {home.Folder}: a folder above it denies passage (chmod o+x).");

        home = ClusterHome.Relocate(folder, parameters.FallbackParent);
        if (!await account.ReachesAsync(home.Folder, ct))
            throw new PrivatePostgresException($"User id {account.UserId}, which PostgreSQL runs as, gets neither to {folder} nor to {home.Folder}.");
        LogElsewhere(logger, account.UserId, folder, home.Folder);
        return (home, account);
    }

    private static async Task PrepareDatabaseAsync(ClusterHome home, ILogger logger, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(Cluster.ConnectionString(home, DatabaseName) + ";Pooling=false");
        try
        {
            await connection.OpenAsync(ct);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            await using (var maintenance = new NpgsqlConnection(Cluster.ConnectionString(home, "postgres") + ";Pooling=false"))
            {
                await maintenance.OpenAsync(ct);
                await using var create = CreateDatabase.On(maintenance);
                await create.ExecuteNonQueryAsync(ct);
            }

            await connection.OpenAsync(ct);
        }

        try
        {
            await using var extend = CreateExtensions.On(connection);
            await extend.ExecuteNonQueryAsync(ct);
        }
        catch (PostgresException e)
        {
            LogNoExtensions(logger, e.MessageText);
        }
    }

    private static string Prepare(string dataFolder)
    {
        var folder = Path.GetFullPath(dataFolder);
        if (!Directory.Exists(folder))
        {
            // Root lets the server's account pass through, and no more; an ordinary user's server runs as that user.
            var mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            if (Environment.IsPrivilegedProcess) mode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
            Directory.CreateDirectory(folder, mode);
            File.SetUnixFileMode(folder, mode);   // whatever the umask
        }

        return folder;
    }

    private static async Task<DataFolderLock> LockAsync(string folder, CancellationToken ct) =>
        DataFolderLock.TryTake(folder) ?? throw new PrivatePostgresException(
            $"The data folder {folder} is in use by process {await DataFolderLock.HolderAsync(folder, ct)}. " +
            "Stop that one first, or choose another folder (Database:DataFolder).");

    private static async Task StopQuietlyAsync(Cluster cluster)
    {
        try
        {
            await cluster.StopAsync();
        }
        catch (PrivatePostgresException)
        {
            // What kept it from starting is the error to report.
        }
    }

    private sealed record Ownership(Cluster Cluster, IReadOnlyList<DataFolderLock> Locks)
    {
        public void Release()
        {
            foreach (var held in Locks) held.Dispose();
        }
    }

    [LoggerMessage(LogLevel.Information, "PostgreSQL ready after {Milliseconds} ms: cluster {Folder}, psql -h {Socket} -U authservice")]
    private static partial void LogReady(ILogger logger, string folder, string socket, long milliseconds);

    [LoggerMessage(LogLevel.Warning, "PostgreSQL runs as user id {UserId}, which can't get to {DataFolder}: the cluster is in {Home} instead")]
    private static partial void LogElsewhere(ILogger logger, int userId, string dataFolder, string home);

    [LoggerMessage(LogLevel.Warning, "Extensions were not created: {Reason}")]
    private static partial void LogNoExtensions(ILogger logger, string reason);

    [LoggerMessage(LogLevel.Error, "{Reason} The next start takes it over")]
    private partial void LogNotStopped(string reason);
}
