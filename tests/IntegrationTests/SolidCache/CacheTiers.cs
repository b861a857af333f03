using Microsoft.Extensions.Logging.Abstractions;
using SolidCache;

namespace IntegrationTests.SolidCache;

/// <summary>The ways in which a cache can be put together, each with what a caller may expect of it.</summary>
internal sealed class CacheTiers : IAsyncDisposable
{
    public const string Memory = "memory";
    public const string Postgres = "PostgreSQL";
    public const string Both = "both";
    public const string OneLoader = "both, one loader in the cluster";
    public const string Faulty = "both, failing now and then";
    public const string NoServer = "no server";

    private CacheTiers(CacheNode node, TestDatabase database) => (Node, Database) = (node, database);

    public static TheoryData<string> All => [Memory, Postgres, Both, OneLoader, Faulty, NoServer];

    /// <summary>Those in which a value that was kept is found again, for certain.</summary>
    public static TheoryData<string> Keeping => [Memory, Postgres, Both, OneLoader];

    /// <summary>Those with a server, which can make something invalid.</summary>
    public static TheoryData<string> Serving => [Memory, Postgres, Both, OneLoader, Faulty];

    public CacheNode Node { get; }

    public TieredCache Cache => Node.Cache;

    public TestDatabase Database { get; }

    public static async Task<CacheTiers> StartAsync(Servers servers, string tiers, CancellationToken ct, Action<SolidCacheOptions>? configure = null, IServiceProvider? services = null)
    {
        var database = await servers.CreateEmptyDatabaseAsync(ct);
        var options = new SolidCacheOptions { ConnectionString = tiers == NoServer ? "Host=127.0.0.1;Port=1;Username=nobody" : database.ConnectionString, Lanes = 2 };
        var group = options.DefaultGroup;
        group.InMemory = tiers != Postgres;
        group.InPostgres = tiers != Memory;
        group.OneLoaderPerCluster = tiers == OneLoader;
        if (tiers == Faulty)
        {
            (options.Chaos.Memory.FailureProbability, options.Chaos.Postgres.FailureProbability) = (0.3, 0.3);
            options.Chaos.Postgres.Delay = TimeSpan.FromMilliseconds(1);
        }

        configure?.Invoke(options);
        var rules = new SolidCacheOptionsRules().Validate(null, options);
        Assert.False(rules.Failed, rules.FailureMessage);
        var node = new CacheNode(options, services, TimeProvider.System, NullLoggerFactory.Instance);
        if (tiers != NoServer) await node.StartAsync(ct);   // without one it would only wait
        return new CacheTiers(node, database);
    }

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        await Database.DisposeAsync();
    }
}
