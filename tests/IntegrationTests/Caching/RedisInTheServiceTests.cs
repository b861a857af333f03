using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using AuthService.Client;
using AuthService.Features.Authorization;
using AuthService.Installation;
using IntegrationTests.SolidCache.Redis;
using SolidCache.Redis;
using SolidCache.Redis.Resp;

namespace IntegrationTests.Caching;

/// <summary>The service with Redis: what stands in it, what it spares, and what an operator does with it by hand.</summary>
public class RedisInTheServiceTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private CancellationToken Ct => servers.TestTimeout;

    // docs/cache/redis.md promises this shape. The names are for people; leave role_ids out, and nothing can be read back.
    [Fact]
    public async Task Rights_stand_in_Redis_as_JSON_with_the_configured_life()
    {
        await using var redis = await RedisServer.StartAsync(Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, redis);
        await node.AddAdministratorAsync("root", Ct);
        var anna = await node.AddAccountAsync("anna", Ct, "roles:read");
        var key = string.Create(CultureInfo.InvariantCulture, $"permissions:user:{anna.Id}");
        (await anna.SendAsync(HttpMethod.Get, "/api/v1/me/permissions", body: null, Ct)).Dispose();
        await StoredAsync(redis, key);

        var entry = JsonNode.Parse(await redis.CliAsync(Ct, "GET", key))!.AsObject();
        Assert.Equal(["v", "epoch", "xmin", "as_of", "expires_at", "user_id", "roles", "permissions", "role_ids", "stamps", "mac"], entry.Select(m => m.Key));
        Assert.Equal(anna.Id, (long)entry["user_id"]!);
        Assert.Contains("roles:read", entry["permissions"]!.AsArray().Select(p => (string?)p));
        Assert.InRange(long.Parse(await redis.CliAsync(Ct, "TTL", key), CultureInfo.InvariantCulture), 200, 300);
    }

    // A statement more on the second node, and it was not Redis that answered.
    [Fact]
    public async Task A_second_node_answers_about_accounts_and_sessions_without_a_statement_and_a_revocation_counts_on_it_at_once()
    {
        await using var redis = await RedisServer.StartAsync(Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await StartAsync(database, redis);
        var admin = await one.AddAdministratorAsync("root", Ct);
        var anna = await one.AddAccountAsync("anna", Ct, "roles:read");
        await GoodInRedisAsync(admin, anna, Key(anna));
        foreach (var key in (await redis.CliAsync(Ct, "KEYS", "session:*")).Split('\n')) await GoodInRedisAsync(admin, anna, key);

        await using var two = await StartFromRedisAsync();

        var role = await database.RoleIdAsync("only-anna", Ct);
        using (var revoke = await admin.SendAsync(HttpMethod.Delete, string.Create(CultureInfo.InvariantCulture, $"/api/v1/users/{anna.Id}/roles/{role}"), body: null, Ct)) Assert.Equal(HttpStatusCode.NoContent, revoke.StatusCode);
        foreach (var node in new[] { one, two })
        {
            using var answer = await anna.SendAsync(HttpMethod.Get, "/api/v1/authz/forward?permission=roles:read", body: null, Ct, on: node);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }

        // A node believes nothing, Redis neither, while it has no lease, as on a machine that is too busy for its polls. Then the next one shows it.
        async Task<Node> StartFromRedisAsync()
        {
            for (var attempt = 1; ; attempt++)
            {
                var node = await StartAsync(database, redis, one);
                var counts = await CountAsync(node);
                if (counts == (0, 0)) return node;
                Assert.True(attempt < 5, $"statements for rights and sessions: {counts}");
                await node.DisposeAsync();
            }
        }

        async Task<(long Rights, long Sessions)> CountAsync(Node node)
        {
            var counts = await Statements.CountAsync(database, async () =>
            {
                using var answer = await anna.SendAsync(HttpMethod.Get, "/api/v1/authz/forward?permission=roles:read", body: null, Ct, on: node);
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            }, Ct);
            return (counts.GetValueOrDefault("Authorization/Rights.load_role_ids"), counts.GetValueOrDefault("Sessions/LiveSessions.find_sessions"));
        }
    }

    // Polls come once in ten seconds: it is the messages that bring a revocation to the other nodes.
    [Fact]
    public async Task Changes_wait_for_no_poll()
    {
        await using var redis = await RedisServer.StartAsync(Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await StartAsync(database, redis, null, ("Freshness:Lease", "00:01:00"), ("Freshness:PollInterval", "00:00:10"));
        var admin = await one.AddAdministratorAsync("root", Ct);
        var anna = await one.AddAccountAsync("anna", Ct, "roles:read");
        await using var two = await StartAsync(database, redis, one, ("Freshness:Lease", "00:01:00"), ("Freshness:PollInterval", "00:00:10"));
        var role = await database.RoleIdAsync("only-anna", Ct);
        var path = string.Create(CultureInfo.InvariantCulture, $"/api/v1/users/{anna.Id}/roles/{role}");
        await Eventually.TrueAsync(async () => (await redis.CliAsync(Ct, "PUBSUB", "CHANNELS")).Length > 0 && (await redis.CliAsync(Ct, ["PUBSUB", "NUMSUB", await redis.CliAsync(Ct, "PUBSUB", "CHANNELS")])).EndsWith('2'), Soon);
        var times = new List<double>();
        for (var i = 0; i < 20; i++)
        {
            var began = System.Diagnostics.Stopwatch.GetTimestamp();
            using var done = await admin.SendAsync(i % 2 == 0 ? HttpMethod.Delete : HttpMethod.Put, path, body: null, Ct, on: i % 3 == 0 ? two : one);
            Assert.Equal(HttpStatusCode.NoContent, done.StatusCode);
            times.Add(System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalSeconds);
        }

        Assert.True(times.Sum() < 30, string.Join(' ', times.Select(t => t.ToString("F2", CultureInfo.InvariantCulture))));
    }

    // The lines of docs/cache/redis.md, "By hand": what they say, and that no answer changes by them.
    [Fact]
    public async Task What_an_operator_does_by_hand_makes_room_and_changes_no_answer()
    {
        await using var redis = await RedisServer.StartAsync(Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, redis);
        var accounts = new List<Account> { await node.AddAdministratorAsync("root", Ct), await node.AddAccountAsync("anna", Ct, "roles:read"), await node.AddAccountAsync("ben", Ct, "roles:read") };
        foreach (var account in accounts) (await account.SendAsync(HttpMethod.Get, "/api/v1/me/permissions", body: null, Ct)).Dispose();
        foreach (var account in accounts) await StoredAsync(redis, Key(account));

        foreach (var line in Recipes())
        {
            var command = line.Replace("redis-cli", $"redis-cli -p {redis.Port.ToString(CultureInfo.InvariantCulture)}", StringComparison.Ordinal).Replace("user:42", Key(accounts[1])["permissions:".Length..], StringComparison.Ordinal);
            Assert.DoesNotContain("ERR", await RedisServer.RunAsync("bash", ["-c", "set -euo pipefail; " + command], Ct), StringComparison.Ordinal);
        }

        Assert.Equal("", await redis.CliAsync(Ct, "KEYS", "permissions:user:*"));
        foreach (var account in accounts.Skip(1))
        {
            using var answer = await account.SendAsync(HttpMethod.Get, "/api/v1/authz/forward?permission=roles:read", body: null, Ct);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Health_says_how_Redis_is_and_stays_200_without_it()
    {
        await using var redis = await RedisServer.StartAsync(Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, redis);
        Assert.Equal(("healthy", "healthy"), await HealthAsync(node));
        await redis.KillAsync();
        await Eventually.TrueAsync(async () => await HealthAsync(node) == ("degraded", "unhealthy"), Soon);
        using (var ready = await node.Http.GetAsync(new Uri("/health/ready", UriKind.Relative), Ct)) Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        await redis.RestartAsync(Ct);
        await Eventually.TrueAsync(async () => await HealthAsync(node) == ("healthy", "healthy"), Soon);
    }

    [Theory]
    [InlineData("http://localhost", "scheme")]
    [InlineData("localhost:99999,password=hunter2", "port")]
    [InlineData("localhost,database=many,password=hunter2", "database")]
    [InlineData("localhost,ssl=maybe", "ssl")]
    public async Task What_cannot_be_read_stops_the_start_and_says_why(string connectionString, string part)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var refused = await Assert.ThrowsAsync<SettingsException>(() => Node.StartAsync(database, Ct, settings: ("ConnectionStrings:Redis", connectionString)));
        Assert.StartsWith("ConnectionStrings:Redis", refused.Message, StringComparison.Ordinal);
        Assert.Contains(part, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", refused.Message, StringComparison.Ordinal);
    }

    // Nobody there, the wrong password, no TLS where it is asked for: it starts, and works.
    [Theory]
    [InlineData("127.0.0.1:1")]
    [InlineData("{0},password=wrong")]
    [InlineData("{0},ssl=true")]
    [InlineData("{0},database=99")]
    public async Task A_server_that_is_away_or_refuses_does_not(string connectionString)
    {
        await using var redis = await RedisServer.StartAsync(Ct, "--requirepass", "right");
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: ("ConnectionStrings:Redis", string.Format(CultureInfo.InvariantCulture, connectionString, redis.Address)));
        await node.AddAdministratorAsync("root", Ct);
        Assert.Equal(("degraded", "unhealthy"), await HealthAsync(node));
    }

    [Fact]
    public async Task An_entry_is_shown_in_every_tier()
    {
        await using var redis = await RedisServer.StartAsync(Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, redis);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await GoodInRedisAsync(admin, admin, Key(admin));
        var entry = await EntryAsync(admin, Key(admin));
        Assert.Equal([("memory", "good"), ("redis", "good"), ("postgres", "absent")], entry.Tiers.Select(t => (t.Tier, t.State)));
        Assert.All(entry.Tiers.Take(2), t => Assert.True(t.AgeSeconds >= 0 && t.SecondsLeft > 0 && t.Tags.Count >= 3));
        Assert.Contains("role_ids", entry.Tiers[1].Text, StringComparison.Ordinal);

        // Somebody has written to it.
        await redis.CliAsync(Ct, "SET", Key(admin), entry.Tiers[1].Text!.Replace("role_ids", "role_idz", StringComparison.Ordinal));
        Assert.Equal("forged", (await EntryAsync(admin, Key(admin))).Tiers[1].State);
        await redis.KillAsync();
        await Eventually.TrueAsync(async () => (await EntryAsync(admin, Key(admin))).Tiers[1].State == "away", Soon);
        using var none = await admin.SendAsync(HttpMethod.Post, "/admin/cache/inspect", new InspectRequest(), Ct);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, none.StatusCode);
    }

    // Rights that a stranger has written: what he makes an account out to be is not believed.
    [Fact]
    public async Task Rights_written_by_somebody_else_grant_nothing()
    {
        await using var redis = await RedisServer.StartAsync(Ct);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await StartAsync(database, redis);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var anna = await node.AddAccountAsync("anna", Ct);
        (await admin.SendAsync(HttpMethod.Get, "/api/v1/me/permissions", body: null, Ct)).Dispose();
        await StoredAsync(redis, Key(admin));
        // The administrator's own entry, under another's key.
        await redis.CliAsync(Ct, "COPY", Key(admin), Key(anna), "REPLACE");
        await using var cold = await StartAsync(database, redis, node);
        var rights = await cold.Services.GetRequiredService<Rights>().OfAsync(anna.Id, Ct);
        Assert.False(rights.Allow("system:admin"));
    }

    private static IEnumerable<string> Recipes()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AuthService.slnx"))) folder = Path.GetDirectoryName(folder)!;
        var page = File.ReadAllText(Path.Combine(folder, "docs", "cache", "redis.md"));
        var block = page[page.IndexOf("```bash", StringComparison.Ordinal)..];
        return block[..block.IndexOf("```", 3, StringComparison.Ordinal)].Split('\n').Where(line => line.StartsWith("redis-cli", StringComparison.Ordinal));
    }

    private static string Key(Account account) => string.Create(CultureInfo.InvariantCulture, $"permissions:user:{account.Id}");

    private static async Task<(string? Status, string? Redis)> HealthAsync(Node node)
    {
        using var answer = await node.Http.GetAsync(new Uri("/health", UriKind.Relative), CancellationToken.None);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var health = JsonNode.Parse(await answer.Content.ReadAsStringAsync(CancellationToken.None))!;
        return ((string?)health["status"], (string?)health["services"]!["redis"]!["status"]);
    }

    /// <summary>Asks until Redis has an entry that may be served: one loaded before the node had heard of the account's making may not.</summary>
    private async Task GoodInRedisAsync(Account admin, Account asks, string key) => await Eventually.TrueAsync(async () =>
    {
        (await asks.SendAsync(HttpMethod.Get, "/api/v1/me/permissions", body: null, Ct)).Dispose();
        var tiers = (await EntryAsync(admin, key)).Tiers;
        return tiers[0].State == "good" && tiers[1].State == "good";
    }, Soon);

    private async Task<CacheEntryView> EntryAsync(Account account, string key)
    {
        using var answer = await account.SendAsync(HttpMethod.Post, "/admin/cache/inspect", new InspectRequest { Key = key }, Ct);
        answer.EnsureSuccessStatusCode();
        return JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(Ct), WireJson.Default.CacheEntryView)!;
    }

    private async Task<Node> StartAsync(TestDatabase database, RedisServer redis, Node? beside = null, params (string, string)[] settings)
    {
        var node = await Node.StartAsync(
            database, Ct, beside?.MasterKey, services: null, [("ConnectionStrings:Redis", IntegrationTests.SolidCache.Redis.Resp.Clients.Patient(redis.Address)), ("PermissionCache:WarmUpUsers", "0"), ("PermissionCache:TimeToLive", "00:05:00"), .. settings]);
        Assert.True(await node.Services.GetRequiredService<RedisClient>().WaitUntilConnectedAsync(Soon, Ct));
        Assert.Equal(RedisState.InUse, node.Services.GetRequiredService<global::SolidCache.TieredCache>().RedisState);
        return node;
    }

    private async Task StoredAsync(RedisServer redis, string key) => await Eventually.TrueAsync(async () => await redis.CliAsync(Ct, "EXISTS", key) == "1", Soon);
}
