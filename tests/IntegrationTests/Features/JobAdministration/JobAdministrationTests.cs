using AuthService.Client;
using AuthService.Jobs;

namespace IntegrationTests.Features.JobAdministration;

public class JobAdministrationTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private CancellationToken Ct => servers.TestTimeout;

    // Leave last_try as it was when a letter is queued again, and its next failure is the last.
    [Fact]
    public async Task A_dead_letter_is_listed_queued_again_and_done()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var failures = 3;
        await using var node = await Node.StartAsync(database, Ct, services: services => services.AddSingleton<IJob>(new Failing(() => Interlocked.Decrement(ref failures) >= 0)),
            settings: [("Jobs:Enabled", "true"), ("Jobs:MaxTries", "2"), ("Jobs:FirstRetryDelay", "00:00:00.1"), ("Jobs:MaxRetryDelay", "00:00:00.1")]);
        var admin = await node.CreateAdministratorAsync(Ct);
        await node.Services.GetRequiredService<JobQueue>().EnqueueAsync(database.DataSource, new NewJob("failing", "{}"), Ct);
        var dead = await DeadAsync(admin);
        Assert.Equal(("failing", "dead", "not now"), (dead.Kind, dead.State, dead.FailedTries[^1].Error));
        Assert.Equal([1, 2], dead.FailedTries.Select(t => t.Try));
        Assert.All(dead.FailedTries, t => Assert.True(t.At >= dead.EnqueuedAt && t.TookMs >= 0 && t.Node is not null));

        Assert.Equal(1, await ChangeAsync(admin, new JobRequest { Requeue = dead.Id }));
        // The third try fails, the fourth does not.
        await Eventually.TrueAsync(async () => (await ListAsync(admin, "state=succeeded&kind=failing")).Items is [{ FailedTries.Count: 3, Result: "done" }], Soon);
        Assert.Empty((await ListAsync(admin, "state=dead")).Items);
        Assert.Equal("jobs.not_dead", await admin.SendAsync(HttpMethod.Post, "/admin/jobs", new JobRequest { Requeue = dead.Id }, Ct).CodeAsync(System.Net.HttpStatusCode.NotFound, Ct));
    }

    // Requeue without looking at keys, and the statement fails for all of them.
    [Fact]
    public async Task Of_dead_letters_with_one_key_one_is_queued_again_and_none_beside_a_job_that_has_it()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.CreateAdministratorAsync(Ct);
        await database.ExecuteSqlAsync(
            """
            INSERT INTO jobs (id, kind, arguments, unique_key, state, run_at, last_try, ended_at)
            SELECT gen_random_uuid(), k.kind, '{}', k.key, k.state, now(), 1, CASE WHEN k.state = 'dead' THEN now() END
            FROM  (VALUES ('a', 'one', 'dead'), ('a', 'one', 'dead'), ('a', 'two', 'dead'), ('a', 'two', 'waiting'), ('a', NULL, 'dead'), ('a', NULL, 'dead'), ('b', NULL, 'dead')) k (kind, key, state)
            """, Ct);
        Assert.Equal(3, await ChangeAsync(admin, new JobRequest { RequeueKind = "a" }));
        Assert.Equal(1, await ChangeAsync(admin, new JobRequest { RequeueKind = "*" }));
        var left = (await ListAsync(admin, "state=dead")).Items;
        Assert.Equal(["one", "two"], left.Select(j => j.UniqueKey).Order(StringComparer.Ordinal));
        foreach (var job in left)
        {
            Assert.Equal("jobs.key_taken", await admin.SendAsync(HttpMethod.Post, "/admin/jobs", new JobRequest { Requeue = job.Id }, Ct).CodeAsync(System.Net.HttpStatusCode.Conflict, Ct));
            Assert.Equal(1, await ChangeAsync(admin, new JobRequest { Discard = job.Id }));
            Assert.Equal("jobs.not_dead", await admin.SendAsync(HttpMethod.Post, "/admin/jobs", new JobRequest { Discard = job.Id }, Ct).CodeAsync(System.Net.HttpStatusCode.NotFound, Ct));
        }

        // What operators do is in the audit trail; the two calls that changed nothing are not.
        await Eventually.TrueAsync(async () => await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE target_type = 'jobs'", Ct) == 4, Soon);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"requeue_kind": "a", "run": "purge_jobs"}""")]
    public async Task A_call_does_one_thing(string body)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.CreateAdministratorAsync(Ct);
        Assert.Equal("jobs.exactly_one", await admin.SendAsync(HttpMethod.Post, "/admin/jobs", System.Text.Json.Nodes.JsonNode.Parse(body), Ct).CodeAsync(System.Net.HttpStatusCode.BadRequest, Ct));
        Assert.Equal("jobs.state_not_known", await admin.SendAsync(HttpMethod.Get, "/admin/jobs?state=done", null, Ct).CodeAsync(System.Net.HttpStatusCode.BadRequest, Ct));
        Assert.Equal("jobs.recurring_not_found", await admin.SendAsync(HttpMethod.Post, "/admin/jobs", new JobRequest { Run = "nothing" }, Ct).CodeAsync(System.Net.HttpStatusCode.NotFound, Ct));
    }

    // Take one out of its feature's registration and its name is missing.
    [Fact]
    public async Task Every_recurring_job_runs_when_it_is_told_to()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: ("Jobs:Enabled", "true"));
        var admin = await node.CreateAdministratorAsync(Ct);
        await database.ExecuteSqlAsync("INSERT INTO sessions (id, user_id, absolute_expires_at, idle_expires_at, cur_hash, amr) SELECT gen_random_uuid(), $1, now() - interval '1 s', now(), '', '{pwd}' FROM generate_series(1, 2500)", Ct, admin.Id);
        var listed = await RecurringAsync(admin);
        string[] expected = ["clean_up_cache", "prepare_audit_partitions", "purge_authz_changes", "purge_jobs", "purge_sessions", "purge_webhook_deliveries", "remind_of_key_rotation", "warm_up_rights"];
        Assert.Empty(expected.Except(listed.Select(j => j.Name), StringComparer.Ordinal));
        Assert.All(listed, j => Assert.True(j.NextAt > j.StartedAt.GetValueOrDefault() && j.IntervalSeconds >= 60));
        foreach (var job in listed) Assert.Equal(1, await ChangeAsync(admin, new JobRequest { Run = job.Name }));
        await Eventually.TrueAsync(async () => (await RecurringAsync(admin)).All(j => j is { Runs: 1, Failures: 0, Succeeded: true, EndedAt: not null, Result.Length: > 0 }), Soon);
        Assert.Equal("2,500 deleted", (await RecurringAsync(admin)).Single(j => j.Name == "purge_sessions").Result);
        Assert.Equal(0, await database.ReadAsync<long>("SELECT count(*) FROM sessions WHERE absolute_expires_at < now()", Ct));
    }

    private async Task<JobInfo> DeadAsync(Account admin)
    {
        await Eventually.TrueAsync(async () => (await ListAsync(admin, "state=dead")).Items.Count == 1, Soon);
        return (await ListAsync(admin, "state=dead")).Items[0];
    }

    private Task<Page<JobInfo>> ListAsync(Account admin, string query) => admin.GetAsync("/admin/jobs?" + query, WireJson.Default.PageJobInfo, Ct);

    private async Task<IReadOnlyList<RecurringJobInfo>> RecurringAsync(Account admin) => (await admin.GetAsync("/admin/jobs/recurring", WireJson.Default.RecurringJobs, Ct)).Items;

    private async Task<long> ChangeAsync(Account admin, JobRequest request)
    {
        using var answer = await admin.SendAsync(HttpMethod.Post, "/admin/jobs", request, Ct);
        Assert.Equal(System.Net.HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.JobResult, Ct))!.Jobs;
    }

    private sealed class Failing(Func<bool> fails) : IJob
    {
        public string Kind => "failing";

        public Task<string?> RunAsync(JobRun run, CancellationToken ct) => fails() ? throw new JobFailedException("not now") : Task.FromResult<string?>("done");
    }
}
