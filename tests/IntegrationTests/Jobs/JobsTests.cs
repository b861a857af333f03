using System.Text.Json.Nodes;
using AuthService.Jobs;
using AuthService.Tokens;
using IntegrationTests.SolidCache;

namespace IntegrationTests.Jobs;

[Trait(TestRun.LongTrait, "yes")]
public class JobsTests(Servers servers) : IClassFixture<Servers>
{
    private const string Kind = "test";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);
    private static readonly (string, string) Enabled = ("Jobs:Enabled", "true");

    private CancellationToken Ct => servers.TestTimeout;

    // Insert on a connection of its own instead of the caller's, and the first assertion fails.
    [Fact]
    public async Task No_job_without_its_commit_and_no_commit_without_its_job()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var job = new TestJob(_ => Task.FromResult<string?>("done"));
        await using var node = await StartAsync(database, job);
        var queue = node.Services.GetRequiredService<JobQueue>();
        await using (var connection = await database.DataSource.OpenConnectionAsync(Ct))
        {
            await using var rolledBack = await connection.BeginTransactionAsync(Ct);
            Assert.NotNull(await queue.EnqueueAsync(rolledBack, Job("never"), Ct));
            await rolledBack.RollbackAsync(Ct);
            await using var transaction = await connection.BeginTransactionAsync(Ct);
            var id = await queue.EnqueueAsync(transaction, Job("once"), Ct);
            Assert.Equal(0, await CountAsync(database, "true"));   // nobody sees it yet
            await transaction.CommitAsync(Ct);
            await Eventually.TrueAsync(async () => await CountAsync(database, $"id = '{id}' AND state = 'succeeded' AND result = 'done'") == 1, Soon);
        }

        Assert.Equal([@"{""n"": ""once""}"], job.Runs.Select(r => r.Arguments));
    }

    // Take due jobs without looking at run_at, and the later one runs first.
    [Fact]
    public async Task A_job_waits_for_its_time()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var job = new TestJob(_ => Task.FromResult<string?>(null));
        await using var node = await StartAsync(database, job);
        var queue = node.Services.GetRequiredService<JobQueue>();
        var later = await queue.EnqueueAsync(database.DataSource, Job("at") with { At = DateTimeOffset.Parse("2100-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture) }, Ct);
        await queue.EnqueueAsync(database.DataSource, Job("after") with { After = TimeSpan.FromHours(1) }, Ct);
        await queue.EnqueueAsync(database.DataSource, Job("now"), Ct);
        await Eventually.TrueAsync(async () => await CountAsync(database, "state = 'succeeded'") == 1, Soon);
        Assert.Equal(2, await CountAsync(database, "state = 'waiting' AND run_at > now() + interval '50 min'"));
        await database.ExecuteSqlAsync($"UPDATE jobs SET run_at = now() WHERE id = '{later}'", Ct);
        await Eventually.TrueAsync(() => job.Runs.Count == 2, Soon);
        Assert.Equal([@"{""n"": ""now""}", @"{""n"": ""at""}"], job.Runs.Select(r => r.Arguments));
    }

    // Without the unique index sixteen are taken. Without its WHERE the key is used up for ever.
    [Fact]
    public async Task Of_sixteen_with_one_key_one_is_taken_until_it_has_ended()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var go = new TaskCompletionSource();
        var job = new TestJob(async _ =>
        {
            await go.Task;
            return null;
        });
        await using var node = await StartAsync(database, job);
        var queue = node.Services.GetRequiredService<JobQueue>();
        Task<Guid?[]> SixteenAsync() => Race.RunAsync(16, i => queue.EnqueueAsync(database.DataSource, Job($"{i}") with { UniqueKey = "one" }, Ct));
        Assert.Single(await SixteenAsync(), id => id is not null);
        await Eventually.TrueAsync(() => job.Runs.Count == 1, Soon);
        Assert.DoesNotContain(await SixteenAsync(), id => id is not null);   // it runs
        go.SetResult();
        await Eventually.TrueAsync(async () => await CountAsync(database, "state = 'succeeded'") == 1, Soon);
        Assert.Single(await SixteenAsync(), id => id is not null);
    }

    // Count a try where none failed, or forget one, and the numbers differ.
    [Fact]
    public async Task A_poison_job_is_a_dead_letter_after_its_tries_with_the_times_of_all()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var isPoison = true;
        var job = new TestJob(_ => isPoison ? throw new InvalidOperationException("password=hunter2") : Task.FromResult<string?>(null));
        await using var node = await StartAsync(database, job, ("Jobs:MaxTries", "4"), ("Jobs:FirstRetryDelay", "00:00:00.1"), ("Jobs:MaxRetryDelay", "00:00:00.3"));
        var id = await node.Services.GetRequiredService<JobQueue>().EnqueueAsync(database.DataSource, Job("poison"), Ct);
        await Eventually.TrueAsync(async () => await CountAsync(database, "state = 'dead'") == 1, Soon);
        var tries = JsonNode.Parse((string)(await database.ReadAsync<string>($"SELECT failed_tries::text FROM jobs WHERE id = '{id}'", Ct)))!.AsArray();
        Assert.Equal([1, 2, 3, 4], tries.Select(t => (int)t!["try"]!));
        var times = tries.Select(t => DateTimeOffset.Parse((string)t!["at"]!, System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(times.Order(), times);
        Assert.InRange(times[^1] - times[0], TimeSpan.FromMilliseconds(80 + 240 + 240), Soon);   // waits of 100, 300, 300 ms less a fifth
        Assert.All(tries, t => Assert.DoesNotContain("hunter2", t!.ToJsonString(), StringComparison.Ordinal));
        Assert.Equal(4, job.Runs.Count);
        Assert.Equal([1, 2, 3, 4], job.Runs.Select(r => r.Try));
    }

    // Note it once and no more, and the try is lost; take the failing note for a failing job, and it is tried again.
    [Fact]
    public async Task A_success_that_the_database_does_not_take_at_once_is_still_one()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var go = new TaskCompletionSource();
        var job = new TestJob(async _ =>
        {
            await go.Task;
            return "done";
        });
        var log = new RecordedLog();
        await using var node = await Node.StartAsync(database, Ct, services: services => services.AddSingleton<IJob>(job).AddLogging(logging => logging.AddProvider(log.AsProvider())), settings: Enabled);
        await node.Services.GetRequiredService<JobQueue>().EnqueueAsync(database.DataSource, Job("noted late"), Ct);
        await Eventually.TrueAsync(() => job.Runs.Count == 1, Soon);
        await database.ExecuteSqlAsync("ALTER TABLE jobs RENAME COLUMN result TO result_not_now", Ct);
        go.SetResult();
        await Eventually.TrueAsync(() => log.Lines.Any(l => l.Text.StartsWith("How try 1 of job test ", StringComparison.Ordinal)), Soon);
        await database.ExecuteSqlAsync("ALTER TABLE jobs RENAME COLUMN result_not_now TO result", Ct);
        await Eventually.TrueAsync(async () => await CountAsync(database, "state = 'succeeded' AND result = 'done' AND try = 1 AND failed_tries = '[]'") == 1, Soon);
        Assert.Single(job.Runs);
    }

    // Ignore IsFinal and it is tried ten times.
    [Fact]
    public async Task A_final_failure_is_not_tried_again()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var job = new TestJob(_ => throw new JobFailedException("the mailbox is gone") { IsFinal = true });
        await using var node = await StartAsync(database, job);
        await node.Services.GetRequiredService<JobQueue>().EnqueueAsync(database.DataSource, Job("final"), Ct);
        await Eventually.TrueAsync(async () => await CountAsync(database, "state = 'dead' AND failed_tries -> 0 ->> 'error' = 'the mailbox is gone'") == 1, Soon);
        Assert.Single(job.Runs);
    }

    // Give the job no token that ends, or wait for it whatever it does, and it never ends.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]   // one that hears nothing
    public async Task A_job_that_hangs_is_stopped_at_its_limit(bool listens)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var job = new TestJob(async ct =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, listens ? ct : CancellationToken.None);
            return null;
        });
        await using var node = await StartAsync(database, job, ("Jobs:MaxTries", "1"), ("Jobs:TimeLimit", "00:00:01"));
        await node.Services.GetRequiredService<JobQueue>().EnqueueAsync(database.DataSource, Job("hangs"), Ct);
        await Eventually.TrueAsync(async () => await CountAsync(database, "state = 'dead' AND failed_tries -> 0 ->> 'error' = 'stopped at its limit of 1 s'") == 1, Soon);
        Assert.InRange(await database.ReadAsync<double>("SELECT (failed_tries -> 0 ->> 'took_ms')::float8 FROM jobs", Ct), 1_000, listens ? 5_000 : 15_000);
    }

    // One thread more for Quartz and eleven run.
    [Fact]
    public async Task At_most_ten_run_at_once()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var (running, most) = (0, 0);
        var (full, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var job = new TestJob(async ct =>
        {
            var now = Interlocked.Increment(ref running);
            InterlockedMax(ref most, now);
            if (now == 10) full.TrySetResult();
            await go.Task.WaitAsync(ct);
            Interlocked.Decrement(ref running);
            return null;
        });
        await using var node = await StartAsync(database, job);
        var queue = node.Services.GetRequiredService<JobQueue>();
        for (var i = 0; i < 20; i++) await queue.EnqueueAsync(database.DataSource, Job($"{i}"), Ct);
        await full.Task.WaitAsync(Ct);
        // Quartz is called for each that is handed over, and would begin it if it had where.
        for (var i = 20; i < 25; i++)
        {
            await queue.EnqueueAsync(database.DataSource, Job($"{i}"), Ct);
            await Eventually.TrueAsync(async () => await CountAsync(database, "state = 'waiting'") == 0, Soon);
        }

        go.SetResult();
        await Eventually.TrueAsync(async () => await CountAsync(database, "state = 'succeeded'") == 25, Soon);
        Assert.Equal(10, most);
    }

    // Count it as a failure, and its one try is used up.
    [Fact]
    public async Task What_runs_on_a_node_that_stops_is_given_back_and_runs_on_another()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var begun = new TaskCompletionSource();
        var first = new TestJob(async ct =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
            return null;
        });
        var second = new TestJob(_ => Task.FromResult<string?>("the other"));
        MasterKey key;
        await using (var node = await StartAsync(database, first, ("Jobs:MaxTries", "1"), ("Http:ShutdownTimeout", "00:00:01")))
        {
            key = node.MasterKey;
            await node.Services.GetRequiredService<JobQueue>().EnqueueAsync(database.DataSource, Job("moves"), Ct);
            await begun.Task.WaitAsync(Ct);
        }

        Assert.Equal(1, await CountAsync(database, "state = 'waiting' AND failed_tries = '[]'"));
        await using var other = await Node.StartAsync(database, Ct, key, services => services.AddSingleton<IJob>(second), Enabled);
        await Eventually.TrueAsync(async () => await CountAsync(database, "state = 'succeeded' AND result = 'the other'") == 1, Soon);
    }

    // Leave out find_lost and the job of the dead node waits for ever; leave out its guard for tries that Quartz still has, and jobs run twice without a kill.
    [Fact]
    public async Task Jobs_of_a_killed_node_run_on_another()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));   // a dead node is missed after some 20 s
        var done = await JobRuns.RunAsync(database.DataSource, database.ConnectionString, nodes: 2, count: 400, kills: 3, TimeSpan.FromSeconds(1), limit.Token);
        Assert.InRange(done.Kills, 1, 3);
        Assert.Equal((400, 400, 0), (done.Succeeded, done.Effects, done.Dead));
        Assert.InRange(done.Runs, 400, 400 + (10 * done.Kills));   // what they were at
    }

    // Start Quartz where the node starts, and the node does not.
    [Fact]
    public async Task A_node_starts_without_the_tables_of_jobs_and_runs_them_when_those_are_there()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await database.ExecuteSqlAsync("ALTER TABLE qrtz_triggers RENAME TO qrtz_triggers_not_yet", Ct);
        var job = new TestJob(_ => Task.FromResult<string?>(null));
        await using var node = await StartAsync(database, job);
        await node.Services.GetRequiredService<JobQueue>().EnqueueAsync(database.DataSource, Job("later"), Ct);
        await database.ExecuteSqlAsync("ALTER TABLE qrtz_triggers_not_yet RENAME TO qrtz_triggers", Ct);
        await Eventually.TrueAsync(() => job.Runs.Count == 1, Soon);
    }

    // Quartz's own tables come from our migration; an update of the package that needs another form shows here.
    [Fact]
    public async Task Recurring_jobs_run_and_tell_how_far_they_are()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var (told, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var job = new TestRecurringJob(async progress =>
        {
            progress.Report("half");
            told.SetResult();
            await go.Task;
            return "all";
        });
        await using var node = await Node.StartAsync(database, Ct, services: services => services.AddSingleton<IRecurringJob>(job), settings: Enabled);
        await node.Services.GetRequiredService<JobQueue>().EnqueueAsync(database.DataSource, StartRecurringJob.Of(job.Name), Ct);
        await told.Task.WaitAsync(Soon, TimeProvider.System, Ct);
        await Eventually.TrueAsync(async () => await database.ReadAsync<long>("SELECT count(*) FROM recurring_jobs WHERE name = 'test_recurring' AND ended_at IS NULL AND progress = 'half'", Ct) == 1, Soon);
        go.SetResult();
        await Eventually.TrueAsync(async () => await database.ReadAsync<long>("SELECT count(*) FROM recurring_jobs WHERE name = 'test_recurring' AND succeeded AND result = 'all' AND runs = 1", Ct) == 1, Soon);
    }

    private Task<Node> StartAsync(TestDatabase database, TestJob job, params (string, string)[] settings) =>
        Node.StartAsync(database, Ct, services: services => services.AddSingleton<IJob>(job), settings: [Enabled, .. settings]);

    private static NewJob Job(string n) => new(Kind, $$"""{"n": "{{n}}"}""");

    private async Task<long> CountAsync(TestDatabase database, string condition) => await database.ReadAsync<long>($"SELECT count(*) FROM jobs WHERE {condition}", Ct);

    private static void InterlockedMax(ref int most, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, seen) != seen)
        {
            // Somebody else was quicker.
        }
    }

    private sealed class TestJob(Func<CancellationToken, Task<string?>> run) : IJob
    {
        public System.Collections.Concurrent.ConcurrentQueue<JobRun> Runs { get; } = [];

        public string Kind => JobsTests.Kind;

        public Task<string?> RunAsync(JobRun tried, CancellationToken ct)
        {
            Runs.Enqueue(tried);
            return run(ct);
        }
    }

    private sealed class TestRecurringJob(Func<IProgress<string>, Task<string>> run) : IRecurringJob
    {
        public string Name => "test_recurring";
        public TimeSpan Interval => TimeSpan.FromHours(1);

        public Task<string> RunAsync(IProgress<string> progress, CancellationToken ct) => run(progress);
    }
}
