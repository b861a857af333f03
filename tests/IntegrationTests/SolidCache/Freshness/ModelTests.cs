using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>
/// The protocol as a model, Model/freshness.pml, of which SPIN goes through every order of steps. As it is, none leads to an answer that may
/// not be given; with a rule removed some do.
/// </summary>
[Trait(TestRun.LongTrait, "yes")]
public partial class ModelTests(ITestOutputHelper output)
{
    private const string Small = "-DCHANGES=1 -DLEASE=1";
    private const string LongLease = "-DCHANGES=1 -DLEASE=2";
    private const string Crash = "-DCHANGES=1 -DLEASE=1 -DCRASHES=1 -DOTHERS=1";
    private const string Retention = "-DCHANGES=1 -DLEASE=1 -DRETENTION=2";

    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromMinutes(3)).Token;

    [Theory]
    [InlineData("-DCHANGES=2 -DLEASE=2")]
    [InlineData("-DCHANGES=1 -DLEASE=1 -DNODES=2")]
    [InlineData(Crash)]
    [InlineData(Retention)]
    public async Task In_every_order_of_steps_nothing_is_stale(string bounds)
    {
        var search = await SearchAsync(bounds, "-O1", depth: 100_000);
        Assert.Contains("errors: 0", search, StringComparison.Ordinal);
        // Neither cut off at a depth, nor broken off, for want of memory say.
        Assert.DoesNotContain("too small", search, StringComparison.Ordinal);
        Assert.DoesNotContain("not completed", search, StringComparison.Ordinal);
        output.WriteLine($"{bounds}: {StatesOf(search)} states, {DepthOf(search)} steps deep");
    }

    [Theory]
    [InlineData("NO_STAMP", Small)]
    [InlineData("LATE_STAMP", Small)]
    [InlineData("NO_LEASE", Small)]
    [InlineData("LEASE_FROM_ANSWER", Small)]
    [InlineData("NO_REGISTRATION", Small)]
    [InlineData("LATE_REGISTRATION", Small)]
    [InlineData("DEREGISTER_FIRST", Small)]
    [InlineData("OLD_HEARTBEAT", LongLease)]
    [InlineData("EARLY_REMOVAL", LongLease)]
    [InlineData("NO_BARRIER", Small)]
    [InlineData("NO_NOTHING_CHANGED_WAIT", Small)]
    [InlineData("POLL_BY_NUMBER", Small)]
    [InlineData("TRUSTED_RUMOURS", Small)]
    [InlineData("NO_EPOCH", Crash)]
    [InlineData("NO_YOUNG_EPOCH_WAIT", Crash)]
    [InlineData("NO_OWN_ROW", Crash)]
    [InlineData("NO_PRUNING_RULE", Retention)]
    [InlineData("NO_AWAY_RULE", Retention)]
    [InlineData("OLD_ENTRIES", Retention)]
    public async Task Without_any_one_rule_something_is(string removed, string bounds)
    {
        // What is wrong needs no deep search; to compile well would take longer than to search.
        var search = await SearchAsync($"{bounds} -D{removed}", "-O0", depth: 150);
        Assert.Matches(WrongAnswer(), search);
        output.WriteLine($"{removed}: found after {StatesOf(search)} states, {WrongAnswer().Match(search).Groups[1]} steps deep");
    }

    /// <returns>What the search says of itself.</returns>
    private async Task<string> SearchAsync(string defines, string optimization, int depth)
    {
        await using var folder = new TestFolder();
        File.Copy(Path.Combine(Path.GetDirectoryName(ThisFile())!, "Model", "freshness.pml"), Path.Combine(folder.Path, "freshness.pml"));
        await RunAsync("spin", ["-a", .. defines.Split(' '), "freshness.pml"]);
        await RunAsync("gcc", [optimization, "-w", "-DSAFETY", "-DNOREDUCE", "-DNOCOMP", "-DMEMLIM=1900", "-o", "pan", "pan.c"]);
        return await RunAsync(Path.Combine(folder.Path, "pan"), [$"-m{depth}"]);

        async Task<string> RunAsync(string program, string[] arguments)
        {
            var start = new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder.Path,
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            Process process;
            try
            {
                process = Process.Start(start)!;
            }
            catch (Win32Exception e)
            {
                throw new InvalidOperationException($"'{program}' is not installed: run ./dev setup.", e);
            }

            using (process)
            {
                try
                {
                    var (said, complained) = (process.StandardOutput.ReadToEndAsync(_ct), process.StandardError.ReadToEndAsync(_ct));
                    await process.WaitForExitAsync(_ct);
                    var all = await said + await complained;
                    Assert.True(process.ExitCode == 0, all);
                    return all;
                }
                finally
                {
                    if (!process.HasExited) process.Kill();
                }
            }
        }
    }

    private static string StatesOf(string search) => States().Match(search).Groups[1].Value;

    private static string DepthOf(string search) => Depth().Match(search).Groups[1].Value;

    private static string ThisFile([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"(\d+) states, stored")]
    private static partial Regex States();

    [GeneratedRegex(@"depth reached (\d+)")]
    private static partial Regex Depth();

    // The one assertion of the model; not a deadlock, nor a search that ended too early.
    [GeneratedRegex(@"assertion violated \(node\[n\]\.value>=answered\) \(at depth (\d+)\)")]
    private static partial Regex WrongAnswer();
}
