using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AuthService.Audit;
using AuthService.Installation;

namespace AuthService.Cli;

/// <summary><c>authservice audit verify|forget</c>: whether the audit trail is still what was written, and what is kept of it.</summary>
internal static class AuditCommand
{
    private const int MostShown = 1_000;
    private const long ProgressEvery = 100_000;

    public static Command Create()
    {
        var expect = new Option<string?>("--expect") { Description = "A seal that was kept elsewhere, as 'verify' and the log line audit_head print it: NUMBER:HASH. The trail has to have it." };
        var verify = new Command("verify", "Walk along the whole trail and name every event that was altered, removed or slipped in. Exit code 1: there is one.") { expect };
        verify.SetConfiguredAction((result, settings, ct) => WithSealsAsync(settings, (installation, seals) => VerifyAsync(installation, seals, result.GetValue(expect), ct), ct));

        var before = new Option<string>("--before") { Description = "The first month that is kept: 2026-08.", Required = true };
        var forget = new Command("forget", "Let months of the trail go. Takes the account that owns the tables.") { before };
        forget.SetConfiguredAction((result, settings, ct) => WithSealsAsync(settings, (installation, seals) => ForgetAsync(installation, seals, result.GetRequiredValue(before), ct), ct));
        return new Command("audit", "The audit trail.") { verify, forget };
    }

    private static async Task<int> WithSealsAsync(string[] settings, Func<OpenInstallation, AuditSeals, Task<int>> action, CancellationToken ct)
    {
        var configuration = CommandHost.CreateBuilder(settings).Configuration;
        using var loggers = CommandHost.CreateLoggers(configuration, toStandardError: true);
        await using var installation = await OpenInstallation.OpenAsync(configuration, asOwner: false, loggers, ct);
        await installation.RequireSchemaAsync(loggers, ct);
        return await action(installation, new AuditSeals(await installation.ReadMasterKeyAsync(installation.BindTokens(), ct)));
    }

    private static async Task<int> VerifyAsync(OpenInstallation installation, AuditSeals seals, string? expect, CancellationToken ct)
    {
        (long, byte[])? expected = expect is null ? null : Parse(expect);
        var began = Stopwatch.GetTimestamp();
        var (shown, next) = (0, ProgressEvery);
        var report = await new VerifyTrail(installation.Db, seals).ExecuteAsync(expected, Show, Progress, ct);
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;

        if (report.Findings > MostShown) Console.WriteLine(Text($"… and {report.Findings - MostShown:N0} more."));
        Console.WriteLine(Text($"{report.Sealed:N0} events sealed, {report.LetGo:N0} let go, {report.Unsealed:N0} not sealed yet, {report.Late:N0} sealed more than five minutes after their time; {seconds:F1} s."));
        if (report.Number > 0) Console.WriteLine(Text($"Seals {report.First} to {report.Number}. Keep this elsewhere for --expect: {report.Number}:{Convert.ToHexStringLower(report.Hash)}"));
        Console.WriteLine(report.Findings == 0 ? "The trail is what was written." : Text($"{report.Findings:N0} findings: the trail is NOT what was written."));
        return report.Findings == 0 ? 0 : 1;

        void Show(TrailFinding finding)
        {
            if (++shown > MostShown) return;
            Console.WriteLine(Text($"{finding.Kind,-8}  event {finding.EventId?.ToString() ?? "-",-36}  {finding.EventTs?.ToString("u", CultureInfo.InvariantCulture) ?? "-",-20}  seal {finding.Number?.ToString(CultureInfo.InvariantCulture) ?? "-",-10}  {finding.Detail}"));
        }

        void Progress(long seen)
        {
            if (seen < next) return;
            next = seen + ProgressEvery;
            Console.Error.WriteLine(Text($"{seen:N0} looked at …"));
        }
    }

    private static async Task<int> ForgetAsync(OpenInstallation installation, AuditSeals seals, string before, CancellationToken ct)
    {
        if (!DateTimeOffset.TryParseExact(before, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var month))
            throw new SettingsException($"--before {before} is no month such as 2026-08.");
        var (months, gone) = await new ForgetEvents(installation.Db, seals).ExecuteAsync(month, ct);
        Console.WriteLine(Text($"{months} months and {gone:N0} seals let go."));
        return 0;
    }

    private static (long Number, byte[] Hash) Parse(string text)
    {
        var parts = text.Split(':');
        if (parts.Length == 2 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && parts[1].Length == 2 * AuditSeals.HashLength && parts[1].All(char.IsAsciiHexDigit))
            return (number, Convert.FromHexString(parts[1]));
        throw new SettingsException($"--expect {text} is no NUMBER:HASH.");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
