using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Microbenchmarks;

// ./dev bench micro [FILTER]…       time and bytes of each layer, as BenchmarkDotNet measures them
// ./dev bench allocations [--keep]  bytes alone, compared with bench/baselines/allocations.json, or kept there
return args switch
{
    ["allocations"] => AllocationGate.Run(AllocationGate.BaselineFile, keep: false),
    ["allocations", "--keep"] => AllocationGate.Run(AllocationGate.BaselineFile, keep: true),
    ["allocations", "--baseline", var file] => AllocationGate.Run(file, keep: false),
    _ => Time(args),
};

static int Time(string[] filters)
{
    // In this process: a project made for each run would have to be restored, and would not find what is internal.
    var config = ManualConfig.CreateEmpty()
        .AddJob(Job.MediumRun.WithLaunchCount(1).WithToolchain(InProcessEmitToolchain.Instance))
        .AddDiagnoser(MemoryDiagnoser.Default)
        .AddColumnProvider(DefaultColumnProviders.Instance)
        .AddLogger(ConsoleLogger.Default)
        .AddExporter(MarkdownExporter.GitHub)
        .WithArtifactsPath(Path.Combine("artifacts", "microbenchmarks"))
        .WithOptions(ConfigOptions.JoinSummary);
    string[] chosen = filters.Length == 0 ? ["--filter", "*"] : ["--filter", .. filters.Select(f => $"*{f}*")];
    var summaries = BenchmarkSwitcher.FromAssembly(typeof(AllocationGate).Assembly).Run(chosen, config);
    return summaries.Any() && summaries.All(s => !s.HasCriticalValidationErrors && s.Reports.All(r => r.Success)) ? 0 : 1;
}
