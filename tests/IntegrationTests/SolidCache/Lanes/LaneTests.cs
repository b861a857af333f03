using Npgsql;
using SolidCache.Lanes;

namespace IntegrationTests.SolidCache.Lanes;

public class LaneTests(Servers servers) : IClassFixture<Servers>
{
    private const string Tenfold = "SELECT n, n * 10::bigint FROM unnest($1::int[]) n WHERE n < 1000000";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LongBeforeTheServerGivesUp = TimeSpan.FromSeconds(15);

    private readonly CancellationToken _ct = servers.TestTimeout;

    // Complete by position instead of by number and this fails: the server answers in its own order, and not for every request.
    [Fact]
    public async Task Each_caller_gets_its_own_row_and_batches_form_by_themselves()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct, o => o.Lanes = 2);
        var statement = new TestStatement(Tenfold);
        var call = stage.Lanes.Add(statement);
        var answers = await Race.RunAsync(64, async caller =>
        {
            var right = 0;
            for (var i = 0; i < 100; i++)
            {
                var number = i % 10 == 9 ? 1_000_000 + i : (caller + 1) * i % 97;
                if (await call.ExecuteAsync(number, _ct) == (number >= 1_000_000 ? -1 : number * 10L)) right++;
            }

            return right;
        });
        Assert.All(answers, right => Assert.Equal(100, right));
        Assert.True(statement.BatchSizes.Count < 3_200, $"{statement.BatchSizes.Count} round trips for 6,400 questions");
        Assert.All(statement.BatchSizes, size => Assert.InRange(size, 1, 256));
    }

    // Cancel the command instead of the wait and this fails: the others get an exception.
    [Fact]
    public async Task Whoever_leaves_harms_nobody()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        using var gate = new Gate();
        var asked = new List<int>();
        var call = stage.Lanes.Add(new TestStatement(Tenfold) { OnBind = numbers => { gate.Pass(); asked.AddRange(numbers); } });
        using var leave = new CancellationTokenSource();

        var underWay = Task.Run(() => call.ExecuteAsync(1, leave.Token), _ct);
        await gate.UntilReachedAsync(_ct);
        var waiting = Enumerable.Range(2, 20).Select(n => (Number: n, Answer: call.ExecuteAsync(n, n % 2 == 0 ? leave.Token : _ct))).ToArray();
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => underWay);
        gate.Open();

        foreach (var (number, answer) in waiting)
        {
            if (number % 2 == 0) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
            else Assert.Equal(number * 10, await answer);
        }

        // Whoever left before the batch formed is not asked for at all.
        Assert.Equal([1, .. Enumerable.Range(2, 20).Where(n => n % 2 == 1)], asked);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.ExecuteAsync(1, leave.Token));
    }

    [Fact]
    public async Task A_full_queue_says_so_at_once_and_takes_callers_again_when_it_has_room()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        using var gate = new Gate();
        var call = stage.Lanes.Add(new TestStatement(Tenfold) { Queued = 3, OnBind = _ => gate.Pass() });
        var first = Task.Run(() => call.ExecuteAsync(1, _ct), _ct);
        await gate.UntilReachedAsync(_ct);
        var waiting = Enumerable.Range(2, 3).Select(n => call.ExecuteAsync(n, _ct)).ToArray();
        await Assert.ThrowsAsync<LaneFullException>(async () => await call.ExecuteAsync(5, _ct));
        gate.Open();
        long[] answers = [await first, .. await Task.WhenAll(waiting), await call.ExecuteAsync(5, _ct)];
        Assert.Equal([10, 20, 30, 40, 50], answers);
    }

    // Fail the whole batch (leave side.Start out of LaneQueue) and 63 innocent callers fail too.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_request_that_spoils_its_batch_fails_alone(bool isRepeatable)
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        using var gate = new Gate();
        var call = stage.Lanes.Add(new TestStatement("SELECT n, 1000::bigint / n FROM unnest($1::int[]) n") { OnBind = _ => gate.Pass(), Repeatable = isRepeatable });
        var answers = await TogetherAsync(gate, call, [.. Enumerable.Range(1, 63), 0]);
        await AssertOnlyFailsAsync<PostgresException>(answers, 0, n => 1000 / n);
    }

    [Fact]
    public async Task A_request_its_own_statement_cannot_bind_fails_alone()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        using var gate = new Gate();
        var call = stage.Lanes.Add(new TestStatement(Tenfold)
        {
            OnBind = numbers =>
            {
                gate.Pass();
                if (numbers.Contains(7)) throw new FormatException("seven");
            },
        });
        var answers = await TogetherAsync(gate, call, [.. Enumerable.Range(1, 20)]);
        await AssertOnlyFailsAsync<FormatException>(answers, 7, n => n * 10);
    }

    [Fact]
    public async Task A_row_that_a_repeatable_statement_cannot_read_fails_alone()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        using var gate = new Gate();
        var call = stage.Lanes.Add(new TestStatement(Tenfold)
        {
            Repeatable = true,
            OnBind = _ => gate.Pass(),
            OnRead = number =>
            {
                if (number == 7) throw new FormatException("seven");
            },
        });
        var answers = await TogetherAsync(gate, call, [.. Enumerable.Range(1, 20)]);
        await AssertOnlyFailsAsync<FormatException>(answers, 7, n => n * 10);
        Assert.Equal(80, await call.ExecuteAsync(8, _ct));
    }

    // Leave HasRun out of LaneQueue and this fails: each row is there twice.
    [Fact]
    public async Task What_wrote_and_could_not_be_read_does_not_write_again()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        await stage.RunAsync("CREATE TABLE written (n int)", _ct);
        using var gate = new Gate();
        var call = stage.Lanes.Add(new TestStatement("INSERT INTO written SELECT unnest($1::int[]) RETURNING n, 1::bigint")
        {
            OnBind = _ => gate.Pass(),
            OnRead = number =>
            {
                if (number == 7) throw new FormatException("seven");
            },
        });
        var answers = await TogetherAsync(gate, call, [.. Enumerable.Range(1, 20)]);
        foreach (var (_, answer) in answers.Skip(1)) await Assert.ThrowsAsync<FormatException>(() => answer);
        Assert.Equal("20 20", await stage.ReadAsync<string>("SELECT count(*) || ' ' || count(DISTINCT n) FROM written", _ct));
    }

    // Give the quick pass beside the lane the time of the slow one and this fails: 2 and all after it wait behind 1.
    [Fact]
    public async Task A_row_that_somebody_holds_makes_only_its_caller_wait()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        await stage.RunAsync("CREATE TABLE counters (n int PRIMARY KEY, v bigint); INSERT INTO counters SELECT n, 0 FROM generate_series(1, 20) n", _ct);
        using var gate = new Gate();
        var call = stage.Lanes.Add(new TestStatement("UPDATE counters SET v = v + 1 WHERE n = ANY ($1) RETURNING n, v") { OnBind = _ => gate.Pass() });
        Task<long> held;
        await using (await HeldLock.TakeAsync(stage.Database, "SELECT FROM counters WHERE n = 2 FOR UPDATE", _ct))
        {
            var answers = await TogetherAsync(gate, call, [1, .. Enumerable.Range(2, 19)]);
            held = answers.Single(a => a.Number == 2).Answer;
            foreach (var (_, answer) in answers.Where(a => a.Number != 2)) Assert.Equal(1, await answer.WaitAsync(LongBeforeTheServerGivesUp, TimeProvider.System, _ct));
            // The lane itself is free as well.
            Assert.Equal(2, await call.ExecuteAsync(5, _ct));
            Assert.False(held.IsCompleted);
        }

        Assert.Equal(1, await held);
    }

    // Repeat what isn't repeatable and the second half fails; repeat nothing and the first does.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task When_the_connection_is_cut_under_a_batch_only_what_may_be_repeated_is(bool isRepeatable)
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        await stage.RunAsync("CREATE SEQUENCE runs", _ct);
        using var gate = new Gate();
        // The second run, which is the batch of many, ends its own server process.
        var call = stage.Lanes.Add(new TestStatement(
            """
            SELECT n, n * 10::bigint
            FROM   (SELECT CASE WHEN nextval('runs') = 2 THEN pg_terminate_backend(pg_backend_pid()) END) cut, pg_sleep(0), unnest($1::int[]) n
            """)
        {
            OnBind = _ => gate.Pass(),
            Repeatable = isRepeatable,
        });
        var answers = await TogetherAsync(gate, call, [.. Enumerable.Range(1, 20)]);
        Assert.Equal(10, await answers[0].Answer);
        foreach (var (number, answer) in answers.Skip(1))
        {
            if (isRepeatable) Assert.Equal(number * 10, await answer);
            else await Assert.ThrowsAnyAsync<NpgsqlException>(() => answer);
        }

        Assert.Equal(80, await call.ExecuteAsync(8, _ct));
        Assert.Equal(isRepeatable ? 4 : 3, await stage.ReadAsync<long>("SELECT last_value FROM runs", _ct));
    }

    [Fact]
    public async Task A_restart_of_the_server_is_not_noticed_by_those_who_ask_after_it()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        var call = stage.Lanes.Add(new TestStatement(Tenfold) { Repeatable = true });
        Assert.Equal(10, await call.ExecuteAsync(1, _ct));
        await stage.CutAsync(_ct);
        var answers = await Task.WhenAll(call.ExecuteAsync(2, _ct), call.ExecuteAsync(3, _ct));
        Assert.Equal([20, 30], answers);
    }

    // Leave the pause out of Lane.ConnectAsync and callers wait for a connection each; never reset it and the last line fails.
    [Fact]
    public async Task While_the_server_is_away_callers_fail_and_afterwards_they_succeed()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        var call = stage.Lanes.Add(new TestStatement(Tenfold) { Repeatable = true });
        Assert.Equal(10, await call.ExecuteAsync(1, _ct));
        await stage.Database.SetReachableAsync(false, _ct);
        for (var i = 0; i < 50; i++) await Assert.ThrowsAnyAsync<NpgsqlException>(() => call.ExecuteAsync(i, _ct));
        await stage.Database.SetReachableAsync(true, _ct);
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                return await call.ExecuteAsync(4, _ct) == 40;
            }
            catch (NpgsqlException)
            {
                return false;
            }
        }, Limit);
    }

    // Take the rows for the end (catch in BatchRun.ExecuteAsync what comes after them) and this fails: 13 is told that it is stored.
    [Fact]
    public async Task Nobody_is_told_of_a_row_before_it_is_committed()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        await stage.RunAsync(
            """
            CREATE TABLE owners (n int PRIMARY KEY);
            INSERT INTO owners SELECT n FROM generate_series(1, 12) n;
            CREATE TABLE owned (n int REFERENCES owners DEFERRABLE INITIALLY DEFERRED)
            """, _ct);
        using var gate = new Gate();
        // The constraint is looked at in the commit, after the rows have been sent.
        var call = stage.Lanes.Add(new TestStatement("INSERT INTO owned SELECT unnest($1::int[]) RETURNING n, n::bigint") { OnBind = _ => gate.Pass() });
        var answers = await TogetherAsync(gate, call, [.. Enumerable.Range(1, 13)]);
        await AssertOnlyFailsAsync<PostgresException>(answers, 13, n => n);
        Assert.Equal("12 12", await stage.ReadAsync<string>("SELECT count(*) || ' ' || max(n) FROM owned", _ct));
    }

    // Forget Abandon and those who wait wait for ever.
    [Fact]
    public async Task When_the_lanes_end_whoever_waits_is_told_so()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        using var gate = new Gate();
        var call = stage.Lanes.Add(new TestStatement(Tenfold) { OnBind = _ => gate.Pass() });
        var first = Task.Run(() => call.ExecuteAsync(1, _ct), _ct);
        await gate.UntilReachedAsync(_ct);
        var waiting = Enumerable.Range(0, 2_000).Select(n => call.ExecuteAsync(n, _ct)).ToArray();
        var end = stage.Lanes.DisposeAsync().AsTask();
        gate.Open();
        await end;

        Assert.Equal(10, await first);
        var ended = 0;
        foreach (var answer in waiting)
        {
            try
            {
                await answer;
            }
            catch (ObjectDisposedException)
            {
                ended++;
            }
        }

        Assert.True(ended > 0);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await call.ExecuteAsync(1, _ct));
    }

    // Without the end of the slow pass (SideRuns' token) this takes the 30 s of the server.
    [Fact]
    public async Task When_the_lanes_end_nobody_waits_for_a_lock_any_longer()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        await stage.RunAsync("CREATE TABLE counters (n int PRIMARY KEY, v bigint); INSERT INTO counters VALUES (1, 0)", _ct);
        var call = stage.Lanes.Add(new TestStatement("UPDATE counters SET v = v + 1 WHERE n = ANY ($1) RETURNING n, v"));
        await using var held = await HeldLock.TakeAsync(stage.Database, "SELECT FROM counters FOR UPDATE", _ct);
        var waiting = call.ExecuteAsync(1, _ct);
        await Eventually.TrueAsync(async () => await stage.ReadAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND now() - query_start > '1 s')
            """, _ct), Limit);
        await stage.Lanes.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
    }

    [Fact]
    public async Task A_statement_out_of_range_is_refused()
    {
        await using var stage = await CacheStage.CreateAsync(servers, _ct);
        Assert.Throws<ArgumentException>(() => stage.Lanes.Add(new TestStatement(Tenfold) { Queued = 0 }));
        Assert.Equal(1, stage.Lanes.Count);
    }

    /// <summary>The first number alone, which keeps the lane busy; then the others in one batch.</summary>
    private async Task<(int Number, Task<long> Answer)[]> TogetherAsync(Gate gate, BatchedCall<int, long> call, int[] numbers)
    {
        var first = (numbers[0], Task.Run(() => call.ExecuteAsync(numbers[0], _ct), _ct));   // who finds the lane idle sends on its own thread
        await gate.UntilReachedAsync(_ct);
        var others = numbers[1..].Select(n => (n, call.ExecuteAsync(n, _ct))).ToArray();
        gate.Open();
        return [first, .. others];
    }

    private static async Task AssertOnlyFailsAsync<TException>((int Number, Task<long> Answer)[] answers, int failing, Func<int, long> expected) where TException : Exception
    {
        foreach (var (number, answer) in answers)
        {
            if (number == failing) await Assert.ThrowsAnyAsync<TException>(() => answer);
            else Assert.Equal(expected(number), await answer);
        }
    }
}
