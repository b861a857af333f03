using System.Diagnostics;
using System.Globalization;

namespace Bench;

/// <summary>What came of one run of wrk.</summary>
internal sealed record WrkResult(long Requests, double PerSecond, double P50Ms, double P90Ms, double P99Ms, double P999Ms, long Failed);

/// <summary>The load generator: one thread, so many connections, each of which sends its next request when it has its answer.</summary>
internal static class Wrk
{
    /// <param name="script">File in <c>bench/http</c>.</param>
    public static async Task<WrkResult> RunAsync(Uri address, string script, int connections, int seconds, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("wrk") { UseShellExecute = false, RedirectStandardOutput = true };
        string[] arguments = ["-t1", Figures.Text($"-c{connections}"), Figures.Text($"-d{seconds}s"), "-s", Path.Combine("bench", "http", script), address.ToString().TrimEnd('/')];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["SCRIPTS"] = Path.Combine("bench", "http");
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var wrk = Process.Start(start)!;
        var output = await wrk.StandardOutput.ReadToEndAsync();
        await wrk.WaitForExitAsync();
        var result = output.Split('\n').FirstOrDefault(l => l.StartsWith("RESULT ", StringComparison.Ordinal))?.Split(' ')
            ?? throw new InvalidOperationException("wrk said nothing of its run: " + output);
        double Number(int i) => double.Parse(result[i], CultureInfo.InvariantCulture);
        return new WrkResult((long)Number(1), Number(1) / Number(2), Number(4), Number(5), Number(6), Number(7), (long)Number(3));
    }
}
