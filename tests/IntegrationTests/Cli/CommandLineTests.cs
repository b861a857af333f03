using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;

namespace IntegrationTests.Cli;

/// <summary>The verbs as an operator calls them: as processes, with exit codes, one line on what is wrong and never a stack trace.</summary>
[Trait(TestRun.LongTrait, "yes")]
public class CommandLineTests(Servers servers) : IClassFixture<Servers>
{
    private readonly string _masterKey = "--Tokens:MasterKey=" + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task Migrate_says_what_is_pending_applies_it_once_and_then_has_nothing_to_do()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        var plan = await RunAsync(database, "migrate", "--plan");
        Assert.Equal(0, plan.Code);
        Assert.Equal("pending 0001_users", plan.Lines[0]);
        Assert.Equal(0, await database.ReadSqlAsync<long>("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", Ct));

        var applied = await RunAsync(database, "migrate");
        Assert.Equal(0, applied.Code);
        Assert.Equal(plan.Lines.Select(l => l.Replace("pending", "applied", StringComparison.Ordinal)), applied.Lines.Where(l => l.StartsWith("applied ", StringComparison.Ordinal)));
        var again = await RunAsync(database, "migrate");
        Assert.Equal((0, "The schema is up to date."), (again.Code, again.Lines[^1]));
    }

    [Fact]
    public async Task The_cache_is_cleaned_up()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await database.ExecuteSqlAsync(
            """
            INSERT INTO solid_cache.solid_cache_entries (key_hash, key, value, created_at, expires_at, byte_size)
            SELECT n, 'key ' || n, '', now(), now() - interval '1 s', 0 FROM generate_series(1, 3) n
            """, Ct);
        var cleaned = await RunAsync(database, "cache", "cleanup");
        Assert.Equal((0, "3 expired entries deleted"), (cleaned.Code, cleaned.Lines[^1]));
        Assert.Equal("0 expired entries deleted", (await RunAsync(database, "cache", "cleanup")).Lines[^1]);
    }

    [Fact]
    public async Task Keys_are_listed_rotated_and_distrusted()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var rotated = await RunAsync(database, "keys", "rotate");
        Assert.Equal((0, true), (rotated.Code, rotated.Lines[^1].Contains(" signs from ", StringComparison.Ordinal)));
        var kid = rotated.Lines[^1].Split(' ')[0];
        Assert.Equal(1, await database.ReadSqlAsync<long>("SELECT count(*) FROM signing_keys WHERE kid = $1", Ct, kid));

        var list = await RunAsync(database, "keys", "list");
        Assert.Equal(0, list.Code);
        Assert.Contains("ES256", list.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\"d\"", list.Output, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync(database, "keys", "distrust", kid)).Code);
        Assert.True(await database.ReadSqlAsync<bool>("SELECT distrusted_at IS NOT NULL FROM signing_keys WHERE kid = $1", Ct, kid));
        await RefusedAsync(1, database, "keys", "distrust", "no-such-key");
        Assert.Equal(2, await database.ReadSqlAsync<long>("SELECT count(*) FROM audit_events WHERE type IN ('key_rotated', 'key_distrusted') AND actor_type = 'cli'", Ct));
    }

    [Fact]
    public async Task An_operator_makes_an_administrator_and_resets_a_password()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var made = await RunAsync(database, "user", "create-admin", "--email", "root@example.com", "--username", "root");
        Assert.Equal(0, made.Code);
        var root = await node.SignInAsync("root@example.com", made.Lines[^1], Ct);
        Assert.Equal(["admin", "user"], root.Tokens.Roles);
        Assert.True(root.Tokens.PasswordChangeRequired);

        var reset = await RunAsync(database, "user", "reset-password", "--email", "ROOT@example.com");
        Assert.Equal(0, reset.Code);
        Assert.NotEqual(made.Lines[^1], reset.Lines[^1]);
        using (var ended = await root.SendAsync(HttpMethod.Get, "/api/v1/users/profile", body: null, Ct)) Assert.Equal(401, (int)ended.StatusCode);
        await node.SignInAsync("root@example.com", reset.Lines[^1], Ct);

        await RefusedAsync(1, database, "user", "create-admin", "--email", "root@example.com", "--username", "other");
        await RefusedAsync(1, database, "user", "create-admin", "--email", "no-address", "--username", "other");
        await RefusedAsync(1, database, "user", "reset-password", "--email", "nobody@example.com");
    }

    [Fact]
    public async Task Import_says_what_it_stored_and_by_its_exit_code_whether_that_was_all()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var folder = new TestFolder();
        var (file, rejects) = (Path.Combine(folder.Path, "users.ndjson"), Path.Combine(folder.Path, "rejects.txt"));
        await File.WriteAllTextAsync(file, "{\"email\":\"anna@example.org\",\"username\":\"anna\"}\nbad\n", Ct);
        var some = await RunAsync(database, "import", file, "--rejects", rejects);
        Assert.Equal(3, some.Code);
        Assert.Equal("line 2: import.not_readable", some.Error);
        Assert.Equal(["line 2: import.not_readable"], await File.ReadAllLinesAsync(rejects, Ct));
        Assert.StartsWith("1 accounts of 2 records, 1 refused", some.Lines[^1], StringComparison.Ordinal);
        Assert.Contains("2 records were imported before.", (await RunAsync(database, "import", file)).Output, StringComparison.Ordinal);
        Assert.Equal(1, await database.ReadSqlAsync<long>("SELECT count(*) FROM users", Ct));

        await File.WriteAllTextAsync(file, "{\"email\":\"berta@example.org\",\"username\":\"berta\"}", Ct);
        Assert.Equal(0, (await RunAsync(database, "import", file)).Code);
        await RefusedAsync(1, database, "import", Path.Combine(folder.Path, "users.xlsx"));
        await RefusedAsync(1, database, "import", Path.Combine(folder.Path, "none.csv"));
        await RefusedAsync(1, database: null, "import");
    }

    // Leave a check out of VerifyCacheSchema, or let it look only, and the broken installations below pass.
    [Fact]
    public async Task Verify_passes_what_works_names_what_is_broken_and_leaves_nothing_behind()
    {
        await using var server = await ShippedServer.StartAsync(Ct);
        await using var database = await server.CreateDatabaseAsync(Ct);
        Assert.Equal(0, await database.ReadAsync<long>("SELECT count(*) FROM pg_file_settings WHERE error IS NOT NULL", Ct));
        Assert.Equal("on", await database.ReadAsync<string>("SHOW hot_standby_feedback", Ct));   // of the second file
        for (var i = 0; i < 2; i++) await database.ExecuteAsync(ShippedServer.Read("init.sql"), Ct);
        var good = await RunAsync(database, "verify", "--benchmark");
        Assert.True(good.Code == 0, good.Output + good.Error);
        Assert.DoesNotContain("FAILED", good.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("warning", good.Output, StringComparison.Ordinal);
        Assert.Equal(4, good.Lines.Count(l => l.Contains("GET", StringComparison.Ordinal) || l.Contains("SET", StringComparison.Ordinal)));
        Assert.Equal(0, await database.ReadSqlAsync<long>("SELECT count(*) FROM solid_cache.solid_cache_entries", Ct));
        Assert.Equal(0, await database.ReadSqlAsync<long>("SELECT count(*) FROM solid_cache.solid_cache_nodes", Ct));

        await database.ExecuteAsync("DROP PROCEDURE solid_cache.cleanup_all_expired_cache; DROP FUNCTION solid_cache.cleanup_expired_cache", Ct);
        var noFunction = await RunAsync(database, "verify");
        Assert.Equal(1, noFunction.Code);
        Assert.Contains("FAILED", noFunction.Output, StringComparison.Ordinal);
        Assert.Contains("cleanup_expired_cache", noFunction.Output, StringComparison.Ordinal);

        await database.ExecuteAsync("DROP SCHEMA solid_cache CASCADE", Ct);
        var noSchema = await RunAsync(database, "verify");
        Assert.Equal((1, true), (noSchema.Code, noSchema.Output.Contains("FAILED", StringComparison.Ordinal)));
    }

    // Return 0 always from ExplainCommand, or log to standard output, and this fails.
    [Fact]
    public async Task Explain_says_by_its_exit_code_whether_a_hot_path_is_amiss()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await RunAsync(database, "seed", "--users", "11000");
        var good = await RunAsync(database, "explain");
        Assert.Contains("Authentication/LogIn.find_user", good.Output, StringComparison.Ordinal);
        Assert.Contains("not explained", good.Output, StringComparison.Ordinal);

        await database.ExecuteAsync("DROP INDEX users_email_key, users_email_prefix, users_names_trigrams", Ct);
        var bad = await RunAsync(database, "explain", "--json", "--Logging:LogLevel:Default=Debug");
        Assert.Equal(1, bad.Code);
        var statements = System.Text.Json.Nodes.JsonNode.Parse(bad.Output)!["statements"]!.AsArray();
        var login = Assert.Single(statements, s => (string)s!["name"]! == "Authentication/LogIn.find_user")!;
        Assert.Contains(login["plans"]![0]!["flags"]!.AsArray(), f => (string)f!["code"]! == "missing_index");
    }

    // The server of these tests writes nothing to disk for good. Count every difference as a warning, and this installation passes.
    [Fact]
    public async Task Verify_fails_on_a_server_that_may_lose_what_it_has_said_and_warns_of_what_only_costs_time()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await database.ExecuteAsync("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET jit = on', current_database()); END $$", Ct);
        var run = await RunAsync(database, "verify");
        Assert.Equal(1, run.Code);
        Assert.Equal(["fsync", "full_page_writes"], SettingsSaid("FAILED", run));
        Assert.Equal(["jit", "shared_buffers"], SettingsSaid("warning", run));

        // What a database or an account says for its sessions counts as well: this one would not tell the cache what changes.
        await database.ExecuteAsync("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', current_database()); END $$", Ct);
        Assert.Contains("session_replication_role", SettingsSaid("FAILED", await RunAsync(database, "verify")));
    }

    private static IEnumerable<string> SettingsSaid(string verdict, Run run) =>
        run.Lines.Where(l => l.Contains(verdict, StringComparison.Ordinal)).Select(l => l.Trim('│', '|', ' ').Split(' ')[0]).Order(StringComparer.Ordinal);

    [Fact]
    public async Task Seed_fills_a_database_that_had_no_schema()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        var seeded = await RunAsync(database, "seed", "--users", "500", "--roles", "10", "--permissions", "20");
        Assert.Equal(0, seeded.Code);
        Assert.StartsWith("Their password: ", seeded.Lines[^1], StringComparison.Ordinal);
        Assert.Equal((500, 1000), (await database.ReadSqlAsync<long>("SELECT count(*) FROM users", Ct), await database.ReadSqlAsync<long>("SELECT count(*) FROM user_roles", Ct)));
        await using var node = await Node.StartAsync(database, Ct);
        Assert.Equal(2, (await node.SignInAsync("u500@example.com", seeded.Lines[^1]["Their password: ".Length..], Ct)).Tokens.Roles.Count);
    }

    // Without the check for strays a mistyped option is passed over in silence: "seed --usres 5" would make a thousand accounts.
    [Theory]
    [InlineData("migrate", "stray")]
    [InlineData("migrate", "--Plan")]
    [InlineData("migrate", "--plan", "--force")]
    [InlineData("seed", "--usres", "5")]
    [InlineData("seed", "--users", "1", "2")]
    [InlineData("keys", "list", "all")]
    [InlineData("user", "reset-password", "--email", "a@example.com", "b@example.com")]
    [InlineData("serve", "--port=80")]
    public async Task A_stray_argument_is_refused(params string[] arguments)
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        await RefusedAsync(2, database, arguments);
        Assert.Equal(0, await database.ReadSqlAsync<long>("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", Ct));
    }

    [Theory]
    [InlineData("Database:PoolMaximum", "--Database:PoolMaximum=0", "1 to 1000")]
    [InlineData("Database:PoolMaximum", "--Database:PoolMaximum=many", "a whole number")]
    [InlineData("Database:PoolMaxmum", "--Database:PoolMaxmum=5", "knows: ")]
    [InlineData("Sessions:IdleTimeout", "--Sessions:IdleTimeout=00:00:01", "00:05:00")]
    [InlineData("Tokens:AccessTokenLifetime", "--Tokens:AccessTokenLifetime=soon", "a time span")]
    [InlineData("Registration:Enabled", "--Registration:Enabled=perhaps", "true or false")]
    [InlineData("Tokens:MasterKey", "--Tokens:MasterKey=dG9vIHNob3J0", "32 bytes")]
    [InlineData("ConnectionStrings:Primary", "--ConnectionStrings:Primary=Host=/tmp;Passwort=hunter2", "")]
    [InlineData("url", "--urls=nonsense", "nonsense")]
    public async Task A_setting_that_is_wrong_stops_the_start_with_one_line_that_names_it(string named, string setting, string allowed)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var error = await RefusedAsync(1, database, "serve", setting);
        Assert.Contains(named, error, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(allowed, error, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", error, StringComparison.Ordinal);
        Assert.DoesNotContain("dG9v", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_is_not_there_is_one_line()
    {
        var error = await RefusedAsync(1, database: null, "migrate", "--ConnectionStrings:Primary=Host=/nowhere;Username=x;Password=hunter2;Timeout=2");
        Assert.DoesNotContain("hunter2", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_out_of_range_and_unknown_verbs_are_refused_and_help_is_not()
    {
        foreach (var arguments in new string[][] { ["seed", "--users", "-1"], ["seed", "--permissions", "7"], ["seed", "--users", "many"], ["keys", "distrust"], ["user", "create-admin"], ["nonsense"], [] })
        {
            var run = await RunAsync(database: null, arguments);
            Assert.True(run.Code != 0, string.Join(' ', arguments));
            Assert.DoesNotContain("   at ", run.Error + run.Output, StringComparison.Ordinal);
        }

        var help = await RunAsync(database: null, "--help");
        Assert.Equal(0, help.Code);
        foreach (var verb in new[] { "serve", "migrate", "keys", "seed", "user" }) Assert.Contains(verb, help.Output, StringComparison.Ordinal);
    }

    private async Task<string> RefusedAsync(int code, TestDatabase? database, params string[] arguments)
    {
        var run = await RunAsync(database, arguments);
        Assert.True(run.Code == code, $"code {run.Code} instead of {code}: {run.Output}{run.Error}");
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        return run.Error;
    }

    [Fact]
    public async Task The_cache_is_shown_and_made_invalid()
    {
        await using var redis = await SolidCache.Redis.RedisServer.StartAsync(Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var where = $"--ConnectionStrings:Redis={redis.Address}";
        var stats = await RunAsync(database, "cache", "stats", where);
        Assert.Equal(0, stats.Code);
        Assert.Contains("redis_version", stats.Output, StringComparison.Ordinal);
        await redis.CliAsync(Ct, "SET", "permissions:user:7", "{\"v\":0,\"user_id\":7}");
        var forged = await RunAsync(database, "cache", "get", "permissions:user:7", where);
        Assert.Equal(0, forged.Code);
        Assert.Contains("forged", forged.Output, StringComparison.Ordinal);
        await redis.KillAsync();
        var away = await RunAsync(database, "cache", "get", "permissions:user:7", where);
        Assert.Contains("away", away.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync(database, "cache", "invalidate", "user:7", where)).Code);
        Assert.Equal(1, await database.ReadAsync<long>(
            $"SELECT count(*) FROM solid_cache.solid_cache_tag_versions WHERE tag_hash = {(global::SolidCache.TagHash.Of("user:7"))}", Ct));
        Assert.Equal(1, (await RunAsync(database, "cache", "invalidate", where)).Code);
        Assert.Equal(1, (await RunAsync(database, "cache", "stats", "--ConnectionStrings:Redis=http://nowhere")).Code);
    }

    private async Task<Run> RunAsync(TestDatabase? database, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!, "authservice.dll"));
        // The configuration's last word wins: what the test gives stands after.
        var verbs = arguments.TakeWhile(a => !a.StartsWith('-')).ToArray();
        foreach (var verb in verbs) start.ArgumentList.Add(verb);
        if (database is not null)
        {
            start.ArgumentList.Add("--ConnectionStrings:Primary=" + database.ConnectionString);
            start.ArgumentList.Add(_masterKey);
            start.ArgumentList.Add("--Logging:LogLevel:Default=Error");
        }

        foreach (var argument in arguments.Skip(verbs.Length)) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
        try
        {
            await process.WaitForExitAsync(Ct);
            return new Run(process.ExitCode, (await output).Trim(), (await error).Trim());
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    private sealed record Run(int Code, string Output, string Error)
    {
        public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
