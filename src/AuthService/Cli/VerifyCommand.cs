using System.CommandLine;
using System.Globalization;
using AuthService.Installation;
using AuthService.Verification;
using Spectre.Console;

namespace AuthService.Cli;

/// <summary><c>authservice verify [--benchmark] [--node …]</c>: asks a live installation whether it does what it should.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var benchmark = new Option<bool>("--benchmark") { Description = "Also measure each operation of the cache: 2,000 calls, one after the other." };
        var node = new Option<Uri[]>("--node") { Description = "Also compare the rights in the memory of this running node with the database; may be repeated. AUTH_ACCESS_TOKEN holds the token of an administrator." };
        var command = new Command("verify", "Check a live installation: schema, functions, a round trip through the cache, PostgreSQL's settings. Leaves nothing behind.") { benchmark, node };
        command.SetConfiguredAction((result, settings, ct) => ExecuteAsync(result.GetValue(benchmark), result.GetValue(node) ?? [], settings, ct));
        return command;
    }

    private static async Task<int> ExecuteAsync(bool withBenchmark, Uri[] nodes, string[] settings, CancellationToken ct)
    {
        var configuration = CommandHost.CreateBuilder(settings).Configuration;
        using var loggers = CommandHost.CreateLoggers(configuration);
        await using var installation = await OpenInstallation.OpenAsync(configuration, asOwner: false, loggers, ct);
        await installation.RequireSchemaAsync(loggers, ct);
        var checks = new List<Check>(await new VerifyCacheSchema(installation.Db).ExecuteAsync(ct));
        IReadOnlyList<CacheLatency> latencies = [];
        // Without its schema nothing else can work, and the reason is said.
        if (checks.TrueForAll(check => !check.HasFailed))
        {
            await using var cache = await installation.StartCacheAsync(ct);
            checks.AddRange(await new VerifyCache(installation.Db, cache).ExecuteAsync(ct));
            if (withBenchmark) latencies = await new MeasureCache(cache).ExecuteAsync(ct);
        }

        checks.AddRange(await new VerifyServerSettings(installation.Db).ExecuteAsync(ct));
        foreach (var node in nodes)
        {
            var token = configuration["AUTH_ACCESS_TOKEN"] ?? throw new SettingsException("--node needs AUTH_ACCESS_TOKEN: the access token of an account that holds system:admin.");
            if (!node.IsAbsoluteUri) throw new SettingsException($"--node {node} is no address such as http://127.0.0.1:8080.");
            checks.Add(await new VerifyNode(node, token).ExecuteAsync(ct));
        }

        var table = new Table().AddColumns("check", "", "what was seen");
        foreach (var check in checks) table.AddRow(check.Name, check.HasFailed ? "FAILED" : check.IsGood ? "ok" : "warning", check.Seen.EscapeMarkup());
        AnsiConsole.Write(table);
        if (latencies.Count > 0) AnsiConsole.Write(Latencies(latencies));
        return checks.TrueForAll(check => !check.HasFailed) ? 0 : 1;
    }

    private static Table Latencies(IReadOnlyList<CacheLatency> latencies)
    {
        var table = new Table().AddColumns("operation", "per second", "p50 ms", "p95 ms", "p99 ms", "longest ms");
        foreach (var l in latencies) table.AddRow(l.Operation, Text($"{l.PerSecond:N0}"), Text($"{l.P50:F3}"), Text($"{l.P95:F3}"), Text($"{l.P99:F3}"), Text($"{l.Longest:F3}"));
        return table;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
