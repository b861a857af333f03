namespace SolidCache.Redis.Resp;

/// <summary>Which connection a command goes out on.</summary>
internal interface IRedisRouter : IAsyncDisposable
{
    /// <summary>Whether every key can be reached.</summary>
    bool IsConnected { get; }

    /// <summary>The connections there are now.</summary>
    IEnumerable<RespConnection> Connections { get; }

    /// <summary>The servers, for people.</summary>
    string Servers { get; }

    void Start();

    /// <summary>Ends when <see cref="IsConnected"/> may have become true.</summary>
    Task ConnectedAsync();

    /// <summary>The connection for what has no key.</summary>
    RespConnection? Any { get; }

    /// <param name="key">Null: any will do.</param>
    ValueTask<RespValue> SendAsync<TCommand>(TCommand command, string? key, CancellationToken ct) where TCommand : struct, IRespCommand;
}

/// <summary>One server at a time: the one named, or the one that Sentinels say is the master.</summary>
internal sealed class MasterRouter(RedisLink link) : IRedisRouter
{
    public bool IsConnected => link.Current is not null;
    public IEnumerable<RespConnection> Connections => link.Current is { } current ? [current] : [];
    public string Servers => link.Server;
    public RespConnection? Any => link.Current;

    public void Start() => link.Start();

    public Task ConnectedAsync() => link.ConnectedAsync();

    public ValueTask<RespValue> SendAsync<TCommand>(TCommand command, string? key, CancellationToken ct) where TCommand : struct, IRespCommand
    {
        if (link.Current is not { } connection) return ValueTask.FromException<RespValue>(new RedisUnavailableException("not connected"));
        return connection.SendAsync(command, ct);
    }

    /// <summary>What a reply says about the server rather than the command.</summary>
    public void Heed(RedisException refusal)
    {
        // Demoted: its connections stay open, but it will not write again.
        if (refusal.Code is "READONLY") link.LookAgain("the server is a replica now");
    }

    public ValueTask DisposeAsync() => link.DisposeAsync();
}
