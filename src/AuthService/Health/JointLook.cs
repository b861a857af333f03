namespace AuthService.Health;

/// <summary>
/// What one look at the database has found, for whoever asks within a while. The probes ask without credentials: however many they are, the database is
/// asked once in that time, over one connection.
/// </summary>
/// <param name="look">Must end by itself, and not throw.</param>
internal sealed class JointLook<T>(Func<Task<T>> look, TimeSpan keptFor, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private Task<T>? _last;
    private long _endedAt;

    /// <summary>Found at most <c>keptFor</c> ago, or by the look that is under way.</summary>
    /// <exception cref="OperationCanceledException">The caller has left; the look goes on for the others.</exception>
    public Task<T> LatestAsync(CancellationToken ct)
    {
        lock (_gate)
        {
            if (_last is null || (_last.IsCompleted && clock.GetElapsedTime(_endedAt) >= keptFor)) _last = LookAsync();
            return _last.WaitAsync(ct);
        }
    }

    private async Task<T> LookAsync()
    {
        await Task.Yield();   // not while the lock is held
        var found = await look();
        lock (_gate) _endedAt = clock.GetTimestamp();
        return found;
    }
}
