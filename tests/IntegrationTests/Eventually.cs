using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace IntegrationTests;

/// <summary>Waits for what another process does in its own time; never for time to pass.</summary>
public static class Eventually
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(20);

    /// <exception cref="TimeoutException">The condition was not true within <paramref name="limit"/>.</exception>
    public static async Task TrueAsync(
        Func<Task<bool>> condition, TimeSpan limit, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var waited = Stopwatch.StartNew();
        while (!await condition())
        {
            if (waited.Elapsed > limit) throw new TimeoutException($"Not within {limit.TotalSeconds:0.#} s: {what}");
            await Task.Delay(Between, TimeProvider.System, CancellationToken.None);
        }
    }

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, TimeSpan, string)"/>
    public static Task TrueAsync(Func<bool> condition, TimeSpan limit, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        TrueAsync(() => Task.FromResult(condition()), limit, what);
}
