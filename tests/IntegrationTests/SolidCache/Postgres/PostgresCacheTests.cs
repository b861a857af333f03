using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using IntegrationTests.SolidCache.Lanes;
using Microsoft.Extensions.Caching.Distributed;
using Npgsql;
using SolidCache;
using SolidCache.Postgres;

namespace IntegrationTests.SolidCache.Postgres;

public class PostgresCacheTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly DistributedCacheEntryOptions AnHour = new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromHours(1) };

    private readonly CancellationToken _ct = servers.TestTimeout;

    // Drop read_large, or bind it to another moment of creation, and everything above 64 KiB is a miss.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(400)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(1 << 20)]
    [InlineData(8 << 20)]
    public async Task A_value_comes_back_as_it_was(int size)
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        var cache = stage.Cache;
        var value = Bytes(size);
        await cache.SetAsync("a", value, AnHour, _ct);
        cache.Set("b", value, AnHour);
        await cache.SetAsync("c", InPieces(value), AnHour, _ct);
        cache.Set("d", InPieces(value), AnHour);

        foreach (var key in new[] { "a", "b", "c", "d" }) Assert.Equal(value, await cache.GetAsync(key, _ct));
        Assert.Equal(value, cache.Get("a"));
        var buffer = new ArrayBufferWriter<byte>();
        Assert.True(await cache.TryGetAsync("a", buffer, _ct));
        Assert.True(cache.TryGet("b", buffer));
        Assert.True(buffer.WrittenSpan[..size].SequenceEqual(value) && buffer.WrittenSpan[size..].SequenceEqual(value));

        await cache.SetAsync("a", [7], AnHour, _ct);
        Assert.Equal([7], (await cache.GetAsync("a", _ct))!);
        await cache.RemoveAsync("a", _ct);
        cache.Remove("b");
        Assert.Null(await cache.GetAsync("a", _ct));
        Assert.False(await cache.TryGetAsync("b", buffer, _ct));
        Assert.Equal(2 * size, buffer.WrittenCount);
    }

    // Leave the escape character itself unescaped, or map U+0000 to it, and two keys meet; leave U+0000 as it is and PostgreSQL refuses.
    [Fact]
    public async Task Every_Unicode_text_of_1_to_1024_bytes_is_a_key_of_its_own()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        var keys = Texts().Generator.Sample(400, 30).Append("\0").Append("\u0001").Append("\u00010").Append("\u00011").Append("\u0001d").Append("d").Append("a\0")
            .Append(new string('x', 1024)).Append(new string('\0', 1024)).Append(string.Concat(Enumerable.Repeat("\U0001F511", 256))).Append("' OR 1=1 --")
            .Where(k => Encoding.UTF8.GetByteCount(k) is >= 1 and <= 1024).Distinct(StringComparer.Ordinal).ToArray();
        Assert.True(keys.Length > 200, $"only {keys.Length} keys");
        await Task.WhenAll(keys.Select((key, i) => stage.Cache.SetAsync(key, BitConverter.GetBytes(i), AnHour, _ct)));
        var values = await stage.Cache.GetManyAsync(keys, _ct);
        for (var i = 0; i < keys.Length; i++) Assert.Equal(i, BitConverter.ToInt32(values[i]));
        Assert.Equal(keys.Length, (await stage.Cache.GetStatisticsAsync(_ct)).TotalEntries);
        await stage.Cache.RemoveManyAsync(keys, _ct);
        Assert.Equal(0, (await stage.Cache.GetStatisticsAsync(_ct)).TotalEntries);
    }

    [Fact]
    public async Task What_cannot_be_stored_is_refused_with_the_limit_it_breaks()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.MaxValueBytes = 1024);
        var cache = stage.Cache;
        foreach (var key in new[] { "", new string('x', 1025), new string('ä', 513), "\ud83d", "a\udd11", "\udd11\ud83d" })
        {
            await Assert.ThrowsAsync<ArgumentException>(() => cache.GetAsync(key, _ct));
            await Assert.ThrowsAsync<ArgumentException>(() => cache.SetAsync(key, [], AnHour, _ct));
            Assert.Throws<ArgumentException>(() => cache.Get(key));
            await Assert.ThrowsAsync<ArgumentException>(() => cache.RemoveAsync(key, _ct));
            await Assert.ThrowsAsync<ArgumentException>(() => cache.RefreshAsync(key, _ct));
            await Assert.ThrowsAsync<ArgumentException>(() => cache.GetManyAsync(["a", key], _ct));
        }

        await Assert.ThrowsAsync<ArgumentNullException>(() => cache.GetAsync(null!, _ct));
        await Assert.ThrowsAsync<ArgumentNullException>(() => cache.SetAsync("a", null!, AnHour, _ct));
        await Assert.ThrowsAsync<ArgumentNullException>(() => cache.SetAsync("a", [], null!, _ct));
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await cache.TryGetAsync("a", null!, _ct));
        Assert.Contains("1024", Assert.Throws<ArgumentOutOfRangeException>(() => cache.Set("a", new byte[1025], AnHour)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Set("a", InPieces(new byte[1025]), AnHour));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => cache.SetManyAsync([new("a", []), new("b", new byte[1025])], AnHour, _ct));
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Set("a", [], new() { AbsoluteExpiration = TimeProvider.System.GetUtcNow() - TimeSpan.FromTicks(1) }));
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Set("a", [], new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromTicks(-1) }));
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Set("a", [], new() { SlidingExpiration = TimeSpan.Zero }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => cache.GetManyAsync(new string[PostgresCache.MaxKeys + 1], _ct));
        Assert.Equal(0, (await cache.GetStatisticsAsync(_ct)).TotalEntries);
    }

    // Compare the hash alone (leave the text out of ReadStatement.Read, or of remove.sql) and this fails.
    [Fact]
    public async Task Two_keys_of_one_hash_are_a_miss_and_never_each_other()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        var hash = CacheKey.Distributed("mine").Hash;
        await stage.RunAsync($"""
            INSERT INTO solid_cache.solid_cache_entries (key_hash, key, value, created_at, expires_at, byte_size, sliding_seconds)
            VALUES ({hash}, 'another', 'x', now(), now() + interval '30 s', 1, 60)
            """, _ct);
        var before = await RowAsync(stage);
        Assert.Null(await stage.Cache.GetAsync("mine", _ct));
        await stage.Cache.RemoveAsync("mine", _ct);
        await stage.Cache.RefreshAsync("mine", _ct);
        Assert.Equal(before, await RowAsync(stage));
        await stage.Cache.SetAsync("mine", [1], AnHour, _ct);
        Assert.Equal([1], (await stage.Cache.GetAsync("mine", _ct))!);
    }

    [Fact]
    public async Task Callers_of_one_key_get_values_of_their_own()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        await stage.Cache.SetAsync("a", [1, 2, 3], AnHour, _ct);
        var values = await stage.Cache.GetManyAsync(["a", "a", "nothing", "a"], _ct);
        values[0]![0] = 99;
        Assert.Equal([1, 2, 3], values[1]!);
        Assert.Null(values[2]);
        Assert.Equal([1, 2, 3], values[3]!);
    }

    // Put writes of one key on different lanes (Affinity) and an older one may come last.
    [Fact]
    public async Task The_last_writer_wins()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.Lanes = 4);
        var last = await Race.RunAsync(8, async key =>
        {
            var writes = Enumerable.Range(0, 200).Select(i => stage.Cache.SetAsync($"key {key}", BitConverter.GetBytes(i), AnHour, _ct)).ToArray();
            await Task.WhenAll(writes);
            return BitConverter.ToInt32(await stage.Cache.GetAsync($"key {key}", _ct));
        });
        Assert.All(last, value => Assert.Equal(199, value));
    }

    // Leave the Clone out of SetAsync and this fails: a caller who may leave at any time may use the array again.
    [Fact]
    public async Task What_a_caller_who_may_cancel_does_to_its_array_afterwards_is_not_stored()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        using var gate = new Gate();
        var call = stage.Lanes.Add(new TestStatement("SELECT n, 1::bigint FROM unnest($1::int[]) n") { OnBind = _ => gate.Pass() });
        var busy = Task.Run(() => call.ExecuteAsync(1, _ct), _ct);
        await gate.UntilReachedAsync(_ct);
        byte[] one = [1], two = [2];
        var set = stage.Cache.SetAsync("one", one, AnHour, _ct);
        var setMany = stage.Cache.SetManyAsync([new("two", two)], AnHour, _ct);
        one[0] = two[0] = 99;
        gate.Open();
        await Task.WhenAll(busy, set, setMany);
        var values = await stage.Cache.GetManyAsync(["one", "two"], _ct);
        Assert.Equal("1 2", $"{values[0]![0]} {values[1]![0]}");
    }

    // Ask one after another in GetManyAsync and the first number is 2,000.
    [Fact]
    public async Task Many_keys_travel_together()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        var entries = Enumerable.Range(0, 2_000).Select(i => new KeyValuePair<string, byte[]>($"key {i}", BitConverter.GetBytes(i))).ToArray();
        await stage.Cache.SetManyAsync([.. entries, new("key 7", [1, 2, 3, 4])], AnHour, _ct);
        var keys = entries.Select(e => e.Key).Append("no such").ToArray();
        byte[]?[] values = [];
        var trips = await stage.CountAsync("Postgres/PostgresStore.read", async () => values = await stage.Cache.GetManyAsync(keys, _ct), _ct);

        Assert.InRange(trips, 8, 30);
        Assert.Equal([1, 2, 3, 4], values[7]!);
        Assert.Equal(1_999, BitConverter.ToInt32(values[1_999]));
        Assert.Null(values[2_000]);
        Assert.Empty(await stage.Cache.GetManyAsync([], _ct));
        await stage.Cache.SetManyAsync([], AnHour, _ct);
    }

    // Start all writes at once in SetManyAsync and the lane's 64 MiB are full.
    [Fact]
    public async Task Many_large_values_do_not_fill_the_queue()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.OnFailure = FailureMode.Throw);
        var value = Bytes(2 << 20);
        await stage.Cache.SetManyAsync([.. Enumerable.Range(0, 40).Select(i => new KeyValuePair<string, byte[]>($"key {i}", value))], AnHour, _ct);
        Assert.Equal(40, (await stage.Cache.GetStatisticsAsync(_ct)).TotalEntries);
    }

    // Log each failure and the second number is 60; forget Succeeded and the last line isn't there.
    [Fact]
    public async Task When_the_server_is_away_reads_are_misses_writes_are_lost_and_one_line_says_so()
    {
        var log = new RecordedLog();
        await using var stage = await CacheStage.CreateAsync(servers, _ct, logger: log);
        await stage.Cache.SetAsync("a", [1], AnHour, _ct);
        await stage.Database.SetReachableAsync(false, _ct);
        for (var i = 0; i < 20; i++)
        {
            Assert.Null(await stage.Cache.GetAsync("a", _ct));
            await stage.Cache.SetAsync("b", [2], AnHour, _ct);
            await stage.Cache.RemoveAsync("a", _ct);
        }

        Assert.Equal(1, log.Count("cache_unavailable"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stage.Cache.GetAsync("a", new CancellationToken(canceled: true)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stage.Cache.SetAsync("a", [], AnHour, new CancellationToken(canceled: true)));
        await stage.Database.SetReachableAsync(true, _ct);
        await Eventually.TrueAsync(async () => await stage.Cache.GetAsync("a", _ct) is [1], Limit);
        Assert.Equal(1, log.Count("cache_available"));
        Assert.Null(await stage.Cache.GetAsync("b", _ct));
    }

    [Fact]
    public async Task Who_wants_to_know_gets_the_exception()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.OnFailure = FailureMode.Throw);
        await stage.Database.SetReachableAsync(false, _ct);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => stage.Cache.GetAsync("a", _ct));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => stage.Cache.GetManyAsync(["a", "b"], _ct));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => stage.Cache.SetAsync("a", [], AnHour, _ct));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => stage.Cache.RemoveAsync("a", _ct));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => stage.Cache.RefreshAsync("a", _ct));
        await stage.Database.SetReachableAsync(true, _ct);
    }

    // Index expires_at and the ratio is 0. Alone on a server it is 0.95; transactions of other tests keep old versions from being pruned.
    [Fact]
    public async Task Writing_over_leaves_the_index_alone()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        var keys = Enumerable.Range(0, 500).Select(i => $"key {i}").ToArray();
        for (var round = 0; round < 30; round++)
            await Task.WhenAll(keys.Select(key => stage.Cache.SetAsync(key, Bytes(400), AnHour, _ct)));
        await stage.CutAsync(_ct);   // a server process that ends reports what it has counted
        CacheStatistics? statistics = null;
        await Eventually.TrueAsync(async () => (statistics = await stage.Upkeep.ReadStatisticsAsync(_ct)).HotRatio is not null, Limit);
        Assert.InRange(statistics!.HotRatio!.Value, 0.1, 1);
    }

    // The plans are made while the table is empty and kept: where they fit an empty table (leave enable_seqscan=off out of
    // LaneConnections) every statement reads all of the full one.
    [Fact]
    public async Task No_statement_ever_reads_the_whole_table()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.MaxBytes = 1 << 20);
        await UseAllAsync(stage);
        await stage.RunAsync(
            """
            INSERT INTO solid_cache.solid_cache_entries (key_hash, key, value, created_at, expires_at, byte_size)
            SELECT n, 'key ' || n, 'x', now(), now() + interval '1 h', 1 FROM generate_series(1, 5000) n
            """, _ct);
        await UseAllAsync(stage);
        await stage.CutAsync(_ct);
        await Eventually.TrueAsync(async () => await stage.ReadAsync<long>(
            "SELECT idx_scan FROM pg_stat_user_tables WHERE relid = 'solid_cache.solid_cache_entries'::regclass", _ct) > 10, Limit);
        Assert.Equal(0, await stage.ReadAsync<long>("SELECT seq_scan FROM pg_stat_user_tables WHERE relid = 'solid_cache.solid_cache_entries'::regclass", _ct));
        // Nor all of the index, for a merge join.
        Assert.InRange(await stage.ReadAsync<long>("SELECT idx_tup_fetch FROM pg_stat_user_tables WHERE relid = 'solid_cache.solid_cache_entries'::regclass", _ct), 1, 3_000);
    }

    private async Task UseAllAsync(CacheStage stage)
    {
        var sliding = new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromSeconds(100) };
        await stage.Cache.SetManyAsync([.. Enumerable.Range(0, 100).Select(i => new KeyValuePair<string, byte[]>($"key {i}", Bytes(i)))], sliding, _ct);
        await stage.Cache.SetAsync("large", Bytes(100_000), AnHour, _ct);
        await stage.Cache.GetManyAsync([.. Enumerable.Range(0, 100).Select(i => $"key {i}")], _ct);
        await stage.Cache.GetAsync("large", _ct);
        await stage.Cache.RefreshAsync("key 1", _ct);
        await stage.Cache.RemoveManyAsync(["key 2", "key 3"], _ct);
        await stage.Store.ReadTaggedAsync(new TaggedKey(CacheKey.Hybrid("nothing"), [1, 2, 3]), _ct);
        await stage.SettleAsync(_ct);
    }

    private static byte[] Bytes(int size)
    {
        var bytes = new byte[size];
        for (var i = 0; i < size; i++) bytes[i] = (byte)(i * 31 + (i >> 8));
        return bytes;
    }

    private static ReadOnlySequence<byte> InPieces(byte[] bytes)
    {
        var first = new Piece(bytes.AsMemory(0, bytes.Length / 2), 0);
        var second = first.Append(bytes.AsMemory(bytes.Length / 2));
        return new ReadOnlySequence<byte>(first, 0, second, second.Memory.Length);
    }

    private Task<string> RowAsync(CacheStage stage) =>
        stage.ReadAsync<string>("SELECT ctid || ' ' || xmin || ' ' || xmax || ' ' || key FROM solid_cache.solid_cache_entries", _ct);

    /// <summary>Of all planes, with what PostgreSQL and the escape find special.</summary>
    private static Arbitrary<string> Texts() =>
        Gen.Frequency(
                (3, Gen.Choose(0, 3)), (3, Gen.Choose(0x20, 0x7e)), (2, Gen.Choose(0x80, 0xd7ff)), (1, Gen.Choose(0xe000, 0xffff)), (2, Gen.Choose(0x10000, 0x10ffff)))
            .Select(char.ConvertFromUtf32).ListOf().Select(string.Concat).ToArbitrary();

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Piece Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
