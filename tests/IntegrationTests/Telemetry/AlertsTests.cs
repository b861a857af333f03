using System.Collections.Concurrent;
using System.Net;

namespace IntegrationTests.Telemetry;

/// <summary>The rules that ship, by promtool and by a real Prometheus.</summary>
public class AlertsTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly TimeSpan FiringLimit = TimeSpan.FromSeconds(25);

    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token;

    [Fact]
    public async Task Promtool_finds_no_fault_in_rules_and_configuration()
    {
        Assert.Contains("SUCCESS", await PrometheusServer.CheckAsync(["check", "rules", "--lint-fatal", "rules.yml"], null, _ct), StringComparison.Ordinal);
        Assert.Contains("SUCCESS", await PrometheusServer.CheckAsync(["check", "config", "--lint-fatal", "prometheus.yml"], null, _ct), StringComparison.Ordinal);
    }

    // Change a limit in rules.yml and this fails.
    [Fact]
    public async Task Each_alert_fires_and_keeps_quiet_as_its_examples_say() =>
        Assert.Contains("SUCCESS", await PrometheusServer.CheckAsync(["test", "rules", "rules.test.yml"], null, _ct), StringComparison.Ordinal);

    // Each by its condition, on the real service, with seconds in the rules where they say minutes. Take a counter's event out and its alert is the one that never fires; add a
    // rule and it is named as one that never fired.
    [Fact]
    public async Task Alerts_fire_when_what_they_are_about_happens()
    {
        var fired = new ConcurrentBag<string>();
        await using var service = await WatchedService.StartAsync(
            servers, _ct, "--Database:PoolMaximum=3", "--Passwords:MaxConcurrentHashes=1", "--Passwords:QueueLength=0", "--Audit:BufferSize=1000");
        await using var prometheus = await PrometheusServer.StartAsync(service.MetricsTarget, _ct);
        var users = await service.Database.AddUsersAsync("any", 5, _ct);
        Assert.Equal(HttpStatusCode.Accepted, await service.Process.Http.RegisterAsync("nobody", Account.StandardPassword, _ct).StatusAsync());
        var nobody = await service.Process.Http.LogInAsync("nobody@example.com", Account.StandardPassword, _ct).TokensAsync(_ct);
        await Eventually.TrueAsync(async () => (await prometheus.QueryAsync("solid_cache_entries", _ct)).Count > 0, FiringLimit);
        Assert.Empty(await prometheus.QueryAsync("""ALERTS{alertstate="firing"}""", _ct));

        // What stands in the table, but large values: they only say that they are.
        await service.Database.ExecuteAsync(
            """
            INSERT INTO solid_cache.solid_cache_entries (key_hash, key, value, created_at, expires_at, byte_size)
            SELECT n, 'test:' || n, '', now() - interval '2 hours', now() - interval '1 hour', 100000 FROM generate_series(1, 1500) n
            """, _ct);
        await Task.WhenAll(FiresAsync("SolidCacheExpiredEntries"), FiresAsync("SolidCacheLarge"));

        // One that has given up, and one that no node gets at.
        await service.Database.ExecuteAsync(
            """
            INSERT INTO jobs (id, kind, arguments, state, run_at, last_try, ended_at)
            VALUES (gen_random_uuid(), 'test', '{}', 'dead', now(), 1, now()), (gen_random_uuid(), 'test', '{}', 'waiting', now() + interval '1 h', 1, NULL)
            """, _ct);
        await using (await HeldLock.TakeAsync(service.Database, "SELECT FROM jobs WHERE state = 'waiting' FOR KEY SHARE", _ct))
        {
            await service.Database.ExecuteAsync("UPDATE jobs SET run_at = now() - interval '1 h' WHERE state = 'waiting'", _ct);
            await Task.WhenAll(FiresAsync("AuthServiceDeadLetters"), FiresAsync("AuthServiceJobsLate"));
        }

        await UntilAsync("AuthServiceHitRateLow", async () =>
        {
            await SendAsync(HttpMethod.Post, "/admin/cache/invalidate", new { all = true });
            foreach (var user in users) await SendAsync(HttpMethod.Post, "/api/v1/authz/check", new { user_id = user, permission = "users:read" });
        });

        await UntilAsync("AuthServiceHashingRefused", RefusedAsync);
        await UntilAsync("AuthServiceErrors", RefusedAsync);   // 503 all of them

        // A series that begins with what is to be seen shows no increase.
        await SendAsync(HttpMethod.Get, "/api/v1/users?limit=5");
        await Eventually.TrueAsync(async () => (await prometheus.QueryAsync("""http_server_request_duration_seconds_count{http_route="/api/v1/users/",http_response_status_code="200"}""", _ct)).Count > 0, FiringLimit);
        var waiting = new List<Task>();
        await using (await HeldLock.TakeAsync(service.Database, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE", _ct))
        {
            for (var i = 0; i < 8; i++) waiting.Add(SendAsync(HttpMethod.Get, "/api/v1/users?limit=5"));
            await FiresAsync("AuthServicePoolExhausted");
        }

        await Task.WhenAll(waiting);
        await FiresAsync("AuthServiceSlow");

        await using (await HeldLock.TakeAsync(service.Database, "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE", _ct))
        {
            await UntilAsync("AuthServiceAuditEventsDropped", () => Race.RunAsync(8, async _ =>
            {
                for (var i = 0; i < 200; i++)
                {
                    using var refused = await service.SendAsync(nobody, HttpMethod.Get, "/admin/slow-queries", _ct);   // an authz_fail each
                }

                return true;
            }));
        }

        await service.Redis.KillAsync();
        await FiresAsync("AuthServiceRedisAway");

        await service.Database.SetReachableAsync(false, _ct);
        await UntilAsync("SolidCacheTierFailing", async () =>
        {
            foreach (var user in users) await SendAsync(HttpMethod.Get, $"/api/v1/users/{user}");
        });
        await Task.WhenAll(FiresAsync("AuthServiceLeaseLost"), FiresAsync("AuthServiceFreshnessLag"));

        await service.Process.KillAsync();
        await FiresAsync("AuthServiceNodeDown");
        Assert.Equal(AlertsThatShip(), fired.Order(StringComparer.Ordinal));

        Task FiresAsync(string alert) => UntilAsync(alert, () => Task.CompletedTask);

        Task RefusedAsync() => Race.RunAsync(6, async _ =>
        {
            using var answer = await service.Process.Http.LogInAsync("stranger@example.com", "not the password", _ct);
            return answer.StatusCode;
        });

        async Task UntilAsync(string alert, Func<Task> cause)
        {
            await Eventually.TrueAsync(async () =>
            {
                await cause();
                return await prometheus.IsFiringAsync(alert, _ct);
            }, FiringLimit, alert);
            fired.Add(alert);
        }

        async Task SendAsync(HttpMethod method, string path, object? body = null)
        {
            using var answer = await service.SendAsync(method, path, _ct, body);
        }
    }

    private static IEnumerable<string> AlertsThatShip() =>
        File.ReadLines(PrometheusServer.Shipped("rules.yml")).Select(line => line.Trim()).Where(line => line.StartsWith("- alert: ", StringComparison.Ordinal))
            .Select(line => line["- alert: ".Length..]).Order(StringComparer.Ordinal);
}
