using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SolidCache;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>A node that does nothing of its own accord: it polls and prunes when it is told to. What it is not told is a node that stands still.</summary>
internal sealed class ManualNode : IAsyncDisposable
{
    private ManualNode(CacheNode node) => Node = node;

    public CacheNode Node { get; }

    public TieredCache Cache => Node.Cache;

    /// <summary>Started, with a lease of a minute unless told otherwise.</summary>
    public static async Task<ManualNode> StartAsync(string connectionString, CancellationToken ct, Action<SolidCacheOptions>? configure = null)
    {
        var options = new SolidCacheOptions { ConnectionString = connectionString, Lanes = 2 };
        options.Freshness.Lease = TimeSpan.FromMinutes(1);
        configure?.Invoke(options);
        await InstallAsync(connectionString, ct);
        var node = new ManualNode(new CacheNode(options, services: null, TimeProvider.System, NullLoggerFactory.Instance));
        await node.PollAsync(ct);
        return node;
    }

    public Task PollAsync(CancellationToken ct) => Node.Poll.PollAsync(ct);

    public ValueTask DisposeAsync() => Node.DisposeAsync();

    private static async Task InstallAsync(string connectionString, CancellationToken ct)
    {
        await using var db = NpgsqlDataSource.Create(connectionString + ";Pooling=false");
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var look = new NpgsqlCommand("SELECT to_regclass('solid_cache.solid_cache_schema') IS NOT NULL", connection);
        if ((bool)(await look.ExecuteScalarAsync(ct))!) return;
        await using var make = new NpgsqlCommand(SolidCacheSchema.Script(), connection);
        await make.ExecuteNonQueryAsync(ct);
    }
}
