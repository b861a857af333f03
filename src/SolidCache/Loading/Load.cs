using SolidCache.Freshness;
using SolidCache.Serialization;

namespace SolidCache.Loading;

/// <summary>What a load brought, for all who waited for it.</summary>
/// <param name="mark">Null: it can't be judged, so only those whose load it is may have it.</param>
internal sealed class LoadResult<T>(T value, byte[] payload, ushort version, FreshnessMark? mark, bool isFound)
{
    private int _taken;

    public FreshnessMark? Mark => mark;

    /// <summary>False: nothing was stored and no loader was allowed to run.</summary>
    public bool IsFound => isFound;

    /// <summary>The value, for one caller: the object itself for the first, copies for the others, unless nobody can change it.</summary>
    public T Take(EntrySerializer<T> serializer, bool isShared)
    {
        if (isShared || Interlocked.Exchange(ref _taken, 1) == 0) return value;
        return serializer.TryRead(payload, version, out var copy) ? copy : throw new InvalidOperationException("The serializer can't read what it wrote.");
    }
}

/// <summary>A load under way. It ends when it is done, or when everybody who waited has left.</summary>
#pragma warning disable CA1001   // a source of tokens without a timer holds nothing
internal abstract class Load
#pragma warning restore CA1001
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _abandoned = new();
    private int _waiters = 1;

    protected Load() => Token = _abandoned.Token;

    /// <summary>Fires when nobody waits any more.</summary>
    public CancellationToken Token { get; }

    /// <summary>Callers that wait for it.</summary>
    public int Waiters
    {
        get
        {
            lock (_lock) return _waiters;
        }
    }

    public bool TryJoin()
    {
        lock (_lock)
        {
            if (_waiters == 0) return false;
            _waiters++;
            return true;
        }
    }

    public void Leave()
    {
        lock (_lock)
        {
            if (--_waiters > 0) return;
        }

        _abandoned.Cancel();
    }
}

/// <inheritdoc cref="Load"/>
internal sealed class Load<T> : Load
{
    private readonly TaskCompletionSource<LoadResult<T>> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<LoadResult<T>> Result => _result.Task;

    public void Complete(LoadResult<T> result) => _result.TrySetResult(result);

    public void Fail(Exception e)
    {
        // As it is, also where the loader gave up by itself: its reason is inside.
        _result.TrySetException(e);
        // Whoever waited may have left.
        _ = _result.Task.Exception;
    }
}
