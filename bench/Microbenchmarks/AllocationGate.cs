using System.Text.Json;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Microbenchmarks;

/// <summary>
/// Bytes allocated by one operation, which is the same on every machine, compared with what they were: more than that is a decision, made by
/// keeping the new figures. Only benchmarks of the category <see cref="Category"/>, which need no server.
/// </summary>
internal static class AllocationGate
{
    public const string Category = "Allocations";

    public static readonly string BaselineFile = Path.Combine("bench", "baselines", "allocations.json");

    // Objects begin at multiples of it. What the process allocates beside a benchmark comes to less, over all its operations.
    private const long Alignment = 8;
    private const int Operations = 8_192;

    private static readonly JsonSerializerOptions Form = new() { WriteIndented = true };

    /// <returns>0: nothing allocates more than it did. 1: something does, or is not in the baseline, or could not be measured.</returns>
    public static int Run(string baselineFile, bool keep)
    {
        if (Measure() is not { } measured) return 1;
        if (keep)
        {
            File.WriteAllText(baselineFile, JsonSerializer.Serialize(measured, Form) + "\n");
            Console.WriteLine($"{measured.Count} kept in {baselineFile}");
            return 0;
        }

        var baseline = JsonSerializer.Deserialize<SortedDictionary<string, long>>(File.ReadAllText(baselineFile))!;
        var worse = 0;
        foreach (var (name, bytes) in measured)
        {
            var isKnown = baseline.TryGetValue(name, out var before);
            var isWorse = !isKnown || bytes > before;
            if (isWorse) worse++;
            Console.WriteLine($"{(isWorse ? "MORE" : "ok"),-5}{name}: {bytes} bytes, {(isKnown ? $"{before}" : "nothing")} in the baseline");
        }

        foreach (var name in baseline.Keys.Where(name => !measured.ContainsKey(name)))
        {
            worse++;
            Console.WriteLine($"GONE {name}: in the baseline, and no benchmark");
        }

        return worse == 0 ? 0 : 1;
    }

    /// <returns>By the benchmark's name; null: one of them broke, and said so.</returns>
    private static SortedDictionary<string, long>? Measure()
    {
        var config = ManualConfig.CreateEmpty()
            .AddJob(Job.Dry.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(2).WithIterationCount(1).WithInvocationCount(Operations).WithUnrollFactor(16))
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddLogger(NullLogger.Instance)
            .AddFilter(new AnyCategoriesFilter([Category]))
            .WithArtifactsPath(Path.Combine("artifacts", "microbenchmarks"));
        var reports = BenchmarkRunner.Run(typeof(AllocationGate).Assembly, config).SelectMany(s => s.Reports).ToArray();
        var bytes = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var report in reports)
        {
            var name = NameOf(report.BenchmarkCase);
            if (!report.Success || report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) is not { } allocated)
            {
                Console.WriteLine($"BROKE {name}: {string.Join(' ', report.ExecuteResults.SelectMany(r => r.Errors))}");
                return null;
            }

            bytes[name] = allocated / Alignment * Alignment;
        }

        return bytes.Count == 0 ? null : bytes;
    }

    private static string NameOf(BenchmarkCase benchmark) =>
        benchmark.HasParameters ? $"{benchmark.Descriptor.GetFilterName()}({benchmark.Parameters.PrintInfo})" : benchmark.Descriptor.GetFilterName();
}
