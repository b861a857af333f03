namespace SolidCache.Redis.Resp;

/// <summary>What a client has done and how it is.</summary>
/// <param name="IsConnected">Whether commands can be sent; of a cluster, to all its masters.</param>
/// <param name="Server">The server in use; of a cluster its masters.</param>
/// <param name="Commands">Sent since the start.</param>
/// <param name="TimeOuts">Commands that had no reply in time.</param>
/// <param name="Reconnects">Connections made after one was lost.</param>
/// <param name="Depth">Commands that wait for a reply now.</param>
/// <param name="LastFailure">Why a connection was last lost or refused; null: none was.</param>
public sealed record RedisStatistics(bool IsConnected, string Server, long Commands, long TimeOuts, long Reconnects, int Depth, string? LastFailure);

/// <summary>Counted by all connections of a client, each under its own lock: read for meters, where one more or less is nothing.</summary>
internal sealed class RedisCounters
{
    public long Commands;
    public long TimeOuts;
    public long Reconnects;
    public volatile string? LastFailure;
}
