using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;

namespace IntegrationTests.Cli;

/// <summary>The verbs as an operator calls them: as processes, with exit codes, one line on what is wrong and never a stack trace.</summary>
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

    // Leave a check out of VerifyCacheSchema, or let it look only, and the broken installations below pass.
    [Fact]
    public async Task Verify_passes_what_works_names_what_is_broken_and_leaves_nothing_behind()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var good = await RunAsync(database, "verify", "--benchmark");
        Assert.Equal(0, good.Code);
        Assert.DoesNotContain("FAILED", good.Output, StringComparison.Ordinal);
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
