using System.Diagnostics;
using AuthService.Client;
using Spectre.Console;
using static Bench.Figures;

namespace Bench.Mail;

/// <summary>
/// Does a client notice how the mail server is? "Forgot" and registrations, with a server that takes mails, with none, and with one that takes connections and says nothing. A node for each on a database
/// of its own, measured in turn, five rounds; told are the medians of the rounds. The three must be equal within what the rounds differ by themselves.
/// </summary>
internal static class MailBench
{
    private const int Rounds = 5;
    private const int Forgotten = 300;
    private const int Registered = 60;

    private static readonly string[] Calls = ["forgot", "register"];

    public static async Task<int> RunAsync()
    {
        await using var target = await Target.CreateAsync(users: 100);
        await using var up = new MailSink(isSilent: false);
        await using var silent = new MailSink(isSilent: true);
        (string State, int Port)[] states = [("up", up.Port), ("down", ServerProcess.FreePort()), ("hanging", silent.Port)];
        var nodes = new List<ServerProcess>();
        try
        {
            foreach (var (state, port) in states)
            {
                nodes.Add(await target.StartOnAsync(await target.CreateDatabaseAsync("mail_" + state),
                    ("Email__Transport", "Smtp"), ("Email__SmtpHost", "127.0.0.1"), ("Email__SmtpPort", Text($"{port}")), ("Email__SmtpStartTls", "false"), ("Email__MaxPerHour", "100"),
                    ("Logging__LogLevel__Default", "Critical")));
            }

            var figures = new Dictionary<(string State, string Call), List<(double P50, double P99)>>();
            for (var round = -1; round < Rounds; round++)
            {
                for (var n = 0; n < states.Length; n++)
                {
                    // Who goes first is another one each round.
                    var i = (n + round + states.Length) % states.Length;
                    foreach (var call in Calls.Reverse())   // "forgot" for those who have just registered
                    {
                        var times = await MeasureAsync(nodes[i].Http, call, round + 1);
                        if (round < 0) continue;
                        if (!figures.TryGetValue((states[i].State, call), out var rounds)) figures[(states[i].State, call)] = rounds = [];
                        rounds.Add((Percentile(times, 0.5), Percentile(times, 0.99)));
                    }
                }
            }

            Tell(figures, states.Select(s => s.State));
            AnsiConsole.WriteLine(Text($"The server that is up has taken {up.Mails} mails."));
            return up.Mails > 0 ? 0 : 1;
        }
        finally
        {
            foreach (var node in nodes) await node.DisposeAsync();
        }
    }

    private static void Tell(Dictionary<(string State, string Call), List<(double P50, double P99)>> figures, IEnumerable<string> states)
    {
        var table = new Table().AddColumns("call", "mail server", "p50 ms", "beside up", "rounds", "p99 ms", "beside up", "rounds");
        foreach (var call in Calls)
        {
            var (p50Up, p99Up) = (Median(figures[("up", call)].Select(r => r.P50)), Median(figures[("up", call)].Select(r => r.P99)));
            foreach (var state in states)
            {
                var rounds = figures[(state, call)];
                var (p50, p99) = (Median(rounds.Select(r => r.P50)), Median(rounds.Select(r => r.P99)));
                table.AddRow(call, state, Text($"{p50:F2}"), Text($"{p50 / p50Up:F2}"), Text($"{rounds.Min(r => r.P50):F2}–{rounds.Max(r => r.P50):F2}"),
                    Text($"{p99:F2}"), Text($"{p99 / p99Up:F2}"), Text($"{rounds.Min(r => r.P99):F2}–{rounds.Max(r => r.P99):F2}"));
            }
        }

        AnsiConsole.Write(table);
    }

    /// <summary>One request after the other.</summary>
    private static async Task<double[]> MeasureAsync(HttpClient http, string call, int round)
    {
        var times = new double[call == "forgot" ? Forgotten : Registered];
        for (var i = 0; i < times.Length; i++)
        {
            var name = Text($"r{round}n{i % Registered}");
            var began = Stopwatch.GetTimestamp();
            using var answer = call == "forgot"
                ? await http.PostAsJsonAsync("/api/v1/auth/password/forgot", new ForgotPasswordRequest { Email = name + "@example.com" }, WireJson.Default.ForgotPasswordRequest)
                : await http.PostAsJsonAsync("/api/v1/auth/register", new RegisterRequest { Email = name + "@example.com", Username = name, Password = Target.Password }, WireJson.Default.RegisterRequest);
            times[i] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            if ((int)answer.StatusCode != 202) throw new InvalidOperationException($"{call} was answered {(int)answer.StatusCode}.");
        }

        return times;
    }
}
