using System.Globalization;
using AuthService.Database.PrivateServer;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace IntegrationTests.Database;

/// <summary>What holds while a private PostgreSQL runs; how it begins and ends is in <see cref="PrivatePostgresTests"/>.</summary>
public class RunningPrivatePostgresTests(RunningPrivatePostgresTests.Running running) : IClassFixture<RunningPrivatePostgresTests.Running>
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    private PrivatePostgres Postgres => running.Postgres;

    private int Server => Assert.NotNull(Postmaster.Find(Postgres.ClusterFolder));

    // Without "listen_addresses" in ClusterSettings the server opens port 5432 on the loopback interface and this fails.
    [Fact]
    public async Task It_listens_on_a_private_socket_alone()
    {
        Assert.Equal("", await QueryAsync<string>("SHOW listen_addresses"));
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(new NpgsqlConnectionStringBuilder(Postgres.ConnectionString).Host!));
    }

    // Have initdb write "trust" and this fails.
    [Fact]
    public async Task It_lets_nobody_in_without_the_password_and_nobody_else_can_read_that()
    {
        Assert.Equal(["scram-sha-256"], await QueryAsync<string[]>("SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules"));
        var wrong = new NpgsqlConnectionStringBuilder(Postgres.ConnectionString) { Password = "wrong", Pooling = false };
        await using var connection = new NpgsqlConnection(wrong.ConnectionString);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => connection.OpenAsync(_ct));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(running.Folder.Path, "postgres.password")));
    }

    [Fact]
    public async Task It_has_the_settings_it_was_started_with_and_the_extensions()
    {
        Assert.Equal(("UTF8", "C.UTF-8"), (await QueryAsync<string>("SHOW server_encoding"), await QueryAsync<string>("SHOW lc_collate")));
        Assert.Equal(("20", "0.9"), (await QueryAsync<string>("SHOW max_connections"), await QueryAsync<string>("SHOW checkpoint_completion_target")));
        Assert.Equal("pg_stat_statements", await QueryAsync<string>("SHOW shared_preload_libraries"));
        Assert.Equal(2L, await QueryAsync<long>("SELECT count(*) FROM pg_extension WHERE extname IN ('pg_stat_statements', 'pg_trgm')"));
    }

    // Start the server without pg_ctl, as a plain child, and both numbers are ours: Ctrl-C would end it before the service has drained.
    [Fact]
    public void It_is_in_a_session_of_its_own()
    {
        var (serverGroup, serverSession) = GroupAndSession(Server);
        var (ownGroup, ownSession) = GroupAndSession(Environment.ProcessId);
        Assert.NotEqual(ownGroup, serverGroup);
        Assert.NotEqual(ownSession, serverSession);
    }

    [Fact]
    public async Task It_never_runs_as_root()
    {
        var uids = (await File.ReadAllLinesAsync($"/proc/{Server}/status", _ct)).Single(line => line.StartsWith("Uid:", StringComparison.Ordinal));
        Assert.DoesNotContain("0", uids.Split('\t')[1..]);
    }

    // Without the lock a second owner takes the server over and stops it when it ends.
    [Fact]
    public async Task A_second_owner_is_refused_and_told_folder_and_process()
    {
        var refused = await Assert.ThrowsAsync<PrivatePostgresException>(
            () => PrivatePostgres.StartAsync(running.Folder.Path, PrivatePostgresTests.Fast, NullLogger.Instance, _ct));

        Assert.Contains(running.Folder.Path, refused.Message, StringComparison.Ordinal);
        Assert.Contains($"process {Environment.ProcessId}.", refused.Message, StringComparison.Ordinal);
    }

    // Let a guest's DisposeAsync stop the server and this fails.
    [Fact]
    public async Task A_guest_leaves_the_server_to_its_owner()
    {
        var before = Server;
        await using (var guest = await PrivatePostgres.OpenAsync(running.Folder.Path, NullLogger.Instance, _ct))
        {
            Assert.False(guest.IsOwner);
            Assert.Equal(Postgres.ConnectionString, guest.ConnectionString);
        }

        Assert.Equal(before, Server);
        Assert.Equal(1, await QueryAsync<int>("SELECT 1"));
    }

    private async Task<T> QueryAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(Postgres.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(_ct);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(_ct))!;
    }

    /// <summary>From /proc/pid/stat, behind the name in parentheses: state, parent, group, session, …</summary>
    private static (int Group, int Session) GroupAndSession(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (int.Parse(fields[2], CultureInfo.InvariantCulture), int.Parse(fields[3], CultureInfo.InvariantCulture));
    }

    public sealed class Running : IAsyncLifetime
    {
        internal PrivatePostgres Postgres { get; private set; } = null!;

        public TestFolder Folder { get; } = new();

        public async Task InitializeAsync() =>
            Postgres = await PrivatePostgres.StartAsync(Folder.Path, PrivatePostgresTests.Fast, NullLogger.Instance, CancellationToken.None);

        public async Task DisposeAsync()
        {
            await Postgres.DisposeAsync();
            await Folder.DisposeAsync();
        }
    }
}
