using System.Text.Json;
using Npgsql;
using SolidCache.Postgres;

namespace IntegrationTests.SolidCache.Postgres;

public class PostgresUpkeepTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly CancellationToken _ct = servers.TestTimeout;

    // Delete without a limit, or without looking at expires_at, or begin each call at page 0 with a limit of pages: one of the sums differs.
    [Theory]
    [InlineData(0, 0)]
    [InlineData(2_000, 1_000)]
    [InlineData(50_000, 25_000)]
    public async Task Clean_up_deletes_what_has_expired_and_nothing_else(int entries, int expired)
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        await FillAsync(stage, entries, "CASE WHEN n % 2 = 0 THEN now() - interval '1 s' ELSE now() + interval '1 h' END");
        var deleted = 0L;
        var batches = await stage.CountAsync("Postgres/PostgresUpkeep.clean", async () => deleted = await stage.Upkeep.CleanUpAsync(_ct), _ct);

        Assert.Equal(expired, deleted);
        Assert.InRange(batches, 1, expired / 10_000 + 1);
        Assert.Equal($"{entries - expired} 0", await stage.ReadAsync<string>(
            "SELECT count(*) || ' ' || count(*) FILTER (WHERE expires_at <= now()) FROM solid_cache.solid_cache_entries", _ct));
        Assert.Equal(0, await stage.Upkeep.CleanUpAsync(_ct));
    }

    // Delete all at once in cleanup_expired_cache() and the first number is 25,000; leave the hand where it is and the pages are read again.
    [Fact]
    public async Task The_function_deletes_10000_at_a_time_and_says_how_many()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        await FillAsync(stage, 25_000, "now() - interval '1 s'");
        var counts = new List<long>();
        for (var i = 0; i < 4; i++) counts.Add(await stage.ReadAsync<long>("SELECT solid_cache.cleanup_expired_cache()", _ct));
        Assert.Equal([10_000, 10_000, 5_000, 0], counts);
    }

    [Fact]
    public async Task The_procedure_deletes_all_and_commits_on_the_way()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        await FillAsync(stage, 25_000, "now() - interval '1 s'");
        await stage.RunAsync("CALL solid_cache.cleanup_all_expired_cache()", _ct);
        Assert.Equal(0, await stage.ReadAsync<long>("SELECT count(*) FROM solid_cache.solid_cache_entries", _ct));
        // Each batch was a transaction: one that calls it may not be open. Leave the COMMIT out and this succeeds.
        await using var connection = await stage.Database.DataSource.OpenConnectionAsync(_ct);
        await using var transaction = await connection.BeginTransactionAsync(_ct);
        await using var call = new NpgsqlCommand("CALL solid_cache.cleanup_all_expired_cache()", connection, transaction);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => call.ExecuteNonQueryAsync(_ct));
        Assert.Equal(PostgresErrorCodes.InvalidTransactionTermination, refused.SqlState);
    }

    // Without SKIP LOCKED, or with a lock on the hand that waits, the second call runs into its statement_timeout.
    [Fact]
    public async Task Two_clean_ups_at_once_delete_different_rows_and_neither_waits()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        await FillAsync(stage, 25_000, "now() - interval '1 s'");
        await using var first = await stage.Database.DataSource.OpenConnectionAsync(_ct);
        await using var open = await first.BeginTransactionAsync(_ct);
        Assert.Equal(10_000L, await CleanAsync(first));
        await using (var second = await stage.Database.DataSource.OpenConnectionAsync(_ct))
        {
            await using var hurry = new NpgsqlCommand("SET statement_timeout = '5s'", second);
            await hurry.ExecuteNonQueryAsync(_ct);
            Assert.Equal(10_000L, await CleanAsync(second));
            Assert.Equal(5_000L, await CleanAsync(second));
            Assert.Equal(0L, await CleanAsync(second));
        }

        await open.CommitAsync(_ct);
        Assert.Equal(0, await stage.ReadAsync<long>("SELECT count(*) FROM solid_cache.solid_cache_entries", _ct));
    }

    [Fact]
    public async Task A_row_that_somebody_holds_is_left_for_the_next_time()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        await FillAsync(stage, 100, "now() - interval '1 s'");
        await using (await HeldLock.TakeAsync(stage.Database, "SELECT FROM solid_cache.solid_cache_entries WHERE key_hash = 42 FOR UPDATE", _ct))
        {
            Assert.Equal(99, await stage.Upkeep.CleanUpAsync(_ct));
        }

        // The server lets the lock go in its own time.
        await Eventually.TrueAsync(async () => await stage.Upkeep.CleanUpAsync(_ct) == 1, Limit);
    }

    // Delete whatever the hand meets and those that were read are gone too; free more than asked and the weight is below.
    [Theory]
    [InlineData(200)]
    [InlineData(5_000)]
    [InlineData(60_000)]
    public async Task Eviction_makes_room_and_spares_what_was_read(int entries)
    {
        var half = entries / 2 * Weight(entries);
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.MaxBytes = half + 1_000);
        await FillAsync(stage, entries, "now() + interval '1 h'", touched: "n % 2", key: $"'{Key(entries)}'");
        var steps = await stage.CountAsync("Postgres/PostgresUpkeep.evict", () => stage.Upkeep.EvictAsync(_ct), _ct);

        Assert.InRange(steps, 1, 5);
        Assert.Equal(entries / 2, await stage.ReadAsync<long>("SELECT count(*) FROM solid_cache.solid_cache_entries WHERE key_hash % 2 = 1", _ct));
        Assert.InRange((await stage.Upkeep.ReadStatisticsAsync(_ct)).TotalSizeBytes, half, half + 1_000);
        Assert.Equal(0, await stage.CountAsync("Postgres/PostgresUpkeep.evict", () => stage.Upkeep.EvictAsync(_ct), _ct));
    }

    // Mark with 0 instead of the turn and this fails: the marking moves rows into the holes ahead of the hand, which then takes them for
    // unread.
    [Fact]
    public async Task What_was_read_is_spared_also_where_its_marking_moves_it_ahead_of_the_hand()
    {
        var kept = 10_000 * Weight(20_000);
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.MaxBytes = kept);
        await FillAsync(stage, 20_000, "now() + interval '1 h'", touched: "CASE WHEN n <= 10000 THEN 1 ELSE 0 END", key: $"'{Key(20_000)}'");
        await stage.RunAsync("DELETE FROM solid_cache.solid_cache_entries WHERE key_hash > 10000 AND key_hash % 10 > 0", _ct);
        await stage.RunAsync("VACUUM solid_cache.solid_cache_entries", _ct);
        await stage.Upkeep.EvictAsync(_ct);
        Assert.Equal("10000 0", await stage.ReadAsync<string>(
            "SELECT count(*) FILTER (WHERE key_hash <= 10000) || ' ' || count(*) FILTER (WHERE key_hash > 10000) FROM solid_cache.solid_cache_entries", _ct));
    }

    // Without the second round (or with marks that are never too old) nothing goes, and the bound is not kept.
    [Theory]
    [InlineData(300)]
    [InlineData(20_000)]
    public async Task Eviction_makes_room_also_where_everything_was_read(int entries)
    {
        var third = entries / 3 * Weight(entries);
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.MaxBytes = third);
        await FillAsync(stage, entries, "now() + interval '1 h'", touched: "1", key: $"'{Key(entries)}'");
        var steps = await stage.CountAsync("Postgres/PostgresUpkeep.evict", () => stage.Upkeep.EvictAsync(_ct), _ct);
        Assert.InRange(steps, 1, 5);
        Assert.InRange((await stage.Upkeep.ReadStatisticsAsync(_ct)).TotalSizeBytes, third - Weight(entries), third);
    }

    [Fact]
    public async Task What_is_read_between_two_evictions_survives_the_second()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.MaxBytes = 100_000);
        for (var round = 0; round < 5; round++)
        {
            await stage.Cache.SetManyAsync(
                [.. Enumerable.Range(0, 200).Select(i => new KeyValuePair<string, byte[]>($"round {round} entry {i}", new byte[400])), .. round == 0 ? [new KeyValuePair<string, byte[]>("hot", [1])] : Array.Empty<KeyValuePair<string, byte[]>>()],
                new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromHours(1) }, _ct);
            Assert.NotNull(await stage.Cache.GetAsync("hot", _ct));
            await stage.SettleAsync(_ct);
            await stage.Upkeep.EvictAsync(_ct);
            Assert.InRange((await stage.Upkeep.ReadStatisticsAsync(_ct)).TotalSizeBytes, 90_000, 100_000);
        }
    }

    [Fact]
    public async Task Expired_entries_go_first_and_do_not_count()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.MaxBytes = 500 * Weight(1_000));
        await FillAsync(stage, 1_000, "CASE WHEN n > 500 THEN now() - interval '1 s' ELSE now() + interval '1 h' END", key: $"'{Key(1_000)}'");
        await stage.Upkeep.EvictAsync(_ct);
        Assert.Equal(500, await stage.ReadAsync<long>("SELECT count(*) FROM solid_cache.solid_cache_entries WHERE expires_at > now()", _ct));
    }

    [Fact]
    public async Task Statistics_of_few_entries_are_exact()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        var empty = await stage.Upkeep.ReadStatisticsAsync(_ct);
        Assert.Equal((0L, 0L, 0L, true), (empty.TotalEntries, empty.ExpiredEntries, empty.TotalSizeBytes, empty.IsExact));

        await FillAsync(stage, 300, "CASE WHEN n <= 100 THEN now() - interval '1 s' ELSE now() + interval '1 h' END", key: "'äb'");
        var statistics = await stage.Cache.GetStatisticsAsync(_ct);
        Assert.Equal((300L, 100L, 300L * 1_131, 100L * 1_131, true), (statistics.TotalEntries, statistics.ExpiredEntries, statistics.TotalSizeBytes, statistics.ExpiredSizeBytes, statistics.IsExact));
        Assert.Equal((300L * 1_131 + 1023) / 1024, statistics.TotalSizeKb);
        Assert.True(statistics.TableBytes >= 32_768);
        var json = JsonSerializer.SerializeToElement(statistics);
        foreach (var name in new[] { "total_entries", "expired_entries", "total_size_bytes", "total_size_kb", "is_exact" }) Assert.True(json.TryGetProperty(name, out _), name);
    }

    // Forget to multiply by the part that was read and this fails by half.
    [Fact]
    public async Task Statistics_of_many_entries_are_estimated()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        await FillAsync(stage, 150_000, "CASE WHEN n % 3 = 0 THEN now() - interval '1 s' ELSE now() + interval '1 h' END", key: "'key'");
        await stage.RunAsync("ANALYZE solid_cache.solid_cache_entries", _ct);
        var statistics = await stage.Upkeep.ReadStatisticsAsync(_ct);
        Assert.False(statistics.IsExact);
        Assert.InRange(statistics.TotalEntries, 120_000, 180_000);
        Assert.InRange(statistics.ExpiredEntries, 40_000, 60_000);
        Assert.InRange(statistics.TotalSizeBytes, 120_000 * 1_131L, 180_000 * 1_131L);
    }

    // Leave the owner out of take_lease and both work; leave the release out and the second waits for 30 s.
    [Fact]
    public async Task One_node_at_a_time_cleans_up_and_the_next_takes_over_when_it_stops()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.CleanupInterval = TimeSpan.FromMilliseconds(20));
        RecordedLog firstLog = new(), secondLog = new();
        using var stopFirst = CancellationTokenSource.CreateLinkedTokenSource(_ct);
        using var stopSecond = CancellationTokenSource.CreateLinkedTokenSource(_ct);
        using PostgresUpkeep firstNode = stage.CreateUpkeep(firstLog), secondNode = stage.CreateUpkeep(secondLog);
        var first = firstNode.RunAsync(stopFirst.Token);
        await Eventually.TrueAsync(() => firstLog.Count("cache_cleanup_executed") > 0, Limit);
        var second = secondNode.RunAsync(stopSecond.Token);
        await FillAsync(stage, 10, "now() - interval '1 s'");
        await Eventually.TrueAsync(() => firstLog.Lines.Any(l => l.Text.Contains("deleted 10 ", StringComparison.Ordinal)), Limit);
        var executed = firstLog.Count("cache_cleanup_executed");
        await Eventually.TrueAsync(() => firstLog.Count("cache_cleanup_executed") > executed + 3, Limit);
        Assert.Equal("cache_cleanup_started", Assert.Single(secondLog.Lines).Event);

        await stopFirst.CancelAsync();
        await first;
        Assert.Equal("cache_cleanup_stopped", firstLog.Lines[^1].Event);
        await Eventually.TrueAsync(() => secondLog.Count("cache_cleanup_executed") > 0, Limit);
        await stopSecond.CancelAsync();
        await second;
        Assert.Equal("cache_cleanup_stopped", secondLog.Lines[^1].Event);
    }

    // Each run says so once; two that ran side by side would. Leave the condition on owner and time out of take_lease and several do.
    [Fact]
    public async Task Of_three_nodes_that_begin_at_once_one_cleans_up()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.CleanupInterval = TimeSpan.FromMilliseconds(20));
        await FillAsync(stage, 30, "now() - interval '1 s'");
        RecordedLog[] logs = [new(), new(), new()];
        var nodes = Array.ConvertAll(logs, stage.CreateUpkeep);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_ct);
        var running = Race.RunAsync(3, async i =>
        {
            await nodes[i].RunAsync(stop.Token);
            return i;
        });
        await Eventually.TrueAsync(() => logs.Sum(l => l.Count("cache_cleanup_executed")) > 5, Limit);
        Assert.Single(logs, l => l.Count("cache_cleanup_executed") > 0);
        await stop.CancelAsync();
        await running;
        foreach (var log in logs)
        {
            Assert.Equal("cache_cleanup_started", log.Lines[0].Event);
            Assert.Equal("cache_cleanup_stopped", log.Lines[^1].Event);
        }

        Assert.Equal(0, await stage.ReadAsync<long>("SELECT count(*) FROM solid_cache.solid_cache_entries", _ct));
        foreach (var node in nodes) node.Dispose();
    }

    // Catch nothing in RunOnceAsync and the loop ends with the first failure.
    [Fact]
    public async Task A_failure_is_logged_and_the_clean_up_tried_again()
    {
        var log = new RecordedLog();
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.CleanupInterval = TimeSpan.FromMilliseconds(20));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_ct);
        await stage.Database.SetReachableAsync(false, _ct);
        using var upkeep = stage.CreateUpkeep(log);
        var running = upkeep.RunAsync(stop.Token);
        await Eventually.TrueAsync(() => log.Count("cache_cleanup_failed") > 1, Limit);
        Assert.Equal(0, log.Count("cache_cleanup_executed"));
        await stage.Database.SetReachableAsync(true, _ct);
        await Eventually.TrueAsync(() => log.Count("cache_cleanup_executed") > 0, Limit);
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task Without_interval_and_bound_there_is_nothing_to_run()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.CleanupInterval = TimeSpan.Zero);
        await stage.Upkeep.RunAsync(_ct);
        await stage.Upkeep.EvictAsync(_ct);
    }

    private static string Key(int entries) => $"one of {entries}";

    private static long Weight(int entries) => 1_000 + 128 + Key(entries).Length;

    /// <summary>Rows that say they hold 1,000 bytes; <c>n</c> counts from 1.</summary>
    private Task FillAsync(CacheStage stage, int entries, string expiresAt, string touched = "0", string key = "'key ' || n") => stage.RunAsync(
        $"""
        INSERT INTO solid_cache.solid_cache_entries (key_hash, key, value, created_at, expires_at, byte_size, touched)
        SELECT n, {key}, '', now(), {expiresAt}, 1000, {touched} FROM generate_series(1, {entries}) n
        """, _ct);

    private async Task<object?> CleanAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("SELECT solid_cache.cleanup_expired_cache()", connection);
        return await command.ExecuteScalarAsync(_ct);
    }
}
