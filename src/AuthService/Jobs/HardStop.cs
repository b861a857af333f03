namespace AuthService.Jobs;

/// <summary>For work that may not stop when it is told to.</summary>
internal static class HardStop
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <param name="ct">Tells the work to stop. If it hasn't 5 s later, it is left to itself.</param>
    /// <exception cref="DoesNotStopException">It was.</exception>
    public static async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken ct)
    {
        using var left = new CancellationTokenSource();
        await using var told = ct.Register(() => left.CancelAfter(Grace));
        try
        {
            return await work(ct).WaitAsync(left.Token);
        }
        catch (OperationCanceledException) when (left.IsCancellationRequested)
        {
            throw new DoesNotStopException();
        }
    }
}

internal sealed class DoesNotStopException : Exception;
