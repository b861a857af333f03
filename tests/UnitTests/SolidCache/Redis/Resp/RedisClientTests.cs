using Microsoft.Extensions.Logging.Abstractions;
using SolidCache.Redis.Resp;

namespace UnitTests.SolidCache.Redis.Resp;

public class RedisClientTests
{
    private const int Limit = 60_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // Redis 5 says this to HELLO. Log it as it comes, and the password is in the log.
    [Fact(Timeout = Limit)]
    public async Task A_server_that_repeats_the_password_does_not_bring_it_into_the_log()
    {
        await using var node = new FakeNode(words => $"-ERR unknown command `{words[0]}`, with args beginning with: {string.Concat(words.Skip(1).Select(w => $"`{w}`, "))}\r\n");
        var log = new Lines();
        await using var client = new RedisClient(RedisSettings.Parse(FormattableString.Invariant($"redis://me:hunter2@127.0.0.1:{node.Port}")), TimeProvider.System, log);
        client.Start();
        var line = await log.First.WaitAsync(Patience);
        Assert.Contains("unknown command", line, StringComparison.Ordinal);
        Assert.All([line, client.Statistics.LastFailure!], text => Assert.DoesNotContain("hunter2", text, StringComparison.Ordinal));
    }

    // In a cluster whose servers get new addresses, those that went are forgotten. Keep them, and the client has no room for the last one.
    [Fact(Timeout = Limit)]
    public async Task Servers_that_went_take_no_room()
    {
        const int Others = 600;
        var maps = 0;
        FakeNode? first = null;
        await using var last = new FakeNode(words => words[0] == "HELLO" ? "%0\r\n" : "$4\r\nhere\r\n");
        first = new FakeNode(words => words[0] switch
        {
            "CLUSTER" => Map(++maps > 3 ? [last.Port] : Enumerable.Range((maps % 2 * Others) + 1, Others)),
            "HELLO" => "%0\r\n",
            _ => "+PONG\r\n",
        });
        await using var _ = first;
        await using var client = new RedisClient(RedisSettings.Parse(FormattableString.Invariant($"cluster://127.0.0.1:{first.Port}")), TimeProvider.System, NullLogger.Instance);
        client.Start();
        Assert.Equal("here"u8.ToArray(), await GetAtLastAsync());

        async Task<byte[]?> GetAtLastAsync()
        {
            while (true)
            {
                try
                {
                    return await client.GetAsync("foo", CancellationToken.None);   // slot 12182
                }
                catch (RedisUnavailableException)
                {
                    // That has the map read anew.
                    await client.WaitUntilConnectedAsync(TimeSpan.FromMilliseconds(50), CancellationToken.None);
                }
            }
        }

        // The first has the lower half of the slots; those of the ports share the rest.
        string Map(IEnumerable<int> ports)
        {
            var all = ports.ToArray();
            var each = 8192 / all.Length;
            var rows = all.Select((port, i) => (Begin: 8192 + (i * each), End: i + 1 < all.Length ? 8192 + ((i + 1) * each) - 1 : 16_383, Port: port)).Prepend((Begin: 0, End: 8191, Port: first!.Port));
            return FormattableString.Invariant($"*{all.Length + 1}\r\n") + string.Concat(rows.Select(row => FormattableString.Invariant($"*3\r\n:{row.Begin}\r\n:{row.End}\r\n*3\r\n$9\r\n127.0.0.1\r\n:{row.Port}\r\n$1\r\nx\r\n")));
        }
    }

    // ASKING is for the command behind it alone: send anything between the two, or nothing before it, and the node sends the caller away again.
    [Fact(Timeout = Limit)]
    public async Task A_redirected_command_is_sent_where_it_is_told_and_asking_goes_right_before_it()
    {
        var asked = 0;
        FakeNode? first = null;
        var second = new FakeNode(words =>
        {
            if (words[0] == "HELLO") return "%0\r\n";
            if (words[0] == "ASKING") return Interlocked.Exchange(ref asked, 1) == 0 ? "+OK\r\n" : "-ERR twice\r\n";
            var isAsked = Interlocked.Exchange(ref asked, 0) == 1;
            var isMoved = words[1].StartsWith("moved", StringComparison.Ordinal);
            if (isAsked && isMoved) return "-ERR between\r\n";
            return isAsked || isMoved ? $"${words[1].Length}\r\n{words[1]}\r\n" : FormattableString.Invariant($"-MOVED 1 127.0.0.1:{first!.Port}\r\n");
        });
        await using var _ = second;
        first = new FakeNode(words => words[0] switch
        {
            "HELLO" => "%0\r\n",
            "CLUSTER" => FormattableString.Invariant($"*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:{first!.Port}\r\n$1\r\nx\r\n"),
            "GET" when words[1].StartsWith("moved", StringComparison.Ordinal) => FormattableString.Invariant($"-MOVED 1 127.0.0.1:{second.Port}\r\n"),
            "GET" => FormattableString.Invariant($"-ASK 1 127.0.0.1:{second.Port}\r\n"),
            _ => "+PONG\r\n",
        });
        await using var __ = first;
        // The first redirection finds no connection yet; what a slow machine needs for it is not what is tested.
        var settings = RedisSettings.Parse(FormattableString.Invariant($"cluster://127.0.0.1:{first.Port}?commandTimeout=30000"));
        await using var client = new RedisClient(settings, TimeProvider.System, NullLogger.Instance);
        client.Start();
        Assert.True(await client.WaitUntilConnectedAsync(Patience, CancellationToken.None));
        await Task.WhenAll(Enumerable.Range(0, 16).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                var key = FormattableString.Invariant($"{(i % 2 == 0 ? "moved" : "asked")}:{caller}:{i}");
                Assert.Equal(key, System.Text.Encoding.UTF8.GetString((await client.GetAsync(key, CancellationToken.None))!));
            }
        })));
    }

    private sealed class Lines : ILogger
    {
        private readonly TaskCompletionSource<string> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> First => _first.Task;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _first.TrySetResult(formatter(state, exception) + exception);
    }
}
