using System.Globalization;
using System.Runtime.InteropServices;
using AuthService.Database;
using Bench.Http;
using Bench.Peers;
using Bench.Report;

namespace Bench.Suite;

/// <summary>What figures depend on: the machine, versions, settings.</summary>
internal static class Circumstances
{
    public static async Task<string> CommitAsync() => await OutputAsync("git", "rev-parse", "--short=7", "HEAD") is { Length: > 0 } commit ? commit : "unknown";

    public static async Task ReadMachineAsync(ReportTable table, string commit)
    {
        var changes = await OutputAsync("git", "status", "--porcelain", "--untracked-files=no");
        table.Add("commit", commit + (changes.Length > 0 ? ", with changes that are not in it" : ""));
        table.Add("processor", Figures.Text($"{Field("/proc/cpuinfo", "model name")}, {Environment.ProcessorCount} cores"));
        table.Add("memory", Figures.Text($"{Kibibytes(Field("/proc/meminfo", "MemTotal")) / 1048576:F1} GiB"));
        table.Add("kernel", RuntimeInformation.OSDescription);
        table.Add("load average at the start", string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ').Take(3)) + " (what else the machine was busy with)");
        table.Add(".NET", RuntimeInformation.FrameworkDescription);
        table.Add("Redis", await OutputAsync("redis-cli", "--version"));
        table.Add("Python of the peers", await FastApi.VersionsAsync() ?? "not here");
        table.Add("wrk", (await OutputAsync("wrk", "-v")).Split('\n')[0]);
    }

    public static async Task ReadDatabaseAsync(ReportTable table, Target target)
    {
        table.Add("PostgreSQL", await target.ReadAsync<string>("SELECT current_setting('server_version')"));
        table.Add("its settings, as shipped", await target.ReadAsync<string>("""
            SELECT string_agg(s.name || '=' || current_setting(s.name), ', ' ORDER BY s.name)
            FROM   pg_settings s
            WHERE  s.name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_connections', 'checkpoint_completion_target')
            """));
        var pool = new DatabaseOptions();
        table.Add("the service's settings", Figures.Text($"as shipped: pool of {pool.PoolMinimum} to {pool.PoolMaximum} connections, telemetry and logs on; limits by address and session lifted"));
        table.Add("connections of the load", Figures.Text($"{Scene.Connections}, one thread, where nothing else is said"));
    }

    private static async Task<string> OutputAsync(string file, params string[] arguments)
    {
        try
        {
            await using var process = ChildProcess.Start(file, arguments, []);
            await process.EndAsync();
            return process.LastWords.Trim();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "not here";
        }
    }

    private static string Field(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown";

    private static double Kibibytes(string text) => double.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture);
}
