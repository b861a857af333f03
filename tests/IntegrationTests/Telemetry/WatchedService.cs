using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using AuthService.Client;
using IntegrationTests.SolidCache.Redis;

namespace IntegrationTests.Telemetry;

/// <summary>The service as a process with Redis, its metrics at an address of their own, and an administrator who has signed in.</summary>
internal sealed class WatchedService : IAsyncDisposable
{
    public const string AdministratorsMail = "root@example.com";

    private WatchedService(TestDatabase database, RedisServer redis, ServiceProcess process, string metrics) => (Database, Redis, Process, MetricsTarget) = (database, redis, process, metrics);

    public TestDatabase Database { get; }
    public RedisServer Redis { get; }
    public ServiceProcess Process { get; }

    /// <summary>Host and port that serve <c>/metrics</c> without rights.</summary>
    public string MetricsTarget { get; }

    public Uri MetricsUrl => new($"http://{MetricsTarget}/metrics");

    public TokenResponse Administrator { get; private set; } = null!;

    /// <summary>The administrator's last one: whoever refreshes puts the successor here, since an older one ends the session.</summary>
    public string RefreshToken { get; set; } = "";

    public static async Task<WatchedService> StartAsync(Servers servers, CancellationToken ct, params string[] settings)
    {
        var (database, redis) = (await servers.CreateDatabaseAsync(ct), await RedisServer.StartAsync(ct));
        var metrics = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{PrometheusServer.FreePort()}");
        var all = ServiceProcess.Settings(
            database, RandomNumberGenerator.GetBytes(32),
            [$"--ConnectionStrings:Redis={redis.Address}", $"--Telemetry:MetricsUrl=http://{metrics}", "--Telemetry:StatisticsInterval=00:00:01", "--Database:PoolMinimum=0", .. settings]);
        var process = await ServiceProcess.StartAsync(all, ct, environment: new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["AUTH_BOOTSTRAP_ADMIN_EMAIL"] = AdministratorsMail,
            ["AUTH_BOOTSTRAP_ADMIN_PASSWORD"] = Account.StandardPassword,
            ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
        });
        var service = new WatchedService(database, redis, process, metrics);
        service.Administrator = await process.Http.LogInAsync(AdministratorsMail, Account.StandardPassword, ct).TokensAsync(ct);
        service.RefreshToken = service.Administrator.RefreshToken;
        return service;
    }

    /// <summary>A request of the administrator; the answer is the caller's to dispose.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, CancellationToken ct, object? body = null) => SendAsync(Administrator, method, path, ct, body);

    public Task<HttpResponseMessage> SendAsync(TokenResponse who, HttpMethod method, string path, CancellationToken ct, object? body = null)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", who.AccessToken);
        if (body is not null) request.Content = JsonContent.Create(body);
        return Process.Http.SendAsync(request, ct);
    }

    /// <summary>As Prometheus asks where nobody has told it of OpenMetrics.</summary>
    public async Task<string> ScrapeAsync(CancellationToken ct, bool asOpenMetrics = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, MetricsUrl);
        if (asOpenMetrics) request.Headers.Accept.ParseAdd("application/openmetrics-text;version=1.0.0");
        using var answer = await Process.Http.SendAsync(request, ct);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadAsStringAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        await Redis.DisposeAsync();
        await Database.DisposeAsync();
    }
}

/// <summary>One for all tests of a class that only look.</summary>
public sealed class WatchedServiceOfAClass : IAsyncLifetime
{
    internal WatchedService Service { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var servers = new Servers();
        await servers.InitializeAsync();
        Service = await WatchedService.StartAsync(servers, servers.TestTimeout);
    }

    public async Task DisposeAsync() => await Service.DisposeAsync();
}
