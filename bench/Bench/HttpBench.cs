using System.Diagnostics;
using System.Globalization;
using AuthService.Passwords;
using Npgsql;
using Spectre.Console;

namespace Bench;

/// <summary>What the service does under load, on this machine, beside what bounds it: the bare hash for log-ins.</summary>
internal static class HttpBench
{
    private const int Users = 100_000;
    private const int Sessions = 256;
    private const int Runs = 5;
    private const int Seconds = 8;

    public static async Task<int> RunAsync()
    {
        await using var target = await Target.CreateAsync(Users);
        var starts = new List<double>();
        for (var i = 0; i < Runs; i++)
        {
            starts.Add((await target.StartAsync()).TotalMilliseconds);
            if (i < Runs - 1) await target.StopAsync();
        }

        var idleBytes = target.ResidentBytes();
        var table = new Table().AddColumns("what", "median of " + Runs, "p50 ms", "p99 ms", "not 2xx");

        // The hash alone in turn with the log-ins, so that both meet the same machine.
        var hashes = new List<double>();
        var logIns = await RepeatAsync(async i =>
        {
            hashes.Add(BareHashMs());
            return await Wrk.RunAsync(target.Http.BaseAddress!, "login.lua", 1, Seconds, ("PASSWORD", Target.Password), ("FIRST", Text($"{1_000 + i * 1_000}")));
        });
        Add(table, "log-in/s, 1 connection", logIns);
        table.AddRow("bare hash", "", Text($"{Median(hashes):F2}"), "", "");

        var tokens = await target.SignInAsync(Sessions);
        await File.WriteAllLinesAsync(target.InFolder("access"), tokens.Select(t => t.AccessToken));
        Add(table, "authz/check per s, 32 connections",
            await RepeatAsync(_ => Wrk.RunAsync(target.Http.BaseAddress!, "check.lua", 32, Seconds, ("ACCESS", target.InFolder("access")))));

        var (refreshes, statements) = await RefreshAsync(target);
        Add(table, "refresh/s, 32 connections", refreshes);

        table.AddRow("SQL statements per refresh", statements, "", "", "");
        table.AddRow("cold start to /health/ready, ms", Text($"{Median(starts):F0}"), "", "", "");
        table.AddRow("resident memory idle, MB", Text($"{idleBytes / 1e6:F0}"), "", "", "");
        table.AddRow("resident memory after the load, MB", Text($"{target.ResidentBytes() / 1e6:F0}"), "", "", "");
        AnsiConsole.Write(table);
        return 0;
    }

    private static async Task<(List<WrkResult> Results, string Statements)> RefreshAsync(Target target)
    {
        await ResetStatementsAsync(target.Db);
        var results = new List<WrkResult>();
        for (var i = 0; i < Runs; i++)
        {
            // wrk does not tell which tokens it holds at the end: every run has sessions of its own.
            var tokens = await target.SignInAsync(Sessions);
            await File.WriteAllLinesAsync(target.InFolder("refresh"), tokens.Select(t => t.RefreshToken));
            results.Add(await Wrk.RunAsync(target.Http.BaseAddress!, "refresh.lua", 32, Seconds, ("TOKENS", target.InFolder("refresh"))));
        }

        return (results, await StatementsPerRefreshAsync(target.Db));
    }

    /// <summary>How often each statement of the refresh ran, as PostgreSQL counted it.</summary>
    private static async Task<string> StatementsPerRefreshAsync(NpgsqlDataSource db)
    {
        await using var command = db.CreateCommand("""
            SELECT sum(calls) FILTER (WHERE query LIKE '%RefreshSession.rotate %'),
                   sum(calls) FILTER (WHERE query LIKE '%RefreshSession.%' AND query NOT LIKE '%RefreshSession.rotate %'),
                   sum(calls) FILTER (WHERE query LIKE '%LiveSessions.%' OR query LIKE '%Rights.%'),
                   sum(calls) FILTER (WHERE query LIKE '%AuditTrail.insert_events %')
            FROM pg_stat_statements
            """);
        await using var row = await command.ExecuteReaderAsync();
        await row.ReadAsync();
        long Calls(int i) => row.IsDBNull(i) ? 0 : (long)row.GetDecimal(i);
        return Text($"rotate {Calls(0)}, others of refresh {Calls(1)}, rights and sessions {Calls(2)}, audit batches {Calls(3)}");
    }

    private static async Task ResetStatementsAsync(NpgsqlDataSource db)
    {
        await using var command = db.CreateCommand("SELECT pg_stat_statements_reset()");
        await command.ExecuteNonQueryAsync();
    }

    private static double BareHashMs()
    {
        var options = new PasswordOptions();
        var stored = Argon2id.Hash(Target.Password, options.MemoryKiB, options.Iterations);
        var times = new List<double>();
        for (var i = 0; i < 41; i++)
        {
            var started = Stopwatch.GetTimestamp();
            Argon2id.Verify(Target.Password, stored);
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        return Median(times);
    }

    private static async Task<List<WrkResult>> RepeatAsync(Func<int, Task<WrkResult>> run)
    {
        var results = new List<WrkResult>();
        for (var i = 0; i < Runs; i++) results.Add(await run(i));
        return results;
    }

    private static void Add(Table table, string what, List<WrkResult> results) => table.AddRow(what,
        Text($"{Median(results.Select(r => r.PerSecond)):N0}"), Text($"{Median(results.Select(r => r.P50Ms)):F2}"),
        Text($"{Median(results.Select(r => r.P99Ms)):F2}"), Text($"{results.Sum(r => r.Failed)}"));

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
