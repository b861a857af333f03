using AuthService.Client;
using AuthService.Database;
using Microsoft.Extensions.Options;
using Npgsql;
using SolidCache;

namespace AuthService.Features.DatabaseAdministration;

/// <summary>This node's pools, and whether the server has room for all nodes. One statement.</summary>
internal sealed class GetDatabaseStatus(NpgsqlDataSource db, ReplicaReads reads, PoolGauges gauges, TieredCache cache, IOptions<SolidCacheOptions> cacheOptions)
{
    // Of the cache, besides its lanes; and what operators and migrations are left.
    private const int CacheConnections = 6;
    private const int LeftFree = 20;

    private static readonly TimeSpan LongestQuestion = TimeSpan.FromSeconds(2);
    private static readonly SqlFile ReadServer = SqlFile.Beside<GetDatabaseStatus>("read_server");

    public async Task<DatabaseStatus> ExecuteAsync(CancellationToken ct)
    {
        // Before the question, which takes one.
        var pool = PoolOf(DataSources.Primary, db);
        return new DatabaseStatus
        {
            Primary = pool,
            Replica = reads.Replica is { } replica ? PoolOf(DataSources.Replica, replica) : null,
            ReplicaStatus = reads.Status,
            Nodes = cache.NodeCount,
            ConnectionsNeeded = cache.NodeCount * (pool.Max + cacheOptions.Value.Lanes + CacheConnections) + LeftFree,
            Server = await AskServerAsync(ct),
        };
    }

    /// <summary>Whoever looks at the pools because none is free wants an answer all the same.</summary>
    private async Task<ServerConnections?> AskServerAsync(CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(LongestQuestion);
        try
        {
            await using var command = ReadServer.On(db);
            await using var row = await command.ExecuteReaderAsync(limit.Token);
            await row.ReadAsync(limit.Token);
            return new ServerConnections { Max = row.GetInt32(0), Reserved = row.GetInt32(1), Open = row.GetInt64(2) };
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return null;
        }
    }

    private PoolStatus PoolOf(string name, NpgsqlDataSource source)
    {
        var (gauge, settings) = (gauges.Of(name), new NpgsqlConnectionStringBuilder(source.ConnectionString));
        return new PoolStatus { Size = gauge.Size, Free = gauge.Free, Waiting = gauge.Waiting, Min = settings.MinPoolSize, Max = settings.MaxPoolSize };
    }
}
