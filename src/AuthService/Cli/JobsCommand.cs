using System.CommandLine;
using System.Globalization;
using AuthService.Client;
using AuthService.Features.JobAdministration;
using AuthService.Http;
using AuthService.Installation;
using AuthService.Jobs;
using AuthService.Tokens;

namespace AuthService.Cli;

/// <summary><c>authservice jobs list|requeue|discard</c>: background work, for the operator of the machine.</summary>
internal static class JobsCommand
{
    private const int Most = 200;

    public static Command Create()
    {
        var state = new Option<string>("--state") { Description = "waiting, scheduled, succeeded, dead or any.", DefaultValueFactory = _ => "dead" };
        var kind = new Option<string?>("--kind") { Description = "Such as send_email." };
        var list = new Command("list", "Jobs, the newest first; without an option the dead letters.") { state, kind };
        list.SetConfiguredAction((result, settings, ct) => WithInstallationAsync(settings, i => ListAsync(i, result.GetValue(state)!, result.GetValue(kind), ct), ct));

        var which = new Argument<string>("which") { Description = "The id of a dead letter, a kind, or all." };
        var requeue = new Command("requeue", "Queue dead letters again, with as many tries as new jobs.") { which };
        requeue.SetConfiguredAction((result, settings, ct) => ChangeAsync(settings, RequeueOf(result.GetRequiredValue(which)), ct));

        var id = new Argument<Guid>("id") { Description = "Of a dead letter." };
        var discard = new Command("discard", "Delete a dead letter.") { id };
        discard.SetConfiguredAction((result, settings, ct) => ChangeAsync(settings, new JobRequest { Discard = result.GetRequiredValue(id) }, ct));
        return new Command("jobs", "Background work: mail, webhooks, clean-up.") { list, requeue, discard };
    }

    private static JobRequest RequeueOf(string which) =>
        Guid.TryParse(which, out var id) ? new JobRequest { Requeue = id } : new JobRequest { RequeueKind = which == "all" ? "*" : which };

    private static async Task<int> ListAsync(OpenInstallation installation, string state, string? kind, CancellationToken ct)
    {
        var jobs = new ListJobs(installation.Db, new Cursors(MasterKey.CreateRandom()));   // no cursor leaves this process
        if ((await jobs.ExecuteAsync(state == "any" ? null : state, kind, null, new Paging { Limit = Most }, ct)).Failed(out var problem, out var page)) return await RefuseAsync(problem);
        // Plain columns, to be copied.
        await Console.Out.WriteLineAsync($"{"id",-36}  {"kind",-24}  {"state",-9}  {"enqueued",-20}  tries  last");
        foreach (var job in page.Items)
        {
            var last = job.FailedTries.Count > 0 ? job.FailedTries[^1].Error : job.Result;
            await Console.Out.WriteLineAsync($"{job.Id,-36}  {job.Kind,-24}  {job.State,-9}  {job.EnqueuedAt.ToUniversalTime().ToString("u", CultureInfo.InvariantCulture),-20}  {job.FailedTries.Count,5}  {last}");
        }

        if (page.Total > page.Items.Count) await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"the newest {page.Items.Count} of {page.Total}{(page.TotalIsEstimate ? " and more" : "")}"));
        return 0;
    }

    private static Task<int> ChangeAsync(string[] settings, JobRequest request, CancellationToken ct) => WithInstallationAsync(settings, async installation =>
    {
        var options = installation.BindJobs();
        var outcome = await new ChangeJobs(installation.Db, new JobQueue(options), options, []).ExecuteAsync(request, Caller.CommandLine, ct);
        if (outcome.Failed(out var problem, out var result)) return await RefuseAsync(problem);
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{result.Jobs:N0} {(request.Discard is null ? "queued again" : "deleted")}"));
        return 0;
    }, ct);

    private static async Task<int> RefuseAsync(Problem problem)
    {
        await Console.Error.WriteLineAsync(problem.Title);
        return 1;
    }

    private static async Task<int> WithInstallationAsync(string[] settings, Func<OpenInstallation, Task<int>> action, CancellationToken ct)
    {
        var configuration = CommandHost.CreateBuilder(settings).Configuration;
        using var loggers = CommandHost.CreateLoggers(configuration, toStandardError: true);
        await using var installation = await OpenInstallation.OpenAsync(configuration, asOwner: false, loggers, ct);
        await installation.RequireSchemaAsync(loggers, ct);
        return await action(installation);
    }
}
