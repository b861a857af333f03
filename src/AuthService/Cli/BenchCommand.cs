using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using AuthService.Installation;
using AuthService.LoadTest;
using Spectre.Console;

namespace AuthService.Cli;

/// <summary><c>authservice bench --url …</c>: a load at a fixed rate on any installation, and how long its clients would have waited.</summary>
internal static class BenchCommand
{
    /// <summary>The load was not the one asked for, so the figures say nothing about the service.</summary>
    private const int DidNotKeepSchedule = 3;

    private const string PasswordVariable = "AUTH_BENCH_PASSWORD";
    private const string AdministratorPasswordVariable = "AUTH_BENCH_ADMIN_PASSWORD";
    private const int PipeWidth = 180;

    public static Command Create()
    {
        var url = new Option<string>("--url") { Description = "Where the service is, such as http://127.0.0.1:8080.", Required = true };
        url.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(Uri.TryCreate(token.Value, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"))
                result.AddError($"--url {token.Value} is no address such as http://127.0.0.1:8080.");
        });
        var mix = new Option<string>("--mix") { Description = $"Percentages of {LoadMix.Names}; default {LoadMix.Standard}.", DefaultValueFactory = _ => LoadMix.Standard };
        mix.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !LoadMix.TryParse(token.Value, out _, out var why)) result.AddError($"--mix: {why}.");
        });
        var users = new Option<string>("--users") { Description = "Addresses of the accounts that sign in, {n} for a number; default u{n}@example.com, as seed makes them.", DefaultValueFactory = _ => "u{n}@example.com" };
        users.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !token.Value.Contains("{n}", StringComparison.Ordinal)) result.AddError("--users needs {n}, as in u{n}@example.com.");
        });
        var password = new Option<string?>("--password") { Description = $"Their password; or in {PasswordVariable}, where a list of processes does not show it." };
        var admin = new Option<string?>("--admin") { Description = "Address of an administrator, for list and grant." };
        var adminPassword = new Option<string?>("--admin-password") { Description = $"The administrator's password; or in {AdministratorPasswordVariable}." };
        var rate = Number("--rate", 1_000, 1, 100_000, "Requests a second, whatever becomes of them.");
        var duration = Number("--duration", 60, 1, 86_400, "Seconds.");
        var warmUp = Number("--warm-up", 5, 0, 600, "Seconds of the same load before, not counted.");
        var connections = Number("--connections", 64, 1, 10_000, "Requests under way at a time.");
        var timeout = Number("--timeout", 10, 1, 300, "Seconds after which a request has failed.");
        var sessions = Number("--sessions", 100, 1, 100_000, "Accounts that sign in, one session each.");
        var first = Number("--first", 1, 0, int.MaxValue, "The first number in place of {n}.");
        var json = new Option<string?>("--json") { Description = "Also write everything to this file." };
        var command = new Command("bench", "Load a running service at a fixed rate and say how long its clients waited. Makes sessions, and with grant a role; not for an installation in use.")
        {
            url, rate, duration, warmUp, mix, connections, timeout, users, first, sessions, password, admin, adminPassword, json,
        };
        command.SetConfiguredAction((result, settings, ct) =>
        {
            var configuration = CommandHost.CreateBuilder(settings).Configuration;
            if (!LoadMix.TryParse(result.GetRequiredValue(mix), out var parsed, out var why)) throw new SettingsException($"--mix: {why}.");
            var plan = new LoadPlan(
                result.GetValue(rate), TimeSpan.FromSeconds(result.GetValue(duration)), result.GetValue(connections), TimeSpan.FromSeconds(result.GetValue(timeout)), parsed);
            var people = new PeopleAsked(
                result.GetRequiredValue(users), result.GetValue(first), result.GetValue(sessions), result.GetValue(password) ?? configuration[PasswordVariable],
                result.GetValue(admin), result.GetValue(adminPassword) ?? configuration[AdministratorPasswordVariable]);
            return ExecuteAsync(new Uri(result.GetRequiredValue(url)), plan, TimeSpan.FromSeconds(result.GetValue(warmUp)), people, result.GetValue(json), ct);
        });
        return command;
    }

    private static async Task<int> ExecuteAsync(Uri url, LoadPlan plan, TimeSpan warmUp, PeopleAsked asked, string? file, CancellationToken ct)
    {
        Check(plan.Mix, asked);
        // Before the load, not after it: a folder that isn't there is no reason to run it twice.
        await using var json = file is null ? null : Open(file);
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = url };
        var people = await GatherAsync(http, url, plan.Mix, asked, ct);
        CheckLifetime(plan, warmUp, people, TimeProvider.System);
        using var traffic = new LoadTraffic(url, plan, people, TimeProvider.System);
        var loop = new OpenLoop(TimeProvider.System);
        if (warmUp > TimeSpan.Zero) await loop.RunAsync(plan with { Duration = warmUp }, traffic.SendAsync, ct);
        var report = await loop.RunAsync(plan, traffic.SendAsync, ct);
        if (json is not null) await JsonSerializer.SerializeAsync(json, report, LoadReportJson.Default.LoadReport, ct);
        Show(report);
        return report.Generator.KeptSchedule ? 0 : DidNotKeepSchedule;
    }

    private static void Check(LoadMix mix, PeopleAsked asked)
    {
        if (new[] { RequestKind.Check, RequestKind.Refresh, RequestKind.Profile, RequestKind.Login }.Any(mix.Has) && asked.Password is null)
            throw new SettingsException($"The mix needs accounts that sign in: give --password or {PasswordVariable}.");
        if (!mix.Has(RequestKind.List) && !mix.Has(RequestKind.Grant)) return;
        if (asked.AdministratorEmail is null) throw new SettingsException("The mix has list or grant, which need --admin; or leave them out of --mix.");
        if (asked.AdministratorPassword is null) throw new SettingsException($"--admin needs --admin-password or {AdministratorPasswordVariable}.");
    }

    /// <summary>A load that outlives its access tokens would measure how quickly the service says 401.</summary>
    private static void CheckLifetime(LoadPlan plan, TimeSpan warmUp, LoadPeople people, TimeProvider clock)
    {
        if (people.Sessions.Count == 0) return;
        var refreshes = plan.Rate * plan.Mix.PercentOf(RequestKind.Refresh) / 100;
        var untilRenewed = Math.Min((plan.Duration + warmUp).TotalSeconds, people.Sessions.Count / refreshes);
        var left = (people.Sessions.Min(s => s.ExpiresAt) - clock.GetUtcNow()).TotalSeconds;
        if (untilRenewed > left)
            throw new SettingsException(string.Create(CultureInfo.InvariantCulture, $"Access tokens live for {left:N0} s more, and it would take {untilRenewed:N0} s until every session is refreshed: shorten --duration, lower --sessions or raise refresh in --mix."));
    }

    private static FileStream Open(string file)
    {
        try
        {
            return new FileStream(file, FileMode.Create, FileAccess.Write);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"--json: {e.Message}");
        }
    }

    private static async Task<LoadPeople> GatherAsync(HttpClient http, Uri url, LoadMix mix, PeopleAsked asked, CancellationToken ct)
    {
        try
        {
            return await new GatherPeople(http, TimeProvider.System).ExecuteAsync(asked, mix, ct);
        }
        catch (HttpRequestException e)
        {
            throw new SettingsException($"{url} can't be reached: {e.Message}");
        }
    }

    private static void Show(LoadReport report)
    {
        var table = new Table().AddColumns("requests", "count", "not 2xx", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "longest ms", "p99 from sending", "what became of them");
        foreach (var kind in report.Kinds.Append(report.All))
        {
            var l = kind.Latency;
            table.AddRow(kind.Kind, Text($"{kind.Requests:N0}"), Text($"{kind.Errors:N0}"), Text($"{l.P50:F2}"), Text($"{l.P90:F2}"), Text($"{l.P99:F2}"), Text($"{l.P999:F2}"), Text($"{l.Max:F2}"),
                Text($"{kind.FromSending.P99:F2}"), string.Join(", ", kind.Outcomes.Select(o => Text($"{o.Key}: {o.Value:N0}"))));
        }

        // Files and pipes have no width of their own; 80 columns would tear every row apart.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = PipeWidth;
        AnsiConsole.Write(table);
        var g = report.Generator;
        Console.WriteLine(Text($"{report.Rate:N0}/s asked for, {report.Reached:N1}/s reached in {report.TookSeconds:F1} s; errors {100.0 * report.All.Errors / Math.Max(1, report.All.Requests):F3} %."));
        Console.WriteLine(Text($"The generator sent {g.LateP50:F2} ms late (p99 {g.LateP99:F2}, at most {g.LateMax:F2}) and kept {g.Processors:F2} processors busy."));
        if (g.FoundAllBusy > 0)
            Console.WriteLine(Text($"{g.FoundAllBusy:N0} requests found all {report.Connections:N0} connections busy and were sent up to {g.LongestWait:N0} ms late; their latency has it."));
        if (!g.KeptSchedule) Console.WriteLine("THE GENERATOR DID NOT KEEP THE SCHEDULE: this machine is too slow or too busy for the rate. The figures say nothing about the service.");
    }

    private static Option<int> Number(string name, int standard, int min, int max, string description)
    {
        var option = new Option<int>(name) { Description = string.Create(CultureInfo.InvariantCulture, $"{description} {min:N0} to {max:N0}; default {standard:N0}."), DefaultValueFactory = _ => standard };
        option.Validators.Add(result =>
        {
            // What is no number at all is refused without us; asked for its value here it would throw.
            if (result.Tokens is [var token] && int.TryParse(token.Value, CultureInfo.InvariantCulture, out var value) && (value < min || value > max)) result.AddError($"{name} is {min} to {max}.");
        });
        return option;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
