using System.Security.Cryptography;
using SolidCache;
using SolidCache.Postgres;
using Xunit.Abstractions;

namespace IntegrationTests.SolidCache.Postgres;

/// <summary>As many writes as a busy hour has: the table must not grow by them.</summary>
[Trait(TestRun.LongTrait, "yes")]
public class ChurnTests(Servers servers, ITestOutputHelper output) : IClassFixture<Servers>
{
    private const int Keys = 5_000;
    private const int Callers = 32;
    private const int Rounds = 120;
    private const int WritesPerRound = Keys / 2;
    private const string SnapshotsOfOthers = "SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() AND datname = current_database()";
    private const string TableSize = "SELECT pg_table_size('solid_cache.solid_cache_entries')::float8";
    private const string IndexSize = "SELECT pg_indexes_size('solid_cache.solid_cache_entries')::float8";

    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromMinutes(4)).Token;

    // With an index on expires_at no overwrite is heap-only and the index grows by half; without the vacuums a page a snapshot kept from pruning is never used again.
    [Fact]
    public async Task An_hour_of_overwrites_slides_and_removals_leaves_the_table_as_large_as_it_was()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.Lanes = 2);
        var value = RandomNumberGenerator.GetBytes(400);
        var keys = Enumerable.Range(0, Keys).Select(i => CacheKey.Distributed($"session:{i:D8}")).ToArray();
        await Task.WhenAll(keys.Select(WriteAsync));
        var (tableBefore, indexBefore) = (await ReadAsync(TableSize), await ReadAsync(IndexSize));
        var live = await ReadAsync("SELECT sum(pg_column_size(e.*) + 28)::float8 FROM solid_cache.solid_cache_entries e");

        // Vacuum comes when half the keys have been written. Between two rounds, when nobody holds a snapshot: what a backend that the machine left waiting
        // keeps from being pruned is then at most one round, however slow the machine is.
        var afterAThird = 0.0;
        for (var round = 0; round < Rounds; round++)
        {
            var first = round * WritesPerRound;
            await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(() => ChurnAsync(first + caller, first + WritesPerRound), _ct)));
            while (await stage.ReadAsync<long>(SnapshotsOfOthers, _ct) > 0) await Task.Yield();
            await stage.RunAsync("VACUUM solid_cache.solid_cache_entries", _ct);
            if (round == Rounds / 3) afterAThird = await ReadAsync(TableSize);
        }

        await stage.RunAsync("SELECT pg_stat_force_next_flush()", _ct);
        var (table, index) = (await ReadAsync(TableSize), await ReadAsync(IndexSize));
        var heapOnly = await ReadAsync("SELECT n_tup_hot_upd::float8 / n_tup_upd FROM pg_stat_user_tables WHERE relname = 'solid_cache_entries'");
        output.WriteLine(FormattableString.Invariant(
            $"{Rounds * WritesPerRound} writes on {Keys} keys: table {table / live:F2} times its live data (before {tableBefore / live:F2}, after a third of the time {afterAThird / live:F2}), index {index / indexBefore:F2} times what it was, heap-only {heapOnly:P1}"));

        // Removals and writers that meet on a page cost some pages at first; from then on those are used again. What is left of a page free is counted in.
        Assert.InRange(table / afterAThird, 0, 1.1);
        Assert.InRange(table / live, 1, 2);
        Assert.InRange(index / indexBefore, 1, 2);
        Assert.InRange(heapOnly, 0.95, 1);

        async Task ChurnAsync(int from, int end)
        {
            for (var i = from; i < end; i += Callers)
            {
                var key = keys[unchecked((uint)(i * 7919)) % Keys];
                if (i % 64 == 0) await stage.Store.RemoveAsync(key, _ct);
                else if (i % 16 == 0) await stage.Store.SlideAsync(key, _ct);
                await WriteAsync(key);
            }
        }

        Task WriteAsync(CacheKey key) => stage.Store.WriteAsync(new EntryWrite(key, value, TimeSpan.FromHours(1)), _ct);

        Task<double> ReadAsync(string sql) => stage.ReadAsync<double>(sql, _ct);
    }
}
