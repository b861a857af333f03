using Microsoft.Extensions.Logging.Abstractions;
using SolidCache.Redis.Resp;

namespace IntegrationTests.SolidCache.Redis.Resp;

internal static class Clients
{
    /// <summary>A client of a server, connected.</summary>
    public static async Task<RedisClient> ConnectAsync(string connectionString, CancellationToken ct)
    {
        var client = Create(connectionString);
        Assert.True(await client.WaitUntilConnectedAsync(TimeSpan.FromSeconds(20), ct), client.Statistics.LastFailure);
        return client;
    }

    /// <summary>One that may never be.</summary>
    public static RedisClient Create(string connectionString)
    {
        var client = new RedisClient(RedisSettings.Parse(connectionString), TimeProvider.System, NullLogger.Instance);
        client.Start();
        return client;
    }
}
