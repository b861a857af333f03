using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace AuthService.Database.PrivateServer;

/// <summary>One cluster on disk and its server: makes it, starts it, takes it over, stops it. Only the data folder's owner calls this.</summary>
/// <remarks>
/// Every program runs in the home folder and gets the cluster's path relative to it: <c>pg_ctl</c> builds a shell command from that path
/// and quotes it by halves, and so no character of the user's folder names ever reaches a shell.
/// </remarks>
internal sealed partial class Cluster(
    ClusterHome home, ServerAccount account, ServerBinaries binaries, PrivatePostgresParameters parameters, ILogger logger)
{
    private const string Superuser = "authservice";
    private const string RelativePath = "postgres";
    private const UnixFileMode OwnerOnlyFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerOnlyFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan OrphansLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);

    /// <summary>Connects to a database of the cluster as its superuser.</summary>
    public static string ConnectionString(ClusterHome home, string database) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = home.SocketFolder,
            Port = 5432,
            Username = Superuser,
            Password = ReadPassword(home),
            Database = database,
            // Both would only cost a round trip on a socket that never leaves the machine.
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        }.ConnectionString;

    /// <summary>Asks the server, once, whether it takes work.</summary>
    /// <exception cref="PrivatePostgresException">It refuses our password.</exception>
    public static async Task<ServerState> ProbeAsync(ClusterHome home, string database, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(ConnectionString(home, database) + ";Pooling=false;Timeout=5");
        try
        {
            await connection.OpenAsync(ct);
            return ServerState.Ready;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.TooManyConnections)
        {
            return ServerState.Ready;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.InvalidCatalogName)
        {
            return ServerState.NotYet;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InvalidPassword)
        {
            throw new PrivatePostgresException($"The server of {home.Cluster} refuses the password in {home.PasswordFile}.", e);
        }
        catch (NpgsqlException e) when (e.InnerException is SocketException or IOException or TimeoutException)
        {
            return ServerState.Unreachable;
        }
    }

    /// <summary>Makes the cluster where it lacks, then takes over the server that runs on it or starts one.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        await PrepareSocketFolderAsync(ct);
        if (home.ReadMajor() is null) await CreateAsync(ct);
        if (await TakeOverAsync(ct)) return;

        await WaitForOrphansAsync(ct);
        Postmaster.ForgetReusedPid(home.Cluster, home.SocketFolder);
        await WriteSettingsAsync(ct);
        await StartAsync(ct);
    }

    /// <summary>
    /// Ends the server in fast mode: open transactions are rolled back, everything committed is on disk. Does nothing when none runs.
    /// </summary>
    /// <exception cref="PrivatePostgresException">It still runs after 60 s.</exception>
    public async Task StopAsync()
    {
        if (Directory.Exists(home.Cluster) && Postmaster.Find(home.Cluster) is { } pid)
        {
            var stopped = await account.RunAsync(
                binaries.PgCtl, ["stop", "-D", RelativePath, "-m", "fast", "-w", "-s", "-t", Seconds(StopLimit)], home.Folder, CancellationToken.None);
            if (!stopped.Succeeded && Postmaster.Find(home.Cluster) == pid)
                throw new PrivatePostgresException($"PostgreSQL (process {pid}) did not stop: {stopped.Said}");
        }

        RemoveSocketFolder(home);
    }

    /// <summary>What a server that was killed leaves in /tmp goes with its folder. Only after it has been found not to run.</summary>
    public static void RemoveSocketFolder(ClusterHome home)
    {
        var folder = home.SocketFolder;
        // A folder that others may write to isn't ours: it was refused, and stays for whoever looks into it.
        if (!Directory.Exists(folder) || File.GetUnixFileMode(folder) != OwnerOnlyFolder) return;
        try
        {
            File.Delete(Path.Combine(folder, ".s.PGSQL.5432"));
            File.Delete(Path.Combine(folder, ".s.PGSQL.5432.lock"));
            Directory.Delete(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another user's, or not empty: nothing of ours, then.
        }
    }

    /// <summary>
    /// Makes the cluster in a folder of its own and moves it to its place as the last step, so a cluster that is there is whole. What an
    /// earlier attempt left behind is removed, unless its initdb, orphaned by a kill, is still writing: then the next one does.
    /// </summary>
    private async Task CreateAsync(CancellationToken ct)
    {
        foreach (var leftOver in Directory.EnumerateDirectories(home.Folder, "postgres.init-*"))
        {
            LogLeftOver(leftOver);
            TryDelete(leftOver);
        }

        var attempt = $"postgres.init-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        var work = Path.Combine(home.Folder, attempt);
        try
        {
            Directory.CreateDirectory(work, OwnerOnlyFolder);
            await account.TakeOwnershipAsync(work, ct);
            var password = RandomNumberGenerator.GetHexString(64, lowercase: true);
            var passwordForInit = Path.Combine(work, "password");
            await WriteAsync(passwordForInit, password, OwnerOnlyFile, ct);
            await account.TakeOwnershipAsync(passwordForInit, ct);

            string[] unsafeFlags = IsDurable ? [] : ["--no-sync"];
            var made = await account.RunAsync(
                binaries.InitDb,
                ["-D", $"{attempt}/cluster", "--username", Superuser, $"--pwfile={attempt}/password", "--auth=scram-sha-256",
                 "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", .. unsafeFlags],
                home.Folder, ct);
            if (!made.Succeeded) throw new PrivatePostgresException($"initdb failed: {made.Said}");

            var cluster = Path.Combine(work, "cluster");
            await File.AppendAllTextAsync(
                Path.Combine(cluster, "postgresql.conf"), $"\ninclude '../{Path.GetFileName(home.SettingsFile)}'\n", ct);
            await WriteAsync(home.PasswordFile, password, OwnerOnlyFile, ct);
            Directory.Move(cluster, home.Cluster);
            LogCreated(binaries.Major, home.Cluster);
        }
        finally
        {
            TryDelete(work);
        }
    }

    /// <summary>
    /// The folder that holds the socket: in /tmp, where others may have put something first. What isn't ours alone is refused; a server
    /// behind it could only fail the password check, which is mutual, but it could make us wait.
    /// </summary>
    private async Task PrepareSocketFolderAsync(CancellationToken ct)
    {
        var folder = home.SocketFolder;
        if (!Directory.Exists(folder)) Directory.CreateDirectory(folder, OwnerOnlyFolder);
        var owner = await ServerAccount.OwnerAsync(folder, ct);
        if (owner is { UserId: 0, Mode: "drwx------" } && Environment.IsPrivilegedProcess)
        {
            await account.TakeOwnershipAsync(folder, ct);
            owner = await ServerAccount.OwnerAsync(folder, ct);
        }

        if (owner is not { Mode: "drwx------" } || owner.UserId != account.UserId)
            throw new PrivatePostgresException(
                $"{folder}, where the server's socket belongs, is not a folder of user id {account.UserId} alone. Find out who made it, and remove it.");
    }

    /// <returns>False when no server runs on the cluster (any more).</returns>
    private async Task<bool> TakeOverAsync(CancellationToken ct)
    {
        var waited = Stopwatch.StartNew();
        while (Postmaster.Find(home.Cluster) is { } pid)
        {
            switch (await ProbeAsync(home, "postgres", ct))
            {
                case ServerState.Ready:
                    LogTakenOver(pid, home.Cluster);
                    return true;

                // Its socket is gone, or it listens in a /tmp that is not ours (a service manager may give each run its own).
                case ServerState.Unreachable when waited.Elapsed > parameters.UnreachableLimit:
                    if (!Postmaster.CanTell)
                        throw new PrivatePostgresException(
                            $"postmaster.pid in {home.Cluster} names process {pid}, which does not answer. Stop it, or delete the file if it is no PostgreSQL.");
                    LogUnreachable(pid);
                    await StopAsync();
                    await PrepareSocketFolderAsync(ct);
                    return false;

                // Recovering after a crash, or still shutting down.
                case ServerState.NotYet when waited.Elapsed > parameters.StartLimit:
                    throw new PrivatePostgresException($"PostgreSQL (process {pid}) is not ready after {Seconds(parameters.StartLimit)} s.");
            }

            await Task.Delay(PollInterval, TimeProvider.System, ct);
        }

        return false;
    }

    private async Task WaitForOrphansAsync(CancellationToken ct)
    {
        if (Postmaster.ReadPid(home.Cluster) is null) return;   // a clean stop: nothing to wait for
        var waited = Stopwatch.StartNew();
        while (Postmaster.Orphans(home.Cluster) is { Count: > 0 } orphans)
        {
            if (waited.Elapsed > OrphansLimit)
                throw new PrivatePostgresException(
                    $"Processes of a killed PostgreSQL still work on {home.Cluster}: {string.Join(", ", orphans)}. End them and start again.");
            await Task.Delay(PollInterval, TimeProvider.System, ct);
        }
    }

    private async Task WriteSettingsAsync(CancellationToken ct)
    {
        var withStatements = await binaries.HasModuleAsync("pg_stat_statements", ct);
        if (!withStatements) LogNoStatements();
        const UnixFileMode readable = OwnerOnlyFile | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        await WriteAsync(home.SettingsFile, ClusterSettings.Write(home.SocketFolder, withStatements, parameters.Settings), readable, ct);
    }

    /// <summary>
    /// pg_ctl puts the server into a session of its own: Ctrl-C in the terminal reaches the service, which drains, and not PostgreSQL.
    /// </summary>
    private async Task StartAsync(CancellationToken ct)
    {
        const string log = "start.log";   // what the server says before its own log opens: a few lines a start
        var started = await account.RunAsync(
            binaries.PgCtl,
            ["start", "-D", RelativePath, "-l", $"{RelativePath}/{log}", "-w", "-s", "-t", Seconds(parameters.StartLimit)],
            home.Folder, ct);
        if (!started.Succeeded)
            throw new PrivatePostgresException($"PostgreSQL did not start. {started.Said}\n{LastWords(Path.Combine(home.Cluster, log))}");
    }

    /// <summary>The end of the start log and, where the server came as far as opening it, of its own.</summary>
    private string LastWords(string startLog)
    {
        var folder = new DirectoryInfo(Path.Combine(home.Cluster, "log"));
        var newest = folder.Exists ? folder.EnumerateFiles("*.log").MaxBy(file => file.LastWriteTimeUtc)?.FullName : null;
        return string.Join('\n', new[] { startLog, newest }.Where(File.Exists).SelectMany(file => File.ReadLines(file!).TakeLast(8)));
    }

    private bool IsDurable => !(parameters.Settings.TryGetValue("fsync", out var value) && value is "off");

    private static string ReadPassword(ClusterHome home)
    {
        try
        {
            return File.ReadAllText(home.PasswordFile).Trim();
        }
        catch (FileNotFoundException e)
        {
            throw new PrivatePostgresException(
                $"{home.PasswordFile} is missing: the password of the cluster beside it. Restore it from a backup of the data folder.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new PrivatePostgresException($"{home.PasswordFile} is not readable for this account: run as the one that runs the service.", e);
        }
    }

    private static async Task WriteAsync(string path, string content, UnixFileMode mode, CancellationToken ct)
    {
        await using var file = new FileStream(
            path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnlyFile });
        File.SetUnixFileMode(file.SafeFileHandle, mode);   // whatever the umask, and whatever the file was before
        await file.WriteAsync(System.Text.Encoding.UTF8.GetBytes(content), ct);
        file.Flush(flushToDisk: true);
    }

    private static void TryDelete(string folder)
    {
        try
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // An orphaned initdb still writes there.
        }
    }

    private static string Seconds(TimeSpan time) => ((int)Math.Ceiling(time.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

    [LoggerMessage(LogLevel.Information, "New PostgreSQL {Major} cluster in {Folder}")]
    private partial void LogCreated(int major, string folder);

    [LoggerMessage(LogLevel.Warning, "An earlier start was cut short while it made the cluster; {Folder} is removed and made again")]
    private partial void LogLeftOver(string folder);

    [LoggerMessage(LogLevel.Warning, "PostgreSQL (process {ProcessId}) already runs on {Folder}: its service ended without stopping it. Taken over")]
    private partial void LogTakenOver(int processId, string folder);

    [LoggerMessage(LogLevel.Warning, "PostgreSQL (process {ProcessId}) runs but can't be reached over its socket; restarting it")]
    private partial void LogUnreachable(int processId);

    [LoggerMessage(LogLevel.Warning, "pg_stat_statements is not installed (package postgresql-contrib): there will be no list of slow statements")]
    private partial void LogNoStatements();
}

/// <summary>What a server says when it is asked for a connection.</summary>
internal enum ServerState
{
    /// <summary>It takes work.</summary>
    Ready,

    /// <summary>It is starting, recovering or stopping, or the database is not made yet.</summary>
    NotYet,

    /// <summary>Nobody answers.</summary>
    Unreachable,
}
