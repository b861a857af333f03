using System.Diagnostics;
using System.Net.Http.Headers;
using Bench.Http;
using Npgsql;
using Spectre.Console;
using static Bench.Figures;

namespace Bench.Locust;

/// <summary>
/// A pool of two, thirty-two callers, and a table that somebody has locked: both connections are taken by statements that wait, and nobody gets another. What the callers are
/// told, how long the slowest was kept, and how soon all is well once the table is free.
/// </summary>
internal static class Exhaustion
{
    private const int Pool = 2;
    private const int Callers = 32;

    private static readonly TimeSpan Acquire = TimeSpan.FromSeconds(1);

    /// <summary>Who had a connection when the table was locked waits for this.</summary>
    private static readonly TimeSpan Statement = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Locked = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(2);

    /// <returns>Whether everybody was answered in time, with 200, or with 503 and when to come again.</returns>
    public static async Task<bool> RunAsync(Target target)
    {
        // Its start makes the keys that the token is signed with.
        await using (await target.StartAsync())
        {
        }

        using var mint = await SessionMint.CreateAsync(target, 1);
        var token = await mint.AdministratorAsync();
        await using var service = await target.StartAsync(
            ("Database__PoolMaximum", Text($"{Pool}")), ("Database__AcquireTimeout", Acquire.ToString()), ("Database__StatementTimeout", Statement.ToString()), ("Logging__LogLevel__Default", "Critical"));
        await SendAsync(service, token);   // who the caller is, is known from now on

        var answers = new List<Answer>();
        var stop = false;
        var callers = Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
        {
            while (!Volatile.Read(ref stop))
            {
                var answer = await SendAsync(service, token);
                lock (answers) answers.Add(answer);
            }
        })).ToArray();

        await Task.Delay(Quiet, TimeProvider.System);
        var (locked, released) = await LockAsync(target);
        await Task.Delay(Quiet, TimeProvider.System);
        Volatile.Write(ref stop, true);
        await Task.WhenAll(callers);
        return Tell(answers, locked, released);
    }

    private static async Task<(long From, long To)> LockAsync(Target target)
    {
        await using var connection = new NpgsqlConnection(target.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var take = new NpgsqlCommand("LOCK TABLE users IN ACCESS EXCLUSIVE MODE", connection, transaction)) await take.ExecuteNonQueryAsync();
        var from = Stopwatch.GetTimestamp();
        await Task.Delay(Locked, TimeProvider.System);
        await transaction.RollbackAsync();
        return (from, Stopwatch.GetTimestamp());
    }

    private static async Task<Answer> SendAsync(ServerProcess service, string token)
    {
        // A list: it is never answered from memory.
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/users?limit=5");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var sent = Stopwatch.GetTimestamp();
        using var answer = await service.Http.SendAsync(request);
        await answer.Content.ReadAsByteArrayAsync();
        return new Answer(sent, Stopwatch.GetTimestamp(), (int)answer.StatusCode, answer.Headers.RetryAfter is not null);
    }

    private static bool Tell(List<Answer> answers, long locked, long released)
    {
        var table = new Table().AddColumns("pool exhausted", "requests", "200", "503, Retry-After", "503 without", "other", "p50 ms", "longest ms");
        Row("before", answers.Where(a => a.Sent < locked && a.Answered < locked));
        Row(Text($"table locked, {Locked.TotalSeconds:F0} s"), answers.Where(a => a.Answered >= locked && a.Sent < released));
        Row("after", answers.Where(a => a.Sent >= released));
        Tables.Write(table);

        var firstGood = answers.Where(a => a is { Status: 200 } && a.Answered >= released).Select(a => a.Answered).DefaultIfEmpty(long.MaxValue).Min();
        var lastRefused = answers.Where(a => a.Status != 200 && a.Answered >= released).Select(a => a.Answered).DefaultIfEmpty(released).Max();
        var limit = Acquire + Statement + Margin;
        var longest = answers.Max(a => a.Milliseconds);
        Console.WriteLine(Text($"after the release: the first 200 after {Since(released, firstGood):F0} ms, the last refusal after {Since(released, lastRefused):F0} ms"));
        Console.WriteLine(Text($"the longest request took {longest:F0} ms; a connection is waited for {Acquire.TotalMilliseconds:F0} ms, a statement may take {Statement.TotalMilliseconds:F0} ms; the limit here is {limit.TotalMilliseconds:F0} ms"));
        var refusedWell = answers.TrueForAll(a => a.Status == 200 || a is { Status: 503, SaysWhen: true });
        return refusedWell && longest < limit.TotalMilliseconds && answers.Exists(a => a.Status == 503) && answers.Exists(a => a.Status == 200 && a.Sent >= released);

        void Row(string what, IEnumerable<Answer> some)
        {
            var part = some.ToList();
            table.AddRow(what, Text($"{part.Count:N0}"), Count(part, a => a.Status == 200), Count(part, a => a is { Status: 503, SaysWhen: true }), Count(part, a => a is { Status: 503, SaysWhen: false }), Count(part, a => a.Status is not (200 or 503)),
                part.Count == 0 ? "" : Text($"{Median(part.Select(a => a.Milliseconds)):F1}"), part.Count == 0 ? "" : Text($"{part.Max(a => a.Milliseconds):F0}"));
        }
    }

    private static string Count(List<Answer> answers, Func<Answer, bool> which) => Text($"{answers.Count(which):N0}");

    private static double Since(long from, long to) => to == long.MaxValue ? double.NaN : Stopwatch.GetElapsedTime(from, to).TotalMilliseconds;

    /// <param name="SaysWhen">Whether it has <c>Retry-After</c>.</param>
    private sealed record Answer(long Sent, long Answered, int Status, bool SaysWhen)
    {
        public double Milliseconds => Stopwatch.GetElapsedTime(Sent, Answered).TotalMilliseconds;
    }
}
