using BenchmarkDotNet.Attributes;
using Npgsql;
using SolidCache;
using SolidCache.Lanes;
using SolidCache.Postgres;

namespace Microbenchmarks.SolidCache;

/// <summary>What a lane does for a batch before it sends it: gathered, its keys made unique, bound to parameters.</summary>
[BenchmarkCategory("SolidCache", AllocationGate.Category)]
public class LaneBenchmarks
{
    private readonly TaggedReadStatement _statement = new("solidcache");
    private NpgsqlParameter[] _parameters = [];
    private TaggedKey[] _requests = [];

    /// <summary>Callers in the batch.</summary>
    [Params(1, 64)]
    public int Callers { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _parameters = _statement.CreateParameters();
        _requests = [.. Enumerable.Range(0, Callers).Select(i => new TaggedKey(CacheKey.Hybrid($"microbenchmarks:{i}"), [i, 7]))];
    }

    [Benchmark]
    public object Bind()
    {
        var batch = new Batch<TaggedKey, TaggedRead>([.. _requests]);
        _statement.Bind(batch, _parameters);
        return batch;
    }
}
