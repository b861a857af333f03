namespace AuthService.Features.DatabaseAdministration;

/// <summary>Says at start, and not in the night when all nodes are busy, that the server allows fewer connections than the nodes may open together.</summary>
internal sealed partial class WarnOfConnections(GetDatabaseStatus status, ILogger<WarnOfConnections> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var now = await status.ExecuteAsync(cancellationToken);
        if (now.Server is { } server && now.ConnectionsNeeded > server.Max - server.Reserved) LogTooFew(now.ConnectionsNeeded, now.Nodes, now.Primary.Max, server.Max - server.Reserved);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Warning, Message = "The nodes may open {Needed} connections together ({Nodes} nodes with a pool of {Pool}, the cache's, and 20 for others), and PostgreSQL allows {Allowed}. Raise max_connections or lower Database:PoolMaximum.")]
    private partial void LogTooFew(int needed, int nodes, int pool, int allowed);
}
