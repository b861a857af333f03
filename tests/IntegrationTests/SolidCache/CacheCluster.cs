using SolidCache;

namespace IntegrationTests.SolidCache;

/// <summary>Nodes that share a database, and one value they cache.</summary>
internal sealed class CacheCluster : IAsyncDisposable
{
    public const string Key = "value:1";

    private readonly TestDatabase _database;
    private readonly CancellationToken _ct;
    private readonly Action<SolidCacheOptions>? _configure;
    private readonly List<CacheTestNode> _nodes = [];

    private CacheCluster(TestDatabase database, Action<SolidCacheOptions>? configure, CancellationToken ct) => (_database, _configure, _ct) = (database, configure, ct);

    /// <summary>What a loader reads.</summary>
    public string Source { get; set; } = "old";

    public TestDatabase Database => _database;

    public IReadOnlyList<CacheTestNode> Nodes => _nodes;

    public CacheTestNode this[int node] => _nodes[node];

    public static async Task<CacheCluster> StartAsync(Servers servers, int nodes, CancellationToken ct, Action<SolidCacheOptions>? configure = null)
    {
        var cluster = new CacheCluster(await servers.CreateEmptyDatabaseAsync(ct), configure, ct);
        for (var i = 0; i < nodes; i++) await cluster.AddAsync();
        return cluster;
    }

    /// <returns>Its number.</returns>
    public async Task<int> AddAsync()
    {
        _nodes.Add(await CacheTestNode.StartAsync(_database, _ct, _configure));
        return _nodes.Count - 1;
    }

    public Task<string> ReadAsync(int node, string[]? tags = null) => _nodes[node].GetAsync(Key, () => Source, _ct, tags).AsTask();

    /// <summary>A load that stops when it has read its data, until it is told to go on.</summary>
    public HeldLoad BeginLoad(int node, string[]? tags = null, CancellationToken ct = default)
    {
        var hasRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var value = _nodes[node].Cache.GetOrCreateAsync(Key, async token =>
        {
            var read = Source;
            hasRead.TrySetResult();
            await goOn.Task.WaitAsync(token);
            return read;
        }, null, tags, ct == CancellationToken.None ? _ct : ct).AsTask();
        return new HeldLoad(hasRead.Task, async () =>
        {
            goOn.TrySetResult();
            return await value;
        });
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        await _database.DisposeAsync();
    }
}

internal sealed record HeldLoad(Task HasRead, Func<Task<string>> FinishAsync);
