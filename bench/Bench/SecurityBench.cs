using System.Diagnostics;
using AuthService.Client;
using Spectre.Console;
using static Bench.Figures;

namespace Bench;

/// <summary>
/// Can an outsider tell by time whether an account exists? Requests of two classes take turns, so that whatever else the machine
/// does meets both. Told are the difference of the medians and the area under the ROC curve of the best threshold: 0.5 is a coin.
/// </summary>
internal static class SecurityBench
{
    private const int PerClass = 2_000;
    private const int Warmup = 50;

    public static async Task<int> RunAsync()
    {
        await using var target = await Target.CreateAsync(users: 10_000);
        await target.ExecuteAsync("UPDATE users SET is_active = false WHERE username IN (SELECT 'u' || n FROM generate_series(5001, 10000) n)");
        await using var service = await target.StartAsync();
        var http = service.Http;

        var table = new Table().AddColumns("call", "classes", "median A ms", "median B ms", "difference ms", "AUC");
        await CompareAsync(table, "log-in", "wrong password / unknown address",
            i => LogInAsync(http, Text($"u{1 + i % 5_000}@example.com")), i => LogInAsync(http, Text($"nobody{i}@example.com")));
        await CompareAsync(table, "log-in", "inactive / unknown address",
            i => LogInAsync(http, Text($"u{5_001 + i % 5_000}@example.com"), Target.Password), i => LogInAsync(http, Text($"noone{i}@example.com")));
        await CompareAsync(table, "register", "taken address / free address",
            i => RegisterAsync(http, Text($"u{1 + i % 5_000}@example.com"), Text($"taken{i}")),
            i => RegisterAsync(http, Text($"new{i}@example.com"), Text($"newcomer{i}")));
        AnsiConsole.Write(table);
        return 0;
    }

    private static async Task CompareAsync(Table table, string call, string classes, Func<int, Task> a, Func<int, Task> b)
    {
        var (timesA, timesB) = (new double[PerClass], new double[PerClass]);
        for (var i = -Warmup; i < PerClass; i++)
        {
            var n = i + Warmup;
            // Who goes first alternates as well.
            var (first, second) = i % 2 == 0 ? (a, b) : (b, a);
            var (t1, t2) = (await TimeAsync(() => first(n)), await TimeAsync(() => second(n)));
            if (i >= 0) (timesA[i], timesB[i]) = i % 2 == 0 ? (t1, t2) : (t2, t1);
        }

        var (medianA, medianB) = (Median(timesA), Median(timesB));
        table.AddRow(call, classes, Text($"{medianA:F2}"), Text($"{medianB:F2}"), Text($"{medianA - medianB:+0.000;-0.000}"), Text($"{AreaUnderCurve(timesA, timesB):F3}"));
    }

    /// <summary>Probability that a request of one class takes longer than one of the other; the larger of both directions.</summary>
    private static double AreaUnderCurve(double[] a, double[] b)
    {
        var ranked = a.Select(t => (Time: t, IsA: true)).Concat(b.Select(t => (Time: t, IsA: false))).OrderBy(t => t.Time).ToArray();
        double rankSum = 0;
        for (var i = 0; i < ranked.Length; i++)
        {
            if (ranked[i].IsA) rankSum += i + 1;
        }

        var area = (rankSum - a.Length * (a.Length + 1) / 2.0) / ((double)a.Length * b.Length);
        return Math.Max(area, 1 - area);
    }

    private static async Task<double> TimeAsync(Func<Task> action)
    {
        var started = Stopwatch.GetTimestamp();
        await action();
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    private static async Task LogInAsync(HttpClient http, string email, string password = "not the password of this")
    {
        using var answer = await http.PostAsJsonAsync(
            "/api/v1/auth/login", new LoginRequest { Email = email, Password = password }, WireJson.Default.LoginRequest);
        if ((int)answer.StatusCode != 401) throw new InvalidOperationException($"A log-in that must fail was answered {(int)answer.StatusCode}.");
    }

    private static async Task RegisterAsync(HttpClient http, string email, string username)
    {
        using var answer = await http.PostAsJsonAsync("/api/v1/auth/register",
            new RegisterRequest { Email = email, Username = username, Password = Target.Password }, WireJson.Default.RegisterRequest);
        if ((int)answer.StatusCode != 202) throw new InvalidOperationException($"A registration was answered {(int)answer.StatusCode}.");
    }
}
