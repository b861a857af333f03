using System.Collections.Concurrent;
using SolidCache.Redis.Resp;

namespace UnitTests.SolidCache.Redis.Resp;

/// <summary>Whatever callers do who lose patience, an answer belongs to its question.</summary>
public class RespConnectionTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(250);

    // Take an abandoned command's place out of the queue, and its answer goes to the next caller.
    [Fact]
    public async Task Commands_that_were_given_up_shift_no_answer()
    {
        await using var server = await ScriptedServer.StartAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        using var impatience = new CancellationTokenSource();
        var calls = Enumerable.Range(0, 300).Select(i => GetAsync(server, $"key:{i}", i % 3 == 1 ? impatience.Token : CancellationToken.None)).ToArray();
        await server.ReceivedAsync(300);
        await server.AnswerAsync(50);
        await impatience.CancelAsync();
        for (var i = 51; i < 300; i++) if (i % 3 == 1) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => calls[i]);
        await server.AnswerAsync(250);
        for (var i = 0; i < 300; i++) if (i % 3 != 1) Assert.Equal($"key:{i}", await calls[i]);
        Assert.True(server.Connection.IsOpen);
    }

    [Fact]
    public async Task Commands_that_took_too_long_shift_no_answer()
    {
        var clock = new ManualClock();
        await using var server = await ScriptedServer.StartAsync(Limit, clock);
        for (var round = 0; round < 20; round++)
        {
            var late = Enumerable.Range(0, 10).Select(i => GetAsync(server, $"late:{round}:{i}")).ToArray();
            await server.ReceivedAsync(10);
            for (var step = 0; step < 10; step++) clock.Advance(Limit / 8);
            foreach (var call in late) await Assert.ThrowsAsync<RedisUnavailableException>(() => call);
            var next = Enumerable.Range(0, 10).Select(i => GetAsync(server, $"next:{round}:{i}")).ToArray();
            await server.ReceivedAsync(10);
            await server.AnswerAsync(20);
            for (var i = 0; i < 10; i++) Assert.Equal($"next:{round}:{i}", await next[i]);
        }

        Assert.Equal(200, server.Counters.TimeOuts);
        Assert.True(server.Connection.IsOpen);
    }

    // Many callers, some of whom leave at any moment, on objects that are used again and again: each answer says whose it is.
    [Fact]
    public async Task Under_load_with_callers_that_leave_every_answer_is_the_right_one()
    {
        await using var server = await ScriptedServer.StartAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        var (wrong, answered, left) = (new ConcurrentQueue<string>(), 0, 0);
        using var stop = new CancellationTokenSource();
        var answering = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await server.ReceivedAsync(1);
                await server.AnswerAsync(1);
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 16).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; i < 1000; i++)
            {
                using var leave = new CancellationTokenSource();
                var (key, call) = ($"{caller}:{i}", GetAsync(server, $"{caller}:{i}", leave.Token));
                if (i % 4 == 0) await leave.CancelAsync();
                try
                {
                    var answer = await call;
                    Interlocked.Increment(ref answered);
                    if (answer != key) wrong.Enqueue($"{key} got {answer}");
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref left);
                }
            }
        })));
        await stop.CancelAsync();
        _ = GetAsync(server, "the last");
        await answering;
        Assert.Empty(wrong);
        Assert.Equal(16_000, answered + left);
        Assert.True(answered > 10_000 && left > 0, $"{answered} answered, {left} left");
    }

    // Judge at the first look after a stop, and all who wait are told that the server is slow, which it was not.
    [Fact]
    public async Task A_process_that_stood_still_does_not_blame_the_server()
    {
        var clock = new ManualClock();
        await using var server = await ScriptedServer.StartAsync(Limit, clock);
        var call = GetAsync(server, "key");
        await server.ReceivedAsync(1);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, server.Counters.TimeOuts);
        await server.AnswerAsync(1);
        Assert.Equal("key", await call);

        // But it is judged, however late each look is.
        var late = GetAsync(server, "late");
        await server.ReceivedAsync(1);
        for (var i = 0; i < 2; i++) clock.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<RedisUnavailableException>(() => late);
    }

    // Count silence from the last reply alone, and the first command after a pause ends the connection.
    [Fact]
    public async Task A_command_after_a_pause_has_its_whole_time()
    {
        var clock = new ManualClock();
        await using var server = await ScriptedServer.StartAsync(Limit, clock);
        clock.Advance(TimeSpan.FromSeconds(4.5));
        var call = GetAsync(server, "key");
        await server.ReceivedAsync(1);
        clock.Advance(TimeSpan.FromMilliseconds(100));
        await server.AnswerAsync(1);
        Assert.Equal("key", await call);
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_given_up_with_all_who_wait()
    {
        var clock = new ManualClock();
        await using var server = await ScriptedServer.StartAsync(Limit, clock);
        var call = GetAsync(server, "key");
        await server.ReceivedAsync(1);
        for (var i = 0; i < 10; i++) clock.Advance(TimeSpan.FromMilliseconds(250));
        await Assert.ThrowsAsync<RedisUnavailableException>(() => call);
        Assert.False(server.Connection.IsOpen);
        Assert.Equal("the server is silent", await server.Connection.Closed);
        await Assert.ThrowsAsync<RedisUnavailableException>(() => GetAsync(server, "another"));
    }

    // Go on after a reply that can't be read, and the next caller gets whatever follows it.
    [Theory]
    [InlineData("$3\r\nabcd\r\n")]
    [InlineData("?what\r\n")]
    public async Task After_what_is_no_reply_nothing_is_believed(string wire)
    {
        await using var server = await ScriptedServer.StartAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        var calls = Enumerable.Range(0, 5).Select(i => GetAsync(server, $"key:{i}")).ToArray();
        await server.ReceivedAsync(5);
        await server.SendAsync(wire + "$5\r\nkey:1\r\n$5\r\nkey:2\r\n");
        foreach (var call in calls) await Assert.ThrowsAsync<RedisUnavailableException>(() => call);
    }

    [Fact]
    public async Task A_reply_nobody_asked_for_ends_the_connection()
    {
        await using var server = await ScriptedServer.StartAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        await server.SendAsync("+OK\r\n");
        await server.Connection.Closed.WaitAsync(TimeSpan.FromSeconds(20));
        await Assert.ThrowsAsync<RedisUnavailableException>(() => GetAsync(server, "key"));
    }

    // Take replies for what they are to be rather than what they are, and a shift by one goes unnoticed where it could be seen.
    [Theory]
    [InlineData(true, "+OK\r\n")]                                          // SUBSCRIBE is answered by a push
    [InlineData(false, ">3\r\n$9\r\nsubscribe\r\n$3\r\nkey\r\n:1\r\n")]  // GET is not
    public async Task A_reply_to_another_kind_of_command_ends_the_connection(bool isSubscription, string wire)
    {
        await using var server = await ScriptedServer.StartAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        var call = server.Connection.SendAsync(new KeyCommand(isSubscription ? KeyCommand.Subscribe : KeyCommand.Get, "key"), CancellationToken.None, isSubscription: isSubscription);
        await server.ReceivedAsync(1);
        await server.SendAsync(wire);
        await Assert.ThrowsAsync<RedisUnavailableException>(() => call.AsTask());
        Assert.False(server.Connection.IsOpen);
    }

    // Refuse one by the rule above that a subscription is answered by a push alone, and the next caller gets its error.
    [Fact]
    public async Task A_subscription_that_is_refused_shifts_no_answer()
    {
        await using var server = await ScriptedServer.StartAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        var subscription = server.Connection.SendAsync(new KeyCommand(KeyCommand.Subscribe, "channel"), CancellationToken.None, isSubscription: true);
        var call = GetAsync(server, "key");
        await server.ReceivedAsync(2);
        await server.SendAsync("-NOPERM no\r\n$3\r\nkey\r\n");
        Assert.True((await subscription).IsError);
        Assert.Equal("key", await call);
    }

    // Bound the commands alone, and a server that takes nothing makes this process hold all that anyone wants to store.
    [Fact]
    public async Task What_the_server_does_not_take_is_bounded_in_bytes()
    {
        await using var stream = new StuckStream();
        await using var connection = new RespConnection(stream, TimeSpan.FromSeconds(30), TimeProvider.System, new RedisCounters(), _ => { });
        var value = new byte[8 << 20];
        var refused = 0;
        for (var i = 0; i < 12; i++)
        {
            var call = connection.SendAsync(new SetCommand("key", value, 1000, onlyIfAbsent: false), CancellationToken.None).AsTask();
            if (call.IsFaulted && call.Exception!.InnerException is RedisUnavailableException) refused++;
        }

        // The first is being sent and counts no more; eight reach the bound.
        Assert.Equal(3, refused);
    }

    // Make a new place, a task or a closure for each command, and it is over the bound.
    [Fact]
    public async Task Sending_a_command_allocates_next_to_nothing()
    {
        const int Commands = 5_000;
        await using var server = await ScriptedServer.StartAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        var allocated = 0L;
        for (var i = 0; i < Commands * 2; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var call = server.Connection.SendAsync(new KeyCommand(KeyCommand.Get, "key"), CancellationToken.None);
            if (i >= Commands) allocated += GC.GetAllocatedBytesForCurrentThread() - before;
            await server.ReceivedAsync(1);
            await server.AnswerAsync(1);
            Assert.Equal("key", (await call).AsText());
        }

        Assert.InRange(allocated / Commands, 0, 24);
    }

    private static async Task<string?> GetAsync(ScriptedServer server, string key, CancellationToken ct = default) =>
        (await server.Connection.SendAsync(new KeyCommand(KeyCommand.Get, key), ct)).AsText();

    /// <summary>Takes nothing and gives nothing.</summary>
    private sealed class StuckStream : Stream
    {
        private readonly TaskCompletionSource _never = new();

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() => throw new NotSupportedException();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => await _never.Task.WaitAsync(cancellationToken);
    }
}
