using System.Buffers;
using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Caching.Hybrid;

namespace IntegrationTests.SolidCache;

/// <summary>Values of all sorts come out as they went in, and no caller sees what another does to its own.</summary>
public class ValuesTests(Servers servers) : IClassFixture<Servers>
{
    public static TheoryData<string> All => CacheTiers.All;

    public static TheoryData<string> Keeping => CacheTiers.Keeping;

    private CancellationToken Ct => servers.TestTimeout;

    [Theory]
    [MemberData(nameof(All))]
    public async Task Values_come_out_as_they_went_in(string tiers)
    {
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct);
        var ct = Ct;
        await SameAsync("");
        await SameAsync("text with \0, \u0001, \u00e4, \ud83d\ude00");
        await SameAsync(new string('x', 200_000));
        await SameAsync(42);
        await SameAsync<int?>(42);
        await SameAsync(Guid.Parse("9cbe2d74-5fa0-4b7c-9d3c-111111111111"));
        await SameAsync(12.5m);
        await SameAsync(DayOfWeek.Friday);
        await SameAsync(new Point(3, 4));
        await SameAsync(new Frozen("name", 5));
        await SameAsync<string?>(null);
        await SameAsync<int?>(null);
        await SameAsync<Frozen?>(null);
        await SameAsync<byte[]>([0, 1, 2, 255]);
        await SameAsync<byte[]>([]);
        await SameAsync<byte[]?>(null);
        await SameAsync<List<string>>(["a", "b"]);
        await SameAsync(new Dictionary<string, int>(StringComparer.Ordinal) { ["a"] = 1 });

        async Task SameAsync<T>(T value)
        {
            var key = $"{typeof(T)} {Guid.NewGuid()}";
            for (var i = 0; i < 3; i++) Assert.Equal(value, await node.Cache.GetOrCreateAsync(key, _ => ValueTask.FromResult(value), cancellationToken: ct));
            if (tiers == CacheTiers.NoServer) return;
            key += " set";
            await node.Cache.SetAsync(key, value, cancellationToken: ct);
            for (var i = 0; i < 3; i++) Assert.Equal(value, await node.Cache.GetOrCreateAsync(key, _ => ValueTask.FromResult(value), cancellationToken: ct));
        }
    }

    [Theory]
    [MemberData(nameof(Keeping))]
    public async Task Nothing_found_is_kept_like_anything_else(string tiers)
    {
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct);
        Assert.Null(await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult<string?>(null), cancellationToken: Ct));
        Assert.Null(await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult<string?>("loaded"), cancellationToken: Ct));
    }

    // Keep the object in CachedEntry although its type can change, or give the loader's object to every joiner, and this fails.
    [Theory]
    [MemberData(nameof(All))]
    public async Task Each_caller_has_an_object_of_its_own_if_it_can_be_changed(string tiers)
    {
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct);
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = Enumerable.Range(0, 5).Select(_ => GetAsync()).ToArray();
        start.SetResult();
        var lists = (await Task.WhenAll(asked)).ToList();
        for (var i = 0; i < 3; i++) lists.Add(await GetAsync());
        for (var i = 0; i < lists.Count; i++) lists[i].Add($"changed {i}");
        for (var i = 0; i < lists.Count; i++) Assert.Equal(["loaded", $"changed {i}"], lists[i]);
        Assert.Equal(["loaded"], await GetAsync());

        async Task<List<string>> GetAsync() => await node.Cache.GetOrCreateAsync("key", async _ =>
        {
            await start.Task;
            return new List<string> { "loaded" };
        }, cancellationToken: Ct);
    }

    [Fact]
    public async Task A_change_of_an_object_after_it_was_set_is_not_seen()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct);
        byte[] bytes = [1, 2, 3];
        await node.Cache.SetAsync("key", bytes, cancellationToken: Ct);
        bytes[0] = 9;
        var read = await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult<byte[]>([]), cancellationToken: Ct);
        Assert.Equal([1, 2, 3], read);
        read[0] = 9;
        Assert.Equal([1, 2, 3], await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult<byte[]>([]), cancellationToken: Ct));
    }

    [Theory]
    [InlineData(CacheTiers.Memory)]
    [InlineData(CacheTiers.Both)]
    public async Task What_nobody_can_change_is_one_object_for_all(string tiers)
    {
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct, o => o.AddGroup("shared", "shared:", g => (g.SharesObjects, g.InPostgres) = (true, tiers == CacheTiers.Both)));
        var frozen = new Frozen("name", 1);
        var text = new string('x', 10);
        List<string> list = ["a"];
        for (var i = 0; i < 2; i++)
        {
            Assert.Same(frozen, await node.Cache.GetOrCreateAsync("frozen", _ => ValueTask.FromResult(frozen), cancellationToken: Ct));
            Assert.Same(text, await node.Cache.GetOrCreateAsync("text", _ => ValueTask.FromResult(text), cancellationToken: Ct));
            Assert.Same(list, await node.Cache.GetOrCreateAsync("shared:list", _ => ValueTask.FromResult(list), cancellationToken: Ct));
        }
    }

    // Let TryRead in EntrySerializer throw, or answer a null for a type that has none, and this fails.
    [Theory]
    [MemberData(nameof(Keeping))]
    public async Task A_key_that_holds_another_type_is_a_miss(string tiers)
    {
        await using var node = await CacheTiers.StartAsync(servers, tiers, Ct);
        await node.Cache.SetAsync("key", "text", cancellationToken: Ct);
        Assert.Equal(7, await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult(7), cancellationToken: Ct));
        await node.Cache.SetAsync("key", "text", cancellationToken: Ct);
        Assert.Equal(new Frozen("n", 1), await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult(new Frozen("n", 1)), cancellationToken: Ct));
        await node.Cache.SetAsync<string?>("key", null, cancellationToken: Ct);
        Assert.Equal(7, await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult(7), cancellationToken: Ct));
    }

    [Fact]
    public async Task A_payload_of_another_shape_is_a_miss()
    {
        await using var first = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct);
        await using var second = await CacheTestNode.StartAsync(first.Database, Ct, o => o.DefaultGroup.SchemaVersion = 258);
        Assert.Equal("first", await first.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult("first"), cancellationToken: Ct));
        // Leave the version out of the header and this is "first".
        Assert.Equal("second", await second.GetAsync("key", () => "second", Ct));
    }

    [Fact]
    public async Task Bytes_that_nobody_can_read_are_a_miss_and_never_an_exception()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Postgres, Ct);
        var garbage = new[] { "", "\\x00", "\\x01", "\\x010000", "\\x01000000", "\\x02000000ff", "\\x01020000", "\\x0100000041ff", "\\x010000007b", "\\xffffffffffffffff", "\\x01000001" };
        foreach (var bytes in garbage)
        {
            await node.Cache.SetAsync("key", new Frozen("name", 1), cancellationToken: Ct);
            await using var spoil = node.Database.DataSource.CreateCommand("UPDATE solid_cache.solid_cache_entries SET value = $1::bytea, byte_size = octet_length($1::bytea)");
            spoil.Parameters.AddWithValue(bytes);
            Assert.Equal(1, await spoil.ExecuteNonQueryAsync(Ct));
            Assert.Equal(new Frozen("new", 2), await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult(new Frozen("new", 2)), cancellationToken: Ct));
            Assert.Equal(new Frozen("new", 2), await node.Cache.GetOrCreateAsync("key", _ => ValueTask.FromResult(new Frozen("none", 3)), cancellationToken: Ct));
        }
    }

    // The limit is on the value, so that one of exactly that size fits.
    [Fact]
    public async Task A_value_above_the_limit_is_returned_and_not_kept_and_can_not_be_set()
    {
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Both, Ct, o => o.MaxValueBytes = 1024);
        var (fits, large) = (new byte[1024], new byte[1025]);
        await node.Cache.SetAsync("fits", fits, cancellationToken: Ct);
        Assert.Equal(fits, await node.Cache.GetOrCreateAsync("fits", _ => ValueTask.FromResult(large), cancellationToken: Ct));
        var failure = await Assert.ThrowsAsync<ArgumentException>(() => node.Cache.SetAsync("large", large, cancellationToken: Ct).AsTask());
        Assert.Contains("1024", failure.Message, StringComparison.Ordinal);
        var loads = 0;
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(large, await node.Cache.GetOrCreateAsync("large", _ =>
            {
                loads++;
                return ValueTask.FromResult(large);
            }, cancellationToken: Ct));
        }

        Assert.Equal(2, loads);
    }

    [Fact]
    public async Task The_applications_serializers_come_first_and_the_last_registered_before_the_others()
    {
        await using var services = new ServiceCollection()
            .AddSingleton<IHybridCacheSerializer<Point>>(new PointSerializer())
            .AddSingleton<IHybridCacheSerializerFactory>(new Factory("first"))
            .AddSingleton<IHybridCacheSerializerFactory>(new Factory("last"))
            .BuildServiceProvider();
        await using var node = await CacheTiers.StartAsync(servers, CacheTiers.Postgres, Ct, services: services);
        await node.Cache.SetAsync("point", new Point(1, 2), cancellationToken: Ct);
        Assert.Equal(new Point(101, 2), await node.Cache.GetOrCreateAsync("point", _ => ValueTask.FromResult(default(Point)), cancellationToken: Ct));
        await node.Cache.SetAsync("frozen", new Frozen("x", 1), cancellationToken: Ct);
        Assert.Equal(new Frozen("last", 1), await node.Cache.GetOrCreateAsync("frozen", _ => ValueTask.FromResult(new Frozen("", 0)), cancellationToken: Ct));
    }

    internal readonly record struct Point(int X, int Y);

    [ImmutableObject(true)]
    internal sealed record Frozen(string Name, int Number);

    /// <summary>Adds a hundred, so that one sees whose work it was.</summary>
    private sealed class PointSerializer : IHybridCacheSerializer<Point>
    {
        public Point Deserialize(ReadOnlySequence<byte> source) => new(source.FirstSpan[0] + 100, source.FirstSpan[1]);

        public void Serialize(Point value, IBufferWriter<byte> target) => target.Write([(byte)value.X, (byte)value.Y]);
    }

    private sealed class Factory(string name) : IHybridCacheSerializerFactory
    {
        public bool TryCreateSerializer<T>([NotNullWhen(true)] out IHybridCacheSerializer<T>? serializer)
        {
            serializer = typeof(T) == typeof(Frozen) ? (IHybridCacheSerializer<T>)(object)new FrozenSerializer(name) : null;
            return serializer is not null;
        }
    }

    private sealed class FrozenSerializer(string name) : IHybridCacheSerializer<Frozen>
    {
        public Frozen Deserialize(ReadOnlySequence<byte> source) => new(name, source.FirstSpan[0]);

        public void Serialize(Frozen value, IBufferWriter<byte> target) => target.Write([(byte)value.Number]);
    }
}
