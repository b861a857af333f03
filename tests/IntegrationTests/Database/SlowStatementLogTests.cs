using System.Collections.Concurrent;
using AuthService.Database;
using IntegrationTests.SolidCache;
using Npgsql;
using SlowStatement = SolidCache.SlowStatement;
using SlowStatements = SolidCache.SlowStatements;

namespace IntegrationTests.Database;

/// <summary>What is logged of statements that take long. Other tests' statements are told as well, in one process as they are: each test looks for names and values of its own.</summary>
public class SlowStatementLogTests(Servers servers) : IClassFixture<Servers>
{
    private const string Address = "secretive@example.com";

    private CancellationToken Ct => servers.TestTimeout;

    // Without the timing in Statement nothing is logged; with parameter.Value in place of Shape the address is.
    [Fact]
    public async Task A_slow_statement_is_named_with_the_shapes_of_its_parameters_and_no_value_and_a_quick_one_is_not()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var log = new RecordedLog();
        await using var node = await StartAsync(database, log, "00:00:00.2");
        var db = node.Services.GetRequiredService<NpgsqlDataSource>();
        var slow = new SqlFile("slow", "SELECT /* Tests/Slow.sleep */ pg_sleep($1), $2::text, $3::bigint[], $4::text");
        await using (var sleep = slow.On(db).With(0.25).With(Address).With<long[]>([4711, 4712, 4713]).With<string?>(null)) await sleep.ExecuteScalarAsync(Ct);
        var quick = new SqlFile("quick", "SELECT /* Tests/Quick.ask */ $1::text");
        await using (var ask = quick.On(db).With(Address)) await ask.ExecuteScalarAsync(Ct);

        var line = Assert.Single(log.Lines, l => l.Text.Contains("Tests/", StringComparison.Ordinal));
        Assert.Equal((LogLevel.Warning, "slow_statement"), (line.Level, line.Event));
        Assert.Contains("Tests/Slow.sleep took ", line.Text, StringComparison.Ordinal);
        Assert.Contains("(double precision, text(21), bigint[](3), null)", line.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(log.Lines, l => l.Text.Contains(Address, StringComparison.Ordinal) || l.Text.Contains("4711", StringComparison.Ordinal));
    }

    // One that the server ends is the slowest of all. Take the time without "using" in Statement and this fails.
    [Fact]
    public async Task A_statement_that_fails_after_a_while_is_named_too()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var log = new RecordedLog();
        await using var node = await StartAsync(database, log, "00:00:00.1");
        await using var connection = await node.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(Ct);
        await using (var limit = new NpgsqlCommand("SET statement_timeout = 200", connection)) await limit.ExecuteNonQueryAsync(Ct);
        await using var endless = new SqlFile("endless", "SELECT /* Tests/Endless.sleep */ pg_sleep(60)").On(connection);
        await Assert.ThrowsAsync<PostgresException>(() => endless.ExecuteScalarAsync(Ct));
        Assert.Single(log.Lines, l => l.Text.Contains("Tests/Endless.sleep took ", StringComparison.Ordinal));
    }

    // Without the timing in StartSession the log-in's batch is not told; without those in BatchRun the lanes' statement is not. The log would leave out some of so many.
    [Fact]
    public async Task Batches_and_lanes_are_timed_as_well()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var account = await node.CreateUserAsync("secretive", Ct);
        var seen = new ConcurrentQueue<SlowStatement>();
        using var watching = SlowStatements.Watch(TimeSpan.FromMilliseconds(1), seen.Enqueue);

        await using (var held = await HeldLock.TakeAsync(database, "SELECT FROM users FOR UPDATE", Ct))
        {
            var signingIn = node.SignInAsync(Address, Account.StandardPassword, Ct);
            await held.UntilWaitingAsync(1, Ct);
            await held.DisposeAsync();
            await signingIn;
        }

        Assert.Contains(seen, s => s.Name == "Sessions/StartSession.touch_user + Sessions/StartSession.end_surplus + Sessions/StartSession.insert_session");
        // A node that has nothing in memory.
        await using var fresh = await Node.StartAsync(database, Ct, node.MasterKey, settings: ("PermissionCache:WarmUpUsers", "0"));
        await using (var held = await HeldLock.TakeAsync(database, "LOCK TABLE user_roles IN ACCESS EXCLUSIVE MODE", Ct))
        {
            var asking = fresh.Http.UseAsync(account.Tokens.AccessToken, Ct);
            await Eventually.TrueAsync(() => seen.Any(s => s.Name == "Authorization/Rights.load_role_ids"), TimeSpan.FromSeconds(20));
            await held.DisposeAsync();
            await asking;
        }

        Assert.DoesNotContain(seen, s => s.ToString().Contains("secretive", StringComparison.Ordinal));
    }

    private async Task<Node> StartAsync(TestDatabase database, RecordedLog log, string atLeast, Node? beside = null) => await Node.StartAsync(
        database, Ct, beside?.MasterKey, services => services.AddSingleton<ILogger<SlowStatementLog>>(new Named(log)), ("Database:SlowStatement", atLeast));

    private sealed class Named(RecordedLog log) : ILogger<SlowStatementLog>
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log.Log(logLevel, eventId, state, exception, formatter);
    }
}
