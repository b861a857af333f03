using System.Globalization;

namespace IntegrationTests.SolidCache.Redis;

/// <summary>A master, a replica, and three Sentinels that watch them.</summary>
internal sealed class RedisSentinels : IAsyncDisposable
{
    private const string Name = "mymaster";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly List<RedisServer> _servers = [];
    private readonly List<RedisServer> _sentinels = [];

    public string ConnectionString => $"sentinel://{string.Join(',', _sentinels.Select(s => s.Address))}/{Name}";

    public static async Task<RedisSentinels> StartAsync(CancellationToken ct)
    {
        var all = new RedisSentinels();
        all._servers.Add(await RedisServer.StartAsync(ct));
        all._servers.Add(await RedisServer.StartAsync(ct, "--replicaof", "127.0.0.1", Number(all._servers[0].Port), "--repl-diskless-sync-delay", "0"));
        for (var i = 0; i < 3; i++)
        {
            all._sentinels.Add(await RedisServer.StartSentinelAsync(
                $"sentinel monitor {Name} 127.0.0.1 {all._servers[0].Port} 2\nsentinel down-after-milliseconds {Name} 500\nsentinel failover-timeout {Name} 2000\nsentinel resolve-hostnames no\n", ct));
        }

        foreach (var sentinel in all._sentinels)
        {
            await Eventually.TrueAsync(async () => (await sentinel.CliAsync(ct, "SENTINEL", "CKQUORUM", Name)).StartsWith("OK 3", StringComparison.Ordinal)
                && (await sentinel.CliAsync(ct, "SENTINEL", "REPLICAS", Name)).Contains("master-link-status\nok", StringComparison.Ordinal), Limit);
        }

        return all;
    }

    /// <summary>Planned: the Sentinels move the master.</summary>
    public Task FailOverAsync(CancellationToken ct) =>
        Eventually.TrueAsync(async () => await _sentinels[0].CliAsync(ct, "SENTINEL", "FAILOVER", Name) == "OK", Limit);

    /// <summary>Kills whoever is master, when the other follows it.</summary>
    public async Task KillMasterAsync(CancellationToken ct)
    {
        RedisServer? master = null;
        await Eventually.TrueAsync(async () =>
        {
            var port = (await _sentinels[0].CliAsync(ct, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", Name)).Split('\n')[^1];
            master = _servers.Find(s => Number(s.Port) == port);
            return master is not null && (await _sentinels[0].CliAsync(ct, "SENTINEL", "REPLICAS", Name)).Contains("master-link-status\nok", StringComparison.Ordinal)
                && (await master.CliAsync(ct, "INFO", "replication")).Contains("state=online", StringComparison.Ordinal);
        }, Limit);
        await master!.KillAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _sentinels.Concat(_servers)) await server.DisposeAsync();
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
