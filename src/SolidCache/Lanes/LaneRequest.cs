using System.Diagnostics;

namespace SolidCache.Lanes;

/// <summary>One caller's question and its wait. The caller may leave at any time; what the lane then brings is disposed.</summary>
internal sealed class LaneRequest<TRequest, TResult> : TaskCompletionSource<TResult>
{
    private readonly CancellationTokenRegistration _registration;

    public LaneRequest(TRequest value, long weight, CancellationToken ct)
        : base(TaskCreationOptions.RunContinuationsAsynchronously)   // the lane must not run its callers' code
    {
        (Value, Weight, EnqueuedAt) = (value, weight, Stopwatch.GetTimestamp());
        if (ct.CanBeCanceled)
            _registration = ct.UnsafeRegister(static (self, token) => ((LaneRequest<TRequest, TResult>)self!).TrySetCanceled(token), this);
    }

    public TRequest Value { get; }

    public long Weight { get; }

    public long EnqueuedAt { get; }

    public bool HasLeft => Task.IsCompleted;

    /// <summary>The request was not taken on.</summary>
    public void Leave() => _registration.Dispose();

    public void Complete(TResult result)
    {
        _registration.Dispose();
        if (!TrySetResult(result)) (result as IDisposable)?.Dispose();
    }

    public void TryFail(Exception e)
    {
        _registration.Dispose();
        TrySetException(e);
    }
}
