using AuthService.Tokens;
using SolidCache;
using SolidCache.Postgres;
using SolidCache.Redis.Resp;

namespace AuthService.Caching;

/// <summary>A cache as a node has it, on the installation, for as long as a verb of the command line takes.</summary>
internal sealed class RunningCache : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly IHostedService[] _running;

    private RunningCache(ServiceProvider services, IHostedService[] running) => (_services, _running) = (services, running);

    public TieredCache Tiered => _services.GetRequiredService<TieredCache>();

    public PostgresCache Distributed => _services.GetRequiredService<PostgresCache>();

    /// <summary>Null: none is configured.</summary>
    public RedisClient? Redis => _services.GetService<RedisClient>();

    /// <param name="redis">Where Redis is and the key its entries are made with; null: without it.</param>
    public static async Task<RunningCache> StartAsync(string connectionString, CancellationToken ct, (IConfiguration Configuration, MasterKey Key)? redis = null)
    {
        // What fails must be seen here, not be a miss; and what is missing must not be made by the look at it.
        var services = new ServiceCollection()
            .AddSolidCache(o =>
            {
                (o.ConnectionString, o.OnFailure, o.InstallSchema, o.CleanupInterval) = (connectionString, FailureMode.Throw, false, TimeSpan.Zero);
                if (redis is { } given) CachingRegistration.UseRedis(o, given.Configuration, given.Key);
            })
            .BuildServiceProvider();
        var running = services.GetServices<IHostedService>().ToArray();
        foreach (var service in running) await service.StartAsync(ct);
        return new RunningCache(services, running);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in _running) await service.StopAsync(CancellationToken.None);
        await _services.DisposeAsync();
    }
}
