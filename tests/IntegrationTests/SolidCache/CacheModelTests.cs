using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Caching.Hybrid;
using SolidCache;
using SolidCache.Freshness;

namespace IntegrationTests.SolidCache;

/// <summary>
/// Two nodes against a model, in random order: whatever is asked where, the answer is the present value. Each change of the data is followed by
/// one of the ways to say so.
/// </summary>
public class CacheModelTests(Servers servers) : IClassFixture<Servers>
{
    private const int Keys = 4;

    // In which group a key is decides what RemoveByPrefixAsync does with it.
    private static readonly string[] Names = ["plain 0", "plain 1", "user:2:a", "user:2:b"];
    private static readonly string[] TagNames = ["red", "blue"];

    public enum Step
    {
        Get,
        GetPassingMemory,
        Set,
        SetStamped,
        Remove,
        RemoveMany,
        RemoveTag,
        RemovePrefix,
        RemoveAll,
        Invalidate,
        Expire,
    }

    private CancellationToken Ct => servers.TestTimeout;

    // Take the bump out of any of the ways, or the stamps out of rule 1 (Mechanisms.Stamp), and a short history is found that fails.
    [Theory]
    [InlineData(CacheTiers.Memory)]
    [InlineData(CacheTiers.Postgres)]
    [InlineData(CacheTiers.Both)]
    [InlineData(CacheTiers.Faulty)]
    [InlineData(CacheTiers.OneLoader)]
    public async Task Every_answer_is_the_present_value(string tiers)
    {
        await using var world = await World.StartAsync(servers, tiers, Ct);
        await Task.Run(() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(30), Prop.ForAll(Histories(), steps => Run(world, steps))));
    }

    // The negative control: a model that can't fail is worth nothing.
    [Fact]
    public async Task Without_stamps_the_model_finds_a_stale_answer()
    {
        await using var world = await World.StartAsync(servers, CacheTiers.Both, Ct, Mechanisms.Stamp);
        await Assert.ThrowsAnyAsync<Exception>(() => Task.Run(() =>
            Check.One(Config.QuickThrowOnFailure.WithMaxTest(30), Prop.ForAll(Histories(), steps => Run(world, steps)))));
    }

    private static Arbitrary<List<Operation>> Histories()
    {
        var operation =
            from step in Gen.Frequency((6, Gen.Constant(Step.Get)), (6, Gen.Elements(Enum.GetValues<Step>())))
            from node in Gen.Choose(0, 1)
            from key in Gen.Choose(0, Keys - 1)
            select new Operation(step, node, key);
        return Arb.From(operation.ListOf(25).Select(list => list.ToList()), Shrink);

        static IEnumerable<List<Operation>> Shrink(List<Operation> list) => Enumerable.Range(0, list.Count).Select(i => list.Where((_, j) => j != i).ToList());
    }

    // FsCheck has no asynchronous properties; the test has given it a thread that may wait.
    private static void Run(World world, List<Operation> steps) => world.RunAsync(steps).GetAwaiter().GetResult();

    public sealed record Operation(Step Step, int Node, int Key);

    private sealed class World : IAsyncDisposable
    {
        private readonly ShiftedClock _clock = new();
        private readonly int[] _values = new int[Keys];
        private readonly TestDatabase _database;
        private readonly CancellationToken _ct;
        private readonly List<CacheTestNode> _nodes = [];
        private int _history;

        private World(TestDatabase database, CancellationToken ct) => (_database, _ct) = (database, ct);

        public static async Task<World> StartAsync(Servers servers, string tiers, CancellationToken ct, Mechanisms disabled = Mechanisms.None)
        {
            var world = new World(await servers.CreateEmptyDatabaseAsync(ct), ct);
            for (var i = 0; i < 2; i++) world._nodes.Add(await CacheTestNode.StartAsync(world._database, ct, Configure, world._clock));
            return world;

            void Configure(SolidCacheOptions o)
            {
                o.Freshness.Disabled = Mechanisms.Pruning | disabled;   // the clock is moved
                o.AddGroup("users", "user:", g => g.HasPrefixTags = true);
                foreach (var group in o.Groups.Append(o.DefaultGroup))
                {
                    group.InMemory = tiers != CacheTiers.Postgres;
                    group.InPostgres = tiers != CacheTiers.Memory;
                    group.OneLoaderPerCluster = tiers == CacheTiers.OneLoader;
                }

                if (tiers == CacheTiers.Faulty) (o.Chaos.Memory.FailureProbability, o.Chaos.Postgres.FailureProbability) = (0.3, 0.3);
            }
        }

        public async Task RunAsync(List<Operation> steps)
        {
            _history++;
            foreach (var operation in steps) await StepAsync(operation);
            // At the end each node is asked for each key.
            for (var node = 0; node < _nodes.Count; node++)
                for (var key = 0; key < Keys; key++) await StepAsync(new Operation(Step.Get, node, key));
        }

        private async Task StepAsync(Operation operation)
        {
            var cache = _nodes[operation.Node].Cache;
            var key = operation.Key;
            switch (operation.Step)
            {
                case Step.Get:
                    await AskAsync(cache, key, HybridCacheEntryFlags.None);
                    break;
                case Step.GetPassingMemory:
                    await AskAsync(cache, key, HybridCacheEntryFlags.DisableLocalCacheRead);
                    break;
                case Step.Set:
                    await cache.SetAsync(Name(key), ++_values[key], null, [Tag(key)], _ct);
                    break;
                case Step.SetStamped:
                    // As slow a reader as can be: what it stores is old, and must not be served.
                    var stamp = await cache.CaptureAsync(Name(key), [Tag(key)], _ct);
                    var read = _values[key]++;
                    await _nodes[1 - operation.Node].Cache.RemoveByTagAsync(Tag(key), _ct);
                    Change(k => k != key && Tag(k) == Tag(key));
                    await cache.SetAsync(Name(key), read, stamp, null, [Tag(key)], _ct);
                    break;
                case Step.Remove:
                    _values[key]++;
                    await cache.RemoveAsync(Name(key), _ct);
                    break;
                case Step.RemoveMany:
                    Change(k => k >= key);
                    await cache.RemoveAsync(Enumerable.Range(key, Keys - key).Select(Name), _ct);
                    break;
                case Step.RemoveTag:
                    Change(k => Tag(k) == Tag(key));
                    await cache.RemoveByTagAsync(Tag(key), _ct);
                    break;
                case Step.RemovePrefix:
                    // The declared one; a sweep does not reach what the other node has in memory alone.
                    Change(k => Names[k].StartsWith("user:", StringComparison.Ordinal));
                    await cache.RemoveByPrefixAsync("user:2:", _ct);
                    break;
                case Step.RemoveAll:
                    Change(_ => true);
                    await cache.RemoveByTagAsync("*", _ct);
                    break;
                case Step.Invalidate:
                    await InvalidateAsync(cache, key);
                    break;
                case Step.Expire:
                    await ExpireAsync();
                    break;
                default:
                    throw new InvalidOperationException();
            }
        }

        private async Task AskAsync(TieredCache cache, int key, HybridCacheEntryFlags flags)
        {
            var answer = await cache.GetOrCreateAsync(
                Name(key), _ => ValueTask.FromResult(_values[key]), new HybridCacheEntryOptions { Flags = flags }, [Tag(key)], _ct);
            if (answer != _values[key]) throw new InvalidOperationException($"{Name(key)} is {_values[key]}, but the answer was {answer}.");
        }

        private async Task InvalidateAsync(TieredCache cache, int key)
        {
            await using var connection = await _database.DataSource.OpenConnectionAsync(_ct);
            await using var transaction = await connection.BeginTransactionAsync(_ct);
            var revision = await cache.InvalidateAsync(transaction, [Name(key)], _ct);
            if (_values[key] % 2 == 0)
            {
                await transaction.RollbackAsync(_ct);
                return;
            }

            await transaction.CommitAsync(_ct);
            _values[key]++;
            await cache.BarrierAsync(revision, _ct);
        }

        /// <summary>The data changes in silence, but by then everything has ended.</summary>
        private async Task ExpireAsync()
        {
            Change(_ => true);
            _clock.Advance(TimeSpan.FromMinutes(6));
            await using var shift = _database.DataSource.CreateCommand("UPDATE solid_cache.solid_cache_entries SET expires_at = expires_at - interval '6 minutes'");
            await shift.ExecuteNonQueryAsync(_ct);
            foreach (var node in _nodes) await Eventually.TrueAsync(() => node.Node.State.IsLeaseHeld, TimeSpan.FromSeconds(20));
        }

        private void Change(Func<int, bool> which)
        {
            for (var key = 0; key < Keys; key++) if (which(key)) _values[key]++;
        }

        // Each history has keys of its own, so that they don't depend on each other (and can be made shorter).
        private string Name(int key) => Names[key].StartsWith("user:", StringComparison.Ordinal) ? $"{Names[key]}{_history}" : $"{Names[key]} {_history}";

        private static string Tag(int key) => TagNames[key % 2];

        public async ValueTask DisposeAsync()
        {
            foreach (var node in _nodes) await node.DisposeAsync();
            await _database.DisposeAsync();
        }
    }
}
