using System.Diagnostics;

namespace Bench;

/// <summary>One way to do one thing, run by many callers at once for a fixed time.</summary>
internal sealed record Contender(string Name, int Callers, Func<int, ValueTask> Once)
{
    public Contender(string name, int callers, Func<int, Task> once)
        : this(name, callers, i => new ValueTask(once(i)))
    {
    }
}

/// <summary>What came of it: the median of the rounds.</summary>
internal sealed record Measured(string Name, double PerSecond, double BytesPerOperation);

/// <summary>Runs contenders in turn, round after round, so that all meet the same machine.</summary>
internal static class SideBySide
{
    public const int Rounds = 5;
    private static readonly TimeSpan RoundTime = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    public static Task<Dictionary<string, Measured>> RunAsync(params Contender[] contenders) => RunAsync(RoundTime, contenders);

    /// <param name="time">Of each contender in a round.</param>
    public static async Task<Dictionary<string, Measured>> RunAsync(TimeSpan time, params Contender[] contenders)
    {
        var rates = contenders.ToDictionary(c => c.Name, _ => new List<double>());
        var bytes = contenders.ToDictionary(c => c.Name, _ => new List<double>());
        foreach (var contender in contenders) await RoundAsync(contender, time < WarmUp ? time : WarmUp);
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var contender in contenders)
            {
                var (rate, allocated) = await RoundAsync(contender, time);
                rates[contender.Name].Add(rate);
                bytes[contender.Name].Add(allocated);
            }
        }

        return contenders.ToDictionary(c => c.Name, c => new Measured(c.Name, Median(rates[c.Name]), Median(bytes[c.Name])));
    }

    /// <summary>One round, for those whose rivals are no contenders of this process.</summary>
    public static Task<(double Rate, double BytesPerOperation)> RoundAsync(Contender contender) => RoundAsync(contender, RoundTime);

    public static double Median(IEnumerable<double> values) => Figures.Median(values);

    public static double Percentile(IEnumerable<double> values, double part) => Figures.Percentile(values, part);

    public static string Text(FormattableString text) => Figures.Text(text);

    private static async Task<(double Rate, double BytesPerOperation)> RoundAsync(Contender contender, TimeSpan time)
    {
        var done = new long[contender.Callers * 8];   // eight apart: each in a cache line of its own
        var allocated = GC.GetTotalAllocatedBytes();
        var started = Stopwatch.GetTimestamp();
        var end = started + (long)(time.TotalSeconds * Stopwatch.Frequency);
        await Task.WhenAll(Enumerable.Range(0, contender.Callers).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; Stopwatch.GetTimestamp() < end; i++)
            {
                await contender.Once(unchecked((caller * 7919) + i));
                done[caller * 8]++;
            }
        })));
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var operations = done.Sum();
        return (operations / seconds, (GC.GetTotalAllocatedBytes() - allocated) / (double)Math.Max(operations, 1));
    }
}
