using System.Globalization;

namespace IntegrationTests.SolidCache.Redis;

/// <summary>Three masters that share the slots among them.</summary>
internal sealed class RedisCluster : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Dictionary<int, int> _moved = [];

    public List<RedisServer> Nodes { get; } = [];

    public string ConnectionString => $"cluster://{string.Join(',', Nodes.Select(n => n.Address))}";

    public static async Task<RedisCluster> StartAsync(CancellationToken ct)
    {
        var cluster = new RedisCluster();
        for (var i = 0; i < 3; i++) cluster.Nodes.Add(await RedisServer.StartAsync(ct, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "yes"));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("OK", await cluster.Nodes[i].CliAsync(ct, "CLUSTER", "ADDSLOTSRANGE", Number(FirstSlot(i)), Number(FirstSlot(i + 1) - 1)));
            Assert.Equal("OK", await cluster.Nodes[i].CliAsync(ct, "CLUSTER", "SET-CONFIG-EPOCH", Number(i + 1)));
        }

        for (var i = 1; i < 3; i++) await cluster.Nodes[i].CliAsync(ct, "CLUSTER", "MEET", "127.0.0.1", Number(cluster.Nodes[0].Port));
        foreach (var node in cluster.Nodes)
        {
            await Eventually.TrueAsync(async () =>
            {
                var info = await node.CliAsync(ct, "CLUSTER", "INFO");
                return info.Contains("cluster_state:ok", StringComparison.Ordinal) && info.Contains("cluster_known_nodes:3", StringComparison.Ordinal);
            }, Limit);
        }

        return cluster;
    }

    /// <summary>Moves a slot with its keys to the next node.</summary>
    /// <param name="halfWay">Runs when the slot is between the two, and half of its keys.</param>
    public async Task MoveSlotAsync(int slot, Func<Task> halfWay, CancellationToken ct)
    {
        var from = _moved.TryGetValue(slot, out var at) ? at : Enumerable.Range(0, 3).First(i => slot < FirstSlot(i + 1));
        var to = (from + 1) % 3;
        var (source, target) = (Nodes[from], Nodes[to]);
        var (sourceId, targetId) = (await source.CliAsync(ct, "CLUSTER", "MYID"), await target.CliAsync(ct, "CLUSTER", "MYID"));
        Assert.Equal("OK", await target.CliAsync(ct, "CLUSTER", "SETSLOT", Number(slot), "IMPORTING", sourceId));
        Assert.Equal("OK", await source.CliAsync(ct, "CLUSTER", "SETSLOT", Number(slot), "MIGRATING", targetId));
        for (var round = 0; ; round++)
        {
            var keys = (await source.CliAsync(ct, "CLUSTER", "GETKEYSINSLOT", Number(slot), "100")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (keys.Length == 0) break;
            string[] some = round == 0 ? keys[..((keys.Length + 1) / 2)] : keys;
            await source.CliAsync(ct, ["MIGRATE", "127.0.0.1", Number(target.Port), "", "0", "5000", "KEYS", .. some]);
            if (round == 0) await halfWay();
        }

        foreach (var node in new[] { target, source, Nodes[3 - from - to] }) Assert.Equal("OK", await node.CliAsync(ct, "CLUSTER", "SETSLOT", Number(slot), "NODE", targetId));
        _moved[slot] = to;
    }

    /// <summary>Those lines of INFO, of all nodes.</summary>
    public async Task<string> StatsAsync(string prefix, CancellationToken ct)
    {
        var lines = new List<string>();
        foreach (var node in Nodes) lines.AddRange((await node.CliAsync(ct, "INFO", "everything")).Split('\n').Where(l => l.StartsWith(prefix, StringComparison.Ordinal)));
        return string.Join('\n', lines);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes) await node.DisposeAsync();
    }

    private static int FirstSlot(int node) => node * 16384 / 3;

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
