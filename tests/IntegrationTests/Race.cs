namespace IntegrationTests;

/// <summary>Many calls at the same instant.</summary>
public static class Race
{
    /// <summary>Makes <paramref name="count"/> calls that all wait until the last of them is under way, then run at once.</summary>
    /// <returns>The results in the order of the calls' numbers.</returns>
    public static Task<T[]> RunAsync<T>(int count, Func<int, Task<T>> call)
    {
        var missing = count;
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return Task.WhenAll(Enumerable.Range(0, count).Select(number => Task.Run(async () =>
        {
            if (Interlocked.Decrement(ref missing) == 0) start.SetResult();
            await start.Task;
            return await call(number);
        })));
    }
}
