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

    /// <summary>With time-outs that a machine with much else to do does not reach, unless the text says otherwise.</summary>
    public static string Patient(string connectionString) =>
        connectionString.Contains("commandTimeout", StringComparison.Ordinal) ? connectionString
        : !connectionString.Contains("://", StringComparison.Ordinal) ? connectionString + ",commandTimeout=10000,connectTimeout=10000"
        : connectionString + (connectionString.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "commandTimeout=10000&connectTimeout=10000";

    /// <summary>One that may never be.</summary>
    public static RedisClient Create(string connectionString)
    {
        var client = new RedisClient(RedisSettings.Parse(Patient(connectionString)), TimeProvider.System, NullLogger.Instance);
        client.Start();
        return client;
    }
}
