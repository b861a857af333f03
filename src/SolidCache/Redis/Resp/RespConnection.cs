using System.Buffers;
using System.IO.Pipelines;

namespace SolidCache.Redis.Resp;

/// <summary>
/// One stream to one server, shared by all callers: commands go out in the order they come, many in one write, and each reply belongs to the oldest
/// command without one. Whatever casts doubt on that order ends the connection, and every command that waits fails.
/// </summary>
internal sealed class RespConnection : IThreadPoolWorkItem, IAsyncDisposable
{
    /// <summary>Commands waiting for replies; one more is refused.</summary>
    public const int MostWaiting = 65_536;

    /// <summary>Bytes that the server doesn't take; once there are so many, nothing more is added to them.</summary>
    private const int MostUnsentBytes = 64 << 20;

    private const int ReadBufferBytes = 64 << 10;
    private const int LargestKeptBuffer = 1 << 20;
    private const int LateSteps = 3;
    private static readonly TimeSpan LongestInLine = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LeastSilence = TimeSpan.FromSeconds(2);
    private static readonly byte[] Ping = "*1\r\n$4\r\nPING\r\n"u8.ToArray();
    private static readonly byte[] Asking = "*1\r\n$6\r\nASKING\r\n"u8.ToArray();

    private readonly Stream _stream;
    private readonly TimeSpan _limit;
    private readonly TimeProvider _clock;
    private readonly RedisCounters _counters;
    private readonly Action<RespValue> _pushed;
    private readonly Lock _gate = new();
    private readonly Queue<PendingReply> _waiting = new();
    private readonly TaskCompletionSource<string> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _closing = new();
    private readonly ITimer _sweep;
    private ArrayBufferWriter<byte> _out = new(4096);
    private ArrayBufferWriter<byte> _spare = new(4096);
    private bool _isSending;      // by somebody, or by the pool when it comes to it
    private bool _isSendQueued;
    private long _queuedAt;
    private bool _isClosed;
    private long _receivedAt;
    private long _sweptAt;
    private bool _wasLate;
    private Task _loops = Task.CompletedTask;

    /// <param name="pushed">What the server says unasked; called on the reading loop, so it must not wait.</param>
    public RespConnection(Stream stream, TimeSpan commandTimeout, TimeProvider clock, RedisCounters counters, Action<RespValue> pushed)
    {
        (_stream, _limit, _clock, _counters, _pushed) = (stream, commandTimeout, clock, counters, pushed);
        _receivedAt = _sweptAt = clock.GetTimestamp();
        _sweep = clock.CreateTimer(static self => ((RespConnection)self!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private TimeSpan SweepStep => TimeSpan.FromTicks(Math.Max(_limit.Ticks / 8, TimeSpan.TicksPerMillisecond * 2));

    /// <summary>Ends with the reason when the connection does.</summary>
    public Task<string> Closed => _closed.Task;

    public bool IsOpen => !Volatile.Read(ref _isClosed);

    public int Depth
    {
        get
        {
            lock (_gate) return _waiting.Count;
        }
    }

    public void Start()
    {
        _loops = ReadAsync();
        _sweep.Change(SweepStep, SweepStep);
    }

    /// <summary>Sends a command; its reply is what is awaited, an error among them.</summary>
    /// <param name="command">Writes itself; it must not throw, for half a command would be sent.</param>
    /// <param name="asking">Whether ASKING goes before it, with nothing in between.</param>
    /// <exception cref="RedisUnavailableException">Closed, full, lost, or too slow.</exception>
    public ValueTask<RespValue> SendAsync<TCommand>(TCommand command, CancellationToken ct, bool asking = false, bool isSubscription = false) where TCommand : IRespCommand
    {
        if (ct.IsCancellationRequested) return ValueTask.FromCanceled<RespValue>(ct);
        PendingReply pending;
        var (sends, queues) = (false, false);
        lock (_gate)
        {
            if (_isClosed) return Unavailable("not connected");
            if (_waiting.Count >= MostWaiting || _out.WrittenCount >= MostUnsentBytes) return Unavailable("too many commands are waiting");
            var now = _clock.GetTimestamp();
            if (asking) _out.Write(Asking);
            command.Write(new RespWriter(_out));
            if (asking) _waiting.Enqueue(Nobody(now));
            pending = PendingReply.Take(now, isSubscription);
            _waiting.Enqueue(pending);
            _counters.Commands++;
            if (_isSending)
            {
                // The pool is busy with other things: nobody waits longer for it than a moment.
                if (_isSendQueued && _clock.GetElapsedTime(_queuedAt, now) > LongestInLine) (sends, _isSendQueued) = (true, false);
            }
            else
            {
                // Who is alone has nobody to wait for. Else at the end of the pool's line: those whose replies came in the same read stand before it,
                // and what they ask next goes out in the same write.
                _isSending = true;
                if (_waiting.Count == 1) sends = true;
                else (queues, _isSendQueued, _queuedAt) = (true, true, now);
            }
        }

        pending.WatchFor(ct);
        var reply = pending.AsTask();
        if (sends) _ = SendAllAsync();
        else if (queues) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return reply;
    }

    /// <summary>Ends it: everyone who waits is told.</summary>
    public void Close(string reason)
    {
        PendingReply[] waiting;
        lock (_gate) waiting = CloseLocked(reason);
        foreach (var pending in waiting) pending.Fail(new RedisUnavailableException(reason));
    }

    public async ValueTask DisposeAsync()
    {
        Close("the client is closed");
        await _loops.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _sweep.DisposeAsync().ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        _closing.Dispose();
    }

    void IThreadPoolWorkItem.Execute()
    {
        lock (_gate)
        {
            if (!_isSendQueued) return;   // somebody was quicker
            _isSendQueued = false;
        }

        _ = SendAllAsync();
    }

    private static ValueTask<RespValue> Unavailable(string reason) => ValueTask.FromException<RespValue>(new RedisUnavailableException(reason));

    /// <summary>A place whose reply nobody awaits.</summary>
    private static PendingReply Nobody(long now)
    {
        var pending = PendingReply.Take(now, isSubscription: false);
        _ = pending.AsTask().AsTask().ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return pending;
    }

    private PendingReply[] CloseLocked(string reason)
    {
        if (_isClosed) return [];
        Volatile.Write(ref _isClosed, true);
        _sweep.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        PendingReply[] waiting = [.. _waiting];
        _waiting.Clear();
        _closing.Cancel();
        _closed.TrySetResult(reason);
        return waiting;
    }

    /// <summary>Whoever finds nobody sending sends for all, until there is nothing left.</summary>
    private async Task SendAllAsync()
    {
        try
        {
            while (true)
            {
                ArrayBufferWriter<byte> full;
                lock (_gate)
                {
                    if (_out.WrittenCount == 0 || _isClosed)
                    {
                        _isSending = false;
                        return;
                    }

                    full = _out;
                    _out = _spare;
                    _spare = full;
                }

                await _stream.WriteAsync(full.WrittenMemory, _closing.Token).ConfigureAwait(false);
                lock (_gate)
                {
                    if (full.Capacity > LargestKeptBuffer) _spare = new ArrayBufferWriter<byte>(4096);
                    else full.ResetWrittenCount();
                }
            }
        }
        catch (Exception e)
        {
            Close(Reason(e));
        }
    }

    private async Task ReadAsync()
    {
        var input = PipeReader.Create(_stream, new StreamPipeReaderOptions(bufferSize: ReadBufferBytes, leaveOpen: true));
        try
        {
            var reader = new RespReader(new RespLimits());
            while (true)
            {
                var read = await input.ReadAsync(_closing.Token).ConfigureAwait(false);
                Volatile.Write(ref _receivedAt, _clock.GetTimestamp());
                input.AdvanceTo(Dispatch(reader, read.Buffer), read.Buffer.End);
                if (!read.IsCompleted) continue;
                Close("the server has closed the connection");
                return;
            }
        }
        catch (Exception e)
        {
            // What can't be read is followed by nothing that can be trusted.
            Close(Reason(e));
        }
        finally
        {
            await input.CompleteAsync().ConfigureAwait(false);
        }
    }

    /// <returns>How far replies were whole.</returns>
    private SequencePosition Dispatch(RespReader reader, ReadOnlySequence<byte> buffer)
    {
        var input = new SequenceReader<byte>(buffer);
        while (reader.TryRead(ref input, out var reply))
        {
            if (reply.Type == RespType.Push)
            {
                if (IsAnswerToSubscription(reply)) (TryTake(answeredByPush: true) ?? throw new RespException("A subscription that nobody asked for.")).Complete(reply);
                _pushed(reply);
                continue;
            }

            var pending = TryTake(answeredByPush: reply.IsError ? null : false) ?? throw new RespException("A reply to nothing, or to another kind of command.");
            pending.Complete(reply);
        }

        return input.Position;
    }

    private static bool IsAnswerToSubscription(RespValue push) =>
        push.Items.Length == 3 && (push.Items.Span[0].Bytes.Span.SequenceEqual("subscribe"u8) || push.Items.Span[0].Bytes.Span.SequenceEqual("unsubscribe"u8));

    /// <param name="answeredByPush">What the oldest must be; null: either, for an error answers both.</param>
    private PendingReply? TryTake(bool? answeredByPush)
    {
        lock (_gate)
        {
            if (!_waiting.TryPeek(out var pending) || (answeredByPush is { } must && pending.IsSubscription != must)) return null;
            _waiting.Dequeue();
            return pending;
        }
    }

    /// <summary>Lets go of callers whose time is up, finds connections that are dead, and keeps quiet ones alive.</summary>
    private void Sweep()
    {
        var now = _clock.GetTimestamp();
        var sinceLast = _clock.GetElapsedTime(_sweptAt, now);
        _sweptAt = now;
        // This process had no time for anything: replies may have come that nobody could read, commands may be unsent. They have until the next look.
        _wasLate = !_wasLate && sinceLast >= SweepStep * LateSteps;
        if (_wasLate) return;
        var silence = _clock.GetElapsedTime(Volatile.Read(ref _receivedAt), now);
        var (timedOut, isIdle) = (0, true);
        lock (_gate)
        {
            if (_isClosed) return;
            if (_waiting.TryPeek(out var oldest))
            {
                isIdle = false;
                // Nobody owed anything before that was sent.
                var waited = _clock.GetElapsedTime(oldest.SentAt, now);
                if (waited < silence) silence = waited;
            }

            foreach (var pending in _waiting)
            {
                if (_clock.GetElapsedTime(pending.SentAt, now) < _limit) break;
                if (pending.Abandon(new RedisUnavailableException("no reply in time"))) timedOut++;
            }

            _counters.TimeOuts += timedOut;
        }

        if (!isIdle && silence > (_limit * 8 > LeastSilence ? _limit * 8 : LeastSilence)) Close("the server is silent");
        else if (isIdle && silence > QuietTime) Observe(SendAsync(new EncodedCommand(Ping), CancellationToken.None));
    }

    private static void Observe(ValueTask<RespValue> reply) =>
        _ = reply.AsTask().ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    private static string Reason(Exception e) => e switch
    {
        RespException => $"the server's reply can't be read: {e.Message}",
        OperationCanceledException or ObjectDisposedException => "the connection was closed",
        _ => $"the connection was lost: {e.Message}",
    };

    private readonly struct EncodedCommand(byte[] encoded) : IRespCommand
    {
        public void Write(RespWriter writer) => writer.Write(encoded);
    }
}
