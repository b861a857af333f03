using System.Diagnostics;
using System.Text.Json.Nodes;

namespace UnitTests.Repository;

/// <summary>Bytes allocated by one operation of what is done thousands of times a second, held to <c>bench/baselines/allocations.json</c> (<c>./dev bench allocations</c>).</summary>
public class AllocationsTests
{
    private const string Baseline = "bench/baselines/allocations.json";

    [Fact]
    public async Task No_operation_allocates_more_than_it_did()
    {
        var (code, output) = await RunAsync(RepositoryRoot.PathOf(Baseline));
        Assert.True(code == 0, output);
    }

    // What it compares with is this file: were nothing compared, a baseline that is too low would pass.
    [Fact]
    public async Task What_allocates_more_or_is_not_known_is_named()
    {
        var file = Path.GetTempFileName();
        try
        {
            var baseline = JsonNode.Parse(await File.ReadAllTextAsync(RepositoryRoot.PathOf(Baseline)))!.AsObject();
            var (lowered, left) = (baseline.First(b => (long)b.Value! > 100).Key, baseline.Last().Key);
            baseline[lowered] = (long)baseline[lowered]! - 24;
            baseline.Remove(left);
            baseline["Gone.Is"] = 1;
            await File.WriteAllTextAsync(file, baseline.ToJsonString());
            var (code, output) = await RunAsync(file);
            Assert.Equal(1, code);
            Assert.Contains($"MORE {lowered}:", output, StringComparison.Ordinal);
            Assert.Contains($"MORE {left}:", output, StringComparison.Ordinal);
            Assert.Contains("GONE Gone.Is", output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task<(int Code, string Output)> RunAsync(string baseline)
    {
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { RepositoryRoot.PathOf("bench/Microbenchmarks/bin/Release/net10.0/Microbenchmarks.dll"), "allocations", "--baseline", baseline }) start.ArgumentList.Add(argument);
        // Compiled once and for good: what is allocated does not depend on how far the compiler has come.
        start.Environment["DOTNET_TieredCompilation"] = "0";
        using var run = Process.Start(start)!;
        var (output, errors) = (run.StandardOutput.ReadToEndAsync(), run.StandardError.ReadToEndAsync());
        await run.WaitForExitAsync();
        return (run.ExitCode, await output + await errors);
    }
}
