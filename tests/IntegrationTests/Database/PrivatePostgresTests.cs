using System.Diagnostics;
using System.Globalization;
using AuthService.Database.PrivateServer;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace IntegrationTests.Database;

public class PrivatePostgresTests
{
    /// <summary>A small server without syncs: what these tests kill is processes, not machines.</summary>
    internal static readonly PrivatePostgresParameters Fast = new()
    {
        Settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["fsync"] = "off",
            ["shared_buffers"] = "16MB",
            ["max_connections"] = "20",
        },
        UnreachableLimit = TimeSpan.FromMilliseconds(500),
    };

    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    [Fact]
    public async Task A_stop_keeps_the_data_for_the_next_start()
    {
        await using var folder = new TestFolder();
        string cluster;
        await using (var first = await StartAsync(folder))
        {
            Assert.True(first.IsOwner);
            cluster = first.ClusterFolder;
            await ExecuteAsync(first, "CREATE TABLE kept AS SELECT 42 AS value");
        }

        Assert.Null(Postmaster.Find(cluster));
        Assert.False(File.Exists(Path.Combine(cluster, "postmaster.pid")));

        await using var second = await StartAsync(folder);
        Assert.Equal(42, await QueryAsync<int>(second, "SELECT value FROM kept"));
    }

    // Start a server without looking for a running one (drop TakeOverAsync) and this fails: PostgreSQL refuses the second.
    [Fact]
    public async Task A_server_whose_owner_was_killed_is_taken_over_as_it_runs()
    {
        await using var folder = new TestFolder();
        using var owner = await OwnerProcess.StartAsync(folder.Path, _ct);
        await using var guest = await OpenAsync(folder);
        await ExecuteAsync(guest, "CREATE TABLE kept AS SELECT 42 AS value");
        var server = ServerOf(guest);

        await owner.KillAsync(_ct);
        await using var next = await StartAsync(folder);

        Assert.True(next.IsOwner);
        Assert.Equal(server, ServerOf(next));
        Assert.Equal(42, await QueryAsync<int>(next, "SELECT value FROM kept"));
    }

    // Don't wait for the orphaned processes (drop WaitForOrphansAsync) while one of them is busy, as the second session here, and
    // the start fails: "pre-existing shared memory block is still in use".
    [Fact]
    public async Task A_server_that_was_killed_with_its_owner_recovers_what_was_committed()
    {
        await using var folder = new TestFolder();
        using var owner = await OwnerProcess.StartAsync(folder.Path, _ct);
        await using var guest = await OpenAsync(folder);
        await ExecuteAsync(guest, "CREATE TABLE kept AS SELECT 42 AS value");
        var server = ServerOf(guest);
        await using var busy = new NpgsqlConnection(guest.ConnectionString + ";Pooling=false");
        await busy.OpenAsync(_ct);
        await using var counting = new NpgsqlCommand("SELECT count(*) FROM generate_series(1, 3000000) a", busy);
        var count = counting.ExecuteScalarAsync(_ct);

        await owner.KillAsync(_ct);
        Kill(server);
        await using var next = await StartAsync(folder);

        Assert.NotEqual(server, ServerOf(next));
        Assert.Equal(42, await QueryAsync<int>(next, "SELECT value FROM kept"));
        await Record.ExceptionAsync(() => count);   // whether it came to its end is not the point
    }

    // Leave the file alone (drop ForgetReusedPid) and PostgreSQL says "Is another postmaster running?" and does not start.
    [Fact]
    public async Task A_left_over_process_number_that_another_program_has_by_now_does_not_prevent_the_start()
    {
        await using var folder = new TestFolder();
        string cluster;
        ServerAccount account;
        using (var owner = await OwnerProcess.StartAsync(folder.Path, _ct))
        {
            await using var guest = await OpenAsync(folder);
            cluster = guest.ClusterFolder;
            account = await ServerAccount.ForAsync(cluster, _ct);
            await owner.KillAsync(_ct);
            var server = ServerOf(guest);
            Kill(server);
            await Eventually.TrueAsync(() => Postmaster.Find(cluster) is null, TimeSpan.FromSeconds(5));
        }

        using var ends = new CancellationTokenSource();
        var unrelated = account.RunAsync("sleep", ["60"], "/", ends.Token);
        var pid = await FindSleepAsync();
        foreach (var file in new[] { $"{cluster}/postmaster.pid", $"{ClusterHome.Of(folder.Path).SocketFolder}/.s.PGSQL.5432.lock" })
        {
            var lines = await File.ReadAllLinesAsync(file, _ct);
            await File.WriteAllLinesAsync(file, [pid.ToString(CultureInfo.InvariantCulture), .. lines[1..]], _ct);
        }

        await using (var next = await StartAsync(folder)) Assert.NotEqual(pid, ServerOf(next));

        await ends.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => unrelated);

        async Task<int> FindSleepAsync()
        {
            int? found = null;
            await Eventually.TrueAsync(
                () => (found = Process.GetProcessesByName("sleep").FirstOrDefault(p => ParentOf(p.Id) == Environment.ProcessId)?.Id) is not null,
                TimeSpan.FromSeconds(5));
            return found!.Value;
        }
    }

    [Fact]
    public async Task Of_many_that_start_at_once_one_becomes_the_owner()
    {
        await using var folder = new TestFolder();
        var attempts = await Race.RunAsync(4, async _ =>
        {
            try
            {
                return await StartAsync(folder);
            }
            catch (PrivatePostgresException)
            {
                return null;
            }
        });

        await using var owner = Assert.Single(attempts, attempt => attempt is not null);
        Assert.Equal(1, await QueryAsync<int>(owner!, "SELECT 1"));
    }

    [Fact]
    public async Task A_command_that_meets_no_owner_is_the_owner_while_it_runs()
    {
        await using var folder = new TestFolder();
        string cluster;
        await using (var command = await OpenAsync(folder))
        {
            Assert.True(command.IsOwner);
            cluster = command.ClusterFolder;
        }

        Assert.Null(Postmaster.Find(cluster));
    }

    [Fact]
    public async Task A_command_waits_for_an_owner_that_is_still_starting_and_replaces_one_that_gives_up()
    {
        await using var folder = new TestFolder();
        Task<PrivatePostgres> command;
        using (DataFolderLock.TryTake(folder.Path))
        {
            command = OpenAsync(folder);
            await Assert.ThrowsAsync<TimeoutException>(() => command.WaitAsync(TimeSpan.FromMilliseconds(300), _ct));
        }

        await using var opened = await command;
        Assert.True(opened.IsOwner);
    }

    // Let initdb write into the cluster's place itself and this fails: what it had not written yet is missing for ever.
    [Fact]
    public async Task A_cluster_whose_making_was_killed_is_made_again()
    {
        await using var folder = new TestFolder();
        using var killed = OwnerProcess.Launch(folder.Path);
        await Eventually.TrueAsync(
            () => Directory.EnumerateDirectories(folder.Path, "postgres.init-*").Any(work => File.Exists(Path.Combine(work, "cluster", "PG_VERSION"))),
            TimeSpan.FromSeconds(20));
        await killed.KillAsync(_ct);
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "postgres")));

        await using (var next = await StartAsync(folder)) Assert.Equal(1, await QueryAsync<int>(next, "SELECT 1"));

        // The orphaned initdb may have written on; it is done by the time a server has started and stopped, or soon after.
        await Eventually.TrueAsync(
            () =>
            {
                foreach (var left in Directory.EnumerateDirectories(folder.Path, "postgres.init-*")) TryDelete(left);
                return !Directory.EnumerateDirectories(folder.Path, "postgres.init-*").Any();
            },
            TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_cluster_of_another_major_version_is_refused_with_both_versions_named()
    {
        await using var folder = new TestFolder();
        string cluster;
        await using (var first = await StartAsync(folder)) cluster = first.ClusterFolder;
        var version = Path.Combine(cluster, "PG_VERSION");
        var installed = (await File.ReadAllTextAsync(version, _ct)).Trim();
        await File.WriteAllTextAsync(version, "9\n", _ct);

        var refused = await Assert.ThrowsAsync<PrivatePostgresException>(() => StartAsync(folder));

        Assert.Contains("PostgreSQL 9,", refused.Message, StringComparison.Ordinal);
        Assert.Contains(installed, refused.Message, StringComparison.Ordinal);
    }

    // Accept a folder that is there without looking whose it is and this fails.
    [Fact]
    public async Task A_planted_socket_folder_is_refused()
    {
        await using var folder = new TestFolder();
        var planted = ClusterHome.Of(folder.Path).SocketFolder;
        Directory.CreateDirectory(planted);
        File.SetUnixFileMode(planted, Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute);
        try
        {
            var refused = await Assert.ThrowsAsync<PrivatePostgresException>(() => StartAsync(folder));
            Assert.Contains(planted, refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            if (Directory.Exists(planted)) Directory.Delete(planted);
        }
    }

    [Fact]
    public async Task A_server_that_can_not_be_reached_over_its_socket_is_restarted()
    {
        await using var folder = new TestFolder();
        using var owner = await OwnerProcess.StartAsync(folder.Path, _ct);
        await using var guest = await OpenAsync(folder);
        var server = ServerOf(guest);
        await owner.KillAsync(_ct);
        Directory.Delete(ClusterHome.Of(folder.Path).SocketFolder, recursive: true);

        await using var next = await StartAsync(folder);

        Assert.NotEqual(server, ServerOf(next));
        Assert.Equal(1, await QueryAsync<int>(next, "SELECT 1"));
    }

    // Every character here would mean something to a shell.
    [Fact]
    public async Task A_data_folder_may_have_any_name()
    {
        await using var folder = new TestFolder();
        var odd = Path.Combine(folder.Path, "it's \"$HOME\" `id` \\ ü;");
        await using var postgres = await PrivatePostgres.StartAsync(odd, Fast, NullLogger.Instance, _ct);
        Assert.Equal(1, await QueryAsync<int>(postgres, "SELECT 1"));
    }

    [RootFact]
    public async Task A_data_folder_the_account_can_not_reach_gets_its_cluster_elsewhere()
    {
        await using var folder = new TestFolder();
        await using var elsewhere = new TestFolder();
        var closed = Path.Combine(folder.Path, "closed");
        Directory.CreateDirectory(closed, Private);
        var dataFolder = Path.Combine(closed, ".data");
        var parameters = Fast with { FallbackParent = elsewhere.Path };

        await using (var first = await PrivatePostgres.StartAsync(dataFolder, parameters, NullLogger.Instance, _ct))
        {
            Assert.StartsWith($"{elsewhere.Path}/data-", first.ClusterFolder, StringComparison.Ordinal);
            await ExecuteAsync(first, "CREATE TABLE kept AS SELECT 42 AS value");

            // A copy of the checkout brings the link along, and must not get hold of a cluster that is in use.
            var copy = Path.Combine(closed, "copy");
            Directory.CreateDirectory(copy);
            Directory.CreateSymbolicLink(Path.Combine(copy, "postgres"), first.ClusterFolder);
            var refused = await Assert.ThrowsAsync<PrivatePostgresException>(() => PrivatePostgres.StartAsync(copy, parameters, NullLogger.Instance, _ct));
            Assert.Contains("in use", refused.Message, StringComparison.Ordinal);

            await using var guest = await PrivatePostgres.OpenAsync(dataFolder, parameters, NullLogger.Instance, _ct);
            Assert.Equal(first.ConnectionString, guest.ConnectionString);
        }

        await using var second = await PrivatePostgres.StartAsync(dataFolder, parameters, NullLogger.Instance, _ct);
        Assert.Equal(42, await QueryAsync<int>(second, "SELECT value FROM kept"));
    }

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private Task<PrivatePostgres> StartAsync(TestFolder folder) => PrivatePostgres.StartAsync(folder.Path, Fast, NullLogger.Instance, _ct);

    private Task<PrivatePostgres> OpenAsync(TestFolder folder) => PrivatePostgres.OpenAsync(folder.Path, Fast, NullLogger.Instance, _ct);

    private static int ServerOf(PrivatePostgres postgres) => Assert.NotNull(Postmaster.Find(postgres.ClusterFolder));

    private async Task ExecuteAsync(PrivatePostgres postgres, string sql)
    {
        await using var connection = new NpgsqlConnection(postgres.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(_ct);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(_ct);
    }

    private async Task<T> QueryAsync<T>(PrivatePostgres postgres, string sql)
    {
        await using var connection = new NpgsqlConnection(postgres.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(_ct);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(_ct))!;
    }

    private static void Kill(int pid)
    {
        using var process = Process.GetProcessById(pid);
        process.Kill();
    }

    private static void TryDelete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (IOException)
        {
            // Still being written.
        }
    }

    private static int ParentOf(int pid) => int.Parse(StatOf(pid)[1], CultureInfo.InvariantCulture);

    /// <summary>From /proc/pid/stat, what follows the name in parentheses: state, parent, group, session, …</summary>
    private static string[] StatOf(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
    }
}

/// <summary>A test of what only root meets.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute()
    {
        if (!Environment.IsPrivilegedProcess) Skip = "Needs root.";
    }
}
