using System.Diagnostics;

namespace SolidCache.Lanes;

/// <summary>One caller's question and its wait. The caller may leave at any time; what the lane then brings is disposed.</summary>
internal sealed class LaneRequest<TRequest, TResult> : TaskCompletionSource<TResult>, IThreadPoolWorkItem
{
    private readonly CancellationTokenRegistration _registration;
    private TResult? _result;

    public LaneRequest(TRequest value, long weight, CancellationToken ct) : base(CacheTelemetry.Activities.HasListeners() ? Activity.Current : null)
    {
        (Value, Weight, EnqueuedAt) = (value, weight, Stopwatch.GetTimestamp());
        if (ct.CanBeCanceled)
            _registration = ct.UnsafeRegister(static (self, token) => ((LaneRequest<TRequest, TResult>)self!).Elsewhere(r => r.TrySetCanceled(token)), this);
    }

    public TRequest Value { get; }

    public long Weight { get; }

    public long EnqueuedAt { get; }

    /// <summary>What the caller is traced as; null where nobody listens.</summary>
    public Activity? Trace => Task.AsyncState as Activity;

    public bool HasLeft => Task.IsCompleted;

    /// <summary>The request was not taken on.</summary>
    public void Leave() => _registration.Dispose();

    /// <param name="continuesHere">Whether this thread may be the caller's from now on.</param>
    public void Complete(TResult result, bool continuesHere)
    {
        _result = result;
        if (continuesHere) Execute();
        else ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);   // in the order of the batch: see Lane.RunAsync
    }

    public void TryFail(Exception e)
    {
        _registration.Dispose();
        Elsewhere(r => r.TrySetException(e));
    }

    /// <inheritdoc/>
    public void Execute()
    {
        _registration.Dispose();
        if (!TrySetResult(_result!)) (_result as IDisposable)?.Dispose();
    }

    private void Elsewhere(Action<LaneRequest<TRequest, TResult>> end) => ThreadPool.UnsafeQueueUserWorkItem(end, this, preferLocal: false);
}
