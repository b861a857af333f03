using System.Collections.Concurrent;
using System.Threading.Tasks.Sources;

namespace SolidCache.Redis.Resp;

/// <summary>
/// The place of a command in the pipeline, and what its caller awaits. A caller may leave (time-out, cancellation); the place stays until its reply has
/// come and is thrown away, so that no reply reaches another command. Used again when both sides are done with it.
/// </summary>
internal sealed class PendingReply : IValueTaskSource<RespValue>
{
    private const int MostKept = 1024;
    private static readonly ConcurrentQueue<PendingReply> Kept = new();
    private static int _kept;

    private ManualResetValueTaskSourceCore<RespValue> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;
    private int _isDecided;
    private int _holders;

    private PendingReply()
    {
    }

    /// <summary>When it was sent, as a timestamp.</summary>
    public long SentAt { get; private set; }

    /// <summary>Whether it is a subscription, which is answered by a push.</summary>
    public bool IsSubscription { get; private set; }

    public static PendingReply Take(long sentAt, bool isSubscription)
    {
        if (Kept.TryDequeue(out var pending)) Interlocked.Decrement(ref _kept);
        else pending = new PendingReply();
        (pending.SentAt, pending.IsSubscription, pending._holders, pending._isDecided) = (sentAt, isSubscription, 2, 0);
        return pending;
    }

    /// <summary>What the caller awaits, once.</summary>
    public ValueTask<RespValue> AsTask() => new(this, _core.Version);

    /// <summary>From now on the caller may leave.</summary>
    public void WatchFor(CancellationToken ct)
    {
        if (!ct.CanBeCanceled) return;
        _cancellation = ct.UnsafeRegister(static (self, token) => ((PendingReply)self!).Abandon(new OperationCanceledException(token)), this);
    }

    /// <summary>The reply has come, or none will: the pipeline lets go of it.</summary>
    public void Complete(in RespValue reply)
    {
        if (Interlocked.Exchange(ref _isDecided, 1) == 0) _core.SetResult(reply);
        Release();
    }

    /// <inheritdoc cref="Complete"/>
    public void Fail(Exception reason)
    {
        Abandon(reason);
        Release();
    }

    /// <summary>The caller gets an answer; the place stays.</summary>
    /// <returns>False: it had one.</returns>
    public bool Abandon(Exception reason)
    {
        if (Interlocked.Exchange(ref _isDecided, 1) != 0) return false;
        _core.SetException(reason);
        return true;
    }

    RespValue IValueTaskSource<RespValue>.GetResult(short token)
    {
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            // Waits for a cancellation that is just running: it must not meet the next command in this place.
            _cancellation.Dispose();
            _cancellation = default;
            Release();
        }
    }

    ValueTaskSourceStatus IValueTaskSource<RespValue>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<RespValue>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Release()
    {
        if (Interlocked.Decrement(ref _holders) > 0) return;
        _core.Reset();
        if (Interlocked.Increment(ref _kept) <= MostKept) Kept.Enqueue(this);
        else Interlocked.Decrement(ref _kept);
    }
}
