using System.Diagnostics;
using Bench.Report;

namespace Bench.Suite;

/// <summary>The parts of a long run: what breaks in one of them is told at the end, and costs the others nothing.</summary>
internal sealed class Steps
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();

    public ReportTable Failures { get; } = new("part", "what broke");

    public TimeSpan Elapsed => _watch.Elapsed;

    public async Task RunAsync(string name, Func<Task> run)
    {
        var end = "";
        try
        {
            await run();
        }
        catch (Exception e)   // whatever it was, the figures of ten minutes are not to go with it
        {
            Failures.Add(name, e.GetType().Name + ": " + e.Message.ReplaceLineEndings(" "));
            end = ": " + e;
        }

        await Console.Error.WriteLineAsync(Figures.Text($"{_watch.Elapsed.TotalSeconds,4:F0} s  {name}{end}"));
    }
}
