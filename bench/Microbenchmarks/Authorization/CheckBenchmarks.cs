using System.Globalization;
using AuthService.Features.Authorization;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Caching.Hybrid;
using Npgsql;
using SolidCache;

namespace Microbenchmarks.Authorization;

/// <summary>
/// "May this account do that?" at each layer it can be answered from, one caller. Expect BitTest ≤ Memory ≤ Redis ≤ SharedTier ≤ Sql in time: a layer slower
/// than the one it is to spare is a defect of the layer.
/// </summary>
[BenchmarkCategory("Authorization")]
public class CheckBenchmarks
{
    private const string Permission = "res1:read";
    private const int Asked = 1_024;   // accounts, in turn

    private readonly HybridCacheEntryOptions _notFromMemory = new() { Flags = HybridCacheEntryFlags.DisableLocalCache };
    private readonly NpgsqlParameter<long[]> _id = new() { TypedValue = [0] };

    private BenchNode _node = null!;
    private Rights _rights = null!;
    private TieredCache _cache = null!;
    private UserRights _held = null!;
    private NpgsqlConnection _connection = null!;
    private NpgsqlCommand _load = null!;
    private long[] _ids = [];
    private string[] _keys = [];
    private int _next;

    // Waited for here: this toolchain does not.
    [GlobalSetup]
    public void Setup() => SetupAsync().GetAwaiter().GetResult();

    [GlobalCleanup]
    public void CleanUp() => CleanUpAsync().GetAwaiter().GetResult();

    private async Task SetupAsync()
    {
        _node = await BenchNode.StartAsync();
        (_rights, _cache) = (_node.Get<Rights>(), _node.Get<TieredCache>());
        await using (var first = _node.Db.CreateCommand("SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM users WHERE username LIKE 'u%' ORDER BY id LIMIT " + Asked.ToString(CultureInfo.InvariantCulture) + ") u"))
            _ids = (long[])(await first.ExecuteScalarAsync())!;
        _keys = Array.ConvertAll(_ids, id => $"microbenchmarks:{id}");
        for (var i = 0; i < _ids.Length; i++)
        {
            _held = await _rights.OfAsync(_ids[i], CancellationToken.None);
            await _cache.SetAsync(_keys[i], Permission);
            if (_node.Redis is { } redis) await redis.SetAsync(_keys[i], "res1:read"u8.ToArray(), TimeSpan.FromHours(1), CancellationToken.None);
        }

        _connection = await _node.Db.OpenConnectionAsync();
        _load = new NpgsqlCommand(AuthService.Database.SqlFile.Beside<Rights>("load_role_ids").Text, _connection) { Parameters = { _id } };
        await _load.PrepareAsync();
    }

    private async Task CleanUpAsync()
    {
        await _load.DisposeAsync();
        await _connection.DisposeAsync();
        await _node.DisposeAsync();
    }

    /// <summary>The rights are at hand: a name becomes a number, the number a bit.</summary>
    [Benchmark(Baseline = true)]
    public bool BitTest() => _held.Allow(Permission);

    /// <summary>A whole check in process, freshness included.</summary>
    [Benchmark]
    public bool Memory() => _rights.OfMemory(_ids[Next()])!.Allow(Permission);

    /// <summary>A GET by this service's own connection; 0 bytes where there is no Redis.</summary>
    [Benchmark]
    public async Task<int> Redis() => _node.Redis is { } redis ? (await redis.GetAsync(_keys[Next()], CancellationToken.None))!.Length : 0;

    /// <summary>A value of the same length out of the cache's table.</summary>
    [Benchmark]
    public ValueTask<string> SharedTier() => _cache.GetOrCreateAsync<int, string>(_keys[Next()], 0, static (_, _) => throw new InvalidOperationException("It is there."), _notFromMemory);

    /// <summary>The roles of one account by the driver alone, prepared, on a connection that is held.</summary>
    [Benchmark]
    public async Task<int> Sql()
    {
        _id.TypedValue![0] = _ids[Next()];
        await using var row = await _load.ExecuteReaderAsync();
        await row.ReadAsync();
        return (await row.GetFieldValueAsync<long[]>(1)).Length;
    }

    private int Next() => _next = (_next + 1) & (Asked - 1);
}
