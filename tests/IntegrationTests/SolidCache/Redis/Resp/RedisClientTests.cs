using System.Text;
using SolidCache.Redis.Resp;

namespace IntegrationTests.SolidCache.Redis.Resp;

/// <summary>Each command against a real server.</summary>
public class RedisClientTests
{
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(1);

    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    [Fact]
    public async Task Commands_do_what_they_are_named_after()
    {
        await using var server = await RedisServer.StartAsync(_ct);
        await using var client = await Clients.ConnectAsync(server.Address, _ct);
        Assert.Null(await client.GetAsync("key", _ct));
        Assert.True(await client.SetAsync("key", "value"u8.ToArray(), Life, _ct));
        Assert.Equal("value"u8.ToArray(), await client.GetAsync("key", _ct));
        Assert.False(await client.SetAsync("key", "other"u8.ToArray(), Life, _ct, onlyIfAbsent: true));
        Assert.Equal("value", await server.CliAsync(_ct, "GET", "key"));
        Assert.InRange(long.Parse(await server.CliAsync(_ct, "PTTL", "key"), System.Globalization.CultureInfo.InvariantCulture), 1, 60_000);
        Assert.Equal(1, await client.IncrementAsync("count", _ct));
        Assert.Equal(2, await client.IncrementAsync("count", _ct));
        Assert.True(await client.ExpireAsync("count", Life, _ct));
        Assert.False(await client.ExpireAsync("nobody", Life, _ct));
        Assert.Equal(["value", null, "2"], (await client.GetManyAsync(["key", "nobody", "count"], _ct)).Select(v => v is null ? null : Encoding.UTF8.GetString(v)));
        var keys = new List<string>();
        await foreach (var key in client.ScanAsync("*", _ct)) keys.Add(key);
        Assert.Equal(["count", "key"], keys.Order());
        Assert.Equal(2, await client.DeleteAsync(["key", "count", "nobody"], _ct));
        Assert.Equal("PONG", (await client.ExecuteAsync(["PING"], _ct)).AsText());
        var script = new RedisScript("return {KEYS[1], ARGV[1], 7}");
        for (var i = 0; i < 2; i++) Assert.Equal(["k", "a", "7"], (await client.EvaluateAsync(script, "k", ["a"], _ct)).Items.ToArray().Select(v => v.AsText()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(9_000_000)]
    public async Task Values_of_any_size_and_any_bytes_come_back(int size)
    {
        await using var server = await RedisServer.StartAsync(_ct);
        await using var client = await Clients.ConnectAsync(server.Address + ",commandTimeout=20000", _ct);
        var value = System.Security.Cryptography.RandomNumberGenerator.GetBytes(size);
        await client.SetAsync("a key \r\n with ümlauts", value, Life, _ct);
        Assert.Equal(value, await client.GetAsync("a key \r\n with ümlauts", _ct));
    }

    [Fact]
    public async Task What_the_server_refuses_is_said_with_its_code_and_the_connection_goes_on()
    {
        await using var server = await RedisServer.StartAsync(_ct);
        await using var client = await Clients.ConnectAsync(server.Address, _ct);
        await client.SetAsync("text", "value"u8.ToArray(), Life, _ct);
        Assert.Equal("ERR", (await Assert.ThrowsAsync<RedisException>(() => client.IncrementAsync("text", _ct).AsTask())).Code);
        Assert.Equal("WRONGTYPE", (await Assert.ThrowsAsync<RedisException>(() => client.ExecuteAsync(["LPUSH", "text", "x"], _ct).AsTask())).Code);
        Assert.Equal("value"u8.ToArray(), await client.GetAsync("text", _ct));
        Assert.Equal(0, client.Statistics.Reconnects);
    }

    [Fact]
    public async Task Messages_arrive_and_after_a_lost_connection_the_subscription_stands_again()
    {
        await using var server = await RedisServer.StartAsync(_ct);
        await using var client = await Clients.ConnectAsync(server.Address, _ct);
        var (messages, connected) = (new System.Collections.Concurrent.ConcurrentQueue<string>(), 0);
        using var subscription = client.Subscribe("news", message => messages.Enqueue(Encoding.UTF8.GetString(message)), () => Interlocked.Increment(ref connected));
        await Eventually.TrueAsync(() => Volatile.Read(ref connected) == 1, TimeSpan.FromSeconds(10));
        Assert.Equal(1, await client.PublishAsync("news", "one"u8.ToArray(), _ct));
        await Eventually.TrueAsync(() => messages.Contains("one"), TimeSpan.FromSeconds(10));

        await server.CliAsync(_ct, "CLIENT", "KILL", "TYPE", "pubsub");
        await Eventually.TrueAsync(() => Volatile.Read(ref connected) == 2, TimeSpan.FromSeconds(10));
        await server.CliAsync(_ct, "PUBLISH", "news", "two");
        await Eventually.TrueAsync(() => messages.Contains("two"), TimeSpan.FromSeconds(10));
        subscription.Dispose();
        await Eventually.TrueAsync(async () => await client.PublishAsync("news", "three"u8.ToArray(), _ct) == 0, TimeSpan.FromSeconds(10));
        Assert.Equal(["one", "two"], messages);
    }

    // Take the answer to a subscription for a reply of the oldest command, and the GETs beside it are answered by one too few.
    [Fact]
    public async Task A_refused_subscription_shifts_no_answer()
    {
        await using var server = await RedisServer.StartAsync(_ct);
        await server.CliAsync(_ct, "ACL", "SETUSER", "reader", "on", ">secret", "~*", "resetchannels", "+@all");
        await using var client = await Clients.ConnectAsync($"{server.Address},user=reader,password=secret", _ct);
        for (var i = 0; i < 100; i++) await client.SetAsync($"key:{i}", Encoding.UTF8.GetBytes($"value:{i}"), Life, _ct);
        var answers = Enumerable.Range(0, 100).Select(i => client.GetAsync($"key:{i}", _ct).AsTask()).ToArray();
        using var refused = client.Subscribe("news", _ => { }, () => { });
        var more = Enumerable.Range(0, 100).Select(i => client.GetAsync($"key:{i}", _ct).AsTask()).ToArray();
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal($"value:{i}", Encoding.UTF8.GetString((await answers[i])!));
            Assert.Equal($"value:{i}", Encoding.UTF8.GetString((await more[i])!));
        }

        Assert.Equal(0, client.Statistics.Reconnects);
    }
}
